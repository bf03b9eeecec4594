//! Drift of many proposals at once, as queues show it. One proposal reads its tenant's usage of the
//! policy's window; a queue of them reads no more than so many, and keeps what it read for a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::event::TenantId;
use domain::pricing::approval::Drift;
use domain::pricing::book::Case;
use domain::pricing::controls::Subject;
use domain::pricing::recommend::Figures;
use uuid::Uuid;

use super::facts::drift_on;
use super::{Optimizer, OptimizerError};
use crate::economics::SimulateError;
use crate::projection::Catalog;

/// So long a tenant's figures are at hand: usage of a month moves little in less. What else they rest
/// on is the catalogue's, and with another catalogue they are read anew.
const AT_HAND: Duration = Duration::from_secs(15);
/// Tenants whose usage one look reads: a hundredth of a second each, so a page waits for about one.
const READ_MAX: usize = 100;

/// Figures that were read a moment ago.
#[derive(Debug, Default)]
pub(super) struct AtHand(Mutex<Kept>);

/// What was read of a tenant; no figures, where it has no usage.
#[derive(Clone, Debug, PartialEq)]
struct Read(Result<Option<Figures>, NotReckoned>);

/// Its usage is too much to read, or its sums fit no decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NotReckoned;

#[derive(Debug, Default)]
struct Kept {
    /// Whose decisions they rest on.
    catalog: Option<Arc<Catalog>>,
    figures: BTreeMap<TenantId, (Instant, Read)>,
}

impl AtHand {
    fn get(&self, catalog: &Arc<Catalog>, tenant: &TenantId) -> Option<Read> {
        // A panic between two of its lines leaves it whole.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.catalog.as_ref().is_some_and(|of| Arc::ptr_eq(of, catalog)) {
            *kept = Kept { catalog: Some(Arc::clone(catalog)), figures: BTreeMap::new() };
        }
        let (read_at, read) = kept.figures.get(tenant)?;
        (read_at.elapsed() < AT_HAND).then(|| read.clone())
    }

    fn put(&self, catalog: &Arc<Catalog>, tenant: TenantId, read: Read) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.catalog.as_ref().is_some_and(|of| Arc::ptr_eq(of, catalog)) {
            kept.figures.insert(tenant, (Instant::now(), read));
        }
    }
}

impl Optimizer {
    /// What is no longer as it was, by proposal. One that is not in the answer was not looked at: it is
    /// closed, too many before it were about other tenants, or its tenant's usage cannot be reckoned.
    /// Approving looks again in any case.
    ///
    /// # Errors
    /// The usage cannot be read.
    pub async fn drifts(
        &self,
        cases: &[&Case],
    ) -> Result<BTreeMap<Uuid, Vec<Drift>>, OptimizerError> {
        let (catalog, now) = (self.projection.catalog(), crate::now());
        let (mut found, mut read) = (BTreeMap::new(), 0);
        for case in cases.iter().filter(|case| case.standing(now).is_open()) {
            if case.grounds.takes_back() {
                found.insert(case.id, Vec::new());
                continue;
            }
            let Read(figures) = match case.subject() {
                Subject::Policy | Subject::Routing | Subject::ListPrice(_) => Read(Ok(None)),
                Subject::Tenant(tenant) => match self.at_hand.get(&catalog, &tenant) {
                    Some(known) => known,
                    None if read == READ_MAX => continue,
                    None => {
                        read += 1;
                        let known = self.read(&catalog, &tenant).await?;
                        self.at_hand.put(&catalog, tenant, known.clone());
                        known
                    }
                },
            };
            let Ok(figures) = figures else { continue };
            found.insert(case.id, drift_on(&catalog, case, figures.as_ref()));
        }
        Ok(found)
    }

    /// A tenant's figures that [`Optimizer::drifts`] has read a moment ago.
    #[must_use]
    pub fn figures_at_hand(&self, case: &Case) -> Option<Figures> {
        let Subject::Tenant(tenant) = case.subject() else { return None };
        let Read(figures) = self.at_hand.get(&self.projection.catalog(), &tenant)?;
        figures.ok().flatten()
    }

    /// What is wrong with one tenant's usage keeps nobody from looking at the others.
    async fn read(&self, catalog: &Catalog, tenant: &TenantId) -> Result<Read, OptimizerError> {
        match self.figures_of(catalog, &Subject::Tenant(tenant.clone())).await {
            Ok(figures) => Ok(Read(Ok(figures))),
            Err(cause) if is_of_the_usage(&cause) => {
                tracing::warn!(%tenant, %cause, "its proposals are not looked at in the queue");
                Ok(Read(Err(NotReckoned)))
            }
            Err(cause) => Err(cause),
        }
    }
}

/// Not of the database, which others could not be read from either.
pub(super) const fn is_of_the_usage(cause: &OptimizerError) -> bool {
    matches!(
        cause,
        OptimizerError::Figures(SimulateError::TooMuchUsage { .. } | SimulateError::Economics(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_hand_is_forgotten_with_its_catalogue() {
        let tenant = TenantId::try_from("acme".to_owned()).expect("an id");
        let (one, other) = (Arc::<Catalog>::default(), Arc::<Catalog>::default());
        let at_hand = AtHand::default();
        assert_eq!(at_hand.get(&one, &tenant), None);
        at_hand.put(&one, tenant.clone(), Read(Ok(None)));
        assert_eq!(at_hand.get(&one, &tenant), Some(Read(Ok(None))), "known to have no usage");
        assert_eq!(at_hand.get(&other, &tenant), None);
        // What was read meanwhile under the one before is no figure of this one.
        at_hand.put(&one, tenant.clone(), Read(Ok(None)));
        assert_eq!(at_hand.get(&other, &tenant), None);
    }

    #[test]
    fn too_much_usage_is_the_tenants_own_fault_and_a_database_that_is_gone_is_nobodys() {
        let too_much = OptimizerError::Figures(SimulateError::TooMuchUsage { rows: 9 });
        assert!(is_of_the_usage(&too_much));
        let gone = OptimizerError::Figures(SimulateError::Database(sqlx::Error::PoolClosed));
        assert!(!is_of_the_usage(&gone) && !is_of_the_usage(&OptimizerError::Silent));
    }
}
