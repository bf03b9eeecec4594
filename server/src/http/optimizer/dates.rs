//! Until when a contract may fix a price: a day that is to come, and one that its typist meant.

use domain::clock::{DAY_MS, Timestamp};
use domain::pricing::policy::Policy;

use crate::problem::Problem;

/// No contract about prices runs longer; what lies further ahead is a slip of a digit.
const CONTRACT_YEARS_MAX: i64 = 10;
const YEAR_DAYS: i64 = 366;

/// What is wrong with the end of a contract; none: nothing.
pub(in crate::http) fn unfit_end(until: Timestamp, now: Timestamp) -> Option<String> {
    let ahead_ms = until.unix_ms().saturating_sub(now.unix_ms());
    let day = until.to_string().chars().take(10).collect::<String>();
    if ahead_ms <= 0 {
        Some(format!("is over: it ends at {day}, which is past"))
    } else if ahead_ms > CONTRACT_YEARS_MAX * YEAR_DAYS * DAY_MS {
        Some(format!(
            "is {day}: more than {CONTRACT_YEARS_MAX} years ahead; give a nearer end, and extend it then"
        ))
    } else {
        None
    }
}

/// Ends of contracts that a policy brings; what is in force already stays as it is.
pub(super) fn contracts(before: &Policy, policy: &Policy, now: Timestamp) -> Result<(), Problem> {
    let problem = Problem::invalid("A contract does not end when a contract may.");
    let unfit = policy
        .locked_until
        .iter()
        .filter(|(tenant, until)| before.locked_until.get(*tenant) != Some(*until))
        .filter_map(|(tenant, until)| Some((tenant, unfit_end(*until, now)?)));
    let problem = unfit.fold(problem, |problem, (tenant, why)| {
        problem.field(format!("/policy/lockedUntil/{tenant}"), why)
    });
    if problem.errors.is_empty() { Ok(()) } else { Err(problem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_contract_ends_in_the_future_and_within_ten_years() {
        let now = at("2026-11-27T00:00:00Z");
        assert_eq!(unfit_end(at("2027-01-01T00:00:00Z"), now), None);
        assert_eq!(unfit_end(at("2036-11-01T00:00:00Z"), now), None);
        let past = unfit_end(at("2026-11-26T00:00:00Z"), now).expect("past");
        assert!(past.contains("is over"), "{past}");
        let far = unfit_end(at("2206-11-26T00:00:00Z"), now).expect("far");
        assert!(far.contains("2206-11-26: more than 10 years ahead"), "{far}");
    }

    #[test]
    fn only_ends_that_a_policy_brings_are_looked_at_and_each_is_named() {
        let now = at("2026-11-27T00:00:00Z");
        let with = |ends: &[(&str, &str)]| {
            let tenant = |id: &str| id.to_owned().try_into().expect("an id");
            let locked_until = ends.iter().map(|(id, until)| (tenant(id), at(until))).collect();
            Policy { locked_until, ..Policy::default() }
        };
        let before = with(&[("acme", "2020-01-01T00:00:00Z")]);
        assert!(contracts(&before, &before, now).is_ok());
        let wanted = with(&[
            ("acme", "2020-01-01T00:00:00Z"),
            ("juniper", "2020-01-01T00:00:00Z"),
            ("quanta", "2999-01-01T00:00:00Z"),
        ]);
        let problem = contracts(&before, &wanted, now).expect_err("two are wrong");
        let fields: Vec<&str> = problem.errors.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["/policy/lockedUntil/juniper", "/policy/lockedUntil/quanta"]);
    }
}
