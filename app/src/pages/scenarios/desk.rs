//! The levers, the figures, and the worker between them.
//!
//! What the server drew stands first. Then a worker beside the page has the same inputs: it follows
//! the levers while they move, and draws anew when they rest. Without one, the form asks the server.

use domain::economics::scenario::Scenario;
use domain::economics::simulation::Progress;
use domain::economics::study::{Board, Glance, Penalties};
use leptos::prelude::*;

use super::worker::{Said, Worker};
use crate::backend::{DeskBoard, LeverKind, Levers, ScenarioAddress};
use crate::browser;
use crate::shell::WorkerAddress;

/// The column of a board that stands under the levers; the first is the base.
const UNDER_LEVERS: usize = 1;

/// Who made the figures that stand here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Drawn {
    /// The server, with as many draws as a page waits for.
    AtServer,
    /// The levers are elsewhere: these figures are of where they stood.
    Moved,
    /// Costs moved, and the draws before tell what that means.
    Followed,
    /// The worker is drawing: so far, of how much.
    Drawing(Progress),
    /// All draws were made for the levers as they stand.
    Whole,
    /// What stands here is older than the levers, and why.
    Refused(String),
    /// What was typed at a lever, and why it is none.
    Mistyped { lever: String, why: String },
}

impl Drawn {
    /// Whether all that stands on the page is of the levers as they stand.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self, Drawn::AtServer | Drawn::Whole)
    }
}

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub(super) struct Desk {
    pub(super) levers: RwSignal<Scenario>,
    pub(super) movable: StoredValue<Levers>,
    pub(super) base: RwSignal<Glance>,
    pub(super) now: RwSignal<Glance>,
    pub(super) board: RwSignal<Board>,
    /// Of the first board: a tenant whose lever has not moved is in no later one.
    pub(super) penalties: StoredValue<Vec<Penalties>>,
    pub(super) elsewhere: StoredValue<Option<(String, String)>>,
    pub(super) drawn: RwSignal<Drawn>,
    /// How the figures came to be that stand here.
    stands: RwSignal<Drawn>,
    /// Whether somebody beside the page follows the levers. Otherwise the server is asked.
    pub(super) follows: RwSignal<bool>,
    pub(super) address: StoredValue<ScenarioAddress>,
    /// Whether the worker has shown a board.
    shown: StoredValue<bool>,
}

impl Desk {
    pub(super) fn new(view: DeskBoard) -> Self {
        let DeskBoard { search, request, usual, board, levers, elsewhere } = view;
        let address = ScenarioAddress::over(&search, usual);
        let desk = Desk {
            levers: RwSignal::new(address.levers()),
            movable: StoredValue::new(levers),
            base: RwSignal::new(board.base.clone()),
            now: RwSignal::new(board.now.clone()),
            penalties: StoredValue::new(board.penalties.clone()),
            elsewhere: StoredValue::new(elsewhere),
            board: RwSignal::new(board),
            drawn: RwSignal::new(Drawn::AtServer),
            stands: RwSignal::new(Drawn::AtServer),
            follows: RwSignal::new(false),
            address: StoredValue::new(address),
            shown: StoredValue::new(false),
        };
        provide_context(desk);
        desk.employ(request);
        desk
    }

    /// The part of the address that says where the levers stand.
    pub(super) fn search(&self) -> String {
        self.address.with_value(|address| address.write(&self.levers.read()))
    }

    /// This page with the levers as they stand.
    pub(super) fn address_now(&self) -> String {
        let search = untrack(|| self.search());
        if search.is_empty() { "/scenarios".to_owned() } else { format!("/scenarios?{search}") }
    }

    pub(super) fn put(&self, kind: LeverKind, name: &str, percent: Option<rust_decimal::Decimal>) {
        let mut levers = self.levers.get_untracked();
        match kind.put(&mut levers, name, percent) {
            Ok(()) if levers == *self.levers.read_untracked() => {
                // As it was before something else was typed.
                if matches!(*self.drawn.read_untracked(), Drawn::Mistyped { .. }) {
                    self.drawn.set(self.stands.get_untracked());
                }
            }
            Ok(()) => self.levers.set(levers),
            Err(why) => {
                let lever = format!("{}.{name}", kind.word());
                self.drawn.set(Drawn::Mistyped { lever, why });
            }
        }
    }

    /// Where an address puts the levers.
    fn come_back(&self, search: &str) {
        let levers = self
            .address
            .with_value(|address| ScenarioAddress::over(search, address.usual().clone()).levers());
        if levers != *self.levers.read_untracked() {
            self.levers.set(levers);
        }
    }

    /// In the browser only, and only where there is a worker to employ.
    fn employ(self, request: String) {
        let file = use_context::<WorkerAddress>().map(|WorkerAddress(file)| file);
        Effect::new(move |_| {
            let Some(file) = file.clone().filter(|file| !file.is_empty()) else { return };
            let heard = move |said| self.hear(said);
            let Some(worker) = Worker::employ(&file, &request, heard) else { return };
            self.lead(worker);
        });
        Effect::new(move |before: Option<Scenario>| {
            let levers = self.levers.get();
            if before.is_some_and(|before| before != levers) {
                self.drawn.set(Drawn::Moved);
            }
            levers
        });
        Effect::new(move |_| {
            let back = window_event_listener(leptos::ev::popstate, move |_| {
                self.come_back(&browser::search());
            });
            on_cleanup(move || back.remove());
        });
    }

    /// The worker follows the levers, until the page is left.
    fn lead(self, worker: Worker) {
        // What stays on one thread is made in an effect: the server, where pages change threads,
        // runs none.
        let worker = StoredValue::new_local(worker);
        Effect::new(move |before: Option<Scenario>| {
            let levers = self.levers.get();
            if before.is_some_and(|before| before != levers) {
                worker.with_value(|worker| worker.aim(&levers));
            }
            levers
        });
    }

    fn hear(&self, said: Said) {
        self.follows.set(!matches!(said, Said::Refused(_)));
        match said {
            Said::Glance { glance, at } => {
                // The levers may have moved on: a newer glance is on its way then.
                if at == self.levers.read_untracked().fingerprint() {
                    self.now.set(*glance);
                    self.drawn.set(Drawn::Followed);
                    self.stands.set(Drawn::Followed);
                }
            }
            Said::Drawing(progress) => self.drawn.set(Drawn::Drawing(progress)),
            Said::Board(board) => self.show(*board),
            Said::Refused(problem) => self.drawn.set(Drawn::Refused(problem)),
        }
    }

    /// A board of levers that have moved on is none: another follows.
    fn show(&self, board: Board) {
        let of = board.columns.get(UNDER_LEVERS).map(|column| &column.changes);
        if of != Some(&*self.levers.read_untracked()) {
            return;
        }
        self.base.set(board.base.clone());
        self.now.set(board.now.clone());
        self.board.set(board);
        self.drawn.set(Drawn::Whole);
        self.stands.set(Drawn::Whole);
        let address = self.address_now();
        // The first board is of where the page began; later ones are steps that Back undoes.
        if self.shown.get_value() {
            browser::step_to(&address);
        } else {
            browser::rewrite_address(&address);
        }
        self.shown.set_value(true);
    }
}

/// A name for a position of the levers.
pub(super) trait Fingerprint {
    fn fingerprint(&self) -> String;
}

impl Fingerprint for Scenario {
    fn fingerprint(&self) -> String {
        // A scenario is made of texts and decimals, which always have a JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}
