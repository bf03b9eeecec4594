//! How many must agree to a list price: by how far it moves what counted before it.
//!
//! A tenant's bill is list price times the tenant's own share, so a list price that moves far moves
//! bills as a tenant's own price does, and asks for as many people. What it is held against stands
//! as facts in the proposal: so every cloud counts the same, and a price that changed meanwhile is
//! seen.

use std::fmt;

use rust_decimal::Decimal;

use super::approval::{Facts, Quorum};
use super::listing::{Part, change};
use crate::catalog::PricePut;
use crate::economics::EconomicsError;
use crate::economics::quantity::refuse;

/// Facts of what counts until then, by part.
const BEFORE: [&str; 3] = ["listInput", "listOutput", "listCached"];
/// Facts of what counted the policy's period before: small steps add up.
const EARLIER: [&str; 3] = ["earlierInput", "earlierOutput", "earlierCached"];

/// What has a list price: a model, for a tier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product {
    pub tier: String,
    pub provider: String,
    pub model: String,
}

impl fmt::Display for Product {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{} for {}", self.provider, self.model, self.tier)
    }
}

impl From<&PricePut> for Product {
    fn from(price: &PricePut) -> Self {
        let PricePut { tier, provider, model, .. } = price.clone();
        Product { tier, provider, model }
    }
}

/// What a list price is held against, in dollars a million tokens. Empty: it is the first.
#[must_use]
pub fn facts(before: Option<&PricePut>, earlier: Option<&PricePut>) -> Facts {
    let of = |names: [&str; 3], price: Option<&PricePut>| {
        let parts = price.map(amounts).into_iter().flatten();
        names.map(str::to_owned).into_iter().zip(parts).collect::<Vec<_>>()
    };
    of(BEFORE, before).into_iter().chain(of(EARLIER, earlier)).collect()
}

/// What counted until then, by part; absent: nothing did.
#[must_use]
pub fn before(facts: &Facts) -> Option<[Decimal; 3]> {
    known(facts, BEFORE)
}

/// How many must agree, beside whoever wants it: by the larger of the change at once and that of
/// the period. A first price moves nothing, and neither does what goes on as before.
#[must_use]
pub fn persons(facts: &Facts, price: &PricePut, quorum: &Quorum) -> u32 {
    let is = amounts(price);
    let before = before(facts);
    if before == Some(is) {
        return 1;
    }
    let moved = [before, known(facts, EARLIER)].into_iter().flatten();
    moved.map(|was| quorum.persons(size(was, is))).max().unwrap_or(1)
}

/// # Errors
/// It is no price, or says what an event alone says: why, and who agreed.
pub fn check(price: &PricePut) -> Result<(), EconomicsError> {
    if let Err(error) = price.check() {
        return Err(refuse("the list price", &error, "a tier, a model and prices of 0 or more"));
    }
    if price.reason.is_some() || price.withdrawn || price.proposal_id.is_some() {
        let given = "more than a price";
        return Err(refuse("the list price", &given, "prices alone: the proposal says why"));
    }
    Ok(())
}

fn amounts(price: &PricePut) -> [Decimal; 3] {
    Part::ALL.map(|part| part.of(price))
}

fn known(facts: &Facts, names: [&str; 3]) -> Option<[Decimal; 3]> {
    let [input, output, cached] = names.map(|name| facts.get(name).copied());
    Some([input?, output?, cached?])
}

/// Of the parts that which moves furthest, either way; from nothing to something is beyond any
/// number.
fn size(was: [Decimal; 3], is: [Decimal; 3]) -> Decimal {
    let parts = was.into_iter().zip(is);
    let sizes = parts.map(|(was, is)| change(was, is).map_or(Decimal::MAX, |it| it.abs()));
    sizes.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;
    use crate::pricing::policy::Policy;

    fn price(input: &str, output: &str) -> PricePut {
        PricePut {
            tier: "pro".into(),
            provider: "vertex".into(),
            model: "m".into(),
            input_usd_per_million: decimal(input),
            output_usd_per_million: decimal(output),
            cached_usd_per_million: None,
            effective_from: "2026-12-01T00:00:00Z".parse().expect("a time"),
            reason: None,
            withdrawn: false,
            proposal_id: None,
        }
    }

    #[test]
    fn the_part_that_moves_furthest_says_how_many_must_agree_at_once_or_over_the_period() {
        let quorum = Policy::default().quorum;
        let (earlier, before) = (price("1", "4"), price("1.12", "4"));
        let of = |is: &PricePut, earlier| persons(&facts(Some(&before), earlier), is, &quorum);
        assert_eq!(of(&price("1.25", "4"), None), 1);
        assert_eq!(of(&price("1.25", "4"), Some(&earlier)), 2, "small steps add up");
        assert_eq!(of(&price("1.12", "3.2"), None), 2);
        assert_eq!(of(&before, Some(&price("9", "9"))), 1, "it goes on as before");
        assert_eq!(persons(&Facts::new(), &price("900", "900"), &quorum), 1, "a first price");
        let free = facts(Some(&price("0", "0")), None);
        assert_eq!(persons(&free, &price("0.01", "0"), &quorum), 2, "beyond any number");
    }

    #[test]
    fn what_a_proposal_holds_is_a_price_and_nothing_else() {
        assert!(check(&price("1", "4")).is_ok());
        assert!(check(&price("-1", "4")).is_err());
        assert!(check(&PricePut { tier: "Gold plan".into(), ..price("1", "4") }).is_err());
        assert!(check(&PricePut { reason: Some("why".into()), ..price("1", "4") }).is_err());
        assert_eq!(Product::from(&price("1", "4")).to_string(), "vertex/m for pro");
    }
}
