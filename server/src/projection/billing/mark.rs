//! Which days and months a chunk of entries touches.

use std::collections::BTreeSet;

use domain::billing::{Day, Entry, Period, credit};
use domain::catalog::{BillingClose, BillingCredit, DECIDED_BY, Known, PricePut};
use domain::event::TenantId;
use domain::usage::UsageKey;
use serde_json::Value;
use sqlx::PgConnection;

use super::super::effect::Put;
use super::super::entity::Entity;
use super::write;

/// What of a chunk matters to the books.
#[derive(Debug, Default)]
pub(in super::super) struct Touched {
    /// Month, tenant, and day of the month; 0: the month as a whole.
    marks: BTreeSet<(Period, TenantId, u8)>,
    tenants: BTreeSet<String>,
    tiers: BTreeSet<String>,
    prices: Vec<PricePut>,
    proposals: BTreeSet<String>,
    /// People in whose stead others vote.
    delegators: BTreeSet<String>,
    closings: Vec<BillingClose>,
    credits: Vec<Entry>,
    credits_withdrawn: Vec<Entry>,
}

impl Touched {
    pub(in super::super) fn of<'a>(
        usage: impl Iterator<Item = &'a UsageKey>,
        put: &[Put],
        withdrawn: &[Put],
    ) -> Self {
        let mut touched = Touched::default();
        for key in usage {
            let day = Day::of(key.hour);
            touched.marks.insert((day.period(), key.tenant_id.clone(), day.number()));
        }
        for one in put {
            let credit = touched.decision(one);
            touched.credits.extend(credit);
        }
        for one in withdrawn {
            let credit = touched.decision(one);
            touched.credits_withdrawn.extend(credit);
        }
        touched
    }

    /// Whether a decision changes the books. Whoever took one waits to see them as they are then.
    pub(in super::super) fn decides(&self) -> bool {
        !(self.tenants.is_empty()
            && self.tiers.is_empty()
            && self.prices.is_empty()
            && self.proposals.is_empty()
            && self.delegators.is_empty()
            && self.closings.is_empty()
            && self.credits.is_empty()
            && self.credits_withdrawn.is_empty())
    }

    /// A credit is an entry itself; of others, what they touch is noted.
    fn decision(&mut self, put: &Put) -> Option<Entry> {
        match put.entity {
            Entity::Tenant => {
                self.tenants.insert(put.key.clone());
            }
            Entity::Tier => {
                self.tiers.insert(put.key.clone());
            }
            Entity::Price => {
                if let Ok(Some(Known::PricePut(price))) = Known::read(&put.body) {
                    self.prices.push(price);
                }
            }
            Entity::Closing => {
                if let Ok(Some(Known::BillingClose(close))) = Known::read(&put.body) {
                    let invoiced = close.invoices.iter();
                    let marks = invoiced.map(|one| (close.period, one.tenant_id.clone(), 0));
                    self.marks.extend(marks);
                    self.closings.push(close);
                }
            }
            Entity::Credit => {
                if let Ok(Some(Known::BillingCredit(put_credit))) = Known::read(&put.body) {
                    return Some(self.credit(put, put_credit));
                }
            }
            Entity::Proposal => {
                let id = put.body.get("proposalId").and_then(Value::as_str);
                self.proposals.extend(id.map(str::to_owned));
            }
            // With it the votes count that were given in that person's stead. Taking one back undoes
            // nothing that was applied.
            Entity::Delegation if is_given(put) => {
                let person = put.body.get(DECIDED_BY).and_then(Value::as_str);
                self.delegators.extend(person.map(str::to_owned));
            }
            Entity::Delegation
            | Entity::User
            | Entity::Ruling
            | Entity::Cost
            | Entity::Sample
            | Entity::Scenario
            | Entity::Promotion
            | Entity::Attestation
            | Entity::Switch
            | Entity::Drain
            | Entity::Latency
            | Entity::Autonomy
            | Entity::Recommendation
            | Entity::Run
            | Entity::Foresight => {}
        }
        None
    }

    fn credit(&mut self, put: &Put, waived: BillingCredit) -> Entry {
        let decided_by = put.body.get(DECIDED_BY).and_then(Value::as_str).map(str::to_owned);
        let (id, clock) = (put.entry.event_id, put.entry.logical_clock);
        let entry = credit::entry(waived, decided_by, id, clock);
        self.marks.insert((entry.period, entry.tenant_id.clone(), 0));
        entry
    }
}

/// Writes down what must be derived again, after the chunk's own changes are written.
pub(in super::super) async fn mark(
    connection: &mut PgConnection,
    touched: &Touched,
) -> Result<(), sqlx::Error> {
    write::delete(connection, &touched.credits_withdrawn).await?;
    write::put(connection, &touched.credits).await?;
    mark_days(connection, &touched.marks).await?;
    mark_tenants(connection, &touched.tenants).await?;
    mark_prices(connection, &touched.prices).await?;
    mark_tiers(connection, &touched.tiers).await?;
    let mut proposals = touched.proposals.clone();
    proposals.extend(voted_in_stead_of(connection, &touched.delegators).await?);
    mark_proposals(connection, &proposals).await?;
    for close in &touched.closings {
        mark_period(connection, close.period).await?;
    }
    Ok(())
}

async fn mark_days(
    connection: &mut PgConnection,
    marks: &BTreeSet<(Period, TenantId, u8)>,
) -> Result<(), sqlx::Error> {
    if marks.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO billing_dirty (period, tenant_id, day) \
         SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[]) ON CONFLICT DO NOTHING",
    )
    .bind(marks.iter().map(|(period, ..)| period.to_string()).collect::<Vec<_>>())
    .bind(marks.iter().map(|(_, tenant, _)| tenant.to_string()).collect::<Vec<_>>())
    .bind(marks.iter().map(|(.., day)| i16::from(*day)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// The days of metered hours.
const DAYS_OF_USAGE: &str = "INSERT INTO billing_dirty (period, tenant_id, day) \
     SELECT DISTINCT to_char(u.hour AT TIME ZONE 'UTC', 'YYYY-MM'), u.tenant_id, \
     extract(day FROM u.hour AT TIME ZONE 'UTC')::smallint FROM usage_hour u";

/// Every day of these tenants: any of them may be in another tier now.
async fn mark_tenants(
    connection: &mut PgConnection,
    tenants: &BTreeSet<String>,
) -> Result<(), sqlx::Error> {
    if tenants.is_empty() {
        return Ok(());
    }
    let sql = format!("{DAYS_OF_USAGE} WHERE u.tenant_id = ANY($1) ON CONFLICT DO NOTHING");
    let tenants: Vec<&String> = tenants.iter().collect();
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(tenants).execute(connection).await?;
    Ok(())
}

/// The days from a price's beginning on, of tenants that ever were of its tier.
async fn mark_prices(
    connection: &mut PgConnection,
    prices: &[PricePut],
) -> Result<(), sqlx::Error> {
    if prices.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "{DAYS_OF_USAGE} JOIN unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) \
         AS put (tier, provider, model, since) \
         ON u.provider = put.provider AND u.model = put.model AND u.hour >= put.since \
         WHERE EXISTS (SELECT FROM projection_version v WHERE v.entity = 'tenant' \
                       AND v.key = u.tenant_id AND v.body ->> 'tier' = put.tier) \
         ON CONFLICT DO NOTHING"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(prices.iter().map(|price| price.tier.as_str()).collect::<Vec<_>>())
        .bind(prices.iter().map(|price| price.provider.as_str()).collect::<Vec<_>>())
        .bind(prices.iter().map(|price| price.model.as_str()).collect::<Vec<_>>())
        .bind(prices.iter().map(|price| price.effective_from.to_datetime()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// The closed months in which a tenant was of one of these tiers: other terms, other penalties.
async fn mark_tiers(
    connection: &mut PgConnection,
    tiers: &BTreeSet<String>,
) -> Result<(), sqlx::Error> {
    if tiers.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO billing_dirty (period, tenant_id, day) \
         SELECT DISTINCT period, tenant_id, 0 FROM billing_entry WHERE tier = ANY($1) \
         AND period IN (SELECT key FROM projection_version WHERE entity = 'closing') \
         ON CONFLICT DO NOTHING",
    )
    .bind(tiers.iter().collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

fn is_given(put: &Put) -> bool {
    matches!(Known::read(&put.body), Ok(Some(Known::ApprovalDelegate(_))))
}

/// The proposals on which somebody voted in the stead of one of these people.
async fn voted_in_stead_of(
    connection: &mut PgConnection,
    people: &BTreeSet<String>,
) -> Result<Vec<String>, sqlx::Error> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "SELECT DISTINCT body ->> 'proposalId' FROM projection_version WHERE entity = 'proposal' \
         AND body ->> 'kind' = 'proposal.approve' AND body ->> 'onBehalfOf' = ANY($1)",
    )
    .bind(people.iter().collect::<Vec<_>>())
    .fetch_all(connection)
    .await
}

/// The days on which a tenant's own price may be another one now: those since a proposal about it was
/// opened, or about anybody where the policy itself is proposed, which says whose approvals count.
async fn mark_proposals(
    connection: &mut PgConnection,
    proposals: &BTreeSet<String>,
) -> Result<(), sqlx::Error> {
    if proposals.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "WITH opened AS (SELECT body ->> 'proposalId' AS id, logical_clock, \
           body -> 'edition' -> 'content' ->> 'what' AS what, \
           body -> 'edition' -> 'content' ->> 'tenantId' AS tenant \
           FROM projection_version WHERE entity = 'proposal' AND body ->> 'kind' = 'proposal.open'), \
         since AS (SELECT tenant, to_timestamp(min(logical_clock >> 16) / 1000.0) AS at FROM opened \
           WHERE tenant IS NOT NULL AND (id = ANY($1) OR EXISTS \
             (SELECT FROM opened p WHERE p.what = 'policy' AND p.id = ANY($1))) GROUP BY tenant) \
         {DAYS_OF_USAGE} JOIN since ON u.tenant_id = since.tenant \
           AND u.hour >= date_trunc('day', since.at, 'UTC') ON CONFLICT DO NOTHING"
    );
    let ids: Vec<&String> = proposals.iter().collect();
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).execute(connection).await?;
    Ok(())
}

async fn mark_period(connection: &mut PgConnection, period: Period) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO billing_dirty (period, tenant_id, day) \
         SELECT DISTINCT period, tenant_id, 0 FROM billing_entry WHERE period = $1 \
         ON CONFLICT DO NOTHING",
    )
    .bind(period.to_string())
    .execute(connection)
    .await?;
    Ok(())
}
