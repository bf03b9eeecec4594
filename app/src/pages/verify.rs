//! Verify a bundle, a receipt, evidence or a proof by others without trusting us: nothing leaves the
//! page, and it works with the network off once loaded.

mod beside;
mod subject;

use domain::receipt::Verification;
use domain::verifier::{Held, Unreadable};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::announcer::Announcer;
use crate::components::drop::{Chosen, FileDrop, as_text};
use crate::components::stepper::{Stepper, VerdictBanner};
use crate::verification::{fingerprint, read_policy};
use beside::{Beside, Brought};
use subject::About;

/// A file by name, read or not.
type Loaded<T> = RwSignal<Option<Chosen<T>>>;

/// Every form that the one way in knows.
const FORMS: &str =
    ".zip,.json,.ots,.tsr,.txt,application/zip,application/json,application/octet-stream";

#[component]
pub(crate) fn VerifyPage() -> impl IntoView {
    let file: Loaded<Vec<u8>> = RwSignal::new(None);
    let keys: Loaded<String> = RwSignal::new(None);
    let brought = Brought::default();
    let announcer = expect_context::<Announcer>();
    let take_file = Callback::new(move |chosen: Chosen<Vec<u8>>| {
        if let Err(sentence) = &chosen {
            announcer.say(sentence.clone());
        }
        file.set(Some(chosen));
    });
    let take_policy = Callback::new(move |chosen: Chosen<String>| {
        keys.set(Some(chosen.and_then(|(name, text)| read_policy(&text).map(|_| (name, text)))));
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
                <FileDrop id="receipt" label="Bundle, receipt, evidence or proof" hint="audit-….zip, receipt.json, root.ots, root.tsr, ethereum.json: from this product, or from whoever wants to convince you" accept=FORMS on_file=take_file />
                <FileState loaded=file />
                <FileDrop id="policy" label="Policy file, if you hold one" hint="Whose keys count: C2SP tlog-policy. Yours, not the server’s" accept=".txt,.policy,text/plain" on_file=as_text(take_policy) />
                <FileState loaded=keys />
                <Beside brought />
                <noscript><p class="form-error">"This page needs WebAssembly. Run " <code>"ternion verify --policy FILE FILE"</code> " instead."</p></noscript>
            </section>
            <section class="card proof" aria-label="Result">
                {move || view! { <Result file=file.get() keys=keys.get() brought /> }}
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

type Given<T> = Option<Chosen<T>>;

#[component]
fn Result(file: Given<Vec<u8>>, keys: Given<String>, brought: Brought) -> impl IntoView {
    let policy = keys.and_then(Result::ok);
    let (held, stamped) = match brought.read() {
        Ok(read) => read,
        // Each field says what is wrong with it.
        Err(_) => return view! { <subject::Nothing hash=None /> }.into_any(),
    };
    let Some(Ok((name, bytes))) = file else {
        return view! { <subject::Nothing hash=Some(brought.hash.get()) /> }.into_any();
    };
    let parsed = policy.as_ref().and_then(|(_, text)| read_policy(text).ok());
    let held = Held { policy: parsed, ..held };
    match held.check(&bytes, stamped.as_ref()) {
        Ok(checked) => view! { <Shown name bytes checked policy /> }.into_any(),
        Err(error) => view! {
            <div class="empty">
                <h2>{format!("{name} cannot be read")}</h2>
                <p class="form-error" role="alert">{sentence(&error)}</p>
            </div>
        }
        .into_any(),
    }
}

/// The domain's words, as a sentence.
fn sentence(error: &Unreadable) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

#[component]
fn Shown(
    name: String,
    bytes: Vec<u8>,
    checked: Verification,
    policy: Option<(String, String)>,
) -> impl IntoView {
    let policy = policy.map(|(name, text)| {
        view! { <p class="muted">"Under " <strong>{name}</strong> ", fingerprint " <span class="mono fingerprint">{fingerprint(&text)}</span></p> }
    });
    let About { glyph, words } = subject::about(&name, &bytes, &checked.steps);
    view! {
        <header class="verify-head">
            {glyph}
            <div>
                {words}
                {policy}
            </div>
        </header>
        <VerdictBanner checked=checked.clone() />
        <Stepper steps=checked.steps checked=true animate=true />
    }
    .into_any()
}
