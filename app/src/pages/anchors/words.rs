//! What the pages about snapshots say in words.

use domain::anchor::Publisher;
use domain::cloud::Cloud;
use domain::snapshot::Period;
use domain::snapshot::agreement::Difference;
use domain::snapshot::section::SectionName;

use crate::backend::{AnchorFar, SnapshotDetail, SnapshotProgress, SnapshotState};
use crate::components::triad::join_names;
use crate::format::count;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `October 2026`, `25 November 2026`.
pub(super) fn period(period: Period) -> String {
    let text = period.to_string();
    let mut parts = text.split('-');
    let year = parts.next().unwrap_or_default();
    let month: usize = parts.next().and_then(|month| month.parse().ok()).unwrap_or(1);
    let month = MONTHS.get(month.saturating_sub(1)).copied().unwrap_or_default();
    match parts.next() {
        Some(day) => format!("{} {month} {year}", day.trim_start_matches('0')),
        None => format!("{month} {year}"),
    }
}

/// How a cloud's word looks, and what it says.
pub(super) fn word_of(cloud: Cloud, word: Option<bool>) -> (&'static str, String) {
    let title = cloud.title();
    match word {
        Some(true) => ("same", format!("{title} came to this hash")),
        Some(false) => ("other", format!("{title} came to another hash")),
        None => ("none", format!("{title} has not said yet")),
    }
}

pub(crate) const fn publisher(publisher: Publisher) -> &'static str {
    match publisher {
        Publisher::Ethereum => "Ethereum",
        Publisher::Bitcoin => "Bitcoin",
        Publisher::OpenTimestamps => "OpenTimestamps",
        Publisher::Rfc3161 => "Time-stamping authority",
    }
}

/// Where a publisher that is not configured comes from, for the demonstration, which can have three.
pub(super) const fn how_to_get(publisher: Publisher) -> &'static str {
    match publisher {
        Publisher::Ethereum => "anvil is not installed; `cargo xtask setup` gets it. Then restart.",
        Publisher::Bitcoin => {
            "litecoind is not installed; `cargo xtask setup` gets it. Then restart."
        }
        Publisher::OpenTimestamps => "its calendars need a network; docs/anchoring.md says how.",
        Publisher::Rfc3161 => "openssl is not installed; `apt-get install openssl`. Then restart.",
    }
}

/// How it looks, and what it says.
pub(super) const fn far(far: AnchorFar) -> (&'static str, &'static str) {
    match far {
        AnchorFar::Nowhere => ("nowhere", "not configured"),
        AnchorFar::Waits => ("waits", "once two clouds agree"),
        AnchorFar::Queued => ("under-way", "queued"),
        AnchorFar::Submitted => ("under-way", "sent"),
        AnchorFar::InBlock => ("under-way", "in a block"),
        AnchorFar::Final => ("final", "anchored"),
        AnchorFar::Failed => ("failed", "failed"),
    }
}

pub(super) const fn section(name: SectionName) -> &'static str {
    match name {
        SectionName::Events => "Entries",
        SectionName::Usage => "Usage",
        SectionName::Ledger => "Billing ledger",
    }
}

pub(super) const fn section_means(name: SectionName) -> &'static str {
    match name {
        SectionName::Events => "of all logs, since the snapshot before if there is one",
        SectionName::Usage => "metered, by tenant, model, region and hour, of all time",
        SectionName::Ledger => "charges, credits and penalties, of all time",
    }
}

/// The one sentence that the page of a snapshot begins with.
pub(super) fn verdict(detail: &SnapshotDetail) -> String {
    let same = |word: bool| -> Vec<&str> {
        let of = |cloud: &Cloud| *detail.row.said.get(*cloud) == Some(word);
        Cloud::ALL.iter().filter(|cloud| of(cloud)).map(|cloud| cloud.title()).collect()
    };
    let (agree, others) = (same(true), same(false));
    match detail.row.state {
        SnapshotState::Agreed if others.is_empty() => {
            format!("{} derived the same hash, each from its own database.", join_names(&agree))
        }
        SnapshotState::Agreed | SnapshotState::Outvoted => format!(
            "{} derived the same hash. {} came to another one, and is outvoted.",
            join_names(&agree),
            join_names(&others)
        ),
        SnapshotState::Disagreed => {
            "No two clouds came to the same hash. Nothing can be anchored before that is resolved."
                .to_owned()
        }
        SnapshotState::Waiting => "A second cloud has not said yet what it came to.".to_owned(),
        SnapshotState::Deriving => format!("{} derives it just now.", detail.cloud.title()),
    }
}

pub(super) const fn agreed_by(clouds: usize) -> &'static str {
    if clouds < 3 { "Agreed by two clouds" } else { "Agreed by three clouds" }
}

pub(super) const fn derived_by(clouds: usize) -> &'static str {
    if clouds < 3 {
        "Two clouds with keys of their own derived exactly these rows from their own databases."
    } else {
        "Three clouds with keys of their own derived exactly these rows from their own databases."
    }
}

pub(super) fn progress(progress: &SnapshotProgress) -> String {
    match progress {
        SnapshotProgress::Waiting => "Waiting for entries that are not final here yet".to_owned(),
        SnapshotProgress::Entries { done, total } => {
            format!("Entry {} of {}", count(*done), count(*total))
        }
        SnapshotProgress::Rows { section: name, done } => {
            format!("{}: {} rows hashed", section(*name), count(*done))
        }
        SnapshotProgress::Failed { why } => {
            format!("It did not work out, and is tried again: {why}")
        }
    }
}

pub(super) fn difference(difference: &Difference) -> String {
    match difference {
        Difference::Head => "in what stands before the sections".to_owned(),
        Difference::Root { log } => format!("in the root of the log {log}"),
        Difference::Rows { section: name, part } => format!("in {}, {part}", section(*name)),
    }
}

/// What the form led back with.
pub(super) fn problem(code: &str) -> &'static str {
    match code {
        "busy" => "The clouds could not decide just now. Nothing was changed; try again.",
        "conflict" => "A snapshot is being derived again already; one at a time.",
        "invalid" => "That period is not over yet.",
        _ => "That did not work. Nothing was changed.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_out() {
        let said = |text: &str| period(text.parse().expect("a period"));
        assert_eq!(said("2026-10"), "October 2026");
        assert_eq!(said("2026-11-05"), "5 November 2026");
    }

    #[test]
    fn a_difference_names_its_place() {
        let rows = Difference::Rows { section: SectionName::Usage, part: "2026-10".into() };
        assert_eq!(difference(&rows), "in Usage, 2026-10");
    }
}
