//! What was done and what followed, newest first: acts from the supervisor, and every change of the
//! deployment that this page has seen.

use domain::clock::Timestamp;
use domain::cloud::PerCloud;
use leptos::prelude::*;

use crate::backend::{
    LabCorruption, LabDamage, LabEquivocation, LabForgery, LabOrder, LabOutcome, LabRecord,
    LabVerdict, LiveState,
};
use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::time::Time;
use crate::format::{self, TimeShape};
use crate::live::Live;
use crate::pages::lab::clouds::Undo;
use crate::pages::lab::effect::changes;
use crate::pages::lab::{Bench, words};

/// Older lines are dropped: the ledger keeps the history, this is only the afternoon's.
const LINES_MAX: usize = 40;
/// Characters of a root that tell two apart at a glance.
const ROOT_CHARS: usize = 16;

/// What this page has seen by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    number: usize,
    at: Timestamp,
    failure: bool,
    sentence: String,
}

#[derive(Clone, Copy)]
pub(super) struct Story {
    seen: RwSignal<Vec<Seen>>,
    announcer: Announcer,
}

impl Story {
    /// Writes down every change of the deployment from now on.
    pub(super) fn listen(live: Live) -> Self {
        let story = Story { seen: RwSignal::default(), announcer: expect_context() };
        let owes = StoredValue::new(PerCloud::default());
        Effect::new(move |before: Option<Option<LiveState>>| {
            let now = live.state.get();
            if let (Some(Some(before)), Some(now)) = (&before, &now) {
                let mut known = owes.get_value();
                let sentences = changes(before, now, &mut known);
                owes.set_value(known);
                for sentence in sentences {
                    story.add(false, sentence);
                }
            }
            now
        });
        story
    }

    pub(super) fn failed(self, sentence: String) {
        self.add(true, sentence);
    }

    /// Acts and repairs that were not known before are spoken.
    pub(super) fn announce_new(self, before: &[LabRecord], now: &[LabRecord]) {
        let last = before.first().map_or(0, |act| act.number);
        if let Some(act) = now.first().filter(|act| act.number > last) {
            self.announcer.say(words::act(act));
        }
        let repair = |act: &LabRecord| match &act.outcome {
            LabOutcome::Corrupted(damage) => damage.repair.clone(),
            _ => None,
        };
        let is_news = |act: &&LabRecord| {
            repair(act).is_some()
                && before.iter().any(|old| old.number == act.number && repair(old).is_none())
        };
        let first = now.iter().find(is_news).and_then(repair);
        if let Some(sentence) = first.and_then(|repair| repair.sentences.first().cloned()) {
            self.announcer.say(sentence);
        }
    }

    fn add(self, failure: bool, sentence: String) {
        self.announcer.say(sentence.clone());
        self.seen.update(|seen| {
            let number = seen.first().map_or(0, |line| line.number + 1);
            seen.insert(0, Seen { number, at: browser::now(), failure, sentence });
            seen.truncate(LINES_MAX);
        });
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Act(Box<LabRecord>, Option<LabOrder>),
    Seen(Seen),
}

impl Line {
    const fn at(&self) -> Timestamp {
        match self {
            Line::Act(record, _) => record.at,
            Line::Seen(seen) => seen.at,
        }
    }

    /// A line whose content has changed (it was repaired, it cannot be taken back any more) is
    /// built anew.
    fn key(&self) -> String {
        match self {
            Line::Act(record, undo) => {
                let repaired = matches!(&record.outcome, LabOutcome::Corrupted(damage) if damage.repair.is_some());
                format!("act {} {repaired} {}", record.number, undo.is_some())
            }
            Line::Seen(seen) => format!("seen {}", seen.number),
        }
    }
}

fn lines(bench: Bench) -> Vec<Line> {
    let state = bench.state.read();
    let acts = state.acts.iter().map(|act| Line::Act(Box::new(act.clone()), state.undo(act)));
    let seen = bench.story.seen.read();
    let mut lines: Vec<Line> = acts.chain(seen.iter().cloned().map(Line::Seen)).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.at()));
    lines.truncate(LINES_MAX);
    lines
}

#[component]
pub(super) fn Timeline(bench: Bench) -> impl IntoView {
    let lines = Memo::new(move |_| lines(bench));
    view! {
        <section class="card lab-timeline" aria-labelledby="timeline-title">
            <h2 id="timeline-title" class="card-title">"What was done, and what followed"</h2>
            <Show when=move || lines.read().is_empty()>
                <p class="calm">"Nothing yet. Pick a fault: seconds later this list knows more."</p>
            </Show>
            <ol class="timeline" tabindex="0" aria-labelledby="timeline-title">
                <For each=move || lines.get() key=Line::key let:line>
                    {match line {
                        Line::Act(record, undo) => view! { <ActLine record=*record undo bench /> }.into_any(),
                        Line::Seen(seen) => view! { <SeenLine seen /> }.into_any(),
                    }}
                </For>
            </ol>
        </section>
    }
}

#[component]
fn SeenLine(seen: Seen) -> impl IntoView {
    let who = if seen.failure { "failure" } else { "system" };
    view! {
        <li class="timeline-line" data-who=who>
            <Time at=seen.at shape=TimeShape::Second />
            <p>{seen.sentence}</p>
        </li>
    }
}

#[component]
fn ActLine(record: LabRecord, undo: Option<LabOrder>, bench: Bench) -> impl IntoView {
    let sentence = words::act(&record);
    let told = match record.outcome {
        LabOutcome::Done => ().into_any(),
        LabOutcome::Corrupted(damage) => view! { <Damage damage /> }.into_any(),
        LabOutcome::Forged(told) => view! { <Forgeries told /> }.into_any(),
        LabOutcome::Equivocated(told) => view! { <Stories told /> }.into_any(),
    };
    let undo = undo.map(|order| {
        let (act, field, one_way) = match order {
            LabOrder::Start { cloud } => ("start", ("cloud", cloud.name().to_owned()), false),
            LabOrder::Heal { way } => ("heal", ("link", way.name()), way.one_way),
            // Nothing else takes anything back.
            _ => return ().into_any(),
        };
        let label = format!("Undo: {sentence}");
        view! { <Undo bench act field one_way label title="Undo" /> }.into_any()
    });
    view! {
        <li class="timeline-line" data-who="act">
            <Time at=record.at shape=TimeShape::Second />
            <div class="timeline-act">
                <p><strong>{sentence.clone()}</strong> " " <span class="muted">{record.who}</span></p>
                {told}
            </div>
            {undo}
        </li>
    }
}

#[component]
fn Damage(damage: LabCorruption) -> impl IntoView {
    let is_usage = damage.what == LabDamage::Usage;
    let (href, more) = if is_usage {
        ("/anchors".to_owned(), "See the snapshots")
    } else {
        (format!("/ledger?q={}", format::url_value(&damage.place)), "See it in the ledger")
    };
    let outcome = match damage.repair {
        None if is_usage => view! {
            <p class="lab-open">"Not repaired yet: no log was changed. The next snapshot shows it, and deriving one again names and mends it."</p>
        }
        .into_any(),
        None => view! {
            <p class="lab-open">"Not repaired yet: the scrub looks at the newest entries every few seconds, at the oldest once a pass."</p>
        }
        .into_any(),
        Some(repair) => {
            let after = format::milliseconds(repair.after_ms);
            let sentences =
                repair.sentences.into_iter().map(|said| view! { <li>{said}</li> }).collect_view();
            view! {
                <p class="lab-mended">{format!("Found and repaired after {after}.")}</p>
                <ul class="lab-said">{sentences}</ul>
            }
            .into_any()
        }
    };
    view! {
        <dl class="lab-change">
            <div><dt>"before"</dt><dd><code>{damage.before}</code></dd></div>
            <div><dt>"after"</dt><dd><code>{damage.after}</code></dd></div>
        </dl>
        {outcome}
        <p><a class="more" href=href>{more}</a></p>
    }
}

#[component]
fn Forgeries(told: LabForgery) -> impl IntoView {
    let lines = told
        .attempts
        .iter()
        .map(|tried| {
            let taken = tried.verdict == LabVerdict::Taken;
            view! {
                <li class:lab-taken=taken>{words::attempt(tried)} ": " <q>{tried.answer.clone()}</q></li>
            }
        })
        .collect_view();
    view! {
        <ul class="lab-said">{lines}</ul>
        <p><a class="more" href="/ledger/quarantine">"See what this cloud has refused"</a></p>
    }
}

#[component]
fn Stories(told: LabEquivocation) -> impl IntoView {
    let root = |text: &str| text.chars().take(ROOT_CHARS).collect::<String>();
    let shown = words::shown(&told);
    let (honest, other) = (root(&told.honest.root), root(&told.other.root));
    view! {
        <p>{format!("{shown}. For the first {} entries there are two roots now:", format::count(told.size))}</p>
        <dl class="lab-change">
            <div><dt>"one"</dt><dd><code>{honest} "…"</code></dd></div>
            <div><dt>"other"</dt><dd><code>{other} "…"</code></dd></div>
        </dl>
        <details class="lab-notes">
            <summary>"Both signed notes"</summary>
            <pre class="code code-wrap">{told.honest.note}</pre>
            <pre class="code code-wrap">{told.other.note}</pre>
        </details>
        <p><a class="more" href="/ledger/evidence">"See the evidence"</a></p>
    }
}
