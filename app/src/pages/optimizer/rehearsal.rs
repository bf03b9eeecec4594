//! A policy rehearsed: what it would have done over the recorded usage, with autonomy on for everybody.
//! What is asked stands in the address, so that it works without scripts and can be kept.

use domain::access::Action;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use leptos_router::params::ParamsMap;

use crate::api;
use crate::backend::{Problem, RehearsalForm, RehearsedView};
use crate::browser;
use crate::components::problem::ProblemCard;
use crate::components::table::{Cell, DataTable, TableRow};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::shell::console::Here;

impl RehearsalForm {
    /// `None`: no rehearsal is asked for.
    fn from_url(params: &ParamsMap) -> Option<Self> {
        params.get("rehearse")?;
        let text = |name: &str| params.get(name).unwrap_or_default();
        Some(RehearsalForm {
            days: text("days"),
            seed: text("seed"),
            auto_max: text("autoMax"),
            step_max: text("stepMax"),
            cumulative_max: text("cumulativeMax"),
            cooldown_days: text("cooldownDays"),
            margin_min: text("marginMin"),
            proposal: text("proposal"),
        })
    }
}

/// What is asked and what came of it. Made once for the page: what stands within it may be built
/// twice, and a rehearsal takes a processor.
#[derive(Clone, Copy)]
pub(super) struct Play {
    asked: Memo<Option<RehearsalForm>>,
    played: api::Answered<Option<Result<RehearsedView, Problem>>>,
}

pub(super) fn play() -> Play {
    let params = use_query_map();
    let asked = Memo::new(move |_| RehearsalForm::from_url(&params.read()));
    let played = api::ask_later(
        move || asked.get(),
        |asked| async move {
            match asked {
                Some(form) => Some(api::rehearse(form).await),
                None => None,
            }
        },
    );
    Play { asked, played }
}

#[component]
pub(super) fn Rehearsal(play: Play, begins: RehearsalForm, version: u64) -> impl IntoView {
    let here = expect_context::<Here>();
    if !here.viewer.may(Action::Simulate) {
        return ().into_any();
    }
    let Play { asked, played } = play;
    let retry = Callback::new(move |()| played.refetch());
    let busy = RwSignal::new(false);
    let shown = asked.get_untracked().unwrap_or(begins);
    view! {
        <section id="rehearsal" class="card pricing-part" aria-labelledby="rehearsal-title" class:is-busy=busy aria-busy=move || busy.get().to_string()>
            <h2 id="rehearsal-title" class="card-title">"Rehearse a policy"</h2>
            <p class="muted">{format!("Plays version {version}, or another one, day by day over the recorded usage, as if prices moved by themselves for everybody, with people who answer by the seed. Nothing is recorded.")}</p>
            <Form shown busy />
            <Transition fallback=playing set_pending=busy>
                {move || Suspend::new(async move {
                    match played.await {
                        None => ().into_any(),
                        Some(Ok(view)) => view! { <Played view /> }.into_any(),
                        Some(Err(problem)) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

fn playing() -> impl IntoView {
    view! { <p role="status">"It is played…"</p> }
}

#[component]
fn Form(shown: RehearsalForm, busy: RwSignal<bool>) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let field = |name: &'static str, label: &'static str, mode: &'static str, value: String| {
        let id = format!("rehearse-{name}");
        view! {
            <label class="field" for=id.clone()>
                <span>{label}</span>
                <input id=id.clone() name=name type="text" inputmode=mode maxlength="20" value=value autocomplete="off" />
            </label>
        }
        .into_any()
    };
    let proposal = Some(shown.proposal).filter(|id| !id.is_empty());
    let fields = [
        field("autoMax", "By itself up to, %", "decimal", shown.auto_max),
        field("stepMax", "At once up to, %", "decimal", shown.step_max),
        field("cumulativeMax", "In a period up to, %", "decimal", shown.cumulative_max),
        field("cooldownDays", "Days of rest", "numeric", shown.cooldown_days),
        field("marginMin", "Margin floor, %", "decimal", shown.margin_min),
        field("days", "Days of usage", "numeric", shown.days),
        field("seed", "Seed", "numeric", shown.seed),
    ];
    view! {
        <form class="act-form" method="get" action="/optimizer" on:submit=submit>
            <input type="hidden" name="rehearse" value="yes" />
            {proposal.map(|id| view! {
                <input type="hidden" name="proposal" value=id.clone() />
                <p class="held">"The policy of " <a href=format!("/approvals/{id}")>"a proposal"</a> " is played, with all its rules; the numbers are those of its rule for everybody."</p>
            })}
            <div class="pricing-fields">{fields.into_iter().collect_view()}</div>
            <button class="button button-first" type="submit" disabled=busy>"Rehearse this policy"</button>
            <p role="status">{move || busy.get().then_some("It is played…")}</p>
        </form>
    }
}

#[component]
fn Played(view: RehearsedView) -> impl IntoView {
    let RehearsedView { from, to, policy_version, seed, counts, broken, days, too_few } = view;
    let of = policy_version.map_or_else(
        || "Another policy than the one in force".to_owned(),
        |version| format!("Version {version} of the policy, which is in force"),
    );
    let head = ["What", "How much"].map(|text| Cell::from(text.to_owned())).to_vec();
    let rows = counts.into_iter().map(|line| TableRow::Cells(line.map(Cell::from).to_vec()));
    let bounds = match (broken.is_empty(), too_few) {
        (true, Some(why)) => view! { <p class="held">{why}</p> }.into_any(),
        (true, None) => {
            let looked_at = counted(u64::from(days), "day", "days");
            view! { <p>{format!("Over {looked_at} no change broke a bound of it.")}</p> }.into_any()
        }
        (false, _) => {
            let items = broken.into_iter().map(|text| view! { <li>{text}</li> }).collect_view();
            view! { <p class="held">"Changes broke bounds of it:"</p> <ul class="pricing-trail">{items}</ul> }.into_any()
        }
    };
    view! {
        <div class="rehearsed">
            <p>{of} ", over usage from " <Time at=from shape=TimeShape::Day /> " to " <Time at=to shape=TimeShape::Day /> {format!(", seed {seed}.")}</p>
            {bounds}
            <DataTable label="What the policy would have done".to_owned() head rows=rows.collect() />
            <p class="muted">"Usage follows prices by the assumed elasticity, which nobody has measured."</p>
        </div>
    }
    .into_any()
}
