//! Projections aside: the same tables in a schema of their own, standing at a cut of the logs.
//!
//! The same code derives them, chunk by chunk and each exactly once, so a derivation that was
//! interrupted goes on where it was. Nobody else reads or writes there.

use std::collections::BTreeMap;

use domain::billing::{BadPeriod, Period};
use domain::log::LogId;
use futures::stream::{BoxStream, StreamExt as _};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::apply::{
    Books, CHUNK_ENTRIES, apply_within, are_partial, are_unaware, begin_log, positions,
};
use super::usage::{self, UsageRow};
use super::{BillingRow, Positions, ProjectionError, billing, rebuild};

/// Which schema. `migrations/0012_snapshot.sql` makes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// At the last snapshot's cut.
    Snapshot,
    /// Derived from the beginning, to compare.
    Recheck,
}

impl Schema {
    /// In which tables are looked for: the ledger's own stand in the second.
    const fn search_path(self) -> &'static str {
        match self {
            Schema::Snapshot => "snapshot, public",
            Schema::Recheck => "recheck, public",
        }
    }

    /// The advisory lock of its writers ("snap" and "rchk" in ASCII).
    const fn lock(self) -> i64 {
        match self {
            Schema::Snapshot => 0x736e_6170,
            Schema::Recheck => 0x7263_686b,
        }
    }
}

/// Projections in a schema of their own.
#[derive(Clone, Debug)]
pub struct Aside {
    pool: PgPool,
    schema: Schema,
}

impl Aside {
    #[must_use]
    pub fn new(pool: PgPool, schema: Schema) -> Self {
        Aside { pool, schema }
    }

    /// The schema's name.
    pub(super) const fn schema(&self) -> &'static str {
        match self.schema {
            Schema::Snapshot => "snapshot",
            Schema::Recheck => "recheck",
        }
    }

    /// How far each log is derived here.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn positions(&self) -> Result<Positions, ProjectionError> {
        let mut transaction = self.begin().await?;
        Ok(positions(&mut *transaction).await?)
    }

    /// Empties the tables: the next derivation begins at the beginning.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn empty(&self) -> Result<(), ProjectionError> {
        let mut transaction = self.begin().await?;
        rebuild::empty(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Derives up to exactly these sizes; from the beginning if it stands beyond one of them, if
    /// entries have been disputed since, or if a table has come since. `progress` is told how many
    /// entries are done.
    ///
    /// # Errors
    /// The database cannot be reached, or an entry is missing or damaged. What is done stays done.
    pub async fn bring_to(
        &self,
        cut: &BTreeMap<LogId, u64>,
        mut progress: impl FnMut(u64),
    ) -> Result<(), ProjectionError> {
        if !self.can_continue_to(cut).await? {
            self.empty().await?;
        }
        let mut stands = self.positions().await?;
        for (&log, &goal) in cut {
            let mut from = stands.get(&log).copied().unwrap_or(0);
            while from < goal {
                let to = goal.min(from + CHUNK_ENTRIES);
                let mut transaction = self.begin().await?;
                if from == 0 {
                    begin_log(&mut *transaction, log).await?;
                }
                apply_within(&mut transaction, log, from, to, Books::Later).await?;
                transaction.commit().await?;
                from = to;
                stands.insert(log, to);
                progress(stands.values().sum());
            }
        }
        let mut transaction = self.begin().await?;
        billing::settle(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn can_continue_to(&self, cut: &BTreeMap<LogId, u64>) -> Result<bool, ProjectionError> {
        let mut transaction = self.begin().await?;
        let stands = positions(&mut *transaction).await?;
        let within = |(log, size): (&LogId, &u64)| *size <= cut.get(log).copied().unwrap_or(0);
        Ok(stands.iter().all(within)
            && !are_unaware(&mut *transaction).await?
            && !are_partial(&mut *transaction).await?)
    }

    /// One consistent state of these tables, to read from.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn read(&self) -> Result<AsideReader, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *transaction)
            .await?;
        look_in(&mut transaction, self.schema).await?;
        // The pool's limit is for requests; this reads everything.
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await?;
        Ok(AsideReader { transaction })
    }

    /// A transaction that no other writer of this schema runs beside. As for the projections
    /// themselves, a crash loses its changes and its position together.
    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        look_in(&mut transaction, self.schema).await?;
        sqlx::query(
            "SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock($1)",
        )
        .bind(self.schema.lock())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction)
    }
}

/// Until the end of the transaction.
async fn look_in(connection: &mut PgConnection, schema: Schema) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('search_path', $1, true)")
        .bind(schema.search_path())
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads one state of the tables aside.
#[derive(Debug)]
pub struct AsideReader {
    transaction: Transaction<'static, Postgres>,
}

impl AsideReader {
    /// All metered usage, in the order of a snapshot: by month, then by tenant, hour, provider,
    /// model and region.
    pub fn usage(&mut self) -> BoxStream<'_, Result<UsageRow, sqlx::Error>> {
        let rows = sqlx::query(
            "SELECT * FROM usage_hour ORDER BY date_trunc('month', hour AT TIME ZONE 'UTC'), \
             tenant_id COLLATE \"C\", hour, provider COLLATE \"C\", model COLLATE \"C\", \
             region COLLATE \"C\"",
        );
        rows.fetch(&mut *self.transaction).map(|row| usage::read(&row?)).boxed()
    }

    /// The months of which the billing ledger knows anything, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn billing_months(&mut self) -> Result<Vec<Period>, sqlx::Error> {
        let months: Vec<String> = sqlx::query_scalar(
            "SELECT period FROM billing_entry UNION SELECT period FROM billing_unpriced ORDER BY 1",
        )
        .fetch_all(&mut *self.transaction)
        .await?;
        let read =
            |text: String| text.parse().map_err(|bad: BadPeriod| sqlx::Error::Decode(bad.into()));
        months.into_iter().map(read).collect()
    }

    /// A month of the billing ledger, in the order of a snapshot.
    pub fn billing(&mut self, month: Period) -> BoxStream<'_, Result<BillingRow, sqlx::Error>> {
        billing::rows(&mut self.transaction, month)
    }
}
