//! What stands in the projections' tables, against the same derived anew: a row that was changed
//! behind the program's back differs, and is named.

use std::collections::BTreeSet;

use domain::log::LogId;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::aside::Aside;
use super::{Projection, ProjectionError, apply, billing, rebuild};

/// Rows of one table that are told in full; the rest are counted.
const ROWS_TOLD_MAX: i64 = 20;

/// Rounds in which the tables aside come closer to the others. Where events come faster than they
/// are derived, the last part is derived while the others wait.
const ROUNDS_MAX: usize = 20;

/// Each table, and what names a row of it.
const TABLES: [(&str, &str); 6] = [
    ("projection_version", "entity, key, logical_clock, origin, epoch, sequence"),
    ("usage_hour", "tenant_id, hour, provider, model, region"),
    ("usage_latency", "hour, provider, region, from_us"),
    ("projection_conflict", "tenant_id, event_id"),
    ("billing_entry", "period, tenant_id, day, kind, key"),
    ("billing_unpriced", "period, tenant_id, day, key"),
];

/// A row that is not what the entries add up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowDiffers {
    pub table: &'static str,
    /// The columns that name it, in their order.
    pub row: String,
    #[serde(flatten)]
    pub how: How,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum How {
    /// It was not there.
    Missing,
    /// No entry made it.
    Invented,
    Changed {
        fields: Vec<FieldDiffers>,
    },
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDiffers {
    pub field: String,
    pub stood: Value,
    pub derived: Value,
}

/// All that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TablesDiffer {
    pub rows: u64,
    /// The first of each table.
    pub first: Vec<RowDiffers>,
    /// Why they are not put right yet.
    pub not_mended: Option<String>,
}

impl Projection {
    /// Compares these tables with those of `aside`, which were derived from the first entry and are
    /// brought as far as these stand. Where they differ, these are derived again, and what differed
    /// is the answer.
    ///
    /// # Errors
    /// The database cannot be reached, or an entry is damaged.
    pub async fn compare_and_mend(&self, aside: &Aside) -> Result<TablesDiffer, ProjectionError> {
        // Without holding anybody up, until little is missing.
        for _ in 0..ROUNDS_MAX {
            let goal = apply::positions(&self.pool).await?;
            let stands = aside.positions().await?;
            let missing = |(log, size): (&LogId, &u64)| {
                size.saturating_sub(stands.get(log).copied().unwrap_or(0))
            };
            if goal.iter().map(missing).sum::<u64>() < apply::CHUNK_ENTRIES {
                break;
            }
            aside.bring_to(&goal, |_| {}).await?;
        }
        let mut differ = self.compare(aside).await?;
        if differ.rows > 0 {
            tracing::error!(rows = differ.rows, first = ?differ.first.first(),
                "projections were changed behind the program's back: deriving them again");
            metrics::counter!("ternion_projection_mended_total").increment(differ.rows);
            // What was found is told, whatever comes of this.
            if let Err(cause) = self.derive_again().await {
                tracing::error!(%cause, "the projections are not put right yet");
                differ.not_mended = Some(cause.to_string());
            }
        }
        Ok(differ)
    }

    pub(super) async fn derive_again(&self) -> Result<(), ProjectionError> {
        rebuild(&self.pool, |_| {}).await?;
        self.refresh().await
    }

    async fn compare(&self, aside: &Aside) -> Result<TablesDiffer, ProjectionError> {
        // Nobody else writes these tables until the end of this transaction.
        let mut transaction = apply::begin(&self.pool).await?;
        apply::take_your_time(&mut transaction).await?;
        billing::settle(&mut transaction).await?;
        aside.bring_to(&apply::positions(&mut *transaction).await?, |_| {}).await?;
        let mut differ = TablesDiffer::default();
        for (table, key) in TABLES {
            compare_table(&mut transaction, table, key, aside.schema(), &mut differ).await?;
        }
        transaction.commit().await?;
        Ok(differ)
    }
}

async fn compare_table(
    connection: &mut PgConnection,
    table: &'static str,
    key: &str,
    schema: &str,
    differ: &mut TablesDiffer,
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "SELECT concat_ws(' ', {key}) AS row, to_jsonb(stood) AS stood, \
         to_jsonb(derived) AS derived, count(*) OVER () AS rows FROM public.{table} AS stood FULL JOIN {schema}.{table} AS derived \
         USING ({key}) WHERE stood IS DISTINCT FROM derived ORDER BY {key} LIMIT {ROWS_TOLD_MAX}"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await?;
    let all: i64 = rows.first().map(|row| row.try_get("rows")).transpose()?.unwrap_or(0);
    differ.rows += all.unsigned_abs();
    for row in rows {
        let how = match (row.try_get("stood")?, row.try_get("derived")?) {
            (Some(Value::Object(stood)), Some(Value::Object(derived))) => {
                How::Changed { fields: differing(&stood, &derived) }
            }
            (Some(_), _) => How::Invented,
            (None, _) => How::Missing,
        };
        differ.first.push(RowDiffers { table, row: row.try_get("row")?, how });
    }
    Ok(())
}

fn differing(stood: &Map<String, Value>, derived: &Map<String, Value>) -> Vec<FieldDiffers> {
    let names: BTreeSet<&String> = stood.keys().chain(derived.keys()).collect();
    let of = |row: &Map<String, Value>, name: &String| row.get(name).cloned().unwrap_or_default();
    let field = |name: &String| FieldDiffers {
        field: name.clone(),
        stood: of(stood, name),
        derived: of(derived, name),
    };
    names.into_iter().map(field).filter(|field| field.stood != field.derived).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_that_differ_are_named_with_both_values() {
        let row = |requests: u64| match json!({ "requests": requests, "failed": 0 }) {
            Value::Object(row) => row,
            _ => Map::new(),
        };
        let fields = differing(&row(1), &row(2));
        let requests =
            FieldDiffers { field: "requests".into(), stood: json!(1), derived: json!(2) };
        assert_eq!(fields, [requests]);
    }
}
