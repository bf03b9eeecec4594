//! An old copy of our own log: found, taken back from the peers, and ended.
//!
//! Every start begins here: until each peer was asked once, nothing is recorded, since an entry in
//! a place that was filled before would fork the log. Where a peer holds more of our log than we do,
//! or we remember more than the database does, the log is taken back from both peers, and a new
//! epoch begins with new keys.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{Gone, Reason};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::super::receive::Receiver;
use super::{BeginError, Epochs};

/// Between two looks at what the peers say.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A peer that has not answered by then counts as out of reach.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Between attempts to begin an epoch.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Watches over our own log from the start of the node.
#[derive(Debug)]
pub(in crate::ledger) struct Restorer {
    epochs: Arc<Epochs>,
    receiver: Arc<Receiver>,
    /// We remember more than the database holds, or it is another database.
    suspects: bool,
    /// Who has declared which peer gone for good.
    declared: Mutex<BTreeSet<(Cloud, String)>>,
}

impl Restorer {
    pub(in crate::ledger) fn new(
        epochs: Arc<Epochs>,
        receiver: Arc<Receiver>,
        suspects: bool,
    ) -> Self {
        Restorer { epochs, receiver, suspects, declared: Mutex::default() }
    }

    /// One of our people says that a peer is gone for good: what only it held of our log is lost.
    /// Returns who has said so; it takes two.
    pub(in crate::ledger) fn declare_gone(&self, cloud: Cloud, by: &str) -> Vec<String> {
        let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        declared.insert((cloud, by.to_owned()));
        self.epochs.answers.changed();
        said_of(&declared, cloud)
    }

    /// Who has said so of which peer.
    pub(in crate::ledger) fn declared(&self) -> PerCloud<Vec<String>> {
        let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        PerCloud::from_fn(|cloud| said_of(&declared, cloud))
    }

    fn gone(&self) -> Option<Gone> {
        let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        self.epochs.me.peers().into_iter().find_map(|cloud| {
            let mut by = declared.iter().filter(|(gone, _)| *gone == cloud).map(|(_, by)| by);
            let declared_by = [by.next()?.clone(), by.next()?.clone()];
            Some(Gone { cloud, declared_by })
        })
    }

    pub(in crate::ledger) async fn run(self: Arc<Self>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.run_on() => {}
        }
    }

    async fn run_on(&self) {
        let mut behind = self.suspects;
        if behind {
            self.epochs.logs.recover(self.epochs.logs.own(), true).await;
        }
        loop {
            let began = Instant::now();
            while !self.has_heard(began, behind) {
                sleep(LOOK_EVERY).await;
            }
            let own = self.epochs.logs.own();
            if !self.is_recovering() {
                // From now on it recovers only if a peer was seen to hold more.
                behind = true;
            } else if self.receiver.ahead_of_us(own).is_some() {
                // Being fetched. Clients are told, instead of being kept waiting.
                if !std::mem::replace(&mut behind, true) {
                    self.epochs.logs.recover(own, true).await;
                }
            } else if behind {
                self.end().await;
            } else {
                self.epochs.logs.recover(own, false).await;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Has every peer been heard since `began`, or, as long as nothing is suspicious, at least been
    /// asked? One that is gone for good is not waited for.
    fn has_heard(&self, began: Instant, behind: bool) -> bool {
        let gone = self.gone().map(|gone| gone.cloud);
        let marks = self.epochs.logs.board.figures.reachable();
        self.epochs.me.peers().into_iter().filter(|peer| Some(*peer) != gone).all(
            |peer| match marks.get(peer) {
                Some(false) => !behind,
                Some(true) => self.receiver.has_told_since(peer, began.into_std()),
                None => !behind && began.elapsed() > FIRST_WAIT,
            },
        )
    }

    fn is_recovering(&self) -> bool {
        self.epochs.logs.board.watermarks.borrow().log(self.epochs.me).recovering
    }

    /// All is taken back: the old epoch ends.
    async fn end(&self) {
        match self.epochs.begin(Reason::Restored, self.gone(), None).await {
            Ok(log) => {
                tracing::warn!(%log, "the log was taken back from the other clouds");
            }
            // It is pursued, and ended when it holds: what was signed in it, nobody can say.
            Err(BeginError::Unfinished(log)) => {
                tracing::warn!(%log, "nothing is recorded until this epoch is approved and ended");
                sleep(RETRY_WAIT).await;
            }
            Err(cause) => {
                tracing::error!(%cause, "no new epoch could be begun; trying again");
                sleep(RETRY_WAIT).await;
            }
        }
    }
}

fn said_of(declared: &BTreeSet<(Cloud, String)>, cloud: Cloud) -> Vec<String> {
    declared.iter().filter(|(gone, _)| *gone == cloud).map(|(_, by)| by.clone()).collect()
}
