//! Somebody inside a cloud tries to slip events in, and to tell two stories.

use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{Reason, Register};
use domain::event::{Region, Slot};
use domain::finality::Finality;
use domain::key::SigningKey;
use domain::log::{Checkpoint, LogId};
use domain::note::Note;
use server::keys::CloudKeys;
use server::ledger::{Insider, InsiderError, Reaction, SubmitError};
use server::quarantine::Quarantine;

use crate::clouds::PATIENCE;
use crate::three::{Deployment, submission};

const LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 1 };

async fn inside_gcp(clouds: &Deployment) -> Insider {
    let region = Region::try_from("ring-1".to_owned()).expect("a region");
    let pool = clouds.databases.gcp.pool.clone();
    let quarantine = Quarantine::unattended(pool.clone());
    let channel = clouds.channel(Cloud::Gcp, &quarantine);
    let entered = Insider::enter(region, channel, clouds.keyring(Cloud::Gcp), pool).await;
    entered.expect("inside")
}

/// All of gcp's log is everywhere, but for the last events, which only gcp holds.
async fn with_news(count: usize) -> Deployment {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 300).await;
    clouds.until_equal(PerCloud { gcp: 300, aws: 0, azure: 0 }).await;
    for peer in Cloud::Gcp.peers() {
        clouds.stop(peer).await;
    }
    clouds.record(Cloud::Gcp, count).await;
    clouds.stop(Cloud::Gcp).await;
    for peer in Cloud::Gcp.peers() {
        clouds.start(peer).await;
    }
    clouds
}

fn size_at(clouds: &Deployment, cloud: Cloud) -> u64 {
    clouds.marks(cloud).log(Cloud::Gcp).head.size
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_keys_and_a_payload_changed_under_way_are_refused_and_nothing_is_stored() {
    let clouds = with_news(1).await;
    let insider = inside_gcp(&clouds).await;
    let key = |seed| SigningKey::from_seed([seed; 32]);
    let made_up =
        CloudKeys { log: key(201).into(), cosigner: key(202).into(), transport: key(203) };
    for to in Cloud::Gcp.peers() {
        let forged = insider.forge_with(&made_up, to).await.expect("an answer");
        let Reaction::Refused(reason) = forged else { panic!("{to}: {forged:?}") };
        assert!(reason.contains("is pinned"), "{reason}");
        let changed = insider.change_under_way(to).await.expect("an answer");
        let Reaction::Refused(reason) = changed else { panic!("{to}: {changed:?}") };
        assert!(reason.contains("root"), "{reason}");
        assert_eq!(size_at(&clouds, to), 300);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_lacks_nothing_can_be_told_no_second_story() {
    let clouds = Deployment::running().await;
    clouds.record(Cloud::Gcp, 3).await;
    clouds.until_equal(PerCloud { gcp: 3, aws: 0, azure: 0 }).await;
    let nothing =
        inside_gcp(&clouds).await.fork(Cloud::Aws).await.expect_err("it holds everything");
    assert!(matches!(nothing, InsiderError::NothingNew(Cloud::Aws, _)), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_of_one_size_stand_under_the_same_keys() {
    let mut clouds = with_news(2).await;
    let fork = inside_gcp(&clouds).await.fork(Cloud::Azure).await.expect("shown");
    assert!(matches!(fork.reaction, Reaction::Taken(_)), "{:?}", fork.reaction);
    assert_eq!(fork.honest.head.size, fork.other.head.size);
    assert_ne!(fork.honest.head.root, fork.other.head.root);
    assert_ne!(fork.honest.event_id, fork.other.event_id);
    let register = Register::new(clouds.roster.genesis());
    let log_key = register.log_key(LOG).expect("the log's key");
    let cosigner = |cloud: Cloud| {
        register.cosigner_keys(cloud.into(), LOG, fork.honest.head).pop().expect("its key")
    };
    for branch in [&fork.honest, &fork.other] {
        let note = Note::parse(&branch.note).expect("a note");
        let checkpoint = Checkpoint::parse(&note.text).expect("a checkpoint");
        assert_eq!(checkpoint.head, branch.head);
        assert!(note.check(&log_key).is_valid(), "by the log's key");
        assert!(note.check(&cosigner(Cloud::Gcp)).is_valid(), "by its cosigner");
    }
    let other = Note::parse(&fork.other.note).expect("a note");
    assert!(other.check(&cosigner(Cloud::Azure)).is_valid(), "azure signed what it was shown");
    // gcp comes back and goes on with its own: aws follows, azure cannot.
    clouds.start(Cloud::Gcp).await;
    let size = fork.honest.head.size;
    let honest = |marks: &server::ledger::Watermarks| marks.log(Cloud::Gcp).final_size >= size;
    clouds.until(Cloud::Aws, "gcp's own history", honest).await;
    let root = |cloud| clouds.marks(cloud).log(Cloud::Gcp).head.root;
    assert_eq!(root(Cloud::Aws), root(Cloud::Gcp));
    assert_ne!(root(Cloud::Azure), root(Cloud::Gcp));
    it_is_proven_frozen_and_disputed(&clouds, fork.slot).await;
    a_new_epoch_goes_on(&clouds).await;
}

/// The frozen log takes nothing more. With new keys, to which people at both other clouds agree,
/// gcp records again.
async fn a_new_epoch_goes_on(clouds: &Deployment) {
    let refused = clouds.ledger(Cloud::Gcp).submit(vec![submission(0)]).await.pop();
    assert!(matches!(refused, Some(Err(SubmitError::Frozen))), "{refused:?}");
    clouds.ledger(Cloud::Gcp).begin_epoch(Reason::KeyStolen).await.expect("begun");
    for cloud in Cloud::Gcp.peers() {
        clouds.agree(cloud).await;
    }
    let after = clouds.record(Cloud::Gcp, 1).await[0];
    assert_eq!(after.slot.epoch, 2);
    for cloud in Cloud::ALL {
        clouds.until(cloud, "the new epoch", |marks| marks.is_final(after.slot)).await;
        assert!(!clouds.marks(cloud).log(Cloud::Gcp).frozen, "{cloud}");
        let accusations = clouds.evidences(cloud).accusations();
        assert!(accusations.iter().all(|one| !one.in_use), "the alarm ends: {accusations:?}");
    }
    let refused = clouds.refused_after_talk().await;
    let still = clouds.refused_after_talk().await;
    assert_eq!(refused, still, "nobody goes on telling what the others must refuse");
}

/// Each cloud holds the evidence, signs no more of the log, and holds what both branches made
/// final without effect.
async fn it_is_proven_frozen_and_disputed(clouds: &Deployment, parts_at: Slot) {
    for cloud in Cloud::ALL {
        let proven = async {
            while clouds.evidences(cloud).count() == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, proven).await.expect("the evidence reaches every cloud");
        let page = clouds.evidences(cloud).list(None, 10).await.expect("read");
        assert!(page.items.iter().all(|held| held.proven.cloud() == Cloud::Gcp), "{page:?}");
        clouds.until(cloud, "frozen", |marks| marks.log(Cloud::Gcp).frozen).await;
    }
    for cloud in [Cloud::Aws, Cloud::Azure] {
        let is_disputed = |marks: &server::ledger::Watermarks| {
            marks.finality(parts_at) == Finality::Disputed
                && marks.log(Cloud::Gcp).disputed.is_some_and(|(from, _)| from == parts_at.sequence)
        };
        clouds.until(cloud, "where the histories part", is_disputed).await;
        let before = Slot { sequence: parts_at.sequence - 1, ..parts_at };
        assert_eq!(clouds.marks(cloud).finality(before), Finality::Final);
    }
}
