//! The sizes of what a visitor downloads, against the budget.

use super::Mode;
use super::site::Site;
use crate::problem::Outcome;
use crate::process::say;

/// WASM, JavaScript and style together, as brotli (kB = 1000 bytes): what a first visit costs
/// before anything moves. Typefaces come later and are counted apart.
const BUDGET_KB: u64 = 450;
const IN_BUDGET: [&str; 3] = ["js", "wasm", "css"];

/// Only what people download is held to the budget: the tests' bundle is neither small nor sent far.
pub(crate) fn print(site: &Site, mode: Mode) -> Outcome {
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
    let [_, _, brotli] = total;
    if mode == Mode::Release && brotli > BUDGET_KB * 1000 {
        say(
            "bundle",
            format_args!(
                "WARNING: {} kB of brotli is over the budget of {BUDGET_KB}",
                brotli / 1000
            ),
        );
    }
    Ok(())
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
    use super::tenths;

    #[test]
    fn kilobytes_have_one_decimal() {
        assert_eq!(tenths(1234), "1.2");
        assert_eq!(tenths(999_950), "1000.0");
    }
}
