//! What is wrong with a signature that does not count.
//!
//! Asked only after verification has failed, so it decides nothing: it gives the person who looks
//! at a held input the nearest true word for it.

use crate::key::{NoteKey, PublicKey, Signature};
use crate::log::Checkpoint;
use crate::note::{Note, SignatureLine};
use crate::quarantine::Reason;

/// A reason, and a sentence about the case at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    pub reason: Reason,
    pub detail: String,
}

impl Blame {
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Blame { reason, detail: detail.into() }
    }
}

/// Whose keys are known here. Each under the name with which it signs notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing {
    /// Keys that count.
    pub pinned: Vec<NoteKey>,
    /// Keys that counted once and do so no more.
    pub revoked: Vec<NoteKey>,
}

/// The y coordinates of the points whose order divides 8, little-endian, with the spellings that
/// are not reduced modulo p. A key is weak if it is one of these, whatever its sign bit says.
/// Source: Cremers and Jackson, "Prime, Order Please!" (2019), table 5, as in libsodium.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
const SIGN_BIT: u8 = 0x80;

/// Every 32 bytes that look like a key and are a weak one.
fn weak_keys() -> impl Iterator<Item = [u8; 32]> {
    let bytes = SMALL_ORDER.into_iter().filter_map(|text| hex::decode(text).ok()?.try_into().ok());
    bytes.flat_map(|key: [u8; 32]| {
        let mut negative = key;
        negative[31] |= SIGN_BIT;
        [key, negative]
    })
}

/// What is wrong with a note that should be a checkpoint of the log that `log_key` signs and
/// `cosigner` cosigns, both of the log's origin.
#[must_use]
pub fn of_checkpoint(note: &str, log_key: &NoteKey, cosigner: &NoteKey, known: &KeyRing) -> Blame {
    let note = match Note::parse(note) {
        Ok(note) => note,
        Err(cause) => return Blame::new(Reason::Malformed, format!("The note is {cause}.")),
    };
    match Checkpoint::parse(&note.text) {
        Err(cause) => Blame::new(Reason::Malformed, format!("Not a checkpoint: {cause}.")),
        Ok(checkpoint) if checkpoint.origin != log_key.name() => {
            let names = format!("{} instead of {}", checkpoint.origin, log_key.name());
            Blame::new(Reason::RuleBroken, format!("The checkpoint is of the log {names}."))
        }
        Ok(_) if note.check(log_key).is_valid() => of_line(&note, cosigner, known),
        Ok(_) => of_line(&note, log_key, known),
    }
}

/// What is wrong with the signature of `expected` under this note, or with its absence.
fn of_line(note: &Note, expected: &NoteKey, known: &KeyRing) -> Blame {
    let name = expected.name();
    if let Some(line) = note.line_of(expected) {
        return match foreign_signer(note, line, expected, known) {
            Some(other) => foreign(name, &other),
            None => {
                let id = expected.id_hex();
                Blame::new(
                    Reason::BadSignature,
                    format!("The signature of {name} (key {id}) does not hold for this text."),
                )
            }
        };
    }
    match note.signatures.iter().find(|line| line.name == name) {
        Some(line) => of_another_key(line, expected, known),
        None => match valid_signers(note, known).as_slice() {
            [] => Blame::new(Reason::UnknownKey, format!("{name} has not signed it.")),
            others => foreign(name, &others.join(" and ")),
        },
    }
}

fn foreign(name: &str, others: &str) -> Blame {
    let detail = format!("It must be signed by {name}, and is signed by the key of {others}.");
    Blame::new(Reason::ForeignSignature, detail)
}

/// The name is right and the key is not.
fn of_another_key(line: &SignatureLine, expected: &NoteKey, known: &KeyRing) -> Blame {
    let (name, id) = (expected.name(), hex::encode(line.key_id));
    let is_id_of = |key: &[u8; 32]| NoteKey::id_of(name, expected.algorithm(), key) == line.key_id;
    if weak_keys().any(|key| is_id_of(&key)) {
        let detail = format!("{name} signed with the key {id}, which is a weak one.");
        return Blame::new(Reason::WeakKey, detail);
    }
    if known.revoked.iter().any(|key| key.name() == name && key.id() == line.key_id) {
        let detail = format!("The key {id} of {name} has been revoked.");
        return Blame::new(Reason::RevokedKey, detail);
    }
    match known.pinned.iter().find(|key| is_id_of(&key.key().to_bytes())) {
        Some(other) => foreign(name, other.name()),
        None => {
            let pinned = expected.id_hex();
            let detail =
                format!("It is signed as {name} with the key {id}; here {pinned} is pinned.");
            Blame::new(Reason::UnknownKey, detail)
        }
    }
}

/// Whose key made this line, if another's that we know.
fn foreign_signer(
    note: &Note,
    line: &SignatureLine,
    expected: &NoteKey,
    known: &KeyRing,
) -> Option<String> {
    let made_it = |other: &&NoteKey| {
        let as_expected = NoteKey::new(expected.name(), expected.algorithm(), *other.key());
        as_expected.is_ok_and(|key| line.check(&note.text, &key).is_valid())
    };
    known.pinned.iter().find(made_it).map(|other| other.name().to_owned())
}

fn valid_signers(note: &Note, known: &KeyRing) -> Vec<String> {
    let signed = known.pinned.iter().filter(|key| note.check(key).is_valid());
    signed.map(|key| key.name().to_owned()).collect()
}

/// What is wrong with a message that does not carry its sender's signature. `others`: keys that
/// are known, and whose they are.
#[must_use]
pub fn of_message<'a>(
    message: &[u8],
    signature: &Signature,
    sender: &str,
    others: impl IntoIterator<Item = (&'a PublicKey, String)>,
) -> Blame {
    let mut others = others.into_iter();
    match others.find(|(key, _)| key.verify(message, signature)) {
        Some((_, whose)) => foreign(&format!("the transport key of {sender}"), &whose),
        None => Blame::new(
            Reason::BadSignature,
            format!("It says to come from {sender}, whose transport key did not sign it."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{NoteAlgorithm, SigningKey, WeakKey};
    use crate::log::{Head, empty_root};

    const LOG: &str = "demo.example/gcp/1";
    const COSIGNER: &str = "demo.example/gcp/cosigner";

    fn signer(seed: u8) -> SigningKey {
        SigningKey::from_seed([seed; 32])
    }

    fn vkey(name: &str, algorithm: NoteAlgorithm, seed: u8) -> NoteKey {
        NoteKey::new(name, algorithm, signer(seed).public()).expect("a name")
    }

    fn log_key() -> NoteKey {
        vkey(LOG, NoteAlgorithm::Ed25519, 1)
    }

    fn cosigner() -> NoteKey {
        vkey(COSIGNER, NoteAlgorithm::CosignatureV1, 2)
    }

    fn known() -> KeyRing {
        let aws = vkey("demo.example/aws/1", NoteAlgorithm::Ed25519, 3);
        let aws_cosigner = vkey("demo.example/aws/cosigner", NoteAlgorithm::CosignatureV1, 4);
        KeyRing {
            pinned: vec![log_key(), cosigner(), aws, aws_cosigner],
            revoked: vec![vkey(LOG, NoteAlgorithm::Ed25519, 9)],
        }
    }

    fn text() -> String {
        let head = Head { size: 7, root: empty_root() };
        Checkpoint { origin: LOG.to_owned(), head }.to_string()
    }

    fn note(text: &str, signatures: Vec<SignatureLine>) -> String {
        Note { text: text.to_owned(), signatures }.to_string()
    }

    fn reason(note: &str) -> Reason {
        of_checkpoint(note, &log_key(), &cosigner(), &known()).reason
    }

    /// Signed as the log, with the key of that seed.
    fn signed_as_log(seed: u8) -> SignatureLine {
        let key = vkey(LOG, NoteAlgorithm::Ed25519, seed);
        SignatureLine::sign(&text(), &key, &signer(seed))
    }

    #[test]
    fn a_changed_text_has_a_bad_signature() {
        let changed = text().replace("\n7\n", "\n8\n");
        assert_eq!(reason(&note(&changed, vec![signed_as_log(1)])), Reason::BadSignature);
    }

    #[test]
    fn a_key_of_another_cloud_is_foreign_whether_it_says_so_or_not() {
        assert_eq!(reason(&note(&text(), vec![signed_as_log(3)])), Reason::ForeignSignature);
        // Under the id of the right key.
        let disguised = SignatureLine::sign(&text(), &log_key(), &signer(3));
        assert_eq!(reason(&note(&text(), vec![disguised])), Reason::ForeignSignature);
        let by_aws = vkey("demo.example/aws/1", NoteAlgorithm::Ed25519, 3);
        let alone = SignatureLine::sign(&text(), &by_aws, &signer(3));
        assert_eq!(reason(&note(&text(), vec![alone])), Reason::ForeignSignature);
    }

    #[test]
    fn a_key_that_nobody_pinned_is_unknown_and_one_that_was_taken_back_is_revoked() {
        assert_eq!(reason(&note(&text(), vec![signed_as_log(8)])), Reason::UnknownKey);
        assert_eq!(reason(&note(&text(), vec![signed_as_log(9)])), Reason::RevokedKey);
        let stranger = vkey("elsewhere.example/log", NoteAlgorithm::Ed25519, 8);
        let line = SignatureLine::sign(&text(), &stranger, &signer(8));
        assert_eq!(reason(&note(&text(), vec![line])), Reason::UnknownKey);
    }

    #[test]
    fn a_line_under_any_weak_key_is_called_weak() {
        for key in weak_keys() {
            let mut bytes = NoteKey::id_of(LOG, NoteAlgorithm::Ed25519, &key).to_vec();
            bytes.extend([0; 64]);
            let encoded = {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD.encode(bytes)
            };
            let line = SignatureLine::parse(&format!("— {LOG} {encoded}")).expect("a line");
            assert_eq!(reason(&note(&text(), vec![line])), Reason::WeakKey);
        }
    }

    #[test]
    fn the_weak_keys_are_those_that_no_key_may_be() {
        let mut small_order = 0;
        for key in weak_keys() {
            match PublicKey::from_bytes(&key) {
                Err(WeakKey::SmallOrder) => small_order += 1,
                // Some verifiers take "negative zero"; ours calls it no point.
                Err(WeakKey::NotAPoint) => {}
                Ok(_) => panic!("{} is taken for a key", hex::encode(key)),
            }
        }
        assert!(small_order >= 8, "all eight points are among them");
    }

    #[test]
    fn what_is_no_checkpoint_of_this_log_is_told_apart() {
        assert_eq!(reason("nothing"), Reason::Malformed);
        assert_eq!(reason(&note("a\nb\n", vec![signed_as_log(1)])), Reason::Malformed);
        let other = text().replace("gcp/1", "gcp/2");
        assert_eq!(reason(&note(&other, vec![signed_as_log(1)])), Reason::RuleBroken);
    }

    #[test]
    fn a_missing_or_wrong_cosignature_of_the_origin_is_blamed_on_it() {
        let missing = of_checkpoint(
            &note(&text(), vec![signed_as_log(1)]),
            &log_key(),
            &cosigner(),
            &known(),
        );
        assert_eq!(missing.reason, Reason::ForeignSignature, "only its log key signed");
        let as_cosigner = vkey(COSIGNER, NoteAlgorithm::CosignatureV1, 8);
        let line = SignatureLine::cosign(&text(), 5, &as_cosigner, &signer(8));
        assert_eq!(reason(&note(&text(), vec![signed_as_log(1), line])), Reason::UnknownKey);
    }

    #[test]
    fn a_message_signed_by_another_key_of_the_deployment_is_foreign() {
        let (aws, gcp) = (signer(5), signer(6));
        let others = || [(gcp.public(), "gcp, transport".to_owned())];
        let blame = |signature: &Signature| {
            let others = others();
            let others = others.iter().map(|(key, whose)| (key, whose.clone()));
            of_message(b"message", signature, "aws", others)
        };
        let foreign = blame(&gcp.sign(b"message"));
        assert_eq!(foreign.reason, Reason::ForeignSignature);
        assert!(foreign.detail.contains("gcp, transport"), "{}", foreign.detail);
        assert_eq!(blame(&aws.sign(b"another")).reason, Reason::BadSignature);
    }
}
