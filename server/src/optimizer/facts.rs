//! The money facts that a proposal rests on, now and then, on what this cloud has.

use domain::catalog::Edition;
use domain::clock::Timestamp;
use domain::event::TenantId;
use domain::pricing::approval::{Drift, Facts};
use domain::pricing::book::Case;
use domain::pricing::controls::{Content, Subject};
use domain::pricing::edition::{About, drifted, edition, facts, settled};
use domain::pricing::recommend::Figures;

use super::{Optimizer, OptimizerError};
use crate::economics::list_facts;
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
        let Subject::Tenant(tenant) = subject else { return Ok(None) };
        let days = catalog.book().policy().1.window_days;
        let found = self.economics.figures(Some(tenant), days, crate::now()).await?;
        Ok(found.tenants.get(tenant).map(|found| found.figures.clone()))
    }

    /// What an open proposal rests on that is no longer as it was, and the figures of the tenant that it
    /// is about: usage is read once for both.
    ///
    /// # Errors
    /// The usage cannot be read.
    pub async fn drift_and_figures(
        &self,
        case: &Case,
    ) -> Result<(Vec<Drift>, Option<Figures>), OptimizerError> {
        let catalog = self.projection.catalog();
        let figures = self.figures_of(&catalog, &case.subject()).await?;
        if case.grounds.takes_back() {
            return Ok((Vec::new(), figures));
        }
        Ok((drift_on(&catalog, case, figures.as_ref()), figures))
    }

    /// The facts of now as far as they matter: what moved less than policy bears is as it was.
    pub(super) async fn facts_now(&self, edition: &Edition) -> Result<Facts, OptimizerError> {
        let catalog = self.projection.catalog();
        let figures = self.figures_of(&catalog, &edition.content.subject()).await?;
        Ok(facts_on(&catalog, edition, figures.as_ref()))
    }

    /// What is no longer as it was when the version in hand was made. What takes a change back rests on
    /// nothing but the version that it takes back.
    ///
    /// # Errors
    /// The usage cannot be read.
    pub async fn drift(&self, case: &Case) -> Result<Vec<Drift>, OptimizerError> {
        if case.grounds.takes_back() {
            return Ok(Vec::new());
        }
        let edition = &case.current().edition;
        Ok(drifted(&edition.facts, &self.facts_now(edition).await?))
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
