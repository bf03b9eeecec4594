//! Three clouds, their logs, one clock. Everything that happens is an event in one queue.

use std::collections::BTreeMap;

use domain::cloud::Cloud;
use domain::log::{Head, Leaf, LogId};
use domain::quorum::{Input, Mode, Signer};

use super::cast::{Cast, Persona, Place};
use super::faults::Plans;
use super::invariants::Observer;
use super::message::{Letter, Message};
use super::network::Network;
use super::node::Node;
use super::notary::Notary;
use super::random::Random;
use super::tally::Tally;
use super::witness::Witness;

/// Between two beats of a cloud: it proposes, and tells the others what it has.
const BEAT: u64 = 10;

#[derive(Debug)]
pub enum Event {
    Beat(Place),
    Arrive { from: Place, era: u64, to: Place, letter: Letter },
    StoreEnds { at: Place, log: LogId, life: u64 },
    RootKnown { at: Place, log: LogId, by: Signer, head: Head, life: u64 },
    AtWitness { from: Place, log: LogId },
    Change,
    Mischief,
    Scrub(Place),
    Restart(Place),
}

#[derive(Debug)]
pub struct World {
    pub random: Random,
    pub now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    pub mode: Mode,
    pub cast: Cast,
    pub plans: Plans,
    pub nodes: Vec<Node>,
    pub network: Network,
    pub notary: Notary,
    pub witness: Witness,
    pub observer: Observer,
    pub healing: bool,
    /// What a replayer has kept.
    pub recorded: Vec<(Place, Place, Letter)>,
    /// Prints what happens.
    tells: bool,
    pub tally: Tally,
}

impl World {
    pub fn new(seed: u64, tells: bool) -> Self {
        let mut random = Random::of(seed);
        let mode =
            random.one_of(&[Mode::TwoOfThree, Mode::TwoOfThree, Mode::Unanimous, Mode::Witness]);
        let cast = Cast::draw(&mut random);
        let plans = Plans::draw(&mut random, &cast);
        let mut world = World {
            random,
            now: 0,
            queue: BTreeMap::new(),
            queued: 0,
            mode,
            cast,
            plans,
            nodes: Cloud::ALL.map(|cloud| Node::new(cloud, mode)).into(),
            network: Network::perfect(),
            notary: Notary::default(),
            witness: Witness::default(),
            observer: Observer::default(),
            healing: false,
            recorded: Vec::new(),
            tells,
            tally: Tally::default(),
        };
        world.tell(|world| format!("mode {mode}, {:?}, {:?}", world.cast.persona, world.plans));
        world.tally.count(world.cast.persona.map_or("seeds of honest clouds", |(_, it)| it.name()));
        for cloud in Cloud::ALL {
            let place = cloud.index();
            world.nodes[place].start(0, world.cast.keeps_its_log(place));
            world.after(1, Event::Beat(place));
        }
        world.after(1, Event::Change);
        world.after(1, Event::Mischief);
        world
    }

    /// A line of the history, if somebody reads it.
    pub fn tell(&self, line: impl FnOnce(&Self) -> String) {
        if self.tells {
            println!("{:>5}  {}", self.now, line(self));
        }
    }

    pub fn name(&self, place: Place) -> String {
        let cloud = self.nodes[place].cloud;
        if place == cloud.index() { cloud.to_string() } else { format!("{cloud}'s twin") }
    }

    /// Lets things happen for so long.
    pub fn run(&mut self, duration: u64) {
        let end = self.now + duration;
        while let Some(next) = self.queue.first_entry()
            && next.key().0 <= end
        {
            let ((now, _), event) = next.remove_entry();
            self.now = now;
            self.tally.count("steps");
            self.happen(event);
            self.crash_somebody();
        }
        self.now = end;
    }

    pub fn after(&mut self, delay: u64, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now + delay, self.queued), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Beat(place) => self.beat(place),
            Event::Arrive { from, era, to, letter } => {
                if self.nodes[from].era == era && self.nodes[to].is_up() {
                    self.arrive(from, to, letter);
                }
            }
            Event::StoreEnds { at, log, life } if self.lives(at, life) => self.store_ends(at, log),
            Event::RootKnown { at, log, by, head, life } if self.lives(at, life) => {
                self.root_known(at, log, by, head);
            }
            Event::StoreEnds { .. } | Event::RootKnown { .. } => {}
            Event::AtWitness { from, log } => self.at_witness(from, log),
            Event::Change => self.change(),
            Event::Mischief => self.mischief(),
            Event::Scrub(place) => self.scrub_in_time(place),
            Event::Restart(place) => self.restart(place),
        }
    }

    fn lives(&self, place: Place, life: u64) -> bool {
        let node = &self.nodes[place];
        node.is_up() && node.life == life
    }

    fn beat(&mut self, place: Place) {
        self.after(BEAT, Event::Beat(place));
        if !self.nodes[place].is_up() {
            return;
        }
        self.freeze_what_is_proven(place);
        if self.cast.keeps_its_log(place) {
            self.look_after_own_log(place);
        }
        if !self.healing && self.random.percent(70) {
            let leaves = self.fresh_leaves();
            self.step(place, self.nodes[place].own(), Input::Propose(leaves));
        }
        if self.nodes[place].is_up() {
            self.announce(place);
        }
    }

    fn announce(&mut self, place: Place) {
        let node = &self.nodes[place];
        let cloud = node.cloud;
        let notes: Vec<_> = node.database.disks.values().map(|disk| disk.note(cloud)).collect();
        let evidence = node.database.evidence.clone();
        let records: Vec<_> = node.database.records.values().copied().collect();
        for peer in cloud.peers() {
            for note in &notes {
                self.send(place, peer, Message::Signed(*note));
            }
            // A liar keeps what speaks against it to itself, as long as it lies.
            if self.healing || self.cast.is_honest(place) {
                for evidence in &evidence {
                    self.send(place, peer, Message::Evidence(evidence.clone()));
                }
            }
            if !records.is_empty() {
                self.send(place, peer, Message::Records(records.clone()));
            }
        }
        if self.mode == Mode::Witness {
            self.ask_witness(place);
        }
    }

    /// No two are alike: a range that was not stored is followed by a different one.
    pub fn fresh_leaves(&mut self) -> Vec<Leaf> {
        let count = if self.random.between(1, 400) == 1 { 300 } else { self.random.between(1, 6) };
        let first = self.tally.of("leaves");
        self.tally.add("leaves", count);
        (first..first + count).map(|n| Leaf::of(&n.to_be_bytes())).collect()
    }

    pub fn send(&mut self, from: Place, to: Cloud, message: Message) {
        let plays = self.cast.plays(from).filter(|_| !self.healing);
        if plays == Some(Persona::Withholder) && *self.cast.withheld.get(to) {
            self.tally.count("messages withheld");
            return;
        }
        let watch = &mut self.nodes[from].watch;
        let clock = match plays {
            Some(Persona::TimeLiar) => watch.lie(self.now, self.random.between(1, 1_000)),
            _ => watch.tick(self.now),
        };
        let letter = Letter { clock, message };
        for place in 0..self.nodes.len() {
            if self.nodes[place].cloud == to && self.talk(from, place) {
                self.deliver(from, place, &letter);
            }
        }
    }

    fn deliver(&mut self, from: Place, to: Place, letter: &Letter) {
        let (sender, receiver) = (self.nodes[from].cloud, self.nodes[to].cloud);
        let arrivals = self.network.arrivals(sender, receiver, &mut self.random);
        match arrivals.len() {
            0 => self.tally.count("messages lost"),
            1 => {}
            _ => self.tally.count("messages repeated"),
        }
        let era = self.nodes[from].era;
        for delay in arrivals {
            self.after(delay, Event::Arrive { from, era, to, letter: letter.clone() });
        }
        self.record(from, to, letter);
    }

    fn talk(&self, from: Place, to: Place) -> bool {
        let (sender, receiver) = (self.nodes[from].cloud, self.nodes[to].cloud);
        self.cast.faces(from, receiver) && self.cast.faces(to, sender)
    }
}
