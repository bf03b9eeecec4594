//! A price map, or a history of them, as `cost.put` decisions.
//!
//! Two forms are read: LiteLLM's `model_prices_and_context_window.json`, which is of one day, and
//! CSV rows of model, provider, day, input and output price, which are of many.

use std::path::Path;

use domain::catalog::{CostPut, Known};
use domain::clock::Timestamp;
use domain::economics::token_cost::{ProviderPrice, Rates};
use domain::event::PLATFORM_TENANT;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{ImportError, Row, RowIds};
use crate::cli::csv::{Record, Table};

/// Regions that the map writes into the name of a model: `azure/eu/gpt-4o`.
const REGIONS: [&str; 3] = ["us", "eu", "apac"];

/// The rows of a file, and how many of it have no price that could be taken.
pub(super) struct Prices {
    pub(super) rows: Vec<Row>,
    pub(super) skipped: usize,
}

/// The day of a map, if its name says one: `prices_2026-11-12.json`.
pub(super) fn day_of(path: &Path) -> Option<Timestamp> {
    let name = path.file_stem()?.to_str()?;
    let from = name.len().checked_sub(10)?;
    day(name.get(from..)?).ok()
}

/// `2026-11-12`, or a time.
pub(super) fn day(text: &str) -> Result<Timestamp, String> {
    let time = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    time.parse().map_err(|_| format!("\"{text}\" is not a day such as 2026-11-12"))
}

pub(super) fn of_map(text: &str, as_of: Timestamp, ids: &RowIds) -> Result<Prices, String> {
    let map: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("is no price map: {error}"))?;
    let mut prices = Prices { rows: Vec::new(), skipped: 0 };
    for (at, (name, fields)) in map.iter().enumerate() {
        let Some(provider) = fields["litellm_provider"].as_str() else {
            prices.skipped += 1; // the map's own sample entry, and comments
            continue;
        };
        let price = price(fields).map_err(|reason| format!("{name}: {reason}"))?;
        match price {
            Some(price) => prices.rows.push(row(at + 1, ids, put(name, provider, price, as_of))),
            None => prices.skipped += 1,
        }
    }
    Ok(prices)
}

pub(super) fn of_history(text: &str, path: &Path, ids: &RowIds) -> Result<Prices, ImportError> {
    let table = Table::parse(text).map_err(|error| ImportError::within(path, error))?;
    let mut prices = Prices { rows: Vec::new(), skipped: 0 };
    for record in table.records() {
        let line = record.line();
        let put = dated(&record);
        match put.map_err(|reason| ImportError::Line { path: path.to_owned(), line, reason })? {
            Some(put) => prices.rows.push(row(line, ids, put)),
            None => prices.skipped += 1,
        }
    }
    Ok(prices)
}

fn dated(record: &Record<'_>) -> Result<Option<CostPut>, String> {
    let rate = |column| decimal(record.get(column)?).map_err(|reason| format!("{column} {reason}"));
    let rates = Rates {
        input_usd_per_token: rate("input_usd_per_token")?,
        output_usd_per_token: rate("output_usd_per_token")?,
        cached_usd_per_token: None,
    };
    let price = ProviderPrice { rates, long_context: None, off_peak: None };
    let as_of = day(record.get("as_of")?)?;
    let put = put(record.get("model")?, record.get("litellm_provider")?, price, as_of);
    Ok((!is_free(&rates)).then_some(put))
}

/// A map's fields. `None`: it states no price, or 0, which is no price to reckon with.
fn price(fields: &Value) -> Result<Option<ProviderPrice>, String> {
    let rate = |field: &str| match &fields[field] {
        Value::Number(number) => {
            decimal(&number.to_string()).map(Some).map_err(|reason| format!("{field} {reason}"))
        }
        _ => Ok(None),
    };
    let rates = |input: &str, output: &str, cached: &str| {
        let (input, output) = (rate(input)?, rate(output)?);
        let cached_usd_per_token = rate(cached)?;
        Ok::<_, String>(input.zip(output).map(|(input_usd_per_token, output_usd_per_token)| {
            Rates { input_usd_per_token, output_usd_per_token, cached_usd_per_token }
        }))
    };
    let usual =
        rates("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")?;
    let long_context = rates(
        "input_cost_per_token_above_200k_tokens",
        "output_cost_per_token_above_200k_tokens",
        "cache_read_input_token_cost_above_200k_tokens",
    )?;
    let usual = usual.filter(|rates| !is_free(rates));
    Ok(usual.map(|rates| ProviderPrice { rates, long_context, off_peak: None }))
}

const fn is_free(rates: &Rates) -> bool {
    rates.input_usd_per_token.is_zero() && rates.output_usd_per_token.is_zero()
}

fn decimal(text: &str) -> Result<Decimal, String> {
    let plain = text.parse().ok();
    let number = plain.or_else(|| Decimal::from_scientific(text).ok());
    number
        .map(|number: Decimal| number.normalize())
        .ok_or_else(|| format!("is \"{text}\", which is no amount"))
}

/// The map's provider is a client library's; usage names the cloud's own service.
fn put(name: &str, library: &str, price: ProviderPrice, as_of: Timestamp) -> CostPut {
    let provider = match library {
        "bedrock_converse" => "bedrock",
        other if other.starts_with("vertex_ai") => "vertex",
        other => other,
    };
    let prefixes = [library, provider, "vertex_ai"];
    let own = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)?.strip_prefix('/'));
    let own = own.unwrap_or(name);
    let regional = own.split_once('/').filter(|(region, _)| REGIONS.contains(region));
    let (region, model) = regional.map_or((None, own), |(region, model)| (Some(region), model));
    CostPut {
        provider: provider.to_owned(),
        model: model.to_owned(),
        region: region.map(str::to_owned),
        price,
        as_of,
    }
}

fn row(line: usize, ids: &RowIds, put: CostPut) -> Row {
    let event = json!({
        "eventId": ids.event_id(line),
        "tenantId": PLATFORM_TENANT,
        "payload": Known::CostPut(put).to_payload(),
    });
    Row { line, event }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"{
        "azure/eu/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 2.75e-06,
            "output_cost_per_token": 1.1e-05, "cache_read_input_token_cost": 1.375e-06},
        "gemini-2.5-pro": {"litellm_provider": "vertex_ai-language-models",
            "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05,
            "input_cost_per_token_above_200k_tokens": 2.5e-06,
            "output_cost_per_token_above_200k_tokens": 1.5e-05},
        "a-free-preview": {"litellm_provider": "gemini", "input_cost_per_token": 0,
            "output_cost_per_token": 0}
    }"#;

    #[test]
    fn a_map_names_provider_region_and_exact_rates_and_skips_what_has_no_price() {
        let as_of = day_of(Path::new("prices_2026-11-12.json")).expect("a day");
        let prices = of_map(MAP, as_of, &RowIds::of(MAP.as_bytes())).expect("a map");
        assert_eq!((prices.rows.len(), prices.skipped), (2, 1));
        let payload = |at: usize| &prices.rows[at].event["payload"];
        let regional = prices.rows.iter().position(|row| row.event["payload"]["region"] == "eu");
        let azure = payload(regional.expect("a region"));
        assert_eq!((&azure["provider"], &azure["model"]), (&json!("azure"), &json!("gpt-4o")));
        assert_eq!(azure["price"]["rates"]["inputUsdPerToken"], "0.00000275");
        assert_eq!(azure["price"]["rates"]["cachedUsdPerToken"], "0.000001375");
        let vertex = prices.rows.iter().find(|row| row.event["payload"]["provider"] == "vertex");
        let vertex = &vertex.expect("vertex").event["payload"];
        assert_eq!(vertex["price"]["longContext"]["inputUsdPerToken"], "0.0000025");
        assert_eq!(vertex["asOf"], "2026-11-12T00:00:00.000Z");
    }

    #[test]
    fn a_history_keeps_the_day_of_each_row() {
        let text = "model,litellm_provider,as_of,input_usd_per_token,output_usd_per_token\n\
                    azure/gpt-4o,azure,2024-12-12,2.5e-06,1e-05\n\
                    azure/gpt-4o,azure,2025-06-01,2e-06,1e-05\n";
        let ids = RowIds::of(text.as_bytes());
        let prices = of_history(text, Path::new("h.csv"), &ids).expect("a history");
        let days: Vec<_> = prices.rows.iter().map(|row| &row.event["payload"]["asOf"]).collect();
        assert_eq!(days, ["2024-12-12T00:00:00.000Z", "2025-06-01T00:00:00.000Z"]);
        assert_ne!(prices.rows[0].event["eventId"], prices.rows[1].event["eventId"]);
        assert!(of_history("model\nm\n", Path::new("h.csv"), &ids).is_err());
    }
}
