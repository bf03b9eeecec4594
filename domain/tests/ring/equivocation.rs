//! An origin that signs two branches: it can make both final, and it cannot hide it.

use domain::cloud::Cloud;
use domain::log::{Appender, Head, Leaf, LogId};
use domain::quorum::{Effect, Input, PerSigner, Replica, Standing};
use proptest::prelude::*;

const LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 1 };

/// `common` leaves that both branches share, and then `own` of this branch.
fn branch(name: u8, common: u64, own: u64) -> Vec<Leaf> {
    let leaf = |branch: u8, at: u64| Leaf::of(&[&[branch][..], &at.to_be_bytes()].concat());
    let shared = (0..common).map(|at| leaf(0, at));
    shared.chain((0..own).map(|at| leaf(name, at))).collect()
}

fn head_of(leaves: &[Leaf]) -> Head {
    let mut appender = Appender::default();
    leaves.iter().for_each(|leaf| appender.append(*leaf, |_| {}));
    appender.head()
}

/// A peer that took the branch, in one range, as its origin signed it.
fn follower(me: Cloud, leaves: &[Leaf]) -> Replica {
    let mut replica =
        Replica::resume(LOG, me, Standing::default(), Appender::default(), &PerSigner::default());
    replica.step(Input::Offer { start: 0, leaves: leaves.to_vec(), head: head_of(leaves) });
    replica.step(Input::Stored);
    replica
}

/// Tells `replica` of another cloud's signature, and computes roots for it.
fn hear(replica: &mut Replica, leaves: &[Leaf], by: Cloud, head: Head) -> Vec<Effect> {
    let effects = replica.step(Input::Signed { by: by.into(), head });
    let [Effect::CompareRoot { by, head }] = effects[..] else { return effects };
    let size = usize::try_from(head.size).expect("small");
    replica.step(Input::OurRoot { by, head, ours: head_of(&leaves[..size]).root })
}

proptest! {
    #[test]
    fn the_longer_branch_finds_the_shorter_one_out_and_counts_it_for_nothing(
        common in 0u64..20, left in 1u64..20, right in 1u64..20,
    ) {
        let (left, right) = (branch(1, common, left), branch(2, common, right));
        let mut aws = follower(Cloud::Aws, &left);
        let mut azure = follower(Cloud::Azure, &right);
        let (aws_head, azure_head) = (aws.head(), azure.head());
        prop_assert_eq!((aws.final_size(), azure.final_size()), (aws_head.size, azure_head.size));
        let found = [
            hear(&mut aws, &left, Cloud::Azure, azure_head),
            hear(&mut azure, &right, Cloud::Aws, aws_head),
        ];
        let conflicts = found.iter().flatten().filter(|effect| {
            matches!(effect, Effect::Conflict { theirs, ours, .. } if theirs.root != *ours)
        });
        prop_assert_eq!(conflicts.count(), 1 + usize::from(aws_head.size == azure_head.size));
        prop_assert_eq!((aws.replicated_size(), azure.replicated_size()), (0, 0));
        prop_assert_eq!((aws.signed().clouds.azure, azure.signed().clouds.aws), (0, 0));
    }

    #[test]
    fn no_range_of_another_branch_is_stored_upon_ours(
        common in 0u64..20, left in 1u64..20, right in 1u64..20, start in 0u64..20,
    ) {
        let (left, right) = (branch(1, common, left), branch(2, common, left.min(right) + right));
        let mut aws = follower(Cloud::Aws, &left);
        let before = aws.head();
        let start = start.min(before.size);
        let leaves = right.get(usize::try_from(start).expect("small")..).unwrap_or_default();
        let offer = Input::Offer { start, leaves: leaves.to_vec(), head: head_of(&right) };
        let stored = aws.step(offer).iter().any(|effect| matches!(effect, Effect::Store(_)));
        prop_assert!(!stored);
        prop_assert_eq!(aws.head(), before);
    }
}
