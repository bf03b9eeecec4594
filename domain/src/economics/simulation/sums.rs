//! Sums per draw and group, and the sliders that are linear in them.
//!
//! Dragging a provider's cost multiplies one group's costs in every draw: no tenant is drawn
//! again, so the portfolio's distribution follows the finger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::within;
use crate::economics::sample::Sorted;
use crate::economics::simulation::block::{GroupDraws, MarginSpread, Spread};
use crate::economics::simulation::portfolio::Group;

/// A slider ends where a scenario does: at a hundredfold rise.
const FACTOR_MAX: f64 = 101.0;

/// Factors upon a finished simulation; what is not named has factor 1. Usage stays: an answer of
/// demand to a price is not linear and needs the simulation itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Slider {
    /// By provider.
    pub cost: BTreeMap<String, f64>,
    /// What is owed, by region. Not capped again: 2 is twice what was owed.
    pub penalty: BTreeMap<String, f64>,
    /// Of all prices; what is owed is a share of revenue and moves with it.
    pub price: f64,
}

impl Default for Slider {
    fn default() -> Self {
        Slider { cost: BTreeMap::new(), penalty: BTreeMap::new(), price: 1.0 }
    }
}

/// The factors of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights {
    pub(super) cost: f64,
    /// On the penalty rate.
    pub(super) penalty: f64,
    pub(super) price: f64,
}

impl Slider {
    /// # Errors
    /// A factor is negative, no number, or above 101; a price of 0.
    pub fn check(&self) -> Result<(), EconomicsError> {
        let wanted = "a factor from 0 to 101 (1.3 is +30 %)";
        let factors = self.cost.values().chain(self.penalty.values());
        for factor in factors.chain([&self.price]) {
            within("a slider", *factor, 0.0, FACTOR_MAX, wanted)?;
        }
        if self.price == 0.0 {
            let problem = "must not be 0: without revenue there is no margin";
            return Err(EconomicsError::Inconsistent { what: "the price slider", problem });
        }
        Ok(())
    }

    pub(super) fn weights(&self, group: &Group) -> Weights {
        let factor = |map: &BTreeMap<String, f64>, name| map.get(name).copied().unwrap_or(1.0);
        Weights {
            cost: factor(&self.cost, &group.provider),
            penalty: factor(&self.penalty, &group.region),
            price: self.price,
        }
    }
}

/// What a simulation keeps of the portfolio: revenue, cost and penalty per draw and group.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawSums {
    groups: Vec<(Group, GroupDraws)>,
    floor: f64,
}

/// The portfolio, draw by draw.
#[derive(Clone, Debug, PartialEq)]
pub struct PortfolioDraws {
    pub profit_usd: Vec<f64>,
    /// Absent without revenue.
    pub margin: Option<Vec<f64>>,
    floor: f64,
}

/// What the draws say of the portfolio.
#[derive(Clone, Debug, PartialEq)]
pub struct PortfolioOutcome {
    pub profit_usd: Spread,
    pub profits_usd: Sorted,
    /// Absent without revenue.
    pub margin: Option<(MarginSpread, Sorted)>,
}

impl DrawSums {
    pub(super) const fn new(groups: Vec<(Group, GroupDraws)>, floor: f64) -> Self {
        DrawSums { groups, floor }
    }

    /// `profit = Σ_g (π·revenue − κ·cost − π·λ·penalty)` and `margin = profit / Σ_g π·revenue`, in
    /// every draw; the groups in their order.
    ///
    /// # Errors
    /// See [`Slider::check`].
    pub fn draws(&self, slider: &Slider) -> Result<PortfolioDraws, EconomicsError> {
        slider.check()?;
        let draws = self.groups.first().map_or(0, |(_, sums)| sums.revenue.len());
        let (mut profit_usd, mut revenue) = (vec![0.0; draws], vec![0.0; draws]);
        for (group, sums) in &self.groups {
            let Weights { cost, penalty, price } = slider.weights(group);
            let owed = price * penalty;
            let inputs = sums.revenue.iter().zip(&sums.cost).zip(&sums.penalty);
            let outputs = profit_usd.iter_mut().zip(&mut revenue);
            for (((r, c), p), (profit, revenue)) in inputs.zip(outputs) {
                *profit += price * r - cost * c - owed * p;
                *revenue += price * r;
            }
        }
        let earns = revenue.iter().all(|revenue| *revenue > 0.0);
        let margin = |(profit, revenue): (&f64, &f64)| profit / revenue;
        let margin = earns.then(|| profit_usd.iter().zip(&revenue).map(margin).collect());
        Ok(PortfolioDraws { profit_usd, margin, floor: self.floor })
    }

    /// The portfolio's distribution with the sliders where they stand.
    ///
    /// # Errors
    /// See [`Slider::check`].
    pub fn outcome(&self, slider: &Slider) -> Result<PortfolioOutcome, EconomicsError> {
        self.draws(slider)?.outcome()
    }
}

impl PortfolioDraws {
    /// # Errors
    /// See [`Sorted::new`].
    pub fn outcome(self) -> Result<PortfolioOutcome, EconomicsError> {
        let floor = self.floor;
        let (profit_usd, profits_usd) = Spread::of(self.profit_usd)?;
        let margin = self.margin.map(|margins| MarginSpread::of(margins, floor)).transpose()?;
        Ok(PortfolioOutcome { profit_usd, profits_usd, margin })
    }
}
