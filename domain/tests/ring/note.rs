//! Signed notes, checkpoints and policies: what is written reads back, and one changed byte is
//! noticed.

use domain::key::{NoteAlgorithm, NoteKey, SigningKey};
use domain::log::{Checkpoint, Hash, Head};
use domain::note::{LineVerdict, Note, SignatureLine};
use domain::policy::Policy;
use proptest::prelude::*;

fn log_key() -> (SigningKey, NoteKey) {
    let key = SigningKey::from_seed([21; 32]);
    let named = NoteKey::new("demo.example/gcp/1", NoteAlgorithm::Ed25519, key.public());
    (key, named.expect("a name"))
}

fn cosigner_key() -> (SigningKey, NoteKey) {
    let key = SigningKey::from_seed([22; 32]);
    let named = NoteKey::new("demo.example/aws", NoteAlgorithm::CosignatureV1, key.public());
    (key, named.expect("a name"))
}

fn signed_note(size: u64, root: [u8; 32], unix_s: u64) -> Note {
    let (log, log_name) = log_key();
    let (cosigner, cosigner_name) = cosigner_key();
    let head = Head { size, root: Hash(root) };
    let text = Checkpoint { origin: log_name.name().to_owned(), head }.to_string();
    let signatures = vec![
        SignatureLine::sign(&text, &log_name, &log),
        SignatureLine::cosign(&text, unix_s, &cosigner_name, &cosigner),
    ];
    Note { text, signatures }
}

proptest! {
    #[test]
    fn a_note_reads_back_with_its_checkpoint(size: u64, root: [u8; 32], unix_s: u64) {
        let note = signed_note(size, root, unix_s);
        let read = Note::parse(&note.to_string()).expect("reads back");
        prop_assert_eq!(&read, &note);
        let checkpoint = Checkpoint::parse(&read.text).expect("a checkpoint");
        prop_assert_eq!(checkpoint.head, Head { size, root: Hash(root) });
        prop_assert_eq!(read.check(&log_key().1), LineVerdict::Valid { stated_unix_s: None });
        let stated = LineVerdict::Valid { stated_unix_s: Some(unix_s) };
        prop_assert_eq!(read.check(&cosigner_key().1), stated);
    }

    /// Whatever byte changes: the note is unreadable, or a signature fails or is gone.
    #[test]
    fn a_changed_byte_breaks_a_note(at: prop::sample::Index, change in 1u8..=255) {
        let mut bytes = signed_note(7, [3; 32], 1_763_815_266).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let Ok(note) = Note::parse(&text) else { return Ok(()) };
        let both = note.check(&log_key().1).is_valid() && note.check(&cosigner_key().1).is_valid();
        prop_assert!(!both, "{text}");
    }

    #[test]
    fn readers_take_any_text_without_falling_over(text: String, bytes: Vec<u8>) {
        let _ = (Note::parse(&text), Checkpoint::parse(&text), Policy::parse(&text));
        let _ = (NoteKey::parse(&text), SignatureLine::parse(&text));
        let _ = (domain::json::parse_strict(&bytes), domain::receipt::Receipt::parse(&bytes));
    }

    /// One byte of a policy file is one key, one number or one name: a change never leaves a
    /// file with another meaning and the same text.
    #[test]
    fn a_policy_reads_back_from_its_text(at: prop::sample::Index, change in 1u8..=127) {
        let (_, log) = log_key();
        let (_, cosigner) = cosigner_key();
        let policy = Policy::of_clouds(vec![log], vec![("aws".to_owned(), cosigner)], 1);
        let mut bytes = policy.to_string().into_bytes();
        prop_assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        if let Ok(changed) = Policy::parse(&text) {
            prop_assert_eq!(Policy::parse(&changed.to_string()), Ok(changed));
        }
    }
}
