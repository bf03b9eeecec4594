//! A list price as people type it: every mistake by its field, so that nothing is typed twice.

use app::backend::PriceAsk;
use domain::catalog::{Known, PricePut};
use domain::clock::{HOUR_MS, Timestamp};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{dollars, instant};
use crate::problem::{FieldProblem, Problem};

/// A million dollars a million tokens: beyond, the unit is wrong.
const USD_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// What the fields hold; absent ones are blank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TypedPrice {
    pub(crate) tier: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    /// US dollars a million tokens.
    pub(crate) input: String,
    pub(crate) output: String,
    /// Blank: as input.
    pub(crate) cached: String,
    /// UTC; blank: the next whole hour.
    pub(crate) from: String,
}

impl From<&PriceAsk> for TypedPrice {
    fn from(ask: &PriceAsk) -> Self {
        TypedPrice {
            tier: ask.tier.clone(),
            provider: ask.provider.clone(),
            model: ask.model.clone(),
            input: ask.input.clone(),
            output: ask.output.clone(),
            cached: ask.cached.clone(),
            from: ask.from.clone(),
        }
    }
}

impl TypedPrice {
    /// The price that it is.
    ///
    /// # Errors
    /// `invalid`, with each field that is wrong and why.
    pub(crate) fn read(&self, now: Timestamp) -> Result<PricePut, Problem> {
        let mut wrong = Vec::new();
        let input = usd("input", &self.input, &mut wrong);
        let output = usd("output", &self.output, &mut wrong);
        let cached = self.cached.trim();
        let cached = (!cached.is_empty()).then(|| usd("cached", cached, &mut wrong));
        let price = PricePut {
            tier: self.tier.trim().to_owned(),
            provider: self.provider.trim().to_owned(),
            model: self.model.trim().to_owned(),
            input_usd_per_million: input,
            output_usd_per_million: output,
            cached_usd_per_million: cached,
            effective_from: self.from(now, &mut wrong),
            reason: None,
            withdrawn: false,
            proposal_id: None,
        };
        let names = [("tier", &price.tier), ("provider", &price.provider), ("model", &price.model)];
        let blank = names.into_iter().filter(|(_, name)| name.is_empty());
        wrong.extend(blank.map(|(field, _)| problem(field, "is missing")));
        if let Err(error) = Known::read(&Known::PricePut(price.clone()).to_payload()) {
            let field = of_form(&error.field);
            if wrong.iter().all(|known| known.field != format!("/{field}")) {
                wrong.push(problem(field, error.reason));
            }
        }
        if wrong.is_empty() {
            return Ok(price);
        }
        let told = wrong.iter().map(|one| format!("{} {}", &one.field[1..], one.reason));
        let told = told.collect::<Vec<_>>().join("; ");
        Err(Problem { errors: wrong, ..Problem::invalid(format!("The price is none: {told}.")) })
    }

    fn from(&self, now: Timestamp, wrong: &mut Vec<FieldProblem>) -> Timestamp {
        let next_hour = Timestamp::from_unix_ms(now.hour().unix_ms().saturating_add(HOUR_MS));
        match self.from.trim() {
            "" => next_hour,
            text => instant("from", text).unwrap_or_else(|problem| {
                wrong.extend(problem.errors);
                next_hour
            }),
        }
    }
}

/// 0 where it is wrong, which is then said.
fn usd(field: &str, text: &str, wrong: &mut Vec<FieldProblem>) -> Decimal {
    if text.trim().is_empty() {
        wrong.push(problem(field, "is missing"));
        return Decimal::ZERO;
    }
    match dollars(field, text) {
        Ok(usd) if usd > USD_MAX => {
            wrong.push(problem(field, "is more than $1,000,000 a million tokens"));
            Decimal::ZERO
        }
        Ok(usd) => usd,
        Err(problem) => {
            wrong.extend(problem.errors);
            Decimal::ZERO
        }
    }
}

fn problem(field: &str, reason: impl Into<String>) -> FieldProblem {
    FieldProblem { field: format!("/{field}"), reason: reason.into() }
}

/// The form's field for one of the event's.
fn of_form(field: &str) -> &str {
    match field.trim_start_matches('/') {
        "inputUsdPerMillion" => "input",
        "outputUsdPerMillion" => "output",
        "cachedUsdPerMillion" => "cached",
        "effectiveFrom" => "from",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> TypedPrice {
        TypedPrice {
            tier: "pro".into(),
            provider: "openai".into(),
            model: " gpt-4o ".into(),
            input: "$1,250.50".into(),
            output: "10".into(),
            cached: String::new(),
            from: "2027-01-01T00:00".into(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-26T12:20:00Z".parse().expect("a time")
    }

    fn fields(typed: &TypedPrice) -> Vec<String> {
        let problem = typed.read(now()).expect_err("wrong");
        assert_eq!((problem.status, problem.code), (422, "invalid"));
        problem.errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn a_price_is_read_as_people_type_it() {
        let price = typed().read(now()).expect("a price");
        assert_eq!(price.input_usd_per_million.to_string(), "1250.50");
        assert_eq!(price.cached_usd_per_million, None);
        assert_eq!(price.model, "gpt-4o");
        assert_eq!(price.effective_from.to_string(), "2027-01-01T00:00:00.000Z");
        let soon = TypedPrice { from: " ".into(), ..typed() }.read(now()).expect("a price");
        assert_eq!(soon.effective_from.to_string(), "2026-11-26T13:00:00.000Z");
        let again = TypedPrice { from: "2027-01-01T00:00:00.000Z".into(), ..typed() };
        assert_eq!(again.read(now()).expect("as the program writes it"), price);
    }

    #[test]
    fn every_mistake_is_told_by_its_field() {
        let all = TypedPrice {
            tier: "Gold plan".into(),
            provider: String::new(),
            input: "0,36".into(),
            output: String::new(),
            cached: "1e9".into(),
            from: "soon".into(),
            ..typed()
        };
        let mut told = fields(&all);
        told.sort();
        assert_eq!(told, ["/cached", "/from", "/input", "/output", "/provider", "/tier"]);
        let negative = TypedPrice { cached: "-1".into(), ..typed() };
        assert_eq!(fields(&negative), ["/cached"]);
        let huge = TypedPrice { output: "1000001".into(), ..typed() };
        assert_eq!(fields(&huge), ["/output"]);
    }
}
