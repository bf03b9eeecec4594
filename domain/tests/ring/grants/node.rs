//! One cloud: the votes on its disk, and the proposers in its memory.

use std::collections::BTreeMap;

use domain::cloud::Cloud;
use domain::grant::{Acceptor, GrantId, Proposer, Request, Statement, Value, Vote};
use domain::log::Hash;

/// What is stored about one grant.
#[derive(Debug, Default)]
pub struct Stored {
    /// In the order in which they were cast.
    pub votes: Vec<Vote>,
    /// What was accepted, by hash.
    values: BTreeMap<Hash, Value>,
    pub decision: Option<Value>,
}

/// A vote on its way to the disk, and who waits for it.
#[derive(Clone, Debug)]
pub struct Write {
    pub ask: Ask,
    /// How many votes stood there when it was made: it is stored after those or not at all.
    pub after: usize,
    pub vote: Vote,
}

/// One question of one proposer.
#[derive(Clone, Debug)]
pub struct Ask {
    pub from: Cloud,
    pub campaign: u64,
    pub grant: GrantId,
    pub request: Request<Vote>,
}

/// An attempt to have something decided, in memory only.
#[derive(Debug)]
pub struct Campaign {
    pub id: u64,
    pub grant: GrantId,
    pub proposer: Proposer<Vote>,
    /// Counts beginnings: what waits for an earlier one is void.
    pub begun: u64,
}

#[derive(Debug)]
pub struct Node {
    pub cloud: Cloud,
    pub disk: BTreeMap<GrantId, Stored>,
    pub is_up: bool,
    /// Counts restarts: what was begun before is void.
    pub life: u64,
    pub campaigns: Vec<Campaign>,
}

impl Node {
    pub fn new(cloud: Cloud) -> Self {
        Node { cloud, disk: BTreeMap::new(), is_up: true, life: 0, campaigns: Vec::new() }
    }

    pub fn decision(&self, grant: &GrantId) -> Option<&Value> {
        self.disk.get(grant).and_then(|stored| stored.decision.as_ref())
    }

    /// Made anew for every question, as in production.
    pub fn acceptor(&self, grant: &GrantId) -> Acceptor<Vote> {
        let votes = self.disk.get(grant).map_or(&[][..], |stored| &stored.votes);
        let is_promise = |vote: &&Vote| matches!(vote.statement, Statement::Promise { .. });
        Acceptor {
            me: self.cloud,
            grant: grant.clone(),
            promise: votes.iter().rev().find(is_promise).cloned(),
            accept: votes.iter().rev().find(|vote| !is_promise(vote)).cloned(),
            predecessor_decided: grant
                .predecessor()
                .is_some_and(|before| self.decision(&before).is_some()),
        }
    }

    pub fn votes(&self, grant: &GrantId) -> usize {
        self.disk.get(grant).map_or(0, |stored| stored.votes.len())
    }

    /// True if the vote is the next one: else another came first.
    pub fn write(&mut self, write: &Write) -> bool {
        let stored = self.disk.entry(write.ask.grant.clone()).or_default();
        if stored.votes.len() != write.after {
            return false;
        }
        stored.votes.push(write.vote.clone());
        if let Request::Propose { value, .. } = &write.ask.request {
            stored.values.insert(value.hash(), value.clone());
        }
        true
    }

    /// The value that this cloud's vote names as accepted.
    pub fn accepted(&self, vote: &Vote) -> Option<Value> {
        let hash = vote.accepted()?.value;
        self.disk.get(&vote.grant)?.values.get(&hash).cloned()
    }

    pub fn learn(&mut self, grant: &GrantId, value: &Value) {
        let stored = self.disk.entry(grant.clone()).or_default();
        stored.decision.get_or_insert_with(|| value.clone());
        self.campaigns.retain(|campaign| campaign.grant != *grant);
    }
}
