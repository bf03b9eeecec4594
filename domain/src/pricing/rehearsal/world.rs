//! The ledger of a rehearsal: what was recorded, and what day it is.

use uuid::Uuid;

use super::Player;
use crate::catalog::{
    Edition, Grounds, PolicySwitch, ProposalApply, ProposalApprove, ProposalOpen, ProposalReject,
    ProposalStale, SwitchName,
};
use crate::clock::{DAY_MS, LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::event::{EventId, Slot};
use crate::log::Hash;
use crate::pricing::approval::{Actor, Drift};
use crate::pricing::book::{Book, Case, Told, What};
use crate::pricing::controls::Content;
use crate::pricing::edition::edition;
use crate::pricing::look::Opening;
use crate::pricing::policy::Policy;

/// Who answers; more are never asked for than a policy may name.
const PERSONS: u32 = 20;

/// Time passes by the day; within one, each event is a millisecond later.
#[derive(Debug)]
pub(super) struct World {
    told: Vec<Told>,
    now_ms: i64,
}

fn person(number: u32) -> Actor {
    Actor(format!("person-{}", number % PERSONS))
}

/// What an event about it names.
fn in_hand(case: &Case) -> (Uuid, u32, Hash) {
    let current = case.current();
    (case.id, current.version, current.hash)
}

impl World {
    /// The policy is in force, and autonomy on for everybody.
    pub(super) fn begin(policy: &Policy, players: &[Player], first_day: i64) -> Self {
        let mut world = World { told: Vec::new(), now_ms: first_day * DAY_MS };
        let content = Content::Policy { policy: Box::new(policy.clone()) };
        let now = world.now();
        let edition = edition(&Book::default(), content, "rehearsed".to_owned(), None, None, now);
        let id = world.propose(Some(Actor("proposer".to_owned())), Grounds::Person, edition);
        let needed = Policy::default().policy_persons;
        let book = world.book();
        let case = book.case(id).filter(|_| *policy != Policy::default());
        if let Some(case) = case {
            (0..needed).for_each(|number| world.approve(case, number));
            world.apply(case);
        }
        let tenants = players.iter().map(|player| Some(player.tenant.clone()));
        for tenant_id in std::iter::once(None).chain(tenants) {
            let reason = "rehearsed".to_owned();
            let switch = SwitchName::AutoPricing;
            let on = PolicySwitch { switch, tenant_id, on: true, reason };
            world.tell(Some(person(0)), What::Switch(on));
        }
        world
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.now_ms)
    }

    pub(super) fn book(&self) -> Book {
        Book::of(self.told.clone())
    }

    /// A day begins.
    pub(super) fn dawn(&mut self, day: i64) -> Book {
        self.now_ms = self.now_ms.max(day * DAY_MS);
        self.book()
    }

    fn tell(&mut self, by: Option<Actor>, what: What) {
        self.now_ms += 1;
        let sequence = u64::try_from(self.told.len()).unwrap_or(u64::MAX);
        self.told.push(Told {
            event_id: EventId(Uuid::from_u128(u128::from(sequence) + 1)),
            clock: LogicalClock { ms: u64::try_from(self.now_ms).unwrap_or(0), counter: 0 },
            slot: Slot { origin: Cloud::Gcp, epoch: 1, sequence },
            by,
            what,
        });
    }

    fn propose(&mut self, by: Option<Actor>, grounds: Grounds, edition: Edition) -> Uuid {
        let proposal_id = Uuid::from_u128(u128::MAX - self.told.len() as u128);
        self.tell(
            by,
            What::Open(Box::new(ProposalOpen { proposal_id, grounds, edition, foresight: None })),
        );
        proposal_id
    }

    pub(super) fn open(&mut self, opening: Opening) {
        self.propose(None, opening.grounds, opening.edition);
    }

    pub(super) fn approve(&mut self, case: &Case, number: u32) {
        let (proposal_id, version, hash) = in_hand(case);
        let approve = ProposalApprove { proposal_id, version, hash, on_behalf_of: None };
        self.tell(Some(person(number)), What::Approve(approve));
    }

    pub(super) fn reject(&mut self, case: &Case) {
        let ((proposal_id, version, hash), reason) = (in_hand(case), "rehearsed".to_owned());
        let reject = ProposalReject { proposal_id, version, hash, reason };
        self.tell(Some(person(0)), What::Reject(reject));
    }

    pub(super) fn apply(&mut self, case: &Case) {
        let (proposal_id, version, hash) = in_hand(case);
        let result_version = case.current().edition.base_version.saturating_add(1);
        let apply = ProposalApply { proposal_id, version, hash, result_version };
        self.tell(None, What::Apply(apply));
    }

    pub(super) fn stale(&mut self, case: &Case, changed: Vec<Drift>) {
        let (proposal_id, version, hash) = in_hand(case);
        let stale = ProposalStale { proposal_id, version, hash, changed };
        self.tell(None, What::Stale(stale));
    }
}
