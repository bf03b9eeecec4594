//! What a snapshot is of: a month that is over, or a day's state on demand.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::billing::{self, Day};
use crate::clock::Timestamp;

/// `2026-10`, or `2026-11-25` for a snapshot between months.
///
/// It names a snapshot and says when it may be taken. What is in it is said by the cut alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Period {
    Month(billing::Period),
    Day(Day),
}

/// The text is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a period; use a month such as 2026-10, or a day such as 2026-11-25")]
pub struct BadPeriod(pub String);

impl Period {
    /// The month that contains an instant.
    #[must_use]
    pub fn month_of(at: Timestamp) -> Self {
        Period::Month(billing::Period::of(at))
    }

    /// The day that contains an instant.
    #[must_use]
    pub fn day_of(at: Timestamp) -> Self {
        Period::Day(Day::of(at))
    }

    /// The month before the one that contains an instant: the last that is over.
    #[must_use]
    pub fn last_month(at: Timestamp) -> Self {
        let start = billing::Period::of(at).start();
        Period::month_of(Timestamp::from_unix_ms(start.unix_ms() - 1))
    }

    /// The first instant after a month. A day is not waited for: its state is taken when asked.
    #[must_use]
    pub fn end(self) -> Timestamp {
        match self {
            Period::Month(month) => month.end(),
            Period::Day(day) => day.start(),
        }
    }

    /// May a snapshot be named so now?
    #[must_use]
    pub fn is_open_at(self, now: Timestamp) -> bool {
        self.end() <= now
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Month(month) => month.fmt(out),
            Period::Day(day) => day.fmt(out),
        }
    }
}

impl FromStr for Period {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let month = text.parse().map(Period::Month).ok();
        let period = month.or_else(|| text.parse().map(Period::Day).ok());
        // One spelling only: it names things, and it is hashed.
        let period = period.filter(|period| period.to_string() == text);
        period.ok_or_else(|| BadPeriod(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Period {
    type Error = BadPeriod;

    fn try_from(text: String) -> Result<Self, BadPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_period_has_one_spelling() {
        for text in ["2026-10", "2026-11-25", "2024-02-29"] {
            assert_eq!(text.parse::<Period>().expect("a period").to_string(), text);
        }
        for text in ["2026-13", "2026-1", "2026-02-30", "26-10", "2026-10-", "+2026-10", "", "2026"]
        {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_is_open_from_its_end_and_a_day_from_its_beginning() {
        let october: Period = "2026-10".parse().expect("a month");
        assert_eq!(october.end(), at("2026-11-01T00:00:00Z"));
        assert!(!october.is_open_at(at("2026-10-31T23:59:59.999Z")));
        assert!(october.is_open_at(at("2026-11-01T00:00:00Z")));
        let day = Period::day_of(at("2026-11-25T10:00:00Z"));
        assert_eq!(day.to_string(), "2026-11-25");
        assert!(day.is_open_at(at("2026-11-25T10:00:00Z")));
        assert!(!day.is_open_at(at("2026-11-24T23:59:59Z")));
    }

    #[test]
    fn the_last_month_is_over_at_any_moment() {
        assert_eq!(Period::last_month(at("2026-11-01T00:00:00Z")).to_string(), "2026-10");
        assert_eq!(Period::last_month(at("2027-01-31T23:00:00Z")).to_string(), "2026-12");
    }
}
