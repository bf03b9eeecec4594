//! The quarantine as screens and programs see it: inputs that this cloud holds, and ids in
//! conflict, which all clouds hold, in one list by time.

mod content;
mod decide;
mod detail;
mod place;

use app::backend::{HeldCount, HeldPage, HeldQuery, HeldRow};
use domain::event::TenantId;
use domain::quarantine::{Form, HeldId, Reason, Source, State};

pub use decide::{Act, Plan};
pub(super) use place::Place;

use super::Console;
use crate::ledger::Record;
use crate::problem::Problem;
use crate::projection::{CONFLICTS_PAGE_MAX, Conflict, ConflictFilter};
use crate::quarantine::{Counted, ITEMS_PAGE_MAX, Item, ItemFilter};

/// Rows of a page that asks for no number: some screens full.
const ROWS: u32 = 50;
const _: () = assert!(CONFLICTS_PAGE_MAX == ITEMS_PAGE_MAX, "one limit holds for both");

/// One row with its place in the list.
type Placed = (Place, HeldRow);

impl Console {
    /// One page, newest first.
    ///
    /// # Errors
    /// The cursor is not one of ours, or the database cannot be read.
    pub async fn held_page(&self, query: &HeldQuery) -> Result<HeldPage, Problem> {
        let before = query.cursor.as_deref().map(Place::read).transpose()?;
        let limit = query.limit.unwrap_or(ROWS).clamp(1, ITEMS_PAGE_MAX);
        let tenant = query.tenant.clone().map(TenantId::try_from).transpose();
        let mut rows = match tenant {
            Ok(tenant) => self.held_rows(query, tenant, before.as_ref(), limit).await?,
            Err(_) => Vec::new(), // nothing is held for what no tenant can be called
        };
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|(place, _)| place.to_string());
        Ok(HeldPage {
            items: rows.into_iter().map(|(_, row)| row).collect(),
            next_cursor: next,
            beyond: self.beyond(query).await?,
            at: crate::now(),
        })
    }

    /// At least one more than `limit`, if there are so many.
    async fn held_rows(
        &self,
        query: &HeldQuery,
        tenant: Option<TenantId>,
        before: Option<&Place>,
        limit: u32,
    ) -> Result<Vec<Placed>, sqlx::Error> {
        let mut rows = Vec::new();
        if wants_conflicts(query) {
            let filter = ConflictFilter { tenant: tenant.clone(), state: query.state };
            let before = before.map(Place::before_conflicts);
            let found = self.projection.conflicts(&filter, before.as_ref(), limit + 1).await?;
            for conflict in &found {
                let records = self.records_of(conflict).await?;
                rows.push((Place::of_conflict(conflict), conflict_row(conflict, &records)));
            }
        }
        if query.source != Some(Source::Logs) {
            let (state, reason) = (query.state, query.reason);
            let filter = ItemFilter { state, reason, source: query.source.clone(), tenant };
            let before = before.map(Place::before_items);
            let found = self.quarantine.items(&filter, before, limit + 1).await?;
            rows.extend(found.iter().map(|item| (Place::of_item(item), item_row(item))));
        }
        rows.sort_by(|(one, _), (other, _)| other.cmp(one));
        Ok(rows)
    }

    /// The entries of an id in conflict, by clock and slot.
    async fn records_of(&self, conflict: &Conflict) -> Result<Vec<Record>, sqlx::Error> {
        let mut records = self.ledger.find(conflict.event_id).await?;
        records.retain(|record| record.event.tenant_id == conflict.tenant_id);
        records.sort_by_key(|record| (record.event.logical_clock, record.slot));
        Ok(records)
    }

    async fn beyond(&self, query: &HeldQuery) -> Result<Vec<HeldCount>, sqlx::Error> {
        let asked = |counted: &Counted| {
            query.source.as_ref().is_none_or(|source| *source == counted.source)
                && query.reason.is_none_or(|reason| reason == counted.reason)
        };
        let counts = self.quarantine.counts().await?.into_iter();
        let beyond = counts.filter(|counted| counted.not_kept > 0 && asked(counted));
        Ok(beyond
            .map(|Counted { source, reason, inputs, not_kept, last_at }| HeldCount {
                source,
                reason,
                inputs,
                not_kept,
                last_at,
            })
            .collect())
    }
}

/// Ids in conflict have one reason and one source.
fn wants_conflicts(query: &HeldQuery) -> bool {
    query.reason.is_none_or(|reason| reason == Reason::IdConflict)
        && query.source.as_ref().is_none_or(|source| *source == Source::Logs)
}

fn item_row(item: &Item) -> HeldRow {
    HeldRow {
        id: item.id.to_string(),
        state: item.state(),
        reason: item.reason,
        source: item.source.clone(),
        form: item.form,
        detail: item.detail.clone(),
        place: item.about.place.clone(),
        tenant_id: item.about.tenant_id.as_ref().map(ToString::to_string),
        event_id: item.about.event_id.map(|id| id.to_string()),
        first_at: item.first_at,
        last_at: item.last_at,
        count: item.count,
        length: Some(item.length),
        local: true,
    }
}

fn conflict_row(conflict: &Conflict, records: &[Record]) -> HeldRow {
    let slots: Vec<String> = records.iter().map(|record| record.slot.to_string()).collect();
    HeldRow {
        id: conflict_id(conflict).to_string(),
        state: conflict_state(conflict),
        reason: Reason::IdConflict,
        source: Source::Logs,
        form: Form::Slots,
        detail: format!("{} hold this id with different payloads.", slots.join(" and ")),
        place: Some(slots.join(", ")),
        tenant_id: Some(conflict.tenant_id.to_string()),
        event_id: Some(conflict.event_id.to_string()),
        first_at: conflict.since,
        last_at: conflict.since,
        count: slots.len() as u64,
        length: None,
        local: false,
    }
}

fn conflict_id(conflict: &Conflict) -> HeldId {
    let Conflict { event_id, tenant_id, .. } = conflict;
    HeldId::Conflict { event_id: *event_id, tenant_id: tenant_id.clone() }
}

fn conflict_state(conflict: &Conflict) -> State {
    match &conflict.resolved {
        None => State::Held,
        Some(resolved) if resolved.chosen.is_some() => State::Released,
        Some(_) => State::Rejected,
    }
}
