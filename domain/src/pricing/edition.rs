//! A version of a proposal as of now: the money facts that it rests on, and which of them moved
//! since.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::approval::{Drift, Facts};
use super::book::Book;
use super::controls::{Content, Subject};
use super::recommend::Figures;
use crate::catalog::Edition;
use crate::clock::{DAY_MS, Timestamp};
use crate::cloud::Cloud;
use crate::economics::quantity::Share;

/// Facts that move with every request; policy says how far they may.
pub(super) const MARGIN: &str = "margin";
pub(super) const COST: &str = "costOfList";
/// The share of the list amount beyond the cap. Stated only where that has a price of its own.
pub(super) const BEYOND: &str = "beyondCap";
/// Places of a cost, as a share of the list price.
const COST_DECIMALS: u32 = 4;

/// A tenant, as the catalogue has it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub tier: &'a str,
    /// The cloud that serves it first.
    pub cloud: Cloud,
    pub active: bool,
}

/// A version as of these figures. `about`: whom it is about, where that is a tenant that is known.
#[must_use]
pub fn edition(
    book: &Book,
    content: Content,
    reason: String,
    about: Option<About<'_>>,
    figures: Option<&Figures>,
    now: Timestamp,
) -> Edition {
    let subject = content.subject();
    let (policy_version, policy) = book.policy();
    let rule = about.and_then(|about| policy.rule(about.tier, about.cloud));
    let lasts_ms = i64::from(policy.expiry_days) * DAY_MS;
    Edition {
        base_version: book.version_of(&subject),
        policy_version,
        rule: rule.map(|rule| rule.name.clone()),
        facts: facts(book, &subject, about, figures),
        expires_at: Timestamp::from_unix_ms(now.unix_ms().saturating_add(lasts_ms)),
        content,
        reason,
    }
}

/// What a decision about the subject rests on.
#[must_use]
pub fn facts(
    book: &Book,
    subject: &Subject,
    about: Option<About<'_>>,
    figures: Option<&Figures>,
) -> Facts {
    let mut facts = Facts::from([("version".to_owned(), Decimal::from(book.version_of(subject)))]);
    if *subject == Subject::Routing {
        return facts;
    }
    facts.insert("policyVersion".to_owned(), Decimal::from(book.policy().0));
    if matches!(subject, Subject::Tenant(_)) {
        let active = about.is_some_and(|about| about.active);
        facts.insert("tenantActive".to_owned(), Decimal::from(u8::from(active)));
    }
    facts.extend(about.map(|about| (format!("tier {}", about.tier), Decimal::ONE)));
    let Some(figures) = figures else { return facts };
    facts.extend(figures.margin().map(|margin| (MARGIN.to_owned(), margin)));
    let cost = figures.cost_usd.checked_div(figures.list_usd);
    let stated = |share: Decimal| share.round_dp(COST_DECIMALS).normalize();
    facts.extend(cost.map(|cost| (COST.to_owned(), stated(cost))));
    if let Subject::Tenant(tenant) = subject
        && book.controls(tenant).overage().is_some()
    {
        let beyond = figures.beyond_of_list().unwrap_or_default();
        facts.insert(BEYOND.to_owned(), stated(beyond));
    }
    facts
}

/// What moved less than is borne is as it was: margins absolutely, costs relatively. The share
/// beyond a cap rises as a month goes on and falls as the next one begins; what that does to the
/// margin is in the margin.
#[must_use]
pub fn settled(then: &Facts, mut now: Facts, bearable: Share) -> Facts {
    for (fact, was) in then {
        let room = match fact.as_str() {
            MARGIN => bearable.get(),
            BEYOND => Decimal::ONE,
            COST => bearable.get() * *was,
            _ => continue,
        };
        if let Some(is) = now.get_mut(fact).filter(|is| (**is - *was).abs() <= room) {
            *is = *was;
        }
    }
    now
}

/// The facts that are no longer the same.
#[must_use]
pub fn drifted(then: &Facts, now: &Facts) -> Vec<Drift> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let drift = |fact: &String| {
        let (then, now) = (then.get(fact).copied(), now.get(fact).copied());
        (then != now).then(|| Drift { fact: fact.clone(), then, now })
    };
    names.into_iter().filter_map(drift).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(margin: &str, cost: &str) -> Facts {
        let number = |text: &str| text.parse().expect("a decimal");
        Facts::from([
            (MARGIN.to_owned(), number(margin)),
            (COST.to_owned(), number(cost)),
            ("policyVersion".to_owned(), Decimal::ONE),
        ])
    }

    #[test]
    fn what_moved_less_than_policy_bears_is_as_it_was_and_versions_are_exact() {
        let bearable = Share::new("a share", Decimal::new(2, 2)).expect("a share");
        let then = facts("0.31", "0.66");
        assert_eq!(settled(&then, facts("0.33", "0.65"), bearable), then);
        assert_ne!(settled(&then, facts("0.3301", "0.65"), bearable), then);
        assert_ne!(settled(&then, facts("0.31", "0.68"), bearable), then);
        let mut other = facts("0.31", "0.66");
        other.insert("policyVersion".to_owned(), Decimal::TWO);
        assert_eq!(settled(&then, other.clone(), bearable), other);
        let drifted: Vec<String> =
            drifted(&then, &other).into_iter().map(|drift| drift.fact).collect();
        assert_eq!(drifted, ["policyVersion"]);
    }

    #[test]
    fn the_share_beyond_a_cap_rises_as_a_month_goes_on_and_is_no_news_but_that_there_is_one_is() {
        let bearable = Share::new("a share", Decimal::new(2, 2)).expect("a share");
        let with = |margin: &str, beyond: i64| {
            let mut facts = facts(margin, "0.66");
            facts.insert(BEYOND.to_owned(), Decimal::new(beyond, 2));
            facts
        };
        let then = with("0.31", 10);
        assert_eq!(settled(&then, with("0.32", 45), bearable), then);
        assert_eq!(settled(&then, with("0.32", 0), bearable), then);
        let names = |now: Facts| -> Vec<String> {
            let now = settled(&then, now, bearable);
            drifted(&then, &now).into_iter().map(|drift| drift.fact).collect()
        };
        assert_eq!(names(with("0.36", 45)), [MARGIN], "what it does to the margin counts");
        assert_eq!(names(facts("0.31", "0.66")), [BEYOND], "other terms are another decision");
    }
}
