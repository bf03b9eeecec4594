//! The draws of what tenants share, made once, and the streams of what they do not.

use std::collections::BTreeMap;

use crate::economics::draw::{Seed, Stream};
use crate::economics::simulation::portfolio::Tenant;
use crate::economics::simulation::uncertainty::{Dependence, INPUTS, Input, Sharing, Uncertainty};
use crate::economics::volatility::Jumps;

/// Where a tenant's draws of an input come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    Own(Stream),
    /// The series of that number.
    Shared(usize),
}

/// A series of draws that several tenants share.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    pub input: Input,
    pub sharing: Sharing,
    /// Of the provider, region or tier.
    pub name: String,
    /// One number a draw: standard normal for costs, usage and elasticity; uniform, and compared
    /// with probabilities, for latency and downtime; a factor on the cost for jumps.
    pub draws: Vec<f64>,
}

/// All series of a simulation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Factors {
    pub(super) series: Vec<Factor>,
    by_name: BTreeMap<(Input, Sharing, String), usize>,
}

impl Factors {
    /// Where this tenant draws the input from; a series that is not there yet is drawn.
    pub(super) fn source(
        &mut self,
        tenant: &Tenant,
        input: Input,
        dependence: &Dependence,
        (seed, draws): (Seed, usize),
    ) -> Source {
        let sharing = dependence.of(input);
        let (kind, name) = sharing.stream_of(tenant);
        let stream = Stream::named(seed, kind, name);
        if sharing == Sharing::Tenant {
            return Source::Own(stream);
        }
        let shared = self.shared(input, sharing, name, || drawn(stream, input, draws));
        Source::Shared(shared)
    }

    /// The series by which the provider's price jumps, if it does.
    pub(super) fn jumps(
        &mut self,
        tenant: &Tenant,
        uncertainty: &Uncertainty,
        (seed, draws): (Seed, usize),
    ) -> Option<usize> {
        let jumps = uncertainty.jumps.get(&tenant.provider)?;
        let (kind, name) = Sharing::Provider.stream_of(tenant);
        let stream = Stream::named(seed, kind, name);
        let factors = || jump_factors(stream, jumps, uncertainty.horizon_years, draws);
        Some(self.shared(Input::JumpSize, Sharing::Provider, name, factors))
    }

    fn shared(
        &mut self,
        input: Input,
        sharing: Sharing,
        name: &str,
        draws: impl FnOnce() -> Vec<f64>,
    ) -> usize {
        let key = (input, sharing, name.to_owned());
        if let Some(at) = self.by_name.get(&key) {
            return *at;
        }
        let at = self.series.len();
        self.series.push(Factor { input, sharing, name: name.to_owned(), draws: draws() });
        self.by_name.insert(key, at);
        at
    }
}

fn drawn(stream: Stream, input: Input, draws: usize) -> Vec<f64> {
    let mut series = vec![0.0; draws];
    fill(stream, input, &mut series);
    series
}

/// Draws an input: uniform where it is only compared with a bound, normal elsewhere.
pub(super) fn fill(stream: Stream, input: Input, out: &mut [f64]) {
    match input {
        Input::Latency | Input::Downtime | Input::JumpCount => {
            stream.fill_uniform(input.number(), INPUTS, out);
        }
        Input::Cost | Input::Usage | Input::Elasticity | Input::JumpSize => {
            stream.fill_normal(input.number(), INPUTS, out);
        }
    }
}

/// `exp(N m + √N s z)`: N jumps, each lognormal, together are lognormal.
fn jump_factors(stream: Stream, jumps: &Jumps, years: f64, draws: usize) -> Vec<f64> {
    let counts = drawn(stream, Input::JumpCount, draws);
    let mut factors = drawn(stream, Input::JumpSize, draws);
    for (factor, uniform) in factors.iter_mut().zip(counts) {
        #[expect(clippy::cast_precision_loss, reason = "a few jumps")]
        let count = jumps.count(uniform, years) as f64;
        *factor = libm::exp(count * jumps.mean + count.sqrt() * jumps.deviation * *factor);
    }
    factors
}
