//! Time as the ledger records it: UTC timestamps to the millisecond, and a hybrid logical clock.
//!
//! Source of the clock: Kulkarni et al., "Logical Physical Clocks" (2014). The wall clock is an
//! argument; nothing here reads one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub const HOUR_MS: i64 = 3_600_000;
/// Without leap seconds, as UTC is counted here.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A remote clock further ahead than this does not move ours: one bad clock must not drag every
/// cloud into the future.
pub const REMOTE_AHEAD_MS_MAX: i64 = 5_000;

/// Bits of a packed clock that hold the counter.
const COUNTER_BITS: u32 = 16;

/// The last millisecond that a packed clock can hold: in the year 6429.
const PACKED_MS_MAX: u64 = (i64::MAX as u64) >> COUNTER_BITS;

/// `1 day`, `30 days`: as people read a count of them.
#[must_use]
pub fn days(count: u32) -> String {
    format!("{count} {}", if count == 1 { "day" } else { "days" })
}

/// A UTC instant, in whole milliseconds since 1970. Its text form is always
/// `2026-11-22T12:41:06.902Z`: exactly one spelling, since it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The earliest and latest instants that RFC 3339 can spell with a four-digit year.
const EARLIEST_MS: i64 = -62_135_596_800_000;
const LATEST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Clamped to the years 1 to 9999, so that formatting cannot fail.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Self {
        Timestamp(ms.clamp(EARLIEST_MS, LATEST_MS))
    }

    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// The start of the UTC hour that contains this instant.
    #[must_use]
    pub fn hour(self) -> Self {
        Timestamp::from_unix_ms(self.0.div_euclid(HOUR_MS) * HOUR_MS)
    }

    #[must_use]
    pub fn to_datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH) // cannot happen: the constructor clamps
    }

    /// Drops what is finer than a millisecond and any offset.
    #[must_use]
    pub fn from_datetime(at: OffsetDateTime) -> Self {
        let ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
        Timestamp::from_unix_ms(i64::try_from(ms).unwrap_or(LATEST_MS))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not by `time`'s descriptions of formats: a browser would get code for every format there is.
        let at = self.to_datetime();
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second, ms) = at.to_hms_milli();
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// The text is not an RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an RFC 3339 time such as 2026-11-22T12:41:06.902Z")]
pub struct BadTimestamp(pub String);

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(Timestamp::from_datetime)
            .map_err(|_| BadTimestamp(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A hybrid logical clock reading: milliseconds of the wall clock, and a counter for what
/// happens within one. Ordered first by time, then by counter. Text: `"<milliseconds>.<counter>"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicalClock {
    pub ms: u64,
    pub counter: u16,
}

impl LogicalClock {
    /// One integer that sorts as the clock does; the database's form.
    #[must_use]
    pub fn packed(self) -> i64 {
        // Beyond the last one all readings are the last: never an early one.
        let ms = i64::try_from(self.ms.min(PACKED_MS_MAX)).unwrap_or(i64::MAX >> COUNTER_BITS);
        (ms << COUNTER_BITS) | i64::from(self.counter)
    }

    #[must_use]
    pub fn from_packed(packed: i64) -> Self {
        let packed = packed.max(0).unsigned_abs();
        LogicalClock {
            ms: packed >> COUNTER_BITS,
            counter: u16::try_from(packed & 0xffff).unwrap_or(u16::MAX), // masked to 16 bits
        }
    }
}

impl fmt::Display for LogicalClock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.ms, self.counter)
    }
}

/// The text is not a logical clock reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a logical clock reading of the form <milliseconds>.<counter>")]
pub struct BadLogicalClock(pub String);

impl FromStr for LogicalClock {
    type Err = BadLogicalClock;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (ms, counter) = text.split_once('.')?;
            let clock = LogicalClock { ms: ms.parse().ok()?, counter: counter.parse().ok()? };
            // One spelling only: no leading zeroes, no signs. The text is hashed.
            (clock.to_string() == text && clock.ms >> (63 - COUNTER_BITS) == 0).then_some(clock)
        };
        read().ok_or_else(|| BadLogicalClock(text.to_owned()))
    }
}

impl Serialize for LogicalClock {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogicalClock {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The clock of one node. Readings strictly increase, whatever the wall clock does.
#[derive(Clone, Copy, Debug, Default)]
pub struct HybridClock {
    last: LogicalClock,
}

impl HybridClock {
    /// Continues after `last`, as after a restart.
    #[must_use]
    pub const fn resume(last: LogicalClock) -> Self {
        HybridClock { last }
    }

    /// The next reading, given the wall clock in milliseconds.
    pub fn tick(&mut self, wall_ms: u64) -> LogicalClock {
        self.last = if wall_ms > self.last.ms {
            LogicalClock { ms: wall_ms, counter: 0 }
        } else {
            match self.last.counter.checked_add(1) {
                Some(counter) => LogicalClock { ms: self.last.ms, counter },
                None => LogicalClock { ms: self.last.ms + 1, counter: 0 },
            }
        };
        self.last
    }

    /// Takes note of another node's reading, so that what we record next comes after it.
    /// Returns false, and takes no note, when that clock is too far ahead of our wall clock.
    pub fn observe(&mut self, remote: LogicalClock, wall_ms: u64) -> bool {
        if remote.ms > wall_ms.saturating_add(REMOTE_AHEAD_MS_MAX.unsigned_abs()) {
            return false;
        }
        self.last = self.last.max(remote);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_timestamp_has_one_spelling() {
        let at: Timestamp = "2026-11-22T13:41:06.9021+01:00".parse().expect("valid");
        assert_eq!(at.to_string(), "2026-11-22T12:41:06.902Z");
        assert_eq!(at.hour().to_string(), "2026-11-22T12:00:00.000Z");
        assert!("2026-11-22".parse::<Timestamp>().is_err());
        let beyond: Timestamp = "9999-12-31T23:59:59-23:00".parse().expect("valid");
        assert_eq!(beyond, Timestamp::from_unix_ms(LATEST_MS));
        assert_eq!(Timestamp::from_unix_ms(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_unix_ms(i64::MIN).to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_unix_ms(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_clock_far_ahead_does_not_move_ours() {
        let mut clock = HybridClock::default();
        let ours = clock.tick(1_000);
        let far = LogicalClock { ms: 7_000, counter: 0 };
        assert!(!clock.observe(far, 1_000));
        assert!(clock.tick(1_000) > ours && clock.last.ms == 1_000);
        assert!(clock.observe(LogicalClock { ms: 6_000, counter: 3 }, 1_000));
        assert_eq!(clock.tick(1_000), LogicalClock { ms: 6_000, counter: 4 });
    }

    #[test]
    fn only_one_spelling_of_a_reading_is_read() {
        assert!("01.2".parse::<LogicalClock>().is_err());
        assert!("1.02".parse::<LogicalClock>().is_err());
        assert!("+1.2".parse::<LogicalClock>().is_err());
        assert!("1".parse::<LogicalClock>().is_err());
        assert!("1.65536".parse::<LogicalClock>().is_err());
    }

    proptest! {
        #[test]
        fn readings_strictly_increase_and_survive_packing(walls in prop::collection::vec(0u64..4, 1..200)) {
            let mut clock = HybridClock::default();
            let mut last = None;
            for wall in walls {
                let now = clock.tick(wall);
                prop_assert!(last.is_none_or(|before| now > before));
                prop_assert_eq!(LogicalClock::from_packed(now.packed()), now);
                prop_assert_eq!(now.to_string().parse(), Ok(now));
                last = Some(now);
            }
        }
    }
}
