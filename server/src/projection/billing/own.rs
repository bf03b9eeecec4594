//! Tenants' own prices and caps, as all words about proposals leave them: what charges are multiplied
//! by, and what tokens beyond a cap cost.

use std::collections::BTreeMap;

use domain::billing::OwnPrice;
use domain::billing::overage::Terms;
use domain::catalog::{DECIDED_BY, Known};
use domain::clock::LogicalClock;
use domain::event::{EventId, TenantId};
use domain::pricing::approval::Actor;
use domain::pricing::book::{Book, Told, What};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::super::entry::slot;

/// The own prices of these tenants, each with its beginning. Those of tenants about whom nothing was
/// ever proposed are none, which one look at an index says.
pub(super) async fn own_prices(
    connection: &mut PgConnection,
    tenants: &[&str],
) -> Result<Vec<(TenantId, OwnPrice)>, sqlx::Error> {
    let book = book(connection, tenants).await?;
    let prices = book.chains().flat_map(|(tenant, chain)| {
        chain.iter().map(|applied| {
            let of_list = applied.value.price_of_list.normalize();
            let own = OwnPrice { of_list, since: applied.at, event_id: applied.event_id };
            (tenant.clone(), own)
        })
    });
    Ok(prices.collect())
}

/// What these tenants' decisions say about tokens beyond a cap. Tenants without such a decision are not
/// in it.
pub(super) async fn overage_terms(
    connection: &mut PgConnection,
    tenants: &[&str],
) -> Result<BTreeMap<TenantId, Terms>, sqlx::Error> {
    // Most tenants never had an overage price, and their words need not be read for it: the few that
    // propose one have an index of their own, which this condition names.
    let proposed: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT body -> 'edition' -> 'content' ->> 'tenantId' FROM projection_version \
         WHERE entity = 'proposal' AND body -> 'edition' -> 'content' ->> 'tenantId' = ANY($1) \
         AND body -> 'edition' -> 'content' -> 'controls' -> 'overageOfList' IS NOT NULL",
    )
    .bind(tenants)
    .fetch_all(&mut *connection)
    .await?;
    if proposed.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tenants: Vec<&str> = proposed.iter().map(String::as_str).collect();
    let book = book(connection, &tenants).await?;
    let mut all: BTreeMap<TenantId, Terms> = BTreeMap::new();
    for (tenant, chain) in book.chains() {
        for applied in chain.iter() {
            let Some(terms) = applied.value.overage() else { continue };
            all.entry(tenant.clone()).or_default().insert(applied.event_id, terms);
        }
    }
    Ok(all)
}

/// What all words about these tenants' proposals come to.
async fn book(connection: &mut PgConnection, tenants: &[&str]) -> Result<Book, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT body, event_id, logical_clock, origin, epoch, sequence FROM projection_version \
         WHERE entity = 'delegation' OR entity = 'proposal' AND split_part(key, '/', 1) IN \
         (SELECT body ->> 'proposalId' FROM projection_version \
          WHERE entity = 'proposal' AND body ->> 'kind' = 'proposal.open' \
          AND (body -> 'edition' -> 'content' ->> 'tenantId' = ANY($1) \
               OR body -> 'edition' -> 'content' ->> 'what' = 'policy'))",
    )
    .bind(tenants)
    .fetch_all(connection)
    .await?;
    let told = rows.iter().map(told).collect::<Result<Vec<_>, _>>()?;
    Ok(Book::of(told.into_iter().flatten().collect()))
}

/// `None`: a word that does not read, which stays without effect.
fn told(row: &PgRow) -> Result<Option<Told>, sqlx::Error> {
    let body: Value = row.try_get("body")?;
    let by = body.get(DECIDED_BY).and_then(Value::as_str).map(|login| Actor(login.to_owned()));
    let Ok(Some(known)) = Known::read(&body) else { return Ok(None) };
    let Some(what) = What::of(known) else { return Ok(None) };
    Ok(Some(Told {
        event_id: EventId(row.try_get("event_id")?),
        clock: LogicalClock::from_packed(row.try_get("logical_clock")?),
        slot: slot(row)?,
        by,
        what,
    }))
}
