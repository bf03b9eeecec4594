//! What must hold of metered usage, tiers and prices.

use rust_decimal::Decimal;

use super::{KindError, PricePut, SlaBand, TierPut, Usage, id, name, refuse};

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

pub(super) fn check_tier(tier: &TierPut) -> Result<(), KindError> {
    id("/tier", &tier.tier)?;
    name("/name", &tier.name)?;
    let bands = &tier.sla.bands;
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

pub(super) fn check_price(price: &PricePut) -> Result<(), KindError> {
    id("/tier", &price.tier)?;
    name("/provider", &price.provider)?;
    name("/model", &price.model)?;
    let prices = [
        ("/inputUsdPerMillion", Some(price.input_usd_per_million)),
        ("/outputUsdPerMillion", Some(price.output_usd_per_million)),
        ("/cachedUsdPerMillion", price.cached_usd_per_million),
    ];
    for (field, value) in prices {
        if value.is_some_and(|value| value.is_sign_negative() && !value.is_zero()) {
            return refuse(field, "must not be negative");
        }
    }
    Ok(())
}
