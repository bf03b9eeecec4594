//! One entry of the billing ledger: an amount, from whom to whom, and why.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Account, Day, Period};
use crate::clock::Timestamp;
use crate::economics::quantity::Share;
use crate::event::{EventId, TenantId};
use crate::usage::UsageSum;

/// An entry. Its two postings are one amount, so it cannot be out of balance. Its RFC 8785 form is
/// the row that audit snapshots hash and that `GET /v1/ledger` gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Entry {
    pub period: Period,
    pub tenant_id: TenantId,
    pub day: Day,
    pub what: What,
    debit: Account,
    credit: Account,
    amount_usd: Decimal,
}

/// What a day's tokens beyond the month's cap cost at the overage price instead of the tenant's own:
/// `charges · (overage / own − 1) · beyond / tokens`. Where the overage price is the lower one the entry
/// goes the other way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overage {
    /// The tenant's tier in those hours.
    pub tier: String,
    /// Tokens of the day that were charged under the decision, in all tiers.
    pub tokens: u64,
    /// Those of them that are beyond the cap.
    pub beyond_tokens: u64,
    /// Tokens of the month until then, these with them.
    pub month_tokens: u64,
    pub token_cap: u64,
    pub overage_of_list: Decimal,
    /// The price that they were charged at, and the decision that put it, the cap and the overage price.
    pub own: OwnPrice,
    /// What was charged for them in that tier.
    pub charges_usd: Decimal,
}

/// What an entry is for, with what it was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum What {
    /// A day's usage of one product at one price.
    Charge {
        provider: String,
        model: String,
        /// Where the inference ran.
        region: String,
        /// The tenant's tier in those hours.
        tier: String,
        price: Price,
        quantity: Quantity,
    },
    Overage(Overage),
    /// Somebody waived an amount.
    Credit {
        event_id: EventId,
        reason: String,
        /// A login.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decided_by: Option<String>,
    },
    /// The month's uptime in one tier fell short of what was promised.
    Penalty {
        tier: String,
        requests: i64,
        failed: i64,
        /// The share of the charges that the ladder gives back.
        share: Share,
        /// The month's charges in that tier.
        charges_usd: Decimal,
    },
    /// From the exact sum to the cents of the invoice.
    Rounding {
        exact_usd: Decimal,
    },
    /// What was found after the invoice goes to the next month.
    CarriedOut {
        to: Period,
    },
    /// What was found after the invoice of the month before.
    CarriedIn {
        from: Period,
    },
}

/// The price in force, in US dollars a million tokens, and the decision that put it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    pub input_usd_per_million: Decimal,
    pub output_usd_per_million: Decimal,
    /// Absent: cached input costs what other input does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_usd_per_million: Option<Decimal>,
    pub effective_from: Timestamp,
    pub event_id: EventId,
    /// The tenant's own share of the list price, which the amounts above hold already; absent: it pays
    /// the list price and no decision ever said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnPrice>,
}

/// A tenant's own price in force, and the application that put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnPrice {
    pub of_list: Decimal,
    pub since: Timestamp,
    pub event_id: EventId,
}

/// How much was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantity {
    pub requests: i64,
    /// Requests that said `ok: false`. Their tokens are charged like others; the service level is
    /// what pays for them.
    pub failed: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// Part of the input.
    pub cached_tokens: i64,
}

impl Quantity {
    pub fn add(&mut self, sum: &UsageSum) {
        self.requests = self.requests.saturating_add(sum.requests);
        self.failed = self.failed.saturating_add(sum.failed);
        self.input_tokens = self.input_tokens.saturating_add(sum.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(sum.output_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(sum.cached_tokens);
    }

    pub(super) fn merge(&mut self, other: &Quantity) {
        self.add(&UsageSum {
            requests: other.requests,
            failed: other.failed,
            input_tokens: other.input_tokens,
            output_tokens: other.output_tokens,
            cached_tokens: other.cached_tokens,
            ..UsageSum::default()
        });
    }
}

/// The two sides of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Debit,
    Credit,
}

/// One side of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Posting {
    pub account: Account,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit_usd: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_usd: Option<Decimal>,
}

impl Entry {
    /// Moves an amount. A negative one goes the other way, so that no posting is ever negative.
    pub(super) fn new(
        (tenant_id, day): (TenantId, Day),
        what: What,
        (debit, credit): (Account, Account),
        amount_usd: Decimal,
    ) -> Self {
        let reversed = amount_usd.is_sign_negative() && !amount_usd.is_zero();
        let (debit, credit) = if reversed { (credit, debit) } else { (debit, credit) };
        let amount_usd = amount_usd.abs().normalize();
        Entry { period: day.period(), tenant_id, day, what, debit, credit, amount_usd }
    }

    #[must_use]
    pub const fn debit(&self) -> &Account {
        &self.debit
    }

    #[must_use]
    pub const fn credit(&self) -> &Account {
        &self.credit
    }

    #[must_use]
    pub const fn amount_usd(&self) -> Decimal {
        self.amount_usd
    }

    /// What the entry adds to the debit side of an account, less what it adds to its credit side.
    #[must_use]
    pub fn on(&self, account: &Account) -> Decimal {
        if self.debit == *account {
            self.amount_usd
        } else if self.credit == *account {
            -self.amount_usd
        } else {
            Decimal::ZERO
        }
    }

    #[must_use]
    pub fn postings(&self) -> [Posting; 2] {
        let amount = Some(self.amount_usd);
        [
            Posting { account: self.debit.clone(), debit_usd: amount, credit_usd: None },
            Posting { account: self.credit.clone(), debit_usd: None, credit_usd: amount },
        ]
    }

    /// What tells it from the others of its tenant, day and kind.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.what {
            What::Charge { provider, model, region, tier, price, quantity: _ } => {
                let names = [provider, model, region, tier].map(String::as_str);
                let own = price.own.map(|own| own.since.to_string());
                let from = price.effective_from.to_string();
                product_key(names.into_iter().chain([from.as_str()]).chain(own.as_deref()))
            }
            What::Overage(Overage { tier, own, .. }) => {
                product_key([tier.as_str(), own.since.to_string().as_str()].into_iter())
            }
            What::Credit { event_id, .. } => event_id.to_string(),
            What::Penalty { tier, .. } => tier.clone(),
            What::Rounding { .. } => String::new(),
            What::CarriedOut { to: period } | What::CarriedIn { from: period } => {
                period.to_string()
            }
        }
    }
}

/// A JSON array, since names of models may contain any separator.
pub(super) fn product_key<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<serde_json::Value>().to_string()
}

impl What {
    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            What::Charge { .. } => "charge",
            What::Overage(_) => "overage",
            What::Credit { .. } => "credit",
            What::Penalty { .. } => "penalty",
            What::Rounding { .. } => "rounding",
            What::CarriedOut { .. } => "carriedOut",
            What::CarriedIn { .. } => "carriedIn",
        }
    }
}

/// The form of an entry in JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    period: Period,
    tenant_id: TenantId,
    day: Day,
    #[serde(flatten)]
    what: What,
    postings: [Posting; 2],
}

/// The postings are not one amount on two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry is a debit and a credit of one amount that is not negative, within its month")]
pub struct BadEntry;

impl From<Entry> for Wire {
    fn from(entry: Entry) -> Self {
        let postings = entry.postings();
        let Entry { period, tenant_id, day, what, .. } = entry;
        Wire { period, tenant_id, day, what, postings }
    }
}

impl TryFrom<Wire> for Entry {
    type Error = BadEntry;

    fn try_from(wire: Wire) -> Result<Self, BadEntry> {
        let Wire { period, tenant_id, day, what, postings: [first, second] } = wire;
        match (first.debit_usd, first.credit_usd, second.debit_usd, second.credit_usd) {
            (Some(debit), None, None, Some(credit))
                if debit == credit && debit >= Decimal::ZERO && day.period() == period =>
            {
                let accounts = (first.account, second.account);
                Ok(Entry::new((tenant_id, day), what, accounts, debit))
            }
            _ => Err(BadEntry),
        }
    }
}
