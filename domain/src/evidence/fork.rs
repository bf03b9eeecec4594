//! Two signed heads of one log that cannot both belong to one append-only log.

use serde::{Deserialize, Serialize};

use crate::evidence::accused::Accused;
use crate::evidence::verify::signed;
use crate::evidence::{Evidence, Kind};
use crate::key::NoteKey;
use crate::log::proof::is_consistent;
use crate::log::{Checkpoint, Hash, Head};
use crate::note::Note;
use crate::policy::Policy;
use crate::receipt::{Step, step};

/// Two heads that one key signed.
///
/// Of one size they have two roots. Of sizes m < n, a consistency proof leads from *another* root
/// over m entries to the larger tree's root: what the larger tree begins with is not what the
/// smaller head says (RFC 6962, section 2.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// The key that is blamed.
    pub key: NoteKey,
    /// C2SP signed note over the smaller tree.
    pub first: String,
    /// C2SP signed note over the larger tree, or the other one of the same size.
    pub second: String,
    /// Absent for two heads of one size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
}

/// What the larger tree begins with, as far as the smaller one reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// The larger tree's root over the first m entries.
    pub root: Hash,
    /// The consistency proof from m to n.
    pub proof: Vec<Hash>,
}

/// There is no fork between two heads, or nothing to prove it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFork {
    #[error("a note is not over a checkpoint")]
    NotACheckpoint,
    #[error("the notes are about two logs")]
    TwoLogs,
    #[error("the second head must be the larger one")]
    Order,
    #[error("both heads belong to one history, or the proof does not show that they do not")]
    NotShown,
    #[error("no key of the policy signed both")]
    NobodySignedBoth,
}

/// Blames everybody of the policy who signed both heads: one record for each, the origin first.
///
/// `smaller` and `larger` are in the order of their sizes. For different sizes, `prefix` is what
/// the tree under `larger` has at the smaller size: its root ([`crate::log::plan::root`]) and the
/// proof from there ([`crate::log::plan::consistency`]). Each record is proven under the policy
/// before it is given.
///
/// # Errors
/// Why there is nothing to blame anybody for.
pub fn against_signers_of(
    smaller: &Note,
    larger: &Note,
    prefix: Option<&Prefix>,
    policy: &Policy,
) -> Result<Vec<Evidence>, NoFork> {
    let (first, second) = (Signed::read(smaller)?, Signed::read(larger)?);
    if first.checkpoint.origin != second.checkpoint.origin {
        return Err(NoFork::TwoLogs);
    }
    if first.checkpoint.head.size > second.checkpoint.head.size {
        return Err(NoFork::Order);
    }
    if !forks(first.checkpoint.head, second.checkpoint.head, prefix) {
        return Err(NoFork::NotShown);
    }
    let log_name = &first.checkpoint.origin;
    let keys = policy.logs().iter().chain(policy.witnesses().map(|(_, key)| key));
    let guilty = keys.filter(|key| smaller.check(key).is_valid() && larger.check(key).is_valid());
    let mut found: Vec<(Accused, Evidence)> = Vec::new();
    for key in guilty {
        let Some(accused) = Accused::of_names(log_name, key) else { continue };
        // An origin signs with two keys; its log's own comes first and is enough.
        if found.iter().all(|(known, _)| known.cloud != accused.cloud) {
            let evidence = accuse(&accused, key, [&first, &second], prefix);
            found.extend(evidence.is_proven(policy).then_some((accused, evidence)));
        }
    }
    if found.is_empty() {
        return Err(NoFork::NobodySignedBoth);
    }
    found.sort_by_key(|(accused, _)| accused.cloud != accused.log.origin);
    Ok(found.into_iter().map(|(_, evidence)| evidence).collect())
}

fn accuse(
    accused: &Accused,
    key: &NoteKey,
    mut heads: [&Signed<'_>; 2],
    prefix: Option<&Prefix>,
) -> Evidence {
    if prefix.is_none() {
        // Two roots of one size have no order of their own; one record has one id.
        heads.sort_by_key(|signed| signed.checkpoint.head.root);
    }
    let [first, second] = heads.map(|signed| only_line_of(signed.note, key).to_string());
    let fork = Fork { key: key.clone(), first, second, prefix: prefix.cloned() };
    if accused.fits(Kind::Equivocation) {
        Evidence::Equivocation(fork)
    } else {
        Evidence::DoubleCosignature(fork)
    }
}

/// The signatures of others have nothing to do with it, and differ from finder to finder.
fn only_line_of(note: &Note, key: &NoteKey) -> Note {
    let signatures = note.line_of(key).into_iter().cloned().collect();
    Note { text: note.text.clone(), signatures }
}

struct Signed<'a> {
    note: &'a Note,
    checkpoint: Checkpoint,
}

impl<'a> Signed<'a> {
    fn read(note: &'a Note) -> Result<Self, NoFork> {
        let checkpoint = Checkpoint::parse(&note.text).map_err(|_| NoFork::NotACheckpoint)?;
        Ok(Signed { note, checkpoint })
    }
}

/// Is it shown that no append-only log has both heads? `first` is not the larger one.
fn forks(first: Head, second: Head, prefix: Option<&Prefix>) -> bool {
    match prefix {
        None => first.size == second.size && first.root != second.root,
        Some(Prefix { root, proof }) => {
            let begins = Head { size: first.size, root: *root };
            first.size < second.size
                && begins.root != first.root
                && is_consistent(begins, second, proof)
        }
    }
}

impl Fork {
    /// The sizes of both trees, if both notes can be read.
    #[must_use]
    pub fn sizes(&self) -> Option<(u64, u64)> {
        let size = |text: &str| read(text).map(|(_, checkpoint)| checkpoint.head.size);
        Some((size(&self.first)?, size(&self.second)?))
    }

    /// The log's name, if both notes are about one.
    pub(super) fn log_name(&self) -> Option<String> {
        let name = |text: &str| read(text).map(|(_, checkpoint)| checkpoint.origin);
        name(&self.first).filter(|first| Some(first) == name(&self.second).as_ref())
    }

    pub(super) fn steps(&self, accused: Option<&Accused>) -> Vec<Step> {
        vec![
            self.one_log(),
            self.conflict(),
            signed("the first head", &self.first, &self.key, accused),
            signed("the second head", &self.second, &self.key, accused),
        ]
    }

    fn one_log(&self) -> Step {
        let name = self.log_name();
        step(
            "Both heads are of one log",
            "first line of both checkpoints (C2SP tlog-checkpoint)",
            vec![("first head", text_of(&self.first)), ("second head", text_of(&self.second))],
            name.clone().unwrap_or_else(|| "they are not, or cannot be read".to_owned()),
            name.is_some(),
        )
    }

    fn conflict(&self) -> Step {
        let (Some((_, first)), Some((_, second))) = (read(&self.first), read(&self.second)) else {
            let result = "a head cannot be read".to_owned();
            return step(
                "No append-only log has both heads",
                "RFC 6962",
                Vec::new(),
                result,
                false,
            );
        };
        let (first, second) = (first.head, second.head);
        let ok = forks(first, second, self.prefix.as_ref());
        match &self.prefix {
            None => two_roots(first, second, ok),
            Some(prefix) => two_beginnings(first, second, prefix, ok),
        }
    }
}

fn two_roots(first: Head, second: Head, ok: bool) -> Step {
    let result = match (first.size == second.size, first.root == second.root) {
        (false, _) => "the sizes differ, and no proof says what the larger tree begins with",
        (true, true) => "both are one and the same head",
        (true, false) => "two roots",
    };
    step(
        &format!("Two roots stand for the same {} entries", first.size),
        "one list of entries has one root (RFC 6962)",
        vec![
            ("sizes", format!("{}, {}", first.size, second.size)),
            ("first root", first.root.to_string()),
            ("second root", second.root.to_string()),
        ],
        result.to_owned(),
        ok,
    )
}

fn two_beginnings(first: Head, second: Head, prefix: &Prefix, ok: bool) -> Step {
    let siblings = prefix.proof.iter().map(Hash::to_string).collect::<Vec<_>>().join("\n");
    let begins = Head { size: first.size, root: prefix.root };
    let result = if first.size >= second.size {
        "the second head must be the larger one".to_owned()
    } else if !is_consistent(begins, second, &prefix.proof) {
        "the proof does not lead to the second root".to_owned()
    } else if prefix.root == first.root {
        "the second head continues the first: one history".to_owned()
    } else {
        format!("the second tree begins with {}", prefix.root)
    };
    step(
        &format!("The second tree's first {} entries are not those of the first head", first.size),
        "RFC 6962 consistency proof, from another root than the first one",
        vec![
            ("sizes", format!("{}, {}", first.size, second.size)),
            ("first root", first.root.to_string()),
            ("second root", second.root.to_string()),
            ("what the second tree begins with", prefix.root.to_string()),
            ("siblings", siblings),
        ],
        result,
        ok,
    )
}

/// A note over a checkpoint.
pub(super) fn read(text: &str) -> Option<(Note, Checkpoint)> {
    let note = Note::parse(text).ok()?;
    let checkpoint = Checkpoint::parse(&note.text).ok()?;
    Some((note, checkpoint))
}

/// What was signed, or else whatever stands there.
pub(super) fn text_of(note: &str) -> String {
    Note::parse(note).map_or_else(|_| note.to_owned(), |note| note.text)
}
