//! Are there people enough? A policy that asks for more persons than there are other admins could
//! never be changed again.

use domain::access::Role;
use domain::pricing::policy::Policy;

use crate::projection::Catalog;

/// What would ask for more persons than there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstaffed {
    /// In the policy.
    pub field: &'static str,
    pub persons: u32,
    /// Admins beside whoever proposes.
    pub others: usize,
}

impl std::fmt::Display for Unstaffed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Unstaffed { persons, others, .. } = self;
        write!(
            out,
            "{persons} persons would have to agree, and there are {others} other admins: nobody could \
             agree to it any more"
        )
    }
}

/// The first number of `after` that is raised above what there are people for. One that is too high
/// already may be lowered step by step, and is nobody's fault who changes something else.
#[must_use]
pub fn unstaffed(
    catalog: &Catalog,
    before: &Policy,
    after: &Policy,
    proposer: &str,
) -> Option<Unstaffed> {
    let users = catalog.users().map(|user| &user.value);
    let admins = users.filter(|user| user.active && user.role == Role::Admin);
    let others = admins.filter(|user| user.login != proposer).count();
    let most = |policy: &Policy| {
        policy.quorum.steps().iter().map(|step| step.persons).max().unwrap_or_default()
    };
    let numbers = [
        ("policyPersons", before.policy_persons, after.policy_persons),
        ("contractPersons", before.contract_persons, after.contract_persons),
        ("firstOveragePersons", before.first_overage_persons, after.first_overage_persons),
        ("quorum", most(before), most(after)),
    ];
    let is_short = |was: u32, is: u32| is > was && usize::try_from(is).is_ok_and(|is| is > others);
    let found = numbers.into_iter().find(|(_, was, is)| is_short(*was, *is));
    found.map(|(field, _, persons)| Unstaffed { field, persons, others })
}
