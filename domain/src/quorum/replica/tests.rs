//! One machine, one input at a time.

use proptest::prelude::*;

use super::*;
use crate::cloud::PerCloud;
use crate::log::{TILE_WIDTH, empty_root};

const LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 1 };
const NOBODY: PerSigner<u64> = by_clouds(0, 0, 0);

const fn by_clouds(gcp: u64, aws: u64, azure: u64) -> PerSigner<u64> {
    PerSigner { clouds: PerCloud { gcp, aws, azure }, witness: 0 }
}

fn leaves(range: std::ops::Range<u64>) -> Vec<Leaf> {
    range.map(|n| Leaf::of(&n.to_be_bytes())).collect()
}

fn grown(size: u64) -> Appender {
    let mut appender = Appender::default();
    for leaf in leaves(0..size) {
        appender.append(leaf, |_| {});
    }
    appender
}

fn head(size: u64) -> Head {
    grown(size).head()
}

/// A head that the same origin signed on another branch.
fn forked(size: u64) -> Head {
    Head { size, root: Hash([0xee; 32]) }
}

fn origin() -> Replica {
    Replica::resume(LOG, Cloud::Gcp, Standing::default(), Appender::default(), &NOBODY)
}

/// AWS, holding the first `size` leaves of Google Cloud's log.
fn peer(size: u64) -> Replica {
    Replica::resume(LOG, Cloud::Aws, Standing::default(), grown(size), &NOBODY)
}

fn offer(start: u64, end: u64) -> Input {
    Input::Offer { start, leaves: leaves(start..end), head: head(end) }
}

fn signed(by: Cloud, head: Head) -> Input {
    Input::Signed { by: by.into(), head }
}

fn refused(refusal: Refusal) -> Vec<Effect> {
    vec![Effect::Refuse(refusal)]
}

/// The machine asks for nothing but storing, and gets it.
fn grow(replica: &mut Replica, input: Input) -> Vec<Effect> {
    let effects = replica.step(input);
    assert!(matches!(effects.as_slice(), [Effect::Store(_)]), "{effects:?}");
    replica.step(Input::Stored)
}

#[test]
fn the_origin_releases_its_signature_only_when_the_range_is_stored() {
    let mut origin = origin();
    let effects = origin.step(Input::Propose(leaves(0..3)));
    let [Effect::Store(staged)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((staged.from, staged.to, staged.skipped), (head(0), head(3), 0));
    assert_eq!((origin.head(), origin.final_size()), (head(0), 0));
    assert_eq!(origin.step(Input::Stored), [Effect::Release(head(3))]);
    assert_eq!((origin.head(), origin.final_size()), (head(3), 0));
}

#[test]
fn a_peers_signature_makes_it_final_and_the_third_replicated() {
    let mut origin = origin();
    grow(&mut origin, Input::Propose(leaves(0..3)));
    assert_eq!(origin.step(signed(Cloud::Aws, head(3))), [Effect::Final(3)]);
    grow(&mut origin, Input::Propose(leaves(3..5)));
    assert_eq!(
        origin.step(signed(Cloud::Azure, head(5))),
        [Effect::Final(5), Effect::Replicated(3)]
    );
    assert_eq!(origin.step(signed(Cloud::Aws, head(5))), [Effect::Replicated(5)]);
}

#[test]
fn a_peer_that_stores_what_the_origin_signed_sees_it_final() {
    let mut peer = peer(0);
    assert_eq!(grow(&mut peer, offer(0, 4)), [Effect::Release(head(4)), Effect::Final(4)]);
    assert_eq!(grow(&mut peer, offer(4, 9)), [Effect::Release(head(9)), Effect::Final(9)]);
}

#[test]
fn an_overlapping_offer_stores_only_what_is_new() {
    let mut peer = peer(5);
    let effects = peer.step(offer(2, 9));
    let [Effect::Store(staged)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((staged.from, staged.to, staged.skipped), (head(5), head(9), 3));
}

#[test]
fn filled_tiles_come_with_the_range() {
    let mut peer = peer(250);
    let effects = peer.step(offer(250, 260));
    let [Effect::Store(staged)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(staged.tiles.len(), 1);
    assert_eq!(staged.tiles[0].root, head(TILE_WIDTH as u64).root);
}

#[test]
fn offers_that_do_not_fit_are_refused_and_change_nothing() {
    let mut peer = peer(3);
    let before = format!("{peer:?}");
    let with = |start, leaves, head| Input::Offer { start, leaves, head };
    for (input, refusal) in [
        (offer(4, 6), Refusal::Gap { have: 3, start: 4 }),
        (with(3, leaves(3..5), head(6)), Refusal::SizeMismatch { end: 5, signed: 6 }),
        (with(3, leaves(3..5), forked(5)), Refusal::RootMismatch { computed: head(5).root }),
        (with(3, Vec::new(), head(3)), Refusal::Empty),
        (with(9, Vec::new(), head(9)), Refusal::Empty),
        (with(u64::MAX, leaves(0..1), forked(u64::MAX)), Refusal::Full),
        (
            with(u64::MAX - 1, leaves(0..1), forked(u64::MAX)),
            Refusal::Gap { have: 3, start: u64::MAX - 1 },
        ),
        (Input::Propose(leaves(3..4)), Refusal::NotTheOrigin),
    ] {
        assert_eq!(peer.step(input), refused(refusal));
        assert_eq!(format!("{peer:?}"), before);
    }
}

#[test]
fn the_origin_takes_no_leaves_from_others_and_proposes_none_but_some() {
    let mut origin = origin();
    assert_eq!(origin.step(offer(0, 2)), refused(Refusal::NotTheOrigin));
    assert_eq!(origin.step(Input::Propose(Vec::new())), refused(Refusal::Empty));
}

#[test]
fn a_full_log_takes_no_more() {
    let largest = Appender::resume(vec![vec![empty_root(); TILE_WIDTH - 1]; 8]).expect("fits");
    let mut origin = Replica::resume(LOG, Cloud::Gcp, Standing::default(), largest, &NOBODY);
    assert_eq!(origin.head().size, u64::MAX);
    assert_eq!(origin.step(Input::Propose(leaves(0..1))), refused(Refusal::Full));
    assert_eq!(origin.step(signed(Cloud::Aws, origin.head())), [Effect::Final(u64::MAX)]);
}

#[test]
fn one_range_is_stored_at_a_time() {
    let mut peer = peer(0);
    peer.step(offer(0, 2));
    assert_eq!(peer.step(offer(0, 2)), refused(Refusal::Busy));
    assert_eq!(peer.step(offer(0, 4)), refused(Refusal::Busy));
    assert_eq!(peer.step(Input::Stored), [Effect::Release(head(2)), Effect::Final(2)]);
    let mut origin = origin();
    origin.step(Input::Propose(leaves(0..1)));
    assert_eq!(origin.step(Input::Propose(leaves(1..2))), refused(Refusal::Busy));
}

#[test]
fn what_was_surely_not_stored_was_never_there() {
    let mut peer = peer(2);
    peer.step(offer(2, 6));
    assert_eq!(peer.step(Input::StoreFailed), []);
    assert_eq!((peer.head(), peer.final_size()), (head(2), 2));
    assert_eq!(peer.step(Input::Stored), [], "nothing is staged any more");
    assert_eq!(peer.head(), head(2));
    assert_eq!(grow(&mut peer, offer(2, 3)), [Effect::Release(head(3)), Effect::Final(3)]);
}

#[test]
fn stored_or_failed_without_a_staged_range_means_nothing() {
    let mut peer = peer(2);
    assert_eq!(peer.step(Input::Stored), []);
    assert_eq!(peer.step(Input::StoreFailed), []);
    assert_eq!(peer.head(), head(2));
}

#[test]
fn a_repeated_offer_is_answered_with_our_signature_again() {
    let mut peer = peer(0);
    grow(&mut peer, offer(0, 4));
    grow(&mut peer, offer(4, 6));
    for _ in 0..3 {
        assert_eq!(peer.step(offer(4, 6)), [Effect::Release(head(6))]);
        assert_eq!(peer.step(offer(0, 4)), [Effect::Release(head(6))]);
    }
    assert_eq!((peer.head(), peer.final_size()), (head(6), 6));
}

#[test]
fn an_old_offer_is_answered_only_when_it_was_compared() {
    let mut peer = peer(6);
    let ask = Effect::CompareRoot { by: Signer::Gcp, head: head(4) };
    assert_eq!(peer.step(offer(0, 4)), std::slice::from_ref(&ask));
    assert_eq!(peer.step(offer(0, 4)), [ask]);
    let answer = Input::OurRoot { by: Signer::Gcp, head: head(4), ours: head(4).root };
    assert_eq!(peer.step(answer.clone()), [Effect::Release(head(6))]);
    assert_eq!(peer.step(answer), [], "nobody waits for this answer");
}

#[test]
fn an_answer_may_come_late() {
    let mut peer = peer(6);
    peer.step(offer(0, 4));
    grow(&mut peer, offer(6, 8));
    let answer = Input::OurRoot { by: Signer::Gcp, head: head(4), ours: head(4).root };
    assert_eq!(peer.step(answer), [Effect::Release(head(8))]);
}

#[test]
fn an_offer_of_another_branch_is_a_conflict_and_gets_no_signature() {
    let mut peer = peer(6);
    let other = |size| Input::Offer { start: 0, leaves: leaves(0..size), head: forked(size) };
    let conflict =
        |size| Effect::Conflict { by: Signer::Gcp, theirs: forked(size), ours: head(size).root };
    assert_eq!(peer.step(other(6)), [conflict(6)]);
    assert_eq!(peer.step(other(4)), [Effect::CompareRoot { by: Signer::Gcp, head: forked(4) }]);
    let answer = Input::OurRoot { by: Signer::Gcp, head: forked(4), ours: head(4).root };
    assert_eq!(peer.step(answer), [conflict(4)]);
    assert_eq!(peer.head(), head(6));
}

#[test]
fn many_unanswered_offers_take_bounded_memory_and_the_latest_are_answered() {
    let mut peer = peer(100);
    for size in 1..=60 {
        peer.step(offer(0, size));
    }
    assert_eq!(peer.unanswered.len(), UNANSWERED_MAX);
    let answer = |size| Input::OurRoot { by: Signer::Gcp, head: head(size), ours: head(size).root };
    assert_eq!(peer.step(answer(60)), [Effect::Release(head(100))]);
    assert_eq!(peer.step(answer(1)), []);
}

#[test]
fn a_signature_on_another_root_is_never_counted() {
    let mut origin = origin();
    grow(&mut origin, Input::Propose(leaves(0..5)));
    let conflict = Effect::Conflict { by: Signer::Aws, theirs: forked(5), ours: head(5).root };
    assert_eq!(origin.step(signed(Cloud::Aws, forked(5))), [conflict]);
    assert_eq!(origin.step(signed(Cloud::Aws, forked(5))), [], "reported once");
    assert_eq!((origin.final_size(), origin.signed().clouds.aws), (0, 0));
    grow(&mut origin, Input::Propose(leaves(5..9)));
    assert_eq!((origin.final_size(), origin.signed().clouds.aws), (0, 0));
}

#[test]
fn an_older_signature_on_another_root_is_found_although_it_adds_nothing() {
    let mut origin = origin();
    grow(&mut origin, Input::Propose(leaves(0..5)));
    grow(&mut origin, Input::Propose(leaves(5..9)));
    assert_eq!(origin.step(signed(Cloud::Aws, head(9))), [Effect::Final(9)]);
    assert_eq!(origin.step(signed(Cloud::Aws, head(5))), []);
    let conflict = Effect::Conflict { by: Signer::Aws, theirs: forked(5), ours: head(5).root };
    assert_eq!(origin.step(signed(Cloud::Aws, forked(5))), [conflict]);
    assert_eq!(origin.final_size(), 9);
}

#[test]
fn sizes_between_our_own_heads_are_compared_by_the_driver() {
    let mut peer = peer(9);
    let ask = Effect::CompareRoot { by: Signer::Azure, head: head(7) };
    assert_eq!(peer.step(signed(Cloud::Azure, head(7))), std::slice::from_ref(&ask));
    assert_eq!(peer.step(signed(Cloud::Azure, head(7))), [ask]);
    let answer = Input::OurRoot { by: Signer::Azure, head: head(7), ours: head(7).root };
    assert_eq!(peer.step(answer.clone()), [Effect::Replicated(7)]);
    assert_eq!(peer.step(answer), []);
    assert_eq!(peer.step(signed(Cloud::Azure, head(7))), [], "known already");
}

#[test]
fn a_root_that_we_cannot_have_counts_for_nothing() {
    let mut origin = origin();
    grow(&mut origin, Input::Propose(leaves(0..5)));
    let claim = Input::OurRoot { by: Signer::Aws, head: head(8), ours: head(8).root };
    assert_eq!(origin.step(claim), []);
    assert_eq!((origin.final_size(), origin.signed().clouds.aws), (0, 0));
    let effects = grow(&mut origin, Input::Propose(leaves(5..8)));
    assert_eq!(effects, [Effect::Release(head(8)), Effect::Final(8)]);
}

#[test]
fn a_cloud_that_is_always_ahead_is_counted_as_we_catch_up() {
    let mut peer = peer(0);
    for size in (10..=400).step_by(10) {
        peer.step(signed(Cloud::Azure, head(size)));
    }
    assert_eq!(peer.replicated_size(), 0);
    let effects = grow(&mut peer, offer(0, 10));
    assert_eq!(effects, [Effect::Release(head(10)), Effect::Final(10), Effect::Replicated(10)]);
    let effects = grow(&mut peer, offer(10, 400));
    assert!(effects.contains(&Effect::Replicated(400)), "{effects:?}");
}

#[test]
fn a_head_ahead_of_us_on_another_branch_is_found_when_we_get_there() {
    let mut peer = peer(0);
    assert_eq!(peer.step(signed(Cloud::Gcp, forked(4))), []);
    let effects = grow(&mut peer, offer(0, 4));
    let conflict = Effect::Conflict { by: Signer::Gcp, theirs: forked(4), ours: head(4).root };
    assert_eq!(effects, [Effect::Release(head(4)), Effect::Final(4), conflict]);
}

#[test]
fn our_own_signature_coming_back_says_nothing_new() {
    let mut peer = peer(4);
    assert_eq!(peer.step(signed(Cloud::Aws, head(4))), []);
    assert_eq!(peer.step(signed(Cloud::Aws, head(8))), [], "from before a restore");
    assert_eq!(peer.signed().clouds.aws, 4);
}

#[test]
fn it_tells_whether_a_signature_stands_for_our_own_tree() {
    let mut origin = origin();
    grow(&mut origin, Input::Propose(leaves(0..5)));
    grow(&mut origin, Input::Propose(leaves(5..9)));
    for (theirs, agrees) in [(head(9), true), (forked(5), false), (head(5), true)] {
        assert!(!origin.agrees(Signer::Aws, theirs), "not heard of yet");
        origin.step(signed(Cloud::Aws, theirs));
        assert_eq!(origin.agrees(Signer::Aws, theirs), agrees);
    }
    origin.step(signed(Cloud::Aws, head(12)));
    assert!(!origin.agrees(Signer::Aws, head(12)), "beyond our tree");
    assert!(!origin.agrees(Signer::Azure, head(5)), "another cloud");
}

#[test]
fn a_resumed_machine_counts_only_what_can_have_been_compared() {
    let known = by_clouds(99, 99, 99);
    let origin = Replica::resume(LOG, Cloud::Gcp, Standing::default(), grown(7), &known);
    assert_eq!(*origin.signed(), by_clouds(7, 0, 0));
    assert_eq!(origin.final_size(), 0);
    let peer = Replica::resume(LOG, Cloud::Aws, Standing::default(), grown(7), &NOBODY);
    assert_eq!(*peer.signed(), by_clouds(7, 7, 0));
    assert_eq!((peer.final_size(), peer.replicated_size()), (7, 0));
    let known = by_clouds(7, 7, 5);
    let origin = Replica::resume(LOG, Cloud::Gcp, Standing::default(), grown(7), &known);
    assert_eq!((origin.final_size(), origin.replicated_size()), (7, 5));
    assert_eq!((origin.log(), origin.head()), (LOG, head(7)));
}

/// Anything at all, in any order, true or not.
fn any_input() -> impl Strategy<Value = Input> {
    let cloud = prop::sample::select(Signer::ALL.to_vec());
    let some_head = (0u64..24, prop::bool::weighted(0.8))
        .prop_map(|(size, honest)| if honest { head(size) } else { forked(size) });
    let root = (0u64..24).prop_map(|size| head(size).root);
    prop_oneof![
        3 => (0u64..24, 0u64..8).prop_map(|(start, count)| offer(start, start + count)),
        1 => (0u64..24, 0u64..8, some_head.clone()).prop_map(|(start, count, head)| {
            Input::Offer { start, leaves: leaves(start..start + count), head }
        }),
        1 => (0u64..24, 1u64..4).prop_map(|(at, count)| Input::Propose(leaves(at..at + count))),
        3 => Just(Input::Stored),
        1 => Just(Input::StoreFailed),
        3 => (cloud.clone(), some_head.clone()).prop_map(|(by, head)| Input::Signed { by, head }),
        2 => (cloud, some_head, root)
            .prop_map(|(by, head, ours)| Input::OurRoot { by, head, ours }),
    ]
}

fn standing(mode: Mode) -> Standing {
    Standing { mode, ..Standing::default() }
}

#[test]
fn a_strict_mode_waits_for_its_third_signer() {
    let resume = |mode| Replica::resume(LOG, Cloud::Gcp, standing(mode), grown(4), &NOBODY);
    let mut unanimous = resume(Mode::Unanimous);
    assert_eq!(unanimous.step(signed(Cloud::Aws, head(4))), []);
    let all = [Effect::Final(4), Effect::Replicated(4)];
    assert_eq!(unanimous.step(signed(Cloud::Azure, head(4))), all);
    let mut witnessed = resume(Mode::Witness);
    let by_witness = |size| Input::Signed { by: Signer::Witness, head: head(size) };
    assert_eq!(witnessed.step(by_witness(4)), []);
    assert_eq!(
        witnessed.step(signed(Cloud::Aws, head(3))),
        [Effect::CompareRoot { by: Signer::Aws, head: head(3) }]
    );
    let ours = Input::OurRoot { by: Signer::Aws, head: head(3), ours: head(3).root };
    assert_eq!(witnessed.step(ours), [Effect::Final(3)]);
}

#[test]
fn a_closed_log_takes_what_was_there_and_nothing_beyond() {
    let mut peer = peer(2);
    assert_eq!(peer.step(Input::Close(head(4))), []);
    assert_eq!(peer.step(offer(2, 5)), refused(Refusal::Closed { size: 4 }));
    assert_eq!(grow(&mut peer, offer(2, 4)), [Effect::Release(head(4)), Effect::Final(4)]);
    let mut origin = origin();
    origin.step(Input::Close(head(0)));
    let closed = refused(Refusal::Closed { size: 0 });
    assert_eq!(origin.step(Input::Propose(leaves(0..1))), closed);
}

#[test]
fn a_frozen_log_is_signed_no_more_but_what_was_signed_still_counts() {
    let mut peer = peer(3);
    peer.step(Input::Freeze);
    assert_eq!(peer.step(offer(3, 5)), refused(Refusal::Frozen));
    assert_eq!(peer.step(offer(2, 3)), [Effect::Release(head(3))]);
    assert_eq!(peer.step(signed(Cloud::Azure, head(3))), [Effect::Replicated(3)]);
}

#[test]
fn an_origin_proposes_nothing_more_in_a_log_that_there_is_evidence_against() {
    let mut origin = origin();
    grow(&mut origin, Input::Propose(leaves(0..3)));
    origin.step(Input::Freeze);
    assert_eq!(origin.step(Input::Propose(leaves(3..4))), refused(Refusal::Frozen));
    assert_eq!(origin.step(signed(Cloud::Aws, head(3))), [Effect::Final(3)]);
}

#[test]
fn an_old_copy_of_our_own_log_takes_entries_back_and_proposes_none() {
    let recovering = Standing { recovering: true, ..Standing::default() };
    let mut origin = Replica::resume(LOG, Cloud::Gcp, recovering, grown(2), &NOBODY);
    assert_eq!(origin.step(Input::Propose(leaves(2..3))), refused(Refusal::Recovering));
    assert_eq!(grow(&mut origin, offer(2, 6)), [Effect::Release(head(6))]);
    assert_eq!(origin.step(signed(Cloud::Aws, head(6))), [Effect::Final(6)]);
}

#[test]
fn an_old_copy_of_our_own_log_is_taken_back_also_after_a_record_has_ended_the_log() {
    let closed = Standing { closing: Some(head(6)), ..Standing::default() };
    let mut origin = Replica::resume(LOG, Cloud::Gcp, closed, grown(2), &NOBODY);
    assert_eq!(origin.step(offer(2, 7)), refused(Refusal::Closed { size: 6 }));
    assert_eq!(grow(&mut origin, offer(2, 6)), [Effect::Release(head(6))]);
    assert_eq!(origin.step(offer(2, 6)), refused(Refusal::NotTheOrigin));
}

proptest! {
    #[test]
    fn whatever_comes_finality_never_goes_back_nor_beyond_what_is_stored(
        me in prop::sample::select(Cloud::ALL.to_vec()),
        size in 0u64..12,
        inputs in prop::collection::vec(any_input(), 0..60),
    ) {
        let mut replica = Replica::resume(LOG, me, Standing::default(), grown(size), &NOBODY);
        let mut stored = replica.head();
        for input in inputs {
            let (was_final, was_replicated) = (replica.final_size(), replica.replicated_size());
            let were_signed = *replica.signed();
            let may_store = matches!(input, Input::Stored);
            let effects = replica.step(input);
            prop_assert!(replica.final_size() >= was_final);
            prop_assert!(replica.replicated_size() >= was_replicated);
            prop_assert!(replica.replicated_size() <= replica.final_size());
            prop_assert!(replica.final_size() <= replica.head().size);
            prop_assert!(replica.signed().iter().all(|(_, size)| *size <= replica.head().size));
            prop_assert!(were_signed.iter().all(|(by, size)| size <= replica.signed().get(by)));
            prop_assert!(may_store || replica.head() == stored);
            stored = replica.head();
            for effect in effects {
                match effect {
                    Effect::Release(head) => prop_assert_eq!(head, stored),
                    Effect::CompareRoot { head, .. } => prop_assert!(head.size <= stored.size),
                    Effect::Final(size) => prop_assert!(size > was_final),
                    Effect::Replicated(size) => prop_assert!(size > was_replicated),
                    _ => {}
                }
            }
        }
    }
}
