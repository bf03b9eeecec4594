//! Keeps one provider in step until the node stops.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::fabric::capacity::of_all;
use domain::fabric::publish::backoff::Backoff;
use domain::fabric::publish::difference::{Entry as _, Step, beside, drift, steps};
use domain::fabric::publish::plan::targets;
use domain::fabric::publish::route53::Fence;
use tokio_util::sync::CancellationToken;

use super::{Fault, Found, OnDrift, Publisher, Record, lines};
use crate::fabric::Fabric;
use crate::grant::LeaseClaim;

/// A wish that changed is noticed this late at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Without a change: Route 53 takes five questions a second of an account, from all of its users.
const READ_EVERY: Duration = Duration::from_secs(15);
/// Long enough for a batch, short enough for the next to take over.
const LEASE_TTL: Duration = Duration::from_secs(30);
/// What was read so lately is fresh: whoever asks again and again does not ask the provider.
const FRESH_MS: i64 = 5_000;
const LEASE_WAIT: Duration = Duration::from_secs(3);

/// How it should be, by whoever wrote last.
#[derive(Clone, Debug, Default)]
pub(super) struct Baseline {
    wanted: Vec<Record>,
    /// As it was written last, by whomever, under this token.
    written: Option<(Option<u64>, Vec<Record>)>,
    /// As it was found at the last look.
    seen: Found,
}

/// What a node remembers from one look to the next.
#[derive(Debug, Default)]
struct Memory {
    wanted: Vec<Record>,
    read_at: Option<Instant>,
    /// Not before then.
    patience_until: Option<Instant>,
    backoff: Backoff,
    lease: Option<LeaseClaim>,
}

/// What a look came to.
enum Looked {
    Read,
    /// Nothing is to be published now, or nothing has changed.
    Nothing,
}

/// What is to be done, and what is not ours to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step<Record>>,
    pub(super) drift: Vec<Step<Record>>,
}

impl Publisher {
    /// Keeps it in step until `stop`.
    pub(in crate::fabric) async fn keep(
        self: Arc<Self>,
        fabric: Arc<Fabric>,
        stop: CancellationToken,
    ) {
        let mut memory = Memory::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if memory.patience_until.is_some_and(|until| Instant::now() < until) {
                continue;
            }
            match self.look(&fabric, &mut memory).await {
                Ok(Looked::Read) => memory.backoff.settle(),
                Ok(Looked::Nothing) => {}
                Err(fault) => self.wait(&mut memory, &fault),
            }
        }
    }

    fn wait(&self, memory: &mut Memory, fault: &Fault) {
        let asked_ms = match fault {
            Fault::Passing { wait_ms, .. } => *wait_ms,
            Fault::Refused(_) => None,
        };
        let wait = Duration::from_millis(memory.backoff.fail(asked_ms));
        tracing::warn!(publisher = self.name(), %fault, ?wait, "a provider is asked again later");
        metrics::counter!("ternion_fabric_publish_faults_total", "publisher" => self.name())
            .increment(1);
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let now = crate::now();
        let next_try_at = Timestamp::from_unix_ms(now.unix_ms().saturating_add(wait_ms));
        self.stand(|standing| standing.fail(fault, Some(next_try_at), now));
        memory.patience_until = Some(Instant::now() + wait);
        // What was to be written is looked at anew then.
        memory.read_at = None;
        memory.lease = None;
    }

    async fn look(&self, fabric: &Arc<Fabric>, memory: &mut Memory) -> Result<Looked, Fault> {
        let Some(wanted) = self.wish(fabric)? else { return Ok(Looked::Nothing) };
        let due = memory.read_at.is_none_or(|at| at.elapsed() >= READ_EVERY);
        if wanted == memory.wanted && !due {
            return Ok(Looked::Nothing);
        }
        let found = self.provider.read().await?;
        memory.read_at = Some(Instant::now());
        memory.wanted.clone_from(&wanted);
        let plan = self.compared(&found, &wanted);
        // What stopped before its last call is ended even where nothing else is left to be done.
        if (plan.steps.is_empty() && !found.under_way) || self.dry_run {
            memory.lease = None; // it runs out by itself
            return Ok(Looked::Read);
        }
        let Some(token) = self.token(fabric, memory).await else {
            // Another cloud writes: look at what it did soon.
            memory.read_at = None;
            return Ok(Looked::Read);
        };
        if let Some(stood) = found.token.filter(|stood| *stood > token) {
            let why = format!(
                "the zone was last written under token {stood}, and this cloud holds {token}: \
                 another deployment writes there, or did"
            );
            return Err(Fault::Refused(why));
        }
        let fence = Fence { writer: fabric.me, token };
        self.provider.apply(&plan.steps, &found, fence).await?;
        self.with_baseline(|baseline| baseline.wrote(&wanted, &plan, token));
        memory.lease = None;
        // Read back at the next look.
        memory.read_at = None;
        tracing::info!(publisher = self.name(), steps = plan.steps.len(), token, "published");
        metrics::counter!("ternion_fabric_published_total", "publisher" => self.name())
            .increment(1);
        self.stand(|standing| {
            standing.wrote_at = Some(crate::now());
            standing.waiting.clear();
            standing.half_written = false;
        });
        Ok(Looked::Read)
    }

    fn with_baseline<T>(&self, act: impl FnOnce(&mut Baseline) -> T) -> T {
        act(&mut self.baseline.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is to be done about what was read, and what is not ours to do; shown from now on.
    fn compared(&self, found: &Found, wanted: &[Record]) -> Plan {
        let plan = self.with_baseline(|baseline| {
            wanted.clone_into(&mut baseline.wanted);
            baseline.take(found);
            baseline.adopt(found, wanted);
            baseline.plan(found, wanted, self.on_drift)
        });
        self.show(found, &plan);
        plan
    }

    /// Reads it for somebody who asks. Nothing is written.
    pub(super) async fn compare(&self, fabric: &Fabric) {
        let read_ms = self.standing().read_at.map_or(0, Timestamp::unix_ms);
        let age_ms = crate::now().unix_ms().saturating_sub(read_ms);
        // Read at a time that is still to come: the clock went back since.
        if (0..FRESH_MS).contains(&age_ms) {
            return;
        }
        let outcome = async {
            let Some(wanted) = self.wish(fabric)? else { return Ok(()) };
            let found = self.provider.read().await?;
            self.compared(&found, &wanted);
            Ok::<(), Fault>(())
        };
        if let Err(fault) = outcome.await {
            self.stand(|standing| standing.fail(&fault, None, crate::now()));
        }
    }

    /// `None`: nothing may be published now.
    pub(super) fn wish(&self, fabric: &Fabric) -> Result<Option<Vec<Record>>, Fault> {
        let latest = fabric.latest.load_full();
        let addresses = &fabric.plan.addresses;
        let room = of_all(&fabric.plan.demand, &fabric.plan.capacity);
        let targets = targets(&latest.selection, addresses, &room);
        let Some(targets) = targets else { return Ok(None) };
        let wanted = self.provider.wanted(&targets, addresses).map(|mut records| {
            records.sort_by_key(Record::key);
            records
        });
        wanted.map(Some).map_err(|invalid| Fault::Refused(format!("nothing is sent: {invalid}")))
    }

    /// The version under which this cloud may write, if it may.
    async fn token(&self, fabric: &Arc<Fabric>, memory: &mut Memory) -> Option<u64> {
        if memory.lease.is_none() {
            let claim = fabric.grants.lease(&format!("publish-{}", self.name()), LEASE_TTL);
            memory.lease =
                claim.inspect_err(|cause| tracing::error!(%cause, "no lease to publish")).ok();
        }
        let claim = memory.lease.as_mut()?;
        drop(tokio::time::timeout(LEASE_WAIT, claim.until_held()).await);
        claim.token().map(domain::grant::Version::number)
    }

    fn show(&self, found: &Found, plan: &Plan) {
        let gauge = metrics::gauge!("ternion_fabric_drift", "publisher" => self.name());
        gauge.set(f64::from(u32::try_from(plan.drift.len()).unwrap_or(u32::MAX)));
        self.stand(|standing| {
            standing.read_at = Some(crate::now());
            standing.writer = found.token.map(|token| (token, found.writer));
            standing.waiting = lines(&plan.steps);
            standing.drift = lines(&plan.drift);
            standing.half_written = found.under_way;
            standing.settle(crate::now());
        });
    }
}

impl Baseline {
    /// What stands under another token was written by a cloud: that is how it should be. So is what
    /// comes while a cloud writes, call by call under one token, and what its last calls left. What
    /// is known to be edited stays known.
    fn take(&mut self, found: &Found) {
        let seen = std::mem::replace(&mut self.seen, found.clone());
        let before = self.written.take();
        self.written = Some(match before {
            Some((_, written)) if found.under_way || seen.under_way => {
                let edited = still_edited(&written, &seen.records, &found.records);
                (found.token, merged(&found.records, &written, &edited))
            }
            Some((token, written)) if token == found.token => (token, written),
            Some((_, written)) => {
                let edited = self.edited(&written, found);
                (found.token, merged(&found.records, &written, &edited))
            }
            None => (found.token, found.records.clone()),
        });
    }

    /// What is as it is wanted was not edited by hand, whoever wrote it.
    fn adopt(&mut self, found: &Found, wanted: &[Record]) {
        let Some((_, written)) = &mut self.written else { return };
        for record in found.records.iter().filter(|record| wanted.contains(record)) {
            let key = record.key();
            written.retain(|before| before.key() != key);
            written.push(record.clone());
        }
    }

    /// Keys of what had been edited already when the token changed: it is neither as it was written
    /// nor as anybody wants it.
    fn edited(&self, written: &[Record], found: &Found) -> Vec<String> {
        let is_wanted = |step: &Step<Record>| match step {
            Step::Create(to) | Step::Change { to, .. } => self.wanted.contains(to),
            Step::Delete(from) => !self.wanted.iter().any(|one| one.key() == from.key()),
        };
        let changed = drift(written, &found.records);
        changed.iter().filter(|step| !is_wanted(step)).map(Step::key).collect()
    }

    fn plan(&self, found: &Found, wanted: &[Record], on_drift: OnDrift) -> Plan {
        let written = self.written.as_ref().map(|(_, written)| written.as_slice());
        let drift = written.map(|written| drift(written, &found.records)).unwrap_or_default();
        // What was edited into what is wanted needs nobody.
        let wanted_now = steps(&found.records, wanted);
        let drift: Vec<Step<Record>> = drift
            .into_iter()
            .filter(|step| wanted_now.iter().any(|other| other.key() == step.key()))
            .collect();
        let steps = match on_drift {
            OnDrift::Apply => wanted_now,
            OnDrift::Report => beside(wanted_now, &drift),
        };
        Plan { steps, drift }
    }

    /// From now on this is what we wrote; what was left alone is as it was written before.
    fn wrote(&mut self, wanted: &[Record], plan: &Plan, token: u64) {
        let before = self.written.take().map(|(_, written)| written).unwrap_or_default();
        let done: Vec<String> = plan.steps.iter().map(Step::key).collect();
        let left: Vec<String> =
            plan.drift.iter().map(Step::key).filter(|key| !done.contains(key)).collect();
        self.written = Some((Some(token), merged(wanted, &before, &left)));
    }
}

/// Keys of what was not as it was written when it was seen, and that nobody has touched since.
fn still_edited(written: &[Record], seen: &[Record], found: &[Record]) -> Vec<String> {
    let touched: Vec<String> = drift(seen, found).iter().map(Step::key).collect();
    let edited = drift(written, seen).into_iter().map(|step| step.key());
    edited.filter(|key| !touched.contains(key)).collect()
}

/// `new`, but what has one of these keys as in `old`.
fn merged(new: &[Record], old: &[Record], keys: &[String]) -> Vec<Record> {
    let kept = new.iter().filter(|record| !keys.contains(&record.key()));
    let older = old.iter().filter(|record| keys.contains(&record.key()));
    kept.chain(older).cloned().collect()
}

#[cfg(test)]
mod tests {
    use domain::fabric::publish::cloudflare::DnsRecord;

    use super::*;

    fn record(content: &str, ttl: u32) -> Record {
        Record::Cloudflare(DnsRecord {
            name: "api.example.com".to_owned(),
            ttl,
            kind: "A".to_owned(),
            comment: "ternion gcp".to_owned(),
            content: content.to_owned(),
            proxied: false,
        })
    }

    fn found(token: u64, records: &[Record]) -> Found {
        Found { records: records.to_vec(), token: Some(token), ..Found::default() }
    }

    #[test]
    fn an_edit_by_hand_is_drift_until_it_is_undone_and_a_write_by_another_cloud_is_none() {
        let (one, two) = (record("203.0.113.1", 60), record("203.0.113.2", 60));
        let wanted = vec![one.clone(), two.clone()];
        let mut memory = Baseline { wanted, ..Baseline::default() };
        memory.take(&found(7, &[one.clone(), two.clone()]));
        let edited = found(7, &[record("203.0.113.1", 3_600), two.clone()]);
        memory.take(&edited);
        let wanted = memory.wanted.clone();
        let reported = memory.plan(&edited, &wanted, OnDrift::Report);
        assert_eq!(reported.steps, []);
        assert_eq!(
            lines(&reported.drift),
            ["~ api.example.com A 60: 203.0.113.1 → api.example.com A 3600: 203.0.113.1"]
        );
        let applied = memory.plan(&edited, &wanted, OnDrift::Apply);
        assert_eq!(applied.steps.len(), 1);
        // Another cloud takes the second out, under its own token: the edit stays known.
        memory.wanted = vec![one.clone()];
        let later = found(8, &[record("203.0.113.1", 3_600)]);
        memory.take(&later);
        let plan = memory.plan(&later, std::slice::from_ref(&one), OnDrift::Report);
        assert_eq!((plan.steps.len(), plan.drift.len()), (0, 1), "{plan:?}");
        // Undone by hand.
        let whole = found(8, std::slice::from_ref(&one));
        memory.take(&whole);
        assert_eq!(memory.plan(&whole, &[one], OnDrift::Report), Plan::default());
    }

    #[test]
    fn two_writes_under_one_token_are_no_edit_once_they_are_what_is_wanted() {
        let (off, on) = (record("203.0.113.1", 60), record("203.0.113.1", 300));
        let mut memory = Baseline::default();
        memory.take(&found(7, std::slice::from_ref(&off)));
        let again = found(7, std::slice::from_ref(&on));
        memory.take(&again);
        memory.adopt(&again, std::slice::from_ref(&on));
        // Whoever wrote it is gone, and it is to be taken away.
        let plan = memory.plan(&again, &[], OnDrift::Report);
        assert_eq!((plan.steps.len(), plan.drift.len()), (1, 0), "{plan:?}");
    }

    #[test]
    fn what_a_cloud_writes_call_by_call_under_one_token_is_no_edit_whatever_is_wanted_meanwhile() {
        let [off, on] =
            [60, 300].map(|ttl| [record("203.0.113.1", ttl), record("203.0.113.2", ttl)]);
        let under_way = |records: &[Record]| Found { under_way: true, ..found(8, records) };
        // Read between two calls; the other one comes before, or with, the writer's last.
        let half = [on[0].clone(), off[1].clone()];
        for reads in [vec![under_way(&half), under_way(&on)], vec![under_way(&half)]] {
            let mut memory = Baseline { wanted: off.to_vec(), ..Baseline::default() };
            for read in [vec![found(7, &off)], reads, vec![found(8, &on)]].concat() {
                memory.take(&read);
                memory.adopt(&read, &off);
            }
            // The wish has moved on: nothing of what was written is left to people.
            let plan = memory.plan(&found(8, &on), &off, OnDrift::Report);
            assert_eq!((plan.steps.len(), plan.drift.len()), (2, 0), "{plan:?}");
            // From then on an edit is one again.
            let edited = found(8, &[record("203.0.113.1", 3_600), on[1].clone()]);
            memory.take(&edited);
            let plan = memory.plan(&edited, &on, OnDrift::Report);
            assert_eq!((plan.steps.len(), plan.drift.len()), (0, 1), "{plan:?}");
        }
    }

    #[test]
    fn what_is_known_to_be_edited_stays_known_while_a_cloud_writes_beside_it() {
        let (one, two) = (record("203.0.113.1", 60), record("203.0.113.2", 60));
        let edited = record("203.0.113.1", 3_600);
        let mut memory = Baseline::default();
        memory.take(&found(7, &[one.clone(), two.clone()]));
        memory.take(&found(7, &[edited.clone(), two]));
        // The second is taken away.
        let later = found(8, std::slice::from_ref(&edited));
        for read in [Found { under_way: true, ..later.clone() }, later.clone()] {
            memory.take(&read);
            let plan = memory.plan(&read, std::slice::from_ref(&one), OnDrift::Report);
            assert_eq!((plan.steps.len(), plan.drift.len()), (0, 1), "{plan:?}");
        }
    }

    #[test]
    fn what_is_left_alone_does_not_keep_the_rest_from_being_written() {
        let (one, two) = (record("203.0.113.1", 60), record("203.0.113.2", 60));
        let mut memory = Baseline::default();
        memory.take(&found(1, &[one.clone(), two]));
        let edited = found(1, &[record("203.0.113.1", 300), record("203.0.113.2", 60)]);
        let wanted = [one];
        let plan = memory.plan(&edited, &wanted, OnDrift::Report);
        assert_eq!(lines(&plan.steps), ["- api.example.com A 60: 203.0.113.2"]);
        memory.wrote(&wanted, &plan, 2);
        let after = found(2, &[record("203.0.113.1", 300)]);
        memory.take(&after);
        assert_eq!(memory.plan(&after, &wanted, OnDrift::Report).drift.len(), 1);
    }
}
