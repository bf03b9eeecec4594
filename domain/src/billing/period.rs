//! The two units of billing time: the UTC month and the UTC day.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::{Date, Month};

use crate::clock::{DAY_MS, Timestamp};

/// A calendar month in UTC: `2026-10`. Earlier ones sort first, as their texts do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    year: u16,
    month: u8,
}

/// A calendar day in UTC: `2026-10-05`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

/// The last year that is written with four digits.
const LAST_YEAR: u16 = 9_999;

impl Period {
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Day::of(at).period()
    }

    /// The month after. The last one of all follows itself.
    #[must_use]
    pub const fn next(self) -> Self {
        match (self.year, self.month) {
            (LAST_YEAR, 12) => self,
            (year, 12) => Period { year: year + 1, month: 1 },
            (year, month) => Period { year, month: month + 1 },
        }
    }

    #[must_use]
    pub fn first_day(self) -> Day {
        self.day(1)
    }

    #[must_use]
    pub fn last_day(self) -> Day {
        let month = Month::try_from(self.month).unwrap_or(Month::January);
        self.day(month.length(i32::from(self.year)))
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        self.first_day().start()
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(self) -> Timestamp {
        Timestamp::from_unix_ms(self.last_day().start().unix_ms() + DAY_MS)
    }

    /// The day of that number; the first for a number that the month does not have.
    #[must_use]
    pub fn day(self, number: u8) -> Day {
        let month = Month::try_from(self.month).unwrap_or(Month::January);
        let day = Date::from_calendar_date(i32::from(self.year), month, number)
            .or_else(|_| Date::from_calendar_date(i32::from(self.year), month, 1));
        // Cannot happen: every month of the years 1 to 9999 has a first day.
        Day(day.unwrap_or(Date::MIN))
    }
}

impl Day {
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Day(at.to_datetime().date())
    }

    #[must_use]
    pub fn period(self) -> Period {
        // A timestamp's year is 1 to 9999.
        let year = u16::try_from(self.0.year()).unwrap_or(LAST_YEAR);
        Period { year, month: u8::from(self.0.month()) }
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_datetime(self.0.midnight().assume_utc())
    }

    /// The number of the day in its month, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0.day()
    }

    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Day(date)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{:02}", self.period(), self.number())
    }
}

/// The text is not a month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a month such as 2026-10")]
pub struct BadPeriod(pub String);

/// The text is not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a day such as 2026-10-05")]
pub struct BadDay(pub String);

impl FromStr for Period {
    type Err = BadPeriod;

    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let period = Period { year: year.parse().ok()?, month: month.parse().ok()? };
            let exists = period.year > 0 && (1..=12).contains(&period.month);
            // One spelling only: it is hashed.
            (exists && period.to_string() == text).then_some(period)
        };
        read().ok_or_else(|| BadPeriod(text.to_owned()))
    }
}

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let read = || {
            let (period, number) = text.rsplit_once('-')?;
            let period: Period = period.parse().ok()?;
            let day = period.day(number.parse().ok()?);
            (day.to_string() == text).then_some(day)
        };
        read().ok_or_else(|| BadDay(text.to_owned()))
    }
}

impl TryFrom<String> for Period {
    type Error = BadPeriod;

    fn try_from(text: String) -> Result<Self, BadPeriod> {
        text.parse()
    }
}

impl TryFrom<String> for Day {
    type Error = BadDay;

    fn try_from(text: String) -> Result<Self, BadDay> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> String {
        period.to_string()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_and_a_day_have_one_spelling_and_know_their_ends() {
        let period: Period = "2026-12".parse().expect("a month");
        assert_eq!(period.next().to_string(), "2027-01");
        assert_eq!(period.start().to_string(), "2026-12-01T00:00:00.000Z");
        assert_eq!(period.end().to_string(), "2027-01-01T00:00:00.000Z");
        let leap: Period = "2028-02".parse().expect("a month");
        assert_eq!(leap.last_day().to_string(), "2028-02-29");
        for wrong in ["2026-13", "2026-00", "26-10", "2026-1", "2026-10-01", "0000-01", ""] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
        for wrong in ["2026-02-29", "2026-02-0", "2026-02", "2026-2-01", "2026-02-001"] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_belongs_to_its_utc_day_and_month() {
        let at: Timestamp = "2026-11-30T23:30:00-02:00".parse().expect("a time");
        assert_eq!(Day::of(at).to_string(), "2026-12-01");
        assert_eq!(Period::of(at).to_string(), "2026-12");
        let last: Period = "9999-12".parse().expect("a month");
        assert_eq!(last.next(), last);
    }
}
