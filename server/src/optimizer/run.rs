//! One run: every tenant is looked at, what is new is said, and prices are proposed.
//!
//! Exactly one cloud runs the n-th run (`turn`). Ids of what it says are made of the run and the tenant,
//! so a run that is repeated says nothing twice.

use std::collections::BTreeMap;

use domain::catalog::{Known, OptimizerRecommend, OptimizerRun, ProposalOpen};
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::economics::EconomicsError;
use domain::event::TenantId;
use domain::pricing::controls::Subject;
use domain::pricing::look::{Opening, Seen, look};
use domain::pricing::margin_watch::Band;
use domain::pricing::recommend::Advice;
use serde::Serialize;

use super::{Optimizer, OptimizerError, about, event_id};
use crate::economics::{Found, TenantFigures};
use crate::projection::Catalog;

/// Why there was no run, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("a run is under way on {by}")]
    Elsewhere { by: Cloud },
    #[error("there is no usage that could be priced")]
    NothingToSay,
    #[error(transparent)]
    Economics(#[from] EconomicsError),
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    #[serde(flatten)]
    pub run: OptimizerRun,
    /// The event that says so.
    pub event_id: domain::event::EventId,
    #[serde(skip)]
    pub slot: domain::event::Slot,
}

/// What is to be recorded of a tenant.
struct Word {
    recommend: OptimizerRecommend,
    open: Option<ProposalOpen>,
}

impl Optimizer {
    /// Runs now, if nothing else does.
    ///
    /// # Errors
    /// Another run of either kind is under way, fewer than two clouds can be reached, or there is
    /// nothing to say.
    pub async fn run(&self) -> Result<RunReport, RunError> {
        // Before a month of usage is summed up for nothing, and again after it: that takes time.
        self.next_turn().await?;
        let now = crate::now();
        let days = self.projection.catalog().book().policy().1.window_days;
        let found = self.economics.figures(None, days, now).await;
        let found = found.map_err(OptimizerError::from)?;
        if found.tenants.is_empty() {
            return Err(RunError::NothingToSay);
        }
        let turn = self.next_turn().await?;
        let run = self.take_turn(turn).await?;
        // Proposals of every run before are known here.
        let catalog = self.projection.catalog();
        self.say(run, &catalog, &found).await
    }

    async fn say(&self, run: u64, catalog: &Catalog, found: &Found) -> Result<RunReport, RunError> {
        let words = words(run, catalog, found)?;
        let mut counts = Counts::of(&words);
        for word in words.into_values().filter(|word| word.is_new(catalog)) {
            counts.recommended += 1;
            let tenant = word.recommend.tenant_id.clone();
            if let Some(open) = word.open {
                counts.opened += 1;
                let id = event_id(&["open", &run.to_string(), tenant.as_str()]);
                self.tell(&Known::ProposalOpen(Box::new(open)), Some(id)).await?;
            }
            let id = event_id(&["recommend", &run.to_string(), tenant.as_str()]);
            let recommend = Known::OptimizerRecommend(Box::new(word.recommend));
            self.tell(&recommend, Some(id)).await?;
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let done = OptimizerRun {
            run,
            by: self.me,
            usage_from: found.from,
            usage_to: found.to,
            policy_version: catalog.book().policy().0,
            tenants: count(found.tenants.len()),
            below: counts.below,
            above: counts.above,
            recommended: counts.recommended,
            opened: counts.opened,
            unpriced: count(found.unpriced.len()),
        };
        let id = event_id(&["run", &run.to_string()]);
        let accepted = self.tell(&Known::OptimizerRun(done.clone()), Some(id)).await?;
        metrics::counter!("ternion_optimizer_runs_total").increment(1);
        Ok(RunReport { run: done, event_id: accepted.event_id, slot: accepted.slot })
    }
}

#[derive(Default)]
struct Counts {
    below: u64,
    above: u64,
    recommended: u64,
    opened: u64,
}

impl Counts {
    fn of(words: &BTreeMap<TenantId, Word>) -> Self {
        let in_band = |band| {
            let there = words.values().filter(|word| word.recommend.advice.watch.band() == band);
            u64::try_from(there.count()).unwrap_or(u64::MAX)
        };
        Counts { below: in_band(Band::Low), above: in_band(Band::High), ..Counts::default() }
    }
}

/// What there is to say of each tenant.
fn words(
    run: u64,
    catalog: &Catalog,
    found: &Found,
) -> Result<BTreeMap<TenantId, Word>, EconomicsError> {
    let mut words = BTreeMap::new();
    for (tenant, figures) in &found.tenants {
        if let Some(word) = word(run, catalog, tenant, figures, found.to)? {
            words.insert(tenant.clone(), word);
        }
    }
    Ok(words)
}

fn word(
    run: u64,
    catalog: &Catalog,
    tenant: &TenantId,
    found: &TenantFigures,
    now: Timestamp,
) -> Result<Option<Word>, EconomicsError> {
    let Some(about) = about(catalog, &Subject::Tenant(tenant.clone())) else { return Ok(None) };
    let before = catalog.recommendation(tenant).map(|said| &said.value.advice);
    let seen = Seen { tenant, about, figures: &found.figures, days: &found.days, before };
    let Some(said) = look(catalog.book(), &seen, now)? else { return Ok(None) };
    let proposal_id = event_id(&["proposal", &run.to_string(), tenant.as_str()]).0;
    let open = said.opening.map(|Opening { grounds, edition }| ProposalOpen {
        proposal_id,
        grounds,
        edition,
        foresight: None,
    });
    let recommend = OptimizerRecommend {
        run,
        tenant_id: tenant.clone(),
        policy_version: catalog.book().policy().0,
        advice: said.advice,
        proposal_id: open.as_ref().map(|open| open.proposal_id),
    };
    Ok(Some(Word { recommend, open }))
}

impl Word {
    /// Is anything otherwise than what was said last?
    fn is_new(&self, catalog: &Catalog) -> bool {
        let advice = &self.recommend.advice;
        let Some(before) = catalog.recommendation(&self.recommend.tenant_id) else { return true };
        let before = &before.value.advice;
        let price = |advice: &Advice| {
            advice.price.as_ref().map(|price| (price.price_of_list, price.status, price.binding))
        };
        self.open.is_some()
            || advice.fired.is_some()
            || advice.watch != before.watch
            || advice.best != before.best
            || price(advice) != price(before)
    }
}
