//! The frame of every page behind the sign-in: navigation, header, page, and the dialogs that
//! keys open.

use leptos::html;
use leptos::prelude::*;
use leptos_router::components::{Outlet, Redirect};
use leptos_router::hooks::use_location;

use crate::backend::{Deployment, Session, Theme, Viewer};
use crate::browser;
use crate::components::announcer::Announcer;
use crate::components::problem::{ProblemCard, Skeleton};
use crate::format::url_value;
use crate::live::{Health, Link, Live};
use crate::shell::CurrentSession;
use crate::shell::header::Header;
use crate::shell::keys::{HelpDialog, listen_to_keys};
use crate::shell::nav::{Foot, Nav};
use crate::shell::palette::Palette;

pub(super) const MAIN_ID: &str = "main";

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
    view! {
        <Suspense fallback=|| view! { <Skeleton /> }>
            {move || Suspend::new(async move {
                match session.await {
                    Ok(session) => view! { <Entrance session /> }.into_any(),
                    Err(problem) => view! { <main class="bare"><ProblemCard problem /></main> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
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
    let dialogs = Dialogs { palette: NodeRef::new(), help: NodeRef::new() };
    provide_context(dialogs);
    listen_to_keys(dialogs);
    move_focus_with_the_page();
    announce_health(live);
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <div class="console">
            <Nav />
            <Header />
            <main id=MAIN_ID class="main" tabindex="-1">
                <Outlet />
            </main>
            <Foot />
        </div>
        <Palette />
        <HelpDialog />
    }
    .into_any()
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
    let health = Memo::new(move |_| live.state.read().as_ref().map(|state| state.health()));
    Effect::new(move |before: Option<Option<Health>>| {
        let now = health.get();
        if before.flatten().is_some() && before.flatten() != now {
            announcer.say(match now {
                Some(Health::Normal) => "All three clouds are up again.",
                Some(Health::Degraded) => "Degraded: two of three clouds are up.",
                Some(Health::NoQuorum) => "No quorum: new events wait as pending.",
                None => "",
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
