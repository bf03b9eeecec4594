//! The one event stream of a tab, and what the pages know because of it.
//!
//! `state` messages replace each other; `events` messages carry rows that are new or newly final;
//! `gap` says that some were missed, so lists must be fetched again. A page never guesses: when
//! nothing was heard for [`SILENCE_MS_MAX`], what it shows is called stale.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::backend::{LiveState, StreamEvents};
use crate::browser;
use crate::encoding::read;

const STREAM_URL: &str = "/v1/stream";
/// The server sends `state` every second; eight missed ones are no hiccup.
const SILENCE_MS_MAX: i64 = 8_000;
const WATCH_PERIOD: Duration = Duration::from_secs(1);
/// After the browser gave up (an error answer ends an `EventSource`), we open a new one.
const REOPEN_AFTER_MS: i64 = 4_000;

/// How the stream itself is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not tried yet: the server's HTML.
    Connecting,
    Live,
    Reconnecting,
    /// Nothing heard since then.
    Stale(Timestamp),
}

impl Link {
    /// One word for style sheets and tests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Link::Connecting => "connecting",
            Link::Live => "live",
            Link::Reconnecting => "reconnecting",
            Link::Stale(_) => "stale",
        }
    }
}

/// A context of every page behind the sign-in.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    pub(crate) state: RwSignal<Option<LiveState>>,
    pub(crate) events: RwSignal<Option<Arc<StreamEvents>>>,
    pub(crate) link: RwSignal<Link>,
    /// Counts the gaps: a list that tracks it fetches again.
    pub(crate) gaps: RwSignal<u32>,
    /// The stream has begun. What changed between the server's HTML and this moment was told to
    /// nobody: a page that shows something unsettled asks once more.
    pub(crate) began: RwSignal<bool>,
}

impl Live {
    /// `first`: the state that came with the page.
    pub(crate) fn provide(first: Option<LiveState>) -> Self {
        let live = Live {
            state: RwSignal::new(first),
            events: RwSignal::new(None),
            link: RwSignal::new(Link::Connecting),
            gaps: RwSignal::new(0),
            began: RwSignal::new(false),
        };
        provide_context(live);
        Effect::new(move |_| live.connect());
        live
    }

    /// Opens the stream, and watches over it until the page's owner goes away.
    fn connect(self) {
        let heard = StoredValue::new(browser::now());
        let source = StoredValue::new_local(self.open(heard));
        let watch = set_interval_with_handle(
            move || {
                let silence_ms = browser::now().unix_ms() - heard.get_value().unix_ms();
                if silence_ms > SILENCE_MS_MAX {
                    self.set_link(Link::Stale(heard.get_value()));
                }
                let closed = source.with_value(|source| {
                    source
                        .as_ref()
                        .is_none_or(|source| source.ready_state() == web_sys::EventSource::CLOSED)
                });
                if closed && silence_ms > REOPEN_AFTER_MS {
                    source.set_value(self.open(heard));
                }
            },
            WATCH_PERIOD,
        );
        on_cleanup(move || {
            if let Ok(watch) = watch {
                watch.clear();
            }
            source.with_value(|source| source.as_ref().map(web_sys::EventSource::close));
        });
    }

    fn open(self, heard: StoredValue<Timestamp>) -> Option<web_sys::EventSource> {
        let source = web_sys::EventSource::new(STREAM_URL).ok()?;
        listen(&source, "state", move |text| {
            heard.set_value(browser::now());
            if let Ok(state) = read::<LiveState>(&text) {
                self.state.set(Some(state));
                self.set_link(Link::Live);
            }
        });
        listen(&source, "events", move |text| {
            heard.set_value(browser::now());
            if let Ok(events) = read::<StreamEvents>(&text) {
                self.events.set(Some(Arc::new(events)));
            }
        });
        listen(&source, "gap", move |_| self.missed_some());
        listen(&source, "open", move |_| {
            heard.set_value(browser::now());
            // Whatever the server could resume, it cannot know what this page has seen.
            if self.began.get_untracked() { self.missed_some() } else { self.began.set(true) }
        });
        let failed = Closure::<dyn Fn()>::new(move || {
            if !matches!(self.link.get_untracked(), Link::Stale(_)) {
                self.set_link(Link::Reconnecting);
            }
        });
        source.set_onerror(Some(failed.as_ref().unchecked_ref()));
        failed.forget(); // lives as long as the source, which lives as long as the page
        Some(source)
    }

    /// Asks once more, once the stream has begun, if what the page shows was unsettled by then.
    /// To be called where the page begins, outside of what is built again with each answer.
    pub(crate) fn catch_up(self, unsettled: Signal<bool>, refetch: Callback<()>) {
        Effect::new(move |_| {
            if self.began.get() && unsettled.get_untracked() {
                refetch.run(());
            }
        });
    }

    fn missed_some(self) {
        self.gaps.update(|gaps| *gaps += 1);
    }

    /// Notifies only when something changed: readers announce it.
    fn set_link(self, link: Link) {
        if self.link.get_untracked() != link {
            self.link.set(link);
        }
    }
}

/// `hear` gets the message's text; an event without one, such as `open`, gives an empty text.
fn listen(source: &web_sys::EventSource, name: &str, mut hear: impl FnMut(String) + 'static) {
    let hear = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
        let message = event.dyn_ref::<web_sys::MessageEvent>();
        hear(message.and_then(|message| message.data().as_string()).unwrap_or_default());
    });
    let _ = source.add_event_listener_with_callback(name, hear.as_ref().unchecked_ref());
    hear.forget(); // lives as long as the source, which lives as long as the page
}

/// What is said about the deployment as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Normal,
    /// Two clouds left: every event needs both.
    Degraded,
    /// A cloud is proven to have broken the rules with a key that still counts, or its log is
    /// frozen: whoever is up, that is not normal.
    Alarm,
    /// Too few clouds are left: nothing new becomes final.
    NoQuorum,
}

/// What is held against a cloud, by what the viewing node has verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// It signed with a key that still counts what no honest holder signs.
    KeyProvenBad,
    /// Nothing more of the log in which it records becomes final.
    LogFrozen,
}

impl LiveState {
    pub(crate) fn health(&self) -> Health {
        match self.clouds_up {
            up if up < self.mode.clouds_needed() => Health::NoQuorum,
            _ if self.proven().iter().any(|(_, proven)| *proven) => Health::Alarm,
            0..=2 => Health::Degraded,
            _ => Health::Normal,
        }
    }

    /// Of which clouds something is proven.
    pub(crate) fn proven(&self) -> PerCloud<bool> {
        self.clouds.map(|cloud, _| self.standing(cloud) != Standing::Good)
    }

    pub(crate) fn standing(&self, cloud: Cloud) -> Standing {
        if self.clouds.get(cloud).frozen {
            Standing::LogFrozen
        } else if self.accusations.iter().any(|one| one.cloud == cloud) {
            Standing::KeyProvenBad
        } else {
            Standing::Good
        }
    }
}
