//! What a program does with its machines: feeds them what arrives, and performs what they ask.

use domain::log::{Hash, Head, Leaf, LogId};
use domain::quorum::{Effect, Input, Refusal, Signer};

use super::cast::{Persona, Place};
use super::evidence::Evidence;
use super::message::{Letter, Message};
use super::node::Storing;
use super::notary::Note;
use super::world::{Event, World};

impl World {
    pub fn arrive(&mut self, from: Place, to: Place, letter: Letter) {
        if !self.nodes[to].watch.observe(letter.clock, self.now) {
            self.tally.count("clocks too far ahead, not heeded");
        }
        match letter.message {
            Message::Offer { start, leaves, note } => self.offered(to, start, leaves, note),
            Message::Signed(note) => {
                self.hear(to, note);
                if note.log.origin != self.nodes[from].cloud {
                    self.supply(to, from, note.log, note.head.size);
                }
            }
            Message::Lacks { log, size } => self.supply(to, from, log, size),
            Message::Evidence(evidence) => self.accept(to, evidence),
            word => self.arrive_about_epochs(from, to, word),
        }
    }

    /// Signatures are verified before the machine hears of them.
    fn offered(&mut self, place: Place, start: u64, leaves: Vec<Leaf>, note: Note) {
        let Some(note) = self.notary.verified(&note) else {
            return self.tally.count("forged notes dropped");
        };
        self.step(place, note.log, Input::Offer { start, leaves, head: note.head });
        self.hear(place, note);
    }

    pub fn hear(&mut self, place: Place, note: Note) {
        if note.head.size == 0 || self.nodes[place].replica(note.log).is_none() {
            return;
        }
        let Some(verified) = self.notary.verified(&note) else {
            return self.tally.count("forged notes dropped");
        };
        if verified != note {
            self.tally.count("forged lines dropped");
        }
        self.face_longer_log(place, &verified);
        let node = &mut self.nodes[place];
        let me = node.cloud;
        let known = node.heard.entry((verified.log, verified.head)).or_insert(verified);
        known.lines = known.lines.map(|by, line| *line || *verified.lines.get(by));
        for by in verified.signers().filter(|by| *by != me) {
            self.step(place, verified.log, Input::Signed { by, head: verified.head });
        }
    }

    /// Sends `to` what it lacks, now and then more than that.
    fn supply(&mut self, from: Place, to: Place, log: LogId, size: u64) {
        let start = size.saturating_sub(self.random.one_of(&[0, 0, 0, 2, 500]));
        let reach = self.random.one_of(&[0, 0, 1, 5, 1000]);
        let Some(disk) = self.nodes[from].disk(log).filter(|disk| disk.head().size > size) else {
            return;
        };
        if let Some((leaves, note)) = disk.range_from(start, reach) {
            let cloud = self.nodes[to].cloud;
            self.send(from, cloud, Message::Offer { start, leaves, note });
        }
    }

    pub fn step(&mut self, place: Place, log: LogId, input: Input) {
        let leaves = match &input {
            Input::Propose(leaves) | Input::Offer { leaves, .. } => leaves.clone(),
            _ => Vec::new(),
        };
        let replicas = self.nodes[place].replicas.as_mut();
        let Some(replica) = replicas.and_then(|replicas| replicas.get_mut(&log)) else { return };
        for effect in replica.step(input) {
            if self.crashes_here(place) {
                return;
            }
            self.perform(place, log, &leaves, effect);
        }
        self.show(place, log);
    }

    fn perform(&mut self, place: Place, log: LogId, leaves: &[Leaf], effect: Effect) {
        let life = self.nodes[place].life;
        match effect {
            Effect::Store(staged) => {
                let storing = Storing { staged, leaves: leaves.to_vec() };
                let before = self.nodes[place].storing.insert(log, storing);
                assert!(before.is_none(), "one range at a time");
                let delay = self.random.between(1, 15);
                self.after(delay, Event::StoreEnds { at: place, log, life });
            }
            Effect::Release(head) => self.release(place, log, head),
            Effect::CompareRoot { by, head } => {
                self.tally.count("roots compared");
                let delay = self.random.between(1, 50);
                self.after(delay, Event::RootKnown { at: place, log, by, head, life });
            }
            Effect::Refuse(refusal) => self.refused(place, log, refusal),
            Effect::Final(_) | Effect::Replicated(_) => {}
            Effect::Conflict { by, theirs, ours } => self.conflict(place, log, by, theirs, ours),
        }
    }

    /// Our signature leaves the house, and the range with it if we are the origin. Others pass on
    /// what they took, so that an origin that is cut off from one cloud still reaches it.
    fn release(&mut self, place: Place, log: LogId, head: Head) {
        let node = &self.nodes[place];
        let (cloud, disk) = (node.cloud, &node.database.disks[&log]);
        if self.cast.is_honest(place) {
            self.observer.released(node, disk, head, &self.notary);
        }
        let note = Note::new(log, head, &[log.origin.into(), cloud.into()]);
        let before = disk.notes.len().saturating_sub(2);
        let start = disk.notes.get(before).map_or(0, |note| note.head.size);
        let range = disk.range_from(start, 0);
        self.tell(|world| format!("{} signs {log} at {}", world.name(place), head.size));
        for peer in cloud.peers() {
            self.send(place, peer, Message::Signed(note));
            if peer != log.origin
                && let Some((leaves, note)) = range.clone()
                && (cloud == log.origin || self.random.percent(30))
            {
                self.send(place, peer, Message::Offer { start, leaves, note });
            }
        }
    }

    fn refused(&mut self, place: Place, log: LogId, refusal: Refusal) {
        match refusal {
            Refusal::Busy => self.tally.count("offers while storing"),
            Refusal::Gap { have, .. } => {
                self.tally.count("offers with a gap");
                for peer in self.nodes[place].cloud.peers() {
                    self.send(place, peer, Message::Lacks { log, size: have });
                }
            }
            Refusal::RootMismatch { .. } => {
                let misled = self.cast.may_fork(log.origin)
                    || self.plans.spoils.is_some()
                    || self.cast.persona.is_some_and(|(_, it)| it == Persona::Forger);
                assert!(misled, "{}: {log}: {refusal}", self.name(place));
                self.tally.count("offers of other leaves refused");
            }
            Refusal::NotTheOrigin => self.tally.count("offers to the origin refused"),
            Refusal::Closed { .. } => self.tally.count("refused since closed"),
            Refusal::Frozen => self.tally.count("refused since frozen"),
            Refusal::Recovering => self.tally.count("refused since recovering"),
            Refusal::SizeMismatch { .. } => self.tally.count("offers of another size refused"),
            Refusal::Empty | Refusal::Full => panic!("{}: {log}: {refusal}", self.name(place)),
        }
    }

    pub fn root_known(&mut self, place: Place, log: LogId, by: Signer, head: Head) {
        let ours = self.nodes[place].disk(log).and_then(|disk| disk.tree.root_at(head.size));
        let ours = ours.expect("asked only for sizes that are stored");
        if self.healing || !self.random.percent(10) {
            self.step(place, log, Input::OurRoot { by, head, ours });
        }
    }

    /// Two roots for one size: with both signed heads it is evidence, or else our store is bad.
    fn conflict(&mut self, place: Place, log: LogId, by: Signer, theirs: Head, ours: Hash) {
        assert_ne!(theirs.root, ours);
        self.tally.count("conflicts");
        self.tell(|world| {
            format!("{}: {by} has another {log} at {}", world.name(place), theirs.size)
        });
        let node = &self.nodes[place];
        let Some(note) = node.heard.get(&(log, theirs)).copied() else { return };
        let disk = &node.database.disks[&log];
        match Evidence::against(note, disk).filter(|it| !it.named(&self.notary).is_empty()) {
            Some(evidence) => self.accept(place, evidence),
            None => {
                let spoiled = disk.spoiled_tree || !disk.spoiled_rows.is_empty();
                assert!(spoiled, "{}: a conflict of {log} proves nothing", self.name(place));
                self.tally.count("conflicts with a spoiled store");
                self.scrub(place);
            }
        }
    }

    /// Durable first, then in force.
    fn accept(&mut self, place: Place, evidence: Evidence) {
        let named = evidence.named(&self.notary);
        let log = evidence.larger.log;
        let known = &mut self.nodes[place].database.evidence;
        if named.is_empty() || known.iter().any(|known| known.larger.log == log) {
            return;
        }
        for signer in named {
            let guilty = signer.cloud().is_some_and(|cloud| self.cast.may_fork(cloud));
            assert!(guilty, "{signer} is named by evidence, and has done nothing");
        }
        known.push(evidence);
        self.tally.count("evidence found");
        self.tell(|world| format!("{} holds evidence against {log}", world.name(place)));
        self.freeze_what_is_proven(place);
    }

    /// A log is frozen between two ranges: what is being stored is signed afterwards.
    pub fn freeze_what_is_proven(&mut self, place: Place) {
        let node = &self.nodes[place];
        let proven: Vec<LogId> = node.database.evidence.iter().map(|it| it.larger.log).collect();
        for log in proven {
            let node = &mut self.nodes[place];
            let busy = node.storing.contains_key(&log);
            let Some(disk) = node.database.disks.get_mut(&log) else { continue };
            if !busy && disk.frozen.is_none() {
                disk.frozen = Some(disk.head().size);
                self.tally.count("logs frozen");
                self.step(place, log, Input::Freeze);
            }
        }
    }

    /// The range, its head and the signature are durable in one transaction.
    pub fn commit(&mut self, place: Place, log: LogId) {
        let node = &mut self.nodes[place];
        if node.storing.contains_key(&log) {
            node.commit(log);
            let head = node.database.disks[&log].head();
            self.notary.sign(node.cloud.into(), log, head);
        }
    }

    /// Durable first, then shown to the world.
    pub fn show(&mut self, place: Place, log: LogId) {
        let node = &mut self.nodes[place];
        let Some(replica) = node.replicas.as_ref().and_then(|replicas| replicas.get(&log)) else {
            return;
        };
        let Some(disk) = node.database.disks.get_mut(&log) else { return };
        disk.signed = *replica.signed();
        let shown = (replica.final_size(), replica.replicated_size());
        let before = std::mem::replace(&mut disk.shown, shown);
        assert!(shown.0 >= before.0, "{}: finality of {log} went back", node.cloud);
        assert!(shown.1 >= before.1, "{}: replication of {log} went back", node.cloud);
        if self.cast.is_honest(place) {
            let split = self.observer.shown(&self.nodes, &self.cast, &self.notary, place, log);
            if split {
                self.tally.count("slots made final twice, and proven");
                self.tell(|world| {
                    format!("{} shows another branch of {log} as final", world.name(place))
                });
            }
        }
    }
}
