//! While you are away: who approves in your stead, and for whom you do.

use domain::access::Action;
use leptos::prelude::*;

use crate::backend::{DelegationRow, SteadView};
use crate::components::decision::ReasonField;
use crate::components::kept::{TextField, typed};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::shell::console::Here;

#[component]
pub(super) fn Stead(stead: SteadView) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Approve);
    let SteadView { given, taken, people } = stead;
    if !may && taken.is_empty() {
        return ().into_any();
    }
    let none = given.is_empty() && taken.is_empty();
    let given = given.into_iter().map(|row| view! { <Given row /> }).collect_view();
    let taken = taken.into_iter().map(|row| view! { <Taken row /> }).collect_view();
    view! {
        <section class="card pricing-part" aria-labelledby="stead-title">
            <h2 id="stead-title" class="card-title">"While you are away"</h2>
            {none.then(|| view! { <p class="muted">"Nobody approves in your stead."</p> })}
            <ul class="pricing-trail stead-list">{taken}{given}</ul>
            {may.then(|| view! { <Give people /> })}
        </section>
    }
    .into_any()
}

#[component]
fn Dates(row: DelegationRow) -> impl IntoView {
    let DelegationRow { from, until, reason, holds, .. } = row;
    let holds = if holds { "now" } else { "later" };
    view! {
        "from " <Time at=from shape=TimeShape::Day /> " until " <Time at=until shape=TimeShape::Day />
        <span class="cell-about">{format!("It holds {holds}: “{reason}”")}</span>
    }
}

#[component]
fn Taken(row: DelegationRow) -> impl IntoView {
    view! {
        <li>"You approve for " <strong>{row.person.clone()}</strong> " " <Dates row /></li>
    }
}

#[component]
fn Given(row: DelegationRow) -> impl IntoView {
    let name = format!("withdraw-{}", row.id);
    let open = typed(name.clone()).is_there();
    view! {
        <li>
            <strong>{row.delegate.clone()}</strong> " approves for you " <Dates row=row.clone() />
            <details class="pricing-more" open=open>
                <summary>"Take it back…"</summary>
                <form class="act-form" method="post" action="/optimizer/act">
                    <input type="hidden" name="act" value="withdraw" />
                    <input type="hidden" name="delegation" value=row.id />
                    <p class="muted">"What was approved in your stead stays approved."</p>
                    <ReasonField name value="I am back" />
                    <button class="button" type="submit">"Take it back"</button>
                </form>
            </details>
        </li>
    }
}

#[component]
fn Give(people: Vec<String>) -> impl IntoView {
    let typed = typed("stead");
    let (delegate, open) = (typed.or("delegate", ""), typed.is_there());
    let options = people
        .into_iter()
        .map(|login| {
            let selected = login == delegate;
            view! { <option value=login.clone() selected=selected>{login.clone()}</option> }
        })
        .collect_view();
    view! {
        <details class="pricing-more" open=open>
            <summary class="button">"Have somebody approve for you…"</summary>
            <form class="act-form" method="post" action="/optimizer/act">
                <input type="hidden" name="act" value="delegate" />
                <p class="muted">"Theirs is your vote, once: not on what you or they proposed or changed last, and not beside a vote of their own. Days are whole, in UTC; at most 90."</p>
                <label class="field" for="stead-delegate">
                    <span>"Who"</span>
                    <select id="stead-delegate" name="delegate" required aria-invalid=typed.invalid("delegate") aria-describedby=typed.told_by("delegate", None) autofocus=typed.is_wrong("delegate")>{options}</select>
                </label>
                {typed.why("delegate")}
                <div class="pricing-fields">
                    <TextField typed=typed.clone() name="from" label="First day; empty: from now on" kind="date" />
                    <TextField typed name="until" label="Last day" kind="date" required=true />
                </div>
                <ReasonField name="stead" />
                <button class="button button-first" type="submit">"Record it"</button>
            </form>
        </details>
    }
}
