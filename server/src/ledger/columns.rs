//! Between domain types and columns.

use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{Event, EventId, Payload, Region, Salt, Slot, TenantId};
use domain::key::Signature;
use domain::log::{Hash, LogId};
use domain::quorum::Signer;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::read::Record;

/// The columns that [`record`] reads.
pub(super) const RECORD_COLUMNS: &str = "origin, epoch, sequence, event_id, tenant_id, \
     logical_clock, region, created_at, payload, salt, hash, signature, kind";

pub(super) fn origin(log: LogId) -> i16 {
    i16::from(log.origin.code())
}

/// Epochs count restores and rotations: far below two billion.
pub(super) fn epoch(log: LogId) -> i32 {
    i32::try_from(log.epoch).unwrap_or(i32::MAX)
}

/// A log would need 2^63 entries to overflow.
pub(super) fn size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(super) fn read_size(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    let size: i64 = row.try_get(column)?;
    u64::try_from(size).map_err(|_| unreadable(column))
}

pub(super) fn read_hash(row: &PgRow, column: &str) -> Result<Hash, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Hash::from_slice(&bytes).ok_or_else(|| unreadable(column))
}

pub(super) fn read_cloud(row: &PgRow, column: &str) -> Result<Cloud, sqlx::Error> {
    let code: i16 = row.try_get(column)?;
    u8::try_from(code).ok().and_then(Cloud::from_code).ok_or_else(|| unreadable(column))
}

pub(super) fn read_signer(row: &PgRow, column: &str) -> Result<Signer, sqlx::Error> {
    let code: i16 = row.try_get(column)?;
    u8::try_from(code).ok().and_then(Signer::from_code).ok_or_else(|| unreadable(column))
}

pub(super) fn read_time(row: &PgRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    Ok(Timestamp::from_datetime(row.try_get(column)?))
}

fn read_slot(row: &PgRow) -> Result<Slot, sqlx::Error> {
    let epoch: i32 = row.try_get("epoch")?;
    Ok(Slot {
        origin: read_cloud(row, "origin")?,
        epoch: u32::try_from(epoch).map_err(|_| unreadable("epoch"))?,
        sequence: read_size(row, "sequence")?,
    })
}

/// A row as it stands. Nothing is verified: that is the scrub's and the receipt's business.
pub(super) fn record(row: &PgRow) -> Result<Record, sqlx::Error> {
    let slot = read_slot(row)?;
    let (tenant, region): (String, String) = (row.try_get("tenant_id")?, row.try_get("region")?);
    let (salt, signature): (Vec<u8>, Vec<u8>) = (row.try_get("salt")?, row.try_get("signature")?);
    let event = Event {
        event_id: EventId(row.try_get("event_id")?),
        tenant_id: TenantId::try_from(tenant).map_err(|_| unreadable("tenant_id"))?,
        logical_clock: LogicalClock::from_packed(row.try_get("logical_clock")?),
        region: Region::try_from(region).map_err(|_| unreadable("region"))?,
        created_at: read_time(row, "created_at")?,
        origin_cloud: slot.origin,
        payload: Payload::unchecked(row.try_get("payload")?),
        salt: Salt(salt.try_into().map_err(|_: Vec<u8>| unreadable("salt"))?),
    };
    let signature: [u8; 64] = signature.try_into().map_err(|_: Vec<u8>| unreadable("signature"))?;
    Ok(Record {
        slot,
        event,
        hash: read_hash(row, "hash")?,
        signature: Signature(signature),
        kind: row.try_get("kind")?,
    })
}

fn unreadable(column: &str) -> sqlx::Error {
    let source = "holds what this program never writes".into();
    sqlx::Error::ColumnDecode { index: column.to_owned(), source }
}
