//! Who serves whom, with everything that it rests on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, PerCloud};
use crate::fabric::capacity::{Capacity, Over, over};
use crate::fabric::hysteresis::Why;
use crate::fabric::score::{Scored, Status};
use crate::fabric::verdict::{Mode, View};
use crate::fabric::weight::rendezvous;

/// How many rules were kept to find somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// All.
    Rules,
    /// Nobody was left by them: clouds that are held out, or not healthy, may serve again.
    HeldOut,
    /// Even drained clouds: an answer that nobody wanted is better than none.
    Drained,
    /// Nobody is up.
    Nobody,
}

impl Level {
    pub(super) const ALL: [Level; 3] = [Level::Rules, Level::HeldOut, Level::Drained];
}

/// How a cloud stands, by the verdict and by this node's own probes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub down: bool,
    /// By damping.
    pub held_out: bool,
    pub damping: f64,
    pub drained: bool,
    pub status: Status,
    pub load: f64,
    pub rtt_ms: Option<f64>,
    pub next_change_ms: u64,
}

impl Standing {
    pub(super) const fn passes(&self, level: Level) -> bool {
        match level {
            Level::Rules => !self.down && !self.held_out && !self.drained,
            Level::HeldOut => !self.down && !self.drained,
            Level::Drained => !self.down,
            Level::Nobody => false,
        }
    }
}

/// The answer for one client region, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionChoice {
    pub pick: Cloud,
    pub why: Why,
    pub level: Level,
    /// Who served before this evaluation.
    pub last_good: Option<Cloud>,
    /// Who could serve, the best first.
    pub ranked: Vec<Scored>,
    /// 0 everywhere: nothing is known.
    pub rtt_ms: PerCloud<f64>,
    /// The shares that the region's networks are dealt in, as somebody has no room for what was meant for
    /// it. Absent: it is dealt by [`Selection::shares`], or else the one that serves takes all.
    pub spill: Option<PerCloud<f64>>,
}

/// An evaluation of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    pub mode: Mode,
    pub votes: PerCloud<Option<View>>,
    pub clouds: PerCloud<Standing>,
    pub regions: BTreeMap<String, RegionChoice>,
    /// The shares that people decided on, as far as they can be kept. Absent: there are none, or nobody
    /// of them may serve.
    pub shares: Option<PerCloud<f64>>,
    /// Seconds that an answer may be kept.
    pub ttl_s: u32,
}

impl Selection {
    /// Who serves a network: by the shares of a region for which not everybody has the room, or else by
    /// the shares in force, or else whoever serves its region.
    #[must_use]
    pub fn serving(&self, region: &str, network: &str) -> Option<Cloud> {
        let choice = self.regions.get(region);
        let shares = choice.and_then(|choice| choice.spill).or(self.shares);
        let dealt = shares.and_then(|shares| {
            let shares = shares.iter().map(|(cloud, share)| (cloud, *share)).collect();
            rendezvous(network, &shares)
        });
        dealt.or_else(|| choice.map(|choice| choice.pick))
    }

    /// Of each region for which not everybody has the room.
    #[must_use]
    pub fn spills(&self) -> BTreeMap<String, PerCloud<f64>> {
        let spill = |(name, choice): (&String, &RegionChoice)| Some((name.clone(), choice.spill?));
        self.regions.iter().filter_map(spill).collect()
    }

    /// By region.
    #[must_use]
    pub fn picks(&self) -> BTreeMap<String, Cloud> {
        self.regions.iter().map(|(name, choice)| (name.clone(), choice.pick)).collect()
    }

    /// Whose shares ask for more than they are planned to take, of those that may serve.
    #[must_use]
    pub fn over(&self, demand: &BTreeMap<String, f64>, capacity: &Capacity) -> Vec<Over> {
        let Some(shares) = &self.shares else { return Vec::new() };
        let may = |cloud| self.clouds.get(cloud).passes(Level::Rules);
        let room = capacity.map(|cloud, most| most.filter(|_| may(cloud)));
        over(shares, demand.values().sum(), &room)
    }

    #[must_use]
    pub fn down(&self) -> BTreeSet<Cloud> {
        Cloud::ALL.into_iter().filter(|cloud| self.clouds.get(*cloud).down).collect()
    }

    /// May this node record and publish what it selects?
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        !matches!(self.mode, Mode::FailStatic)
    }
}
