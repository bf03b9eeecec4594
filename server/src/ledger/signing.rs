//! Signed checkpoints: making our own signatures, and reading those of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::cloud::Cloud;
use domain::epoch::Register;
use domain::event::{Envelope, signature_is_valid};
use domain::key::NoteKey;
use domain::log::{Checkpoint, Head, LogId};
use domain::note::{Note, SignatureLine};
use domain::policy::Policy;
use domain::quarantine::Reason;
use domain::quarantine::blame::{self, Blame, KeyRing};
use domain::quorum::{Mode, Signer};

use crate::keys::Keyring;

/// Signature lines by who made them, each ready to stand under the checkpoint: for the origin its
/// log signature and its cosignature, for the others their cosignature.
pub(super) type Lines = BTreeMap<Signer, String>;

/// A head that the log's origin signed, with every valid signature that came along. Only
/// [`Verifier`] and [`Signing`] make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignedHead {
    pub(super) log: LogId,
    pub(super) head: Head,
    pub(super) lines: Lines,
}

impl SignedHead {
    /// Do as many signers stand under it as make it final in this mode?
    pub(super) fn is_certified(&self, mode: Mode) -> bool {
        self.lines.keys().filter(|signer| mode.counts(**signer)).count() >= mode.threshold()
    }
}

/// Everybody's public keys, by what is pinned outside the database and the epoch records that
/// follow from it; or as a policy file has them.
#[derive(Debug)]
pub(super) struct Verifier(Source);

#[derive(Debug)]
enum Source {
    Register(Arc<ArcSwap<Register>>),
    Policy(Named),
}

/// The keys of a policy file, by what their names say.
#[derive(Debug)]
struct Named {
    deployment: String,
    logs: Vec<(LogId, NoteKey)>,
    cosigners: Vec<(Signer, NoteKey)>,
}

/// Our keys, and everybody's names.
#[derive(Debug)]
pub(super) struct Signing {
    me: Cloud,
    keys: Arc<Keyring>,
    pub(super) verifier: Arc<Verifier>,
}

impl Signing {
    pub(super) fn new(me: Cloud, keys: Arc<Keyring>, verifier: Arc<Verifier>) -> Self {
        Signing { me, keys, verifier }
    }

    /// Our signature on a head of a log of our own. Until the entries are durable nobody may see
    /// it. Without the log's key it has no lines, and counts nowhere.
    pub(super) fn sign_own(&self, log: LogId, head: Head) -> SignedHead {
        let text = self.verifier.text(log, head);
        let key = self.keys.pair(log.epoch).zip(self.verifier.log_key(log));
        let lines = key.map(|(pair, log_key)| {
            let line = SignatureLine::sign(&text, &log_key, &pair.log);
            Lines::from([(self.me.into(), format!("{line}{}", self.cosignature(log, head, &text)))])
        });
        SignedHead { log, head, lines: lines.unwrap_or_default() }
    }

    /// Adds our cosignature to a head that the origin signed. Until the entries are durable here
    /// nobody may see it.
    pub(super) fn cosign(&self, mut signed: SignedHead) -> SignedHead {
        let text = self.verifier.text(signed.log, signed.head);
        signed.lines.insert(self.me.into(), self.cosignature(signed.log, signed.head, &text));
        signed
    }

    /// By the newest of our keys that counts for that head.
    fn cosignature(&self, log: LogId, head: Head, text: &str) -> String {
        let unix_s = u64::try_from(crate::now().unix_ms() / 1000).unwrap_or(0);
        let mut counting = self.verifier.cosigners(self.me.into(), log, head).into_iter();
        let ours = counting.find_map(|vkey| {
            let pair = self.keys.holder_of(vkey.key())?;
            Some(SignatureLine::cosign(text, unix_s, &vkey, &pair.cosigner).to_string())
        });
        ours.unwrap_or_default()
    }

    /// The signed note of a head.
    pub(super) fn note(&self, signed: &SignedHead) -> String {
        self.verifier.note(signed)
    }

    /// See [`Verifier::verify`].
    pub(super) fn verify(&self, log: LogId, note: &str) -> Option<SignedHead> {
        self.verifier.verify(log, note)
    }

    /// What is wrong with a note that does not verify.
    pub(super) fn blame(&self, log: LogId, note: &str) -> Blame {
        let Some(log_key) = self.verifier.log_key(log) else {
            let detail = format!("No key of the log {log} is known here.");
            return Blame::new(Reason::UnknownKey, detail);
        };
        let head = Note::parse(note).ok().and_then(|note| Checkpoint::parse(&note.text).ok());
        let head = head.map_or_else(Head::empty, |checkpoint| checkpoint.head);
        let cosigner = self.verifier.cosigners(log.origin.into(), log, head).into_iter().next();
        let Some(cosigner) = cosigner else {
            let detail = format!("The log {log} was closed before {} entries.", head.size);
            return Blame::new(Reason::FaultyEpoch, detail);
        };
        blame::of_checkpoint(note, &log_key, &cosigner, &self.verifier.ring())
    }
}

impl Verifier {
    pub(super) const fn of_register(register: Arc<ArcSwap<Register>>) -> Self {
        Verifier(Source::Register(register))
    }

    /// From a policy file, whose keys are named `<deployment>/<cloud>/<epoch>` for the logs and
    /// `<deployment>/<cloud>/cosigner` or `<deployment>/witness` for cosigners. `None` unless each
    /// cloud has both.
    pub(super) fn of_policy(policy: &Policy) -> Option<Self> {
        let logs: Vec<_> =
            policy.logs().iter().filter_map(|key| Some((log_named(key)?, key))).collect();
        let cosigners: Vec<_> = policy
            .witnesses()
            .filter_map(|(_, key)| Some((signer_named(key)?, key.clone())))
            .collect();
        let complete = Cloud::ALL.into_iter().all(|cloud| {
            logs.iter().any(|((_, log), _)| log.origin == cloud)
                && cosigners.iter().any(|(signer, _)| *signer == cloud)
        });
        let deployment = logs.first()?.0.0.clone();
        let logs = logs.into_iter().map(|((_, log), key)| (log, key.clone())).collect();
        complete.then(|| Verifier(Source::Policy(Named { deployment, logs, cosigners })))
    }

    fn deployment(&self) -> String {
        match &self.0 {
            Source::Register(register) => register.load().deployment().to_owned(),
            Source::Policy(named) => named.deployment.clone(),
        }
    }

    /// The logs that are known.
    pub(super) fn logs(&self) -> Vec<LogId> {
        match &self.0 {
            Source::Register(register) => register.load().logs().collect(),
            Source::Policy(named) => named.logs.iter().map(|(log, _)| *log).collect(),
        }
    }

    /// What makes an entry of that log final.
    pub(super) fn mode(&self, log: LogId) -> Mode {
        match &self.0 {
            Source::Register(register) => {
                register.load().epoch(log).map_or_else(Mode::default, |epoch| epoch.mode)
            }
            Source::Policy(_) => Mode::default(),
        }
    }

    pub(super) fn log_key(&self, log: LogId) -> Option<NoteKey> {
        match &self.0 {
            Source::Register(register) => register.load().log_key(log),
            Source::Policy(named) => {
                named.logs.iter().find(|(known, _)| *known == log).map(|(_, key)| key.clone())
            }
        }
    }

    /// The keys of every epoch of the log's origin, the log's own first: an event that was taken
    /// over from an epoch that ended bears that epoch's signature.
    pub(super) fn event_keys(&self, log: LogId) -> Vec<NoteKey> {
        let mut logs: Vec<LogId> =
            self.logs().into_iter().filter(|known| known.origin == log.origin).collect();
        logs.sort_by_key(|known| (*known != log, std::cmp::Reverse(known.epoch)));
        logs.into_iter().filter_map(|known| self.log_key(known)).collect()
    }

    /// Does the signature of an entry of that log hold?
    pub(super) fn is_signed(&self, log: LogId, entry: &Envelope) -> bool {
        let made = |key: &NoteKey| signature_is_valid(entry.hash(), entry.signature(), key.key());
        self.event_keys(log).iter().any(made)
    }

    /// Every key that has signed notes here, and those among them that are revoked.
    pub(super) fn ring(&self) -> KeyRing {
        match &self.0 {
            Source::Register(register) => {
                let (pinned, revoked) = register.load().note_keys();
                KeyRing { pinned, revoked }
            }
            Source::Policy(named) => {
                let logs = named.logs.iter().map(|(_, key)| key.clone());
                let cosigners = named.cosigners.iter().map(|(_, key)| key.clone());
                KeyRing { pinned: logs.chain(cosigners).collect(), ..KeyRing::default() }
            }
        }
    }

    /// The keys with which that signer may have cosigned that head.
    pub(super) fn cosigners(&self, signer: Signer, log: LogId, head: Head) -> Vec<NoteKey> {
        match &self.0 {
            Source::Register(register) => register.load().cosigner_keys(signer, log, head),
            Source::Policy(named) => {
                let of_signer = named.cosigners.iter().filter(|(known, _)| *known == signer);
                of_signer.map(|(_, key)| key.clone()).collect()
            }
        }
    }

    /// The checkpoint text of a head.
    pub(super) fn text(&self, log: LogId, head: Head) -> String {
        Checkpoint { origin: log.name(&self.deployment()), head }.to_string()
    }

    /// Do stored lines hold as this signer's, for this head?
    pub(super) fn lines_hold(&self, log: LogId, head: Head, signer: Signer, lines: &str) -> bool {
        let Ok(note) = Note::parse(&format!("{}\n{lines}", self.text(log, head))) else {
            return false;
        };
        let log_signed = self.log_key(log).is_some_and(|key| valid_line(&note, &key).is_some());
        self.cosigned(&note, signer, log, head).is_some() && (signer != log.origin || log_signed)
    }

    /// Are stored lines this signer's under another key than those that count? Those are history,
    /// which we cannot judge, and count for nothing.
    pub(super) fn lines_of_another_key(
        &self,
        log: LogId,
        head: Head,
        signer: Signer,
        lines: &str,
    ) -> bool {
        let Ok(note) = Note::parse(&format!("{}\n{lines}", self.text(log, head))) else {
            return false;
        };
        let counting = self.cosigners(signer, log, head);
        let name = self.cosigner_name(signer);
        let named = note.signatures.iter().any(|line| line.name == name);
        named && counting.iter().all(|key| note.line_of(key).is_none())
    }

    fn cosigner_name(&self, signer: Signer) -> String {
        match &self.0 {
            Source::Register(register) => register.load().cosigner_name(signer),
            Source::Policy(named) => {
                let known = named.cosigners.iter().find(|(known, _)| *known == signer);
                known.map(|(_, key)| key.name().to_owned()).unwrap_or_default()
            }
        }
    }

    /// The signed note of a head.
    pub(super) fn note(&self, signed: &SignedHead) -> String {
        let mut note = self.text(signed.log, signed.head);
        note.push('\n');
        // The origin's own signatures first, as readers expect.
        let origin = Signer::of(signed.log.origin);
        note.extend(signed.lines.get(&origin).map(String::as_str));
        let others = signed.lines.iter().filter(|(signer, _)| **signer != origin);
        note.extend(others.map(|(_, lines)| lines.as_str()));
        note
    }

    /// Reads a signed note about `log`, and drops signatures that do not hold. `None` unless
    /// both signatures of the origin hold.
    pub(super) fn verify(&self, log: LogId, note: &str) -> Option<SignedHead> {
        let note = Note::parse(note).ok()?;
        let checkpoint = Checkpoint::parse(&note.text).ok()?;
        if checkpoint.origin != log.name(&self.deployment()) {
            return None;
        }
        let head = checkpoint.head;
        let origin_line = valid_line(&note, &self.log_key(log)?)?;
        let own = self.cosigned(&note, log.origin.into(), log, head)?;
        let mut lines = Lines::from([(log.origin.into(), format!("{origin_line}{own}"))]);
        for signer in Signer::ALL.into_iter().filter(|signer| *signer != log.origin) {
            if let Some(line) = self.cosigned(&note, signer, log, head) {
                lines.insert(signer, line);
            }
        }
        Some(SignedHead { log, head, lines })
    }

    /// The signer's valid line under a note, by the newest key that has one.
    fn cosigned(&self, note: &Note, signer: Signer, log: LogId, head: Head) -> Option<String> {
        self.cosigners(signer, log, head).iter().find_map(|key| valid_line(note, key))
    }
}

fn valid_line(note: &Note, key: &NoteKey) -> Option<String> {
    let line = note.line_of(key)?;
    line.check(&note.text, key).is_valid().then(|| line.to_string())
}

/// `<deployment>/<cloud>/<epoch>`.
fn log_named(key: &NoteKey) -> Option<(String, LogId)> {
    let (rest, epoch) = key.name().rsplit_once('/')?;
    let (deployment, origin) = rest.rsplit_once('/')?;
    let log = LogId { origin: origin.parse().ok()?, epoch: epoch.parse().ok()? };
    Some((deployment.to_owned(), log))
}

/// `<deployment>/<cloud>/cosigner`, or `<deployment>/witness`.
fn signer_named(key: &NoteKey) -> Option<Signer> {
    let mut parts = key.name().rsplit('/');
    match parts.next()? {
        "witness" => Some(Signer::Witness),
        "cosigner" => parts.next()?.parse().ok().map(Signer::of),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{CloudKeys, Roster};
    use domain::cloud::PerCloud;
    use domain::key::SigningKey;
    use domain::log::Hash;

    fn keys(seed: u8) -> CloudKeys {
        CloudKeys {
            log: SigningKey::from_seed([seed; 32]).into(),
            cosigner: SigningKey::from_seed([seed + 1; 32]).into(),
            transport: SigningKey::from_seed([seed + 2; 32]),
        }
    }

    const LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 1 };

    fn verifier(seed: u8) -> Arc<Verifier> {
        let all = PerCloud::from_fn(|cloud| keys(10 * cloud.code() + seed));
        let roster = Roster {
            deployment: "test.example".into(),
            mode: Mode::default(),
            keys: all.map(|_, keys| keys.public()),
            witness: None,
        };
        let register = Register::new(roster.genesis());
        Arc::new(Verifier::of_register(Arc::new(ArcSwap::from_pointee(register))))
    }

    fn signing(me: Cloud) -> Signing {
        let ring = Keyring::open(std::path::Path::new("/nowhere"), &keys(10 * me.code()), None);
        Signing::new(me, Arc::new(ring.expect("the first keys")), verifier(0))
    }

    #[test]
    fn a_cosigned_note_reads_back_and_a_foreign_or_changed_one_does_not() {
        let head = Head { size: 3, root: Hash([7; 32]) };
        let own = signing(Cloud::Gcp).sign_own(LOG, head);
        let cosigned = signing(Cloud::Aws).cosign(own.clone());
        let note = signing(Cloud::Aws).note(&cosigned);
        let reader = signing(Cloud::Azure);
        assert_eq!(reader.verify(own.log, &note), Some(cosigned));
        let other = LogId { origin: Cloud::Aws, epoch: 1 };
        assert_eq!(reader.verify(other, &note), None);
        assert_eq!(reader.verify(own.log, &note.replace("\n3\n", "\n4\n")), None);
    }

    #[test]
    fn lines_of_a_key_that_was_replaced_are_told_from_broken_ones() {
        let head = Head { size: 3, root: Hash([7; 32]) };
        let signed = signing(Cloud::Aws).cosign(signing(Cloud::Gcp).sign_own(LOG, head));
        let line = &signed.lines[&Signer::Aws];
        let (log, aws) = (signed.log, Signer::Aws);
        let pinned = signing(Cloud::Azure).verifier;
        assert!(pinned.lines_hold(log, head, aws, line));
        assert!(!pinned.lines_hold(log, Head { size: 4, ..head }, aws, line));
        assert!(!pinned.lines_of_another_key(log, head, aws, line));
        assert!(!pinned.lines_of_another_key(log, head, aws, "x"));
        let rotated = verifier(100);
        assert!(rotated.lines_of_another_key(log, head, aws, line));
    }

    #[test]
    fn a_note_without_the_origins_cosignature_is_nothing() {
        let own = signing(Cloud::Gcp).sign_own(LOG, Head { size: 3, root: Hash([7; 32]) });
        let note = signing(Cloud::Gcp).note(&own);
        let without = note.lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
        assert_eq!(signing(Cloud::Aws).verify(own.log, &without), None);
    }
}
