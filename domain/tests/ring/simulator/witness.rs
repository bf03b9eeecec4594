//! The fourth cosigner, who holds no data: it signs only what extends what it signed.

use std::collections::BTreeMap;

use domain::log::proof::is_consistent;
use domain::log::{Head, LogId};
use domain::quorum::Signer;

use super::cast::Place;
use super::notary::Note;
use super::world::{Event, World};

#[derive(Debug, Default)]
pub struct Witness {
    signed: BTreeMap<LogId, Head>,
}

impl World {
    pub fn ask_witness(&mut self, place: Place) {
        let logs: Vec<LogId> = self.nodes[place].database.disks.keys().copied().collect();
        for log in logs {
            if self.healing || self.random.percent(60) {
                let delay = self.random.between(1, 20);
                self.after(delay, Event::AtWitness { from: place, log });
            }
        }
    }

    /// The question with its proof and the answer, in one go.
    pub fn at_witness(&mut self, from: Place, log: LogId) {
        let node = &self.nodes[from];
        let Some(disk) = node.disk(log).filter(|_| node.is_up()) else { return };
        let head = self.witness.signed.get(&log).copied().unwrap_or(Head::empty());
        let asked = disk.note(node.cloud);
        let proof = disk.tree.consistency(head.size, asked.head.size).unwrap_or_default();
        let is_next = asked.head.size > head.size
            && self.notary.verified(&asked).is_some()
            && is_consistent(head, asked.head, &proof);
        let answer = if is_next { asked.head } else { head };
        if is_next {
            self.witness.signed.insert(log, answer);
            self.notary.sign(Signer::Witness, log, answer);
            self.tally.count("heads signed by the witness");
        } else if asked.head.size > head.size {
            self.tally.count("heads not signed by the witness");
        }
        self.hear(from, Note::new(log, answer, &[log.origin.into(), Signer::Witness]));
    }
}
