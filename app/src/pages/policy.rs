//! The policy of prices: what may move by itself, who must agree, what is assumed; how it came to
//! that; and what another one would change. What is asked about stands in the address.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_location;

mod form;

use crate::api;
use crate::backend::{ContractRow, PolicyAsked, PolicyProblem, PolicyVersion, PolicyView};
use crate::browser;
use crate::components::decision::ReasonField;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::table::{Cell, DataTable, TableRow};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::live::Live;
use crate::pages::optimizer::tabs::{OptimizerTabs, TENANTS};
use crate::shell::console::Here;
use domain::access::Action;

/// Where it stands, and where its form leads.
pub(super) const POLICY: &str = "/optimizer/policy";

#[component]
pub(crate) fn PolicyPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let search = use_location().search;
    let page = api::ask(move || (search.get(), live.gaps.get()), |(search, _)| api::policy(search));
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="Policy of prices" />
        <section class="pricing" aria-label="Policy of prices">
            <OptimizerTabs />
            <Refused words=refusal />
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Policy view /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Policy(view: PolicyView) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Propose);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::Propose));
    let PolicyView { at, version, persons, parts, contracts, tiers, asked, waiting, history } =
        view;
    let since = history.first().map(|last| (last.at, last.proposal_id.clone()));
    let since = match since {
        Some((at, proposal)) => view! {
            "In force since " <Time at shape=TimeShape::Day /> ", by " <A href=format!("/approvals/{proposal}")>"this decision"</A> "."
        }
        .into_any(),
        None => "The standard one: nobody has changed it yet.".into_any(),
    };
    let free = waiting.is_empty();
    let waits = waiting.into_iter().map(|[id, title]| {
        view! { <p class="held">"Waits for approval: " <A href=format!("/approvals/{id}")>{title}</A></p> }
    });
    let agree = counted(persons.into(), "other admin agrees", "other admins agree");
    let asked = asked.map(|asked| view! { <Asked asked version may free agree=agree.clone() /> });
    view! {
        <header class="card pricing-head">
            <h2 class="pricing-big">{format!("Policy, version {version}")}</h2>
            <p>{since} {format!(" Another one takes effect once {agree} and it is FINAL.")}</p>
            {waits.collect_view()}
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
        </header>
        {asked}
        <form::PolicyForm version parts tiers may />
        <Contracts contracts />
        <History history />
        <p class="whose muted">"As of " <Time at shape=TimeShape::Second /> ". Every cloud derives the same from final events. For programs: " <code>"GET /v1/policy"</code> ", " <code>"PUT /v1/policy"</code> "."</p>
    }
    .into_any()
}

/// What the form was asked: what would change, and the way on.
#[component]
fn Asked(asked: PolicyAsked, version: u64, may: bool, free: bool, agree: String) -> impl IntoView {
    let PolicyAsked { meanwhile, changes, problems, typed, rehearse } = asked;
    let is_ready = problems.is_empty() && !changes.is_empty();
    let what = match (problems.is_empty(), changes.len()) {
        (false, _) => view! { <Problems problems /> }.into_any(),
        (true, 0) => {
            view! { <p role="status">"Nothing would change: this is the policy in force."</p> }
                .into_any()
        }
        (true, _) => view! { <Changes label="What would change" changes /> }.into_any(),
    };
    let propose = (is_ready && may && free).then(|| {
        let hidden = typed
            .into_iter()
            .map(|[name, value]| view! { <input type="hidden" name=name value=value /> });
        view! {
            <form class="act-form" method="post" action="/optimizer/policy/act">
                <input type="hidden" name="version" value=version.to_string() />
                {hidden.collect_view()}
                <ReasonField name="policy" />
                <p class="muted">{format!("It takes effect once {agree}.")}</p>
                <button class="button button-first" type="submit">"Propose this policy"</button>
            </form>
        }
    });
    let rehearse = is_ready.then(|| {
        view! {
            <p class="pricing-acts"><A href=rehearse attr:class="button">"Rehearse it first"</A></p>
            <p class="muted">"A rehearsal plays the rule for everybody over the recorded usage."</p>
        }
    });
    view! {
        <section id="asked" class="card pricing-part" aria-labelledby="asked-title">
            <h2 id="asked-title" class="card-title">"Your change"</h2>
            {(!meanwhile.is_empty()).then(|| view! {
                <p class="held">"Another version is in force since you began. Your change is laid over it; what it changed meanwhile:"</p>
                <Changes label="Changed meanwhile" changes=meanwhile />
            })}
            {what}
            {(is_ready && !free).then(|| view! { <p class="held">"Another policy waits: decide about it first, since a policy decides how many must agree to the next."</p> })}
            {rehearse}
            {propose}
        </section>
    }
    .into_any()
}

/// Every field that is wrong, each a link to it; the first has the focus.
#[component]
fn Problems(problems: Vec<PolicyProblem>) -> impl IntoView {
    let first = problems.iter().find(|one| !one.path.is_empty()).map(|one| form::id_of(&one.path));
    Effect::new(move |_| {
        if let Some(first) = &first {
            browser::focus(first);
        }
    });
    let count = u64::try_from(problems.len()).unwrap_or(u64::MAX);
    let items = problems.into_iter().map(|one| view! { <li>{problem(one)}</li> }).collect_view();
    view! {
        <div class="form-error policy-problems" role="alert">
            <p>{format!("There can be no such policy: {} to be put right.", counted(count, "thing is", "things are"))}</p>
            <ul class="pricing-trail">{items}</ul>
        </div>
    }
    .into_any()
}

fn problem(one: PolicyProblem) -> AnyView {
    let PolicyProblem { path, label, problem, other } = one;
    if path.is_empty() {
        return view! { {problem} "." }.into_any();
    }
    let other = other.map(|[path, label]| {
        view! { " It contradicts " {to_field(&path, format!("“{label}”"))} "." }
    });
    view! { {to_field(&path, format!("“{label}”"))} {format!(": {problem}.")} {other} }.into_any()
}

fn to_field(path: &str, label: String) -> AnyView {
    let id = form::id_of(path);
    let href = format!("#{id}");
    let go = move |event: web_sys::MouseEvent| {
        event.prevent_default();
        browser::focus(&id);
    };
    view! { <a href=href rel="external" on:click=go>{label}</a> }.into_any()
}

#[component]
fn Changes(label: &'static str, changes: Vec<[String; 3]>) -> impl IntoView {
    let head = ["What", "Before", "After"].map(|text| Cell::from(text.to_owned())).to_vec();
    let rows = changes.into_iter().map(|line| TableRow::Cells(line.map(Cell::from).to_vec()));
    view! { <DataTable label=label.to_owned() head rows=rows.collect() /> }
}

#[component]
fn Contracts(contracts: Vec<ContractRow>) -> impl IntoView {
    let rows = contracts.into_iter().map(|ContractRow { tenant, until }| {
        view! { <li><A href=format!("{TENANTS}/{tenant}")>{tenant.clone()}</A> ", until " <Time at=until shape=TimeShape::Day /></li> }
    });
    let rows = rows.collect::<Vec<_>>();
    let body = if rows.is_empty() {
        view! { <p class="muted">"No contract fixes a price. One is proposed on the page of its tenant."</p> }.into_any()
    } else {
        view! { <ul class="pricing-trail">{rows}</ul> }.into_any()
    };
    view! {
        <section class="card pricing-part" aria-labelledby="contracts-title">
            <h2 id="contracts-title" class="card-title">"Prices that contracts fix"</h2>
            {body}
        </section>
    }
}

#[component]
fn History(history: Vec<PolicyVersion>) -> impl IntoView {
    let rows = history.into_iter().map(|PolicyVersion { version, at, proposal_id, changes }| {
        view! {
            <li>
                <strong>{format!("Version {version}")}</strong> ", " <Time at shape=TimeShape::Day /> ": "
                <A href=format!("/approvals/{proposal_id}")>"who decided it, and why"</A>
                <Changes label="What it changed" changes />
            </li>
        }
    });
    let rows = rows.collect::<Vec<_>>();
    view! {
        <section class="card pricing-part" aria-labelledby="versions-title">
            <h2 id="versions-title" class="card-title">"How it came to that"</h2>
            {if rows.is_empty() {
                view! { <p>"Nobody has changed it yet. Type another number above and look at what would change."</p> }.into_any()
            } else {
                view! { <ol class="pricing-history">{rows}</ol> }.into_any()
            }}
            <p class="muted">"Version 0 is the standard policy that the program brings."</p>
        </section>
    }
}

fn refusal(code: &str) -> &'static str {
    match code {
        "version_changed" => {
            "Nothing was proposed: another policy is in force since you looked. What you typed stands below, beside what is in force now."
        }
        "already_open" | "proposalId" => {
            "Nothing was proposed: another policy waits for approval. Decide about it first."
        }
        "unchanged" => "Nothing was proposed: this policy is in force already.",
        "reason" => "Nothing was proposed: say why in a sentence of up to 500 characters.",
        "policy" => {
            "Nothing was proposed: there can be no such policy. Each field that is wrong is marked below."
        }
        "policyPersons" | "contractPersons" | "firstOveragePersons" | "quorum" => {
            "Nothing was proposed: it would ask for more persons than there are other admins, so nobody could agree to it any more."
        }
        "no_quorum" => {
            "Nothing was proposed: fewer than two clouds answer. Try again when they do."
        }
        "busy" => "Nothing was proposed: the node is busy. Try again in a moment.",
        _ => "Nothing was proposed: the form has a mistake. Look at it again.",
    }
}
