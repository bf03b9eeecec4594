//! The document, the routes, and what surrounds every page.

mod alarm;
pub(crate) mod console;
mod header;
mod keys;
mod nav;
mod palette;
pub(crate) mod places;
mod stop;

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::SsrMode;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;

use crate::backend::{BackendHandle, KeptForm, PageStatus, Session};
use crate::browser::theme_name;
use crate::components::announcer::{Announcer, LiveRegion};
use crate::components::kept::Kept;
use crate::encoding::JsonText;
use crate::pages::anchors::AnchorsPage;
use crate::pages::anchors::snapshot::SnapshotPage;
use crate::pages::approvals::ApprovalsPage;
use crate::pages::approvals::proposal::ProposalPage;
use crate::pages::approvals::together::TogetherPage;
use crate::pages::billing::BillingPage;
use crate::pages::event::EventPage;
use crate::pages::evidence::EvidencePage;
use crate::pages::evidence::record::EvidenceRecordPage;
use crate::pages::fabric::FabricPage;
use crate::pages::keys::KeysPage;
use crate::pages::lab::LabPage;
use crate::pages::ledger::LedgerPage;
use crate::pages::not_found::{NotFound, Unknown};
use crate::pages::optimizer::OptimizerPage;
use crate::pages::overview::OverviewPage;
use crate::pages::policy::PolicyPage;
use crate::pages::quarantine::QuarantinePage;
use crate::pages::quarantine::item::HeldItemPage;
use crate::pages::scenarios::ScenariosPage;
use crate::pages::sign_in::SignInPage;
use crate::pages::tenants::TenantsPage;
use crate::pages::tenants::one::TenantPage;
use crate::pages::tenants::tiers::{ListPricePage, TiersPage};
use crate::pages::verify::VerifyPage;
use crate::piece::piece;
use crate::zone::Zone;

use console::Console;

/// Addresses of the browser's files, with their fingerprints.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    pub css: String,
    pub js: String,
    pub wasm: String,
    pub favicon: String,
    /// What draws what-ifs beside a page.
    pub worker: String,
    /// By piece: what its pages need besides the module.
    pub pieces: Arc<BTreeMap<String, Vec<String>>>,
}

/// What the server brings to each page that it renders. Server functions need the backend alone.
#[derive(Clone)]
pub struct PageContext {
    pub assets: Assets,
    pub backend: BackendHandle,
    /// [`crate::backend::Backend::session`], asked before rendering begins: the frame of a page
    /// depends on who looks, and a frame that waited would have its pages ask everything thrice.
    pub session: Session,
    /// The refused form that the page's address names as `kept`.
    pub kept: Option<KeptForm>,
    pub status: PageStatus,
}

impl std::fmt::Debug for PageContext {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PageContext").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Who looks at what, as of this page load; a context of every page. Signing in and out load a
/// page anew, so it never changes in between. Absent only where the server lists its routes.
#[derive(Clone)]
pub(crate) struct CurrentSession(pub(crate) Option<Session>);

/// Where the worker is that draws what-ifs; empty where the bundle is not built.
#[derive(Clone)]
pub(crate) struct WorkerAddress(pub(crate) String);

/// The document. The server calls it for every page.
#[must_use]
pub fn shell(page: PageContext) -> impl IntoView {
    let PageContext { assets, backend, session, kept, status } = page;
    let theme = session.theme;
    provide_context(backend);
    provide_context(session);
    provide_context(kept);
    provide_context(status);
    provide_context(assets.clone());
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme_name(theme)>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f6f7f5" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0c1011" />
                <link rel="icon" type="image/svg+xml" href=assets.favicon.clone() />
                <link rel="stylesheet" href=assets.css.clone() />
                <Hydration assets />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Loads the module and lets it take over. Ours instead of Leptos' own, for the fingerprints and
/// a policy without `unsafe-inline`.
#[component]
fn Hydration(assets: Assets) -> impl IntoView {
    let nonce = use_nonce();
    let Assets { js, wasm, .. } = assets;
    let script = format!(
        "import init, {{hydrate}} from {js:?}; init({{module_or_path: {wasm:?}}}).then(() => hydrate());"
    );
    view! {
        <link rel="modulepreload" href=js nonce=nonce.clone() />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="" />
        <script type="module" nonce=nonce>
            {script}
        </script>
    }
}

/// Everything inside the body.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Zone::provide();
    let announcer = Announcer::provide();
    // The server writes its value into the page, where the browser finds it before anything else.
    let session =
        SharedValue::<_, JsonText>::new_with_encoding(use_context::<Session>).into_inner();
    provide_context(CurrentSession(session));
    let kept = SharedValue::<_, JsonText>::new_with_encoding(|| {
        use_context::<Option<KeptForm>>().flatten()
    });
    Kept::provide(kept.into_inner());
    let worker = SharedValue::<_, JsonText>::new_with_encoding(|| {
        use_context::<Assets>().map(|assets| assets.worker)
    });
    provide_context(WorkerAddress(worker.into_inner().unwrap_or_default()));
    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Ternion".to_owned() } else { format!("{title} · Ternion") }
        } />
        <Router>
            <Routes fallback=Unknown>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Console ssr=SsrMode::Async>
                    <Route path=path!("/") view=piece!(overview, OverviewPage) ssr=SsrMode::Async />
                    <Route path=path!("/ledger") view=piece!(ledger, LedgerPage) ssr=SsrMode::Async />
                    <Route path=path!("/ledger/quarantine") view=piece!(quarantine, QuarantinePage) ssr=SsrMode::Async />
                    <Route path=path!("/ledger/quarantine/:held_id") view=piece!(quarantine, HeldItemPage) ssr=SsrMode::Async />
                    <Route path=path!("/ledger/evidence") view=piece!(evidence, EvidencePage) ssr=SsrMode::Async />
                    <Route path=path!("/ledger/evidence/:evidence_id") view=piece!(evidence, EvidenceRecordPage) ssr=SsrMode::Async />
                    <Route path=path!("/ledger/keys") view=piece!(keys, KeysPage) ssr=SsrMode::Async />
                    <Route path=path!("/ledger/:event_id") view=piece!(event, EventPage) ssr=SsrMode::Async />
                    <Route path=path!("/anchors") view=piece!(anchors, AnchorsPage) ssr=SsrMode::Async />
                    <Route path=path!("/anchors/:period") view=piece!(anchors, SnapshotPage) ssr=SsrMode::Async />
                    <Route path=path!("/billing") view=piece!(billing, BillingPage) ssr=SsrMode::Async />
                    <Route path=path!("/scenarios") view=piece!(scenarios, ScenariosPage) ssr=SsrMode::Async />
                    <Route path=path!("/optimizer") view=piece!(optimizer, OptimizerPage) ssr=SsrMode::Async />
                    <Route path=path!("/optimizer/tenants") view=piece!(tenants, TenantsPage) ssr=SsrMode::Async />
                    <Route path=path!("/optimizer/tenants/:tenant_id") view=piece!(tenants, TenantPage) ssr=SsrMode::Async />
                    <Route path=path!("/optimizer/tiers") view=piece!(tenants, TiersPage) ssr=SsrMode::Async />
                    <Route path=path!("/optimizer/tiers/price") view=piece!(tenants, ListPricePage) ssr=SsrMode::Async />
                    <Route path=path!("/optimizer/policy") view=piece!(policy, PolicyPage) ssr=SsrMode::Async />
                    <Route path=path!("/approvals") view=piece!(approvals, ApprovalsPage) ssr=SsrMode::Async />
                    <Route path=path!("/approvals/together") view=piece!(approvals, TogetherPage) ssr=SsrMode::Async />
                    <Route path=path!("/approvals/:proposal_id") view=piece!(approvals, ProposalPage) ssr=SsrMode::Async />
                    <Route path=path!("/fabric") view=piece!(fabric, FabricPage) ssr=SsrMode::Async />
                    <Route path=path!("/verify") view=piece!(verify, VerifyPage) ssr=SsrMode::Async />
                    <Route path=path!("/lab") view=piece!(lab, LabPage) ssr=SsrMode::Async />
                    <Route path=path!("/*any") view=NotFound ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
        <LiveRegion announcer />
    }
}
