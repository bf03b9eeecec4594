//! Contracts that fix a tenant's price. They are a part of the policy, so proposing one proposes the
//! policy's next version: which contract a policy is about, and what of that waits.

use std::collections::BTreeSet;

use app::backend::PolicyWaits;
use domain::clock::{DAY_MS, Timestamp};
use domain::event::TenantId;
use domain::pricing::book::{Book, Case};
use domain::pricing::controls::{Content, Subject};
use domain::pricing::policy::Policy;

use super::foresight::{day, hour};

/// What a policy changes, where that is the contract of one tenant and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Contract<'a> {
    tenant: &'a TenantId,
    /// Nothing: it ends.
    until: Option<Timestamp>,
}

impl<'a> Contract<'a> {
    fn between(before: &'a Policy, after: &'a Policy) -> Option<Self> {
        let others = Policy { locked_until: before.locked_until.clone(), ..after.clone() };
        if others != *before {
            return None;
        }
        let (was, is) = (&before.locked_until, &after.locked_until);
        let tenants: BTreeSet<&TenantId> = was.keys().chain(is.keys()).collect();
        let mut changed = tenants.into_iter().filter(|tenant| was.get(*tenant) != is.get(*tenant));
        let tenant = changed.next().filter(|_| changed.next().is_none())?;
        Some(Contract { tenant, until: is.get(tenant).copied() })
    }
}

pub(super) fn contract_title(before: &Policy, after: &Policy) -> Option<String> {
    let Contract { tenant, until } = Contract::between(before, after)?;
    Some(match until {
        Some(until) => format!("Contract of {tenant}: its price is fixed {}", until_words(until)),
        None => format!("Contract of {tenant}: ended, its price may move again"),
    })
}

/// The policy that waits, as whoever looks at a tenant's contract is told of it.
pub(super) fn waiting(book: &Book, of: &TenantId, now: Timestamp) -> Option<PolicyWaits> {
    let case = book.open_about(&Subject::Policy, now)?;
    let edition = &case.current().edition;
    let Content::Policy { policy } = &edition.content else { return None };
    let before = book.policy_of(edition.base_version);
    let contract = before.and_then(|before| Contract::between(before, policy));
    let own = contract.is_some_and(|contract| contract.tenant == of);
    let what = match contract {
        Some(Contract { until: Some(until), .. }) if own => {
            format!("Fixing its price {}", until_words(until))
        }
        Some(Contract { until: None, .. }) if own => "Ending its contract".to_owned(),
        Some(Contract { tenant, .. }) => format!("A contract of {tenant}"),
        None => format!("Version {} of the policy", edition.base_version + 1),
    };
    let sentence = format!("{what} {}.", waits(case));
    Some(PolicyWaits { proposal_id: case.id.to_string(), sentence, own })
}

fn waits(case: &Case) -> String {
    match case.quorum().map(|quorum| quorum.saturating_sub(case.agreed())) {
        None => "waits for approval".to_owned(),
        Some(0) => "is approved and not in force yet".to_owned(),
        Some(1) => "waits for 1 more admin".to_owned(),
        Some(more) => format!("waits for {more} more admins"),
    }
}

/// Contracts run to the end of a day, unless a program proposed another time.
fn until_words(until: Timestamp) -> String {
    if until.unix_ms().rem_euclid(DAY_MS) == 0 {
        let last = Timestamp::from_unix_ms(until.unix_ms() - DAY_MS);
        format!("to the end of {} (UTC)", day(last))
    } else {
        format!("until {}", hour(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(standard: &Policy, tenant: &str, until: &str) -> Policy {
        let mut fixed = standard.clone();
        let tenant = TenantId::try_from(tenant.to_owned()).expect("an id");
        fixed.locked_until.insert(tenant, until.parse().expect("a time"));
        fixed
    }

    #[test]
    fn a_policy_that_differs_by_a_contract_is_named_after_it() {
        let standard = Policy::default();
        let acme = fixed(&standard, "acme", "2099-01-01T00:00:00Z");
        let until = "Contract of acme: its price is fixed to the end of 2098-12-31 (UTC)";
        assert_eq!(contract_title(&standard, &acme).as_deref(), Some(until));
        let noon = fixed(&standard, "acme", "2099-01-01T12:00:00Z");
        let until = "Contract of acme: its price is fixed until 2099-01-01 12:00 UTC";
        assert_eq!(contract_title(&standard, &noon).as_deref(), Some(until));
        let ended = "Contract of acme: ended, its price may move again";
        assert_eq!(contract_title(&acme, &standard).as_deref(), Some(ended));
        let two = fixed(&acme, "bolt", "2099-01-01T00:00:00Z");
        assert_eq!(contract_title(&standard, &two), None);
        let other = Policy { expiry_days: standard.expiry_days + 1, ..acme };
        assert_eq!(contract_title(&standard, &other), None);
    }
}
