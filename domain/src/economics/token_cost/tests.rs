//! Prices looked up, rows priced, and models that nobody has priced.

use super::*;
use crate::economics::quantity::decimal;
use crate::event::TenantId;

fn rates(input: &str, output: &str) -> Rates {
    Rates {
        input_usd_per_token: decimal(input),
        output_usd_per_token: decimal(output),
        cached_usd_per_token: None,
    }
}

fn flat(input: &str) -> ProviderPrice {
    ProviderPrice { rates: rates(input, "0.00001"), long_context: None, off_peak: None }
}

fn half_price_from(start: &str, end: &str) -> ProviderPrice {
    let minute = |text: &str| text.parse().expect("a time of day");
    let off_peak =
        OffPeak { start: minute(start), end: minute(end), rates: rates("0.000001", "0.000005") };
    ProviderPrice { off_peak: Some(off_peak), ..flat("0.000002") }
}

fn key(model: &str, hour: &str) -> UsageKey {
    UsageKey {
        tenant_id: TenantId::platform(),
        provider: "deepseek".into(),
        model: model.into(),
        region: "eu".into(),
        hour: hour.parse().expect("an hour"),
    }
}

fn map(price: ProviderPrice) -> PriceMap {
    let mut map = PriceMap::new("2026-11-12T00:00:00Z".parse().expect("a time"));
    map.set(ModelKey { provider: "deepseek".into(), model: "chat".into() }, None, price);
    map
}

fn million() -> UsageSum {
    UsageSum { requests: 10, input_tokens: 1_000_000, ..UsageSum::default() }
}

#[test]
fn every_model_without_a_price_is_named_once() {
    let map = map(flat("0.000002"));
    let keys = ["zeta", "chat", "alpha", "zeta"].map(|model| key(model, "2026-11-22T12:00:00Z"));
    let sum = million();
    let error = map.costs(keys.iter().map(|key| (key, &sum))).expect_err("two are unpriced");
    let message = error.to_string();
    assert!(message.contains("for deepseek/alpha, deepseek/zeta; add"), "{message}");
}

#[test]
fn a_regional_price_wins_over_the_general_one() {
    let mut map = map(flat("0.000002"));
    let model = ModelKey { provider: "deepseek".into(), model: "chat".into() };
    map.set(model.clone(), Some("eu".into()), flat("0.000003"));
    assert_eq!(map.price(&model, "eu"), Some(&flat("0.000003")));
    assert_eq!(map.price(&model, "us"), Some(&flat("0.000002")));
}

#[test]
fn a_row_whose_hour_crosses_a_window_says_that_its_cost_is_not_exact() {
    let map = map(half_price_from("16:30", "00:30"));
    let sum = million();
    for (hour, cost, exact) in [
        ("2026-11-22T15:00:00Z", "2", true),
        ("2026-11-22T16:00:00Z", "2", false),
        ("2026-11-22T17:00:00Z", "1", true),
        ("2026-11-22T23:00:00Z", "1", true),
        ("2026-11-22T00:00:00Z", "1", false),
        ("2026-11-22T01:00:00Z", "2", true),
    ] {
        let key = key("chat", hour);
        let costs = map.costs([(&key, &sum)]).expect("priced");
        assert_eq!(costs, [RowCost { cost_usd: decimal(cost), exact }], "{hour}");
    }
}

#[test]
fn a_long_context_is_charged_as_a_whole_and_rows_do_not_know_of_it() {
    let long_context = Some(rates("0.000004", "0.00002"));
    let price = ProviderPrice { long_context, ..half_price_from("16:30", "00:30") };
    let at = "17:00".parse().expect("a time of day");
    let tokens = |input| Tokens { input, cached: 0, output: 0 };
    assert_eq!(price.cost_usd(tokens(200_000), at), Ok(decimal("0.2")));
    assert_eq!(price.cost_usd(tokens(200_001), at), Ok(decimal("0.800004")));
    let key = key("chat", "2026-11-22T12:00:00Z");
    assert!(!map(price).costs([(&key, &million())]).expect("priced")[0].exact);
}

#[test]
fn more_cached_tokens_than_input_is_an_error() {
    let tokens = Tokens { input: 5, cached: 6, output: 0 };
    assert!(rates("0.000002", "0.00001").cost_usd(tokens).is_err());
}

#[test]
fn a_time_of_day_is_read_strictly_and_written_back() {
    for wrong in ["24:00", "12:60", "7:05", "+1:00", "12", "12:0x", ""] {
        assert!(wrong.parse::<MinuteOfDay>().is_err(), "{wrong}");
    }
    let at: MinuteOfDay = "07:05".parse().expect("a time of day");
    assert_eq!(String::from(at), "07:05");
}
