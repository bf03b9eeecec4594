//! Evidence against clouds: what their own signatures prove, newest first.

use domain::evidence::Kind;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use crate::api;
use crate::backend::{EvidencePage as Page, EvidenceRow};
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, count, counted};
use crate::live::Live;
use crate::pages::ledger::tabs::LedgerTabs;

pub(crate) mod record;

/// In a few words.
pub(crate) const fn deed(kind: Kind) -> &'static str {
    match kind {
        Kind::Equivocation => "Two histories of its own log",
        Kind::DoubleCosignature => "Two histories of another cloud’s log",
        Kind::BadEntry => "An entry that breaks the log’s rules",
    }
}

#[component]
pub(crate) fn EvidencePage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_query_map();
    let cursor = Memo::new(move |_| params.read().get("cursor"));
    // Asked again when somebody is newly accused.
    let news = Memo::new(move |_| {
        live.state
            .read()
            .as_ref()
            .map(|state| state.accusations.iter().map(|accusation| accusation.count).sum::<u64>())
    });
    let page = api::ask(
        move || (cursor.get(), news.get(), live.gaps.get()),
        |(cursor, ..)| api::evidence(cursor),
    );
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="Evidence" />
        <section class="ledger" aria-label="Evidence">
            <LedgerTabs />
            <Transition fallback=|| view! { <Skeleton cards=1 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(page) => view! { <Records page first=cursor.get_untracked().is_none() /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Records(page: Page, first: bool) -> impl IntoView {
    let Page { items, next_cursor, at } = page;
    if items.is_empty() && first {
        return view! { <Nothing /> }.into_any();
    }
    let about = counted(items.len() as u64, "record", "records");
    let older = next_cursor.map(|cursor| {
        view! {
            <nav class="pages" aria-label="Pages of the evidence">
                <A href=format!("/ledger/evidence?cursor={cursor}") attr:class="button">"Older"</A>
            </nav>
        }
    });
    view! {
        <section class="card" aria-label="Records">
            <header class="card-head">
                <p class="table-about">
                    {about} <span class="muted">" on this page · as of " <Time at=at shape=TimeShape::Second /></span>
                </p>
            </header>
            <ul class="evidence-list">
                {items.into_iter().map(|row| view! { <Record row /> }).collect_view()}
            </ul>
            {older}
        </section>
    }
    .into_any()
}

#[component]
fn Record(row: EvidenceRow) -> impl IntoView {
    let EvidenceRow { id, sentence, .. } = row.clone();
    let history = (!row.in_use).then_some(" · the key has been replaced since");
    view! {
        <li class="evidence-item">
            <CloudGlyph cloud=row.cloud size=24 />
            <div>
                <p><A href=format!("/ledger/evidence/{id}")>{sentence}</A></p>
                <p class="muted">
                    {places(&row)} " · " {origin_of(&row)} " " <Time at=row.found_at shape=TimeShape::Day /> {history}
                </p>
            </div>
            {Icon::Arrow.view()}
        </li>
    }
}

/// `7 and 9 entries`, `entry 7 of 9`.
fn places(row: &EvidenceRow) -> String {
    let [first, second] = row.sizes.map(count);
    match row.kind {
        Kind::BadEntry => format!("entry {first} under a head of {second}"),
        _ if first == second => format!("two heads of {first} entries"),
        _ => format!("heads of {first} and {second} entries"),
    }
}

/// `sent by azure`, `found here`.
fn origin_of(row: &EvidenceRow) -> String {
    row.source.map_or_else(|| "found here".to_owned(), |cloud| format!("sent by {cloud}"))
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <section class="card empty">
            <h2>"No cloud has signed two histories"</h2>
            <p>
                "Every signed head that reached this cloud belongs to one history of its log. If a cloud ever signs "
                "a second one, or an entry that breaks the rules, the proof is kept here, every page shows an alarm, and "
                "anybody can verify the file without us."
            </p>
            <A href="/verify" attr:class="button">"Verify a file"</A>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::Timestamp;
    use domain::cloud::Cloud;
    use domain::key::KeyRole;
    use domain::log::LogId;

    fn row(kind: Kind, sizes: [u64; 2], source: Option<Cloud>) -> EvidenceRow {
        EvidenceRow {
            id: String::new(),
            kind,
            cloud: Cloud::Aws,
            role: KeyRole::Log,
            key: String::new(),
            log: LogId { origin: Cloud::Aws, epoch: 1 },
            sizes,
            found_at: Timestamp::from_unix_ms(0),
            source,
            in_use: true,
            sentence: String::new(),
        }
    }

    #[test]
    fn a_row_says_where_the_histories_part_and_who_found_it() {
        let same = row(Kind::Equivocation, [7, 7], None);
        assert_eq!(
            (places(&same), origin_of(&same)),
            ("two heads of 7 entries".into(), "found here".into())
        );
        let other = row(Kind::DoubleCosignature, [7, 1_204], Some(Cloud::Azure));
        assert_eq!(places(&other), "heads of 7 and 1,204 entries");
        assert_eq!(origin_of(&other), "sent by azure");
        assert_eq!(places(&row(Kind::BadEntry, [3, 9], None)), "entry 3 under a head of 9");
    }
}
