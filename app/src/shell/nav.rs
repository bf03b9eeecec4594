//! Where one can go, and who and where one is.

use domain::access::Action;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_location;

use crate::browser;
use crate::components::icon::Icon;
use crate::components::triad::{CloudGlyph, Mark};
use crate::shell::console::Here;

const LIST: &str = "places";

/// One place in the menu.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) icon: Icon,
    /// What a role must be allowed to do to be there.
    pub(super) needs: Option<Action>,
    pub(super) demonstration_only: bool,
}

pub(super) const PLACES: [Place; 10] = [
    Place {
        path: "/",
        title: "Overview",
        icon: Icon::Overview,
        needs: Some(Action::ReadLedger),
        demonstration_only: false,
    },
    Place {
        path: "/ledger",
        title: "Ledger",
        icon: Icon::Ledger,
        needs: Some(Action::ReadLedger),
        demonstration_only: false,
    },
    Place {
        path: "/anchors",
        title: "Anchors",
        icon: Icon::Anchor,
        needs: Some(Action::ReadLedger),
        demonstration_only: false,
    },
    Place {
        path: "/billing",
        title: "Billing",
        icon: Icon::Billing,
        needs: Some(Action::ReadBilling),
        demonstration_only: false,
    },
    Place {
        path: "/scenarios",
        title: "Scenarios",
        icon: Icon::Scenarios,
        needs: Some(Action::Simulate),
        demonstration_only: false,
    },
    Place {
        path: "/optimizer",
        title: "Optimizer",
        icon: Icon::Optimizer,
        needs: Some(Action::ReadPricing),
        demonstration_only: false,
    },
    Place {
        path: "/approvals",
        title: "Approvals",
        icon: Icon::Approvals,
        needs: Some(Action::ReadPricing),
        demonstration_only: false,
    },
    Place {
        path: "/fabric",
        title: "Fabric",
        icon: Icon::Fabric,
        needs: Some(Action::ReadFabric),
        demonstration_only: false,
    },
    Place {
        path: "/verify",
        title: "Verify",
        icon: Icon::Verify,
        needs: None,
        demonstration_only: false,
    },
    Place {
        path: "/lab",
        title: "Fault lab",
        icon: Icon::Lab,
        needs: Some(Action::WatchFaultLab),
        demonstration_only: true,
    },
];

/// The place whose path is this one segment; the empty one is the overview's.
pub(super) fn place_at(segment: &str) -> Option<Place> {
    PLACES.into_iter().find(|place| place.path.strip_prefix('/') == Some(segment))
}

impl Here {
    /// The places that exist in this deployment.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let demonstration = self.deployment.demonstration;
        PLACES.into_iter().filter(move |place| demonstration || !place.demonstration_only)
    }

    /// Why this viewer may not go there.
    pub(super) fn refusal(&self, place: Place) -> Option<String> {
        let role = self.viewer.role;
        place.needs.filter(|action| !role.may(*action)).map(|action| role.refusal(action))
    }
}

#[component]
pub(super) fn Nav() -> impl IntoView {
    let here = expect_context::<Here>();
    let items = here
        .places()
        .map(|place| match here.refusal(place) {
            None => view! { <NavLink place /> }.into_any(),
            Some(reason) => view! { <NavRefused place reason /> }.into_any(),
        })
        .collect_view();
    // Along the bottom of a phone there is room for a few only.
    let location = use_location();
    Effect::new(move |_| {
        location.pathname.track();
        browser::centre_current(LIST);
    });
    view! {
        <nav class="nav" aria-label="Pages">
            <a class="brand" href="/">
                <Mark size=24 />
                <span class="brand-name">"Ternion"</span>
            </a>
            <ul id=LIST class="nav-list">{items}</ul>
        </nav>
    }
}

#[component]
fn NavLink(place: Place) -> impl IntoView {
    view! {
        <li>
            <A href=place.path exact={place.path == "/"}>
                {place.icon.view()}
                <span>{place.title}</span>
            </A>
        </li>
    }
}

/// Shown, not hidden: a menu that changes with the role is hard to talk about.
#[component]
fn NavRefused(place: Place, reason: String) -> impl IntoView {
    let id = format!("why-not{}", place.path.replace('/', "-"));
    view! {
        <li>
            <span class="nav-refused" role="link" aria-disabled="true" tabindex="0" aria-describedby=id>
                {place.icon.view()}
                <span>{place.title}</span>
                <span class="tip" id=id.clone() role="tooltip">{reason}</span>
            </span>
        </li>
    }
}

/// Which cloud serves the page, the way to the others, and the person.
#[component]
pub(super) fn Foot() -> impl IntoView {
    let here = expect_context::<Here>();
    let cloud = here.deployment.cloud;
    let address = here.deployment.clouds.get(cloud).clone();
    let location = use_location();
    let others = cloud
        .peers()
        .map(|peer| {
            let url = here.deployment.clouds.get(peer).url.clone();
            let href = move || format!("{url}{}", location.pathname.get());
            view! {
                <a class="peer" href=href rel="external" title=format!("Open this page at {}", peer.title())>
                    <CloudGlyph cloud=peer size=14 />
                    {peer.name()}
                </a>
            }
        })
        .collect_view();
    view! {
        <footer class="foot">
            <div class="foot-cloud">
                <p class="foot-served">
                    <CloudGlyph cloud size=14 />
                    <span>"Served by " <strong>{cloud.name()}</strong></span>
                    <span class="mono muted">{address.region}</span>
                </p>
                <p class="foot-peers"><span>"Also at"</span> {others}</p>
            </div>
            <div class="foot-person">
                <p class="foot-name">
                    <span>{here.viewer.email.clone()}</span>
                    <span class="muted">{here.viewer.role.name()} " · " {here.deployment.version.clone()}</span>
                </p>
                <form method="post" action="/sign-out">
                    <button class="icon-button" type="submit" aria-label="Sign out" title="Sign out">{Icon::Exit.view()}</button>
                </form>
            </div>
        </footer>
    }
}
