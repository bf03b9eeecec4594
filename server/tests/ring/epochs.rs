//! Epochs on three clouds: keys change while events come in, logs end and go on.

use domain::cloud::{Cloud, PerCloud};
use domain::epoch::Reason;
use domain::log::LogId;
use domain::receipt::{Verdict, verify};
use server::ledger::{BeginError, Ledger, LostError, StartError, replace_lost_keys};
use tokio::time::{Duration, sleep, timeout};

use crate::clouds::PATIENCE;
use crate::three::{Deployment, submission};

const fn log(origin: Cloud, epoch: u32) -> LogId {
    LogId { origin, epoch }
}

/// Waits until every cloud knows that `origin` records in `epoch`, and that others approved it.
async fn until_epoch(clouds: &Deployment, origin: Cloud, epoch: u32) {
    let known = |ledger: &Ledger| ledger.register().newest_approved(origin) == log(origin, epoch);
    let all = async {
        while !Cloud::ALL.into_iter().all(|cloud| known(clouds.ledger(cloud))) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, all).await.expect("every cloud learns of the epoch");
}

/// Waits until everything that `origin` recorded is final and replicated at every cloud.
async fn until_settled(clouds: &Deployment, origin: Cloud) {
    let size = clouds.marks(origin).log(origin).head.size;
    for cloud in Cloud::ALL {
        clouds
            .until(cloud, "all replicated", |marks| marks.log(origin).replicated_size == size)
            .await;
    }
}

/// Honest clouds refuse each other nothing, however their keys change.
async fn nobody_refuses(clouds: &Deployment) {
    let refused = clouds.refused_after_talk().await;
    assert!(refused.is_empty(), "{refused:#?}");
}

async fn receipt_is_valid(clouds: &Deployment, id: domain::event::EventId) {
    let ledger = clouds.ledger(Cloud::Azure);
    let record = ledger.find(id).await.expect("read").pop().expect("recorded");
    let receipt = ledger.receipt(&record).await.expect("a receipt");
    let checked = verify(&receipt, Some(&ledger.policy()));
    assert_eq!(checked.verdict, Verdict::Valid, "{checked:#?}");
}

#[tokio::test]
async fn keys_rotate_without_downtime_and_old_receipts_stay_valid() {
    let clouds = Deployment::running().await;
    let before = clouds.record(Cloud::Gcp, 5).await;
    let begun = clouds.ledger(Cloud::Gcp).begin_epoch(Reason::Rotation).await.expect("begun");
    assert_eq!(begun, log(Cloud::Gcp, 2));
    // Recorded at once, in the new log, whoever has approved it by now.
    let after = clouds.record(Cloud::Gcp, 5).await;
    assert!(after.iter().all(|accepted| accepted.slot.epoch == 2));
    until_epoch(&clouds, Cloud::Gcp, 2).await;
    until_settled(&clouds, Cloud::Gcp).await;
    for cloud in Cloud::ALL {
        let marks = clouds.marks(cloud);
        assert_eq!(marks.final_vector(), PerCloud { gcp: 10, aws: 0, azure: 0 });
        assert_eq!(marks.view(log(Cloud::Gcp, 1)).expect("known").final_size, 5);
        assert_eq!(marks.pending(), 0);
    }
    for accepted in before.iter().chain(&after) {
        receipt_is_valid(&clouds, accepted.event_id).await;
    }
    let keys = clouds.ledger(Cloud::Aws).register().of(Cloud::Gcp).clone();
    assert_ne!(keys[0].keys.log, keys[1].keys.log);
}

#[tokio::test]
async fn a_rotated_cloud_goes_on_after_a_restart_and_a_late_one_catches_up() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Aws, 3).await;
    until_settled(&clouds, Cloud::Aws).await;
    clouds.stop(Cloud::Azure).await;
    clouds.ledger(Cloud::Aws).begin_epoch(Reason::Rotation).await.expect("begun");
    clouds.record(Cloud::Aws, 4).await;
    clouds.until(Cloud::Aws, "final by two", |marks| marks.log(Cloud::Aws).final_size == 4).await;
    clouds.stop(Cloud::Aws).await;
    clouds.start(Cloud::Aws).await;
    clouds.record(Cloud::Aws, 2).await;
    clouds.start(Cloud::Azure).await;
    until_epoch(&clouds, Cloud::Aws, 2).await;
    until_settled(&clouds, Cloud::Aws).await;
    assert_eq!(clouds.marks(Cloud::Azure).final_vector().aws, 9);
    for cloud in Cloud::ALL {
        clouds.stop(cloud).await;
        clouds.start(cloud).await;
    }
    clouds.record(Cloud::Aws, 1).await;
    until_settled(&clouds, Cloud::Aws).await;
    nobody_refuses(&clouds).await;
}

#[tokio::test]
async fn an_epoch_that_nobody_approves_keeps_its_events_pending_and_holds_later() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 2).await;
    until_settled(&clouds, Cloud::Gcp).await;
    clouds.stop(Cloud::Aws).await;
    clouds.stop(Cloud::Azure).await;
    clouds.ledger(Cloud::Gcp).begin_epoch(Reason::Rotation).await.expect("begun");
    let waiting = clouds.record(Cloud::Gcp, 3).await;
    assert_eq!(clouds.marks(Cloud::Gcp).pending(), 3);
    let again = clouds.ledger(Cloud::Gcp).begin_epoch(Reason::Rotation).await;
    assert!(matches!(again, Err(BeginError::Unfinished(_))));
    // What was proposed survives a restart.
    clouds.stop(Cloud::Gcp).await;
    clouds.start(Cloud::Gcp).await;
    assert_eq!(clouds.marks(Cloud::Gcp).log(Cloud::Gcp).log, log(Cloud::Gcp, 2));
    clouds.start(Cloud::Aws).await;
    clouds.start(Cloud::Azure).await;
    until_epoch(&clouds, Cloud::Gcp, 2).await;
    until_settled(&clouds, Cloud::Gcp).await;
    receipt_is_valid(&clouds, waiting[2].event_id).await;
}

#[tokio::test]
async fn a_stolen_key_is_replaced_when_both_others_agree() {
    let clouds = Deployment::running().await;
    clouds.record(Cloud::Azure, 3).await;
    until_settled(&clouds, Cloud::Azure).await;
    clouds.ledger(Cloud::Azure).begin_epoch(Reason::KeyStolen).await.expect("begun");
    let after = clouds.record(Cloud::Azure, 2).await;
    for cloud in [Cloud::Gcp, Cloud::Aws] {
        assert_eq!(clouds.ledger(cloud).register().newest_approved(Cloud::Azure).epoch, 1);
        assert_eq!(clouds.agree(cloud).await.reason, Reason::KeyStolen);
    }
    until_epoch(&clouds, Cloud::Azure, 2).await;
    until_settled(&clouds, Cloud::Azure).await;
    receipt_is_valid(&clouds, after[0].event_id).await;
}

#[tokio::test]
async fn a_stolen_key_is_replaced_while_events_are_on_their_way() {
    let clouds = Deployment::running().await;
    clouds.record(Cloud::Azure, 2).await;
    until_settled(&clouds, Cloud::Azure).await;
    // Durable here, and not confirmed yet by those who are being sent it.
    let under_way = clouds.record(Cloud::Azure, 100).await;
    clouds.ledger(Cloud::Azure).begin_epoch(Reason::KeyStolen).await.expect("begun");
    clouds.agree(Cloud::Gcp).await;
    clouds.agree(Cloud::Aws).await;
    until_epoch(&clouds, Cloud::Azure, 2).await;
    until_settled(&clouds, Cloud::Azure).await;
    receipt_is_valid(&clouds, under_way[99].event_id).await;
    nobody_refuses(&clouds).await;
}

#[tokio::test]
async fn events_that_nobody_certified_are_recorded_again_byte_for_byte() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 4).await;
    until_settled(&clouds, Cloud::Gcp).await;
    clouds.stop(Cloud::Aws).await;
    clouds.stop(Cloud::Azure).await;
    let lost = clouds.record(Cloud::Gcp, 3).await;
    let old = clouds.ledger(Cloud::Gcp).at(lost[1].slot).await.expect("read").expect("recorded");
    clouds.ledger(Cloud::Gcp).begin_epoch(Reason::KeyLost).await.expect("begun");
    clouds.start(Cloud::Aws).await;
    clouds.start(Cloud::Azure).await;
    for cloud in [Cloud::Aws, Cloud::Azure] {
        clouds.agree(cloud).await;
    }
    until_epoch(&clouds, Cloud::Gcp, 2).await;
    until_settled(&clouds, Cloud::Gcp).await;
    let found = clouds.ledger(Cloud::Aws).find(old.event.event_id).await.expect("read");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].slot.epoch, found[0].slot.sequence), (2, 1));
    assert_eq!((found[0].hash, &found[0].event), (old.hash, &old.event));
    receipt_is_valid(&clouds, old.event.event_id).await;
    let repeat = clouds.ledger(Cloud::Gcp).submit(vec![submission(0)]).await;
    assert!(repeat[0].is_ok());
    nobody_refuses(&clouds).await;
    for cloud in Cloud::ALL {
        let ledger = clouds.ledger(cloud);
        timeout(PATIENCE, ledger.scrub_now()).await.expect("a pass");
        assert!(ledger.scrub_status().findings.is_empty(), "{:#?}", ledger.scrub_status());
    }
}

#[tokio::test]
async fn a_cloud_whose_keys_are_lost_says_so_and_goes_on_when_both_others_agree() {
    let mut clouds = Deployment::running().await;
    let first = clouds.record(Cloud::Gcp, 2).await;
    clouds.ledger(Cloud::Gcp).begin_epoch(Reason::Rotation).await.expect("begun");
    clouds.record(Cloud::Gcp, 3).await;
    until_epoch(&clouds, Cloud::Gcp, 2).await;
    until_settled(&clouds, Cloud::Gcp).await;
    clouds.stop(Cloud::Gcp).await;
    std::fs::remove_dir_all(clouds.folders.gcp.0.join("epoch-2")).expect("lost");
    let why = clouds.refuses_to_start(Cloud::Gcp).await;
    assert!(matches!(why, StartError::Keys(lost) if lost == log(Cloud::Gcp, 2)), "{why}");
    assert!(why.to_string().contains("ternion epoch lost"), "{why}");
    let pool = &clouds.databases.gcp.pool;
    let prepare = || async {
        let keys = clouds.keyring(Cloud::Gcp);
        replace_lost_keys(pool, &clouds.roster, &keys, Cloud::Gcp).await
    };
    let record = prepare().await.expect("prepared");
    assert_eq!((record.epoch, record.closing.size), (3, 3));
    assert!(matches!(prepare().await, Err(LostError::Prepared(_))));
    clouds.start(Cloud::Gcp).await;
    let after = clouds.record(Cloud::Gcp, 2).await;
    assert_eq!(after[0].slot.epoch, 3);
    clouds.agree(Cloud::Aws).await;
    clouds.agree(Cloud::Azure).await;
    until_epoch(&clouds, Cloud::Gcp, 3).await;
    until_settled(&clouds, Cloud::Gcp).await;
    receipt_is_valid(&clouds, first[0].event_id).await;
    receipt_is_valid(&clouds, after[1].event_id).await;
    // The missing folder between does not hide the newer keys at the next start.
    clouds.stop(Cloud::Gcp).await;
    clouds.start(Cloud::Gcp).await;
    clouds.record(Cloud::Gcp, 1).await;
    until_settled(&clouds, Cloud::Gcp).await;
    nobody_refuses(&clouds).await;
}

#[tokio::test]
async fn keys_that_are_here_are_not_replaced_as_lost() {
    let clouds = Deployment::running().await;
    let keys = clouds.keyring(Cloud::Aws);
    let pool = &clouds.databases.aws.pool;
    let refused = replace_lost_keys(pool, &clouds.roster, &keys, Cloud::Aws).await;
    assert!(matches!(refused, Err(LostError::Held(_))), "{refused:?}");
}

#[tokio::test]
async fn a_key_folder_that_was_made_anew_is_found_out_before_a_second_history_begins() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Azure, 2).await;
    until_settled(&clouds, Cloud::Azure).await;
    clouds.stop(Cloud::Azure).await;
    clouds.make_keys_anew(Cloud::Azure);
    let why = clouds.refuses_to_start(Cloud::Azure).await;
    assert!(matches!(why, StartError::OtherKeys(_)), "{why}");
}
