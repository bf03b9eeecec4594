//! One record of evidence: its proof, recomputed here, what it means, and what to do.

use domain::cloud::Cloud;
use domain::epoch::Reason;
use domain::evidence::Kind;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{deed, origin_of, places};
use crate::api;
use crate::backend::{EvidenceDetail, EvidenceRow};
use crate::components::hash::{CopyButton, Hash};
use crate::components::icon::Icon;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::proof::Proof;
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::TimeShape;
use crate::pages::keys::change::report_address;
use crate::shell::console::Here;
use crate::verification::Subject;

#[component]
pub(crate) fn EvidenceRecordPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("evidence_id").unwrap_or_default());
    let detail = api::ask(move || id.get(), api::evidence_record);
    let retry = Callback::new(move |()| detail.refetch());
    view! {
        <Title text="Evidence" />
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

#[component]
fn Body(detail: EvidenceDetail) -> impl IntoView {
    let EvidenceDetail { row, record, policy } = detail;
    let has_record = record.is_some();
    let proof = match record.as_deref().map(Subject::read) {
        Some(subject) => view! { <Proof subject policy /> }.into_any(),
        None => view! { <Withheld /> }.into_any(),
    };
    view! {
        <article class="event" aria-label="Evidence">
            <Head row=row.clone() has_record />
            <div class="event-columns">
                <div class="event-main">{proof}</div>
                <div class="event-side">
                    <Meaning row=row.clone() />
                    <NextSteps row=row.clone() />
                    <OnRecord row />
                </div>
            </div>
        </article>
    }
    .into_any()
}

#[component]
fn Head(row: EvidenceRow, has_record: bool) -> impl IntoView {
    let name = format!("{}-{}-{:.8}.evidence.json", row.cloud, row.kind.name(), row.id);
    let download = has_record.then(|| {
        view! {
            <p class="event-acts">
                <a class="button button-first" href=format!("/v1/evidence/{}", row.id) rel="external" download=name>
                    {Icon::Download.view()} "Evidence"
                </a>
            </p>
        }
    });
    view! {
        <header class="event-head">
            <CloudGlyph cloud=row.cloud size=64 />
            <div class="event-words">
                <p class="event-badges"><span class="badge" data-state="quarantined">{deed(row.kind)}</span></p>
                <p class="sentence">{row.sentence.clone()}</p>
                <p class="muted">
                    {places(&row)} " · " {origin_of(&row)} " " <Time at=row.found_at shape=TimeShape::Day />
                </p>
            </div>
            {download}
        </header>
    }
}

#[component]
fn Withheld() -> impl IntoView {
    view! {
        <section class="card proof">
            <h2 class="card-title">"The record carries a payload"</h2>
            <p>"This role may not read payloads. Whoever may can download the record and verify it."</p>
        </section>
    }
}

#[component]
fn Meaning(row: EvidenceRow) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="meaning-title">
            <h2 id="meaning-title" class="card-title">"What it means"</h2>
            <p>{proves(&row)}</p>
            <p>{keeps(row.kind)}</p>
        </section>
    }
}

/// What is certain, and that nobody needs to be believed for it.
fn proves(row: &EvidenceRow) -> String {
    let (whose, log) = (row.cloud.title(), row.log);
    match row.kind {
        Kind::Equivocation => format!(
            "Whoever holds {whose}’s key showed one history of {log} to some and another to others. Both signatures \
             stand here, and no honest holder makes both. Nobody’s word is needed for that, ours included."
        ),
        Kind::DoubleCosignature => format!(
            "{whose} confirmed two histories of {log}, each time saying that it holds that one. Both signatures stand \
             here, and no honest holder of the key makes both."
        ),
        Kind::BadEntry => format!(
            "Whoever holds {whose}’s key signed {log} with an entry in it that no correct program writes. The entry, \
             its place and the signature stand here."
        ),
    }
}

/// What is still as it was.
const fn keeps(kind: Kind) -> &'static str {
    match kind {
        Kind::Equivocation | Kind::DoubleCosignature => {
            "Nothing final is lost: each cloud keeps the history that it confirmed, with its receipts, and takes \
             nothing of the other. What was confirmed in both stands as DISPUTED until people decide."
        }
        Kind::BadEntry => {
            "Nothing final is lost: honest clouds stay at the last head before that entry and confirm nothing beyond it."
        }
    }
}

#[component]
fn NextSteps(row: EvidenceRow) -> impl IntoView {
    let steps = next_steps(&row);
    let report = row.in_use.then(|| view! { <ReportLinks cloud=row.cloud /> });
    view! {
        <section class="card" aria-labelledby="next-title">
            <h2 id="next-title" class="card-title">"What to do next"</h2>
            <ol class="next-steps">{steps.into_iter().map(|step| view! { <li>{step}</li> }).collect_view()}</ol>
            {report}
        </section>
    }
}

/// To that cloud's own page Keys, with what happened chosen already. One is signed in at each cloud by
/// itself.
#[component]
fn ReportLinks(cloud: Cloud) -> impl IntoView {
    let here = expect_context::<Here>();
    let of = here.deployment.clouds.get(cloud).url.clone();
    let link = |why: Reason, text: &'static str| {
        view! { <a class="button" href=report_address(&of, why) rel="external">{text}</a> }
    };
    view! {
        <p class="key-acts">
            {link(Reason::Faulty, "Report it as in doubt…")}
            {link(Reason::KeyStolen, "Report it as stolen…")}
        </p>
        <p class="muted">{format!("Both open {}’s page Keys, where its admin decides.", cloud.title())}</p>
    }
}

fn next_steps(row: &EvidenceRow) -> Vec<String> {
    let (whose, role) = (row.cloud.title(), row.role.name());
    if !row.in_use {
        return vec![
            format!("Nothing: the {role} key was replaced, and counts for nothing new."),
            "Keep the file. It stays verifiable under the policy file of that time.".to_owned(),
        ];
    }
    vec![
        format!("Treat {whose}’s {role} key as stolen until you know better: find out who could use it."),
        format!("Give {whose} new keys and a new epoch, by the buttons below. An admin at each of the other two clouds agrees on their page Keys; the old key then counts for nothing new."),
        "Send this file to everybody who relies on the ledger. It proves itself, and cannot be denied.".to_owned(),
    ]
}

#[component]
fn OnRecord(row: EvidenceRow) -> impl IntoView {
    let plain = |value: String| view! { <span class="mono">{value}</span> }.into_any();
    let fields = [
        ("kind", plain(row.kind.name().to_owned())),
        ("log", plain(row.log.to_string())),
        ("id", view! { <Hash value=row.id what="id" /> }.into_any()),
        (
            "key",
            view! { <span class="mono vkey">{row.key.clone()}</span> <CopyButton text=row.key what="key" /> }
                .into_any(),
        ),
    ];
    view! {
        <section class="card" aria-labelledby="record-title">
            <h2 id="record-title" class="card-title">"Record"</h2>
            <dl class="fields">
                {fields
                    .into_iter()
                    .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
                    .collect_view()}
            </dl>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::Timestamp;
    use domain::key::KeyRole;
    use domain::log::LogId;

    fn row(in_use: bool) -> EvidenceRow {
        EvidenceRow {
            id: String::new(),
            kind: Kind::Equivocation,
            cloud: Cloud::Aws,
            role: KeyRole::Log,
            key: String::new(),
            log: LogId { origin: Cloud::Aws, epoch: 1 },
            sizes: [7, 7],
            found_at: Timestamp::from_unix_ms(0),
            source: None,
            in_use,
            sentence: String::new(),
        }
    }

    #[test]
    fn what_to_do_depends_on_whether_the_key_still_counts() {
        let now = next_steps(&row(true));
        assert!(now[0].starts_with("Treat AWS’s log key as stolen"), "{now:?}");
        let later = next_steps(&row(false));
        assert!(later[0].starts_with("Nothing: the log key was replaced"), "{later:?}");
    }
}
