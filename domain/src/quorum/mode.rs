//! Who signs, and how many signatures make an event final.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cloud::{CLOUD_COUNT, Cloud, PerCloud};

/// Whoever puts a signature under a log's checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signer {
    Gcp,
    Aws,
    Azure,
    /// A fourth cosigner elsewhere, who holds no data: it signs only what extends what it signed.
    Witness,
}

impl Signer {
    pub const ALL: [Signer; CLOUD_COUNT + 1] =
        [Signer::Gcp, Signer::Aws, Signer::Azure, Signer::Witness];

    /// The cloud, unless it is the witness.
    #[must_use]
    pub const fn cloud(self) -> Option<Cloud> {
        match self {
            Signer::Gcp => Some(Cloud::Gcp),
            Signer::Aws => Some(Cloud::Aws),
            Signer::Azure => Some(Cloud::Azure),
            Signer::Witness => None,
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.cloud() {
            Some(cloud) => cloud.name(),
            None => "witness",
        }
    }

    /// The code that stands for it in the database; a cloud's is [`Cloud::code`].
    #[must_use]
    pub const fn code(self) -> u8 {
        match self.cloud() {
            Some(cloud) => cloud.code(),
            None => 4,
        }
    }

    /// The inverse of [`Signer::code`].
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Signer> {
        match (Cloud::from_code(code), code) {
            (Some(cloud), _) => Some(Signer::of(cloud)),
            (None, 4) => Some(Signer::Witness),
            (None, _) => None,
        }
    }

    #[must_use]
    pub const fn of(cloud: Cloud) -> Signer {
        match cloud {
            Cloud::Gcp => Signer::Gcp,
            Cloud::Aws => Signer::Aws,
            Cloud::Azure => Signer::Azure,
        }
    }
}

impl From<Cloud> for Signer {
    fn from(cloud: Cloud) -> Self {
        Signer::of(cloud)
    }
}

impl PartialEq<Cloud> for Signer {
    fn eq(&self, cloud: &Cloud) -> bool {
        self.cloud() == Some(*cloud)
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// One value for each signer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSigner<T> {
    pub clouds: PerCloud<T>,
    pub witness: T,
}

impl<T> PerSigner<T> {
    pub const fn get(&self, signer: Signer) -> &T {
        match signer.cloud() {
            Some(cloud) => self.clouds.get(cloud),
            None => &self.witness,
        }
    }

    pub const fn get_mut(&mut self, signer: Signer) -> &mut T {
        match signer.cloud() {
            Some(cloud) => self.clouds.get_mut(cloud),
            None => &mut self.witness,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Signer, &T)> {
        Signer::ALL.into_iter().map(|signer| (signer, self.get(signer)))
    }

    pub fn map<U>(&self, mut change: impl FnMut(Signer, &T) -> U) -> PerSigner<U> {
        PerSigner {
            clouds: self.clouds.map(|cloud, value| change(cloud.into(), value)),
            witness: change(Signer::Witness, &self.witness),
        }
    }
}

/// What FINAL means in a deployment.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(try_from = "String")]
pub enum Mode {
    /// Two of the three clouds. Goes on while one is down; a cloud that signs two histories is
    /// found and proven, but may have had both made final.
    #[default]
    #[serde(rename = "2of3")]
    TwoOfThree,
    /// All three clouds. Safe with one dishonest cloud; stands still while one is down.
    #[serde(rename = "unanimous")]
    Unanimous,
    /// Three of the four that are the three clouds and the witness. Safe with one dishonest
    /// signer, and goes on while one is down.
    #[serde(rename = "witness")]
    Witness,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::TwoOfThree, Mode::Unanimous, Mode::Witness];

    /// The name in configuration and in epoch records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::TwoOfThree => "2of3",
            Mode::Unanimous => "unanimous",
            Mode::Witness => "witness",
        }
    }

    /// How many signatures make an event final.
    #[must_use]
    pub const fn threshold(self) -> usize {
        match self {
            Mode::TwoOfThree => 2,
            Mode::Unanimous | Mode::Witness => 3,
        }
    }

    /// With fewer clouds than these nothing new becomes final, whoever else signs.
    #[must_use]
    pub const fn clouds_needed(self) -> u8 {
        match self {
            Mode::TwoOfThree | Mode::Witness => 2,
            Mode::Unanimous => 3,
        }
    }

    /// Does this signer's signature count?
    #[must_use]
    pub fn counts(self, signer: Signer) -> bool {
        signer != Signer::Witness || self == Mode::Witness
    }

    /// Everything below this size is final, given what each has signed of one log.
    ///
    /// Every size that somebody signed is a checkpoint that the origin signed too, so the n-th
    /// largest is one root under which n signatures stand.
    #[must_use]
    pub fn final_size(self, signed: &PerSigner<u64>) -> u64 {
        let counted = signed.iter().filter(|(signer, _)| self.counts(*signer));
        nth_largest(self.threshold(), counted.map(|(_, size)| *size).collect())
    }

    /// What it guarantees, in one sentence for people.
    #[must_use]
    pub const fn guarantee(self) -> &'static str {
        match self {
            Mode::TwoOfThree => {
                "Final means two of the three clouds hold it and have signed: one cloud may be \
                 down, and one that signs two histories is found and proven, not prevented."
            }
            Mode::Unanimous => {
                "Final means all three clouds hold it and have signed: no single dishonest cloud \
                 can have two histories made final, and nothing becomes final while one is down."
            }
            Mode::Witness => {
                "Final means three of four have signed, who are the three clouds and the witness: no \
                 single dishonest one can have two histories made final, and one may be down."
            }
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The text names no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a mode; use 2of3, unanimous or witness")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Mode::ALL
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

impl TryFrom<String> for Mode {
    type Error = UnknownMode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The size up to which at least `count` of these have signed; nobody and nothing is 0.
fn nth_largest(count: usize, mut sizes: Vec<u64>) -> u64 {
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    count.checked_sub(1).and_then(|at| sizes.get(at)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(gcp: u64, aws: u64, azure: u64, witness: u64) -> PerSigner<u64> {
        PerSigner { clouds: PerCloud { gcp, aws, azure }, witness }
    }

    #[test]
    fn each_mode_counts_its_own_signers() {
        let sizes = signed(9, 4, 7, 8);
        assert_eq!(Mode::TwoOfThree.final_size(&sizes), 7);
        assert_eq!(Mode::Unanimous.final_size(&sizes), 4);
        assert_eq!(Mode::Witness.final_size(&sizes), 7);
        assert_eq!(Mode::Witness.final_size(&signed(9, 0, 0, 9)), 0, "data must stand in two");
        assert_eq!(Mode::TwoOfThree.final_size(&signed(9, 0, 0, 9)), 0, "no cloud's signature");
    }

    #[test]
    fn names_and_codes_lead_back() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(serde_json::to_value(mode).expect("JSON"), mode.name());
        }
        for signer in Signer::ALL {
            assert_eq!(Signer::from_code(signer.code()), Some(signer));
        }
        assert_eq!(Signer::from_code(5), None);
        assert!("3of3".parse::<Mode>().is_err());
    }
}
