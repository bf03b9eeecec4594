//! Amounts that somebody waived.

use super::{Account, Day, Entry, LINE_DECIMALS, Period, What, rounded};
use crate::catalog::BillingCredit;
use crate::clock::{LogicalClock, Timestamp};
use crate::event::EventId;

/// The month that a credit belongs to: the one that it names, or else the one in which it was
/// recorded by its own logical clock, which every cloud reads the same.
#[must_use]
pub fn period(credit: &BillingCredit, clock: LogicalClock) -> Period {
    credit.period.unwrap_or_else(|| Period::of(moment(clock)))
}

/// The entry that a credit is. It stands on the day on which it was recorded, or on the nearest one
/// of the month that it names.
#[must_use]
pub fn entry(
    credit: BillingCredit,
    decided_by: Option<String>,
    event_id: EventId,
    clock: LogicalClock,
) -> Entry {
    let period = period(&credit, clock);
    let day = Day::of(moment(clock)).clamp(period.first_day(), period.last_day());
    let BillingCredit { tenant_id, amount_usd, reason, period: _ } = credit;
    let what = What::Credit { event_id, reason, decided_by };
    let accounts = (Account::Credits, Account::Receivable(tenant_id.clone()));
    Entry::new((tenant_id, day), what, accounts, rounded(amount_usd, LINE_DECIMALS))
}

fn moment(clock: LogicalClock) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(clock.ms).unwrap_or(i64::MAX))
}
