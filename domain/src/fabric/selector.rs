//! One node's selector: what it sees and hears goes in, who serves whom comes out.
//!
//! No I/O and no clock: `now_ms` is one clock, the same for every call. Were it to jump, what peers told
//! before counts for nothing, until they tell it anew. A node in a minority changes nothing: it goes on
//! with the last good answer, without what it sees down itself. Where nobody is up, the last good answer stands too (F12).

mod report;
mod selection;

use std::collections::BTreeMap;

use crate::cloud::{Cloud, PerCloud};
use crate::fabric::capacity::{Capacity, spills};
use crate::fabric::damping::{self, Damping};
use crate::fabric::health::{Health, Seen, Thresholds};
use crate::fabric::hysteresis::{Hysteresis, Margin, Why};
use crate::fabric::score::{Candidate, Policy, Scored, Status, rank};
use crate::fabric::shares::among;
use crate::fabric::smoothing::PeakEwma;
use crate::fabric::ttl::{self, ttl_s};
use crate::fabric::verdict::{Mode, Verdict, View, count};

pub use report::{Reading, Report};
pub use selection::{Level, RegionChoice, Selection, Standing};

/// The region of clients of whom nothing is known.
pub const ANYWHERE: &str = "anywhere";

/// How a node selects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub policy: Policy,
    pub margin: Margin,
    pub thresholds: Thresholds,
    pub damping: damping::Rule,
    pub ttl: ttl::Limits,
    /// A peer that was not heard for so long has no vote.
    pub silence_ms: u64,
    /// How fast a peak of load is forgotten.
    pub tau_ms: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings::of(Policy::Balanced)
    }
}

impl Settings {
    /// What a policy means: `basic` neither smooths nor asks for a margin (F1).
    #[must_use]
    pub fn of(policy: Policy) -> Self {
        let margin = match policy {
            Policy::Basic => Margin::NONE,
            Policy::Balanced => Margin::default(),
        };
        Settings {
            policy,
            margin,
            thresholds: Thresholds::default(),
            damping: damping::Rule::default(),
            ttl: ttl::Limits::default(),
            silence_ms: 3_000,
            tau_ms: 10_000.0,
        }
    }
}

/// What this node keeps of one cloud.
#[derive(Clone, Copy, Debug)]
struct Watched {
    health: Health,
    load: PeakEwma,
    rtt: PeakEwma,
    reading: Option<Reading>,
    damping: Damping,
    down: bool,
    drained: bool,
    /// Its last report, and when it came.
    heard: Option<(u64, Report)>,
}

/// A client region: how far the clouds are from it, and who serves it.
#[derive(Clone, Copy, Debug, Default)]
struct Region {
    rtt_ms: PerCloud<f64>,
    held: Hysteresis,
}

/// The machine. One a node.
#[derive(Clone, Debug)]
pub struct Selector {
    me: Cloud,
    settings: Settings,
    clouds: PerCloud<Watched>,
    regions: BTreeMap<String, Region>,
    /// The shares that people decided on.
    shares: Option<PerCloud<f64>>,
    /// Requests a second that are expected from regions, and what the clouds can take.
    demand: BTreeMap<String, f64>,
    capacity: Capacity,
    latest_ms: u64,
}

impl Selector {
    #[must_use]
    pub fn new(me: Cloud, settings: Settings) -> Self {
        let watched = Watched {
            health: Health::new(settings.thresholds, Seen::Unknown),
            load: PeakEwma::new(settings.tau_ms),
            rtt: PeakEwma::new(settings.tau_ms),
            reading: None,
            damping: Damping::new(settings.damping),
            down: false,
            drained: false,
            heard: None,
        };
        let clouds = PerCloud::from_fn(|_| watched);
        let regions = BTreeMap::from([(ANYWHERE.to_owned(), Region::default())]);
        let (demand, capacity) = (BTreeMap::new(), Capacity::default());
        Selector { me, settings, clouds, regions, shares: None, demand, capacity, latest_ms: 0 }
    }

    /// What is expected, and what can be taken: where one cloud cannot take a region alone, or its share of
    /// one, the rest of it goes to others.
    #[must_use]
    pub fn with_capacity(mut self, demand: BTreeMap<String, f64>, capacity: Capacity) -> Self {
        (self.demand, self.capacity) = (demand, capacity);
        self
    }

    #[must_use]
    pub const fn me(&self) -> Cloud {
        self.me
    }

    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A probe ended; `None`: no answer in time, or one that says unhealthy. True: what this node
    /// holds of the cloud has changed, and its peers should hear it now.
    pub fn probe(&mut self, target: Cloud, answer: Option<Reading>, now_ms: u64) -> bool {
        let watched = self.clouds.get_mut(target);
        let answer = answer.filter(|reading| reading.status != Status::Unhealthy);
        if let Some(mut reading) = answer {
            let load = watched.load.take(now_ms, reading.load);
            reading.rtt_ms = watched.rtt.take(now_ms, reading.rtt_ms);
            if self.settings.policy == Policy::Balanced {
                reading.load = load;
            }
            watched.reading = Some(reading);
        }
        watched.health.probe(answer.is_some())
    }

    /// A peer told what it sees.
    pub fn hear(&mut self, from: Cloud, report: Report, now_ms: u64) {
        self.notice(now_ms);
        if from != self.me {
            self.clouds.get_mut(from).heard = Some((now_ms, report));
        }
    }

    /// What this node tells its peers.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            view: self.clouds.map(|_, watched| watched.health.seen()),
            failures: self.clouds.map(|_, watched| watched.health.failures()),
            readings: self.clouds.map(|_, watched| watched.reading),
        }
    }

    /// Which clouds people have drained.
    pub fn drain(&mut self, drained: &PerCloud<bool>) {
        for (cloud, drained) in drained.iter() {
            self.clouds.get_mut(cloud).drained = *drained;
        }
    }

    /// The shares that people decided on; `None`: there are none.
    pub const fn set_shares(&mut self, shares: Option<PerCloud<f64>>) {
        self.shares = shares;
    }

    /// The client regions there are, with their round trips. Who serves a region that stays stays.
    pub fn set_regions(&mut self, rtt_ms: &BTreeMap<String, PerCloud<f64>>) {
        let held = |name: &str| self.regions.get(name).map(|known| known.held).unwrap_or_default();
        let mut regions = BTreeMap::from([(
            ANYWHERE.to_owned(),
            Region { rtt_ms: PerCloud::default(), held: held(ANYWHERE) },
        )]);
        for (name, rtt_ms) in rtt_ms {
            regions.insert(name.clone(), Region { rtt_ms: *rtt_ms, held: held(name) });
        }
        self.regions = regions;
    }

    /// What the clouds have recorded together is what each of them goes on from.
    pub fn adopt(&mut self, recorded: &BTreeMap<String, Cloud>) {
        for (name, cloud) in recorded {
            if let Some(region) = self.regions.get_mut(name) {
                region.held = Hysteresis::of(*cloud);
            }
        }
    }

    /// The votes that count now.
    #[must_use]
    pub fn votes(&self, now_ms: u64) -> PerCloud<Option<View>> {
        PerCloud::from_fn(|cloud| {
            if cloud == self.me {
                return Some(self.report().view);
            }
            let (at_ms, report) = self.clouds.get(cloud).heard.as_ref()?;
            (now_ms.saturating_sub(*at_ms) <= self.settings.silence_ms).then_some(report.view)
        })
    }

    /// What the peers told last, and how long ago.
    #[must_use]
    pub fn heard(&self, now_ms: u64) -> PerCloud<Option<(u64, Report)>> {
        self.clouds.map(|cloud, watched| {
            if cloud == self.me {
                return Some((0, self.report()));
            }
            watched.heard.map(|(at_ms, report)| (now_ms.saturating_sub(at_ms), report))
        })
    }

    /// What would be selected now, were these clouds drained: the same rules, on a copy.
    #[must_use]
    pub fn preview(&self, drained: &PerCloud<bool>, now_ms: u64) -> Selection {
        let mut copy = self.clone();
        copy.drain(drained);
        copy.evaluate(now_ms)
    }

    /// What would be selected now, were these the shares that people decided on.
    #[must_use]
    pub fn preview_shares(&self, shares: Option<PerCloud<f64>>, now_ms: u64) -> Selection {
        let mut copy = self.clone();
        copy.set_shares(shares);
        copy.evaluate(now_ms)
    }

    /// Who serves whom as of now.
    pub fn evaluate(&mut self, now_ms: u64) -> Selection {
        self.notice(now_ms);
        let votes = self.votes(now_ms);
        let verdict = count(&votes);
        if let Verdict::Decided(down) = &verdict {
            self.take_verdict(down, now_ms);
        }
        let mode = verdict.mode();
        let standings = self.standings(mode);
        let mut regions = std::mem::take(&mut self.regions);
        let choose = |(name, region): (&String, &mut Region)| {
            (name.clone(), self.choose(mode, &standings, region))
        };
        let mut choices: BTreeMap<String, RegionChoice> = regions.iter_mut().map(choose).collect();
        self.regions = regions;
        let (shares, ttl_s) = (self.shares_kept(&standings), self.ttl_s(mode));
        for (name, spill) in spills(&choices, shares.as_ref(), &self.demand, &self.capacity) {
            if let Some(choice) = choices.get_mut(&name) {
                choice.spill = Some(spill);
            }
        }
        Selection { mode, votes, clouds: standings, regions: choices, shares, ttl_s }
    }

    /// Who may not serve has none, and the others keep their proportions. A node in a minority goes on
    /// with them, without whom it sees down itself.
    fn shares_kept(&self, standings: &PerCloud<Standing>) -> Option<PerCloud<f64>> {
        among(&self.shares?, |cloud| standings.get(cloud).passes(Level::Rules))
    }

    /// Of what was heard before the clock went back nobody knows how old it is.
    fn notice(&mut self, now_ms: u64) {
        if now_ms < self.latest_ms {
            for cloud in Cloud::ALL {
                self.clouds.get_mut(cloud).heard = None;
            }
        }
        self.latest_ms = now_ms;
    }

    fn take_verdict(&mut self, down: &PerCloud<bool>, now_ms: u64) {
        for (cloud, down) in down.iter() {
            let watched = self.clouds.get_mut(cloud);
            if *down && !watched.down {
                watched.damping.fall(now_ms);
            } else {
                watched.damping.pass(now_ms);
            }
            watched.down = *down;
        }
    }

    fn standings(&self, mode: Mode) -> PerCloud<Standing> {
        self.clouds.map(|_, watched| Standing {
            // Without a majority, what this node sees is all there is.
            down: match mode {
                Mode::FailStatic => watched.health.seen().is_down(),
                _ => watched.down,
            },
            held_out: watched.damping.is_held(),
            damping: watched.damping.points(),
            drained: watched.drained,
            status: watched.reading.map(|reading| reading.status).unwrap_or_default(),
            load: watched.reading.map_or(0.0, |reading| reading.load),
            rtt_ms: watched.reading.map(|reading| reading.rtt_ms),
            next_change_ms: watched.health.next_change_ms(),
        })
    }

    fn choose(
        &self,
        mode: Mode,
        standings: &PerCloud<Standing>,
        region: &mut Region,
    ) -> RegionChoice {
        let (level, ranked) = self.candidates(standings, &region.rtt_ms);
        let last_good = region.held.incumbent();
        let (pick, why) = match mode {
            Mode::FailStatic => {
                let stands = last_good.filter(|cloud| !standings.get(*cloud).down);
                (stands.unwrap_or(self.me), Why::Alone)
            }
            Mode::Panic => (last_good.unwrap_or(self.me), Why::Nobody),
            Mode::Normal | Mode::Degraded | Mode::Critical => {
                let (pick, why) = region.held.evaluate(&self.settings.margin, &contenders(&ranked));
                (pick.unwrap_or(self.me), why)
            }
        };
        RegionChoice { pick, why, level, last_good, ranked, rtt_ms: region.rtt_ms, spill: None }
    }

    /// Who may serve, the best first: by all rules if anybody is left by them, else by fewer.
    fn candidates(
        &self,
        standings: &PerCloud<Standing>,
        rtt_ms: &PerCloud<f64>,
    ) -> (Level, Vec<Scored>) {
        for level in Level::ALL {
            let policy = match level {
                Level::Rules => self.settings.policy,
                _ => Policy::Balanced,
            };
            let of = |cloud: Cloud| {
                let standing = standings.get(cloud);
                let candidate = Candidate {
                    cloud,
                    status: standing.status,
                    load: standing.load,
                    latency_ms: *rtt_ms.get(cloud),
                };
                standing.passes(level).then_some(candidate)
            };
            let candidates: Vec<Candidate> = Cloud::ALL.into_iter().filter_map(of).collect();
            let ranked = rank(policy, &candidates);
            if !ranked.is_empty() {
                return (level, ranked);
            }
        }
        (Level::Nobody, Vec::new())
    }

    fn ttl_s(&self, mode: Mode) -> u32 {
        match mode {
            Mode::FailStatic | Mode::Panic => self.settings.ttl.min_s,
            _ => {
                let changes =
                    self.clouds.iter().map(|(_, watched)| watched.health.next_change_ms());
                ttl_s(changes, self.settings.ttl)
            }
        }
    }
}

/// A degraded cloud comes after every healthy one, whatever its score: while one is healthy, it
/// holds its place against nobody.
fn contenders(ranked: &[Scored]) -> Vec<(Cloud, f64)> {
    let best = ranked.first().map(|best| best.status);
    let equals = ranked.iter().filter(|one| Some(one.status) == best);
    equals.map(|one| (one.cloud, one.score_ms)).collect()
}
