//! Several prices of low risk approved in one act, each by its own version and hash and each with a
//! result of its own. What needs more than one person, or is more than a price, is refused here.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use domain::access::Action;
use domain::log::Hash;
use domain::pricing::book::{Risk, TOGETHER_MAX};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::acts::{self, Act, Approval, Proof, Seen};
use super::refused::refused;
use crate::http::ask::{Asked, Whole, json as read_json, shape_of};
use crate::http::back::{EFFECT_MS, read_form};
use crate::http::events::record::{Wish, until_in_force};
use crate::http::place::Place;
use crate::http::{Services, Shared};
use crate::identity::{ClientAddress, Principal, query_value};
use crate::ledger::Accepted;
use crate::problem::{FieldProblem, Problem};

/// The page that asks once more, and says what became of each.
const PAGE: &str = "/approvals/together";

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    proposal_id: Uuid,
    version: u32,
    hash: Hash,
}

/// What an item has, and how each is written.
const FIELDS: [(&str, &str); 3] = [
    ("proposalId", "its UUID"),
    ("version", "the number of the version that was seen"),
    ("hash", "the hash of that version, 64 hex digits"),
];

/// What became of each, in order.
type Outcomes = Vec<(Uuid, Result<Accepted, Problem>)>;

/// 200 with one result an item, in order.
pub(super) async fn bulk(
    State(shared): State<Shared>,
    principal: Principal,
    place: Place,
    address: ClientAddress,
    Asked(wish): Asked<Wish>,
    Whole(body): Whole,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::Approve)?;
    let items = items_of(read_json(&body)?)?;
    let seat = wish.seat(place)?;
    let outcomes = approve(&shared, &principal, &address, items, wish).await?;
    drop(seat);
    let told = outcomes.into_iter().enumerate().map(|(at, (id, outcome))| match outcome {
        Ok(accepted) => {
            let (status, decision) = acts::told(&shared, &accepted, wish);
            let mut told = json!({
                "proposalId": id, "httpStatus": status.as_u16(), "decision": decision
            });
            if let Ok(shown) = acts::shown(&shared, id) {
                told["state"] = shown["state"].clone();
            }
            told
        }
        Err(problem) => {
            problem.log();
            let problem = at_index(problem, at);
            json!({ "proposalId": id, "httpStatus": problem.status, "problem": problem })
        }
    });
    Ok(Json(told.collect()))
}

/// The body is a list of them. What every item lacks is said at once, and how it is written.
fn items_of(body: Value) -> Result<Vec<Item>, Problem> {
    let Value::Array(items) = body else {
        let list = format!("must be a list of 1 to {TOGETHER_MAX} proposals");
        return Err(expected(vec![FieldProblem { field: String::new(), reason: list }]));
    };
    let read = |(at, item): (usize, Value)| {
        let one = shape_of::<Item>(item, &FIELDS.map(|(name, _)| name));
        one.map_err(|problem| at_index(problem, at))
    };
    let (mut all, mut wrong) = (Vec::with_capacity(items.len()), Vec::new());
    for one in items.into_iter().enumerate().map(read) {
        match one {
            Ok(item) => all.push(item),
            Err(problem) => wrong.extend(problem.errors),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(expected(wrong)) }
}

fn expected(errors: Vec<FieldProblem>) -> Problem {
    let fields = FIELDS.map(|(name, what)| format!("{name} ({what})")).join(", ");
    let named = errors.iter().filter(|error| !error.field.is_empty());
    let told: Vec<String> =
        named.map(|error| format!("{} {}", error.field, error.reason)).collect();
    let wrong =
        if told.is_empty() { String::new() } else { format!(" Wrong here: {}.", told.join("; ")) };
    let detail =
        format!("The body is a list of 1 to {TOGETHER_MAX} proposals, each with {fields}.{wrong}");
    Problem { errors, ..Problem::invalid(detail) }
}

/// Pointers lead into the body as it was sent.
fn at_index(mut problem: Problem, at: usize) -> Problem {
    for error in &mut problem.errors {
        error.field = format!("/{at}{}", error.field);
    }
    problem
}

async fn approve(
    shared: &Services,
    principal: &Principal,
    address: &ClientAddress,
    items: Vec<Item>,
    wish: Wish,
) -> Result<Outcomes, Problem> {
    if items.is_empty() || items.len() > TOGETHER_MAX {
        let detail = format!("Between 1 and {TOGETHER_MAX} proposals are approved in one act.");
        return Err(Problem::invalid(detail));
    }
    let mut seen = BTreeSet::new();
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        let id = item.proposal_id;
        let outcome = if seen.insert(id) {
            one(shared, principal, address, item).await
        } else {
            Err(Problem::invalid("It is named twice.").field("/proposalId", "is there already"))
        };
        outcomes.push((id, outcome));
    }
    // The last one recorded is the last one final: they stand in one log.
    let last = outcomes.iter().rev().find_map(|(_, outcome)| outcome.as_ref().ok());
    if let Some(last) = last {
        until_in_force(shared, last.slot, wish).await;
    }
    Ok(outcomes
        .into_iter()
        .map(|(id, outcome)| (id, outcome.and_then(counted(shared, id))))
        .collect())
}

/// Somebody may have been first, here or at another cloud.
fn counted(shared: &Services, id: Uuid) -> impl Fn(Accepted) -> Result<Accepted, Problem> {
    let catalog = shared.projection.catalog();
    move |accepted| {
        let case = catalog.book().case(id);
        let why = case.and_then(|case| Some((case, case.refusal_of(accepted.event_id)?)));
        why.map_or(Ok(accepted), |(case, why)| Err(refused(catalog.book(), why, case)))
    }
}

async fn one(
    shared: &Services,
    principal: &Principal,
    address: &ClientAddress,
    item: Item,
) -> Result<Accepted, Problem> {
    let Item { proposal_id: id, version, hash } = item;
    let catalog = shared.projection.catalog();
    let case = catalog.book().case(id);
    if case.is_some_and(|case| catalog.book().risk(case) == Risk::High) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_together",
            "It is approved by itself",
            "It needs more than one person, or is more than a price. Open it, and approve it there.",
        ));
    }
    let proof = Proof { address: *address, password: None };
    let act = Act::Approve(Seen { version, hash }, Approval::of(principal, None, proof));
    // What it comes to is waited for once, for all of them.
    acts::decided(shared, principal, id, act, Wish::default()).await
}

/// The form of the page: `item` is an id, a version and a hash, separated by colons.
pub(super) async fn act(
    State(shared): State<Shared>,
    principal: Principal,
    address: ClientAddress,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Redirect, Problem> {
    principal.require(Action::Approve)?;
    let fields = read_form(form)?;
    let items = fields.iter().filter(|(name, _)| name == "item").map(|(_, text)| read(text));
    let items = items.collect::<Result<Vec<Item>, Problem>>()?;
    let wish = Wish::final_within(EFFECT_MS);
    let outcomes = match approve(&shared, &principal, &address, items, wish).await {
        Ok(outcomes) => outcomes,
        Err(problem) => return Ok(Redirect::to(&format!("{PAGE}?problem={}", problem.code))),
    };
    let done = outcomes.iter().map(|(id, outcome)| {
        let code = match outcome {
            Ok(_) => "approved",
            Err(problem) => {
                problem.log();
                problem.code
            }
        };
        format!("pick={id}.{}", query_value(code))
    });
    Ok(Redirect::to(&format!("{PAGE}?{}", done.collect::<Vec<_>>().join("&"))))
}

fn read(text: &str) -> Result<Item, Problem> {
    let mut parts = text.split(':');
    let item = (|| {
        let proposal_id = parts.next()?.parse().ok()?;
        let version = parts.next()?.parse().ok()?;
        let hash = Hash::from_hex(parts.next()?)?;
        parts.next().is_none().then_some(Item { proposal_id, version, hash })
    })();
    item.ok_or_else(|| {
        let problem = Problem::invalid("The form has a mistake: an item names no version.");
        problem.field("/item", "must be an id, a version and a hash")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_list_or_lacks_fields_is_told_all_of_them_and_their_form() {
        let named = |body: Value| {
            let problem = items_of(body).expect_err("it does not fit");
            assert!(problem.detail.contains("hash of that version, 64 hex digits"), "{problem:?}");
            problem.errors.into_iter().map(|error| error.field).collect::<Vec<_>>()
        };
        assert_eq!(named(json!({})), [""], "what is no list has no first item");
        assert_eq!(named(json!([{}])), ["/0/proposalId", "/0/version", "/0/hash"]);
        let (id, hash) = (Uuid::from_u128(7), "ab".repeat(32));
        let whole = json!({ "proposalId": id, "version": 1, "hash": hash });
        assert_eq!(named(whole.clone()), [""]);
        assert_eq!(named(json!([whole, { "proposalId": id, "hash": hash }])), ["/1/version"]);
        assert_eq!(items_of(json!([whole])).expect("an item").len(), 1);
    }

    #[test]
    fn an_item_of_the_form_is_an_id_a_version_and_a_hash_and_nothing_else() {
        let (id, hash) = (Uuid::from_u128(7), "ab".repeat(32));
        let item = read(&format!("{id}:3:{hash}")).expect("an item");
        assert_eq!((item.proposal_id, item.version), (id, 3));
        for wrong in [format!("{id}:3"), format!("{id}:x:{hash}"), format!("{id}:3:{hash}:4")] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
