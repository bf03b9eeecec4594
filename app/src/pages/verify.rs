//! Verify a bundle, a receipt, evidence or a proof by others without trusting us: nothing leaves the
//! page, and it works with the network off once loaded.

mod ask;
mod beside;
mod checker;
mod ours;
mod subject;
mod typed;
mod walk;

use domain::receipt::Verification;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::backend::Problem;
use crate::components::announcer::Announcer;
use crate::components::drop::{Chosen, FileDrop, as_text};
use crate::components::problem::ProblemCard;
use crate::components::stepper::{Stepper, VerdictBanner};
use crate::verification::{fingerprint, read_policy};
use beside::{Beside, Brought};
use checker::{Answer, Question};
use ours::{Ours, Taking, Way};
use subject::About;

/// A file by name, read or not.
type Loaded<T> = RwSignal<Option<Chosen<T>>>;

/// The file that is checked, and what stands beside it where this cloud handed it out.
#[derive(Clone, Copy)]
struct Brings {
    file: Loaded<Vec<u8>>,
    /// From one event to the file, which is a bundle.
    way: RwSignal<Option<Way>>,
    /// Why there is no more than that.
    note: RwSignal<Option<Problem>>,
}

impl Brings {
    fn clear(self) {
        self.way.set(None);
        self.note.set(None);
        self.file.set(None);
    }

    /// Of the reader's own.
    fn take(self, chosen: Chosen<Vec<u8>>) {
        self.way.set(None);
        self.note.set(None);
        self.file.set(Some(chosen));
    }
}

/// Every form that the one way in knows.
const FORMS: &str =
    ".zip,.json,.ots,.tsr,.txt,application/zip,application/json,application/octet-stream";

#[component]
pub(crate) fn VerifyPage() -> impl IntoView {
    let file: Loaded<Vec<u8>> = RwSignal::new(None);
    let brings = Brings { file, way: RwSignal::new(None), note: RwSignal::new(None) };
    let keys: Loaded<String> = RwSignal::new(None);
    let brought = Brought::default();
    let announcer = expect_context::<Announcer>();
    let take_file = Callback::new(move |chosen: Chosen<Vec<u8>>| {
        if let Err(sentence) = &chosen {
            announcer.say(sentence.clone());
        }
        brings.take(chosen);
    });
    let take_policy = Callback::new(move |chosen: Chosen<String>| {
        keys.set(Some(chosen.and_then(|(name, text)| read_policy(&text).map(|_| (name, text)))));
    });
    let ready = RwSignal::new(false);
    Effect::new(move |_| {
        leptos::task::spawn_local(async move {
            checker::come().await;
            ready.set(true);
        });
    });
    let ours = Ours::follow(brings);
    let answer = answers(brings, keys, brought);
    let places = Memo::new(move |_| {
        answer.read().as_ref().map(|answer| answer.places.clone()).unwrap_or_default()
    });
    view! {
        <Title text="Verify" />
        <div class="verify" data-ready=move || ready.get().then_some("")>
            <section class="card verify-files" aria-labelledby="files-title">
                <h2 id="files-title" class="card-title">"What you bring"</h2>
                <p>
                    "Everything is computed in this page, by the same code as " <code>"ternion verify"</code>
                    ". No file leaves this computer. "
                    {move || if ready.get() { "The checker is here: turn the network off if you like." } else { "The checker is on its way." }}
                </p>
                <FileDrop id="receipt" label="Bundle, receipt, price trail, evidence or proof" hint="audit-….zip, receipt.json, price-trail-….json, root.ots, root.tsr, ethereum.json: from this product, or from whoever wants to convince you" accept=FORMS on_file=take_file />
                <FileState loaded=file />
                <FileDrop id="policy" label="Policy file, if you hold one" hint="Whose keys count: C2SP tlog-policy. Yours, not the server’s" accept=".txt,.policy,text/plain" on_file=as_text(take_policy) />
                <FileState loaded=keys />
                <Beside brought />
                <ask::Ask places asked=brought.asked network=brought.network() />
                <noscript><p class="form-error">"This page needs WebAssembly. Run " <code>"ternion verify --policy FILE FILE"</code> " instead."</p></noscript>
            </section>
            <section class="card proof" aria-label="Result">
                {move || brings.note.get().map(|note| view! { <NotCovered note /> })}
                {move || match (ours.taking.get(), answer.get()) {
                    (Taking::Failed(problem), None) => view! { <ProblemCard problem retry=Callback::new(move |()| ours.again()) /> }.into_any(),
                    (Taking::Fetching(name), None) => view! { <Fetching name /> }.into_any(),
                    (_, Some(answer)) => view! { <Result answer /> }.into_any(),
                    (_, None) => view! { <subject::Nothing has_hash=!brought.fields().hash.trim().is_empty() /> }.into_any(),
                }}
            </section>
        </div>
    }
    .into_any()
}

/// No snapshot reaches up to the event: its receipt is all that there is.
#[component]
fn NotCovered(note: Problem) -> impl IntoView {
    view! {
        <div class="held" role="status">
            <p><strong>{note.title} "."</strong> " " {note.detail}</p>
        </div>
    }
}

#[component]
fn Fetching(name: String) -> impl IntoView {
    view! {
        <div class="empty" role="status">
            <h2>{name}</h2>
            <p>"It is fetched from this cloud, and then checked here like a file from anybody else."</p>
        </div>
    }
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

/// What came of the file and of what stands beside it, as of the last change. Runs in the browser
/// only: the server checks nothing for this page.
fn answers(brings: Brings, keys: Loaded<String>, brought: Brought) -> RwSignal<Option<Answer>> {
    let answer = RwSignal::new(None);
    let turns = StoredValue::new(0_u64);
    Effect::new(move |_| {
        let (fields, policy) = (brought.fields(), keys.get().and_then(Result::ok));
        let way = brings.way.get();
        let Some(Ok((name, bytes))) = brings.file.get() else { return answer.set(None) };
        let turn = turns.get_value() + 1;
        turns.set_value(turn);
        leptos::task::spawn_local(async move {
            let done = checker::answer(Question { name, bytes, policy, fields, way }).await;
            // Something else may have been dropped meanwhile.
            if turns.get_value() == turn {
                answer.set(Some(done));
            }
        });
    });
    answer
}

#[component]
fn Result(answer: Answer) -> impl IntoView {
    let Answer { question, checked, snapshot, stretches, .. } = answer;
    match checked {
        Ok(checked) => {
            let Question { name, bytes, policy, way, .. } = question;
            let about = match &way {
                Some(way) => subject::about(&name, &way.receipt, None, &checked.steps),
                None => subject::about(&name, &bytes, snapshot, &checked.steps),
            };
            let steps = match way {
                Some(way) => view! { <walk::Stretches stretches period=way.period /> }.into_any(),
                None => view! { <Stepper steps=checked.steps.clone() checked=true animate=true /> }
                    .into_any(),
            };
            view! { <Shown about checked policy /> {steps} }.into_any()
        }
        Err(sentence) => view! {
            <div class="empty">
                <h2>{format!("{} is not checked", question.name)}</h2>
                <p class="form-error" role="alert">{sentence}</p>
            </div>
        }
        .into_any(),
    }
}

#[component]
fn Shown(about: About, checked: Verification, policy: Option<(String, String)>) -> impl IntoView {
    let policy = policy.map(|(name, text)| {
        view! { <p class="muted">"Under " <strong>{name}</strong> ", fingerprint " <span class="mono fingerprint">{fingerprint(&text)}</span></p> }
    });
    view! {
        <header class="verify-head">
            {about.glyph}
            <div>
                {about.words}
                {policy}
            </div>
        </header>
        <VerdictBanner checked />
    }
    .into_any()
}
