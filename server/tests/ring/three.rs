//! A whole deployment whose clouds come and go, and what tests wait for in it.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::epoch::EpochRecord;
use domain::event::{EventId, Payload, TenantId};
use domain::key::{PublicKey, SigningKey};
use domain::quorum::Mode;
use server::anchor::Anchors;
use server::anchor::publish::Publish;
use server::config::Limits;
use server::evidence::Evidences;
use server::grant::Grants;
use server::keys::{CloudKeys, External, Roster};
use server::ledger::{Accepted, Ledger, Submission, SubmitError, Watermarks};
use server::optimizer::Optimizer;
use server::projection::Projection;
use server::quarantine::Counted;
use server::snapshot::Snapshots;
use sqlx::PgPool;

use crate::clouds::{Clouds, PATIENCE, RunningCloud};

/// Long enough that every cloud has told every other its heads more than once.
const TALK: Duration = Duration::from_secs(3);

pub struct Deployment {
    clouds: Clouds,
    running: PerCloud<Option<RunningCloud>>,
}

impl Deref for Deployment {
    type Target = Clouds;

    fn deref(&self) -> &Clouds {
        &self.clouds
    }
}

impl Deployment {
    /// Nothing runs yet.
    pub async fn new() -> Self {
        Deployment { clouds: Clouds::prepare().await, running: PerCloud::default() }
    }

    /// Nothing runs yet, and FINAL means what this mode says.
    pub async fn in_mode(mode: Mode, witness: Option<PublicKey>) -> Self {
        let clouds = Clouds::prepare_in(mode, witness).await;
        Deployment { clouds, running: PerCloud::default() }
    }

    /// Where clouds that are started from here on look for the witness.
    pub fn witness_at(&mut self, url: String) {
        self.clouds.witness_url = Some(url);
    }

    /// From its next start on that cloud makes its keys at this signer.
    pub fn keep_keys_at(&mut self, cloud: Cloud, signer: Arc<External>) {
        *self.clouds.signers.get_mut(cloud) = Some(signer);
    }

    /// As when a lost key folder is replaced by an empty one: other keys, of which nobody knows.
    pub fn make_keys_anew(&mut self, cloud: Cloud) {
        let seed = |role: u8| SigningKey::from_seed([200 + role; 32]);
        let keys = CloudKeys { log: seed(1).into(), cosigner: seed(2).into(), transport: seed(3) };
        let mut roster = Roster::clone(&self.clouds.roster);
        *roster.keys.get_mut(cloud) = keys.public();
        self.clouds.roster = Arc::new(roster);
        *self.clouds.keys.get_mut(cloud) = Arc::new(keys);
    }

    /// A cloud that is outvoted about a snapshot derives it again at once.
    pub fn mend_at_once(&mut self) {
        self.clouds.mend_after = Duration::ZERO;
    }

    /// The limits of clouds that are started from here on.
    pub fn limit(&mut self, limits: Limits) {
        self.clouds.limits = limits;
    }

    /// All three clouds, running.
    pub async fn running() -> Self {
        let mut deployment = Deployment::new().await;
        for cloud in Cloud::ALL {
            deployment.start(cloud).await;
        }
        deployment
    }

    pub async fn start(&mut self, cloud: Cloud) {
        *self.running.get_mut(cloud) = Some(self.clouds.start(cloud).await);
    }

    /// Starts a cloud on pools of the test's choice.
    pub async fn start_on(&mut self, cloud: Cloud, pool: PgPool, writers: PgPool) {
        *self.running.get_mut(cloud) = Some(self.clouds.start_on(cloud, pool, writers).await);
    }

    /// Stops a cloud as a process stops: what is under way is finished.
    pub async fn stop(&mut self, cloud: Cloud) {
        if let Some(running) = self.running.get_mut(cloud).take() {
            running.stop().await;
        }
    }

    /// Stops a cloud as a power cut does: every task is dropped where it stands.
    pub fn kill(&mut self, cloud: Cloud) {
        drop(self.running.get_mut(cloud).take());
    }

    pub fn ledger(&self, cloud: Cloud) -> &Arc<Ledger> {
        &self.running.get(cloud).as_ref().expect("this cloud runs").ledger
    }

    pub fn grants(&self, cloud: Cloud) -> &Arc<Grants> {
        &self.running.get(cloud).as_ref().expect("this cloud runs").grants
    }

    pub fn optimizer(&self, cloud: Cloud) -> &Arc<Optimizer> {
        &self.running.get(cloud).as_ref().expect("this cloud runs").optimizer
    }

    pub fn projection(&self, cloud: Cloud) -> &Arc<Projection> {
        &self.running.get(cloud).as_ref().expect("this cloud runs").projection
    }

    pub fn anchors(&self, cloud: Cloud) -> &Arc<Anchors> {
        &self.running.get(cloud).as_ref().expect("this cloud runs").anchors
    }

    /// Where that cloud publishes hashes from its next start on.
    pub fn publish_at(&mut self, cloud: Cloud, publisher: Arc<dyn Publish>) {
        self.clouds.publishers.get_mut(cloud).push(publisher);
    }

    pub fn snapshots(&self, cloud: Cloud) -> &Arc<Snapshots> {
        &self.running.get(cloud).as_ref().expect("this cloud runs").snapshots
    }

    pub fn evidences(&self, cloud: Cloud) -> &Arc<Evidences> {
        &self.running.get(cloud).as_ref().expect("this cloud runs").evidences
    }

    pub fn marks(&self, cloud: Cloud) -> Watermarks {
        self.ledger(cloud).watermarks().borrow().clone()
    }

    /// Waits until one of that cloud's people is asked about a new epoch, and has them agree.
    pub async fn agree(&self, cloud: Cloud) -> EpochRecord {
        let ledger = self.ledger(cloud);
        let asked = async {
            while ledger.epoch_requests().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("its people are asked");
        let request = ledger.epoch_requests().pop().expect("one request");
        ledger.agree_to_epoch(request.hash).expect("it still waits")
    }

    /// Waits until that cloud's view satisfies `is_so`.
    pub async fn until(&self, cloud: Cloud, what: &str, is_so: impl Fn(&Watermarks) -> bool) {
        let mut marks = self.ledger(cloud).watermarks();
        let waiting = marks.wait_for(|marks| is_so(marks));
        let outcome = tokio::time::timeout(PATIENCE, waiting).await.map(|seen| seen.is_ok());
        assert_eq!(outcome, Ok(true), "{cloud} never saw: {what}; it sees {:?}", self.marks(cloud));
    }

    /// What each running cloud has refused so far, after a time in which all have told each other
    /// their heads more than once.
    pub async fn refused_after_talk(&self) -> Vec<(Cloud, Counted)> {
        tokio::time::sleep(TALK).await;
        let mut refused = Vec::new();
        for (cloud, running) in self.running.iter() {
            let Some(running) = running else { continue };
            let counts = running.quarantine.counts().await.expect("readable");
            refused.extend(counts.into_iter().map(|counted| (cloud, counted)));
        }
        refused
    }

    /// Waits until every running cloud holds `size` entries of each of these logs under one root.
    pub async fn until_equal(&self, sizes: PerCloud<u64>) {
        for cloud in Cloud::ALL.into_iter().filter(|cloud| self.running.get(*cloud).is_some()) {
            let has_all = |marks: &Watermarks| {
                sizes.iter().all(|(origin, size)| marks.log(origin).head.size == *size)
            };
            self.until(cloud, &format!("sizes {sizes:?}"), has_all).await;
        }
        let roots: Vec<_> = Cloud::ALL
            .into_iter()
            .filter(|cloud| self.running.get(*cloud).is_some())
            .map(|cloud| self.marks(cloud).current().map(|_, view| view.head.root))
            .collect();
        assert!(roots.windows(2).all(|pair| pair[0] == pair[1]), "the roots differ: {roots:?}");
    }

    /// Records `count` events at one cloud, in calls of at most 100.
    pub async fn record(&self, cloud: Cloud, count: usize) -> Vec<Accepted> {
        let mut recorded = Vec::new();
        while recorded.len() < count {
            let call = (recorded.len()..count.min(recorded.len() + 100)).map(submission).collect();
            let answers = self.ledger(cloud).submit(call).await;
            recorded.extend(answers.into_iter().map(|answer| answer.expect("recorded")));
        }
        recorded
    }
}

pub fn submission(number: usize) -> Submission {
    let value = serde_json::json!({ "number": number });
    Submission {
        tenant_id: TenantId::platform(),
        payload: Payload::from_value(&value).expect("an object"),
        event_id: None,
        region: None,
        created_at: None,
    }
}

pub fn with_id(id: u128, number: usize) -> Submission {
    Submission { event_id: Some(EventId(uuid::Uuid::from_u128(id))), ..submission(number) }
}

pub async fn submit_one(ledger: &Ledger, one: Submission) -> Result<Accepted, SubmitError> {
    ledger.submit(vec![one]).await.pop().expect("one answer for one submission")
}
