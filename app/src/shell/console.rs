//! The frame of every page behind the sign-in: navigation, header, page, and the dialogs that
//! keys open.

use leptos::html;
use leptos::prelude::*;
use leptos_router::components::{Outlet, Redirect};
use leptos_router::hooks::use_location;

use crate::backend::{Deployment, LiveState, Session, Theme, Viewer};
use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::kept::Recorded;
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, url_value};
use crate::live::{Health, Link, Live};
use crate::shell::CurrentSession;
use crate::shell::alarm::Alarm;
use crate::shell::header::Header;
use crate::shell::keys::{HelpDialog, listen_to_keys};
use crate::shell::nav::{Foot, Nav};
use crate::shell::palette::Palette;
use crate::shell::places::Places;
use crate::shell::stop::Stopped;
use crate::zone::Zone;

pub(crate) const MAIN_ID: &str = "main";

/// Who looks, at what: a context of every page behind the sign-in.
#[derive(Clone)]
pub(crate) struct Here {
    pub(crate) deployment: Deployment,
    pub(crate) viewer: Viewer,
    pub(crate) theme: RwSignal<Theme>,
}

/// The two dialogs that any page can open.
#[derive(Clone, Copy)]
pub(super) struct Dialogs {
    pub(super) palette: NodeRef<html::Dialog>,
    pub(super) help: NodeRef<html::Dialog>,
}

#[component]
pub(super) fn Console() -> impl IntoView {
    let CurrentSession(session) = expect_context();
    session.map(|session| view! { <Entrance session /> })
}

/// Lets in who has signed in; the others go to the sign-in page and come back.
#[component]
fn Entrance(session: Session) -> impl IntoView {
    let Session { deployment, viewer, theme, state } = session;
    let location = use_location();
    match viewer {
        Some(viewer) => {
            provide_context(Here { deployment, viewer, theme: RwSignal::new(theme) });
            let live = Live::provide(state);
            view! { <Frame live /> }.into_any()
        }
        None => {
            let next =
                location.pathname.get_untracked() + &search_of(&location.search.get_untracked());
            let path = format!("/sign-in?next={}", url_value(&next));
            view! { <Redirect path /> }.into_any()
        }
    }
}

fn search_of(search: &str) -> String {
    if search.is_empty() { String::new() } else { format!("?{}", search.trim_start_matches('?')) }
}

#[component]
fn Frame(live: Live) -> impl IntoView {
    Places::provide();
    expect_context::<Zone>().follow_the_reader();
    let dialogs = Dialogs { palette: NodeRef::new(), help: NodeRef::new() };
    provide_context(dialogs);
    listen_to_keys(dialogs);
    move_focus_with_the_page();
    announce_health(live);
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <div class="console" data-link=move || live.link.get().name()>
            <Nav />
            <Header />
            <main id=MAIN_ID class="main" tabindex="-1">
                <Alarm live />
                <Stopped live />
                <StaleBanner live />
                <Recorded />
                <Outlet />
            </main>
            <Foot />
        </div>
        <Palette />
        <HelpDialog />
    }
    .into_any()
}

/// Says since when nothing was heard, that it goes on trying, and where else one can look.
#[component]
fn StaleBanner(live: Live) -> impl IntoView {
    let Here { deployment, .. } = expect_context();
    let deployment = StoredValue::new(deployment);
    let location = use_location();
    let others = move || {
        let path = location.pathname.get();
        deployment.with_value(|deployment| {
            let link = |peer| {
                let href = format!("{}{path}", deployment.clouds.get(peer).url);
                view! { <a class="button" href=href rel="external"><CloudGlyph cloud=peer size=14 /> {peer.name()}</a> }
            };
            deployment.cloud.peers().map(link).collect_view()
        })
    };
    let serving = deployment.with_value(|deployment| deployment.cloud.name());
    move || {
        match live.link.get() {
        Link::Stale(since) => view! {
            <aside class="banner" aria-label="Connection">
                <p>
                    <strong>{serving} " has not been heard since " <Time at=since shape=TimeShape::Second /> "."</strong>
                    " What stands here is as of then. The page goes on trying; the same page elsewhere:"
                </p>
                <div class="banner-ways">{others()}</div>
            </aside>
        }
        .into_any(),
        _ => ().into_any(),
    }
    }
}

/// After a move within the page, the keyboard and the screen reader are where the eyes are.
fn move_focus_with_the_page() {
    let location = use_location();
    Effect::new(move |before: Option<String>| {
        let path = location.pathname.get();
        if before.is_some_and(|before| before != path) {
            browser::focus(MAIN_ID);
        }
        path
    });
}

/// Speaks when the deployment changes between normal, degraded and without quorum, or when the
/// stream is lost for good; never more.
fn announce_health(live: Live) {
    let announcer = expect_context::<Announcer>();
    let health = Memo::new(move |_| live.state.read().as_ref().map(LiveState::health));
    Effect::new(move |before: Option<Option<Health>>| {
        let now = health.get();
        if before.flatten().is_some() && before.flatten() != now {
            announcer.say(match now {
                Some(Health::Normal) => "All three clouds are up again.",
                // Spoken by the alarm itself, with what was done.
                Some(Health::Alarm) | None => "",
                Some(Health::Degraded) => "Degraded: two of three clouds are up.",
                Some(Health::NoQuorum) => "No quorum: new events wait as pending.",
            });
        }
        now
    });
    Effect::new(move |_| {
        if matches!(live.link.get(), Link::Stale(_)) {
            announcer.say("The live connection is lost; figures are stale.");
        }
    });
}
