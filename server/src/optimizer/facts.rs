//! The money facts that a proposal rests on, now and then.

use domain::catalog::{Edition, Grounds};
use domain::clock::Timestamp;
use domain::economics::quantity::Share;
use domain::event::TenantId;
use domain::pricing::approval::{Drift, Facts};
use domain::pricing::book::Case;
use domain::pricing::controls::{Content, Subject};
use domain::pricing::recommend::Figures;
use rust_decimal::Decimal;

use super::{Optimizer, OptimizerError};
use crate::projection::Catalog;

const DAY_MS: i64 = 86_400_000;
/// Facts that move with every request; policy says how far they may.
const MARGIN: &str = "margin";
const COST: &str = "costOfList";
/// Places of a cost, as a share of the list price.
const COST_DECIMALS: u32 = 4;

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
        let figures = match content.subject() {
            Subject::Tenant(tenant) => {
                let known = catalog.tenant(&tenant);
                let known = known.ok_or_else(|| FactsError::UnknownTenant(tenant.clone()))?;
                if !known.value.active {
                    return Err(FactsError::Inactive(tenant));
                }
                self.figures_of(&catalog, &tenant).await?
            }
            Subject::Policy => None,
        };
        Ok(edition_on(&catalog, content, reason, figures.as_ref(), crate::now()))
    }

    async fn figures_of(
        &self,
        catalog: &Catalog,
        tenant: &TenantId,
    ) -> Result<Option<Figures>, OptimizerError> {
        let days = catalog.book().policy().1.window_days;
        let found = self.economics.figures(Some(tenant), days, crate::now()).await?;
        Ok(found.tenants.get(tenant).map(|found| found.figures.clone()))
    }

    /// The facts of now as far as they matter: what moved less than policy bears is as it was.
    pub(super) async fn facts_now(&self, edition: &Edition) -> Result<Facts, OptimizerError> {
        let catalog = self.projection.catalog();
        let figures = match edition.content.subject() {
            Subject::Tenant(tenant) => self.figures_of(&catalog, &tenant).await?,
            Subject::Policy => None,
        };
        let now = facts(&catalog, &edition.content.subject(), figures.as_ref());
        Ok(settled(&edition.facts, now, catalog.book().policy().1.drift_max))
    }

    /// What is no longer as it was when the version in hand was made. A rollback rests on nothing but
    /// the version that it takes back.
    ///
    /// # Errors
    /// The usage cannot be read.
    pub async fn drift(&self, case: &Case) -> Result<Vec<Drift>, OptimizerError> {
        if case.grounds == Grounds::Rollback {
            return Ok(Vec::new());
        }
        let (then, now) = (&case.current().edition.facts, self.facts_now(&case.current().edition));
        let now = now.await?;
        let names: std::collections::BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        let drift = |fact: &String| {
            let (then, now) = (then.get(fact).copied(), now.get(fact).copied());
            (then != now).then(|| Drift { fact: fact.clone(), then, now })
        };
        Ok(names.into_iter().filter_map(drift).collect())
    }
}

/// A version as of these figures.
pub(super) fn edition_on(
    catalog: &Catalog,
    content: Content,
    reason: String,
    figures: Option<&Figures>,
    now: Timestamp,
) -> Edition {
    let (book, subject) = (catalog.book(), content.subject());
    let (policy_version, policy) = book.policy();
    let rule = match &subject {
        Subject::Tenant(tenant) => catalog.tenant(tenant).and_then(|tenant| {
            policy.rule(&tenant.value.tier, tenant.value.cloud).map(|rule| rule.name.clone())
        }),
        Subject::Policy => None,
    };
    let lasts_ms = i64::from(policy.expiry_days) * DAY_MS;
    Edition {
        base_version: book.version_of(&subject),
        policy_version,
        rule,
        facts: facts(catalog, &subject, figures),
        expires_at: Timestamp::from_unix_ms(now.unix_ms().saturating_add(lasts_ms)),
        content,
        reason,
    }
}

fn facts(catalog: &Catalog, subject: &Subject, figures: Option<&Figures>) -> Facts {
    let book = catalog.book();
    let mut facts = Facts::from([
        ("policyVersion".to_owned(), Decimal::from(book.policy().0)),
        ("version".to_owned(), Decimal::from(book.version_of(subject))),
    ]);
    if let Subject::Tenant(tenant) = subject {
        let known = catalog.tenant(tenant);
        let active = known.is_some_and(|tenant| tenant.value.active);
        facts.insert("tenantActive".to_owned(), Decimal::from(u8::from(active)));
        if let Some(known) = known {
            facts.insert(format!("tier {}", known.value.tier), Decimal::ONE);
        }
    }
    let Some(figures) = figures else { return facts };
    facts.extend(figures.margin().map(|margin| (MARGIN.to_owned(), margin)));
    let cost = figures.cost_usd.checked_div(figures.list_usd);
    facts.extend(cost.map(|cost| (COST.to_owned(), cost.round_dp(COST_DECIMALS).normalize())));
    facts
}

/// Margins may move by `bearable` absolutely, costs relatively.
fn settled(then: &Facts, mut now: Facts, bearable: Share) -> Facts {
    for (fact, was) in then {
        let room = match fact.as_str() {
            MARGIN => bearable.get(),
            COST => bearable.get() * *was,
            _ => continue,
        };
        if let Some(is) = now.get_mut(fact).filter(|is| (**is - *was).abs() <= room) {
            *is = *was;
        }
    }
    now
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
    }
}
