//! Tokens beyond a cap: which they are, what they cost, and that nothing else moves.

use super::super::overage::{OverageTerms, Terms, beyond_cap, overage};
use super::*;

/// A tenant that is pro at 1 dollar a million, and pays these shares of it from these moments on.
fn priced(own: &[(&str, &str, u128)]) -> Tariff {
    let mut tariff = Tariff::default();
    tariff.tenant(tenant(), clock("2026-01-01T00:00:00Z"), "pro".into());
    tariff.price(price("pro", "1", "2026-01-01T00:00:00Z"), event(1));
    for (of_list, since, number) in own {
        let of_list = usd(of_list);
        let own = OwnPrice { of_list, since: time(since), event_id: event(*number) };
        tariff.own(tenant(), own);
    }
    tariff
}

fn terms(all: &[(u128, u64, &str)]) -> Terms {
    let one = |(number, token_cap, of_list): &(u128, u64, &str)| {
        let terms = OverageTerms { token_cap: *token_cap, overage_of_list: usd(of_list) };
        (event(*number), terms)
    };
    all.iter().map(one).collect()
}

fn found(tariff: &Tariff, rows: &[(UsageKey, UsageSum)], terms: &Terms) -> Vec<Entry> {
    overage(&tenant(), &charges(tariff, rows).entries, terms)
}

/// Day, tokens beyond, and what that adds to the receivable.
fn lines(entries: &[Entry]) -> Vec<(String, u64, String)> {
    let line = |entry: &Entry| {
        let What::Overage(Overage { beyond_tokens, .. }) = entry.what else { panic!("{entry:?}") };
        let amount = entry.on(&Account::Receivable(tenant())).normalize();
        (entry.day.to_string(), beyond_tokens, amount.to_string())
    };
    entries.iter().map(line).collect()
}

fn line(day: &str, beyond: u64, amount: &str) -> (String, u64, String) {
    (day.to_owned(), beyond, amount.to_owned())
}

const BEGINNING: &str = "2026-09-01T00:00:00Z";

#[test]
fn the_part_of_a_day_beyond_the_cap_costs_the_overage_price_and_so_do_all_later_days() {
    let tariff = priced(&[("1", BEGINNING, 7)]);
    let rows = [
        row("2026-10-01T01:00:00Z", 1_500_000),
        row("2026-10-02T01:00:00Z", 1_000_000),
        row("2026-10-04T01:00:00Z", 2_000_000),
    ];
    let entries = found(&tariff, &rows, &terms(&[(7, 2_000_000, "1.5")]));
    let expected = [line("2026-10-02", 500_000, "0.25"), line("2026-10-04", 2_000_000, "1")];
    assert_eq!(lines(&entries), expected);
    let What::Overage(Overage { tokens, month_tokens, own, charges_usd, .. }) = &entries[0].what
    else {
        panic!("an overage")
    };
    assert_eq!((*tokens, *month_tokens), (1_000_000, 2_500_000));
    assert_eq!((own.event_id, *charges_usd), (event(7), usd("1")));
    assert_eq!(*entries[0].debit(), Account::Receivable(tenant()));
    assert_eq!(*entries[0].credit(), Account::Revenue);
}

#[test]
fn a_cap_without_an_overage_price_and_an_overage_price_without_a_cap_change_nothing() {
    use crate::pricing::controls::Controls;
    let controls = |overage: Option<&str>, token_cap| Controls {
        overage_of_list: overage.map(usd),
        token_cap,
        ..Controls::STANDARD
    };
    assert_eq!(controls(None, Some(1)).overage(), None);
    assert_eq!(controls(Some("1.5"), None).overage(), None);
    assert_eq!(controls(Some("1.0"), Some(1)).overage(), None, "as the others");
    let both = OverageTerms { token_cap: 1, overage_of_list: usd("1.5") };
    assert_eq!(controls(Some("1.5"), Some(1)).overage(), Some(both));
    let rows = [row("2026-10-01T01:00:00Z", 9_000_000)];
    assert!(found(&priced(&[("1", BEGINNING, 7)]), &rows, &Terms::new()).is_empty());
    assert!(found(&priced(&[]), &rows, &terms(&[(7, 1, "1.5")])).is_empty());
}

#[test]
fn exactly_the_cap_is_within_it() {
    assert_eq!(beyond_cap(0, 10, 10), 0);
    assert_eq!(beyond_cap(5, 6, 10), 1);
    assert_eq!(beyond_cap(11, 6, 10), 6);
    assert_eq!(beyond_cap(u64::MAX, u64::MAX, 0), u64::MAX);
    let rows = [row("2026-10-01T01:00:00Z", 2_000_000)];
    let terms = terms(&[(7, 2_000_000, "1.5")]);
    assert!(found(&priced(&[("1", BEGINNING, 7)]), &rows, &terms).is_empty());
}

#[test]
fn a_cap_that_changes_within_a_day_holds_from_the_hour_after() {
    let tariff = priced(&[("1", BEGINNING, 7), ("1.25", "2026-10-02T09:30:00Z", 8)]);
    let rows = [
        row("2026-10-01T01:00:00Z", 1_000_000),
        row("2026-10-02T01:00:00Z", 1_000_000),
        row("2026-10-02T09:00:00Z", 1_000_000),
        row("2026-10-02T10:00:00Z", 1_000_000),
        row("2026-10-03T00:00:00Z", 1_000_000),
    ];
    // Until the change three million came together, of which one is beyond; from then on the cap is
    // higher, and what counts towards it is the month from its beginning.
    let terms = terms(&[(7, 2_000_000, "2"), (8, 4_500_000, "2.5")]);
    let expected = [line("2026-10-02", 1_000_000, "1"), line("2026-10-03", 500_000, "0.625")];
    assert_eq!(lines(&found(&tariff, &rows, &terms)), expected);
}

#[test]
fn an_overage_price_below_the_own_one_gives_back_by_an_entry_the_other_way() {
    let tariff = priced(&[("1.25", BEGINNING, 7)]);
    let rows = [row("2026-10-01T01:00:00Z", 2_000_000)];
    let entries = found(&tariff, &rows, &terms(&[(7, 1_000_000, "0.75")]));
    assert_eq!(lines(&entries), [line("2026-10-01", 1_000_000, "-0.5")]);
    assert_eq!(entries[0].amount_usd(), usd("0.5"), "no posting is negative");
    assert_eq!(*entries[0].debit(), Account::Revenue);
    let text = canonical(&serde_json::to_value(&entries[0]).expect("a value"));
    assert_eq!(serde_json::from_slice::<Entry>(&text).expect("an entry"), entries[0]);
}

#[test]
fn tiers_and_models_of_a_day_share_what_is_beyond_by_their_tokens() {
    let mut tariff = priced(&[("1", BEGINNING, 7)]);
    tariff.tenant(tenant(), clock("2026-10-01T12:00:00Z"), "gold".into());
    tariff.price(price("gold", "3", "2026-01-01T00:00:00Z"), event(2));
    let rows = [row("2026-10-01T01:00:00Z", 1_000_000), row("2026-10-01T13:00:00Z", 3_000_000)];
    let entries = found(&tariff, &rows, &terms(&[(7, 3_000_000, "2")]));
    // A quarter of the day: of 9 dollars in gold and of 1 in pro.
    let expected = [line("2026-10-01", 1_000_000, "2.25"), line("2026-10-01", 1_000_000, "0.25")];
    assert_eq!(lines(&entries), expected);
    assert_ne!(entries[0].key(), entries[1].key());
}

/// Hours of a month with their tokens.
fn usage_of_a_month() -> impl Strategy<Value = Vec<(UsageKey, UsageSum)>> {
    let hour = |(day, hour, tokens): (u8, u8, i64)| {
        row(&format!("2026-10-{:02}T{hour:02}:00:00Z", day + 1), tokens)
    };
    prop::collection::vec((0u8..31, 0u8..24, 0i64..1_000_000).prop_map(hour), 0..40)
}

proptest! {
    #[test]
    fn overage_comes_to_what_each_token_beyond_the_cap_costs_whatever_the_order(
        rows in usage_of_a_month(), cap in 1u64..20_000_000, own in 1i64..100, over in 1i64..100,
        seed in any::<u64>()
    ) {
        let (own, over) = (Decimal::new(own, 1), Decimal::new(over, 1));
        let tariff = priced(&[(&own.to_string(), BEGINNING, 7)]);
        let terms = terms(&[(7, cap, &over.to_string())]);
        let mut charged = charges(&tariff, &rows).entries;
        let entries = overage(&tenant(), &charged, &terms);
        let length = charged.len().max(1);
        (0..charged.len()).for_each(|at| charged.swap(at, (seed as usize).wrapping_mul(at) % length));
        prop_assert_eq!(&overage(&tenant(), &charged, &terms), &entries);
        // One product and one price: what the month's tokens beyond the cap cost is known directly.
        let all: i64 = rows.iter().map(|(_, sum)| sum.input_tokens).sum();
        let beyond = Decimal::from(beyond_cap(0, all.unsigned_abs(), cap));
        let direct = beyond * (over - own) / usd("1000000");
        let sum = on(&entries, &Account::Receivable(tenant()));
        let days = Decimal::from(entries.len());
        prop_assert!((sum - direct).abs() <= days * usd("0.0000000001"), "{} {}", sum, direct);
        prop_assert_eq!(-on(&entries, &Account::Revenue), sum);
        let told: u64 = entries.iter().map(|entry| match entry.what {
            What::Overage(Overage { beyond_tokens, .. }) => beyond_tokens,
            _ => 0,
        }).sum();
        prop_assert!(over == own || Decimal::from(told) == beyond);
    }

    #[test]
    fn more_usage_on_an_earlier_day_leaves_what_all_later_days_have_beyond_no_smaller(
        rows in usage_of_a_month(), cap in 1u64..20_000_000, more in 1i64..1_000_000
    ) {
        let tariff = priced(&[("1", BEGINNING, 7)]);
        let terms = terms(&[(7, cap, "2")]);
        let mut late = rows.clone();
        late.push(row("2026-10-01T00:00:00Z", more));
        let (was, is) = (found(&tariff, &rows, &terms), found(&tariff, &late, &terms));
        let is: BTreeMap<Day, Decimal> =
            is.iter().map(|entry| (entry.day, entry.amount_usd())).collect();
        for entry in was {
            prop_assert!(is.get(&entry.day) >= Some(&entry.amount_usd()));
        }
    }
}
