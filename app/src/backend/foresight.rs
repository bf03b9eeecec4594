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
    /// Usage, prices, draws and seed that it rests on.
    pub basis: String,
    /// The portfolio's margin floor, such as `35 %`.
    pub floor: String,
    /// In the order in which they were asked.
    pub stresses: Vec<StressRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StressRow {
    pub name: String,
    /// The page Scenarios with it under the levers, and the window, seed and draws of the run.
    pub href: String,
    /// `P(margin < floor)` of the portfolio with expected penalties, now and under it.
    pub now: String,
    pub stressed: String,
    /// The thresholds that are broken under it, a sentence each: would it be so, or is it so already.
    pub broken: Vec<String>,
    /// How many are under water in it, and who falls.
    pub under_water: String,
    pub fallen: Vec<FallenRow>,
    /// Who falls beside those.
    pub others: u64,
    pub left_out: Vec<String>,
    /// Traffic that is proposed to move, and the proposal.
    pub routing: Option<(String, String)>,
    /// Why none is proposed to move, where it was rest or room.
    pub unmoved: Option<String>,
}

/// A tenant that falls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FallenRow {
    pub tenant_id: String,
    /// `2 % → 87 % below 35 %`.
    pub risk: String,
    pub proposal_id: Option<String>,
    /// Why there is no proposal.
    pub held: Option<String>,
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
