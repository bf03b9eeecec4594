//! What is granted: a resource, and which of its versions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::EventId;
use crate::json::INTEGER_MAX;

/// Longest name of a resource within its family: a tenant's id and a UUID fit side by side.
pub const RESOURCE_NAME_CHARS_MAX: usize = 120;

const EVENT_LABEL: &[u8] = b"ternion/grant-event/v1\n";

/// The kinds of things of which exactly one may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Who may act for all, for a time: a publisher, a selector. See [`super::Lease`].
    Lease,
    /// Which price is the n-th.
    Price,
    /// Which policy is the n-th.
    Policy,
    /// Who executes a version of a proposal.
    Approval,
    /// Where the n-th audit snapshot is cut.
    Snapshot,
    /// Which of the events under one id has effect.
    Conflict,
    /// Which transaction publishes a hash. See [`crate::anchor::state`].
    Anchor,
    /// Which switch of the traffic is the n-th.
    Routing,
}

impl Family {
    pub const ALL: [Family; 8] = [
        Family::Lease,
        Family::Price,
        Family::Policy,
        Family::Approval,
        Family::Snapshot,
        Family::Conflict,
        Family::Anchor,
        Family::Routing,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Family::Lease => "lease",
            Family::Price => "price",
            Family::Policy => "policy",
            Family::Approval => "approval",
            Family::Snapshot => "snapshot",
            Family::Conflict => "conflict",
            Family::Anchor => "anchor",
            Family::Routing => "routing",
        }
    }

    /// Must version n be decided before n + 1 is voted on? Where each version replaces the one
    /// before, yes: who proposes the next must have seen the last. A proposal whose first version
    /// was never executed may well execute its second, and a fee may be raised by a cloud that did
    /// not set it.
    #[must_use]
    pub const fn in_sequence(self) -> bool {
        match self {
            Family::Lease | Family::Price | Family::Policy | Family::Snapshot | Family::Routing => {
                true
            }
            Family::Approval | Family::Conflict | Family::Anchor => false,
        }
    }
}

/// The text names no resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error(
        "\"{0}\" is not a resource; use <family>/<name>, the family one of lease, price, policy, \
         approval, snapshot, conflict, anchor and routing"
    )]
    Family(String),
    #[error(
        "the name of a resource must be 1 to {RESOURCE_NAME_CHARS_MAX} characters of a-z, A-Z, \
         0-9, '.', '_', ':', '-' and '/'"
    )]
    Name,
    #[error("a version is a whole number from 1 to 2^53")]
    Version,
}

/// What is granted, such as `lease/anchor-publisher` or `price/pro`. It stands in signed texts as
/// a line of its own, so its characters are few.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resource {
    family: Family,
    name: String,
}

impl Resource {
    /// # Errors
    /// [`BadName::Name`].
    pub fn new(family: Family, name: impl Into<String>) -> Result<Self, BadName> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-/".contains(&byte);
        let fits = (1..=RESOURCE_NAME_CHARS_MAX).contains(&name.len());
        if fits && name.bytes().all(allowed) {
            Ok(Resource { family, name })
        } else {
            Err(BadName::Name)
        }
    }

    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The name within its family.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.family.name(), self.name)
    }
}

impl FromStr for Resource {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let unknown = || BadName::Family(text.chars().take(RESOURCE_NAME_CHARS_MAX).collect());
        let (family, name) = text.split_once('/').ok_or_else(unknown)?;
        let family = Family::ALL.into_iter().find(|known| known.name() == family);
        Resource::new(family.ok_or_else(unknown)?, name)
    }
}

impl TryFrom<String> for Resource {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> String {
        resource.to_string()
    }
}

/// Which grant of a resource, counted from 1. The fencing token: it never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Version(u64);

impl Version {
    pub const FIRST: Version = Version(1);

    /// # Errors
    /// [`BadName::Version`]: JSON could not carry it.
    pub const fn new(number: u64) -> Result<Self, BadName> {
        if number >= 1 && number <= INTEGER_MAX {
            Ok(Version(number))
        } else {
            Err(BadName::Version)
        }
    }

    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version after this one. `None` after the last that JSON can carry.
    #[must_use]
    pub fn next(self) -> Option<Version> {
        Version::new(self.0 + 1).ok()
    }

    /// The version before this one. `None` before the first.
    #[must_use]
    pub fn previous(self) -> Option<Version> {
        Version::new(self.0 - 1).ok()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl TryFrom<u64> for Version {
    type Error = BadName;

    fn try_from(number: u64) -> Result<Self, BadName> {
        Version::new(number)
    }
}

impl From<Version> for u64 {
    fn from(version: Version) -> u64 {
        version.0
    }
}

/// One question that has one answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantId {
    pub resource: Resource,
    pub version: Version,
}

impl GrantId {
    /// The grant that must be decided before this one, if the resource asks for sequence.
    #[must_use]
    pub fn predecessor(&self) -> Option<GrantId> {
        let version = self.version.previous()?;
        let in_sequence = self.resource.family().in_sequence();
        in_sequence.then(|| GrantId { resource: self.resource.clone(), version })
    }

    /// The id of the event that records the decision: whoever records it, and however often, it
    /// is one event.
    #[must_use]
    pub fn event_id(&self) -> EventId {
        let mut hasher = Sha256::new();
        hasher.update(EVENT_LABEL);
        hasher.update(format!("{}\n{}", self.resource, self.version));
        let digest: [u8; 32] = hasher.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        EventId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} version {}", self.resource, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(resource: &str, version: u64) -> GrantId {
        let resource = resource.parse().expect("a resource");
        GrantId { resource, version: Version::new(version).expect("a version") }
    }

    #[test]
    fn a_resource_reads_back_and_what_could_break_a_line_is_refused() {
        for family in Family::ALL {
            let text = format!("{}/a-b/c:1.x_Y", family.name());
            assert_eq!(text.parse::<Resource>().expect("valid").to_string(), text);
        }
        for bad in ["", "lease", "lease/", "lease/a b", "lease/a\nb", "lease/é", "other/a"] {
            assert!(bad.parse::<Resource>().is_err(), "{bad}");
        }
        let long = "x".repeat(RESOURCE_NAME_CHARS_MAX + 1);
        assert_eq!(Resource::new(Family::Lease, long), Err(BadName::Name));
    }

    #[test]
    fn versions_begin_at_one_and_end_where_json_does() {
        assert!(Version::new(0).is_err() && Version::new(INTEGER_MAX + 1).is_err());
        assert_eq!(Version::FIRST.previous(), None);
        assert_eq!(Version::FIRST.next().map(Version::number), Some(2));
        assert_eq!(Version::new(INTEGER_MAX).expect("the last").next(), None);
    }

    #[test]
    fn only_what_replaces_its_predecessor_waits_for_it() {
        assert_eq!(grant("price/pro", 3).predecessor(), Some(grant("price/pro", 2)));
        assert_eq!(grant("price/pro", 1).predecessor(), None);
        assert_eq!(grant("approval/7", 3).predecessor(), None);
    }

    #[test]
    fn every_grant_has_an_event_id_of_its_own_that_never_changes() {
        let id = grant("price/pro", 3).event_id();
        assert_eq!(id, grant("price/pro", 3).event_id());
        assert_eq!(id.0.get_version_num(), 8);
        for other in [grant("price/pro", 4), grant("price/pr", 3), grant("policy/pro", 3)] {
            assert_ne!(other.event_id(), id, "{other}");
        }
    }
}
