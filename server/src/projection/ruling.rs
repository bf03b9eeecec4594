//! Decisions about held things: which of them stands, and what it chooses.

use std::collections::BTreeSet;

use domain::catalog::{ConflictResolve, Known};
use domain::clock::LogicalClock;
use domain::event::{EventId, Slot, TenantId};
use domain::quarantine::HeldId;
use serde_json::Value;
use sqlx::{PgConnection, Row as _};

use super::ProjectionError;
use super::entity::Entity;
use super::entry::{Entry, slot};

/// A decision about one id in conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    pub about: HeldId,
    /// The first by clock and slot stands: the same on every cloud, whatever was learnt first.
    pub order: (LogicalClock, Slot),
    pub decision: EventId,
    /// The place whose contents count; none do without one.
    pub choice: Option<Slot>,
}

/// What a resolution is about, by name.
pub(super) fn about(resolve: &ConflictResolve) -> HeldId {
    HeldId::Conflict { event_id: resolve.event_id, tenant_id: resolve.tenant_id.clone() }
}

/// The kind of a resolution, as every canonical payload spells it.
const SPELT: &[u8] = br#""kind":"conflict.resolve""#;

/// The resolution that an entry is, if it is one. Nearly none is, which its bytes tell.
pub(super) fn resolution(entry: &Entry) -> Option<Resolution> {
    if !entry.payload.windows(SPELT.len()).any(|window| window == SPELT) {
        return None;
    }
    let payload: Value = serde_json::from_slice(&entry.payload).ok()?;
    read(&payload, entry.order(), entry.event_id)
}

fn read(payload: &Value, order: (LogicalClock, Slot), decision: EventId) -> Option<Resolution> {
    match Known::read(payload) {
        Ok(Some(Known::ConflictResolve(resolve))) => {
            Some(Resolution { about: about(&resolve), order, decision, choice: resolve.slot })
        }
        _ => None,
    }
}

/// The resolution that stands among these entries, and the one that it chooses. One that names a
/// place where nothing with this id stands is passed over.
pub(super) fn standing_resolution<'r, 'e>(
    resolutions: &'r [Resolution],
    entries: &[&'e Entry],
) -> Option<(&'r Resolution, Option<&'e Entry>)> {
    let chosen = |resolution: &'r Resolution| match resolution.choice {
        None => Some((resolution, None)),
        Some(slot) => {
            let entry = *entries.iter().find(|entry| entry.slot == slot)?;
            Some((resolution, Some(entry)))
        }
    };
    resolutions.iter().filter_map(chosen).min_by_key(|(resolution, _)| resolution.order)
}

/// The ids that decisions among these entries are about.
pub(super) fn targets<'a>(
    entries: impl Iterator<Item = &'a Entry>,
) -> BTreeSet<(TenantId, EventId)> {
    let about = entries.filter_map(resolution).filter_map(|resolution| match resolution.about {
        HeldId::Conflict { tenant_id, event_id } => Some((tenant_id, event_id)),
        HeldId::Input(_) => None,
    });
    about.collect()
}

/// The resolutions of these ids that are projected.
pub(super) async fn projected(
    connection: &mut PgConnection,
    ids: &BTreeSet<(TenantId, EventId)>,
) -> Result<Vec<Resolution>, ProjectionError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let name = |(tenant_id, event_id): &(TenantId, EventId)| {
        HeldId::Conflict { event_id: *event_id, tenant_id: tenant_id.clone() }.to_string()
    };
    let rows = sqlx::query(
        "SELECT body, event_id, logical_clock, origin, epoch, sequence FROM projection_version \
         WHERE entity = $1 AND key = ANY($2)",
    )
    .bind(Entity::Ruling.name())
    .bind(ids.iter().map(name).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let mut resolutions = Vec::new();
    for row in &rows {
        let clock = LogicalClock::from_packed(row.try_get("logical_clock")?);
        let (body, slot): (Value, _) = (row.try_get("body")?, slot(row)?);
        resolutions.extend(read(&body, (clock, slot), EventId(row.try_get("event_id")?)));
    }
    Ok(resolutions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::catalog::CONFLICT_RESOLVE;

    #[test]
    fn a_resolution_is_recognised_by_its_bytes() {
        let payload = serde_json::json!({ "a": 1, "kind": CONFLICT_RESOLVE, "z": 2 });
        let canonical = domain::json::canonical(&payload);
        assert!(canonical.windows(SPELT.len()).any(|window| window == SPELT));
    }
}
