//! What the sample tenants do, and when.
//!
//! - Arrivals: a Poisson process whose rate swings over the day, 35 % above the mean at 15:00 UTC
//!   and as much below at 03:00.
//! - Tenants: Zipf with exponent 1.1, as in production traces where few customers are most of it.
//! - Tokens: log-normal; medians and spread are near those of the public Azure inference trace of
//!   2023 (conversations: some 1000 tokens in, 130 out).
//! - Latency: time to the first token and time per token of the model, log-normal noise.
//! - Cache: three requests in ten repeat a prefix; of those a uniform share is cached.
//! - Failures: 2 in 10,000: what every tier is promised is kept, so that what is said of a tenant in
//!   its first minutes is still so an hour later.

use std::time::Duration;

use domain::catalog::{Known, Usage};
use domain::clock::{DAY_MS, Timestamp};

use super::random::Random;
use crate::demo::story::{COMPANIES, Company, MODELS};

/// Mean of the day.
const EVENTS_PER_S: f64 = 20.0;
const DAILY_SWING: f64 = 0.35;
const PEAK_HOUR_UTC: f64 = 15.0;
const TENANT_EXPONENT: f64 = 1.1;
const INPUT_TOKENS: (f64, f64) = (900.0, 1.1);
const OUTPUT_TOKENS: (f64, f64) = (130.0, 1.0);
/// What models accept and give; the tails of a log-normal go further.
const INPUT_TOKENS_MAX: f64 = 120_000.0;
const OUTPUT_TOKENS_MAX: f64 = 8_000.0;
const LATENCY_SIGMA: f64 = 0.25;
const FAVOURITE_MODEL_SHARE: f64 = 0.8;
const CACHE_SHARE: f64 = 0.3;
const FAILURE_SHARE: f64 = 0.0002;

/// One inference of one tenant.
#[derive(Clone, Debug)]
pub(super) struct Inference {
    pub company: Company,
    pub usage: Usage,
}

impl Inference {
    /// The body of one event.
    pub fn to_event(&self) -> serde_json::Value {
        serde_json::json!({
            "eventId": uuid::Uuid::now_v7(),
            "tenantId": self.company.id,
            "region": self.company.region,
            "payload": Known::Usage(self.usage.clone()).to_payload(),
        })
    }
}

/// An endless, replayable series of inferences.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    random: Random,
}

impl Shape {
    pub const fn new(seed: u64) -> Self {
        Shape { random: Random::new(seed) }
    }

    /// The time until the next arrival.
    pub fn gap(&mut self, now: Timestamp) -> Duration {
        Duration::from_secs_f64(self.random.exponential(rate(now)))
    }

    pub fn inference(&mut self, now: Timestamp) -> Inference {
        let random = &mut self.random;
        let company = COMPANIES[random.zipf(COMPANIES.len(), TENANT_EXPONENT)];
        let favourite = random.chance(FAVOURITE_MODEL_SHARE);
        let model = &MODELS[company.models[usize::from(!favourite)]];
        let input = tokens(random, INPUT_TOKENS, INPUT_TOKENS_MAX);
        let ok = !random.chance(FAILURE_SHARE);
        let output = if ok { tokens(random, OUTPUT_TOKENS, OUTPUT_TOKENS_MAX) } else { 0 };
        let cached = random.chance(CACHE_SHARE).then(|| share(input, random.uniform()));
        let typical = model.first_token_ms + model.next_token_ms * output as f64;
        let latency = random.log_normal(typical, LATENCY_SIGMA);
        let usage = Usage {
            provider: model.provider.to_owned(),
            model: model.name.to_owned(),
            region: company.region.to_owned(),
            input_tokens: input,
            output_tokens: output,
            cached_tokens: cached,
            // Tenths: finer is noise.
            latency_ms: Some((latency * 10.0).round() / 10.0),
            ok: Some(ok),
            requested_at: now,
        };
        Inference { company, usage }
    }
}

/// Events a second at this time of the day.
fn rate(now: Timestamp) -> f64 {
    let hour = now.unix_ms().rem_euclid(DAY_MS) as f64 / 3_600_000.0;
    let angle = std::f64::consts::TAU * (hour - PEAK_HOUR_UTC) / 24.0;
    EVENTS_PER_S * (1.0 + DAILY_SWING * angle.cos())
}

fn tokens(random: &mut Random, (median, sigma): (f64, f64), max: f64) -> u64 {
    random.log_normal(median, sigma).clamp(1.0, max) as u64
}

fn share(count: u64, part: f64) -> u64 {
    (count as f64 * part) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_has_its_peak_and_its_trough() {
        let at = |text: &str| rate(text.parse().expect("time"));
        assert!((at("2026-11-22T15:00:00Z") - 27.0).abs() < 0.01);
        assert!((at("2026-11-22T03:00:00Z") - 13.0).abs() < 0.01);
    }

    #[test]
    fn every_inference_is_one_that_the_ledger_accepts() {
        let mut shape = Shape::new(5);
        let now = crate::now();
        for _ in 0..5_000 {
            let inference = shape.inference(now);
            let payload = Known::Usage(inference.usage.clone()).to_payload();
            assert_eq!(Known::read(&payload), Ok(Some(Known::Usage(inference.usage))));
        }
    }
}
