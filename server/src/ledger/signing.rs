//! Signed checkpoints: making our own signatures, and reading those of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::cloud::{Cloud, PerCloud};
use domain::event::{Envelope, signature_is_valid};
use domain::key::NoteKey;
use domain::log::{Checkpoint, Head, LogId};
use domain::note::{Note, SignatureLine};
use domain::policy::Policy;
use domain::quarantine::Reason;
use domain::quarantine::blame::{self, Blame, KeyRing};

use crate::keys::{CloudKeys, Roster};

/// Signature lines by the cloud that made them, each ready to stand under the checkpoint: for
/// the origin its log signature and its cosignature, for the others their cosignature.
pub(super) type Lines = BTreeMap<Cloud, String>;

/// A head that the log's origin signed, with every valid signature that came along. Only
/// [`Signing`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignedHead {
    pub(super) log: LogId,
    pub(super) head: Head,
    pub(super) lines: Lines,
}

/// Everybody's public keys, as pinned outside the database.
#[derive(Debug)]
pub(super) struct Verifier {
    deployment: String,
    logs: PerCloud<(LogId, NoteKey)>,
    cosigners: PerCloud<NoteKey>,
}

/// Our keys, and everybody's names.
#[derive(Debug)]
pub(super) struct Signing {
    me: Cloud,
    keys: Arc<CloudKeys>,
    pub(super) verifier: Arc<Verifier>,
}

impl Signing {
    pub(super) fn new(
        me: Cloud,
        roster: &Roster,
        keys: Arc<CloudKeys>,
        epochs: &PerCloud<u32>,
    ) -> Self {
        Signing { me, keys, verifier: Arc::new(Verifier::of_roster(roster, epochs)) }
    }

    /// Our signature on a head of our own log. Until the entries are durable nobody may see it.
    pub(super) fn sign_own(&self, head: Head) -> SignedHead {
        let (log, log_key) = self.verifier.logs.get(self.me);
        let text = self.verifier.text(*log, head);
        let line = SignatureLine::sign(&text, log_key, &self.keys.log);
        let lines = format!("{line}{}", self.cosignature(&text));
        SignedHead { log: *log, head, lines: Lines::from([(self.me, lines)]) }
    }

    /// Adds our cosignature to a head that the origin signed. Until the entries are durable here
    /// nobody may see it.
    pub(super) fn cosign(&self, mut signed: SignedHead) -> SignedHead {
        let text = self.verifier.text(signed.log, signed.head);
        signed.lines.insert(self.me, self.cosignature(&text));
        signed
    }

    fn cosignature(&self, text: &str) -> String {
        let unix_s = u64::try_from(crate::now().unix_ms() / 1000).unwrap_or(0);
        let key = self.verifier.cosigners.get(self.me);
        SignatureLine::cosign(text, unix_s, key, &self.keys.cosigner).to_string()
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
        let (known, log_key) = self.verifier.logs.get(log.origin);
        if *known != log {
            let detail = format!("No key of the log {log} is pinned here, but that of {known}.");
            return Blame::new(Reason::UnknownKey, detail);
        }
        let cosigner = self.verifier.cosigners.get(log.origin);
        blame::of_checkpoint(note, log_key, cosigner, &self.verifier.ring())
    }
}

impl Verifier {
    pub(super) fn of_roster(roster: &Roster, epochs: &PerCloud<u32>) -> Self {
        Verifier {
            deployment: roster.deployment.clone(),
            logs: epochs.map(|origin, epoch| {
                let log = LogId { origin, epoch: *epoch };
                (log, roster.log_key(log))
            }),
            cosigners: PerCloud::from_fn(|cloud| roster.cosigner_key(cloud)),
        }
    }

    /// From a policy file: `<deployment>/<cloud>/<epoch>` for the logs, the cloud's name for its
    /// cosigner. `None` unless each cloud has both.
    pub(super) fn of_policy(policy: &Policy) -> Option<Self> {
        let log = |cloud: Cloud| {
            policy.logs().iter().find_map(|key| {
                let (rest, epoch) = key.name().rsplit_once('/')?;
                let (deployment, origin) = rest.rsplit_once('/')?;
                let id = LogId { origin: cloud, epoch: epoch.parse().ok()? };
                (origin == cloud.name()).then(|| (deployment.to_owned(), (id, key.clone())))
            })
        };
        let cosigner = |cloud: Cloud| {
            let mut witnesses = policy.witnesses();
            witnesses.find(|(name, _)| *name == cloud.name()).map(|(_, key)| key.clone())
        };
        let (deployment, gcp) = log(Cloud::Gcp)?;
        Some(Verifier {
            deployment,
            logs: PerCloud { gcp, aws: log(Cloud::Aws)?.1, azure: log(Cloud::Azure)?.1 },
            cosigners: PerCloud {
                gcp: cosigner(Cloud::Gcp)?,
                aws: cosigner(Cloud::Aws)?,
                azure: cosigner(Cloud::Azure)?,
            },
        })
    }

    /// Does the signature of an entry of that log hold?
    pub(super) fn is_signed(&self, log: LogId, entry: &Envelope) -> bool {
        let (known, key) = self.logs.get(log.origin);
        *known == log && signature_is_valid(entry.hash(), entry.signature(), key.key())
    }

    /// Every key that signs notes here.
    pub(super) fn ring(&self) -> KeyRing {
        let logs = self.logs.iter().map(|(_, (_, key))| key.clone());
        let pinned = logs.chain(self.cosigners.iter().map(|(_, key)| key.clone())).collect();
        KeyRing { pinned, ..KeyRing::default() }
    }

    /// The logs that are known, with their keys.
    pub(super) const fn logs(&self) -> &PerCloud<(LogId, NoteKey)> {
        &self.logs
    }

    /// The checkpoint text of a head.
    pub(super) fn text(&self, log: LogId, head: Head) -> String {
        Checkpoint { origin: log.name(&self.deployment), head }.to_string()
    }

    /// Do stored lines hold as this signer's, for this head?
    pub(super) fn lines_hold(&self, log: LogId, head: Head, signer: Cloud, lines: &str) -> bool {
        let Ok(note) = Note::parse(&format!("{}\n{lines}", self.text(log, head))) else {
            return false;
        };
        let (_, log_key) = self.logs.get(log.origin);
        let cosigned = valid_line(&note, self.cosigners.get(signer)).is_some();
        cosigned && (signer != log.origin || valid_line(&note, log_key).is_some())
    }

    /// Are stored lines this signer's under another key than the pinned one? Those are history,
    /// which we cannot judge, and count for nothing.
    pub(super) fn lines_of_another_key(
        &self,
        log: LogId,
        head: Head,
        signer: Cloud,
        lines: &str,
    ) -> bool {
        let Ok(note) = Note::parse(&format!("{}\n{lines}", self.text(log, head))) else {
            return false;
        };
        let pinned = self.cosigners.get(signer);
        let named = note.signatures.iter().any(|line| line.name == pinned.name());
        named && note.line_of(pinned).is_none()
    }

    /// The signed note of a head.
    pub(super) fn note(&self, signed: &SignedHead) -> String {
        let mut note = self.text(signed.log, signed.head);
        note.push('\n');
        // The origin's own signatures first, as readers expect.
        note.extend(signed.lines.get(&signed.log.origin).map(String::as_str));
        let others = signed.lines.iter().filter(|(cloud, _)| **cloud != signed.log.origin);
        note.extend(others.map(|(_, lines)| lines.as_str()));
        note
    }

    /// Reads a signed note about `log`, and drops signatures that do not hold. `None` unless
    /// both signatures of the origin hold.
    pub(super) fn verify(&self, log: LogId, note: &str) -> Option<SignedHead> {
        let (known, log_key) = self.logs.get(log.origin);
        let note = Note::parse(note).ok()?;
        let checkpoint = Checkpoint::parse(&note.text).ok()?;
        if *known != log || checkpoint.origin != log.name(&self.deployment) {
            return None;
        }
        let origin_line = valid_line(&note, log_key)?;
        let mut lines = Lines::new();
        for cloud in Cloud::ALL {
            match (valid_line(&note, self.cosigners.get(cloud)), cloud == log.origin) {
                (Some(line), true) => lines.insert(cloud, format!("{origin_line}{line}")),
                (Some(line), false) => lines.insert(cloud, line),
                (None, true) => return None,
                (None, false) => None,
            };
        }
        Some(SignedHead { log, head: checkpoint.head, lines })
    }
}

fn valid_line(note: &Note, key: &NoteKey) -> Option<String> {
    let line = note.line_of(key)?;
    line.check(&note.text, key).is_valid().then(|| line.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::key::SigningKey;
    use domain::log::Hash;

    fn keys(seed: u8) -> CloudKeys {
        CloudKeys {
            log: SigningKey::from_seed([seed; 32]),
            cosigner: SigningKey::from_seed([seed + 1; 32]),
            transport: SigningKey::from_seed([seed + 2; 32]),
        }
    }

    fn signing(me: Cloud) -> Signing {
        let all = PerCloud::from_fn(|cloud| keys(10 * cloud.code()));
        let roster =
            Roster { deployment: "test.example".into(), keys: all.map(|_, keys| keys.public()) };
        Signing::new(me, &roster, Arc::new(all.get(me).clone()), &PerCloud::from_fn(|_| 1))
    }

    #[test]
    fn a_cosigned_note_reads_back_and_a_foreign_or_changed_one_does_not() {
        let head = Head { size: 3, root: Hash([7; 32]) };
        let own = signing(Cloud::Gcp).sign_own(head);
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
        let signed = signing(Cloud::Aws).cosign(signing(Cloud::Gcp).sign_own(head));
        let line = &signed.lines[&Cloud::Aws];
        let (log, aws) = (signed.log, Cloud::Aws);
        let pinned = signing(Cloud::Azure).verifier;
        assert!(pinned.lines_hold(log, head, aws, line));
        assert!(!pinned.lines_hold(log, Head { size: 4, ..head }, aws, line));
        assert!(!pinned.lines_of_another_key(log, head, aws, line));
        assert!(!pinned.lines_of_another_key(log, head, aws, "x"));
        let rotated = PerCloud::from_fn(|cloud| keys(10 * cloud.code() + 100));
        let roster =
            Roster { deployment: "test.example".into(), keys: rotated.map(|_, key| key.public()) };
        let rotated = Verifier::of_roster(&roster, &PerCloud::from_fn(|_| 1));
        assert!(rotated.lines_of_another_key(log, head, aws, line));
    }

    #[test]
    fn a_note_without_the_origins_cosignature_is_nothing() {
        let own = signing(Cloud::Gcp).sign_own(Head { size: 3, root: Hash([7; 32]) });
        let note = signing(Cloud::Gcp).note(&own);
        let without = note.lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
        assert_eq!(signing(Cloud::Aws).verify(own.log, &without), None);
    }
}
