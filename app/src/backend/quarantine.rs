//! What is held without effect, as it crosses the wire.

use domain::clock::Timestamp;
use domain::quarantine::{Form, Reason, Source, State};
use serde::{Deserialize, Serialize};

/// Filters of the quarantine; the same names stand in the page's URL and in `GET /v1/quarantine`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeldQuery {
    pub state: Option<State>,
    pub reason: Option<Reason>,
    pub source: Option<Source>,
    pub tenant: Option<String>,
    /// Opaque; from `next_cursor`.
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// One held thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldRow {
    pub id: String,
    pub state: State,
    pub reason: Reason,
    pub source: Source,
    pub form: Form,
    /// A sentence about this very case.
    pub detail: String,
    /// A slot, a log, or the path of a message.
    pub place: Option<String>,
    pub tenant_id: Option<String>,
    pub event_id: Option<String>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How often the very same came.
    pub count: u64,
    /// Bytes of the whole input; absent for what stands in the logs anyway.
    pub length: Option<u64>,
    /// Held by this cloud alone, and decided here. Else by all clouds, which share the decision.
    pub local: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldPage {
    /// Newest first.
    pub items: Vec<HeldRow>,
    /// Older ones, if any.
    pub next_cursor: Option<String>,
    /// Sources of which more came than is kept.
    pub beyond: Vec<HeldCount>,
    pub at: Timestamp,
}

/// How much came from one source for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldCount {
    pub source: Source,
    pub reason: Reason,
    /// Kept or not, repeats included.
    pub inputs: u64,
    /// Only counted: beyond what is kept of one source.
    pub not_kept: u64,
    pub last_at: Timestamp,
}

/// One held thing with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldDetail {
    pub row: HeldRow,
    /// Hex, of the whole input; absent for what stands in the logs anyway.
    pub sha256: Option<String>,
    /// How many bytes of it are kept.
    pub kept: Option<u64>,
    /// The first bytes, as `hexdump -C` shows them; absent if the viewer may not read payloads.
    pub hex: Option<String>,
    /// What the bytes say, as far as they can be read.
    pub came: Vec<Content>,
    /// Entries that the bytes hold beyond those shown.
    pub more: u64,
    pub note: Option<NoteView>,
    /// What stands in the log instead.
    pub stands: Vec<Content>,
    pub decision: Option<HeldDecision>,
    pub release: Release,
}

/// The contents of one event, wherever they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// A slot, or what the client sent.
    pub title: String,
    pub event_id: Option<String>,
    pub tenant_id: Option<String>,
    pub kind: Option<String>,
    pub region: Option<String>,
    pub logical_clock: Option<String>,
    pub created_at: Option<Timestamp>,
    /// Hex; this program's own computation.
    pub hash: Option<String>,
    /// Does the origin's signature hold for that hash? Absent where there is none.
    pub signature_holds: Option<bool>,
    /// RFC 8785 text; absent if the viewer may not read it.
    pub payload: Option<String>,
    /// It stands in the log under this id.
    pub recorded: bool,
    /// By a decision, this is what counts.
    pub chosen: bool,
}

/// A signed note, and what each signature under it is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoteView {
    pub text: String,
    pub lines: Vec<NoteLine>,
    /// What this cloud holds of that log: one sentence.
    pub ours: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoteLine {
    pub name: String,
    /// Hex.
    pub key_id: String,
    /// "holds", "does not hold", "key not known here".
    pub verdict: String,
    pub holds: bool,
}

/// What was decided, by whom, why; in force once its event is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldDecision {
    pub state: State,
    /// False: recorded, and waits for the signature of a second cloud.
    pub is_final: bool,
    pub by: Option<String>,
    pub reason: String,
    pub at: Timestamp,
    /// The decision's event.
    pub event_id: String,
    /// What a released input became.
    pub new_event_id: Option<String>,
}

/// Can it be released, and what of it?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "possible", rename_all = "camelCase")]
pub enum Release {
    /// One of these is recorded as a new event, or chosen.
    Yes { choices: Vec<HeldChoice> },
    No {
        /// A sentence.
        why: String,
    },
}

/// Something that a release can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldChoice {
    /// What the form and the API send: the number of an entry, or a slot.
    pub value: String,
    pub title: String,
}
