//! One held thing: what came, from whom, why it is held, what stands in the log instead, and the
//! two decisions.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

use crate::api;
use crate::backend::{HeldDecision, HeldDetail, HeldRow};
use crate::components::badge::HeldBadge;
use crate::components::hash::Hash;
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::{TimeShape, count, counted};
use crate::live::Live;
use crate::pages::quarantine::act::Acts;
use crate::pages::quarantine::content::{Contents, NoteCard};
use crate::shell::console::Here;

/// How many bytes the server's preview shows: sixteen lines of sixteen.
const PREVIEW_BYTES: u64 = 256;

#[component]
pub(crate) fn HeldItemPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("held_id").unwrap_or_default());
    let detail = api::ask(move || (id.get(), live.gaps.get()), |(id, _)| api::held(id));
    let retry = Callback::new(move |()| detail.refetch());
    refetch_while_undecided(live, detail);
    view! {
        <Title text="Held" />
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

/// A decision comes into force without this page: asked again each second while one waits, and
/// whenever the number of held things changes.
fn refetch_while_undecided(
    live: Live,
    detail: api::Answered<Result<HeldDetail, crate::backend::Problem>>,
) {
    let waits = move || {
        let known = detail.get_untracked();
        let decision = known.and_then(Result::ok).and_then(|known| known.decision);
        decision.is_some_and(|decision| !decision.is_final)
    };
    Effect::new(move |before: Option<Option<u64>>| {
        let now = live.state.read().as_ref().map(|state| state.quarantined);
        if before.is_some_and(|before| before != now || waits()) {
            detail.refetch();
        }
        now
    });
}

#[component]
fn Body(detail: HeldDetail) -> impl IntoView {
    let HeldDetail { row, sha256, kept, hex, came, more, note, stands, decision, release } = detail;
    let id = row.id.clone();
    let is_decided = decision.is_some();
    let decided = decision.map(|decision| view! { <Decision decision local=row.local /> });
    let in_log = row.length.is_none();
    let bytes = hex.map(|hex| view! { <BytesCard hex id=id.clone() kept=kept.unwrap_or(0) length=row.length.unwrap_or(0) /> });
    view! {
        <article class="held-item" aria-label="Held">
            <Head row=row.clone() />
            <Refused words=problem_sentence />
            {decided}
            <div class="held-columns">
                <div class="event-main">
                    <Contents came more stands in_log />
                    {note.map(|note| view! { <NoteCard note /> })}
                    {bytes}
                </div>
                <div class="event-side">
                    <Facts row=row.clone() sha256 kept />
                    <Acts id release is_decided />
                </div>
            </div>
        </article>
    }
    .into_any()
}

#[component]
fn Head(row: HeldRow) -> impl IntoView {
    view! {
        <header class="held-head">
            <p class="event-badges"><HeldBadge state=row.state /> <span class="held-reason">{row.reason.title()}</span></p>
            <p class="sentence held-detail">{row.detail}</p>
            <p class="sentence">{row.reason.meaning()}</p>
            <p class="sentence muted">{row.reason.remedy()}</p>
        </header>
    }
}

fn problem_sentence(code: &str) -> &'static str {
    match code {
        "not_confirmed" => "Nothing was decided: tick the box that says you have looked at it.",
        "invalid" => {
            "Nothing was decided: give a reason of at most 500 characters, and say which contents count."
        }
        "already_decided" => "Somebody else has decided already. The first decision stands.",
        "not_releasable" => "It cannot be released; it can only be rejected.",
        "unknown_tenant" => "It cannot be released: its tenant is not active.",
        _ => "Nothing was decided. Try again.",
    }
}

#[component]
fn Facts(row: HeldRow, sha256: Option<String>, kept: Option<u64>) -> impl IntoView {
    let here = expect_context::<Here>();
    let cloud = here.deployment.cloud.title();
    let who = if row.local {
        format!("{cloud} alone; it is decided here")
    } else {
        "all clouds; one decision counts for all".to_owned()
    };
    let size = row.length.map(|length| size_text(length, kept.unwrap_or(length)));
    let last = (row.count > 1 && row.local).then(|| view! { <div><dt>"last came"</dt><dd><Time at=row.last_at shape=TimeShape::Day /></dd></div> });
    let times = row.local.then(
        || view! { <div><dt>"came"</dt><dd>{counted(row.count, "time", "times")}</dd></div> },
    );
    view! {
        <section class="card" aria-labelledby="facts-title">
            <h2 id="facts-title" class="card-title">"What is known"</h2>
            <dl class="fields">
                <div><dt>"what came"</dt><dd>{row.form.phrase()}</dd></div>
                <div><dt>"from"</dt><dd>{row.source.phrase()}</dd></div>
                {row.place.map(|place| view! { <div><dt>"place"</dt><dd class="mono">{place}</dd></div> })}
                {row.event_id.map(|id| view! { <div><dt>"eventId"</dt><dd><A href=format!("/ledger/{id}")><span class="mono">{id.clone()}</span></A></dd></div> })}
                {row.tenant_id.map(|tenant| view! { <div><dt>"tenantId"</dt><dd class="mono">{tenant}</dd></div> })}
                <div><dt>"held by"</dt><dd>{who}</dd></div>
                <div><dt>"held since"</dt><dd><Time at=row.first_at shape=TimeShape::Day /></dd></div>
                {last}
                {times}
                {size.map(|size| view! { <div><dt>"size"</dt><dd>{size}</dd></div> })}
                {sha256.map(|sha256| view! { <div><dt>"SHA-256"</dt><dd><Hash value=sha256 what="hash" /></dd></div> })}
            </dl>
        </section>
    }
}

fn size_text(length: u64, kept: u64) -> String {
    let whole = counted(length, "byte", "bytes");
    if kept == length {
        return whole;
    }
    format!("{whole}, of which the first {} are kept", count(kept))
}

#[component]
fn BytesCard(hex: String, id: String, kept: u64, length: u64) -> impl IntoView {
    let href = format!("/v1/quarantine/{id}/bytes");
    let about = bytes_sentence(length, kept);
    let download = (kept > 0).then(|| view! {
        <a class="button" href=href rel="external" download=format!("held-{id}.bin")>{Icon::Download.view()} "Bytes"</a>
    });
    let preview = (kept > 0).then(|| view! {
        <pre class="code" tabindex="0" aria-label="Bytes in hexadecimal"><code>{hex}</code></pre>
    });
    view! {
        <section class="card" aria-labelledby="bytes-title">
            <header class="card-head">
                <h2 id="bytes-title" class="card-title">"Bytes"</h2>
                {download}
            </header>
            <p class="muted">{about}</p>
            {preview}
        </section>
    }
}

/// What of the bytes can be seen below.
fn bytes_sentence(length: u64, kept: u64) -> String {
    let whole = counted(length, "byte", "bytes");
    match kept {
        0 => "None of its bytes are kept: they may hold secrets, or there were none.".to_owned(),
        kept if kept == length && length <= PREVIEW_BYTES => format!("The {whole} that came."),
        _ => format!("The first {PREVIEW_BYTES} of the {whole} that came."),
    }
}

/// Who decided what, and whether it is in force.
#[component]
fn Decision(decision: HeldDecision, local: bool) -> impl IntoView {
    let by = decision.by.clone().unwrap_or_else(|| "somebody".to_owned());
    let what = decision_words(&decision, local);
    let event = format!("/ledger/{}", decision.event_id);
    let new = decision.new_event_id.map(|id| {
        view! { " It is recorded as " <A href=format!("/ledger/{id}")>"a new event"</A> "." }
    });
    let waits = (!decision.is_final).then_some(
        " It takes effect once a second cloud has signed for it; this page shows it then by itself.",
    );
    view! {
        <section class="card decided" aria-labelledby="decided-title" data-final=decision.is_final.to_string()>
            <h2 id="decided-title" class="card-title">{if decision.is_final { "Decided" } else { "A decision waits" }}</h2>
            <p>
                <strong>{by}</strong> {what} <Time at=decision.at shape=TimeShape::Day /> ": “" {decision.reason} "”" {waits}
            </p>
            <p class="muted">"The decision is " <A href=event>"an event of the ledger"</A> "." {new}</p>
        </section>
    }
}

fn decision_words(decision: &HeldDecision, local: bool) -> &'static str {
    match (decision.state, local) {
        (domain::quarantine::State::Released, true) => " released it on ",
        (domain::quarantine::State::Released, false) => " chose what counts on ",
        (_, true) => " rejected it on ",
        (_, false) => " let nothing of it count on ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_input_says_how_much_of_it_is_kept() {
        assert_eq!(size_text(1, 1), "1 byte");
        assert_eq!(bytes_sentence(245, 245), "The 245 bytes that came.");
        assert_eq!(bytes_sentence(300, 300), "The first 256 of the 300 bytes that came.");
        assert_eq!(
            size_text(2_000_000, 1_048_576),
            "2,000,000 bytes, of which the first 1,048,576 are kept"
        );
    }

    #[test]
    fn every_refusal_of_the_form_has_a_sentence() {
        for code in ["not_confirmed", "invalid", "already_decided", "not_releasable", "busy"] {
            assert!(problem_sentence(code).ends_with('.'), "{code}");
        }
    }
}
