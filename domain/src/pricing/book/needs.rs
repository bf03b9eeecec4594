//! What must be there before a version of a proposal may be executed: nobody, or so many persons.

use rust_decimal::Decimal;

use super::case::{Case, Numbered};
use super::{Book, Chain, DAY_MS, days_before};
use crate::catalog::Grounds;
use crate::clock::Timestamp;
use crate::fabric::shares::Shares;
use crate::pricing::controls::{Content, Controls, Subject};
use crate::pricing::list_change;
use crate::pricing::policy::{Answer, Limits, Policy};

/// Beside whoever proposes shares of the traffic.
const ROUTING_PERSONS: u32 = 1;

/// Who must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// What it rests on is not known here yet.
    Unknown,
    Nobody,
    Persons(u32),
}

pub(super) fn of(book: &Book, case: &Case, numbered: &Numbered, at: Timestamp) -> Needs {
    let edition = &numbered.edition;
    let Some(policy) = book.policy_of(edition.policy_version) else { return Needs::Unknown };
    let controls = match &edition.content {
        Content::Policy { .. } => return Needs::Persons(policy.policy_persons),
        Content::Routing { shares } => return of_routing(book, case, numbered, shares),
        // By what it was held against when this version was made: whoever opens, approves and executes it
        // holds that against what is so then.
        Content::ListPrice { price } => {
            return Needs::Persons(list_change::persons(&edition.facts, price, &policy.quorum));
        }
        Content::Controls { controls, .. } => controls,
    };
    let none = Chain::default();
    let Subject::Tenant(tenant) = edition.content.subject() else { return Needs::Unknown };
    let chain = book.controls.get(&tenant).unwrap_or(&none);
    let base = edition.base_version;
    let Some(before) = chain.controls(base) else { return Needs::Unknown };
    // An edit is a person's, whatever the first version was.
    let untouched = numbered.version == 1;
    let limits = edition.rule.as_ref().and_then(|rule| policy.named(rule)).map(|rule| rule.limits);
    let alone = match case.grounds {
        Grounds::Automatic => {
            limits.is_some_and(|it| within_bounds(&it, chain, base, controls, at))
        }
        Grounds::Rollback => takes_back(chain, base, controls),
        Grounds::Shortfall => {
            policy.watch.answer == Answer::RollBack && takes_back(chain, base, controls)
        }
        Grounds::Person | Grounds::Engine | Grounds::Foresight => false,
    };
    if untouched && alone {
        Needs::Nobody
    } else {
        Needs::Persons(persons(policy, &before, controls))
    }
}

/// Where the traffic goes: a second person, or nobody for what takes the last change back.
fn of_routing(book: &Book, case: &Case, numbered: &Numbered, shares: &Shares) -> Needs {
    let (chain, base) = (&book.shares, numbered.edition.base_version);
    let last = chain.get(base).filter(|last| !last.grounds.takes_back());
    let before = base.checked_sub(1).and_then(|before| chain.shares(before));
    let back =
        case.grounds == Grounds::Rollback && last.is_some() && before.as_ref() == Some(shares);
    if back && numbered.version == 1 { Needs::Nobody } else { Needs::Persons(ROUTING_PERSONS) }
}

/// The most that any part of the change asks for.
pub(super) fn persons(policy: &Policy, before: &Controls, after: &Controls) -> u32 {
    let price = policy.quorum.persons(after.price_change(before));
    let overage = match (before.overage_of_list, after.overage_of_list) {
        (None, Some(_)) => policy.first_overage_persons,
        (Some(was), Some(is)) if was != is => policy.quorum.persons(is / was - Decimal::ONE),
        _ => 1,
    };
    let limits = (before.concurrency, before.token_cap) != (after.concurrency, after.token_cap);
    let contract = if limits { policy.contract_persons } else { 1 };
    price.max(overage).max(contract)
}

/// Back to what was in force before the last change; a change that itself took something back is
/// proposed anew.
fn takes_back(chain: &Chain<Controls>, base: u64, after: &Controls) -> bool {
    let last = chain.get(base).filter(|last| !last.grounds.takes_back());
    last.is_some() && base.checked_sub(1).and_then(|it| chain.controls(it)) == Some(*after)
}

/// Is this change of price one that policy lets through by itself, after `base` versions?
#[must_use]
pub fn within_bounds(
    limits: &Limits,
    chain: &Chain<Controls>,
    base: u64,
    after: &Controls,
    at: Timestamp,
) -> bool {
    let Some(before) = chain.controls(base) else { return false };
    let anchor = chain.controls_at(days_before(at, limits.cumulative_days), base).price_of_list;
    let (was, is) = (before.price_of_list, after.price_of_list);
    let within = |from: Decimal, share: Decimal| (is - from).abs() <= share * from;
    let rested = days_since_change(chain, base, at).is_none_or(|days| days >= limits.cooldown_days);
    after.differs_in_price_only(&before)
        && within(was, limits.auto_max)
        && within(was, limits.step_max)
        && within(anchor, limits.cumulative_max)
        && (limits.floor_of_list..=limits.ceiling_of_list).contains(&is)
        && rested
}

/// Whole days since the price changed, in the first `base` versions.
pub(super) fn days_since_change(chain: &Chain<Controls>, base: u64, at: Timestamp) -> Option<u32> {
    let until = usize::try_from(base).unwrap_or(usize::MAX);
    let mut before = Decimal::ONE;
    let mut changed = None;
    for applied in chain.iter().take(until) {
        if applied.value.price_of_list != before {
            changed = Some(applied.at);
        }
        before = applied.value.price_of_list;
    }
    let days = at.unix_ms().saturating_sub(changed?.unix_ms()).max(0) / DAY_MS;
    Some(u32::try_from(days).unwrap_or(u32::MAX))
}
