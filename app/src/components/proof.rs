//! The proof, recomputed here: the same code that the server and the command line run.

use domain::receipt::Verification;
use leptos::prelude::*;

use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::drop::{FileDrop, as_text};
use crate::components::stepper::{Stepper, VerdictBanner};
use crate::verification::{KeySource, Subject, fingerprint, needs_nobodys_word, read_policy};

/// What the reader sees: a plan until the browser has computed it.
#[derive(Clone)]
struct Outcome {
    checked: Verification,
    /// `None`: nobody has checked it in this browser.
    took_ms: Option<f64>,
    animate: bool,
}

/// A receipt or evidence, read, and the policy file that this server hands out.
#[component]
pub(crate) fn Proof(subject: Result<Subject, String>, policy: String) -> impl IntoView {
    match subject {
        Ok(subject) => view! { <Checkable subject server_policy=policy /> }.into_any(),
        Err(sentence) => {
            view! { <section class="card proof"><p class="form-error">{sentence}</p></section> }
                .into_any()
        }
    }
}

#[component]
fn Checkable(subject: Subject, server_policy: String) -> impl IntoView {
    let keys = RwSignal::new(KeySource::Server(server_policy));
    let outcome = RwSignal::new(None::<Result<Outcome, String>>);
    let announcer = expect_context::<Announcer>();
    let noun = subject.noun();
    let subject = StoredValue::new(subject);
    // Titles of the steps for the server's HTML; results only ever come from the browser.
    let plan = subject.with_value(|subject| subject.check(&KeySource::Enclosed));
    let plan = plan.map(|checked| Outcome { checked, took_ms: None, animate: false });
    let run = move |animate: bool| {
        let checked = timed(|| subject.with_value(|subject| subject.check(&keys.read_untracked())));
        if animate && let Ok(outcome) = &checked {
            announcer.say(outcome.checked.sentence.clone());
        }
        outcome.set(Some(checked.map(|outcome| Outcome { animate, ..outcome })));
    };
    Effect::new(move |_| run(false));
    let take_policy = Callback::new(move |file: Result<(String, String), String>| {
        match file
            .and_then(|(name, text)| read_policy(&text).map(|_| KeySource::Own { name, text }))
        {
            Ok(own) => {
                keys.set(own);
                run(true);
            }
            Err(sentence) => announcer.say(sentence),
        }
    });
    view! {
        <section class="card proof" aria-labelledby="proof-title">
            {move || view! { <Checked noun outcome=outcome.get().unwrap_or_else(|| plan.clone()) /> }}
            <footer class="proof-foot">
                <KeyWord keys />
                <FileDrop id="own-policy" label="Bring your own policy file" hint="Read in this page, sent nowhere" accept=".txt,.policy,text/plain" on_file=as_text(take_policy) />
                <button type="button" class="button needs-script" on:click=move |_| run(true)>"Verify again"</button>
            </footer>
        </section>
    }
    .into_any()
}

fn timed(check: impl FnOnce() -> Result<Verification, String>) -> Result<Outcome, String> {
    let before = browser::precise_ms();
    let checked = check()?;
    Ok(Outcome { checked, took_ms: Some(browser::precise_ms() - before), animate: true })
}

#[component]
fn Checked(noun: &'static str, outcome: Result<Outcome, String>) -> impl IntoView {
    let Outcome { checked, took_ms, animate } = match outcome {
        Ok(outcome) => outcome,
        Err(sentence) => {
            return view! { <p class="form-error" role="alert">{sentence}</p> }.into_any();
        }
    };
    let steps = checked.steps.clone();
    let total = steps.len();
    let sure = needs_nobodys_word(&steps);
    match took_ms {
        Some(ms) => view! {
            <h2 id="proof-title" class="card-title">
                {format!("Verified in this browser: {sure} of {total} steps need nobody’s word")}
                <span class="muted">{format!(" · {ms:.0} ms")}</span>
            </h2>
            <VerdictBanner checked />
            <Stepper steps checked=true animate />
        }
        .into_any(),
        None => view! {
            <h2 id="proof-title" class="card-title">{format!("{total} steps, not checked yet")}</h2>
            <p class="muted">
                {format!("Your browser checks them by itself once WebAssembly runs. Without it: download the {noun} and run ")}
                <code>{format!("ternion verify --policy FILE {}", noun.to_ascii_uppercase())}</code> "."
            </p>
            <Stepper steps checked=false animate=false />
        }
        .into_any(),
    }
}

/// On whose word the keys rest.
#[component]
fn KeyWord(keys: RwSignal<KeySource>) -> impl IntoView {
    move || {
        match keys.get() {
        KeySource::Enclosed => view! { <p class="muted">"Keys: those in the file."</p> }.into_any(),
        KeySource::Server(policy) => view! {
            <p class="muted">
                "Keys: this server’s policy file, fingerprint " <span class="mono fingerprint">{fingerprint(&policy)}</span> ". "
                <a href="/v1/policy-file" rel="external" download>"Download it"</a>
            </p>
        }
        .into_any(),
        KeySource::Own { name, text } => view! {
            <p>
                "Keys: your file " <strong>{name}</strong> ", fingerprint " <span class="mono fingerprint">{fingerprint(&text)}</span> "."
            </p>
        }
        .into_any(),
    }
    }
}
