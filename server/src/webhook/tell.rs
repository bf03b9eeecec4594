//! From FINAL events to the outbox: what this cloud recorded is written down for each receiver, once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::{DAY_MS, Timestamp};
use domain::pricing::book::Case;
use domain::pricing::notice::{Notice, notices};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Webhooks;
use super::store::{self, Message};
use crate::projection::Catalog;

/// That something expired no event says.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After the database could not be reached.
const RETRY: Duration = Duration::from_secs(2);
/// What is older is not told any more: nobody acts on it. Longer than a message is tried, and shorter
/// than its row is kept, so that none is told anew after its row is gone.
const HORIZON_DAYS: i64 = 7;
/// Settled rows are looked through so often.
const PRUNE_EVERY_MS: i64 = 3_600_000;

/// A receiver as it is remembered while this runs.
struct Told {
    since: Timestamp,
    ids: BTreeSet<String>,
}

impl Told {
    /// Is it news for this receiver?
    fn lacks(&self, notice: &Notice, id: &str) -> bool {
        notice.at >= self.since && !self.ids.contains(id)
    }
}

/// What all proposals were looked through with last, and when.
type Seen = (Arc<Catalog>, Instant);

impl Webhooks {
    pub(super) async fn tell(self: Arc<Self>, stop: CancellationToken) {
        let mut position = self.projection.position();
        let mut remembered: Option<Vec<Told>> = None;
        let mut pruned_at = Timestamp::from_unix_ms(0);
        let mut seen: Option<Seen> = None;
        loop {
            position.mark_unchanged();
            let pause = match self.look(&mut remembered, &mut pruned_at, &mut seen).await {
                // Nobody is told, and what earlier receivers left is gone.
                Ok(()) if self.receivers.is_empty() => return,
                Ok(()) => LOOK_EVERY,
                Err(cause) => {
                    tracing::warn!(%cause, "what is to be told outside waits");
                    // What was written is looked up again.
                    (remembered, seen) = (None, None);
                    RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                changed = position.changed(), if remembered.is_some() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Most events are about no proposal and leave the catalog as it is: then there is nothing to look
    /// through until time alone may have ended one.
    async fn look(
        &self,
        remembered: &mut Option<Vec<Told>>,
        pruned_at: &mut Timestamp,
        seen: &mut Option<Seen>,
    ) -> Result<(), sqlx::Error> {
        let now = crate::now();
        if now.unix_ms() - pruned_at.unix_ms() >= PRUNE_EVERY_MS {
            store::prune(&self.pool, now).await?;
            *pruned_at = now;
        }
        let told = match remembered {
            Some(told) => told,
            None => remembered.insert(self.remember(now).await?),
        };
        let catalog = self.projection.catalog();
        let is_seen = |(last, at): &Seen| Arc::ptr_eq(last, &catalog) && at.elapsed() < LOOK_EVERY;
        if !seen.as_ref().is_some_and(is_seen) {
            self.tell_what_is_new(&catalog, told, now).await?;
            *seen = Some((catalog, Instant::now()));
        }
        Ok(())
    }

    async fn tell_what_is_new(
        &self,
        catalog: &Catalog,
        told: &mut [Told],
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let book = catalog.book();
        let oldest = now.unix_ms() - HORIZON_DAYS * DAY_MS;
        for case in book.cases() {
            let found = notices(book, case, now).into_iter();
            for notice in found.filter(|it| it.origin == self.me && it.at.unix_ms() >= oldest) {
                let id = notice.id(case);
                if !told.iter().any(|told| told.lacks(&notice, &id)) {
                    continue;
                }
                let message = self.message(case, &notice, id, now);
                for (receiver, told) in self.receivers.iter().zip(told.iter_mut()) {
                    if told.lacks(&notice, &message.id) {
                        store::put(&self.pool, &receiver.name, &message).await?;
                        told.ids.insert(message.id.clone());
                    }
                }
            }
        }
        Ok(())
    }

    async fn remember(&self, now: Timestamp) -> Result<Vec<Told>, sqlx::Error> {
        let names: Vec<String> = self.receivers.iter().map(|it| it.name.clone()).collect();
        store::forget_others(&self.pool, &names).await?;
        let mut all = Vec::with_capacity(self.receivers.len());
        for receiver in &self.receivers {
            let since = store::since(&self.pool, &receiver.name, now).await?;
            let ids = store::known(&self.pool, &receiver.name).await?;
            all.push(Told { since, ids });
        }
        Ok(all)
    }

    fn message(&self, case: &Case, notice: &Notice, id: String, now: Timestamp) -> Message {
        let numbered = case.version_of(notice.version, notice.hash);
        let numbered = numbered.unwrap_or_else(|| case.current());
        let body = json!({
            "type": notice.kind, "timestamp": notice.at,
            "data": {
                "proposalId": case.id, "about": case.subject().to_string(), "version": numbered.version,
                "hash": numbered.hash, "content": numbered.edition.content,
                "grounds": case.grounds, "requester": case.requester(),
                "reason": numbered.edition.reason, "expiresAt": numbered.edition.expires_at,
                "eventId": notice.event_id, "cloud": self.me,
                "url": format!("{}/approvals/{}", self.url, case.id)
            }
        });
        Message {
            id,
            kind: notice.kind.name().to_owned(),
            body: body.to_string(),
            happened_at: notice.at,
            written_at: now,
            attempts: 0,
        }
    }
}
