//! Numbers as people type them into forms, whichever page the form stands on.

pub(crate) mod list_price;

use std::str::FromStr;

use domain::clock::{DAY_MS, Timestamp};
use rust_decimal::Decimal;

use crate::problem::Problem;

/// Percent as a share; blank: none.
///
/// # Errors
/// It is no number.
pub(crate) fn percent(field: &str, text: &str) -> Result<Option<Decimal>, Problem> {
    let text = text.trim().trim_end_matches('%').trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<Decimal>().map_err(|_| wrong(field, "is no number"))?;
    Ok(Some((number / Decimal::ONE_HUNDRED).normalize()))
}

/// Blank: none.
///
/// # Errors
/// It is no whole number.
pub(crate) fn whole<T: FromStr>(field: &str, text: &str) -> Result<Option<T>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| wrong(field, "is no whole number, 0 or more"))
}

/// US dollars, with or without their sign; commas between groups of three digits are left out, and
/// no other is, since to many it is what a point is here.
///
/// # Errors
/// It is no such number.
pub(crate) fn dollars(field: &str, text: &str) -> Result<Decimal, Problem> {
    let text = text.trim().trim_start_matches('$');
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().map_or(0, str::len);
    let grouped = whole.contains(',');
    if grouped && !((1..=3).contains(&first) && groups.all(|group| group.len() == 3)) {
        return Err(wrong(field, "has a comma where a point may be meant, as in 0.36"));
    }
    let plain = format!("{}{}", whole.replace(',', ""), &text[whole.len()..]);
    plain.parse().map_err(|_| wrong(field, "is no number of US dollars"))
}

/// A time in UTC, as `<input type="datetime-local">` gives it.
///
/// # Errors
/// It is no time.
pub(crate) fn instant(field: &str, text: &str) -> Result<Timestamp, Problem> {
    let spellings = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    let read = spellings.iter().find_map(|spelling| spelling.parse().ok());
    read.ok_or_else(|| wrong(field, "is no time, such as 2026-12-24T18:00"))
}

/// The start of a day in UTC, as `<input type="date">` gives it.
///
/// # Errors
/// It is no day.
pub(crate) fn day(field: &str, text: &str) -> Result<Timestamp, Problem> {
    let start = format!("{}T00:00:00Z", text.trim()).parse();
    start.map_err(|_| wrong(field, "is no day, such as 2026-12-24"))
}

/// The end of a day, which is whole.
///
/// # Errors
/// It is no day.
pub(crate) fn end_of_day(field: &str, text: &str) -> Result<Timestamp, Problem> {
    let start = day(field, text)?;
    Ok(Timestamp::from_unix_ms(start.unix_ms().saturating_add(DAY_MS)))
}

/// Which field, and why.
pub(crate) fn wrong(field: &str, why: &str) -> Problem {
    Problem::invalid(format!("The form has a mistake: {field} {why}."))
        .field(format!("/{field}"), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_is_taken_between_thousands_alone() {
        let read = |text: &str| dollars("input", text).map(|usd| usd.to_string());
        for (typed, is) in [("$1,250.50", "1250.50"), (" 0.36 ", "0.36"), ("1,000,000", "1000000")]
        {
            assert_eq!(read(typed).expect(typed), is);
        }
        for typed in ["0,36", "1.250,50", "1,25", ",250", "much", "", "1,0000"] {
            assert_eq!(read(typed).expect_err(typed).errors[0].field, "/input");
        }
    }

    #[test]
    fn percent_is_read_with_and_without_its_sign_and_blank_is_none() {
        let read = |text| percent("stepMax", text).expect("readable");
        assert_eq!(
            [read("6 %"), read(" 6"), read(" % ")],
            [Some(Decimal::new(6, 2)), Some(Decimal::new(6, 2)), None]
        );
        assert_eq!(percent("stepMax", "much").expect_err("no number").errors[0].field, "/stepMax");
        assert_eq!(
            end_of_day("until", " 2026-12-24").expect("a day").to_string(),
            "2026-12-25T00:00:00.000Z"
        );
        assert_eq!(day("until", "soon").expect_err("no day").errors[0].field, "/until");
        assert_eq!(whole::<u32>("days", " 97 ").expect("readable"), Some(97));
        assert_eq!(whole::<u32>("days", "1.5").expect_err("not whole").errors[0].field, "/days");
    }
}
