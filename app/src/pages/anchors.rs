//! Anchors: the audit snapshots, whether the clouds agree on them, and taking one.

use domain::access::Action;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::snapshot::Period;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use crate::api;
use crate::backend::{AnchorMark, AuditView, SnapshotRow, SnapshotState};
use crate::components::badge::SnapshotBadge;
use crate::components::hash::Hash;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, count, counted};
use crate::live::Live;
use crate::shell::console::Here;

mod compare;
mod drill;
mod published;
pub(crate) mod snapshot;
mod words;

pub(crate) use published::Explorers;
pub(crate) use words::publisher as publisher_name;

#[component]
pub(crate) fn AnchorsPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let news = Memo::new(move |_| live.state.read().as_ref().map(|state| state.audit_changes));
    let page = api::ask(move || (news.get(), live.gaps.get()), |_| api::audit());
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="Anchors" />
        <section class="anchors" aria-label="Audit snapshots">
            <Refused words=words::problem />
            <Transition fallback=|| view! { <Skeleton cards=2 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(audit) => view! { <Audit audit /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Audit(audit: AuditView) -> impl IntoView {
    let AuditView { at, cloud, items, next_due, missing, today } = audit;
    let today = (!items.iter().any(|row| row.period == today)).then_some(today);
    let about = counted(items.len() as u64, "snapshot", "snapshots");
    let list = if items.is_empty() {
        view! { <Nothing next_due /> }.into_any()
    } else {
        let rows = items.into_iter().map(|row| view! { <Row row /> }).collect_view();
        view! {
            <section class="card" aria-label="Snapshots">
                <header class="card-head">
                    <p class="table-about">
                        {about} <span class="muted">" · as " {cloud.title()} " sees them at " <Time at shape=TimeShape::Second /></span>
                    </p>
                </header>
                <ul class="snapshot-list"><Due at=next_due /> {rows}</ul>
            </section>
        }
        .into_any()
    };
    let drill = expect_context::<Here>().deployment.demonstration;
    view! {
        {list}
        <Take missing today />
        {drill.then(|| view! { <drill::Offer cloud /> })}
    }
}

#[component]
fn Row(row: SnapshotRow) -> impl IntoView {
    let SnapshotRow { number, period, state, entries, hash, said, anchored } = row;
    let glyph = |cloud: Cloud| {
        let (mark, text) = words::word_of(cloud, *said.get(cloud));
        let title = text.clone();
        view! { <span class="snapshot-word" data-word=mark title=title><CloudGlyph cloud size=16 /><span class="visually-hidden">{text}</span></span> }
    };
    let hash = hash.map(|hash| view! { <Hash value=hash what="snapshot hash" /> });
    let is_agreed = matches!(state, SnapshotState::Agreed | SnapshotState::Outvoted);
    let prove = is_agreed.then(|| {
        let label = format!("Prove it in this browser: {}", words::period(period));
        view! { <A href=format!("/verify?bundle={period}") attr:class="snapshot-prove" attr:aria-label=label>"Prove it"</A> }
    });
    view! {
        <li class="snapshot-item">
            <p class="snapshot-name"><A href=format!("/anchors/{period}")>{words::period(period)}</A></p>
            <SnapshotBadge state />
            <p class="snapshot-words">{Cloud::ALL.map(glyph).collect_view()}</p>
            <p class="snapshot-hash">{hash}</p>
            <p class="muted">{format!("No. {number} · {} entries in all logs", count(entries))} " " {prove}</p>
            <ul class="anchor-marks" aria-label="Anchored with others">
                {anchored.into_iter().map(|mark| view! { <Mark mark /> }).collect_view()}
            </ul>
        </li>
    }
}

/// One publisher, and how far the snapshot is there.
#[component]
fn Mark(mark: AnchorMark) -> impl IntoView {
    let (state, says) = words::far(mark.far);
    view! {
        <li data-far=state>
            <span class="anchor-mark-name">{words::publisher(mark.publisher)}</span> " " <span class="muted">{says}</span>
        </li>
    }
}

/// The month under way, which has its snapshot when it is over.
#[component]
fn Due(at: Timestamp) -> impl IntoView {
    let month = Period::month_of(Timestamp::from_unix_ms(at.unix_ms() - 1));
    view! {
        <li class="snapshot-item">
            <p class="snapshot-name">{words::period(month)}</p>
            <span class="badge" data-state="unknown">"DUE"</span>
            <p class="snapshot-due muted">"The clouds take it and anchor it by themselves on " <Time at shape=TimeShape::Day /> "."</p>
        </li>
    }
}

#[component]
fn Take(missing: Option<Period>, today: Option<Period>) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::TakeSnapshot);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::TakeSnapshot));
    let button = |period: Period, text: String| {
        view! {
            <form method="post" action="/anchors/act">
                <input type="hidden" name="act" value="take" />
                <input type="hidden" name="period" value=period.to_string() />
                <button class="button" type="submit" disabled=!may>{text}</button>
            </form>
        }
    };
    let month = missing.map(|it| button(it, format!("Take the snapshot of {}", words::period(it))));
    let day = today.map(|it| button(it, "Take one of the state of now".to_owned()));
    view! {
        <section class="card snapshot-take" aria-labelledby="take-title">
            <h2 id="take-title" class="card-title">"What a snapshot is"</h2>
            <p>
                "The clouds agree on where to cut their logs. Each then derives from its own database what they hold up to "
                "there: the entries, the metered usage and the billing ledger, hashed row by row. Two clouds with one hash make "
                "it the snapshot; a third with another is named to the row."
            </p>
            <p class="muted">
                "What two clouds agree on is published wherever they are configured to. For outsiders a hash counts once "
                "somebody who is not us keeps it."
            </p>
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            <div class="snapshot-acts">{month} {day}</div>
        </section>
    }
}

#[component]
fn Nothing(next_due: Timestamp) -> impl IntoView {
    view! {
        <section class="card empty">
            <h2>"No snapshot has been taken yet"</h2>
            <p>
                "The clouds take one after every month in which something was recorded. Whoever does not want to wait takes "
                "one of now."
            </p>
            <p class="muted">"The next is due on " <Time at=next_due shape=TimeShape::Day /> "."</p>
        </section>
    }
}
