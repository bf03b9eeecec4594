//! What the events come to, in steps that a reader can follow: each version with what it needed and
//! what it had, and what is charged in the end.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::charged::dollars;
use super::read::Events;
use super::{Trail, applied, short};
use crate::catalog::Grounds;
use crate::event::{EventId, TenantId};
use crate::pricing::book::{Applied, Book, Case, Chain, Needs, Numbered, StepKind};
use crate::pricing::controls::{Controls, Subject};
use crate::pricing::list_change::Product;
use crate::pricing::policy::differences;
use crate::receipt::{Step, StepState, step};

const BACKED: &str = "the rules of proposals and approvals, played over the events above";

/// Each version of the policy, since it says how many must agree to the others.
pub(super) fn policies(book: &Book) -> Vec<Step> {
    let versions = book.policies().iter().zip(1_u64..);
    let told = versions.map(|(version, number)| {
        let before = book.policy_of(number - 1);
        let changes = before.map(|before| differences(before, &version.value)).unwrap_or_default();
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let changed = changes
            .iter()
            .map(|it| format!("{}: {} became {}", it.field, side(&it.was), side(&it.is)));
        let changed = changed.collect::<Vec<_>>().join("\n");
        let title = format!("Version {number} of the policy is in force from {}", version.at);
        backed(book, version, &title, vec![("what changed", changed)])
    });
    told.collect()
}

/// Each version of the tenant's price, the first first.
pub(super) fn versions(book: &Book, tenant: &TenantId) -> Vec<Step> {
    let none = Chain::default();
    let chain: &Chain<Controls> = book.chain(tenant).unwrap_or(&none);
    let told = chain.iter().zip(1_u64..).map(|(version, number)| {
        let before = chain.controls(number - 1).unwrap_or(Controls::STANDARD);
        let (was, is) = (Words(&before), Words(&version.value));
        let title = format!("Version {number} of {tenant}: {was} became {is}, from {}", version.at);
        backed(book, version, &title, Vec::new())
    });
    told.collect()
}

/// Each list price that moved so far that others had to agree to it.
pub(super) fn lists(book: &Book) -> Vec<Step> {
    let told = book.list_prices().map(|(number, version)| {
        let price = &version.value;
        let title = format!(
            "Version {number} of the list price of {} was agreed to, from {}",
            Product::from(price),
            price.effective_from
        );
        let is = dollars(price, Decimal::ONE).unwrap_or_default();
        backed(book, version, &title, vec![("list price", is)])
    });
    told.collect()
}

/// One version of something, with what it needed by the rules and what it had.
fn backed<T>(book: &Book, version: &Applied<T>, title: &str, more: Vec<(&str, String)>) -> Step {
    let Some(case) = book.case(version.proposal_id) else {
        return step(title, BACKED, more, "its proposal is not in the file".to_owned(), false);
    };
    let found = applied(case, version.event_id);
    let numbered = found.and_then(|(_, number, hash)| case.version_of(number, hash));
    let Some(numbered) = numbered else {
        return step(title, BACKED, more, "what it applied is not in the file".to_owned(), false);
    };
    let mut inputs = vec![
        ("proposal", format!("{}, version {}", case.id, numbered.version)),
        ("content", numbered.hash.to_string()),
        ("asked for by", asked(case, numbered)),
        ("reason", numbered.edition.reason.clone()),
        ("facts that it rests on", facts(numbered)),
        ("judged by", judged(numbered)),
    ];
    inputs.extend(more);
    let needs = book.needs(case, numbered, version.at);
    let result = had(case, numbered, needs);
    // The book counts nothing else.
    step(title, BACKED, inputs, result, needs != Needs::Unknown)
}

fn asked(case: &Case, numbered: &Numbered) -> String {
    let grounds = match case.grounds {
        Grounds::Person => "a person proposed it",
        Grounds::Engine => "the optimizer proposed it",
        Grounds::Automatic => "the optimizer, within what the policy lets through by itself",
        Grounds::Rollback => "a person took the last change back",
        Grounds::Shortfall => "the optimizer took back what fell short",
        Grounds::Foresight => "the optimizer, against a stress that it foresaw",
    };
    let edited = (numbered.version > 1).then(|| format!(", changed by {}", numbered.author));
    format!("{} ({grounds}){}", case.requester(), edited.unwrap_or_default())
}

fn facts(numbered: &Numbered) -> String {
    let facts = numbered.edition.facts.iter();
    facts.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("\n")
}

fn judged(numbered: &Numbered) -> String {
    let rule = numbered.edition.rule.as_ref().map(|rule| format!(", rule \u{201c}{rule}\u{201d}"));
    format!("version {} of the policy{}", numbered.edition.policy_version, rule.unwrap_or_default())
}

fn had(case: &Case, numbered: &Numbered, needs: Needs) -> String {
    let votes = case.steps.iter().filter_map(|it| match &it.kind {
        StepKind::Approved { version, in_stead_of } if *version == numbered.version => {
            let by = it.by.as_ref().filter(|_| it.refused.is_none())?;
            let stead = in_stead_of.as_ref().map(|away| format!(" in the stead of {away}"));
            Some(format!("{by}{} at {}", stead.unwrap_or_default(), it.at))
        }
        _ => None,
    });
    let votes: Vec<String> = votes.collect();
    match needs {
        Needs::Unknown => "what it needed is not known from this file".to_owned(),
        Needs::Nobody => "it needed nobody's approval".to_owned(),
        Needs::Persons(1) => format!("it needed one other person, and had {}", votes.join(" and ")),
        Needs::Persons(persons) => {
            format!("it needed {persons} other people, and had {}", votes.join(" and "))
        }
    }
}

/// Applications in the file that the rules do not count.
pub(super) fn without_effect(book: &Book, tenant: &TenantId) -> Vec<Step> {
    let mut counted: Vec<EventId> = book.policies().iter().map(|it| it.event_id).collect();
    counted.extend(book.chain(tenant).into_iter().flat_map(Chain::iter).map(|it| it.event_id));
    counted.extend(book.list_prices().map(|(_, it)| it.event_id));
    let about = |case: &&Case| match case.subject() {
        Subject::Tenant(of) => of == *tenant,
        Subject::Policy | Subject::ListPrice(_) => true,
        Subject::Routing => false,
    };
    let steps = book.cases().filter(about).flat_map(|case| {
        case.steps.iter().filter_map(move |step| match step.kind {
            StepKind::Applied { result_version, .. } => Some((case, step, result_version)),
            _ => None,
        })
    });
    let uncounted = steps.filter(|(_, step, _)| !counted.contains(&step.event_id));
    let told = uncounted.map(|(case, applied, version)| {
        let title = format!("The application of proposal {} has its approvals", short(case.id));
        let inputs = vec![
            ("event", applied.event_id.0.to_string()),
            ("says that it is version", version.to_string()),
        ];
        let result = "the rules do not count it: an approval, the policy that it was judged by, or \
            the version before it is not in the file";
        step(&title, BACKED, inputs, result.to_owned(), false)
    });
    told.collect()
}

/// Proposals of which only later words are read, so that nobody can say what these decided.
pub(super) fn without_proposal(book: &Book, events: &Events) -> Vec<Step> {
    let mut strays = BTreeMap::<Uuid, Vec<String>>::new();
    for told in &events.told {
        if let Some(of) = told.what.proposal_id().filter(|of| book.case(*of).is_none()) {
            strays.entry(of).or_default().push(told.event_id.0.to_string());
        }
    }
    let told = strays.into_iter().map(|(of, about)| {
        let title = format!("What was proposed in {} is in the file and holds", short(of));
        let inputs = vec![("proposal", of.to_string()), ("events about it", about.join("\n"))];
        let result = "its beginning is left out, or does not hold above";
        step(&title, BACKED, inputs, result.to_owned(), false)
    });
    told.collect()
}

/// What no file can show.
pub(super) fn later(trail: &Trail) -> Step {
    let title = format!("Nothing was decided after {}", trail.at);
    let result = format!(
        "nobody signed that the file is of then, and no file can show what came after its last event \
         or that a list price was left out: ask each cloud for /v1/tenants/{}/controls, and compare \
         version, decision and prices",
        trail.tenant_id
    );
    let done = step(&title, "asking the clouds", Vec::new(), result, true);
    Step { state: StepState::NotChecked, ..done }
}

/// Controls in words.
struct Words<'a>(&'a Controls);

impl fmt::Display for Words<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Controls { price_of_list, overage_of_list, concurrency, token_cap } = self.0;
        write!(out, "{} of list", price_of_list.normalize())?;
        if let Some(overage) = overage_of_list {
            write!(out, ", overage {} of list", overage.normalize())?;
        }
        if let Some(limit) = concurrency {
            write!(out, ", {limit} at once")?;
        }
        token_cap.map_or(Ok(()), |cap| write!(out, ", {cap} tokens a month"))
    }
}
