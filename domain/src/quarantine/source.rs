//! From whom a held input came, as far as that is proven.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalog::NAME_CHARS_MAX;
use crate::cloud::Cloud;

/// Who sent it. What is kept is bounded for each source by itself, so that nobody's flood pushes
/// out what another sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Another cloud; its transport signature holds.
    Peer(Cloud),
    /// Somebody who says to be that cloud and has not proven it: perhaps it, perhaps anybody.
    Unproven(Cloud),
    /// A person or program that was let in, by login.
    Client(String),
    /// The logs themselves: what several origins recorded under one id.
    Logs,
}

const UNPROVEN: &str = "unproven:";
const CLIENT: &str = "client:";
const LOGS: &str = "logs";

impl Source {
    /// For screens: "AWS", "somebody who says to be AWS".
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Source::Peer(cloud) => cloud.title().to_owned(),
            Source::Unproven(cloud) => format!("somebody who says to be {}", cloud.title()),
            Source::Client(login) => format!("the client {login}"),
            Source::Logs => "the logs of several clouds".to_owned(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Peer(cloud) => cloud.fmt(out),
            Source::Unproven(cloud) => write!(out, "{UNPROVEN}{cloud}"),
            Source::Client(login) => write!(out, "{CLIENT}{login}"),
            Source::Logs => out.write_str(LOGS),
        }
    }
}

/// The text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a source; use gcp, aws, azure, unproven:<cloud>, client:<login> or logs")]
pub struct BadSource(pub String);

impl FromStr for Source {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let bad = || BadSource(text.to_owned());
        let cloud = |name: &str| name.parse::<Cloud>().map_err(|_| bad());
        if text == LOGS {
            return Ok(Source::Logs);
        }
        if let Some(login) = text.strip_prefix(CLIENT) {
            let fits = (1..=NAME_CHARS_MAX).contains(&login.chars().count());
            return fits.then(|| Source::Client(login.to_owned())).ok_or_else(bad);
        }
        match text.strip_prefix(UNPROVEN) {
            Some(name) => cloud(name).map(Source::Unproven),
            None => cloud(text).map(Source::Peer),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_reads_back_and_a_login_cannot_pass_for_a_cloud() {
        let sources = [
            Source::Peer(Cloud::Aws),
            Source::Unproven(Cloud::Azure),
            Source::Client("aws".to_owned()),
            Source::Client("logs".to_owned()),
            Source::Logs,
        ];
        let texts: Vec<String> = sources.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["aws", "unproven:azure", "client:aws", "client:logs", "logs"]);
        for (source, text) in sources.into_iter().zip(texts) {
            assert_eq!(text.parse(), Ok(source));
        }
        for bad in ["", "ibm", "unproven:", "client:"] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }
}
