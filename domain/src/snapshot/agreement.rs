//! Two clouds with one hash: a snapshot is agreed. Where they differ, this says in what.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Manifest;
use super::section::{Section, SectionName};
use crate::cloud::Cloud;
use crate::log::Hash;

/// As many clouds as make an event final make a snapshot agreed.
const AGREE: usize = 2;

/// How the clouds' attestations of one snapshot stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Standing {
    /// Fewer than two have attested.
    Waiting,
    /// Two or three attested this hash. Whoever attested another is wrong about something.
    Agreed { hash: Hash, by: Vec<Cloud>, others: Vec<Cloud> },
    /// Two attested, and differ; or all three did.
    Disagreed,
}

impl Standing {
    /// Of the hash that each cloud attested last, by FINAL events of its own log.
    #[must_use]
    pub fn of(attested: &BTreeMap<Cloud, Hash>) -> Standing {
        let mut by_hash: BTreeMap<Hash, Vec<Cloud>> = BTreeMap::new();
        for (cloud, hash) in attested {
            by_hash.entry(*hash).or_default().push(*cloud);
        }
        let agreed = by_hash.iter().find(|(_, by)| by.len() >= AGREE);
        if let Some((hash, by)) = agreed {
            let others = attested.keys().copied().filter(|cloud| !by.contains(cloud)).collect();
            return Standing::Agreed { hash: *hash, by: by.clone(), others };
        }
        if attested.len() < AGREE { Standing::Waiting } else { Standing::Disagreed }
    }

    #[must_use]
    pub const fn agreed(&self) -> Option<Hash> {
        match self {
            Standing::Agreed { hash, .. } => Some(*hash),
            Standing::Waiting | Standing::Disagreed => None,
        }
    }
}

/// The first thing in which two manifests differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "in")]
pub enum Difference {
    /// What stands before the sections: their format, number, period, or the snapshot before.
    Head,
    /// The root of a log at the cut.
    Root { log: String },
    /// The rows of a log or a month in a section.
    Rows { section: SectionName, part: String },
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Head => out.write_str("the manifest's head"),
            Difference::Root { log } => write!(out, "the root of {log}"),
            Difference::Rows { section, part } => write!(out, "section {section}, {part}"),
        }
    }
}

/// Where two manifests differ first. `None`: they are equal.
#[must_use]
pub fn difference(one: &Manifest, two: &Manifest) -> Option<Difference> {
    if one == two {
        return None;
    }
    let roots = one.cut.iter().zip(&two.cut).find(|(one, two)| one != two);
    if let Some((one, two)) = roots
        && one.log == two.log
    {
        return Some(Difference::Root { log: one.log.clone() });
    }
    let rows = SectionName::ALL.into_iter().find_map(|section| {
        let part = differing_part(one.section(section), two.section(section))?;
        Some(Difference::Rows { section, part })
    });
    Some(rows.unwrap_or(Difference::Head))
}

/// Parts stand in order, so the first that differs is missing in one or has other rows.
fn differing_part(one: &Section, two: &Section) -> Option<String> {
    let names = one.parts.iter().chain(&two.parts).map(|part| part.name.as_str());
    let of = |section: &Section, name: &str| {
        section.parts.iter().find(|part| part.name == name).cloned()
    };
    let mut differing: Vec<&str> = names.filter(|name| of(one, name) != of(two, name)).collect();
    differing.sort_unstable();
    differing.first().map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::section::{Row, SectionHasher};
    use super::super::{LogPart, MANIFEST_FORMAT};
    use super::*;
    use crate::event::TenantId;
    use crate::usage::{UsageKey, UsageSum};

    fn hash(byte: u8) -> Hash {
        Hash([byte; 32])
    }

    fn usage(requests: i64) -> Section {
        let key = UsageKey {
            tenant_id: TenantId::platform(),
            provider: "vertex".into(),
            model: "m".into(),
            region: "eu".into(),
            hour: "2026-10-01T00:00:00Z".parse().expect("an hour"),
        };
        let mut hasher = SectionHasher::default();
        hasher.push(Row::of_usage(&key, &UsageSum { requests, ..UsageSum::default() }));
        hasher.finish()
    }

    fn manifest(root: u8, requests: i64) -> Manifest {
        let empty = SectionHasher::default().finish();
        Manifest {
            format: MANIFEST_FORMAT.into(),
            deployment: "test.example".into(),
            number: 1,
            period: "2026-10".parse().expect("a month"),
            previous: None,
            cut: vec![LogPart { log: "gcp/1".into(), from: 0, size: 7, root: hash(root) }],
            events: empty.clone(),
            usage: usage(requests),
            ledger: empty,
        }
    }

    #[test]
    fn two_equal_hashes_agree_and_two_different_ones_do_not() {
        let attested = |list: &[(Cloud, u8)]| {
            Standing::of(&list.iter().map(|(cloud, byte)| (*cloud, hash(*byte))).collect())
        };
        assert_eq!(attested(&[(Cloud::Gcp, 1)]), Standing::Waiting);
        assert_eq!(attested(&[(Cloud::Gcp, 1), (Cloud::Aws, 2)]), Standing::Disagreed);
        let three = attested(&[(Cloud::Gcp, 1), (Cloud::Aws, 2), (Cloud::Azure, 1)]);
        let by = vec![Cloud::Gcp, Cloud::Azure];
        assert_eq!(three, Standing::Agreed { hash: hash(1), by, others: vec![Cloud::Aws] });
        let all = attested(&[(Cloud::Gcp, 1), (Cloud::Aws, 2), (Cloud::Azure, 3)]);
        assert_eq!(all, Standing::Disagreed);
    }

    #[test]
    fn the_first_difference_is_named() {
        let (one, same) = (manifest(1, 5), manifest(1, 5));
        assert_eq!(difference(&one, &same), None);
        let root = Difference::Root { log: "gcp/1".into() };
        assert_eq!(difference(&one, &manifest(2, 6)), Some(root));
        let rows = Difference::Rows { section: SectionName::Usage, part: "2026-10".into() };
        assert_eq!(difference(&one, &manifest(1, 6)), Some(rows));
        let other = Manifest { number: 2, ..manifest(1, 5) };
        assert_eq!(difference(&one, &other), Some(Difference::Head));
        assert_ne!(one.hash(), other.hash());
    }
}
