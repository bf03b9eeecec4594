//! What a voter wants of an application before it accepts it: that people agreed, as it knows itself.

use std::sync::Arc;

use async_trait::async_trait;
use domain::grant::{Decision, Family, GrantId, Value};

use super::execute::Order;
use crate::grant::Judge;
use crate::projection::Projection;

/// Judges versions of prices, or of the policy, by what is FINAL here.
///
/// It asks for what stays true once it is true. A value that one voter has accepted may have to be
/// proposed again by others, so a voter that changed its mind would stop the resource for good. With one
/// exception: a vote that was given in somebody's stead after they had taken that back is objected to
/// from when the withdrawal is FINAL here, and that stays so. What waits then goes on once others have
/// agreed, and a cloud that had accepted it before accepts it again (`grant::voting`).
#[derive(Debug)]
pub struct PriceJudge {
    pub family: Family,
    pub projection: Arc<Projection>,
}

#[async_trait]
impl Judge for PriceJudge {
    fn family(&self) -> Family {
        self.family
    }

    async fn objection(
        &self,
        grant: &GrantId,
        value: &Value,
        _earlier: &[Decision],
    ) -> Result<Option<String>, sqlx::Error> {
        let Some(order) = Order::read(value) else {
            return Ok(Some("it names no proposal".to_owned()));
        };
        let catalog = self.projection.catalog();
        let book = catalog.book();
        let Some(case) = book.case(order.proposal_id) else {
            return Ok(Some("the proposal is not final here yet".to_owned()));
        };
        let about = super::resource(&case.subject());
        if about.ok().as_ref() != Some(&grant.resource) {
            return Ok(Some("the proposal is about something else".to_owned()));
        }
        if !book.is_authorised(case, order.version, order.hash) {
            return Ok(Some("approvals that it needs are not final here yet".to_owned()));
        }
        if !book.is_authorised_still(case, order.version, order.hash) {
            let why = "it needs a vote that was given after its delegation had been withdrawn";
            return Ok(Some(why.to_owned()));
        }
        let base = case.base_of(order.version, order.hash);
        if base.and_then(|base| base.checked_add(1)) != Some(grant.version.number()) {
            return Ok(Some("it does not follow the version that it replaces".to_owned()));
        }
        Ok(None)
    }
}
