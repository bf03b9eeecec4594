//! What the platform applies to a tenant at run time, and what a proposal would make of it.
//!
//! A tenant's price is a share of its tier's list price: 1 is the list, 1.04 is 4 % above it. So
//! one number moves the prices of all models that the tenant uses, and a change of the list or of
//! the tenant's mix is not mistaken for a change of its price.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::list_change::{self, Product};
use super::policy::Policy;
use crate::billing::overage::OverageTerms;
use crate::catalog::PricePut;
use crate::economics::EconomicsError;
use crate::economics::quantity::refuse;
use crate::event::TenantId;
use crate::fabric::shares::Shares;
use crate::json;
use crate::log::Hash;

const CONTENT_LABEL: &[u8] = b"ternion/proposal-content/v1\n";
/// A tenth and ten times the list price: beyond either the unit is wrong.
const OF_LIST_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 1);
const OF_LIST_MAX: Decimal = Decimal::TEN;
/// Finer prices are noise.
const OF_LIST_DECIMALS: u32 = 6;
/// Requests of one tenant in flight.
const CONCURRENCY_MAX: u32 = 1_000_000;
/// A million million tokens a month.
const TOKEN_CAP_MAX: u64 = 1_000_000_000_000;

/// What a tenant is charged and allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Controls {
    /// The price, as a share of the tier's list price.
    pub price_of_list: Decimal,
    /// The price of tokens beyond the cap, as a share of the list price; absent: as the others.
    /// Without a cap none is beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overage_of_list: Option<Decimal>,
    /// Requests in flight at once; absent: no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Tokens a UTC month; absent: no cap. What becomes of requests beyond it is the platform's;
    /// what they are charged is said by the overage price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_cap: Option<u64>,
}

impl Controls {
    /// What applies to a tenant about which nothing was decided.
    pub const STANDARD: Controls = Controls {
        price_of_list: Decimal::ONE,
        overage_of_list: None,
        concurrency: None,
        token_cap: None,
    };

    /// # Errors
    /// A price that is 0, negative or beyond ten times the list; a limit of 0 or beyond reason.
    pub fn check(self) -> Result<Self, WrongControl> {
        self.wrongs().into_iter().next().map_or(Ok(self), Err)
    }

    /// All that cannot be so.
    #[must_use]
    pub fn wrongs(&self) -> Vec<WrongControl> {
        let wrong = |field| move |error| WrongControl { field, error };
        let price = of_list("the price", self.price_of_list).map_err(wrong("priceOfList"));
        let overage = self.overage_of_list.map_or(Ok(()), |it| of_list("the overage price", it));
        let overage = overage.map_err(wrong("overageOfList"));
        let concurrency = self.concurrency.filter(|limit| !(1..=CONCURRENCY_MAX).contains(limit));
        let concurrency = concurrency.map(|given| {
            let error = refuse("the concurrency", &given, "1 to 1000000 requests");
            wrong("concurrency")(error)
        });
        let cap = self.token_cap.filter(|cap| !(1..=TOKEN_CAP_MAX).contains(cap)).map(|given| {
            let error = refuse("the token cap", &given, "1 to a million million tokens");
            wrong("tokenCap")(error)
        });
        [price.err(), overage.err(), concurrency, cap].into_iter().flatten().collect()
    }

    /// What tokens beyond the cap cost, where that is something else than the others.
    #[must_use]
    pub fn overage(&self) -> Option<OverageTerms> {
        let other = |overage: &Decimal| *overage != self.price_of_list;
        let (token_cap, overage_of_list) =
            self.token_cap.zip(self.overage_of_list.filter(other))?;
        Some(OverageTerms { token_cap, overage_of_list })
    }

    /// Does the same usage earn the same: one price, and one for what is beyond the cap?
    #[must_use]
    pub fn earns_as(&self, other: &Controls) -> bool {
        self.price_of_list == other.price_of_list && self.overage() == other.overage()
    }

    /// Does only the price differ?
    #[must_use]
    pub fn differs_in_price_only(&self, other: &Controls) -> bool {
        self.price_of_list != other.price_of_list
            && Controls { price_of_list: other.price_of_list, ..*self } == *other
    }

    /// The relative change of the price from `before` to this.
    #[must_use]
    pub fn price_change(&self, before: &Controls) -> Decimal {
        // A price is never 0.
        (self.price_of_list / before.price_of_list) - Decimal::ONE
    }
}

/// Which of the controls cannot be so, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongControl {
    /// As it is called in JSON.
    pub field: &'static str,
    pub error: EconomicsError,
}

fn of_list(what: &'static str, share: Decimal) -> Result<(), EconomicsError> {
    let fine = share.normalize().scale() <= OF_LIST_DECIMALS;
    if (OF_LIST_MIN..=OF_LIST_MAX).contains(&share) && fine {
        return Ok(());
    }
    Err(refuse(what, &share, "0.1 to 10 of the list price, with at most six decimals"))
}

/// What a proposal would put in force. Whole: it replaces what was there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Content {
    Controls {
        tenant_id: TenantId,
        controls: Controls,
    },
    Policy {
        policy: Box<Policy>,
    },
    /// Shares of the traffic; none: clients go where the selection sends them.
    Routing {
        shares: Shares,
    },
    /// A tier's list price of a model, from a time on.
    ListPrice {
        price: Box<PricePut>,
    },
}

/// What versions are counted of: each tenant's controls, the policy, the shares of the traffic, and
/// the list prices of a model for a tier that people agreed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Tenant(TenantId),
    Policy,
    Routing,
    ListPrice(Product),
}

/// A tenant by its id: as programs outside and the screens are told what a proposal is about.
impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Tenant(tenant) => write!(out, "{tenant}"),
            Subject::Policy => out.write_str("policy"),
            Subject::Routing => out.write_str("routing"),
            Subject::ListPrice(product) => write!(out, "{product}"),
        }
    }
}

impl Content {
    /// SHA-256 over a label and the canonical form: what an approval binds to.
    #[must_use]
    pub fn hash(&self) -> Hash {
        // Decimals and names only: it always serializes.
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut hasher = Sha256::new();
        hasher.update(CONTENT_LABEL);
        hasher.update(json::canonical(&value));
        Hash(hasher.finalize().into())
    }

    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Content::Controls { tenant_id, .. } => Subject::Tenant(tenant_id.clone()),
            Content::Policy { .. } => Subject::Policy,
            Content::Routing { .. } => Subject::Routing,
            Content::ListPrice { price } => Subject::ListPrice(Product::from(price.as_ref())),
        }
    }

    /// # Errors
    /// A number outside what its field can mean, or a policy that contradicts itself.
    pub fn check(&self) -> Result<(), EconomicsError> {
        match self {
            Content::Controls { controls, .. } => {
                controls.check().map(drop).map_err(|wrong| wrong.error)
            }
            Content::Policy { policy } => policy.check(),
            Content::Routing { shares } => shares.check(),
            Content::ListPrice { price } => list_change::check(price),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn price(text: &str) -> Controls {
        Controls { price_of_list: decimal(text), ..Controls::STANDARD }
    }

    #[test]
    fn a_price_of_nothing_below_nothing_or_too_fine_is_refused() {
        for absurd in ["0", "-1", "0.09", "10.1", "1.0000001"] {
            assert!(price(absurd).check().is_err(), "{absurd}");
        }
        assert!(price("1.04").check().is_ok());
        let field = |controls: Controls| controls.check().expect_err("absurd").field;
        assert_eq!(field(price("0")), "priceOfList");
        assert_eq!(field(Controls { concurrency: Some(0), ..price("1") }), "concurrency");
        assert_eq!(field(Controls { token_cap: Some(0), ..price("1") }), "tokenCap");
        let all = Controls { token_cap: Some(0), concurrency: Some(0), ..price("100") }.wrongs();
        let fields: Vec<&str> = all.iter().map(|wrong| wrong.field).collect();
        assert_eq!(fields, ["priceOfList", "concurrency", "tokenCap"]);
    }

    #[test]
    fn content_that_differs_anywhere_has_another_hash() {
        let tenant_id = TenantId::try_from("acme".to_owned()).expect("a tenant");
        let of = |controls| Content::Controls { tenant_id: tenant_id.clone(), controls }.hash();
        assert_eq!(of(price("1.04")), of(price("1.04")));
        assert_ne!(of(price("1.04")), of(price("1.05")));
        assert_ne!(of(price("1")), Content::Policy { policy: Box::default() }.hash());
    }

    #[test]
    fn a_change_of_price_is_relative_to_the_price_before() {
        assert_eq!(price("1.05").price_change(&price("1")), decimal("0.05"));
        let capped = Controls { token_cap: Some(7), ..price("1.05") };
        assert!(price("1.05").differs_in_price_only(&price("1")));
        assert!(!capped.differs_in_price_only(&price("1")));
        let dear = Controls { overage_of_list: Some(decimal("2")), ..capped };
        assert!(capped.earns_as(&price("1.05")), "a cap alone has no price");
        assert!(!dear.earns_as(&capped) && !price("1.05").earns_as(&price("1")));
    }
}
