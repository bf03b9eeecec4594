//! Verify a receipt or evidence without trusting us: nothing leaves the page, and it works with the network
//! off once loaded.

use domain::evidence::Evidence;
use domain::finality::{Finality, Signed};
use domain::receipt::{Receipt, Step, StepState, Verification};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::announcer::Announcer;
use crate::components::drop::FileDrop;
use crate::components::hash::Hash;
use crate::components::stepper::{Stepper, VerdictBanner};
use crate::components::triad::{CloudGlyph, Triad};
use crate::pages::evidence::deed;
use crate::verification::{KeySource, Subject, fingerprint, read_policy};

/// A file by name, read or not.
type Loaded<T> = RwSignal<Option<Result<(String, T), String>>>;

#[component]
pub(crate) fn VerifyPage() -> impl IntoView {
    let subject: Loaded<Subject> = RwSignal::new(None);
    let keys: Loaded<String> = RwSignal::new(None);
    let announcer = expect_context::<Announcer>();
    let take_file = Callback::new(move |file: Result<(String, String), String>| {
        let read =
            file.and_then(|(name, text)| Subject::read(&text).map(|subject| (name, subject)));
        if let Err(sentence) = &read {
            announcer.say(sentence.clone());
        }
        subject.set(Some(read));
    });
    let take_policy = Callback::new(move |file: Result<(String, String), String>| {
        keys.set(Some(file.and_then(|(name, text)| read_policy(&text).map(|_| (name, text)))));
    });
    view! {
        <Title text="Verify" />
        <div class="verify">
            <section class="card verify-files" aria-labelledby="files-title">
                <h2 id="files-title" class="card-title">"What you bring"</h2>
                <p>
                    "Everything is computed in this page, by the same code as " <code>"ternion verify"</code>
                    ". No file leaves this computer; turn the network off if you like."
                </p>
                <FileDrop id="receipt" label="Receipt or evidence" hint="JSON, from the page of an event or of evidence, or from whoever wants to convince you" accept=".json,application/json" on_text=take_file />
                <FileState loaded=subject />
                <FileDrop id="policy" label="Policy file, if you hold one" hint="Whose keys count: C2SP tlog-policy. Yours, not the server’s" accept=".txt,.policy,text/plain" on_text=take_policy />
                <FileState loaded=keys />
                <noscript><p class="form-error">"This page needs WebAssembly. Run " <code>"ternion verify --policy FILE FILE"</code> " instead."</p></noscript>
            </section>
            <section class="card proof" aria-label="Result">
                {move || view! { <Result subject=subject.get() keys=keys.get() /> }}
            </section>
        </div>
    }
    .into_any()
}

#[component]
fn FileState<T: Clone + Send + Sync + 'static>(loaded: Loaded<T>) -> impl IntoView {
    move || match loaded.get() {
        None => ().into_any(),
        Some(Ok((name, _))) => view! { <p class="file-state">{name}</p> }.into_any(),
        Some(Err(sentence)) => {
            view! { <p class="form-error" role="alert">{sentence}</p> }.into_any()
        }
    }
}

type Given<T> = Option<Result<(String, T), String>>;

#[component]
fn Result(subject: Given<Subject>, keys: Given<String>) -> impl IntoView {
    let Some(Ok((_, subject))) = subject else {
        return view! { <Nothing /> }.into_any();
    };
    let source = match keys {
        Some(Ok((name, text))) => KeySource::Own { name, text },
        _ => KeySource::Enclosed,
    };
    match subject.check(&source) {
        Ok(checked) => view! { <Shown subject checked source /> }.into_any(),
        Err(sentence) => view! { <p class="form-error" role="alert">{sentence}</p> }.into_any(),
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <div class="empty">
            <Triad signed=Signed::default() status=Finality::Pending size=72 />
            <h2>"Nothing checked yet"</h2>
            <p>"Drop a receipt or evidence, or choose a file. Each step will show its inputs and what came out."</p>
        </div>
    }
}

#[component]
fn Shown(subject: Subject, checked: Verification, source: KeySource) -> impl IntoView {
    let policy = match source {
        KeySource::Own { name, text } => Some(
            view! { <p class="muted">"Under " <strong>{name}</strong> ", fingerprint " <span class="mono fingerprint">{fingerprint(&text)}</span></p> },
        ),
        KeySource::Enclosed | KeySource::Server(_) => None,
    };
    let (glyph, about) = match subject {
        Subject::Receipt(receipt) => about_event(*receipt, &checked.steps),
        Subject::Evidence(evidence) => about_evidence(&evidence),
    };
    view! {
        <header class="verify-head">
            {glyph}
            <div>
                {about}
                {policy}
            </div>
        </header>
        <VerdictBanner checked=checked.clone() />
        <Stepper steps=checked.steps checked=true animate=true />
    }
    .into_any()
}

/// A sign, and what stands beside it.
type About = (AnyView, AnyView);

fn about_event(receipt: Receipt, steps: &[Step]) -> About {
    let signed = Signed::from_fn(|cloud| {
        steps.iter().any(|step| step.cloud == Some(cloud) && step.state == StepState::Valid)
    });
    let sound = steps.iter().all(|step| step.state != StepState::Invalid);
    let status = if sound { Finality::Final } else { Finality::Quarantined };
    let Receipt { event, slot, .. } = receipt;
    let words = view! {
        <h2 class="verify-id mono">{event.event_id.to_string()}</h2>
        <p class="muted">{event.tenant_id.to_string()} " · " <span class="mono">{slot.to_string()}</span> " · " <Hash value=event.hash.to_string() what="hash" /></p>
    };
    (view! { <Triad signed=signed status=status size=48 /> }.into_any(), words.into_any())
}

/// Whom it names, which the steps then prove or do not.
fn about_evidence(evidence: &Evidence) -> About {
    let accused = evidence.accused();
    let glyph =
        accused.as_ref().map(|accused| view! { <CloudGlyph cloud=accused.cloud size=48 /> });
    let (title, log) = accused.map_or_else(
        || ("Evidence against nobody that it names".to_owned(), String::new()),
        |accused| (format!("Evidence against {}", accused.cloud.title()), accused.log.to_string()),
    );
    let words = view! {
        <h2 class="verify-id">{title}</h2>
        <p class="muted">{deed(evidence.kind())} " · " <span class="mono">{log}</span> " · " <Hash value=evidence.id().to_string() what="id" /></p>
    };
    (glyph.into_any(), words.into_any())
}
