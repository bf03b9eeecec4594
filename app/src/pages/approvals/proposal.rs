//! One proposal: what it would change, what it rests on, who agreed, and the three decisions.

use domain::pricing::book::Standing;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::guardrails::{Bounds, Guardrails};
use super::keys::on_keys;
use super::odd::Odd;
use super::{news, words};
use crate::api;
use crate::backend::{
    FactRow, ForeseenWhy, GuardTrail, ProposalDetail, ProposalRow, StepRow, WatchView,
};
use crate::browser;
use crate::components::hash::Hash;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::live::Live;

mod forms;

pub(crate) use forms::ControlFields;

#[component]
pub(crate) fn ProposalPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("proposal_id").unwrap_or_default());
    let detail = api::ask(move || (id.get(), live.gaps.get()), |(id, _)| api::approval(id));
    let retry = Callback::new(move |()| detail.refetch());
    on_keys(decide_by_key);
    let query = use_query_map();
    // Whoever has decided goes on: an act leads back here with what it recorded. Once a page.
    Effect::new(move |went_on: Option<bool>| {
        let went_on = went_on.unwrap_or_default();
        let goes_on = query.read().get("done").is_some() && detail.get().is_some();
        if goes_on && !went_on {
            request_animation_frame(|| browser::focus(NEXT));
        }
        went_on || goes_on
    });
    view! {
        <Title text="Approval" />
        <section class="pricing" aria-label="Approval">
            <news::News live retry />
            <Refused words=words::refusal />
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match detail.await {
                        Ok(detail) => view! { <Body detail /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

/// The link to the next one of the queue, which has the focus once something was decided.
const NEXT: &str = "next-proposal";

/// `a`, `x` and `m` go to the three decisions, each to the first field that it asks for, `n` to what
/// stands in the place of the first where the facts have changed, `j` to the next one that waits.
fn decide_by_key(key: &str) -> bool {
    let place = match key {
        // Whoever is asked for a password types it next: on the button its letters would be keys.
        "a" if browser::is_there(&format!("#{}", forms::PASSWORD)) => forms::PASSWORD,
        "a" => forms::APPROVE,
        "n" => forms::REFRESH,
        "x" => forms::REJECT_REASON,
        "m" => forms::PRICE,
        "j" => NEXT,
        _ => return false,
    };
    browser::focus(place);
    true
}

#[component]
fn Body(detail: ProposalDetail) -> impl IntoView {
    let ProposalDetail { row, hash, money, facts, trail, steps, .. } = detail.clone();
    let is_open = matches!(row.state, Standing::Pending | Standing::Approved);
    let outdated = row.has_drifted();
    view! {
        <Head row=row.clone() detail=detail.clone() />
        <div class="pricing-columns">
            <div class="pricing-main">
                {detail.foreseen.clone().map(|why| view! { <Why why /> })}
                <Money lines=money policy={row.about == "policy"} outdated />
                <Odd odd=detail.odd.clone() />
                {detail.watch.clone().map(|watch| view! { <Watched watch /> })}
                <Bounds rows=detail.bounds.clone() persons=detail.persons.clone() rule=detail.rule.clone() outdated />
                {trail.map(|trail| view! { <Trail trail /> })}
                <Facts facts state=row.state unseen=detail.unseen.clone() />
            </div>
            <div class="pricing-side">
                {is_open.then(|| view! { <forms::Decisions detail=detail.clone() /> })}
                <History steps />
                <section class="card pricing-part" aria-labelledby="binding-title">
                    <h2 id="binding-title" class="card-title">"What an approval binds to"</h2>
                    <p>{format!("Version {}, by its hash:", row.version)}</p>
                    <p><Hash value=hash what="hash" /></p>
                    <p class="muted">"Another version has another hash and needs its approvals anew."</p>
                </section>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Head(row: ProposalRow, detail: ProposalDetail) -> impl IntoView {
    let change = row
        .change
        .clone()
        .map(|change| view! { <span class="pricing-change mono">{change}</span> });
    let approvals = words::quorum(row.approvals, row.quorum);
    // None and not an empty text, which a page writes as a space.
    let by =
        (!detail.approvers.is_empty()).then(|| format!(", by {}", detail.approvers.join(" and ")));
    let held = (detail.killed && row.state == Standing::Approved).then(|| {
        view! { <p class="held">"The kill switch is on: it waits until that is off."</p> }
    });
    let simulate = detail.simulate.clone().map(|href| {
        view! { <a class="button" href=href>"Simulate first"</a> }
    });
    let rehearse = detail.rehearse.clone().map(|href| {
        view! { <a class="button" href=href>"Rehearse it"</a> }
    });
    let next = detail.next.clone().map(|[id, about]| {
        view! { <a id=NEXT class="button" href=format!("/approvals/{id}")>{format!("Next: {about}")}</a> }
    });
    let result = detail.result_version.map(|version| {
        view! { <p>{format!("It is version {version} of what applies to {}.", row.about)}</p> }
    });
    let drifted = row.has_drifted().then(|| {
        view! { <span class="badge" data-state="quarantined">"FACTS CHANGED"</span> }
    });
    let missed =
        detail.missed.clone().map(|told| view! { <p class="held pricing-missed">{told}</p> });
    view! {
        <header class="card pricing-head">
            <p class="event-badges"><words::StateBadge state=row.state /> {drifted} <span class="muted">{row.about.clone()}</span></p>
            <h2 class="pricing-big">{row.title} " " {change}</h2>
            {missed}
            <p>{row.reason}</p>
            <p class="muted">
                "From " {row.requester} " on " <Time at=row.opened_at shape=TimeShape::Day /> "; due "
                <Time at=row.expires_at shape=TimeShape::Day /> ". Approvals: " {approvals} {by} "."
            </p>
            {held}
            {result}
            <p class="pricing-acts">{simulate} {rehearse} {next} <A href="/approvals" attr:class="button">"All approvals"</A></p>
        </header>
    }
}

/// What is foreseen: nothing of it has happened.
#[component]
fn Why(why: ForeseenWhy) -> impl IntoView {
    let ForeseenWhy { name, href, sentence, levels, basis } = why;
    let rows = levels
        .into_iter()
        .map(|[when, below, median]| {
            view! {
                <tr>
                    <th scope="row">{when}</th>
                    <td class="number mono" data-label="P(margin < floor)">{below}</td>
                    <td class="number mono" data-label="Median margin">{median}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card pricing-part" aria-labelledby="why-title">
            <h2 id="why-title" class="card-title">"Why"</h2>
            <p>{sentence}</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Now, under the stress, and with what is proposed">
                <table class="pricing-facts">
                    <thead><tr><th scope="col">"When"</th><th scope="col" class="number">"P(margin < floor)"</th><th scope="col" class="number">"Median margin"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="muted">{basis}</p>
            <p class="pricing-acts"><a class="button" href=href rel="external">{format!("Open “{name}” in Scenarios")}</a></p>
        </section>
    }
    .into_any()
}

#[component]
fn Money(lines: Vec<[String; 4]>, policy: bool, outdated: bool) -> impl IntoView {
    let title = if policy { "What changes in the policy" } else { "What changes" };
    let rows = lines
        .into_iter()
        .map(|[what, was, is, change]| {
            view! {
                <tr>
                    <th scope="row">{what}</th>
                    <td class="number mono" data-label="Now">{was}</td>
                    <td class="number mono" data-label="Proposed">{is}</td>
                    <td class="number mono" data-label="Change">{change}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card pricing-part" aria-labelledby="money-title">
            <h2 id="money-title" class="card-title">{title}</h2>
            {outdated.then(|| view! { <p class="held">"Margins are those of when it was proposed: the facts below have changed since. A new version reckons again."</p> })}
            <div class="table-scroll" tabindex="0" role="region" aria-label=format!("{title}, now and proposed")>
                <table class="pricing-facts">
                    <thead><tr><th scope="col">"What"</th><th scope="col" class="number">"Now"</th><th scope="col" class="number">"Proposed"</th><th scope="col" class="number">"Change"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn Facts(facts: Vec<FactRow>, state: Standing, unseen: Option<String>) -> impl IntoView {
    let moved = facts.iter().any(|fact| fact.changed);
    let is_seen = unseen.is_none();
    let sentence = if let Some(why) = &unseen {
        &format!("Whether it is still so was not looked at: {why}.")
    } else if moved {
        "Something is no longer as it was: nothing of this version is executed."
    } else if state == Standing::Applied {
        "So it was when it was proposed."
    } else {
        "As it was when it was proposed, within what policy bears."
    };
    let rows = facts
        .into_iter()
        .map(|fact| {
            let mark = fact.changed.then_some(" · changed");
            let now = if is_seen { fact.now } else { "not looked at".to_owned() };
            view! {
                <tr data-changed=fact.changed.to_string()>
                    <th scope="row">{fact.name} {mark}</th>
                    <td class="number mono" data-label="Then">{fact.then}</td>
                    <td class="number mono" data-label="Now">{now}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card pricing-part" aria-labelledby="facts-title">
            <h2 id="facts-title" class="card-title">"What it rests on"</h2>
            <p class:held={moved || !is_seen}>{sentence.to_owned()}</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Facts then and now">
                <table class="pricing-facts">
                    <thead><tr><th scope="col">"Fact"</th><th scope="col" class="number">"Then"</th><th scope="col" class="number">"Now"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn Trail(trail: GuardTrail) -> impl IntoView {
    view! {
        <section class="card pricing-part" aria-labelledby="trail-title">
            <h2 id="trail-title" class="card-title">"What the guardrails did"</h2>
            <Guardrails trail />
        </section>
    }
    .into_any()
}

/// Predicted and realised margin, and how much of the shortfall that is borne is used.
#[component]
fn Watched(watch: WatchView) -> impl IntoView {
    let WatchView { sentence, broke, used } = watch;
    let used = used.map(|used| view! { <p><strong>{format!("{used} of the shortfall that is borne is used.")}</strong></p> });
    view! {
        <section class="card pricing-part" aria-labelledby="watch-title">
            <h2 id="watch-title" class="card-title">"Since it was applied"</h2>
            <p class:held=broke>{sentence}</p>
            {used}
        </section>
    }
    .into_any()
}

#[component]
fn History(steps: Vec<StepRow>) -> impl IntoView {
    let items = steps
        .into_iter()
        .map(|step| {
            let refused = step.refused.map(|why| view! { <span class="cell-about">{format!("It changed nothing: {why}.")}</span> });
            view! {
                <li>
                    <A href=format!("/ledger/{}", step.event_id)><Time at=step.at shape=TimeShape::Day /></A>
                    " " <strong>{step.by}</strong> " " {step.what} "." {refused}
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card pricing-part" aria-labelledby="history-title">
            <h2 id="history-title" class="card-title">"History"</h2>
            <ol class="pricing-history">{items}</ol>
        </section>
    }
}
