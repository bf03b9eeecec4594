//! What a policy would have done over the usage that is recorded here. Nothing is recorded of it.

use std::sync::Arc;

use domain::clock::Timestamp;
use domain::economics::draw::Seed;
use domain::pricing::policy::Policy;
use domain::pricing::rehearsal::{Outcome, Player, rehearse};
use serde::Serialize;

use super::Optimizer;
use crate::economics::SimulateError;
use crate::problem::Problem;

/// Ninety days, and the week before the first look.
pub const REHEARSED_DAYS: u32 = 97;
/// As long as a policy's own periods.
const REHEARSED_DAYS_MAX: u32 = 366;
/// Which people answer, where nobody chose.
pub const REHEARSED_SEED: Seed = Seed(1);

/// The days that are rehearsed, of those that were asked for.
///
/// # Errors
/// None, or more than a policy's own periods.
pub fn rehearsed_days(wanted: Option<u32>) -> Result<u32, Problem> {
    let days = wanted.unwrap_or(REHEARSED_DAYS);
    if (1..=REHEARSED_DAYS_MAX).contains(&days) {
        return Ok(days);
    }
    let detail = format!("The days of a rehearsal are 1 to {REHEARSED_DAYS_MAX}.");
    Err(Problem::invalid(detail).field("/days", format!("is {days}")))
}

/// What a rehearsal came to, and over which usage.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Of the policy in force, where no other one was given.
    pub policy_version: Option<u64>,
    pub seed: Seed,
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Optimizer {
    /// Plays the policy in force, or another one, over the last `days` days at today's prices.
    ///
    /// # Errors
    /// Another rehearsal runs, the policy is none, or the usage cannot be read.
    pub async fn rehearse(
        &self,
        policy: Option<Policy>,
        days: u32,
        seed: Seed,
    ) -> Result<Rehearsed, SimulateError> {
        let permit = Arc::clone(&self.rehearsing).try_acquire_owned();
        let permit = permit.map_err(|_| SimulateError::Busy)?;
        let catalog = self.projection.catalog();
        let (version, in_force) = catalog.book().policy();
        let policy_version = policy.is_none().then_some(version);
        let policy = policy.unwrap_or_else(|| in_force.clone());
        let found = self.economics.figures(None, days, crate::now()).await?;
        let players = found.tenants.into_iter().filter_map(|(tenant, found)| {
            let known = &catalog.tenant(&tenant)?.value;
            Some(Player {
                tier: known.tier.clone(),
                cloud: known.cloud,
                penalty_rate: found.figures.penalty_rate,
                days: found.days,
                tenant,
            })
        });
        let players: Vec<Player> = players.collect();
        let play = move || {
            let outcome = rehearse(&policy, &players, seed);
            // Only now: whoever asked may have gone meanwhile.
            drop(permit);
            outcome
        };
        let outcome =
            tokio::task::spawn_blocking(play).await.map_err(|_| SimulateError::Stopped)??;
        let (from, to) = (found.from, found.to);
        Ok(Rehearsed { from, to, policy_version, seed, outcome })
    }
}
