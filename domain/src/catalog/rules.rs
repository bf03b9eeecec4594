//! What must hold of metered usage, tenants, tiers and prices.

use rust_decimal::Decimal;

use super::{KindError, PricePut, SlaBand, TenantPut, TierPut, Usage, id, name, reason, refuse};

/// No single inference lasts longer than a day.
const LATENCY_MS_MAX: f64 = 86_400_000.0;
/// Far above any context window; keeps sums within 64 bits.
const TOKENS_MAX: u64 = 1_000_000_000;

pub(super) fn check_usage(usage: &Usage) -> Result<(), KindError> {
    name("/provider", &usage.provider)?;
    name("/model", &usage.model)?;
    name("/region", &usage.region)?;
    for (field, tokens) in [
        ("/inputTokens", usage.input_tokens),
        ("/outputTokens", usage.output_tokens),
        ("/cachedTokens", usage.cached_tokens.unwrap_or(0)),
    ] {
        if tokens > TOKENS_MAX {
            return refuse(field, format!("must be at most {TOKENS_MAX}"));
        }
    }
    if usage.cached_tokens.unwrap_or(0) > usage.input_tokens {
        return refuse("/cachedTokens", "must not exceed inputTokens");
    }
    if usage.latency_ms.is_some_and(|ms| !(0.0..=LATENCY_MS_MAX).contains(&ms)) {
        return refuse("/latencyMs", "must be 0 to 86400000");
    }
    Ok(())
}

impl TenantPut {
    /// Every field that breaks a rule.
    #[must_use]
    pub fn wrongs(&self) -> Vec<KindError> {
        broken([name("/name", &self.name), id("/tier", &self.tier)])
    }
}

impl TierPut {
    /// Every field that breaks a rule.
    #[must_use]
    pub fn wrongs(&self) -> Vec<KindError> {
        broken([id("/tier", &self.tier), name("/name", &self.name), ladder(&self.sla.bands)])
    }
}

impl PricePut {
    /// Every field that breaks a rule.
    #[must_use]
    pub fn wrongs(&self) -> Vec<KindError> {
        broken([
            id("/tier", &self.tier),
            name("/provider", &self.provider),
            name("/model", &self.model),
            not_negative("/inputUsdPerMillion", Some(self.input_usd_per_million)),
            not_negative("/outputUsdPerMillion", Some(self.output_usd_per_million)),
            not_negative("/cachedUsdPerMillion", self.cached_usd_per_million),
            self.reason.as_deref().map_or(Ok(()), reason),
        ])
    }
}

fn broken<const RULES: usize>(rules: [Result<(), KindError>; RULES]) -> Vec<KindError> {
    rules.into_iter().filter_map(Result::err).collect()
}

fn ladder(bands: &[SlaBand]) -> Result<(), KindError> {
    let falling = bands.windows(2).all(|pair| pair[0].min_uptime_pct > pair[1].min_uptime_pct);
    let ends_at_zero = bands.last().is_none_or(|band| band.min_uptime_pct.is_zero());
    if !falling || !ends_at_zero {
        return refuse("/sla/bands", "must fall strictly from the best uptime to 0");
    }
    let in_range = |band: &SlaBand| {
        (Decimal::ZERO..=Decimal::ONE).contains(&band.credit)
            && (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&band.min_uptime_pct)
    };
    if !bands.iter().all(in_range) {
        return refuse("/sla/bands", "credits must be 0 to 1 and uptimes 0 to 100");
    }
    Ok(())
}

fn not_negative(field: &str, usd: Option<Decimal>) -> Result<(), KindError> {
    if usd.is_some_and(|usd| usd.is_sign_negative() && !usd.is_zero()) {
        return refuse(field, "must not be negative");
    }
    Ok(())
}
