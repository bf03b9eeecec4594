//! The other side of a new epoch: what this cloud wants to see before it gives its word.

use std::sync::PoisonError;

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::epoch::{EpochRecord, SignedEpoch};
use domain::log::{Hash, Head, LogId};

use super::super::wire::ApprovalAnswer;
use super::Epochs;

/// A record of another cloud that waits for one of our people to agree: its old key no longer
/// speaks for it.
#[derive(Clone, Debug)]
pub struct EpochRequest {
    pub record: EpochRecord,
    /// Its hash: what people agree to.
    pub hash: Hash,
    pub asked_at: Timestamp,
    /// One of our people has agreed; it does not hold yet.
    pub agreed: bool,
}

/// Why no word is given now.
enum No {
    Later(String),
    Never(String),
}

impl Epochs {
    /// Answers a question for approval. The sender is authenticated.
    pub(in crate::ledger) async fn approve(
        &self,
        from: Cloud,
        signed: &SignedEpoch,
    ) -> Result<ApprovalAnswer, sqlx::Error> {
        let _turn = self.turn.lock().await;
        let record = &signed.record;
        if let Err(no) = self.judge(from, signed).await? {
            return Ok(match no {
                No::Later(reason) => ApprovalAnswer::Later { reason },
                No::Never(reason) => ApprovalAnswer::Refused { reason },
            });
        }
        let own = self.register.load().newest_approved(self.me);
        let Some(pair) = self.keys.pair(own.epoch) else {
            let reason = "its own keys are lost; its own new epoch waits".to_owned();
            return Ok(ApprovalAnswer::Later { reason });
        };
        self.store.vote(record).await?;
        // Somebody may have been quicker on another connection: what is stored counts.
        if self.store.voted(record.begins()).await?.as_ref() != Some(record) {
            return Ok(ApprovalAnswer::Refused { reason: other_word(record.begins()) });
        }
        let approval = record.approve(self.me, own.epoch, &pair.log);
        tracing::info!(log = %record.begins(), reason = ?record.reason, "we approve a new epoch");
        Ok(ApprovalAnswer::Approved(serde_json::to_string(&approval).unwrap_or_default()))
    }

    async fn judge(
        &self,
        from: Cloud,
        signed: &SignedEpoch,
    ) -> Result<Result<(), No>, sqlx::Error> {
        let (record, register) = (&signed.record, self.register.load_full());
        let never = |reason: String| Ok(Err(No::Never(reason)));
        if record.origin != from || from == self.me {
            return never("a cloud asks for its own epochs only".to_owned());
        }
        if let Err(cause) = register.check(record) {
            return never(cause.to_string());
        }
        if self.is_pinned(record) {
            return never("a key of the record has another role already".to_owned());
        }
        match self.store.voted(record.begins()).await? {
            Some(voted) if voted != *record => return never(other_word(record.begins())),
            Some(_) => return Ok(Ok(())),
            None => {}
        }
        if record.reason.needs_old_key() {
            if !*register.approved(signed).get(record.origin) {
                return never("it is not signed by the key that it replaces".to_owned());
            }
        } else if !self.is_agreed(record) {
            let reason = "one of this cloud's people must agree (Keys)".to_owned();
            return Ok(Err(No::Later(reason)));
        }
        Ok(self.ends_as_we_hold_it(record).await)
    }

    /// Transport keys stand in the configuration, not in the register.
    fn is_pinned(&self, record: &EpochRecord) -> bool {
        let keys = &self.logs.setup.roster.keys;
        keys.iter().any(|(_, keys)| {
            keys.transport == record.keys.log || keys.transport == record.keys.cosigner
        })
    }

    /// Closes our copy, and compares. An entry beyond the closing would be lost, one below it that
    /// we lack would be closed by our word without our having seen it.
    async fn ends_as_we_hold_it(&self, record: &EpochRecord) -> Result<(), No> {
        let (log, closing) = (record.ends(), record.closing);
        let view = self.logs.board.watermarks.borrow().view(log).copied();
        let Some(view) = view else { return Err(No::Later(format!("{log} is not known here"))) };
        if view.frozen && !record.reason.needs_old_key() {
            // We may hold another branch: our people have agreed to this one.
            return Ok(());
        }
        if view.head.size < closing.size {
            let have = view.head.size;
            return Err(No::Later(format!("only {have} of {} entries are here yet", closing.size)));
        }
        let ours = self.logs.closed_at(log, closing).await.unwrap_or(view.head);
        match ours {
            ours if ours == closing => Ok(()),
            Head { size, .. } if size > closing.size => Err(No::Never(format!(
                "this cloud holds {size} entries of {log}, {} more than the closing",
                size - closing.size
            ))),
            _ => Err(No::Never(format!("this cloud holds another root of {log} at the closing"))),
        }
    }

    fn is_agreed(&self, record: &EpochRecord) -> bool {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = record.hash();
        // One for each cloud: a new request of a cloud takes the place of its last.
        requests.retain(|known, request| *known == hash || request.record.origin != record.origin);
        let asked_at = crate::now();
        requests
            .entry(hash)
            .or_insert_with(|| {
                self.answers.changed();
                EpochRequest { record: record.clone(), hash, asked_at, agreed: false }
            })
            .agreed
    }

    /// What waits for one of our people, and what they agreed to that does not hold yet.
    pub(in crate::ledger) fn requests(&self) -> Vec<EpochRequest> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.values().cloned().collect()
    }

    /// One of our people agrees. `None`: there is no such request.
    pub(in crate::ledger) fn agree(&self, record: Hash) -> Option<EpochRecord> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let request = requests.get_mut(&record)?;
        request.agreed = true;
        self.answers.changed();
        Some(request.record.clone())
    }
}

fn other_word(log: LogId) -> String {
    format!("this cloud has given its word for another record of {log}")
}
