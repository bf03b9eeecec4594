//! Clouds whose databases are put back from old copies: nothing final is lost, and no place of a log
//! is filled twice.

use domain::cloud::{Cloud, PerCloud};
use domain::epoch::Reason;
use server::ledger::SubmitError;
use tokio::time::{Duration, sleep, timeout};

use crate::clouds::PATIENCE;
use crate::three::{Deployment, submission};

/// Waits until everything that anybody recorded is final and replicated everywhere, and comes to
/// these counts by origin.
async fn until_settled(clouds: &Deployment, counts: PerCloud<u64>) {
    for cloud in Cloud::ALL {
        let settled = |marks: &server::ledger::Watermarks| {
            marks.final_vector() == counts
                && marks.views().all(|view| view.replicated_size == view.head.size)
        };
        clouds.until(cloud, &format!("all of {counts:?}"), settled).await;
    }
}

/// Waits until `cloud` records again.
async fn until_it_records(clouds: &Deployment, cloud: Cloud) {
    let recorded = async {
        while clouds.ledger(cloud).submit(vec![submission(0)]).await[0].is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, recorded).await.expect("the cloud records again");
}

/// Stops a cloud, backs its database up, and starts it again.
async fn back_up(clouds: &mut Deployment, cloud: Cloud) {
    clouds.stop(cloud).await;
    clouds.databases.get(cloud).back_up().await;
    clouds.start(cloud).await;
}

/// Stops a cloud and puts its old database back.
async fn put_back(clouds: &mut Deployment, cloud: Cloud) {
    clouds.stop(cloud).await;
    clouds.databases.get(cloud).restore().await;
}

/// Whether what the cloud remembers beside its keys is put back too.
async fn an_old_copy_is_taken_back(with_memory: bool) {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 5).await;
    until_settled(&clouds, PerCloud { gcp: 5, aws: 0, azure: 0 }).await;
    back_up(&mut clouds, Cloud::Gcp).await;
    let lost = clouds.record(Cloud::Gcp, 4).await;
    until_settled(&clouds, PerCloud { gcp: 9, aws: 0, azure: 0 }).await;
    put_back(&mut clouds, Cloud::Gcp).await;
    if with_memory {
        std::fs::remove_file(clouds.folders.gcp.0.join("heads.json")).expect("it remembered");
    }
    clouds.start(Cloud::Gcp).await;
    until_it_records(&clouds, Cloud::Gcp).await;
    until_settled(&clouds, PerCloud { gcp: 10, aws: 0, azure: 0 }).await;
    let marks = clouds.marks(Cloud::Azure);
    assert_eq!((marks.log(Cloud::Gcp).log.epoch, marks.log(Cloud::Gcp).head.size), (2, 1));
    for accepted in lost {
        let found = clouds.ledger(Cloud::Gcp).find(accepted.event_id).await.expect("read");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].slot, found[0].hash), (accepted.slot, accepted.hash));
    }
}

#[tokio::test]
async fn a_database_that_is_older_than_what_the_cloud_remembers_is_taken_back() {
    an_old_copy_is_taken_back(false).await;
}

#[tokio::test]
async fn a_machine_that_is_put_back_as_a_whole_is_found_out_by_its_peers() {
    an_old_copy_is_taken_back(true).await;
}

#[tokio::test]
async fn two_clouds_that_are_put_back_at_once_recover_each_other() {
    let mut clouds = Deployment::running().await;
    let counts = |each| PerCloud { gcp: each, aws: each, azure: 0 };
    for cloud in [Cloud::Gcp, Cloud::Aws] {
        clouds.record(cloud, 3).await;
    }
    until_settled(&clouds, counts(3)).await;
    back_up(&mut clouds, Cloud::Gcp).await;
    back_up(&mut clouds, Cloud::Aws).await;
    for cloud in [Cloud::Gcp, Cloud::Aws] {
        clouds.record(cloud, 6).await;
    }
    until_settled(&clouds, counts(9)).await;
    put_back(&mut clouds, Cloud::Gcp).await;
    put_back(&mut clouds, Cloud::Aws).await;
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    until_it_records(&clouds, Cloud::Gcp).await;
    until_it_records(&clouds, Cloud::Aws).await;
    until_settled(&clouds, counts(10)).await;
    let epochs = clouds.marks(Cloud::Azure).current().map(|_, view| view.log.epoch);
    assert_eq!(epochs, PerCloud { gcp: 2, aws: 2, azure: 1 });
}

#[tokio::test]
async fn a_restored_cloud_waits_for_a_peer_until_two_people_declare_it_gone() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 2).await;
    until_settled(&clouds, PerCloud { gcp: 2, aws: 0, azure: 0 }).await;
    back_up(&mut clouds, Cloud::Gcp).await;
    clouds.record(Cloud::Gcp, 2).await;
    until_settled(&clouds, PerCloud { gcp: 4, aws: 0, azure: 0 }).await;
    put_back(&mut clouds, Cloud::Gcp).await;
    clouds.stop(Cloud::Azure).await;
    clouds.start(Cloud::Gcp).await;
    clouds.until(Cloud::Gcp, "taken back", |marks| marks.log(Cloud::Gcp).head.size == 4).await;
    let ledger = clouds.ledger(Cloud::Gcp);
    let answer = ledger.submit(vec![submission(0)]).await;
    assert!(matches!(answer[0], Err(SubmitError::Unavailable(_))), "{answer:?}");
    assert_eq!(ledger.declare_gone(Cloud::Azure, "ada@example.com").len(), 1);
    assert_eq!(ledger.declare_gone(Cloud::Azure, "ada@example.com").len(), 1);
    assert!(clouds.marks(Cloud::Gcp).log(Cloud::Gcp).recovering, "one person is not enough");
    assert_eq!(ledger.declare_gone(Cloud::Azure, "ben@example.com").len(), 2);
    until_it_records(&clouds, Cloud::Gcp).await;
    clouds.until(Cloud::Aws, "the new epoch", |marks| marks.final_vector().gcp == 5).await;
    let register = clouds.ledger(Cloud::Aws).register();
    let opened = register.of(Cloud::Gcp)[1].opened_by.clone().expect("by a record");
    let gone = opened.record.gone.expect("who is gone stands in the record");
    assert_eq!(gone.declared_by, ["ada@example.com", "ben@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_the_database_has_forgotten_is_begun_again_only_to_be_ended() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 5).await;
    until_settled(&clouds, PerCloud { gcp: 5, aws: 0, azure: 0 }).await;
    back_up(&mut clouds, Cloud::Gcp).await;
    until_it_records(&clouds, Cloud::Gcp).await;
    until_settled(&clouds, PerCloud { gcp: 6, aws: 0, azure: 0 }).await;
    for peer in Cloud::Gcp.peers() {
        clouds.stop(peer).await;
    }
    let second = clouds.ledger(Cloud::Gcp).begin_epoch(Reason::Rotation).await.expect("begun");
    clouds.record(Cloud::Gcp, 3).await; // signed by the second keys, and seen by nobody
    put_back(&mut clouds, Cloud::Gcp).await;
    for cloud in Cloud::ALL {
        clouds.start(cloud).await;
    }
    until_it_records(&clouds, Cloud::Gcp).await;
    until_settled(&clouds, PerCloud { gcp: 7, aws: 0, azure: 0 }).await;
    for cloud in Cloud::ALL {
        let marks = clouds.marks(cloud);
        assert_eq!(marks.log(Cloud::Gcp).log.epoch, second.epoch + 1, "{cloud}");
        assert_eq!(marks.view(second).map(|view| view.head.size), Some(0), "{cloud}");
    }
}
