//! What tenants are charged and owe, as it crosses the wire. Amounts are texts that the server has
//! written: the page shows them and computes nothing.

use domain::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// Which month, and whose statement; the same names stand in the page's URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BillingQuery {
    /// `2026-10`; none: the newest that there is.
    pub period: Option<String>,
    pub tenant: Option<String>,
    /// Of the next tenants, or of the next entries of a statement.
    pub cursor: Option<String>,
}

/// A month of the billing ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillingView {
    pub at: Timestamp,
    /// Absent: nothing was ever charged or credited.
    pub period: Option<String>,
    /// The months that have entries, the newest first.
    pub periods: Vec<String>,
    pub closing: Option<ClosedMonth>,
    /// The month is over, and nobody has closed it.
    pub closable: bool,
    /// By all tenants.
    pub owed: Owed,
    pub balances: Vec<BalanceRow>,
    pub next_cursor: Option<String>,
    pub trial: Trial,
    pub unpriced: Vec<UnpricedRow>,
    /// Of the tenant that was asked for.
    pub statement: Option<Statement>,
}

/// What a month comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owed {
    /// Without a sign.
    pub amount: String,
    /// Credits and penalties are more than the charges: it is we who owe.
    pub is_credit: bool,
    /// With its sign, and all its places.
    pub exact: String,
}

/// Who closed a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedMonth {
    pub at: Timestamp,
    /// A login.
    pub by: Option<String>,
    pub event_id: String,
}

/// What a tenant's month comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceRow {
    pub tenant_id: String,
    /// Absent: no decision names the tenant.
    pub name: Option<String>,
    pub charges: String,
    /// What tokens beyond the cap cost more or less than the charges say.
    pub overage: String,
    pub credits: String,
    pub penalties: String,
    /// Cents of the invoice, and what was carried between months.
    pub other: String,
    pub net: String,
    pub unpriced_requests: u64,
}

/// Both sides of every account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// Name, debits, credits.
    pub accounts: Vec<(String, String, String)>,
    pub debit: String,
    pub credit: String,
    pub balanced: bool,
}

/// Usage that no price applied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnpricedRow {
    pub tenant_id: String,
    /// `vertex/gemini-2.5-flash`.
    pub model: String,
    /// A sentence.
    pub why: String,
    pub requests: u64,
    /// `812 in, 164 out`.
    pub tokens: String,
}

/// A tenant's entries of the month, on what it owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    pub tenant_id: String,
    /// Of the whole month, whichever page of the entries this is.
    pub owed: Owed,
    pub lines: Vec<StatementLine>,
    pub next_cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementLine {
    /// `2026-10-05`.
    pub day: String,
    pub kind: String,
    /// What it is for.
    pub what: String,
    /// The price in force; empty where there is none.
    pub price: String,
    pub quantity: String,
    /// On what the tenant owes: negative where it lowers it.
    pub amount: String,
    /// The other account.
    pub account: String,
    /// The decision behind it: a price, a credit.
    pub event_id: Option<String>,
}
