//! A list price that is looked at before it is recorded, as it crosses the wire. Numbers are text, as
//! they are read.

use domain::clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::tenants::{ModelName, TierName};

/// The fields of the form, as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PriceAsk {
    pub tier: String,
    pub provider: String,
    pub model: String,
    /// US dollars a million tokens.
    pub input: String,
    pub output: String,
    /// Blank: as input.
    pub cached: String,
    /// UTC; blank: the next whole hour.
    pub from: String,
    /// `yes`: the price before goes on in its place.
    pub withdraw: String,
}

impl PriceAsk {
    /// As the page's address has it: what was typed, by the field's name.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("tier", &self.tier),
            ("provider", &self.provider),
            ("model", &self.model),
            ("input", &self.input),
            ("output", &self.output),
            ("cached", &self.cached),
            ("from", &self.from),
            ("withdraw", &self.withdraw),
        ];
        let typed = fields.into_iter().filter(|(_, text)| !text.is_empty());
        typed.map(|(name, text)| (name, text.clone())).collect()
    }
}

/// The form, and what the price in it would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PricePage {
    pub ask: PriceAsk,
    pub tiers: Vec<TierName>,
    pub models: Vec<ModelName>,
    /// Why there is no preview, by field.
    pub wrong: Vec<WrongField>,
    pub preview: Option<PricePreview>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrongField {
    pub field: String,
    /// `is missing`, after the field's name.
    pub why: String,
}

/// What a list price would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PricePreview {
    pub from: Timestamp,
    /// Another price counts from then on.
    pub until: Option<Timestamp>,
    /// The event that put what counts then as things are; empty: nothing does.
    pub seen: String,
    /// It takes the place of a price that counts from just the same time.
    pub replaces: bool,
    /// It takes a price to come away: what counts before goes on.
    pub withdraws: bool,
    /// Nothing counts before it.
    pub is_first: bool,
    /// It changes something, and why is asked for.
    pub asks_why: bool,
    /// It is how it is already.
    pub unchanged: bool,
    pub parts: Vec<PartRow>,
    /// Usage of so many days is what bills and margins are of.
    pub window_days: u32,
    /// When that window ends: with the last whole hour.
    pub window_to: String,
    /// Of the tier, those that used the model.
    pub tenants: Vec<AffectedRow>,
    /// False: there are too many of them, or they used too much.
    pub tenants_looked_at: bool,
    /// Of the tier, those that did not, by id.
    pub idle: Vec<String>,
    /// Charges of the past.
    pub corrections: Vec<CorrectedRow>,
    pub warnings: Vec<PriceWarning>,
    /// How many decide on it: more than one, and it is proposed to others.
    pub persons: u32,
}

/// Input, output or cached input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartRow {
    pub title: String,
    pub was: Option<String>,
    pub is: String,
    pub change: Option<String>,
}

/// A tenant that used the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AffectedRow {
    pub tenant_id: String,
    pub name: String,
    /// In percent of the list.
    pub own: String,
    pub was: Option<String>,
    pub is: String,
    pub change: String,
    pub margin_was: Option<String>,
    /// Where another price begins meanwhile: what it is today.
    pub margin_today: Option<String>,
    pub margin_is: Option<String>,
    /// A bound that its margin crosses.
    pub crosses: Option<String>,
    /// A contract fixes its share of the list until then.
    pub fixed_until: Option<Timestamp>,
}

/// What of a tenant's charges becomes another amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CorrectedRow {
    pub tenant_id: String,
    pub charges: u64,
    /// Days of usage that nothing was charged for.
    pub days_first: u64,
    pub was: String,
    pub is: String,
    pub change: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceWarning {
    pub code: String,
    pub text: String,
    /// Whoever records the price says that they have read it.
    pub notable: bool,
}
