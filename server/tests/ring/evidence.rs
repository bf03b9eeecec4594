//! Evidence against clouds: kept once, believed only where it proves something.

use std::sync::Arc;

use app::backend::Severity;
use arc_swap::ArcSwap;
use domain::access::Role;
use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::{Cloud, PerCloud};
use domain::epoch::{
    EPOCH_FORMAT, EpochKeys, EpochRecord, Genesis, Reason as EpochReason, Register, SignedEpoch,
};
use domain::event::{Event, EventId, Payload, Region, Salt, Slot, TenantId, leaf};
use domain::evidence::{BadEntry, Evidence, Fork, Kind, NoFork, Prefix, against_signers_of};
use domain::key::{NoteKey, SigningKey};
use domain::log::{Checkpoint, Hash, Head, LogId, TilePath, node_from_tile, plan};
use domain::note::{Note, SignatureLine};
use domain::quorum::Mode;
use domain::receipt::Verdict;
use server::evidence::{Evidences, NotRecorded, RECORDS_PER_KEY_MAX, Recorded};

use crate::clouds::{Clouds, DEPLOYMENT, keys_of};
use crate::cluster::database;

pub const LOG: LogId = LogId { origin: Cloud::Aws, epoch: 1 };

fn register() -> Register {
    let keys = |cloud| {
        let public = keys_of(cloud).public();
        EpochKeys { log: public.log, cosigner: public.cosigner }
    };
    Register::new(Genesis {
        deployment: DEPLOYMENT.to_owned(),
        mode: Mode::default(),
        clouds: PerCloud::from_fn(keys),
        witness: None,
    })
}

/// As above, after the log's origin has changed its keys.
fn rotated() -> Register {
    let mut register = register();
    let fresh = |seed: u8| SigningKey::from_seed([seed; 32]).public();
    let record = EpochRecord {
        format: EPOCH_FORMAT.to_owned(),
        genesis: register.genesis_hash(),
        origin: LOG.origin,
        epoch: 2,
        mode: Mode::default(),
        keys: EpochKeys { log: fresh(201), cosigner: fresh(202) },
        closing: Head::empty(),
        cosigned: Vec::new(),
        reason: EpochReason::Rotation,
        gone: None,
        stated_at: Timestamp::from_unix_ms(9),
    };
    let by = [LOG.origin, Cloud::Gcp];
    let approvals = by.map(|cloud| record.approve(cloud, 1, &keys_of(cloud).log)).to_vec();
    register.apply(SignedEpoch { record, approvals }).expect("approved");
    register
}

fn key() -> NoteKey {
    register().log_key(LOG).expect("its key")
}

/// A head that the log's own key signed, and these clouds' cosigner keys.
fn note(head: Head, cosigners: &[Cloud]) -> Note {
    let text = Checkpoint { origin: LOG.name(DEPLOYMENT), head }.to_string();
    let mut signatures = vec![SignatureLine::sign(&text, &key(), &keys_of(LOG.origin).log)];
    for cloud in cosigners {
        let name = register().cosigner_keys((*cloud).into(), LOG, head).remove(0);
        let key = keys_of(*cloud).cosigner;
        signatures.push(SignatureLine::cosign(&text, 1_763_815_267, &name, &key));
    }
    Note { text, signatures }
}

/// Two roots of one size, signed by the origin and these clouds.
pub fn forks(size: u64, cosigners: &[Cloud]) -> Vec<Evidence> {
    let signed = |root: u8| note(Head { size, root: Hash([root; 32]) }, cosigners);
    let policy = register().policy();
    against_signers_of(&signed(1), &signed(2), None, &policy).expect("a fork")
}

pub fn fork(size: u64) -> Evidence {
    forks(size, &[]).remove(0)
}

/// The only entry of a log, whose payload is not spelt as payloads are.
pub fn bad_entry() -> Evidence {
    let event = Event {
        event_id: EventId(uuid::Uuid::from_u128(7)),
        tenant_id: TenantId::platform(),
        logical_clock: LogicalClock { ms: 9, counter: 0 },
        region: Region::try_from("eu".to_owned()).expect("valid"),
        created_at: Timestamp::from_unix_ms(9),
        origin_cloud: LOG.origin,
        payload: Payload::unchecked(br#"{ "secret": 1 }"#.to_vec()),
        salt: Salt([1; 16]),
    };
    let slot = Slot { origin: LOG.origin, epoch: LOG.epoch, sequence: 0 };
    let root = leaf(slot, event.hash()).0;
    let signed = note(Head { size: 1, root }, &[]);
    Evidence::BadEntry(BadEntry::of_event(&key(), &signed, slot, &event, Vec::new()))
}

async fn opened(pool: &sqlx::PgPool, epoch: u32) -> Arc<Evidences> {
    let register = if epoch == 1 { register() } else { rotated() };
    let register = Arc::new(ArcSwap::from_pointee(register));
    let opened = Evidences::open(pool.clone(), register).await;
    opened.expect("readable")
}

#[tokio::test]
async fn a_proven_record_is_kept_once_and_says_who_is_to_blame() {
    let database = database().await;
    let evidences = opened(&database.pool, 1).await;
    assert_eq!((evidences.count(), evidences.accusations().len()), (0, 0));
    let evidence = fork(7);
    let id = evidence.id();
    let stored = evidences.record(evidence.clone(), None).await.expect("proven");
    assert_eq!(stored, Recorded::New(id));
    let again = evidences.take(Cloud::Azure, &evidence.canonical()).await.expect("proven");
    assert_eq!(again, Recorded::Known(id));
    let sent = evidences.take(Cloud::Gcp, &bad_entry().canonical()).await.expect("proven");
    assert_eq!(sent, Recorded::New(bad_entry().id()));
    // What is read is what a node finds that starts later.
    for evidences in [&evidences, &opened(&database.pool, 1).await] {
        let accusations = evidences.accusations();
        let told: Vec<_> =
            accusations.iter().map(|one| (one.cloud, one.kind, one.count, one.in_use)).collect();
        assert_eq!(
            told,
            [(Cloud::Aws, Kind::Equivocation, 1, true), (Cloud::Aws, Kind::BadEntry, 1, true)]
        );
        assert_eq!(evidences.count(), 2);
        let held = evidences.get(id).await.expect("readable").expect("held");
        assert_eq!((held.proven.evidence(), held.source), (&evidence, None));
        let page = evidences.list(None, 1).await.expect("readable");
        assert_eq!(
            (page.items[0].proven.id(), page.items[0].source),
            (bad_entry().id(), Some(Cloud::Gcp))
        );
        let next = evidences.list(page.next, 5).await.expect("readable");
        assert_eq!((next.items, next.next), (vec![held], None));
    }
}

#[tokio::test]
async fn what_proves_nothing_under_the_pinned_keys_is_not_taken_whoever_sends_it() {
    let database = database().await;
    let evidences = opened(&database.pool, 1).await;
    let Evidence::Equivocation(good) = fork(7) else { panic!("an equivocation") };
    let same = Fork { second: good.first.clone(), ..good.clone() };
    let stranger = SigningKey::from_seed([99; 32]).public();
    let stranger =
        NoteKey::new(key().name(), domain::key::NoteAlgorithm::Ed25519, stranger).expect("a name");
    let renamed =
        NoteKey::new("elsewhere/aws/1", domain::key::NoteAlgorithm::Ed25519, *key().key());
    for fork in [
        same,
        Fork { key: stranger, ..good.clone() },
        Fork { key: renamed.expect("a name"), ..good.clone() },
        Fork { first: "no note".to_owned(), ..good.clone() },
    ] {
        let text = Evidence::Equivocation(fork).canonical();
        let refused = evidences.take(Cloud::Gcp, &text).await.expect_err("it proves nothing");
        assert!(matches!(refused, NotRecorded::Invalid(_)), "{refused}");
    }
    let refused = evidences.take(Cloud::Gcp, b"{}").await.expect_err("no record");
    assert!(matches!(refused, NotRecorded::Unreadable(_)), "{refused}");
    assert_eq!(evidences.list(None, 10).await.expect("readable").items, []);
}

#[tokio::test]
async fn a_signer_of_ever_more_histories_does_not_fill_the_table() {
    let database = database().await;
    let evidences = opened(&database.pool, 1).await;
    for size in 0..u64::from(RECORDS_PER_KEY_MAX) {
        let stored = evidences.record(fork(size + 1), None).await.expect("proven");
        assert!(matches!(stored, Recorded::New(_)), "{stored:?}");
    }
    let stored = evidences.record(fork(1_000), None).await.expect("proven");
    assert_eq!(stored, Recorded::Enough);
    let stored = evidences.record(fork(1), None).await.expect("proven");
    assert_eq!(stored, Recorded::Known(fork(1).id()));
    let [_, of_gcp] = &forks(1_001, &[Cloud::Gcp])[..] else { panic!("gcp confirmed both") };
    let stored = evidences.record(of_gcp.clone(), None).await.expect("proven");
    assert_eq!(stored, Recorded::New(of_gcp.id()), "another key is another matter");
    assert_eq!(evidences.count(), u64::from(RECORDS_PER_KEY_MAX) + 1);
}

#[tokio::test]
async fn a_row_that_somebody_wrote_into_the_table_blames_nobody() {
    let database = database().await;
    opened(&database.pool, 1).await.record(fork(7), None).await.expect("proven");
    let Evidence::Equivocation(good) = fork(7) else { panic!("an equivocation") };
    let framed = Evidence::Equivocation(Fork { second: good.first.clone(), ..good });
    let sql = "INSERT INTO evidence (id, kind, cloud, key, origin, epoch, first_size, second_size, \
               record, found_at) VALUES ($1, 'equivocation', 1, 'k', 1, 1, 7, 7, $2, now())";
    for (id, record) in [
        (framed.id(), framed.to_value().to_string()),
        (Hash([1; 32]), "no record".to_owned()),
        // A true record under another's id.
        (Hash([2; 32]), fork(7).to_value().to_string()),
    ] {
        let written = sqlx::query(sql).bind(id.0.as_slice()).bind(record).execute(&database.pool);
        written.await.expect("written by hand");
        let evidences = opened(&database.pool, 1).await;
        assert_eq!(evidences.get(id).await.expect("readable"), None);
        assert!(evidences.accusations().iter().all(|one| one.cloud == Cloud::Aws));
    }
    let changed = sqlx::query("UPDATE evidence SET cloud = 1").execute(&database.pool).await;
    assert!(changed.expect_err("append-only").to_string().contains("append-only"));
}

#[tokio::test]
async fn the_alarm_stands_while_the_key_counts_and_ends_with_it() {
    let mut clouds = Clouds::prepare().await;
    let gcp = clouds.start(Cloud::Gcp).await;
    assert_eq!(gcp.console.live_state().accusations, []);
    gcp.evidences.record(fork(7), None).await.expect("proven");
    gcp.evidences.record(fork(8), Some(Cloud::Azure)).await.expect("proven");
    let accusations = gcp.console.live_state().accusations;
    let [told] = accusations[..] else { panic!("{accusations:?}") };
    assert_eq!((told.cloud, told.kind, told.count), (Cloud::Aws, Kind::Equivocation, 2));
    let overview = gcp.screens(Role::Controller).overview().await.expect("the first page");
    let first = &overview.attention[0];
    assert_eq!(first.sentence, "AWS signed two histories of its log.");
    assert_eq!(first.severity, Severity::Alarm);
    let rotated = opened(&gcp.database.pool, 2).await;
    let told: Vec<bool> = rotated.accusations().iter().map(|one| one.in_use).collect();
    assert_eq!(told, [false], "the log's key belongs to an epoch that has ended");
    assert_eq!(rotated.count(), 2, "and the evidence stays");
}

/// What a copy does when its origin's key signed a smaller head that is none of the copy's: the
/// proof comes from the tree that the copy holds.
#[tokio::test]
async fn a_smaller_head_that_a_copy_does_not_continue_convicts_by_the_copys_own_tree() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    for number in 0..5 {
        let accepted = aws.submit(None, &serde_json::json!({ "number": number })).await;
        gcp.until_projected(&accepted).await;
    }
    let held = Note::parse(&gcp.ledger.checkpoint(LOG).expect("not empty")).expect("a note");
    let head = Checkpoint::parse(&held.text).expect("a checkpoint").head;
    let forged = note(Head { size: 3, root: Hash([3; 32]) }, &[]);
    let path = TilePath { level: 0, index: 0 };
    let width = path.width_at(head.size);
    let tile = gcp.ledger.tile(LOG, path, width).await.expect("readable").expect("held");
    let read = |node| node_from_tile(node, &tile);
    let root = plan::root(3).assemble(read).expect("held")[0];
    let proof = plan::consistency(3, head.size).and_then(|plan| plan.assemble(read));
    let prefix = Prefix { root, proof: proof.expect("held") };
    let policy = gcp.evidences.policy();
    let found = against_signers_of(&forged, &held, Some(&prefix), &policy).expect("a fork");
    let stored = gcp.evidences.record(found[0].clone(), None).await.expect("proven");
    assert_eq!(stored, Recorded::New(found[0].id()));
    let held = gcp.evidences.get(found[0].id()).await.expect("readable").expect("held");
    assert_eq!((held.proven.cloud(), held.proven.places()), (Cloud::Aws, (3, head.size)));
    let honest = note(Head { size: 3, root }, &[]);
    let held = Note::parse(&gcp.ledger.checkpoint(LOG).expect("not empty")).expect("a note");
    let nothing = against_signers_of(&honest, &held, Some(&prefix), &policy);
    assert_eq!(nothing, Err(NoFork::NotShown), "the head that aws truly signed");
}

#[tokio::test]
async fn the_screens_list_evidence_and_give_what_verifies_it() {
    let mut clouds = Clouds::prepare().await;
    let gcp = clouds.start(Cloud::Gcp).await;
    let screens = gcp.screens(Role::Auditor);
    assert_eq!(screens.evidence(None).await.expect("a page").items, []);
    gcp.evidences.record(fork(7), Some(Cloud::Azure)).await.expect("proven");
    gcp.evidences.record(bad_entry(), None).await.expect("proven");
    let page = screens.evidence(None).await.expect("a page");
    let told: Vec<_> = page.items.iter().map(|row| (row.kind, row.sizes, row.source)).collect();
    assert_eq!(
        told,
        [(Kind::BadEntry, [0, 1], None), (Kind::Equivocation, [7, 7], Some(Cloud::Azure))]
    );
    let detail = screens.evidence_record(page.items[1].id.clone()).await.expect("a record");
    let record = Evidence::parse(detail.record.expect("shown").as_bytes()).expect("a record");
    let policy = domain::policy::Policy::parse(&detail.policy).expect("a policy");
    let checked = record.verify(Some(&policy));
    assert_eq!((checked.verdict, checked.sentence), (Verdict::Valid, detail.row.sentence));
    let of_entry = gcp.screens(Role::Ingest).evidence_record(page.items[0].id.clone()).await;
    assert_eq!(of_entry.expect("the row").record, None, "it shows a payload");
    let problem = |id: &str| screens.evidence_record(id.to_owned());
    assert_eq!(problem("x").await.expect_err("no id").status, 400);
    assert_eq!(problem(&"0".repeat(64)).await.expect_err("none").status, 404);
    assert_eq!(screens.evidence(Some("x".to_owned())).await.expect_err("no cursor").status, 400);
}
