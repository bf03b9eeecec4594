//! What must hold after every step, seen from outside the clouds.

use std::collections::{BTreeMap, BTreeSet};

use domain::cloud::Cloud;
use domain::log::{Head, Leaf, LogId};
use domain::quorum::{Mode, Signer};

use super::cast::{Cast, Place};
use super::disk::Disk;
use super::evidence::Evidence;
use super::node::Node;
use super::notary::Notary;

/// Remembers what honest clouds ever showed as final.
#[derive(Debug, Default)]
pub struct Observer {
    /// By log, each leaf with who showed it first.
    finals: BTreeMap<LogId, Vec<(Leaf, Place)>>,
    /// By place and log, how much was compared: stores only grow.
    compared: BTreeMap<(Place, LogId), usize>,
    /// Of whom how much was found where it must be.
    certified: BTreeMap<(Place, LogId, Cloud), u64>,
    /// Who shows another branch than the first.
    split: BTreeSet<(Place, LogId)>,
}

impl Observer {
    /// A signature leaves an honest house: the head is durable in it, the origin signed it, and
    /// the log was not frozen before.
    pub fn released(&self, node: &Node, disk: &Disk, head: Head, notary: &Notary) {
        let (cloud, log) = (node.cloud, disk.log);
        assert_eq!(disk.head(), head, "{cloud} signed what it has not stored");
        assert!(notary.has_signed(log.origin.into(), log, head), "{cloud} signed before {log}");
        assert!(disk.frozen.is_none_or(|size| head.size <= size), "{cloud} signs a frozen {log}");
    }

    /// This place's database is an old copy.
    pub fn restored(&mut self, place: Place) {
        self.compared.retain(|(at, _), _| *at != place);
        self.certified.retain(|(at, _, _), _| *at != place);
    }

    /// An honest cloud shows what it counts as final. True if it is seen for the first time that
    /// another honest cloud shows another branch, and that is proven.
    pub fn shown(
        &mut self,
        nodes: &[Node],
        cast: &Cast,
        notary: &Notary,
        place: Place,
        log: LogId,
    ) -> bool {
        let disk = &nodes[place].database.disks[&log];
        self.assert_certified(nodes, cast, place, disk);
        let size = usize::try_from(disk.shown.0).expect("small");
        assert!(size <= disk.rows.len(), "{place} shows as final what it does not hold");
        let compared = self.compared.insert((place, log), size).unwrap_or(0);
        let finals = self.finals.entry(log).or_default();
        for at in compared..size {
            let leaf = disk.written(at).expect("within");
            match finals.get(at) {
                None => finals.push((leaf, place)),
                Some((known, _)) if *known == leaf => {}
                Some((_, other)) => {
                    if self.split.insert((place, log)) {
                        let other = &nodes[*other];
                        assert_split_is_proven(&nodes[place], other, log, at, cast, notary);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// What we count an honest cloud for, it holds; unless its database is an old copy, and what
    /// it lacks is still being taken back.
    fn assert_certified(&mut self, nodes: &[Node], cast: &Cast, place: Place, disk: &Disk) {
        let log = disk.log;
        for cloud in Cloud::ALL.into_iter().filter(|cloud| !cast.may_fork(*cloud)) {
            let signed = *disk.signed.clouds.get(cloud);
            let known = self.certified.insert((place, log, cloud), signed);
            if known == Some(signed) || disk.spoiled_tree {
                continue;
            }
            let node = &nodes[cloud.index()];
            let theirs = node.disk(log).filter(|theirs| theirs.head().size >= signed);
            let Some(theirs) = theirs else {
                let owed = node.owed.get(&log).copied().unwrap_or(0);
                assert!(owed >= signed, "{cloud} lacks what {place} counts it for in {log}");
                continue;
            };
            let same =
                theirs.spoiled_tree || theirs.tree.root_at(signed) == disk.tree.root_at(signed);
            assert!(same, "{cloud} holds another {log} than {place} counts it for");
        }
    }
}

/// Two honest clouds show different events as final in one place: their stores together must
/// prove who is to blame, and only the mode that says so may have let it happen.
fn assert_split_is_proven(
    one: &Node,
    other: &Node,
    log: LogId,
    at: usize,
    cast: &Cast,
    notary: &Notary,
) {
    let both = format!("{} and {} show two events as final: {log}/{at}", one.cloud, other.cloud);
    assert_eq!(one.mode, Mode::TwoOfThree, "{both}");
    assert!(cast.may_fork(log.origin), "{both}");
    let (one, other) = (&one.database.disks[&log], &other.database.disks[&log]);
    let (smaller, larger) =
        if one.head().size <= other.head().size { (one, other) } else { (other, one) };
    let last = smaller.notes.last().expect("what is final is signed");
    let evidence = Evidence::against(*last, larger).expect("both hold what they signed");
    let named = evidence.named(notary);
    assert!(named.contains(&Signer::of(log.origin)), "{both}, and nothing proves it");
    let guilty = |by: &Signer| by.cloud().is_some_and(|cloud| cast.may_fork(cloud));
    assert!(named.iter().all(guilty), "{both}, and {named:?} are blamed");
}
