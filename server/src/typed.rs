//! Numbers as people type them into forms, whichever page the form stands on.

use std::str::FromStr;

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
    text.parse().map(Some).map_err(|_| wrong(field, "is no whole number"))
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
    fn percent_is_read_with_and_without_its_sign_and_blank_is_none() {
        let read = |text| percent("stepMax", text).expect("readable");
        assert_eq!(
            [read("6 %"), read(" 6"), read(" % ")],
            [Some(Decimal::new(6, 2)), Some(Decimal::new(6, 2)), None]
        );
        assert_eq!(percent("stepMax", "much").expect_err("no number").errors[0].field, "/stepMax");
        assert_eq!(whole::<u32>("days", " 97 ").expect("readable"), Some(97));
        assert_eq!(whole::<u32>("days", "1.5").expect_err("not whole").errors[0].field, "/days");
    }
}
