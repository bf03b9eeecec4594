//! What this cloud hands out itself, taken by address: `/verify?bundle=2026-10`, the way from one event up
//! to a chain, `/verify?event=ID`, and a tenant's price back to its evidence, `/verify?price=TENANT`. It is checked like any other file: that it came from here
//! makes nothing of it true.

use domain::bundle::{Covering, file_name};
use domain::snapshot::Period;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::Brings;
use crate::backend::Problem;
use crate::browser;
use crate::format::url_value;

/// What the address names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Bundle(String),
    Event(String),
    Price(String),
}

/// How far that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// The address names nothing, or it is here.
    Nothing,
    Fetching(String),
    Failed(Problem),
}

/// What leads from an event to the bundle that was fetched with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) receipt: Vec<u8>,
    pub(super) covering: Vec<u8>,
    pub(super) period: Period,
}

/// What was fetched: a file to be checked, and what leads to it.
struct Fetched {
    name: String,
    bytes: Vec<u8>,
    way: Option<Way>,
    note: Option<Problem>,
}

/// Fetches what the address names, whenever it names something else.
#[derive(Clone, Copy)]
pub(super) struct Ours {
    pub(super) taking: RwSignal<Taking>,
    wanted: Memo<Option<Wanted>>,
    brings: Brings,
}

impl Ours {
    pub(super) fn follow(brings: Brings) -> Self {
        let query = use_query_map();
        let wanted = Memo::new(move |_| {
            let query = query.read();
            let event = query.get("event").map(|id| Wanted::Event(id.trim().to_owned()));
            let price = || query.get("price").map(|id| Wanted::Price(id.trim().to_owned()));
            event.or_else(|| query.get("bundle").map(Wanted::Bundle)).or_else(price)
        });
        let ours = Ours { taking: RwSignal::new(Taking::Nothing), wanted, brings };
        Effect::new(move |_| match wanted.get() {
            Some(wanted) => ours.take(wanted),
            None => ours.taking.set(Taking::Nothing),
        });
        ours
    }

    pub(super) fn again(self) {
        if let Some(wanted) = self.wanted.get_untracked() {
            self.take(wanted);
        }
    }

    fn take(self, wanted: Wanted) {
        self.brings.clear();
        let name = match &wanted {
            Wanted::Bundle(period) => format!("The bundle of {period}"),
            Wanted::Event(id) => format!("Event {id}"),
            Wanted::Price(tenant) => format!("The price of {tenant}"),
        };
        self.taking.set(Taking::Fetching(name));
        leptos::task::spawn_local(async move {
            let fetched = match &wanted {
                Wanted::Bundle(period) => bundle(period).await,
                Wanted::Event(id) => event(id).await,
                Wanted::Price(tenant) => price(tenant).await,
            };
            // The address may name something else by now.
            if self.wanted.try_get_untracked().flatten() != Some(wanted) {
                return;
            }
            match fetched {
                Ok(Fetched { name, bytes, way, note }) => {
                    self.brings.way.set(way);
                    self.brings.note.set(note);
                    self.brings.file.set(Some(Ok((name, bytes))));
                    self.taking.set(Taking::Nothing);
                }
                Err(problem) => self.taking.set(Taking::Failed(problem)),
            }
        });
    }
}

async fn bundle(asked: &str) -> Result<Fetched, Problem> {
    let period: Period = asked.parse().map_err(|_| no_period(asked))?;
    let bytes = browser::fetch_bytes(&format!("/v1/snapshots/{period}/bundle")).await?;
    Ok(Fetched { name: file_name(period), bytes, way: None, note: None })
}

/// The receipt alone, and why, if no snapshot covers the event yet.
async fn event(id: &str) -> Result<Fetched, Problem> {
    let own = format!("/v1/events/{}", url_value(id));
    let receipt = browser::fetch_bytes(&format!("{own}/receipt")).await?;
    let covering = match browser::fetch_bytes(&format!("{own}/covering")).await {
        Ok(covering) => covering,
        Err(note) if note.code == "not_covered" => {
            let name = format!("receipt-{id}.json");
            return Ok(Fetched { name, bytes: receipt, way: None, note: Some(note) });
        }
        Err(problem) => return Err(problem),
    };
    let period = Covering::parse(&covering).map_err(|cause| unreadable(&cause.to_string()))?.period;
    let bytes = browser::fetch_bytes(&format!("/v1/snapshots/{period}/bundle")).await?;
    let way = Way { receipt, covering, period };
    Ok(Fetched { name: file_name(period), bytes, way: Some(way), note: None })
}

/// Every event that the price rests on, in one file.
async fn price(tenant: &str) -> Result<Fetched, Problem> {
    let address = format!("/v1/tenants/{}/controls/trail", url_value(tenant));
    let bytes = browser::fetch_bytes(&address).await?;
    let name = format!("price-trail-{tenant}.json");
    Ok(Fetched { name, bytes, way: None, note: None })
}

fn no_period(asked: &str) -> Problem {
    let detail = format!(
        "\u{201c}{asked}\u{201d} is no period: a month is written 2026-10, a day 2026-11-25. Choose a \
         snapshot on the page Anchors, or drop a file here."
    );
    problem(404, "not_found", "There is no such snapshot", detail)
}

fn unreadable(cause: &str) -> Problem {
    let detail = format!("What leads to the snapshot cannot be read: {cause}. Reload the page.");
    problem(500, "bad_exchange", "The page and the server did not understand each other", detail)
}

fn problem(status: u16, code: &str, title: &str, detail: String) -> Problem {
    let (code, title) = (code.to_owned(), title.to_owned());
    Problem { status, code, title, detail, request_id: None }
}
