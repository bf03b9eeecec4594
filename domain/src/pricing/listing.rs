//! A list price before it is recorded: how far it moves what counts, and what about it is odd.
//!
//! A list price moves the bills of all tenants of a tier. So it is held against what is known
//! first: against the price that it takes the place of, the provider's own, and the bounds that the
//! policy has for a tenant's price. Nothing here refuses: what is odd is said, whoever records it
//! says that they have read it, and what moves far waits for other people ([`super::list_change`]).

use std::collections::BTreeSet;
use std::fmt;

use rust_decimal::Decimal;
use serde::Serialize;

use super::approval::Quorum;
use super::list_change::{Beside, persons};
use super::policy::Limits;
use crate::billing::Period;
use crate::catalog::PricePut;
use crate::clock::{DAY_MS, Timestamp};
use crate::economics::token_cost::Rates;
use crate::event::TenantId;

/// Prices are for a million tokens, providers' rates for one.
const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// Names in a sentence; more are counted.
const NAMED_MAX: usize = 5;
/// Further away than a year, the year is rather mistyped than meant.
pub const FAR_DAYS: i64 = 366;

/// What a price consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    Input,
    Output,
    Cached,
}

impl Part {
    pub const ALL: [Part; 3] = [Part::Input, Part::Output, Part::Cached];

    /// As people call it, at the start of a sentence.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Part::Input => "Input",
            Part::Output => "Output",
            Part::Cached => "Cached input",
        }
    }

    /// US dollars a million tokens. Cached input without a price of its own costs what other input
    /// does.
    #[must_use]
    pub fn of(self, price: &PricePut) -> Decimal {
        let PricePut { input_usd_per_million: input, output_usd_per_million: output, .. } = price;
        match self {
            Part::Input => *input,
            Part::Output => *output,
            Part::Cached => price.cached_usd_per_million.unwrap_or(*input),
        }
    }

    /// What a provider takes. `None`: beyond decimals.
    fn of_rates(self, rates: &Rates) -> Option<Decimal> {
        let rate = match self {
            Part::Input => rates.input_usd_per_token,
            Part::Output => rates.output_usd_per_token,
            Part::Cached => rates.cached_usd_per_token.unwrap_or(rates.input_usd_per_token),
        };
        rate.checked_mul(MILLION).map(|usd| usd.normalize())
    }
}

/// Do both charge the same?
#[must_use]
pub fn are_alike(one: &PricePut, other: &PricePut) -> bool {
    Part::ALL.iter().all(|part| part.of(one) == part.of(other))
}

/// The relative change. `None`: from nothing, or beyond what numbers can hold.
#[must_use]
pub fn change(was: Decimal, is: Decimal) -> Option<Decimal> {
    if was == is {
        return Some(Decimal::ZERO);
    }
    is.checked_div(was)?.checked_sub(Decimal::ONE)
}

/// A price, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub price: &'a PricePut,
    pub beside: &'a Beside,
    /// The most that the provider takes, in whatever region.
    pub cost: Option<&'a Rates>,
    /// Is there any cost, usage or other price of the model?
    pub is_known: bool,
    /// Is there anybody in the tier whose bill it could move?
    pub has_tenants: bool,
    pub limits: &'a Limits,
    pub quorum: &'a Quorum,
}

impl Case<'_> {
    /// What is odd, the most telling first.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let PricePut { provider, model, .. } = self.price;
        if !self.is_known {
            let (provider, model) = (provider.clone(), model.clone());
            warnings.push(Warning::UnknownModel { provider, model });
        }
        warnings.extend(self.odd_parts());
        warnings.extend(self.cost.into_iter().flat_map(|cost| self.below(cost)));
        warnings.extend(self.moves());
        warnings
    }

    fn odd_parts(&self) -> Vec<Warning> {
        let [input, output, cached] = Part::ALL.map(|part| part.of(self.price));
        if input.is_zero() && output.is_zero() && cached.is_zero() {
            return vec![Warning::GivenAway];
        }
        let above = (cached > input).then_some(Warning::CachedAboveInput { cached, input });
        let below = (output < input).then_some(Warning::OutputBelowInput { output, input });
        above.into_iter().chain(below).collect()
    }

    fn below(&self, cost: &Rates) -> Vec<Warning> {
        let loses = |part: Part| {
            let (price, takes) = (part.of(self.price), part.of_rates(cost)?);
            (price < takes).then_some(Warning::BelowCost { part, price, cost: takes })
        };
        // Cached input without prices of its own on either side says nothing that input does not.
        let own =
            self.price.cached_usd_per_million.is_some() || cost.cached_usd_per_token.is_some();
        let parts = Part::ALL.into_iter().filter(|part| own || *part != Part::Cached);
        parts.filter_map(loses).collect()
    }

    fn moves(&self) -> Vec<Warning> {
        // What goes on as before moves nothing, whatever was moved before it.
        if self.beside.goes_on(self.price) {
            return Vec::new();
        }
        let Beside { before, earlier, recorded, .. } = self.beside;
        let Limits { step_max, cumulative_max, cumulative_days: days, .. } = *self.limits;
        let mut warnings = Vec::new();
        if let Some(moved) = before.as_ref().map(|before| largest(before, self.price))
            && moved.is_beyond(step_max)
        {
            warnings.push(Warning::BeyondStep { change: moved.0, step_max });
        }
        let earlier = [earlier, recorded].into_iter().flatten();
        let mut over_time = earlier.map(|earlier| largest(earlier, self.price));
        if let Some(moved) = over_time.find(|moved| moved.is_beyond(cumulative_max)) {
            warnings.push(Warning::BeyondPeriod { change: moved.0, cumulative_max, days });
        }
        let persons = self.persons();
        if persons > 1 {
            warnings.push(Warning::ManyPersons { persons });
        }
        warnings
    }

    /// How many decide on it: more than one, where it moves bills as far as a tenant's own price
    /// may only be moved by so many. Whoever wants it is not among them then.
    #[must_use]
    pub fn persons(&self) -> u32 {
        let held_against = self.beside.facts();
        if self.has_tenants { persons(&held_against, self.price, self.quorum) } else { 1 }
    }
}

/// Is that time further away than anybody means?
#[must_use]
pub fn far(at: Timestamp, now: Timestamp) -> Option<Warning> {
    let days = at.unix_ms().saturating_sub(now.unix_ms()) / DAY_MS;
    (days.abs() > FAR_DAYS).then_some(Warning::FarDate { at, days })
}

/// A change; `None`: beyond any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moved(Option<Decimal>);

impl Moved {
    fn is_beyond(self, bound: Decimal) -> bool {
        self.0.is_none_or(|change| change.abs() > bound)
    }
}

/// Of the parts the one that moves furthest, either way.
fn largest(was: &PricePut, is: &PricePut) -> Moved {
    let changes = Part::ALL.map(|part| change(part.of(was), part.of(is)));
    let size = |change: &Option<Decimal>| change.map_or(Decimal::MAX, |change| change.abs());
    Moved(changes.into_iter().max_by_key(size).flatten())
}

/// What about a price is odd, or has consequences that its numbers do not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    UnknownModel {
        provider: String,
        model: String,
    },
    GivenAway,
    CachedAboveInput {
        cached: Decimal,
        input: Decimal,
    },
    OutputBelowInput {
        output: Decimal,
        input: Decimal,
    },
    BelowCost {
        part: Part,
        price: Decimal,
        cost: Decimal,
    },
    BeyondStep {
        change: Option<Decimal>,
        step_max: Decimal,
    },
    BeyondPeriod {
        change: Option<Decimal>,
        cumulative_max: Decimal,
        days: u32,
    },
    ManyPersons {
        persons: u32,
    },
    /// Charges of the past become others. `whole`: false where there is more than was counted.
    Corrects {
        charges: u64,
        days_first: u64,
        tenants: u64,
        change_usd: Decimal,
        whole: bool,
    },
    ClosedMonths {
        months: BTreeSet<Period>,
    },
    BelowFloor {
        floor: Decimal,
        tenants: BTreeSet<TenantId>,
    },
    Contracts {
        tenants: BTreeSet<TenantId>,
    },
    /// Another price counts from then on.
    Until {
        at: Timestamp,
    },
    /// It begins so many days from now; negative: before.
    FarDate {
        at: Timestamp,
        days: i64,
    },
}

impl Warning {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Warning::UnknownModel { .. } => "unknownModel",
            Warning::GivenAway => "givenAway",
            Warning::CachedAboveInput { .. } => "cachedAboveInput",
            Warning::OutputBelowInput { .. } => "outputBelowInput",
            Warning::BelowCost { .. } => "belowCost",
            Warning::BeyondStep { .. } => "beyondStep",
            Warning::BeyondPeriod { .. } => "beyondPeriod",
            Warning::ManyPersons { .. } => "manyPersons",
            Warning::Corrects { .. } => "corrects",
            Warning::ClosedMonths { .. } => "closedMonths",
            Warning::BelowFloor { .. } => "belowFloor",
            Warning::Contracts { .. } => "contracts",
            Warning::Until { .. } => "until",
            Warning::FarDate { .. } => "farDate",
        }
    }

    /// Must whoever records the price say that they have read it?
    #[must_use]
    pub const fn is_notable(&self) -> bool {
        !matches!(self, Warning::Until { .. })
    }
}

/// A sentence or two, with the numbers.
impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::UnknownModel { provider, model } => write!(
                out,
                "Nothing is known of {provider}/{model}: no cost, no usage, no other price. Check how it is spelled."
            ),
            Warning::GivenAway => out.write_str("It is given away: every token costs nothing."),
            Warning::CachedAboveInput { cached, input } => write!(
                out,
                "Cached input (${cached}) costs more than other input (${input}). It usually costs less."
            ),
            Warning::OutputBelowInput { output, input } => write!(
                out,
                "Output (${output}) costs less than input (${input}). It usually costs more."
            ),
            Warning::BelowCost { part, price, cost } => write!(
                out,
                "{} is sold at a loss: ${price} a million tokens, and the provider takes ${cost}.",
                part.title()
            ),
            Warning::BeyondStep { change, step_max } => write!(
                out,
                "It moves by {}: further than {}, which the policy has for one step.",
                moved(*change),
                percent(*step_max)
            ),
            Warning::BeyondPeriod { change, cumulative_max, days } => write!(
                out,
                "Beside the price of {days} days before it moves by {}: further than {}, which the policy has for that time.",
                moved(*change),
                percent(*cumulative_max)
            ),
            Warning::ManyPersons { persons } => write!(
                out,
                "It moves bills so far that {persons} people have to agree, beside whoever proposes it: it waits for them."
            ),
            Warning::ClosedMonths { months } => write!(
                out,
                "{} closed: what was invoiced stands, and the difference goes to the first month that is open.",
                are(months.iter().map(Period::to_string), months.len())
            ),
            Warning::BelowFloor { floor, tenants } => {
                write!(out, "Below the margin floor of {}: {}.", percent(*floor), named(tenants))
            }
            Warning::Contracts { tenants } => write!(
                out,
                "A contract fixes a tenant’s share of the list, and not the list: the bills of these move all the same: {}.",
                named(tenants)
            ),
            Warning::Until { at } => {
                write!(out, "Another price counts from {at} on: this one holds until then.")
            }
            Warning::FarDate { at, days } => write!(
                out,
                "It counts from {at} on: {} {}. Check the year.",
                counted(days.unsigned_abs(), "day", "days"),
                if *days < 0 { "ago" } else { "from now" }
            ),
            Warning::Corrects { .. } => self.corrects(out),
        }
    }
}

impl Warning {
    fn corrects(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Warning::Corrects { charges, days_first, tenants, change_usd, whole } = self else {
            return Ok(());
        };
        let least = if *whole { "" } else { "at least " };
        let sign = if change_usd.is_sign_negative() { "−" } else { "+" };
        let usd = change_usd.abs().round_dp(2);
        let (days, tenants) =
            (counted(*days_first, "day", "days"), counted(*tenants, "tenant", "tenants"));
        out.write_str("It counts from a time that is past, and ")?;
        if *charges == 0 {
            // Without a whole day, it is parts of days that were charged otherwise.
            let days = if *days_first > 0 { format!("{least}{days} of ") } else { String::new() };
            let sign = if change_usd.is_sign_negative() { "−" } else { "" };
            return write!(
                out,
                "charges {days}usage of {tenants} for the first time, {sign}${usd:.2} in all."
            );
        }
        let charges = counted(*charges, "daily charge", "daily charges");
        write!(out, "corrects {least}{charges} of {tenants}, by {sign}${usd:.2} in all")?;
        if *days_first > 0 {
            write!(out, "; {days} of usage that nothing was charged for among it")?;
        }
        out.write_str(".")
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn are(names: impl Iterator<Item = String>, count: usize) -> String {
    let names: Vec<String> = names.collect();
    format!("{} {}", names.join(", "), if count == 1 { "is" } else { "are" })
}

fn named(tenants: &BTreeSet<TenantId>) -> String {
    let mut text: Vec<String> = tenants.iter().take(NAMED_MAX).map(TenantId::to_string).collect();
    let more = tenants.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        text.push(format!("{more} more"));
    }
    text.join(", ")
}

/// `+12 %`.
fn moved(change: Option<Decimal>) -> String {
    let Some(change) = change else { return "more than any percentage".to_owned() };
    let sign = if change.is_sign_negative() { "−" } else { "+" };
    format!("{sign}{}", percent(change.abs()))
}

fn percent(share: Decimal) -> String {
    // What is beyond decimals as percent is far beyond any bound already.
    let text = share.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(Decimal::MAX);
    format!("{} %", text.round_dp(2).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;
    use crate::pricing::policy::Policy;

    fn price(input: &str, output: &str, cached: Option<&str>) -> PricePut {
        PricePut {
            tier: "pro".into(),
            provider: "vertex".into(),
            model: "m".into(),
            input_usd_per_million: decimal(input),
            output_usd_per_million: decimal(output),
            cached_usd_per_million: cached.map(decimal),
            effective_from: "2026-12-01T00:00:00Z".parse().expect("a time"),
            reason: None,
            withdrawn: false,
            proposal_id: None,
        }
    }

    /// Codes of what is odd about a price, before a price, at a provider's rates.
    fn codes(is: &PricePut, was: Option<&PricePut>, cost: Option<&Rates>) -> Vec<&'static str> {
        let policy = Policy::default();
        let limits = Limits::default();
        let case = Case {
            price: is,
            beside: &Beside { before: was.cloned(), ..Beside::default() },
            cost,
            is_known: true,
            has_tenants: true,
            limits: &limits,
            quorum: &policy.quorum,
        };
        case.warnings().iter().map(Warning::code).collect()
    }

    #[test]
    fn an_ordinary_price_has_nothing_odd() {
        let (was, is) = (price("1", "4", Some("0.25")), price("1.05", "4.1", Some("0.26")));
        assert!(codes(&is, Some(&was), None).is_empty());
        assert!(codes(&is, None, None).is_empty(), "a first price moves nothing");
    }

    #[test]
    fn odd_parts_are_named() {
        assert_eq!(codes(&price("1", "4", Some("1.5")), None, None), ["cachedAboveInput"]);
        assert_eq!(codes(&price("4", "1", None), None, None), ["outputBelowInput"]);
        assert_eq!(codes(&price("0", "0", None), None, None), ["givenAway"]);
        let both = price("4", "1", Some("5"));
        assert_eq!(codes(&both, None, None), ["cachedAboveInput", "outputBelowInput"]);
    }

    #[test]
    fn what_is_sold_below_the_providers_price_is_said_by_part() {
        let cost = Rates {
            input_usd_per_token: decimal("0.000002"),
            output_usd_per_token: decimal("0.000003"),
            cached_usd_per_token: None,
        };
        let at_cost = price("2", "3", None);
        assert!(codes(&at_cost, None, Some(&cost)).is_empty());
        assert_eq!(codes(&price("1", "3", None), None, Some(&cost)), ["belowCost"]);
        // Cached input is bought at the price of other input here.
        assert_eq!(codes(&price("2", "3", Some("0.5")), None, Some(&cost)), ["belowCost"]);
        let told =
            Warning::BelowCost { part: Part::Cached, price: decimal("0.5"), cost: decimal("2") };
        assert_eq!(
            told.to_string(),
            "Cached input is sold at a loss: $0.5 a million tokens, and the provider takes $2."
        );
    }

    #[test]
    fn a_change_is_measured_by_the_part_that_moves_furthest() {
        let was = price("1", "4", None);
        assert_eq!(codes(&price("1.08", "4", None), Some(&was), None), [""; 0]);
        assert_eq!(codes(&price("1", "4.4", None), Some(&was), None), ["beyondStep"]);
        let far = codes(&price("0.8", "4", None), Some(&was), None);
        assert_eq!(far, ["beyondStep", "manyPersons"]);
        // Something for nothing is beyond any bound.
        let free = price("0", "0", None);
        assert_eq!(codes(&was, Some(&free), None), ["beyondStep", "manyPersons"]);
        assert_eq!(change(Decimal::ZERO, Decimal::ONE), None);
        assert_eq!(change(Decimal::ZERO, Decimal::ZERO), Some(Decimal::ZERO));
    }

    #[test]
    fn small_steps_add_up() {
        let policy = Policy::default();
        let limits = Limits::default();
        let (earlier, before, is) =
            (price("1", "4", None), price("1.12", "4", None), price("1.20", "4", None));
        let beside =
            Beside { before: Some(before.clone()), earlier: Some(earlier), ..Beside::default() };
        let case = Case {
            price: &is,
            beside: &beside,
            cost: None,
            is_known: false,
            has_tenants: true,
            limits: &limits,
            quorum: &policy.quorum,
        };
        let codes: Vec<&str> = case.warnings().iter().map(Warning::code).collect();
        assert_eq!(codes, ["unknownModel", "beyondPeriod", "manyPersons"]);
        assert_eq!(case.persons(), 2);
        let long_ago = Beside { earlier: Some(price("0.5", "4", None)), ..beside.clone() };
        let goes_on = Case { price: &before, beside: &long_ago, ..case };
        assert_eq!((goes_on.persons(), goes_on.warnings().len()), (1, 1), "it moves nothing");
        assert_eq!(Case { has_tenants: false, ..case }.persons(), 1, "it moves nobody's bill");
    }

    #[test]
    fn a_time_that_is_more_than_a_year_away_is_questioned() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let now = at("2026-11-27T12:00:00Z");
        assert_eq!(far(at("2027-11-27T12:00:00Z"), now), None);
        assert_eq!(far(at("2025-11-27T12:00:00Z"), now), None);
        let told = far(at("2062-12-01T00:00:00Z"), now).expect("far");
        assert!(told.is_notable() && told.to_string().ends_with("from now. Check the year."));
        let told = far(at("2025-11-25T00:00:00Z"), now).expect("far").to_string();
        assert!(told.contains("367 days ago"), "{told}");
    }

    #[test]
    fn absurd_numbers_are_odd_and_no_fault() {
        let was = price("0.0000000000000000000000000001", "1", None);
        let is = price("79228162514264337593543950335", "1", None);
        assert!(codes(&is, Some(&was), None).contains(&"beyondStep"));
        for change in [Some(Decimal::MAX), Some(Decimal::MIN), None] {
            let told = Warning::BeyondStep { change, step_max: Decimal::ONE };
            assert!(!told.to_string().is_empty());
        }
    }

    #[test]
    fn a_correction_says_how_many_charges_and_what_sum() {
        let told = Warning::Corrects {
            charges: 12,
            days_first: 0,
            tenants: 3,
            change_usd: decimal("-3.2"),
            whole: true,
        };
        assert_eq!(
            told.to_string(),
            "It counts from a time that is past, and corrects 12 daily charges of 3 tenants, by −$3.20 in all."
        );
        let first = |charges, days_first| {
            let (tenants, change_usd, whole) = (1, decimal("7"), false);
            Warning::Corrects { charges, days_first, tenants, change_usd, whole }.to_string()
        };
        assert_eq!(
            first(0, 1),
            "It counts from a time that is past, and charges at least 1 day of usage of 1 tenant for the first time, $7.00 in all."
        );
        assert!(
            first(0, 0)
                .ends_with("and charges usage of 1 tenant for the first time, $7.00 in all.")
        );
        assert!(first(2, 1).ends_with(
            "corrects at least 2 daily charges of 1 tenant, by +$7.00 in all; 1 day of usage that nothing was charged for among it."
        ));
    }
}
