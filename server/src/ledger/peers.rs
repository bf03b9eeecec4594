//! What a node says to its peers: new entries at once, heads once a second, questions when it has
//! fallen behind.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use domain::cloud::Cloud;
use domain::log::LogId;
use serde::de::DeserializeOwned;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::ranges::Ranges;
use super::receive::Receiver;
use super::wire::{
    APPEND_PATH, ENTRIES_PATH, EntriesAnswer, EntriesQuestion, HEADS_PATH, Heads, RangeAnswer,
    decode_answer, encode,
};
use crate::peer::{Channel, PeerError};

/// How often heads are exchanged: the bound on how late a cloud learns that it is behind.
const HEADS_EVERY: Duration = Duration::from_secs(1);
/// A peer that does not answer is tried again after this, doubling …
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// … up to this, so that it catches up within seconds of its return.
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// A peer that is storing another range is asked again after this.
const BUSY_WAIT: Duration = Duration::from_millis(20);
/// How often a cloud looks whether one of its copies stands still behind what others hold.
const FETCH_EVERY: Duration = Duration::from_millis(500);

/// What every task that talks to peers needs.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) channel: Arc<Channel>,
    pub(super) receiver: Arc<Receiver>,
    pub(super) stop: CancellationToken,
}

impl Talk {
    /// Sends our own log to one peer, batch by batch, as far as it has not confirmed it.
    pub(super) async fn push(self, to: Cloud, own: Ranges) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.push_on(to, own) => {}
        }
    }

    async fn push_on(self, to: Cloud, own: Ranges) {
        let mut watermarks = own.board.watermarks.subscribe();
        let mut confirmed = *watermarks.borrow().log(own.log.origin).signed.get(to);
        let mut backoff = BACKOFF_FIRST;
        loop {
            let behind =
                watermarks.wait_for(|marks| marks.log(own.log.origin).head.size > confirmed);
            if behind.await.is_err() {
                return;
            }
            // What its heads told meanwhile counts too.
            confirmed = confirmed.max(*watermarks.borrow().log(own.log.origin).signed.get(to));
            match self.push_once(to, &own, confirmed).await {
                Ok(Some(size)) => {
                    confirmed = size;
                    backoff = BACKOFF_FIRST;
                }
                Ok(None) => sleep(BUSY_WAIT).await,
                Err(cause) => {
                    tracing::debug!(%to, cause, "a peer did not take a range");
                    sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    /// `Ok(Some)`: the peer holds so many entries. `Ok(None)`: ask again.
    async fn push_once(&self, to: Cloud, own: &Ranges, from: u64) -> Result<Option<u64>, String> {
        let Some(range) = own.after(from).await.map_err(|cause| cause.to_string())? else {
            return Err(format!("no range begins at {from}"));
        };
        let answer = self.call(to, APPEND_PATH, encode(&range)).await;
        let answer = answer.and_then(|body| self.read(to, APPEND_PATH, &body));
        match answer.map_err(|cause| cause.to_string())? {
            RangeAnswer::Confirmed { note } => {
                Ok(self.receiver.hear_note(to, own.log, &note).await.map(|head| head.size))
            }
            RangeAnswer::Have { size } => Ok(Some(size)),
            RangeAnswer::Busy => Ok(None),
            RangeAnswer::Refused { reason } => {
                tracing::error!(%to, reason, "a peer refuses our log");
                Err(reason)
            }
        }
    }

    async fn call(&self, to: Cloud, path: &str, body: Vec<u8>) -> Result<Bytes, PeerError> {
        let answer = self.channel.call(to, path, body).await;
        let reached =
            !matches!(answer, Err(PeerError::Unreachable { .. } | PeerError::NoAddress(_)));
        self.receiver.board().figures.reached(to, reached);
        answer
    }

    /// What an answer says. One that does not read is held.
    fn read<T: DeserializeOwned>(
        &self,
        from: Cloud,
        path: &str,
        body: &Bytes,
    ) -> Result<T, PeerError> {
        decode_answer(from, body).inspect_err(|cause| {
            self.receiver.hear_nonsense(from, path, body.clone(), &cause.to_string());
        })
    }

    /// Exchanges heads with one peer.
    pub(super) async fn exchange_heads(self, with: Cloud) {
        let mut ticks = interval(HEADS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let ours = encode(&self.receiver.heads());
            tokio::select! {
                () = self.stop.cancelled() => return,
                answer = self.call(with, HEADS_PATH, ours) => {
                    match answer.and_then(|body| self.read::<Heads>(with, HEADS_PATH, &body)) {
                        Ok(heads) => self.receiver.hear_heads(with, heads).await,
                        Err(cause) => tracing::debug!(%with, %cause, "no heads exchanged"),
                    }
                }
            }
        }
    }

    /// Fetches what a copy of another cloud's log lacks, when it stands still behind what others
    /// are known to hold: after a restart, a partition, or when its origin is down.
    pub(super) async fn fetch(self, log: LogId) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.fetch_on(log) => {}
        }
    }

    async fn fetch_on(self, log: LogId) {
        let watermarks = self.receiver.board().watermarks.subscribe();
        let size = || watermarks.borrow().log(log.origin).head.size;
        let mut last = size();
        let mut ticks = interval(FETCH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let stands_still = size() == last;
            if stands_still {
                self.catch_up(log).await;
            }
            last = size();
        }
    }

    async fn catch_up(&self, log: LogId) {
        while let Some((from, ours)) = self.receiver.ahead_of_us(log) {
            match self.fetch_once(from, log, ours).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(cause) => {
                    tracing::debug!(%from, %log, cause, "a range could not be fetched");
                    self.receiver.forget_ahead(log, from);
                }
            }
        }
    }

    fn size_of(&self, log: LogId) -> u64 {
        self.receiver.board().watermarks.borrow().log(log.origin).head.size
    }

    /// True if our copy grew.
    async fn fetch_once(&self, from: Cloud, log: LogId, start: u64) -> Result<bool, String> {
        let question = encode(&EntriesQuestion { log, start });
        let body = self.call(from, ENTRIES_PATH, question).await;
        let body = body.map_err(|cause| cause.to_string())?;
        let answer = self.read(from, ENTRIES_PATH, &body).map_err(|cause| cause.to_string())?;
        let again = || match decode_answer(from, &body).ok()? {
            EntriesAnswer::Range(range) => Some(range),
            EntriesAnswer::Nothing => None,
        };
        match answer {
            EntriesAnswer::Range(range) if range.log != log || range.start != start => {
                Err("it answered another question".to_owned())
            }
            EntriesAnswer::Range(range) => {
                match self.receiver.take_range(from, range, again).await {
                    RangeAnswer::Confirmed { .. } => Ok(self.size_of(log) > start),
                    RangeAnswer::Have { .. } | RangeAnswer::Busy => Ok(false),
                    RangeAnswer::Refused { reason } => Err(reason),
                }
            }
            EntriesAnswer::Nothing => Err("it holds nothing there".to_owned()),
        }
    }
}
