//! Every kind of damage, named to the row and the field.

use uuid::Uuid;

use super::*;
use crate::clock::{LogicalClock, Timestamp};
use crate::cloud::Cloud;
use crate::event::{Event, EventId, Payload, Region, Salt, TenantId};
use crate::key::SigningKey;
use crate::log::{Appender, Leaf};

const LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 1 };

fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

fn row(sequence: u64) -> StoredRow {
    let payload = format!(r#"{{"kind":"note","number":{sequence}}}"#);
    let event = Event {
        event_id: EventId(Uuid::from_u128(u128::from(sequence) + 1)),
        tenant_id: TenantId::platform(),
        logical_clock: LogicalClock { ms: 1_763_815_266_902, counter: 4 },
        region: Region::try_from("eu-west1".to_owned()).expect("valid"),
        created_at: Timestamp::from_unix_ms(1_763_815_266_902),
        origin_cloud: LOG.origin,
        payload: Payload::from_canonical(payload.into_bytes()).expect("canonical"),
        salt: Salt([9; 16]),
    };
    StoredRow::of(sequence, &event.sign(&key()))
}

/// Rows from 256 on, as the second block of a log, and their leaves.
fn block(width: usize) -> (Vec<StoredRow>, Vec<Hash>) {
    let rows: Vec<StoredRow> = (256..256 + width as u64).map(row).collect();
    let leaves = leaves_of(LOG, 256, width, &rows).expect("whole");
    (rows, leaves)
}

fn damaged(damage: impl FnOnce(&mut Vec<StoredRow>)) -> Vec<(u64, Fault)> {
    let (mut rows, leaves) = block(20);
    damage(&mut rows);
    let wrong = judge(LOG, 256, &leaves, &rows, &[key().public()]);
    wrong.into_iter().map(|wrong| (wrong.sequence, wrong.fault)).collect()
}

const CONTENT: Fault = Fault::Content { hash_holds: true, stands_for: None };

#[test]
fn what_was_written_is_not_blamed() {
    assert_eq!(damaged(|_| {}), []);
}

#[test]
fn each_column_that_is_signed_for_is_missed_when_it_changes() {
    type Damage = fn(&mut StoredRow);
    let damages: [(Field, Damage); 9] = [
        (Field::Payload, |row| row.payload = br#"{"kind":"note","number":1}"#.to_vec()),
        (Field::Payload, |row| row.payload = b"no JSON at all".to_vec()),
        (Field::Salt, |row| row.salt[3] ^= 1),
        (Field::EventId, |row| row.event_id = Uuid::from_u128(99)),
        (Field::TenantId, |row| row.tenant_id = "somebody-else".to_owned()),
        (Field::TenantId, |row| row.tenant_id = "no name!".to_owned()),
        (Field::LogicalClock, |row| row.logical_clock += 1),
        (Field::Region, |row| row.region = "us".to_owned()),
        (Field::CreatedAt, |row| row.created_at_us = row.created_at_us.map(|us| us + 1)),
    ];
    for (field, damage) in damages {
        assert_eq!(damaged(|rows| damage(&mut rows[5])), [(261, CONTENT)], "{field}");
        let mut changed = row(261);
        damage(&mut changed);
        assert!(changed.differences(&row(261)).contains(&field), "{field}");
    }
    assert_eq!(damaged(|rows| rows[5].created_at_us = None), [(261, CONTENT)]);
    assert_eq!(damaged(|rows| rows[5].logical_clock = -1), [(261, CONTENT)]);
}

#[test]
fn columns_that_follow_from_the_contents_are_told_apart() {
    let of = |fault| [(256 + 7, fault)];
    assert_eq!(damaged(|rows| rows[7].hash[0] ^= 1), of(Fault::Derived(Field::Hash)));
    assert_eq!(damaged(|rows| rows[7].hash.clear()), of(Fault::Derived(Field::Hash)));
    assert_eq!(damaged(|rows| rows[7].kind = None), of(Fault::Derived(Field::Kind)));
    assert_eq!(damaged(|rows| rows[7].signature[9] ^= 1), of(Fault::Signature));
}

#[test]
fn a_consistent_forgery_of_a_row_is_still_one() {
    let forged = damaged(|rows| {
        let mut other = row(3);
        other.sequence = 258;
        rows[2] = other;
    });
    let fault = Fault::Content { hash_holds: false, stands_for: None };
    assert_eq!(forged, [(258, fault)]);
}

#[test]
fn a_deleted_row_and_a_cut_tail_are_missing() {
    assert_eq!(damaged(|rows| drop(rows.remove(0))), [(256, Fault::Missing)]);
    let cut = damaged(|rows| rows.truncate(18));
    assert_eq!(cut, [(274, Fault::Missing), (275, Fault::Missing)]);
}

#[test]
fn swapped_rows_are_recognised_as_each_other() {
    let swapped = damaged(|rows| {
        rows.swap(3, 9);
        (rows[3].sequence, rows[9].sequence) = (259, 265);
    });
    let at = |other| Fault::Content { hash_holds: false, stands_for: Some(other) };
    assert_eq!(swapped, [(259, at(265)), (265, at(259))]);
}

#[test]
fn blocks_and_tail_fold_to_the_root_of_the_tree() {
    let (mut appender, mut blocks, mut tail) = (Appender::default(), Vec::new(), Vec::new());
    let mut tiles = Vec::new();
    for number in 0..(256 * 259 + 77_u64) {
        let leaf = Leaf::of(&number.to_be_bytes());
        appender.append(leaf, |tile| tiles.push(tile));
        tail.push(leaf.0);
        if let Some(root) = block_root(&tail) {
            blocks.push(root);
            tail.clear();
        }
        if number % 1_009 == 0 {
            assert_eq!(root_over(&blocks, &tail), Some(appender.head().root), "{number}");
        }
    }
    let upper: Vec<Tile> = tiles.into_iter().filter(|tile| tile.path.level > 0).collect();
    assert_eq!(tiles_over(&blocks), upper);
    blocks[77].0[0] ^= 1;
    assert_ne!(root_over(&blocks, &tail), Some(appender.head().root));
    assert_eq!(root_over(&[], &[]), Some(crate::log::empty_root()));
    assert_eq!(root_over(&[], &vec![crate::log::empty_root(); 256]), None);
}

#[test]
fn a_gap_gives_no_leaves_rather_than_others() {
    let (mut rows, leaves) = block(256);
    assert_eq!(leaves_by_hash(LOG, 256, 256, &rows).as_ref(), Some(&leaves));
    assert!(block_root(&leaves).is_some());
    rows.remove(4);
    assert_eq!(leaves_of(LOG, 256, 255, &rows), None);
    assert_eq!(leaves_by_hash(LOG, 256, 256, &rows), None);
}
