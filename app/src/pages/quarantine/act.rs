//! The two decisions about a held thing: plain forms, so that they work without WebAssembly.

use domain::access::Action;
use leptos::prelude::*;

use crate::backend::{HeldChoice, Release};
use crate::components::decision::{ConfirmBox, ReasonField};
use crate::components::kept::typed;
use crate::shell::console::Here;

#[component]
pub(super) fn Acts(id: String, release: Release, is_decided: bool) -> impl IntoView {
    let here = expect_context::<Here>();
    let refusal = (!here.viewer.may(Action::DecideQuarantine))
        .then(|| here.viewer.role.refusal(Action::DecideQuarantine));
    let may = refusal.is_none();
    let is_conflict = id.contains('~');
    if is_decided && matches!(release, Release::No { .. }) {
        return ().into_any();
    }
    let reject = (!is_decided).then(|| {
        let id = id.clone();
        view! { <RejectForm id may is_conflict /> }
    });
    view! {
        <section class="card acts" aria-labelledby="acts-title">
            <h2 id="acts-title" class="card-title">"Decide"</h2>
            {refusal.map(|why| view! { <p class="held" id="acts-refusal">{why}</p> })}
            <ReleaseForm id release may is_conflict />
            {reject}
        </section>
    }
    .into_any()
}

#[component]
fn ReleaseForm(id: String, release: Release, may: bool, is_conflict: bool) -> impl IntoView {
    let says = if is_conflict {
        "The contents that you choose count, once, on every cloud. The others stay in their logs without effect."
    } else {
        "It is recorded again as a new event with a new id, by you. What is held stays as it is."
    };
    let choices = match release {
        Release::Yes { choices } => choices,
        Release::No { why } => {
            return view! {
                <div class="act-form">
                    <h3>"Release"</h3>
                    <p class="muted">{why} " It can only be rejected."</p>
                </div>
            }
            .into_any();
        }
    };
    let several = choices.len() > 1 || is_conflict;
    let radios = several.then(|| view! { <Choices choices /> });
    view! {
        <form class="act-form" method="post" action="/quarantine/act">
            <h3>"Release"</h3>
            <p class="muted">{says}</p>
            <fieldset disabled=!may>
                <legend class="visually-hidden">"Release"</legend>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="act" value="release" />
                {radios}
                <ReasonField name="release" />
                <ConfirmBox form="release" text="I have compared what came with what stands in the log." />
                <button class="button button-first" type="submit">"Release"</button>
            </fieldset>
        </form>
    }
    .into_any()
}

#[component]
fn Choices(choices: Vec<HeldChoice>) -> impl IntoView {
    let typed = typed("release");
    let radios = choices
        .into_iter()
        .map(|choice| {
            let chosen = typed.ticked("choice", &choice.value, false);
            view! {
                <label class="choice">
                    <input type="radio" name="choice" value=choice.value checked=chosen required />
                    <span>{choice.title}</span>
                </label>
            }
        })
        .collect_view();
    view! { <div class="choices" role="radiogroup" aria-label="What counts">{radios}</div> }
}

#[component]
fn RejectForm(id: String, may: bool, is_conflict: bool) -> impl IntoView {
    let says = if is_conflict {
        "Nothing under this id ever counts. Send what is right again under a new id."
    } else {
        "It stays without effect for ever. It remains to be seen here, with your reason."
    };
    view! {
        <form class="act-form" method="post" action="/quarantine/act">
            <h3>"Reject"</h3>
            <p class="muted">{says}</p>
            <fieldset disabled=!may>
                <legend class="visually-hidden">"Reject"</legend>
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="act" value="reject" />
                <ReasonField name="reject" />
                <ConfirmBox form="reject" text="I have looked at it. The first decision stands." />
                <button class="button button-danger" type="submit">"Reject"</button>
            </fieldset>
        </form>
    }
}
