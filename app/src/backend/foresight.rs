//! What standing stresses would do: the card on the page Optimizer, and why a proposal foresees.

use domain::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// The card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForesightView {
    /// It runs by itself, every so many hours.
    pub on: bool,
    pub every_hours: u32,
    pub run: Option<ForesightRow>,
}

/// The last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForesightRow {
    pub number: u64,
    pub at: Timestamp,
    pub by: String,
    pub event_id: String,
    /// Usage, prices, draws, seed and penalties that it rests on.
    pub basis: String,
    /// How its margin and the recorded one go together.
    pub beside: Option<String>,
    /// In the order in which they were asked.
    pub stresses: Vec<StressRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StressRow {
    pub name: String,
    /// The page Scenarios with it under the levers, and the window, seed and draws of the run.
    pub href: String,
    /// A threshold of the policy is broken under it.
    pub breaks: bool,
    /// What would happen, and what is proposed and would bring: a sentence each.
    pub happens: String,
    pub proposes: String,
    /// Who is beyond what the policy accepts today already.
    pub already: Option<String>,
    /// The portfolio, then the tenants that fall.
    pub chances: Vec<ChanceRow>,
    /// Who falls beside those.
    pub others: u64,
    pub left_out: Vec<String>,
    pub routing: Option<ReroutedRow>,
    /// Why no traffic is proposed to move, where it was rest or room.
    pub unmoved: Option<String>,
}

/// How likely a margin is to end below its floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChanceRow {
    /// Absent: the whole portfolio.
    pub tenant_id: Option<String>,
    pub floor: String,
    pub today: String,
    pub then: String,
    /// How likely it may be by the policy, where that is known.
    pub accepted: Option<String>,
    /// The chance with what is proposed; absent where it stands in the proposal alone.
    pub after: Option<String>,
    pub proposal_id: Option<String>,
    /// Why there is no proposal.
    pub held: Option<String>,
}

/// Shares of the traffic that are proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReroutedRow {
    /// A cloud: its share today, the one that is proposed, the most that it can take, and what it would
    /// serve.
    pub clouds: Vec<[String; 5]>,
    /// What is said of clouds that are above what a plan fills of their capacity.
    pub note: Option<String>,
    pub proposal_id: String,
}

/// Why a proposal is made before anything happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeseenWhy {
    /// The stress, by its name.
    pub name: String,
    /// The page Scenarios with the same stress, window, seed and draws.
    pub href: String,
    pub sentence: String,
    /// `P(margin < floor)` and the median margin: now, under the stress, and with what is proposed.
    pub levels: Vec<[String; 3]>,
    pub basis: String,
}
