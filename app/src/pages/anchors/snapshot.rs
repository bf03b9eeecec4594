//! One snapshot: what two clouds agree on, what each came to, and what it is made of.

use domain::access::Action;
use domain::snapshot::section::Part;
use domain::snapshot::{LogPart, Period};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};

use crate::api;
use crate::backend::{
    CloudWord, OwnSnapshot, RecheckView, RowPair, SectionView, SnapshotDetail, SnapshotState,
};
use crate::browser;
use crate::components::badge::SnapshotBadge;
use crate::components::hash::Hash;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, count, counted};
use crate::live::Live;
use crate::pages::anchors::compare::{Compare, Side};
use crate::pages::anchors::drill::Drill;
use crate::pages::anchors::published::Published;
use crate::pages::anchors::words;
use crate::shell::console::Here;
use crate::verification::manifest_hash;

#[component]
pub(crate) fn SnapshotPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_params_map();
    let period = Memo::new(move |_| params.read().get("period").unwrap_or_default());
    let news = Memo::new(move |_| live.state.read().as_ref().map(|state| state.audit_changes));
    let page = api::ask(
        move || (period.get(), news.get(), live.gaps.get()),
        |(period, ..)| api::snapshot(period),
    );
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text=move || format!("Snapshot {}", period.get()) />
        <section class="anchors" aria-label="Snapshot">
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(detail) => view! { <Whole detail /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Whole(detail: SnapshotDetail) -> impl IntoView {
    let query = use_query_map();
    let drills = query.with_untracked(|query| query.get("drill").is_some());
    let drill = drills.then(|| view! { <Drill detail=detail.clone() /> });
    let verdict = words::verdict(&detail);
    let SnapshotDetail { at, cloud, row, own, words, progress, recheck, places, anchors } = detail;
    let demonstration = expect_context::<Here>().deployment.demonstration;
    let far = progress.map(|far| view! { <p class="held">{words::progress(&far)}</p> });
    let is_agreed = matches!(row.state, SnapshotState::Agreed | SnapshotState::Outvoted);
    let agreed = row.hash.clone().filter(|_| is_agreed);
    let by = row.said.iter().filter(|(_, said)| **said == Some(true)).count();
    let compare = agreed.zip(own.as_ref().map(|own| own.hash.clone())).map(|(agreed, ours)| {
        let one = Side { title: format!("Derived by {}", cloud.title()), hash: ours };
        let other = Side { title: words::agreed_by(by).to_owned(), hash: agreed };
        view! { <Compare one other /> }
    });
    let said = if words.is_empty() {
        view! { <p class="muted">"No cloud has said yet what it came to."</p> }.into_any()
    } else {
        let words = words.into_iter().map(|word| view! { <Word word here=cloud.title() /> });
        view! {
            <ul class="snapshot-said">{words.collect_view()}</ul>
            <p class="muted">"Each word is an event in that cloud’s own log: no cloud can speak for another."</p>
        }
        .into_any()
    };
    let derives = own.is_none();
    let is_first = own.as_ref().is_some_and(|own| own.previous.is_none());
    let made = own.clone().map(|own| view! { <Made own period=row.period /> });
    view! {
        {drill}
        <section class="card snapshot-verdict" aria-labelledby="verdict-title">
            <p class="snapshot-head">
                <SnapshotBadge state=row.state />
                <span class="muted">{format!("No. {} · {} entries in all logs", row.number, count(row.entries))}</span>
            </p>
            <h2 id="verdict-title" class="snapshot-sentence">{verdict}</h2>
            {far}
            {compare}
            {own.map(|own| view! { <InBrowser manifest=own.manifest hash=own.hash /> })}
        </section>
        <Published places anchors demonstration />
        {is_agreed.then(|| view! { <TakeHome period=row.period /> <FromOneEvent /> })}
        <section class="card" aria-labelledby="words-title">
            <h2 id="words-title" class="card-title">"What each cloud came to"</h2>
            {said}
        </section>
        <Again period=row.period recheck cloud=cloud.title() derives />
        {made}
        {is_agreed.then(|| view! { <Claims by is_first /> })}
        <p class="whose muted">{format!("As {} sees it at ", cloud.title())} <Time at shape=TimeShape::Second /> "."</p>
    }
}

/// Everything that an auditor gets, as a file.
#[component]
fn TakeHome(period: Period) -> impl IntoView {
    view! {
        <section class="card snapshot-home" aria-labelledby="home-title">
            <h2 id="home-title" class="card-title">"Prove it, take it home"</h2>
            <p>
                "The bundle holds the manifest, what each cloud signed, their public keys and every proof by others that there is so far. "
                <code>"VERIFY.md"</code> " in it says how to check it by hand, " <code>"verify.sh"</code> " does it with sha256sum and openssl, and the page "
                <A href="/verify">"Verify"</A> " with the network off."
            </p>
            <p class="snapshot-acts">
                <A href=format!("/verify?bundle={period}") attr:class="button button-first">"Prove it in this browser"</A>
                <a class="button" href=format!("/v1/snapshots/{period}/bundle") download=format!("audit-{period}.zip") rel="external">"Audit bundle"</a>
                <a class="button" href=format!("/v1/snapshots/{period}/certificate.pdf") download=format!("certificate-{period}.pdf") rel="external">"Certificate (PDF)"</a>
            </p>
        </section>
    }
}

/// The way that an auditor takes with a sample: from an event of their choice up to a chain.
#[component]
fn FromOneEvent() -> impl IntoView {
    let navigate = use_navigate();
    let go = move |event: web_sys::SubmitEvent| {
        if let Some(address) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&address, NavigateOptions::default());
        }
    };
    view! {
        <section class="card snapshot-home" aria-labelledby="sample-title">
            <h2 id="sample-title" class="card-title">"Take a sample"</h2>
            <p>
                "Pick any event. This browser walks from its payload to its hash, its log’s root, the first snapshot that "
                "covers it, and the blocks and stamps that others keep of that."
            </p>
            <form class="sample-form" method="get" action="/verify" on:submit=go>
                <label class="visually-hidden" for="sample">"Event id"</label>
                <input id="sample" class="mono" type="text" name="event" placeholder="Event id" autocomplete="off" spellcheck="false" required pattern=EVENT_ID title="A UUID, as on the event’s page" />
                <button class="button" type="submit">"Walk up to the chain"</button>
                <A href="/ledger?status=FINAL" attr:class="sample-list">"Find one in the ledger"</A>
            </form>
        </section>
    }
}

/// A UUID, for the browser's own check of the field.
const EVENT_ID: &str =
    r"\s*[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\s*";

/// SHA-256 of the manifest, by the reader's own machine.
#[component]
fn InBrowser(manifest: String, hash: String) -> impl IntoView {
    let computed = RwSignal::new(None);
    Effect::new(move |_| computed.set(Some(manifest_hash(&manifest))));
    let says = move || {
        computed.get().map(|computed| {
            if computed == hash {
                ("valid", "This browser hashed the manifest again, and came to the same.")
            } else {
                ("invalid", "This browser hashed the manifest again, and came to another hash.")
            }
        })
    };
    move || {
        let (state, text) =
            says().unwrap_or(("unchecked", "Not hashed again by this browser yet."));
        view! { <p class="in-browser" data-state=state>{text}</p> }
    }
}

#[component]
fn Word(word: CloudWord, here: &'static str) -> impl IntoView {
    let CloudWord { cloud, hash, at, event_id, differs_in, first_row } = word;
    let row = first_row.map(|row| view! { <Differing row here there=cloud.title() /> });
    let differs = differs_in.map(|place| {
        view! { <p class="word-differs">{format!("It differs from what is here {}.", words::difference(&place))}</p> }
    });
    view! {
        <li>
            <CloudGlyph cloud size=24 />
            <div>
                <p><strong>{cloud.title()}</strong> " " <Hash value=hash what="snapshot hash" /></p>
                <p class="muted"><A href=format!("/ledger/{event_id}")>"Attested"</A> " " <Time at shape=TimeShape::Second /></p>
                {differs}
                {row}
            </div>
        </li>
    }
}

/// The first row in which two clouds differ, one below the other.
#[component]
fn Differing(row: RowPair, here: &'static str, there: &'static str) -> impl IntoView {
    let RowPair { row, here: ours, there: theirs } = row;
    let side = |cloud: &'static str, line: Option<String>| {
        let line = line.unwrap_or_else(|| "There is no such row.".to_owned());
        view! { <dt>{cloud}</dt> <dd class="mono">{line}</dd> }
    };
    view! {
        <dl class="word-rows" aria-label=format!("Row {}, which is the first that differs", count(row + 1))>
            {side(here, ours)} {side(there, theirs)}
        </dl>
    }
}

/// Derives it again from the first entry on.
#[component]
fn Again(
    period: Period,
    recheck: Option<RecheckView>,
    cloud: &'static str,
    /// There is nothing yet to derive again.
    derives: bool,
) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::TakeSnapshot);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::TakeSnapshot));
    let runs = matches!(recheck, Some(RecheckView::Running { .. }));
    let last = recheck.map(|recheck| view! { <Rechecked recheck /> });
    view! {
        <section class="card snapshot-again" aria-labelledby="again-title">
            <h2 id="again-title" class="card-title">"Derive it again"</h2>
            <p>
                {format!("{cloud} reads every entry from the first on, hashes each anew from its fields, adds everything up and compares. ")}
                "The tables that screens and bills are read from are compared with the same tables derived anew. "
                "What somebody changed behind the program’s back is named here, and put right."
            </p>
            {last}
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            <form method="post" action="/anchors/act">
                <input type="hidden" name="act" value="recheck" />
                <input type="hidden" name="period" value=period.to_string() />
                <button class="button" type="submit" disabled={!may || runs || derives}>"Derive again now"</button>
            </form>
        </section>
    }
}

#[component]
fn Rechecked(recheck: RecheckView) -> impl IntoView {
    match recheck {
        RecheckView::Running { progress } => {
            let far = progress.map_or_else(|| "It begins.".to_owned(), |far| words::progress(&far));
            view! { <p class="recheck" data-state="unchecked" role="status">{far}</p> }.into_any()
        }
        RecheckView::Done { at, hash, differs_in, mended, mended_more, not_mended } => {
            let changed = !mended.is_empty() || mended_more > 0;
            let clean = differs_in.is_none() && !changed;
            let hash = match &differs_in {
                None => view! { "the same hash" }.into_any(),
                Some(place) => view! {
                    "another hash, " <Hash value=hash what="hash" />
                    {format!(", which parts {}", words::difference(place))}
                }
                .into_any(),
            };
            let tables = match (changed, &not_mended) {
                (false, _) => "; every table is what the entries add up to.".to_owned(),
                (true, None) => ". Changed by hand, and put right:".to_owned(),
                (true, Some(why)) => format!(". Changed by hand, and not put right yet ({why}):"),
            };
            let more = (mended_more > 0).then(
                || view! { <li class="muted">{counted(mended_more, "more row", "more rows")}</li> },
            );
            let list = changed.then(|| view! {
                <ul class="recheck-mended">{mended.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()} {more}</ul>
            });
            view! {
                <div class="recheck" data-state=if clean { "valid" } else { "invalid" } role=if clean { "status" } else { "alert" }>
                    <p>"Derived again " <Time at shape=TimeShape::Second /> ": " {hash} {tables}</p>
                    {list}
                </div>
            }
            .into_any()
        }
        RecheckView::Failed { at, why } => view! {
            <p class="recheck" data-state="invalid" role="alert">
                "Tried again " <Time at shape=TimeShape::Second /> {format!(": {why}.")}
            </p>
        }
        .into_any(),
    }
}

/// What it is made of.
#[component]
fn Made(own: OwnSnapshot, period: Period) -> impl IntoView {
    let OwnSnapshot { derived_at, previous, cut, sections, .. } = own;
    let sections = sections.into_iter().map(|it| view! { <Section it /> }).collect_view();
    let logs = cut.into_iter().map(|log| view! { <Log log /> }).collect_view();
    let previous = previous.map_or_else(
        || view! { "It is the first." }.into_any(),
        |it| view! { {format!("It continues no. {}, ", it.number)} <Hash value=it.hash.to_string() what="hash" /> "." }.into_any(),
    );
    view! {
        <section class="card snapshot-made" aria-labelledby="made-title">
            <header class="card-head">
                <h2 id="made-title" class="card-title">"What it is made of"</h2>
                <a class="button" href=format!("/v1/snapshots/{period}/manifest") download=format!("manifest-{period}.json") rel="external">"Manifest"</a>
            </header>
            <p class="muted">"Derived " <Time at=derived_at shape=TimeShape::Second /> ". " {previous}</p>
            <div class="snapshot-sections">{sections}</div>
            <h3>"Where the logs are cut"</h3>
            <ul class="snapshot-logs">{logs}</ul>
        </section>
    }
}

#[component]
fn Section(it: SectionView) -> impl IntoView {
    let SectionView { name, section } = it;
    let parts = section.parts.into_iter().map(|part| view! { <PartLine part /> }).collect_view();
    view! {
        <section class="snapshot-section">
            <h3>{words::section(name)}</h3>
            <p><strong>{count(section.rows)}</strong> " rows " <span class="muted">{words::section_means(name)}</span></p>
            <p><Hash value=section.sha256.to_string() what="section hash" /></p>
            <ul>{parts}</ul>
        </section>
    }
}

#[component]
fn PartLine(part: Part) -> impl IntoView {
    let rows = counted(part.rows, "row", "rows");
    view! { <li><span>{part.name}</span> <span class="muted">{rows}</span> <Hash value=part.sha256.to_string() what="part hash" /></li> }
}

#[component]
fn Log(log: LogPart) -> impl IntoView {
    let LogPart { log, from, size, root } = log;
    view! {
        <li>
            <span class="mono">{log}</span>
            <span class="muted">{format!("entries {} to {}", count(from), count(size))}</span>
            <Hash value=root.to_string() what="root" />
        </li>
    }
}

#[component]
fn Claims(by: usize, is_first: bool) -> impl IntoView {
    let before = if is_first {
        "It is the first: there is none before it that it could contradict."
    } else {
        "Nothing of the snapshot before was dropped or rewritten: every log continues it."
    };
    view! {
        <section class="card snapshot-claims" aria-labelledby="claims-title">
            <h2 id="claims-title" class="card-title">"What this proves, and what it does not"</h2>
            <ul>
                <li>{words::derived_by(by)}</li>
                <li>{before}</li>
                <li>"It does not prove that what was recorded is true, or that everything that happened was recorded."</li>
                <li>"It does not prove when, to anybody who does not believe the clouds: that takes an anchor with somebody else."</li>
            </ul>
        </section>
    }
}
