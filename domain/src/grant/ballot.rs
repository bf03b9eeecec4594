//! The numbers under which proposers compete.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::json::INTEGER_MAX;

/// A round of one cloud. Ordered by round, then by cloud: no two clouds ever share a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ballot {
    /// From 1.
    round: u64,
    cloud: Cloud,
}

/// The text is not a ballot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a ballot of the form <round>.<cloud>, such as 3.gcp")]
pub struct BadBallot(String);

impl Ballot {
    /// This cloud's first ballot above `seen`. `None` once rounds are used up, which takes a
    /// cloud that wants it so.
    #[must_use]
    pub fn after(seen: Option<Ballot>, cloud: Cloud) -> Option<Ballot> {
        let round = seen.map_or(0, |ballot| ballot.round) + 1;
        (round <= INTEGER_MAX).then_some(Ballot { round, cloud })
    }

    #[must_use]
    pub const fn round(self) -> u64 {
        self.round
    }

    /// Whose it is.
    #[must_use]
    pub const fn cloud(self) -> Cloud {
        self.cloud
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.round, self.cloud)
    }
}

impl FromStr for Ballot {
    type Err = BadBallot;

    fn from_str(text: &str) -> Result<Self, BadBallot> {
        let read = || {
            let (round, cloud) = text.split_once('.')?;
            let ballot = Ballot { round: round.parse().ok()?, cloud: cloud.parse().ok()? };
            // One spelling only: the text is signed.
            let fits = (1..=INTEGER_MAX).contains(&ballot.round) && ballot.to_string() == text;
            fits.then_some(ballot)
        };
        read().ok_or_else(|| BadBallot(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Ballot {
    type Error = BadBallot;

    fn try_from(text: String) -> Result<Self, BadBallot> {
        text.parse()
    }
}

impl From<Ballot> for String {
    fn from(ballot: Ballot) -> String {
        ballot.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ballot_has_one_spelling_and_follows_every_one_that_was_seen() {
        let first = Ballot::after(None, Cloud::Azure).expect("a ballot");
        let second = Ballot::after(Some(first), Cloud::Gcp).expect("a ballot");
        assert!(second > first);
        assert_eq!(second.to_string(), "2.gcp");
        assert_eq!("2.gcp".parse(), Ok(second));
        for bad in ["", "0.gcp", "02.gcp", "+2.gcp", "2.GCP", "2.ibm", "9007199254740993.gcp"] {
            assert!(bad.parse::<Ballot>().is_err(), "{bad}");
        }
        let last = "9007199254740992.gcp".parse().expect("the last round");
        assert_eq!(Ballot::after(Some(last), Cloud::Aws), None);
    }
}
