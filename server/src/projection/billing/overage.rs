//! What tokens beyond monthly caps cost, derived from the charges that stand.
//!
//! Of a touched month the whole is derived: what comes late on one day moves the split of all later
//! ones.

use std::collections::{BTreeMap, BTreeSet};

use domain::billing::overage::{Terms, overage};
use domain::billing::{Entry, Period};
use domain::event::TenantId;
use sqlx::{PgConnection, Row as _};

use super::own::overage_terms;
use super::{Months, decoded, months, named, write};
use crate::projection::ProjectionError;

/// Derives it for the touched months of these tenants, once the charges of their days are written.
pub(super) async fn derive(
    connection: &mut PgConnection,
    touched: &Months,
) -> Result<(), ProjectionError> {
    let tenants: BTreeSet<&str> = touched.tenants().map(TenantId::as_str).collect();
    if tenants.is_empty() {
        return Ok(());
    }
    let terms = overage_terms(connection, &tenants.into_iter().collect::<Vec<_>>()).await?;
    // Without terms there is nothing but what was derived before, which goes.
    let without = match terms.is_empty() {
        true => BTreeSet::new(),
        false => months::closed_without_overage(connection, touched.0.keys()).await?,
    };
    for (period, touch) in &touched.0 {
        let tenants: BTreeSet<&TenantId> = touch.changed.union(&touch.whole).collect();
        let entries = match without.contains(period) {
            true => Vec::new(),
            false => of_month(connection, *period, &tenants, &terms).await?,
        };
        write::replace_overage(connection, *period, &tenants, &entries).await?;
    }
    Ok(())
}

async fn of_month(
    connection: &mut PgConnection,
    period: Period,
    tenants: &BTreeSet<&TenantId>,
    terms: &BTreeMap<TenantId, Terms>,
) -> Result<Vec<Entry>, sqlx::Error> {
    let capped: Vec<&str> = tenants
        .iter()
        .filter(|tenant| terms.contains_key(**tenant))
        .map(|tenant| tenant.as_str())
        .collect();
    if capped.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "SELECT tenant_id, body FROM billing_entry \
         WHERE period = $1 AND tenant_id = ANY($2) AND kind = 'charge'",
    )
    .bind(period.to_string())
    .bind(capped)
    .fetch_all(connection)
    .await?;
    let mut charges: BTreeMap<TenantId, Vec<Entry>> = BTreeMap::new();
    for row in &rows {
        let entry = decoded(serde_json::from_str(row.try_get("body")?))?;
        charges.entry(named(row.try_get("tenant_id")?)?).or_default().push(entry);
    }
    let none = Terms::new();
    let of_tenant = |(tenant, charges): (&TenantId, &Vec<Entry>)| {
        overage(tenant, charges, terms.get(tenant).unwrap_or(&none))
    };
    Ok(charges.iter().flat_map(of_tenant).collect())
}
