//! What must hold after every step, seen from outside the clouds.

use domain::cloud::{Cloud, PerCloud};
use domain::log::{Head, Leaf};

use super::node::Node;

/// Remembers what was ever shown as final.
#[derive(Debug, Default)]
pub struct Witness {
    finals: PerCloud<Vec<Leaf>>,
    /// By cloud and log, how much was compared: stores only grow.
    compared: PerCloud<PerCloud<usize>>,
}

impl Witness {
    /// A signature leaves the house: the head is durable in it, and the origin signed it.
    pub fn released(&self, nodes: &PerCloud<Node>, cloud: Cloud, log: Cloud, head: Head) {
        let stored = nodes.get(cloud).disks.get(log).root_at(head.size);
        assert_eq!(stored, Some(head.root), "{cloud} signed what it has not stored");
        let origin = &nodes.get(log).disks.get(log).checkpoints;
        assert!(origin.contains(&head), "{cloud} signed what {log} has not signed");
    }

    /// A cloud shows what it counts as final.
    pub fn shown(&mut self, nodes: &PerCloud<Node>, cloud: Cloud, log: Cloud) {
        let disk = nodes.get(cloud).disks.get(log);
        let size = usize::try_from(disk.shown.0).expect("small");
        let shown = disk.leaves.get(..size).expect("what is shown as final is stored");
        let finals = self.finals.get_mut(log);
        let known = finals.len().min(size);
        finals.extend_from_slice(&shown[known..]);
        for other in Cloud::ALL {
            let theirs = nodes.get(other).disks.get(log);
            let signed = *disk.signed.clouds.get(other);
            assert!(disk.root_at(signed).is_some(), "{cloud} counts what it has not stored");
            assert_eq!(
                theirs.root_at(signed),
                disk.root_at(signed),
                "{other} lacks what {cloud} counts it for"
            );
        }
        let from = std::mem::replace(self.compared.get_mut(cloud).get_mut(log), size);
        assert_eq!(shown[from..], finals[from..size], "{cloud} shows another event as final");
    }
}
