//! The command palette: pages, acts, and whatever an id, hash or name leads to.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::api;
use crate::backend::Theme;
use crate::browser;
use crate::components::dialog::Dialog;
use crate::shell::console::{Dialogs, Here};
use crate::zone::Zone;

/// A pause in typing before the server is asked.
const PAUSE: Duration = Duration::from_millis(160);
const SEARCH_CHARS_MIN: usize = 2;
const INPUT_ID: &str = "palette-input";
const LIST_ID: &str = "palette-list";

#[derive(Clone, PartialEq)]
enum Command {
    /// A page of this console.
    Go(String),
    /// Another cloud's console.
    Leave(String),
    Theme(Theme),
    Zone,
}

/// One line of the list.
#[derive(Clone, PartialEq)]
struct Choice {
    title: String,
    detail: String,
    command: Command,
}

fn choice(title: &str, detail: &str, command: Command) -> Choice {
    Choice { title: title.to_owned(), detail: detail.to_owned(), command }
}

/// What the palette offers before anything is searched.
fn standing_choices(here: &Here) -> Vec<Choice> {
    let mut choices: Vec<Choice> = here
        .places()
        .filter(|place| here.refusal(*place).is_none())
        .map(|place| choice(place.title, "page", Command::Go(place.path.to_owned())))
        .collect();
    choices.push(choice("Quarantine", "ledger", Command::Go("/ledger/quarantine".to_owned())));
    for (title, query) in [("Pending events", "PENDING"), ("Disputed events", "DISPUTED")] {
        choices.push(choice(title, "ledger", Command::Go(format!("/ledger?status={query}"))));
    }
    choices.push(choice(
        "Evidence against clouds",
        "ledger",
        Command::Go("/ledger/evidence".to_owned()),
    ));
    choices.push(choice("Keys", "ledger", Command::Go("/ledger/keys".to_owned())));
    for peer in here.deployment.cloud.peers() {
        let url = here.deployment.clouds.get(peer).url.clone();
        choices.push(choice(
            &format!("Open {}'s console", peer.name()),
            "another cloud",
            Command::Leave(url),
        ));
    }
    choices.push(choice("Dark colours", "act", Command::Theme(Theme::Dark)));
    choices.push(choice("Light colours", "act", Command::Theme(Theme::Light)));
    choices.push(choice("Colours of the system", "act", Command::Theme(Theme::System)));
    choices.push(choice("UTC or local times", "act", Command::Zone));
    choices
}

/// The state of the palette while it is open.
#[derive(Clone, Copy)]
struct State {
    text: RwSignal<String>,
    found: RwSignal<Vec<Choice>>,
    at: RwSignal<usize>,
}

impl State {
    fn new() -> Self {
        State { text: RwSignal::default(), found: RwSignal::default(), at: RwSignal::new(0) }
    }

    /// Fitting pages and acts first, then what the server found.
    fn choices(self, standing: &[Choice]) -> Vec<Choice> {
        let wanted = self.text.get().trim().to_ascii_lowercase();
        let fits = |choice: &&Choice| choice.title.to_ascii_lowercase().contains(&wanted);
        let mut choices: Vec<Choice> = standing.iter().filter(fits).cloned().collect();
        choices.extend(self.found.get());
        choices
    }

    fn step(self, by: isize, count: usize) {
        if count > 0 {
            self.at.update(|at| *at = at.saturating_add_signed(by).min(count - 1));
            browser::scroll_into_view(&option_id(self.at.get_untracked()));
        }
    }

    /// Asks the server; an answer to a text that has changed since is dropped.
    fn search(self) {
        let text = self.text.get_untracked().trim().to_owned();
        if text.chars().count() < SEARCH_CHARS_MIN {
            self.found.set(Vec::new());
            return;
        }
        leptos::task::spawn_local(async move {
            let hits = api::search(text.clone()).await.unwrap_or_default();
            if self.text.get_untracked().trim() == text {
                let found = hits.into_iter().map(|hit| Choice {
                    title: hit.title,
                    detail: if hit.detail.is_empty() {
                        hit.what
                    } else {
                        format!("{} · {}", hit.what, hit.detail)
                    },
                    command: Command::Go(hit.link),
                });
                self.found.set(found.collect());
            }
        });
    }
}

fn option_id(at: usize) -> String {
    format!("palette-option-{at}")
}

#[component]
pub(super) fn Palette() -> impl IntoView {
    let dialogs = expect_context::<Dialogs>();
    let here = expect_context::<Here>();
    let state = State::new();
    let standing = StoredValue::new(standing_choices(&here));
    let choices = Memo::new(move |_| standing.with_value(|standing| state.choices(standing)));
    let run = runner(dialogs.palette, state, here.theme);
    view! {
        <Dialog node=dialogs.palette id="palette" title="Go to".to_owned()>
            <PaletteInput state choices run />
            <ul class="palette-list" id=LIST_ID role="listbox" aria-label="Pages, acts and findings">
                {move || {
                    choices
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(index, choice)| view! { <PaletteOption index choice state run /> })
                        .collect_view()
                }}
            </ul>
            <p class="muted palette-empty" hidden=move || !choices.read().is_empty()>
                "Nothing fits. An id, a hash or its first 8 digits, a slot such as gcp/1/204, or a tenant are found."
            </p>
        </Dialog>
    }
}

/// Does what a choice says, and closes the palette.
fn runner(
    dialog: NodeRef<html::Dialog>,
    state: State,
    chosen: RwSignal<Theme>,
) -> Callback<Command> {
    let navigate = use_navigate();
    let zone = expect_context::<Zone>();
    Callback::new(move |command: Command| {
        browser::close_dialog(dialog);
        state.text.set(String::new());
        state.found.set(Vec::new());
        state.at.set(0);
        match command {
            Command::Go(path) => navigate(&path, NavigateOptions::default()),
            Command::Leave(url) => {
                let _ = window().location().set_href(&url);
            }
            Command::Theme(theme) => {
                chosen.set(theme);
                browser::set_theme(theme);
            }
            Command::Zone => zone.toggle(),
        }
    })
}

#[component]
fn PaletteInput(state: State, choices: Memo<Vec<Choice>>, run: Callback<Command>) -> impl IntoView {
    let mut search_later = debounce(PAUSE, move |()| state.search());
    let typed = move |event: web_sys::Event| {
        state.text.set(event_target_value(&event));
        state.at.set(0);
        search_later(());
    };
    let key = move |event: web_sys::KeyboardEvent| {
        let count = choices.read_untracked().len();
        match event.key().as_str() {
            "ArrowDown" => state.step(1, count),
            "ArrowUp" => state.step(-1, count),
            "Enter" => {
                let chosen = choices.read_untracked().get(state.at.get_untracked()).cloned();
                if let Some(choice) = chosen {
                    run.run(choice.command);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <input
            id=INPUT_ID
            class="palette-input"
            type="text"
            role="combobox"
            aria-expanded="true"
            aria-controls=LIST_ID
            aria-activedescendant=move || option_id(state.at.get())
            aria-label="Page, act, id, hash, slot or tenant"
            placeholder="Page, act, id, hash, slot or tenant"
            autocomplete="off"
            spellcheck="false"
            autofocus
            prop:value=state.text
            on:input=typed
            on:keydown=key
        />
    }
}

#[component]
fn PaletteOption(
    index: usize,
    choice: Choice,
    state: State,
    run: Callback<Command>,
) -> impl IntoView {
    let Choice { title, detail, command } = choice;
    let selected = move || state.at.get() == index;
    let hover = move |_| {
        if state.at.get_untracked() != index {
            state.at.set(index);
        }
    };
    view! {
        <li
            id=option_id(index)
            class="palette-option"
            role="option"
            aria-selected=move || selected().to_string()
            on:click=move |_| run.run(command.clone())
            on:pointermove=hover
        >
            <span>{title}</span>
            <span class="muted">{detail}</span>
        </li>
    }
}
