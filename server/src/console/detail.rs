//! One event with everything that is known of it.

use app::backend::{EventDetail, EventRow, SignatureLine};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::cloud::Cloud;
use domain::event::{EventId, Slot};
use domain::finality::Finality;
use domain::key::NoteKey;
use domain::log::{Head, LogId, empty_root};
use uuid::Uuid;

use super::Console;
use super::rows::{Coverings, after_ms, finaliser, identity};
use crate::ledger::{Covering, NoReceipt, Record};
use crate::problem::Problem;

/// Stands where a payload's salt would, for those who may not read payloads: with the salt, a
/// small payload could be guessed from its hash.
const WITHHELD: &str = "withheld";

impl Console {
    /// `reference`: an event id.
    pub(super) async fn detail(
        &self,
        reference: &str,
        with_payload: bool,
    ) -> Result<EventDetail, Problem> {
        let id = Uuid::parse_str(reference).map(EventId).map_err(|_| unknown(reference))?;
        let records = self.twins(id).await?;
        let (record, others) = records.split_first().ok_or_else(|| unknown(reference))?;
        let rows = self.rows(std::slice::from_ref(record)).await?;
        let row = rows.into_iter().next().ok_or_else(|| unknown(reference))?;
        let coverings = self.ledger.coverings(&[record.slot]).await?;
        let coverings = coverings.into_iter().next().unwrap_or_default();
        Ok(EventDetail {
            region: record.event.region.as_str().to_owned(),
            logical_clock: record.event.logical_clock.to_string(),
            signature: BASE64.encode(record.signature.0),
            salt: if with_payload { hex::encode(record.event.salt.0) } else { WITHHELD.to_owned() },
            payload: with_payload.then(|| payload(record)),
            signatures: self.signatures(record, &coverings, &row),
            receipt: self.receipt(record, with_payload).await?,
            policy: self.ledger.policy().to_string(),
            other_slots: others.iter().map(|other| other.slot.to_string()).collect(),
            held_because: held_because(&row, record, others),
            row,
        })
    }

    /// The key with which a cloud signed for the record, as the register has it: the newest that
    /// counts for a head of that size.
    fn cosigner(&self, cloud: Cloud, record: &Record, covering: Covering) -> Option<NoteKey> {
        let log = LogId { origin: record.slot.origin, epoch: record.slot.epoch };
        let head = Head { size: covering.tree_size, root: empty_root() };
        self.ledger.register().cosigner_keys(cloud.into(), log, head).pop()
    }

    /// The entries of an id: the one that counts, or would if it were final, comes first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn twins(&self, id: EventId) -> Result<Vec<Record>, sqlx::Error> {
        let mut records = self.ledger.find(id).await?;
        let ids: Vec<_> = records.iter().map(identity).collect();
        let contested = self.projection.contested(&ids).await?;
        let marks = self.ledger.watermarks().borrow().clone();
        let is_held = |record: &Record| {
            let conflict = contested.get(&identity(record));
            conflict.is_some_and(|conflict| conflict.holds(record.event.payload.bytes()))
        };
        records.sort_by_key(|record| {
            let (clock, slot) = (record.event.logical_clock, record.slot);
            (is_held(record), !marks.is_final(slot), clock, slot)
        });
        Ok(records)
    }

    fn signatures(
        &self,
        record: &Record,
        coverings: &Coverings,
        row: &EventRow,
    ) -> Vec<SignatureLine> {
        let made_final = finaliser(record.slot.origin, coverings);
        let line = |cloud: Cloud| {
            let covering = coverings.get(cloud).filter(|_| *row.signed.get(cloud));
            let key = covering.and_then(|covering| self.cosigner(cloud, record, covering));
            SignatureLine {
                cloud,
                is_origin: cloud == record.slot.origin,
                key_name: self.ledger.register().cosigner_name(cloud.into()),
                key_id: key.map(|key| key.id_hex()).unwrap_or_default(),
                tree_size: covering.map_or(0, |covering| covering.tree_size),
                at: covering.map(|covering| covering.learnt_at),
                after_ms: covering.map(|covering| after_ms(record, covering.learnt_at)),
                made_final: made_final == Some(cloud),
            }
        };
        Cloud::ALL.into_iter().map(line).collect()
    }

    /// The receipt as JSON; `None` while there is none to give.
    async fn receipt(
        &self,
        record: &Record,
        with_payload: bool,
    ) -> Result<Option<String>, Problem> {
        let mut receipt = match self.ledger.receipt(record).await {
            Ok(receipt) => receipt,
            Err(NoReceipt::NotFinal(_)) => return Ok(None),
            Err(NoReceipt::Database(error)) => return Err(Problem::database(&error)),
            Err(NoReceipt::Damaged(what)) => {
                // The page still shows what is stored; the proof is what fails.
                tracing::error!(slot = %record.slot, what, "no receipt can be made");
                return Ok(None);
            }
        };
        if !with_payload {
            receipt.event.payload = None;
            receipt.event.salt = None;
        }
        let json = serde_json::to_string(&receipt);
        Ok(Some(json.map_err(|error| internal(&error))?))
    }
}

/// The stored bytes are RFC 8785 text; were they not, the hash would not hold either.
fn payload(record: &Record) -> String {
    String::from_utf8_lossy(record.event.payload.bytes()).into_owned()
}

fn held_because(row: &EventRow, record: &Record, others: &[Record]) -> Option<String> {
    match row.status {
        Finality::Quarantined => {}
        Finality::Disputed => return Some(disputed_because(record.slot)),
        Finality::Pending | Finality::Final => return None,
    }
    let mut slots = vec![record.slot.to_string()];
    slots.extend(others.iter().map(|other| other.slot.to_string()));
    Some(format!(
        "{} hold this id with different payloads. Each is proven; none counts that an admin has not \
         chosen.",
        slots.join(" and ")
    ))
}

fn disputed_because(slot: Slot) -> String {
    let origin = slot.origin.title();
    format!(
        "{origin} signed two histories of {}/{}, and a second cloud confirmed each. This entry \
         stands in the one that is held here; the evidence is under Ledger, Evidence.",
        slot.origin, slot.epoch
    )
}

fn unknown(reference: &str) -> Problem {
    Problem::not_found(format!(
        "No event \"{reference}\" is stored here. Search by id, hash, slot or tenant."
    ))
}

fn internal(error: &serde_json::Error) -> Problem {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new(status, "internal", "Something broke here", "The receipt cannot be written.")
        .internal(error)
}
