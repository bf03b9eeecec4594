//! When something is missing: errors, emptiness, waiting.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

use crate::backend::{KeptWords, PageStatus, Problem};
use crate::components::kept::{Words, told};

/// The session has ended meanwhile: loading the page anew leads to the sign-in page and back.
const SIGNED_OUT: u16 = 401;

/// An error a person can act on: what happened, the code, a retry, the request id.
#[component]
pub(crate) fn ProblemCard(
    problem: Problem,
    /// Asks again; without it, the button reloads the page.
    #[prop(optional, into)]
    retry: Option<Callback<()>>,
) -> impl IntoView {
    let again = move |event: web_sys::MouseEvent| {
        if let Some(retry) = retry {
            event.prevent_default();
            retry.run(());
        }
    };
    if let Some(status) = use_context::<PageStatus>() {
        status.set(problem.status);
    }
    let signed_out = problem.status == SIGNED_OUT;
    let request = problem.request_id.map(|id| view! { <span>"request " <code>{id}</code></span> });
    view! {
        <section class="card problem" role="alert">
            <h2>{problem.title}</h2>
            <p>{problem.detail}</p>
            <p class="provenance">
                <code>{problem.code}</code>
                <span>{format!("HTTP {}", problem.status)}</span>
                {request}
            </p>
            // An empty address is this page: a link, so that it works without WebAssembly.
            {if signed_out {
                view! { <a class="button button-first" href="" rel="external">"Sign in"</a> }.into_any()
            } else {
                view! { <a class="button" href="" rel="external" on:click=again>"Try again"</a> }.into_any()
            }}
        </section>
    }
}

/// What was wrong with the form that led back here, which its redirect names as `problem`; `words` has
/// the page's sentence for it. It stands before the page's forms, which say beside the field what was
/// wrong with it, in the same words.
#[component]
pub(crate) fn Refused(words: fn(&str) -> &'static str) -> impl IntoView {
    provide_context(Words(words));
    let (query, location) = (use_query_map(), use_location());
    move || {
        let code = query.read().get("problem")?;
        let Some(KeptWords { sentence, proposal_id, .. }) = told() else {
            return Some(
                view! { <p class="form-error" role="alert">{words(&code)}</p> }.into_any(),
            );
        };
        let page = location.pathname.read();
        let leads_to = proposal_id
            .map(|id| format!("/approvals/{id}"))
            .filter(|href| *href != *page)
            .map(|href| view! { " " <a href=href>"See that proposal"</a> "." });
        let text = format!("Nothing was recorded. {sentence}");
        Some(view! { <p class="form-error" role="alert">{text} {leads_to}</p> }.into_any())
    }
}

/// Grey shapes where content will be.
#[component]
pub(crate) fn Skeleton(
    /// How many cards.
    #[prop(default = 3)]
    cards: usize,
) -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-label="Loading">
            {(0..cards).map(|_| view! { <div class="card skeleton-card"></div> }).collect_view()}
        </div>
    }
}
