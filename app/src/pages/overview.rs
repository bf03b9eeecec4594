//! The first page: are the clouds well, do events become final, and does anything wait for me?

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::cloud::PerCloud;
use domain::quorum::Mode;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use crate::api;
use crate::backend::{
    Attention, CloudState, Condition, LiveState, Overview, SeriesPoint, Severity,
};
use crate::components::badge::CloudBadge;
use crate::components::chart::{Meter, RateChart, Sparkline};
use crate::components::events::LiveRows;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::components::time::Time;
use crate::components::triad::{CloudGlyph, CloudRing};
use crate::format::{self, TimeShape};
use crate::live::Live;
use crate::pages::overview::latest::{LATEST_MAX, LatestEvents};
use crate::shell::console::Here;

mod latest;

#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let live = expect_context::<Live>();
    let overview = api::ask(move || live.gaps.get(), |_| api::overview());
    let retry = Callback::new(move |()| overview.refetch());
    let unsettled = RwSignal::new(false);
    live.catch_up(unsettled.into(), retry);
    refetch_when_the_news_change(live, retry);
    view! {
        <Title text="Overview" />
        <Transition fallback=|| view! { <Skeleton cards=6 /> }>
            {move || Suspend::new(async move {
                match overview.await {
                    Ok(overview) => view! { <Body overview unsettled /> }.into_any(),
                    Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// What needs a person is the server's to say: asked again when a cloud comes or goes and when
/// something is held, or prices are stopped or go again.
fn refetch_when_the_news_change(live: Live, refetch: Callback<()>) {
    let news = Memo::new(move |_| {
        let state = live.state.read();
        state.as_ref().map(|state| {
            let conditions = state.clouds.map(|_, cloud| cloud.condition);
            (conditions, state.quarantined, state.switch_changes)
        })
    });
    Effect::new(move |before: Option<Option<_>>| {
        let now = news.get();
        if before.flatten().is_some_and(|before| Some(before) != now) {
            refetch.run(());
        }
        now
    });
}

#[component]
fn Body(overview: Overview, unsettled: RwSignal<bool>) -> impl IntoView {
    let live = expect_context::<Live>();
    let Overview {
        state: first, series, series_step_ms, attention, repaired_until, latest, ..
    } = overview;
    // The stream's word is newer than the page's, once there is one.
    let state = Memo::new(move |_| live.state.get().unwrap_or_else(|| first.clone()));
    let rows = LiveRows::new(latest.into_iter().take(LATEST_MAX).collect());
    unsettled.set(rows.is_unsettled());
    let needs = (!attention.is_empty()).to_string();
    let series = growing_series(state, series, i64::from(series_step_ms));
    view! {
        <div class="overview">
            <div class="overview-clouds">
                <FinalityCard state />
                {Cloud::ALL.map(|cloud| view! { <CloudCard cloud state /> }).collect_view()}
            </div>
            <p class="overview-guarantee muted">{move || state.read().mode.guarantee()}</p>
            <div class="overview-flow" data-needs=needs>
                <NeedsYou attention repaired_until />
                <RateCard state series />
            </div>
            <LatestEvents rows state />
        </div>
    }
    .into_any()
}

/// A young deployment's series grows to this many points before it begins to move.
const POINTS_MIN: usize = 120;

/// The series that came with the page, continued by the stream at the same spacing.
fn growing_series(
    state: Memo<LiveState>,
    first: Vec<SeriesPoint>,
    step_ms: i64,
) -> Signal<Vec<SeriesPoint>> {
    let length = first.len().max(POINTS_MIN);
    let series = RwSignal::new(first);
    Effect::new(move |_| {
        let (at, final_per_s) = state.with(|state| (state.at, state.final_per_s));
        let due = series.with_untracked(|series| {
            series.last().is_none_or(|last| at.unix_ms() - last.at.unix_ms() >= step_ms)
        });
        if due {
            series.update(|series| {
                series.push(SeriesPoint { at, final_per_s });
                let surplus = series.len().saturating_sub(length);
                series.drain(..surplus);
            });
        }
    });
    series.into()
}

/// Is that cloud part of the quorum right now?
const fn counts(condition: Condition) -> bool {
    matches!(condition, Condition::Up | Condition::Lagging)
}

fn up(state: &LiveState) -> PerCloud<bool> {
    state.clouds.map(|_, cloud| counts(cloud.condition))
}

#[component]
fn FinalityCard(state: Memo<LiveState>) -> impl IntoView {
    let here = expect_context::<Here>();
    let serving = here.deployment.cloud;
    let p50 = move || state.read().time_to_final_p50_ms.map(format::duration);
    let p99 = move || {
        state.read().time_to_final_p99_ms.map_or_else(|| "–".to_owned(), format::duration_text)
    };
    view! {
        <section class="card finality-card" aria-labelledby="finality-now">
            <CloudRing up=Signal::derive(move || up(&state.read())) proven=Signal::derive(move || state.read().proven()) size=88 />
            <div class="finality-words">
                <h2 id="finality-now" class="card-title">"Time to final"</h2>
                <p class="big">
                    {move || p50().map_or_else(|| "–".to_owned(), |(number, _)| number)}
                    <span class="unit">{move || p50().map_or("", |(_, unit)| unit)} " p50"</span>
                </p>
                <p class="finality-line">
                    <span><strong>{p99}</strong> " p99"</span>
                    <span><strong>{move || format::rate(state.read().final_per_s)}</strong> " events/s"</span>
                </p>
                <p class="sentence">{move || quorum_sentence(&state.read())}</p>
                <p class="provenance">
                    {move || format!("Measured at {serving}, last {} s", state.read().window_s)}
                </p>
            </div>
        </section>
    }
}

/// What makes an event final now, and whose do not become final.
fn quorum_sentence(state: &LiveState) -> String {
    let rule = quorum_rule(state);
    let frozen: Vec<String> = Cloud::ALL
        .into_iter()
        .filter(|cloud| state.clouds.get(*cloud).frozen)
        .map(|cloud| format!(" Not what {cloud} records: its log is frozen."))
        .collect();
    format!("{rule}{}", frozen.concat())
}

fn quorum_rule(state: &LiveState) -> String {
    let left: Vec<&str> =
        Cloud::ALL.into_iter().filter(|cloud| *up(state).get(*cloud)).map(Cloud::name).collect();
    let stands =
        |missing| format!("Nothing new becomes final: {missing}. What is final stays final.");
    match (state.mode, left.as_slice()) {
        (Mode::TwoOfThree, [_, _, _]) => "Any two clouds make an event final.".to_owned(),
        (Mode::TwoOfThree, [one, two]) => {
            format!("{one} and {two} make events final; nothing may fail now.")
        }
        (Mode::Unanimous, [_, _, _]) => {
            "All three clouds together make an event final; none may fail.".to_owned()
        }
        (Mode::Unanimous, _) => stands("all three clouds must sign"),
        (Mode::Witness, [_, _, _]) => {
            "Any three of four, the clouds and the witness, make an event final.".to_owned()
        }
        (Mode::Witness, [one, two]) => {
            format!("{one}, {two} and the witness make events final; nothing may fail now.")
        }
        (Mode::TwoOfThree | Mode::Witness, _) => stands("a second cloud is missing"),
    }
}

#[component]
fn CloudCard(cloud: Cloud, state: Memo<LiveState>) -> impl IntoView {
    let here = expect_context::<Here>();
    let region = here.deployment.clouds.get(cloud).region.clone();
    let serving = here.deployment.cloud == cloud;
    let mine = Memo::new(move |_| state.read().clouds.get(cloud).clone());
    let heading = format!("cloud-{cloud}");
    view! {
        <section class=format!("card cloud-card of-{cloud}") aria-labelledby=heading data-down=move || (!counts(mine.read().condition)).to_string()>
            <header class="cloud-head">
                <h2 id=heading.clone() class="cloud-name"><CloudGlyph cloud size=20 /> {cloud.title()}</h2>
                <CloudBadge condition=Signal::derive(move || mine.read().condition) standing=Signal::derive(move || state.read().standing(cloud)) />
            </header>
            <p class="cloud-region">
                <span class="mono">{region}</span>
                {serving.then_some(" · serves this page")}
                {move || heard(&mine.read()).map(|at| view! { " · last heard " <Time at=at shape=TimeShape::Second /> })}
            </p>
            <CloudFigures mine />
        </section>
    }
}

/// Only worth words when the cloud is silent.
fn heard(cloud: &CloudState) -> Option<Timestamp> {
    if counts(cloud.condition) { None } else { cloud.heard_at }
}

#[component]
fn CloudFigures(mine: Memo<CloudState>) -> impl IntoView {
    let confirms = move || mine.read().confirms_p50_ms.map(format::duration);
    let history = Signal::derive(move || mine.read().behind_history.clone());
    view! {
        <dl class="figures">
            <div class="figure">
                <dt>"Own log"</dt>
                <dd>{move || format::count(mine.read().own_log_size)}</dd>
            </div>
            <div class="figure">
                <dt>"Confirms in"</dt>
                <dd>
                    {move || confirms().map_or_else(|| "–".to_owned(), |(number, unit)| format!("{number} {unit}"))}
                    <span class="unit">{move || confirms().map(|_| " p50")}</span>
                </dd>
            </div>
            <div class="figure">
                <dt>"Behind"</dt>
                <dd class="figure-spark">
                    {move || format::count(mine.read().behind)}
                    <Sparkline values=history full=BEHIND_FULL />
                </dd>
            </div>
            <div class="figure">
                <dt>"Load"</dt>
                <dd><Meter share=Signal::derive(move || mine.read().load) label="Load" /></dd>
            </div>
        </dl>
    }
}

#[component]
fn RateCard(state: Memo<LiveState>, series: Signal<Vec<SeriesPoint>>) -> impl IntoView {
    view! {
        <section class="card rate-card" aria-labelledby="rate-title">
            <header class="card-head">
                <h2 id="rate-title" class="card-title">"Events made final, per second"</h2>
                <dl class="strip">
                    <div><dt>"Stored"</dt><dd>{move || format::count(state.read().events)}</dd></div>
                    <Waiting state />
                </dl>
            </header>
            <RateChart series />
        </section>
    }
}

/// Counts that lead to the rows they count.
#[component]
fn Waiting(state: Memo<LiveState>) -> impl IntoView {
    let alarm = move || if state.read().quarantined > 0 { "quarantined" } else { "none" };
    view! {
        <div data-state="pending">
            <dt>"Pending"</dt>
            <dd><A href="/ledger?status=PENDING">{move || format::count(state.read().pending)}</A></dd>
        </div>
        <div data-state=alarm>
            <dt>"Quarantined"</dt>
            <dd><A href="/ledger/quarantine?state=held">{move || format::count(state.read().quarantined)}</A></dd>
        </div>
    }
}

/// Entries behind that fill a sparkline: a cloud's usual lag of a few is no event.
pub(crate) const BEHIND_FULL: u64 = 100;

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Alarm => "alarm",
    }
}

const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "Notice",
        Severity::Warning => "Warning",
        Severity::Alarm => "Alarm",
    }
}

#[component]
fn NeedsYou(attention: Vec<Attention>, repaired_until: Option<Timestamp>) -> impl IntoView {
    let nothing = attention.is_empty().then(|| {
        view! { <p class="calm">"Nothing waits for you. Every check that can run by itself does."</p> }
    });
    let items = attention
        .into_iter()
        .map(|item| {
            view! {
                <li class="need" data-severity=severity_name(item.severity)>
                    <p class="need-sentence">
                        <span class="visually-hidden">{severity_word(item.severity)} ": "</span>
                        {item.sentence}
                    </p>
                    <p class="need-detail">{item.detail}</p>
                    <a class="need-link" href=item.link>{item.link_text}</a>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card needs-card" aria-labelledby="needs-title">
            <h2 id="needs-title" class="card-title">"Needs you"</h2>
            {nothing}
            <ul class="needs">{items}</ul>
            {repaired_until.map(|until| view! { <Acknowledge until /> })}
        </section>
    }
}

/// Takes what is repaired off the list, for those who may: a plain form, which works without
/// WebAssembly.
#[component]
fn Acknowledge(until: Timestamp) -> impl IntoView {
    view! {
        <form class="needs-act" method="post" action="/scrub/acknowledge">
            <input type="hidden" name="until" value=until.to_string() />
            <p class="muted">"What is repaired stays in the table ledger_repair, whether it is listed here or not."</p>
            <button type="submit" class="button">"I have seen the repairs"</button>
        </form>
    }
}
