//! What-ifs: what the page Scenarios asks and shows, and the address that says it.
//!
//! All of a what-if stands in its address: the saved scenario that is open, what is asked otherwise
//! than it was kept (levers in percent, `cost.azure=30`; seed, draws, floor …), and those it is
//! compared with. Reading is lenient: what cannot be read is named, and the rest holds.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::economics::quantity::{Change, Share};
use domain::economics::scenario::Scenario;
use domain::economics::simulation::{DRAWS_MAX, DRAWS_MIN};
use domain::economics::study::{Asked, Board, Request, SCENARIOS_MAX};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

/// As far as the model takes one.
const ELASTICITY_MAX: f64 = 20.0;

/// Tenants in the list of a page: more nobody scrolls through, and an address takes any.
pub const TENANTS_OFFERED_MAX: usize = 300;

/// How the scenario under the levers is called in an answer.
pub const UNDER_LEVERS: &str = "Under the levers";

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
    /// What the address leaves unsaid: the opened scenario as it was kept, or what is usual.
    pub usual: Request,
    pub board: Board,
    pub levers: Levers,
    /// Where the usage is of other days than the other pages count: a sentence with both, and this page
    /// over theirs.
    pub elsewhere: Option<(String, String)>,
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
    /// Whose price can be moved by itself: who brought in most, at most [`TENANTS_OFFERED_MAX`], by name.
    pub tenants: Vec<String>,
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
    /// It is asked on schedule.
    pub standing: bool,
    /// Why it was made a proposal, if it was, and the event that says so.
    pub promoted: Option<(String, String)>,
}

/// The page's address, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScenarioAddress {
    /// Its first scenario is what stands under the levers; others were kept with it.
    pub request: Request,
    /// What is asked where the address says nothing.
    usual: Request,
    pub opened: Option<String>,
    pub with: Vec<String>,
    /// A tenant whose price has a lever on the page, though it is not moved (yet).
    pub tenant: Option<String>,
    pub problems: Vec<String>,
}

/// A kind of lever, as it is called in addresses and forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeverKind {
    Cost,
    Latency,
    Price,
    /// One tenant's, by its id.
    TenantPrice,
    Usage,
    /// The share of revenue that is owed for late answers, for certain.
    Owed,
    /// The share of the traffic.
    Route,
}

impl LeverKind {
    pub const ALL: [LeverKind; 7] = [
        LeverKind::Cost,
        LeverKind::Latency,
        LeverKind::Price,
        LeverKind::TenantPrice,
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
            LeverKind::TenantPrice => "tenant-price",
            LeverKind::Usage => "usage",
            LeverKind::Owed => "owed",
            LeverKind::Route => "route",
        }
    }

    /// What stands there, in percent.
    #[must_use]
    pub fn percents(self, of: &Scenario) -> BTreeMap<String, Decimal> {
        let mut all = BTreeMap::new();
        match self {
            LeverKind::Cost => put_percents(&mut all, &of.cost, Change::get),
            LeverKind::Latency => put_percents(&mut all, &of.latency, Change::get),
            LeverKind::Price => put_percents(&mut all, &of.price, Change::get),
            LeverKind::TenantPrice => put_percents(&mut all, &of.tenant_price, Change::get),
            LeverKind::Usage => put_percents(&mut all, &of.usage, Change::get),
            LeverKind::Owed => put_percents(&mut all, &of.latency_penalty, Share::get),
            LeverKind::Route => put_percents(&mut all, &of.routing, Share::get),
        }
        all
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
        let wrong = |must: &str| {
            let given = percent.unwrap_or_default();
            format!("{}.{name}: {given} % is too much or too little; {must}.", self.word())
        };
        const CHANGE: &str = "a change is more than −100 % and at most 10,000 %";
        const SHARE: &str = "a share is 0 to 100 %";
        match self {
            LeverKind::Owed | LeverKind::Route => {
                let share = part.map(Share::try_from).transpose().map_err(|_| wrong(SHARE))?;
                let map =
                    if self == LeverKind::Owed { &mut on.latency_penalty } else { &mut on.routing };
                settle(map, name, share);
            }
            LeverKind::Cost
            | LeverKind::Latency
            | LeverKind::Price
            | LeverKind::TenantPrice
            | LeverKind::Usage => {
                let change = part.map(Change::try_from).transpose().map_err(|_| wrong(CHANGE))?;
                let map = match self {
                    LeverKind::Cost => &mut on.cost,
                    LeverKind::Latency => &mut on.latency,
                    LeverKind::Price => &mut on.price,
                    LeverKind::TenantPrice => &mut on.tenant_price,
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
            LeverKind::TenantPrice => levers.tenants.clone(),
            LeverKind::Owed => {
                let promised = levers.tiers.iter().filter(|(_, promised)| **promised);
                promised.map(|(tier, _)| tier.clone()).collect()
            }
        }
    }
}

/// One after the other: `collect` sorts first, which is 4 kB of code for each kind of map.
fn put_percents<T: Copy>(
    all: &mut BTreeMap<String, Decimal>,
    of: &BTreeMap<String, T>,
    get: fn(T) -> Decimal,
) {
    for (name, lever) in of {
        all.insert(name.clone(), percent(get(*lever)));
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
        Self::over(search, Request::default())
    }

    /// The same where a kept scenario is open: what the address does not say is as it was kept.
    #[must_use]
    pub fn over(search: &str, usual: Request) -> Self {
        let request = usual.clone();
        let mut address = ScenarioAddress { request, usual, ..ScenarioAddress::default() };
        // Levers stand in the address all together, or not at all.
        let mut levers = None;
        let mut chosen = None;
        let pairs = form_urlencoded::parse(search.trim_start_matches('?').as_bytes());
        for (key, value) in pairs {
            // A form without scripts says in two fields whose price moves, and how far.
            let taken = if key == LeverKind::TenantPrice.word() {
                chosen = Some(value.trim().to_owned()).filter(|it| !it.is_empty());
                Ok(())
            } else {
                address.take(&mut levers, &key, value.trim())
            };
            address.problems.extend(taken.err());
        }
        if let Some(percent) = chosen {
            let taken = address.choose(&mut levers, &percent);
            address.problems.extend(taken.err());
        }
        let mut levers = levers.unwrap_or_else(|| address.levers());
        let sum: Decimal = levers.routing.values().map(|share| share.get()).sum();
        if !levers.routing.is_empty() && sum != Decimal::ONE {
            let sum = percent(sum);
            let problem = format!("route: the shares are {sum} % in sum, and not 100.");
            address.problems.push(problem);
            levers.routing.clear();
        }
        address.put_levers(levers);
        address
    }

    fn put_levers(&mut self, levers: Scenario) {
        let rest = self.request.scenarios.drain(..).skip(1);
        self.request.scenarios = [under_levers(levers)].into_iter().chain(rest).collect();
    }

    fn take(
        &mut self,
        levers: &mut Option<Scenario>,
        key: &str,
        value: &str,
    ) -> Result<(), String> {
        let request = &mut self.request;
        match key {
            "from" => request.from = time(key, value)?,
            "to" => request.to = time(key, value)?,
            "prices" => request.prices_as_of = time(key, value)?,
            "moved" => drop(levers.get_or_insert_default()),
            // A field of a form that was left empty.
            _ if value.is_empty() => {}
            "seed" => request.seed = value.parse().map_err(|error| format!("seed: {error}."))?,
            "draws" => request.draws = draws(value)?,
            "floor" => {
                let floor = Share::try_from(number(key, value)? / Decimal::ONE_HUNDRED);
                request.floor = floor.map_err(|error| format!("floor: {error}."))?;
            }
            "elasticity" => request.assumptions.elasticity = elasticity(value)?,
            "open" => self.opened = Some(value.to_owned()),
            "tenant" => self.tenant = Some(value.to_owned()),
            "with" => self.compare(value)?,
            _ => return take_lever(levers, key, value),
        }
        Ok(())
    }

    /// The price of the tenant that was chosen beside it.
    fn choose(&mut self, levers: &mut Option<Scenario>, percent: &str) -> Result<(), String> {
        let kind = LeverKind::TenantPrice;
        let none = || format!("{}: choose the tenant whose price it is.", kind.word());
        let tenant = self.tenant.take().ok_or_else(none)?;
        let percent = number(kind.word(), percent)?;
        kind.put(levers.get_or_insert_default(), &tenant, Some(percent))
    }

    /// Each once, and no more than anybody compares.
    fn compare(&mut self, ids: &str) -> Result<(), String> {
        for id in ids.split(',').filter(|id| !id.is_empty()) {
            if self.with.iter().any(|it| it == id) {
                continue;
            }
            if self.is_full() {
                let most = SCENARIOS_MAX - 1;
                return Err(format!("with: at most {most} are compared; the others are left out."));
            }
            self.with.push(id.to_owned());
        }
        Ok(())
    }

    /// Whether no other scenario can be compared.
    #[must_use]
    pub fn is_full(&self) -> bool {
        1 + self.with.len() >= SCENARIOS_MAX
    }

    /// What is asked where the address says nothing.
    #[must_use]
    pub fn usual(&self) -> &Request {
        &self.usual
    }

    /// The levers as they stand.
    #[must_use]
    pub fn levers(&self) -> Scenario {
        levers_of(&self.request)
    }

    /// The query string of this place, levers put so.
    #[must_use]
    pub fn write(&self, levers: &Scenario) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        let (request, usual) = (&self.request, &self.usual);
        if *levers != levers_of(usual) {
            let moved = LeverKind::ALL.map(|kind| (kind, kind.percents(levers)));
            if moved.iter().all(|(_, moved)| moved.is_empty()) {
                // Otherwise those of the opened one would come back.
                text.append_pair("moved", "1");
            }
            for (kind, percents) in moved {
                for (name, percent) in percents {
                    text.append_pair(&format!("{}.{name}", kind.word()), &percent.to_string());
                }
            }
        }
        if request.seed != usual.seed {
            text.append_pair("seed", &request.seed.to_string());
        }
        if request.draws != usual.draws {
            text.append_pair("draws", &request.draws.to_string());
        }
        if request.floor != usual.floor {
            text.append_pair("floor", &percent(request.floor.get()).to_string());
        }
        if request.assumptions != usual.assumptions {
            text.append_pair("elasticity", &request.assumptions.elasticity.to_string());
        }
        let times = [
            ("from", request.from, usual.from),
            ("to", request.to, usual.to),
            ("prices", request.prices_as_of, usual.prices_as_of),
        ];
        for (key, at, usual) in times {
            if at != usual {
                text.append_pair(key, &at.map(|at| at.to_string()).unwrap_or_default());
            }
        }
        let unmoved = |tenant: &&String| !levers.tenant_price.contains_key(*tenant);
        if let Some(tenant) = self.tenant.as_ref().filter(unmoved) {
            text.append_pair("tenant", tenant);
        }
        if let Some(opened) = &self.opened {
            text.append_pair("open", opened);
        }
        if !self.with.is_empty() {
            text.append_pair("with", &self.with.join(","));
        }
        text.finish()
    }
}

fn levers_of(request: &Request) -> Scenario {
    request.scenarios.first().map(|asked| asked.changes.clone()).unwrap_or_default()
}

fn take_lever(levers: &mut Option<Scenario>, key: &str, value: &str) -> Result<(), String> {
    let of_kind = |kind: &LeverKind| {
        key.strip_prefix(kind.word()).and_then(|rest| rest.strip_prefix('.')).map(|it| (*kind, it))
    };
    // What other pages leave there, such as `problem`, is not ours.
    let Some((kind, name)) = LeverKind::ALL.iter().find_map(of_kind) else { return Ok(()) };
    kind.put(levers.get_or_insert_default(), name, Some(number(key, value)?))
}

/// The scenario that stands under the levers.
#[must_use]
pub fn under_levers(changes: Scenario) -> Asked {
    Asked { name: UNDER_LEVERS.to_owned(), changes }
}

fn number(key: &str, value: &str) -> Result<Decimal, String> {
    let text = value.trim_end_matches('%').trim();
    text.parse().map_err(|_| format!("{key}: \"{value}\" is no number."))
}

fn draws(value: &str) -> Result<usize, String> {
    let read = value.parse().ok().filter(|draws| (DRAWS_MIN..=DRAWS_MAX).contains(draws));
    read.ok_or_else(|| {
        format!("draws: \"{value}\" is no whole number from {DRAWS_MIN} to {DRAWS_MAX}.")
    })
}

fn elasticity(value: &str) -> Result<f64, String> {
    // By way of a decimal: the tables that read any float weigh as much as a page's whole text.
    let read = value.parse::<Decimal>().ok().and_then(|it| it.to_f64());
    let read = read.filter(|it| it.abs() <= ELASTICITY_MAX);
    read.ok_or_else(|| {
        format!("elasticity: \"{value}\" is no number from −{ELASTICITY_MAX} to {ELASTICITY_MAX}.")
    })
}

/// Nothing: no time is asked for.
fn time(key: &str, value: &str) -> Result<Option<Timestamp>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let spellings = [value.to_owned(), format!("{value}Z"), format!("{value}:00Z")];
    let day = format!("{value}T00:00:00Z");
    let read = spellings.iter().chain([&day]).find_map(|text| text.parse().ok());
    let wrong = || format!("{key}: \"{value}\" is no time. Write it like 2026-11-01T00:00Z.");
    read.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_to_all_that_is_asked() {
        let whole = "?cost.azure=30&latency.eu-west-1=-12.5&owed.pro=10&route.aws=25&route.azure=75\
                     &seed=7&floor=40&draws=500&elasticity=-1.5&from=2026-10-01T00:00:00.000Z\
                     &to=2026-11-01T06:30:00.000Z&prices=2026-10-15T00:00:00.000Z&open=x&with=y,z";
        let kept = Request {
            seed: "9".parse().expect("a seed"),
            from: Some(Timestamp::from_unix_ms(0)),
            draws: 300,
            scenarios: vec![
                under_levers(ScenarioAddress::read("price.pro=5").levers()),
                Asked { name: "kept too".to_owned(), changes: Scenario::default() },
            ],
            ..Request::default()
        };
        for usual in [Request::default(), kept] {
            for search in [whole, "", "from=&draws=10000&seed=1", "moved=1", "cost.azure=1"] {
                let address = ScenarioAddress::over(search, usual.clone());
                assert_eq!(address.problems, Vec::<String>::new());
                let written = address.write(&address.levers());
                let again = ScenarioAddress::over(&written, usual.clone());
                assert_eq!(again, address, "{search} became {written}");
                assert_eq!(again.request.scenarios.len(), usual.scenarios.len().max(1));
            }
        }
    }

    #[test]
    fn what_stands_as_it_was_kept_needs_no_words() {
        let levers = ScenarioAddress::read("price.pro=5").levers();
        let kept = Request { scenarios: vec![under_levers(levers.clone())], ..Request::default() };
        let address = ScenarioAddress::over("open=x", kept);
        assert_eq!(address.levers(), levers);
        assert_eq!(address.write(&levers), "open=x");
        assert_eq!(address.write(&Scenario::default()), "moved=1&open=x");
    }

    #[test]
    fn each_is_compared_once_and_no_more_than_five() {
        let address = ScenarioAddress::read("with=a,a,b,c,d,e");
        assert_eq!(address.with, ["a", "b", "c", "d"]);
        assert!(address.is_full());
        assert_eq!(address.problems.len(), 1, "{:?}", address.problems);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_holds() {
        let address = ScenarioAddress::read(
            "cost.azure=lots&cost.aws=-250&price.pro=5&route.aws=60&draws=50&elasticity=99",
        );
        assert_eq!(address.problems.len(), 5, "{:?}", address.problems);
        assert!(address.problems[0].contains("cost.azure"));
        assert_eq!(address.levers().price.len(), 1);
        assert!(address.levers().routing.is_empty());
    }

    #[test]
    fn a_tenants_price_stands_in_the_address_beside_its_tiers_or_is_chosen_in_two_fields() {
        let address = ScenarioAddress::read("price.pro=5&tenant-price.juniper=8");
        assert_eq!(address.problems, Vec::<String>::new());
        let levers = address.levers();
        assert_eq!((levers.price.len(), levers.tenant_price.len()), (1, 1));
        assert_eq!(address.write(&levers), "price.pro=5&tenant-price.juniper=8");
        for form in ["tenant=juniper&tenant-price=8", "tenant-price=8&tenant=juniper&moved=1"] {
            let chosen = ScenarioAddress::read(form);
            assert_eq!(chosen.write(&chosen.levers()), "tenant-price.juniper=8", "{form}");
        }
        let nobody = ScenarioAddress::read("tenant=&tenant-price=8");
        assert!(nobody.problems[0].contains("choose the tenant"), "{:?}", nobody.problems);
    }

    #[test]
    fn a_tenant_whose_price_is_not_moved_keeps_its_lever() {
        let address = ScenarioAddress::read("tenant=juniper&tenant-price=&seed=3");
        assert_eq!((address.tenant.as_deref(), address.problems.len()), (Some("juniper"), 0));
        assert!(address.levers().is_still());
        assert_eq!(address.write(&address.levers()), "seed=3&tenant=juniper");
    }

    #[test]
    fn a_lever_at_rest_is_no_change() {
        let address = ScenarioAddress::read("cost.azure=0&owed.pro=0");
        assert!(address.levers().cost.is_empty());
        // Nothing owed for certain is a change: the latency would have led to something.
        assert_eq!(address.levers().latency_penalty.len(), 1);
    }
}
