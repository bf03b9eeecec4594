//! Which chunks travel together.
//!
//! The cutter makes a chunk for each set of pieces that need the same code, hundreds of them. A page that
//! fetched each by itself would wait for its requests; one file of all would burden every page with what
//! only others need. So chunks are merged, two files at a time, until no page needs more than a few of
//! them: always those two that cost least, where a byte weighs more the heavier the page that fetches it
//! without need.

use std::collections::{BTreeMap, BTreeSet};

/// Files that a page shares with others. The document names them all, so they are asked for at once;
/// over HTTP/1.1 a browser has six on the way at a time.
const FILES_MAX: usize = 12;
/// A page that is heavier by so much, as it travels, weighs twice.
const DOUBLED_BYTES: f64 = 40_000.0;

/// What several pieces need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) name: String,
    /// As they travel.
    pub(super) bytes: u64,
    pub(super) pieces: BTreeSet<String>,
}

/// Chunks that become one file, and all pieces that need one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) chunks: Vec<String>,
    pub(super) pieces: BTreeSet<String>,
    bytes: u64,
}

impl Group {
    /// `anchors-verify`; of those that most need, who does not: `all-but-checker-verify`. Numbers would
    /// change with every piece that is added, and reports could not be compared.
    pub(super) fn name(&self, all: &BTreeSet<String>) -> String {
        let join = |pieces: Vec<&String>| {
            pieces.iter().map(|piece| piece.as_str()).collect::<Vec<_>>().join("-")
        };
        let others: Vec<&String> = all.difference(&self.pieces).collect();
        if others.is_empty() {
            "common".to_owned()
        } else if others.len() < self.pieces.len() {
            format!("all-but-{}", join(others))
        } else {
            join(self.pieces.iter().collect())
        }
    }
}

/// `alone`: bytes that each piece needs and no other does. `later`: pieces that no page begins with.
pub(super) fn group(chunks: &[Chunk], alone: &BTreeMap<String, u64>, later: &[&str]) -> Vec<Group> {
    let weights = weights(chunks, alone, later);
    let mut groups = by_pieces(chunks);
    loop {
        let crowded: BTreeSet<String> =
            alone.keys().filter(|piece| files_of(&groups, piece) > FILES_MAX).cloned().collect();
        let Some((left, right)) = cheapest(&groups, &crowded, &weights) else { break };
        let merged = groups.swap_remove(right);
        let into = &mut groups[left];
        into.bytes += merged.bytes;
        into.chunks.extend(merged.chunks);
        into.pieces.extend(merged.pieces);
    }
    // Those that came to serve the same pieces are one.
    let mut by_name: BTreeMap<BTreeSet<String>, Group> = BTreeMap::new();
    for group in groups {
        match by_name.get_mut(&group.pieces) {
            Some(same) => same.chunks.extend(group.chunks),
            None => drop(by_name.insert(group.pieces.clone(), group)),
        }
    }
    by_name.into_values().collect()
}

/// A file for each set of pieces: nobody fetches more than they need.
fn by_pieces(chunks: &[Chunk]) -> Vec<Group> {
    let mut groups: BTreeMap<&BTreeSet<String>, Group> = BTreeMap::new();
    for Chunk { name, bytes, pieces } in chunks {
        let fresh = || Group { chunks: Vec::new(), pieces: pieces.clone(), bytes: 0 };
        let group = groups.entry(pieces).or_insert_with(fresh);
        group.chunks.push(name.clone());
        group.bytes += bytes;
    }
    groups.into_values().collect()
}

fn files_of(groups: &[Group], piece: &str) -> usize {
    groups.iter().filter(|group| group.pieces.contains(piece)).count()
}

/// What a byte too much costs each piece.
fn weights(
    chunks: &[Chunk],
    alone: &BTreeMap<String, u64>,
    later: &[&str],
) -> BTreeMap<String, f64> {
    let needed = |piece: &String, own: u64| {
        let shared = chunks.iter().filter(|chunk| chunk.pieces.contains(piece));
        own + shared.map(|chunk| chunk.bytes).sum::<u64>()
    };
    let weight = |(piece, own): (&String, &u64)| {
        let is_later = later.contains(&piece.as_str());
        let bytes = if is_later { 0 } else { needed(piece, *own) };
        (piece.clone(), (as_float(bytes) / DOUBLED_BYTES).exp2())
    };
    alone.iter().map(weight).collect()
}

/// Sizes of files are far below where this is inexact.
fn as_float(bytes: u64) -> f64 {
    u32::try_from(bytes).map_or(f64::from(u32::MAX), f64::from)
}

/// The two files whose merging costs least for each crowded page that then needs one less.
fn cheapest(
    groups: &[Group],
    crowded: &BTreeSet<String>,
    weights: &BTreeMap<String, f64>,
) -> Option<(usize, usize)> {
    let weigh = |pieces: BTreeSet<&String>| {
        pieces.iter().filter_map(|piece| weights.get(*piece)).sum::<f64>()
    };
    let mut best: Option<(f64, usize, usize)> = None;
    for (right, b) in groups.iter().enumerate() {
        for (left, a) in groups[..right].iter().enumerate() {
            let both = a.pieces.intersection(&b.pieces);
            let relieved = both.filter(|piece| crowded.contains(*piece)).count();
            let Ok(relieved @ 1..) = u32::try_from(relieved) else { continue };
            // At least a byte each, so that of two at no cost the one that relieves more is first.
            let cost = (as_float(a.bytes) + 1.0) * weigh(b.pieces.difference(&a.pieces).collect())
                + (as_float(b.bytes) + 1.0) * weigh(a.pieces.difference(&b.pieces).collect());
            let cost = cost / f64::from(relieved);
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, left, right));
            }
        }
    }
    best.map(|(_, left, right)| (left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pieces: &[&str]) -> BTreeSet<String> {
        pieces.iter().map(|piece| (*piece).to_owned()).collect()
    }

    fn chunk(name: &str, bytes: u64, pieces: &[&str]) -> Chunk {
        Chunk { name: name.to_owned(), bytes, pieces: set(pieces) }
    }

    #[test]
    fn a_file_is_named_after_who_needs_it_or_who_does_not() {
        let all = set(&["anchors", "event", "lab", "verify"]);
        let name = |pieces: &[&str]| {
            Group { chunks: Vec::new(), pieces: set(pieces), bytes: 0 }.name(&all)
        };
        assert_eq!(name(&["anchors", "event", "lab", "verify"]), "common");
        assert_eq!(name(&["anchors", "event", "lab"]), "all-but-verify");
        assert_eq!(name(&["verify", "event"]), "event-verify");
    }

    #[test]
    fn chunks_of_the_same_pieces_are_one_file_and_few_stay_as_they_are() {
        let chunks = [
            chunk("c1", 10, &["event", "lab"]),
            chunk("c2", 10, &["event", "lab"]),
            chunk("c3", 10, &["lab", "verify"]),
        ];
        let alone = ["event", "lab", "verify"].map(|piece| (piece.to_owned(), 5)).into();
        let groups = group(&chunks, &alone, &[]);
        assert_eq!(groups.len(), 2);
        assert!(groups.iter().any(|one| one.chunks == ["c1", "c2"]));
    }

    /// Forty sets of three pages each: nobody needs more than a few files, and the heaviest page fetches
    /// the least without need.
    #[test]
    fn no_page_needs_many_files_and_a_heavy_one_is_spared() {
        let pages = ["a", "b", "c", "d", "e", "f", "heavy"];
        let mut chunks = Vec::new();
        for (i, x) in pages.iter().enumerate() {
            for (j, y) in pages[..i].iter().enumerate() {
                for z in &pages[..j] {
                    chunks.push(chunk(&format!("{x}{y}{z}"), 1_000, &[x, y, z]));
                }
            }
        }
        let own =
            |page: &&str| ((*page).to_owned(), if *page == "heavy" { 900_000 } else { 1_000 });
        let alone: BTreeMap<String, u64> = pages.iter().map(own).collect();
        let groups = group(&chunks, &alone, &["a"]);
        let fetched = |page: &str| {
            let files = groups.iter().filter(|one| one.pieces.contains(page));
            files.map(|one| one.chunks.len()).sum::<usize>()
        };
        for page in pages {
            assert!(files_of(&groups, page) <= FILES_MAX, "{page}: {groups:?}");
            let needed = chunks.iter().filter(|one| one.pieces.contains(page)).count();
            assert!(fetched(page) >= needed, "{page} lacks some");
        }
        let light = pages.iter().filter(|page| **page != "heavy").map(|page| fetched(page));
        assert!(light.min() >= Some(fetched("heavy")), "{groups:?}");
        let all: usize = groups.iter().map(|one| one.chunks.len()).sum();
        assert_eq!(all, chunks.len(), "each chunk is in one file");
    }
}
