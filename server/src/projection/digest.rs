//! One hash a table, so that clouds can compare what they derived.

use std::collections::BTreeMap;

use domain::log::Hash;
use futures::TryStreamExt;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::Projection;

/// What the tables hold at one moment. Two clouds at the same positions must have equal digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Digests {
    /// `gcp/1` and so on: entries projected.
    pub positions: BTreeMap<String, u64>,
    /// Table name to the SHA-256 of its rows: hex.
    pub tables: BTreeMap<&'static str, Hash>,
}

/// Each row as one text whose spelling depends on no setting of the database, in an order that
/// depends on no collation.
const TABLES: [(&str, &str); 6] = [
    (
        "projection_version",
        "SELECT concat_ws(E'\\t', entity, key, logical_clock, origin, epoch, sequence, event_id, \
         body) FROM projection_version \
         ORDER BY entity COLLATE \"C\", key COLLATE \"C\", logical_clock, origin, epoch, sequence",
    ),
    (
        "usage_hour",
        "SELECT concat_ws(E'\\t', tenant_id, extract(epoch FROM hour)::bigint, provider, model, \
         region, requests, failed, input_tokens, output_tokens, cached_tokens, timed, latency_us) \
         FROM usage_hour ORDER BY tenant_id COLLATE \"C\", hour, provider COLLATE \"C\", \
         model COLLATE \"C\", region COLLATE \"C\"",
    ),
    (
        "usage_latency",
        "SELECT concat_ws(E'\\t', extract(epoch FROM hour)::bigint, provider, region, from_us, \
         requests) FROM usage_latency ORDER BY hour, provider, region, from_us",
    ),
    (
        "projection_conflict",
        "SELECT concat_ws(E'\\t', tenant_id, event_id, (extract(epoch FROM since) * 1000)::bigint, \
         coalesce(ruling_id::text, '-'), coalesce(chosen_origin, 0), coalesce(chosen_epoch, 0), \
         coalesce(chosen_sequence, -1), coalesce(encode(chosen_payload, 'hex'), '-')) \
         FROM projection_conflict ORDER BY tenant_id COLLATE \"C\", event_id",
    ),
    (
        "billing_entry",
        "SELECT concat_ws(E'\\t', period, kind, key, debit, credit, amount_usd, \
         coalesce(tier, '-'), requests, failed, body) \
         FROM billing_entry ORDER BY period, tenant_id, day, kind, key",
    ),
    (
        "billing_unpriced",
        "SELECT concat_ws(E'\\t', period, key, tier, requests, failed, body) \
         FROM billing_unpriced ORDER BY period, tenant_id, day, key",
    ),
];

impl Projection {
    /// Reads everything that is projected, in one snapshot: for auditors, not for every page.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn digests(&self) -> Result<Digests, sqlx::Error> {
        let mut snapshot = self.pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *snapshot)
            .await?;
        // The pool's limit is for requests; this reads everything.
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *snapshot).await?;
        let positions: Vec<(i16, i32, i64)> =
            sqlx::query_as("SELECT origin, epoch, size FROM projection_position")
                .fetch_all(&mut *snapshot)
                .await?;
        let mut tables = BTreeMap::new();
        for (table, rows) in TABLES {
            tables.insert(table, digest(&mut snapshot, rows).await?);
        }
        let positions = positions.into_iter().map(named).collect();
        Ok(Digests { positions, tables })
    }
}

fn named((origin, epoch, size): (i16, i32, i64)) -> (String, u64) {
    let origin = u8::try_from(origin).ok().and_then(domain::cloud::Cloud::from_code);
    let origin = origin.map_or("unknown", domain::cloud::Cloud::name);
    (format!("{origin}/{epoch}"), size.unsigned_abs())
}

async fn digest(connection: &mut PgConnection, rows: &'static str) -> Result<Hash, sqlx::Error> {
    let mut hasher = Sha256::new();
    let mut stream = sqlx::query_scalar::<_, String>(rows).fetch(connection);
    while let Some(row) = stream.try_next().await? {
        hasher.update(row);
        hasher.update(b"\n");
    }
    Ok(Hash(hasher.finalize().into()))
}
