//! A small site behind the guard, and a browser that visits it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::{Action, Role};
use domain::catalog::{DECIDED_BY, Known, UserPut};
use domain::cloud::Cloud;
use serde_json::{Value, json};
use server::http::security;
use server::identity::{Identity, Operator, Principal, Recorder, Settings, routes};
use server::problem::Problem;
use sqlx::PgPool;
use sqlx::types::Json as SqlJson;
use tower::ServiceExt;
use uuid::Uuid;

use crate::cluster::{TestDatabase, database};

pub(super) const EMAIL: &str = "ada@ternion.example";
pub(super) const PASSWORD: &str = "correct horse battery";

pub(super) struct House {
    pub(super) database: TestDatabase,
    pub(super) identity: Arc<Identity>,
    pub(super) operator: Operator,
    pub(super) book: Arc<Book>,
    site: Site,
}

impl std::ops::Deref for House {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// A few pages behind the guard.
pub(super) struct Site(Router);

/// What was recorded: stands in for the ledger.
#[derive(Default)]
pub(super) struct Book {
    pub(super) records: Mutex<Vec<(Known, Option<Uuid>)>>,
    pub(super) refusal: Mutex<Option<Problem>>,
}

#[async_trait]
impl Recorder for Book {
    async fn record(
        &self,
        decision: Known,
        _by: &Principal,
        event_id: Option<Uuid>,
    ) -> Result<Uuid, Problem> {
        if let Some(problem) = self.refusal.lock().expect("no test panics here").take() {
            return Err(problem);
        }
        self.records.lock().expect("no test panics here").push((decision, event_id));
        Ok(event_id.unwrap_or_else(Uuid::now_v7))
    }
}

pub(super) const ON_LOOPBACK: Settings =
    Settings { cloud: Cloud::Gcp, demonstration: false, secure_cookies: false };

impl House {
    /// With one active admin, [`EMAIL`] and [`PASSWORD`].
    pub(super) async fn build(settings: Settings) -> House {
        let house = House::on(database().await, settings);
        house.is_known(EMAIL, Role::Admin, true).await;
        house.operator.set_password(EMAIL, PASSWORD).await.expect("a known user");
        house
    }

    pub(super) fn on(database: TestDatabase, settings: Settings) -> House {
        let book = Arc::new(Book::default());
        let https = settings.secure_cookies;
        let identity = Identity::new(database.pool.clone(), settings, book.clone());
        let site = Site::of(&identity, https);
        let operator = Operator::new(database.pool.clone());
        House { database, identity, operator, book, site }
    }

    pub(super) async fn is_known(&self, login: &str, role: Role, active: bool) {
        project(&self.database.pool, Uuid::now_v7(), login, role, active).await;
    }
}

/// As the projection of a FINAL `user.put` would.
pub(super) async fn project(pool: &PgPool, id: Uuid, login: &str, role: Role, active: bool) {
    let (login, name) = (login.to_owned(), "Somebody".to_owned());
    let key = login.clone();
    let mut body = Known::UserPut(UserPut { login, name, role, active }).to_payload();
    body[DECIDED_BY] = "platform".into();
    let statement = "INSERT INTO projection_version
        SELECT 'user', $1, coalesce(max(logical_clock), 0) + 1, 1, 1, count(*), $2, $3
        FROM projection_version";
    let insert = sqlx::query(statement).bind(key).bind(id).bind(SqlJson(body));
    insert.execute(pool).await.expect("the projection's table");
}

async fn me(principal: Principal) -> Json<Value> {
    Json(json!({ "login": principal.login, "role": principal.role }))
}

async fn change(principal: Principal) -> Result<StatusCode, Problem> {
    principal.require(Action::EditUsers)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(super) fn location(&self) -> &str {
        self.header(header::LOCATION)
    }

    /// `name=value` of the cookie that this answer sets.
    pub(super) fn cookie(&self) -> String {
        let cookie = self.header(header::SET_COOKIE);
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Every request comes from the same address unless a test says otherwise.
fn from_address(address: &str) -> ConnectInfo<SocketAddr> {
    ConnectInfo(SocketAddr::new(address.parse().expect("an address"), 40_000))
}

pub(super) fn get_with(path: &str, name: header::HeaderName, value: &str) -> Request<Body> {
    let request = Request::get(path).header(name, value).extension(from_address("192.0.2.1"));
    request.body(Body::empty()).expect("a request")
}

pub(super) fn form(path: &str, cookie: &str, fields: &str) -> Request<Body> {
    form_from("192.0.2.1", path, cookie, fields)
}

pub(super) fn form_from(address: &str, path: &str, cookie: &str, fields: &str) -> Request<Body> {
    let mut request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::HOST, "127.0.0.1:3000")
        .header(header::ORIGIN, "http://127.0.0.1:3000")
        .extension(from_address(address));
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, cookie);
    }
    request.body(Body::from(fields.to_owned())).expect("a request")
}

pub(super) fn credentials(email: &str, password: &str) -> String {
    format!(
        "email={}&password={}&next=%2Fledger%3Fq%3D1",
        email.replace('@', "%40"),
        password.replace(' ', "+")
    )
}

impl Site {
    pub(super) fn of(identity: &Arc<Identity>, https: bool) -> Site {
        let pages = Router::new()
            .route("/", get(|| async { Html("<p>hello") }))
            .route("/me", get(me))
            .route("/change", post(change))
            .merge(routes(identity));
        let app = security::refuse_cross_site(identity.guard(pages), &[]).expect("no origins");
        Site(security::headers(app, https))
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.expect("a router answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a small body");
        Answer { status, headers, body: String::from_utf8(body.to_vec()).expect("text") }
    }

    pub(super) async fn signs_in(&self, email: &str, password: &str) -> Answer {
        self.send(form("/sign-in", "", &credentials(email, password))).await
    }

    /// What `/me` says to this browser.
    pub(super) async fn who(&self, cookie: &str) -> Answer {
        self.send(get_with("/me", header::COOKIE, cookie)).await
    }

    pub(super) async fn who_with_token(&self, token: &str) -> Answer {
        self.send(get_with("/me", header::AUTHORIZATION, &format!("Bearer {token}"))).await
    }
}

/// Only the face, without a site.
pub(super) fn identity_on(pool: PgPool) -> Arc<Identity> {
    Identity::new(pool, ON_LOOPBACK, Arc::new(Book::default()))
}
