//! Projections are the same whatever the order in which the logs are learnt, and however often
//! the work stops midway.

use std::sync::Arc;

use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::{Cloud, PerCloud};
use domain::event::{EventId, Slot, TenantId};
use domain::log::{Head, LogId};
use serde_json::{Value, json};
use server::ledger::{LogView, Watermarks};
use server::projection::{
    self, ConflictBefore, ConflictFilter, Digests, Entity, Projection, UsageFilter,
};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cluster;

/// One entry to be stored, at the next place of its origin's log.
pub(super) struct Line {
    pub(super) origin: Cloud,
    event_id: u128,
    tenant: &'static str,
    clock_ms: u64,
    payload: Value,
}

pub(super) fn line(origin: Cloud, event_id: u128, clock_ms: u64, payload: Value) -> Line {
    Line { origin, event_id, tenant: "platform", clock_ms, payload }
}

impl Line {
    /// Of that tenant, and not of the platform.
    pub(super) fn of(self, tenant: &'static str) -> Self {
        Line { tenant, ..self }
    }
}

fn usage(tokens: u64) -> Value {
    json!({"kind": "usage", "provider": "vertex", "model": "gemini-2.5-flash", "region": "us",
        "inputTokens": tokens, "outputTokens": 7, "latencyMs": 12.5 * (tokens + 1) as f64,
        "requestedAt": "2026-11-22T12:10:00Z"})
}

fn tenant(id: &str, name: &str) -> Value {
    json!({"kind": "tenant.put", "tenantId": id, "name": name, "tier": "pro", "cloud": "aws",
        "region": "us-east-1"})
}

fn price(input: &str, from: &str) -> Value {
    json!({"kind": "price.put", "tier": "pro", "provider": "vertex", "model": "gemini-2.5-flash",
        "inputUsdPerMillion": input, "outputUsdPerMillion": "2", "effectiveFrom": from})
}

fn foresight(run: u64, by: Cloud) -> Value {
    json!({"kind": "foresight.run", "run": run, "by": by, "policyVersion": 0,
        "usageFrom": "2026-10-22T12:00:00Z", "usageTo": "2026-11-22T12:00:00Z",
        "priceMapAsOf": "2026-11-12T00:00:00Z", "seed": "1", "draws": 2_000, "floor": "0.35",
        "tenants": 0, "scenarios": [], "opened": 0})
}

/// Three logs with twins of every sort, superseding decisions, and entries that do not read.
fn logs() -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, origin) in Cloud::ALL.into_iter().cycle().take(60).enumerate() {
        let number = at as u64;
        lines.push(line(origin, 1_000 + at as u128, 100 + number, usage(number)));
    }
    let [gcp, aws, azure] = Cloud::ALL;
    lines.extend([
        line(gcp, 1, 500, usage(1_000)),
        line(aws, 1, 501, usage(1_000)),
        line(gcp, 2, 502, usage(5_000)),
        line(azure, 2, 499, usage(6_000)),
        line(aws, 3, 503, usage(7_000)),
        line(azure, 3, 504, usage(7_000)),
        line(gcp, 3, 505, usage(7_001)),
        line(aws, 10, 600, tenant("acme", "first")),
        line(gcp, 11, 610, tenant("acme", "second")),
        line(azure, 12, 605, tenant("acme", "between")),
        line(gcp, 13, 620, tenant("bolt", "once")),
        line(azure, 13, 615, tenant("bolt", "once")),
        line(gcp, 14, 630, tenant("chip", "one story")),
        line(aws, 14, 631, tenant("chip", "another story")),
        line(aws, 15, 632, tenant("dune", "kept")),
        line(azure, 15, 640, tenant("dune", "kept")),
        line(gcp, 15, 641, tenant("dune", "changed")),
        line(azure, 20, 700, json!({"kind": "tenant.rename", "tenantId": "acme"})),
        line(azure, 21, 701, json!({"kind": "price.put", "tier": "pro"})),
        line(aws, 22, 702, json!({"kind": "weather", "sky": "clear"})),
        line(aws, 23, 703, price("3", "2026-11-01T00:00:00Z")),
        line(gcp, 24, 704, price("4", "2026-12-01T00:00:00Z")),
        line(azure, 25, 705, price("3.5", "2026-11-01T00:00:00Z")),
        line(aws, 26, 707, foresight(2, aws)),
        line(gcp, 27, 706, foresight(1, gcp)),
    ]);
    lines
}

/// Where an entry of these lines stands.
pub(super) fn slot_of(lines: &[Line], origin: Cloud, event_id: u128) -> Slot {
    let mut of_origin = lines.iter().filter(|line| line.origin == origin);
    let sequence = of_origin.position(|line| line.event_id == event_id).expect("it is there");
    Slot { origin, epoch: 1, sequence: sequence as u64 }
}

/// As [`logs`], with decisions about what is in conflict: two about one id, one that chooses
/// nothing, one that is in conflict itself, one about a place where nothing stands.
fn decided() -> Vec<Line> {
    let mut lines = logs();
    let [gcp, aws, azure] = Cloud::ALL;
    let resolve = |event_id: u128, slot: Option<Slot>| {
        let mut payload = json!({"kind": "conflict.resolve", "tenantId": "platform",
            "eventId": Uuid::from_u128(event_id), "reason": "compared"});
        if let Some(slot) = slot {
            payload["slot"] = json!(slot);
        }
        payload
    };
    let at = |origin, event_id| Some(slot_of(&logs(), origin, event_id));
    let nowhere = Some(Slot { origin: gcp, epoch: 1, sequence: 999 });
    lines.extend([
        line(gcp, 30, 800, resolve(2, at(azure, 2))),
        line(azure, 31, 790, resolve(2, at(gcp, 2))),
        line(aws, 32, 801, resolve(14, at(aws, 14))),
        line(aws, 33, 802, resolve(3, None)),
        line(gcp, 34, 803, resolve(15, at(gcp, 15))),
        line(azure, 34, 804, resolve(15, at(aws, 15))),
        line(azure, 35, 780, resolve(14, nowhere)),
    ]);
    lines
}

pub(super) async fn store(pool: &PgPool, lines: &[Line]) -> PerCloud<u64> {
    let mut sizes = PerCloud::<u64>::default();
    for line in lines {
        let size = sizes.get_mut(line.origin);
        sqlx::query(
            "INSERT INTO ledger_event (origin, epoch, sequence, event_id, tenant_id, \
             logical_clock, region, created_at, payload, salt, hash, signature, kind) \
             VALUES ($1, 1, $2, $3, $10, $4, 'us', now(), $5, $6, $7, $8, $9)",
        )
        .bind(i16::from(line.origin.code()))
        .bind(i64::try_from(*size).expect("small"))
        .bind(Uuid::from_u128(line.event_id))
        .bind(LogicalClock { ms: line.clock_ms, counter: 0 }.packed())
        .bind(domain::json::canonical(&line.payload))
        .bind(vec![0_u8; 16])
        .bind(vec![0_u8; 32])
        .bind(vec![0_u8; 64])
        .bind(line.payload["kind"].as_str())
        .bind(line.tenant)
        .execute(pool)
        .await
        .expect("a row of a log");
        *size += 1;
    }
    sizes
}

pub(super) fn marks(sizes: PerCloud<u64>) -> Watermarks {
    let views = sizes.map(|origin, size| LogView {
        head: Head { size: *size, ..Head::empty() },
        final_size: *size,
        ..LogView::empty(LogId { origin, epoch: 1 })
    });
    Watermarks::new(views, std::collections::BTreeMap::new())
}

/// How far each cloud's first log is projected.
fn positions(projection: &Projection) -> PerCloud<u64> {
    let positions = projection.position().borrow().clone();
    PerCloud::from_fn(|origin| positions.get(&LogId { origin, epoch: 1 }).copied().unwrap_or(0))
}

/// A stream of numbers that is the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Lets finality reach each log in small steps, in an order that the seed decides.
pub(super) async fn learn(projection: &Projection, whole: PerCloud<u64>, seed: u64) {
    let mut dice = Dice(seed);
    let mut known = PerCloud::<u64>::default();
    while known != whole {
        let origin = Cloud::ALL[usize::try_from(dice.roll(3)).expect("three")];
        let step = dice.roll(6) + 1;
        let size = known.get_mut(origin);
        *size = (*size + step).min(*whole.get(origin));
        projection.catch_up(&marks(known), &CancellationToken::new()).await.expect("applied");
    }
}

pub(super) async fn open(pool: &PgPool) -> Projection {
    Projection::open(pool.clone()).await.expect("opened")
}

async fn input_tokens(projection: &Projection) -> i64 {
    let page = projection.usage_page(&UsageFilter::default(), None, 100).await.expect("usage");
    page.items.iter().map(|row| row.sum.input_tokens).sum()
}

#[tokio::test]
async fn every_order_of_learning_gives_the_same_tables() {
    let mut seen: Option<Digests> = None;
    for seed in 0..8 {
        let database = cluster::database().await;
        let whole = store(&database.pool, &logs()).await;
        let projection = open(&database.pool).await;
        learn(&projection, whole, seed).await;
        let digests = projection.digests().await.expect("digests");
        let first = seen.get_or_insert_with(|| digests.clone());
        assert_eq!(*first, digests, "seed {seed}");
    }
}

#[tokio::test]
async fn equal_twins_count_once_and_different_ones_not_at_all() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    let projection = open(&database.pool).await;
    learn(&projection, whole, 1).await;
    let plain: i64 = (0..60).sum();
    assert_eq!(input_tokens(&projection).await, plain + 1_000, "ids 2 and 3 count nowhere");
    assert_eq!(projection.conflict_count(), 4);
    let event = |id: u128| (TenantId::platform(), EventId(Uuid::from_u128(id)));
    let held = projection.contested(&[event(1), event(2), event(3), event(14), event(15)]).await;
    let mut held: Vec<u128> =
        held.expect("read").into_keys().map(|(_, id)| id.0.as_u128()).collect();
    held.sort_unstable();
    assert_eq!(held, [2, 3, 14, 15]);
    let all = ConflictFilter::default();
    let page = projection.conflicts(&all, None, 3).await.expect("conflicts");
    let last = page.last().expect("three");
    let place =
        ConflictBefore { since: last.since, id: Some((last.event_id, last.tenant_id.clone())) };
    let rest = projection.conflicts(&all, Some(&place), 3).await.expect("conflicts");
    let ids: Vec<u128> =
        page.iter().chain(&rest).map(|conflict| conflict.event_id.0.as_u128()).collect();
    assert_eq!(ids, [15, 14, 3, 2], "the newest conflict first");
}

#[tokio::test]
async fn what_was_decided_about_conflicts_is_the_same_in_every_order_and_after_a_rebuild() {
    let mut seen: Option<Digests> = None;
    for seed in 0..8 {
        let database = cluster::database().await;
        let whole = store(&database.pool, &decided()).await;
        let projection = open(&database.pool).await;
        learn(&projection, whole, seed).await;
        let digests = projection.digests().await.expect("digests");
        let first = seen.get_or_insert_with(|| digests.clone());
        assert_eq!(*first, digests, "seed {seed}");
        let plain: i64 = (0..60).sum();
        assert_eq!(input_tokens(&projection).await, plain + 1_000 + 5_000, "gcp's version of 2");
        assert_eq!(projection.conflict_count(), 2, "34, a decision, and 15, which it is about");
        let names = |id: &str| {
            let id = TenantId::try_from(id.to_owned()).expect("valid");
            projection.catalog().tenant(&id).map(|tenant| tenant.value.name.clone())
        };
        assert_eq!((names("chip").as_deref(), names("dune")), (Some("another story"), None));
        projection::rebuild(&database.pool, |_| ()).await.expect("rebuilt");
        assert_eq!(projection.digests().await.expect("digests"), digests);
    }
}

#[tokio::test]
async fn the_latest_decision_by_clock_is_in_force_and_quarantined_ones_are_not() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    let projection = open(&database.pool).await;
    learn(&projection, whole, 2).await;
    let catalog = projection.catalog();
    let tenant = |id: &str| {
        let id = TenantId::try_from(id.to_owned()).expect("valid");
        catalog.tenant(&id).map(|tenant| (tenant.value.name.clone(), tenant.slot.origin))
    };
    assert_eq!(tenant("acme"), Some(("second".to_owned(), Cloud::Gcp)));
    assert_eq!(tenant("bolt"), Some(("once".to_owned(), Cloud::Azure)), "the earlier twin");
    assert_eq!(tenant("chip"), None);
    assert_eq!(tenant("dune"), None);
    let at = |time: &str| {
        let at: Timestamp = time.parse().expect("time");
        let price = catalog.price_at("pro", "vertex", "gemini-2.5-flash", at);
        price.map(|price| price.value.input_usd_per_million.to_string())
    };
    assert_eq!(at("2026-11-15T00:00:00Z"), Some("3.5".to_owned()));
    assert_eq!(at("2026-12-15T00:00:00Z"), Some("4".to_owned()));
    assert_eq!(catalog.foresight().map(|run| run.value.run), Some(2), "the later run");
    let versions = projection.versions(Entity::Tenant, "acme").await.expect("versions");
    let names: Vec<&str> =
        versions.iter().filter_map(|version| version.body["name"].as_str()).collect();
    assert_eq!(names, ["second", "between", "first"]);
}

#[tokio::test]
async fn a_rebuild_gives_the_same_tables() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    let projection = open(&database.pool).await;
    learn(&projection, whole, 3).await;
    let before = projection.digests().await.expect("digests");
    let tampered = "UPDATE usage_hour SET input_tokens = input_tokens + 1";
    sqlx::query(tampered).execute(&database.pool).await.expect("tampered");
    assert_ne!(projection.digests().await.expect("digests"), before);
    let mut last = None;
    let total = projection::rebuild(&database.pool, |progress| last = Some(progress)).await;
    let total = total.expect("rebuilt");
    assert_eq!(total, whole.gcp + whole.aws + whole.azure);
    assert_eq!(last.map(|progress| (progress.done, progress.total)), Some((total, total)));
    assert_eq!(projection.digests().await.expect("digests"), before);
}

/// Each request once: shortest first.
async fn counted(projection: &Projection) -> Vec<(u64, u64)> {
    let places = projection.latencies(None, None).await.expect("latencies");
    assert_eq!(places.keys().collect::<Vec<_>>(), [&("vertex".to_owned(), "us".to_owned())]);
    places.into_values().flat_map(Vec::from).collect()
}

#[tokio::test]
async fn latencies_are_counted_as_often_as_usage_is_and_taken_back_with_it() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    let projection = open(&database.pool).await;
    learn(&projection, whole, 8).await;
    let page = projection.usage_page(&UsageFilter::default(), None, 100).await.expect("usage");
    let timed: i64 = page.items.iter().map(|row| row.sum.timed).sum();
    let counts = counted(&projection).await;
    assert_eq!(counts.iter().map(|(_, requests)| requests).sum::<u64>(), timed.unsigned_abs());
    // 60 plain ones, of 12.5 ms to 750 ms, and the pair of twins of 12.5125 s; 2 and 3 are in conflict.
    assert_eq!(
        (timed, counts.first(), counts.last()),
        (61, Some(&(12_288, 1)), Some(&(12_058_624, 1)))
    );
    let hour = page.items[0].key.hour;
    let nothing = projection.latencies(None, Some(hour)).await.expect("latencies");
    assert!(nothing.is_empty(), "before that hour there is nothing: {nothing:?}");
    assert_eq!(projection.latencies(Some(hour), None).await.expect("latencies").len(), 1);
}

#[tokio::test]
async fn what_was_projected_before_a_table_came_is_derived_again_at_the_next_start() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    let projection = open(&database.pool).await;
    learn(&projection, whole, 9).await;
    let before = projection.digests().await.expect("digests");
    for sql in ["DELETE FROM usage_latency", "UPDATE projection_position SET is_whole = false"] {
        sqlx::query(sql).execute(&database.pool).await.expect("as an upgrade leaves it");
    }
    drop(projection);
    let (_finality, watermarks) = watch::channel(marks(whole));
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let started =
        projection::follow_watermarks(watermarks, database.pool.clone(), &stop, &mut tasks);
    let projection: Arc<Projection> = started.await.expect("started");
    let derived = async {
        while projection.digests().await.expect("digests") != before {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::clouds::PATIENCE, derived).await.expect("derived again");
    stop.cancel();
    while let Some(task) = tasks.join_next().await {
        task.expect("the follower ends cleanly");
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_until_tables_are_derived_again() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    learn(&open(&database.pool).await, whole, 9).await;
    sqlx::query("UPDATE projection_position SET is_whole = false")
        .execute(&database.pool)
        .await
        .expect("as an upgrade leaves it");
    // Nothing of this table is deleted while it is held: the derivation cannot end.
    let mut held = database.pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE usage_latency IN SHARE MODE").execute(&mut *held).await.expect("held");
    let (_finality, watermarks) = watch::channel(marks(whole));
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    projection::follow_watermarks(watermarks, database.pool.clone(), &stop, &mut tasks)
        .await
        .expect("started");
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted \
                 AND relation = 'usage_latency'::regclass \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let midway = async {
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut *held).await.expect("read") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::clouds::PATIENCE, midway).await.expect("it is being derived");
    stop.cancel();
    let ended = tokio::time::timeout(crate::clouds::PATIENCE, tasks.join_next()).await;
    ended.expect("it ends at once").expect("a task").expect("the follower ends cleanly");
    held.rollback().await.expect("let go");
    let whole = "SELECT count(*) FROM projection_position WHERE is_whole";
    let derived: i64 = sqlx::query_scalar(whole).fetch_one(&database.pool).await.expect("read");
    assert_eq!(derived, 0, "the next start begins it again");
}

#[tokio::test]
async fn a_count_of_latencies_that_no_metering_wrote_is_refused_and_not_made_to_fit() {
    let database = cluster::database().await;
    let projection = open(&database.pool).await;
    let put = async |from_us: i64, requests: i64| {
        let row =
            "INSERT INTO usage_latency VALUES ('2026-11-22T12:00:00Z', 'vertex', 'us', $1, $2)";
        let written = sqlx::query(row).bind(from_us).bind(requests).execute(&database.pool).await;
        let read = projection.latencies(None, None).await;
        sqlx::query("DELETE FROM usage_latency").execute(&database.pool).await.expect("emptied");
        (written.is_ok(), read.map(|places| places.len()).map_err(|error| error.to_string()))
    };
    assert_eq!(put(1_024, 3).await, (true, Ok(1)));
    assert_eq!(put(-1_024, 3).await, (false, Ok(0)), "the database has none of it");
    for (from_us, requests) in [(1_024, -3), (1_025, 3)] {
        let (written, read) = put(from_us, requests).await;
        let problem = read.expect_err("refused");
        assert!(written && problem.contains("usage_latency has"), "{problem}");
    }
}

#[tokio::test]
async fn two_servers_and_a_restart_midway_apply_each_entry_once() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    let first = open(&database.pool).await;
    learn(&first, whole.map(|_, size| size / 2), 4).await;
    drop(first);
    let (one, two) = (open(&database.pool).await, open(&database.pool).await);
    tokio::join!(learn(&one, whole, 5), learn(&two, whole, 6));
    let expected = {
        let other = cluster::database().await;
        let whole = store(&other.pool, &logs()).await;
        let projection = open(&other.pool).await;
        learn(&projection, whole, 7).await;
        projection.digests().await.expect("digests")
    };
    assert_eq!(one.digests().await.expect("digests"), expected);
    assert_eq!(positions(&one), whole);
    assert_eq!(positions(&two), whole);
    assert_eq!(one.catalog().tenant_count(), two.catalog().tenant_count());
}

#[tokio::test]
async fn whoever_waits_for_a_decision_finds_it_in_force() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &[line(Cloud::Aws, 1, 5, tenant("acme", "Acme"))]).await;
    let (finality, watermarks) = watch::channel(marks(PerCloud::default()));
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let started =
        projection::follow_watermarks(watermarks, database.pool.clone(), &stop, &mut tasks);
    let projection: Arc<Projection> = started.await.expect("started");
    let slot = Slot { origin: Cloud::Aws, epoch: 1, sequence: 0 };
    let waiting = tokio::spawn({
        let projection = projection.clone();
        async move {
            projection.until_projected(slot).await;
            projection.catalog().tenant_count()
        }
    });
    assert!(!waiting.is_finished());
    finality.send_replace(marks(whole));
    assert_eq!(waiting.await.expect("waited"), 1);
    stop.cancel();
    while let Some(task) = tasks.join_next().await {
        task.expect("the follower ends cleanly");
    }
}

#[tokio::test]
async fn a_missing_entry_stops_the_log_and_changes_nothing() {
    let database = cluster::database().await;
    let whole = store(&database.pool, &logs()).await;
    let projection = open(&database.pool).await;
    let beyond = marks(PerCloud { gcp: whole.gcp + 1, ..whole });
    let failed = projection.catch_up(&beyond, &CancellationToken::new()).await;
    let message = failed.expect_err("an entry is missing").to_string();
    assert_eq!(message, format!("entry gcp/1/{} of the stored log is missing", whole.gcp));
    assert_eq!(input_tokens(&projection).await, 0);
    assert_eq!(positions(&projection), PerCloud::default());
    projection.catch_up(&marks(whole), &CancellationToken::new()).await.expect("the rest is good");
    assert_eq!(positions(&projection), whole);
}
