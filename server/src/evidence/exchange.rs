//! Evidence on its way: from the ledger that finds a fork, to this cloud's store, to the others.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use domain::cloud::Cloud;
use domain::evidence::{Evidence, Kind, Prefix, against_signers_of};
use domain::log::Hash;
use domain::note::Note;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{EVIDENCE_PAGE_MAX, Evidences, Held, NotRecorded, Recorded};
use crate::ledger::{ForkFound, Found, Ledger};
use crate::peer::{Answer, Channel, EVIDENCE_PATH, Letter};
use crate::problem::Problem;

/// How late another cloud may hear of new evidence, while both are well.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Keeps what the ledger finds and tells the peers, until `stop`.
pub fn follow(
    evidences: &Arc<Evidences>,
    ledger: &Arc<Ledger>,
    channel: &Arc<Channel>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) {
    if let Some(found) = ledger.take_found() {
        let (evidences, stop) = (Arc::clone(evidences), stop.clone());
        let ledger = Arc::clone(ledger);
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = evidences.keep(found, &ledger) => {}
            }
        });
    }
    for peer in ledger.cloud().peers() {
        let (evidences, channel) = (Arc::clone(evidences), Arc::clone(channel));
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = evidences.tell(peer, &channel) => {}
            }
        });
    }
}

/// Where other clouds send what they have found.
pub fn peer_routes(
    evidences: Arc<Evidences>,
    ledger: Arc<Ledger>,
    channel: Arc<Channel>,
) -> Router {
    Router::new()
        .route(EVIDENCE_PATH, post(hear))
        .layer(Extension(channel))
        .with_state((evidences, ledger))
}

async fn hear(
    State((evidences, ledger)): State<(Arc<Evidences>, Arc<Ledger>)>,
    letter: Letter,
) -> Result<Answer, Problem> {
    match evidences.take(letter.from, &letter.body).await {
        Ok(Recorded::New(id)) => evidences.act_on(id, &ledger).await?,
        Ok(Recorded::Known(_) | Recorded::Enough) => {}
        Err(NotRecorded::Database(cause)) => return Err(cause.into()),
        Err(cause) => {
            return Err(Problem::malformed(format!("The evidence is not taken: {cause}.")));
        }
    }
    Ok(letter.answer(Vec::new()))
}

impl Evidences {
    /// An origin that signed two histories, or an entry that breaks the rules, is followed no
    /// further, whatever of it stands here.
    async fn act_on(&self, id: Hash, ledger: &Ledger) -> Result<(), sqlx::Error> {
        let held = self.get(id).await?;
        let by_origin = |held: &Held| match held.proven.evidence().kind() {
            Kind::Equivocation | Kind::BadEntry => true,
            Kind::DoubleCosignature => false,
        };
        if let Some(held) = held.filter(by_origin) {
            ledger.freeze(held.proven.log()).await;
        }
        Ok(())
    }

    async fn keep(&self, mut found: mpsc::Receiver<Found>, ledger: &Ledger) {
        while let Some(found) = found.recv().await {
            let (log, kept) = match found {
                Found::Fork(fork) => (fork.log, self.keep_fork(&fork).await),
                Found::BadEntry(log, entry) => {
                    let kept = self.record(Evidence::BadEntry(*entry), None).await;
                    if kept.is_ok() {
                        ledger.freeze(log).await;
                    }
                    (log, kept.map(drop).map_err(|cause| cause.to_string()))
                }
            };
            if let Err(cause) = kept {
                tracing::error!(%log, cause, "what was found could not be kept as evidence");
            }
        }
    }

    async fn keep_fork(&self, fork: &ForkFound) -> Result<(), String> {
        let read = |note: &str| Note::parse(note).map_err(|cause| cause.to_string());
        let (smaller, larger) = (read(&fork.smaller)?, read(&fork.larger)?);
        let prefix = fork.prefix.clone().map(|(root, proof)| Prefix { root, proof });
        let found = against_signers_of(&smaller, &larger, prefix.as_ref(), &self.policy());
        for evidence in found.map_err(|cause| cause.to_string())? {
            self.record(evidence, None).await.map_err(|cause| cause.to_string())?;
        }
        Ok(())
    }

    /// Sends that peer all that is held, and again whenever there is more: it keeps each once.
    async fn tell(&self, peer: Cloud, channel: &Channel) {
        let mut ticks = interval(TELL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = 0;
        loop {
            ticks.tick().await;
            let count = self.count();
            if count == told {
                continue;
            }
            match self.tell_all(peer, channel).await {
                Ok(()) => told = count,
                Err(cause) => tracing::debug!(%peer, cause, "evidence could not be told"),
            }
        }
    }

    async fn tell_all(&self, peer: Cloud, channel: &Channel) -> Result<(), String> {
        let mut below = None;
        loop {
            let page = self.list(below, EVIDENCE_PAGE_MAX).await;
            let page = page.map_err(|cause| cause.to_string())?;
            for held in &page.items {
                let record = held.proven.evidence().canonical();
                let told = channel.call(peer, EVIDENCE_PATH, record).await;
                told.map_err(|cause| cause.to_string())?;
            }
            below = page.next;
            if below.is_none() {
                return Ok(());
            }
        }
    }
}
