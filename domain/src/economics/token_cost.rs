//! What a provider takes: input, cached and output tokens, long contexts, off-peak hours.
//!
//! Source of the shape: the fields of LiteLLM's price map and the time constraints of
//! genai-prices. A model without a price is an error that names it, never a cost of 0.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::catalog::Usage;
use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::quantity::{amount, checked, refuse};
use crate::usage::{UsageKey, UsageSum};

/// Input of more tokens than this is charged at the long-context rates, where there are any:
/// all its tokens, not only those beyond (`*_above_200k_tokens` of the price map).
pub const LONG_CONTEXT_TOKENS: u64 = 200_000;

const MINUTES_PER_HOUR: u16 = 60;
const MINUTES_PER_DAY: u16 = 24 * MINUTES_PER_HOUR;

/// A model as one provider offers it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelKey {
    pub provider: String,
    pub model: String,
}

impl fmt::Display for ModelKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.provider, self.model)
    }
}

/// US dollars a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rates {
    pub input_usd_per_token: Decimal,
    pub output_usd_per_token: Decimal,
    /// Input that the provider had in its cache. Absent: no discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_usd_per_token: Option<Decimal>,
}

/// A time of day in UTC, to the minute: `16:30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MinuteOfDay(u16);

/// The hours in which other rates hold: from `start`, up to but without `end`, past midnight if
/// `end` is the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OffPeak {
    pub start: MinuteOfDay,
    pub end: MinuteOfDay,
    pub rates: Rates,
}

/// What a provider takes for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderPrice {
    pub rates: Rates,
    /// Rates for input above [`LONG_CONTEXT_TOKENS`]. They win over off-peak rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_context: Option<Rates>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_peak: Option<OffPeak>,
}

/// The tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: u64,
    /// Part of the input.
    pub cached: u64,
    pub output: u64,
}

impl Rates {
    /// `(input − cached) · p_in + cached · p_cached + output · p_out`, in US dollars, exactly.
    ///
    /// # Errors
    /// More cached tokens than input tokens; a negative rate; a sum beyond decimals.
    pub fn cost_usd(&self, tokens: Tokens) -> Result<Decimal, EconomicsError> {
        let fresh =
            tokens.input.checked_sub(tokens.cached).ok_or(EconomicsError::Inconsistent {
                what: "cached tokens",
                problem: "exceed input tokens",
            })?;
        let cached_rate = self.cached_usd_per_token.unwrap_or(self.input_usd_per_token);
        let parts = [
            (fresh, self.input_usd_per_token),
            (tokens.cached, cached_rate),
            (tokens.output, self.output_usd_per_token),
        ];
        parts.into_iter().try_fold(Decimal::ZERO, |sum, (count, rate)| {
            let rate = amount("a rate", rate)?;
            let part = Decimal::from(count).checked_mul(rate);
            checked("the cost", part.and_then(|part| sum.checked_add(part)))
        })
    }
}

impl OffPeak {
    #[must_use]
    pub fn contains(&self, at: MinuteOfDay) -> bool {
        if self.start <= self.end {
            (self.start..self.end).contains(&at)
        } else {
            at >= self.start || at < self.end
        }
    }
}

impl ProviderPrice {
    /// The rates for a request of that much input at that time.
    #[must_use]
    pub fn rates_at(&self, input_tokens: u64, at: MinuteOfDay) -> &Rates {
        match (&self.long_context, &self.off_peak) {
            (Some(rates), _) if input_tokens > LONG_CONTEXT_TOKENS => rates,
            (_, Some(off_peak)) if off_peak.contains(at) => &off_peak.rates,
            _ => &self.rates,
        }
    }

    /// What one request costs, in US dollars.
    ///
    /// # Errors
    /// See [`Rates::cost_usd`].
    pub fn cost_usd(&self, tokens: Tokens, at: MinuteOfDay) -> Result<Decimal, EconomicsError> {
        self.rates_at(tokens.input, at).cost_usd(tokens)
    }

    /// Does the sum of an hour's tokens cost what its requests cost one by one?
    fn is_linear_in(&self, hour: MinuteOfDay) -> bool {
        let turns = |at: MinuteOfDay| hour < at && at.0 < hour.0 + MINUTES_PER_HOUR;
        let turns_within = |window: OffPeak| turns(window.start) || turns(window.end);
        self.long_context.is_none() && !self.off_peak.is_some_and(turns_within)
    }
}

/// The cost of a metered row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowCost {
    pub cost_usd: Decimal,
    /// False: the price depends on what a row of an hour no longer knows (how long each request
    /// was, on which side of a half hour), and the ordinary rates were taken.
    pub exact: bool,
}

/// What the providers take, as known on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceMap {
    /// When the map said so; screens show it beside every figure that rests on it.
    pub as_of: Timestamp,
    prices: BTreeMap<ModelKey, BTreeMap<Option<String>, ProviderPrice>>,
}

impl PriceMap {
    #[must_use]
    pub const fn new(as_of: Timestamp) -> Self {
        PriceMap { as_of, prices: BTreeMap::new() }
    }

    /// Sets the price of a model: in one region, or wherever no regional price is set.
    pub fn set(&mut self, model: ModelKey, region: Option<String>, price: ProviderPrice) {
        self.prices.entry(model).or_default().insert(region, price);
    }

    /// The price in that region, else the one for everywhere.
    #[must_use]
    pub fn price(&self, model: &ModelKey, region: &str) -> Option<&ProviderPrice> {
        let regions = self.prices.get(model)?;
        regions.get(&Some(region.to_owned())).or_else(|| regions.get(&None))
    }

    /// What one metered request cost, in US dollars.
    ///
    /// # Errors
    /// The model has no price; or see [`Rates::cost_usd`].
    pub fn cost_usd(&self, usage: &Usage) -> Result<Decimal, EconomicsError> {
        let price = self.expect(&usage.provider, &usage.model, &usage.region)?;
        let tokens = Tokens {
            input: usage.input_tokens,
            cached: usage.cached_tokens.unwrap_or(0),
            output: usage.output_tokens,
        };
        price.cost_usd(tokens, MinuteOfDay::of(usage.requested_at))
    }

    /// What metered rows cost, in their order.
    ///
    /// # Errors
    /// Some models have no price: all of them are named. A row is negative.
    pub fn costs<'a>(
        &self,
        rows: impl IntoIterator<Item = (&'a UsageKey, &'a UsageSum)>,
    ) -> Result<Vec<RowCost>, EconomicsError> {
        let mut unpriced = BTreeSet::new();
        let mut costs = Vec::new();
        for (key, sum) in rows {
            match self.row_cost(key, sum) {
                Ok(cost) => costs.push(cost),
                Err(EconomicsError::Unpriced(models)) => unpriced.extend(models),
                Err(other) => return Err(other),
            }
        }
        if unpriced.is_empty() {
            return Ok(costs);
        }
        Err(EconomicsError::Unpriced(unpriced.into_iter().collect()))
    }

    fn row_cost(&self, key: &UsageKey, sum: &UsageSum) -> Result<RowCost, EconomicsError> {
        let price = self.expect(&key.provider, &key.model, &key.region)?;
        let count = |tokens: i64| {
            u64::try_from(tokens).map_err(|_| refuse("a row's tokens", &tokens, "0 or more"))
        };
        let tokens = Tokens {
            input: count(sum.input_tokens)?,
            cached: count(sum.cached_tokens)?,
            output: count(sum.output_tokens)?,
        };
        let hour = MinuteOfDay::of(key.hour);
        let cost_usd = price.rates_at(0, hour).cost_usd(tokens)?;
        Ok(RowCost { cost_usd, exact: price.is_linear_in(hour) })
    }

    fn expect(
        &self,
        provider: &str,
        model: &str,
        region: &str,
    ) -> Result<&ProviderPrice, EconomicsError> {
        let key = ModelKey { provider: provider.to_owned(), model: model.to_owned() };
        self.price(&key, region).ok_or_else(|| EconomicsError::Unpriced(vec![key]))
    }
}

impl MinuteOfDay {
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let time = at.to_datetime().time();
        MinuteOfDay(u16::from(time.hour()) * MINUTES_PER_HOUR + u16::from(time.minute()))
    }
}

impl FromStr for MinuteOfDay {
    type Err = EconomicsError;

    fn from_str(text: &str) -> Result<Self, EconomicsError> {
        let number = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| digits)
        };
        let minutes = text.split_once(':').and_then(|(hours, minutes)| {
            let minutes = number(minutes).filter(|minutes| *minutes < MINUTES_PER_HOUR)?;
            Some(number(hours)? * MINUTES_PER_HOUR + minutes)
        });
        minutes
            .filter(|minutes| *minutes < MINUTES_PER_DAY)
            .map(MinuteOfDay)
            .ok_or_else(|| refuse("a time of day", &text, "hours and minutes such as 16:30"))
    }
}

impl TryFrom<String> for MinuteOfDay {
    type Error = EconomicsError;

    fn try_from(text: String) -> Result<Self, EconomicsError> {
        text.parse()
    }
}

impl From<MinuteOfDay> for String {
    fn from(at: MinuteOfDay) -> String {
        format!("{:02}:{:02}", at.0 / MINUTES_PER_HOUR, at.0 % MINUTES_PER_HOUR)
    }
}

#[cfg(test)]
mod tests;
