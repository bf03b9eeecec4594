//! Which clock times are read on. The server writes UTC; the browser shows local time once it is
//! alive, always with the zone's name, and remembers a wish for UTC.

use domain::clock::Timestamp;
use leptos::prelude::*;

use crate::browser;
use crate::format::{self, TimeShape};

const STORAGE_KEY: &str = "ternion.zone";
const UTC: &str = "utc";

/// A context of every page.
#[derive(Clone, Copy)]
pub(crate) struct Zone {
    local: RwSignal<bool>,
}

impl Zone {
    /// UTC to begin with, since the server cannot know the reader's zone.
    pub(crate) fn provide() {
        provide_context(Zone { local: RwSignal::new(false) });
    }

    /// Called where the page begins, whose code may come late: times that changed before it has taken
    /// over the server's HTML would stand there unchanged.
    pub(crate) fn follow_the_reader(self) {
        Effect::new(move |_| {
            self.local.set(browser::remembered(STORAGE_KEY).as_deref() != Some(UTC));
        });
    }

    pub(crate) fn is_local(self) -> bool {
        self.local.get()
    }

    pub(crate) fn choose(self, local: bool) {
        self.local.set(local);
        browser::remember(STORAGE_KEY, if local { "local" } else { UTC });
    }

    pub(crate) fn toggle(self) {
        self.choose(!self.local.get_untracked());
    }

    /// Minutes east of UTC that apply at that instant (daylight saving moves it).
    fn offset_minutes(self, at: Timestamp) -> i32 {
        if self.local.get() { browser::offset_minutes(at) } else { 0 }
    }

    pub(crate) fn clock(self, at: Timestamp, shape: TimeShape) -> String {
        format::clock(at, self.offset_minutes(at), shape)
    }

    pub(crate) fn name(self, at: Timestamp) -> String {
        format::zone_name(self.offset_minutes(at))
    }
}
