//! What people do about prices: each act is an event, and counts as all FINAL events say it does.
//!
//! The state machine is asked twice: before recording, by what is FINAL here, so that a stale tab is
//! told at once; and after, when somebody else may have been first.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::catalog::{
    Edition, Grounds, Known, ProposalApprove, ProposalModify, ProposalOpen, ProposalReject,
};
use domain::event::TenantId;
use domain::finality::Finality;
use domain::log::Hash;
use domain::pricing::approval::{Actor, ContentHash, Effect, Input, Refusal, step};
use domain::pricing::book::{Book, Case, Chain, Numbered};
use domain::pricing::controls::{Content, Controls};
use domain::pricing::policy::{Policy, Unfit};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::anew;
use super::beforehand::{not_fixed, staffed};
use super::delegations::may_approve;
use super::refused::{
    already_open, closed, facts_changed, no_such_version, not_looked_at, refused, version_changed,
};
use super::shown::Shown;
use super::wishes::{self, Unit, wrong_tenant, wrongs};
use crate::http::Services;
use crate::http::events::record::{Wish, record_in_stead, record_one, until_in_force};
use crate::identity::{ClientAddress, Principal, Unproven, Via};
use crate::ledger::Accepted;
use crate::problem::Problem;

/// The version of a proposal that somebody looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) version: u32,
    pub(super) hash: Hash,
}

/// What somebody wants of a tenant's controls; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Proposed {
    pub(super) tenant_id: String,
    pub(super) price_of_list: Option<Decimal>,
    pub(super) overage_of_list: Option<Decimal>,
    #[serde(default, deserialize_with = "wishes::sent_count")]
    pub(super) concurrency: Option<u32>,
    #[serde(default, deserialize_with = "wishes::sent_count")]
    pub(super) token_cap: Option<u64>,
    pub(super) reason: String,
    /// US dollars only; named so that another currency is refused and not converted.
    pub(super) currency: Option<String>,
}

/// What somebody wants instead; what is not named stays as it was proposed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Modified {
    pub(super) version: u32,
    pub(super) hash: Hash,
    price_of_list: Option<Decimal>,
    overage_of_list: Option<Decimal>,
    #[serde(default, deserialize_with = "wishes::sent_count")]
    concurrency: Option<u32>,
    #[serde(default, deserialize_with = "wishes::sent_count")]
    token_cap: Option<u64>,
    /// Left out where nothing else is named: the same change on the facts of now.
    reason: Option<String>,
}

impl Modified {
    /// The same change on the facts of now: nothing is to be otherwise.
    pub(super) const fn is_the_same(&self) -> bool {
        self.price_of_list.is_none()
            && self.overage_of_list.is_none()
            && self.concurrency.is_none()
            && self.token_cap.is_none()
            && self.reason.is_none()
    }
}

impl From<Modified> for Proposed {
    fn from(wanted: Modified) -> Proposed {
        let Modified { price_of_list, overage_of_list, concurrency, token_cap, reason, .. } =
            wanted;
        let (tenant_id, currency) = (String::new(), None);
        Proposed {
            tenant_id,
            price_of_list,
            overage_of_list,
            concurrency,
            token_cap,
            reason: reason.unwrap_or_default(),
            currency,
        }
    }
}

impl Proposed {
    /// Only why: the same once more.
    const fn names_nothing(&self) -> bool {
        self.price_of_list.is_none()
            && self.overage_of_list.is_none()
            && self.concurrency.is_none()
            && self.token_cap.is_none()
    }

    /// What is named, and otherwise what holds.
    pub(super) fn laid_on(&self, before: Controls) -> Controls {
        let normal = |share: Decimal| share.normalize();
        Controls {
            price_of_list: self.price_of_list.map_or(before.price_of_list, normal),
            overage_of_list: self.overage_of_list.map(normal).or(before.overage_of_list),
            concurrency: self.concurrency.or(before.concurrency),
            token_cap: self.token_cap.or(before.token_cap),
        }
    }
}

/// What shows that whoever decides is still there: asked for where two must agree.
#[derive(Clone)]
pub(super) struct Proof {
    pub(super) address: ClientAddress,
    pub(super) password: Option<String>,
}

impl fmt::Debug for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Proof")
    }
}

/// How somebody approves: whose vote it is, and what shows that they are there.
#[derive(Clone, Debug)]
pub(super) struct Approval {
    /// Who is away; absent: whoever approves, for themself.
    on_behalf_of: Option<Actor>,
    proof: Proof,
}

impl Approval {
    pub(super) fn of(principal: &Principal, on_behalf_of: Option<String>, proof: Proof) -> Self {
        let person = on_behalf_of.filter(|person| !person.is_empty() && *person != principal.login);
        Approval { on_behalf_of: person.map(Actor), proof }
    }
}

/// From so many persons on a change is extreme, and a browser that was left open approves nothing.
const EXTREME_PERSONS: u32 = 2;

/// What somebody does about a proposal.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Approve(Seen, Approval),
    Reject(Seen, String),
    Modify(Seen, Proposed),
    /// The same change on the facts of now.
    Refresh(Seen),
}

impl Act {
    const fn seen(&self) -> Seen {
        match self {
            Act::Approve(seen, _)
            | Act::Reject(seen, _)
            | Act::Modify(seen, _)
            | Act::Refresh(seen) => *seen,
        }
    }
}

pub(super) fn reason_of(text: &str) -> Result<String, Problem> {
    let reason = text.trim().to_owned();
    if reason.is_empty() {
        return Err(Problem::invalid("It is not said why.").field("/reason", "must not be blank"));
    }
    Ok(reason)
}

pub(super) async fn record(
    shared: &Services,
    principal: &Principal,
    what: &Known,
    wish: Wish,
) -> Result<Accepted, Problem> {
    let event = json!({ "tenantId": TenantId::platform(), "payload": what.to_payload() });
    // A delegate may not approve by their own role: `decided` has asked whether they may for whoever is
    // away.
    let in_stead =
        matches!(what, Known::ProposalApprove(approve) if approve.on_behalf_of.is_some());
    let outcome = if in_stead {
        record_in_stead(shared, principal, event).await
    } else {
        record_one(shared, principal, event).await
    };
    let (_, accepted) = outcome.map_err(of_body)?;
    until_in_force(shared, accepted.slot, wish).await;
    Ok(accepted)
}

/// The fields of the event are those of the body.
fn of_body(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        let field = error.field.trim_start_matches("/payload").trim_start_matches("/edition");
        error.field = field.to_owned();
    }
    problem
}

/// The proposal as all FINAL events leave it here.
pub(super) fn shown(shared: &Services, id: Uuid) -> Result<Value, Problem> {
    let catalog = shared.projection.catalog();
    let book = catalog.book();
    let case = book.case(id).ok_or_else(|| unknown(id))?;
    let shown = Shown { book, case, now: crate::now() };
    let mut whole = shown.whole();
    if let Content::Routing { shares } = &case.current().edition.content
        && shown.is_open()
    {
        let then = shared.fabric.preview_shares(shares);
        whole["warnings"] = json!(shared.fabric.warnings(&then));
    }
    Ok(whole)
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("No proposal {id} is final here."))
}

/// What was recorded, and the status that says so: 202 where it was waited for in vain, since what is
/// shown beside it is how things stood before.
pub(super) fn told(shared: &Services, accepted: &Accepted, wish: Wish) -> (StatusCode, Value) {
    let in_force = shared.projection.is_projected(accepted.slot);
    let word = if in_force { Finality::Final } else { Finality::Pending };
    let status = if wish.waits() && !in_force { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    (status, json!({ "eventId": accepted.event_id, "slot": accepted.slot, "status": word }))
}

pub(super) fn answered(
    shared: &Services,
    id: Uuid,
    accepted: &Accepted,
    wish: Wish,
) -> Result<Response, Problem> {
    let (status, decision) = told(shared, accepted, wish);
    match shown(shared, id) {
        Ok(mut whole) => {
            whole["decision"] = decision;
            Ok((status, Json(whole)).into_response())
        }
        // Recorded, and not final here yet.
        Err(_) => {
            let body = json!({ "proposalId": id, "state": "recorded", "decision": decision });
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
    }
}

pub(super) async fn propose(
    shared: &Services,
    principal: &Principal,
    wanted: Proposed,
    wish: Wish,
) -> Result<Response, Problem> {
    let (id, accepted) = open_for(shared, principal, wanted, wish).await?;
    answered(shared, id, &accepted, wish)
}

pub(super) async fn open_for(
    shared: &Services,
    principal: &Principal,
    wanted: Proposed,
    wish: Wish,
) -> Result<(Uuid, Accepted), Problem> {
    let catalog = shared.projection.catalog();
    let tenant = TenantId::try_from(wanted.tenant_id.trim().to_owned());
    let before = tenant.as_ref().map_or(Controls::STANDARD, |it| catalog.book().controls(it));
    let mut errors: Vec<_> = wrong_tenant(&catalog, &wanted.tenant_id).into_iter().collect();
    errors.extend(wrongs(&wanted, Some(&before), Unit::Share));
    wishes::refused(errors)?;
    let tenant_id = tenant.map_err(|error| Problem::invalid(error.to_string()))?;
    let (controls, reason) = (wanted.laid_on(before), reason_of(&wanted.reason)?);
    let content = Content::Controls { tenant_id, controls };
    open(shared, principal, Grounds::Person, content, reason, wish).await
}

/// One at a time: duplicates collapse into the one that is open.
pub(super) async fn open(
    shared: &Services,
    principal: &Principal,
    grounds: Grounds,
    content: Content,
    reason: String,
    wish: Wish,
) -> Result<(Uuid, Accepted), Problem> {
    let subject = content.subject();
    let catalog = shared.projection.catalog();
    let about = catalog.book().open_about(&subject, crate::now());
    if let Some(there) = about.filter(|_| grounds != Grounds::Rollback) {
        return Err(already_open(there));
    }
    if grounds == Grounds::Person {
        not_fixed(shared, &content)?;
    }
    let edition: Edition = shared.optimizer.edition(content, reason).await?;
    let proposal_id = Uuid::now_v7();
    let open = ProposalOpen { proposal_id, grounds, edition, foresight: None };
    let accepted = record(shared, principal, &Known::ProposalOpen(Box::new(open)), wish).await?;
    Ok((proposal_id, accepted))
}

pub(super) async fn propose_policy(
    shared: &Services,
    principal: &Principal,
    policy: Policy,
    version: u64,
    reason: String,
    wish: Wish,
) -> Result<Response, Problem> {
    let (id, accepted) = open_policy(shared, principal, policy, version, reason, wish).await?;
    answered(shared, id, &accepted, wish)
}

/// Every field that is wrong, by its place. `whole`: the field of the form that stands for all of them,
/// where they are no fields of what was sent.
pub(super) fn no_policy(whole: &str, faults: &[Unfit]) -> Problem {
    let said = |fault: &Unfit| {
        let other = fault.other.as_ref().map(|other| format!("; it contradicts {other}"));
        format!("{}{}", fault.problem, other.unwrap_or_default())
    };
    let all: Vec<String> = faults
        .iter()
        .map(|fault| {
            let colon = if fault.path.is_empty() { "" } else { ": " };
            format!("{}{colon}{}", fault.path, said(fault))
        })
        .collect();
    let problem = Problem::invalid(format!("There can be no such policy. {}.", all.join(". ")));
    if !whole.is_empty() {
        return problem.field(format!("/{whole}"), "makes no policy that may be");
    }
    faults.iter().fold(problem, |problem, fault| {
        let place = fault.path.split('.').filter(|name| !name.is_empty());
        let pointer: String = place.map(|name| format!("/{name}")).collect();
        problem.field(format!("/policy{pointer}"), said(fault))
    })
}

/// `version`: the one in force that the proposal was made from.
pub(in crate::http) async fn open_policy(
    shared: &Services,
    principal: &Principal,
    policy: Policy,
    version: u64,
    reason: String,
    wish: Wish,
) -> Result<(Uuid, Accepted), Problem> {
    let reason = reason_of(&reason)?;
    let now = shared.projection.catalog().book().policy().0;
    if now != version {
        let detail = format!("Version {now} of the policy is in force, and not {version}.");
        let problem =
            Problem::new(StatusCode::CONFLICT, "version_changed", "The policy was changed", detail);
        return Err(problem.field("/version", format!("is {now} now")));
    }
    let faults = policy.faults();
    if !faults.is_empty() {
        return Err(no_policy("", &faults));
    }
    let catalog = shared.projection.catalog();
    super::dates::contracts(catalog.book().policy().1, &policy, crate::now())?;
    if *catalog.book().policy().1 == policy {
        let problem = Problem::invalid("Nothing would change: this policy is in force.");
        return Err(problem.field("/policy", "is what it is already"));
    }
    staffed(shared, principal, &policy)?;
    let content = Content::Policy { policy: Box::new(policy) };
    open(shared, principal, Grounds::Person, content, reason, wish).await
}

/// Back to what was in force before the last change.
pub(super) async fn rollback(
    shared: &Services,
    principal: &Principal,
    tenant: &TenantId,
    seen: Option<u64>,
    reason: String,
    wish: Wish,
) -> Result<Response, Problem> {
    let (id, accepted) = take_back(shared, principal, tenant, seen, reason, wish).await?;
    answered(shared, id, &accepted, wish)
}

pub(super) async fn take_back(
    shared: &Services,
    principal: &Principal,
    tenant: &TenantId,
    seen: Option<u64>,
    reason: String,
    wish: Wish,
) -> Result<(Uuid, Accepted), Problem> {
    let reason = reason_of(&reason)?;
    let catalog = shared.projection.catalog();
    let none = Chain::default();
    let chain = catalog.book().chain(tenant).unwrap_or(&none);
    let version = chain.version();
    let conflict =
        |code, title, detail: String| Problem::new(StatusCode::CONFLICT, code, title, detail);
    let Some(last) = chain.last() else {
        let detail = format!("Nothing was ever changed for {tenant}.");
        return Err(conflict("nothing_to_take_back", "Nothing to take back", detail));
    };
    if seen.is_some_and(|seen| seen != version) {
        let detail = format!("Version {version} is in force for {tenant}. Look at it first.");
        let problem = conflict("version_changed", "The price was changed", detail);
        return Err(problem.field("/version", format!("is {version} now")));
    }
    if last.grounds.takes_back() {
        let detail = "The last change was itself a rollback. Propose the price anew.".to_owned();
        return Err(conflict("nothing_to_take_back", "Nothing to take back", detail));
    }
    let controls = chain.controls(version - 1).unwrap_or(Controls::STANDARD);
    let content = Content::Controls { tenant_id: tenant.clone(), controls };
    open(shared, principal, Grounds::Rollback, content, reason, wish).await
}

pub(super) async fn decide(
    shared: &Services,
    principal: &Principal,
    id: Uuid,
    act: Act,
    wish: Wish,
) -> Result<Response, Problem> {
    let accepted = decided(shared, principal, id, act, wish).await?;
    answered(shared, id, &accepted, wish)
}

/// Whether they may approve is asked here, where a vote is made, whichever way leads to it.
pub(super) async fn decided(
    shared: &Services,
    principal: &Principal,
    id: Uuid,
    act: Act,
    wish: Wish,
) -> Result<Accepted, Problem> {
    if let Act::Approve(_, approval) = &act {
        may_approve(shared, principal, approval.on_behalf_of.as_ref())?;
    }
    let catalog = shared.projection.catalog();
    let case = catalog.book().case(id).ok_or_else(|| unknown(id))?;
    let seen = act.seen();
    let standing = case.standing(crate::now());
    if !standing.is_open() {
        return Err(closed(catalog.book(), case, standing));
    }
    let current = case.current();
    let is_seen = |made: &Numbered| (made.version, made.hash) == (seen.version, seen.hash);
    if !is_seen(current) {
        let was = case.versions.iter().any(is_seen);
        return Err(if was { version_changed(case) } else { no_such_version(case, seen.version) });
    }
    let Seen { version, hash } = seen;
    let what = match act {
        Act::Approve(_, Approval { on_behalf_of, proof }) => {
            let by = Actor(principal.login.clone());
            let seen = (version, ContentHash(hash.0));
            let input = Input::Approve { by, on_behalf_of: on_behalf_of.clone(), seen };
            rehearse(catalog.book(), case, input)?;
            if case.quorum().is_none_or(|persons| persons >= EXTREME_PERSONS) {
                proven(shared, principal, proof).await?;
            }
            unchanged(shared, case).await?;
            let approve = ProposalApprove { proposal_id: id, version, hash, on_behalf_of };
            Known::ProposalApprove(approve)
        }
        Act::Reject(_, reason) => {
            let reason = reason_of(&reason)?;
            Known::ProposalReject(ProposalReject { proposal_id: id, version, hash, reason })
        }
        Act::Modify(_, wanted) => {
            let edition = modified(shared, case, &wanted).await?;
            Known::ProposalModify(Box::new(ProposalModify {
                proposal_id: id,
                version,
                hash,
                edition,
            }))
        }
        Act::Refresh(_) => {
            let reason = anew::reason(shared, case).await?;
            let same = Proposed { reason, ..Proposed::default() };
            let edition = modified(shared, case, &same).await?;
            Known::ProposalModify(Box::new(ProposalModify {
                proposal_id: id,
                version,
                hash,
                edition,
            }))
        }
    };
    let accepted = record(shared, principal, &what, wish).await?;
    let catalog = shared.projection.catalog();
    let after = catalog.book().case(id).ok_or_else(|| unknown(id))?;
    // Somebody was first, here or at another cloud.
    after
        .refusal_of(accepted.event_id)
        .map_or(Ok(accepted), |why| Err(refused(catalog.book(), why, after)))
}

/// A token is a program's own secret, sent with each call; a session may have been left open.
async fn proven(shared: &Services, principal: &Principal, proof: Proof) -> Result<(), Problem> {
    if principal.via != Via::Session {
        return Ok(());
    }
    let again = |detail: &str| {
        Problem::new(StatusCode::FORBIDDEN, "prove_again", "Say your password again", detail)
            .field("/password", "is missing or wrong")
    };
    let password = proof.password.filter(|password| !password.is_empty());
    let asked = "A change that two must agree to is decided with your password.";
    let password = password.ok_or_else(|| again(asked))?;
    let proven = shared.identity.prove_again(&principal.login, proof.address, password).await;
    proven.map_err(|unproven| match unproven {
        Unproven::Wrong => again("That is not your password."),
        Unproven::RateLimited(wait) => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too many attempts",
            "Too many wrong passwords. Wait, then try again.",
        )
        .retry_after(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)),
        Unproven::Unavailable(cause) => Problem::fault(cause),
    })
}

/// What the state machine says before anything is recorded.
fn rehearse(book: &Book, case: &Case, input: Input) -> Result<(), Problem> {
    let now = crate::now();
    let (_, effects) = step(case.machine().clone(), &book.delegations_at(now), now, input);
    let refusal: Option<Refusal> = effects.into_iter().find_map(|effect| match effect {
        Effect::Refuse(refusal) => Some(refusal),
        _ => None,
    });
    refusal.map_or(Ok(()), |refusal| Err(refused(book, &refusal, case)))
}

/// The drift guard: nobody approves what is no longer so.
async fn unchanged(shared: &Services, case: &Case) -> Result<(), Problem> {
    match shared.optimizer.look(case).await?.drift {
        Ok(changed) if changed.is_empty() => Ok(()),
        Ok(changed) => Err(facts_changed(&changed).proposal(case.id)),
        Err(why) => Err(not_looked_at(&why).proposal(case.id)),
    }
}

/// The same content is a version too: it rests on the facts of now.
async fn modified(shared: &Services, case: &Case, wanted: &Proposed) -> Result<Edition, Problem> {
    let reason = reason_of(&wanted.reason)?;
    wishes::refused(wrongs(wanted, None, Unit::Share))?;
    let content = match &case.current().edition.content {
        Content::Controls { tenant_id, controls } => {
            Content::Controls { tenant_id: tenant_id.clone(), controls: wanted.laid_on(*controls) }
        }
        Content::ListPrice { price } if wanted.names_nothing() => {
            Content::ListPrice { price: price.clone() }
        }
        Content::Policy { .. } | Content::Routing { .. } | Content::ListPrice { .. } => {
            let detail =
                "Only tenants’ prices are modified here: reject this, and propose another.";
            return Err(Problem::invalid(detail));
        }
    };
    not_fixed(shared, &content)?;
    Ok(shared.optimizer.edition(content, reason).await?)
}

pub(super) async fn run(shared: &Services, wish: Wish) -> Result<Value, Problem> {
    let report = shared.optimizer.run().await?;
    until_in_force(shared, report.slot, wish).await;
    serde_json::to_value(&report).map_err(Problem::fault)
}
