//! One held thing with everything that is known of it.

use app::backend::{Content, HeldChoice, HeldDecision, HeldDetail, Release};
use domain::catalog::{CONFLICT_RESOLVE, ConflictResolve, DECIDED_BY, Known};
use domain::event::EventId;
use domain::finality::Finality;
use domain::quarantine::{Form, HeldId, State};
use serde_json::Value;
use uuid::Uuid;

use super::super::Console;
use super::super::rows::accepted_at;
use super::content::{event_of, hex, of_entry, of_event, of_note, of_record};
use super::{conflict_row, conflict_state, decide, item_row};
use crate::ledger::{EventFilter, Opened, PAGE_ROWS_MAX, Record};
use crate::problem::Problem;
use crate::projection::Conflict;
use crate::quarantine::{Item, Ruling};

/// Entries of a range that are shown, and can be released: a few screens.
pub(super) const ENTRIES_SHOWN: usize = 50;

impl Console {
    /// # Errors
    /// Nothing of this name is held here, or the database cannot be read.
    pub async fn held_detail(
        &self,
        id: &HeldId,
        with_payload: bool,
    ) -> Result<HeldDetail, Problem> {
        match id {
            HeldId::Input(id) => {
                let (item, bytes) = self.held_item(*id).await?;
                self.item_detail(&item, &bytes, with_payload).await
            }
            HeldId::Conflict { .. } => {
                let conflict = self.held_conflict(id).await?;
                self.conflict_detail(&conflict, with_payload).await
            }
        }
    }

    pub(super) async fn held_item(&self, id: Uuid) -> Result<(Item, Vec<u8>), Problem> {
        let found = self.quarantine.item(id).await?;
        found.ok_or_else(|| {
            Problem::not_found(format!(
                "Nothing is held under {id} at this cloud. What another cloud refused is held there."
            ))
        })
    }

    pub(super) async fn held_conflict(&self, id: &HeldId) -> Result<Conflict, Problem> {
        let found = match id {
            HeldId::Conflict { event_id, tenant_id } => {
                self.projection.conflict(tenant_id, *event_id).await?
            }
            HeldId::Input(_) => None,
        };
        found.ok_or_else(|| Problem::not_found(format!("{id} is not in conflict.")))
    }

    async fn item_detail(
        &self,
        item: &Item,
        bytes: &[u8],
        with_payload: bool,
    ) -> Result<HeldDetail, Problem> {
        let opened = self.opened(item, bytes);
        let stands = self.stands_instead(item, &opened, with_payload).await?;
        let decision = self.item_decision(item).await?;
        let release = self.item_release(item, bytes, &opened, decision.as_ref()).await?;
        let came = match item.form {
            Form::Event => event_of(bytes)
                .map(|(event, ..)| of_event(&event, with_payload))
                .into_iter()
                .collect(),
            _ => opened.entries.iter().map(|entry| of_entry(entry, with_payload)).collect(),
        };
        let ours = self.ours(item);
        Ok(HeldDetail {
            row: item_row(item),
            sha256: Some(item.sha256.to_string()),
            kept: Some(item.kept),
            hex: with_payload.then(|| hex(bytes)),
            came,
            more: opened.more,
            note: opened.note.map(|note| of_note(note, ours)),
            stands,
            decision,
            release,
        })
    }

    pub(super) fn opened(&self, item: &Item, bytes: &[u8]) -> Opened {
        let place = item.about.place.as_deref().unwrap_or_default();
        self.ledger.open_held(item.form, place, bytes, ENTRIES_SHOWN)
    }

    /// What is recorded under the same id, or at the same places.
    async fn stands_instead(
        &self,
        item: &Item,
        opened: &Opened,
        with_payload: bool,
    ) -> Result<Vec<Content>, sqlx::Error> {
        let mut records: Vec<Record> = Vec::new();
        if item.form == Form::Event
            && let Some(id) = item.about.event_id
        {
            records = self.ledger.find(id).await?;
        }
        for entry in &opened.entries {
            records.extend(self.ledger.at(entry.slot).await?);
        }
        Ok(records.iter().map(|record| of_record(record, None, with_payload)).collect())
    }

    /// What this cloud holds of the log that a note or range is about.
    fn ours(&self, item: &Item) -> Option<String> {
        let place = item.about.place.as_deref()?;
        let marks = self.ledger.watermarks().borrow().clone();
        let mut of_log = marks.views().filter(|view| {
            let log = view.log.to_string();
            place == log || place.starts_with(&format!("{log}/"))
        });
        let view = of_log.next()?;
        Some(format!(
            "Here stand {} entries of {} under the root {}.",
            view.head.size, view.log, view.head.root
        ))
    }

    /// What was decided: in force, or recorded and not final yet.
    async fn item_decision(&self, item: &Item) -> Result<Option<HeldDecision>, sqlx::Error> {
        if let Some(ruling) = &item.ruling {
            return Ok(Some(in_force(ruling)));
        }
        let recorded = self.ledger.find(decide::decision_id(item.id)).await?;
        Ok(recorded.first().and_then(waiting))
    }

    /// The contents that a release could take, or why there is none.
    async fn item_release(
        &self,
        item: &Item,
        bytes: &[u8],
        opened: &Opened,
        decision: Option<&HeldDecision>,
    ) -> Result<Release, sqlx::Error> {
        if let Some(decision) = decision
            && !self.is_unfinished(decision).await?
        {
            return Ok(Release::No { why: decide::already_decided(decision).detail });
        }
        let the_event = || HeldChoice { value: "0".to_owned(), title: "The event".to_owned() };
        let choices: Vec<(String, HeldChoice)> = match item.form {
            Form::Event => {
                let tenant = event_of(bytes).map(|(_, tenant, _)| tenant.to_string());
                tenant.into_iter().map(|tenant| (tenant, the_event())).collect()
            }
            _ => opened.entries.iter().filter_map(choice_of_entry).collect(),
        };
        if choices.is_empty() {
            return Ok(Release::No { why: nothing_in_it(item) });
        }
        let catalog = self.projection.catalog();
        let is_active = |tenant: &str| {
            let tenant = domain::event::TenantId::try_from(tenant.to_owned());
            tenant.is_ok_and(|tenant| catalog.is_active_tenant(&tenant))
        };
        let tenants: Vec<String> = choices.iter().map(|(tenant, _)| tenant.clone()).collect();
        let usable = choices.into_iter().filter(|(tenant, _)| is_active(tenant));
        let choices: Vec<HeldChoice> = usable.map(|(_, choice)| choice).collect();
        if choices.is_empty() {
            let why = format!("No active tenant is called {}.", tenants.join(" or "));
            return Ok(Release::No { why });
        }
        Ok(Release::Yes { choices })
    }

    async fn conflict_detail(
        &self,
        conflict: &Conflict,
        with_payload: bool,
    ) -> Result<HeldDetail, Problem> {
        let records = self.records_of(conflict).await?;
        let decision = self.conflict_decision(conflict).await?;
        let content = |record| of_record(record, Some(conflict), with_payload);
        let choice = |record: &Record| {
            let slot = record.slot.to_string();
            HeldChoice { title: format!("The contents at {slot}"), value: slot }
        };
        let release = match &conflict.resolved {
            None => Release::Yes { choices: records.iter().map(choice).collect() },
            Some(_) => Release::No { why: "It is decided: the first decision stands.".to_owned() },
        };
        Ok(HeldDetail {
            row: conflict_row(conflict, &records),
            sha256: None,
            kept: None,
            hex: None,
            came: records.iter().map(content).collect(),
            more: 0,
            note: None,
            stands: Vec::new(),
            decision,
            release,
        })
    }

    async fn conflict_decision(
        &self,
        conflict: &Conflict,
    ) -> Result<Option<HeldDecision>, sqlx::Error> {
        let state = conflict_state(conflict);
        if let Some(resolved) = &conflict.resolved {
            let records = self.ledger.find(resolved.decision).await?;
            let record = records.first();
            return Ok(record.and_then(waiting).map(|decision| HeldDecision {
                state,
                is_final: true,
                ..decision
            }));
        }
        let filter = EventFilter {
            kind: Some(CONFLICT_RESOLVE.to_owned()),
            status: Some(Finality::Pending),
            ..EventFilter::default()
        };
        // Decisions that are not final yet are few.
        let page = self.ledger.list(&filter, None, PAGE_ROWS_MAX).await?;
        let about = |record: &&Record| match decided(record) {
            Some((Known::ConflictResolve(ConflictResolve { tenant_id, event_id, .. }), _)) => {
                tenant_id == conflict.tenant_id && event_id == conflict.event_id
            }
            _ => false,
        };
        // The earliest will stand.
        Ok(page.items.iter().rev().find(about).and_then(waiting))
    }
}

fn choice_of_entry(entry: &crate::ledger::OpenedEntry) -> Option<(String, HeldChoice)> {
    let event = entry.event.as_ref()?;
    let title = format!("The event at {}: {}", entry.slot, event.event_id);
    Some((event.tenant_id.to_string(), HeldChoice { value: entry.number.to_string(), title }))
}

fn nothing_in_it(item: &Item) -> String {
    if item.kept < item.length {
        return "Only the beginning of it is kept, which does not read as events.".to_owned();
    }
    match item.form {
        Form::Note => "A signed checkpoint holds no event.".to_owned(),
        form => format!("There is no event in {} that keeps the rules.", form.phrase()),
    }
}

fn in_force(ruling: &Ruling) -> HeldDecision {
    HeldDecision {
        state: ruling.state,
        is_final: true,
        by: ruling.by.clone(),
        reason: ruling.reason.clone(),
        at: ruling.at,
        event_id: ruling.event_id.to_string(),
        new_event_id: ruling.new_event_id.map(|id| id.to_string()),
    }
}

/// The decision that a record is, and who made it.
pub(super) fn decided(record: &Record) -> Option<(Known, Option<String>)> {
    let payload: Value = serde_json::from_slice(record.event.payload.bytes()).ok()?;
    let by = payload.get(DECIDED_BY).and_then(Value::as_str).map(str::to_owned);
    Some((Known::read(&payload).ok()??, by))
}

/// A decision that is recorded.
fn waiting(record: &Record) -> Option<HeldDecision> {
    let (known, by) = decided(record)?;
    let (state, reason, new_event_id): (_, _, Option<EventId>) = match known {
        Known::QuarantineRelease(release) => {
            (State::Released, release.reason, Some(release.new_event_id))
        }
        Known::QuarantineReject(reject) => (State::Rejected, reject.reason, None),
        Known::ConflictResolve(resolve) => {
            let state = if resolve.slot.is_some() { State::Released } else { State::Rejected };
            (state, resolve.reason, None)
        }
        _ => return None,
    };
    Some(HeldDecision {
        state,
        is_final: false,
        by,
        reason,
        at: accepted_at(record),
        event_id: record.event.event_id.to_string(),
        new_event_id: new_event_id.map(|id| id.to_string()),
    })
}
