//! How many tests ran and how they ended, read from the runners' own closing lines.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped {
            0 => Ok(()),
            skipped => write!(out, ", {skipped} skipped"),
        }
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out`, once a binary.
pub(crate) fn of_cargo_test(printed: &str) -> Tally {
    let mut tally = Tally::default();
    for line in lines(printed).iter().filter(|line| line.starts_with("test result:")) {
        tally += Tally {
            passed: before(line, "passed"),
            failed: before(line, "failed"),
            skipped: before(line, "ignored"),
        };
    }
    tally
}

/// `Summary [   0.1s] 5 tests run: 3 passed, 1 failed, 1 timed out, 2 skipped`.
pub(crate) fn of_nextest(printed: &str) -> Tally {
    let lines = lines(printed);
    let Some(line) = lines.iter().rev().find(|line| line.trim_start().starts_with("Summary ["))
    else {
        return Tally::default();
    };
    let failed = before(line, "failed") + before(line, "timed out") + before(line, "exec failed");
    Tally { passed: before(line, "passed"), failed, skipped: before(line, "skipped") }
}

/// The list reporter's end: `2 failed`, `1 flaky`, `3 skipped`, `1 did not run`, `7 passed (12.3s)`.
pub(crate) fn of_playwright(printed: &str) -> Tally {
    let mut tally = Tally::default();
    for line in lines(printed) {
        let line = line.trim();
        let Some((count, outcome)) = line.split_once(' ') else {
            continue;
        };
        let Ok(count) = count.parse::<u64>() else {
            continue;
        };
        match outcome.split(" (").next() {
            // A flaky test passed at its second try; the list above names it.
            Some("passed" | "flaky") => tally.passed += count,
            Some("failed" | "interrupted") => tally.failed += count,
            Some("skipped" | "did not run") => tally.skipped += count,
            _ => {}
        }
    }
    tally
}

/// The number right before a word: `before("3 passed; 1 failed", "failed")` is 1.
fn before(line: &str, word: &str) -> u64 {
    let end = line.match_indices(word).map(|(at, _)| line[..at].trim_end());
    let number =
        |text: &str| text.rsplit(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok();
    end.filter_map(number).next().unwrap_or(0)
}

/// Lines without the colours that a runner may add.
fn lines(printed: &str) -> Vec<String> {
    printed.lines().map(without_colour).collect()
}

fn without_colour(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::{Tally, of_cargo_test, of_nextest, of_playwright};

    #[test]
    fn cargo_test_closes_once_a_binary() {
        let printed = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out\n\
                       test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(of_cargo_test(printed), Tally { passed: 13, failed: 2, skipped: 1 });
    }

    #[test]
    fn nextest_closes_once_and_in_colour() {
        let colourful = "     \u{1b}[32;1mSummary\u{1b}[0m [   0.1s] \u{1b}[1m6\u{1b}[0m tests run: \
                       \u{1b}[1m3\u{1b}[0m passed (1 slow), 2 failed, 1 timed out, 4 skipped\n";
        let plain = "     Summary [   0.1s] 6 tests run: 3 passed (1 slow), 2 failed, 1 timed out, 4 skipped\n";
        assert_eq!(of_nextest(plain), Tally { passed: 3, failed: 3, skipped: 4 });
        assert_eq!(of_nextest(colourful), of_nextest(plain));
    }

    #[test]
    fn playwright_closes_with_a_line_an_outcome() {
        let printed = "  ✓  1 smoke.spec.ts › it starts (1.2s)\n  1 failed\n    smoke.spec.ts:3:1\n  2 did not run\n  7 passed (12.3s)\n";
        assert_eq!(of_playwright(printed), Tally { passed: 7, failed: 1, skipped: 2 });
    }

    #[test]
    fn a_tally_reads_as_a_closing_line() {
        assert_eq!(Tally { passed: 2, failed: 0, skipped: 0 }.to_string(), "2 passed, 0 failed");
        assert_eq!(
            Tally { passed: 2, failed: 1, skipped: 3 }.to_string(),
            "2 passed, 1 failed, 3 skipped"
        );
    }
}
