//! What people switch at once: every word on it, whose it was, and since when it stands as it does.

use std::collections::BTreeMap;

use super::{Actor, Told};
use crate::catalog::{PolicySwitch, SwitchName};
use crate::clock::{LogicalClock, Timestamp};
use crate::event::{EventId, Slot, TenantId};

/// A word on a switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Switched {
    pub value: PolicySwitch,
    pub at: Timestamp,
    /// Absent: it is not recorded who it was.
    pub by: Option<Actor>,
    pub event_id: EventId,
    order: (LogicalClock, Slot),
}

/// How a switch stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stands<'a> {
    /// The word that put it so.
    pub since: &'a Switched,
    /// The last word, which may only have added a reason.
    pub last: &'a Switched,
}

/// All words, by switch and tenant, the first first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Switches(BTreeMap<(SwitchName, Option<TenantId>), Vec<Switched>>);

impl Switches {
    /// In the order of their clocks.
    pub(super) fn take(&mut self, told: &Told, value: PolicySwitch) {
        let word = Switched {
            at: told.at(),
            by: told.by.clone(),
            event_id: told.event_id,
            order: told.order(),
            value,
        };
        let key = (word.value.switch, word.value.tenant_id.clone());
        self.0.entry(key).or_default().push(word);
    }

    pub(super) fn stands(&self, name: SwitchName, tenant: Option<&TenantId>) -> Option<Stands<'_>> {
        let words = self.0.get(&(name, tenant.cloned()))?;
        let last = words.last()?;
        let same = words.iter().rev().take_while(|word| word.value.on == last.value.on);
        Some(Stands { since: same.last()?, last })
    }

    /// The newest first.
    pub(super) fn newest(&self) -> Vec<&Switched> {
        let mut all: Vec<&Switched> = self.0.values().flatten().collect();
        all.sort_by_key(|word| std::cmp::Reverse(word.order));
        all
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|words| u64::try_from(words.len()).unwrap_or(u64::MAX)).sum()
    }

    /// Tenants about whose autonomy something was said, and what.
    pub(super) fn tenants(&self) -> impl Iterator<Item = (&TenantId, bool)> {
        self.0.iter().filter_map(|((name, tenant), words)| {
            let own = *name == SwitchName::AutoPricing;
            Some((tenant.as_ref().filter(|_| own)?, words.last()?.value.on))
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{Book, What};
    use super::*;
    use crate::cloud::Cloud;

    /// Words on the kill switch, in this order: by whom, on or off, and why.
    fn book(words: &[(&str, bool, &str)]) -> Book {
        let words: Vec<_> = (1_u64..).zip(words).collect();
        let told = words.into_iter().map(|(number, (by, on, reason))| Told {
            event_id: EventId(Uuid::from_u128(number.into())),
            clock: LogicalClock { ms: number, counter: 0 },
            slot: Slot { origin: Cloud::Gcp, epoch: 1, sequence: number },
            by: Some(Actor((*by).to_owned())),
            what: What::Switch(PolicySwitch {
                switch: SwitchName::KillSwitch,
                tenant_id: None,
                on: *on,
                reason: (*reason).to_owned(),
            }),
        });
        Book::of(told.rev().collect())
    }

    #[test]
    fn a_stop_tells_who_began_it_and_the_reason_that_was_added_later() {
        let book = book(&[
            ("ann", true, "a first one"),
            ("ann", false, "over"),
            ("bob", true, "by hand"),
            ("ann", true, "prices look wrong"),
        ]);
        let stands = book.switch(SwitchName::KillSwitch, None).expect("it was switched");
        assert_eq!(stands.since.by, Some(Actor("bob".to_owned())));
        assert_eq!(stands.last.value.reason, "prices look wrong");
        assert!(stands.since.at < stands.last.at && book.is_killed());
        let said: Vec<&str> =
            book.switched().into_iter().map(|word| word.value.reason.as_str()).collect();
        assert_eq!(said, ["prices look wrong", "by hand", "over", "a first one"]);
    }
}
