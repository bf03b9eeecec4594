//! What a majority says of each cloud (F6), and what the deployment is then.
//!
//! One observer may be cut off and see everybody down: alone it decides nothing.

use serde::{Deserialize, Serialize};

use crate::cloud::{CLOUD_COUNT, Cloud, PerCloud};
use crate::fabric::health::Seen;

/// Observers that must agree: a majority of all clouds, silent ones counted.
pub const NEEDED: usize = CLOUD_COUNT / 2 + 1;

/// One observer's word on each cloud, itself included.
pub type View = PerCloud<Seen>;

/// How many clouds the majority sees up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All up.
    Normal,
    /// A majority is up: replication and finality go on.
    Degraded,
    /// Fewer, but not none.
    Critical,
    /// None: the last good answer is better than no answer.
    Panic,
    /// This node hears no majority, so it decides nothing. Not a mode of the deployment.
    FailStatic,
}

impl Mode {
    pub const ALL: [Mode; 5] =
        [Mode::Normal, Mode::Degraded, Mode::Critical, Mode::Panic, Mode::FailStatic];

    #[must_use]
    pub const fn of(clouds_up: usize) -> Mode {
        match clouds_up {
            CLOUD_COUNT.. => Mode::Normal,
            NEEDED.. => Mode::Degraded,
            1.. => Mode::Critical,
            0 => Mode::Panic,
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Normal => "normal",
            Mode::Degraded => "degraded",
            Mode::Critical => "critical",
            Mode::Panic => "panic",
            Mode::FailStatic => "fail_static",
        }
    }
}

/// What the votes come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Fewer than a majority reported: nothing is decided here.
    FailStatic,
    /// True: down.
    Decided(PerCloud<bool>),
}

impl Verdict {
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self {
            Verdict::FailStatic => Mode::FailStatic,
            Verdict::Decided(down) => {
                Mode::of(Cloud::ALL.into_iter().filter(|cloud| !down.get(*cloud)).count())
            }
        }
    }
}

/// Counts. `None`: this observer is silent and has no vote.
#[must_use]
pub fn count(votes: &PerCloud<Option<View>>) -> Verdict {
    let reports: Vec<&View> = votes.iter().filter_map(|(_, view)| view.as_ref()).collect();
    if reports.len() < NEEDED {
        return Verdict::FailStatic;
    }
    Verdict::Decided(PerCloud::from_fn(|cloud| {
        reports.iter().filter(|view| view.get(cloud).is_down()).count() >= NEEDED
    }))
}
