//! The pure rule: which entries count, and what they do.
//!
//! Two clouds may accept one event id (a partition, a retry), and the logs are learnt in any
//! order. So what an id does is a function of the *set* of its entries known so far: with equal
//! payloads the first of them, by clock and slot, counts once; with different ones none does. A
//! chunk's changes are the step from the old set's effects to the new set's, which makes the
//! tables the same whatever the order.

use std::collections::BTreeMap;

use domain::catalog::{Known, PricePut, Usage};
use domain::event::{EventId, TenantId};
use domain::usage::Meter;
use serde_json::Value;

use super::entry::Entry;

/// What decisions put: each has versions, of which the latest is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    Tenant,
    Tier,
    Price,
    User,
}

impl Entity {
    pub const ALL: [Entity; 4] = [Entity::Tenant, Entity::Tier, Entity::Price, Entity::User];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Entity::Tenant => "tenant",
            Entity::Tier => "tier",
            Entity::Price => "price",
            Entity::User => "user",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Entity> {
        Entity::ALL.into_iter().find(|entity| entity.name() == name)
    }
}

/// A version of an entity, with the entry that put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub entity: Entity,
    pub key: String,
    pub body: Value,
    pub entry: Entry,
}

/// What a chunk of entries changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Differences: what was counted before and counts no longer is negative.
    pub meter: Meter,
    pub put: Vec<Put>,
    pub withdrawn: Vec<Put>,
    pub conflicts: Vec<(TenantId, EventId)>,
    /// Entries of a known kind that do not read. They stay in the log, without effect.
    pub skipped: u64,
}

/// The entries of one id.
#[derive(Default)]
struct Twins<'a> {
    before: Vec<&'a Entry>,
    new: Vec<&'a Entry>,
}

/// The step from `before` (entries projected earlier that share an id with a new one) to `before`
/// and `new` together.
pub(super) fn changes(before: &[Entry], new: &[Entry]) -> Changes {
    let mut ids: BTreeMap<(&TenantId, EventId), Twins<'_>> = BTreeMap::new();
    for entry in new {
        ids.entry((&entry.tenant_id, entry.event_id)).or_default().new.push(entry);
    }
    for entry in before {
        // An id under another tenant is another event.
        if let Some(twins) = ids.get_mut(&(&entry.tenant_id, entry.event_id)) {
            twins.before.push(entry);
        }
    }
    let mut changes = Changes::default();
    for ((tenant, id), twins) in ids {
        changes.step(tenant, id, &twins);
    }
    changes
}

/// What the entries of one id amount to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing<'a> {
    Nothing,
    /// This entry counts, for all of them.
    Counts(&'a Entry),
    Conflict,
}

fn standing<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> Standing<'a> {
    let Some(first) = entries.clone().min_by_key(|entry| entry.order()) else {
        return Standing::Nothing;
    };
    if entries.into_iter().all(|entry| entry.payload == first.payload) {
        Standing::Counts(first)
    } else {
        Standing::Conflict
    }
}

impl Changes {
    fn step(&mut self, tenant: &TenantId, id: EventId, twins: &Twins<'_>) {
        let old = twins.before.iter().copied();
        let old_standing = standing(old.clone());
        let new_standing = standing(old.chain(twins.new.iter().copied()));
        if old_standing == new_standing {
            return;
        }
        if let Standing::Counts(entry) = old_standing {
            self.withdraw(entry);
        }
        match new_standing {
            Standing::Counts(entry) => self.count(entry),
            Standing::Conflict => self.conflicts.push((tenant.clone(), id)),
            Standing::Nothing => {}
        }
    }

    fn count(&mut self, entry: &Entry) {
        match read(entry) {
            Ok(None) => {}
            Ok(Some(Effect::Usage(usage))) => self.meter.record(&entry.tenant_id, &usage),
            Ok(Some(Effect::Put(put))) => self.put.push(put),
            Err(reason) => {
                self.skipped += 1;
                tracing::warn!(slot = %entry.slot, event_id = %entry.event_id, reason,
                    "an event of a known kind does not read; it stays without effect");
            }
        }
    }

    fn withdraw(&mut self, entry: &Entry) {
        match read(entry) {
            Ok(Some(Effect::Usage(usage))) => self.meter.retract(&entry.tenant_id, &usage),
            Ok(Some(Effect::Put(put))) => self.withdrawn.push(put),
            // It had no effect.
            Ok(None) | Err(_) => {}
        }
    }
}

enum Effect {
    Usage(Usage),
    Put(Put),
}

/// What the entry does if it counts; nothing for kinds that the product does not act on.
fn read(entry: &Entry) -> Result<Option<Effect>, String> {
    let value: Value = serde_json::from_slice(&entry.payload).map_err(|error| error.to_string())?;
    let known = Known::read(&value).map_err(|error| error.to_string())?;
    let (entity, key) = match &known {
        // A decided grant is in force by its votes, on every cloud; the event tells of it.
        None | Some(Known::GrantDecided(_)) => return Ok(None),
        Some(Known::Usage(usage)) => return Ok(Some(Effect::Usage(usage.clone()))),
        Some(Known::TenantPut(tenant)) => (Entity::Tenant, tenant.tenant_id.to_string()),
        Some(Known::TierPut(tier)) => (Entity::Tier, tier.tier.clone()),
        Some(Known::PricePut(price)) => (Entity::Price, price_key(price)),
        Some(Known::UserPut(user)) => (Entity::User, user.login.clone()),
    };
    Ok(Some(Effect::Put(Put { entity, key, body: value, entry: entry.clone() })))
}

/// A price has a version history for each time from which it applies, so that one decided early
/// for next month is not replaced by one decided later for next week. A JSON array, since names
/// of models may contain any separator.
fn price_key(price: &PricePut) -> String {
    let PricePut { tier, provider, model, effective_from, .. } = price;
    Value::from(vec![tier.clone(), provider.clone(), model.clone(), effective_from.to_string()])
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::LogicalClock;
    use domain::cloud::Cloud;
    use domain::event::Slot;
    use serde_json::json;
    use uuid::Uuid;

    fn entry(id: u128, origin: Cloud, sequence: u64, payload: &Value) -> Entry {
        Entry {
            slot: Slot { origin, epoch: 1, sequence },
            tenant_id: TenantId::platform(),
            event_id: EventId(Uuid::from_u128(id)),
            logical_clock: LogicalClock { ms: 1_000 + sequence, counter: 0 },
            payload: domain::json::canonical(payload),
        }
    }

    fn usage(tokens: u64) -> Value {
        json!({"kind": "usage", "provider": "vertex", "model": "m", "region": "eu",
            "inputTokens": tokens, "outputTokens": 1, "requestedAt": "2026-11-22T12:00:00Z"})
    }

    fn user(name: &str) -> Value {
        json!({"kind": "user.put", "login": "a@b.example", "name": name, "role": "admin"})
    }

    fn input_tokens(changes: Changes) -> Vec<(i64, i64)> {
        changes.meter.into_rows().map(|(_, sum)| (sum.requests, sum.input_tokens)).collect()
    }

    #[test]
    fn an_equal_twin_counts_once() {
        let first = entry(1, Cloud::Gcp, 4, &usage(10));
        let twin = entry(1, Cloud::Aws, 9, &usage(10));
        assert_eq!(input_tokens(changes(&[], &[first.clone(), twin.clone()])), [(1, 10)]);
        assert_eq!(input_tokens(changes(&[first], &[twin])), []);
    }

    #[test]
    fn a_different_twin_takes_back_what_the_first_did() {
        let first = entry(1, Cloud::Gcp, 4, &usage(10));
        let twin = entry(1, Cloud::Aws, 9, &usage(11));
        let changes = changes(&[first], &[twin]);
        assert_eq!(changes.conflicts, [(TenantId::platform(), EventId(Uuid::from_u128(1)))]);
        assert_eq!(input_tokens(changes), [(-1, -10)]);
    }

    #[test]
    fn a_third_equal_copy_does_not_heal_a_conflict() {
        let one = entry(1, Cloud::Gcp, 4, &usage(10));
        let two = entry(1, Cloud::Aws, 9, &usage(11));
        let three = entry(1, Cloud::Azure, 2, &usage(10));
        let changes = changes(&[one, two], &[three]);
        assert!(changes.conflicts.is_empty(), "it is known already");
        assert_eq!(input_tokens(changes), []);
    }

    #[test]
    fn of_equal_decisions_the_earliest_stands_even_if_it_is_learnt_late() {
        let late = entry(1, Cloud::Gcp, 9, &user("A"));
        let early = entry(1, Cloud::Aws, 4, &user("A"));
        let changes = changes(std::slice::from_ref(&late), std::slice::from_ref(&early));
        assert_eq!(changes.withdrawn[0].entry, late);
        assert_eq!(changes.put[0].entry, early);
        assert!(changes.conflicts.is_empty());
    }

    #[test]
    fn the_same_id_under_another_tenant_is_another_event() {
        let mut other = entry(1, Cloud::Gcp, 4, &usage(10));
        other.tenant_id = TenantId::try_from("acme".to_owned()).expect("valid");
        let new = entry(1, Cloud::Aws, 9, &usage(11));
        assert_eq!(input_tokens(changes(&[other], &[new])), [(1, 11)]);
    }

    #[test]
    fn a_decision_that_does_not_read_is_skipped_and_counted() {
        let bad = entry(1, Cloud::Gcp, 1, &json!({"kind": "user.put", "login": ""}));
        let unknown = entry(2, Cloud::Gcp, 2, &json!({"kind": "price.halve"}));
        let other = entry(3, Cloud::Gcp, 3, &json!({"kind": "weather"}));
        let good = entry(4, Cloud::Gcp, 4, &user("A"));
        let changes = changes(&[], &[bad, unknown, other, good]);
        assert_eq!((changes.skipped, changes.put.len()), (2, 1));
    }
}
