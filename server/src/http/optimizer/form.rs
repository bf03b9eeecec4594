//! The forms of the pages Optimizer and Approvals: what browsers without scripts send, and those with.

use axum::extract::State;
use axum::response::Redirect;
use domain::access::Action;
use domain::catalog::SwitchName;
use domain::event::{EventId, TenantId};
use domain::log::Hash;
use serde::Deserialize;

use super::acts::{self, Act, Approval, Proof, Proposed, Seen};
use super::delegations;
use super::foresight;
use super::switch::switch;
use super::wishes;
use crate::http::Shared;
use crate::http::back::{EFFECT_MS, Sent, Word, done, in_form};
use crate::http::events::record::Wish;
use crate::identity::{ClientAddress, Principal, query_value};
use crate::ledger::Accepted;
use crate::problem::Problem;
use crate::typed::{day, end_of_day, wrong};

const OPTIMIZER: &str = "/optimizer";
const APPROVALS: &str = "/approvals";

/// What the forms call otherwise than events do.
const FIELDS: [(&str, &str); 5] = [
    ("tenantId", "tenant"),
    ("priceOfList", "price"),
    ("overageOfList", "overage"),
    ("tokenCap", "cap"),
    ("to", "delegate"),
];

/// No `Debug`: it may hold a password.
#[derive(Deserialize)]
pub(in crate::http) struct Wanted {
    act: Verb,
    #[serde(default)]
    proposal: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    hash: String,
    #[serde(default)]
    pub(super) tenant: String,
    /// In percent of the list price.
    #[serde(default)]
    pub(super) price: String,
    #[serde(default)]
    pub(super) overage: String,
    #[serde(default)]
    pub(super) concurrency: String,
    #[serde(default)]
    pub(super) cap: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    password: String,
    /// `on` or `off`.
    #[serde(default)]
    to: String,
    /// In whose stead; none: for oneself.
    #[serde(default)]
    person: String,
    #[serde(default)]
    delegate: String,
    /// A day in UTC; none: from now on.
    #[serde(default)]
    from: String,
    /// The last day, in UTC.
    #[serde(default)]
    until: String,
    #[serde(default)]
    delegation: String,
    /// `yes`: whoever releases the kill switch has looked at what follows.
    #[serde(default)]
    confirmed: String,
}

impl Wanted {
    /// Does it let prices go again that were all stopped?
    fn releases(&self) -> bool {
        self.act == Verb::Kill && self.to != "on"
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Verb {
    Approve,
    Reject,
    Modify,
    /// The same change on the facts of now.
    Refresh,
    Propose,
    Rollback,
    Run,
    Foresee,
    Kill,
    Auto,
    TenantAuto,
    Delegate,
    Withdraw,
}

impl Verb {
    const fn needs(self) -> Action {
        match self {
            // A delegate's right is that of whoever is away, which the act asks for.
            Verb::Approve => Action::Propose,
            Verb::Reject | Verb::Rollback | Verb::Delegate | Verb::Withdraw => Action::Approve,
            Verb::Modify | Verb::Refresh | Verb::Propose => Action::Propose,
            Verb::Run | Verb::Foresee | Verb::Kill | Verb::Auto | Verb::TenantAuto => {
                Action::SetAutonomy
            }
        }
    }

    /// The page that the form stands on.
    fn page(self, proposal: &str) -> String {
        match self {
            Verb::Approve | Verb::Reject | Verb::Modify | Verb::Refresh => {
                format!("{APPROVALS}/{}", query_value(proposal))
            }
            Verb::Delegate | Verb::Withdraw => APPROVALS.to_owned(),
            _ => OPTIMIZER.to_owned(),
        }
    }
}

/// Back to the page, which says what is so now or what was wrong.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    address: ClientAddress,
    Sent { wanted, typed }: Sent<Wanted>,
) -> Result<Redirect, Problem> {
    principal.require(wanted.act.needs())?;
    let page = wanted.act.page(&wanted.proposal);
    if wanted.releases() && wanted.confirmed != "yes" {
        return Ok(typed.not_confirmed(&shared, &page).await);
    }
    match carried_out(&shared, &principal, address, &page, wanted).await {
        Ok((page, event)) => Ok(done(&page, event)),
        Err(problem) => {
            let name = |field: &str| in_form(field, &FIELDS);
            typed.telling().refused(&shared, &page, problem, Word::FieldOfInvalid, name).await
        }
    }
}

/// The page to show then, and what was recorded, if it was in its sender's name.
type Outcome = (String, Option<EventId>);

async fn carried_out(
    shared: &Shared,
    principal: &Principal,
    address: ClientAddress,
    page: &str,
    wanted: Wanted,
) -> Result<Outcome, Problem> {
    let wish = Wish::final_within(EFFECT_MS);
    let reason = wanted.reason.clone();
    let here = |accepted: Accepted| (page.to_owned(), Some(accepted.event_id));
    match wanted.act {
        Verb::Approve => {
            let proof = Proof { address, password: Some(wanted.password.clone()) };
            let approval = Approval::of(principal, Some(wanted.person.clone()), proof);
            decided(shared, principal, &wanted, Act::Approve(seen(&wanted)?, approval))
                .await
                .map(here)
        }
        Verb::Reject => {
            let act = Act::Reject(seen(&wanted)?, reason);
            decided(shared, principal, &wanted, act).await.map(here)
        }
        Verb::Modify => {
            let act = Act::Modify(seen(&wanted)?, modified(&wanted)?);
            decided(shared, principal, &wanted, act).await.map(here)
        }
        Verb::Refresh => {
            decided(shared, principal, &wanted, Act::Refresh(seen(&wanted)?)).await.map(here)
        }
        Verb::Propose => {
            let opened =
                acts::open_for(shared, principal, proposed(shared, &wanted)?, wish).await?;
            Ok((format!("{APPROVALS}/{}", opened.0), Some(opened.1.event_id)))
        }
        Verb::Rollback => {
            let tenant = tenant_of(&wanted)?;
            let seen = wanted.version.parse().ok();
            let taken = acts::take_back(shared, principal, &tenant, seen, reason, wish).await;
            taken.map(|(_, accepted)| here(accepted))
        }
        Verb::Run => acts::run(shared, wish).await.map(|_| (page.to_owned(), None)),
        Verb::Foresee => foresight::foresee(shared, wish).await.map(|_| (page.to_owned(), None)),
        Verb::Kill | Verb::Auto | Verb::TenantAuto => {
            let switched = switched(shared, principal, &wanted).await?;
            Ok((page.to_owned(), switched.map(|accepted| accepted.event_id)))
        }
        Verb::Delegate => {
            delegations::delegate(shared, principal, away(&wanted)?, wish).await.map(here)
        }
        Verb::Withdraw => {
            let id = delegations::delegation_id(&wanted.delegation)?;
            delegations::withdraw(shared, principal, id, &reason, wish).await.map(here)
        }
    }
}

async fn switched(
    shared: &Shared,
    principal: &Principal,
    wanted: &Wanted,
) -> Result<Option<Accepted>, Problem> {
    let (name, tenant) = match wanted.act {
        Verb::Kill => (SwitchName::KillSwitch, None),
        Verb::TenantAuto => (SwitchName::AutoPricing, Some(tenant_of(wanted)?)),
        _ => (SwitchName::AutoPricing, None),
    };
    let (on, wish) = (wanted.to == "on", Wish::final_within(EFFECT_MS));
    // To stop everything nothing but one press is needed.
    let may_be_blank = on && wanted.act == Verb::Kill;
    let reason = Some(wanted.reason.trim()).filter(|reason| !(may_be_blank && reason.is_empty()));
    switch(shared, principal, name, tenant, on, reason, wish).await
}

async fn decided(
    shared: &Shared,
    principal: &Principal,
    wanted: &Wanted,
    act: Act,
) -> Result<Accepted, Problem> {
    let id = super::proposal_id(&wanted.proposal)?;
    acts::decided(shared, principal, id, act, Wish::final_within(EFFECT_MS)).await
}

fn seen(wanted: &Wanted) -> Result<Seen, Problem> {
    let version = wanted.version.parse().map_err(|_| wrong("version", "is no number"))?;
    let hash = Hash::from_hex(&wanted.hash).ok_or_else(|| wrong("hash", "is no hash"))?;
    Ok(Seen { version, hash })
}

/// Days as they are typed: the last one is whole.
fn away(wanted: &Wanted) -> Result<delegations::Wanted, Problem> {
    let from = wanted.from.trim();
    let from = if from.is_empty() { None } else { Some(day("from", from)?) };
    Ok(delegations::Wanted {
        to: wanted.delegate.clone(),
        from,
        until: end_of_day("until", &wanted.until)?,
        reason: wanted.reason.clone(),
    })
}

fn tenant_of(wanted: &Wanted) -> Result<TenantId, Problem> {
    TenantId::try_from(wanted.tenant.trim().to_owned())
        .map_err(|error| wrong("tenantId", &error.to_string()))
}

/// All that is wrong with the fields at once.
fn proposed(shared: &Shared, wanted: &Wanted) -> Result<Proposed, Problem> {
    let catalog = shared.projection.catalog();
    let tenant = TenantId::try_from(wanted.tenant.trim().to_owned()).ok();
    let before = tenant.map(|tenant| catalog.book().controls(&tenant));
    let (proposed, wrong) = wishes::typed(wanted, before.as_ref());
    let unknown = wishes::wrong_tenant(&catalog, &wanted.tenant);
    wishes::refused(unknown.into_iter().chain(wrong).collect())?;
    Ok(proposed)
}

/// Another version: of a tenant that is known, and it may be the same change.
fn modified(wanted: &Wanted) -> Result<Proposed, Problem> {
    let (proposed, wrong) = wishes::typed(wanted, None);
    wishes::refused(wrong)?;
    Ok(proposed)
}
