//! What all decisions about prices come to: proposals and how far each is, the policy in force,
//! each tenant's controls, the switches. A function of the set of FINAL events, so every cloud that
//! knows the same events says the same, in whatever order it learnt them.
//!
//! An application counts by what stands under it, not by who recorded it: the version that it names
//! must have the approvals that its class needs ([`needs`]), or be within what the policy of then
//! let through by itself. Versions of one thing follow each other without a gap; which application
//! is the n-th a grant has decided before its event is recorded, so there are no two.
//!
//! What was applied stays applied: a rejection or another version that becomes final later, with an
//! earlier clock, does not take a price back under which a tenant was served. A rollback does.

mod case;
mod delegation;
mod measure;
mod needs;
mod risk;
mod switch;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::approval::{Actor, Delegations, Vote};
use super::controls::{Content, Controls, Subject};
use super::list_change::Product;
use super::policy::Policy;
use crate::catalog::{
    ApprovalDelegate, ApprovalWithdraw, Edition, Grounds, Known, PolicySwitch, PricePut,
    ProposalApply, ProposalApprove, ProposalModify, ProposalOpen, ProposalReject, ProposalStale,
    SwitchName,
};
use crate::clock::{DAY_MS, LogicalClock, Timestamp};
use crate::event::{EventId, Slot, TenantId};
use crate::fabric::shares::Shares;
use crate::log::Hash;

pub use case::{Case, Numbered, Standing, Step, StepKind};
pub use delegation::Delegation;
pub use measure::{Bound, Measure};
pub use needs::{Needs, within_bounds};
pub use risk::{Risk, TOGETHER_MAX};
pub use switch::{Stands, Switched};

/// Who the optimizer is, where a requester is named.
pub const ENGINE: &str = "optimizer";

/// A FINAL event about prices.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub event_id: EventId,
    pub clock: LogicalClock,
    pub slot: Slot,
    /// The person who decided; absent: a cloud.
    pub by: Option<Actor>,
    pub what: What,
}

/// What it says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Open(Box<ProposalOpen>),
    Approve(ProposalApprove),
    Reject(ProposalReject),
    Modify(Box<ProposalModify>),
    Apply(ProposalApply),
    Stale(ProposalStale),
    Switch(PolicySwitch),
    Delegate(ApprovalDelegate),
    Withdraw(ApprovalWithdraw),
}

impl What {
    /// What a decision says about proposals or who decides about them, if it is about that.
    #[must_use]
    pub fn of(known: Known) -> Option<Self> {
        Some(match known {
            Known::ProposalOpen(value) => What::Open(value),
            Known::ProposalApprove(value) => What::Approve(value),
            Known::ProposalReject(value) => What::Reject(value),
            Known::ProposalModify(value) => What::Modify(value),
            Known::ProposalApply(value) => What::Apply(value),
            Known::ProposalStale(value) => What::Stale(value),
            Known::PolicySwitch(value) => What::Switch(value),
            Known::ApprovalDelegate(value) => What::Delegate(value),
            Known::ApprovalWithdraw(value) => What::Withdraw(value),
            _ => return None,
        })
    }

    /// The proposal that it is about.
    #[must_use]
    pub fn proposal_id(&self) -> Option<Uuid> {
        match self {
            What::Open(it) => Some(it.proposal_id),
            What::Approve(it) => Some(it.proposal_id),
            What::Reject(it) => Some(it.proposal_id),
            What::Modify(it) => Some(it.proposal_id),
            What::Apply(it) => Some(it.proposal_id),
            What::Stale(it) => Some(it.proposal_id),
            What::Switch(_) | What::Delegate(_) | What::Withdraw(_) => None,
        }
    }
}

impl Told {
    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_unix_ms(i64::try_from(self.clock.ms).unwrap_or(i64::MAX))
    }

    fn order(&self) -> (LogicalClock, Slot) {
        (self.clock, self.slot)
    }
}

/// A version that is or was in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied<T> {
    pub value: T,
    pub at: Timestamp,
    pub event_id: EventId,
    pub proposal_id: Uuid,
    pub grounds: Grounds,
}

/// The versions of one thing, the n-th at place n − 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain<T>(Vec<Applied<T>>);

impl<T> Default for Chain<T> {
    fn default() -> Self {
        Chain(Vec::new())
    }
}

impl<T> Chain<T> {
    /// The number of the version in force; 0 where nothing was decided.
    #[must_use]
    pub fn version(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    #[must_use]
    pub fn last(&self) -> Option<&Applied<T>> {
        self.0.last()
    }

    /// All of them, the first first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Applied<T>> {
        self.0.iter()
    }

    fn get(&self, version: u64) -> Option<&Applied<T>> {
        let place = usize::try_from(version.checked_sub(1)?).ok()?;
        self.0.get(place)
    }
}

impl Chain<Shares> {
    /// What was in force in that version; none in version 0.
    #[must_use]
    pub fn shares(&self, version: u64) -> Option<Shares> {
        if version == 0 {
            return Some(Shares::default());
        }
        self.get(version).map(|applied| applied.value.clone())
    }

    /// What is in force.
    #[must_use]
    pub fn current(&self) -> Shares {
        self.last().map(|applied| applied.value.clone()).unwrap_or_default()
    }
}

impl Chain<Controls> {
    /// What was in force in that version; [`Controls::STANDARD`] in version 0.
    #[must_use]
    pub fn controls(&self, version: u64) -> Option<Controls> {
        if version == 0 {
            return Some(Controls::STANDARD);
        }
        self.get(version).map(|applied| applied.value)
    }

    /// What is in force.
    #[must_use]
    pub fn current(&self) -> Controls {
        self.last().map_or(Controls::STANDARD, |applied| applied.value)
    }

    /// What was in force at a time, of the first `version` versions.
    fn controls_at(&self, at: Timestamp, version: u64) -> Controls {
        let until = usize::try_from(version).unwrap_or(usize::MAX).min(self.0.len());
        let before = self.0[..until].iter().rev().find(|applied| applied.at <= at);
        before.map_or(Controls::STANDARD, |applied| applied.value)
    }

    /// The price at the start of a period that ends at `at`.
    #[must_use]
    pub fn anchor(&self, at: Timestamp, days: u32) -> Controls {
        self.controls_at(days_before(at, days), self.version())
    }

    /// Whole days since the price changed; absent: it never did.
    #[must_use]
    pub fn days_since_change(&self, at: Timestamp) -> Option<u32> {
        needs::days_since_change(self, self.version(), at)
    }
}

fn days_before(at: Timestamp, days: u32) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().saturating_sub(i64::from(days) * DAY_MS))
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    cases: BTreeMap<Uuid, Case>,
    policies: Chain<Policy>,
    controls: BTreeMap<TenantId, Chain<Controls>>,
    shares: Chain<Shares>,
    lists: BTreeMap<Product, Chain<PricePut>>,
    switches: switch::Switches,
    stead: delegation::Stead,
    standard: Policy,
}

impl Book {
    /// From all FINAL events about prices, in whatever order.
    #[must_use]
    pub fn of(mut told: Vec<Told>) -> Self {
        told.sort_by_key(Told::order);
        let mut book = Book { stead: delegation::Stead::of(&told), ..Book::default() };
        let mut by_case: BTreeMap<Uuid, Vec<Told>> = BTreeMap::new();
        for one in told {
            if let What::Switch(switch) = &one.what {
                book.switches.take(&one, switch.clone());
            } else if let Some(id) = one.what.proposal_id() {
                by_case.entry(id).or_default().push(one);
            }
        }
        let cases = by_case.into_iter().filter_map(|(id, told)| Some((id, Case::of(id, told)?)));
        book.cases = cases.collect();
        book.chain_policies();
        book.chain_controls();
        book.chain_shares();
        book.chain_lists();
        book.run_cases();
        book
    }

    /// A policy changes how many must agree to the next one, so it goes version by version.
    fn chain_policies(&mut self) {
        while let Some(next) = self.next_of(&Subject::Policy) {
            let (applied, Edition { content: Content::Policy { policy }, .. }) = next else {
                return;
            };
            self.policies.0.push(applied.with(*policy));
        }
    }

    fn chain_shares(&mut self) {
        while let Some((applied, edition)) = self.next_of(&Subject::Routing) {
            let Content::Routing { shares } = edition.content else { return };
            self.shares.0.push(applied.with(shares));
        }
    }

    /// As the events that carry them out: with why, and what people agreed to.
    fn chain_lists(&mut self) {
        let subjects: BTreeSet<Subject> = self.cases.values().map(Case::subject).collect();
        for subject in subjects {
            let Subject::ListPrice(product) = &subject else { continue };
            while let Some((applied, edition)) = self.next_of(&subject) {
                // What follows in it cannot be carried out; other products go on.
                let Content::ListPrice { price } = edition.content else { break };
                let (reason, proposal_id) = (Some(edition.reason), Some(applied.proposal_id));
                let price = PricePut { reason, proposal_id, ..*price };
                self.lists.entry(product.clone()).or_default().0.push(applied.with(price));
            }
        }
    }

    fn chain_controls(&mut self) {
        let subjects: BTreeSet<TenantId> = self
            .cases
            .values()
            .filter_map(|case| match case.subject() {
                Subject::Tenant(tenant) => Some(tenant),
                Subject::Policy | Subject::Routing | Subject::ListPrice(_) => None,
            })
            .collect();
        for tenant in subjects {
            while let Some((applied, edition)) = self.next_of(&Subject::Tenant(tenant.clone())) {
                let Content::Controls { controls, .. } = edition.content else { break };
                self.controls.entry(tenant.clone()).or_default().0.push(applied.with(controls));
            }
        }
    }

    /// The application that follows the last version, if its approvals are there.
    fn next_of(&self, subject: &Subject) -> Option<(Applied<()>, Edition)> {
        let version = self.version_of(subject);
        let cases = self.cases.values().filter(|case| case.subject() == *subject);
        let found = cases.filter_map(|case| {
            let (told, apply, numbered) = case.application(version + 1)?;
            let is_next = numbered.edition.base_version == version;
            let bears = |vote: &Vote, one: &Told| self.stead.bears(vote, one);
            (is_next && self.is_backed(case, numbered, told.at(), bears)).then_some((
                told.order(),
                Applied {
                    value: (),
                    at: told.at(),
                    event_id: told.event_id,
                    proposal_id: apply.proposal_id,
                    grounds: case.grounds,
                },
                numbered.edition.clone(),
            ))
        });
        let first = found.min_by_key(|(order, ..)| *order);
        first.map(|(_, applied, edition)| (applied, edition))
    }

    /// `counts`: which votes in somebody's stead do.
    fn is_backed(
        &self,
        case: &Case,
        numbered: &Numbered,
        at: Timestamp,
        counts: impl Fn(&Vote, &Told) -> bool,
    ) -> bool {
        match self.needs(case, numbered, at) {
            Needs::Unknown => false,
            Needs::Nobody => true,
            Needs::Persons(persons) => case.has_approvals(numbered, persons, counts),
        }
    }

    /// May it be executed now? All that it needs is there, none of it by a vote that came after its
    /// withdrawal, and nothing took its place.
    #[must_use]
    pub fn is_ready(&self, case: &Case, now: Timestamp) -> bool {
        let current = case.current();
        case.standing(now) == Standing::Approved
            && current.edition.base_version == self.version_of(&case.subject())
            && self.is_backed(case, current, now, |vote, one| self.stead.holds(vote, one))
    }

    /// Had this version what it needs when it was made or has it come since? Once so, always so:
    /// what an application that is FINAL counts by, whatever became known after it.
    #[must_use]
    pub fn is_authorised(&self, case: &Case, version: u32, hash: Hash) -> bool {
        case.version_of(version, hash).is_some_and(|numbered| {
            let bears = |vote: &Vote, one: &Told| self.stead.bears(vote, one);
            self.is_backed(case, numbered, numbered.at, bears)
        })
    }

    /// The same without the votes that were given in somebody's stead after they had taken that
    /// back: what a voter asks before it is applied.
    #[must_use]
    pub fn is_authorised_still(&self, case: &Case, version: u32, hash: Hash) -> bool {
        case.version_of(version, hash).is_some_and(|numbered| {
            let holds = |vote: &Vote, one: &Told| self.stead.holds(vote, one);
            self.is_backed(case, numbered, numbered.at, holds)
        })
    }

    fn run_cases(&mut self) {
        let mut cases = std::mem::take(&mut self.cases);
        for case in cases.values_mut() {
            case.run(|case, numbered| self.needs(case, numbered, numbered.at), &self.stead);
            let chain = self.version_of(&case.subject());
            let result = self.result_of(case);
            case.close(result, chain);
        }
        self.cases = cases;
    }

    /// The version that a proposal became.
    fn result_of(&self, case: &Case) -> Option<u64> {
        let place = match case.subject() {
            Subject::Policy => self.policies.iter().position(|it| it.proposal_id == case.id),
            Subject::Routing => self.shares.iter().position(|it| it.proposal_id == case.id),
            Subject::Tenant(tenant) => {
                self.controls.get(&tenant)?.iter().position(|it| it.proposal_id == case.id)
            }
            Subject::ListPrice(product) => {
                self.lists.get(&product)?.iter().position(|it| it.proposal_id == case.id)
            }
        };
        place.and_then(|place| u64::try_from(place + 1).ok())
    }

    /// The number of the version in force of something; 0 where nothing was decided.
    #[must_use]
    pub fn version_of(&self, subject: &Subject) -> u64 {
        match subject {
            Subject::Policy => self.policies.version(),
            Subject::Routing => self.shares.version(),
            Subject::Tenant(tenant) => self.controls.get(tenant).map_or(0, Chain::version),
            Subject::ListPrice(product) => self.lists.get(product).map_or(0, Chain::version),
        }
    }

    /// What must be there before a version of a proposal may be executed at a time.
    #[must_use]
    pub fn needs(&self, case: &Case, numbered: &Numbered, at: Timestamp) -> Needs {
        needs::of(self, case, numbered, at)
    }

    /// The proposals, by id.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values()
    }

    #[must_use]
    pub fn case(&self, id: Uuid) -> Option<&Case> {
        self.cases.get(&id)
    }

    /// The open proposal about something, if there is one at that time.
    #[must_use]
    pub fn open_about(&self, subject: &Subject, now: Timestamp) -> Option<&Case> {
        let about = self.cases.values().filter(|case| case.subject() == *subject);
        about.filter(|case| case.standing(now).is_open()).min_by_key(|case| case.opened_at)
    }

    /// Everybody's word on who approves in their stead, the first first.
    pub fn delegations(&self) -> impl Iterator<Item = &Delegation> {
        self.stead.iter()
    }

    /// Who may approve for whom at a time, as far as is known.
    #[must_use]
    pub fn delegations_at(&self, now: Timestamp) -> Delegations {
        self.stead.now(now)
    }

    /// The policy in force, and its version.
    #[must_use]
    pub fn policy(&self) -> (u64, &Policy) {
        let policy = self.policies.last().map_or(&self.standard, |applied| &applied.value);
        (self.policies.version(), policy)
    }

    /// That version of the policy.
    #[must_use]
    pub fn policy_of(&self, version: u64) -> Option<&Policy> {
        if version == 0 {
            return Some(&self.standard);
        }
        self.policies.get(version).map(|applied| &applied.value)
    }

    #[must_use]
    pub const fn policies(&self) -> &Chain<Policy> {
        &self.policies
    }

    /// Every version of the shares of the traffic.
    #[must_use]
    pub const fn shares(&self) -> &Chain<Shares> {
        &self.shares
    }

    /// Every version of a model's list price that was agreed to; absent: none was.
    #[must_use]
    pub fn list_chain(&self, product: &Product) -> Option<&Chain<PricePut>> {
        self.lists.get(product)
    }

    /// Every list price that people agreed to and a cloud applied, with its place among those of
    /// its product. What counts at a time is the catalogue's to say.
    pub fn list_prices(&self) -> impl Iterator<Item = (u64, &Applied<PricePut>)> {
        self.lists.values().flat_map(|chain| (1..).zip(chain.iter()))
    }

    /// Everything that was in force for a tenant; absent: nothing was decided.
    #[must_use]
    pub fn chain(&self, tenant: &TenantId) -> Option<&Chain<Controls>> {
        self.controls.get(tenant)
    }

    /// By tenant.
    pub fn chains(&self) -> impl Iterator<Item = (&TenantId, &Chain<Controls>)> {
        self.controls.iter()
    }

    /// What is in force for a tenant.
    #[must_use]
    pub fn controls(&self, tenant: &TenantId) -> Controls {
        self.controls.get(tenant).map_or(Controls::STANDARD, Chain::<Controls>::current)
    }

    /// Is nothing to be applied?
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.is_on(SwitchName::KillSwitch, None)
    }

    /// May changes within bounds be applied to this tenant without people? Off unless both the
    /// switch for all and the tenant's own are on.
    #[must_use]
    pub fn is_automatic(&self, tenant: &TenantId) -> bool {
        !self.is_killed()
            && self.is_on(SwitchName::AutoPricing, None)
            && self.is_on(SwitchName::AutoPricing, Some(tenant))
    }

    #[must_use]
    pub fn is_on(&self, switch: SwitchName, tenant: Option<&TenantId>) -> bool {
        self.switch(switch, tenant).is_some_and(|it| it.last.value.on)
    }

    /// How a switch stands; none: nobody has said anything about it.
    #[must_use]
    pub fn switch(&self, switch: SwitchName, tenant: Option<&TenantId>) -> Option<Stands<'_>> {
        self.switches.stands(switch, tenant)
    }

    /// Every word on a switch, the newest first.
    #[must_use]
    pub fn switched(&self) -> Vec<&Switched> {
        self.switches.newest()
    }

    /// How many words there are on switches.
    #[must_use]
    pub fn switched_count(&self) -> u64 {
        self.switches.count()
    }

    /// Tenants about whose autonomy something was said, and what.
    pub fn automatic_tenants(&self) -> impl Iterator<Item = (&TenantId, bool)> {
        self.switches.tenants()
    }
}

impl Applied<()> {
    fn with<T>(self, value: T) -> Applied<T> {
        let Applied { at, event_id, proposal_id, grounds, .. } = self;
        Applied { value, at, event_id, proposal_id, grounds }
    }
}

#[cfg(test)]
mod tests;
