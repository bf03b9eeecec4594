//! What a node says to its peers: new entries at once, heads once a second, questions when it has
//! fallen behind.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use domain::cloud::Cloud;
use domain::log::LogId;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::epochs::Epochs;
use super::logs::Logs;
use super::ranges::Ranges;
use super::receive::Receiver;
use super::wire::{
    APPEND_PATH, ENTRIES_PATH, EPOCHS_PATH, EntriesAnswer, EntriesQuestion, EpochRecords,
    HEADS_PATH, Heads, RangeAnswer, decode_answer, encode,
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

/// What a peer says to a range.
enum Pushed {
    /// It holds so many entries.
    Holds(u64),
    /// Ask again.
    Busy,
    Refused(String),
}

/// What every task that talks to peers needs.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) channel: Arc<Channel>,
    pub(super) receiver: Arc<Receiver>,
    pub(super) logs: Arc<Logs>,
    pub(super) epochs: Arc<Epochs>,
    pub(super) stop: CancellationToken,
}

impl Talk {
    /// Sends our own log to one peer, batch by batch, as far as it has not confirmed it. When an
    /// epoch ends, what the peer lacks of it is asked for by the peer.
    pub(super) async fn push(self, to: Cloud) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.push_on(to) => {}
        }
    }

    async fn push_on(self, to: Cloud) {
        let me = self.receiver.me;
        let mut watermarks = self.receiver.board().watermarks.subscribe();
        let (mut log, mut confirmed) = (None, 0);
        let mut backoff = BACKOFF_FIRST;
        // A peer refuses the same until somebody acts: said once.
        let mut said = None;
        loop {
            let own = watermarks.wait_for(|marks| {
                let own = marks.log(me);
                log != Some(own.log) || own.head.size > confirmed
            });
            let Ok(own) = own.await.map(|marks| *marks.log(me)) else { return };
            if log != Some(own.log) {
                (log, confirmed) = (Some(own.log), 0);
            }
            // What its heads told meanwhile counts too.
            confirmed = confirmed.max(*own.signed.clouds.get(to));
            if confirmed >= own.head.size {
                continue;
            }
            let Some(doors) = self.receiver.doors(own.log) else { return };
            let cause = match self.push_once(to, &doors.ranges, confirmed).await {
                Ok(Pushed::Holds(size)) => {
                    (confirmed, said) = (size, None);
                    backoff = BACKOFF_FIRST;
                    continue;
                }
                Ok(Pushed::Busy) => {
                    sleep(BUSY_WAIT).await;
                    continue;
                }
                Ok(Pushed::Refused(reason)) => {
                    if said.as_ref() != Some(&reason) {
                        tracing::error!(%to, log = %own.log, reason, "a peer refuses our log");
                    }
                    said.insert(reason).clone()
                }
                Err(cause) => cause,
            };
            tracing::debug!(%to, cause, "a peer did not take a range");
            sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn push_once(&self, to: Cloud, own: &Ranges, from: u64) -> Result<Pushed, String> {
        let Some(range) = own.after(from).await.map_err(|cause| cause.to_string())? else {
            return Err(format!("no range begins at {from}"));
        };
        let answer = self.call(to, APPEND_PATH, encode(&range)).await;
        let answer = answer.and_then(|body| self.read(to, APPEND_PATH, &body));
        Ok(match answer.map_err(|cause| cause.to_string())? {
            RangeAnswer::Confirmed { note } => {
                let heard = self.receiver.hear_note(to, own.log, &note).await;
                heard.map_or(Pushed::Busy, |head| Pushed::Holds(head.size))
            }
            RangeAnswer::Have { size } => Pushed::Holds(size),
            RangeAnswer::Busy => Pushed::Busy,
            RangeAnswer::Unknown => return Err("it has not heard of this epoch yet".to_owned()),
            RangeAnswer::Refused { reason } => Pushed::Refused(reason),
        })
    }

    pub(super) async fn call(
        &self,
        to: Cloud,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Bytes, PeerError> {
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

    /// Asks a peer for epoch records that it knows and we do not.
    async fn learn_epochs(&self, from: Cloud, heads: &Heads) {
        let ours = self.epochs.known();
        if heads.epochs.iter().all(|(origin, epoch)| epoch <= ours.get(origin)) {
            return;
        }
        let answer = self.call(from, EPOCHS_PATH, Vec::new()).await;
        match answer.and_then(|body| self.read::<EpochRecords>(from, EPOCHS_PATH, &body)) {
            Ok(records) => self.epochs.learn(&records.0).await,
            Err(cause) => tracing::debug!(%from, %cause, "no epoch records came"),
        }
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
                        Ok(heads) => {
                            self.learn_epochs(with, &heads).await;
                            self.receiver.hear_heads(with, heads).await;
                        }
                        Err(cause) => tracing::debug!(%with, %cause, "no heads exchanged"),
                    }
                }
            }
        }
    }

    /// Keeps every log up, each by a task of its own from when it is opened.
    pub(super) async fn fetch(self) {
        let mut opened = self.logs.opened();
        let (mut tasks, mut begun) = (JoinSet::new(), 0);
        loop {
            let new: Vec<LogId> = opened.borrow_and_update().iter().skip(begun).copied().collect();
            begun += new.len();
            for log in new {
                let this = self.clone();
                tasks.spawn(async move { this.fetch_on(log).await });
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = opened.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Fetches what our copy of a log lacks, when it stands still behind what others are known to
    /// hold: after a restart, a partition, or when its origin is down. Of our own log, that is what
    /// an old copy of it lacks.
    async fn fetch_on(&self, log: LogId) {
        let watermarks = self.receiver.board().watermarks.subscribe();
        let view = || watermarks.borrow().view(log).copied();
        let mut last = None;
        let mut ticks = interval(FETCH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(now) = view() else { return };
            let is_ours = log.origin == self.receiver.me && !now.takes_back();
            if last == Some(now.head.size) && !is_ours && !now.frozen {
                self.catch_up(log).await;
            }
            last = view().map(|view| view.head.size);
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
        self.receiver.board().watermarks.borrow().view(log).map_or(0, |view| view.head.size)
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
                    RangeAnswer::Have { .. } | RangeAnswer::Busy | RangeAnswer::Unknown => {
                        Ok(false)
                    }
                    RangeAnswer::Refused { reason } => Err(reason),
                }
            }
            EntriesAnswer::Nothing => Err("it holds nothing there".to_owned()),
        }
    }
}
