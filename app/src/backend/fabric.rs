//! Where clients are sent and why, as it crosses the wire. Measures are milliseconds unless a name
//! says otherwise.

use domain::catalog::{RoutingMove, RoutingStanding, RoutingSwitch};
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::distance::Place;
use domain::fabric::hysteresis::Why;
use domain::fabric::score::{Policy, Status};
use domain::fabric::selector::Level;
use domain::fabric::verdict::{Mode, View};
use serde::{Deserialize, Serialize};

/// Of which client the page is asked why it goes where it goes; the same names stand in its URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FabricQuery {
    pub region: Option<String>,
    /// An address or a network; goes before `region`.
    pub subnet: Option<String>,
    /// A past time; absent: now.
    pub at: Option<Timestamp>,
    /// What stands for a time in the URL and is none.
    pub bad_at: Option<String>,
}

/// The page, as of one evaluation of the viewing node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricView {
    pub at: Timestamp,
    pub me: Cloud,
    pub mode: Mode,
    pub policy: Policy,
    /// The name that clients resolve.
    pub name: String,
    pub ttl_s: u32,
    pub bound: FabricBound,
    /// By observer; absent: nothing was ever heard from it.
    pub observers: PerCloud<Option<FabricObserver>>,
    pub clouds: PerCloud<FabricCloud>,
    /// By name; `anywhere` among them.
    pub regions: Vec<FabricRegion>,
    /// Regions that are not listed because there are too many.
    pub regions_left_out: u64,
    /// What draining each cloud, or putting it back, would come to now.
    pub drains: PerCloud<DrainPreview>,
    pub capacity: Option<CapacityReport>,
    /// The newest first.
    pub switches: Vec<FabricSwitch>,
    pub shares: FabricShares,
    pub publishers: Vec<FabricPublisher>,
    /// Absent: nobody asked.
    pub reason: Option<FabricAnswer>,
}

/// Shares of the traffic that people decided on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricShares {
    /// Absent: there are none, and distance and load decide.
    pub wished: Option<String>,
    /// As far as they can be kept now; absent: by nobody who may serve.
    pub kept: Option<String>,
    /// Sentences, one a cloud whose share asks for more than it takes.
    pub over: Vec<String>,
    /// What each cloud is to get, and what it gets; empty where none are in force.
    pub rows: Vec<ShareRow>,
    pub version: u64,
    /// Of the last change.
    pub proposal_id: Option<String>,
    pub can_be_taken_back: bool,
    /// The newest first.
    pub changes: Vec<SharesChange>,
    /// While one waits, no other is taken.
    pub waiting: Option<SharesWaiting>,
}

/// What a cloud is to get of the traffic, and what it gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareRow {
    pub cloud: Cloud,
    /// As people decided, such as `60 %`.
    pub wished: String,
    /// What it gets as things stand.
    pub now: String,
    /// Why the two differ, or that they do not: a sentence.
    pub why: String,
}

/// A change of the shares that became final. Shares are as in `gcp 60 %, aws 40 %`; absent: none, so
/// distance and load decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharesChange {
    pub at: Timestamp,
    pub version: u64,
    pub event_id: String,
    pub proposal_id: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub taken_back: bool,
    /// Who decided it, as in `proposed by ann, approved by bo`.
    pub by: String,
    pub reason: String,
}

/// A proposal about shares that nobody has decided about yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharesWaiting {
    pub proposal_id: String,
    pub shares: Option<String>,
    /// As in `proposed by ann`.
    pub by: String,
}

/// The longest time that a client can be sent to a dead cloud, in seconds, and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricBound {
    pub failures: u32,
    pub interval_s: f64,
    pub timeout_s: f64,
    pub verdict_s: f64,
    pub ttl_s: f64,
    pub whole_s: f64,
}

/// One observer's word on each cloud.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricObserver {
    /// False: it was silent for too long, and has no vote.
    pub counts: bool,
    pub age_ms: u64,
    pub sees: View,
    pub failures: PerCloud<u8>,
    /// Of its probes.
    pub rtt_ms: PerCloud<Option<f64>>,
}

/// How a cloud stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricCloud {
    pub down: bool,
    pub held_out: bool,
    /// Points of flap damping.
    pub damping: f64,
    pub status: Status,
    /// 0 to 1.
    pub load: f64,
    /// Of all networks, 0 to 1, as far as it can be kept now; absent: shares deal none.
    pub share: Option<f64>,
    pub drained: bool,
    pub drain: Option<FabricDrain>,
    /// Its place in recorded round trips.
    pub site: Option<String>,
    pub place: Option<Place>,
    /// Where its clients go.
    pub endpoint: Option<String>,
}

/// The decision that a cloud is drained by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricDrain {
    pub reason: String,
    pub event_id: String,
}

/// A client region, and who serves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricRegion {
    pub name: String,
    pub place: Option<Place>,
    pub pick: Cloud,
    /// The shares its networks are dealt in, where not everybody has room for what was meant for it.
    pub spill: Option<String>,
    pub why: Why,
    pub level: Level,
    /// Absent: nothing is known of where these clients are.
    pub trips: Option<PerCloud<FabricTrip>>,
    /// Of those that may serve, the best first.
    pub scores: Vec<(Cloud, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricTrip {
    pub rtt_ms: f64,
    pub from: TripFrom,
}

/// Where a round trip is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TripFrom {
    /// Measured, and recorded in the ledger.
    Recorded,
    /// By the great circle between the two places.
    Distance,
    /// Taken to be as far as the farthest other.
    Nowhere,
}

/// What draining a cloud would come to; of a drained one, what putting it back would.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrainPreview {
    pub drained: bool,
    pub moves: Vec<RegionMove>,
    /// Nobody else is up: it would go on serving.
    pub in_vain: bool,
    /// Regions for which not everybody would have the room then, each with its shares.
    pub spills: Vec<(String, String)>,
    /// Shares of the traffic as they are kept now and as they would be then, where people decided on
    /// some; absent: nobody who has one may serve.
    pub shares_now: Option<String>,
    pub shares: Option<String>,
    /// The part of all networks that would move, 0 to 1, where shares deal them now and then.
    pub networks_moved: Option<f64>,
    /// Sentences, one a cloud whose share would ask for more than it takes.
    pub over: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionMove {
    pub region: String,
    pub from: Cloud,
    pub to: Cloud,
}

/// Requests a second: who would take how much, and what finds no place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapacityReport {
    pub capacity: PerCloud<Option<f64>>,
    pub demand: f64,
    /// As things stand, and without each cloud.
    pub plans: Vec<CapacityPlan>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapacityPlan {
    pub without: Option<Cloud>,
    pub takes: PerCloud<f64>,
    /// By region, only where something finds no place.
    pub shed: Vec<(String, f64)>,
    /// Stays with clouds whose capacity nobody has stated, and is in no sum.
    pub uncounted: f64,
}

/// A provider of DNS that is kept in step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricPublisher {
    pub publisher: String,
    pub place: String,
    pub dry_run: bool,
    /// What was edited by hand is written over.
    pub applies: bool,
    /// Capacities are stated, and its records have no weights to follow them by.
    pub ignores_capacity: bool,
    /// Who wrote last: a sentence.
    pub writer: Option<String>,
    /// As lines.
    pub waiting: Vec<String>,
    pub drift: Vec<String>,
    pub problem: Option<PublishProblem>,
    /// Whoever wrote last is not done, or has stopped half-way.
    pub half_written: bool,
    pub read_at: Option<Timestamp>,
    /// By this cloud.
    pub wrote_at: Option<Timestamp>,
}

/// Why a provider could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishProblem {
    pub because: String,
    /// It does not pass by itself: people must do something.
    pub refused: bool,
    pub next_try_at: Option<Timestamp>,
}

/// A switch as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricSwitch {
    pub at: Timestamp,
    pub event_id: String,
    /// Without the picks: whoever wants them asks for that time.
    pub switch: RoutingSwitch,
    /// How the deployment was before it.
    pub before: Option<FabricBefore>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricBefore {
    pub mode: Mode,
    pub down: Vec<Cloud>,
    pub clouds: PerCloud<RoutingStanding>,
}

/// What comes of asking why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum FabricAnswer {
    Now(Box<FabricNow>),
    Then(Box<FabricThen>),
    /// A sentence, and the field of the question that is wrong, by its name in the URL.
    Refused {
        because: String,
        field: Option<String>,
    },
}

/// Who asks, and where they are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricAsked {
    pub region: String,
    /// The address or network that was asked for, and the bits of it that the answer holds for.
    pub subnet: Option<(String, u8)>,
    pub at: Timestamp,
    pub cloud: Cloud,
    pub mode: Mode,
    pub votes: PerCloud<Option<View>>,
    pub clouds: PerCloud<RoutingStanding>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricNow {
    pub asked: FabricAsked,
    pub statuses: PerCloud<Status>,
    pub region: FabricRegion,
    pub last_good: Option<Cloud>,
    /// What a challenger must score below; absent: the serving one is out, or leads.
    pub limit_ms: Option<f64>,
    pub ttl_s: u32,
    pub policy: Policy,
    /// The shares that clients are dealt by, where some are in force.
    pub shares: Option<String>,
    /// Absent: whoever serves the region answers all of it.
    pub dealt: Option<FabricDealt>,
}

/// How a client's network falls to a cloud, where networks are dealt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricDealt {
    /// By these, as in `gcp 31 %, aws 69 %`.
    pub by: String,
    /// The network that was asked for, such as `198.51.100.0/24`, and the share that it falls into, such
    /// as `69 %`. Absent: a region was named.
    pub network: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FabricThen {
    pub asked: FabricAsked,
    /// The last switch by then: its version, time and event.
    pub version: u64,
    pub recorded_at: Timestamp,
    pub event_id: String,
    /// When this region moved last, by which event, and how.
    pub moved: Option<(Timestamp, String, RoutingMove)>,
    /// Shares that were in force then, and their proposal.
    pub shares: Option<(String, String)>,
}
