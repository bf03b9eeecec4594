//! One cloud's program: a machine for each log, what is on its way to disk, and what is on disk.

use std::collections::BTreeMap;

use domain::cloud::{Cloud, PerCloud};
use domain::log::{Head, Leaf, LogId};
use domain::quorum::{Mode, Replica, Staged};

use super::clocks::Watch;
use super::disk::Disk;
use super::evidence::Evidence;
use super::message::Record;
use super::notary::Note;

/// A range between [`Effect::Store`](domain::quorum::Effect::Store) and its end.
#[derive(Debug)]
pub struct Storing {
    pub staged: Staged,
    pub leaves: Vec<Leaf>,
}

/// All that is in one cloud's database.
#[derive(Clone, Debug)]
pub struct Database {
    pub disks: BTreeMap<LogId, Disk>,
    /// Epoch records that hold, by the log that they begin.
    pub records: BTreeMap<LogId, Record>,
    /// The one record of each epoch that this cloud gave its word for.
    pub votes: BTreeMap<LogId, Record>,
    pub evidence: Vec<Evidence>,
}

impl Database {
    pub fn new() -> Self {
        let logs = Cloud::ALL.map(|origin| LogId { origin, epoch: 1 });
        Database {
            disks: logs.into_iter().map(|log| (log, Disk::new(log))).collect(),
            records: BTreeMap::new(),
            votes: BTreeMap::new(),
            evidence: Vec::new(),
        }
    }

    /// The newest log of that cloud that is open here.
    pub fn current(&self, origin: Cloud) -> LogId {
        let logs = self.disks.keys().filter(|log| log.origin == origin);
        logs.max().copied().unwrap_or(LogId { origin, epoch: 1 })
    }

    pub fn holds(&self, log: LogId) -> bool {
        log.epoch == 1 || self.records.contains_key(&log)
    }

    pub fn is_spoiled(&self) -> bool {
        self.disks.values().any(|disk| disk.spoiled_tree || !disk.spoiled_rows.is_empty())
    }
}

/// What a program that has just started wants to know about its own log.
#[derive(Debug, Default)]
pub struct Recovery {
    /// What was asked in an earlier round does not count as heard.
    pub round: u64,
    pub began: u64,
    pub behind: bool,
    /// How much of the log each peer holds, if it was heard in this round.
    pub told: PerCloud<Option<u64>>,
}

#[derive(Debug)]
pub struct Node {
    pub cloud: Cloud,
    pub mode: Mode,
    pub database: Database,
    /// A small file beside the key: how far the own log was. Not part of the database.
    pub memory: (LogId, Head),
    /// The newest own log that this file named when the program started: in it something may be
    /// signed that the database has forgotten.
    pub begun: LogId,
    /// `None` while the program is down.
    pub replicas: Option<BTreeMap<LogId, Replica>>,
    pub storing: BTreeMap<LogId, Storing>,
    /// Verified notes that may turn out to be evidence.
    pub heard: BTreeMap<(LogId, Head), Note>,
    pub recovery: Recovery,
    pub watch: Watch,
    /// Counts restarts, of the node or of one machine: what was begun before is void.
    pub life: u64,
    /// Counts restored databases: connections from before are broken.
    pub era: u64,
    /// How much it held before its database was restored.
    pub owed: BTreeMap<LogId, u64>,
}

impl Node {
    pub fn new(cloud: Cloud, mode: Mode) -> Self {
        Node {
            cloud,
            mode,
            database: Database::new(),
            memory: (LogId { origin: cloud, epoch: 1 }, Head::empty()),
            begun: LogId { origin: cloud, epoch: 1 },
            replicas: None,
            storing: BTreeMap::new(),
            heard: BTreeMap::new(),
            recovery: Recovery::default(),
            watch: Watch::default(),
            life: 0,
            era: 0,
            owed: BTreeMap::new(),
        }
    }

    /// A second program with the keys and the data of this one.
    pub fn twin(&self) -> Self {
        let database = self.database.clone();
        Node { database, ..Node::new(self.cloud, self.mode) }
    }

    /// Until the others were asked, the own log takes nothing: an honest program `looks` first.
    pub fn start(&mut self, now: u64, looks: bool) {
        let own = self.own();
        self.begun = self.memory.0;
        let disks = &self.database.disks;
        let resume = |disk: &Disk| disk.resume(self.cloud, self.mode, looks && disk.log == own);
        self.replicas = Some(disks.values().map(|disk| (disk.log, resume(disk))).collect());
        let behind = self.memory.0 > own || self.memory.1.size > disks[&own].head().size;
        self.look_again(now, looks && behind);
        self.watch.restart();
    }

    pub fn stop(&mut self) {
        self.replicas = None;
        self.storing.clear();
        self.heard.clear();
        self.life += 1;
    }

    /// What the peers said so far does not count.
    pub fn look_again(&mut self, now: u64, behind: bool) {
        let round = self.recovery.round + 1;
        self.recovery = Recovery { round, began: now, behind, told: PerCloud::default() };
    }

    pub const fn is_up(&self) -> bool {
        self.replicas.is_some()
    }

    pub fn own(&self) -> LogId {
        self.database.current(self.cloud)
    }

    pub fn disk(&self, log: LogId) -> Option<&Disk> {
        self.database.disks.get(&log)
    }

    pub fn replica(&self, log: LogId) -> Option<&Replica> {
        self.replicas.as_ref()?.get(&log)
    }

    pub fn is_recovering(&self) -> bool {
        self.replica(self.own()).is_some_and(|replica| replica.standing().recovering)
    }

    /// How much it holds of a log or may be about to hold.
    pub fn reaches(&self, log: LogId) -> u64 {
        let stored = self.disk(log).map_or(0, |disk| disk.head().size);
        self.storing.get(&log).map_or(stored, |storing| storing.staged.to.size)
    }

    /// Writes the range that is on its way, if there is one.
    pub fn commit(&mut self, log: LogId) {
        let Some(storing) = self.storing.remove(&log) else { return };
        let Some(disk) = self.database.disks.get_mut(&log) else { return };
        disk.commit(self.cloud, &storing.staged, &storing.leaves);
        // While the log is being taken back nothing is forgotten.
        let known = (self.memory.0, self.memory.1.size);
        if log.origin == self.cloud && (log, disk.head().size) > known {
            self.memory = (log, disk.head());
        }
    }

    /// What a driver does that does not know whether its COMMIT took effect.
    pub fn resume(&mut self, log: LogId) {
        let Some(replica) = self.replicas.as_mut().and_then(|replicas| replicas.get_mut(&log))
        else {
            return;
        };
        let recovering = replica.standing().recovering;
        *replica = self.database.disks[&log].resume(self.cloud, self.mode, recovering);
    }

    /// Begins to drive a log that it did not have.
    pub fn open(&mut self, log: LogId, recovering: bool) {
        let disk = Disk::new(log);
        if let Some(replicas) = &mut self.replicas {
            replicas.insert(log, disk.resume(self.cloud, self.mode, recovering));
        }
        self.database.disks.insert(log, disk);
    }
}
