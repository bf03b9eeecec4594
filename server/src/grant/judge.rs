//! Whoever knows what a value means looks at it before this cloud accepts it.

use std::fmt;

use async_trait::async_trait;
use domain::grant::{Decision, Family, GrantId, Refusal, Request, SignedVote, Value};

use super::Grants;

/// Knows one family of resources.
#[async_trait]
pub trait Judge: Send + Sync + fmt::Debug {
    fn family(&self) -> Family;

    /// Why this cloud does not accept the value, if it does not; `earlier` are the decided versions
    /// of the resource, in order.
    ///
    /// # Errors
    /// The database cannot be reached: then there is no vote either.
    async fn objection(
        &self,
        grant: &GrantId,
        value: &Value,
        earlier: &[Decision],
    ) -> Result<Option<String>, sqlx::Error>;
}

impl Grants {
    /// Refusing is always safe: what was accepted elsewhere may win without this cloud.
    pub(super) async fn judged(
        &self,
        grant: &GrantId,
        request: &Request<SignedVote>,
    ) -> Result<Option<Refusal>, sqlx::Error> {
        let Request::Propose { value, .. } = request else { return Ok(None) };
        let family = grant.resource.family();
        let Some(judge) = self.judges.iter().find(|judge| judge.family() == family) else {
            return Ok(None);
        };
        let earlier = self.store.decisions(&grant.resource).await?;
        let objection = judge.objection(grant, value, &earlier).await?;
        Ok(objection.map(|why| {
            tracing::info!(%grant, why, "a proposed value is not accepted here");
            Refusal::Unfit
        }))
    }
}
