//! One event: its finality, the proof that this browser recomputes, who signed, what it says.

use domain::finality::Finality;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

use crate::api;
use crate::backend::{EventDetail, SignatureLine};
use crate::components::badge::FinalityBadge;
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::proof::Proof;
use crate::components::triad::{Triad, join_names};
use crate::format::milliseconds;
use crate::live::Live;
use crate::pages::event::record::{Envelope, PayloadCard, WhoSigned};
use crate::verification::Subject;

mod record;

#[component]
pub(crate) fn EventPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("event_id").unwrap_or_default());
    let detail = api::ask(move || (id.get(), live.gaps.get()), |(id, _)| api::event(id));
    refetch_when_it_changes(id, detail);
    let retry = Callback::new(move |()| detail.refetch());
    view! {
        <Title text=move || id.get() />
        <Transition fallback=|| view! { <Skeleton cards=3 /> }>
            {move || Suspend::new(async move {
                match detail.await {
                    Ok(detail) => view! { <Body detail /> }.into_any(),
                    Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// The stream names this event when its finality or its signatures change.
fn refetch_when_it_changes(
    id: Memo<String>,
    detail: api::Answered<Result<EventDetail, crate::backend::Problem>>,
) {
    let live = expect_context::<Live>();
    let unsettled = Signal::derive(
        move || matches!(detail.get(), Some(Ok(known)) if !known.row.signed.replicated()),
    );
    live.catch_up(unsettled, Callback::new(move |()| detail.refetch()));
    Effect::new(move |_| {
        let Some(message) = live.events.get() else { return };
        let id = id.get_untracked();
        let Some(row) = message.items.iter().find(|row| row.event_id == id) else { return };
        let changed = match detail.get_untracked() {
            Some(Ok(known)) => known.row.status != row.status || known.row.signed != row.signed,
            _ => true,
        };
        if changed {
            detail.refetch();
        }
    });
}

#[component]
fn Body(detail: EventDetail) -> impl IntoView {
    let status = detail.row.status;
    let proof = match detail.receipt.as_deref().map(Subject::read) {
        Some(subject) => view! { <Proof subject policy=detail.policy.clone() /> }.into_any(),
        None => view! { <NoReceipt status /> }.into_any(),
    };
    view! {
        <article class="event" aria-label="Event">
            <Head detail=detail.clone() />
            <div class="event-columns">
                <div class="event-main">{proof}</div>
                <div class="event-side">
                    <WhoSigned lines=detail.signatures.clone() at=detail.row.accepted_at />
                    <Envelope detail=detail.clone() />
                    <PayloadCard payload=detail.payload />
                </div>
            </div>
        </article>
    }
    .into_any()
}

#[component]
fn Head(detail: EventDetail) -> impl IntoView {
    let row = &detail.row;
    let replicated = row
        .signed
        .replicated()
        .then(|| view! { <span class="badge badge-plain">"Replicated 3 of 3"</span> });
    let held = detail.held_because.clone().map(|why| {
        let href = format!("/ledger/quarantine/{}~{}", row.event_id, row.tenant_id);
        view! { <p class="held">{why} " " <A href=href>"Compare them in quarantine"</A></p> }
    });
    let others = (!detail.other_slots.is_empty()).then(|| {
        view! {
            <p class="muted">
                "This id also stands at " <span class="mono">{detail.other_slots.join(", ")}</span> "."
            </p>
        }
    });
    view! {
        <header class="event-head">
            <Triad signed=row.signed status=row.status size=64 />
            <div class="event-words">
                <p class="event-badges"><FinalityBadge status=row.status /> {replicated}</p>
                <p class="sentence">{sentence(&detail)}</p>
                {held}
                {others}
            </div>
            <Downloads id=row.event_id.clone() has_receipt=detail.receipt.is_some() />
        </header>
    }
}

#[component]
fn Downloads(id: String, has_receipt: bool) -> impl IntoView {
    if !has_receipt {
        return view! { <p class="event-acts muted">"A receipt exists once the event is final."</p> }.into_any();
    }
    let receipt = format!("/v1/events/{id}/receipt");
    let walk = format!("/verify?event={id}");
    view! {
        <p class="event-acts">
            <A href=walk attr:class="button">"Walk up to the chain"</A>
            <a class="button button-first" href=receipt.clone() rel="external" download=format!("{id}.receipt.json")>
                {Icon::Download.view()} "Receipt"
            </a>
            <a class="button" href=format!("{receipt}?format=tlog-proof") rel="external" download=format!("{id}.tlog-proof")>
                "tlog-proof"
            </a>
        </p>
    }
    .into_any()
}

/// What is true of this event, in one or two sentences.
fn sentence(detail: &EventDetail) -> String {
    let missing: Vec<&str> = detail
        .signatures
        .iter()
        .filter(|line| line.at.is_none())
        .map(|line| line.cloud.name())
        .collect();
    match detail.row.status {
        Finality::Final => final_sentence(&detail.signatures),
        Finality::Pending => format!(
            "Durable at {}, and not final: the signature of {} is missing. It is not lost, and it counts nowhere yet.",
            detail.row.origin,
            join_any(&missing)
        ),
        Finality::Quarantined => {
            "Held without effect: clouds recorded this id with different contents.".to_owned()
        }
        Finality::Disputed => {
            "Its origin signed two histories, and each was confirmed. Held until admins decide."
                .to_owned()
        }
    }
}

/// `aws or azure`.
fn join_any(names: &[&str]) -> String {
    match names {
        [one, two] => format!("{one} or {two}"),
        _ => join_names(names),
    }
}

fn final_sentence(lines: &[SignatureLine]) -> String {
    let quorum = lines.iter().find(|line| line.made_final).and_then(|line| line.after_ms);
    let all = lines.iter().map(|line| line.after_ms).collect::<Option<Vec<i64>>>();
    let last = all.and_then(|after| after.into_iter().max());
    let when = match (quorum, last) {
        (Some(two), Some(three)) => {
            format!(
                "Two clouds had signed after {}, all three after {}.",
                milliseconds(two),
                milliseconds(three)
            )
        }
        (Some(two), None) => {
            format!("Two clouds had signed after {}; the third has not yet.", milliseconds(two))
        }
        (None, _) => "Two clouds have signed.".to_owned(),
    };
    format!("{when} Anything that changes it now leaves proof.")
}

#[component]
fn NoReceipt(status: Finality) -> impl IntoView {
    let (title, text) = match status {
        Finality::Pending => (
            "Nothing to verify yet",
            "A receipt needs the signatures of two clouds over one root. This page shows it by itself as soon as \
             the second one arrives.",
        ),
        _ => ("No receipt", "A receipt is made for final events only."),
    };
    view! {
        <section class="card proof waiting-proof">
            <h2 class="card-title">{title}</h2>
            <p>{text}</p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::cloud::Cloud;

    fn line(cloud: Cloud, after_ms: Option<i64>, made_final: bool) -> SignatureLine {
        SignatureLine {
            cloud,
            is_origin: cloud == Cloud::Gcp,
            key_name: String::new(),
            key_id: String::new(),
            tree_size: 1,
            at: None,
            after_ms,
            made_final,
        }
    }

    #[test]
    fn a_final_event_says_after_how_long_two_and_three_had_signed() {
        let mut lines = vec![
            line(Cloud::Gcp, Some(0), false),
            line(Cloud::Aws, Some(41), true),
            line(Cloud::Azure, Some(63), false),
        ];
        assert_eq!(
            final_sentence(&lines),
            "Two clouds had signed after 41 ms, all three after 63 ms. Anything that changes it now leaves proof."
        );
        lines[2].after_ms = None;
        assert!(
            final_sentence(&lines)
                .starts_with("Two clouds had signed after 41 ms; the third has not yet.")
        );
    }
}
