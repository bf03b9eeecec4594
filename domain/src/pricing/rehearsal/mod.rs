//! The optimizer played day by day over recorded usage, with autonomy on and people who answer:
//! what a policy would do, before it is put in force.
//!
//! Everything that decides is the real thing: [`look`], the [`Book`] of events, the approvals.
//! Played are the clock, the people (from a seed), and how usage follows a price (the policy's
//! assumed elasticity). What was applied is then checked against the policy by [`bounds`], from the
//! numbers alone.

mod bounds;
mod world;

use rust_decimal::Decimal;
use serde::Serialize;

use super::approval::Facts;
use super::book::{Book, Case, Standing};
use super::controls::Subject;
use super::edition::{About, drifted, facts, settled};
use super::guardrail::Status;
use super::look::{Seen, look};
use super::policy::Policy;
use super::recommend::{Advice, Day, Figures};
use crate::catalog::Grounds;
use crate::clock::DAY_MS;
use crate::cloud::Cloud;
use crate::economics::EconomicsError;
use crate::economics::draw::{Seed, Stream};
use crate::economics::quantity::{Share, checked, float};
use crate::event::TenantId;

use world::World;

/// Days of usage before the first look.
pub const FIRST_WINDOW_DAYS: u32 = 7;
/// Of proposals that wait for people: approved, or else refused; the rest is left to expire.
const APPROVED: f64 = 0.6;
const REFUSED: f64 = 0.8;

/// A tenant with its recorded usage.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    pub tenant: TenantId,
    pub tier: String,
    pub cloud: Cloud,
    pub penalty_rate: Share,
    /// By UTC day, the first first, as it was at the list price.
    pub days: Vec<Day>,
}

/// What a rehearsal came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Days that were looked at.
    pub days: u32,
    /// With fewer of them that no bound was broken says nothing: see [`days_min`].
    pub days_min: u32,
    pub tenants: u32,
    /// A tenant, on a day.
    pub looks: u32,
    /// Looks whose price was held by a guardrail.
    pub held: u32,
    /// Changes that applied by themselves, within policy.
    pub automatic: u32,
    /// Changes that people approved.
    pub approved: u32,
    pub rejected: u32,
    /// Proposals that nobody answered in time.
    pub expired: u32,
    /// Approved, and not executed, since the facts had changed.
    pub stale: u32,
    /// Changes taken back, since the margin fell short of what they promised.
    pub taken_back: u32,
    /// Every bound of the policy that an applied change broke. Empty, or this program is wrong.
    pub broken: Vec<String>,
    /// Of all tenants, under the assumed elasticity.
    pub profit_usd: f64,
    /// The same at the list prices, with which every tenant begins.
    pub profit_without_usd: f64,
}

impl Outcome {
    /// Do enough days stand behind it to say that no bound was broken?
    #[must_use]
    pub const fn is_enough(&self) -> bool {
        self.days >= self.days_min
    }
}

/// Days to be looked at before a rehearsal says something of the policy's bounds: one more than the
/// longest cool-down. In fewer no price can change twice, so that neither the cool-down nor what a
/// period bears can be broken.
#[must_use]
pub fn days_min(policy: &Policy) -> u32 {
    let longest = policy.rules.iter().map(|rule| rule.limits.cooldown_days).max();
    longest.unwrap_or(0).saturating_add(1)
}

/// Plays every day for which usage is recorded but the first [`FIRST_WINDOW_DAYS`].
///
/// # Errors
/// The policy is none, or amounts go beyond decimals.
pub fn rehearse(
    policy: &Policy,
    players: &[Player],
    seed: Seed,
) -> Result<Outcome, EconomicsError> {
    policy.check()?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (tenants, days_min) = (count(players.len()), days_min(policy));
    let mut outcome = Outcome { tenants, days_min, ..Outcome::default() };
    let all = || players.iter().flat_map(|player| player.days.iter().map(|day| day.number));
    let (Some(first), Some(last)) = (all().min(), all().max()) else { return Ok(outcome) };
    let mut world = World::begin(policy, players, first);
    let mut said: Vec<Option<Advice>> = vec![None; players.len()];
    let mut played: Vec<Vec<Day>> = vec![Vec::new(); players.len()];
    for number in first..=last {
        if number >= first.saturating_add(FIRST_WINDOW_DAYS.into()) {
            let book = world.dawn(number);
            outcome.days += 1;
            let ahead = played.iter().zip(&mut said);
            for (player, (days, before)) in players.iter().zip(ahead) {
                looked_at(&mut world, &book, player, days, before, &mut outcome)?;
            }
            answered(&mut world, seed);
            carried_out(&mut world, players, &played)?;
        }
        let book = world.dawn(number);
        for (player, days) in players.iter().zip(&mut played) {
            let Some(day) = player.days.iter().find(|day| day.number == number) else { continue };
            let price = float(book.controls(&player.tenant).price_of_list);
            let usage = day.list_usd * libm::pow(price, policy.assumptions.elasticity);
            outcome.profit_usd += usage * (price - day.cost_of_list);
            outcome.profit_without_usd += day.list_usd * (1.0 - day.cost_of_list);
            days.push(Day { list_usd: usage, ..*day });
        }
    }
    counted(&world, &mut outcome);
    outcome.broken = bounds::broken(&world.book(), policy, players);
    Ok(outcome)
}

fn looked_at(
    world: &mut World,
    book: &Book,
    player: &Player,
    days: &[Day],
    before: &mut Option<Advice>,
    outcome: &mut Outcome,
) -> Result<(), EconomicsError> {
    let days = recent(days, book);
    let Some(figures) = player.figures(days, book)? else { return Ok(()) };
    let (about, tenant) = (player.about(), &player.tenant);
    let seen = Seen { tenant, about, figures: &figures, days, before: before.as_ref() };
    let Some(said) = look(book, &seen, world.now())? else { return Ok(()) };
    outcome.looks += 1;
    let price = said.advice.price.as_ref();
    outcome.held += u32::from(price.is_some_and(|price| price.status == Status::Hold));
    if let Some(opening) = said.opening {
        world.open(opening);
    }
    *before = Some(said.advice);
    Ok(())
}

/// People answer a day after a proposal, as the seed has it.
fn answered(world: &mut World, seed: Seed) {
    let (book, now) = (world.book(), world.now());
    for case in book.cases().filter(|case| case.standing(now) == Standing::Pending) {
        let drawn = Stream::named(seed, "answer", &case.id.to_string()).uniform(0);
        let waited_ms = now.unix_ms() - case.opened_at.unix_ms();
        if waited_ms < DAY_MS / 2 || drawn > REFUSED {
            continue;
        }
        if drawn > APPROVED {
            world.reject(case);
        } else {
            (0..case.quorum().unwrap_or(0)).for_each(|person| world.approve(case, person));
        }
    }
}

/// What is approved is executed, if its facts still hold.
fn carried_out(
    world: &mut World,
    players: &[Player],
    played: &[Vec<Day>],
) -> Result<(), EconomicsError> {
    let (book, now) = (world.book(), world.now());
    let ready: Vec<&Case> = book.cases().filter(|case| book.is_ready(case, now)).collect();
    for case in ready.into_iter().filter(|_| !book.is_killed()) {
        let Subject::Tenant(tenant) = case.subject() else { continue };
        let found = players.iter().zip(played).find(|(player, _)| player.tenant == tenant);
        let Some((player, days)) = found else { continue };
        let then = &case.current().edition.facts;
        let facts = player.facts_now(then, days, &book)?;
        let changed = if case.grounds.takes_back() { Vec::new() } else { drifted(then, &facts) };
        if changed.is_empty() { world.apply(case) } else { world.stale(case, changed) }
    }
    Ok(())
}

fn counted(world: &World, outcome: &mut Outcome) {
    let (book, now) = (world.book(), world.now());
    for case in book.cases().filter(|case| case.subject() != Subject::Policy) {
        let tally = match (case.standing(now), case.grounds) {
            (Standing::Applied, grounds) if grounds.takes_back() => &mut outcome.taken_back,
            (Standing::Applied, Grounds::Automatic) => &mut outcome.automatic,
            (Standing::Applied, _) => &mut outcome.approved,
            (Standing::Rejected, _) => &mut outcome.rejected,
            (Standing::Expired | Standing::Superseded, _) => &mut outcome.expired,
            (Standing::Stale, _) => &mut outcome.stale,
            (Standing::Pending | Standing::Approved, _) => continue,
        };
        *tally += 1;
    }
}

impl Player {
    fn about(&self) -> About<'_> {
        About { tier: &self.tier, cloud: self.cloud, active: true }
    }

    /// Sums of the policy's window. `None`: nothing was used in it.
    fn figures(&self, days: &[Day], book: &Book) -> Result<Option<Figures>, EconomicsError> {
        let days = recent(days, book);
        let list = days.iter().map(|day| day.list_usd).sum::<f64>();
        let cost = days.iter().map(|day| day.list_usd * day.cost_of_list).sum::<f64>();
        let (list_usd, cost_usd) = (amount(list)?, amount(cost)?);
        let price = book.controls(&self.tenant).price_of_list;
        Ok((list > 0.0).then(|| Figures {
            tier: self.tier.clone(),
            days: u32::try_from(days.len()).unwrap_or(u32::MAX),
            requests: 1,
            tokens_k: Decimal::ONE,
            revenue_usd: list_usd * price,
            list_usd,
            beyond: None,
            cost_usd,
            penalty_rate: self.penalty_rate,
            seconds_per_request: None,
            cost_jumps_per_year: None,
            better_tier: None,
        }))
    }

    fn facts_now(&self, then: &Facts, days: &[Day], book: &Book) -> Result<Facts, EconomicsError> {
        let figures = self.figures(days, book)?;
        let subject = Subject::Tenant(self.tenant.clone());
        let now = facts(book, &subject, Some(self.about()), figures.as_ref());
        Ok(settled(then, now, book.policy().1.drift_max))
    }
}

/// The days of the policy's window.
fn recent<'a>(days: &'a [Day], book: &Book) -> &'a [Day] {
    let window = usize::try_from(book.policy().1.window_days).unwrap_or(usize::MAX);
    &days[days.len().saturating_sub(window)..]
}

fn amount(usd: f64) -> Result<Decimal, EconomicsError> {
    checked("an amount of a rehearsal", format!("{usd:.6}").parse().ok())
}

#[cfg(test)]
mod tests;
