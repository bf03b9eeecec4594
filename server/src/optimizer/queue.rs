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
use crate::projection::Catalog;

/// So long a tenant's figures are at hand: usage of a month moves little in less. What else they rest
/// on is the catalogue's, and with another catalogue they are read anew.
const AT_HAND: Duration = Duration::from_secs(15);
/// Tenants whose usage one look reads: a hundredth of a second each, so a page waits for about one.
const READ_MAX: usize = 100;

/// Figures that were read a moment ago.
#[derive(Debug, Default)]
pub(super) struct AtHand(Mutex<Kept>);

/// What was read of a tenant; nothing, where it has no usage.
#[derive(Clone, Debug, PartialEq)]
struct Read(Option<Figures>);

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
    /// closed, or too many before it were about other tenants. Approving looks again in any case.
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
            let figures = match case.subject() {
                Subject::Policy | Subject::Routing => None,
                Subject::Tenant(tenant) => match self.at_hand.get(&catalog, &tenant) {
                    Some(Read(figures)) => figures,
                    None if read == READ_MAX => continue,
                    None => {
                        read += 1;
                        let figures = self.figures_of(&catalog, &case.subject()).await?;
                        self.at_hand.put(&catalog, tenant, Read(figures.clone()));
                        figures
                    }
                },
            };
            found.insert(case.id, drift_on(&catalog, case, figures.as_ref()));
        }
        Ok(found)
    }
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
        at_hand.put(&one, tenant.clone(), Read(None));
        assert_eq!(at_hand.get(&one, &tenant), Some(Read(None)), "known to have no usage");
        assert_eq!(at_hand.get(&other, &tenant), None);
        // What was read meanwhile under the one before is no figure of this one.
        at_hand.put(&one, tenant.clone(), Read(None));
        assert_eq!(at_hand.get(&other, &tenant), None);
    }
}
