//! What a month comes to once it is closed: SLA penalties, cents, and what was found afterwards.
//!
//! A closing (`billing.close`) states what was invoiced. What a tenant was invoiced for a month
//! never changes again: usage that comes later, a price corrected for the past and usage that a
//! conflict takes back change the month's own entries, as they should, and the difference to the
//! invoice is carried to the next month by one entry in each. If that month is closed too, the
//! difference moves on, to the first month that is open.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Account, Entry, INVOICE_DECIMALS, LINE_DECIMALS, Period, What, rounded};
use crate::catalog::SlaBand;
use crate::economics::quantity::Share;
use crate::economics::sla::{Ladder, Uptime};
use crate::event::TenantId;

/// A tenant's month in one tier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TierMonth {
    /// All that was asked, priced or not.
    pub requests: i64,
    pub failed: i64,
    pub charges_usd: Decimal,
    /// The tier's terms when the month began; none: nothing is promised.
    pub bands: Vec<SlaBand>,
}

/// What a tenant's month consists of before it is closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Month {
    pub tenant_id: TenantId,
    pub period: Period,
    pub tiers: BTreeMap<String, TierMonth>,
    /// On the receivable besides charges: credits (negative), and what came from the month before.
    pub other_usd: Decimal,
}

/// What follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub penalties: Vec<Entry>,
    pub rounding: Option<Entry>,
    /// What the tenant owes for the month, in cents; negative where credits exceed charges.
    pub invoice_usd: Decimal,
}

impl Month {
    /// Penalties and the rounding. Tiers stand for themselves: a tenant that changed its tier was
    /// promised one thing for the one part of the month and another for the rest.
    #[must_use]
    pub fn settle(&self) -> Settlement {
        let penalties: Vec<Entry> =
            self.tiers.iter().filter_map(|(tier, month)| self.penalty(tier, month)).collect();
        let charges: Decimal = self.tiers.values().map(|month| month.charges_usd).sum();
        let waived: Decimal = penalties.iter().map(Entry::amount_usd).sum();
        let exact = charges + self.other_usd - waived;
        let invoice_usd = rounded(exact, INVOICE_DECIMALS);
        let rounding = self.entry(
            What::Rounding { exact_usd: exact.normalize() },
            (self.receivable(), Account::Rounding),
            invoice_usd - exact,
        );
        Settlement { penalties, rounding, invoice_usd }
    }

    /// The two entries that take what was found after the invoice to the next month.
    #[must_use]
    pub fn carry(&self, settlement: &Settlement, invoiced_usd: Decimal) -> Option<[Entry; 2]> {
        let next = self.period.next();
        let found = settlement.invoice_usd - invoiced_usd;
        let carried = || Account::Carried(self.tenant_id.clone());
        let out = What::CarriedOut { to: next };
        let out = self.entry(out, (carried(), self.receivable()), found)?;
        let day = (self.tenant_id.clone(), next.first_day());
        let came = What::CarriedIn { from: self.period };
        Some([out, Entry::new(day, came, (self.receivable(), carried()), found)])
    }

    fn penalty(&self, tier: &str, month: &TierMonth) -> Option<Entry> {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let uptime = Uptime::new(count(month.requests), count(month.failed)).ok()?;
        // A ladder that is none (bounds finer than nine decimals, more than sixteen bands) promises
        // nothing that could be computed.
        let share = Ladder::new(&month.bands).unwrap_or_default().credit(uptime);
        let what = What::Penalty {
            tier: tier.to_owned(),
            requests: month.requests,
            failed: month.failed,
            share: Share::new("the share of a month's charges", share.get().normalize()).ok()?,
            charges_usd: month.charges_usd.normalize(),
        };
        let amount = rounded(share.get() * month.charges_usd, LINE_DECIMALS);
        self.entry(what, (Account::SlaPenalties, self.receivable()), amount)
    }

    /// An entry on the month's last day, where there is an amount.
    fn entry(&self, what: What, accounts: (Account, Account), amount: Decimal) -> Option<Entry> {
        let day = (self.tenant_id.clone(), self.period.last_day());
        (!amount.is_zero()).then(|| Entry::new(day, what, accounts, amount))
    }

    fn receivable(&self) -> Account {
        Account::Receivable(self.tenant_id.clone())
    }
}
