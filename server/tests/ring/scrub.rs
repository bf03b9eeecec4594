//! Somebody edits one cloud's database behind the program's back: found, named, repaired.

use std::sync::Arc;
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::receipt::Verdict;
use server::ledger::{Finding, Ledger, Outcome};
use sqlx::{AssertSqlSafe, PgPool};

use crate::command::{Folder, Ran, ternion_beside};
use crate::three::Deployment;

/// Two full blocks, and a tail.
const ENTRIES: usize = 600;

/// A deployment whose GCP log is final and the same everywhere.
async fn filled() -> Deployment {
    let clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, ENTRIES).await;
    clouds.until_equal(PerCloud { gcp: ENTRIES as u64, aws: 0, azure: 0 }).await;
    for cloud in Cloud::ALL {
        let all = |marks: &server::ledger::Watermarks| {
            marks.log(Cloud::Gcp).replicated_size == ENTRIES as u64
        };
        clouds.until(cloud, "signed by all", all).await;
    }
    clouds
}

/// As a superuser who switches the triggers off.
async fn edit(pool: &PgPool, sql: &str) {
    let script = format!("BEGIN; SET LOCAL session_replication_role = replica; {sql}; COMMIT");
    sqlx::raw_sql(AssertSqlSafe(script)).execute(pool).await.expect("an edit by hand");
}

async fn scrubbed(ledger: &Arc<Ledger>) -> Vec<Finding> {
    tokio::time::timeout(Duration::from_secs(60), ledger.scrub_now()).await.expect("a pass");
    ledger.scrub_status().findings
}

/// Place, field, and whether it is repaired.
fn named(findings: &[Finding]) -> Vec<(String, String, bool)> {
    let mut named: Vec<_> = findings
        .iter()
        .map(|one| (one.place.clone(), one.field.clone(), one.is_repaired()))
        .collect();
    named.sort();
    named
}

async fn receipt_holds(ledger: &Ledger, sequence: u64) {
    let slot = domain::event::Slot { origin: Cloud::Gcp, epoch: 1, sequence };
    let record = ledger.at(slot).await.expect("readable").expect("there");
    let receipt = ledger.receipt(&record).await.expect("a receipt");
    let checked = domain::receipt::verify(&receipt, Some(&ledger.policy()));
    assert_eq!(checked.verdict, Verdict::Valid, "{slot}: {}", checked.sentence);
}

/// What stands in the tables, in one number that any difference changes.
async fn digest(pool: &PgPool) -> Vec<Option<String>> {
    let mut digests = Vec::new();
    for table in ["ledger_event", "ledger_tile", "ledger_log"] {
        let sql =
            format!("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t");
        let digest = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await;
        digests.push(digest.expect("readable"));
    }
    digests
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_that_somebody_changes_is_named_and_put_right() {
    let clouds = filled().await;
    let (pool, ledger) = (&clouds.databases.aws.pool, clouds.ledger(Cloud::Aws));
    let before = digest(pool).await;
    let other = r#"'{"number":9999}'::bytea"#;
    let edits = [
        (3, "payload", other),
        (44, "payload", r"'\x00ff'::bytea"),
        (45, "salt", "decode('000102030405060708090a0b0c0d0e0f', 'hex')"),
        (46, "hash", "sha256('x')"),
        (47, "signature", "sha512('x')"),
        (300, "tenant_id", "'somebody-else'"),
        (301, "created_at", "created_at + interval '1 hour'"),
        (302, "created_at", "'infinity'"),
        (303, "region", "'elsewhere'"),
        (304, "logical_clock", "logical_clock + 1"),
        (305, "event_id", "gen_random_uuid()"),
        (590, "payload", other),
        (591, "kind", "'invoice'"),
    ];
    for (sequence, column, value) in edits {
        let sql = format!(
            "UPDATE ledger_event SET {column} = {value} WHERE origin = 1 AND sequence = {sequence}"
        );
        edit(pool, &sql).await;
    }
    let found = named(&scrubbed(ledger).await);
    let mut expected: Vec<_> = edits
        .iter()
        .map(|(sequence, column, _)| (format!("gcp/1/{sequence}"), (*column).to_owned(), true))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(digest(pool).await, before);
    for (sequence, ..) in edits {
        receipt_holds(ledger, sequence).await;
    }
    let kept: (Vec<u8>, i16) = sqlx::query_as(
        "SELECT found, source FROM ledger_repair WHERE place = 'gcp/1/3' AND field = 'payload'",
    )
    .fetch_one(pool)
    .await
    .expect("what was found is kept");
    assert_eq!(kept, (br#"{"number":9999}"#.to_vec(), 1));
    assert_eq!(named(&scrubbed(ledger).await), found, "nothing is found twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgery_that_is_consistent_in_one_database_still_does_not_lead_to_the_signed_root() {
    let clouds = filled().await;
    let (pool, ledger) = (&clouds.databases.azure.pool, clouds.ledger(Cloud::Azure));
    let before = digest(pool).await;
    // The hash beside the payload, the tile's hash and the tile's root changed along with it.
    edit(
        pool,
        "UPDATE ledger_event SET payload = '{\"number\":1}', hash = sha256('y') \
         WHERE origin = 1 AND sequence = 5; \
         UPDATE ledger_tile SET hashes = sha256('z') || substring(hashes from 33), \
         root = sha256('r') WHERE origin = 1 AND level = 0 AND index = 0; \
         UPDATE ledger_log SET root = sha256('h') WHERE origin = 1",
    )
    .await;
    let found = named(&scrubbed(ledger).await);
    let at = |place: &str, field: &str| (place.to_owned(), field.to_owned(), true);
    assert_eq!(
        found,
        [
            at("gcp/1 head", "root"),
            at("gcp/1 tile/0/000", "hashes"),
            at("gcp/1/5", "hash"),
            at("gcp/1/5", "payload"),
        ]
    );
    assert_eq!(digest(pool).await, before);
    receipt_holds(ledger, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_rows_a_cut_tail_and_a_lowered_head_come_back() {
    let clouds = filled().await;
    let (pool, ledger) = (&clouds.databases.gcp.pool, clouds.ledger(Cloud::Gcp));
    let before = digest(pool).await;
    edit(pool, "DELETE FROM ledger_event WHERE origin = 1 AND sequence IN (17, 590, 598, 599)")
        .await;
    edit(pool, "UPDATE ledger_log SET size = 590 WHERE origin = 1").await;
    edit(pool, "DELETE FROM ledger_tile WHERE origin = 1 AND index = 1").await;
    let found = named(&scrubbed(ledger).await);
    let at = |place: &str, field: &str| (place.to_owned(), field.to_owned(), true);
    assert_eq!(
        found,
        [
            at("gcp/1 head", "size"),
            at("gcp/1 tile/0/001", "tile"),
            at("gcp/1/17", "row"),
            at("gcp/1/590", "row"),
            at("gcp/1/598", "row"),
            at("gcp/1/599", "row"),
        ]
    );
    assert_eq!(digest(pool).await, before);
    let next = clouds.record(Cloud::Gcp, 3).await;
    assert_eq!(next[0].slot.sequence, ENTRIES as u64, "the log goes on where it was");
    receipt_holds(ledger, 599).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_rows_and_rows_beyond_the_end_are_recognised_for_what_they_are() {
    let clouds = filled().await;
    let (pool, ledger) = (&clouds.databases.aws.pool, clouds.ledger(Cloud::Aws));
    let before = digest(pool).await;
    edit(
        pool,
        "UPDATE ledger_event SET sequence = 100000 WHERE origin = 1 AND sequence = 7; \
         UPDATE ledger_event SET sequence = 7 WHERE origin = 1 AND sequence = 9; \
         UPDATE ledger_event SET sequence = 9 WHERE origin = 1 AND sequence = 100000; \
         INSERT INTO ledger_event SELECT origin, epoch, 601, event_id, tenant_id, logical_clock, \
         region, created_at, payload, salt, hash, signature, kind FROM ledger_event \
         WHERE origin = 1 AND sequence = 2",
    )
    .await;
    let findings = scrubbed(ledger).await;
    let mut told: Vec<_> =
        findings.iter().map(|one| (one.place.as_str(), one.found.as_str())).collect();
    // The newest rows are looked at by themselves, and perhaps first.
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("gcp/1/601", "beyond the end of the log"),
            ("gcp/1/7", "the entry of gcp/1/9"),
            ("gcp/1/9", "the entry of gcp/1/7"),
        ]
    );
    assert!(findings.iter().all(Finding::is_repaired));
    let sentence = findings[0].sentence(Cloud::Aws);
    let told = "AWS's copy of gcp/1/7 was the entry of gcp/1/9; repaired from Google Cloud at ";
    assert!(sentence.starts_with(told), "{sentence}");
    assert_eq!(digest(pool).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_holds_under_no_pinned_key_is_taken_out() {
    let clouds = filled().await;
    let (pool, ledger) = (&clouds.databases.aws.pool, clouds.ledger(Cloud::Aws));
    let first: i64 = sqlx::query_scalar("SELECT min(size) FROM ledger_signature WHERE origin = 1")
        .fetch_one(pool)
        .await
        .expect("readable");
    edit(
        pool,
        &format!(
            "UPDATE ledger_signature SET root = sha256('x') WHERE size = {first} AND signer = 2"
        ),
    )
    .await;
    edit(
        pool,
        &format!("UPDATE ledger_signature SET lines = 'x' WHERE size = {first} AND signer = 1"),
    )
    .await;
    let found = named(&scrubbed(ledger).await);
    let at = |signer: &str, field: &str| {
        (format!("gcp/1 signature of {signer} at {first}"), field.to_owned(), true)
    };
    assert_eq!(found, [at("aws", "root"), at("gcp", "signature")]);
    receipt_holds(ledger, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_reachable_cloud_has_lost_is_said_and_not_guessed() {
    let mut clouds = filled().await;
    clouds.stop(Cloud::Azure).await;
    for cloud in [Cloud::Gcp, Cloud::Aws] {
        let pool = &clouds.databases.get(cloud).pool;
        edit(pool, "UPDATE ledger_event SET payload = '{}' WHERE origin = 1 AND sequence = 8")
            .await;
    }
    let ledger = Arc::clone(clouds.ledger(Cloud::Aws));
    let findings = scrubbed(&ledger).await;
    assert_eq!(named(&findings), [("gcp/1/8".to_owned(), "content".to_owned(), false)]);
    let Outcome::Open { reason } = &findings[0].outcome else { panic!("{findings:?}") };
    assert!(reason.contains("nothing was guessed"), "{reason}");
    let pool = clouds.databases.aws.pool.clone();
    let payload = "SELECT payload FROM ledger_event WHERE origin = 1 AND sequence = 8";
    let stands: Vec<u8> = sqlx::query_scalar(payload).fetch_one(&pool).await.expect("a row");
    assert_eq!(stands, b"{}", "it stays as it was found");
    assert_eq!(ledger.scrub_status().open.len(), 1);
    clouds.start(Cloud::Azure).await;
    scrubbed(&ledger).await;
    let status = ledger.scrub_status();
    assert_eq!((status.open.len(), status.repaired), (0, 1), "{status:?}");
    receipt_holds(&ledger, 8).await;
}

/// A pass takes longer than this many milliseconds: 1,000 rows a second.
const LONG: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_entries_are_repaired_long_before_a_pass_gets_there() {
    let clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, LONG).await;
    clouds.until_equal(PerCloud { gcp: LONG as u64, aws: 0, azure: 0 }).await;
    let (pool, ledger) = (&clouds.databases.aws.pool, clouds.ledger(Cloud::Aws));
    let checked = || {
        let status = ledger.scrub_status();
        let of_gcp = status.logs.into_iter().find(|log| log.log.origin == Cloud::Gcp);
        of_gcp.filter(|log| log.size == LONG as u64).map_or(0, |log| log.checked)
    };
    let begun = async {
        while !(1..2_000).contains(&checked()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        edit(pool, "UPDATE ledger_event SET payload = '{}' WHERE origin = 1 AND sequence = 9999")
            .await;
        while ledger.scrub_status().repaired == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        checked()
    };
    let checked = tokio::time::timeout(Duration::from_secs(60), begun).await.expect("repaired");
    assert!(checked < 9_000, "the pass was at {checked} already");
    let found = named(&ledger.scrub_status().findings);
    assert_eq!(found, [("gcp/1/9999".to_owned(), "payload".to_owned(), true)]);
    receipt_holds(ledger, 9_999).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_nobody_touched_is_never_blamed_however_busy() {
    let clouds = Deployment::running().await;
    let load = async {
        for _ in 0..6 {
            for cloud in Cloud::ALL {
                clouds.record(cloud, 60).await;
            }
        }
    };
    let passes = async {
        for _ in 0..2 {
            for cloud in Cloud::ALL {
                scrubbed(clouds.ledger(cloud)).await;
            }
        }
    };
    tokio::join!(load, passes);
    for cloud in Cloud::ALL {
        assert_eq!(scrubbed(clouds.ledger(cloud)).await, [], "{cloud}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_done_while_a_cloud_is_down_is_repaired_before_it_goes_on() {
    let mut clouds = filled().await;
    clouds.stop(Cloud::Gcp).await;
    let pool = clouds.databases.gcp.pool.clone();
    let before = digest(&pool).await;
    edit(&pool, "DELETE FROM ledger_event WHERE origin = 1 AND sequence >= 597").await;
    edit(&pool, "UPDATE ledger_log SET size = 597 WHERE origin = 1").await;
    clouds.start(Cloud::Gcp).await;
    assert_eq!(digest(&pool).await, before);
    let ledger = clouds.ledger(Cloud::Gcp);
    assert_eq!(ledger.scrub_status().repaired, 4, "three rows and the head");
    let next = clouds.record(Cloud::Gcp, 1).await;
    assert_eq!(next[0].slot.sequence, ENTRIES as u64);
    receipt_holds(ledger, 598).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_checked_by_itself_names_what_is_wrong_and_stays_as_it_is() {
    use server::ledger::{Check, check};
    let clouds = filled().await;
    let pool = clouds.databases.azure.pool.clone();
    let policy = domain::epoch::Register::new(clouds.roster.genesis()).policy();
    let clean = check(&pool, &Check::Policy(&policy)).await.expect("checked");
    assert_eq!((clean.found, clean.logs[0].checked), (0, ENTRIES as u64));
    let mut clouds = clouds;
    clouds.stop(Cloud::Azure).await;
    edit(&pool, "UPDATE ledger_event SET payload = '{}' WHERE origin = 1 AND sequence = 8").await;
    edit(&pool, "DELETE FROM ledger_event WHERE origin = 1 AND sequence = 599").await;
    let before = digest(&pool).await;
    let found = check(&pool, &Check::Roster(&clouds.roster)).await;
    let open = found.expect("checked").open;
    let places: Vec<_> = open.iter().map(|one| (one.place.as_str(), one.field.as_str())).collect();
    assert!(places.contains(&("gcp/1/8", "content")), "{places:?}");
    let folder = Folder::new();
    let policy = folder.write("ternion.policy", policy.to_string());
    let url = &clouds.databases.azure.url;
    let ran = fsck(&["--database-url", url, "--policy", &policy]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("gcp/1/8: content is wrong"), "{ran:?}");
    assert_eq!(digest(&pool).await, before);
    let url = &clouds.databases.aws.url;
    let ran = fsck(&["--database-url", url, "--policy", &policy, "--json"]).await;
    let told: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, &told["found"]), (0, &serde_json::json!(0)), "{told}");
}

async fn fsck(arguments: &[&str]) -> Ran {
    let all = ["fsck"].iter().chain(arguments);
    ternion_beside(all.map(|one| (*one).to_owned()).collect()).await
}
