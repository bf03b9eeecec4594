//! The pure rule: which entries count, and what they do.
//!
//! Two clouds may accept one event id (a partition, a retry), and the logs are learnt in any
//! order. So what an id does is a function of the *set* of its entries known so far, and of the
//! set of decisions about it: with equal payloads the first of them, by clock and slot, counts
//! once; with different ones none does, unless a decision (`conflict.resolve`) names the one that
//! does. A chunk's changes are the step from the old sets' effects to the new sets', which makes
//! the tables the same whatever the order.

use std::collections::BTreeMap;

use domain::billing::Period;
use domain::catalog::{Known, PricePut, Usage};
use domain::clock::LogicalClock;
use domain::event::{EventId, TenantId};
use domain::quarantine::HeldId;
use domain::usage::Meter;
use serde_json::Value;
use uuid::Uuid;

use super::entity::Entity;
use super::entry::Entry;
use super::key::{cost_key, price_key, sample_key, trip_key};
use super::ruling::{Resolution, about, resolution, standing_resolution};

/// A version of an entity, with the entry that put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub entity: Entity,
    pub key: String,
    pub body: Value,
    pub entry: Entry,
}

/// An id whose entries differ, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub tenant_id: TenantId,
    pub event_id: EventId,
    /// When contents that differ from the first were accepted.
    pub since: LogicalClock,
    /// The decision that stands.
    pub ruling: Option<EventId>,
    /// The entry whose contents count by that decision.
    pub chosen: Option<Entry>,
}

/// What a chunk of entries changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Differences: what was counted before and counts no longer is negative.
    pub meter: Meter,
    pub put: Vec<Put>,
    pub withdrawn: Vec<Put>,
    /// Conflicts that are new or stand otherwise than before.
    pub held: Vec<Held>,
    /// Entries of a known kind that do not read. They stay in the log, without effect.
    pub skipped: u64,
}

/// The entries of one id.
#[derive(Default)]
struct Twins<'a> {
    before: Vec<&'a Entry>,
    new: Vec<&'a Entry>,
}

/// Tenant and id: an id under another tenant is another event.
type Id<'a> = (&'a TenantId, EventId);

/// Resolutions by what they are about.
type Resolutions = BTreeMap<HeldId, Vec<Resolution>>;

/// What was projected earlier of the ids that a chunk touches: those of its entries, and those
/// that decisions among them are about ([`super::ruling::targets`]).
#[derive(Debug, Default)]
pub(super) struct Before {
    pub entries: Vec<Entry>,
    pub resolutions: Vec<Resolution>,
}

/// The step from what was projected `before` to that and the `new` entries together.
pub(super) fn changes(before: &Before, new: &[Entry]) -> Changes {
    let mut ids: BTreeMap<Id<'_>, Twins<'_>> = BTreeMap::new();
    for entry in new {
        ids.entry((&entry.tenant_id, entry.event_id)).or_default().new.push(entry);
    }
    for entry in &before.entries {
        ids.entry((&entry.tenant_id, entry.event_id)).or_default().before.push(entry);
    }
    let known = by_subject(&before.resolutions);
    let mut changes = Changes::default();
    // Decisions about conflicts first: the others depend on them. They themselves depend on no
    // decision, since none about an id under which one was ever made counts.
    let (deciding, others): (Vec<_>, Vec<_>) = ids
        .into_iter()
        .partition(|(_, twins)| twins.all().into_iter().any(|entry| resolution(entry).is_some()));
    for (id, twins) in deciding {
        changes.step(id, &twins, &known, &known);
    }
    let after = changes.stepped(known.clone());
    for (id, twins) in others {
        changes.step(id, &twins, &known, &after);
    }
    changes
}

fn by_subject(resolutions: &[Resolution]) -> Resolutions {
    let mut by_subject = Resolutions::new();
    for one in resolutions {
        by_subject.entry(one.about.clone()).or_default().push(one.clone());
    }
    by_subject
}

impl<'a> Twins<'a> {
    fn all(&self) -> Vec<&'a Entry> {
        self.before.iter().copied().chain(self.new.iter().copied()).collect()
    }
}

/// What the entries of one id amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing<'a> {
    /// This entry counts, for all of them.
    counts: Option<&'a Entry>,
    held: Option<Held>,
}

fn standing<'a>(
    (tenant, event_id): Id<'_>,
    entries: &[&'a Entry],
    resolutions: &Resolutions,
) -> Standing<'a> {
    let first = entries.iter().copied().min_by_key(|entry| entry.order());
    let differing = entries
        .iter()
        .copied()
        .filter(|entry| first.is_some_and(|first| first.payload != entry.payload))
        .min_by_key(|entry| entry.order());
    let Some(differing) = differing else { return Standing { counts: first, held: None } };
    let about = HeldId::Conflict { event_id, tenant_id: tenant.clone() };
    let decidable = !entries.iter().any(|entry| resolution(entry).is_some());
    let known = resolutions.get(&about).filter(|_| decidable);
    let stands = known.and_then(|known| standing_resolution(known, entries));
    let chosen = stands.and_then(|(_, chosen)| chosen);
    let held = Held {
        tenant_id: tenant.clone(),
        event_id,
        since: differing.logical_clock,
        ruling: stands.map(|(resolution, _)| resolution.decision),
        chosen: chosen.cloned(),
    };
    Standing { counts: chosen, held: Some(held) }
}

impl Changes {
    fn step(&mut self, id: Id<'_>, twins: &Twins<'_>, known: &Resolutions, after: &Resolutions) {
        let old = standing(id, &twins.before, known);
        let new = standing(id, &twins.all(), after);
        if old.counts != new.counts {
            old.counts.into_iter().for_each(|entry| self.withdraw(entry));
            new.counts.into_iter().for_each(|entry| self.count(entry));
        }
        if old.held != new.held {
            self.held.extend(new.held);
        }
    }

    /// The resolutions that stand once these changes are made.
    fn stepped(&self, mut resolutions: Resolutions) -> Resolutions {
        for gone in self.withdrawn.iter().filter_map(|put| resolution(&put.entry)) {
            if let Some(known) = resolutions.get_mut(&gone.about) {
                known.retain(|known| *known != gone);
            }
        }
        for come in self.put.iter().filter_map(|put| resolution(&put.entry)) {
            resolutions.entry(come.about.clone()).or_default().push(come);
        }
        resolutions
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
        // In force by votes, approvals or proofs, on every cloud; the event tells of it.
        None
        | Some(
            Known::GrantDecided(_)
            | Known::KeyBegin(_)
            | Known::KeyAgree(_)
            | Known::KeyGone(_)
            | Known::AnchorFinal(_)
            | Known::AnchorFailed(_),
        ) => return Ok(None),
        Some(Known::Usage(usage)) => return Ok(Some(Effect::Usage(usage.clone()))),
        Some(Known::TenantPut(tenant)) => (Entity::Tenant, tenant.tenant_id.to_string()),
        Some(Known::TierPut(tier)) => (Entity::Tier, tier.tier.clone()),
        // What has begun by the withdrawal's own clock is not withdrawn by it.
        Some(Known::PricePut(price)) if price.withdrawn && has_begun(price, entry) => {
            return Ok(None);
        }
        Some(Known::PricePut(price)) => (Entity::Price, price_key(price)),
        Some(Known::UserPut(user)) => (Entity::User, user.login.clone()),
        Some(Known::QuarantineRelease(release)) => (Entity::Ruling, item(release.item_id)),
        Some(Known::QuarantineReject(reject)) => (Entity::Ruling, item(reject.item_id)),
        Some(Known::ConflictResolve(resolve)) => (Entity::Ruling, about(resolve).to_string()),
        Some(Known::CostPut(cost)) => (Entity::Cost, cost_key(cost)),
        Some(Known::LatencyPut(latency)) => (Entity::Sample, sample_key(latency)),
        Some(Known::ScenarioSave(save)) => (Entity::Scenario, save.scenario_id.to_string()),
        Some(Known::ScenarioPromote(promote)) => {
            (Entity::Promotion, promote.scenario_id.to_string())
        }
        Some(Known::SnapshotAttest(attest)) => {
            (Entity::Attestation, format!("{}/{}", attest.manifest.number, entry.slot.origin))
        }
        Some(Known::BillingCredit(_)) => (Entity::Credit, entry.event_id.to_string()),
        // A month that is not over by the closing's own clock is not closed by it.
        Some(Known::BillingClose(close)) if !is_over(close.period, entry) => return Ok(None),
        Some(Known::BillingClose(close)) => (Entity::Closing, close.period.to_string()),
        Some(Known::RoutingSwitch(_)) => (Entity::Switch, SWITCH_KEY.to_owned()),
        Some(Known::RoutingDrain(drain)) => (Entity::Drain, drain.cloud.to_string()),
        Some(Known::RoutingLatency(trip)) => (Entity::Latency, trip_key(&trip.from, &trip.to)),
        Some(known) => match of_pricing(known, entry) {
            Some(place) => place,
            None => return Ok(None),
        },
    };
    Ok(Some(Effect::Put(Put { entity, key, body: value, entry: entry.clone() })))
}

/// What is decided about prices. Of proposals and switches every word is kept: what they come to depends
/// on all of them (`domain::pricing::book`).
fn of_pricing(known: &Known, entry: &Entry) -> Option<(Entity, String)> {
    let word = |proposal: Uuid| (Entity::Proposal, format!("{proposal}/{}", entry.event_id));
    Some(match known {
        Known::ProposalOpen(it) => word(it.proposal_id),
        Known::ProposalApprove(it) => word(it.proposal_id),
        Known::ProposalReject(it) => word(it.proposal_id),
        Known::ProposalModify(it) => word(it.proposal_id),
        Known::ProposalApply(it) => word(it.proposal_id),
        Known::ProposalStale(it) => word(it.proposal_id),
        Known::ApprovalDelegate(_) | Known::ApprovalWithdraw(_) => {
            (Entity::Delegation, entry.event_id.to_string())
        }
        Known::PolicySwitch(_) => (Entity::Autonomy, entry.event_id.to_string()),
        Known::OptimizerRecommend(it) => (Entity::Recommendation, it.tenant_id.to_string()),
        Known::OptimizerRun(_) => (Entity::Run, RUN_KEY.to_owned()),
        Known::ForesightRun(_) => (Entity::Foresight, FORESIGHT_KEY.to_owned()),
        _ => return None,
    })
}

/// All runs are versions of one thing.
pub const RUN_KEY: &str = "optimizer";

/// All runs of the standing stresses are versions of one thing.
pub const FORESIGHT_KEY: &str = "stresses";

fn has_begun(price: &PricePut, entry: &Entry) -> bool {
    i64::try_from(entry.logical_clock.ms).is_ok_and(|ms| ms >= price.effective_from.unix_ms())
}

fn is_over(period: Period, entry: &Entry) -> bool {
    i64::try_from(entry.logical_clock.ms).is_ok_and(|ms| ms >= period.end().unix_ms())
}

/// All switches are versions of one thing.
pub const SWITCH_KEY: &str = "selection";

fn item(id: Uuid) -> String {
    HeldId::Input(id).to_string()
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use domain::cloud::Cloud;
    use domain::event::Slot;
    use serde_json::json;

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

    /// The step from these entries to these and the new ones, without any decision about them.
    fn step(before: &[Entry], new: &[Entry]) -> Changes {
        changes(&Before { entries: before.to_vec(), ..Before::default() }, new)
    }

    fn input_tokens(changes: Changes) -> Vec<(i64, i64)> {
        changes.meter.into_rows().map(|(_, sum)| (sum.requests, sum.input_tokens)).collect()
    }

    #[test]
    fn an_equal_twin_counts_once() {
        let first = entry(1, Cloud::Gcp, 4, &usage(10));
        let twin = entry(1, Cloud::Aws, 9, &usage(10));
        assert_eq!(input_tokens(step(&[], &[first.clone(), twin.clone()])), [(1, 10)]);
        assert_eq!(input_tokens(step(&[first], &[twin])), []);
    }

    #[test]
    fn a_different_twin_takes_back_what_the_first_did() {
        let first = entry(1, Cloud::Gcp, 4, &usage(10));
        let twin = entry(1, Cloud::Aws, 9, &usage(11));
        let changes = step(&[first], slice::from_ref(&twin));
        let held = &changes.held[0];
        assert_eq!((held.event_id, held.since), (twin.event_id, twin.logical_clock));
        assert_eq!((held.ruling, &held.chosen), (None, &None));
        assert_eq!(input_tokens(changes), [(-1, -10)]);
    }

    #[test]
    fn a_third_equal_copy_does_not_heal_a_conflict() {
        let one = entry(1, Cloud::Gcp, 4, &usage(10));
        let two = entry(1, Cloud::Aws, 9, &usage(11));
        let three = entry(1, Cloud::Azure, 2, &usage(10));
        let changes = step(&[one, two], &[three]);
        assert!(changes.held.is_empty(), "it is known already");
        assert_eq!(input_tokens(changes), []);
    }

    #[test]
    fn of_equal_decisions_the_earliest_stands_even_if_it_is_learnt_late() {
        let late = entry(1, Cloud::Gcp, 9, &user("A"));
        let early = entry(1, Cloud::Aws, 4, &user("A"));
        let changes = step(slice::from_ref(&late), slice::from_ref(&early));
        assert_eq!(changes.withdrawn[0].entry, late);
        assert_eq!(changes.put[0].entry, early);
        assert!(changes.held.is_empty());
    }

    /// A decision that the contents at `slot` count for the id 1.
    fn resolve(id: u128, sequence: u64, slot: Option<&str>) -> Entry {
        let mut payload = json!({"kind": "conflict.resolve", "tenantId": "platform",
            "eventId": Uuid::from_u128(1), "reason": "compared"});
        if let Some(slot) = slot.and_then(Slot::parse) {
            payload["slot"] = json!(slot);
        }
        entry(id, Cloud::Azure, sequence, &payload)
    }

    /// What is projected when these entries are learnt one by one, in this order: tokens counted,
    /// and the last word about the conflict.
    fn learnt(entries: &[Entry]) -> (i64, Option<Held>) {
        let (mut before, mut tokens, mut last) = (Before::default(), 0, None);
        for new in entries {
            let changes = changes(&before, slice::from_ref(new));
            before.entries.push(new.clone());
            before.resolutions =
                changes.stepped(by_subject(&before.resolutions)).into_values().flatten().collect();
            last = changes.held.last().cloned().or(last);
            tokens += input_tokens(changes).iter().map(|(_, tokens)| tokens).sum::<i64>();
        }
        (tokens, last)
    }

    /// Every order of some entries.
    fn orders(entries: &[Entry]) -> Vec<Vec<Entry>> {
        if entries.is_empty() {
            return vec![Vec::new()];
        }
        let first = |at: usize| {
            let mut rest = entries.to_vec();
            let first = rest.remove(at);
            orders(&rest).into_iter().map(move |mut rest| {
                rest.insert(0, first.clone());
                rest
            })
        };
        (0..entries.len()).flat_map(first).collect()
    }

    #[test]
    fn the_chosen_contents_count_once_in_whatever_order_all_is_learnt() {
        let one = entry(1, Cloud::Gcp, 4, &usage(10));
        let two = entry(1, Cloud::Aws, 9, &usage(11));
        let copy = entry(1, Cloud::Azure, 7, &usage(11));
        let decision = resolve(50, 12, Some("aws/1/9"));
        for order in orders(&[one, two.clone(), copy, decision.clone()]) {
            let (tokens, held) = learnt(&order);
            let held = held.expect("it was a conflict");
            assert_eq!((tokens, held.ruling), (11, Some(decision.event_id)), "{order:?}");
            assert_eq!(held.chosen, Some(two.clone()));
        }
    }

    #[test]
    fn of_several_resolutions_the_first_by_clock_stands_even_if_it_is_learnt_last() {
        let one = entry(1, Cloud::Gcp, 4, &usage(10));
        let two = entry(1, Cloud::Aws, 9, &usage(11));
        let early = resolve(50, 12, Some("gcp/1/4"));
        let late = resolve(51, 13, Some("aws/1/9"));
        for order in orders(&[one, two, early.clone(), late]) {
            let (tokens, held) = learnt(&order);
            assert_eq!(tokens, 10, "{order:?}");
            assert_eq!(held.and_then(|held| held.ruling), Some(early.event_id));
        }
    }

    #[test]
    fn a_resolution_may_choose_nothing_and_one_that_names_no_entry_is_passed_over() {
        let one = entry(1, Cloud::Gcp, 4, &usage(10));
        let two = entry(1, Cloud::Aws, 9, &usage(11));
        let (tokens, held) = learnt(&[one.clone(), two.clone(), resolve(50, 12, None)]);
        let held = held.expect("a conflict");
        assert_eq!((tokens, held.ruling.is_some(), held.chosen), (0, true, None));
        let elsewhere = resolve(50, 12, Some("aws/1/8"));
        let right = resolve(51, 13, Some("aws/1/9"));
        for order in orders(&[one, two, elsewhere, right]) {
            assert_eq!(learnt(&order).0, 11);
        }
    }

    #[test]
    fn a_resolution_whose_own_id_is_in_conflict_decides_nothing() {
        let one = entry(1, Cloud::Gcp, 4, &usage(10));
        let two = entry(1, Cloud::Aws, 9, &usage(11));
        let decision = resolve(50, 12, Some("gcp/1/4"));
        let mut twin = resolve(50, 13, Some("aws/1/9"));
        twin.slot.origin = Cloud::Gcp;
        let mut about_it = resolve(60, 14, Some("azure/1/12"));
        about_it.payload = domain::json::canonical(&json!({"kind": "conflict.resolve",
            "tenantId": "platform", "eventId": Uuid::from_u128(50), "reason": "no",
            "slot": decision.slot}));
        for order in orders(&[one, two, decision, twin, about_it]) {
            assert_eq!(learnt(&order).0, 0, "{order:?}");
        }
    }

    #[test]
    fn the_same_id_under_another_tenant_is_another_event() {
        let mut other = entry(1, Cloud::Gcp, 4, &usage(10));
        other.tenant_id = TenantId::try_from("acme".to_owned()).expect("valid");
        let new = entry(1, Cloud::Aws, 9, &usage(11));
        assert_eq!(input_tokens(step(&[other], &[new])), [(1, 11)]);
    }

    #[test]
    fn a_decision_that_does_not_read_is_skipped_and_counted() {
        let bad = entry(1, Cloud::Gcp, 1, &json!({"kind": "user.put", "login": ""}));
        let unknown = entry(2, Cloud::Gcp, 2, &json!({"kind": "price.halve"}));
        let other = entry(3, Cloud::Gcp, 3, &json!({"kind": "weather"}));
        let good = entry(4, Cloud::Gcp, 4, &user("A"));
        let changes = step(&[], &[bad, unknown, other, good]);
        assert_eq!((changes.skipped, changes.put.len()), (2, 1));
    }
}
