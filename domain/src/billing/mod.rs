//! The billing ledger: what tenants owe, in double entry, as a function of final events.
//!
//! Every entry moves one amount from one account to another, so debits equal credits whatever is
//! entered. What a tenant used on a UTC day at one price is one entry ([`charge`]); what of it lies
//! beyond the month's cap and has a price of its own is another ([`overage`]); a credit is one
//! ([`credit`]); when a month is closed its SLA penalties, the rounding to cents, and what was
//! found after the invoice follow from it ([`month`]).
//!
//! Nothing here depends on a clock or on the order in which events are learnt. Amounts are exact to
//! [`LINE_DECIMALS`] places and are rounded to cents once, by the invoice.

mod account;
pub mod charge;
pub mod corrected;
pub mod credit;
mod entry;
pub mod month;
pub mod overage;
mod period;

pub use account::{Account, BadAccount};
pub use entry::{BadEntry, Entry, Overage, OwnPrice, Posting, Price, Quantity, Side, What};
pub use period::{BadDay, BadPeriod, Day, Period};

use rust_decimal::Decimal;

/// Places behind the point of an entry's amount, in US dollars. A token times a price with four
/// decimals (dollars a million tokens) has ten, so such prices are charged exactly; finer ones are
/// rounded half to even, once an entry.
pub const LINE_DECIMALS: u32 = 10;
/// Places of an invoice: cents.
pub const INVOICE_DECIMALS: u32 = 2;
/// Largest amount of one entry: a trillion dollars. Above it a price or a count is wrong, and sums
/// of a million such entries still fit a decimal.
pub const ENTRY_USD_MAX: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

/// Half to even, so that many roundings do not lean to one side.
fn rounded(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp(decimals).normalize()
}

#[cfg(test)]
mod tests;
