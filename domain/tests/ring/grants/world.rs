//! Three clouds, some grants, one clock. Everything that happens is an event in one queue.

use std::collections::BTreeMap;

use domain::cloud::{Cloud, PerCloud};
use domain::grant::{
    AcceptorEffect, Ballot, GrantId, Proposer, ProposerEffect, ProposerInput, Refusal, Request,
    Value, Vote,
};

use super::node::{Ask, Campaign, Node, Write};
use super::witness::Witness;
use crate::simulator::network::Network;
use crate::simulator::random::Random;

/// Between two beats of a cloud: it may begin a campaign, and tells what it knows.
const BEAT: u64 = 25;
/// Between two changes of the weather.
const CHANGE: u64 = 60;
/// Proposers of one cloud at a time; two may want the same.
const CAMPAIGNS_MAX: usize = 3;

#[derive(Clone, Debug)]
enum Message {
    Ask(Ask),
    Voted { campaign: u64, vote: Vote, accepted: Option<Value> },
    Refused { campaign: u64, ballot: Ballot, refusal: Refusal },
    Decided { grant: GrantId, value: Value },
}

#[derive(Debug)]
enum Event {
    Beat(Cloud),
    Arrive {
        from: Cloud,
        to: Cloud,
        message: Message,
    },
    StoreEnds {
        at: Cloud,
        life: u64,
        write: Write,
    },
    /// Nobody answered in time, or the pause after being overtaken is over.
    Again {
        at: Cloud,
        campaign: u64,
        begun: u64,
    },
    Change,
    Restart(Cloud),
}

/// How much happened: a run in which nothing goes wrong proves nothing.
#[derive(Debug, Default)]
pub struct Tally {
    pub campaigns: u64,
    pub decided: u64,
    /// Of these, those whose proposer had wished for something else.
    pub finished_for_others: u64,
    pub overtaken: u64,
    pub early: u64,
    pub raced: u64,
    pub crashes: u64,
    pub failed_stores: u64,
    pub doubtful_stores: u64,
    pub forgotten: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.campaigns += other.campaigns;
        self.decided += other.decided;
        self.finished_for_others += other.finished_for_others;
        self.overtaken += other.overtaken;
        self.early += other.early;
        self.raced += other.raced;
        self.crashes += other.crashes;
        self.failed_stores += other.failed_stores;
        self.doubtful_stores += other.doubtful_stores;
        self.forgotten += other.forgotten;
    }
}

#[derive(Debug)]
pub struct World {
    random: Random,
    now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
    grants: Vec<GrantId>,
    nodes: PerCloud<Node>,
    network: Network,
    pub witness: Witness,
    /// Loses votes from its disk now and then, and only answers: it proposes nothing.
    forgetful: Option<Cloud>,
    healing: bool,
    pub tally: Tally,
}

/// Three versions that follow each other, and three that need not.
fn grants() -> Vec<GrantId> {
    let versions = |resource: &str| {
        let resource = resource.parse().expect("a resource");
        let grant = move |number: u64| GrantId {
            resource: Clone::clone(&resource),
            version: number.try_into().expect("a version"),
        };
        (1..=3).map(grant).collect::<Vec<_>>()
    };
    [versions("price/pro"), versions("approval/7")].concat()
}

impl World {
    pub fn new(seed: u64, forgetful: Option<Cloud>) -> Self {
        let mut world = World {
            random: Random::of(seed),
            now: 0,
            queue: BTreeMap::new(),
            queued: 0,
            grants: grants(),
            nodes: PerCloud::from_fn(Node::new),
            network: Network::perfect(),
            witness: Witness::of(forgetful),
            forgetful,
            healing: false,
            tally: Tally::default(),
        };
        for cloud in Cloud::ALL {
            world.after(1, Event::Beat(cloud));
        }
        world.after(1, Event::Change);
        world
    }

    /// Lets happen what happens in so long.
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

    /// Everybody is up, everything gets through, and what is open is proposed again. Ends once all
    /// know all, at the latest after so long.
    pub fn heal(&mut self, longest: u64) {
        self.healing = true;
        self.network = Network::perfect();
        for cloud in Cloud::ALL {
            self.nodes.get_mut(cloud).is_up = true;
        }
        for grant in self.grants.clone() {
            for cloud in Cloud::ALL {
                if self.nodes.get(cloud).decision(&grant).is_none() {
                    self.begin_campaign(cloud, grant.clone());
                }
            }
        }
        let end = self.now + longest;
        while self.now < end && !self.all_is_known() {
            self.run(BEAT);
        }
    }

    fn all_is_known(&self) -> bool {
        let knows = |cloud, grant| self.nodes.get(cloud).decision(grant).is_some();
        Cloud::ALL.into_iter().all(|cloud| self.grants.iter().all(|grant| knows(cloud, grant)))
    }

    /// Every grant is decided, and all know the same winner.
    pub fn assert_decided_alike(&self) {
        for grant in &self.grants {
            let winner = self.nodes.get(Cloud::Gcp).decision(grant);
            assert!(winner.is_some(), "{grant} was never decided");
            for cloud in Cloud::ALL {
                assert_eq!(self.nodes.get(cloud).decision(grant), winner, "{cloud}: {grant}");
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
            Event::Arrive { from, to, message } if self.nodes.get(to).is_up => {
                self.arrive(from, to, message);
            }
            Event::Arrive { .. } => {}
            Event::StoreEnds { at, life, write } => self.store_ends(at, life, write),
            Event::Again { at, campaign, begun } => self.again(at, campaign, begun),
            Event::Change => self.change(),
            Event::Restart(cloud) => self.nodes.get_mut(cloud).is_up = true,
        }
    }

    fn beat(&mut self, cloud: Cloud) {
        self.after(BEAT, Event::Beat(cloud));
        let node = self.nodes.get(cloud);
        if !node.is_up {
            return;
        }
        let busy = node.campaigns.len() >= CAMPAIGNS_MAX;
        let grant = self.any_grant();
        if let Some(value) = self.nodes.get(cloud).decision(&grant).cloned() {
            for peer in cloud.peers() {
                let message = Message::Decided { grant: grant.clone(), value: value.clone() };
                self.send(cloud, peer, &message);
            }
        } else if !self.healing && !busy {
            self.begin_campaign(cloud, grant);
        }
    }

    fn any_grant(&mut self) -> GrantId {
        let last = u64::try_from(self.grants.len() - 1).expect("few");
        let at = usize::try_from(self.random.between(0, last)).expect("few");
        self.grants[at].clone()
    }

    fn begin_campaign(&mut self, cloud: Cloud, grant: GrantId) {
        if self.nodes.get(cloud).decision(&grant).is_some() || self.forgetful == Some(cloud) {
            return;
        }
        self.tally.campaigns += 1;
        let id = self.tally.campaigns;
        let wish = Value::from_json(&serde_json::json!({ "wish": id })).expect("a value");
        self.witness.proposed(&grant, &wish);
        let proposer = Proposer::new(cloud, grant.clone(), wish);
        let campaign = Campaign { id, grant, proposer, begun: 0 };
        self.nodes.get_mut(cloud).campaigns.push(campaign);
        self.again(cloud, id, 0);
    }

    fn again(&mut self, at: Cloud, campaign: u64, begun: u64) {
        let known = self.nodes.get_mut(at).campaigns.iter_mut().find(|known| known.id == campaign);
        let Some(known) = known.filter(|known| known.begun == begun) else { return };
        known.begun += 1;
        let begun = known.begun;
        let patience = self.random.between(100, 250);
        self.after(patience, Event::Again { at, campaign, begun });
        self.step(at, campaign, ProposerInput::Begin);
    }

    fn step(&mut self, at: Cloud, campaign: u64, input: ProposerInput<Vote>) {
        let mut campaigns = self.nodes.get_mut(at).campaigns.iter_mut();
        let Some(known) = campaigns.find(|known| known.id == campaign) else { return };
        let grant = known.grant.clone();
        for effect in known.proposer.step(input) {
            match effect {
                ProposerEffect::Ask { whom, request } => {
                    let ask = Ask { from: at, campaign, grant: grant.clone(), request };
                    whom.into_iter()
                        .for_each(|cloud| self.send(at, cloud, &Message::Ask(ask.clone())));
                }
                ProposerEffect::Decided { value, accepts } => {
                    self.decided(at, campaign, &grant, &value, &accepts);
                }
                ProposerEffect::Overtaken => self.overtaken(at, campaign),
            }
        }
    }

    fn decided(
        &mut self,
        at: Cloud,
        campaign: u64,
        grant: &GrantId,
        value: &Value,
        accepts: &[Vote],
    ) {
        self.witness.decided(grant, value, accepts);
        self.tally.decided += 1;
        let own = serde_json::json!({ "wish": campaign });
        self.tally.finished_for_others += u64::from(value.to_json() != own);
        // A decision that is lost here stands in the votes: whoever asks again finds it.
        if self.healing || !self.random.percent(20) {
            self.nodes.get_mut(at).learn(grant, value);
        }
    }

    fn overtaken(&mut self, at: Cloud, campaign: u64) {
        self.tally.overtaken += 1;
        let mut campaigns = self.nodes.get_mut(at).campaigns.iter_mut();
        let Some(known) = campaigns.find(|known| known.id == campaign) else { return };
        known.begun += 1;
        let begun = known.begun;
        let pause = self.random.between(5, 200);
        self.after(pause, Event::Again { at, campaign, begun });
    }

    /// To itself a cloud speaks without a network.
    fn send(&mut self, from: Cloud, to: Cloud, message: &Message) {
        let arrivals =
            if from == to { vec![1] } else { self.network.arrivals(from, to, &mut self.random) };
        for delay in arrivals {
            self.after(delay, Event::Arrive { from, to, message: message.clone() });
        }
    }

    fn arrive(&mut self, from: Cloud, to: Cloud, message: Message) {
        match message {
            Message::Ask(ask) => self.answer(to, ask),
            Message::Voted { campaign, vote, accepted } => {
                self.step(to, campaign, ProposerInput::Voted { vote, accepted });
            }
            Message::Refused { campaign, ballot, refusal } => {
                self.step(to, campaign, ProposerInput::Refused { by: from, ballot, refusal });
            }
            Message::Decided { grant, value } => self.nodes.get_mut(to).learn(&grant, &value),
        }
    }

    fn answer(&mut self, at: Cloud, ask: Ask) {
        let node = self.nodes.get(at);
        if let Some(value) = node.decision(&ask.grant).cloned() {
            let message = Message::Decided { grant: ask.grant, value };
            return self.send(at, ask.from, &message);
        }
        let (after, life) = (node.votes(&ask.grant), node.life);
        match node.acceptor(&ask.grant).step(ask.from, &ask.request) {
            AcceptorEffect::Store(vote) => {
                let delay = self.random.between(1, 15);
                let write = Write { ask, after, vote };
                self.after(delay, Event::StoreEnds { at, life, write });
            }
            AcceptorEffect::Repeat(vote) => self.voted(at, &ask, vote),
            AcceptorEffect::Refuse(refusal) => self.refuse(at, &ask, refusal),
        }
    }

    fn voted(&mut self, at: Cloud, ask: &Ask, vote: Vote) {
        let accepted = match ask.request {
            Request::Prepare { .. } => self.nodes.get(at).accepted(&vote),
            Request::Propose { .. } => None,
        };
        self.send(at, ask.from, &Message::Voted { campaign: ask.campaign, vote, accepted });
    }

    fn refuse(&mut self, at: Cloud, ask: &Ask, refusal: Refusal) {
        assert!(
            matches!(refusal, Refusal::Overtaken { .. } | Refusal::TooEarly)
                || self.forgetful.is_some(),
            "proposers are honest: {refusal}"
        );
        self.tally.early += u64::from(refusal == Refusal::TooEarly);
        let ballot = ask.request.ballot();
        self.send(at, ask.from, &Message::Refused { campaign: ask.campaign, ballot, refusal });
    }

    fn store_ends(&mut self, at: Cloud, life: u64, write: Write) {
        let node = self.nodes.get(at);
        if !node.is_up || node.life != life {
            // It was on its way when the cloud went down: it is there or is not.
            if self.random.percent(50) {
                self.write(at, &write);
            }
            return;
        }
        match if self.healing { 100 } else { self.random.between(1, 100) } {
            // Surely failed.
            1..=8 => self.tally.failed_stores += 1,
            // The connection broke: nobody is told, stored or not.
            doubt @ 9..=16 => {
                self.tally.doubtful_stores += 1;
                if doubt > 12 {
                    self.write(at, &write);
                }
            }
            _ if self.write(at, &write) => self.voted(at, &write.ask, write.vote),
            _ => {
                self.tally.raced += 1;
                self.answer(at, write.ask);
            }
        }
    }

    fn write(&mut self, at: Cloud, write: &Write) -> bool {
        let written = self.nodes.get_mut(at).write(write);
        if written {
            self.witness.stored(&write.vote);
        }
        written
    }

    fn change(&mut self) {
        if self.healing {
            return;
        }
        self.after(CHANGE, Event::Change);
        self.network.change(&mut self.random);
        let cloud = self.random.one_of(&Cloud::ALL);
        if self.random.percent(30) && self.nodes.get(cloud).is_up {
            self.crash(cloud);
        }
        if let Some(cloud) = self.forgetful {
            self.forget(cloud);
        }
    }

    /// Proposers are gone; votes stay.
    fn crash(&mut self, cloud: Cloud) {
        self.tally.crashes += 1;
        let node = self.nodes.get_mut(cloud);
        node.is_up = false;
        node.life += 1;
        node.campaigns.clear();
        let delay = self.random.between(1, 100);
        self.after(delay, Event::Restart(cloud));
    }

    /// The disk is an old copy of itself, which neither votes nor decisions survive.
    fn forget(&mut self, cloud: Cloud) {
        for stored in self.nodes.get_mut(cloud).disk.values_mut() {
            if self.random.percent(50) {
                self.tally.forgotten += stored.votes.len() as u64;
                stored.votes.clear();
                stored.decision = None;
            }
        }
    }
}
