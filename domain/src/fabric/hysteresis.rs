//! Who serves goes on serving until another is better by a margin (F4).

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;

/// How much better, for how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Margin {
    /// A share of the incumbent's score.
    pub rel: f64,
    pub abs_ms: f64,
    /// Evaluations in a row by the same challenger.
    pub dwell: u32,
}

impl Margin {
    /// The first in the ranking, always: what `basic` means.
    pub const NONE: Margin = Margin { rel: 0.0, abs_ms: 0.0, dwell: 1 };

    /// A challenger must score below this.
    #[must_use]
    pub fn limit_ms(&self, incumbent_ms: f64) -> f64 {
        incumbent_ms * (1.0 - self.rel) - self.abs_ms
    }
}

impl Default for Margin {
    fn default() -> Self {
        Margin { rel: 0.2, abs_ms: 10.0, dwell: 1 }
    }
}

/// Why the pick is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// There was no incumbent.
    First,
    /// It leads.
    Leads,
    /// Another leads, by less than the margin.
    WithinMargin,
    /// Another leads by more than the margin, and not for long enough yet.
    Dwelling,
    /// It beat the incumbent by more than the margin.
    BetterByMargin,
    /// The incumbent cannot be chosen any more.
    IncumbentOut,
    /// Nobody can be chosen: the last good answer stands.
    Nobody,
    /// This node hears no majority: the last good answer stands, unless this node sees it down.
    Alone,
}

/// The choice for one client region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hysteresis {
    incumbent: Option<Cloud>,
    /// Who has been ahead by the margin, and for how many evaluations.
    challenger: Option<(Cloud, u32)>,
}

impl Hysteresis {
    #[must_use]
    pub const fn of(incumbent: Cloud) -> Self {
        Hysteresis { incumbent: Some(incumbent), challenger: None }
    }

    #[must_use]
    pub const fn incumbent(&self) -> Option<Cloud> {
        self.incumbent
    }

    /// `ranked`: who may be chosen, the best first, with scores in milliseconds.
    pub fn evaluate(&mut self, margin: &Margin, ranked: &[(Cloud, f64)]) -> (Option<Cloud>, Why) {
        let Some((best, best_ms)) = ranked.first().copied() else {
            *self = Hysteresis::default();
            return (None, Why::Nobody);
        };
        let Some(incumbent) = self.incumbent else { return self.settle(best, Why::First) };
        let held = ranked.iter().find(|(cloud, _)| *cloud == incumbent);
        let Some((_, held_ms)) = held.copied() else { return self.settle(best, Why::IncumbentOut) };
        if best == incumbent {
            return self.settle(incumbent, Why::Leads);
        }
        if best_ms >= margin.limit_ms(held_ms) {
            return self.settle(incumbent, Why::WithinMargin);
        }
        let before = self.challenger.filter(|(cloud, _)| *cloud == best);
        let ahead = before.map_or(1, |(_, times)| times.saturating_add(1));
        if ahead >= margin.dwell {
            return self.settle(best, Why::BetterByMargin);
        }
        self.challenger = Some((best, ahead));
        (Some(incumbent), Why::Dwelling)
    }

    fn settle(&mut self, cloud: Cloud, why: Why) -> (Option<Cloud>, Why) {
        *self = Hysteresis::of(cloud);
        (Some(cloud), why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_dwell_of_two_the_same_challenger_must_lead_twice() {
        let margin = Margin { dwell: 2, ..Margin::default() };
        let mut held = Hysteresis::of(Cloud::Gcp);
        let aws = [(Cloud::Aws, 10.0), (Cloud::Azure, 11.0), (Cloud::Gcp, 100.0)];
        let azure = [(Cloud::Azure, 10.0), (Cloud::Aws, 11.0), (Cloud::Gcp, 100.0)];
        assert_eq!(held.evaluate(&margin, &aws), (Some(Cloud::Gcp), Why::Dwelling));
        assert_eq!(held.evaluate(&margin, &azure), (Some(Cloud::Gcp), Why::Dwelling));
        assert_eq!(held.evaluate(&margin, &azure), (Some(Cloud::Azure), Why::BetterByMargin));
    }

    #[test]
    fn nobody_to_choose_clears_the_memory() {
        let mut held = Hysteresis::of(Cloud::Gcp);
        assert_eq!(held.evaluate(&Margin::default(), &[]), (None, Why::Nobody));
        assert_eq!(held.incumbent(), None);
    }
}
