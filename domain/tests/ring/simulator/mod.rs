//! Three clouds, three logs, scripted from a seed: loss, repeats, reordering, delay, partitions,
//! crashes, stores that fail and stores that fail but are stored. All clouds are honest.
//!
//! `TERNION_SEED=n` replays one seed.

mod disk;
mod invariants;
pub mod network;
mod node;
pub mod random;
mod world;

use world::{Tally, World};

const SEEDS: u64 = 300;
/// How long things go wrong, and how long they then have to settle.
const TROUBLE: u64 = 1_500;
const HEALING: u64 = 400;

/// Names the seed when its run panics.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!("replay: TERNION_SEED={seed} cargo test -p domain --test ring simulator");
        }
    }
}

fn run(seed: u64) -> Tally {
    let _replay = Replay(seed);
    let mut world = World::new(seed);
    world.run(TROUBLE);
    world.heal(HEALING);
    world.assert_converged();
    world.tally
}

#[test]
fn whatever_happens_clouds_agree_and_when_it_ends_they_hold_the_same() {
    if let Ok(seed) = std::env::var("TERNION_SEED") {
        let tally = run(seed.parse().expect("TERNION_SEED is a number"));
        println!("{tally:?}");
        return;
    }
    let mut total = Tally::default();
    for seed in 0..SEEDS {
        total += run(seed);
    }
    println!("{SEEDS} seeds: {total:?}");
    assert!(total.crashes > SEEDS && total.failed_stores > SEEDS, "{total:?}");
    assert!(total.doubtful_stores > SEEDS && total.compared > SEEDS, "{total:?}");
    assert!(total.gaps > SEEDS && total.busy > SEEDS && total.leaves > 100 * SEEDS, "{total:?}");
}

#[test]
fn a_seed_always_tells_the_same_story() {
    assert_eq!(format!("{:?}", run(7)), format!("{:?}", run(7)));
    assert_ne!(format!("{:?}", run(7)), format!("{:?}", run(8)));
}
