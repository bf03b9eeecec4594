//! From FINAL events to the outbox: what this cloud recorded is written down for each receiver, once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::pricing::book::Case;
use domain::pricing::controls::Subject;
use domain::pricing::notice::{Notice, notices};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::store::{self, Message};
use super::{Receiver, Webhooks};

/// That something expired no event says.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After the database could not be reached.
const RETRY: Duration = Duration::from_secs(2);
/// What is older is not told any more: nobody acts on it. Longer than a message is tried, and shorter
/// than its row is kept, so that none is told anew after its row is gone.
const HORIZON_DAYS: i64 = 7;
const DAY_MS: i64 = 86_400_000;
/// Settled rows are looked through so often.
const PRUNE_EVERY_MS: i64 = 3_600_000;

/// A receiver as it is remembered while this runs.
struct Told {
    since: Timestamp,
    ids: BTreeSet<String>,
}

impl Webhooks {
    pub(super) async fn tell(self: Arc<Self>, stop: CancellationToken) {
        let mut position = self.projection.position();
        let mut remembered: Option<Vec<Told>> = None;
        let mut pruned_at = Timestamp::from_unix_ms(0);
        loop {
            position.mark_unchanged();
            let pause = match self.tell_what_is_new(&mut remembered, &mut pruned_at).await {
                Ok(()) => LOOK_EVERY,
                Err(cause) => {
                    tracing::warn!(%cause, "what is to be told outside waits");
                    // What was written is looked up again.
                    remembered = None;
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

    async fn tell_what_is_new(
        &self,
        remembered: &mut Option<Vec<Told>>,
        pruned_at: &mut Timestamp,
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
        let book = catalog.book();
        let oldest = now.unix_ms() - HORIZON_DAYS * DAY_MS;
        for case in book.cases() {
            let found = notices(book, case, now).into_iter();
            for notice in found.filter(|it| it.origin == self.me && it.at.unix_ms() >= oldest) {
                let message = self.message(case, &notice);
                for (receiver, told) in self.receivers.iter().zip(told.iter_mut()) {
                    self.put(receiver, told, &message, now).await?;
                }
            }
        }
        Ok(())
    }

    async fn put(
        &self,
        receiver: &Receiver,
        told: &mut Told,
        message: &Message,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        if message.happened_at < told.since || told.ids.contains(&message.id) {
            return Ok(());
        }
        store::put(&self.pool, &receiver.name, message, now).await?;
        told.ids.insert(message.id.clone());
        Ok(())
    }

    async fn remember(&self, now: Timestamp) -> Result<Vec<Told>, sqlx::Error> {
        let mut all = Vec::with_capacity(self.receivers.len());
        for receiver in &self.receivers {
            let since = store::since(&self.pool, &receiver.name, now).await?;
            let ids = store::known(&self.pool, &receiver.name).await?;
            all.push(Told { since, ids });
        }
        Ok(all)
    }

    fn message(&self, case: &Case, notice: &Notice) -> Message {
        let numbered = case.versions.iter().find(|it| it.version == notice.version);
        let numbered = numbered.unwrap_or_else(|| case.current());
        let about = match case.subject() {
            Subject::Tenant(tenant) => tenant.to_string(),
            Subject::Policy => "policy".to_owned(),
            Subject::Routing => "routing".to_owned(),
        };
        let body = json!({
            "type": notice.kind, "timestamp": notice.at,
            "data": {
                "proposalId": case.id, "about": about, "version": numbered.version,
                "hash": numbered.hash, "content": numbered.edition.content,
                "grounds": case.grounds, "requester": case.requester(),
                "reason": numbered.edition.reason, "expiresAt": numbered.edition.expires_at,
                "eventId": notice.event_id, "cloud": self.me,
                "url": format!("{}/approvals/{}", self.url, case.id)
            }
        });
        Message {
            id: notice.id(case),
            kind: notice.kind.name().to_owned(),
            body: body.to_string(),
            happened_at: notice.at,
            attempts: 0,
        }
    }
}
