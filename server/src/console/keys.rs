//! Whose keys count from when to when, for screens and programs. Reads memory only.

use app::backend::{
    Answered, CloudKeys, EpochLine, EpochState, GoneWord, KeyLine, KeyRequest, KeysView, PeerAnswer,
};
use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{Epoch, EpochRecord, Register, SignedEpoch};
use domain::key::{KeyRole, NoteAlgorithm, NoteKey, PublicKey};
use domain::log::{Head, LogId};
use sha2::{Digest as _, Sha256};

use super::Console;
use crate::keys::text;
use crate::ledger::{EpochRequest, PeerWord};

impl Console {
    /// All keys, and what waits for this cloud's people.
    #[must_use]
    pub fn keys_view(&self) -> KeysView {
        let register = self.ledger.register();
        let requests = self.ledger.epoch_requests();
        KeysView {
            at: crate::now(),
            cloud: self.ledger.cloud(),
            genesis: register.genesis_hash().to_string(),
            clouds: PerCloud::from_fn(|cloud| self.cloud_keys(&register, cloud)),
            requests: requests.iter().map(|one| self.key_request(&register, one)).collect(),
            recovering: self.ledger.is_recovering(),
            gone: gone_words(&self.ledger.declared_gone()),
        }
    }

    /// Requests to which none of this cloud's people has agreed yet.
    pub(super) fn key_requests_waiting(&self) -> u64 {
        self.ledger.epoch_requests().iter().filter(|request| !request.agreed).count() as u64
    }

    fn cloud_keys(&self, register: &Register, cloud: Cloud) -> CloudKeys {
        let transport = self.ledger.roster().get(cloud).transport;
        let epochs = register.of(cloud).iter().rev();
        CloudKeys {
            transport: line(KeyRole::Transport, transport, None),
            epochs: epochs.map(|epoch| self.epoch_line(register, epoch)).collect(),
        }
    }

    fn epoch_line(&self, register: &Register, epoch: &Epoch) -> EpochLine {
        let Epoch { log, keys, opened_by, .. } = epoch;
        let record = opened_by.as_ref().map(|signed| &signed.record);
        let head = register.closing(*log).unwrap_or_else(|| self.head_of(*log));
        let state = state_of(register, epoch);
        let (log_key, cosigner_key) = note_lines(register, *log, keys.log, keys.cosigner);
        EpochLine {
            epoch: log.epoch,
            state,
            log_key,
            cosigner_key,
            since: record.map(|record| record.stated_at),
            size: head.size,
            root: head.root.to_string(),
            reason: record.map(|record| record.reason),
            approved_by: opened_by.as_ref().map_or_else(Vec::new, |one| approvers(register, one)),
            answers: self.answers_to(state),
            record: record.map(|record| record.hash().to_string()),
            gone: record.and_then(|record| record.gone.clone()),
        }
    }

    /// As far as this cloud holds that log.
    fn head_of(&self, log: LogId) -> Head {
        let marks = self.ledger.watermarks();
        let held = marks.borrow().view(log).map(|view| view.head);
        held.unwrap_or_else(Head::empty)
    }

    /// Only an epoch of our own waits: nobody else knows it yet.
    fn answers_to(&self, state: EpochState) -> Vec<PeerAnswer> {
        if state != EpochState::Waiting {
            return Vec::new();
        }
        let words = self.ledger.epoch_answers();
        let told = words.iter().filter_map(|(cloud, word)| Some((cloud, word.clone()?)));
        told.map(|(cloud, word)| peer_answer(cloud, word)).collect()
    }

    fn key_request(&self, register: &Register, request: &EpochRequest) -> KeyRequest {
        let EpochRecord { origin, epoch, reason, closing, keys, stated_at, .. } = &request.record;
        let begins = request.record.begins();
        let (log_key, cosigner_key) = note_lines(register, begins, keys.log, keys.cosigner);
        KeyRequest {
            record: request.hash.to_string(),
            origin: *origin,
            epoch: *epoch,
            reason: *reason,
            closing_size: closing.size,
            closing_root: closing.root.to_string(),
            held: self.head_of(request.record.ends()).size,
            log_key,
            cosigner_key,
            stated_at: *stated_at,
            asked_at: request.asked_at,
            agreed: request.agreed,
        }
    }
}

fn state_of(register: &Register, epoch: &Epoch) -> EpochState {
    match register.successor(epoch.log) {
        Some(end) if end.reason.revokes() => EpochState::Revoked,
        Some(_) => EpochState::Closed,
        None if epoch.approved => EpochState::Current,
        None => EpochState::Waiting,
    }
}

fn approvers(register: &Register, signed: &SignedEpoch) -> Vec<Cloud> {
    let approved = register.approved(signed);
    approved.iter().filter(|(_, yes)| **yes).map(|(cloud, _)| cloud).collect()
}

fn peer_answer(cloud: Cloud, word: PeerWord) -> PeerAnswer {
    let (answer, why) = match word {
        PeerWord::Approves => (Answered::Approves, None),
        PeerWord::Waits(why) => (Answered::Waits, Some(why)),
        PeerWord::Refuses(why) => (Answered::Refuses, Some(why)),
        PeerWord::Silent(why) => (Answered::Silent, Some(why)),
    };
    PeerAnswer { cloud, answer, why }
}

fn gone_words(declared: &PerCloud<Vec<String>>) -> Vec<GoneWord> {
    let said = Cloud::ALL.into_iter().map(|cloud| (cloud, declared.get(cloud).clone()));
    let said = said.filter(|(_, declared_by)| !declared_by.is_empty());
    said.map(|(cloud, declared_by)| GoneWord { cloud, declared_by }).collect()
}

/// The two keys of an epoch, with the names under which they sign notes.
fn note_lines(
    register: &Register,
    log: LogId,
    log_key: PublicKey,
    cosigner: PublicKey,
) -> (KeyLine, KeyLine) {
    let note = |name: &str, algorithm, key| NoteKey::new(name, algorithm, key).ok();
    let of_log = note(&log.name(register.deployment()), NoteAlgorithm::Ed25519, log_key);
    let name = register.cosigner_name(log.origin.into());
    let of_cosigner = note(&name, NoteAlgorithm::CosignatureV1, cosigner);
    (line(KeyRole::Log, log_key, of_log), line(KeyRole::Cosigner, cosigner, of_cosigner))
}

fn line(role: KeyRole, key: PublicKey, note: Option<NoteKey>) -> KeyLine {
    KeyLine {
        role,
        public_key: text::of(key),
        fingerprint: hex::encode(Sha256::digest(key.to_bytes())),
        key_id: note.map(|note| note.id_hex()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::key::SigningKey;

    #[test]
    fn a_key_is_shown_as_the_configuration_writes_it_and_by_its_digest() {
        let key = SigningKey::from_seed([7; 32]).public();
        let shown = line(KeyRole::Transport, key, None);
        assert_eq!(text::parse(&shown.public_key), Ok(key));
        assert_eq!(shown.fingerprint.len(), 64);
        assert_eq!(shown.key_id, None);
    }

    #[test]
    fn only_clouds_that_somebody_spoke_of_are_told() {
        let mut declared = PerCloud::<Vec<String>>::default();
        assert_eq!(gone_words(&declared), Vec::new());
        declared.aws.push("ada".to_owned());
        let told = gone_words(&declared);
        assert_eq!(
            (told[0].cloud, told[0].declared_by.as_slice()),
            (Cloud::Aws, &["ada".to_owned()][..])
        );
    }
}
