//! One look at one tenant: what is said of it, and the proposal that comes of it.
//!
//! A change that fell short of its promise is taken back first; only else is another price
//! proposed. Nothing is proposed while a proposal about the tenant is open, or within the cool-down
//! after people refused one.

use super::book::{Applied, Book, Chain, Standing as Stands};
use super::controls::{Content, Controls, Subject};
use super::drift::{Fared, fared, promised};
use super::edition::{About, edition};
use super::guardrail::Status;
use super::margin;
use super::margin_watch::Band;
use super::policy::Limits;
use super::recommend::{Advice, Day, Figures, Standing, advise};
use crate::catalog::{Edition, Grounds};
use crate::clock::{DAY_MS, Timestamp, days};
use crate::economics::EconomicsError;
use crate::economics::quantity::float;
use crate::event::TenantId;

/// A price that never changed is as old as can be.
const NEVER_DAYS: u32 = u32::MAX;

/// A tenant, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub tenant: &'a TenantId,
    pub about: About<'a>,
    pub figures: &'a Figures,
    /// By UTC day, the first first.
    pub days: &'a [Day],
    /// What was said last.
    pub before: Option<&'a Advice>,
}

/// What there is to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub advice: Advice,
    pub opening: Option<Opening>,
}

/// A proposal that is to be opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    pub grounds: Grounds,
    pub edition: Edition,
}

/// Looks. `None`: no rule of the policy is about this tenant.
///
/// # Errors
/// Negative amounts, or numbers beyond decimals.
pub fn look(book: &Book, seen: &Seen<'_>, now: Timestamp) -> Result<Option<Said>, EconomicsError> {
    let policy = book.policy().1;
    let Some(rule) = policy.rule(seen.about.tier, seen.about.cloud) else { return Ok(None) };
    let standing = standing(book, seen.tenant, &rule.limits, now);
    let watch = seen.before.map(|before| before.watch).unwrap_or_default();
    let advice = advise(policy, rule, seen.figures.clone(), seen.days, &standing, watch)?;
    let subject = Subject::Tenant(seen.tenant.clone());
    let may_open = may_open(book, &subject, rule.limits.cooldown_days, now);
    let wish = may_open.then(|| taken_back(book, seen, now).or_else(|| moved(book, seen, &advice)));
    let opening = wish.flatten().map(|Wish { grounds, controls, reason }| {
        let content = Content::Controls { tenant_id: seen.tenant.clone(), controls };
        let (about, figures) = (Some(seen.about), Some(seen.figures));
        Opening { grounds, edition: edition(book, content, reason, about, figures, now) }
    });
    Ok(Some(Said { advice, opening }))
}

struct Wish {
    grounds: Grounds,
    controls: Controls,
    reason: String,
}

/// The price that the advice is about.
fn moved(book: &Book, seen: &Seen<'_>, advice: &Advice) -> Option<Wish> {
    let price = advice.price.as_ref()?;
    let automatic = match price.status {
        Status::Hold => return None,
        Status::AutoApply => book.is_automatic(seen.tenant),
        Status::NeedsApproval => false,
    };
    let before = book.controls(seen.tenant);
    Some(Wish {
        grounds: if automatic { Grounds::Automatic } else { Grounds::Engine },
        controls: Controls { price_of_list: price.price_of_list, ..before },
        reason: reason(advice),
    })
}

fn reason(advice: &Advice) -> String {
    let margin = advice.margin.map_or_else(|| "not known".to_owned(), margin::told);
    match advice.watch.band() {
        Band::Low => format!("The margin is {margin}, below the floor of its band."),
        Band::High => {
            format!("The margin is {margin}, above its band: a lower price may earn more.")
        }
        Band::Normal => format!("The margin is {margin}."),
    }
}

/// What was in force before a change that fell short of its promise.
fn taken_back(book: &Book, seen: &Seen<'_>, now: Timestamp) -> Option<Wish> {
    let chain = book.chain(seen.tenant)?;
    if book.policy().1.is_locked(seen.tenant, now) {
        return None;
    }
    let fared = last_change_fared(book, seen, now).filter(|fared| fared.broke)?;
    let limit = book.policy().1.watch.limit;
    let reason = format!(
        "Version {} promised a margin of {}; over {} it was {}, and its shortfalls add up to {} points \
         where {} are borne.",
        chain.version(),
        margin::told_float(fared.promised),
        days(fared.days),
        margin::told_float(fared.realised),
        points(fared.shortfall.get()),
        points(limit),
    );
    let controls = chain.controls(chain.version().checked_sub(1)?)?;
    // Nothing moves by itself where that was not switched on.
    let alone = book.is_automatic(seen.tenant);
    let grounds = if alone { Grounds::Shortfall } else { Grounds::Engine };
    Some(Wish { grounds, controls, reason })
}

/// A difference of margins, in percentage points: small ones count, so with two decimals.
fn points(difference: f64) -> String {
    format!("{:.2}", 100.0 * difference)
}

/// How the tenant's last change of its price or its overage fares. `None`: there was none, it took
/// something back, it is watched no longer, or no whole day has passed.
#[must_use]
pub fn last_change_fared(book: &Book, seen: &Seen<'_>, now: Timestamp) -> Option<Fared> {
    let chain = book.chain(seen.tenant)?;
    let last = chain.last().filter(|last| !last.grounds.takes_back())?;
    let (before, after) = (chain.controls(chain.version().checked_sub(1)?)?, last.value);
    if before.earns_as(&after) {
        return None;
    }
    let facts = &book.case(last.proposal_id)?.current().edition.facts;
    let promised = promised(facts, &before, &after)?;
    let watch = book.policy().1.watch;
    let ends_ms = i64::from(watch.days).saturating_add(1).saturating_mul(DAY_MS);
    if now.unix_ms() >= last.at.unix_ms().saturating_add(ends_ms) {
        return None;
    }
    let realised = realised(last, seen, watch.days, now);
    fared(&watch, promised, &realised)
}

/// The margins of the whole days since the change, at its price.
fn realised(
    last: &Applied<Controls>,
    seen: &Seen<'_>,
    watched_days: u32,
    now: Timestamp,
) -> Vec<f64> {
    let day_of = |at: Timestamp| at.unix_ms().div_euclid(DAY_MS);
    let (first, today) = (day_of(last.at) + 1, day_of(now));
    let until = today.min(first + i64::from(watched_days));
    let whole = seen.days.iter().filter(|day| (first..until).contains(&day.number));
    let penalty = float(seen.figures.penalty_rate.get());
    let margin = |day: &Day| 1.0 - day.cost_of_list / day.earned_of_list(&last.value) - penalty;
    whole.map(margin).collect()
}

/// What holds for a tenant's price now, as the guardrails ask it.
pub(super) fn standing(
    book: &Book,
    tenant: &TenantId,
    limits: &Limits,
    now: Timestamp,
) -> Standing {
    let none = Chain::default();
    let chain = book.chain(tenant).unwrap_or(&none);
    Standing {
        controls: chain.current(),
        anchor_of_list: chain.anchor(now, limits.cumulative_days).price_of_list,
        days_since_change: chain.days_since_change(now).unwrap_or(NEVER_DAYS),
        contract_locked: book.policy().1.is_locked(tenant, now),
        kill_switch: book.is_killed(),
        automatic: book.is_automatic(tenant),
    }
}

/// Nobody is asked twice: while a proposal about it is open, or so soon after one was refused.
pub(super) fn may_open(book: &Book, subject: &Subject, rest_days: u32, now: Timestamp) -> bool {
    book.open_about(subject, now).is_none() && !was_refused(book, subject, rest_days, now)
}

fn was_refused(book: &Book, subject: &Subject, rest_days: u32, now: Timestamp) -> bool {
    let since = now.unix_ms().saturating_sub(i64::from(rest_days) * DAY_MS);
    let about = book.cases().filter(|case| case.subject() == *subject);
    let mut recent = about.filter(|case| case.opened_at.unix_ms() >= since);
    recent.any(|case| case.standing(now) == Stands::Rejected)
}
