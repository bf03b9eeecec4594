//! Checkpoints (C2SP tlog-checkpoint): the text that a log and its cosigners sign.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::log::{Hash, Head};

/// A log's name, size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name: the first line.
    pub origin: String,
    pub head: Head,
}

/// The text is not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("a checkpoint has exactly three lines: log name, size, root in base64")]
    Lines,
    #[error("the size is not a decimal number without leading zeroes")]
    Size,
    #[error("the root is not 32 bytes in base64")]
    Root,
}

impl Checkpoint {
    /// Reads the text of a note. Extension lines are refused: our logs never write any, and no
    /// cosigner vouches for them.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        if origin.is_empty() {
            return Err(CheckpointError::Lines);
        }
        let parsed: u64 = size.parse().map_err(|_| CheckpointError::Size)?;
        if parsed.to_string() != size {
            return Err(CheckpointError::Size);
        }
        let root = BASE64
            .decode(root)
            .ok()
            .and_then(|bytes| Hash::from_slice(&bytes))
            .ok_or(CheckpointError::Root)?;
        Ok(Checkpoint { origin: origin.to_owned(), head: Head { size: parsed, root } })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}\n{}\n{}", self.origin, self.head.size, BASE64.encode(self.head.root.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example_reads_back() {
        let text =
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(text).expect("valid");
        assert_eq!(checkpoint.head.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), text);
    }

    #[test]
    fn malformed_checkpoints_are_refused() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for (text, error) in [
            (format!("a\n1\n{root}"), CheckpointError::Lines),
            (format!("a\n1\n{root}\nextension\n"), CheckpointError::Lines),
            (format!("\n1\n{root}\n"), CheckpointError::Lines),
            (format!("a\n01\n{root}\n"), CheckpointError::Size),
            (format!("a\n-1\n{root}\n"), CheckpointError::Size),
            ("a\n1\nAAAA\n".to_owned(), CheckpointError::Root),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text}");
        }
    }
}
