//! Charges by tier and price, credits, service levels, and what a settlement carries into the next month.

mod overage;

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::charge::{Charges, Tariff, Unpriced, charge};
use super::month::{Month, TierMonth};
use super::*;
use crate::catalog::{BillingCredit, PricePut, SlaBand};
use crate::clock::{LogicalClock, Timestamp};
use crate::event::{EventId, TenantId};
use crate::json::canonical;
use crate::usage::{UsageKey, UsageSum};

fn tenant() -> TenantId {
    TenantId::try_from("acme".to_owned()).expect("valid")
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn clock(text: &str) -> LogicalClock {
    LogicalClock { ms: time(text).unix_ms().unsigned_abs(), counter: 0 }
}

fn usd(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn event(number: u128) -> EventId {
    EventId(uuid::Uuid::from_u128(number))
}

fn price(tier: &str, input: &str, from: &str) -> PricePut {
    PricePut {
        tier: tier.into(),
        provider: "vertex".into(),
        model: "m".into(),
        input_usd_per_million: usd(input),
        output_usd_per_million: usd("2"),
        cached_usd_per_million: None,
        effective_from: time(from),
        reason: None,
        withdrawn: false,
        proposal_id: None,
    }
}

fn row(hour: &str, tokens: i64) -> (UsageKey, UsageSum) {
    let key = UsageKey {
        tenant_id: tenant(),
        provider: "vertex".into(),
        model: "m".into(),
        region: "eu".into(),
        hour: time(hour),
    };
    (key, UsageSum { requests: 1, input_tokens: tokens, ..UsageSum::default() })
}

fn charges(tariff: &Tariff, rows: &[(UsageKey, UsageSum)]) -> Charges {
    charge(tariff, rows.iter().map(|(key, sum)| (key, sum)))
}

fn amounts(charges: &Charges) -> Vec<(String, String)> {
    let line = |entry: &Entry| (entry.day.to_string(), entry.amount_usd().to_string());
    charges.entries.iter().map(line).collect()
}

/// A tenant that is pro from the beginning, and gold from noon of the fifth.
fn tariff() -> Tariff {
    let mut tariff = Tariff::default();
    tariff.tenant(tenant(), clock("2026-10-02T08:00:00Z"), "pro".into());
    tariff.tenant(tenant(), clock("2026-10-05T12:00:00Z"), "gold".into());
    tariff.price(price("pro", "3", "2026-10-01T00:00:00Z"), event(1));
    tariff.price(price("pro", "5", "2026-10-03T06:30:00Z"), event(2));
    tariff.price(price("gold", "1", "2026-10-01T00:00:00Z"), event(3));
    tariff
}

#[test]
fn an_hour_is_charged_at_the_tier_and_price_in_force_when_it_began() {
    let rows = [
        row("2026-10-01T23:00:00Z", 1_000_000),
        row("2026-10-03T05:00:00Z", 1_000_000),
        row("2026-10-03T06:00:00Z", 1_000_000),
        row("2026-10-03T07:00:00Z", 1_000_000),
        row("2026-10-03T08:00:00Z", 1_000_000),
        row("2026-10-05T11:00:00Z", 1_000_000),
        row("2026-10-05T12:00:00Z", 1_000_000),
    ];
    let found = charges(&tariff(), &rows);
    let line = |day: &str, amount: &str| (day.to_owned(), amount.to_owned());
    let expected = [
        line("2026-10-01", "3"),
        line("2026-10-03", "6"),
        line("2026-10-03", "10"),
        line("2026-10-05", "1"),
        line("2026-10-05", "5"),
    ];
    assert_eq!(amounts(&found), expected, "the first tier holds before it was decided, too");
    assert!(found.unpriced.is_empty());
}

#[test]
fn a_tenant_s_own_price_multiplies_the_list_from_its_beginning_on() {
    let mut tariff = tariff();
    let own = |of_list: &str, since: &str, number| OwnPrice {
        of_list: usd(of_list),
        since: time(since),
        event_id: event(number),
    };
    tariff.own(tenant(), own("1.08", "2026-10-03T07:30:00Z", 7));
    tariff.own(tenant(), own("1", "2026-10-04T00:00:00Z", 8));
    let rows = [
        row("2026-10-03T07:00:00Z", 1_000_000),
        row("2026-10-03T08:00:00Z", 1_000_000),
        row("2026-10-04T08:00:00Z", 1_000_000),
    ];
    let found = charges(&tariff, &rows);
    let line = |day: &str, amount: &str| (day.to_owned(), amount.to_owned());
    let expected = [line("2026-10-03", "5"), line("2026-10-03", "5.4"), line("2026-10-04", "5")];
    assert_eq!(amounts(&found), expected);
    let keys: std::collections::BTreeSet<String> = found.entries.iter().map(Entry::key).collect();
    assert_eq!(keys.len(), 3, "each price is an entry of its own");
    let What::Charge { price, .. } = &found.entries[1].what else { panic!("a charge") };
    assert_eq!(
        (price.input_usd_per_million, price.own.expect("its own").of_list),
        (usd("5.4"), usd("1.08"))
    );
}

#[test]
fn usage_without_a_price_is_listed_and_a_price_of_nothing_is_charged() {
    let mut tariff = Tariff::default();
    let unknown = charges(&tariff, &[row("2026-10-01T00:00:00Z", 5)]);
    assert_eq!(unknown.unpriced[0].reason, Unpriced::UnknownTenant);
    tariff.tenant(tenant(), clock("2026-10-01T00:00:00Z"), "pro".into());
    tariff.price(price("pro", "0", "2026-10-02T00:00:00Z"), event(1));
    tariff.price(price("pro", "79228162514264337593543950335", "2026-10-03T00:00:00Z"), event(2));
    let rows = [
        row("2026-10-01T00:00:00Z", 5),
        row("2026-10-02T00:00:00Z", 5),
        row("2026-10-03T00:00:00Z", 5),
        row("2026-10-03T01:00:00Z", 5),
    ];
    tariff.price(price("pro", "79228162514264337593543950334", "2026-10-03T01:00:00Z"), event(3));
    let found = charges(&tariff, &rows);
    let reasons: Vec<_> = found.unpriced.iter().map(|usage| usage.reason).collect();
    assert_eq!(reasons, [Unpriced::NoPrice, Unpriced::TooLarge]);
    assert_eq!(found.unpriced[1].quantity.requests, 2, "at two prices, in one row");
    assert_eq!(amounts(&found), [("2026-10-02".to_owned(), "0".to_owned())]);
}

#[test]
fn amounts_are_exact_to_ten_decimals_and_cached_input_has_its_own_price() {
    let mut tariff = Tariff::default();
    tariff.tenant(tenant(), clock("2026-10-01T00:00:00Z"), "pro".into());
    let mut fine = price("pro", "0.0003", "2026-10-01T00:00:00Z");
    fine.cached_usd_per_million = Some(usd("0.0001"));
    tariff.price(fine, event(1));
    let (key, mut sum) = row("2026-10-01T00:00:00Z", 7);
    sum.cached_tokens = 2;
    sum.output_tokens = 1;
    let found = charges(&tariff, &[(key, sum)]);
    assert_eq!(found.entries[0].amount_usd().to_string(), "0.0000020017");
}

#[test]
fn an_entry_reads_back_from_its_row_and_one_out_of_balance_is_refused() {
    let found = charges(&tariff(), &[row("2026-10-03T05:00:00Z", 812)]);
    let entry = &found.entries[0];
    let mut value = serde_json::to_value(entry).expect("a value");
    let text = String::from_utf8(canonical(&value)).expect("text");
    assert_eq!(
        text,
        "{\"day\":\"2026-10-03\",\"kind\":\"charge\",\"model\":\"m\",\"period\":\"2026-10\",\
         \"postings\":[{\"account\":\"receivable:acme\",\"debitUsd\":\"0.002436\"},\
         {\"account\":\"revenue\",\"creditUsd\":\"0.002436\"}],\
         \"price\":{\"effectiveFrom\":\"2026-10-01T00:00:00.000Z\",\
         \"eventId\":\"00000000-0000-0000-0000-000000000001\",\"inputUsdPerMillion\":\"3\",\
         \"outputUsdPerMillion\":\"2\"},\"provider\":\"vertex\",\
         \"quantity\":{\"cachedTokens\":0,\"failed\":0,\"inputTokens\":812,\"outputTokens\":0,\
         \"requests\":1},\"region\":\"eu\",\"tenantId\":\"acme\",\"tier\":\"pro\"}"
    );
    assert_eq!(serde_json::from_str::<Entry>(&text).expect("an entry"), *entry);
    value["postings"][1]["creditUsd"] = "0.1".into();
    assert!(serde_json::from_value::<Entry>(value).is_err());
}

#[test]
fn a_credit_stands_in_the_month_it_names_or_in_the_one_it_was_recorded_in() {
    let credit = |period: Option<&str>| {
        let period = period.map(|period| period.parse().expect("a month"));
        let put = BillingCredit {
            tenant_id: tenant(),
            amount_usd: usd("12.50"),
            reason: "an outage".into(),
            period,
        };
        credit::entry(put, None, event(7), clock("2026-11-03T10:00:00Z"))
    };
    assert_eq!(credit(None).day.to_string(), "2026-11-03");
    assert_eq!(credit(Some("2026-10")).day.to_string(), "2026-10-31");
    assert_eq!(credit(Some("2026-12")).day.to_string(), "2026-12-01");
    let receivable = Account::Receivable(tenant());
    assert_eq!(credit(None).on(&receivable), usd("-12.5"));
    assert_eq!(credit(None).on(&Account::Credits), usd("12.5"));
}

fn month(requests: i64, failed: i64, charges_usd: &str) -> Month {
    let band = |min: &str, credit: &str| SlaBand { min_uptime_pct: usd(min), credit: usd(credit) };
    let tier = TierMonth {
        requests,
        failed,
        charges_usd: usd(charges_usd),
        bands: vec![band("99.9", "0"), band("99", "0.10"), band("0", "0.25")],
    };
    Month {
        tenant_id: tenant(),
        period: "2026-10".parse().expect("a month"),
        tiers: BTreeMap::from([("pro".to_owned(), tier)]),
        other_usd: Decimal::ZERO,
    }
}

#[test]
fn a_missed_service_level_gives_back_its_share_of_the_months_charges() {
    let exactly = month(1_000, 1, "80.005").settle();
    assert!(exactly.penalties.is_empty(), "the bound of a band belongs to it");
    assert_eq!(exactly.invoice_usd, usd("80.00"), "half to even");
    let missed = month(1_000, 2, "80").settle();
    assert_eq!(missed.penalties[0].amount_usd(), usd("8"));
    assert_eq!((missed.invoice_usd, missed.rounding), (usd("72"), None));
    let nothing = month(0, 0, "0").settle();
    assert!(nothing.penalties.is_empty() && nothing.invoice_usd.is_zero());
}

fn on(entries: &[Entry], account: &Account) -> Decimal {
    entries.iter().map(|entry| entry.on(account)).sum()
}

proptest! {
    #[test]
    fn after_the_settlement_the_receivable_is_the_invoice_and_the_rest_is_in_the_next_month(
        requests in 0i64..5_000, failed in 0i64..50, mills in 0i64..10_000_000_000,
        other in -1_000_000i64..1_000_000, invoiced in prop::option::of(-100_000i64..100_000)
    ) {
        let mut month = month(requests, failed.min(requests), "0");
        month.tiers.get_mut("pro").expect("pro").charges_usd = Decimal::new(mills, 7);
        month.other_usd = Decimal::new(other, 4);
        let settled = month.settle();
        let invoiced = invoiced.map_or(settled.invoice_usd, |cents| Decimal::new(cents, 2));
        let carried = month.carry(&settled, invoiced);
        let receivable = Account::Receivable(tenant());
        let mut all = settled.penalties.clone();
        all.extend(settled.rounding.clone());
        all.extend(carried.clone().into_iter().flatten());
        let here: Vec<Entry> =
            all.iter().filter(|entry| entry.period == month.period).cloned().collect();
        let before = Decimal::new(mills, 7) + month.other_usd;
        prop_assert_eq!(before + on(&here, &receivable), invoiced);
        prop_assert_eq!(on(&all, &Account::Carried(tenant())), Decimal::ZERO);
        prop_assert_eq!(carried.is_none(), settled.invoice_usd == invoiced);
        for entry in &all {
            let [debit, credit] = entry.postings();
            prop_assert_eq!(debit.debit_usd, credit.credit_usd);
            prop_assert!(debit.debit_usd > Some(Decimal::ZERO) && debit.account != credit.account);
            let text = canonical(&serde_json::to_value(entry).expect("a value"));
            prop_assert_eq!(&serde_json::from_slice::<Entry>(&text).expect("an entry"), entry);
        }
    }

    #[test]
    fn charges_do_not_depend_on_the_order_of_rows_and_leave_nothing_out(
        rows in prop::collection::vec((0u8..7, 0u8..24, 0i64..1_000_000), 0..60), seed in any::<u64>()
    ) {
        let row = |(day, hour, tokens): &(u8, u8, i64)| {
            row(&format!("2026-10-0{}T{hour:02}:00:00Z", day + 1), *tokens)
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        let mut other = rows.clone();
        let length = other.len().max(1);
        (0..other.len()).for_each(|at| other.swap(at, (seed as usize).wrapping_mul(at) % length));
        let found = charges(&tariff(), &rows);
        prop_assert_eq!(&found, &charges(&tariff(), &other));
        let requests = |entry: &Entry| match &entry.what {
            What::Charge { quantity, .. } => quantity.requests,
            _ => 0,
        };
        let charged: i64 = found.entries.iter().map(requests).sum();
        prop_assert_eq!(charged, rows.len() as i64);
        let total: Decimal = found.entries.iter().map(Entry::amount_usd).sum();
        prop_assert_eq!(-on(&found.entries, &Account::Revenue), total);
        prop_assert_eq!(on(&found.entries, &Account::Receivable(tenant())), total);
    }
}

#[test]
fn another_price_for_the_past_corrects_what_it_changes_and_nothing_else() {
    use super::corrected::{Corrected, compare};
    let rows = [
        row("2026-10-01T01:00:00Z", 1_000_000),
        row("2026-10-01T13:00:00Z", 1_000_000),
        row("2026-10-02T01:00:00Z", 1_000_000),
    ];
    let mut tariff = Tariff::default();
    tariff.tenant(tenant(), clock("2026-01-01T00:00:00Z"), "pro".into());
    tariff.price(price("pro", "2", "2026-01-01T00:00:00Z"), event(1));
    let was = charges(&tariff, &rows);
    let with = |input: &str, from: &str| {
        let mut other = tariff.clone();
        other.price(price("pro", input, from), event(2));
        let mut all = BTreeMap::new();
        compare(&was, &charges(&other, &rows), &mut all);
        all.remove(&tenant())
    };
    assert_eq!(with("2", "2026-10-01T12:00:00Z"), None, "the same price corrects nothing");
    assert_eq!(with("3", "2026-10-03T00:00:00Z"), None, "nothing was used since");
    let halfway: Corrected = with("3", "2026-10-01T12:00:00Z").expect("corrected");
    assert_eq!((halfway.charges, halfway.days_first), (2, 0), "{halfway:?}");
    assert_eq!(halfway.months.len(), 1);
    let per_hour = halfway.change_usd() / Decimal::TWO;
    assert!(per_hour > Decimal::ZERO, "two of three hours: {halfway:?}");
    let all = with("3", "2026-02-01T00:00:00Z").expect("corrected");
    assert_eq!(all.change_usd(), per_hour * usd("3"));

    // Without a price before, it is charged for the first time.
    let bare = charges(&Tariff::default(), &rows);
    let mut all = BTreeMap::new();
    compare(&bare, &was, &mut all);
    let first = &all[&tenant()];
    assert_eq!((first.charges, first.days_first), (0, 2));
    assert_eq!(first.before_usd, Decimal::ZERO);
}
