//! Who moved a switch of automatic prices, when and why, in the words of the pages.

use app::backend::{Attention, Severity, SwitchRow, Viewer};
use domain::access::Action;
use domain::catalog::SwitchName;
use domain::pricing::book::{Book, Stands, Switched};

use super::Console;

/// Words on switches that the page Optimizer lists; the others stand in the ledger.
const SWITCHES_MAX: usize = 20;

impl Console {
    /// Who stopped all price changes, while they are stopped.
    pub(super) fn stop(&self) -> Option<SwitchRow> {
        let catalog = self.projection.catalog();
        let stands = catalog.book().switch(SwitchName::KillSwitch, None)?;
        stands.last.value.on.then(|| row(stands))
    }

    /// For those who may see prices.
    pub(super) fn stopped(&self, viewer: &Viewer) -> Option<Attention> {
        let stop = self.stop().filter(|_| viewer.may(Action::ReadPricing))?;
        let time = stop.at.to_string().replace('T', " ");
        let time = time.get(..16).unwrap_or(&time);
        Some(Attention {
            sentence: format!(
                "Price changes are stopped since {time} UTC by {}: “{}”.",
                stop.by, stop.reason
            ),
            detail:
                "The kill switch is on. No price changes on any cloud, and what people approved \
                     waits."
                    .to_owned(),
            link: "/optimizer#switches".to_owned(),
            link_text: if viewer.may(Action::SetAutonomy) {
                "Release it, or add a reason".to_owned()
            } else {
                "See who switched what".to_owned()
            },
            severity: Severity::Warning,
        })
    }
}

/// How a switch stands: since when and by whom, with the last reason that was given for it.
pub(super) fn row(stands: Stands<'_>) -> SwitchRow {
    let Stands { since, last } = stands;
    let added = since.event_id != last.event_id;
    SwitchRow {
        reason: last.value.reason.clone(),
        reason_by: added.then(|| who(last)),
        ..word(since, false)
    }
}

/// The newest first.
pub(super) fn newest(book: &Book) -> Vec<SwitchRow> {
    let words = book.switched();
    let changed = |place: usize| {
        let word = words[place];
        let same = |before: &&&Switched| {
            before.value.switch == word.value.switch
                && before.value.tenant_id == word.value.tenant_id
        };
        let before = words[place + 1..].iter().find(same);
        before.is_some_and(|before| before.value.on == word.value.on)
    };
    (0..words.len().min(SWITCHES_MAX)).map(|place| word(words[place], changed(place))).collect()
}

/// `again`: it was so already, and a reason was added.
fn word(word: &Switched, again: bool) -> SwitchRow {
    let on = word.value.on;
    let what = match (word.value.switch, &word.value.tenant_id) {
        (SwitchName::KillSwitch, _) if again => "A reason added to the kill switch".to_owned(),
        (SwitchName::KillSwitch, _) if on => "Kill switch on: all price changes stopped".to_owned(),
        (SwitchName::KillSwitch, _) => "Kill switch released".to_owned(),
        (SwitchName::AutoPricing, None) => format!("Automatic prices turned {}", on_or_off(on)),
        (SwitchName::AutoPricing, Some(tenant)) => {
            format!("Automatic prices of {tenant} turned {}", on_or_off(on))
        }
    };
    SwitchRow {
        what,
        at: word.at,
        by: who(word),
        reason: word.value.reason.clone(),
        reason_by: None,
        event_id: word.event_id.to_string(),
    }
}

const fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn who(word: &Switched) -> String {
    word.by.as_ref().map_or_else(|| "a program".to_owned(), |by| by.0.clone())
}
