//! What this cloud came to, in Postgres.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::log::Hash;
use domain::snapshot::Manifest;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

/// A manifest that this cloud derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    pub manifest: Manifest,
    pub hash: Hash,
    pub derived_at: Timestamp,
}

pub(super) async fn get(pool: &PgPool, number: u64) -> Result<Option<Derived>, sqlx::Error> {
    let row = sqlx::query("SELECT manifest, derived_at FROM audit_snapshot WHERE number = $1")
        .bind(signed(number))
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn all(pool: &PgPool) -> Result<BTreeMap<u64, Derived>, sqlx::Error> {
    let rows = sqlx::query("SELECT number, manifest, derived_at FROM audit_snapshot")
        .fetch_all(pool)
        .await?;
    let numbered = |row: &PgRow| {
        let number: i64 = row.try_get("number")?;
        Ok((number.unsigned_abs(), read(row)?))
    };
    rows.iter().map(numbered).collect()
}

/// Keeps what was derived; a later derivation takes the place of an earlier one.
pub(super) async fn put(pool: &PgPool, derived: &Derived) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO audit_snapshot (number, manifest, hash, derived_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (number) DO UPDATE SET manifest = excluded.manifest, hash = excluded.hash, \
         derived_at = excluded.derived_at",
    )
    .bind(signed(derived.manifest.number))
    .bind(derived.manifest.bytes())
    .bind(&derived.hash.0[..])
    .bind(derived.derived_at.to_datetime())
    .execute(pool)
    .await?;
    Ok(())
}

/// The hash is computed from what is stored: a row that was changed shows it.
fn read(row: &PgRow) -> Result<Derived, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get("manifest")?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|cause| sqlx::Error::Decode(cause.into()))?;
    let derived_at = Timestamp::from_datetime(row.try_get("derived_at")?);
    Ok(Derived { hash: manifest.hash(), manifest, derived_at })
}

/// Versions of grants end at 2^53.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
