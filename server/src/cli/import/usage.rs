//! Rows of a usage trace as `usage` events.

use std::str::FromStr;

use domain::catalog::{Known, Usage};
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use serde_json::{Value, json};

use super::RowIds;
use super::tenants::Homes;
use crate::cli::csv::Record;

/// `gcp=vertex/gemini-2.5-flash`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    cloud: Cloud,
    model: Model,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    provider: String,
    model: String,
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("\"{text}\" is not of the form gcp=vertex/gemini-2.5-flash");
        let (cloud, rest) = text.split_once('=').ok_or_else(form)?;
        let (provider, model) = rest.split_once('/').ok_or_else(form)?;
        if provider.is_empty() || model.is_empty() {
            return Err(form());
        }
        let cloud =
            cloud.parse().map_err(|error: domain::cloud::UnknownCloud| error.to_string())?;
        Ok(Mapping { cloud, model: Model::new(provider, model) })
    }
}

impl Model {
    fn new(provider: &str, model: &str) -> Self {
        Model { provider: provider.to_owned(), model: model.to_owned() }
    }
}

/// What tenants of each cloud use.
#[derive(Debug)]
pub(super) struct Models(PerCloud<Model>);

impl Models {
    /// The defaults are models that the demonstration has prices for.
    pub(super) fn new(mappings: &[Mapping]) -> Self {
        Models(PerCloud::from_fn(|cloud| {
            // The last mention of a cloud counts, as with any repeated option.
            let given = mappings.iter().rev().find(|mapping| mapping.cloud == cloud);
            given.map_or_else(|| default_model(cloud), |mapping| mapping.model.clone())
        }))
    }
}

fn default_model(cloud: Cloud) -> Model {
    match cloud {
        Cloud::Gcp => Model::new("vertex", "gemini-2.5-flash"),
        Cloud::Aws => Model::new("bedrock", "amazon.nova-lite"),
        Cloud::Azure => Model::new("azure", "gpt-4o-mini"),
    }
}

pub(super) fn event(
    record: &Record<'_>,
    ids: &RowIds,
    homes: &Homes,
    models: &Models,
) -> Result<Value, String> {
    let tenant = record.get("tenant_id")?;
    let home = homes.get(tenant).ok_or_else(|| {
        format!("the tenant \"{tenant}\" is not known; import tenants first, or give --tenants")
    })?;
    let Model { provider, model } = models.0.get(home.cloud).clone();
    let usage = Known::Usage(Usage {
        provider,
        model,
        region: home.region.as_str().to_owned(),
        input_tokens: record.parse("context_tokens")?,
        output_tokens: record.parse("generated_tokens")?,
        cached_tokens: None,
        latency_ms: None,
        ok: None,
        requested_at: requested_at(record.get("timestamp")?)?,
    });
    let mut payload = usage.to_payload();
    if let Ok(workload) = record.get("workload") {
        payload["workload"] = Value::from(workload);
    }
    Ok(json!({
        "eventId": ids.event_id(record.line()),
        "tenantId": tenant,
        "region": home.region,
        "payload": payload,
    }))
}

/// The traces write `2023-11-16 18:15:46.680`, in UTC.
fn requested_at(text: &str) -> Result<Timestamp, String> {
    let zoned = text.ends_with('Z') || text.contains('+');
    let rfc3339 = if zoned { text.to_owned() } else { format!("{}Z", text.replacen(' ', "T", 1)) };
    rfc3339.parse().map_err(|_| format!("timestamp is \"{text}\", which is not a time in UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traces_time_is_read_as_utc() {
        let at = requested_at("2023-11-16 18:15:46.680").expect("a time");
        assert_eq!(at.to_string(), "2023-11-16T18:15:46.680Z");
        assert!(requested_at("yesterday").is_err());
    }

    #[test]
    fn a_mapping_replaces_the_default_of_its_cloud_only() {
        let models = Models::new(&["aws=bedrock/amazon.nova-pro".parse().expect("a mapping")]);
        assert_eq!(models.0.get(Cloud::Aws).model, "amazon.nova-pro");
        assert_eq!(*models.0.get(Cloud::Gcp), default_model(Cloud::Gcp));
        assert!("gcp".parse::<Mapping>().is_err());
        assert!("moon=a/b".parse::<Mapping>().is_err());
    }
}
