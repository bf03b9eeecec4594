//! Records that hold, records that do not, and what old keys are still good for.

use super::super::record::{Approval, Cosigned, Gone, Reason};
use super::*;
use crate::clock::Timestamp;
use crate::key::SigningKey;
use crate::note::{Note, SignatureLine};

/// The log key of a cloud's epoch; its cosigner key has the next seed.
fn seed(origin: Cloud, epoch: u32) -> u8 {
    u8::try_from(epoch).expect("few epochs") * 40 + origin.code() * 10
}

fn log_key(origin: Cloud, epoch: u32) -> SigningKey {
    SigningKey::from_seed([seed(origin, epoch); 32])
}

fn cosigner_key(origin: Cloud, epoch: u32) -> SigningKey {
    SigningKey::from_seed([seed(origin, epoch) + 1; 32])
}

fn keys(origin: Cloud, epoch: u32) -> EpochKeys {
    let (log, cosigner) = (log_key(origin, epoch), cosigner_key(origin, epoch));
    EpochKeys { log: log.public(), cosigner: cosigner.public() }
}

fn register() -> Register {
    Register::new(Genesis {
        deployment: "test.example".to_owned(),
        mode: Mode::TwoOfThree,
        clouds: PerCloud::from_fn(|cloud| keys(cloud, 1)),
        witness: None,
    })
}

fn head(size: u64) -> Head {
    Head { size, root: Hash([9; 32]) }
}

const fn log(origin: Cloud, epoch: u32) -> LogId {
    LogId { origin, epoch }
}

fn record(register: &Register, origin: Cloud, reason: Reason) -> EpochRecord {
    let epoch = register.current(origin).epoch + 1;
    let cosigned =
        origin.peers().map(|peer| Cosigned { log: register.current(peer), head: head(5) });
    EpochRecord {
        format: EPOCH_FORMAT.to_owned(),
        genesis: register.genesis_hash(),
        origin,
        epoch,
        mode: Mode::TwoOfThree,
        keys: keys(origin, epoch),
        closing: head(7),
        cosigned: cosigned.to_vec(),
        reason,
        gone: None,
        stated_at: Timestamp::from_unix_ms(0),
    }
}

/// Approved under each cloud's current log key; the origin's is the one that ends.
fn approved(register: &Register, record: EpochRecord, by: &[Cloud]) -> SignedEpoch {
    let approve = |by: Cloud| {
        let epoch = register.current(by).epoch;
        record.approve(by, epoch, &log_key(by, epoch))
    };
    let approvals = by.iter().copied().map(approve).collect::<Vec<Approval>>();
    SignedEpoch { record, approvals }
}

fn applied(register: &mut Register, origin: Cloud, reason: Reason, by: &[Cloud]) -> SignedEpoch {
    let signed = approved(register, record(register, origin, reason), by);
    assert_eq!(register.apply(signed.clone()), Ok(Applied::Begun));
    signed
}

#[test]
fn each_reason_needs_its_own_clouds() {
    use Cloud::{Aws, Azure, Gcp};
    for (reason, enough, too_few) in [
        (Reason::Rotation, vec![Gcp, Azure], vec![vec![Gcp], vec![Aws, Azure], vec![]]),
        (Reason::Restored, vec![Gcp, Aws, Azure], vec![vec![Gcp, Aws], vec![Aws, Azure]]),
        (Reason::KeyLost, vec![Aws, Azure], vec![vec![Gcp, Aws], vec![Azure]]),
        (Reason::KeyStolen, vec![Aws, Azure], vec![vec![Gcp, Azure]]),
        (Reason::Faulty, vec![Aws, Azure], vec![vec![Gcp, Azure]]),
    ] {
        for by in too_few {
            let mut register = register();
            let signed = approved(&register, record(&register, Gcp, reason), &by);
            let refused = register.apply(signed);
            assert!(matches!(refused, Err(EpochError::Approvals { .. })), "{reason:?} {by:?}");
            assert_eq!(register.current(Gcp), log(Gcp, 1));
        }
        let mut register = register();
        applied(&mut register, Gcp, reason, &enough);
        assert_eq!(register.current(Gcp), log(Gcp, 2));
        assert_eq!(register.closing(log(Gcp, 1)), Some(head(7)));
    }
}

#[test]
fn a_peer_that_is_gone_for_good_is_not_waited_for_when_two_people_say_so() {
    let gone = |by: [&str; 2]| Gone { cloud: Cloud::Azure, declared_by: by.map(str::to_owned) };
    let mut register = register();
    let mut record = record(&register, Cloud::Gcp, Reason::Restored);
    record.gone = Some(gone(["ada", "ada"]));
    let both = [Cloud::Gcp, Cloud::Aws];
    let signed = approved(&register, record.clone(), &both);
    assert_eq!(register.apply(signed), Err(EpochError::Gone));
    record.gone = Some(gone(["ada", "ben"]));
    let only_the_gone = approved(&register, record.clone(), &[Cloud::Gcp, Cloud::Azure]);
    assert!(matches!(register.apply(only_the_gone), Err(EpochError::Approvals { .. })));
    assert_eq!(register.apply(approved(&register.clone(), record, &both)), Ok(Applied::Begun));
}

#[test]
fn records_that_do_not_fit_are_refused_and_change_nothing() {
    let mut register = register();
    let first = applied(&mut register, Cloud::Gcp, Reason::Rotation, &[Cloud::Gcp, Cloud::Aws]);
    let before = register.clone();
    let next = record(&register, Cloud::Gcp, Reason::Rotation);
    type Edit = fn(&mut EpochRecord);
    let edits: [(Edit, EpochError); 7] = [
        (|record| record.format = "x".into(), EpochError::Format("x".into())),
        (|record| record.genesis = Hash([0; 32]), EpochError::Genesis),
        (|record| record.epoch = 5, EpochError::Order { log: log(Cloud::Gcp, 5), current: 2 }),
        (|record| record.epoch = 2, EpochError::Fork(log(Cloud::Gcp, 2))),
        (|record| record.epoch = 1, EpochError::Fork(log(Cloud::Gcp, 1))),
        (|record| record.keys = keys(Cloud::Aws, 1), EpochError::KeyReused(log(Cloud::Gcp, 3))),
        (|record| record.closing.size = 0, EpochError::Closing(log(Cloud::Gcp, 2))),
    ];
    for (edit, error) in edits {
        let mut record = next.clone();
        edit(&mut record);
        let signed = approved(&register, record, &Cloud::ALL);
        assert_eq!(register.apply(signed), Err(error));
        assert_eq!(register, before);
    }
    let mut twice = next.clone();
    twice.cosigned[1] = twice.cosigned[0];
    let signed = approved(&register, twice, &Cloud::ALL);
    assert_eq!(register.apply(signed), Err(EpochError::Cosigned(log(Cloud::Gcp, 3))));
    assert_eq!(register.apply(first), Ok(Applied::Known));
}

#[test]
fn a_changed_record_and_a_foreign_key_approve_nothing() {
    let mut register = register();
    let record = record(&register, Cloud::Gcp, Reason::Rotation);
    let mut changed = approved(&register, record.clone(), &[Cloud::Gcp, Cloud::Aws]);
    changed.record.closing.size = 8;
    assert!(matches!(register.apply(changed), Err(EpochError::Approvals { .. })));
    let mut foreign = approved(&register, record.clone(), &[Cloud::Gcp]);
    foreign.approvals.push(record.approve(Cloud::Aws, 1, &log_key(Cloud::Azure, 1)));
    assert!(matches!(register.apply(foreign), Err(EpochError::Approvals { .. })));
}

#[test]
fn later_approvals_are_kept_too() {
    let mut register = register();
    let record = record(&register, Cloud::Gcp, Reason::Rotation);
    let first = approved(&register, record.clone(), &[Cloud::Gcp, Cloud::Aws]);
    assert_eq!(register.apply(first), Ok(Applied::Begun));
    let third = record.approve(Cloud::Azure, 1, &log_key(Cloud::Azure, 1));
    let mut all = approved(&register, record, &[]);
    all.approvals = vec![third];
    // Alone it would not do; whoever sends more sends all that it knows.
    assert!(matches!(register.apply(all.clone()), Err(EpochError::Approvals { .. })));
    let known = register.epoch(log(Cloud::Gcp, 2)).and_then(|epoch| epoch.opened_by.clone());
    all.approvals.extend(known.expect("opened").approvals);
    assert_eq!(register.apply(all.clone()), Ok(Applied::MoreApprovals));
    assert_eq!(register.apply(all), Ok(Applied::Known));
}

#[test]
fn an_old_cosigner_key_counts_up_to_where_its_epoch_was_closed() {
    let mut register = register();
    let (aws_1, aws_2) = (log(Cloud::Aws, 1), log(Cloud::Aws, 2));
    let key = |epoch| cosigner_key(Cloud::Gcp, epoch).public();
    let counting = |register: &Register, log, head| {
        let keys = register.cosigner_keys(Signer::Gcp, log, head);
        keys.iter().map(|key| *key.key()).collect::<Vec<PublicKey>>()
    };
    assert_eq!(counting(&register, aws_1, head(900)), [key(1)]);
    applied(&mut register, Cloud::Gcp, Reason::Rotation, &[Cloud::Gcp, Cloud::Aws]);
    assert_eq!(counting(&register, aws_1, head(4)), [key(2), key(1)]);
    assert_eq!(counting(&register, aws_1, head(5)), [key(2), key(1)]);
    let other_root = Head { root: Hash([1; 32]), ..head(5) };
    assert_eq!(counting(&register, aws_1, other_root), [key(2)]);
    assert_eq!(counting(&register, aws_1, head(6)), [key(2)]);
    assert_eq!(counting(&register, log(Cloud::Gcp, 1), head(7)), [key(2), key(1)]);
    assert_eq!(counting(&register, log(Cloud::Gcp, 1), head(8)), [], "beyond the closing");
    assert_eq!(counting(&register, log(Cloud::Gcp, 2), head(1)), [key(2)]);
    applied(&mut register, Cloud::Aws, Reason::Rotation, &[Cloud::Gcp, Cloud::Aws]);
    assert_eq!(counting(&register, aws_2, head(1)), [key(2)], "the old key never knew that log");
}

#[test]
fn a_stolen_key_approves_nothing_more_and_a_rotated_one_still_does() {
    let others = [Cloud::Aws, Cloud::Azure];
    for (reason, by, still_counts) in [
        (Reason::KeyStolen, &others[..], false),
        (Reason::Rotation, &[Cloud::Gcp, Cloud::Azure][..], true),
    ] {
        let mut register = register();
        applied(&mut register, Cloud::Gcp, reason, by);
        let record = record(&register, Cloud::Aws, Reason::Rotation);
        let mut signed = approved(&register, record.clone(), &[Cloud::Aws]);
        signed.approvals.push(record.approve(Cloud::Gcp, 1, &log_key(Cloud::Gcp, 1)));
        assert_eq!(register.apply(signed).is_ok(), still_counts, "{reason:?}");
    }
}

#[test]
fn the_policy_takes_a_cloud_by_any_of_its_keys_but_counts_it_once() {
    let mut register = register();
    applied(&mut register, Cloud::Gcp, Reason::Rotation, &[Cloud::Gcp, Cloud::Aws]);
    let policy = register.policy();
    assert_eq!(Policy::parse(&policy.to_string()), Ok(policy.clone()));
    assert_eq!(policy.quorum_sentence(), "2 of gcp, aws, azure");
    assert_eq!(policy.logs().len(), 4);
    let text = "test.example/azure/1\n1\nroot\n";
    let name = register.cosigner_name(Signer::Gcp);
    let line = |epoch, cloud| {
        let key = cosigner_key(cloud, epoch);
        let name =
            if cloud == Cloud::Gcp { name.clone() } else { register.cosigner_name(cloud.into()) };
        let vkey = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key.public()).expect("name");
        SignatureLine::cosign(text, 1, &vkey, &key)
    };
    let signed = |signatures| policy.quorum_signed(&Note { text: text.to_owned(), signatures });
    assert!(!signed(vec![line(1, Cloud::Gcp), line(2, Cloud::Gcp)]), "one cloud is one vote");
    assert!(signed(vec![line(1, Cloud::Gcp), line(1, Cloud::Aws)]));
    assert!(signed(vec![line(2, Cloud::Gcp), line(1, Cloud::Aws)]));
}

#[test]
fn a_revoked_key_is_not_in_the_policy() {
    let mut register = register();
    applied(&mut register, Cloud::Gcp, Reason::KeyStolen, &[Cloud::Aws, Cloud::Azure]);
    let old = cosigner_key(Cloud::Gcp, 1).public();
    assert!(register.policy().witnesses().all(|(_, key)| *key.key() != old));
}

#[test]
fn records_are_told_in_an_order_in_which_they_hold() {
    let mut register = register();
    applied(&mut register, Cloud::Azure, Reason::Rotation, &[Cloud::Gcp, Cloud::Azure]);
    applied(&mut register, Cloud::Gcp, Reason::Rotation, &[Cloud::Gcp, Cloud::Azure]);
    let mut late = Register::new(register.genesis().clone());
    for signed in register.records() {
        assert_eq!(late.apply(signed.clone()), Ok(Applied::Begun));
    }
    assert_eq!(late, register);
    assert_eq!(late.leaves_before(log(Cloud::Gcp, 2)), 7);
    let text = serde_json::to_string(&register.records().collect::<Vec<_>>()).expect("JSON");
    let read: Vec<SignedEpoch> = serde_json::from_str(&text).expect("the same shape");
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].record.hash(), register.records().nth(1).expect("two").record.hash());
}
