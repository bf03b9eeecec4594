//! One cloud: a machine for each log, what is on its way to disk, and what is on disk.

use domain::cloud::{Cloud, PerCloud};
use domain::log::{Leaf, LogId};
use domain::quorum::{Replica, Staged};

use super::disk::Disk;

/// A range between [`Effect::Store`](domain::quorum::Effect::Store) and its end.
#[derive(Debug)]
pub struct Storing {
    pub staged: Staged,
    pub leaves: Vec<Leaf>,
}

#[derive(Debug)]
pub struct Node {
    pub cloud: Cloud,
    /// By the log's origin, as all below.
    pub disks: PerCloud<Disk>,
    /// `None` while the cloud is down.
    pub replicas: Option<PerCloud<Replica>>,
    pub storing: PerCloud<Option<Storing>>,
    /// Counts restarts, of the node or of one machine: what was begun before is void.
    pub life: u64,
}

impl Node {
    pub fn new(cloud: Cloud) -> Self {
        let disks = PerCloud::from_fn(|origin| Disk::new(LogId { origin, epoch: 1 }));
        let mut node =
            Node { cloud, disks, replicas: None, storing: PerCloud::from_fn(|_| None), life: 0 };
        node.start();
        node
    }

    pub fn start(&mut self) {
        self.replicas = Some(PerCloud::from_fn(|log| self.disks.get(log).resume(self.cloud)));
    }

    pub const fn is_up(&self) -> bool {
        self.replicas.is_some()
    }

    /// Writes the range that is on its way, if there is one.
    pub fn commit(&mut self, log: Cloud) {
        if let Some(storing) = self.storing.get_mut(log).take() {
            self.disks.get_mut(log).commit(&storing.staged, &storing.leaves);
        }
    }

    /// What a driver does that does not know whether its COMMIT took effect.
    pub fn resume(&mut self, log: Cloud) {
        let replica = self.disks.get(log).resume(self.cloud);
        if let Some(replicas) = &mut self.replicas {
            *replicas.get_mut(log) = replica;
        }
    }
}
