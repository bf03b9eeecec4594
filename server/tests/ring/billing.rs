//! The billing ledger is the same whatever the order in which the logs are learnt; what was
//! invoiced stays, and what is found later goes to the next month.

mod overage;

use std::collections::BTreeMap;

use domain::billing::{Account, Entry, Period, What};
use domain::cloud::{Cloud, PerCloud};
use domain::event::TenantId;
use futures::TryStreamExt as _;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use server::projection::{self, BillingFilter, BillingRow, Digests, Projection, billing_rows};
use tokio_util::sync::CancellationToken;

use crate::cluster::{self, TestDatabase};
use crate::projection::{Line, learn, line, marks, open, slot_of, store};

/// 1 November 2026, 00:00 UTC: closings recorded from then on close October.
const NOVEMBER_MS: u64 = 1_793_491_200_000;
const DECEMBER_MS: u64 = 1_796_083_200_000;
const DAY_MS: u64 = 86_400_000;
/// 1 October 2026: when the business began.
const OCTOBER_MS: u64 = NOVEMBER_MS - 31 * DAY_MS;

const GCP: Cloud = Cloud::Gcp;
const AWS: Cloud = Cloud::Aws;
const AZURE: Cloud = Cloud::Azure;

fn usage(at: &str, tokens: u64, ok: bool) -> Value {
    json!({"kind": "usage", "provider": "vertex", "model": "flash", "region": "eu",
        "inputTokens": tokens, "outputTokens": 0, "ok": ok, "requestedAt": at})
}

fn price(input: &str, from: &str) -> Value {
    json!({"kind": "price.put", "tier": "pro", "provider": "vertex", "model": "flash",
        "inputUsdPerMillion": input, "outputUsdPerMillion": "2", "effectiveFrom": from})
}

fn tenant(id: &str, tier: &str) -> Value {
    json!({"kind": "tenant.put", "tenantId": id, "name": id, "tier": tier, "cloud": "aws",
        "region": "us-east-1"})
}

fn tier(id: &str, credit: &str) -> Value {
    json!({"kind": "tier.put", "tier": id, "name": id, "sla": {"bands": [
        {"minUptimePct": "99", "credit": "0"}, {"minUptimePct": "0", "credit": credit}]}})
}

fn credit(amount: &str, period: Option<&str>) -> Value {
    let mut payload = json!({"kind": "billing.credit", "tenantId": "acme", "amountUsd": amount,
        "reason": "an outage", "decidedBy": "ada"});
    if let Some(period) = period {
        payload["period"] = json!(period);
    }
    payload
}

fn close(period: &str, invoices: &[(&str, &str)]) -> Value {
    let invoice =
        |(tenant, amount): &(&str, &str)| json!({"tenantId": tenant, "amountUsd": amount});
    let invoices: Vec<Value> = invoices.iter().map(invoice).collect();
    json!({"kind": "billing.close", "period": period, "invoices": invoices})
}

/// October's business of acme: 4 requests of a million tokens, one of which failed, at 3 dollars.
fn october() -> Vec<Line> {
    let mut lines = vec![
        line(GCP, 1, OCTOBER_MS, tenant("acme", "pro")),
        line(GCP, 2, OCTOBER_MS + 1, tier("pro", "0.25")),
        line(AWS, 3, OCTOBER_MS + 2, price("3", "2026-10-01T00:00:00Z")),
    ];
    let days = ["2026-10-02T10:00:00Z", "2026-10-02T12:30:00Z", "2026-10-31T23:59:59Z"];
    for (number, day) in (10_u128..).zip(days) {
        lines.push(line(AZURE, number, OCTOBER_MS + 5, usage(day, 1_000_000, true)).of("acme"));
    }
    let failed = usage("2026-10-05T00:00:00Z", 1_000_000, false);
    lines.push(line(AWS, 20, OCTOBER_MS + 6, failed).of("acme"));
    lines
}

/// Everything at once: what is late, corrected, taken back and in conflict; two months closed.
fn everything() -> Vec<Line> {
    let mut lines = october();
    lines.extend([
        line(GCP, 30, NOVEMBER_MS + 1, close("2026-10", &[("acme", "9.00")])),
        // The same month again, from another cloud: the first stands, and names another tenant.
        line(AWS, 31, NOVEMBER_MS + 2, close("2026-10", &[("acme", "8.00"), ("bolt", "1.00")])),
        // November is not over by this one's own clock.
        line(AZURE, 32, NOVEMBER_MS + 3, close("2026-11", &[("acme", "1.00")])),
        line(AWS, 33, DECEMBER_MS + 1, close("2026-11", &[("acme", "-0.25")])),
        line(AWS, 40, NOVEMBER_MS + 4, usage("2026-10-20T01:00:00Z", 500_000, true)).of("acme"),
        line(GCP, 41, NOVEMBER_MS + 5, price("3.000001", "2026-10-05T00:00:00Z")),
        line(AZURE, 42, NOVEMBER_MS + 6, usage("2026-11-02T01:00:00Z", 100_000, true)).of("acme"),
        line(GCP, 43, OCTOBER_MS + 7, usage("2026-10-03T01:00:00Z", 9_000_000, true)).of("acme"),
        line(AWS, 43, NOVEMBER_MS + 7, usage("2026-10-03T01:00:00Z", 1, true)).of("acme"),
        line(GCP, 50, NOVEMBER_MS + 8, credit("0.5", Some("2026-10"))),
        line(AZURE, 51, NOVEMBER_MS + 9, credit("2.25", None)),
        line(AWS, 52, NOVEMBER_MS + 10, credit("7", None)),
        line(GCP, 52, NOVEMBER_MS + 11, credit("8", None)),
        line(AZURE, 53, NOVEMBER_MS + 12, tier("pro", "0.9")),
        line(GCP, 54, OCTOBER_MS + 40 * DAY_MS, tenant("acme", "gold")),
        line(AZURE, 60, NOVEMBER_MS + 13, usage("2026-11-03T00:00:00Z", 7, true)).of("nobody"),
        line(AWS, 61, NOVEMBER_MS + 14, usage("2026-11-20T00:00:00Z", 7, true)).of("acme"),
    ]);
    lines
}

async fn projected(lines: &[Line], seed: u64) -> (TestDatabase, Projection) {
    let database = cluster::database().await;
    let whole = store(&database.pool, lines).await;
    let projection = open(&database.pool).await;
    learn(&projection, whole, seed).await;
    (database, projection)
}

fn acme() -> TenantId {
    TenantId::try_from("acme".to_owned()).expect("valid")
}

fn month(text: &str) -> Period {
    text.parse().expect("a month")
}

fn usd(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

async fn entries(projection: &Projection, period: &str) -> Vec<Entry> {
    let filter = BillingFilter { period: Some(month(period)), ..BillingFilter::default() };
    projection.billing_page(&filter, None, 1_000).await.expect("entries").items
}

/// What acme owes for a month.
async fn owed(projection: &Projection, period: &str) -> Decimal {
    let receivable = Account::Receivable(acme());
    entries(projection, period).await.iter().map(|entry| entry.on(&receivable)).sum()
}

fn kinds(entries: &[Entry]) -> Vec<(String, String)> {
    let named = |entry: &Entry| (entry.what.name().to_owned(), entry.amount_usd().to_string());
    entries.iter().map(named).collect()
}

#[tokio::test]
async fn every_order_of_learning_gives_the_same_books_and_so_does_a_rebuild() {
    let mut seen: Option<Digests> = None;
    for seed in 0..8 {
        let (database, projection) = projected(&everything(), seed).await;
        let digests = projection.digests().await.expect("digests");
        let first = seen.get_or_insert_with(|| digests.clone());
        assert_eq!(*first, digests, "seed {seed}");
        projection::rebuild(&database.pool, |_| ()).await.expect("rebuilt");
        assert_eq!(projection.digests().await.expect("digests"), digests, "seed {seed}");
    }
}

#[tokio::test]
async fn closed_months_come_to_what_was_invoiced_and_debits_equal_credits() {
    let (_database, projection) = projected(&everything(), 1).await;
    assert_eq!(owed(&projection, "2026-10").await, usd("9"));
    assert_eq!(owed(&projection, "2026-11").await, usd("-0.25"));
    let october = entries(&projection, "2026-10").await;
    let found: BTreeMap<&str, Decimal> = october
        .iter()
        .filter(|entry| !matches!(entry.what, What::Charge { .. }))
        .filter(|entry| entry.tenant_id == acme())
        .map(|entry| (entry.what.name(), entry.on(&Account::Receivable(acme()))))
        .collect();
    // 4.5 million tokens: two at 3 dollars, 2.5 at 3.000001.
    let charged: Decimal = october
        .iter()
        .filter(|entry| matches!(entry.what, What::Charge { .. }))
        .map(Entry::amount_usd)
        .sum();
    assert_eq!(charged, usd("13.5000025"));
    // One of five requests failed, and a quarter was promised when October began.
    assert_eq!(found["penalty"], usd("-3.375000625"));
    assert_eq!(found["credit"], usd("-0.5"));
    assert_eq!(found["rounding"], usd("0.004998125"), "9.625001875 is 9.63 in cents");
    assert_eq!(found["carriedOut"], usd("-0.63"), "9 were invoiced");
    for period in [None, Some(month("2026-10")), Some(month("2026-11")), Some(month("2026-12"))] {
        let accounts = projection.account_balances(period).await.expect("accounts");
        let debits: Decimal = accounts.iter().map(|account| account.debit_usd).sum();
        let credits: Decimal = accounts.iter().map(|account| account.credit_usd).sum();
        assert_eq!(debits, credits);
    }
    let all = projection.account_balances(None).await.expect("accounts");
    let carried = all.iter().find(|account| account.account == "carried").expect("something was");
    assert_eq!(carried.debit_usd, carried.credit_usd, "over all months nothing is on its way");
}

#[tokio::test]
async fn usage_without_a_price_is_listed_and_not_charged() {
    let (_database, projection) = projected(&everything(), 2).await;
    let unpriced = projection.unpriced(Some(month("2026-11")), None).await.expect("unpriced");
    let found: Vec<(&str, &str)> =
        unpriced.iter().map(|usage| (usage.tenant_id.as_str(), usage.tier.as_str())).collect();
    assert_eq!(found, [("acme", "gold"), ("nobody", "")]);
    let balances =
        projection.tenant_balances(Some(month("2026-11")), None, None, 10).await.expect("read");
    let nobody = balances.iter().find(|one| one.tenant_id.as_str() == "nobody").expect("listed");
    assert_eq!((nobody.net_usd, nobody.unpriced_requests), (Decimal::ZERO, 1));
}

/// October, closed with what this cloud itself derives.
async fn closed_october() -> (TestDatabase, Projection, Vec<Line>) {
    let mut lines = october();
    let (database, projection) = projected(&lines, 3).await;
    let closings = projection.closings(month("2026-10")).await.expect("derived");
    let invoices: Vec<(&str, String)> = closings[0]
        .invoices
        .iter()
        .map(|one| (one.tenant_id.as_str(), one.amount_usd.to_string()))
        .collect();
    assert_eq!(invoices, [("acme", "9".to_owned())], "12 dollars less a quarter");
    lines.push(line(GCP, 30, NOVEMBER_MS + 1, close("2026-10", &[("acme", "9")])));
    (database, projection, lines)
}

#[tokio::test]
async fn a_month_closed_with_what_was_derived_carries_nothing() {
    let (_database, _projection, lines) = closed_october().await;
    let (_database, projection) = projected(&lines, 4).await;
    let october = entries(&projection, "2026-10").await;
    let line = |kind: &str, amount: &str| (kind.to_owned(), amount.to_owned());
    let expected =
        [line("charge", "6"), line("charge", "3"), line("charge", "3"), line("penalty", "3")];
    assert_eq!(kinds(&october), expected);
    assert_eq!(owed(&projection, "2026-10").await, usd("9"));
    assert!(entries(&projection, "2026-11").await.is_empty());
    let closing = projection.closing(month("2026-10")).await.expect("read").expect("closed");
    assert_eq!(closing.at.unix_ms().unsigned_abs(), NOVEMBER_MS + 1);
}

#[tokio::test]
async fn late_usage_a_corrected_price_and_a_retraction_leave_the_invoice_and_move_the_difference() {
    let late = || line(AWS, 40, NOVEMBER_MS + 4, usage("2026-10-20T01:00:00Z", 100_000, true));
    let twin = || line(GCP, 10, NOVEMBER_MS + 5, usage("2026-10-02T10:00:00Z", 5, true));
    let cases = [
        // Charged 0.30 more, of which a quarter is given back: rounded to 22 cents, half to even.
        (late().of("acme"), "0.22"),
        (line(AWS, 41, NOVEMBER_MS + 4, price("4", "2026-10-05T00:00:00Z")), "1.5"),
        // Two clouds recorded one id with different contents: neither counts any more.
        (twin().of("acme"), "-2.25"),
        // Worse terms were decided in November, and October's held when it began.
        (line(AZURE, 42, NOVEMBER_MS + 4, tier("pro", "0.5")), "0"),
    ];
    for (seed, (change, moved)) in (10..).zip(cases) {
        let (_database, _projection, mut lines) = closed_october().await;
        lines.push(change);
        let (_database, projection) = projected(&lines, seed).await;
        assert_eq!(owed(&projection, "2026-10").await, usd("9"), "{moved}");
        assert_eq!(owed(&projection, "2026-11").await, usd(moved));
    }
}

#[tokio::test]
async fn what_is_found_late_passes_through_closed_months_to_the_first_open_one() {
    let (_database, _projection, mut lines) = closed_october().await;
    lines.push(line(AWS, 31, DECEMBER_MS + 1, close("2026-11", &[])));
    lines.push(
        line(AWS, 40, DECEMBER_MS + 2, usage("2026-10-20T01:00:00Z", 400_000, true)).of("acme"),
    );
    let (_database, projection) = projected(&lines, 5).await;
    assert_eq!(owed(&projection, "2026-10").await, usd("9"));
    assert_eq!(owed(&projection, "2026-11").await, Decimal::ZERO);
    assert_eq!(owed(&projection, "2026-12").await, usd("0.9"));
    let november = entries(&projection, "2026-11").await;
    let line = |kind: &str| (kind.to_owned(), "0.9".to_owned());
    assert_eq!(kinds(&november), [line("carriedIn"), line("carriedOut")]);
}

#[tokio::test]
async fn a_conflict_about_a_closing_opens_the_month_again_and_its_resolution_closes_it() {
    let (_database, _projection, mut lines) = closed_october().await;
    lines.push(line(AZURE, 30, NOVEMBER_MS + 2, close("2026-10", &[("acme", "1")])));
    let (_database, projection) = projected(&lines, 6).await;
    assert_eq!(projection.closing(month("2026-10")).await.expect("read"), None);
    assert_eq!(owed(&projection, "2026-10").await, usd("12"), "no penalty while it is open");
    let resolve = json!({"kind": "conflict.resolve", "tenantId": "platform", "reason": "compared",
        "eventId": uuid::Uuid::from_u128(30), "slot": slot_of(&lines, AZURE, 30)});
    lines.push(line(AWS, 70, NOVEMBER_MS + 3, resolve));
    let (_database, projection) = projected(&lines, 7).await;
    assert_eq!(owed(&projection, "2026-10").await, usd("1"));
    assert_eq!(owed(&projection, "2026-11").await, usd("8"));
}

#[tokio::test]
async fn the_rows_of_a_month_stream_in_one_order_and_are_what_pages_give() {
    let (database, projection) = projected(&everything(), 8).await;
    let mut connection = database.pool.acquire().await.expect("a connection");
    let rows: Vec<BillingRow> =
        billing_rows(&mut connection, month("2026-11")).try_collect().await.expect("rows");
    let entries: Vec<Entry> = rows
        .iter()
        .filter_map(|row| match row {
            BillingRow::Entry(text) => Some(serde_json::from_str(text).expect("an entry")),
            BillingRow::Unpriced(_) => None,
        })
        .collect();
    let filter = BillingFilter { period: Some(month("2026-11")), ..BillingFilter::default() };
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = projection.billing_page(&filter, cursor.as_ref(), 2).await.expect("a page");
        pages.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(entries, pages);
    let unpriced = rows.iter().skip_while(|row| matches!(row, BillingRow::Entry(_))).count();
    assert_eq!((unpriced, rows.len()), (2, entries.len() + 2), "unpriced usage comes last");
    let (other, _projection) = projected(&everything(), 9).await;
    let mut connection = other.pool.acquire().await.expect("a connection");
    let again: Vec<BillingRow> =
        billing_rows(&mut connection, month("2026-11")).try_collect().await.expect("rows");
    assert_eq!(again, rows, "on another cloud, which learnt of all in another order");
}

/// Usage of `count` requests by `tenants` tenants of a tier, in the hours of two days.
async fn store_much(database: &TestDatabase, count: i64, tenants: i64) {
    sqlx::query(
        "INSERT INTO ledger_event (origin, epoch, sequence, event_id, tenant_id, logical_clock, \
         region, created_at, payload, salt, hash, signature, kind) \
         SELECT 2, 1, n, gen_random_uuid(), 't' || n % $2, ($3 + n) << 16, 'us', now(), \
         convert_to(format('{\"inputTokens\":%s,\"kind\":\"usage\",\"model\":\"flash\",\
         \"outputTokens\":130,\"provider\":\"vertex\",\"region\":\"%s\",\
         \"requestedAt\":\"2026-10-0%sT%s:10:00.000Z\"}', 900 + n % 1000, \
         CASE n % 3 WHEN 0 THEN 'eu' WHEN 1 THEN 'us' ELSE 'asia' END, 2 + (n / 500000) % 2, \
         lpad((n * 24 / $1)::text, 2, '0')), 'UTF8'), \
         '\\x00000000000000000000000000000000', sha256(n::text::bytea), \
         sha256(n::text::bytea) || sha256('b'), 'usage' FROM generate_series(0, $1 - 1) AS n",
    )
    .bind(count)
    .bind(tenants)
    .bind(i64::try_from(OCTOBER_MS).expect("small") + 10 * 86_400_000)
    .execute(&database.pool)
    .await
    .expect("a log");
}

#[tokio::test]
#[ignore = "measures, for minutes: what a chunk costs at a million events of a thousand tenants"]
async fn measures_what_deriving_the_books_costs() {
    use std::time::Instant;
    const EVENTS: i64 = 1_000_000;
    const TENANTS: i64 = 1_000;
    let database = cluster::database().await;
    let tenants =
        (0..TENANTS).map(|n| (u128::try_from(n).expect("small") + 1_000, format!("t{n}")));
    let mut lines: Vec<Line> =
        tenants.map(|(id, name)| line(GCP, id, OCTOBER_MS, tenant(&name, "pro"))).collect();
    lines.push(line(GCP, 1, OCTOBER_MS, price("3", "2026-10-01T00:00:00Z")));
    store(&database.pool, &lines).await;
    store_much(&database, EVENTS, TENANTS).await;
    let projection = open(&database.pool).await;
    let stop = CancellationToken::new();
    let sizes = |aws: u64| PerCloud { gcp: lines.len() as u64, aws, azure: 0 };
    projection.catch_up(&marks(sizes(0)), &stop).await.expect("applied");
    // All but the last hundred chunks at once, as after a long time away.
    let rush = EVENTS.unsigned_abs() - 100_000;
    let began = Instant::now();
    projection.catch_up(&marks(sizes(rush)), &stop).await.expect("applied");
    println!("rush: {} chunks of 1000 in {:?}", rush / 1_000, began.elapsed());
    // Chunk by chunk, the books derived with each.
    for _ in 0..2 {
        let before = projection.position().borrow().values().sum::<u64>() - lines.len() as u64;
        let began = Instant::now();
        for chunk in 1..=50 {
            let to = before + chunk * 1_000;
            projection.catch_up(&marks(sizes(to)), &stop).await.expect("applied");
        }
        println!("one by one: {:?} a chunk", began.elapsed() / 50);
    }
    let began = Instant::now();
    let balances = projection.tenant_balances(Some(month("2026-10")), None, None, 100).await;
    println!("balances of {} tenants: {:?}", balances.expect("read").len(), began.elapsed());
    let began = Instant::now();
    let accounts = projection.account_balances(Some(month("2026-10"))).await.expect("read");
    println!("trial balance: {:?} {accounts:?}", began.elapsed());
    let mut connection = database.pool.acquire().await.expect("a connection");
    let began = Instant::now();
    let rows: Vec<BillingRow> =
        billing_rows(&mut connection, month("2026-10")).try_collect().await.expect("rows");
    println!("{} rows streamed in {:?}", rows.len(), began.elapsed());
    let began = Instant::now();
    projection::rebuild(&database.pool, |_| ()).await.expect("rebuilt");
    println!("rebuilt in {:?}", began.elapsed());
    assert_eq!(balances_requests(&projection).await, EVENTS);
}

async fn balances_requests(projection: &Projection) -> i64 {
    let (mut requests, mut cursor) = (0, None);
    let filter = BillingFilter::default();
    loop {
        let page = projection.billing_page(&filter, cursor.as_ref(), 1_000).await.expect("a page");
        let counted = page.items.iter().map(|entry| match &entry.what {
            What::Charge { quantity, .. } => quantity.requests,
            _ => 0,
        });
        requests += counted.sum::<i64>();
        cursor = page.next;
        if cursor.is_none() {
            return requests;
        }
    }
}
