//! What is not known: which inputs vary, by how much, and who shares their luck.

use std::collections::BTreeMap;

use crate::economics::EconomicsError;
use crate::economics::penalty::Downtime;
use crate::economics::quantity::within;
use crate::economics::simulation::portfolio::Tenant;
use crate::economics::volatility::{Jumps, horizon};

/// A source of uncertainty. Its number is part of the name of each draw: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// Of the unit cost, within the provider's present price.
    Cost = 0,
    Usage = 1,
    /// Of a region's latency.
    Latency = 2,
    /// Of a provider.
    Downtime = 3,
    /// How usage answers to our price.
    Elasticity = 4,
    /// How often a provider's price jumps.
    JumpCount = 5,
    /// How far all its jumps lead together.
    JumpSize = 6,
}

/// Places in each draw: one an input, and one to spare, so that an eighth input changes no draw.
pub(super) const INPUTS: u64 = 8;

impl Input {
    /// The inputs that a tornado moves, in this order. Jumps have no bar: between their 10 % and
    /// 90 % quantiles there is, for most providers, none.
    pub const TORNADO: [Input; 5] =
        [Input::Cost, Input::Usage, Input::Latency, Input::Downtime, Input::Elasticity];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Input::Cost => "cost",
            Input::Usage => "usage",
            Input::Latency => "latency",
            Input::Downtime => "downtime",
            Input::Elasticity => "elasticity",
            Input::JumpCount => "jump count",
            Input::JumpSize => "jump size",
        }
    }

    pub(super) const fn number(self) -> u64 {
        self as u64
    }
}

/// Among whom an input has one value a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharing {
    /// Nobody: each tenant has its own.
    Tenant,
    Provider,
    Region,
    Tier,
}

impl Sharing {
    /// The kind and the name of the stream that a tenant draws from.
    pub(super) fn stream_of(self, tenant: &Tenant) -> (&'static str, &str) {
        match self {
            Sharing::Tenant => ("tenant", tenant.tenant.as_str()),
            Sharing::Provider => ("provider", &tenant.provider),
            Sharing::Region => ("region", &tenant.region),
            Sharing::Tier => ("tier", &tenant.tier),
        }
    }
}

/// Who shares what. What is shared does not average out over many tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependence {
    pub cost: Sharing,
    pub usage: Sharing,
    pub latency: Sharing,
    pub downtime: Sharing,
    pub elasticity: Sharing,
}

impl Dependence {
    /// A provider's costs and downtime meet all its tenants, a region's latency all in it, and a
    /// tier's demand moves together. What a controller should look at.
    pub const SHARED: Dependence = Dependence {
        cost: Sharing::Provider,
        usage: Sharing::Tier,
        latency: Sharing::Region,
        downtime: Sharing::Provider,
        elasticity: Sharing::Tier,
    };

    /// Every tenant for itself: the portfolio then looks safer than it is.
    pub const INDEPENDENT: Dependence = Dependence {
        cost: Sharing::Tenant,
        usage: Sharing::Tenant,
        latency: Sharing::Tenant,
        downtime: Sharing::Tenant,
        elasticity: Sharing::Tenant,
    };

    /// Price jumps are always the provider's.
    pub(super) const fn of(&self, input: Input) -> Sharing {
        match input {
            Input::Cost => self.cost,
            Input::Usage => self.usage,
            Input::Latency => self.latency,
            Input::Downtime => self.downtime,
            Input::Elasticity => self.elasticity,
            Input::JumpCount | Input::JumpSize => Sharing::Provider,
        }
    }
}

/// How uncertain the world around the tenants is.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncertainty {
    /// Deviation of the logarithm of a region's latency.
    pub latency_sigma: f64,
    pub downtime: Downtime,
    /// Deviation of an elasticity.
    pub elasticity_sigma: f64,
    /// By provider; who is not named does not change its price.
    pub jumps: BTreeMap<String, Jumps>,
    /// How far ahead jumps are looked for.
    pub horizon_years: f64,
    pub dependence: Dependence,
}

impl Uncertainty {
    pub(super) fn check(&self) -> Result<(), EconomicsError> {
        within("the sigma of latencies", self.latency_sigma, 0.0, 10.0, "0 to 10")?;
        within("the sigma of elasticities", self.elasticity_sigma, 0.0, 10.0, "0 to 10")?;
        horizon(self.horizon_years)?;
        self.jumps.values().try_for_each(|jumps| jumps.check().map(|_| ()))
    }
}
