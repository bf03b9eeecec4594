//! Autonomy on and off, and the kill switch: an act without a proposal, at once.

use domain::catalog::{Known, PolicySwitch, SwitchName};
use domain::event::TenantId;

use super::acts::{reason_of, record};
use crate::http::Services;
use crate::http::events::record::Wish;
use crate::identity::Principal;
use crate::ledger::Accepted;
use crate::problem::Problem;

/// In the event where nobody said why.
const NO_REASON: &str = "No reason was given";

/// Nothing is recorded where it is so already, but a new reason for what is stopped.
pub(super) async fn switch(
    shared: &Services,
    principal: &Principal,
    switch: SwitchName,
    tenant_id: Option<TenantId>,
    on: bool,
    reason: Option<&str>,
    wish: Wish,
) -> Result<Option<Accepted>, Problem> {
    let given = reason.map(reason_of).transpose()?;
    let catalog = shared.projection.catalog();
    let word = catalog.book().switch(switch, tenant_id.as_ref()).map(|stands| stands.last);
    if word.is_some_and(|word| word.value.on) == on {
        let adds = on
            && switch == SwitchName::KillSwitch
            && given
                .as_ref()
                .is_some_and(|given| word.is_some_and(|word| word.value.reason != *given));
        if !adds {
            return Ok(None);
        }
    }
    let reason = given.unwrap_or_else(|| NO_REASON.to_owned());
    let what = Known::PolicySwitch(PolicySwitch { switch, tenant_id, on, reason });
    record(shared, principal, &what, wish).await.map(Some)
}
