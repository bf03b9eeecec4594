//! What browsers are told, and what other sites cannot make them do.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::cloud::Cloud;
use server::identity::Settings;

use super::house::{EMAIL, House, ON_LOOPBACK, PASSWORD, form, get_with};

#[tokio::test]
async fn another_site_cannot_use_a_browsers_session() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    let from = |name: &str, value: &str| {
        let request = Request::post("/change").header(header::HOST, "127.0.0.1:3000");
        request.header(header::COOKIE, &cookie).header(name, value).body(Body::empty())
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        // Another cloud on this machine: the same site, yet another origin.
        ("sec-fetch-site", "same-site"),
        ("origin", "http://127.0.0.1:3001"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let answer = house.send(from(name, value).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
        assert_eq!(answer.json()["code"], "cross_site", "{name}: {value}");
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:3000")] {
        let answer = house.send(from(name, value).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_bearer_token_is_no_cookie() {
    let house = House::build(ON_LOOPBACK).await;
    let token = house.operator.create_token(EMAIL, "", None).await.expect("known").secret;
    let request = Request::post("/change")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ORIGIN, "https://console.example");
    let answer = house.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn every_page_carries_a_policy_with_a_nonce_of_its_own() {
    let house = House::build(ON_LOOPBACK).await;
    let page = || async { house.send(get_with("/", header::ACCEPT, "text/html")).await };
    let (one, other) = (page().await, page().await);
    let policy = one.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("'nonce-") && policy.contains("'wasm-unsafe-eval'"), "{policy}");
    assert_ne!(policy, other.header(header::CONTENT_SECURITY_POLICY));
    assert_eq!(one.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn errors_are_guarded_like_pages() {
    let house = House::build(ON_LOOPBACK).await;
    let answer = house.who("").await;
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert!(answer.header("permissions-policy").contains("camera=()"));
    assert!(answer.header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
}

#[tokio::test]
async fn https_is_demanded_only_where_there_is_https() {
    let secure = Settings { cloud: Cloud::Gcp, demonstration: false, secure_cookies: true };
    for (settings, expected) in [(secure, "max-age=63072000; includeSubDomains"), (ON_LOOPBACK, "")]
    {
        let answer = House::build(settings).await.who("").await;
        assert_eq!(answer.header(header::STRICT_TRANSPORT_SECURITY), expected);
    }
}

#[tokio::test]
async fn the_colour_scheme_is_remembered_without_signing_in() {
    let house = House::build(ON_LOOPBACK).await;
    let answer = house.send(form("/preferences", "", "theme=dark&next=%2Fledger")).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/ledger"));
    assert_eq!(answer.cookie(), "ternion-theme=dark");
    let refused = house.send(form("/preferences", "", "theme=pink")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
