//! What is charged in the end: each list price of the tenant's tier, times its own share of it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::read::{Events, Said};
use crate::catalog::PricePut;
use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::event::{Slot, TenantId};
use crate::pricing::book::{Applied, Book, Chain};
use crate::pricing::list_change::Product;
use crate::receipt::{Step, step};

/// What is charged: each list price of the tenant's tier, times its own share.
pub(super) fn prices(book: &Book, events: &Events, tenant: &TenantId, at: Timestamp) -> Vec<Step> {
    let known = events.tenants.iter().filter(|said| said.value.tenant_id == *tenant);
    let Some(known) = known.max_by_key(|said| said.order) else {
        let title = format!("The tier of {tenant}");
        let result = "no event of the file says which it is".to_owned();
        return vec![step(&title, "the newest tenant.put", Vec::new(), result, false)];
    };
    let own = book.controls(tenant).price_of_list;
    let tier = known.value.tier.as_str();
    // What was agreed to counts, whether the event that carries it out is in the file or not.
    let agreed: Vec<Said<PricePut>> = book.list_prices().map(|(_, it)| carried_out(it)).collect();
    let prices = events.prices.iter().chain(&agreed).filter(|said| said.value.tier == tier);
    newest(prices, at).into_iter().map(|said| charged(book, said, own, tier)).collect()
}

/// As if it were recorded the moment it was applied.
fn carried_out(applied: &Applied<PricePut>) -> Said<PricePut> {
    let ms = u64::try_from(applied.at.unix_ms()).unwrap_or(0);
    let slot = Slot { origin: Cloud::Gcp, epoch: 0, sequence: 0 };
    Said {
        value: applied.value.clone(),
        event_id: applied.event_id,
        order: (LogicalClock { ms, counter: 0 }, slot),
        by: None,
    }
}

/// Of each model what counts at a time: of puts for one beginning the last word, without those that were
/// withdrawn before they began, and of these the latest beginning.
fn newest<'a>(
    prices: impl Iterator<Item = &'a Said<PricePut>>,
    at: Timestamp,
) -> Vec<&'a Said<PricePut>> {
    // A withdrawal of what has begun has no effect.
    let in_time = |said: &&Said<PricePut>| {
        let begins_ms = u64::try_from(said.value.effective_from.unix_ms()).unwrap_or(0);
        !said.value.withdrawn || said.order.0.ms < begins_ms
    };
    let mut words: BTreeMap<(&str, &str, Timestamp), &Said<PricePut>> = BTreeMap::new();
    for said in prices.filter(in_time).filter(|said| said.value.effective_from <= at) {
        let PricePut { provider, model, effective_from, .. } = &said.value;
        let held = words.entry((provider, model, *effective_from)).or_insert(said);
        if held.order < said.order {
            *held = said;
        }
    }
    let mut latest: BTreeMap<(&str, &str), &Said<PricePut>> = BTreeMap::new();
    // In the order of their beginnings: the later one takes the place of the earlier one.
    for ((provider, model, _), said) in words {
        if !said.value.withdrawn {
            latest.insert((provider, model), said);
        }
    }
    latest.into_values().collect()
}

/// Says where a price is that others had to agree to, and whether they did.
fn agreed(book: &Book, price: &PricePut) -> Option<bool> {
    let proposal = price.proposal_id?;
    let found = book.list_chain(&Product::from(price)).into_iter().flat_map(Chain::iter);
    Some(found.into_iter().any(|it| it.proposal_id == proposal && it.value == *price))
}

fn charged(book: &Book, said: &Said<PricePut>, own: Decimal, tier: &str) -> Step {
    let price = &said.value;
    let PricePut { provider, model, effective_from, .. } = price;
    let title =
        format!("{provider}/{model} at {own} of the list price of {tier}", own = own.normalize());
    let agreed = agreed(book, price);
    let by = match (agreed, &said.by) {
        (Some(true), _) => "those who agreed to its proposal, see above".to_owned(),
        (Some(false), _) => "a proposal that nobody agreed to in this file".to_owned(),
        (None, Some(by)) => format!("{by}, alone"),
        (None, None) => "a program".to_owned(),
    };
    let inputs = vec![
        ("list price", dollars(price, Decimal::ONE).unwrap_or_default()),
        ("in force from", effective_from.to_string()),
        ("set by", by),
        ("event", said.event_id.0.to_string()),
    ];
    let is = dollars(price, own);
    let is_known = is.is_some() && agreed != Some(false);
    let result = is.unwrap_or_else(|| "beyond what decimals can hold".to_owned());
    step(&title, "list price \u{d7} the tenant's own share", inputs, result, is_known)
}

/// US dollars a million tokens.
pub(super) fn dollars(price: &PricePut, own: Decimal) -> Option<String> {
    let of = |list: Decimal| list.checked_mul(own).map(|usd| usd.normalize());
    let (input, output) = (of(price.input_usd_per_million)?, of(price.output_usd_per_million)?);
    let cached = price.cached_usd_per_million.map(of);
    let cached = cached.map(|usd| usd.map(|usd| format!(", ${usd} cached input")));
    let cached = cached.unwrap_or(Some(String::new()))?;
    Some(format!("${input} input, ${output} output{cached}, for a million tokens"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventId;
    use uuid::Uuid;

    fn said(at: &str, from: &str, input: i64, withdrawn: bool) -> Said<PricePut> {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let ms = u64::try_from(time(at).unix_ms()).expect("after 1970");
        let value = PricePut {
            tier: "pro".to_owned(),
            provider: "azure".to_owned(),
            model: "m".to_owned(),
            input_usd_per_million: Decimal::from(input),
            output_usd_per_million: Decimal::from(input),
            cached_usd_per_million: None,
            effective_from: time(from),
            reason: None,
            withdrawn,
            proposal_id: None,
        };
        let slot = Slot { origin: Cloud::Gcp, epoch: 1, sequence: ms };
        let order = (LogicalClock { ms, counter: 0 }, slot);
        Said { value, event_id: EventId(Uuid::from_u128(1)), order, by: None }
    }

    fn counted(prices: &[Said<PricePut>], at: &str) -> Vec<Decimal> {
        let found = newest(prices.iter(), at.parse().expect("a time"));
        found.iter().map(|said| said.value.input_usd_per_million).collect()
    }

    #[test]
    fn the_latest_beginning_counts_and_of_one_beginning_the_last_word() {
        let prices = [
            said("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", 10, false),
            said("2026-11-20T00:00:00Z", "2026-12-01T00:00:00Z", 11, false),
            said("2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z", 12, false),
        ];
        assert_eq!(counted(&prices, "2026-11-30T00:00:00Z"), [Decimal::from(10)]);
        assert_eq!(counted(&prices, "2026-12-05T00:00:00Z"), [Decimal::from(12)]);
    }

    #[test]
    fn what_was_withdrawn_in_time_never_counts_and_what_had_begun_goes_on() {
        let before = said("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", 10, false);
        let put = said("2026-11-20T00:00:00Z", "2026-12-01T00:00:00Z", 11, false);
        let in_time = said("2026-11-27T00:00:00Z", "2026-12-01T00:00:00Z", 11, true);
        let late = said("2026-12-02T00:00:00Z", "2026-12-01T00:00:00Z", 11, true);
        let at = "2026-12-05T00:00:00Z";
        assert_eq!(counted(&[before.clone(), put.clone(), in_time], at), [Decimal::from(10)]);
        assert_eq!(counted(&[before, put, late], at), [Decimal::from(11)]);
    }
}
