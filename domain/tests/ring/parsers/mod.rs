//! Bytes of strangers: no parser panics, and what it takes it writes so that it reads the same.
//!
//! `domain/fuzz` runs the same targets for as long as one likes; here they run on a few hundred
//! inputs each: arbitrary ones, and good ones with something changed.

mod seeds;
mod targets;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::fixtures;
use targets::TARGETS;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The seeds of every target, in the order of [`TARGETS`].
static SEEDS: LazyLock<Vec<Vec<Vec<u8>>>> =
    LazyLock::new(|| TARGETS.iter().map(|(name, _)| seeds_of(name)).collect());

/// The committed seeds of a target; for bundles a whole one, and for time stamps our test vectors.
fn seeds_of(target: &str) -> Vec<Vec<u8>> {
    let made = seeds::all().into_iter().filter(|(of, _, _)| *of == target);
    let mut seeds: Vec<Vec<u8>> = made.map(|(_, _, bytes)| bytes).collect();
    if target == "bundle" {
        seeds.push(crate::bundle::story::contents().bundle().pack().expect("memory"));
    }
    if target == "rfc3161" {
        let vectors = folder("tests/vectors/rfc3161");
        let answers = ["tsr", "der"].map(|ending| fixtures::files(&vectors, ending)).concat();
        seeds.extend(answers.iter().map(|file| fixtures::read(file)));
    }
    seeds
}

/// One change that a careless or ill-willed sender makes.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    /// What stands at the second place is repeated at the first.
    Repeat(Index, Index),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Set(at, byte) => bytes[at.index(length)] = *byte,
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Insert(at, new) => {
                let at = at.index(length);
                bytes.splice(at..at, new.iter().copied());
            }
            Change::Repeat(to, from) => {
                let (to, from) = (to.index(length), from.index(length));
                let part = bytes[from..length.min(from + 40)].to_vec();
                bytes.splice(to..to, part);
            }
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, new)| Change::Insert(at, new)),
        (any::<Index>(), any::<Index>()).prop_map(|(to, from)| Change::Repeat(to, from)),
    ]
}

#[test]
fn every_target_has_a_seed_and_takes_it() {
    for ((name, target), seeds) in TARGETS.iter().zip(SEEDS.iter()) {
        assert!(!seeds.is_empty(), "{name} has no seed");
        seeds.iter().for_each(|seed| target(seed));
    }
}

/// `TERNION_WRITE_SEEDS=1` writes them.
#[test]
fn the_committed_seeds_are_the_ones_that_are_made_here() {
    for (target, name, bytes) in seeds::all() {
        let file = folder("fuzz/seeds").join(target).join(name);
        if std::env::var_os("TERNION_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a new folder");
            std::fs::write(&file, &bytes).expect("a new file");
        }
        assert_eq!(fixtures::read(&file), bytes, "{target}/{name}");
    }
}

proptest! {
    #[test]
    fn no_target_minds_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }

    #[test]
    fn no_target_minds_a_good_input_with_something_changed(
        pick in any::<Index>(),
        changes in prop::collection::vec(any_change(), 1..5),
    ) {
        for ((_, target), seeds) in TARGETS.iter().zip(SEEDS.iter()) {
            let mut bytes = pick.get(seeds).clone();
            changes.iter().for_each(|change| change.apply(&mut bytes));
            target(&bytes);
        }
    }
}
