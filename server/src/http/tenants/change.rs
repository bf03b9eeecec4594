//! Tenants, tiers and prices, as admins set them: each is a decision, whole, in force on every cloud
//! once it is final.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use domain::access::Action;
use domain::catalog::{Known, PricePut, TenantPut, TierPut};
use domain::event::EventId;
use serde_json::Value;

use super::wrongs::{Put, credits_rise, read};
use crate::http::Shared;
use crate::http::ask::{Asked, Named, Whole, json as read_json};
use crate::http::events::record::{Wish, decide_and};
use crate::http::events::view::Caution;
use crate::http::place::Place;
use crate::identity::Principal;
use crate::problem::{FieldProblem, Problem};
use crate::projection::Catalog;

/// What is in force, as far as whoever changes it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// They do not say.
    Unsaid,
    /// There is none yet.
    Nothing,
    /// The version that this decision put.
    Version(EventId),
}

impl Seen {
    /// `If-Match: "<event id>"`, or `If-None-Match: *`.
    fn of_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: HeaderName| {
            headers.get(name).map(|value| value.to_str().unwrap_or_default().trim().to_owned())
        };
        if let Some(tag) = text(header::IF_MATCH) {
            let id = tag.trim_matches('"').parse().map(EventId).map(Seen::Version);
            return id.map_err(|_| {
                Problem::malformed("If-Match takes the ETag of what was read: \"<event id>\".")
            });
        }
        match text(header::IF_NONE_MATCH).as_deref() {
            None => Ok(Seen::Unsaid),
            Some("*") => Ok(Seen::Nothing),
            Some(_) => Err(Problem::malformed("If-None-Match takes * alone: there is none yet.")),
        }
    }

    /// Two people may look at one thing at once: who comes second is told.
    pub(super) fn check(self, what: &str, now: Option<EventId>) -> Result<(), Problem> {
        let told = |detail: String| {
            let (status, title) = (StatusCode::PRECONDITION_FAILED, "Changed meanwhile");
            Err(Problem::new(status, "changed_meanwhile", title, detail))
        };
        match (self, now) {
            (Seen::Nothing, Some(now)) => told(format!(
                "{what} is there already, since the event {now}. Nothing was recorded."
            )),
            (Seen::Version(seen), now) if now != Some(seen) => {
                let now = now.map_or_else(|| "nothing".to_owned(), |id| format!("the event {id}"));
                told(format!("{what} was changed since: {now} is in force. Read it again."))
            }
            _ => Ok(()),
        }
    }
}

/// What an admin sets, whole.
pub(super) enum Change {
    Tenant(TenantPut),
    Tier(TierPut),
    Price(PricePut),
}

impl Change {
    /// The decision that is in force about the same.
    pub(super) fn in_force(&self, catalog: &Catalog) -> Option<EventId> {
        match self {
            Change::Tenant(tenant) => catalog.tenant(&tenant.tenant_id).map(|it| it.event_id),
            Change::Tier(tier) => catalog.tier(&tier.tier).map(|it| it.event_id),
            Change::Price(PricePut { tier, provider, model, effective_from, .. }) => {
                let found = catalog.price_at(tier, provider, model, *effective_from);
                let same = found.filter(|it| it.value.effective_from == *effective_from);
                same.map(|it| it.event_id)
            }
        }
    }

    /// What a person cannot mean, and an event may say.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let Change::Tier(tier) = self else { return Ok(()) };
        let Err(wrong) = credits_rise(tier) else { return Ok(()) };
        let problem = Problem::invalid("A worse uptime would be credited less than a better one.");
        Err(Problem { errors: vec![wrong], ..problem })
    }

    /// Is that how it is already?
    pub(super) fn is_in_force(&self, catalog: &Catalog) -> bool {
        match self {
            Change::Tenant(own) => {
                catalog.tenant(&own.tenant_id).is_some_and(|it| it.value == *own)
            }
            Change::Tier(own) => catalog.tier(&own.tier).is_some_and(|it| it.value == *own),
            Change::Price(own) => {
                let PricePut { tier, provider, model, effective_from, .. } = own;
                let found = catalog.price_at(tier, provider, model, *effective_from);
                found.is_some_and(|it| it.value == *own)
            }
        }
    }

    /// Asked again once it is in force: nobody else was faster.
    pub(super) fn holds(&self, catalog: &Catalog, own: EventId) -> Result<(), Problem> {
        Seen::Version(own).check(&self.title(), self.in_force(catalog))
    }

    /// What it is about, at the start of a sentence.
    pub(super) fn title(&self) -> String {
        match self {
            Change::Tenant(tenant) => format!("The tenant \"{}\"", tenant.tenant_id),
            Change::Tier(tier) => format!("The tier \"{}\"", tier.tier),
            Change::Price(PricePut { tier, provider, model, effective_from, .. }) => {
                format!("The price of {provider}/{model} for {tier} from {effective_from} on")
            }
        }
    }

    pub(super) fn decision(&self) -> Known {
        match self {
            Change::Tenant(tenant) => Known::TenantPut(tenant.clone()),
            Change::Tier(tier) => Known::TierPut(tier.clone()),
            Change::Price(price) => Known::PricePut(price.clone()),
        }
    }
}

impl From<TenantPut> for Change {
    fn from(tenant: TenantPut) -> Self {
        Change::Tenant(tenant)
    }
}

impl From<TierPut> for Change {
    fn from(tier: TierPut) -> Self {
        Change::Tier(tier)
    }
}

/// A tenant or tier, by the type that the route names.
pub(super) async fn put<T: Put + Into<Change>>(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    headers: HeaderMap,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditTenants)?;
    let wanted: T = read(read_json(&body)?, Vec::new())?;
    record(&shared, &principal, &wanted.into(), &headers, (wish, place), Vec::new()).await
}

/// A tenant that the path names, so the body need not.
pub(super) async fn named_tenant(
    State(shared): State<Shared>,
    principal: Principal,
    Named(id): Named<String>,
    place: Place,
    headers: HeaderMap,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditTenants)?;
    let mut body = read_json(&body)?;
    let other = body.as_object_mut().and_then(|fields| {
        let named = fields.insert("tenantId".to_owned(), Value::from(id.clone()));
        let reason = format!("must be \"{id}\" or left out");
        named
            .filter(|named| *named != id)
            .map(|_| FieldProblem { field: "/tenantId".to_owned(), reason })
    });
    let wrong = other.into_iter().collect();
    let tenant: TenantPut = read(body, wrong)?;
    record(&shared, &principal, &Change::Tenant(tenant), &headers, (wish, place), Vec::new()).await
}

/// Records it, unless somebody was faster than whoever wants it.
pub(super) async fn record(
    shared: &Shared,
    principal: &Principal,
    change: &Change,
    headers: &HeaderMap,
    waiting: (Wish, Place),
    warnings: Vec<Caution>,
) -> Result<Response, Problem> {
    change.check()?;
    let seen = Seen::of_headers(headers)?;
    let catalog = || shared.projection.catalog();
    seen.check(&change.title(), change.in_force(&catalog()))?;
    // Who says nothing of what they saw means: whatever is there.
    let holds = |own| match seen {
        Seen::Unsaid => Ok(()),
        _ if matches!(change, Change::Price(price) if price.withdrawn) => Ok(()),
        _ => change.holds(&catalog(), own),
    };
    let decision = change.decision();
    let recorded = decide_and(shared, principal, &decision, waiting, warnings, holds).await;
    recorded.map_err(of_body)
}

/// The fields of the event are those of the body.
fn of_body(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        if let Some(own) = error.field.strip_prefix("/payload") {
            error.field = own.to_owned();
        }
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const ID: &str = "0190a0d0-0000-7000-8000-000000000001";

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_worse_uptime_is_not_credited_less() {
        let tier = |credits: [&str; 3]| {
            let bands = ["99.9", "99", "0"].into_iter().zip(credits).map(
                |(uptime, credit)| serde_json::json!({ "minUptimePct": uptime, "credit": credit }),
            );
            let bands: Vec<Value> = bands.collect();
            let tier = serde_json::json!({ "tier": "t", "name": "T", "sla": { "bands": bands } });
            Change::Tier(serde_json::from_value(tier).expect("a tier"))
        };
        assert!(tier(["0", "0.1", "0.1"]).check().is_ok());
        let problem = tier(["0.1", "0", "0.25"]).check().expect_err("falls");
        assert_eq!((problem.status, problem.errors[0].field.as_str()), (422, "/sla/credits"));
    }

    #[test]
    fn who_comes_second_is_told_and_nothing_is_recorded() {
        let id = EventId(ID.parse().expect("an id"));
        let other = EventId(uuid::Uuid::nil());
        let read = |name, value| Seen::of_headers(&headers(name, value));
        let seen = read(header::IF_MATCH, "\"0190a0d0-0000-7000-8000-000000000001\"");
        let seen = seen.expect("an id");
        assert_eq!(seen, Seen::Version(id));
        assert!(seen.check("The tier \"pro\"", Some(id)).is_ok());
        for now in [Some(other), None] {
            let problem = seen.check("The tier \"pro\"", now).expect_err("another");
            assert_eq!((problem.status, problem.code), (412, "changed_meanwhile"));
        }
        let nothing = read(header::IF_NONE_MATCH, "*").expect("none");
        assert!(nothing.check("It", None).is_ok());
        assert_eq!(nothing.check("It", Some(id)).expect_err("there is one").status, 412);
        assert_eq!(Seen::of_headers(&HeaderMap::new()).expect("nothing said"), Seen::Unsaid);
        assert_eq!(read(header::IF_MATCH, "\"v1\"").expect_err("no id").status, 400);
        assert_eq!(read(header::IF_NONE_MATCH, "\"x\"").expect_err("no star").status, 400);
    }
}
