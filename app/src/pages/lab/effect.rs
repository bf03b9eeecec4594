//! What the system does about it: live figures, and a timeline of acts and answers.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use leptos::prelude::*;

use crate::backend::{Condition, LabAct, LiveState, Problem};
use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::chart::Sparkline;
use crate::components::time::Time;
use crate::components::triad::{CloudGlyph, CloudRing};
use crate::format::{self, TimeShape};
use crate::live::{Health, Live};
use crate::pages::overview::BEHIND_FULL;

/// Older lines are dropped: the ledger keeps the history, this is only the afternoon's.
const LINES_MAX: usize = 40;
/// Seconds of history beside the rate.
const RATES_MAX: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    You,
    System,
    Failure,
}

#[derive(Clone)]
struct Line {
    number: usize,
    at: Timestamp,
    who: Who,
    sentence: String,
}

/// What was done and what followed, newest first.
#[derive(Clone, Copy)]
pub(super) struct Story {
    lines: RwSignal<Vec<Line>>,
    announcer: Announcer,
}

impl Story {
    /// Writes down every change of the deployment from now on.
    pub(super) fn listen(live: Live) -> Self {
        let story = Story { lines: RwSignal::default(), announcer: expect_context() };
        Effect::new(move |before: Option<Option<LiveState>>| {
            let now = live.state.get();
            if let (Some(Some(before)), Some(now)) = (&before, &now) {
                for sentence in changes(before, now) {
                    story.announcer.say(sentence.clone());
                    story.add(Who::System, sentence);
                }
            }
            now
        });
        story
    }

    pub(super) fn did(self, cloud: Cloud, act: LabAct) {
        let verb = match act {
            LabAct::Stop => "stopped",
            LabAct::Start => "started",
            LabAct::Pause => "paused",
        };
        self.add(Who::You, format!("You {verb} {}.", cloud.title()));
    }

    pub(super) fn failed(self, problem: &Problem) {
        self.announcer.say(problem.title.clone());
        self.add(Who::Failure, format!("{}: {}", problem.title, problem.detail));
    }

    fn add(self, who: Who, sentence: String) {
        self.lines.update(|lines| {
            let number = lines.first().map_or(0, |line| line.number + 1);
            lines.insert(0, Line { number, at: browser::now(), who, sentence });
            lines.truncate(LINES_MAX);
        });
    }
}

/// What a reader should know of the step from one state to the next.
fn changes(before: &LiveState, now: &LiveState) -> Vec<String> {
    let mut sentences = Vec::new();
    for (cloud, state) in now.clouds.iter() {
        let old = before.clouds.get(cloud);
        let name = cloud.title();
        if old.condition != state.condition {
            sentences.push(match state.condition {
                Condition::Up => format!("{name} is up."),
                Condition::Lagging => format!(
                    "{name} is back and {} behind.",
                    format::counted(state.behind, "entry", "entries")
                ),
                Condition::Down => format!("{name} no longer answers."),
                Condition::Unknown => format!("{name} has not been heard from."),
            });
        } else if old.behind > 0 && state.behind == 0 && state.condition == Condition::Up {
            sentences.push(format!("{name} has signed for everything it missed."));
        }
    }
    if before.health() != now.health() {
        sentences.push(match now.health() {
            Health::Normal => "Normal again: three of three clouds.".to_owned(),
            Health::Degraded => {
                format!(
                    "Degraded: two clouds go on, {} events/s become final.",
                    format::rate(now.final_per_s)
                )
            }
            Health::NoQuorum => "No quorum: events are accepted and wait as PENDING.".to_owned(),
        });
    }
    sentences
}

/// The figures to watch.
#[component]
pub(super) fn Effects() -> impl IntoView {
    let live = expect_context::<Live>();
    let rates = RwSignal::new(Vec::<u64>::new());
    Effect::new(move |_| {
        if let Some(state) = live.state.read().as_ref() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate, drawn"
            )]
            let rate = state.final_per_s.max(0.0).round() as u64;
            rates.update(|rates| {
                rates.push(rate);
                let surplus = rates.len().saturating_sub(RATES_MAX);
                rates.drain(..surplus);
            });
        }
    });
    let figure = move |pick: fn(&LiveState) -> String| {
        move || live.state.read().as_ref().map_or_else(|| "–".to_owned(), pick)
    };
    let up = Signal::derive(move || {
        live.state.read().as_ref().map_or_else(Default::default, |state| {
            state
                .clouds
                .map(|_, cloud| matches!(cloud.condition, Condition::Up | Condition::Lagging))
        })
    });
    view! {
        <section class="card lab-effects" aria-labelledby="effects-title">
            <h2 id="effects-title" class="card-title">"What follows, live"</h2>
            <div class="lab-effect-row">
                <CloudRing up size=72 />
                <div class="figure">
                    <p class="big">{figure(|state| format::rate(state.final_per_s))} <span class="unit">"final/s"</span></p>
                    <Sparkline values=rates full=1 />
                </div>
                <div class="figure">
                    <p class="big">{figure(|state| format::count(state.pending))} <span class="unit">"pending"</span></p>
                    <p class="muted">"accepted, not final"</p>
                </div>
            </div>
            <ul class="lab-behinds">
                {Cloud::ALL.map(|cloud| view! { <Behind cloud /> }).collect_view()}
            </ul>
        </section>
    }
}

#[component]
fn Behind(cloud: Cloud) -> impl IntoView {
    let live = expect_context::<Live>();
    let history = Signal::derive(move || {
        live.state
            .read()
            .as_ref()
            .map_or_else(Vec::new, |state| state.clouds.get(cloud).behind_history.clone())
    });
    let behind = move || {
        live.state
            .read()
            .as_ref()
            .map_or_else(|| "–".to_owned(), |state| format::count(state.clouds.get(cloud).behind))
    };
    view! {
        <li class=format!("of-{cloud}")>
            <span class="cloud"><CloudGlyph cloud size=14 /> {cloud.name()}</span>
            <span class="muted">"behind"</span>
            <Sparkline values=history full=BEHIND_FULL />
            <strong>{behind}</strong>
        </li>
    }
}

#[component]
pub(super) fn Timeline(story: Story) -> impl IntoView {
    view! {
        <section class="card lab-timeline" aria-labelledby="timeline-title">
            <h2 id="timeline-title" class="card-title">"What you did, and what it answered"</h2>
            <Show when=move || story.lines.read().is_empty()>
                <p class="calm">"Nothing yet. Stop a cloud: two seconds later this list knows more."</p>
            </Show>
            <ol class="timeline">
                <For each=move || story.lines.get() key=|line| line.number let:line>
                    <TimelineLine line />
                </For>
            </ol>
        </section>
    }
}

#[component]
fn TimelineLine(line: Line) -> impl IntoView {
    let who = match line.who {
        Who::You => "you",
        Who::System => "system",
        Who::Failure => "failure",
    };
    view! {
        <li class="timeline-line" data-who=who>
            <Time at=line.at shape=TimeShape::Second />
            <span>{line.sentence}</span>
        </li>
    }
}
