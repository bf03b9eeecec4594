//! The workload's tenants, from their file.

use domain::economics::workload::Row;

use crate::cli::csv::{Record, Table};

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn rows(text: &str) -> Result<Vec<Row>, Failure> {
    let table = Table::parse(text)?;
    let read = |record: Record<'_>| {
        row(&record).map_err(|reason| format!("line {}: {reason}", record.line()))
    };
    Ok(table.records().map(read).collect::<Result<Vec<_>, _>>()?)
}

fn row(record: &Record<'_>) -> Result<Row, String> {
    Ok(Row {
        id: record.get("id")?.to_owned(),
        tier: record.get("tier")?.to_owned(),
        provider: record.get("provider")?.to_owned(),
        region: record.get("region")?.to_owned(),
        usage_k: record.parse("usage_k")?,
        price: record.parse("price")?,
        cost: record.parse("cost")?,
        sigma_cost: record.parse("sigma_cost")?,
        sigma_usage: record.parse("sigma_usage")?,
        lat_p50: record.parse("lat_p50")?,
        lat_sigma: record.parse("lat_sigma")?,
        lat_t: record.parse("lat_T")?,
        e0: record.parse("e0")?,
    })
}
