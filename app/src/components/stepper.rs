//! The verification stepper: payload → hash → leaf → root → signatures → whose keys.
//!
//! Before the browser has computed anything, every step says "not checked yet"; that looks
//! different from a step that failed and from one that rests on somebody's word.

use domain::receipt::{Step, StepState, Verdict, Verification};
use leptos::prelude::*;

use crate::components::hash::CopyButton;
use crate::components::icon::Icon;
use crate::components::triad::CloudGlyph;
use crate::format::{counted, middle_cut};

fn state_name(state: StepState) -> &'static str {
    match state {
        StepState::Valid => "valid",
        StepState::Invalid => "invalid",
        StepState::Unidentified => "unidentified",
        StepState::NotChecked => "unchecked",
    }
}

fn state_word(state: StepState) -> &'static str {
    match state {
        StepState::Valid => "Holds",
        StepState::Invalid => "Does not hold",
        StepState::Unidentified => "On somebody's word",
        StepState::NotChecked => "Not checked",
    }
}

fn state_icon(state: StepState) -> Icon {
    match state {
        StepState::Valid => Icon::Check,
        StepState::Invalid => Icon::Cross,
        StepState::Unidentified => Icon::Question,
        StepState::NotChecked => Icon::Dot,
    }
}

/// The steps in order, those of a bundle by the file that they are about. `checked`: the browser has
/// computed them; until then only their titles are known.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(crate) fn Stepper(
    steps: Vec<Step>,
    checked: bool,
    /// Reveal one after another: only right after a reader asked for it.
    animate: bool,
) -> impl IntoView {
    let groups = steps.chunk_by(|one, next| one.file == next.file).map(|steps| {
        let list = steps.iter().cloned().map(|step| {
            if checked {
                view! { <CheckedStep step /> }.into_any()
            } else {
                view! { <OpenStep step /> }.into_any()
            }
        });
        let list =
            view! { <ol class="steps" class:steps-animated=animate>{list.collect_view()}</ol> };
        let Some(file) = steps.first().and_then(|step| step.file.clone()) else {
            return list.into_any();
        };
        let said = checked.then(|| view! { <span class="steps-said">{told(steps)}</span> });
        // What all holds need not be read.
        let open = checked && steps.iter().any(|step| step.state != StepState::Valid);
        view! {
            <details class="steps-of" open=open>
                <summary><span class="steps-file">{file}</span> {said}</summary>
                {list}
            </details>
        }
        .into_any()
    });
    groups.collect_view()
}

/// `4 steps hold`, or how many do not.
fn told(steps: &[Step]) -> String {
    let of = |state| steps.iter().filter(|step| step.state == state).count() as u64;
    let part = |state, one, many| (of(state) > 0).then(|| counted(of(state), one, many));
    let parts = [
        part(StepState::Invalid, "step does not hold", "steps do not hold"),
        part(StepState::Unidentified, "rests on somebody’s word", "rest on somebody’s word"),
        part(StepState::NotChecked, "is not checked", "are not checked"),
        part(StepState::Valid, "step holds", "steps hold"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A step whose result nobody has computed here yet.
#[component]
fn OpenStep(step: Step) -> impl IntoView {
    view! {
        <li class="step" data-state="unchecked">
            <span class="step-mark">{Icon::Dot.view()}</span>
            <div class="step-body">
                <h3 class="step-title">{step.title}</h3>
                <p class="step-result">"Not checked yet"</p>
            </div>
        </li>
    }
}

#[component]
fn CheckedStep(step: Step) -> impl IntoView {
    let Step { title, method, inputs, result, state, cloud, .. } = step;
    let glyph = cloud.map(|cloud| view! { <CloudGlyph cloud size=14 /> });
    let is_hash = result.len() == 64 && result.bytes().all(|byte| byte.is_ascii_hexdigit());
    view! {
        <li class="step" data-state=state_name(state)>
            <span class="step-mark">
                {state_icon(state).view()}
                <span class="visually-hidden">{state_word(state)}</span>
            </span>
            <details class="step-body">
                <summary>
                    <h3 class="step-title">{glyph} {title}</h3>
                    <span class="step-method">{method}</span>
                    <span class="step-result" class:mono=is_hash>
                        {if is_hash { format!("= {}", middle_cut(&result, 16, 16)) } else { result.clone() }}
                    </span>
                </summary>
                <StepDetails inputs result />
            </details>
        </li>
    }
}

#[component]
fn StepDetails(inputs: Vec<(String, String)>, result: String) -> impl IntoView {
    let line = |(name, value): (String, String)| {
        view! {
            <div class="step-line">
                <dt>{name} <CopyButton text=value.clone() what="value" /></dt>
                <dd>{value}</dd>
            </div>
        }
    };
    view! {
        <dl class="step-lines">
            {inputs.into_iter().map(line).collect_view()}
            {line(("result".to_owned(), result))}
        </dl>
    }
}

/// The verdict in one sentence, above the steps.
#[component]
pub(crate) fn VerdictBanner(checked: Verification) -> impl IntoView {
    let (name, icon, word) = match checked.verdict {
        Verdict::Valid => ("valid", Icon::Check, "Valid"),
        Verdict::SelfConsistent => ("unidentified", Icon::Question, "Self-consistent"),
        Verdict::Invalid => ("invalid", Icon::Cross, "Invalid"),
    };
    view! {
        <p class="verdict" data-state=name role="status">
            <span class="step-mark">{icon.view()}</span>
            <span><strong class="visually-hidden">{word} ". "</strong>{checked.sentence}</span>
        </p>
    }
}
