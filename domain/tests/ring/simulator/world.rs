//! Three clouds, three logs, one clock. Everything that happens is an event in one queue.

use std::collections::BTreeMap;

use domain::cloud::{Cloud, PerCloud};
use domain::log::{Head, Leaf};
use domain::quorum::{Effect, Input, Refusal, Signer};

use super::invariants::Witness;
use super::network::{Message, Network};
use super::node::{Node, Storing};
use super::random::Random;

/// Between two beats of a cloud: it proposes, and tells the others what it has.
const BEAT: u64 = 10;
/// Between two changes of the weather.
const CHANGE: u64 = 60;

#[derive(Debug)]
enum Event {
    Beat(Cloud),
    Arrive { from: Cloud, to: Cloud, log: Cloud, message: Message },
    StoreEnds { at: Cloud, log: Cloud, life: u64 },
    RootKnown { at: Cloud, log: Cloud, by: Signer, head: Head, life: u64 },
    Change,
    Restart(Cloud),
}

/// How much happened: a run in which nothing goes wrong proves nothing.
#[derive(Debug, Default)]
pub struct Tally {
    pub crashes: u64,
    pub failed_stores: u64,
    pub doubtful_stores: u64,
    pub compared: u64,
    pub gaps: u64,
    pub busy: u64,
    pub leaves: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.crashes += other.crashes;
        self.failed_stores += other.failed_stores;
        self.doubtful_stores += other.doubtful_stores;
        self.compared += other.compared;
        self.gaps += other.gaps;
        self.busy += other.busy;
        self.leaves += other.leaves;
    }
}

#[derive(Debug)]
pub struct World {
    random: Random,
    now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    nodes: PerCloud<Node>,
    network: Network,
    witness: Witness,
    healing: bool,
    pub tally: Tally,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = World {
            random: Random::of(seed),
            now: 0,
            queue: BTreeMap::new(),
            queued: 0,
            nodes: PerCloud::from_fn(Node::new),
            network: Network::perfect(),
            witness: Witness::default(),
            healing: false,
            tally: Tally::default(),
        };
        for cloud in Cloud::ALL {
            world.after(1, Event::Beat(cloud));
        }
        world.after(1, Event::Change);
        world
    }

    /// Lets things go wrong for so long.
    pub fn run(&mut self, duration: u64) {
        let end = self.now + duration;
        while let Some(next) = self.queue.first_entry()
            && next.key().0 <= end
        {
            let ((now, _), event) = next.remove_entry();
            self.now = now;
            self.happen(event);
        }
        self.now = end;
    }

    /// Everybody is up, everything gets through, and nobody proposes.
    pub fn heal(&mut self, duration: u64) {
        self.healing = true;
        self.network = Network::perfect();
        for cloud in Cloud::ALL {
            if !self.nodes.get(cloud).is_up() {
                self.nodes.get_mut(cloud).start();
            }
        }
        self.run(duration);
    }

    /// All hold the same, and all know that all do.
    pub fn assert_converged(&self) {
        for log in Cloud::ALL {
            let head = self.nodes.get(log).disks.get(log).head();
            for cloud in Cloud::ALL {
                let node = self.nodes.get(cloud);
                assert_eq!(node.disks.get(log).head(), head, "{cloud} of {log}'s log");
                assert_eq!(node.disks.get(log).shown, (head.size, head.size), "{cloud} of {log}");
            }
        }
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now + delay, self.queued), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Beat(cloud) => self.beat(cloud),
            Event::Arrive { from, to, log, message } => self.arrive(from, to, log, message),
            Event::StoreEnds { at, log, life } if self.lives(at, life) => self.store_ends(at, log),
            Event::RootKnown { at, log, by, head, life } if self.lives(at, life) => {
                self.root_known(at, log, by, head);
            }
            Event::StoreEnds { .. } | Event::RootKnown { .. } => {}
            Event::Change => self.change(),
            Event::Restart(cloud) if !self.nodes.get(cloud).is_up() => {
                self.nodes.get_mut(cloud).start();
            }
            Event::Restart(_) => {}
        }
    }

    fn lives(&self, cloud: Cloud, life: u64) -> bool {
        let node = self.nodes.get(cloud);
        node.is_up() && node.life == life
    }

    fn beat(&mut self, cloud: Cloud) {
        self.after(BEAT, Event::Beat(cloud));
        if !self.nodes.get(cloud).is_up() {
            return;
        }
        if !self.healing && self.random.percent(70) {
            let leaves = self.fresh_leaves();
            self.step(cloud, cloud, Input::Propose(leaves));
        }
        for log in Cloud::ALL {
            let head = self.nodes.get(cloud).disks.get(log).head();
            for peer in cloud.peers() {
                self.send(cloud, peer, log, &Message::Signed(head));
                self.send(cloud, peer, log, &Message::Holds(head.size));
            }
        }
    }

    /// No two are alike: a range that was not stored is followed by a different one.
    fn fresh_leaves(&mut self) -> Vec<Leaf> {
        let count = if self.random.percent(3) { 300 } else { self.random.between(1, 12) };
        self.tally.leaves += count;
        let first = self.tally.leaves;
        (first..first + count).map(|n| Leaf::of(&n.to_be_bytes())).collect()
    }

    fn send(&mut self, from: Cloud, to: Cloud, log: Cloud, message: &Message) {
        for delay in self.network.arrivals(from, to, &mut self.random) {
            self.after(delay, Event::Arrive { from, to, log, message: message.clone() });
        }
    }

    fn arrive(&mut self, from: Cloud, to: Cloud, log: Cloud, message: Message) {
        if !self.nodes.get(to).is_up() {
            return;
        }
        match message {
            Message::Offer { start, leaves, head } => {
                self.step(to, log, Input::Offer { start, leaves, head });
            }
            Message::Signed(head) => self.step(to, log, Input::Signed { by: from.into(), head }),
            Message::Holds(size) => self.catch_up(to, from, log, size),
        }
    }

    /// Sends `to` what it lacks, now and then more than that.
    fn catch_up(&mut self, from: Cloud, to: Cloud, log: Cloud, size: u64) {
        if to == log {
            return;
        }
        let start = size.saturating_sub(self.random.one_of(&[0, 0, 0, 2, 500]));
        let reach = self.random.one_of(&[0, 0, 1, 5, 1000]);
        if let Some((leaves, head)) = self.nodes.get(from).disks.get(log).range_from(start, reach) {
            self.send(from, to, log, &Message::Offer { start, leaves, head });
        }
    }

    fn step(&mut self, cloud: Cloud, log: Cloud, input: Input) {
        let leaves = match &input {
            Input::Propose(leaves) | Input::Offer { leaves, .. } => leaves.clone(),
            _ => Vec::new(),
        };
        let Some(replicas) = &mut self.nodes.get_mut(cloud).replicas else { return };
        for effect in replicas.get_mut(log).step(input) {
            self.perform(cloud, log, &leaves, effect);
        }
        self.show(cloud, log);
    }

    fn perform(&mut self, cloud: Cloud, log: Cloud, leaves: &[Leaf], effect: Effect) {
        let life = self.nodes.get(cloud).life;
        match effect {
            Effect::Store(staged) => {
                let storing = Storing { staged, leaves: leaves.to_vec() };
                let place = self.nodes.get_mut(cloud).storing.get_mut(log);
                assert!(place.replace(storing).is_none(), "one range at a time");
                let delay = self.random.between(1, 15);
                self.after(delay, Event::StoreEnds { at: cloud, log, life });
            }
            Effect::Release(head) => self.release(cloud, log, head),
            Effect::CompareRoot { by, head } => {
                self.tally.compared += 1;
                let delay = self.random.between(1, 50);
                self.after(delay, Event::RootKnown { at: cloud, log, by, head, life });
            }
            Effect::Refuse(refusal) => self.refused(cloud, log, refusal),
            Effect::Final(_) | Effect::Replicated(_) => {}
            Effect::Conflict { .. } => panic!("all clouds are honest: {effect:?}"),
        }
    }

    /// Our signature leaves the house, and the range with it if we are the origin. Others pass on
    /// what they took, so that an origin that is cut off from one cloud still reaches it.
    fn release(&mut self, cloud: Cloud, log: Cloud, head: Head) {
        self.witness.released(&self.nodes, cloud, log, head);
        let disk = self.nodes.get(cloud).disks.get(log);
        let before = disk.checkpoints.len().saturating_sub(2);
        let start = disk.checkpoints.get(before).map_or(0, |head| head.size);
        let range = disk.range_from(start, 0);
        for peer in cloud.peers() {
            self.send(cloud, peer, log, &Message::Signed(head));
            if peer != log
                && let Some((leaves, head)) = range.clone()
                && (cloud == log || self.random.percent(30))
            {
                self.send(cloud, peer, log, &Message::Offer { start, leaves, head });
            }
        }
    }

    fn refused(&mut self, cloud: Cloud, log: Cloud, refusal: Refusal) {
        match refusal {
            Refusal::Busy => self.tally.busy += 1,
            Refusal::Gap { have, .. } => {
                self.tally.gaps += 1;
                for peer in cloud.peers() {
                    self.send(cloud, peer, log, &Message::Holds(have));
                }
            }
            other => panic!("all clouds are honest: {other}"),
        }
    }

    fn store_ends(&mut self, cloud: Cloud, log: Cloud) {
        let chance = if self.healing { 100 } else { self.random.between(1, 100) };
        let node = self.nodes.get_mut(cloud);
        match chance {
            // Surely failed.
            1..=8 => {
                self.tally.failed_stores += 1;
                *node.storing.get_mut(log) = None;
                self.step(cloud, log, Input::StoreFailed);
            }
            // The connection broke: stored or not, the driver reads what is there.
            9..=16 => {
                self.tally.doubtful_stores += 1;
                if chance > 12 {
                    node.commit(log);
                }
                *node.storing.get_mut(log) = None;
                node.resume(log);
                self.show(cloud, log);
            }
            _ => {
                node.commit(log);
                self.step(cloud, log, Input::Stored);
            }
        }
    }

    fn root_known(&mut self, cloud: Cloud, log: Cloud, by: Signer, head: Head) {
        let ours = self.nodes.get(cloud).disks.get(log).root_at(head.size);
        let ours = ours.expect("asked only for sizes that are stored");
        if self.healing || !self.random.percent(10) {
            self.step(cloud, log, Input::OurRoot { by, head, ours });
        }
    }

    /// Durable first, then shown to the world.
    fn show(&mut self, cloud: Cloud, log: Cloud) {
        let node = self.nodes.get_mut(cloud);
        let Some(replicas) = &node.replicas else { return };
        let replica = replicas.get(log);
        let disk = node.disks.get_mut(log);
        disk.signed = *replica.signed();
        let shown = (replica.final_size(), replica.replicated_size());
        assert!(shown.0 >= disk.shown.0, "{cloud}: finality of {log}'s log went back");
        assert!(shown.1 >= disk.shown.1, "{cloud}: replication of {log}'s log went back");
        disk.shown = shown;
        self.witness.shown(&self.nodes, cloud, log);
    }

    fn change(&mut self) {
        if self.healing {
            return;
        }
        self.after(CHANGE, Event::Change);
        self.network.change(&mut self.random);
        let cloud = self.random.one_of(&Cloud::ALL);
        if self.random.percent(40) && self.nodes.get(cloud).is_up() {
            self.crash(cloud);
        }
    }

    /// What was on its way to disk is there or is not.
    fn crash(&mut self, cloud: Cloud) {
        self.tally.crashes += 1;
        let node = self.nodes.get_mut(cloud);
        for log in Cloud::ALL {
            if self.random.percent(50) {
                node.commit(log);
            }
            *node.storing.get_mut(log) = None;
        }
        node.replicas = None;
        node.life += 1;
        let delay = self.random.between(1, 100);
        self.after(delay, Event::Restart(cloud));
    }
}
