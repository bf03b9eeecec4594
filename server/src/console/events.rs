//! Pages of the ledger.

use std::str::FromStr;

use app::backend::{EventPage, EventQuery};
use domain::event::TenantId;
use domain::evidence::Kind;
use domain::finality::Finality;

use super::Console;
use super::quarantine::Place;
use super::rows::accepted_at;
use crate::ledger::{EventCursor, EventFilter, PAGE_ROWS_MAX, Record};
use crate::problem::Problem;
use crate::projection::ConflictFilter;

/// Rows of a page that asks for no number: some screens full.
const ROWS: u32 = 50;

/// Records with the cursors around them.
#[derive(Default)]
struct Found {
    records: Vec<Record>,
    next: Option<String>,
    previous: Option<String>,
}

impl Console {
    /// One page, newest first.
    ///
    /// # Errors
    /// The cursor is not one of ours, or the database cannot be read.
    pub async fn events(&self, query: &EventQuery) -> Result<EventPage, Problem> {
        let found = self.found(query).await?;
        let mut items = self.rows(&found.records).await?;
        if let Some(status) = query.status {
            // Signatures alone decide the page; an id in conflict shows another word.
            items.retain(|row| row.status == status);
        }
        Ok(EventPage {
            items,
            next_cursor: found.next,
            previous_cursor: found.previous,
            at: crate::now(),
        })
    }

    async fn found(&self, query: &EventQuery) -> Result<Found, Problem> {
        let Some(filter) = filter(query) else { return Ok(Found::default()) };
        if query.status == Some(Finality::Disputed) && !self.has_forks() {
            // Without a proven fork there is no second branch that anything could stand on.
            return Ok(Found::default());
        }
        let text = query.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
        match (text, query.status) {
            (Some(text), _) => self.searched(text, query, filter).await,
            (None, Some(Finality::Quarantined)) => self.quarantined(query, &filter).await,
            (None, _) => self.listed(query, &filter).await,
        }
    }

    /// Is any origin proven to have signed two histories?
    fn has_forks(&self) -> bool {
        self.evidences.accusations().iter().any(|one| one.kind == Kind::Equivocation)
    }

    async fn listed(&self, query: &EventQuery, filter: &EventFilter) -> Result<Found, Problem> {
        let cursor = query.cursor.as_deref().map(EventCursor::from_str).transpose();
        let cursor = cursor.map_err(|error| Problem::malformed(error.to_string()))?;
        let page = self.ledger.list(filter, cursor, limit(query)).await?;
        Ok(Found {
            records: page.items,
            next: page.next.map(|cursor| cursor.to_string()),
            previous: page.previous.map(|cursor| cursor.to_string()),
        })
    }

    /// What the text names, else the events of the tenant of that name.
    async fn searched(
        &self,
        text: &str,
        query: &EventQuery,
        filter: EventFilter,
    ) -> Result<Found, Problem> {
        let mut records = self.referenced(text).await?;
        records.retain(|record| admits(&filter, record));
        let tenant = TenantId::try_from(text.to_owned()).ok();
        match tenant {
            Some(tenant) if records.is_empty() && filter.tenant.is_none() => {
                self.listed(query, &EventFilter { tenant: Some(tenant), ..filter }).await
            }
            _ => {
                records.sort_by_key(|record| std::cmp::Reverse(record.event.logical_clock));
                Ok(Found { records, ..Found::default() })
            }
        }
    }

    /// Every version of each id in conflict. The order is that of conflicts, so pages go one way
    /// only.
    async fn quarantined(
        &self,
        query: &EventQuery,
        filter: &EventFilter,
    ) -> Result<Found, Problem> {
        let before = query.cursor.as_deref().map(Place::read).transpose()?;
        let before = before.as_ref().map(Place::before_conflicts);
        let limit = limit(query);
        let of = ConflictFilter { tenant: filter.tenant.clone(), state: None };
        let conflicts = self.projection.conflicts(&of, before.as_ref(), limit).await?;
        let mut records = Vec::new();
        for conflict in &conflicts {
            let twins = self.ledger.find(conflict.event_id).await?;
            let own = |record: &Record| record.event.tenant_id == conflict.tenant_id;
            records
                .extend(twins.into_iter().filter(|record| own(record) && admits(filter, record)));
        }
        let more = conflicts.len() == limit as usize;
        let next = conflicts.last().filter(|_| more).map(|one| Place::of_conflict(one).to_string());
        Ok(Found { records, next, previous: None })
    }
}

fn limit(query: &EventQuery) -> u32 {
    query.limit.unwrap_or(ROWS).clamp(1, PAGE_ROWS_MAX)
}

/// `None`: no event can fit, such as for a tenant that no tenant can be called.
fn filter(query: &EventQuery) -> Option<EventFilter> {
    let tenant = query.tenant.clone().map(TenantId::try_from).transpose().ok()?;
    let status = match query.status {
        // Quarantine is not a matter of signatures: the ledger does not know it.
        Some(Finality::Quarantined) => None,
        other => other,
    };
    Some(EventFilter {
        tenant,
        origin: query.origin,
        status,
        kind: query.kind.clone(),
        from: query.from,
        to: query.to,
    })
}

/// All but the status, which the rows decide.
fn admits(filter: &EventFilter, record: &Record) -> bool {
    let at = accepted_at(record);
    filter.tenant.as_ref().is_none_or(|tenant| *tenant == record.event.tenant_id)
        && filter.origin.is_none_or(|origin| origin == record.slot.origin)
        && filter.kind.as_ref().is_none_or(|kind| record.kind.as_ref() == Some(kind))
        && filter.from.is_none_or(|from| at >= from)
        && filter.to.is_none_or(|to| at < to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_cannot_exist_has_no_events() {
        let query = EventQuery { tenant: Some("a b".into()), ..EventQuery::default() };
        assert_eq!(filter(&query), None);
        let query = EventQuery { status: Some(Finality::Quarantined), ..EventQuery::default() };
        assert_eq!(filter(&query), Some(EventFilter::default()));
    }
}
