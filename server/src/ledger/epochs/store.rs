//! Epoch records in Postgres: those that hold, and the ones that this cloud has given its word for.

use domain::cloud::Cloud;
use domain::epoch::{EpochRecord, Genesis, Register, SignedEpoch};
use domain::log::LogId;
use sqlx::PgPool;

use super::super::{StartError, columns};

#[derive(Clone, Debug)]
pub(in crate::ledger) struct EpochStore(pub(in crate::ledger) PgPool);

impl EpochStore {
    /// A record that holds, or more approvals of it.
    pub(super) async fn put(&self, signed: &SignedEpoch) -> Result<(), sqlx::Error> {
        let log = signed.record.begins();
        let sql = "INSERT INTO ledger_epoch (origin, epoch, signed) VALUES ($1, $2, $3) \
                   ON CONFLICT (origin, epoch) DO UPDATE SET signed = EXCLUDED.signed";
        sqlx::query(sql)
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(text(signed))
            .execute(&self.0)
            .await?;
        Ok(())
    }

    /// Gives this cloud's word for a record. A word for that epoch given before stays.
    pub(super) async fn vote(&self, record: &EpochRecord) -> Result<(), sqlx::Error> {
        let log = record.begins();
        let sql = "INSERT INTO ledger_epoch_vote (origin, epoch, record, voted_at) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        sqlx::query(sql)
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .bind(text(record))
            .bind(crate::now().to_datetime())
            .execute(&self.0)
            .await?;
        Ok(())
    }

    /// The record that this cloud has given its word for.
    pub(super) async fn voted(&self, log: LogId) -> Result<Option<EpochRecord>, sqlx::Error> {
        let sql = "SELECT record FROM ledger_epoch_vote WHERE origin = $1 AND epoch = $2";
        let record: Option<String> = sqlx::query_scalar(sql)
            .bind(columns::origin(log))
            .bind(columns::epoch(log))
            .fetch_optional(&self.0)
            .await?;
        record.map(|text| read(&text)).transpose()
    }
}

/// The register as stored, each record verified again from the pinned genesis on; and the record
/// that `me` has proposed for itself and that does not hold yet.
pub(in crate::ledger) async fn load(
    pool: &PgPool,
    genesis: Genesis,
    me: Option<Cloud>,
) -> Result<(Register, Option<EpochRecord>), StartError> {
    let mut register = Register::new(genesis);
    let stored: Vec<String> = sqlx::query_scalar("SELECT signed FROM ledger_epoch ORDER BY serial")
        .fetch_all(pool)
        .await?;
    for text in stored {
        register.apply(read(&text)?)?;
    }
    let Some(me) = me else { return Ok((register, None)) };
    let current = register.current(me);
    let next = LogId { epoch: current.epoch + 1, ..current };
    let proposed = EpochStore(pool.clone()).voted(next).await?;
    Ok((register, proposed))
}

/// Shapes of texts, numbers and lists always serialize.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|cause| sqlx::Error::Decode(Box::new(cause)))
}
