//! What a deployment's genesis and epoch records come to: which key counts for what, up to where.

use std::collections::BTreeSet;

use super::genesis::{EpochKeys, Genesis};
use super::record::{COSIGNED_MAX, EPOCH_FORMAT, EpochRecord, SignedEpoch};
use crate::cloud::{Cloud, PerCloud};
use crate::key::{NoteAlgorithm, NoteKey, PublicKey};
use crate::log::{Hash, Head, LogId};
use crate::policy::{Policy, Seat};
use crate::quorum::{Mode, Signer};

/// One epoch of one cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    pub log: LogId,
    pub mode: Mode,
    pub keys: EpochKeys,
    /// `None`: the genesis'.
    pub opened_by: Option<SignedEpoch>,
    /// False while our own record still gathers approvals: we record in this epoch already, but
    /// nobody else knows it.
    pub approved: bool,
}

/// What came of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// A new epoch has begun.
    Begun,
    /// Known already; the approvals were not.
    MoreApprovals,
    Known,
}

/// The record does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochError {
    #[error("the record's format is \"{0}\"; this program reads \"{EPOCH_FORMAT}\"")]
    Format(String),
    #[error("the record belongs to another deployment")]
    Genesis,
    #[error("{log} cannot begin now: the current epoch of {} is {current}", log.origin)]
    Order { log: LogId, current: u32 },
    #[error("another record for {0} holds already")]
    Fork(LogId),
    #[error("a key of {0} was used before: every epoch and role has a key of its own")]
    KeyReused(LogId),
    #[error("{0} states cosigned heads twice, of its own log, or of too many logs")]
    Cosigned(LogId),
    #[error("the closing of {0} has no leaves but not the empty tree's root")]
    Closing(LogId),
    #[error("two different people must declare that a cloud is gone, and not the origin itself")]
    Gone,
    #[error("the approvals do not suffice: {log} was approved by {approved}")]
    Approvals { log: LogId, approved: String },
}

/// All epochs of a deployment, as far as they are known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    genesis: Genesis,
    genesis_hash: Hash,
    /// By epoch, from the first; never empty.
    epochs: PerCloud<Vec<Epoch>>,
    /// In which order the records were applied: each rests on those before it.
    order: Vec<LogId>,
}

impl Register {
    #[must_use]
    pub fn new(genesis: Genesis) -> Self {
        let first = |origin: Cloud| Epoch {
            log: LogId { origin, epoch: 1 },
            mode: genesis.mode,
            keys: *genesis.clouds.get(origin),
            opened_by: None,
            approved: true,
        };
        let epochs = PerCloud::from_fn(|origin| vec![first(origin)]);
        Register { genesis_hash: genesis.hash(), epochs, genesis, order: Vec::new() }
    }

    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    #[must_use]
    pub const fn genesis_hash(&self) -> Hash {
        self.genesis_hash
    }

    #[must_use]
    pub fn deployment(&self) -> &str {
        &self.genesis.deployment
    }

    /// The epochs of one cloud, oldest first.
    #[must_use]
    pub const fn of(&self, origin: Cloud) -> &Vec<Epoch> {
        self.epochs.get(origin)
    }

    #[must_use]
    pub fn epoch(&self, log: LogId) -> Option<&Epoch> {
        let at = usize::try_from(log.epoch.checked_sub(1)?).ok()?;
        self.of(log.origin).get(at)
    }

    /// The epoch in which a cloud's events are recorded now.
    #[must_use]
    pub fn current(&self, origin: Cloud) -> LogId {
        let count = self.of(origin).len();
        LogId { origin, epoch: u32::try_from(count).unwrap_or(u32::MAX) }
    }

    /// Every log, oldest epochs first.
    pub fn logs(&self) -> impl Iterator<Item = LogId> {
        Cloud::ALL.into_iter().flat_map(|origin| self.of(origin).iter().map(|epoch| epoch.log))
    }

    /// Where a log ended. `None`: it goes on, or is not known.
    #[must_use]
    pub fn closing(&self, log: LogId) -> Option<Head> {
        self.successor(log).map(|record| record.closing)
    }

    /// The record that ended a log.
    #[must_use]
    pub fn successor(&self, log: LogId) -> Option<&EpochRecord> {
        let next = LogId { epoch: log.epoch.checked_add(1)?, ..log };
        self.epoch(next)?.opened_by.as_ref().map(|signed| &signed.record)
    }

    /// How many leaves a cloud's earlier logs have together.
    #[must_use]
    pub fn leaves_before(&self, log: LogId) -> u64 {
        let earlier = self.of(log.origin).iter().filter(|epoch| epoch.log < log);
        earlier.filter_map(|epoch| self.closing(epoch.log)).map(|closing| closing.size).sum()
    }

    /// Every approved record after the genesis, in an order in which they can be applied.
    pub fn records(&self) -> impl Iterator<Item = &SignedEpoch> {
        let epochs = self.order.iter().filter_map(|log| self.epoch(*log));
        epochs.filter(|epoch| epoch.approved).filter_map(|epoch| epoch.opened_by.as_ref())
    }

    /// The newest approved epoch of a cloud: what others know of.
    #[must_use]
    pub fn newest_approved(&self, origin: Cloud) -> LogId {
        let mut newest_first = self.of(origin).iter().rev();
        let approved = newest_first.find(|epoch| epoch.approved).map(|epoch| epoch.log);
        approved.unwrap_or(LogId { origin, epoch: 1 })
    }

    /// Is the record one that could hold, whoever approves it?
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, record: &EpochRecord) -> Result<(), EpochError> {
        let log = record.begins();
        if record.format != EPOCH_FORMAT {
            return Err(EpochError::Format(record.format.clone()));
        }
        if record.genesis != self.genesis_hash {
            return Err(EpochError::Genesis);
        }
        if let Some(known) = self.epoch(log)
            && known.opened_by.as_ref().is_none_or(|known| known.record != *record)
        {
            return Err(EpochError::Fork(log));
        }
        let current = self.current(record.origin).epoch;
        if self.epoch(log).is_none() && current.checked_add(1) != Some(record.epoch) {
            return Err(EpochError::Order { log, current });
        }
        if record.closing.size == 0 && record.closing != Head::empty() {
            return Err(EpochError::Closing(record.ends()));
        }
        self.check_keys(record)?;
        check_cosigned(record)?;
        let gone = record.gone.as_ref();
        if gone.is_some_and(|gone| {
            gone.cloud == record.origin || gone.declared_by[0] == gone.declared_by[1]
        }) {
            return Err(EpochError::Gone);
        }
        Ok(())
    }

    fn check_keys(&self, record: &EpochRecord) -> Result<(), EpochError> {
        let log = record.begins();
        let others = Cloud::ALL.into_iter().flat_map(|origin| self.of(origin));
        let mut used: BTreeSet<PublicKey> = others
            .filter(|epoch| epoch.log != log)
            .flat_map(|epoch| [epoch.keys.log, epoch.keys.cosigner])
            .chain(self.genesis.witness)
            .collect();
        let fresh = [record.keys.log, record.keys.cosigner];
        if fresh.into_iter().all(|key| used.insert(key)) {
            Ok(())
        } else {
            Err(EpochError::KeyReused(log))
        }
    }

    /// Whose approvals under a record are valid: each under a log key of that cloud's that is not
    /// in doubt, the origin's under the one that the record ends.
    #[must_use]
    pub fn approved(&self, signed: &SignedEpoch) -> PerCloud<bool> {
        let hash = signed.record.hash();
        let mut approved = PerCloud::default();
        for approval in &signed.approvals {
            let log = LogId { origin: approval.by, epoch: approval.key_epoch };
            let fits = approval.by != signed.record.origin || log == signed.record.ends();
            let doubted = self.successor(log).is_some_and(|record| {
                record.begins() != signed.record.begins() && !record.reason.needs_old_key()
            });
            let key = self.epoch(log).map(|epoch| epoch.keys.log);
            let holds = key.is_some_and(|key| approval.is_valid(hash, &key));
            *approved.get_mut(approval.by) |= fits && !doubted && holds;
        }
        approved
    }

    /// Begins our own next epoch before others have approved it.
    ///
    /// # Errors
    /// What is wrong with the record; the register is as before.
    pub fn propose(&mut self, signed: SignedEpoch) -> Result<(), EpochError> {
        self.check(&signed.record)?;
        if self.epoch(signed.record.begins()).is_none() {
            self.begin(signed, false);
        }
        Ok(())
    }

    /// Takes a record in, if it holds.
    ///
    /// # Errors
    /// What is wrong with it; the register is as before.
    pub fn apply(&mut self, signed: SignedEpoch) -> Result<Applied, EpochError> {
        self.check(&signed.record)?;
        let log = signed.record.begins();
        let approved = self.approved(&signed);
        if !signed.record.holds_by(&approved) {
            let approved = names(&approved);
            return Err(EpochError::Approvals { log, approved });
        }
        if self.epoch(log).is_none() {
            self.begin(signed, true);
            return Ok(Applied::Begun);
        }
        Ok(self.merge(signed, &approved))
    }

    fn begin(&mut self, signed: SignedEpoch, approved: bool) {
        let log = signed.record.begins();
        let (mode, keys) = (signed.record.mode, signed.record.keys);
        let epoch = Epoch { log, mode, keys, opened_by: Some(signed), approved };
        self.epochs.get_mut(log.origin).push(epoch);
        self.order.push(log);
    }

    /// The approvals of a record that is known.
    fn merge(&mut self, signed: SignedEpoch, valid: &PerCloud<bool>) -> Applied {
        let log = signed.record.begins();
        let at = usize::try_from(log.epoch).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(epoch) = self.epochs.get_mut(log.origin).get_mut(at) else {
            return Applied::Known;
        };
        let Some(known) = &mut epoch.opened_by else { return Applied::Known };
        let before = (known.approvals.len(), epoch.approved);
        for approval in signed.approvals {
            let is_new = known.approvals.iter().all(|old| old.by != approval.by);
            if *valid.get(approval.by) && is_new {
                known.approvals.push(approval);
            }
        }
        epoch.approved = true;
        let more = (known.approvals.len(), true) != before;
        if more { Applied::MoreApprovals } else { Applied::Known }
    }

    /// The key that signs checkpoints of a log, named after the log.
    #[must_use]
    pub fn log_key(&self, log: LogId) -> Option<NoteKey> {
        let key = self.epoch(log)?.keys.log;
        NoteKey::new(&log.name(self.deployment()), NoteAlgorithm::Ed25519, key).ok()
    }

    /// The keys with which a signer may have cosigned `head` of `log`, newest first. An old key
    /// counts up to where its epoch was closed; nothing counts beyond the log's own closing.
    #[must_use]
    pub fn cosigner_keys(&self, signer: Signer, log: LogId, head: Head) -> Vec<NoteKey> {
        if self.closing(log).is_some_and(|closing| head.size > closing.size) {
            return Vec::new();
        }
        let name = self.cosigner_name(signer);
        let named = |key| NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key).ok();
        let Some(cloud) = signer.cloud() else {
            return self.genesis.witness.and_then(named).into_iter().collect();
        };
        let epochs = self.of(cloud).iter().rev();
        let counting = epochs.filter(|epoch| self.counts_for(epoch, log, head));
        counting.filter_map(|epoch| named(epoch.keys.cosigner)).collect()
    }

    /// Does the cosigner key of `epoch` count for that head of `log`?
    fn counts_for(&self, epoch: &Epoch, log: LogId, head: Head) -> bool {
        let Some(end) = self.successor(epoch.log) else { return true };
        if log.origin == epoch.log.origin {
            // Beyond the closing of the log itself nothing counts anyway.
            return log <= epoch.log;
        }
        let cosigned = end.cosigned.iter().find(|cosigned| cosigned.log.origin == log.origin);
        cosigned.is_some_and(|pin| {
            log < pin.log
                || log == pin.log
                    && (head.size < pin.head.size
                        || head.size == pin.head.size && head.root == pin.head.root)
        })
    }

    /// Every key that has signed notes, and those that are in doubt since their epoch was ended for
    /// that.
    #[must_use]
    pub fn note_keys(&self) -> (Vec<NoteKey>, Vec<NoteKey>) {
        let (mut good, mut doubted) = (Vec::new(), Vec::new());
        for log in self.logs() {
            let name = self.cosigner_name(log.origin.into());
            let cosigner = self.epoch(log).and_then(|epoch| {
                NoteKey::new(&name, NoteAlgorithm::CosignatureV1, epoch.keys.cosigner).ok()
            });
            let ended = self.successor(log);
            let keys = if ended.is_some_and(|end| end.reason.revokes()) {
                &mut doubted
            } else {
                &mut good
            };
            keys.extend(self.log_key(log).into_iter().chain(cosigner));
        }
        (good, doubted)
    }

    /// `<deployment>/<signer>/cosigner`, or `<deployment>/witness`.
    #[must_use]
    pub fn cosigner_name(&self, signer: Signer) -> String {
        match signer.cloud() {
            Some(cloud) => format!("{}/{cloud}/cosigner", self.deployment()),
            None => format!("{}/witness", self.deployment()),
        }
    }

    /// The C2SP policy of the deployment: every log of every epoch, and as many signers as the
    /// mode wants, each with all keys that are not in doubt.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let approved = |log: &LogId| self.epoch(*log).is_some_and(|epoch| epoch.approved);
        let logs = self.logs().filter(approved).filter_map(|log| self.log_key(log)).collect();
        let mode = Cloud::ALL
            .into_iter()
            .filter_map(|origin| self.epoch(self.newest_approved(origin)))
            .map(|epoch| epoch.mode)
            .max_by_key(|mode| mode.threshold())
            .unwrap_or_default();
        let seats = Signer::ALL.into_iter().filter(|signer| mode.counts(*signer));
        let seats = seats
            .map(|signer| Seat { name: signer.name().to_owned(), keys: self.seat_keys(signer) });
        Policy::of_seats(logs, seats.collect(), mode.threshold())
    }

    /// Every key that ever counted, in doubt since or not, for judging what was signed with it.
    #[must_use]
    pub fn every_key(&self) -> Policy {
        let logs = self.logs().filter_map(|log| self.log_key(log)).collect();
        let seat = |signer: Signer| {
            let name = self.cosigner_name(signer);
            let named = |key| NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key).ok();
            let cloud = signer.cloud().map(|cloud| self.of(cloud).as_slice()).unwrap_or_default();
            let keys = cloud.iter().filter_map(|epoch| named(epoch.keys.cosigner)).collect();
            Seat { name: signer.name().to_owned(), keys }
        };
        let clouds = Cloud::ALL.map(|cloud| seat(cloud.into())).to_vec();
        Policy::of_seats(logs, clouds, Mode::TwoOfThree.threshold())
    }

    /// A signer's cosigner keys, oldest first, without those that are in doubt.
    #[must_use]
    pub fn seat_keys(&self, signer: Signer) -> Vec<NoteKey> {
        let name = self.cosigner_name(signer);
        let named = |key| NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key).ok();
        let Some(cloud) = signer.cloud() else {
            return self.genesis.witness.and_then(named).into_iter().collect();
        };
        let trusted = |epoch: &&Epoch| {
            let end = self.successor(epoch.log);
            epoch.approved && end.is_none_or(|record| !record.reason.revokes())
        };
        let epochs = self.of(cloud).iter().filter(trusted);
        epochs.filter_map(|epoch| named(epoch.keys.cosigner)).collect()
    }
}

fn check_cosigned(record: &EpochRecord) -> Result<(), EpochError> {
    let origins: BTreeSet<Cloud> = record.cosigned.iter().map(|pin| pin.log.origin).collect();
    let distinct = origins.len() == record.cosigned.len();
    if distinct && record.cosigned.len() <= COSIGNED_MAX && !origins.contains(&record.origin) {
        Ok(())
    } else {
        Err(EpochError::Cosigned(record.begins()))
    }
}

fn names(approved: &PerCloud<bool>) -> String {
    let by = approved.iter().filter(|(_, yes)| **yes).map(|(cloud, _)| cloud.title());
    let by: Vec<&str> = by.collect();
    if by.is_empty() { "nobody".to_owned() } else { by.join(" and ") }
}

#[cfg(test)]
mod tests;
