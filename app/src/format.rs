//! Numbers, ids and times as people read them. Pure text: the same on the server and in the
//! browser, so that hydration never finds a difference.

use domain::clock::Timestamp;
use time::UtcOffset;

use crate::encoding::read;

/// `1,204,518`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its unit, apart, so that a screen can set them in different sizes.
pub(crate) type Measure = (String, &'static str);

/// A duration in the unit that keeps it to three or four digits: `("41", "ms")`, `("1.42", "s")`.
pub(crate) fn duration(ms: f64) -> Measure {
    const SECOND_MS: f64 = 1_000.0;
    const MINUTE_MS: f64 = 60_000.0;
    const HOUR_MS: f64 = 3_600_000.0;
    if ms < 9.95 {
        (format!("{ms:.1}"), "ms")
    } else if ms < SECOND_MS {
        (format!("{ms:.0}"), "ms")
    } else if ms < MINUTE_MS {
        (format!("{:.2}", ms / SECOND_MS), "s")
    } else if ms < HOUR_MS {
        (format!("{:.1}", ms / MINUTE_MS), "min")
    } else {
        (format!("{:.1}", ms / HOUR_MS), "h")
    }
}

/// [`duration`] in one piece: `41 ms`.
pub(crate) fn duration_text(ms: f64) -> String {
    let (number, unit) = duration(ms);
    format!("{number} {unit}")
}

/// Whole milliseconds of the ledger, as [`duration_text`].
pub(crate) fn milliseconds(ms: i64) -> String {
    if ms < 1_000 { format!("{} ms", ms.max(0)) } else { duration_text(as_f64(ms)) }
}

/// Exact below 2^53, which in milliseconds is 285,000 years.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds between two events are far below 2^53"
)]
pub(crate) fn as_f64(ms: i64) -> f64 {
    ms as f64
}

/// Events per second: one decimal below ten, none above.
pub(crate) fn rate(per_s: f64) -> String {
    if per_s > 0.0 && per_s < 9.95 { format!("{per_s:.1}") } else { format!("{per_s:.0}") }
}

/// `62 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share.clamp(0.0, 1.0) * 100.0)
}

/// The ends of a long name: `0192f4c1…8e2b`.
pub(crate) fn middle_cut(text: &str, head: usize, tail: usize) -> String {
    let length = text.chars().count();
    if length <= head + tail + 1 {
        return text.to_owned();
    }
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// One or many: `1 event`, `312 events`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// How much of an instant a place needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeShape {
    /// `12:41`
    Minute,
    /// `12:41:07`
    Second,
    /// `12:41:06.902`
    Millisecond,
    /// `2026-11-22 12:41`: for what may be from another day.
    Day,
}

/// The instant on a clock `offset_minutes` east of UTC. Without the zone: see [`zone_name`].
pub(crate) fn clock(at: Timestamp, offset_minutes: i32, shape: TimeShape) -> String {
    let offset = UtcOffset::from_whole_seconds(offset_minutes * 60).unwrap_or(UtcOffset::UTC);
    let at = at.to_datetime().to_offset(offset);
    let (hour, minute, second) = at.to_hms();
    match shape {
        TimeShape::Minute => format!("{hour:02}:{minute:02}"),
        TimeShape::Second => format!("{hour:02}:{minute:02}:{second:02}"),
        TimeShape::Millisecond => {
            format!("{hour:02}:{minute:02}:{second:02}.{:03}", at.millisecond())
        }
        TimeShape::Day => format!("{} {hour:02}:{minute:02}", at.date()),
    }
}

/// `UTC`, `UTC+1`, `UTC−3:30`.
pub(crate) fn zone_name(offset_minutes: i32) -> String {
    let (hours, minutes) = (offset_minutes.abs() / 60, offset_minutes.abs() % 60);
    let sign = if offset_minutes < 0 { '−' } else { '+' };
    match (hours, minutes) {
        (0, 0) => "UTC".to_owned(),
        (_, 0) => format!("UTC{sign}{hours}"),
        _ => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// JSON with two spaces a level, for reading; the bytes that were hashed are shown beside it.
pub(crate) fn pretty_json(text: &str) -> String {
    let value = read::<serde_json::Value>(text).ok();
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    pretty.unwrap_or_else(|| text.to_owned())
}

/// Percent-encodes what may not stand in a query value (RFC 3986, unreserved characters stay).
pub(crate) fn url_value(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_204_518), "1,204,518");
        assert_eq!(counted(1, "event", "events"), "1 event");
    }

    #[test]
    fn a_duration_keeps_to_a_few_digits() {
        assert_eq!(duration_text(0.42), "0.4 ms");
        assert_eq!(duration_text(41.2), "41 ms");
        assert_eq!(duration_text(1_420.0), "1.42 s");
        assert_eq!(duration_text(90_000.0), "1.5 min");
        assert_eq!(milliseconds(7), "7 ms");
    }

    #[test]
    fn a_long_name_keeps_its_ends() {
        assert_eq!(middle_cut("0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b", 8, 4), "0192f4c1…8e2b");
        assert_eq!(middle_cut("short", 8, 4), "short");
    }

    #[test]
    fn a_clock_is_shown_in_its_zone() {
        let at = "2026-11-22T23:41:06.902Z".parse().expect("valid");
        assert_eq!(clock(at, 0, TimeShape::Millisecond), "23:41:06.902");
        assert_eq!(clock(at, 60, TimeShape::Minute), "00:41");
        assert_eq!(clock(at, 60, TimeShape::Day), "2026-11-23 00:41");
        assert_eq!(zone_name(0), "UTC");
        assert_eq!(zone_name(-210), "UTC−3:30");
        assert_eq!(zone_name(120), "UTC+2");
    }

    #[test]
    fn query_values_are_encoded() {
        assert_eq!(url_value("gcp/1/204 é"), "gcp%2F1%2F204%20%C3%A9");
    }
}
