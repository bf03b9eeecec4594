//! Why an input is held: one code for programs, and for people what it means and what can be done.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why an input does not count. The codes stand in the database and in JSON: never rename one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Malformed,
    BadHash,
    BadSignature,
    ForeignSignature,
    WeakKey,
    UnknownKey,
    RevokedKey,
    SlotConflict,
    SizeMismatch,
    RootMismatch,
    RuleBroken,
    IdConflict,
    FaultyEpoch,
}

impl Reason {
    pub const ALL: [Reason; 13] = [
        Reason::Malformed,
        Reason::BadHash,
        Reason::BadSignature,
        Reason::ForeignSignature,
        Reason::WeakKey,
        Reason::UnknownKey,
        Reason::RevokedKey,
        Reason::SlotConflict,
        Reason::SizeMismatch,
        Reason::RootMismatch,
        Reason::RuleBroken,
        Reason::IdConflict,
        Reason::FaultyEpoch,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::BadHash => "bad_hash",
            Reason::BadSignature => "bad_signature",
            Reason::ForeignSignature => "foreign_signature",
            Reason::WeakKey => "weak_key",
            Reason::UnknownKey => "unknown_key",
            Reason::RevokedKey => "revoked_key",
            Reason::SlotConflict => "slot_conflict",
            Reason::SizeMismatch => "size_mismatch",
            Reason::RootMismatch => "root_mismatch",
            Reason::RuleBroken => "rule_broken",
            Reason::IdConflict => "id_conflict",
            Reason::FaultyEpoch => "faulty_epoch",
        }
    }

    /// Two or three words for a list.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Reason::Malformed => "Malformed",
            Reason::BadHash => "Bad hash",
            Reason::BadSignature => "Bad signature",
            Reason::ForeignSignature => "Foreign signature",
            Reason::WeakKey => "Weak key",
            Reason::UnknownKey => "Unknown key",
            Reason::RevokedKey => "Revoked key",
            Reason::SlotConflict => "Slot conflict",
            Reason::SizeMismatch => "Size mismatch",
            Reason::RootMismatch => "Root mismatch",
            Reason::RuleBroken => "Rule broken",
            Reason::IdConflict => "Id conflict",
            Reason::FaultyEpoch => "Faulty epoch",
        }
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Reason::Malformed => "The bytes are not in the form that this version reads.",
            Reason::BadHash => {
                "The contents do not give the hash that stands under the signed root: they are \
                 not what was signed."
            }
            Reason::BadSignature => {
                "The signature does not hold for these bytes: they were changed after signing, \
                 or whoever sent them does not have the key."
            }
            Reason::ForeignSignature => {
                "It is signed, but with a key of another cloud or of another role than it must be."
            }
            Reason::WeakKey => {
                "The key has small order: some signatures under it hold for any message, so it \
                 proves nothing."
            }
            Reason::UnknownKey => "It is signed with a key that is not pinned at this cloud.",
            Reason::RevokedKey => {
                "It is signed with a key that was valid once and has been revoked since."
            }
            Reason::SlotConflict => {
                "Something else stands at this place of the log, and the log's origin signed both."
            }
            Reason::SizeMismatch => {
                "It does not end where the signed checkpoint ends: entries are missing or added."
            }
            Reason::RootMismatch => {
                "The entries lead to another root than the one that was signed: at least one of \
                 them is not what its origin recorded."
            }
            Reason::RuleBroken => {
                "It breaks a rule of the log that no honest origin breaks, such as a payload that \
                 is not in canonical form."
            }
            Reason::IdConflict => "One event id was used for different contents.",
            Reason::FaultyEpoch => {
                "It belongs to an epoch of a log that is closed, or frozen since its origin broke \
                 the rules."
            }
        }
    }

    /// What a person can do, in one or two sentences.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Reason::Malformed => {
                "Compare the versions of sender and receiver. There is nothing in it to release."
            }
            Reason::BadHash => {
                "Nothing is lost: what was signed stands in the log. Find out where the sender's \
                 copy was changed (GET /v1/scrub there)."
            }
            Reason::BadSignature => {
                "Reject it. If it comes again and again, look at the network in between, and \
                 compare the keys in both configurations."
            }
            Reason::ForeignSignature => {
                "Compare the keys in both configurations. If they are right, that other key is in \
                 wrong hands: change it."
            }
            Reason::WeakKey => {
                "Reject it, and find out who sends it: no honest program makes such a key."
            }
            Reason::UnknownKey => {
                "If that cloud has new keys, enter them in the configuration here and restart; it \
                 then sends the same again by itself. Else reject it."
            }
            Reason::RevokedKey => "Reject it. What is genuine is sent again under the new key.",
            Reason::SlotConflict => {
                "What stands in the log here goes on counting. Both signatures together are \
                 evidence against the origin: keep them, and ask its operators."
            }
            Reason::SizeMismatch | Reason::RootMismatch => {
                "The copy here stays at the last checkpoint that it could verify, and asks the \
                 other clouds for the right entries. Reject this one once it has gone on."
            }
            Reason::RuleBroken => {
                "The copy here stays at the last checkpoint before it. Ask the operators of its \
                 origin; an event in it that is needed can be released under a new id."
            }
            Reason::IdConflict => {
                "Compare the contents. Release takes the right one into account, under a new id or \
                 by choosing its place; reject leaves things as they are."
            }
            Reason::FaultyEpoch => {
                "Its origin sends what is valid again in its next epoch. An event that is needed \
                 at once can be released under a new id."
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// The text is no reason's code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a reason for which inputs are held")]
pub struct UnknownReason(pub String);

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let known = Reason::ALL.into_iter().find(|reason| reason.code() == text);
        known.ok_or_else(|| UnknownReason(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_its_own_code_that_json_and_text_agree_on() {
        let codes: BTreeSet<&str> = Reason::ALL.into_iter().map(Reason::code).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse(), Ok(reason));
            assert_eq!(serde_json::to_value(reason).expect("text"), reason.code());
        }
        assert!("bad_luck".parse::<Reason>().is_err());
    }

    #[test]
    fn every_reason_says_in_sentences_what_it_means_and_what_to_do() {
        for reason in Reason::ALL {
            for sentence in [reason.meaning(), reason.remedy()] {
                assert!(sentence.ends_with('.') && sentence.len() > 30, "{reason}: {sentence}");
            }
        }
    }
}
