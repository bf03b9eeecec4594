//! Which part of a tenant's days lies beyond its cap: what is earned for it is the overage price,
//! here as in the billing ledger.

use std::collections::BTreeMap;

use domain::billing::Period;
use domain::billing::overage::{OverageTerms, beyond_cap};
use domain::clock::{DAY_MS, Timestamp};
use domain::economics::EconomicsError;
use domain::event::TenantId;
use domain::usage::UsageKey;
use rust_decimal::Decimal;

use crate::projection::{Catalog, Projection};

/// Shares of days, by the terms in force now. Tenants without such terms are not in it, nor days
/// that are wholly within the cap.
#[derive(Debug, Default)]
pub(super) struct Beyond(BTreeMap<TenantId, (OverageTerms, BTreeMap<i64, Decimal>)>);

/// What a row earns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Earned {
    pub(super) usd: Decimal,
    /// Of the list amount, what is beyond the cap; and what it earns, which is part of `usd`.
    pub(super) beyond_list_usd: Decimal,
    pub(super) beyond_usd: Decimal,
}

impl Beyond {
    /// Of all tenants or of one. All that was metered counts, from the beginning of the first month
    /// on; the billing ledger leaves out what has no price, and so do all figures.
    pub(super) async fn of(
        projection: &Projection,
        catalog: &Catalog,
        tenant: Option<&TenantId>,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, sqlx::Error> {
        let book = catalog.book();
        let asked = |id: &TenantId| tenant.is_none_or(|tenant| tenant == id);
        let with_terms = book.chains().filter(|(id, _)| asked(id)).filter_map(|(id, chain)| {
            chain.current().overage().map(|terms| (id.clone(), (terms, BTreeMap::new())))
        });
        let mut all = Beyond(with_terms.collect());
        if all.0.is_empty() {
            return Ok(all);
        }
        let tenants: Vec<&str> = all.0.keys().map(TenantId::as_str).collect();
        let from = from.map(|from| Period::of(from).start());
        let mut month = None;
        let mut before: u64 = 0;
        for (tenant, day, tokens) in projection.tokens_by_day(&tenants, from, to).await? {
            let of = (tenant, Period::of(day));
            if month.as_ref() != Some(&of) {
                (month, before) = (Some(of.clone()), 0);
            }
            if let Some((terms, days)) = all.0.get_mut(&of.0) {
                let beyond = beyond_cap(before, tokens, terms.token_cap);
                if beyond > 0 {
                    let share = Decimal::from(beyond) / Decimal::from(tokens);
                    days.insert(number(day), share);
                }
            }
            before = before.saturating_add(tokens);
        }
        Ok(all)
    }

    /// Of the tokens of that day.
    pub(super) fn share(&self, tenant: &TenantId, day: i64) -> Decimal {
        let of_tenant = self.0.get(tenant).and_then(|(_, days)| days.get(&day));
        of_tenant.copied().unwrap_or_default()
    }

    /// What usage at these list prices earns: the tenant's own price within the cap, and the
    /// overage price beyond it.
    pub(super) fn earned(
        &self,
        list_usd: Decimal,
        catalog: &Catalog,
        key: &UsageKey,
    ) -> Result<Earned, EconomicsError> {
        let own = catalog.book().controls(&key.tenant_id).price_of_list;
        let overage = self.0.get(&key.tenant_id).map_or(own, |(terms, _)| terms.overage_of_list);
        let times = |usd: Decimal, by: Decimal| {
            usd.checked_mul(by).ok_or(EconomicsError::Overflow { what: "the revenue" })
        };
        let beyond_list_usd = times(list_usd, self.share(&key.tenant_id, number(key.hour)))?;
        let beyond_usd = times(beyond_list_usd, overage)?;
        let usd = times(list_usd - beyond_list_usd, own)? + beyond_usd;
        Ok(Earned { usd, beyond_list_usd, beyond_usd })
    }
}

/// Since 1970.
const fn number(at: Timestamp) -> i64 {
    at.unix_ms().div_euclid(DAY_MS)
}
