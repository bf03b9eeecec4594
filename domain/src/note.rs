//! C2SP signed notes: a text and the signatures under it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::key::{NoteAlgorithm, NoteKey, Sign, Signature};

/// More signature lines than this are refused: the specification asks readers for a limit and
/// for at least 16.
pub const SIGNATURES_MAX: usize = 16;
/// Longest note read.
pub const NOTE_BYTES_MAX: usize = 16 * 1024;

/// One signature line: who, and the bytes after the key id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    pub name: String,
    pub key_id: [u8; 4],
    bytes: Vec<u8>,
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.to_vec();
        bytes.extend_from_slice(&self.bytes);
        writeln!(out, "— {} {}", self.name, BASE64.encode(bytes))
    }
}

/// A text and its signatures, none of which has been checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Ends with a newline.
    pub text: String,
    pub signatures: Vec<SignatureLine>,
}

/// The bytes are not a signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("longer than {NOTE_BYTES_MAX} bytes")]
    TooLong,
    #[error("no blank line between text and signatures")]
    NoSignatures,
    #[error("more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    #[error("a signature line is not of the form \"— <name> <base64>\"")]
    SignatureLine,
    #[error("contains a control character")]
    Control,
}

impl Note {
    /// # Errors
    /// What is wrong with the form; nothing is verified here.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Control);
        }
        let split = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let body = lines.strip_suffix('\n').ok_or(NoteError::SignatureLine)?;
        if body.split('\n').count() > SIGNATURES_MAX {
            return Err(NoteError::TooManySignatures);
        }
        let signatures =
            body.split('\n').map(SignatureLine::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Note { text: text.to_owned(), signatures })
    }

    /// The line of this key, if the note has one.
    #[must_use]
    pub fn line_of(&self, key: &NoteKey) -> Option<&SignatureLine> {
        self.signatures.iter().find(|line| line.name == key.name() && line.key_id == key.id())
    }

    /// What `key` says about this text.
    #[must_use]
    pub fn check(&self, key: &NoteKey) -> LineVerdict {
        match self.line_of(key) {
            None => LineVerdict::Absent,
            Some(line) => line.check(&self.text, key),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| line.fmt(out))
    }
}

/// The outcome of looking for one key's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineVerdict {
    Absent,
    Invalid,
    Valid {
        /// Seconds since 1970 that a cosignature states.
        stated_unix_s: Option<u64>,
    },
}

impl LineVerdict {
    #[must_use]
    pub const fn is_valid(self) -> bool {
        matches!(self, LineVerdict::Valid { .. })
    }
}

impl SignatureLine {
    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// [`NoteError::SignatureLine`].
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let parse = || {
            let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
            let bytes = BASE64.decode(encoded).ok()?;
            let (key_id, rest) = bytes.split_first_chunk::<4>()?;
            let name_fits =
                !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+');
            name_fits.then(|| SignatureLine {
                name: name.to_owned(),
                key_id: *key_id,
                bytes: rest.to_vec(),
            })
        };
        parse().ok_or(NoteError::SignatureLine)
    }

    /// Signs as a log does: plain Ed25519 over the text.
    #[must_use]
    pub fn sign(text: &str, vkey: &NoteKey, key: &dyn Sign) -> Self {
        let signature = key.sign(text.as_bytes());
        SignatureLine {
            name: vkey.name().to_owned(),
            key_id: vkey.id(),
            bytes: signature.0.to_vec(),
        }
    }

    /// Signs as a cosigner does (C2SP tlog-cosignature, `cosignature/v1`).
    #[must_use]
    pub fn cosign(text: &str, unix_s: u64, vkey: &NoteKey, key: &dyn Sign) -> Self {
        let signature = key.sign(cosigned_message(text, unix_s).as_bytes());
        let mut bytes = unix_s.to_be_bytes().to_vec();
        bytes.extend_from_slice(&signature.0);
        SignatureLine { name: vkey.name().to_owned(), key_id: vkey.id(), bytes }
    }

    /// Does this line hold for `text` under `key`? The caller has matched name and id.
    #[must_use]
    pub fn check(&self, text: &str, key: &NoteKey) -> LineVerdict {
        let verdict = match key.algorithm() {
            NoteAlgorithm::Ed25519 => self.check_plain(text, key).map(|()| None),
            NoteAlgorithm::CosignatureV1 => self.check_cosignature(text, key).map(Some),
        };
        match verdict {
            Some(stated_unix_s) => LineVerdict::Valid { stated_unix_s },
            None => LineVerdict::Invalid,
        }
    }

    fn check_plain(&self, text: &str, key: &NoteKey) -> Option<()> {
        let signature = Signature(self.bytes.as_slice().try_into().ok()?);
        key.key().verify(text.as_bytes(), &signature).then_some(())
    }

    fn check_cosignature(&self, text: &str, key: &NoteKey) -> Option<u64> {
        let (stated, signature) = self.bytes.split_first_chunk::<8>()?;
        let unix_s = u64::from_be_bytes(*stated);
        let signature = Signature(signature.try_into().ok()?);
        let message = cosigned_message(text, unix_s);
        key.key().verify(message.as_bytes(), &signature).then_some(unix_s)
    }
}

fn cosigned_message(text: &str, unix_s: u64) -> String {
    format!("cosignature/v1\ntime {unix_s}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn keys() -> (SigningKey, NoteKey, NoteKey) {
        let key = SigningKey::from_seed([5; 32]);
        let log = NoteKey::new("example/log", NoteAlgorithm::Ed25519, key.public());
        let cosigner = NoteKey::new("example/co", NoteAlgorithm::CosignatureV1, key.public());
        (key, log.expect("name"), cosigner.expect("name"))
    }

    #[test]
    fn both_kinds_of_signature_read_back_and_hold_for_their_text_only() {
        let (key, log, cosigner) = keys();
        let text = "example/log\n1\nroot\n".to_owned();
        let signatures = vec![
            SignatureLine::sign(&text, &log, &key),
            SignatureLine::cosign(&text, 1_763_815_266, &cosigner, &key),
        ];
        let note = Note { text, signatures };
        let read = Note::parse(&note.to_string()).expect("reads back");
        assert_eq!(read, note);
        assert_eq!(read.check(&log), LineVerdict::Valid { stated_unix_s: None });
        assert_eq!(
            read.check(&cosigner),
            LineVerdict::Valid { stated_unix_s: Some(1_763_815_266) }
        );
        let changed = Note { text: "example/log\n2\nroot\n".to_owned(), ..note };
        assert_eq!(changed.check(&log), LineVerdict::Invalid);
        assert_eq!(changed.check(&cosigner), LineVerdict::Invalid);
    }

    #[test]
    fn a_stated_time_cannot_be_changed() {
        let (key, _, cosigner) = keys();
        let mut line = SignatureLine::cosign("t\n", 100, &cosigner, &key);
        line.bytes[7] ^= 1;
        assert_eq!(line.check("t\n", &cosigner), LineVerdict::Invalid);
    }

    #[test]
    fn malformed_notes_are_refused() {
        let line = "— a AAAAAAA=\n";
        for (note, error) in [
            ("text\n".to_owned(), NoteError::NoSignatures),
            ("text\n\nno dash\n".to_owned(), NoteError::SignatureLine),
            (format!("te\txt\n\n{line}"), NoteError::Control),
            (format!("text\n\n{}", line.repeat(17)), NoteError::TooManySignatures),
            ("x".repeat(NOTE_BYTES_MAX + 1), NoteError::TooLong),
        ] {
            assert_eq!(Note::parse(&note), Err(error));
        }
    }

    #[test]
    fn a_text_with_blank_lines_is_split_at_the_last_one() {
        let note = Note::parse("a\n\nb\n\n— k AAAAAAA=\n").expect("valid");
        assert_eq!(note.text, "a\n\nb\n");
    }
}
