//! Who was first, where two people changed the same at once: for the page of who was second.

use app::backend::{KeptForm, VersionRow};

use super::Console;
use super::tenants::{history, version_row};
use crate::projection::Entity;

/// What the server says to whoever is second.
const CHANGED: &str = "changed_meanwhile";

impl Console {
    /// With the change that came first, if one did. Without it where that cannot be read just now.
    pub async fn with_what_came_first(&self, mut kept: KeptForm) -> KeptForm {
        kept.overtaken_by = match (kept.problem.as_str(), subject(&kept)) {
            (CHANGED, Some((entity, key))) => self.newest(entity, key).await,
            _ => None,
        };
        kept
    }

    async fn newest(&self, entity: Entity, key: &str) -> Option<VersionRow> {
        let versions = self.projection.versions(entity, key).await;
        let told = versions.inspect_err(|cause| tracing::warn!(%cause, "a history is not read"));
        let versions = told.ok()?;
        match entity {
            Entity::Tenant => history(&versions).into_iter().next(),
            _ => versions.first().map(|version| version_row(version, Vec::new())),
        }
    }
}

/// What the form is about, where it is about something that one person sets whole.
fn subject(kept: &KeptForm) -> Option<(Entity, &str)> {
    let field = |name: &str| kept.fields.get(name).map(|text| text.trim());
    match field("act")? {
        "tenant" => Some((Entity::Tenant, field("tenantId")?)),
        "tier" => Some((Entity::Tier, field("tier")?)),
        _ => None,
    }
}
