//! What is asked of a tenant's controls, by form or by API: every field that is wrong, at once and each
//! in words of its own.

use std::str::FromStr;

use domain::economics::EconomicsError;
use domain::event::TenantId;
use domain::pricing::controls::{Controls, WrongControl};
use rust_decimal::Decimal;
use serde::{Deserialize as _, Deserializer};

use super::acts::Proposed;
use super::form::Wanted;
use crate::economics::absurd;
use crate::http::ask::told;
use crate::problem::{FieldProblem, Problem};
use crate::projection::Catalog;
use crate::typed::{percent, whole};

/// How prices are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// 1 is the list price: programs.
    Share,
    /// 100 is the list price: forms.
    Percent,
}

impl Unit {
    fn words(self, share: Decimal) -> String {
        match self {
            Unit::Share => share.normalize().to_string(),
            Unit::Percent => format!("{} %", (share * Decimal::ONE_HUNDRED).normalize()),
        }
    }

    /// What somebody may have meant who writes the other unit.
    fn meant(self, share: Decimal) -> Option<Decimal> {
        let meant = match self {
            Unit::Share => share / Decimal::ONE_HUNDRED,
            Unit::Percent => share * Decimal::ONE_HUNDRED,
        };
        let is_price = Controls { price_of_list: meant, ..Controls::STANDARD }.check().is_ok();
        is_price.then_some(meant)
    }

    fn no_price(self, share: Decimal) -> String {
        let (given, range) = match self {
            Unit::Share => (share.normalize().to_string(), "0.1 to 10"),
            Unit::Percent => (self.words(share), "10 % to 1000 %"),
        };
        match (self, self.meant(share)) {
            (Unit::Share, Some(meant)) => format!(
                "{given} is not a share of the list price: 1 is the list price; did you mean {}?",
                self.words(meant)
            ),
            (Unit::Percent, Some(meant)) => format!(
                "{given} of the list price is next to nothing: 100 is the list price; did you mean {}?",
                (meant * Decimal::ONE_HUNDRED).normalize()
            ),
            (_, None) => {
                format!(
                    "{given} is not {range} of the list price, with at most six decimals as a share"
                )
            }
        }
    }
}

fn wrong(field: &str, reason: impl Into<String>) -> FieldProblem {
    FieldProblem { field: format!("/{field}"), reason: reason.into() }
}

/// What is wrong with it. `before`: what holds; absent: another version of a proposal may ask for the same.
pub(super) fn wrongs(
    wanted: &Proposed,
    before: Option<&Controls>,
    unit: Unit,
) -> Vec<FieldProblem> {
    let blank = before.copied().unwrap_or(Controls::STANDARD);
    let named = |controls: &Controls, field: &str| match field {
        "priceOfList" => wanted.price_of_list.is_some(),
        "overageOfList" => wanted.overage_of_list.is_some(),
        "concurrency" => controls.concurrency == wanted.concurrency,
        _ => controls.token_cap == wanted.token_cap,
    };
    let controls = wanted.laid_on(blank);
    let found = controls.wrongs().into_iter().filter(|it| named(&controls, it.field));
    let mut errors: Vec<FieldProblem> = found.map(|it| in_words(&controls, &it, unit)).collect();
    if errors.is_empty() && before.is_some_and(|before| *before == controls) {
        errors.extend(unchanged(wanted, &blank, unit));
    }
    if wanted.currency.as_ref().is_some_and(|currency| currency != "USD") {
        errors.push(wrong("currency", "must be \"USD\" or left out: nothing is converted"));
    }
    if wanted.reason.trim().is_empty() {
        errors.push(wrong("reason", "must not be blank"));
    }
    errors
}

fn in_words(controls: &Controls, wrong_one: &WrongControl, unit: Unit) -> FieldProblem {
    let reason = match wrong_one.field {
        "priceOfList" => unit.no_price(controls.price_of_list),
        "overageOfList" => unit.no_price(controls.overage_of_list.unwrap_or_default()),
        _ => count_in_words(&wrong_one.error),
    };
    wrong(wrong_one.field, reason)
}

/// Of requests or tokens: what is beyond their range, on either side.
fn count_in_words(error: &EconomicsError) -> String {
    match error {
        EconomicsError::OutOfRange { must, .. } => format!("must be a whole number, {must}"),
        other => absurd(other).detail,
    }
}

/// Each field that was named is what it is already; without any there is nothing to propose.
fn unchanged(wanted: &Proposed, now: &Controls, unit: Unit) -> Vec<FieldProblem> {
    let other =
        |what: &str, today: String| format!("The {what} must be another one than today’s {today}");
    let count = |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
    let price = wanted
        .price_of_list
        .map(|_| wrong("priceOfList", other("price", unit.words(now.price_of_list))));
    let overage = wanted
        .overage_of_list
        .and(now.overage_of_list)
        .map(|is| wrong("overageOfList", other("overage price", unit.words(is))));
    let concurrency = wanted.concurrency.map(|_| {
        wrong(
            "concurrency",
            other("number of requests at once", count(now.concurrency.map(u64::from))),
        )
    });
    let cap = wanted.token_cap.map(|_| wrong("tokenCap", other("cap", count(now.token_cap))));
    let named: Vec<FieldProblem> =
        [price, overage, concurrency, cap].into_iter().flatten().collect();
    if named.is_empty() {
        return vec![wrong("priceOfList", "Nothing changes: fill in at least one")];
    }
    named
}

/// One problem that names them all.
pub(super) fn refused(errors: Vec<FieldProblem>) -> Result<(), Problem> {
    let Some(first) = errors.first() else { return Ok(()) };
    let words = |error: &FieldProblem| told(error.field.trim_start_matches('/'), &error.reason);
    let detail = if errors.len() == 1 {
        format!("{}.", words(first))
    } else {
        let each: Vec<String> = errors.iter().map(words).collect();
        format!("{} fields are wrong: {}.", errors.len(), each.join("; "))
    };
    Err(Problem { errors, ..Problem::invalid(detail) })
}

/// No tenant has that id.
pub(super) fn wrong_tenant(catalog: &Catalog, id: &str) -> Option<FieldProblem> {
    let tenant = TenantId::try_from(id.trim().to_owned());
    match tenant {
        _ if id.trim().is_empty() => Some(wrong("tenantId", "is missing: say whose price it is")),
        Err(error) => Some(wrong("tenantId", error.to_string())),
        Ok(tenant) if catalog.tenant(&tenant).is_none() => Some(wrong(
            "tenantId",
            format!("must be a tenant that is known here; “{tenant}” is not"),
        )),
        Ok(_) => None,
    }
}

/// A form as it was typed. What is no number is wrong, and the rest is looked at all the same.
/// `before`: what holds for its tenant; absent: it is about another version of a proposal.
pub(super) fn typed(wanted: &Wanted, before: Option<&Controls>) -> (Proposed, Vec<FieldProblem>) {
    let mut errors = Vec::new();
    let mut proposed = Proposed {
        tenant_id: wanted.tenant.trim().to_owned(),
        price_of_list: read(&mut errors, percent("priceOfList", &wanted.price), &wanted.price),
        overage_of_list: read(
            &mut errors,
            percent("overageOfList", &wanted.overage),
            &wanted.overage,
        ),
        concurrency: count(&mut errors, "concurrency", &wanted.concurrency),
        token_cap: count(&mut errors, "tokenCap", &wanted.cap),
        reason: wanted.reason.clone(),
        currency: None,
    };
    // Beside what is no number it is not known yet whether anything changes.
    let before = before.filter(|_| errors.is_empty());
    errors.extend(wrongs(&proposed, before, Unit::Percent));
    proposed.reason = wanted.reason.trim().to_owned();
    (proposed, errors)
}

/// A whole number that the field cannot hold is as far beyond its range as 0 is, and is told the same.
fn count<T: FromStr + Default>(
    errors: &mut Vec<FieldProblem>,
    field: &str,
    text: &str,
) -> Option<T> {
    let number = whole(field, text);
    if number.is_err() && is_whole(text) { Some(T::default()) } else { read(errors, number, text) }
}

/// The same of what programs send: each wrong field is then told beside all others.
pub(super) fn sent_count<'de, D, T>(sent: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128> + Default,
{
    let number = Option::<i128>::deserialize(sent)?;
    Ok(number.map(|number| T::try_from(number).unwrap_or_default()))
}

fn is_whole(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['-', '+']);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn read<T>(
    errors: &mut Vec<FieldProblem>,
    read: Result<Option<T>, Problem>,
    text: &str,
) -> Option<T> {
    read.unwrap_or_else(|problem| {
        let which = problem.errors.into_iter().next();
        errors.extend(which.map(|it| {
            let what = if it.reason.contains("whole") { "a whole number" } else { "a number" };
            FieldProblem { reason: format!("“{}” is not {what}", text.trim()), ..it }
        }));
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn asked(price: Option<&str>) -> Proposed {
        let price_of_list = price.map(number);
        Proposed { price_of_list, reason: "costs rose".to_owned(), ..Proposed::default() }
    }

    fn reasons(wanted: &Proposed, unit: Unit) -> Vec<String> {
        let before = Controls { price_of_list: number("1.04"), ..Controls::STANDARD };
        wrongs(wanted, Some(&before), unit).into_iter().map(|it| it.reason).collect()
    }

    #[test]
    fn each_field_that_is_wrong_is_told_in_words_of_its_own() {
        assert!(reasons(&asked(Some("1.05")), Unit::Share).is_empty());
        assert_eq!(
            reasons(&asked(Some("1.04")), Unit::Share),
            ["The price must be another one than today’s 1.04"]
        );
        assert_eq!(
            reasons(&asked(Some("1.04")), Unit::Percent),
            ["The price must be another one than today’s 104 %"]
        );
        assert_eq!(reasons(&asked(None), Unit::Percent), ["Nothing changes: fill in at least one"]);
        assert_eq!(
            reasons(&asked(Some("100")), Unit::Share),
            ["100 is not a share of the list price: 1 is the list price; did you mean 1?"]
        );
        assert_eq!(
            reasons(&asked(Some("0.0108")), Unit::Percent),
            [
                "1.08 % of the list price is next to nothing: 100 is the list price; did you mean 108?"
            ]
        );
        let all = Proposed {
            overage_of_list: Some(number("0")),
            concurrency: Some(0),
            reason: " ".to_owned(),
            currency: Some("EUR".to_owned()),
            ..asked(Some("-1"))
        };
        assert_eq!(reasons(&all, Unit::Share).len(), 5, "{:?}", reasons(&all, Unit::Share));
    }

    fn form(concurrency: &str, cap: &str) -> Wanted {
        let form = serde_json::json!({
            "act": "propose", "concurrency": concurrency, "cap": cap, "reason": "they grow"
        });
        serde_json::from_value(form).expect("a form")
    }

    #[test]
    fn a_count_that_is_beyond_its_range_is_told_the_range_on_either_side() {
        let requests = "must be a whole number, 1 to 1000000 requests";
        let tokens = "must be a whole number, 1 to a million million tokens";
        for beyond in ["0", "-1", " 1000000000001 ", "99999999999999999999999"] {
            let (_, wrong) = typed(&form(beyond, beyond), Some(&Controls::STANDARD));
            let reasons: Vec<&str> = wrong.iter().map(|it| it.reason.as_str()).collect();
            assert_eq!(reasons, [requests, tokens], "{beyond}");
            let detail = refused(wrong).expect_err("both are wrong").detail;
            let all = format!("2 fields are wrong: concurrency {requests}; tokenCap {tokens}.");
            assert_eq!(detail, all);
        }
        let (_, wrong) = typed(&form("1.5", "many"), None);
        let reasons: Vec<&str> = wrong.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(reasons, ["“1.5” is not a whole number", "“many” is not a whole number"]);
        let (proposed, wrong) = typed(&form("1000000", "1000000000000"), None);
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(
            proposed.concurrency.map(u64::from).zip(proposed.token_cap),
            Some((1_000_000, 1_000_000_000_000))
        );
    }

    #[test]
    fn one_problem_names_them_all() {
        assert!(refused(Vec::new()).is_ok());
        let problem = refused(vec![wrong("a", "is wrong"), wrong("b", "is blank")]);
        let problem = problem.expect_err("two are wrong");
        assert_eq!(problem.errors.len(), 2);
        assert_eq!(problem.detail, "2 fields are wrong: a is wrong; b is blank.");
        let sentence = refused(vec![wrong("a", "“x” is not a number")]).expect_err("one is wrong");
        assert_eq!(sentence.detail, "a: “x” is not a number.");
    }
}
