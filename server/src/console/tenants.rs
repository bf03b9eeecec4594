//! Tenants: who is served, on what terms, and how it came to that.

use std::collections::BTreeSet;

use app::backend::{
    PaidRow, PriceText, TenantDetail, TenantForm, TenantRow, TenantsQuery, TenantsView, TermsView,
    TierName, VersionRow,
};
use domain::catalog::{DECIDED_BY, Known, PricePut, TenantPut};
use domain::clock::Timestamp;
use domain::event::TenantId;
use domain::pricing::controls::{Controls, Subject};
use rust_decimal::Decimal;
use serde_json::Value;

use super::Console;
use super::approvals::percent;
use super::contracts::waiting;
use super::figures::{dollars, grouped};
use crate::problem::Problem;
use crate::projection::{Catalog, Entity, Version};

/// Of one page.
const TENANTS: usize = 100;

impl Console {
    /// # Errors
    /// The cursor is not one that a page gave.
    pub(super) fn tenants(&self, query: &TenantsQuery) -> Result<TenantsView, Problem> {
        let cursor = query.cursor.clone().map(TenantId::try_from).transpose();
        let cursor =
            cursor.map_err(|_| Problem::malformed("The cursor is not one that a page gave."))?;
        let catalog = self.projection.catalog();
        let now = crate::now();
        let after = catalog.tenants_after(cursor.as_ref(), catalog.tenant_count());
        let wanted = after.into_iter().map(|tenant| &tenant.value);
        // One more than is shown tells whether there is a next page.
        let wanted = wanted.filter(|tenant| is_asked(tenant, query)).take(TENANTS + 1);
        let mut rows: Vec<TenantRow> = wanted.map(|tenant| row(&catalog, tenant, now)).collect();
        let more = rows.len() > TENANTS;
        rows.truncate(TENANTS);
        let next_cursor = rows.last().filter(|_| more).map(|last| last.form.tenant_id.clone());
        let all = u64::try_from(catalog.tenant_count()).unwrap_or(u64::MAX);
        Ok(TenantsView { at: now, rows, tiers: tier_names(&catalog), all, next_cursor })
    }

    /// # Errors
    /// There is none of that id, or the database cannot be read.
    pub(super) async fn tenant(&self, id: &str) -> Result<TenantDetail, Problem> {
        let catalog = self.projection.catalog();
        let now = crate::now();
        let tenant_id = TenantId::try_from(id.to_owned()).ok();
        let found = tenant_id.as_ref().and_then(|id| catalog.tenant(id));
        let found = found
            .ok_or_else(|| Problem::not_found(format!("No tenant \"{id}\" is known here.")))?;
        let versions = self.projection.versions(Entity::Tenant, id).await;
        let versions = versions.map_err(|cause| Problem::database(&cause))?;
        let tenant = &found.value;
        let controls = catalog.book().controls(&tenant.tenant_id);
        Ok(TenantDetail {
            at: now,
            form: form(tenant),
            seen: found.event_id.to_string(),
            tiers: tier_names(&catalog),
            terms: terms(&catalog, &tenant.tenant_id, controls, now),
            prices: paid(&catalog, &tenant.tier, controls, now),
            history: history(&versions),
        })
    }
}

fn is_asked(tenant: &TenantPut, query: &TenantsQuery) -> bool {
    let holds = |part: &String| {
        let part = part.trim().to_lowercase();
        tenant.tenant_id.as_str().to_lowercase().contains(&part)
            || tenant.name.to_lowercase().contains(&part)
    };
    query.q.as_ref().is_none_or(holds)
        && query.tier.as_ref().is_none_or(|tier| *tier == tenant.tier)
}

fn form(tenant: &TenantPut) -> TenantForm {
    let TenantPut { tenant_id, name, tier, cloud, region, active } = tenant;
    TenantForm {
        tenant_id: tenant_id.to_string(),
        name: name.clone(),
        tier: tier.clone(),
        cloud: *cloud,
        region: region.as_str().to_owned(),
        active: *active,
    }
}

fn row(catalog: &Catalog, tenant: &TenantPut, now: Timestamp) -> TenantRow {
    TenantRow {
        form: form(tenant),
        price: percent(catalog.book().controls(&tenant.tenant_id).price_of_list),
        fixed_until: fixed_until(catalog, &tenant.tenant_id, now),
    }
}

fn fixed_until(catalog: &Catalog, tenant: &TenantId, now: Timestamp) -> Option<Timestamp> {
    let until = catalog.book().policy().1.locked_until.get(tenant).copied();
    until.filter(|until| now < *until)
}

/// Of those with terms, and those that tenants or prices name besides.
pub(super) fn tier_names(catalog: &Catalog) -> Vec<TierName> {
    let described = catalog.tiers().map(|tier| &tier.value);
    let mut names: Vec<TierName> = described
        .map(|tier| TierName { tier: tier.tier.clone(), name: tier.name.clone() })
        .collect();
    let known: BTreeSet<String> = names.iter().map(|name| name.tier.clone()).collect();
    let priced = catalog.prices().map(|price| &price.value.tier);
    let tenants = catalog.tenants_after(None, catalog.tenant_count()).into_iter();
    let named: BTreeSet<&String> = priced.chain(tenants.map(|tenant| &tenant.value.tier)).collect();
    let others = named.into_iter().filter(|tier| !known.contains(*tier));
    names.extend(others.map(|tier| TierName { tier: tier.clone(), name: tier.clone() }));
    names
}

fn terms(catalog: &Catalog, tenant: &TenantId, controls: Controls, now: Timestamp) -> TermsView {
    let book = catalog.book();
    let chain = book.chain(tenant);
    TermsView {
        price: percent(controls.price_of_list),
        overage: controls.overage_of_list.map(percent),
        concurrency: controls.concurrency.map(grouped),
        token_cap: controls.token_cap.map(grouped),
        version: book.version_of(&Subject::Tenant(tenant.clone())),
        since: chain.and_then(|chain| chain.last()).map(|applied| applied.at),
        fixed_until: fixed_until(catalog, tenant, now),
        persons: book.policy().1.policy_persons,
        policy_waits: waiting(book, tenant, now),
        proposal_waits: book
            .open_about(&Subject::Tenant(tenant.clone()), now)
            .map(|case| case.id.to_string()),
    }
}

/// By provider and model, those that have a price now.
fn paid(catalog: &Catalog, tier: &str, controls: Controls, now: Timestamp) -> Vec<PaidRow> {
    let of_tier = catalog.prices().map(|price| &price.value).filter(|price| price.tier == tier);
    let products: BTreeSet<(&str, &str)> =
        of_tier.map(|price| (price.provider.as_str(), price.model.as_str())).collect();
    let now_paid = products.into_iter().filter_map(|(provider, model)| {
        let price = &catalog.price_at(tier, provider, model, now)?.value;
        Some(PaidRow {
            provider: provider.to_owned(),
            model: model.to_owned(),
            list: price_text(price, Decimal::ONE),
            paid: price_text(price, controls.price_of_list),
        })
    });
    now_paid.collect()
}

/// A list price, at a share of it.
pub(super) fn price_text(price: &PricePut, share: Decimal) -> PriceText {
    // Prices are checked to be far below what a decimal holds.
    let text = |usd: Decimal| dollars(usd.checked_mul(share).unwrap_or(usd));
    PriceText {
        input: text(price.input_usd_per_million),
        output: text(price.output_usd_per_million),
        cached: price.cached_usd_per_million.map(text),
    }
}

/// Each version beside the one before. `versions`: the newest first.
pub(super) fn history(versions: &[Version]) -> Vec<VersionRow> {
    let read = |version: &Version| match Known::read(&version.body) {
        Ok(Some(Known::TenantPut(tenant))) => Some(tenant),
        _ => None,
    };
    let before = versions.iter().skip(1).map(Some).chain([None]);
    let pairs = versions.iter().zip(before);
    pairs
        .map(|(version, before)| {
            let changes = read(version).map(|is| match before.and_then(read) {
                Some(was) => changes(&was, &is),
                None => vec![format!("Came as {}", words(&is).join(", "))],
            });
            version_row(version, changes.unwrap_or_default())
        })
        .collect()
}

pub(super) fn version_row(version: &Version, changes: Vec<String>) -> VersionRow {
    let ms = i64::try_from(version.logical_clock.ms).unwrap_or(i64::MAX);
    VersionRow {
        at: Timestamp::from_unix_ms(ms),
        by: version.body.get(DECIDED_BY).and_then(Value::as_str).map(str::to_owned),
        event_id: version.event_id.to_string(),
        changes,
    }
}

/// Name, tier, cloud, region, and whether it is served.
fn words(tenant: &TenantPut) -> [String; 5] {
    let state = if tenant.active { "active" } else { "not active" };
    [
        format!("“{}”", tenant.name),
        format!("tier {}", tenant.tier),
        format!("served by {}", tenant.cloud),
        tenant.region.as_str().to_owned(),
        state.to_owned(),
    ]
}

fn changes(was: &TenantPut, is: &TenantPut) -> Vec<String> {
    let pairs = words(was).into_iter().zip(words(is));
    let changed = pairs.filter(|(was, is)| was != is);
    let mut lines: Vec<String> = changed.map(|(was, is)| format!("{was} → {is}")).collect();
    if lines.is_empty() {
        lines.push("Said again, unchanged".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn version(name: &str, tier: &str, active: bool, by: Option<&str>) -> Version {
        let mut body = json!({
            "kind": "tenant.put", "tenantId": "acme", "name": name, "tier": tier,
            "cloud": "gcp", "region": "eu", "active": active
        });
        if let Some(by) = by {
            body[DECIDED_BY] = Value::from(by);
        }
        Version {
            event_id: domain::event::EventId(uuid::Uuid::nil()),
            slot: domain::event::Slot::parse("gcp/1/2").expect("a slot"),
            logical_clock: domain::clock::LogicalClock { ms: 1_000, counter: 0 },
            body,
        }
    }

    #[test]
    fn a_history_says_what_each_version_changed_and_who_did_it() {
        let versions = [
            version("Acme", "pro", false, Some("ada@example.com")),
            version("Acme", "pro", true, None),
            version("Acme", "pro", true, None),
            version("Acme", "free", true, None),
        ];
        let rows = history(&versions);
        let changes: Vec<&[String]> = rows.iter().map(|row| row.changes.as_slice()).collect();
        assert_eq!(changes[0], ["active → not active"]);
        assert_eq!(changes[1], ["Said again, unchanged"]);
        assert_eq!(changes[2], ["tier free → tier pro"]);
        assert_eq!(changes[3], ["Came as “Acme”, tier free, served by gcp, eu, active"]);
        assert_eq!(rows[0].by.as_deref(), Some("ada@example.com"));
        assert_eq!(rows[0].at.unix_ms(), 1_000);
    }

    #[test]
    fn a_part_of_an_id_or_name_finds_a_tenant() {
        let Ok(Some(Known::TenantPut(tenant))) =
            Known::read(&version("Acme Corp", "pro", true, None).body)
        else {
            panic!("a tenant");
        };
        let asked = |q: &str, tier: Option<&str>| {
            let query =
                TenantsQuery { q: Some(q.to_owned()), tier: tier.map(str::to_owned), cursor: None };
            is_asked(&tenant, &query)
        };
        assert!(asked("acm", None) && asked("CORP", Some("pro")));
        assert!(!asked("corp", Some("free")) && !asked("other", None));
    }
}
