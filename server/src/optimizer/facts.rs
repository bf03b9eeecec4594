//! The money facts that a proposal rests on, now and then, on what this cloud has.

use domain::catalog::Edition;
use domain::clock::Timestamp;
use domain::event::TenantId;
use domain::pricing::approval::{Drift, Facts};
use domain::pricing::book::Case;
use domain::pricing::controls::{Content, Subject};
use domain::pricing::edition::{About, drifted, edition, facts, settled};
use domain::pricing::recommend::Figures;

use super::queue::is_of_the_usage;
use super::{Optimizer, OptimizerError};
use crate::economics::{SimulateError, TenantFigures, list_facts};
use crate::projection::Catalog;

/// Why no edition can be made of a content.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    #[error("no tenant \"{0}\" is known here")]
    UnknownTenant(TenantId),
    #[error("the tenant \"{0}\" is not active")]
    Inactive(TenantId),
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
}

/// One look at a proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// What is no longer as it was; or why that cannot be said.
    pub drift: Result<Vec<Drift>, String>,
    /// Of its tenant, where it has usage that can be read.
    pub found: Option<TenantFigures>,
}

/// Why a proposal is not looked at, after "not looked at: ".
pub(crate) fn not_looked_at(cause: &OptimizerError) -> String {
    match cause {
        OptimizerError::Figures(SimulateError::TooMuchUsage { rows }) => format!(
            "the usage of its tenant in the policy's window is too much to read ({rows} rows and more). A \
             shorter window in the policy reads less"
        ),
        other => format!("the usage of its tenant cannot be reckoned: {other}"),
    }
}

impl Optimizer {
    /// A version of a proposal, resting on what is so now.
    ///
    /// # Errors
    /// The tenant is not known or not active, or its usage cannot be read.
    pub async fn edition(&self, content: Content, reason: String) -> Result<Edition, FactsError> {
        let catalog = self.projection.catalog();
        let subject = content.subject();
        if let Subject::Tenant(tenant) = &subject {
            let known = about(&catalog, &subject);
            let known = known.ok_or_else(|| FactsError::UnknownTenant(tenant.clone()))?;
            if !known.active {
                return Err(FactsError::Inactive(tenant.clone()));
            }
        }
        let figures = self.figures_of(&catalog, &subject).await?;
        let (about, now) = (about(&catalog, &subject), crate::now());
        let made = edition(catalog.book(), content, reason, about, figures.as_ref(), now);
        Ok(of_list(&catalog, made, now))
    }

    pub(super) async fn figures_of(
        &self,
        catalog: &Catalog,
        subject: &Subject,
    ) -> Result<Option<Figures>, OptimizerError> {
        let found = self.found(catalog, subject).await?;
        Ok(found.map(|found| found.figures))
    }

    async fn found(
        &self,
        catalog: &Catalog,
        subject: &Subject,
    ) -> Result<Option<TenantFigures>, OptimizerError> {
        let Subject::Tenant(tenant) = subject else { return Ok(None) };
        let days = catalog.book().policy().1.window_days;
        let found = self.economics.figures(Some(tenant), days, crate::now()).await?;
        Ok(found.tenants.get(tenant).cloned())
    }

    /// Looks at an open proposal: what is no longer so, and the figures of its tenant. What is wrong with
    /// the usage is a part of the answer: the proposal can be read all the same.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn look(&self, case: &Case) -> Result<Look, OptimizerError> {
        let catalog = self.projection.catalog();
        let (found, unread) = match self.found(&catalog, &case.subject()).await {
            Ok(found) => (found, None),
            Err(cause) if is_of_the_usage(&cause) => (None, Some(not_looked_at(&cause))),
            Err(cause) => return Err(cause),
        };
        // What takes a change back rests on nothing but the version that it takes back.
        let drift = match unread {
            _ if case.grounds.takes_back() => Ok(Vec::new()),
            Some(why) => Err(why),
            None => Ok(drift_on(&catalog, case, found.as_ref().map(|found| &found.figures))),
        };
        Ok(Look { drift, found })
    }

    /// The facts of now as far as they matter: what moved less than policy bears is as it was.
    pub(super) async fn facts_now(&self, edition: &Edition) -> Result<Facts, OptimizerError> {
        let catalog = self.projection.catalog();
        let figures = self.figures_of(&catalog, &edition.content.subject()).await?;
        Ok(facts_on(&catalog, edition, figures.as_ref()))
    }
}

/// A list price rests on those that it is held against; and one for a time to come is agreed to before
/// it begins, so that nobody is charged for what was used before anybody agreed.
fn of_list(catalog: &Catalog, mut made: Edition, now: Timestamp) -> Edition {
    let Content::ListPrice { price } = &made.content else { return made };
    made.facts.extend(list_facts(catalog, price, now));
    if price.effective_from > now {
        made.expires_at = made.expires_at.min(price.effective_from);
    }
    made
}

fn facts_on(catalog: &Catalog, edition: &Edition, figures: Option<&Figures>) -> Facts {
    let (book, subject) = (catalog.book(), edition.content.subject());
    let mut now = facts(book, &subject, about(catalog, &subject), figures);
    if let Content::ListPrice { price } = &edition.content {
        now.extend(list_facts(catalog, price, crate::now()));
    }
    settled(&edition.facts, now, book.policy().1.drift_max)
}

/// The same of figures that are at hand, of a proposal that takes nothing back.
pub(super) fn drift_on(catalog: &Catalog, case: &Case, figures: Option<&Figures>) -> Vec<Drift> {
    let edition = &case.current().edition;
    drifted(&edition.facts, &facts_on(catalog, edition, figures))
}

/// The tenant, if the subject is one that is known here.
pub(crate) fn about<'a>(catalog: &'a Catalog, subject: &Subject) -> Option<About<'a>> {
    let Subject::Tenant(tenant) = subject else { return None };
    let known = &catalog.tenant(tenant)?.value;
    Some(About { tier: &known.tier, cloud: known.cloud, active: known.active })
}
