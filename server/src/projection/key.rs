//! What names an entity, of which decisions put versions. JSON arrays, since names may contain any
//! separator.

use domain::catalog::{CostPut, LatencyPut, PricePut};
use serde_json::Value;

/// The two ends.
pub(super) fn trip_key(from: &str, to: &str) -> String {
    Value::from(vec![from, to]).to_string()
}

/// A price has a version history for each time from which it applies, so that one decided early
/// for next month is not replaced by one decided later for next week.
pub(super) fn price_key(price: &PricePut) -> String {
    let PricePut { tier, provider, model, effective_from, .. } = price;
    Value::from(vec![tier.clone(), provider.clone(), model.clone(), effective_from.to_string()])
        .to_string()
}

/// Each day's map is kept, and one that is sent again for a day replaces it.
pub(super) fn cost_key(cost: &CostPut) -> String {
    let CostPut { provider, model, region, as_of, price: _ } = cost;
    Value::from(vec![
        Value::from(provider.clone()),
        Value::from(model.clone()),
        Value::from(region.clone()),
        Value::from(as_of.to_string()),
    ])
    .to_string()
}

/// As of costs: each day's samples are kept.
pub(super) fn sample_key(latency: &LatencyPut) -> String {
    let LatencyPut { provider, region, as_of, source: _, took: _ } = latency;
    Value::from(vec![
        Value::from(provider.clone()),
        Value::from(region.clone()),
        Value::from(as_of.to_string()),
    ])
    .to_string()
}
