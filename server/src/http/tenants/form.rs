//! The forms of the pages Tenants and Tiers: what browsers without scripts send, and those with.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Redirect;
use domain::access::Action;
use domain::catalog::{Sla, SlaBand, TenantPut, TierPut};
use domain::event::{EventId, Region, TenantId};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::change::{Change, Seen};
use crate::http::back::{EFFECT_MS, Sent, Word, done, in_form};
use crate::http::events::record::{Wish, record_one, until_in_force};
use crate::http::{Services, Shared, optimizer};
use crate::identity::{Principal, query_value};
use crate::problem::Problem;
use crate::typed::{end_of_day, percent, whole, wrong};

const TENANTS: &str = "/optimizer/tenants";
const TIERS: &str = "/optimizer/tiers";

/// What the forms call otherwise than problems do. A ladder as a whole goes by `bands`.
const FIELDS: [(&str, &str); 4] = [
    ("unknownTier", "tier"),
    ("credits", "bands"),
    ("latencyP99Ms", "latency"),
    ("policy", "until"),
];

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    act: Verb,
    /// The event that put what the form shows; empty: there was none.
    #[serde(default)]
    seen: String,
    /// Each form has its own.
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Tenant,
    Tier,
    Contract,
}

impl Wanted {
    fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }

    /// The page that the form stands on.
    fn page(&self) -> String {
        let id = self.text("tenantId");
        match self.act {
            Verb::Tenant if self.seen.is_empty() => TENANTS.to_owned(),
            Verb::Tenant | Verb::Contract => format!("{TENANTS}/{}", query_value(id)),
            Verb::Tier => TIERS.to_owned(),
        }
    }

    fn change(&self) -> Result<Change, Problem> {
        match self.act {
            Verb::Tier => self.tier().map(Change::Tier),
            Verb::Tenant | Verb::Contract => self.tenant().map(Change::Tenant),
        }
    }

    /// What its sender has seen of the same.
    fn seen(&self) -> Result<Seen, Problem> {
        if self.seen.is_empty() {
            return Ok(Seen::Nothing);
        }
        let id = self.seen.parse().map(EventId).map(Seen::Version);
        id.map_err(|_| wrong("seen", "is no event's id"))
    }

    fn tenant_id(&self) -> Result<TenantId, Problem> {
        TenantId::try_from(self.text("tenantId").to_owned())
            .map_err(|error| wrong("tenantId", &error.to_string()))
    }

    fn tenant(&self) -> Result<TenantPut, Problem> {
        let region = Region::try_from(self.text("region").to_owned());
        Ok(TenantPut {
            tenant_id: self.tenant_id()?,
            name: self.text("name").to_owned(),
            tier: self.text("tier").to_owned(),
            cloud: self
                .text("cloud")
                .parse()
                .map_err(|_| wrong("cloud", "is none of the three"))?,
            region: region.map_err(|error| wrong("region", &error.to_string()))?,
            active: self.text("active") == "yes",
        })
    }

    fn tier(&self) -> Result<TierPut, Problem> {
        Ok(TierPut {
            tier: self.text("tier").to_owned(),
            name: self.text("name").to_owned(),
            sla: Sla {
                bands: self.bands()?,
                latency_p99_ms: whole("latency", self.text("latency"))?,
            },
        })
    }

    /// What the form calls a field that a problem names: of a ladder's step, which one it is.
    fn in_form(&self, field: &str) -> String {
        let of_step = || self.steps().find(|number| self.step(number).is_err());
        match field {
            "taken" if self.act == Verb::Tier => "tier".to_owned(),
            "taken" => "tenantId".to_owned(),
            "uptime" | "credit" => format!("{field}{}", of_step().unwrap_or_default()),
            _ => in_form(field, &FIELDS),
        }
    }

    fn steps(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().filter_map(|name| name.strip_prefix("uptime"))
    }

    /// `uptime0` and `credit0` and so on; a step of which both are blank is none.
    fn step(&self, number: &str) -> Result<Option<SlaBand>, Problem> {
        let uptime = percent("uptime", self.text(&format!("uptime{number}")))?;
        let credit = percent("credit", self.text(&format!("credit{number}")))?;
        match (uptime, credit) {
            (None, None) => Ok(None),
            (Some(uptime), Some(credit)) => {
                let min_uptime_pct = (uptime * Decimal::ONE_HUNDRED).normalize();
                Ok(Some(SlaBand { min_uptime_pct, credit }))
            }
            (None, Some(_)) => Err(wrong("uptime", "is missing beside a credit")),
            (Some(_), None) => Err(wrong("credit", "is missing beside an uptime")),
        }
    }

    fn bands(&self) -> Result<Vec<SlaBand>, Problem> {
        let steps = self.steps().filter_map(|number| self.step(number).transpose());
        let mut bands = steps.collect::<Result<Vec<_>, _>>()?;
        // The order in which they were typed says nothing that the numbers do not.
        bands.sort_by_key(|band| std::cmp::Reverse(band.min_uptime_pct));
        Ok(bands)
    }
}

/// Back to the page, which says what is so now or what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    Sent { wanted, typed }: Sent<Wanted>,
) -> Result<Redirect, Problem> {
    let outcome = match wanted.act {
        Verb::Contract => contract(&shared, &principal, &wanted).await,
        _ => put(&shared, &principal, &wanted).await,
    };
    match outcome {
        Ok((page, event)) => Ok(done(&page, event)),
        Err(problem) => {
            let (page, name) = (wanted.page(), |field: &str| wanted.in_form(field));
            typed.refused(&shared, &page, problem, Word::FieldOfInvalid, name).await
        }
    }
}

/// Records what the form says, whole. Then leads to what it is about.
async fn put(
    shared: &Services,
    principal: &Principal,
    wanted: &Wanted,
) -> Result<(String, Option<EventId>), Problem> {
    principal.require(Action::EditTenants)?;
    let change = wanted.change()?;
    let catalog = shared.projection.catalog();
    if let Change::Tenant(tenant) = &change {
        // One that is in such a tier already may be changed otherwise.
        let stays =
            catalog.tenant(&tenant.tenant_id).is_some_and(|it| it.value.tier == tenant.tier);
        if !stays && !catalog.has_tier(&tenant.tier) {
            return Err(wrong("unknownTier", "has neither terms nor prices"));
        }
    }
    change.check()?;
    let seen = wanted.seen()?;
    if seen == Seen::Nothing && change.in_force(&catalog).is_some() {
        return Err(wrong("taken", "is there already"));
    }
    if change.is_in_force(&catalog) {
        return Err(wrong("unchanged", "is how it is already"));
    }
    seen.check(&change.title(), change.in_force(&catalog))?;
    let payload = change.decision().to_payload();
    let event = json!({ "tenantId": TenantId::platform(), "payload": payload });
    let (_, accepted) = record_one(shared, principal, event).await?;
    until_in_force(shared, accepted.slot, Wish::final_within(EFFECT_MS)).await;
    if !shared.projection.is_projected(accepted.slot) {
        return Ok((format!("{}?problem=pending", wanted.page()), None));
    }
    change.holds(&shared.projection.catalog(), accepted.event_id)?;
    let page = match &change {
        Change::Tenant(tenant) => format!("{TENANTS}/{}", tenant.tenant_id),
        Change::Tier(_) | Change::Price(_) => wanted.page(),
    };
    Ok((page, Some(accepted.event_id)))
}

/// Proposes the policy in which the contract fixes the price, or no longer does. Leads to the
/// proposal: others approve it.
async fn contract(
    shared: &Services,
    principal: &Principal,
    wanted: &Wanted,
) -> Result<(String, Option<EventId>), Problem> {
    principal.require(Action::Propose)?;
    let tenant = wanted.tenant_id()?;
    let catalog = shared.projection.catalog();
    if catalog.tenant(&tenant).is_none() {
        return Err(wrong("tenantId", "is not known here"));
    }
    let (version, policy) = catalog.book().policy();
    let mut policy = policy.clone();
    match wanted.text("until") {
        "" => policy.locked_until.remove(&tenant),
        day => {
            let until = end_of_day("until", day)?;
            if let Some(why) = optimizer::unfit_end(until, crate::now()) {
                return Err(wrong("until", &why));
            }
            policy.locked_until.insert(tenant, until)
        }
    };
    let reason = wanted.text("reason").to_owned();
    let wish = Wish::final_within(EFFECT_MS);
    let (id, accepted) =
        optimizer::open_policy(shared, principal, policy, version, reason, wish).await?;
    Ok((format!("/approvals/{id}"), Some(accepted.event_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(act: Verb, fields: &[(&str, &str)]) -> Wanted {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Wanted { act, seen: String::new(), fields: fields.iter().map(owned).collect() }
    }

    #[test]
    fn a_ladder_is_read_from_its_steps_in_whatever_order_and_blank_ones_are_none() {
        let steps = [
            ("tier", "pro"),
            ("name", "Pro"),
            ("latency", ""),
            ("uptime0", "0"),
            ("credit0", "100 %"),
            ("uptime1", "99.9"),
            ("credit1", "0"),
            ("uptime2", " "),
            ("credit2", ""),
        ];
        let tier = wanted(Verb::Tier, &steps).tier().expect("a tier");
        let bands: Vec<(String, String)> = tier.sla.bands.iter().map(text).collect();
        assert_eq!(bands, [("99.9".into(), "0".into()), ("0".into(), "1".into())]);
        assert_eq!(tier.sla.latency_p99_ms, None);
        let half = wanted(Verb::Tier, &[("uptime0", "99"), ("credit0", "")]).bands();
        assert_eq!(half.expect_err("half a step").errors[0].field, "/credit");
        let second = [("uptime0", "99"), ("credit0", "0"), ("uptime1", ""), ("credit1", "5")];
        assert_eq!(wanted(Verb::Tier, &second).in_form("uptime"), "uptime1");
        assert_eq!(wanted(Verb::Tier, &second).in_form("taken"), "tier");
        assert_eq!(wanted(Verb::Tenant, &[]).in_form("unknownTier"), "tier");
    }

    fn text(band: &SlaBand) -> (String, String) {
        (band.min_uptime_pct.to_string(), band.credit.to_string())
    }

    #[test]
    fn the_page_of_a_form_is_that_of_what_it_is_about() {
        let of = |act, seen: &str| {
            let fields = [("tenantId", "acme")];
            Wanted { seen: seen.to_owned(), ..wanted(act, &fields) }.page()
        };
        assert_eq!(of(Verb::Tenant, ""), "/optimizer/tenants");
        assert_eq!(of(Verb::Tenant, "x"), "/optimizer/tenants/acme");
        assert_eq!(of(Verb::Tier, ""), "/optimizer/tiers");
    }
}
