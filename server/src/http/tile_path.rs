//! Addresses of tiles as C2SP tlog-tiles spells them: `0/x001/x234/067.p/112`, `entries/000`.

use domain::log::{TILE_WIDTH, TilePath};

/// Levels 0 to 63 exist in the format; a tree of 2^64 leaves has eight.
const LEVEL_MAX: u8 = 63;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// Hashes.
    Tile(TilePath),
    /// The bundle of entries below a tile of level 0.
    Entries(u64),
}

/// What an address asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub resource: Resource,
    /// 1 to 256; below that a partial tile.
    pub width: usize,
}

impl Wanted {
    /// Reads what follows `tile/`. Only the one canonical spelling of each address.
    pub(super) fn parse(path: &str) -> Option<Wanted> {
        let (kind, rest) = path.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, partial_width(width)?),
            None => (rest, TILE_WIDTH),
        };
        let index = parse_index(index)?;
        let resource = match kind {
            "entries" => Resource::Entries(index),
            level => Resource::Tile(TilePath { level: parse_level(level)?, index }),
        };
        Some(Wanted { resource, width })
    }
}

fn parse_level(text: &str) -> Option<u8> {
    let level: u8 = text.parse().ok()?;
    (level <= LEVEL_MAX && level.to_string() == text).then_some(level)
}

fn partial_width(text: &str) -> Option<usize> {
    let width: usize = text.parse().ok()?;
    ((1..TILE_WIDTH).contains(&width) && width.to_string() == text).then_some(width)
}

fn parse_index(text: &str) -> Option<u64> {
    let groups: Vec<&str> = text.split('/').collect();
    let (last, upper) = groups.split_last()?;
    let mut index: u64 = 0;
    for group in upper.iter().map(|group| group.strip_prefix('x')).chain([Some(*last)]) {
        let digits = group.filter(|group| group.len() == 3)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
    }
    // Refuses leading groups of zeros.
    (TilePath { level: 0, index }.index_text() == text).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(level: u8, index: u64, width: usize) -> Option<Wanted> {
        Some(Wanted { resource: Resource::Tile(TilePath { level, index }), width })
    }

    #[test]
    fn addresses_read_as_the_standard_spells_them() {
        assert_eq!(Wanted::parse("0/x001/x234/067"), tile(0, 1_234_067, 256));
        assert_eq!(Wanted::parse("3/000"), tile(3, 0, 256));
        assert_eq!(Wanted::parse("0/x001/067.p/112"), tile(0, 1_067, 112));
        let entries = Wanted { resource: Resource::Entries(5), width: 7 };
        assert_eq!(Wanted::parse("entries/005.p/7"), Some(entries));
    }

    #[test]
    fn every_other_spelling_is_no_address() {
        for text in [
            "",
            "0",
            "0/",
            "0/1",
            "0/0001",
            "0/x000/001",
            "0/001/002",
            "0/x001",
            "00/000",
            "64/000",
            "-1/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/007",
            "0/000.p",
            "0/00a",
            "entries",
            "x/000",
            "0/000/",
            "0/+01",
        ] {
            assert_eq!(Wanted::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_index_reads_back() {
        for index in [0, 1, 999, 1_000, 999_999, 1_000_000, u64::MAX] {
            let text = TilePath { level: 0, index }.index_text();
            assert_eq!(parse_index(&text), Some(index), "{text}");
        }
    }
}
