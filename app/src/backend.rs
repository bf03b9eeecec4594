//! What the screens need from the server: one trait, and the shapes that cross the wire.
//!
//! The server implements [`Backend`] and provides it, bound to one request and its viewer, as a
//! Leptos context. Server functions (`crate::api`) call it; nothing in this crate knows axum or
//! sqlx. Every method checks permission itself: a server function is a public endpoint.

mod audit;
mod billing;
mod evidence;
mod fabric;
mod foresight;
mod kept;
mod keys;
mod lab;
mod list_price;
mod policy;
mod pricing;
mod quarantine;
mod scenarios;
mod tenants;

use std::sync::Arc;

use domain::access::{Action, Role};
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::finality::{Finality, Signed};
use domain::quorum::Mode;
use serde::{Deserialize, Serialize};

pub use audit::{
    AnchorFar, AnchorLine, AnchorMark, AnchorStage, AuditView, CloudWord, OwnSnapshot,
    PublishPlace, RecheckView, RowPair, SectionView, SnapshotDetail, SnapshotProgress, SnapshotRow,
    SnapshotState,
};
pub use billing::{
    BalanceRow, BillingQuery, BillingView, ClosedMonth, Owed, Statement, StatementLine, Trial,
    UnpricedRow,
};
pub use evidence::{Accusation, EvidenceDetail, EvidencePage, EvidenceRow};
pub use fabric::{
    CapacityPlan, CapacityReport, DrainPreview, FabricAnswer, FabricAsked, FabricBefore,
    FabricBound, FabricCloud, FabricDealt, FabricDrain, FabricNow, FabricObserver, FabricPublisher,
    FabricQuery, FabricRegion, FabricShares, FabricSwitch, FabricThen, FabricTrip, FabricView,
    PublishProblem, RegionMove, ShareRow, SharesChange, SharesWaiting, TripFrom,
};
pub use foresight::{ChanceRow, ForeseenWhy, ForesightRow, ForesightView, ReroutedRow, StressRow};
pub use kept::{KeptForm, KeptWords};
pub use keys::{
    Answered, CloudKeys, EpochLine, EpochState, GoneWord, KeyLine, KeyRequest, KeysView, PeerAnswer,
};
pub use lab::{
    DELAY_MS_MAX, LabAttempt, LabBranch, LabCloud, LabCorruption, LabDamage, LabEquivocation,
    LabForgery, LabLink, LabLog, LabOrder, LabOutcome, LabRecord, LabRepair, LabScrub, LabState,
    LabTrick, LabVerdict, LabView, LabWay, LinkState, ProcessState,
};
pub use list_price::{
    AffectedRow, CorrectedRow, PartRow, PriceAsk, PricePage, PricePreview, PriceWarning, WrongField,
};
pub use policy::{
    ContractRow, PolicyAsked, PolicyField, PolicyPart, PolicyProblem, PolicyVersion, PolicyView,
    RuleHead,
};
pub use pricing::{
    AppliedRow, ApprovalsQuery, ApprovalsView, BoundRow, BoundsAsk, BoundsView, ControlsForm,
    DeadRow, DelegationRow, EffectRow, FactRow, GuardMove, GuardTrail, MarginBand, MarginDay,
    MarginSpread, OptimizerView, ProposalDetail, ProposalRow, ReceiverRow, RecommendationRow,
    RehearsalForm, RehearsedView, RunRow, SteadView, StepRow, SwitchRow, TenantMargin, TogetherRow,
    TogetherView, WatchView,
};
pub use quarantine::{
    Content, HeldChoice, HeldCount, HeldDecision, HeldDetail, HeldPage, HeldQuery, HeldRow,
    NoteLine, NoteView, Release,
};
pub use scenarios::{
    DeskBoard, DeskView, LeverKind, Levers, SavedRow, ScenarioAddress, ScenariosView,
    TENANTS_OFFERED_MAX, UNDER_LEVERS, under_levers,
};
pub use tenants::{
    BandText, ModelName, PaidRow, PolicyWaits, PriceRow, PriceText, TenantDetail, TenantForm,
    TenantRow, TenantsQuery, TenantsView, TermsView, TierName, TierView, TiersView, VersionRow,
    When,
};

/// The server, as the screens see it.
#[async_trait::async_trait]
pub trait Backend: Send + Sync {
    /// The deployment and who is looking at it. Never fails: a page must render while the
    /// database is away.
    async fn session(&self) -> Session;
    async fn overview(&self) -> Result<Overview, Problem>;
    async fn events(&self, query: EventQuery) -> Result<EventPage, Problem>;
    /// `reference`: an event id.
    async fn event(&self, reference: String) -> Result<EventDetail, Problem>;
    /// What an id, hash, sequence, tenant or key leads to, best first.
    async fn search(&self, text: String) -> Result<Vec<SearchHit>, Problem>;
    /// What is held without effect.
    async fn quarantine(&self, query: HeldQuery) -> Result<HeldPage, Problem>;
    /// `id`: a held input's, or `<event id>~<tenant>` for an id in conflict.
    async fn held(&self, id: String) -> Result<HeldDetail, Problem>;
    /// What there is against clouds, the newest first. `cursor`: of another page.
    async fn evidence(&self, cursor: Option<String>) -> Result<EvidencePage, Problem>;
    /// `id`: SHA-256 of the record, in hex.
    async fn evidence_record(&self, id: String) -> Result<EvidenceDetail, Problem>;
    /// Whose keys count from when to when, and what waits for this cloud's people.
    async fn keys(&self) -> Result<KeysView, Problem>;
    /// Audit snapshots, the newest first.
    async fn audit(&self) -> Result<AuditView, Problem>;
    /// `period`: such as `2026-10`.
    async fn snapshot(&self, period: String) -> Result<SnapshotDetail, Problem>;
    /// What tenants are charged and owe for a month.
    async fn billing(&self, query: BillingQuery) -> Result<BillingView, Problem>;
    /// Where clients are sent, and why.
    async fn fabric(&self, query: FabricQuery) -> Result<FabricView, Problem>;
    /// What would be. `search`: the page's query string (see [`ScenarioAddress`]).
    async fn scenarios(&self, search: String) -> Result<ScenariosView, Problem>;
    /// Tenants' margins, what is recommended, what was applied.
    async fn optimizer(&self) -> Result<OptimizerView, Problem>;
    /// Who stopped all price changes, while they are stopped; none for who may not see prices.
    async fn stop(&self) -> Result<Option<SwitchRow>, Problem>;
    /// Who is served, and on what terms.
    async fn tenants(&self, query: TenantsQuery) -> Result<TenantsView, Problem>;
    /// `id`: a tenant's.
    async fn tenant(&self, id: String) -> Result<TenantDetail, Problem>;
    /// What is promised and charged by tier.
    async fn tiers(&self) -> Result<TiersView, Problem>;
    /// `query`: of the page's address, which may ask about another policy.
    async fn policy(&self, query: String) -> Result<PolicyView, Problem>;
    /// What a list price would change. Nothing is recorded.
    async fn list_price(&self, ask: PriceAsk) -> Result<PricePage, Problem>;
    /// What waits for people, and what they decided lately.
    async fn approvals(&self, query: ApprovalsQuery) -> Result<ApprovalsView, Problem>;
    /// Some proposals by id.
    async fn together(&self, ids: Vec<String>) -> Result<TogetherView, Problem>;
    /// Plays a policy over the recorded usage. Takes a processor for a while.
    async fn rehearse(&self, form: RehearsalForm) -> Result<RehearsedView, Problem>;
    /// How a price by hand would stand to the policy. Nothing is recorded.
    async fn bounds(&self, ask: BoundsAsk) -> Result<BoundsView, Problem>;
    /// One proposal. `id`: its id.
    async fn approval(&self, id: String) -> Result<ProposalDetail, Problem>;
    async fn lab(&self) -> Result<LabState, Problem>;
    async fn lab_act(&self, order: LabOrder) -> Result<LabState, Problem>;
}

/// The handle a context carries.
pub type BackendHandle = Arc<dyn Backend>;

/// Sets the HTTP status of the page being rendered (404 for an unknown path). The server puts one
/// into the context of a page; without it the status stays as it is.
#[derive(Clone)]
pub struct PageStatus(Arc<dyn Fn(u16) + Send + Sync>);

impl PageStatus {
    pub fn new(set: impl Fn(u16) + Send + Sync + 'static) -> Self {
        PageStatus(Arc::new(set))
    }

    pub fn set(&self, status: u16) {
        (self.0)(status);
    }
}

impl std::fmt::Debug for PageStatus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PageStatus")
    }
}

/// An error a person can act on; the wire form of RFC 9457 problem details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{title}: {detail}")]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// A stable name for programs, such as `unknown_event`.
    pub code: String,
    pub title: String,
    /// What happened, where, and what to do.
    pub detail: String,
    pub request_id: Option<String>,
}

/// Who is looking, at what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub deployment: Deployment,
    pub viewer: Option<Viewer>,
    pub theme: Theme,
    /// As of this response, so that the first paint of every page says how the clouds are; later
    /// `state` messages of `/v1/stream` replace it. Absent without a viewer.
    pub state: Option<LiveState>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Viewer {
    pub name: String,
    pub email: String,
    pub role: Role,
}

impl Viewer {
    #[must_use]
    pub const fn may(&self, action: Action) -> bool {
        self.role.may(action)
    }
}

/// The colour scheme, remembered in a cookie so that the first paint is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Such as `demo.ternion.example`; the prefix of key and log names.
    pub name: String,
    /// The cloud that serves this page.
    pub cloud: Cloud,
    pub clouds: PerCloud<CloudAddress>,
    /// The demonstration: sample users, fault lab.
    pub demonstration: bool,
    /// Shown on the sign-in page, in the demonstration only.
    pub demonstration_logins: Vec<DemonstrationLogin>,
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudAddress {
    pub region: String,
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DemonstrationLogin {
    pub email: String,
    pub password: String,
    pub role: Role,
    /// What this person does on a good day, one sentence.
    pub purpose: String,
}

/// The first page: are the clouds well, and do events become final?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    pub at: Timestamp,
    pub state: LiveState,
    /// Events made final per second, oldest first, equally spaced by `series_step_ms`.
    pub series: Vec<SeriesPoint>,
    pub series_step_ms: u32,
    pub attention: Vec<Attention>,
    /// When the newest repair among `attention` was made: what a viewer who may acknowledges takes
    /// off the list. Absent without repairs, and for everybody else.
    pub repaired_until: Option<Timestamp>,
    pub latest: Vec<EventRow>,
}

/// What changes every second; also the `state` message of `/v1/stream`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveState {
    pub at: Timestamp,
    /// What FINAL means in this deployment.
    pub mode: Mode,
    /// How many clouds this node can speak for, itself included.
    pub clouds_up: u8,
    pub clouds: PerCloud<CloudState>,
    /// Over the last `window_s` seconds, all origins.
    pub final_per_s: f64,
    pub window_s: u32,
    /// Acceptance at the origin to FINAL at this node, milliseconds, over events that this
    /// cloud accepted in the window; absent when there were none.
    pub time_to_final_p50_ms: Option<f64>,
    pub time_to_final_p99_ms: Option<f64>,
    pub pending: u64,
    /// What waits for a decision: ids in conflict, and inputs that this cloud holds.
    pub quarantined: u64,
    /// Events stored at this node, all logs.
    pub events: u64,
    /// Proven against keys that still count. Not empty: an alarm on every page.
    pub accusations: Vec<Accusation>,
    /// New epochs of other clouds that wait for one of this cloud's people to agree.
    pub key_requests: u64,
    /// Another number: something about keys is otherwise than before.
    pub key_changes: u64,
    /// Counts what happened about audit snapshots at this cloud: screens that list them ask again.
    pub audit_changes: u64,
    /// How many words there are on switches of prices: with another one, pages ask who said what.
    pub switch_changes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesPoint {
    pub at: Timestamp,
    pub final_per_s: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudState {
    pub condition: Condition,
    /// Entries of this cloud's own log that the viewing node holds and has verified.
    pub own_log_size: u64,
    /// Entries of all three logs that this cloud has not yet signed for, as far as we know.
    pub behind: u64,
    /// Median time from our append to this cloud's cosignature, milliseconds.
    pub confirms_p50_ms: Option<f64>,
    /// 0 to 1, as the cloud itself reports; absent when it cannot be reached.
    pub load: Option<f64>,
    /// When we last heard from it; absent for the viewing node itself or if never.
    pub heard_at: Option<Timestamp>,
    /// `behind`, sampled once a second, oldest first: the sparkline.
    pub behind_history: Vec<u64>,
    /// There is evidence against the log in which it records now: nothing more of it becomes final.
    pub frozen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    Up,
    /// Reachable, and behind by more than it catches up in a moment.
    Lagging,
    Down,
    /// Not yet heard from since this node started.
    Unknown,
}

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attention {
    /// A whole sentence: "AWS is down since 12:40; 312 events wait for it."
    pub sentence: String,
    pub detail: String,
    pub link: String,
    pub link_text: String,
    pub severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Notice,
    Warning,
    Alarm,
}

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRow {
    pub event_id: String,
    pub tenant_id: String,
    /// The payload's `kind`, if it has one.
    pub kind: Option<String>,
    pub origin: Cloud,
    pub epoch: u32,
    pub sequence: u64,
    pub status: Finality,
    pub signed: Signed,
    pub hash: String,
    pub created_at: Timestamp,
    /// When the origin accepted it, by its logical clock.
    pub accepted_at: Timestamp,
    /// Absent while PENDING.
    pub time_to_final_ms: Option<i64>,
}

/// Filters of the ledger; the same names stand in the page's URL and in `GET /v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventQuery {
    pub tenant: Option<String>,
    pub status: Option<Finality>,
    pub origin: Option<Cloud>,
    pub kind: Option<String>,
    /// An id, hash (or its first 8 or more digits), sequence or slot (`gcp/1/204`), or tenant.
    pub q: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Opaque; from `next_cursor` or `previous_cursor`.
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// Newest first.
    pub items: Vec<EventRow>,
    /// Older rows, if any.
    pub next_cursor: Option<String>,
    /// Newer rows, if any.
    pub previous_cursor: Option<String>,
    pub at: Timestamp,
}

/// One event with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventDetail {
    pub row: EventRow,
    pub region: String,
    pub logical_clock: String,
    /// Base64 of the origin's 64-byte signature over the hash.
    pub signature: String,
    /// Hex of the 16 random bytes that keep a small payload from being guessed.
    pub salt: String,
    /// RFC 8785 text, exactly the bytes that were hashed; absent if the viewer may not read it.
    pub payload: Option<String>,
    pub signatures: Vec<SignatureLine>,
    /// The receipt (`domain::receipt::Receipt` as JSON); absent while PENDING.
    pub receipt: Option<String>,
    /// The deployment's policy file: whose keys count.
    pub policy: String,
    /// Other slots of the same event, when two clouds accepted the same id.
    pub other_slots: Vec<String>,
    /// Why it is quarantined or disputed.
    pub held_because: Option<String>,
}

/// One cloud's signature over a root that covers the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureLine {
    pub cloud: Cloud,
    /// This cloud accepted the event.
    pub is_origin: bool,
    pub key_name: String,
    /// Hex.
    pub key_id: String,
    /// The tree size that was signed: the first that covers this event.
    pub tree_size: u64,
    /// When the viewing node learnt of it; absent: not signed yet.
    pub at: Option<Timestamp>,
    /// After acceptance.
    pub after_ms: Option<i64>,
    /// This signature made the event final.
    pub made_final: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchHit {
    /// "event", "tenant", "slot", "key"
    pub what: String,
    pub title: String,
    pub detail: String,
    pub link: String,
}

/// A message of `/v1/stream` named `events`: rows that are new or newly final, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamEvents {
    pub items: Vec<EventRow>,
    /// Rows left out because there were too many for one message: fetch the page again.
    pub skipped: u64,
}
