//! The line above every page: where one is, how the deployment is, search, the stream, settings.

use domain::cloud::Cloud;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::{use_location, use_navigate};

use crate::backend::{Condition, LiveState, Theme};
use crate::browser;
use crate::components::icon::Icon;
use crate::components::triad::join_names;
use crate::format::{TimeShape, middle_cut};
use crate::live::{Health, Link, Live, Standing};
use crate::shell::console::{Dialogs, Here};
use crate::shell::nav::place_at;
use crate::zone::Zone;

pub(super) const SEARCH_ID: &str = "search";

#[component]
pub(super) fn Header() -> impl IntoView {
    let dialogs = expect_context::<Dialogs>();
    view! {
        <header class="top">
            <PageTitle />
            <HealthPill />
            <SearchBox />
            <StreamState />
            <div class="top-tools">
                <ZoneToggle />
                <ThemeChoice />
                <button type="button" class="icon-button needs-script" aria-label="Keys and help" title="Keys and help (?)" on:click=move |_| browser::open_dialog(dialogs.help)>
                    {Icon::Help.view()}
                </button>
            </div>
        </header>
    }
}

/// The heading of the page, from its path: the header is rendered before the page is.
#[component]
fn PageTitle() -> impl IntoView {
    let location = use_location();
    let path = move || location.pathname.get();
    move || match path().trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["ledger", "quarantine"] => within_ledger(view! { <span>"Quarantine"</span> }).into_any(),
        ["ledger", "quarantine", id] => within_ledger(view! {
            <A href="/ledger/quarantine">"Quarantine"</A>
            <Slash />
            <Id id=(*id).to_owned() />
        })
        .into_any(),
        ["ledger", "evidence"] => within_ledger(view! { <span>"Evidence"</span> }).into_any(),
        ["ledger", "evidence", id] => within_ledger(view! {
            <A href="/ledger/evidence">"Evidence"</A>
            <Slash />
            <Id id=(*id).to_owned() />
        })
        .into_any(),
        ["ledger", "keys"] => within_ledger(view! { <span>"Keys"</span> }).into_any(),
        ["ledger", id] => within_ledger(view! { <Id id=(*id).to_owned() /> }).into_any(),
        ["anchors", period] => {
            within("/anchors", "Anchors", view! { <Id id=(*period).to_owned() /> }).into_any()
        }
        ["optimizer", "tenants"] => within_optimizer(view! { <span>"Tenants"</span> }).into_any(),
        ["optimizer", "tenants", id] => within_optimizer(view! {
            <A href="/optimizer/tenants">"Tenants"</A>
            <Slash />
            <Id id=(*id).to_owned() />
        })
        .into_any(),
        ["optimizer", "tiers"] => {
            within_optimizer(view! { <span>"Tiers and list prices"</span> }).into_any()
        }
        ["optimizer", "policy"] => within_optimizer(view! { <span>"Policy"</span> }).into_any(),
        ["optimizer", "tiers", "price"] => within_optimizer(view! {
            <A href="/optimizer/tiers">"Tiers and list prices"</A>
            <Slash />
            <span>"A list price"</span>
        })
        .into_any(),
        ["approvals", "together"] => {
            within("/approvals", "Approvals", view! { <span>"Several at once"</span> }).into_any()
        }
        ["approvals", id] => {
            within("/approvals", "Approvals", view! { <Id id=(*id).to_owned() /> }).into_any()
        }
        [first] => heading(place_at(first).map_or("Not found", |place| place.title)).into_any(),
        _ => heading("Not found").into_any(),
    }
}

fn within_ledger(rest: impl IntoView) -> impl IntoView {
    within("/ledger", "Ledger", rest)
}

fn within_optimizer(rest: impl IntoView) -> impl IntoView {
    within("/optimizer", "Optimizer", rest)
}

fn within(path: &'static str, title: &'static str, rest: impl IntoView) -> impl IntoView {
    view! { <h1 class="top-title"><A href=path>{title}</A> <Slash /> {rest}</h1> }
}

#[component]
fn Slash() -> impl IntoView {
    view! { <span class="top-slash" aria-hidden="true">"/"</span> }
}

#[component]
fn Id(
    id: String,
    #[prop(default = 13)] head: usize,
    #[prop(default = 12)] tail: usize,
) -> impl IntoView {
    view! { <span class="top-id" title=id.clone()>{middle_cut(&id, head, tail)}</span> }
}

fn heading(title: &'static str) -> impl IntoView {
    view! { <h1 class="top-title">{title}</h1> }
}

/// "Normal · 3 of 3 clouds", or what is wrong and since when.
#[component]
fn HealthPill() -> impl IntoView {
    let live = expect_context::<Live>();
    let zone = expect_context::<Zone>();
    let known = move || {
        live.state.read().as_ref().map(|state| (state.health(), health_sentence(state, zone)))
    };
    let lost = move || match live.link.get() {
        Link::Stale(since) => {
            Some(format!("Not known since {}", zone.clock(since, TimeShape::Minute)))
        }
        _ => None,
    };
    let name = move || match (lost(), known()) {
        (None, Some((health, _))) => health_name(health),
        _ => "unknown",
    };
    let sentence = move || {
        lost()
            .or_else(|| known().map(|(_, sentence)| sentence))
            .unwrap_or_else(|| "Not known yet".to_owned())
    };
    view! { <p class="health badge" data-state=name>{sentence}</p> }
}

const fn health_name(health: Health) -> &'static str {
    match health {
        Health::Normal => "up",
        Health::Degraded => "lagging",
        Health::Alarm => "quarantined",
        Health::NoQuorum => "down",
    }
}

fn health_sentence(state: &LiveState, zone: Zone) -> String {
    let count = format!("{} of 3 clouds", state.clouds_up);
    let missing = missing_clouds(state, zone);
    match state.health() {
        Health::Normal => format!("Normal · {count}"),
        Health::Degraded => format!("Degraded · {count}{missing}"),
        Health::Alarm => format!("Alarm · {}{missing}", blamed(state)),
        Health::NoQuorum => format!("No quorum · {count}{missing}"),
    }
}

/// `aws’s log is frozen`, `azure broke the rules`.
fn blamed(state: &LiveState) -> String {
    let said = Cloud::ALL.into_iter().filter_map(|cloud| match state.standing(cloud) {
        Standing::Good => None,
        Standing::KeyProvenBad => Some(format!("{cloud} broke the rules")),
        Standing::LogFrozen => Some(format!("{cloud}’s log is frozen")),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// `, azure is down since 12:40`.
fn missing_clouds(state: &LiveState, zone: Zone) -> String {
    let down: Vec<Cloud> = Cloud::ALL
        .into_iter()
        .filter(|cloud| {
            matches!(state.clouds.get(*cloud).condition, Condition::Down | Condition::Unknown)
        })
        .collect();
    let names: Vec<&str> = down.iter().map(|cloud| cloud.name()).collect();
    match down.as_slice() {
        [] => String::new(),
        [one] => {
            let since = state.clouds.get(*one).heard_at.map_or_else(String::new, |at| {
                format!(" since {}", zone.clock(at, TimeShape::Minute))
            });
            format!(", {one} is down{since}")
        }
        _ => format!(", {} are down", join_names(&names)),
    }
}

/// Finds ids, hashes, slots, tenants; a plain GET form at heart.
#[component]
fn SearchBox() -> impl IntoView {
    let navigate = use_navigate();
    let search = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions::default());
        }
    };
    view! {
        <form class="search" role="search" aria-label="Search everything" method="get" action="/ledger" on:submit=search>
            {Icon::Search.view()}
            <input id=SEARCH_ID name="q" type="search" placeholder="Search id, hash, tenant…" aria-label="Search id, hash, slot or tenant" autocomplete="off" spellcheck="false" />
            <kbd class="needs-script" aria-hidden="true">"/"</kbd>
        </form>
    }
}

/// live · reconnecting · stale since …, and the instant of the newest figures.
#[component]
fn StreamState() -> impl IntoView {
    let live = expect_context::<Live>();
    let zone = expect_context::<Zone>();
    let with_zone = move |at| format!("{} {}", zone.clock(at, TimeShape::Second), zone.name(at));
    let text = move || match (live.link.get(), live.state.read().as_ref().map(|state| state.at)) {
        (Link::Stale(since), _) => format!("stale since {}", with_zone(since)),
        (Link::Reconnecting, Some(at)) => format!("reconnecting · {}", with_zone(at)),
        (Link::Reconnecting, None) => "reconnecting".to_owned(),
        (Link::Live, Some(at)) => format!("live · {}", with_zone(at)),
        (Link::Connecting, Some(at)) => format!("as of {}", with_zone(at)),
        (Link::Live | Link::Connecting, None) => "not connected".to_owned(),
    };
    view! {
        <p class="stream" data-link=move || live.link.get().name()>
            <span class="stream-dot" aria-hidden="true"></span>
            <span class="stream-text">{text}</span>
        </p>
    }
}

#[component]
fn ZoneToggle() -> impl IntoView {
    let zone = expect_context::<Zone>();
    let choice = move |local: bool, word: &'static str, title: &'static str| {
        view! {
            <button type="button" class="icon-button zone-choice" title=title aria-pressed=move || (zone.is_local() == local).to_string()
                on:click=move |_| zone.choose(local)>
                {word}
            </button>
        }
    };
    view! {
        <div class="segments needs-script" role="group" aria-label="Times">
            {choice(false, "UTC", "Show times in UTC")}
            {choice(true, "Local", "Show times of this computer’s zone")}
        </div>
    }
}

/// Three buttons of one form: works without WebAssembly, and at once with it.
#[component]
fn ThemeChoice() -> impl IntoView {
    let chosen = expect_context::<Here>().theme;
    let location = use_location();
    let choice = move |theme: Theme, icon: Icon, label: &'static str| {
        let press = move |event: web_sys::MouseEvent| {
            event.prevent_default();
            chosen.set(theme);
            browser::set_theme(theme);
        };
        view! {
            <button type="submit" name="theme" value=browser::theme_name(theme) class="icon-button" aria-label=label title=label
                aria-pressed=move || (chosen.get() == theme).to_string() on:click=press>
                {icon.view()}
            </button>
        }
    };
    view! {
        <form class="segments" method="post" action="/preferences" aria-label="Colours">
            <input type="hidden" name="next" value=move || location.pathname.get() />
            {choice(Theme::System, Icon::System, "Colours of the system")}
            {choice(Theme::Light, Icon::Sun, "Light")}
            {choice(Theme::Dark, Icon::Moon, "Dark")}
        </form>
    }
}
