//! What tokens beyond a tenant's monthly cap cost more, or less, than those within it.
//!
//! The tokens that a tenant is charged for cumulate over a UTC month. Its charges stand in the order
//! of days and, within a day, of the decisions that they were made under; so between two decisions
//! everything of a day is one stretch. The part of a stretch that lies beyond the cap in force is
//! spread over the stretch's charges, token for token alike, and an entry of its own says what that
//! part costs at the overage price instead of the tenant's own. The charges stay as they are, and the
//! entry names all that it was computed from.
//!
//! It is a function of a month's charges and of the decisions that they name: every cloud says the same
//! whatever it learnt first, and what is charged on an earlier day moves the split of later ones.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Account, Day, Entry, LINE_DECIMALS, Overage, OwnPrice, Quantity, What, rounded};
use crate::clock::Timestamp;
use crate::event::{EventId, TenantId};

/// What a decision says about tokens beyond a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverageTerms {
    /// Tokens a UTC month.
    pub token_cap: u64,
    /// The price of those beyond it, as a share of the list price.
    pub overage_of_list: Decimal,
}

/// The terms of decisions that state both, each by its event.
pub type Terms = BTreeMap<EventId, OverageTerms>;

/// How many of these tokens lie beyond the cap, after `before` others of the month.
#[must_use]
pub fn beyond_cap(before: u64, tokens: u64, cap: u64) -> u64 {
    before.saturating_add(tokens).saturating_sub(cap).min(tokens)
}

/// All tokens, cached ones as part of the input.
#[must_use]
pub fn tokens(quantity: &Quantity) -> u64 {
    let sum = quantity.input_tokens.saturating_add(quantity.output_tokens);
    u64::try_from(sum).unwrap_or(0)
}

/// A day of a tenant between two decisions about its price.
#[derive(Debug)]
struct Stretch {
    own: Option<OwnPrice>,
    tokens: u64,
    /// By tier.
    charges_usd: BTreeMap<String, Decimal>,
}

/// In the order of days and decisions.
type Stretches = BTreeMap<(Day, Option<Timestamp>), Stretch>;

/// The entries that a month's charges of one tenant lead to, in whatever order they come.
#[must_use]
pub fn overage<'a>(
    tenant: &TenantId,
    charges: impl IntoIterator<Item = &'a Entry>,
    terms: &Terms,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut month_tokens: u64 = 0;
    for ((day, _), stretch) in stretches(charges) {
        let before = month_tokens;
        month_tokens = month_tokens.saturating_add(stretch.tokens);
        let Some(own) = stretch.own else { continue };
        let Some(terms) = terms.get(&own.event_id) else { continue };
        let beyond = beyond_cap(before, stretch.tokens, terms.token_cap);
        let split = Split { own, terms, month_tokens, tokens: stretch.tokens, beyond };
        let of_tier = |(tier, usd)| split.entry((tenant.clone(), day), tier, usd);
        entries.extend(stretch.charges_usd.into_iter().filter_map(of_tier));
    }
    entries
}

fn stretches<'a>(charges: impl IntoIterator<Item = &'a Entry>) -> Stretches {
    let mut stretches = Stretches::new();
    for entry in charges {
        let What::Charge { tier, price, quantity, .. } = &entry.what else { continue };
        let place = (entry.day, price.own.map(|own| own.since));
        let new = || Stretch { own: price.own, tokens: 0, charges_usd: BTreeMap::new() };
        let stretch = stretches.entry(place).or_insert_with(new);
        stretch.tokens = stretch.tokens.saturating_add(tokens(quantity));
        *stretch.charges_usd.entry(tier.clone()).or_default() += entry.amount_usd();
    }
    stretches
}

/// Where the cap parts a stretch.
struct Split<'a> {
    own: OwnPrice,
    terms: &'a OverageTerms,
    month_tokens: u64,
    tokens: u64,
    beyond: u64,
}

impl Split<'_> {
    /// `None`: nothing is beyond, or it costs the same.
    fn entry(&self, of: (TenantId, Day), tier: String, charges_usd: Decimal) -> Option<Entry> {
        let Split { own, terms, month_tokens, tokens, beyond } = *self;
        // A price is at least a tenth of the list price and at most ten times it, so neither product
        // nor quotient leaves a decimal.
        let part = (terms.overage_of_list - own.of_list)
            .checked_mul(Decimal::from(beyond))?
            .checked_div(own.of_list.checked_mul(Decimal::from(tokens))?)?;
        let amount = rounded(charges_usd.checked_mul(part)?, LINE_DECIMALS);
        if amount.is_zero() {
            return None;
        }
        let what = What::Overage(Overage {
            tier,
            tokens,
            beyond_tokens: beyond,
            month_tokens,
            token_cap: terms.token_cap,
            overage_of_list: terms.overage_of_list.normalize(),
            own,
            charges_usd: charges_usd.normalize(),
        });
        let accounts = (Account::Receivable(of.0.clone()), Account::Revenue);
        Some(Entry::new(of, what, accounts, amount))
    }
}
