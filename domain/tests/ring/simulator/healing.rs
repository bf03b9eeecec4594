//! The end of every story: everybody is up, everything gets through, nobody lies, and nobody
//! records anything new. Then what is honest must come to agree, and what is not must be found.

use domain::cloud::Cloud;
use domain::log::LogId;

use super::cast::TWIN;
use super::disk::Disk;
use super::network::Network;
use super::world::World;

/// Between two looks whether all is well.
const LOOK: u64 = 60;

impl World {
    /// # Panics
    /// If something is not well after so long.
    pub fn heal(&mut self, duration: u64) {
        self.healing = true;
        self.network = Network::perfect();
        self.tell(|_| "trouble ends".to_owned());
        self.cast.run_twin(false);
        if let Some(twin) = self.nodes.get_mut(TWIN) {
            twin.stop();
        }
        for cloud in Cloud::ALL {
            self.restart(cloud.index());
            self.scrub_in_time(cloud.index());
        }
        let end = self.now + duration;
        loop {
            self.run(LOOK);
            match self.open_matter() {
                None => break,
                Some(matter) => assert!(self.now < end, "{matter}"),
            }
        }
        self.tell(|_| "all is well".to_owned());
        self.tally.add("ticks of healing", self.now - (end - duration));
        self.assert_honest_keys_signed_one_history();
    }

    /// What is not well yet.
    fn open_matter(&self) -> Option<String> {
        let mut logs: Vec<LogId> = Vec::new();
        for node in &self.nodes[..TWIN] {
            let name = node.cloud;
            let forked = self.cast.may_fork(name);
            if node.is_recovering() && !forked {
                return Some(format!("{name} still takes its log back"));
            }
            if !node.database.holds(node.own()) && !forked {
                return Some(format!("{name} waits for approval of {}", node.own()));
            }
            if node.database.is_spoiled() {
                return Some(format!("{name}'s store is still spoiled"));
            }
            logs.extend(node.database.disks.keys());
        }
        logs.sort_unstable();
        logs.dedup();
        logs.into_iter().find_map(|log| {
            if self.cast.may_fork(log.origin) { self.unproven(log) } else { self.unequal(log) }
        })
    }

    /// All who are honest hold the same, and know that all do.
    fn unequal(&self, log: LogId) -> Option<String> {
        let nodes = self.nodes[..TWIN].iter().filter(|node| !self.cast.may_fork(node.cloud));
        let Some(expected) = self.nodes[log.origin.index()].disk(log).map(Disk::head) else {
            return Some(format!("the origin of {log} does not know it"));
        };
        let everybody = Cloud::ALL.iter().all(|cloud| !self.cast.may_fork(*cloud));
        for node in nodes {
            let Some(disk) = node.disk(log) else {
                return Some(format!("{} does not know {log}", node.cloud));
            };
            if disk.head() != expected {
                return Some(format!("{}: {log} is another than its origin's", node.cloud));
            }
            let (last, replicated) = disk.shown;
            if last != expected.size || everybody && replicated != expected.size {
                return Some(format!("{}: {log} is not final to its end", node.cloud));
            }
        }
        None
    }

    /// Where two clouds hold two histories, both who are honest have frozen the log; where they do
    /// not, they hold the same.
    fn unproven(&self, log: LogId) -> Option<String> {
        let disks: Vec<&Disk> =
            self.nodes[..TWIN].iter().filter_map(|node| node.disk(log)).collect();
        let differ = |one: &Disk, other: &Disk| {
            let size = one.head().size.min(other.head().size);
            one.tree.root_at(size) != other.tree.root_at(size)
        };
        let forked = disks.iter().any(|one| disks.iter().any(|other| differ(one, other)));
        let peers = log.origin.peers().map(|peer| self.nodes[peer.index()].disk(log));
        let [Some(one), Some(other)] = peers else { return None };
        if forked && (one.frozen.is_none() || other.frozen.is_none()) {
            return Some(format!("{log} has two histories and is not frozen"));
        }
        if one.frozen.is_some() != other.frozen.is_some() {
            return Some(format!("one cloud alone has frozen {log}"));
        }
        let ended = one.frozen.or(one.closing.map(|head| head.size)).is_some();
        (!ended && one.head() != other.head()).then(|| format!("the peers' copies of {log} differ"))
    }

    /// Whatever an honest key signed lies on the one history that its holder has, or was never
    /// shown to anybody before the database was replaced by an old copy.
    fn assert_honest_keys_signed_one_history(&self) {
        for node in &self.nodes[..TWIN] {
            if self.cast.may_fork(node.cloud) {
                continue;
            }
            for disk in node.database.disks.values() {
                for head in self.notary.heads_by(node.cloud.into(), disk.log) {
                    let ours = disk.tree.root_at(head.size);
                    let lost = ours.is_none() && !node.owed.is_empty();
                    let cloud = node.cloud;
                    assert!(lost || ours == Some(head.root), "{cloud} signed two histories");
                }
            }
        }
    }
}
