//! Every switch becomes an event of the ledger, recorded by exactly one cloud.
//!
//! Each cloud compares what it selects with the last switch that is final. Where they differ, it
//! proposes the next version of the grant `routing/selection`; the one that wins records the switch.
//! The others wait for its event, go on from it, and mostly find nothing left to record. A winner
//! that stops between the two leaves a version without an event: after a while the next one is
//! proposed. A node that hears no majority records nothing, and could not win.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::catalog::{Known, RoutingMove, RoutingStanding, RoutingSwitch};
use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Payload, TenantId};
use domain::fabric::hysteresis::Why;
use domain::fabric::selector::{RegionChoice, Selection, Settings};
use domain::grant::{Family, Resource, Value, Version};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::Fabric;
use crate::grant::GrantError;
use crate::ledger::{Submission, SubmitError};

const EVENT_LABEL: &[u8] = b"ternion/routing-switch/v1\n";
/// The one resource: what is decided is the next switch, whole.
const RESOURCE: &str = "selection";
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A winner's event is final elsewhere well within this.
const WINNER_FIRST: Duration = Duration::from_secs(5);
/// Clouds look in turn, so that they seldom propose the same at once.
const TURN: Duration = Duration::from_millis(300);
/// Clouds that cannot agree (each of two hears others than the third does) must not fill the ledger
/// with their contradictions: this many switches at once, and one more for each pause.
const BURST: u32 = 6;
const PAUSE: Duration = Duration::from_secs(10);
/// Scores are kept to a thousandth of a millisecond.
const ROUND: f64 = 1e3;

/// How many switches this node may still propose.
#[derive(Debug)]
struct Purse {
    left: u32,
    since: Instant,
}

impl Purse {
    fn new(now: Instant) -> Self {
        Purse { left: BURST, since: now }
    }

    /// May one be proposed now?
    fn spend(&mut self, now: Instant) -> bool {
        while self.left < BURST && now.saturating_duration_since(self.since) >= PAUSE {
            self.left += 1;
            self.since += PAUSE;
        }
        if self.left == 0 {
            return false;
        }
        if self.left == BURST {
            self.since = now;
        }
        self.left -= 1;
        true
    }
}

/// What this node remembers from one look to the next.
#[derive(Debug)]
struct Memory {
    /// A version that is decided and whose event has not come, and since when.
    waiting: Option<(Version, Instant)>,
    /// What it proposed last, until that or something later is final.
    proposal: Option<Proposal>,
    purse: Purse,
}

/// A switch as it is voted on: its event's id and digest stand for it.
#[derive(Clone, Debug)]
struct Proposal {
    version: Version,
    value: Value,
    event_id: EventId,
    payload: Payload,
}

impl Memory {
    /// Is the winner of this version still to be waited for?
    fn waits_for(&mut self, version: Version) -> bool {
        let known = self.waiting.filter(|(of, _)| *of == version);
        let since = known.map_or_else(Instant::now, |(_, since)| since);
        self.waiting = Some((version, since));
        since.elapsed() < WINNER_FIRST
    }
}

impl Fabric {
    /// Records until `stop`.
    pub(super) async fn record(self: Arc<Self>, stop: CancellationToken) {
        let Ok(resource) = Resource::new(Family::Routing, RESOURCE) else { return };
        let mut memory =
            Memory { waiting: None, proposal: None, purse: Purse::new(Instant::now()) };
        loop {
            let turn = LOOK_EVERY + TURN * self.turn_of_mine();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(turn) => {}
            }
            if let Err(cause) = self.record_once(&resource, &mut memory).await {
                tracing::debug!(%cause, "a switch waits to be recorded");
            }
        }
    }

    /// How many clouds that are up come before this one.
    fn turn_of_mine(&self) -> u32 {
        let latest = self.latest.load();
        let before = Cloud::ALL.into_iter().take_while(|cloud| *cloud != self.me);
        let up = before.filter(|cloud| !latest.selection.clouds.get(*cloud).down);
        u32::try_from(up.count()).unwrap_or(0)
    }

    async fn record_once(
        &self,
        resource: &Resource,
        memory: &mut Memory,
    ) -> Result<(), GrantError> {
        let selection = self.latest.load().selection.clone();
        let catalog = self.projection.catalog();
        let recorded = catalog.switch().map(|switch| &switch.value);
        let open = memory.proposal.take().filter(|one| is_ahead(one.version, recorded));
        let wanted = self.is_ready(&selection) && differs(&selection, recorded);
        if open.is_none() && !wanted {
            return Ok(());
        }
        let newest = self.grants.latest(resource).await?;
        if let Some(newest) = newest.as_ref().filter(|it| is_ahead(it.grant().version, recorded)) {
            let version = newest.grant().version;
            let is_won = |one: &Proposal| one.version == version && one.value == *newest.value();
            if let Some(won) = open.filter(is_won) {
                // It won without being told so at the time, or could not be written then.
                self.submit(&won).await;
                memory.proposal = Some(won);
                return Ok(());
            }
            if memory.waits_for(version) {
                return Ok(());
            }
        }
        let next = newest.map_or(Some(Version::FIRST), |newest| newest.grant().version.next());
        let Some(version) = next.filter(|_| wanted && memory.purse.spend(Instant::now())) else {
            return Ok(());
        };
        let proposal = self.proposal(self.switch(version, &selection, recorded));
        memory.proposal.clone_from(&proposal);
        let Some(proposal) = proposal else { return Ok(()) };
        let decision = self.grants.decide(resource, version, &proposal.value).await?;
        if *decision.value() == proposal.value {
            self.submit(&proposal).await;
        }
        Ok(())
    }

    /// A node that has just begun knows too little: it waits until it has probed everybody.
    fn is_ready(&self, selection: &Selection) -> bool {
        let own = selection.votes.get(self.me);
        let probed = |view: &domain::fabric::verdict::View| {
            view.iter().all(|(_, seen)| *seen != domain::fabric::health::Seen::Unknown)
        };
        selection.is_decided() && own.as_ref().is_some_and(probed)
    }

    fn proposal(&self, switch: RoutingSwitch) -> Option<Proposal> {
        let version = switch.version;
        let known = Known::RoutingSwitch(Box::new(switch));
        let Ok(payload) = Payload::from_value(&known.to_payload()) else {
            tracing::error!(%version, "a switch is no payload; it is not recorded");
            return None;
        };
        let digest = hex::encode(Sha256::digest(payload.bytes()));
        let event_id = event_id(version, &digest);
        let wish = json!({ "by": self.me, "eventId": event_id, "sha256": digest });
        let value = Value::from_json(&wish).ok()?;
        Some(Proposal { version, value, event_id, payload })
    }

    /// Safe to repeat: the same switch is one event.
    async fn submit(&self, won: &Proposal) {
        let submission = Submission {
            tenant_id: TenantId::platform(),
            payload: won.payload.clone(),
            event_id: Some(won.event_id),
            region: None,
            created_at: None,
        };
        match self.ledger.submit(vec![submission]).await.pop() {
            Some(Ok(_) | Err(SubmitError::Conflict { .. })) => {
                metrics::counter!("ternion_fabric_switches_total").increment(1);
            }
            Some(Err(cause)) => tracing::warn!(%cause, "a switch that was decided is not recorded"),
            None => {}
        }
    }

    fn switch(
        &self,
        version: Version,
        selection: &Selection,
        recorded: Option<&RoutingSwitch>,
    ) -> RoutingSwitch {
        let settings = Settings::of(self.plan.policy);
        let before =
            |region: &String| recorded.and_then(|switch| switch.picks.get(region)).copied();
        let moved = selection.regions.iter().filter(|(name, now)| before(name) != Some(now.pick));
        RoutingSwitch {
            version,
            by: self.me,
            mode: selection.mode,
            down: selection.down(),
            policy: self.plan.policy,
            votes: selection.votes,
            clouds: selection.clouds.map(|_, standing| RoutingStanding {
                load: rounded(standing.load),
                damping: rounded(standing.damping),
                held_out: standing.held_out,
                drained: standing.drained,
            }),
            moves: moved.map(|(name, now)| move_of(name, before(name), now, &settings)).collect(),
            picks: selection.picks(),
            spills: spills(selection),
        }
    }
}

fn move_of(
    region: &str,
    from: Option<Cloud>,
    choice: &RegionChoice,
    settings: &Settings,
) -> RoutingMove {
    let scores: BTreeMap<Cloud, f64> =
        choice.ranked.iter().map(|one| (one.cloud, rounded(one.score_ms))).collect();
    let held = from.and_then(|from| scores.get(&from));
    RoutingMove {
        region: region.to_owned(),
        from,
        to: choice.pick,
        why: why_moved(from, choice, &scores),
        level: choice.level,
        limit_ms: held.map(|held| rounded(settings.margin.limit_ms(*held))),
        scores,
    }
}

/// Recorded a moment after it was evaluated, the new cloud leads already: what counts is how it stood
/// towards the one before.
fn why_moved(from: Option<Cloud>, choice: &RegionChoice, scores: &BTreeMap<Cloud, f64>) -> Why {
    match (from, choice.why) {
        (None, Why::Leads | Why::WithinMargin) => Why::First,
        (Some(from), Why::Leads | Why::WithinMargin | Why::First) if from != choice.pick => {
            if scores.contains_key(&from) {
                Why::BetterByMargin
            } else {
                Why::IncumbentOut
            }
        }
        (_, why) => why,
    }
}

fn rounded(value: f64) -> f64 {
    (value * ROUND).round() / ROUND
}

fn is_ahead(version: Version, recorded: Option<&RoutingSwitch>) -> bool {
    recorded.is_none_or(|switch| version > switch.version)
}

/// Is there anything to record? Shares of a region that one cloud cannot take follow from who serves and
/// from each node's configuration: they are recorded with what moves, and move nothing by themselves.
fn differs(selection: &Selection, recorded: Option<&RoutingSwitch>) -> bool {
    let Some(recorded) = recorded else { return true };
    recorded.mode != selection.mode
        || recorded.down != selection.down()
        || selection.regions.iter().any(|(name, now)| recorded.picks.get(name) != Some(&now.pick))
}

fn spills(selection: &Selection) -> BTreeMap<String, PerCloud<f64>> {
    let spills = selection.spills().into_iter();
    spills.map(|(region, shares)| (region, shares.map(|_, share| rounded(*share)))).collect()
}

/// The same whoever records it again.
fn event_id(version: Version, digest: &str) -> EventId {
    let mut hasher = Sha256::new();
    hasher.update(EVENT_LABEL);
    hasher.update(format!("{version}\n{digest}\n"));
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    EventId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_cannot_agree_proposes_some_and_then_one_each_pause() {
        let start = Instant::now();
        let mut purse = Purse::new(start);
        let spent = |purse: &mut Purse, at: Instant| (0..20).filter(|_| purse.spend(at)).count();
        assert_eq!(spent(&mut purse, start), 6);
        assert_eq!(spent(&mut purse, start + PAUSE / 2), 0);
        assert_eq!(spent(&mut purse, start + PAUSE), 1);
        assert_eq!(spent(&mut purse, start + PAUSE * 100), 6);
    }
}
