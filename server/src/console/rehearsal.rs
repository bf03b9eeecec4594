//! A rehearsal of a policy, as the page Optimizer asks for it: the policy in force with some numbers of
//! its rule for everybody changed.

use app::backend::{RehearsalForm, RehearsedView};
use domain::economics::draw::Seed;
use domain::economics::quantity::Share;
use domain::pricing::controls::Content;
use domain::pricing::policy::{Limits, Policy};
use domain::pricing::rehearsal::{FIRST_WINDOW_DAYS, Outcome};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Console;
use super::figures::grouped;
use crate::economics::absurd;
use crate::optimizer::{REHEARSED_DAYS, REHEARSED_SEED, Rehearsed, rehearsed_days};
use crate::problem::Problem;
use crate::projection::Catalog;
use crate::typed::{percent, whole, wrong};

impl Console {
    /// # Errors
    /// A number is none, no such policy may be, or the usage cannot be read.
    pub async fn rehearse(&self, form: &RehearsalForm) -> Result<RehearsedView, Problem> {
        let catalog = self.projection.catalog();
        let in_force = catalog.book().policy().1;
        let days = rehearsed_days(whole("days", &form.days)?)?;
        let seed = whole("seed", &form.seed)?.map_or(REHEARSED_SEED, Seed);
        let proposed = proposed(&catalog, &form.proposal)?;
        let wanted = changed(proposed.unwrap_or(in_force), form)?;
        wanted.check().map_err(|error| absurd(&error))?;
        let policy = (wanted != *in_force).then_some(wanted);
        Ok(view(&self.optimizer.rehearse(policy, days, seed).await?))
    }
}

/// The policy of a proposal, where its is to be played: blank, the one in force.
fn proposed<'a>(catalog: &'a Catalog, id: &str) -> Result<Option<&'a Policy>, Problem> {
    if id.trim().is_empty() {
        return Ok(None);
    }
    let case = id.trim().parse::<Uuid>().ok().and_then(|id| catalog.book().case(id));
    match case.map(|case| &case.current().edition.content) {
        Some(Content::Policy { policy }) => Ok(Some(policy)),
        Some(_) => Err(wrong("proposal", "is about no policy, so there is nothing to rehearse")),
        None => Err(Problem::not_found(format!("No proposal \"{id}\" is final here."))),
    }
}

/// What the form begins with.
pub(super) fn form(policy: &Policy) -> RehearsalForm {
    let limits = policy.everybody().map(|rule| rule.limits).unwrap_or_default();
    let bare = |share: Decimal| (share * Decimal::ONE_HUNDRED).normalize().to_string();
    RehearsalForm {
        days: REHEARSED_DAYS.to_string(),
        seed: REHEARSED_SEED.0.to_string(),
        auto_max: bare(limits.auto_max),
        step_max: bare(limits.step_max),
        cumulative_max: bare(limits.cumulative_max),
        cooldown_days: limits.cooldown_days.to_string(),
        margin_min: bare(limits.margin_min.get()),
        proposal: String::new(),
    }
}

fn changed(policy: &Policy, form: &RehearsalForm) -> Result<Policy, Problem> {
    let mut policy = policy.clone();
    if let Some(rule) = policy.everybody_mut() {
        rule.limits = limits(rule.limits, form)?;
    }
    Ok(policy)
}

fn limits(mut limits: Limits, form: &RehearsalForm) -> Result<Limits, Problem> {
    let texts = [
        ("autoMax", &form.auto_max, &mut limits.auto_max),
        ("stepMax", &form.step_max, &mut limits.step_max),
        ("cumulativeMax", &form.cumulative_max, &mut limits.cumulative_max),
    ];
    for (field, text, place) in texts {
        if let Some(share) = percent(field, text)? {
            *place = share;
        }
    }
    if let Some(days) = whole("cooldownDays", &form.cooldown_days)? {
        limits.cooldown_days = days;
    }
    if let Some(share) = percent("marginMin", &form.margin_min)? {
        limits.margin_min =
            Share::new("the margin floor", share).map_err(|error| absurd(&error))?;
    }
    Ok(limits)
}

fn view(played: &Rehearsed) -> RehearsedView {
    let it = &played.outcome;
    let count = |number: u32| grouped(number);
    let usd = |usd: f64| format!("{}${:.2}", if usd < 0.0 { "−" } else { "" }, usd.abs());
    let counts = [
        ("Tenants", count(it.tenants)),
        ("Looks at them", count(it.looks)),
        ("Applied by themselves", count(it.automatic)),
        ("Approved and applied", count(it.approved)),
        ("Rejected", count(it.rejected)),
        ("Expired", count(it.expired)),
        ("Held by a guardrail", count(it.held)),
        ("Stopped because facts changed", count(it.stale)),
        ("Taken back", count(it.taken_back)),
        ("Profit with the policy", usd(it.profit_usd)),
        ("Profit at list prices", usd(it.profit_without_usd)),
    ];
    RehearsedView {
        from: played.from,
        to: played.to,
        policy_version: played.policy_version,
        seed: played.seed.0.to_string(),
        counts: counts.map(|(what, much)| [what.to_owned(), much]).to_vec(),
        broken: it.broken.clone(),
        days: it.days,
        too_few: (!it.is_enough()).then(|| too_few(it)),
    }
}

/// Why it says nothing of the bounds, and what to do.
fn too_few(it: &Outcome) -> String {
    let cooldown_days = it.days_min.saturating_sub(1);
    let usage_days = it.days_min.saturating_add(FIRST_WINDOW_DAYS);
    let days = if it.days == 1 { "1 day was" } else { &format!("{} days were", it.days) };
    format!(
        "{days} looked at, which is too few to judge: within a cool-down of {cooldown_days} days no price \
         changes twice, so that hardly a bound can be broken. Rehearse at least {usage_days} days of usage \
         ({FIRST_WINDOW_DAYS} come before the first look), or wait until as many are recorded."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_days_are_told_with_what_is_needed_to_judge() {
        let words = too_few(&Outcome { days: 3, days_min: 15, ..Outcome::default() });
        assert!(words.starts_with("3 days were looked at, which is too few to judge"), "{words}");
        assert!(
            words.contains("cool-down of 14 days") && words.contains("at least 22 days"),
            "{words}"
        );
    }

    #[test]
    fn a_form_as_it_begins_rehearses_the_policy_in_force_and_a_changed_one_another() {
        let policy = Policy::default();
        let form = form(&policy);
        assert_eq!(changed(&policy, &form).expect("readable"), policy);
        let other = RehearsalForm { step_max: "6 %".to_owned(), ..form.clone() };
        let limits = changed(&policy, &other).expect("readable").rules[0].limits;
        assert_eq!(limits.step_max, Decimal::new(6, 2));
        let blank = changed(&policy, &RehearsalForm::default()).expect("readable");
        assert_eq!(blank, policy);
        let wrong = RehearsalForm { auto_max: "much".to_owned(), ..form };
        assert_eq!(changed(&policy, &wrong).expect_err("no number").errors[0].field, "/autoMax");
    }
}
