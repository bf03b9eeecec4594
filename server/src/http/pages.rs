//! The screens, rendered here and taken over by the browser; and the server functions they call.

use std::panic::AssertUnwindSafe;

use app::PageContext;
use app::backend::{BackendHandle, KeptForm, PageStatus, Viewer};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use domain::access::Action;
use futures::FutureExt as _;
use leptos::context::{provide_context, use_context};
use leptos::nonce::Nonce;
use leptos_axum::{ResponseOptions, handle_server_fns_with_context, render_app_async_with_context};
use tower_http::limit::RequestBodyLimitLayer;
use tower_sessions::Session;

use super::Shared;
use super::alone::Alone;
use super::assets::Site;
use super::away;
use super::edge::RequestId;
use crate::identity::{self, MaybePrincipal, Principal, SessionAway, Via};
use crate::problem::Problem;

/// Paths of programs: what is unknown below them is answered by a problem, not a page.
const PROGRAMS: [&str; 6] = ["/v1/", "/api/", "/peer/", "/lab/v1/", "/pkg/", "/.well-known/"];

/// Arguments of server functions: names and choices. Leptos reads them whole, whoever asks.
const FUNCTION_BYTES_MAX: usize = 64 * 1024;

pub(super) fn routes() -> Router<Shared> {
    // Identity takes the form that is posted there.
    let door = get(page);
    let limit = RequestBodyLimitLayer::new(FUNCTION_BYTES_MAX);
    Router::new()
        .route("/sign-in", door)
        .route("/api/{*function}", any(server_function).layer(limit))
        .fallback(page)
}

pub(super) fn viewer(principal: Principal) -> Viewer {
    Viewer { name: principal.name, email: principal.login, role: principal.role }
}

/// The back end of this request, for its viewer.
fn backend(shared: &Shared, principal: Option<Principal>, request: &Request) -> BackendHandle {
    let theme = identity::theme(request.headers());
    shared.console.for_viewer(principal.map(viewer), theme, request_id(request))
}

fn request_id(request: &Request) -> Option<String> {
    request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone())
}

async fn server_function(
    State(shared): State<Shared>,
    MaybePrincipal(principal): MaybePrincipal,
    SessionAway(away): SessionAway,
    request: Request,
) -> Response {
    if away {
        return away::answer(request_id(&request));
    }
    let backend = backend(&shared, principal, &request);
    let context = move || provide_context::<BackendHandle>(backend.clone());
    handle_server_fns_with_context(context, request).await.into_response()
}

async fn page(
    State(shared): State<Shared>,
    MaybePrincipal(principal): MaybePrincipal,
    SessionAway(away): SessionAway,
    request: Request,
) -> Response {
    let path = request.uri().path();
    if PROGRAMS.iter().any(|prefix| path.starts_with(prefix)) {
        let detail = format!("There is nothing at {path}; /docs lists what there is.");
        return Problem::not_found(detail).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
        let allow = header::HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allow);
        return response;
    }
    if away {
        let nonce = request.extensions().get::<Nonce>();
        return away::page(nonce.map_or("", |nonce| &**nonce), request.headers());
    }
    if principal.is_none() && path != "/sign-in" {
        return to_the_door(&request);
    }
    render(&shared, principal, request).await
}

/// Sign in, and come back to what was asked for.
fn to_the_door(request: &Request) -> Response {
    let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
    if asked == "/" {
        return Redirect::to("/sign-in").into_response();
    }
    Redirect::to(&format!("/sign-in?next={}", identity::query_value(asked))).into_response()
}

/// The refused form that an address names, and the session that it may stand in. `None`: it names none,
/// as most do, and nothing is looked up.
fn kept_in(request: &Request) -> Option<(Session, String)> {
    let mut pairs = request.uri().query()?.split('&');
    let id = pairs.find_map(|pair| pair.strip_prefix("kept="))?;
    Some((request.extensions().get::<Session>()?.clone(), id.to_owned()))
}

/// That form, if it is this page's and this visitor's.
async fn kept(
    shared: &Shared,
    who: Option<&Principal>,
    (session, id): (Session, String),
    path: &str,
) -> Option<KeptForm> {
    let who = who.filter(|who| who.via == Via::Session)?;
    let form = shared.identity.kept_form(&session, &id, path).await?;
    if !who.role.may(Action::ReadTenants) {
        return Some(form);
    }
    Some(shared.console.with_what_came_first(form).await)
}

async fn render(shared: &Shared, principal: Option<Principal>, request: Request<Body>) -> Response {
    let kept = match kept_in(&request) {
        Some(asked) => {
            let path = request.uri().path().to_owned();
            kept(shared, principal.as_ref(), asked, &path).await
        }
        None => None,
    };
    let backend = backend(shared, principal, &request);
    let nonce = request.extensions().get::<Nonce>().cloned();
    let session = backend.session().await;
    let page = Page { backend, session, kept, nonce };
    // Once a process; later calls find it done.
    drop(any_spawner::Executor::init_tokio());
    // Pages are read: there is no body.
    let (parts, _) = request.into_parts();
    let once = || page.rendered(Request::from_parts(parts.clone(), Body::empty()));
    match AssertUnwindSafe(once()).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!(path = parts.uri.path(), "a page broke and is rendered once more");
            once().await
        }
    }
}

/// What a page is rendered of. [`Alone`] keeps the signals of pages that are rendered at one moment apart;
/// still, once in thousands of them, Leptos looks for a signal of one among those of another and panics.
/// Rendering changes nothing, so it is done once more.
struct Page {
    backend: BackendHandle,
    session: app::backend::Session,
    kept: Option<KeptForm>,
    nonce: Option<Nonce>,
}

impl Page {
    async fn rendered(&self, request: Request<Body>) -> Response {
        let Page { backend, session, kept, nonce } = self;
        let (backend, session, kept) = (backend.clone(), session.clone(), kept.clone());
        let (nonce, assets) = (nonce.clone(), Site::get().assets().clone());
        let alone = Alone::default();
        let begun = alone.clone();
        let context = move || {
            begun.begin();
            if let Some(nonce) = &nonce {
                provide_context(nonce.clone());
            }
        };
        let document = move || {
            app::shell(PageContext {
                assets: assets.clone(),
                backend: backend.clone(),
                session: session.clone(),
                kept: kept.clone(),
                status: page_status(use_context::<ResponseOptions>().unwrap_or_default()),
            })
        };
        alone.render(render_app_async_with_context(context, document)(request)).await
    }
}

fn page_status(response: ResponseOptions) -> PageStatus {
    PageStatus::new(move |status| {
        if let Ok(status) = StatusCode::from_u16(status) {
            response.set_status(status);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(path: &str) -> String {
        let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
        let response = to_the_door(&request);
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        response.headers()[header::LOCATION].to_str().expect("text").to_owned()
    }

    #[test]
    fn strangers_are_sent_to_the_door_and_come_back() {
        assert_eq!(door("/"), "/sign-in");
        assert_eq!(door("/ledger?q=1%20a&x=y"), "/sign-in?next=%2Fledger%3Fq%3D1%2520a%26x%3Dy");
    }
}
