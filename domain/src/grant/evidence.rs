//! Two votes of one cloud that an honest cloud cannot both have cast.

use std::borrow::Borrow;

use super::ballot::Ballot;
use super::vote::{Statement, Vote};

/// What two votes of one cloud contradict each other in. With both signatures it convicts the
/// cloud, before anybody who has its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// It accepted two values under one ballot.
    TwoValues(Ballot),
    /// It made two promises under one ballot that name different things as accepted before.
    TwoReports(Ballot),
    /// It forgot what it had accepted or promised when it made this promise.
    Forgotten(Ballot),
}

/// Do these two votes convict their cloud? Whoever keeps its votes never casts such two, so
/// nobody honest can be named.
#[must_use]
pub fn contradiction(one: &Vote, other: &Vote) -> Option<Contradiction> {
    if one.by != other.by || one.grant != other.grant {
        return None;
    }
    let (low, high) = if one.ballot <= other.ballot { (one, other) } else { (other, one) };
    let at = high.ballot;
    match (low.statement, high.statement) {
        (Statement::Accept { value }, Statement::Accept { value: second }) => {
            (low.ballot == at && value != second).then_some(Contradiction::TwoValues(at))
        }
        (Statement::Promise { last }, Statement::Promise { last: second }) if low.ballot == at => {
            (last != second).then_some(Contradiction::TwoReports(at))
        }
        (_, Statement::Promise { last }) if low.ballot < at => {
            // Since the lower vote it accepted nothing, or something that it still might.
            let kept =
                last == low.accepted() || last.is_some_and(|last| may_follow(low, last.ballot));
            (!kept).then_some(Contradiction::Forgotten(at))
        }
        // A promise binds nothing that is accepted at its ballot or above.
        _ => None,
    }
}

/// May something be accepted under `ballot` by whoever cast `low` and keeps it?
fn may_follow(low: &Vote, ballot: Ballot) -> bool {
    match low.statement {
        Statement::Promise { .. } => ballot >= low.ballot,
        Statement::Accept { .. } => ballot > low.ballot,
    }
}

/// The first two of these votes that contradict each other. Takes time as the square of their
/// number: for the votes of one grant.
#[must_use]
pub fn first_contradiction<V: Borrow<Vote>>(votes: &[V]) -> Option<(&V, &V, Contradiction)> {
    votes.iter().enumerate().find_map(|(at, one)| {
        votes[..at].iter().find_map(|other| {
            contradiction(one.borrow(), other.borrow()).map(|found| (other, one, found))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::vote::tests::{accept, ballot, promise};
    use super::*;
    use crate::cloud::Cloud;

    const AWS: Cloud = Cloud::Aws;

    #[test]
    fn every_kind_of_double_vote_is_named_whichever_comes_first() {
        let (two, three) = (ballot("2.gcp"), ballot("3.gcp"));
        for (one, other, found) in [
            (accept(AWS, "2.gcp", 1), accept(AWS, "2.gcp", 2), Contradiction::TwoValues(two)),
            (
                promise(AWS, "2.gcp", None),
                promise(AWS, "2.gcp", Some(("1.aws", 1))),
                Contradiction::TwoReports(two),
            ),
            // It accepted, and promised as if it had not; or with another value.
            (accept(AWS, "2.gcp", 1), promise(AWS, "3.gcp", None), Contradiction::Forgotten(three)),
            (
                accept(AWS, "2.gcp", 1),
                promise(AWS, "3.gcp", Some(("1.aws", 1))),
                Contradiction::Forgotten(three),
            ),
            (
                accept(AWS, "2.gcp", 1),
                promise(AWS, "3.gcp", Some(("2.gcp", 2))),
                Contradiction::Forgotten(three),
            ),
            // It accepted below a ballot that it had promised.
            (
                promise(AWS, "2.gcp", None),
                promise(AWS, "3.gcp", Some(("1.azure", 1))),
                Contradiction::Forgotten(three),
            ),
            (
                promise(AWS, "2.gcp", Some(("1.aws", 1))),
                promise(AWS, "3.gcp", None),
                Contradiction::Forgotten(three),
            ),
        ] {
            assert_eq!(contradiction(&one, &other), Some(found));
            assert_eq!(contradiction(&other, &one), Some(found));
        }
    }

    #[test]
    fn what_an_honest_cloud_may_say_convicts_nobody() {
        for (one, other) in [
            (accept(AWS, "2.gcp", 1), accept(AWS, "2.gcp", 1)),
            (accept(AWS, "2.gcp", 1), accept(AWS, "3.gcp", 2)),
            (promise(AWS, "2.gcp", None), accept(AWS, "2.gcp", 1)),
            (promise(AWS, "2.gcp", None), accept(AWS, "3.gcp", 1)),
            (accept(AWS, "2.gcp", 1), promise(AWS, "4.gcp", Some(("3.aws", 2)))),
            (accept(AWS, "2.gcp", 1), promise(AWS, "4.gcp", Some(("2.gcp", 1)))),
            (promise(AWS, "2.gcp", None), promise(AWS, "3.gcp", None)),
            (promise(AWS, "2.gcp", None), promise(AWS, "3.gcp", Some(("2.gcp", 1)))),
            // Two clouds may differ in everything.
            (accept(AWS, "2.gcp", 1), accept(Cloud::Gcp, "2.gcp", 2)),
        ] {
            assert_eq!(contradiction(&one, &other), None, "{one:?} {other:?}");
            assert_eq!(contradiction(&other, &one), None, "{other:?} {one:?}");
        }
    }

    #[test]
    fn the_two_are_found_among_many() {
        let votes = [
            promise(AWS, "1.gcp", None),
            accept(AWS, "1.gcp", 1),
            promise(Cloud::Gcp, "2.gcp", None),
            promise(AWS, "2.gcp", None),
        ];
        let (one, other, _) = first_contradiction(&votes).expect("found");
        assert_eq!((one, other), (&votes[1], &votes[3]));
        assert!(first_contradiction(&votes[..3]).is_none());
    }
}
