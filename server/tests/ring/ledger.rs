//! The ledger across three clouds: finality, repeats, catching up, faults.

use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::event::Payload;
use domain::finality::Finality;
use domain::receipt::{Verdict, verify};
use server::config::Limits;
use server::ledger::{EventFilter, NoReceipt, Submission, SubmitError};
use sqlx::postgres::PgPoolOptions;

use crate::clouds::PATIENCE;
use crate::three::{Deployment, submission, submit_one, with_id};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_becomes_final_and_then_replicated_on_all_three_clouds() {
    let clouds = Deployment::running().await;
    let recorded = clouds.record(Cloud::Gcp, 1).await[0];
    for cloud in Cloud::ALL {
        clouds.until(cloud, "the event is final", |marks| marks.is_final(recorded.slot)).await;
        clouds
            .until(cloud, "all three signed", |marks| marks.signed(recorded.slot).replicated())
            .await;
        let found = clouds.ledger(cloud).find(recorded.event_id).await.expect("readable");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].hash, recorded.hash);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_from_every_cloud_hold_under_the_deployments_policy() {
    let clouds = Deployment::running().await;
    // Beyond one tile, so that proofs cross tiles.
    let recorded = clouds.record(Cloud::Aws, 600).await;
    let sizes = PerCloud { gcp: 0, aws: 600, azure: 0 };
    clouds.until_equal(sizes).await;
    for cloud in Cloud::ALL {
        clouds.until(cloud, "final", |marks| marks.log(Cloud::Aws).final_size == 600).await;
        for at in [0, 1, 255, 256, 511, 599] {
            let ledger = clouds.ledger(cloud);
            let record = ledger.at(recorded[at].slot).await.expect("readable").expect("stored");
            let receipt = ledger.receipt(&record).await.expect("final events have receipts");
            let verification = verify(&receipt, Some(&ledger.policy()));
            assert_eq!(verification.verdict, Verdict::Valid, "{cloud} {at}: {verification:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_cloud_records_but_finalizes_nothing_and_gives_no_receipt() {
    let mut clouds = Deployment::new().await;
    clouds.start(Cloud::Azure).await;
    let recorded = clouds.record(Cloud::Azure, 3).await;
    let ledger = clouds.ledger(Cloud::Azure);
    assert_eq!(clouds.marks(Cloud::Azure).finality(recorded[2].slot), Finality::Pending);
    let record = ledger.at(recorded[2].slot).await.expect("readable").expect("stored");
    assert!(matches!(ledger.receipt(&record).await, Err(NoReceipt::NotFinal(_))));
    let pending = EventFilter { status: Some(Finality::Pending), ..EventFilter::default() };
    assert_eq!(ledger.list(&pending, None, 10).await.expect("readable").items.len(), 3);
    clouds.start(Cloud::Gcp).await;
    clouds.until(Cloud::Azure, "final", |marks| marks.is_final(recorded[2].slot)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_cloud_catches_up_by_itself_with_logs_whose_origin_is_down() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 50).await;
    clouds.until_equal(PerCloud { gcp: 50, aws: 0, azure: 0 }).await;
    clouds.stop(Cloud::Azure).await;
    let recorded = clouds.record(Cloud::Gcp, 700).await;
    clouds.record(Cloud::Aws, 30).await;
    let last = recorded.last().expect("recorded").slot;
    clouds.until(Cloud::Aws, "two of three go on", |marks| marks.is_final(last)).await;
    clouds.stop(Cloud::Gcp).await;
    clouds.start(Cloud::Azure).await;
    clouds.until_equal(PerCloud { gcp: 750, aws: 30, azure: 0 }).await;
    clouds.start(Cloud::Gcp).await;
    clouds.until(Cloud::Gcp, "replicated", |marks| marks.signed(last).replicated()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cloud_missed_comes_in_ranges_of_bounded_payload() {
    let mut clouds = Deployment::new().await;
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    let large = |number: usize| {
        let value = serde_json::json!({ "number": number, "text": "x".repeat(60_000) });
        Submission { payload: Payload::from_value(&value).expect("valid"), ..submission(0) }
    };
    let calls = (0..150).map(|number| submit_one(clouds.ledger(Cloud::Gcp), large(number)));
    let recorded = futures::future::join_all(calls).await;
    assert!(recorded.iter().all(Result::is_ok));
    clouds.until_equal(PerCloud { gcp: 150, aws: 0, azure: 0 }).await;
    // From another copy, which reads its rows: the origin would send from memory.
    clouds.stop(Cloud::Gcp).await;
    clouds.start(Cloud::Azure).await;
    clouds.until_equal(PerCloud { gcp: 150, aws: 0, azure: 0 }).await;
    // Azure signed where each range ended.
    let sql = "
        SELECT max(bytes) FROM (
            SELECT sum(octet_length(event.payload)) AS bytes
            FROM ledger_event AS event, LATERAL (
                SELECT min(size) AS range_end FROM ledger_signature AS signature
                WHERE signature.origin = 1 AND signer = 3 AND size > event.sequence) AS signed
            WHERE event.origin = 1 GROUP BY range_end) AS range";
    let pool = &clouds.databases.azure.pool;
    let largest: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.expect("readable");
    assert!((60_000..4 * 1024 * 1024).contains(&largest), "{largest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_the_same_fields_is_answered_alike_and_with_others_refused() {
    let clouds = Deployment::running().await;
    let ledger = clouds.ledger(Cloud::Gcp);
    let first = submit_one(ledger, with_id(7, 1)).await.expect("recorded");
    let again = submit_one(ledger, with_id(7, 1)).await.expect("a repeat");
    assert!(!first.repeat && again.repeat);
    assert_eq!((again.slot, again.hash), (first.slot, first.hash));
    let other = submit_one(ledger, with_id(7, 2)).await;
    assert!(
        matches!(other, Err(SubmitError::Conflict { slot: Some(slot), .. }) if slot == first.slot)
    );
    let within = ledger.submit(vec![with_id(8, 1), with_id(8, 1), with_id(8, 2)]).await;
    assert_eq!(within[0].as_ref().expect("new").slot, within[1].as_ref().expect("repeat").slot);
    assert!(matches!(within[2], Err(SubmitError::Conflict { slot: None, .. })));
    assert_eq!(clouds.marks(Cloud::Gcp).log(Cloud::Gcp).head.size, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_recorded_at_another_cloud_is_recognised_once_it_has_arrived() {
    let clouds = Deployment::running().await;
    let first = submit_one(clouds.ledger(Cloud::Gcp), with_id(9, 1)).await.expect("recorded");
    clouds.until(Cloud::Aws, "it arrived", |marks| marks.is_final(first.slot)).await;
    let again = submit_one(clouds.ledger(Cloud::Aws), with_id(9, 1)).await.expect("a repeat");
    assert_eq!((again.repeat, again.slot), (true, first.slot));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_that_race_through_many_calls_are_recorded_once() {
    let clouds = Deployment::running().await;
    let ledger = clouds.ledger(Cloud::Gcp);
    let calls = (0..200).map(|at| submit_one(ledger, with_id(100 + at % 10, 1)));
    let answers = futures::future::join_all(calls).await;
    let slots: std::collections::BTreeSet<_> =
        answers.into_iter().map(|answer| answer.expect("recorded").slot).collect();
    assert_eq!(slots.len(), 10);
    assert_eq!(clouds.marks(Cloud::Gcp).log(Cloud::Gcp).head.size, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_killed_under_load_keeps_everything_that_it_acknowledged() {
    let mut clouds = Deployment::running().await;
    let ledger = std::sync::Arc::clone(clouds.ledger(Cloud::Gcp));
    let load = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for number in 0.. {
            match submit_one(&ledger, submission(number)).await {
                Ok(accepted) => acknowledged.push(accepted),
                Err(_) => break,
            }
        }
        acknowledged
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    clouds.kill(Cloud::Gcp);
    let acknowledged = load.await.expect("the load ends");
    assert!(!acknowledged.is_empty());
    clouds.start(Cloud::Gcp).await;
    let last = acknowledged.last().expect("some").slot;
    for cloud in [Cloud::Azure, Cloud::Aws] {
        clouds.until(cloud, "all final", |marks| marks.is_final(last)).await;
    }
    let head = clouds.marks(Cloud::Gcp).log(Cloud::Gcp).head.size;
    assert!(head as usize >= acknowledged.len());
    for accepted in acknowledged {
        let found = clouds.ledger(Cloud::Aws).at(accepted.slot).await.expect("readable");
        assert_eq!(found.expect("still there").hash, accepted.hash);
    }
    for cloud in Cloud::ALL {
        assert_eq!(clouds.ledger(cloud).scrub_status().findings, [], "{cloud} is not damaged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_as_final_is_final_after_a_kill_with_nobody_to_ask() {
    let mut clouds = Deployment::new().await;
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    let pool = clouds.databases.gcp.pool.clone();
    let write_none = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON ledger_signature FOR EACH ROW
            WHEN (NEW.signer <> 1) EXECUTE FUNCTION refuse()";
    sqlx::raw_sql(write_none).execute(&pool).await.expect("a trigger");
    let slot = clouds.record(Cloud::Gcp, 1).await[0].slot;
    let ledger = clouds.ledger(Cloud::Gcp);
    let heard = async {
        let log = ledger.log_id(Cloud::Gcp);
        while !ledger.checkpoint(log).is_some_and(|note| note.contains("/aws/cosigner")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("AWS signs");
    assert!(!clouds.marks(Cloud::Gcp).is_final(slot), "its signature is not written down yet");
    sqlx::raw_sql("DROP TRIGGER refuse ON ledger_signature").execute(&pool).await.expect("gone");
    clouds.until(Cloud::Gcp, "final", |marks| marks.is_final(slot)).await;
    clouds.kill(Cloud::Gcp);
    clouds.stop(Cloud::Aws).await;
    clouds.start(Cloud::Gcp).await;
    assert!(clouds.marks(Cloud::Gcp).is_final(slot));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_intake_says_so_and_recovers_by_itself() {
    let mut clouds = Deployment::new().await;
    let url = clouds.databases.gcp.url.clone();
    let wait = Duration::from_millis(500);
    let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(wait).connect_lazy(&url);
    let pool = pool.expect("an address");
    clouds.start_on(Cloud::Gcp, pool.clone(), pool).await;
    clouds.start(Cloud::Aws).await;
    clouds.record(Cloud::Gcp, 5).await;
    clouds.databases.gcp.refuse_connections(true).await;
    let refused = submit_one(clouds.ledger(Cloud::Gcp), submission(6)).await;
    assert!(matches!(refused, Err(SubmitError::Unavailable(_))), "{refused:?}");
    clouds.databases.gcp.refuse_connections(false).await;
    let recorded = loop {
        if let Ok(recorded) = submit_one(clouds.ledger(Cloud::Gcp), submission(7)).await {
            break recorded;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    clouds.until(Cloud::Aws, "final again", |marks| marks.is_final(recorded.slot)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_gather_up_to_the_configured_size_and_no_more_wait_than_configured() {
    let mut clouds = Deployment::new().await;
    let limits =
        Limits { intake_events: 10, batch_events: 5, batch_ms: 1_000, ..Limits::default() };
    clouds.limit(limits);
    clouds.start(Cloud::Gcp).await;
    let ledger = clouds.ledger(Cloud::Gcp);
    let too_many = ledger.submit((0..11).map(submission).collect()).await;
    assert!(too_many.iter().all(|answer| matches!(answer, Err(SubmitError::Busy))));
    for _ in 0..2 {
        // One after the other: without gathering the first would be on its way alone.
        let five = (0..5).map(async |number| {
            tokio::time::sleep(Duration::from_millis(10) * number).await;
            submit_one(ledger, submission(number as usize)).await
        });
        let five = futures::future::join_all(five).await;
        assert!(five.iter().all(Result::is_ok), "{five:?}");
    }
    let sql = "SELECT size FROM ledger_signature WHERE origin = 1 AND signer = 1 ORDER BY size";
    let pool = &clouds.databases.gcp.pool;
    let heads: Vec<i64> = sqlx::query_scalar(sql).fetch_all(pool).await.expect("readable");
    assert_eq!(heads, [5, 10], "each batch waited for its five, and not for a sixth");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_hold_every_connection_keep_no_event_from_becoming_final() {
    let mut clouds = Deployment::new().await;
    let database = &clouds.databases.gcp;
    let (url, writers) = (database.url.clone(), database.writers.clone());
    let wait = Duration::from_millis(500);
    let pool = PgPoolOptions::new().max_connections(4).acquire_timeout(wait).connect_lazy(&url);
    let pool = pool.expect("an address");
    clouds.start_on(Cloud::Gcp, pool.clone(), writers).await;
    clouds.start(Cloud::Aws).await;
    let mut reads = Vec::new();
    while let Ok(read) = pool.acquire().await {
        reads.push(read);
    }
    assert!(!reads.is_empty());
    let ours = submit_one(clouds.ledger(Cloud::Gcp), with_id(1, 1)).await.expect("recorded");
    let theirs = submit_one(clouds.ledger(Cloud::Aws), with_id(2, 1)).await.expect("recorded");
    for recorded in [ours, theirs] {
        clouds.until(Cloud::Gcp, "final", |marks| marks.is_final(recorded.slot)).await;
    }
    assert!(clouds.ledger(Cloud::Gcp).find(ours.event_id).await.is_err(), "no reader got through");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_the_logical_clock_in_both_directions_without_gap_or_repeat() {
    let clouds = Deployment::running().await;
    for cloud in [Cloud::Gcp, Cloud::Aws, Cloud::Gcp] {
        clouds.record(cloud, 20).await;
    }
    clouds.until_equal(PerCloud { gcp: 40, aws: 20, azure: 0 }).await;
    let ledger = clouds.ledger(Cloud::Azure);
    let filter = EventFilter::default();
    let (mut seen, mut cursor) = (Vec::new(), None);
    let last = loop {
        let page = ledger.list(&filter, cursor, 7).await.expect("readable");
        seen.extend(page.items.iter().map(|record| record.cursor(false)));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break page,
        }
    };
    assert_eq!(seen.len(), 60);
    let order = |at: &server::ledger::EventCursor| (at.logical_clock, at.origin);
    assert!(seen.windows(2).all(|pair| order(&pair[0]) > order(&pair[1])));
    let newer = ledger.list(&filter, last.previous, 7).await.expect("readable");
    let expected: Vec<_> = seen[60 - last.items.len() - 7..60 - last.items.len()].to_vec();
    assert_eq!(newer.items.iter().map(|r| r.cursor(false)).collect::<Vec<_>>(), expected);
}
