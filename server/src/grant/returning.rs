//! The return of a voter that may have forgotten votes.
//!
//! Where an epoch of this cloud began since something of it was lost (its database was an old copy,
//! its keys are gone), votes may be lost with it, and a vote that contradicts a forgotten one can
//! split a grant. So this cloud votes again only once both peers have told it which grants were
//! open, and it leaves those to them for good. That is enough: nobody counts a vote of ours on a
//! grant on which no peer has voted, since whoever asked for it had reserved a ballot before, and
//! whatever was proposed by us was promised by another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::cloud::Cloud;
use domain::epoch::Reason;
use domain::grant::GrantId;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::wire::{OPEN_MAX, OPEN_PATH, Open, decode_answer, encode};
use super::{GrantError, Grants};

/// Between attempts to hear both peers.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// Questions in a row to one peer: a hundred thousand open grants. Far more than people keep open.
const PAGES_MAX: usize = 100;

impl Grants {
    /// May this cloud vote at all? `Some(epoch)`: not before it has returned in that epoch.
    pub(super) fn may_have_forgotten(&self) -> Option<u32> {
        let epoch = self.lossy_epoch()?;
        (self.returned.load(Ordering::Relaxed) < epoch).then_some(epoch)
    }

    /// The newest epoch of this cloud that began otherwise than by rotation.
    pub(super) fn lossy_epoch(&self) -> Option<u32> {
        let register = self.ledger.register();
        let lossy = |reason: Reason| reason != Reason::Rotation;
        let epochs = register.of(self.me).iter().filter(|epoch| {
            epoch.opened_by.as_ref().is_some_and(|opened| lossy(opened.record.reason))
        });
        epochs.map(|epoch| epoch.log.epoch).max()
    }

    /// Returns whenever it must, until `stop`.
    pub(super) async fn return_on(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = interval(TRY_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let Some(epoch) = self.may_have_forgotten().filter(|_| self.ledger.is_open()) else {
                continue;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.return_in(epoch) => {
                    if let Err(cause) = outcome {
                        tracing::warn!(epoch, %cause,
                            "this cloud votes on no grant until both peers say what was open");
                    }
                }
            }
        }
    }

    async fn return_in(&self, epoch: u32) -> Result<(), GrantError> {
        if !self.store.has_returned(epoch).await? {
            for peer in self.me.peers() {
                // What is open first: what is decided in between is learnt after it.
                self.leave_open_of(peer).await?;
                self.learn_all_from(peer).await?;
            }
            self.store.set_returned(epoch).await?;
            tracing::info!(epoch, "this cloud votes on grants again");
        }
        self.returned.store(epoch, Ordering::Relaxed);
        Ok(())
    }

    async fn leave_open_of(&self, peer: Cloud) -> Result<(), GrantError> {
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let body = self.channel.call(peer, OPEN_PATH, encode(&Open { after })).await?;
            let open: Vec<GrantId> = decode_answer(peer, &body)?;
            self.store.leave(&open).await?;
            if open.len() < OPEN_MAX {
                return Ok(());
            }
            after = open.last().cloned();
        }
        Err(GrantError::Closed)
    }

    async fn learn_all_from(&self, peer: Cloud) -> Result<(), GrantError> {
        while !self.learn_from(peer).await? {}
        Ok(())
    }
}
