//! Rows of tenants: as decisions, and as what usage rows need to know of their tenant.

use std::collections::HashMap;
use std::path::Path;

use domain::catalog::{Known, TenantPut};
use domain::cloud::Cloud;
use domain::event::{PLATFORM_TENANT, Region, TenantId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ImportError, RowIds};
use crate::cli::client::{Client, ClientError};
use crate::cli::csv::{Record, Table};

/// Where a tenant's work is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) cloud: Cloud,
    pub(super) region: Region,
}

/// By tenant id.
pub(super) type Homes = HashMap<String, Home>;

/// A tenant as the decision that creates it.
pub(super) fn event(record: &Record<'_>, ids: &RowIds) -> Result<Value, String> {
    let tenant_id = TenantId::try_from(record.get("tenant_id")?.to_owned())
        .map_err(|reason| format!("tenant_id {reason}"))?;
    let Home { cloud, region } = home(record)?;
    let decision = Known::TenantPut(TenantPut {
        name: tenant_id.to_string(),
        tenant_id,
        tier: record.get("tier")?.to_ascii_lowercase(),
        cloud,
        region,
        active: true,
    });
    Ok(json!({
        "eventId": ids.event_id(record.line()),
        "tenantId": PLATFORM_TENANT,
        "payload": decision.to_payload(),
    }))
}

fn home(record: &Record<'_>) -> Result<Home, String> {
    let cloud = record.get("cloud")?.to_ascii_lowercase();
    Ok(Home {
        cloud: cloud.parse().map_err(|reason: domain::cloud::UnknownCloud| reason.to_string())?,
        region: Region::try_from(record.get("region")?.to_owned())
            .map_err(|reason| format!("region {reason}"))?,
    })
}

pub(super) fn homes_of_file(text: &str, path: &Path) -> Result<Homes, ImportError> {
    let table = Table::parse(text).map_err(|error| ImportError::within(path, error))?;
    let read = |record: Record<'_>| {
        let home = record.get("tenant_id").and_then(|id| Ok((id.to_owned(), home(&record)?)));
        home.map_err(|reason| ImportError::Line {
            path: path.to_owned(),
            line: record.line(),
            reason,
        })
    };
    table.records().map(read).collect()
}

/// One page of `GET /v1/tenants`; fields that are not needed here are skipped.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Tenant>,
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tenant {
    tenant_id: String,
    cloud: Cloud,
    region: Region,
}

pub(super) async fn homes_of_cloud(client: &Client) -> Result<Homes, ClientError> {
    let mut homes = Homes::new();
    let mut cursor: Option<String> = None;
    loop {
        let after = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let path = format!("/v1/tenants?limit=1000{after}");
        let body = client.get(&path).await?;
        let page: Page = client.parse(&path, &body)?;
        let home = |tenant: Tenant| {
            (tenant.tenant_id, Home { cloud: tenant.cloud, region: tenant.region })
        };
        homes.extend(page.items.into_iter().map(home));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(homes);
        }
    }
}
