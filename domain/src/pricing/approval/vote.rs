//! Votes, and how many of them can stand beside each other.
//!
//! The state machine counts votes in the order in which they were given. What is in force must not
//! depend on which votes are known so far: more of them never make fewer persons agree. So there
//! the question is whether enough of them can stand beside each other, nobody in two of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Actor;

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    /// Whose vote it is.
    pub person: Actor,
    /// Who gave it: the person, or their delegate.
    pub by: Actor,
}

impl Vote {
    /// Given by whose it is.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.person == self.by
    }

    /// Is it theirs, or given by them?
    #[must_use]
    pub fn involves(&self, actor: &Actor) -> bool {
        self.person == *actor || self.by == *actor
    }

    fn meets(&self, other: &Vote) -> bool {
        self.involves(&other.person) || self.involves(&other.by)
    }
}

/// Are so many of these votes those of different persons, given by different persons? Nobody stands
/// in two of them, as the one who is away or as the one who votes.
#[must_use]
pub fn are_there(votes: &BTreeSet<Vote>, persons: usize) -> bool {
    let (own, given): (Vec<&Vote>, Vec<&Vote>) = votes.iter().partition(|vote| vote.is_own());
    // A person's own vote takes the fewest people, so it is never worse than one that they give or
    // have given.
    let others = given.into_iter().filter(|vote| !own.iter().any(|own| own.meets(vote)));
    let others: Vec<&Vote> = others.collect();
    stand(&others, persons.saturating_sub(own.len()))
}

/// Tries each vote that meets the first one: a largest set has one of them. Few are wanted, and few
/// people are away at once, so this is short; where fewer people are involved than so many votes
/// need, it ends at once.
fn stand(votes: &[&Vote], wanted: usize) -> bool {
    let Some(first) = votes.first().filter(|_| wanted > 0) else { return wanted == 0 };
    let people: BTreeSet<&Actor> = votes.iter().flat_map(|vote| [&vote.person, &vote.by]).collect();
    if people.len() / 2 < wanted {
        return false;
    }
    votes.iter().filter(|vote| vote.meets(first)).any(|taken| {
        let rest: Vec<&Vote> = votes.iter().filter(|vote| !vote.meets(taken)).copied().collect();
        stand(&rest, wanted - 1)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn votes(pairs: &[(&str, &str)]) -> BTreeSet<Vote> {
        let vote = |(person, by): &(&str, &str)| Vote {
            person: Actor((*person).to_owned()),
            by: Actor((*by).to_owned()),
        };
        pairs.iter().map(vote).collect()
    }

    #[test]
    fn one_person_has_one_vote_whoever_gives_it() {
        assert!(are_there(&votes(&[]), 0) && !are_there(&votes(&[]), 1));
        // Two delegates of one person, and one delegate of two.
        assert!(!are_there(&votes(&[("ann", "bob"), ("ann", "cid")]), 2));
        assert!(!are_there(&votes(&[("ann", "cid"), ("bob", "cid")]), 2));
        // For themself and as a delegate.
        assert!(!are_there(&votes(&[("ann", "bob"), ("bob", "bob")]), 2));
        assert!(!are_there(&votes(&[("ann", "bob"), ("ann", "ann")]), 2));
        assert!(are_there(&votes(&[("ann", "bob"), ("bob", "bob"), ("ann", "ann")]), 2));
        // A ring of three is one vote, and one of four two.
        assert!(!are_there(&votes(&[("a", "b"), ("b", "c"), ("c", "a")]), 2));
        assert!(are_there(&votes(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]), 2));
    }

    /// The largest set, by looking at all of them.
    fn largest(votes: &[Vote]) -> usize {
        let Some((first, rest)) = votes.split_first() else { return 0 };
        let without = largest(rest);
        let beside: Vec<Vote> = rest.iter().filter(|vote| !vote.meets(first)).cloned().collect();
        without.max(1 + largest(&beside))
    }

    fn any_votes() -> impl Strategy<Value = BTreeSet<Vote>> {
        let name = || prop::sample::select(vec!["a", "b", "c", "d", "e", "f"]);
        let vote = (name(), name())
            .prop_map(|(person, by)| Vote { person: Actor(person.into()), by: Actor(by.into()) });
        prop::collection::btree_set(vote, 0..10)
    }

    proptest! {
        #[test]
        fn as_many_are_there_as_the_largest_set_has_and_more_votes_are_never_fewer_persons(
            votes in any_votes(), more in any_votes(),
        ) {
            let all: Vec<Vote> = votes.iter().cloned().collect();
            let most = largest(&all);
            prop_assert!(are_there(&votes, most) && !are_there(&votes, most + 1));
            prop_assert!(are_there(&votes.union(&more).cloned().collect(), most));
        }
    }
}
