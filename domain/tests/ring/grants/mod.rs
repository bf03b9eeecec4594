//! Three clouds that compete for grants, scripted from a seed: loss, repeats, reordering, delay,
//! partitions, cut directions, crashes, votes whose storing fails, and fails but is stored; several
//! proposers, two on one cloud among them. All clouds are honest, but for one that may forget.
//!
//! `TERNION_SEED=n` replays one seed.

mod node;
mod witness;
mod world;

use domain::cloud::Cloud;
use world::{Tally, World};

const SEEDS: u64 = 2_000;
/// How long things go wrong, and how long the clouds then have to decide what is open.
const TROUBLE: u64 = 1_000;
const HEALING: u64 = 5_000;

/// Names the seed when its run panics.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!("replay: TERNION_SEED={seed} cargo test -p domain --test ring grants");
        }
    }
}

fn run(seed: u64, forgetful: Option<Cloud>) -> World {
    let _replay = Replay(seed);
    let mut world = World::new(seed, forgetful);
    world.run(TROUBLE);
    world.heal(HEALING);
    if forgetful.is_none() {
        world.assert_decided_alike();
    }
    world
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("TERNION_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("TERNION_SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..SEEDS,
    }
}

#[test]
fn whatever_happens_one_value_at_most_is_decided_and_when_it_ends_one_is() {
    let mut total = Tally::default();
    for seed in seeds() {
        total += run(seed, None).tally;
    }
    println!("{total:?}");
    if seeds().count() > 1 {
        assert!(total.decided > 5 * SEEDS && total.overtaken > SEEDS, "{total:?}");
        assert!(total.crashes > SEEDS && total.failed_stores > SEEDS, "{total:?}");
        assert!(total.doubtful_stores > SEEDS && total.raced > SEEDS / 10, "{total:?}");
        assert!(total.finished_for_others > SEEDS && total.early > SEEDS, "{total:?}");
    }
}

#[test]
fn a_cloud_that_forgets_its_votes_may_split_a_grant_and_they_convict_it_and_nobody_else() {
    let (mut split, mut convicted) = (0, 0);
    for seed in seeds() {
        let forgetful = Cloud::ALL[usize::try_from(seed % 3).expect("small")];
        let world = run(seed, Some(forgetful));
        let _replay = Replay(seed);
        let outcome = world.witness.assert_splits_are_evident(forgetful);
        split += outcome.split;
        convicted += outcome.convicted;
    }
    println!("{split} grants split, {convicted} convictions");
    assert!(seeds().count() == 1 || split > 0, "the persona never did what it is there for");
}

#[test]
fn a_seed_always_tells_the_same_story() {
    let story = |seed| format!("{:?}", run(seed, None).tally);
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}
