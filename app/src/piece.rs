//! Pages whose code comes when they are opened.
//!
//! A page that a route names by [`piece!`] is compiled into a piece, a file apart from the module
//! that every page needs. The server has all of them: there, a piece is a name, which makes the
//! document ask for its files early. In the browser the page that stands stays until the piece of the
//! next has come, and the server's HTML is taken over when the code of its page is there.

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use leptos::prelude::*;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use leptos_router::ChooseView;
use leptos_router::hooks::use_url;
use wasm_split_helpers::SplitLoaderError;

use crate::backend::Problem;
use crate::browser;
use crate::components::problem::ProblemCard;
use crate::shell::console::MAIN_ID;

/// A page of the server's is whole without its piece: nobody waits, so the server is spared.
const TRY_AGAIN_EVERY: Duration = Duration::from_secs(5);

/// Comes, unless the piece cannot be fetched.
type Arrival<T> = Pin<Box<dyn Future<Output = Result<T, SplitLoaderError>>>>;

/// What a route shows: a page of a piece. Made by [`piece!`].
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    #[cfg(feature = "ssr")]
    pub(crate) name: &'static str,
    pub(crate) fetch: fn() -> Arrival<()>,
    /// Fetches the piece as well, unless it is there.
    pub(crate) page: fn() -> Arrival<AnyView>,
}

/// `view=piece!(lab, LabPage)`: a route's page, and the piece that its code is a part of. Pages of one
/// piece come together, and share what no other needs.
macro_rules! piece {
    ($piece:ident, $Page:ident) => {{
        #[::wasm_split_helpers::wasm_split($piece, preload(fetch), fallible)]
        fn page() -> Result<::leptos::prelude::AnyView, ::wasm_split_helpers::SplitLoaderError> {
            Ok(::leptos::prelude::view! { <$Page /> }.into_any())
        }
        $crate::piece::Piece {
            #[cfg(feature = "ssr")]
            name: stringify!($piece),
            fetch: || Box::pin(fetch()),
            page: || Box::pin(page()),
        }
    }};
}
pub(crate) use piece;

impl ChooseView for Piece {
    /// Ready at once if [`ChooseView::preload`] brought the piece: taking over HTML relies on that.
    async fn choose(self) -> AnyView {
        #[cfg(feature = "ssr")]
        ask_early(self.name);
        (self.page)().await.unwrap_or_else(|_| view! { <Absent /> }.into_any())
    }

    async fn preload(&self) {
        if cfg!(feature = "ssr") {
            return;
        }
        if browser::is_alive() {
            self.come_or_leave().await;
        } else {
            self.come().await;
        }
    }
}

impl Piece {
    /// For the page that the server rendered.
    async fn come(&self) {
        while (self.fetch)().await.is_err() {
            browser::pause(TRY_AGAIN_EVERY).await;
        }
    }

    /// For the next page. If there is a server and no such piece, this tab is older than the server:
    /// the whole page comes anew. If there is no server, [`Absent`] says so.
    async fn come_or_leave(&self) {
        let _busy = browser::mark_busy(MAIN_ID);
        if (self.fetch)().await.is_err() && browser::is_served().await {
            let address = use_url().with_untracked(|url| {
                let search = url.search();
                let mark = if search.is_empty() { "" } else { "?" };
                format!("{}{mark}{search}", url.path())
            });
            browser::load(&address);
            // What stands here stays until the new document comes.
            pending::<()>().await;
        }
    }
}

/// Has the document name the piece's files, so that the browser fetches them beside the module.
#[cfg(feature = "ssr")]
fn ask_early(piece: &str) {
    use leptos_meta::Link;
    let assets = use_context::<crate::shell::Assets>();
    for file in assets.iter().flat_map(|assets| assets.pieces.get(piece)).flatten().cloned() {
        // Rendered, it is in the head; what comes back here is empty.
        let _ = view! { <Link rel="preload" href=file as_="fetch" type_="application/wasm" crossorigin="" /> }
            .to_html();
    }
}

/// In the place of a page whose piece did not come.
#[component]
fn Absent() -> impl IntoView {
    let problem = Problem::from_server_fn_error(ServerFnErrorErr::Request(String::new()));
    view! { <ProblemCard problem /> }
}
