//! List prices: what one would change, and recording it once whoever does so has read what is odd.

use std::collections::BTreeSet;

use app::backend::PriceAsk;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Redirect, Response};
use domain::access::Action;
use domain::catalog::PricePut;
use domain::event::{EventId, TenantId};
use domain::pricing::list_change::{Product, Recorded};
use domain::pricing::listing::{Part, Warning, are_alike, change};
use serde::Deserialize;
use serde_json::{Value, json};

use super::change::{self, Change};
use super::wrongs::read;
use crate::economics::{Affected, Listed};
use crate::http::ask::{Asked, Whole, json as read_json};
use crate::http::back::{EFFECT_MS, Sent, Word, done};
use crate::http::events::record::{Wish, record_one, until_in_force};
use crate::http::events::view::Caution;
use crate::http::optimizer::open_list_price;
use crate::http::place::Place;
use crate::http::{Services, Shared};
use crate::identity::{Principal, query_value};
use crate::problem::Problem;
use crate::typed::list_price::TypedPrice;
use crate::typed::wrong;

const TIERS: &str = "/optimizer/tiers";
const PREVIEW: &str = "/optimizer/tiers/price";
const APPROVALS: &str = "/approvals";
/// Most versions that one answer gives; older ones stand in the ledger.
const VERSIONS_MAX: usize = 1_000;

/// What a list price would change. Nothing is recorded.
pub(super) async fn preview(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(typed): Asked<TypedPrice>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadPricing)?;
    let now = crate::now();
    let listed = shared.economics.listed_for_tenants(&typed.read(now)?, now).await?;
    Ok(Json(shown(&listed)))
}

/// Which price.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    tier: String,
    provider: String,
    model: String,
}

/// Everything that was recorded as a list price, the newest first: what was replaced or withdrawn as well.
pub(super) async fn versions(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(Which { tier, provider, model }): Asked<Which>,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadTenants)?;
    let (catalog, product) = (shared.projection.catalog(), Product { tier, provider, model });
    let Some(found) = catalog.price_versions(&product) else {
        return Err(Problem::not_found(format!("No list price of {product} was ever recorded.")));
    };
    let item = |version: &Recorded| {
        let Recorded { clock, slot, event_id, price } = version;
        let decision = json!({ "eventId": event_id, "slot": slot });
        json!({ "price": price, "logicalClock": clock, "decision": decision })
    };
    let items: Vec<Value> = found.iter().rev().take(VERSIONS_MAX).map(item).collect();
    Ok(Json(json!({ "items": items, "nextCursor": null })))
}

/// A tier's list price of a model from a time on. What is odd about it stands in the answer.
pub(super) async fn put(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    headers: HeaderMap,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    principal.require(Action::EditTenants)?;
    let price: PricePut = read(read_json(&body)?, Vec::new())?;
    let listed = shared.economics.listed(&price, crate::now()).await?;
    // What others have to agree to is refused where it is recorded, whichever way leads there.
    // One that is withdrawn charges nothing: nothing about it is odd.
    let odd = listed.warnings.iter().filter(|odd| !price.withdrawn && odd.is_notable());
    let warnings = odd.map(|odd| Caution { code: odd.code(), detail: odd.to_string() }).collect();
    let change = Change::Price(price);
    change::record(&shared, &principal, &change, &headers, (wish, place), warnings).await
}

fn shown(listed: &Listed) -> Value {
    let current = listed
        .current
        .as_ref()
        .map(|(price, event_id)| json!({ "price": price, "eventId": event_id }));
    let corrections = listed.corrections.tenants.iter().map(|(tenant, one)| {
        json!({
            "tenantId": tenant, "charges": one.charges, "daysFirst": one.days_first,
            "beforeUsd": one.before_usd.normalize(), "afterUsd": one.after_usd.normalize()
        })
    });
    let warning = |warning: &Warning| {
        let (code, detail) = (warning.code(), warning.to_string());
        json!({ "code": code, "detail": detail, "notable": warning.is_notable() })
    };
    json!({
        "price": listed.price, "current": current, "replaces": listed.replaces,
        "before": listed.before, "until": listed.until, "persons": listed.persons,
        "changes": Part::ALL.map(|part| moved(listed, part)),
        "windowDays": listed.window_days, "windowTo": listed.window_to,
        "tenants": listed.tenants.iter().map(affected).collect::<Vec<_>>(),
        "tenantsLookedAt": listed.tenants_looked_at,
        "corrections": {
            "items": corrections.collect::<Vec<_>>(), "whole": listed.corrections.whole,
            "closedMonths": listed.corrections.closed
        },
        "warnings": listed.warnings.iter().map(warning).collect::<Vec<_>>()
    })
}

fn moved(listed: &Listed, part: Part) -> Value {
    let was = listed.current.as_ref().map(|(current, _)| part.of(current));
    let is = part.of(&listed.price);
    json!({
        "part": part, "wasUsdPerMillion": was, "isUsdPerMillion": is,
        "change": was.and_then(|was| change(was, is)).map(|change| change.round_dp(6).normalize())
    })
}

fn affected(tenant: &Affected) -> Value {
    json!({
        "tenantId": tenant.tenant_id, "name": tenant.name, "ofList": tenant.of_list,
        "lockedUntil": tenant.locked_until, "requests": tenant.requests,
        "beforeUsd": tenant.before_usd.map(|usd| usd.normalize()),
        "afterUsd": tenant.after_usd.normalize(),
        "marginToday": tenant.margin_today, "marginBefore": tenant.margin_before,
        "marginAfter": tenant.margin_after,
        "marginFloor": tenant.margin_floor, "fallsBelowFloor": tenant.falls()
    })
}

/// The form below the preview.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    #[serde(flatten)]
    ask: PriceAsk,
    /// The event that put what counts then as things are; empty: nothing does.
    seen: String,
    /// Codes of what was said to be odd.
    warned: String,
    confirm: String,
    /// Why it is changed.
    reason: String,
}

impl Wanted {
    /// The page that the form stands on, with all that was typed.
    fn page(&self) -> String {
        let pairs = self.ask.pairs();
        let pairs = pairs.iter().map(|(name, text)| format!("{name}={}", query_value(text)));
        format!("{PREVIEW}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    /// Was all that is odd now shown, and the box ticked?
    fn has_read(&self, warnings: &[Warning]) -> bool {
        let shown: BTreeSet<&str> = self.warned.split_whitespace().collect();
        let mut odd = warnings.iter().filter(|warning| warning.is_notable()).peekable();
        odd.peek().is_none() || self.confirm == "yes" && odd.all(|it| shown.contains(it.code()))
    }
}

/// To the tiers, where it stands now, or to the proposal that waits; or back to the preview, which says
/// what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    Sent { wanted, typed }: Sent<Wanted>,
) -> Result<Redirect, Problem> {
    let page = wanted.page();
    match record(&shared, &principal, wanted).await {
        Ok((to, event)) => Ok(done(&to, event)),
        // What was typed stands in the page's address.
        Err(problem) => {
            typed.refused(&shared, &page, problem, Word::FieldOfInvalid, str::to_owned).await
        }
    }
}

async fn record(
    shared: &Services,
    principal: &Principal,
    wanted: Wanted,
) -> Result<(String, Option<EventId>), Problem> {
    principal.require(Action::EditTenants)?;
    let now = crate::now();
    let price = TypedPrice::from(&wanted.ask).read(now)?;
    if !shared.projection.catalog().has_tier(&price.tier) {
        return Err(wrong("unknownTier", "has neither terms nor prices"));
    }
    let listed = shared.economics.listed_for_tenants(&price, now).await?;
    let withdrawn = wanted.ask.withdraw == "yes" && listed.is_first_to_come(now);
    let current = listed.current.as_ref();
    if !withdrawn && current.is_some_and(|(current, _)| are_alike(current, &price)) {
        return Err(wrong("unchanged", "is how it is already"));
    }
    if current.map(|(_, id)| id.to_string()).unwrap_or_default() != wanted.seen {
        let detail = "Another price counts then since you looked. Nothing was recorded.";
        let (status, title) = (StatusCode::PRECONDITION_FAILED, "Changed meanwhile");
        return Err(Problem::new(status, "changed_meanwhile", title, detail));
    }
    if !wanted.has_read(&listed.warnings) {
        return Err(wrong("confirm", "is not ticked, or does not cover what is odd now"));
    }
    let reason = wanted.reason.trim().to_owned();
    if reason.is_empty() && listed.is_change() {
        return Err(wrong("reason", "must say why it is changed"));
    }
    let wish = Wish::final_within(EFFECT_MS);
    if !withdrawn && listed.persons > 1 {
        let opened = open_list_price(shared, principal, price, &reason, wish).await?;
        return Ok((format!("{APPROVALS}/{}", opened.0), Some(opened.1.event_id)));
    }
    let reason = (!reason.is_empty()).then_some(reason);
    let change = Change::Price(PricePut { reason, withdrawn, ..price });
    let payload = change.decision().to_payload();
    let event = json!({ "tenantId": TenantId::platform(), "payload": payload });
    let (_, accepted) = record_one(shared, principal, event).await?;
    until_in_force(shared, accepted.slot, wish).await;
    if !shared.projection.is_projected(accepted.slot) {
        return Ok((format!("{TIERS}?problem=pending"), None));
    }
    if !withdrawn {
        change.holds(&shared.projection.catalog(), accepted.event_id)?;
    }
    Ok((TIERS.to_owned(), Some(accepted.event_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preview_that_a_form_leads_back_to_holds_all_that_was_typed() {
        let ask = PriceAsk {
            tier: "pro".into(),
            model: "a/b & c".into(),
            input: "$1".into(),
            ..PriceAsk::default()
        };
        let wanted = Wanted { ask, reason: "dearer".into(), ..Wanted::default() };
        let page = wanted.page();
        assert_eq!(page, "/optimizer/tiers/price?tier=pro&model=a%2Fb%20%26%20c&input=%241");
    }

    #[test]
    fn what_was_not_shown_is_not_confirmed() {
        let odd = [Warning::GivenAway, Warning::Until { at: crate::now() }];
        let ticked = |warned: &str, confirm: &str| {
            let (warned, confirm) = (warned.to_owned(), confirm.to_owned());
            Wanted { warned, confirm, ..Wanted::default() }
        };
        assert!(ticked("", "").has_read(&[]));
        assert!(ticked("", "").has_read(&odd[1..]), "nothing notable");
        assert!(!ticked("givenAway", "").has_read(&odd));
        assert!(!ticked("belowCost", "yes").has_read(&odd));
        assert!(ticked("belowCost givenAway", "yes").has_read(&odd));
    }
}
