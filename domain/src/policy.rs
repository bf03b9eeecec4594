//! C2SP tlog-policy: whose keys count, and how many of them. The file that a verifier brings.

use std::fmt;

use crate::key::{BadNoteKey, NoteAlgorithm, NoteKey};
use crate::note::Note;

/// The specification asks implementations for at least 32 of each. A deployment adds one of each
/// with every change of keys, for ever.
pub const ENTRIES_MAX: usize = 1_024;

/// A parsed policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<NoteKey>,
    witnesses: Vec<(String, NoteKey)>,
    /// In the order of the file: a group names only what stands before it.
    groups: Vec<(String, Group)>,
    /// `None`: "quorum none".
    quorum: Option<String>,
}

/// The group that [`Policy::of_seats`] writes.
const CLOUDS: &str = "clouds";

/// One signer who counts once, with all keys that it may sign with, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    pub name: String,
    pub keys: Vec<NoteKey>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<String>,
}

/// A line of the policy file breaks the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct PolicyError {
    /// Counts from 1; 0 for the file as a whole.
    pub line: usize,
    pub reason: String,
}

impl Policy {
    /// The policy of a deployment: its logs, and any `threshold` of its cosigners.
    #[must_use]
    pub fn of_clouds(
        logs: Vec<NoteKey>,
        witnesses: Vec<(String, NoteKey)>,
        threshold: usize,
    ) -> Self {
        let seats = witnesses.into_iter().map(|(name, key)| Seat { name, keys: vec![key] });
        Policy::of_seats(logs, seats.collect(), threshold)
    }

    /// The policy of a deployment whose signers may have changed keys: any `threshold` of the
    /// seats, each by any of its keys.
    #[must_use]
    pub fn of_seats(logs: Vec<NoteKey>, seats: Vec<Seat>, threshold: usize) -> Self {
        let mut policy = Policy { logs, witnesses: Vec::new(), groups: Vec::new(), quorum: None };
        let members = seats.iter().map(|seat| seat.name.clone()).collect();
        for seat in seats {
            policy.take_seat(seat);
        }
        policy.groups.push((CLOUDS.to_owned(), Group { threshold, members }));
        policy.quorum = Some(CLOUDS.to_owned());
        policy
    }

    /// One key stands under the seat's name, several under `<name>-1`, `<name>-2`, … in a group.
    fn take_seat(&mut self, Seat { name, keys }: Seat) {
        if let [key] = keys.as_slice() {
            self.witnesses.push((name, key.clone()));
            return;
        }
        let numbered = keys.into_iter().zip(1_u32..).map(|(key, at)| (format!("{name}-{at}"), key));
        let numbered: Vec<(String, NoteKey)> = numbered.collect();
        let members = numbered.iter().map(|(name, _)| name.clone()).collect();
        self.witnesses.extend(numbered);
        self.groups.push((name, Group { threshold: 1, members }));
    }

    fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|(known, _)| known == name).map(|(_, group)| group)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        for (at, line) in text.split('\n').enumerate() {
            reader.line(line).map_err(|reason| PolicyError { line: at + 1, reason })?;
        }
        let quorum = reader
            .quorum
            .ok_or_else(|| PolicyError { line: 0, reason: "there is no quorum line".to_owned() })?;
        Ok(Policy { logs: reader.logs, witnesses: reader.witnesses, groups: reader.groups, quorum })
    }

    /// The key of the log with this name.
    #[must_use]
    pub fn log(&self, name: &str) -> Option<&NoteKey> {
        self.logs.iter().find(|key| key.name() == name)
    }

    /// The names and keys of all cosigners.
    pub fn witnesses(&self) -> impl Iterator<Item = (&str, &NoteKey)> {
        self.witnesses.iter().map(|(name, key)| (name.as_str(), key))
    }

    #[must_use]
    pub fn logs(&self) -> &[NoteKey] {
        &self.logs
    }

    /// Have enough witnesses signed this note? The log's own signature is not part of this.
    #[must_use]
    pub fn quorum_signed(&self, note: &Note) -> bool {
        self.quorum.as_ref().is_none_or(|name| self.holds(name, note))
    }

    fn holds(&self, name: &str, note: &Note) -> bool {
        if let Some((_, key)) = self.witnesses.iter().find(|(witness, _)| witness == name) {
            return note.check(key).is_valid();
        }
        // Groups name only earlier lines, so this recursion ends.
        self.group(name).is_some_and(|group| {
            let signed = group.members.iter().filter(|member| self.holds(member, note)).count();
            signed >= group.threshold
        })
    }

    /// The quorum in words, for a screen.
    #[must_use]
    pub fn quorum_sentence(&self) -> String {
        let Some(name) = &self.quorum else { return "no cosigner is required".to_owned() };
        match self.group(name) {
            Some(group) => format!("{} of {}", group.threshold, group.members.join(", ")),
            None => format!("the cosigner {name}"),
        }
    }
}

#[derive(Default)]
struct Reader {
    logs: Vec<NoteKey>,
    witnesses: Vec<(String, NoteKey)>,
    groups: Vec<(String, Group)>,
    quorum: Option<Option<String>>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.chars().any(|c| c < ' ' && c != '\t') {
            return Err("control characters are not allowed".to_owned());
        }
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", vkey] | ["log", vkey, _] => self.log(vkey),
            ["witness", name, vkey] | ["witness", name, vkey, _] => self.witness(name, vkey),
            ["group", name, threshold, members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            [other, ..] => Err(format!("\"{other}\" with these words is not a policy line")),
        }
    }

    fn log(&mut self, vkey: &str) -> Result<(), String> {
        let key = read_key(vkey, NoteAlgorithm::Ed25519)?;
        if self.logs.len() >= ENTRIES_MAX || self.logs.iter().any(|old| old.key() == key.key()) {
            return Err("this log is listed twice, or there are too many".to_owned());
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &str, vkey: &str) -> Result<(), String> {
        let key = read_key(vkey, NoteAlgorithm::CosignatureV1)?;
        let twice = self.witnesses.iter().any(|(_, old)| old.key() == key.key());
        if twice || self.witnesses.len() >= ENTRIES_MAX {
            return Err("this witness is listed twice, or there are too many".to_owned());
        }
        self.fresh(name)?;
        self.witnesses.push((name.to_owned(), key));
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), String> {
        self.fresh(name)?;
        if self.groups.len() >= ENTRIES_MAX || members.len() > ENTRIES_MAX {
            return Err("too many groups or members".to_owned());
        }
        for (at, member) in members.iter().enumerate() {
            let in_group =
                self.groups.iter().any(|(_, group)| group.members.iter().any(|m| m == member));
            if !self.is_defined(member) || in_group || members[..at].contains(member) {
                return Err(format!("\"{member}\" is not defined above, or is in a group already"));
            }
        }
        let threshold = match threshold {
            "all" => members.len(),
            "any" => 1,
            number => number.parse().map_err(|_| format!("\"{number}\" is not a threshold"))?,
        };
        if threshold == 0 || threshold > members.len() {
            return Err(format!("the threshold must be 1 to {}", members.len()));
        }
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.groups.push((name.to_owned(), Group { threshold, members }));
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), String> {
        if self.quorum.is_some() {
            return Err("there is a second quorum line".to_owned());
        }
        if name != "none" && !self.is_defined(name) {
            return Err(format!("\"{name}\" is not defined above"));
        }
        self.quorum = Some((name != "none").then(|| name.to_owned()));
        Ok(())
    }

    fn is_defined(&self, name: &str) -> bool {
        self.groups.iter().any(|(group, _)| group == name)
            || self.witnesses.iter().any(|(witness, _)| witness == name)
    }

    fn fresh(&self, name: &str) -> Result<(), String> {
        if name == "none" || self.is_defined(name) {
            return Err(format!("the name \"{name}\" is taken"));
        }
        Ok(())
    }
}

fn read_key(vkey: &str, algorithm: NoteAlgorithm) -> Result<NoteKey, String> {
    let key = NoteKey::parse(vkey).map_err(|error: BadNoteKey| error.to_string())?;
    if key.algorithm() != algorithm {
        return Err(
            "a log signs with Ed25519 (0x01), a witness with cosignature/v1 (0x04)".to_owned()
        );
    }
    Ok(key)
}

impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for log in &self.logs {
            writeln!(out, "log {log}")?;
        }
        for (name, key) in &self.witnesses {
            writeln!(out, "witness {name} {key}")?;
        }
        for (name, group) in &self.groups {
            writeln!(out, "group {name} {} {}", group.threshold, group.members.join(" "))?;
        }
        writeln!(out, "quorum {}", self.quorum.as_deref().unwrap_or("none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;
    use crate::note::SignatureLine;

    fn witness(seed: u8) -> (SigningKey, NoteKey) {
        let key = SigningKey::from_seed([seed; 32]);
        let name = format!("example/w{seed}");
        let vkey = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key.public());
        (key, vkey.expect("name"))
    }

    fn policy() -> Policy {
        let log_key = SigningKey::from_seed([9; 32]).public();
        let log = NoteKey::new("example/log", NoteAlgorithm::Ed25519, log_key).expect("name");
        let named = |seed| (format!("w{seed}"), witness(seed).1);
        Policy::of_clouds(vec![log], vec![named(1), named(2), named(3)], 2)
    }

    #[test]
    fn a_written_policy_reads_back() {
        let text = policy().to_string();
        assert_eq!(Policy::parse(&text), Ok(policy()));
        assert_eq!(policy().quorum_sentence(), "2 of w1, w2, w3");
    }

    #[test]
    fn two_of_three_cosigners_make_the_quorum_and_one_does_not() {
        let text = "example/log\n1\nroot\n";
        let signed_by = |seeds: &[u8]| {
            let signatures = seeds
                .iter()
                .map(|&seed| {
                    let (key, vkey) = witness(seed);
                    SignatureLine::cosign(text, 1, &vkey, &key)
                })
                .collect();
            policy().quorum_signed(&Note { text: text.to_owned(), signatures })
        };
        assert!(!signed_by(&[]));
        assert!(!signed_by(&[2]));
        assert!(!signed_by(&[2, 2]));
        assert!(!signed_by(&[2, 4]));
        assert!(signed_by(&[1, 3]));
        assert!(signed_by(&[1, 2, 3]));
    }

    #[test]
    fn broken_policies_name_the_line() {
        let (_, one) = witness(1);
        for (text, line) in [
            ("quorum nobody\n".to_owned(), 1),
            (format!("witness a {one}\nwitness b {one}\nquorum a\n"), 2),
            (format!("witness a {one}\ngroup g 2 a\nquorum g\n"), 2),
            (format!("witness a {one}\ngroup g 1 a a\nquorum g\n"), 2),
            (format!("log {one}\nquorum none\n"), 1),
            (format!("witness none {one}\nquorum none\n"), 1),
            ("quorum none\nquorum none\n".to_owned(), 2),
            ("# nothing\n".to_owned(), 0),
        ] {
            assert_eq!(Policy::parse(&text).map_err(|error| error.line), Err(line), "{text}");
        }
    }
}
