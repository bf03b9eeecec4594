//! What-ifs: what the page Scenarios asks and shows, and the address that says it.
//!
//! All of a what-if stands in its address: levers in percent (`cost.azure=30`), seed, draws, floor,
//! the saved scenario that is open and those it is compared with. Reading is lenient: what cannot be
//! read is named, and the rest holds.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::economics::quantity::{Change, Share};
use domain::economics::scenario::Scenario;
use domain::economics::study::{Asked, Board, Request, SCENARIOS_MAX};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How the scenario under the levers is called in an answer.
pub const UNDER_LEVERS: &str = "These levers";

/// The page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenariosView {
    pub at: Timestamp,
    pub desk: DeskView,
    /// What is kept, by name.
    pub saved: Vec<SavedRow>,
    /// The one of them that is open.
    pub opened: Option<SavedRow>,
    /// What of the address could not be read.
    pub problems: Vec<String>,
}

/// What there is to work at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeskView {
    Board(Box<DeskBoard>),
    /// Why there is nothing, and what to do.
    Nothing {
        title: String,
        detail: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeskBoard {
    /// The page's query string with the levers as they stand, those of an opened scenario included.
    pub search: String,
    /// What is asked, as a body of `POST /v1/economics/simulate`: for the worker, with the draws that
    /// the page is meant to have. `board` may have fewer.
    pub request: String,
    pub board: Board,
    pub levers: Levers,
}

/// What can be moved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Levers {
    /// Each with its share of the tokens, 0 to 1.
    pub providers: BTreeMap<String, f64>,
    pub regions: Vec<String>,
    /// Each with whether it is promised a latency.
    pub tiers: BTreeMap<String, bool>,
}

/// A scenario that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedRow {
    pub id: String,
    pub version: u32,
    pub name: String,
    pub notes: String,
    pub author: Option<String>,
    pub event_id: String,
    pub changes: Scenario,
    /// Why it was made a proposal, if it was, and the event that says so.
    pub promoted: Option<(String, String)>,
}

/// The page's address, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScenarioAddress {
    /// Its first scenario is what stands under the levers.
    pub request: Request,
    /// Whether levers stand in the address; without them, those of the opened scenario do.
    pub moved: bool,
    pub opened: Option<String>,
    pub with: Vec<String>,
    pub problems: Vec<String>,
}

/// A kind of lever, as it is called in addresses and forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeverKind {
    Cost,
    Latency,
    Price,
    Usage,
    /// The share of revenue that is owed for late answers, for certain.
    Owed,
    /// The share of the traffic.
    Route,
}

impl LeverKind {
    pub const ALL: [LeverKind; 6] = [
        LeverKind::Cost,
        LeverKind::Latency,
        LeverKind::Price,
        LeverKind::Usage,
        LeverKind::Owed,
        LeverKind::Route,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            LeverKind::Cost => "cost",
            LeverKind::Latency => "latency",
            LeverKind::Price => "price",
            LeverKind::Usage => "usage",
            LeverKind::Owed => "owed",
            LeverKind::Route => "route",
        }
    }

    /// What stands there, in percent.
    #[must_use]
    pub fn percents(self, of: &Scenario) -> BTreeMap<String, Decimal> {
        let changes = |map: &BTreeMap<String, Change>| {
            map.iter().map(|(name, it)| (name.clone(), percent(it.get()))).collect()
        };
        let shares = |map: &BTreeMap<String, Share>| {
            map.iter().map(|(name, it)| (name.clone(), percent(it.get()))).collect()
        };
        match self {
            LeverKind::Cost => changes(&of.cost),
            LeverKind::Latency => changes(&of.latency),
            LeverKind::Price => changes(&of.price),
            LeverKind::Usage => changes(&of.usage),
            LeverKind::Owed => shares(&of.latency_penalty),
            LeverKind::Route => shares(&of.routing),
        }
    }

    /// Puts a lever; `None` puts it back.
    ///
    /// # Errors
    /// What is wrong with the number, as a sentence.
    pub fn put(
        self,
        on: &mut Scenario,
        name: &str,
        percent: Option<Decimal>,
    ) -> Result<(), String> {
        let part = percent.map(|percent| (percent / Decimal::ONE_HUNDRED).normalize());
        let wrong = |error: &dyn std::fmt::Display| {
            format!("{}.{name}: {error}. In percent, such as 30.", self.word())
        };
        match self {
            LeverKind::Owed | LeverKind::Route => {
                let share = part.map(Share::try_from).transpose().map_err(|error| wrong(&error))?;
                let map =
                    if self == LeverKind::Owed { &mut on.latency_penalty } else { &mut on.routing };
                settle(map, name, share);
            }
            LeverKind::Cost | LeverKind::Latency | LeverKind::Price | LeverKind::Usage => {
                let change =
                    part.map(Change::try_from).transpose().map_err(|error| wrong(&error))?;
                let map = match self {
                    LeverKind::Cost => &mut on.cost,
                    LeverKind::Latency => &mut on.latency,
                    LeverKind::Price => &mut on.price,
                    _ => &mut on.usage,
                };
                settle(map, name, change.filter(|change| *change != Change::NONE));
            }
        }
        Ok(())
    }

    /// The names of what it can move.
    #[must_use]
    pub fn names(self, levers: &Levers) -> Vec<String> {
        match self {
            LeverKind::Cost | LeverKind::Route => levers.providers.keys().cloned().collect(),
            LeverKind::Latency => levers.regions.clone(),
            LeverKind::Price | LeverKind::Usage => levers.tiers.keys().cloned().collect(),
            LeverKind::Owed => {
                let promised = levers.tiers.iter().filter(|(_, promised)| **promised);
                promised.map(|(tier, _)| tier.clone()).collect()
            }
        }
    }
}

fn settle<T>(map: &mut BTreeMap<String, T>, name: &str, value: Option<T>) {
    match value {
        Some(value) => {
            map.insert(name.to_owned(), value);
        }
        None => {
            map.remove(name);
        }
    }
}

fn percent(part: Decimal) -> Decimal {
    (part * Decimal::ONE_HUNDRED).normalize()
}

impl ScenarioAddress {
    /// From a query string, with or without its question mark.
    #[must_use]
    pub fn read(search: &str) -> Self {
        let mut address = ScenarioAddress::default();
        let mut levers = Scenario::default();
        let pairs = form_urlencoded::parse(search.trim_start_matches('?').as_bytes());
        for (key, value) in pairs.filter(|(_, value)| !value.trim().is_empty()) {
            if let Err(problem) = address.take(&mut levers, &key, value.trim()) {
                address.problems.push(problem);
            }
        }
        if !levers.routing.is_empty() {
            let sum: Decimal = levers.routing.values().map(|share| share.get()).sum();
            if sum != Decimal::ONE {
                let sum = percent(sum);
                address
                    .problems
                    .push(format!("route: the shares are {sum} % in sum, and not 100."));
                levers.routing.clear();
            }
        }
        address.request.scenarios = vec![under_levers(levers)];
        address
    }

    fn take(&mut self, levers: &mut Scenario, key: &str, value: &str) -> Result<(), String> {
        let number = || {
            let text = value.trim_end_matches('%').trim();
            text.parse::<Decimal>().map_err(|_| format!("{key}: \"{value}\" is no number."))
        };
        let of_kind = |kind: &LeverKind| {
            key.strip_prefix(kind.word())
                .and_then(|rest| rest.strip_prefix('.'))
                .map(|it| (*kind, it))
        };
        if let Some((kind, name)) = LeverKind::ALL.iter().find_map(of_kind) {
            self.moved = true;
            return kind.put(levers, name, Some(number()?));
        }
        let request = &mut self.request;
        match key {
            "seed" => request.seed = value.parse().map_err(|error| format!("seed: {error}."))?,
            "draws" => {
                request.draws =
                    value.parse().map_err(|_| format!("draws: \"{value}\" is no whole number."))?;
            }
            "floor" => {
                let floor = Share::try_from(number()? / Decimal::ONE_HUNDRED);
                request.floor = floor.map_err(|error| format!("floor: {error}."))?;
            }
            "elasticity" => {
                request.assumptions.elasticity =
                    value.parse().map_err(|_| format!("elasticity: \"{value}\" is no number."))?;
            }
            "from" => request.from = Some(time(key, value)?),
            "to" => request.to = Some(time(key, value)?),
            "open" => self.opened = Some(value.to_owned()),
            "with" => {
                let ids = value.split(',').filter(|id| !id.is_empty());
                self.with.extend(ids.map(str::to_owned).take(SCENARIOS_MAX - 1 - self.with.len()));
            }
            "moved" => self.moved = true,
            // What other pages leave there, such as `problem`, is not ours.
            _ => {}
        }
        Ok(())
    }

    /// The levers as they stand.
    #[must_use]
    pub fn levers(&self) -> Scenario {
        self.request.scenarios.first().map(|asked| asked.changes.clone()).unwrap_or_default()
    }

    /// The query string of this place, levers put so.
    #[must_use]
    pub fn write(&self, levers: &Scenario) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for kind in LeverKind::ALL {
            for (name, percent) in kind.percents(levers) {
                text.append_pair(&format!("{}.{name}", kind.word()), &percent.to_string());
            }
        }
        let usual = Request::default();
        let request = &self.request;
        if request.seed != usual.seed {
            text.append_pair("seed", &request.seed.to_string());
        }
        if request.draws != usual.draws {
            text.append_pair("draws", &request.draws.to_string());
        }
        if request.floor != usual.floor {
            text.append_pair("floor", &percent(request.floor.get()).to_string());
        }
        if (request.assumptions.elasticity - usual.assumptions.elasticity).abs() > f64::EPSILON {
            text.append_pair("elasticity", &request.assumptions.elasticity.to_string());
        }
        for (key, at) in [("from", request.from), ("to", request.to)] {
            if let Some(at) = at {
                text.append_pair(key, &at.to_string());
            }
        }
        if let Some(opened) = &self.opened {
            text.append_pair("open", opened);
            if *levers == Scenario::default() {
                // Otherwise the opened one's levers would come back.
                text.append_pair("moved", "1");
            }
        }
        if !self.with.is_empty() {
            text.append_pair("with", &self.with.join(","));
        }
        text.finish()
    }
}

/// The scenario that stands under the levers.
#[must_use]
pub fn under_levers(changes: Scenario) -> Asked {
    Asked { name: UNDER_LEVERS.to_owned(), changes }
}

fn time(key: &str, value: &str) -> Result<Timestamp, String> {
    let spellings = [value.to_owned(), format!("{value}Z"), format!("{value}:00Z")];
    let day = format!("{value}T00:00:00Z");
    let read = spellings.iter().chain([&day]).find_map(|text| text.parse().ok());
    read.ok_or_else(|| format!("{key}: \"{value}\" is no time. Write it like 2026-11-01T00:00Z."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_to_the_same_levers() {
        let search = "?cost.azure=30&latency.eu-west-1=-12.5&owed.pro=10&route.aws=25&route.azure=75&seed=7&floor=40&open=x";
        let address = ScenarioAddress::read(search);
        assert_eq!(address.problems, Vec::<String>::new());
        let written = address.write(&address.levers());
        assert_eq!(ScenarioAddress::read(&written), address);
        assert!(written.contains("latency.eu-west-1=-12.5"), "{written}");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_holds() {
        let address =
            ScenarioAddress::read("cost.azure=lots&cost.aws=-250&price.pro=5&route.aws=60");
        assert_eq!(address.problems.len(), 3, "{:?}", address.problems);
        assert!(address.problems[0].contains("cost.azure"));
        assert_eq!(address.levers().price.len(), 1);
        assert!(address.levers().routing.is_empty());
    }

    #[test]
    fn a_lever_at_rest_is_no_change() {
        let address = ScenarioAddress::read("cost.azure=0&owed.pro=0");
        assert!(address.levers().cost.is_empty());
        // Nothing owed for certain is a change: the latency would have led to something.
        assert_eq!(address.levers().latency_penalty.len(), 1);
    }
}
