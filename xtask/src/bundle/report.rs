//! What a visitor downloads, against the budget.

use std::collections::BTreeMap;
use std::fmt;

use super::Mode;
use super::site::Site;
use crate::problem::Outcome;

/// WASM, JavaScript and style together, as brotli (kB = 1000 bytes), of whichever page is visited
/// first. A page stands before they arrive, but nothing on it moves: at 5 Mbit/s, a phone's on an
/// ordinary day, 450 kB are 0.7 s. Typefaces come later and are not counted.
const BUDGET_KB: u64 = 450;
const IN_BUDGET: [&str; 3] = ["js", "wasm", "css"];
/// What no first visit does without, and all that pages outside the pieces need, such as sign-in.
const NO_PIECE: &str = "every page";

/// Pieces that no page begins with: the page stands without them, and fetches them while it is read.
pub(super) const LATER: [&str; 1] = ["checker"];

/// What a worker runs beside a page: the page stands and moves without it.
const BESIDE: [&str; 3] = ["engine.js", "engine_bg.wasm", "worker.js"];

/// As made, as gzip and as brotli, in bytes.
type Sizes = [u64; 3];

/// What first visits cost before anything moves.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    /// Every file of the site, by name.
    files: Vec<(String, Sizes)>,
    /// What every page needs, and then, by piece, that and what the piece's pages need besides.
    first_visits: Vec<(String, Sizes)>,
    /// Of somebody who opens every page.
    all: Sizes,
    mode: Mode,
}

impl Weight {
    pub(crate) fn of(site: &Site, mode: Mode) -> Outcome<Self> {
        let mut files = BTreeMap::new();
        for name in site.names().into_iter().filter(|name| counts(name)) {
            files.insert(name, site.sizes(name)?);
        }
        let all = sum(files.values());
        let later = |name: &str| site.pieces().values().flatten().any(|part| part == name);
        let later = |name: &str| later(name) || BESIDE.contains(&name);
        let first = sum(files.iter().filter(|(name, _)| !later(name)).map(|(_, sizes)| sizes));
        let mut first_visits = vec![(NO_PIECE.to_owned(), first)];
        for (piece, parts) in
            site.pieces().iter().filter(|(piece, _)| !LATER.contains(&piece.as_str()))
        {
            let besides = sum(parts.iter().filter_map(|part| files.get(part.as_str())));
            first_visits.push((piece.clone(), add(first, besides)));
        }
        let names = site.names().into_iter();
        let files =
            names.map(|name| Ok((name.to_owned(), site.sizes(name)?))).collect::<Outcome<_>>()?;
        Ok(Self { files, first_visits, all, mode })
    }

    /// The sizes of each file, and of each first visit.
    pub(crate) fn print(&self) {
        println!("    {:<32}{:>9}{:>9}{:>9}  kB", "", "raw", "gzip", "brotli");
        for (name, sizes) in &self.files {
            row(name, *sizes);
        }
        println!("    first visit: js + wasm + css");
        for (visit, sizes) in &self.first_visits {
            row(visit, *sizes);
        }
        row("all pages", self.all);
    }

    /// One JSON object a line: bytes of brotli of each first visit, and of all pages.
    pub(crate) fn json(&self) -> String {
        let all = ("all pages".to_owned(), self.all);
        let line = |(visit, [_, _, brotli]): &(String, Sizes)| {
            format!("{{\"first_visit\":{visit:?},\"brotli_bytes\":{brotli}}}\n")
        };
        self.first_visits.iter().chain([&all]).map(line).collect()
    }

    /// Only what people download is held to the budget: the tests' bundle is neither small nor
    /// sent far.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.mode == Mode::Release && self.heaviest().1 > BUDGET_KB * 1000
    }

    /// The first visit that costs most, and its bytes of brotli.
    fn heaviest(&self) -> (&str, u64) {
        let visits =
            self.first_visits.iter().map(|(visit, [_, _, brotli])| (visit.as_str(), *brotli));
        visits.max_by_key(|(_, brotli)| *brotli).unwrap_or((NO_PIECE, 0))
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (visit, bytes) = self.heaviest();
        let kb = tenths(bytes);
        if self.is_over_budget() {
            write!(out, "WARNING: ")?;
        }
        write!(out, "{kb} kB of brotli for the heaviest first visit ({visit})")?;
        match (self.mode, self.is_over_budget()) {
            (Mode::Dev, _) => Ok(()),
            (Mode::Release, false) => write!(out, ", within the budget of {BUDGET_KB}"),
            (Mode::Release, true) => write!(out, ", over the budget of {BUDGET_KB}"),
        }
    }
}

fn counts(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| IN_BUDGET.contains(&extension))
}

fn sum<'a>(sizes: impl IntoIterator<Item = &'a Sizes>) -> Sizes {
    sizes.into_iter().fold([0; 3], |total, one| add(total, *one))
}

fn add(one: Sizes, other: Sizes) -> Sizes {
    [one[0] + other[0], one[1] + other[1], one[2] + other[2]]
}

fn row(name: &str, sizes: Sizes) {
    let [raw, gzip, brotli] = sizes.map(tenths);
    println!("    {name:<32}{raw:>9}{gzip:>9}{brotli:>9}");
}

/// 1234 → `1.2`.
fn tenths(bytes: u64) -> String {
    let tenths = (bytes + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{BUDGET_KB, Mode, NO_PIECE, Weight, tenths};

    fn weight(mode: Mode, bytes_of_lab: u64) -> Weight {
        let visits = [(NO_PIECE, 1000), ("lab", bytes_of_lab), ("verify", 2000)];
        let first_visits = visits.map(|(visit, bytes)| (visit.to_owned(), [0, 0, bytes])).into();
        Weight { files: Vec::new(), first_visits, all: [0, 0, BUDGET_KB * 2000], mode }
    }

    #[test]
    fn kilobytes_have_one_decimal() {
        assert_eq!(tenths(1234), "1.2");
        assert_eq!(tenths(999_950), "1000.0");
    }

    #[test]
    fn the_heaviest_first_visit_is_held_to_the_budget_and_not_the_sum_of_all() {
        assert!(!weight(Mode::Release, BUDGET_KB * 1000).is_over_budget());
        assert!(weight(Mode::Release, BUDGET_KB * 1000 + 1).is_over_budget());
        let said = weight(Mode::Release, BUDGET_KB * 1000 + 1).to_string();
        assert!(said.starts_with("WARNING: 450.0 kB") && said.contains("(lab)"), "{said}");
    }

    #[test]
    fn only_what_people_download_is_held_to_the_budget() {
        assert!(!weight(Mode::Dev, BUDGET_KB * 1000 + 1).is_over_budget());
    }

    #[test]
    fn a_benchmark_names_each_first_visit() {
        let lines = weight(Mode::Release, 3000).json();
        assert!(lines.contains("{\"first_visit\":\"lab\",\"brotli_bytes\":3000}\n"), "{lines}");
        assert_eq!(lines.lines().count(), 4, "{lines}");
    }
}
