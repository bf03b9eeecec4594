//! What a visitor downloads, against the budget.

use std::fmt;

use super::Mode;
use super::site::Site;
use crate::problem::Outcome;

/// WASM, JavaScript and style together, as brotli (kB = 1000 bytes). A page stands before they
/// arrive, but nothing on it moves: at 5 Mbit/s, a phone's on an ordinary day, 450 kB are 0.7 s.
/// Typefaces come later and are not counted.
const BUDGET_KB: u64 = 450;
const IN_BUDGET: [&str; 3] = ["js", "wasm", "css"];

/// What a first visit costs before anything moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    pub(crate) brotli_bytes: u64,
    mode: Mode,
}

impl Weight {
    /// Prints the sizes of each file on the way.
    pub(crate) fn report(site: &Site, mode: Mode) -> Outcome<Self> {
        println!("    {:<32}{:>9}{:>9}{:>9}  kB", "", "raw", "gzip", "brotli");
        let mut total = [0; 3];
        for name in site.names() {
            let sizes = site.sizes(name)?;
            row(name, sizes);
            if counts(name) {
                total = add(total, sizes);
            }
        }
        row("js + wasm + css", total);
        let [_, _, brotli_bytes] = total;
        Ok(Weight { brotli_bytes, mode })
    }

    /// Only what people download is held to the budget: the tests' bundle is neither small nor
    /// sent far.
    pub(crate) fn is_over_budget(self) -> bool {
        self.mode == Mode::Release && self.brotli_bytes > BUDGET_KB * 1000
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kb = tenths(self.brotli_bytes);
        match (self.mode, self.is_over_budget()) {
            (Mode::Dev, _) => write!(out, "{kb} kB of brotli"),
            (Mode::Release, false) => {
                write!(out, "{kb} kB of brotli, within the budget of {BUDGET_KB}")
            }
            (Mode::Release, true) => {
                write!(out, "WARNING: {kb} kB of brotli, over the budget of {BUDGET_KB}")
            }
        }
    }
}

fn counts(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| IN_BUDGET.contains(&extension))
}

fn add(one: [u64; 3], other: [u64; 3]) -> [u64; 3] {
    [one[0] + other[0], one[1] + other[1], one[2] + other[2]]
}

fn row(name: &str, sizes: [u64; 3]) {
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
    use super::{BUDGET_KB, Mode, Weight, tenths};

    #[test]
    fn kilobytes_have_one_decimal() {
        assert_eq!(tenths(1234), "1.2");
        assert_eq!(tenths(999_950), "1000.0");
    }

    #[test]
    fn only_what_people_download_is_held_to_the_budget() {
        let weight = |mode, above| Weight { brotli_bytes: BUDGET_KB * 1000 + above, mode };
        assert!(!weight(Mode::Release, 0).is_over_budget());
        assert!(weight(Mode::Release, 1).is_over_budget());
        assert!(!weight(Mode::Dev, 1).is_over_budget());
    }
}
