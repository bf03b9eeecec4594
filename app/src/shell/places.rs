//! Where a reader was on a page that scrolls by itself, for when they come back to it.

use leptos::ev;
use leptos::prelude::*;

use crate::browser;

/// A page that is shown this long after Back or Forward was pressed is shown because of it.
const RETURN_MS_MAX: i64 = 4_000;
/// Older places are forgotten.
const PLACES_MAX: usize = 20;

/// A context of every page behind the sign-in.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    /// Address of the page, and how far it was scrolled; the newest last.
    left: StoredValue<Vec<(String, i32)>>,
    returned_at_ms: StoredValue<i64>,
}

impl Places {
    pub(crate) fn provide() {
        let places = Places { left: StoredValue::default(), returned_at_ms: StoredValue::new(0) };
        provide_context(places);
        Effect::new(move |_| {
            let handle = window_event_listener(ev::popstate, move |_| {
                places.returned_at_ms.set_value(browser::now().unix_ms());
            });
            on_cleanup(move || handle.remove());
        });
    }

    /// The reader scrolled the page at this address.
    pub(crate) fn scrolled(self, address: &str, top: i32) {
        self.left.update_value(|left| {
            left.retain(|(other, _)| other != address);
            left.push((address.to_owned(), top));
            let surplus = left.len().saturating_sub(PLACES_MAX);
            left.drain(..surplus);
        });
    }

    /// How far to scroll, if the reader came back and did not come anew.
    pub(crate) fn returned_to(self, address: &str) -> Option<i32> {
        let since_ms = browser::now().unix_ms() - self.returned_at_ms.get_value();
        let known = self.left.with_value(|left| {
            left.iter().find(|(other, _)| other == address).map(|(_, top)| *top)
        });
        known.filter(|_| since_ms < RETURN_MS_MAX)
    }
}
