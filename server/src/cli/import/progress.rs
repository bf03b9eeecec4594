//! How far an import is: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two plain lines: often enough to see life, rarely enough for a log file.
const LINE_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    done: usize,
    start: Instant,
    last_line: Instant,
}

impl Progress {
    pub(super) fn new(total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(total as u64));
        if let Some(bar) = &bar {
            let shape = "{bar:30} {pos}/{len} {per_sec:.0}, {eta} left  {msg}";
            // The template is constant; without it the bar has indicatif's own shape.
            bar.set_style(
                ProgressStyle::with_template(shape)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
        }
        let now = Instant::now();
        Progress { bar, total, done: 0, start: now, last_line: now }
    }

    pub(super) fn add(&mut self, rows: usize) {
        self.done += rows;
        match &self.bar {
            Some(bar) => bar.inc(rows as u64),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                eprintln!("{}", self.line());
            }
            None => {}
        }
    }

    pub(super) fn say(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => eprintln!("{what}"),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        let rate = self.done as f64 / elapsed.max(f64::EPSILON);
        let left = self.total.saturating_sub(self.done) as f64 / rate.max(f64::EPSILON);
        format!("{}/{} rows, {rate:.0} a second, {left:.0} s left", self.done, self.total)
    }
}
