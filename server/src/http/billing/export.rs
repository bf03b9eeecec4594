//! `GET /v1/ledger/export`: exactly the filtered entries as a file, however many.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::billing::{Account, Entry, Overage, Period, Price, Quantity, What};
use domain::event::TenantId;
use futures::{StreamExt as _, stream};
use serde::Deserialize;

use crate::http::Shared;
use crate::http::ask::Asked;
use crate::http::csv;
use crate::identity::Principal;
use crate::problem::Problem;
use crate::projection::{BILLING_PAGE_MAX, BillingCursor, BillingFilter};

const HEAD: &str = "period,day,tenantId,kind,debit,credit,amountUsd,provider,model,region,tier,\
                    requests,failed,inputTokens,cachedTokens,outputTokens,inputUsdPerMillion,\
                    cachedUsdPerMillion,outputUsdPerMillion,priceSince,eventId,about\r\n";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Csv,
    /// One RFC 8785 object a line: the rows that audit snapshots hash.
    Ndjson,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    tenant: Option<TenantId>,
    period: Option<Period>,
    account: Option<Account>,
    #[serde(default)]
    format: Format,
}

pub(super) async fn export(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(filters): Asked<Filters>,
) -> Result<Response, Problem> {
    principal.require(Action::ReadBilling)?;
    let Filters { tenant, period, account, format } = filters;
    let name = file_name(&shared, tenant.as_ref(), period, format);
    let filter = BillingFilter { tenant, period, account };
    // The first page is read before the status is sent: what cannot be read must still be a problem.
    let (first, next) = page(&shared, &filter, None, format).await?;
    let rest = stream::try_unfold(next, move |next| {
        let (shared, filter) = (Shared::clone(&shared), filter.clone());
        async move {
            let Some(cursor) = next else { return Ok(None) };
            // By now an error can only cut the connection: half a file must not pass for a whole.
            let read = page(&shared, &filter, Some(&cursor), format).await;
            read.map(Some).map_err(|problem| std::io::Error::other(problem.detail))
        }
    });
    let head = if format == Format::Csv { HEAD } else { "" };
    let first = stream::iter([Ok(Bytes::from_static(head.as_bytes())), Ok(first)]);
    let media = match format {
        Format::Csv => "text/csv; charset=utf-8; header=present",
        Format::Ndjson => "application/x-ndjson",
    };
    let headers = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(first.chain(rest))).into_response())
}

/// `ternion-gcp-billing-2026-10-acme.csv`.
fn file_name(
    shared: &Shared,
    tenant: Option<&TenantId>,
    period: Option<Period>,
    format: Format,
) -> String {
    let period = period.map_or_else(String::new, |period| format!("-{period}"));
    let tenant = tenant.map_or_else(String::new, |tenant| format!("-{tenant}"));
    let suffix = if format == Format::Csv { "csv" } else { "ndjson" };
    format!("ternion-{}-billing{period}{tenant}.{suffix}", shared.ledger.cloud())
}

async fn page(
    shared: &Shared,
    filter: &BillingFilter,
    cursor: Option<&BillingCursor>,
    format: Format,
) -> Result<(Bytes, Option<BillingCursor>), Problem> {
    let page = shared.projection.billing_page(filter, cursor, BILLING_PAGE_MAX).await?;
    let line = |entry: &Entry| match format {
        Format::Csv => csv_line(entry),
        Format::Ndjson => json_line(entry),
    };
    Ok((page.items.iter().map(line).collect::<String>().into(), page.next))
}

fn json_line(entry: &Entry) -> String {
    // Texts, integers and decimals in texts: always serializable, and UTF-8.
    let value = serde_json::to_value(entry).unwrap_or_default();
    String::from_utf8(domain::json::canonical(&value)).unwrap_or_default() + "\n"
}

fn csv_line(entry: &Entry) -> String {
    let own = [
        entry.period.to_string(),
        entry.day.to_string(),
        entry.tenant_id.to_string(),
        entry.what.name().to_owned(),
        entry.debit().to_string(),
        entry.credit().to_string(),
        entry.amount_usd().to_string(),
    ];
    let cells = own.into_iter().chain(facts(&entry.what));
    cells.map(|cell| csv::cell(&cell)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// What an entry was computed from, in the columns after `amountUsd`.
fn facts(what: &What) -> [String; 15] {
    let mut cells = <[String; 15]>::default();
    let [provider_to_tier @ .., _, _, _, _, _, _, _, _, since, event, about] = &mut cells;
    match what {
        What::Charge { provider, model, region, tier, price, quantity } => {
            let names = [provider, model, region, tier].map(Clone::clone);
            let numbers = numbers(price, quantity);
            let rest = [price.event_id.to_string(), String::new()];
            let all = names.into_iter().chain(numbers).chain(rest);
            cells.iter_mut().zip(all).for_each(|(cell, value)| *cell = value);
        }
        What::Overage(overage) => {
            let own = &overage.own;
            provider_to_tier[3].clone_from(&overage.tier);
            (*since, *event) = (own.since.to_string(), own.event_id.to_string());
            *about = beyond(overage);
        }
        What::Credit { event_id, reason, .. } => {
            (*event, *about) = (event_id.to_string(), reason.clone());
        }
        What::Penalty { tier, requests, failed, share, charges_usd } => {
            provider_to_tier[3].clone_from(tier);
            *about =
                format!("{failed} of {requests} requests failed: {} of {charges_usd}", share.get());
        }
        What::Rounding { exact_usd } => *about = format!("from {exact_usd}"),
        What::CarriedOut { to } => *about = format!("to {to}"),
        What::CarriedIn { from } => *about = format!("from {from}"),
    }
    cells
}

/// How an overage came about: `400000 of 1000000 tokens beyond the cap of 2000000 (2400000 this month):
/// at 1.3 of the list price instead of 1 for what was charged 3`.
fn beyond(overage: &Overage) -> String {
    let Overage { tokens, beyond_tokens, month_tokens, token_cap, .. } = overage;
    let Overage { overage_of_list, own, charges_usd, .. } = overage;
    format!(
        "{beyond_tokens} of {tokens} tokens beyond the cap of {token_cap} ({month_tokens} this month): \
         at {overage_of_list} of the list price instead of {} for what was charged {charges_usd}",
        own.of_list
    )
}

fn numbers(price: &Price, quantity: &Quantity) -> [String; 9] {
    let cached = price.cached_usd_per_million.unwrap_or(price.input_usd_per_million);
    [
        quantity.requests.to_string(),
        quantity.failed.to_string(),
        quantity.input_tokens.to_string(),
        quantity.cached_tokens.to_string(),
        quantity.output_tokens.to_string(),
        price.input_usd_per_million.to_string(),
        cached.to_string(),
        price.output_usd_per_million.to_string(),
        price.effective_from.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_entry_fills_the_same_columns() {
        let entry = |what: serde_json::Value| {
            let mut value = json!({"period": "2026-10", "tenantId": "acme", "day": "2026-10-05",
                "postings": [{"account": "receivable:acme", "debitUsd": "1.5"},
                             {"account": "revenue", "creditUsd": "1.5"}]});
            let fields = what.as_object().expect("an object").clone();
            value.as_object_mut().expect("an object").extend(fields);
            csv_line(&serde_json::from_value(value).expect("an entry"))
        };
        let id = "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b";
        let charge = entry(json!({"kind": "charge", "provider": "vertex", "model": "m",
            "region": "eu", "tier": "pro",
            "price": {"inputUsdPerMillion": "3", "outputUsdPerMillion": "2", "eventId": id,
                "effectiveFrom": "2026-10-01T00:00:00.000Z"},
            "quantity": {"requests": 1, "failed": 0, "inputTokens": 5, "outputTokens": 6,
                "cachedTokens": 2}}));
        let expected = format!(
            "2026-10,2026-10-05,acme,charge,receivable:acme,revenue,1.5,vertex,m,eu,pro,1,0,5,2,6,\
             3,3,2,2026-10-01T00:00:00.000Z,{id},\r\n"
        );
        assert_eq!(charge, expected);
        let overage = json!({"kind": "overage", "tier": "pro", "tokens": 10, "beyondTokens": 4,
            "monthTokens": 24, "tokenCap": 20, "overageOfList": "1.3", "chargesUsd": "3",
            "own": {"ofList": "1", "since": "2026-10-02T00:00:00.000Z", "eventId": id}});
        let expected = format!(
            "2026-10,2026-10-05,acme,overage,receivable:acme,revenue,1.5,,,,pro,,,,,,,,,\
             2026-10-02T00:00:00.000Z,{id},4 of 10 tokens beyond the cap of 20 (24 this month): \
             at 1.3 of the list price instead of 1 for what was charged 3\r\n"
        );
        assert_eq!(entry(overage.clone()), expected);
        let others = [
            overage.clone(),
            json!({"kind": "credit", "eventId": id, "reason": "=1+1"}),
            json!({"kind": "penalty", "tier": "pro", "requests": 9, "failed": 1, "share": "0.1",
                "chargesUsd": "15"}),
            json!({"kind": "rounding", "exactUsd": "1.501"}),
            json!({"kind": "carriedOut", "to": "2026-11"}),
            json!({"kind": "carriedIn", "from": "2026-09"}),
        ];
        for other in others {
            let line = entry(other);
            assert_eq!(line.matches(',').count(), HEAD.matches(',').count(), "{line}");
        }
        assert!(
            entry(json!({"kind": "credit", "eventId": id, "reason": "=1+1"})).contains("'=1+1")
        );
    }
}
