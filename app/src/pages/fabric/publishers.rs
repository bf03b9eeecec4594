//! Providers of DNS that are kept in step: what is to be written, and what somebody has edited by hand.

use leptos::prelude::*;

use crate::backend::{FabricPublisher, FabricView};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};

#[component]
pub(super) fn Publishers(state: RwSignal<FabricView>) -> impl IntoView {
    let publishers = Memo::new(move |_| state.read().publishers.clone());
    view! {
        <section class="card fabric-publishers" aria-labelledby="publishers-title">
            <header class="card-head"><h2 id="publishers-title" class="card-title">"Published at providers"</h2></header>
            {move || match publishers.read().as_slice() {
                [] => nothing(),
                some => some.iter().map(one).collect_view().into_any(),
            }}
        </section>
    }
}

fn nothing() -> AnyView {
    view! {
        <p class="fabric-note">
            "Nothing is published outside: neither Route 53 (fabric.route53) nor Cloudflare (fabric.cloudflare, fabric.cloudflare_balancer) is configured. "
            "The clouds’ own name servers answer."
        </p>
    }
    .into_any()
}

fn one(publisher: &FabricPublisher) -> AnyView {
    let FabricPublisher {
        publisher: name,
        place,
        dry_run,
        applies,
        ignores_capacity,
        writer,
        waiting,
        drift,
        problem,
        read_at,
    } = publisher.clone();
    let (look, word) = match (&problem, drift.is_empty(), waiting.is_empty()) {
        (Some(_), ..) => ("down", "Not reached"),
        (None, ..) if read_at.is_none() => ("unknown", "Not read yet"),
        (None, false, _) => ("lagging", "Edited by hand"),
        (None, true, false) => ("lagging", "To be written"),
        (None, true, true) => ("up", "In step"),
    };
    let label = name.clone();
    let looks_on = dry_run.then(|| view! { <p class="muted">"A dry run: nothing is written."</p> });
    let blind = ignores_capacity.then(|| {
        view! { <p class="muted">"These records have no weights: what a cloud has no room for is sent elsewhere by the clouds’ own name servers only."</p> }
    });
    let writer = writer.map(|writer| view! { <p class="muted">{writer}</p> });
    let problem = problem.map(|problem| view! { <p class="form-error">{problem}</p> });
    let edited = counted(drift.len() as u64, "record was", "records were");
    let then = if applies { "written over" } else { "left alone (on_drift = \"report\")" };
    let edited = (!drift.is_empty()).then(|| {
        view! { <p>{format!("{edited} edited by hand, and {then}:")}</p> {list(drift)} }
    });
    let rest = (!waiting.is_empty()).then(|| view! { <p>"To be written:"</p> {list(waiting)} });
    let read = read_at
        .map(|at| view! { <p class="muted">"Read " <Time at shape=TimeShape::Second /></p> });
    view! {
        <article class="fabric-publisher" aria-label=label>
            <h3 class="cloud-head"><span>{name} " " <span class="muted">{place}</span></span> <span class="badge" data-state=look>{word}</span></h3>
            {problem} {edited} {rest} {looks_on} {blind} {writer} {read}
        </article>
    }
    .into_any()
}

fn list(lines: Vec<String>) -> AnyView {
    let lines = lines.into_iter().map(|line| view! { <li class="mono">{line}</li> });
    view! { <ul class="publish-lines">{lines.collect_view()}</ul> }.into_any()
}
