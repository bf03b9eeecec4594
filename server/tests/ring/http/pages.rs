//! The screens as the server renders them.

use axum::body::Body;
use axum::http::{Method, Request, header};

use super::house::{Answer, House, asking};

async fn cookie(house: &House) -> String {
    cookie_of(house, "auditor").await
}

/// A form, as a browser sends it.
pub(super) async fn submit(house: &House, path: &str, cookie: &str, form: &str) -> Answer {
    let request = asking(Method::POST, path, "")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie);
    house.send(request.body(Body::from(form.to_owned())).expect("a request")).await
}

/// The page that an act leads to, without the event that it says was recorded.
pub(super) fn leads_to(answer: &Answer) -> String {
    let location = answer.header("location");
    let done = location.find("done=").filter(|at| location[at + 5..].parse::<uuid::Uuid>().is_ok());
    done.map_or(location, |at| &location[..at - 1]).to_owned()
}

/// A page that there is.
pub(super) async fn html(house: &House, path: &str, cookie: &str) -> String {
    let answer = page(house, path, cookie).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let html = answer.text();
    assert!(!html.contains(" style="), "inline styles are refused by the policy");
    html
}

/// Signs in as people do; gives the session's cookie.
pub(super) async fn cookie_of(house: &House, role: &str) -> String {
    let login = format!("{role}%40ternion.example");
    let form = format!("login={login}&email={login}&password=three+clouds+agree&next=%2F");
    let request = Request::post("/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(form));
    let answer = house.send(request.expect("a request")).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

pub(super) async fn page(house: &House, path: &str, cookie: &str) -> Answer {
    let request = asking(Method::GET, path, "").header(header::COOKIE, cookie);
    house.send(request.body(Body::empty()).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_the_door_and_nothing_else() {
    let house = House::open().await;
    let door = house.get("/sign-in", "").await;
    assert_eq!(door.status, 200);
    assert!(door.text().contains("<form"), "{}", door.text());
    let asked = house.get("/ledger?status=FINAL", "").await;
    assert_eq!(asked.status, 303);
    assert_eq!(asked.header("location"), "/sign-in?next=%2Fledger%3Fstatus%3DFINAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_complete_and_may_run_only_the_script_with_its_nonce() {
    let house = House::open().await;
    let cookie = cookie(&house).await;
    let overview = page(&house, "/", &cookie).await;
    assert_eq!(overview.status, 200, "{}", overview.text());
    let policy = overview.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next());
    let nonce = nonce.expect("a nonce in the policy");
    let html = overview.text();
    assert!(html.contains(&format!("nonce=\"{nonce}\"")), "{policy} {html}");
    assert!(!html.contains(" style="), "inline styles are refused by the policy");
    assert_eq!(overview.header("cache-control"), "no-store");
    let ledger = page(&house, "/ledger?kind=user.put", &cookie).await.text();
    assert!(ledger.contains("user.put"), "rows stand in the page: {ledger}");
    let unknown = page(&house, "/nowhere", &cookie).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.header("content-type").starts_with("text/html"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_a_page_says_so_and_the_session_outlives_it() {
    let house = House::open().await;
    let cookie = cookie(&house).await;
    house.gcp.database.refuse_connections(true).await;
    for path in ["/ledger?status=FINAL", "/sign-in"] {
        let away = page(&house, path, &cookie).await;
        assert_eq!((away.status.as_u16(), away.header("retry-after")), (503, "2"), "{path}");
        assert_eq!(away.header("set-cookie"), "", "the session stays");
        let html = away.text();
        assert!(html.contains("Nothing that was acknowledged is lost"), "{html}");
        let nonce = html.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
        let allowed = format!("'nonce-{}'", nonce.expect("a script"));
        assert!(away.header("content-security-policy").contains(&allowed), "it may look again");
    }
    let asked = page(&house, "/api/overview", &cookie).await.expect(503);
    assert_eq!(asked["code"], "database_unavailable");
    assert_eq!(house.get("/ledger", "").await.status, 303, "a stranger is a stranger still");
    house.gcp.database.refuse_connections(false).await;
    assert_eq!(page(&house, "/ledger", &cookie).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_functions_answer_those_who_may_ask() {
    let house = House::open().await;
    let cookie = cookie(&house).await;
    let overview = page(&house, "/api/overview", &cookie).await.expect(200);
    assert!(overview["state"]["clouds"]["gcp"].is_object(), "{overview}");
    let refused = house.get("/api/overview", "").await;
    assert!(!refused.status.is_success());
    assert!(refused.text().contains("unauthenticated"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_demonstration_there_is_no_fault_lab() {
    let house = House::open().await;
    house.get("/lab/v1/state", "demo-admin").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frame_that_asks_others_is_nobody_and_every_page_connects_to_us_alone() {
    let house = House::open().await;
    let cookie = cookie(&house).await;
    let frame = house.get("/asking", "").await;
    assert_eq!(frame.status, 200, "it is for anybody: it holds nothing");
    let policy = frame.header("content-security-policy").to_owned();
    assert!(policy.contains("sandbox allow-scripts;"), "{policy}");
    assert!(
        policy.contains("connect-src https: http://127.0.0.1:* http://localhost:*;"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    assert_eq!(frame.header("x-frame-options"), "SAMEORIGIN");
    assert_eq!(frame.header("referrer-policy"), "no-referrer");
    for path in ["/verify", "/verify?bundle=2026-10", "/anchors", "/"] {
        let page = page(&house, path, &cookie).await;
        let policy = page.header("content-security-policy");
        assert!(policy.contains("connect-src 'self';"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
    }
}
