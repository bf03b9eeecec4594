//! What another price would make of charges that are there already.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::charge::Charges;
use super::{Day, Entry, Period, What};
use crate::event::TenantId;

/// What of one tenant's charges becomes another amount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corrected {
    /// Charges of a day each.
    pub charges: u64,
    /// Days of usage that nothing was charged for.
    pub days_first: u64,
    pub before_usd: Decimal,
    pub after_usd: Decimal,
    /// In which months.
    pub months: BTreeSet<Period>,
}

impl Corrected {
    #[must_use]
    pub fn change_usd(&self) -> Decimal {
        // Sums of entries, which are bounded.
        self.after_usd - self.before_usd
    }
}

/// Tenant and day, then provider, model, region and tier.
type Place<'a> = (&'a TenantId, Day, [&'a str; 4]);

/// Charges by place, each by its key.
type Placed<'a> = BTreeMap<Place<'a>, BTreeMap<String, Decimal>>;

/// Adds what is different between charges of the same days: as they are, and as they would be. A place
/// whose sum stays is not different, however many prices make it up.
pub fn compare(was: &Charges, is: &Charges, all: &mut BTreeMap<TenantId, Corrected>) {
    let (was, is) = (placed(&was.entries), placed(&is.entries));
    let places: BTreeSet<&Place<'_>> = was.keys().chain(is.keys()).collect();
    let none = BTreeMap::new();
    for place in places {
        let (before, after) = (was.get(place).unwrap_or(&none), is.get(place).unwrap_or(&none));
        let (before_usd, after_usd) = (sum(before), sum(after));
        if before_usd == after_usd {
            continue;
        }
        let (tenant, day, _) = place;
        let corrected = all.entry((*tenant).clone()).or_default();
        let other = before.iter().filter(|(key, usd)| after.get(*key) != Some(*usd)).count();
        corrected.charges += u64::try_from(other).unwrap_or(u64::MAX);
        corrected.days_first += u64::from(before.is_empty());
        corrected.before_usd += before_usd;
        corrected.after_usd += after_usd;
        corrected.months.insert(day.period());
    }
}

fn placed(entries: &[Entry]) -> Placed<'_> {
    let mut placed = Placed::new();
    for entry in entries {
        let What::Charge { provider, model, region, tier, .. } = &entry.what else { continue };
        let names = [provider, model, region, tier].map(String::as_str);
        let place = (&entry.tenant_id, entry.day, names);
        placed.entry(place).or_default().insert(entry.key(), entry.amount_usd());
    }
    placed
}

fn sum(charges: &BTreeMap<String, Decimal>) -> Decimal {
    charges.values().sum()
}
