//! Audit snapshots over real clouds: every cloud comes to the same by itself, and whoever does not
//! is named to the row.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::cloud::Cloud;
use domain::event::{Payload, TenantId};
use domain::grant::{GrantId, Version};
use domain::log::LogId;
use domain::snapshot::agreement::{Difference, Standing};
use domain::snapshot::section::SectionName;
use domain::snapshot::{Cut, Period, Plan};
use serde_json::json;
use server::grant::Judge as _;
use server::ledger::Submission;
use server::projection::{Aside, How, Schema};
use server::snapshot::{CutJudge, Snapshot, Worry};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::{sleep, timeout};

use crate::clouds::PATIENCE;
use crate::three::Deployment;

const HOURS: usize = 24;

fn october() -> Period {
    "2026-10".parse().expect("a month")
}

fn today() -> Period {
    Period::day_of(server::now())
}

fn usage(number: usize) -> Submission {
    let hour = number % HOURS;
    let value = json!({
        "kind": "usage", "provider": "vertex", "model": format!("m{}", number % 3), "region": "eu",
        "inputTokens": 100 + number, "outputTokens": 7,
        "requestedAt": format!("2026-10-{:02}T{hour:02}:15:00Z", 1 + number % 28),
    });
    Submission {
        tenant_id: TenantId::platform(),
        payload: Payload::from_value(&value).expect("an object"),
        event_id: None,
        region: None,
        created_at: None,
    }
}

/// Usage at every cloud, all of it final everywhere.
async fn filled(clouds: &Deployment, count: usize) {
    let mut newest = Vec::new();
    for cloud in Cloud::ALL {
        let all = (0..count).map(usage).collect();
        let answers = clouds.ledger(cloud).submit(all).await;
        newest.extend(answers.into_iter().map(|answer| answer.expect("recorded").slot));
    }
    for cloud in Cloud::ALL {
        let all = |marks: &server::ledger::Watermarks| newest.iter().all(|it| marks.is_final(*it));
        clouds.until(cloud, "all is final", all).await;
    }
}

/// Waits until that cloud sees the snapshot as the test wants it.
async fn until(
    clouds: &Deployment,
    cloud: Cloud,
    period: Period,
    is_so: impl Fn(&Snapshot) -> bool,
) -> Snapshot {
    let mut last = None;
    let waited = timeout(PATIENCE, async {
        loop {
            let seen = clouds.snapshots(cloud).of_period(period).await.expect("readable");
            if let Some(seen) = seen {
                if is_so(&seen) {
                    return seen;
                }
                last = Some(seen);
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    let waited = waited.await;
    waited.unwrap_or_else(|_| panic!("{cloud} never saw it; last: {last:?}"))
}

fn by_all(snapshot: &Snapshot) -> bool {
    matches!(&snapshot.standing, Standing::Agreed { by, .. } if by.len() == 3)
        && snapshot.own.is_some()
}

async fn edit(pool: &PgPool, sql: &str) {
    let script = format!("BEGIN; SET LOCAL session_replication_role = replica; {sql}; COMMIT");
    sqlx::raw_sql(AssertSqlSafe(script)).execute(pool).await.expect("an edit by hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_clouds_come_to_one_hash_and_the_next_snapshot_continues_it() {
    let clouds = Deployment::running().await;
    filled(&clouds, 60).await;
    let number = clouds.snapshots(Cloud::Aws).take(october()).await.expect("decided");
    let mut hashes = Vec::new();
    for cloud in Cloud::ALL {
        let seen = until(&clouds, cloud, october(), by_all).await;
        let own = seen.own.expect("derived");
        assert_eq!(seen.number, number);
        assert_eq!(own.manifest.usage.parts.len(), 1);
        assert_eq!(own.manifest.events.rows, 180);
        assert_eq!(own.manifest.cut().entries(), seen.plan.cut.entries());
        hashes.push(own.hash);
    }
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "{hashes:?}");
    for cloud in Cloud::ALL {
        let ledger = clouds.ledger(cloud);
        ledger.scrub_now().await;
        let findings = ledger.scrub_status().findings;
        assert!(
            findings.is_empty(),
            "what the clouds record of it is stored as it is: {findings:?}"
        );
    }
    let again = clouds.snapshots(Cloud::Gcp).take(october()).await.expect("known");
    assert_eq!(again, number, "one period has one snapshot");

    filled(&clouds, 5).await;
    clouds.snapshots(Cloud::Gcp).take(today()).await.expect("decided");
    let next = until(&clouds, Cloud::Azure, today(), by_all).await.own.expect("derived").manifest;
    assert_eq!(next.previous.map(|it| it.hash), Some(hashes[0]));
    // The usage is that of all time; the entries are those since.
    assert!(next.events.rows >= 15 && next.events.rows < 180, "{next:?}");
    for part in &next.cut {
        let log = LogId::parse(&part.log).expect("a log");
        let ledger = clouds.ledger(Cloud::Gcp);
        let old = ledger.root_at(log, part.from).await.expect("readable").expect("stored");
        let proof = ledger.consistency(log, part.from, part.size).await.expect("readable");
        let old = domain::log::Head { size: part.from, root: old };
        let holds = domain::log::proof::is_consistent(old, part.head(), &proof.expect("a proof"));
        assert!(holds, "{} does not continue", part.log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_was_down_comes_to_the_same_when_it_returns() {
    let mut clouds = Deployment::running().await;
    filled(&clouds, 30).await;
    clouds.stop(Cloud::Azure).await;
    clouds.snapshots(Cloud::Gcp).take(october()).await.expect("two of three decide");
    let agreed = until(&clouds, Cloud::Gcp, october(), |it| it.standing.agreed().is_some()).await;
    clouds.start(Cloud::Azure).await;
    let late = until(&clouds, Cloud::Azure, october(), by_all).await;
    assert_eq!(late.standing.agreed(), agreed.standing.agreed());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_to_other_rows_is_outvoted_and_the_first_row_is_named() {
    let clouds = Deployment::running().await;
    filled(&clouds, 40).await;
    clouds.snapshots(Cloud::Gcp).take(october()).await.expect("decided");
    until(&clouds, Cloud::Aws, october(), by_all).await;
    let more = "UPDATE snapshot.usage_hour SET input_tokens = input_tokens + 1 WHERE model = 'm1' \
                AND hour = (SELECT min(hour) FROM snapshot.usage_hour WHERE model = 'm1')";
    edit(&clouds.databases.aws.pool, more).await;
    clouds.snapshots(Cloud::Gcp).take(today()).await.expect("decided");
    let outvoted = |it: &Snapshot| {
        matches!(&it.standing, Standing::Agreed { others, .. } if *others == [Cloud::Aws])
            && it.own.is_some()
    };
    let seen = until(&clouds, Cloud::Gcp, today(), outvoted).await;
    let of_aws = seen.said.iter().find(|(by, _)| *by == Cloud::Aws).expect("it spoke");
    let place = Difference::Rows { section: SectionName::Usage, part: october().to_string() };
    assert_eq!(of_aws.1.difference, Some(place));
    let first = clouds.snapshots(Cloud::Gcp).first_difference(seen.number, Cloud::Aws).await;
    let first = first.expect("it answers").expect("they differ");
    let (ours, theirs) = (first.ours.expect("a row"), first.theirs.expect("a row"));
    assert!(ours.contains(r#""model":"m1""#) && theirs.contains(r#""model":"m1""#), "{ours}");
    assert_ne!(ours, theirs);

    // Derived again from the entries it comes to what the others came to.
    let again = clouds.snapshots(Cloud::Aws).recheck(seen.number).await.expect("derived again");
    assert_eq!(Some(again.manifest.hash()), seen.standing.agreed());
    assert!(again.difference.is_some(), "what it said then was something else");
    assert_eq!(again.tables.rows, 0, "what screens are read from was not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_is_outvoted_derives_again_from_the_first_entry_and_agrees() {
    let mut clouds = Deployment::new().await;
    clouds.mend_at_once();
    for cloud in Cloud::ALL {
        clouds.start(cloud).await;
    }
    filled(&clouds, 20).await;
    clouds.snapshots(Cloud::Gcp).take(october()).await.expect("decided");
    until(&clouds, Cloud::Aws, october(), by_all).await;
    let less = "DELETE FROM snapshot.usage_hour WHERE model = 'm2'";
    edit(&clouds.databases.aws.pool, less).await;
    clouds.snapshots(Cloud::Gcp).take(today()).await.expect("decided");
    until(&clouds, Cloud::Azure, today(), by_all).await;
    let told = clouds.snapshots(Cloud::Aws).of_period(today()).await.expect("readable");
    let own = told.and_then(|it| it.own).expect("derived");
    assert!(own.manifest.usage.rows > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_changed_by_hand_is_named_and_repaired_by_a_recheck() {
    let clouds = Deployment::running().await;
    filled(&clouds, 20).await;
    clouds.snapshots(Cloud::Gcp).take(october()).await.expect("decided");
    let seen = until(&clouds, Cloud::Gcp, october(), by_all).await;
    let pool = &clouds.databases.gcp.pool;
    edit(pool, "UPDATE ledger_event SET region = 'mars' WHERE origin = 2 AND sequence = 7").await;
    let again = clouds.snapshots(Cloud::Gcp).recheck(seen.number).await.expect("derived again");
    // The scrub of the newest rows looks by itself, and may have been first.
    let scrub = clouds.ledger(Cloud::Gcp).scrub_status().findings;
    let by_scrub = scrub.iter().map(|it| (it.place.as_str(), &*it.field));
    let by_recheck = again.entries.iter().map(|it| (it.place.as_str(), &*it.field));
    let places: std::collections::BTreeSet<_> = by_recheck.chain(by_scrub).collect();
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [("aws/1/7", "region")]);
    assert_eq!(again.manifest.hash(), seen.own.expect("derived").hash);
    let worries = clouds.snapshots(Cloud::Gcp).worries().await.expect("readable");
    assert!(worries.is_empty(), "a recheck that a test asks for is no node's: {worries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_changed_by_hand_are_named_to_the_row_and_derived_again() {
    let clouds = Deployment::running().await;
    filled(&clouds, 40).await;
    clouds.snapshots(Cloud::Gcp).take(october()).await.expect("decided");
    let seen = until(&clouds, Cloud::Gcp, october(), by_all).await;
    let (pool, snapshots) = (&clouds.databases.gcp.pool, clouds.snapshots(Cloud::Gcp));
    let clean = snapshots.recheck(seen.number).await.expect("derived again");
    assert!(clean.is_clean(), "{clean:?}");
    let one = "(SELECT min(hour) FROM usage_hour WHERE model = 'm1')";
    edit(pool, &format!("UPDATE usage_hour SET requests = requests + 7 WHERE hour = {one}")).await;
    edit(pool, "DELETE FROM usage_hour WHERE hour = (SELECT max(hour) FROM usage_hour)").await;
    edit(
        pool,
        "INSERT INTO billing_unpriced (period, tenant_id, day, key, tier, requests, failed, \
                body) VALUES ('2026-10', 'mallory', '2026-10-05', 'k', 'free', 1, 0, '{}')",
    )
    .await;
    edit(pool, "INSERT INTO usage_latency VALUES (now(), 'mallory', 'nowhere', 1024, 9)").await;
    assert!(snapshots.begin_recheck(seen.number));
    let found = timeout(PATIENCE, async {
        loop {
            let worries = snapshots.worries().await.expect("readable");
            if let Some(Worry::Found { found, .. }) = worries.into_iter().next_back() {
                return found;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    let found = found.await.expect("it is found");
    assert_eq!(found.difference, None, "the entries were not touched");
    assert_eq!(found.tables.rows, 4);
    let named: Vec<_> = found.tables.first.iter().map(|row| (row.table, &row.how)).collect();
    assert!(
        matches!(named[0], ("usage_hour", How::Changed { fields }) if fields[0].field == "requests")
    );
    assert!(matches!(named[1], ("usage_hour", How::Missing)), "{named:?}");
    assert!(matches!(named[2], ("usage_latency", How::Invented)), "{named:?}");
    assert!(matches!(named[3], ("billing_unpriced", How::Invented)), "{named:?}");
    let again = snapshots.recheck(seen.number).await.expect("derived again");
    assert_eq!(again.tables.rows, 0, "it was put right: {again:?}");
}

/// Waits until the projections, which follow by themselves, hold the rows that stand aside.
async fn until_the_same(pool: &PgPool) {
    let differ = "SELECT EXISTS ((TABLE recheck.usage_hour EXCEPT TABLE usage_hour) \
                  UNION ALL (TABLE usage_hour EXCEPT TABLE recheck.usage_hour))";
    let same = async {
        while sqlx::query_scalar(differ).fetch_one(pool).await.expect("readable") {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, same).await.expect("both came to the same rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derivation_that_was_interrupted_goes_on_where_it_was() {
    let clouds = Deployment::running().await;
    filled(&clouds, 50).await;
    let pool = &clouds.databases.gcp.pool;
    let aside = Aside::new(pool.clone(), Schema::Recheck);
    let log = |origin: Cloud| LogId { origin, epoch: 1 };
    let half = BTreeMap::from([(log(Cloud::Gcp), 20)]);
    aside.bring_to(&half, |_| {}).await.expect("half");
    let whole: BTreeMap<LogId, u64> = Cloud::ALL.map(|cloud| (log(cloud), 50)).into();
    let mut told = Vec::new();
    aside.bring_to(&whole, |done| told.push(done)).await.expect("the rest");
    assert_eq!(told, [50, 100, 150], "it did not begin anew");
    until_the_same(pool).await;
    // What stands beyond the cut is derived anew.
    aside.bring_to(&half, |_| {}).await.expect("less");
    assert_eq!(aside.positions().await.expect("readable").get(&log(Cloud::Gcp)), Some(&20));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cut_that_forgets_or_comes_too_early_is_voted_for() {
    let clouds = Deployment::running().await;
    filled(&clouds, 10).await;
    let judge = CutJudge { ledger: clouds.ledger(Cloud::Gcp).clone() };
    let log = LogId { origin: Cloud::Gcp, epoch: 1 };
    let grant = GrantId { resource: Plan::resource().expect("a name"), version: Version::FIRST };
    let said = async |period: &str, size: u64| {
        let plan = Plan { period: period.parse().expect("a period"), cut: Cut::new([(log, size)]) };
        let value = plan.to_value().expect("small");
        judge.objection(&grant, &value, &[]).await.expect("readable").unwrap_or_default()
    };
    assert_eq!(said("2026-10", 10).await, "", "entries of this month need not be in it");
    assert!(said("2026-10", 11_000).await.contains("only 10 are final here"));
    assert!(said("2199-01", 10).await.contains("is not over yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_aside_have_the_shape_of_those_that_they_copy() {
    let database = crate::cluster::database().await;
    let columns = |schema: &str| {
        format!(
            "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' \
             ORDER BY table_name, ordinal_position) FROM information_schema.columns \
             WHERE table_schema = '{schema}' AND table_name IN (SELECT table_name FROM \
             information_schema.tables WHERE table_schema = 'snapshot')"
        )
    };
    let mut shapes = Vec::new();
    for schema in ["public", "snapshot", "recheck"] {
        let shape: Option<String> = sqlx::query_scalar(AssertSqlSafe(columns(schema)))
            .fetch_one(&database.pool)
            .await
            .expect("readable");
        shapes.push(shape.expect("there are tables"));
    }
    assert_eq!(shapes[0], shapes[1]);
    assert_eq!(shapes[0], shapes[2]);
}
