//! The three clouds of a deployment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the three independently operated clouds. The order is fixed: it is the order of
/// arrays indexed by cloud, and of the clouds on every screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    Gcp,
    Aws,
    Azure,
}

/// How many clouds a deployment has. The quorum rule and every array by cloud rest on it.
pub const CLOUD_COUNT: usize = 3;

impl Cloud {
    pub const ALL: [Cloud; CLOUD_COUNT] = [Cloud::Gcp, Cloud::Aws, Cloud::Azure];

    /// The name used in JSON, in configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cloud::Gcp => "gcp",
            Cloud::Aws => "aws",
            Cloud::Azure => "azure",
        }
    }

    /// The name people know the provider by.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Cloud::Gcp => "Google Cloud",
            Cloud::Aws => "AWS",
            Cloud::Azure => "Azure",
        }
    }

    /// Position in arrays by cloud.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Cloud::Gcp => 0,
            Cloud::Aws => 1,
            Cloud::Azure => 2,
        }
    }

    /// The code that stands for this cloud in hashed bytes and in the database. Never renumber:
    /// leaves of old logs contain it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Cloud::Gcp => 1,
            Cloud::Aws => 2,
            Cloud::Azure => 3,
        }
    }

    /// The inverse of [`Cloud::code`].
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Cloud> {
        match code {
            1 => Some(Cloud::Gcp),
            2 => Some(Cloud::Aws),
            3 => Some(Cloud::Azure),
            _ => None,
        }
    }

    /// The other two clouds, in fixed order.
    #[must_use]
    pub const fn peers(self) -> [Cloud; CLOUD_COUNT - 1] {
        match self {
            Cloud::Gcp => [Cloud::Aws, Cloud::Azure],
            Cloud::Aws => [Cloud::Gcp, Cloud::Azure],
            Cloud::Azure => [Cloud::Gcp, Cloud::Aws],
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The text names no cloud.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a cloud; use gcp, aws or azure")]
pub struct UnknownCloud(pub String);

impl FromStr for Cloud {
    type Err = UnknownCloud;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Cloud::ALL
            .into_iter()
            .find(|cloud| cloud.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownCloud(text.to_owned()))
    }
}

/// One value for each cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerCloud<T> {
    pub gcp: T,
    pub aws: T,
    pub azure: T,
}

impl<T> PerCloud<T> {
    /// Fills each place from its cloud.
    pub fn from_fn(mut make: impl FnMut(Cloud) -> T) -> Self {
        PerCloud { gcp: make(Cloud::Gcp), aws: make(Cloud::Aws), azure: make(Cloud::Azure) }
    }

    pub const fn get(&self, cloud: Cloud) -> &T {
        match cloud {
            Cloud::Gcp => &self.gcp,
            Cloud::Aws => &self.aws,
            Cloud::Azure => &self.azure,
        }
    }

    pub const fn get_mut(&mut self, cloud: Cloud) -> &mut T {
        match cloud {
            Cloud::Gcp => &mut self.gcp,
            Cloud::Aws => &mut self.aws,
            Cloud::Azure => &mut self.azure,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Cloud, &T)> {
        Cloud::ALL.into_iter().map(|cloud| (cloud, self.get(cloud)))
    }

    pub fn map<U>(&self, mut change: impl FnMut(Cloud, &T) -> U) -> PerCloud<U> {
        PerCloud::from_fn(|cloud| change(cloud, self.get(cloud)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_lead_back_to_their_cloud() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.name().parse(), Ok(cloud));
            assert_eq!(Cloud::from_code(cloud.code()), Some(cloud));
            assert!(!cloud.peers().contains(&cloud));
        }
        assert_eq!("AWS".parse(), Ok(Cloud::Aws));
        assert!("oracle".parse::<Cloud>().is_err());
        assert_eq!(Cloud::from_code(0), None);
    }
}
