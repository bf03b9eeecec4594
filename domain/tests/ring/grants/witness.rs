//! What must hold after every step, seen from outside the clouds.

use std::collections::{BTreeMap, BTreeSet};

use domain::cloud::Cloud;
use domain::grant::QUORUM;
use domain::grant::{Ballot, GrantId, Statement, Value, Vote, contradiction, first_contradiction};
use domain::log::Hash;

/// Remembers every vote that was ever stored.
#[derive(Debug, Default)]
pub struct Witness {
    forgetful: Option<Cloud>,
    proposed: BTreeMap<GrantId, BTreeSet<Hash>>,
    cast: BTreeMap<GrantId, Vec<Vote>>,
    accepted: BTreeMap<(GrantId, Ballot, Hash), BTreeSet<Cloud>>,
    /// More than one only where a cloud forgets.
    decided: BTreeMap<GrantId, BTreeSet<Hash>>,
}

/// What came of the grants at which one cloud forgot.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Decided twice.
    pub split: u64,
    /// In which its votes convict it.
    pub convicted: u64,
}

impl Witness {
    pub fn of(forgetful: Option<Cloud>) -> Self {
        Witness { forgetful, ..Witness::default() }
    }

    pub fn proposed(&mut self, grant: &GrantId, value: &Value) {
        self.proposed.entry(grant.clone()).or_default().insert(value.hash());
    }

    pub fn stored(&mut self, vote: &Vote) {
        let cast = self.cast.entry(vote.grant.clone()).or_default();
        if self.forgetful != Some(vote.by) {
            for earlier in &*cast {
                assert_eq!(contradiction(earlier, vote), None, "{earlier:?} {vote:?}");
            }
        }
        cast.push(vote.clone());
        if let Statement::Accept { value } = vote.statement {
            self.accepts(vote, value);
        }
    }

    fn accepts(&mut self, vote: &Vote, value: Hash) {
        let grant = &vote.grant;
        let proposed = self.proposed.get(grant).is_some_and(|values| values.contains(&value));
        assert!(proposed, "{grant}: accepted and never proposed");
        if let Some(before) = grant.predecessor() {
            assert!(self.decided.contains_key(&before), "{grant}: voted on before {before}");
        }
        let clouds = self.accepted.entry((grant.clone(), vote.ballot, value)).or_default();
        clouds.insert(vote.by);
        if clouds.len() >= QUORUM {
            let decided = self.decided.entry(grant.clone()).or_default();
            decided.insert(value);
            assert!(self.forgetful.is_some() || decided.len() == 1, "{grant}: decided twice");
        }
    }

    /// A proposer says so: its accepts must be on disks.
    pub fn decided(&self, grant: &GrantId, value: &Value, accepts: &[Vote]) {
        let clouds: BTreeSet<Cloud> = accepts.iter().map(|vote| vote.by).collect();
        assert!(clouds.len() >= QUORUM, "{grant}: said to be decided by {clouds:?}");
        let decided = self.decided.get(grant).is_some_and(|all| all.contains(&value.hash()));
        assert!(decided, "{grant}: said to be decided and not stored so");
    }

    /// A grant was decided twice only if the forgetful cloud's own votes convict it, and nobody
    /// else's ever convict anybody.
    pub fn assert_splits_are_evident(&self, forgetful: Cloud) -> Outcome {
        let mut outcome = Outcome::default();
        for (grant, votes) in &self.cast {
            let found = first_contradiction(votes);
            if let Some((one, _, _)) = found {
                assert_eq!(one.by, forgetful, "{grant}: an honest cloud is convicted");
                outcome.convicted += 1;
            }
            if self.decided.get(grant).is_some_and(|values| values.len() > 1) {
                outcome.split += 1;
                assert!(found.is_some(), "{grant}: decided twice without evidence");
            }
        }
        outcome
    }
}
