//! Bearer tokens: what they may, how fast they end, and that they cost no query a request.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::access::Role;
use domain::clock::Timestamp;
use server::identity::{Settings, TOKEN_PREFIX, demonstration};
use tokio_util::sync::CancellationToken;

use super::house::{EMAIL, House, ON_LOOPBACK, PASSWORD};
use crate::cluster::database;

#[tokio::test]
async fn a_token_acts_with_its_owners_role() {
    let house = House::build(ON_LOOPBACK).await;
    house.is_known("meter", Role::Ingest, true).await;
    let token = house.operator.create_token("meter", "metering", None).await.expect("known");
    assert!(token.secret.starts_with(TOKEN_PREFIX));
    let me = house.who_with_token(&token.secret).await;
    assert_eq!(
        (me.json()["login"].as_str(), me.json()["role"].as_str()),
        (Some("meter"), Some("ingest"))
    );
    let change =
        Request::post("/change").header(header::AUTHORIZATION, format!("Bearer {}", token.secret));
    let refused = house.send(change.body(Body::empty()).expect("a request")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.json()["code"], "forbidden");
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_all_refused_alike() {
    let house = House::build(ON_LOOPBACK).await;
    house.is_known("gone", Role::Ingest, false).await;
    let past = Some(Timestamp::from_unix_ms(1_000));
    let expired = house.operator.create_token(EMAIL, "", past).await.expect("known").secret;
    let revoked = house.operator.create_token(EMAIL, "", None).await.expect("known");
    house.operator.revoke_token(&revoked.id).await.expect("known");
    let inactive = house.operator.create_token("gone", "", None).await.expect("known").secret;
    let mut answers = Vec::new();
    for token in [expired, revoked.secret, inactive, format!("{TOKEN_PREFIX}x"), "x".to_owned()] {
        let answer = house.who_with_token(&token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answers.push(answer.body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn a_cookie_never_stands_behind_a_bad_token() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    let request = Request::get("/me").header(header::COOKIE, cookie);
    let request = request.header(header::AUTHORIZATION, "Bearer wrong").body(Body::empty());
    assert_eq!(house.send(request.expect("a request")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_was_just_used_costs_no_query() {
    let house = House::build(ON_LOOPBACK).await;
    let token = house.operator.create_token(EMAIL, "", None).await.expect("known").secret;
    assert_eq!(house.who_with_token(&token).await.status, StatusCode::OK);
    house.database.pool.close().await;
    assert_eq!(house.who_with_token(&token).await.status, StatusCode::OK);
    let other = house.who_with_token(&format!("{TOKEN_PREFIX}unknown")).await;
    assert_eq!(other.status, StatusCode::SERVICE_UNAVAILABLE, "unknown is not the same as wrong");
}

#[tokio::test]
async fn a_node_hears_at_once_of_revocation_and_deactivation_by_others() {
    let house = House::build(ON_LOOPBACK).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&house.identity).run(stop.clone()));
    let revoked = house.operator.create_token(EMAIL, "", None).await.expect("known");
    let orphaned = house.operator.create_token(EMAIL, "", None).await.expect("known");
    // The listener is connected once it forgets: use the tokens until then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for token in [&revoked, &orphaned] {
        assert_eq!(house.who_with_token(&token.secret).await.status, StatusCode::OK);
    }
    house.operator.revoke_token(&revoked.id).await.expect("known");
    refused_within(&house, &revoked.secret, Duration::from_secs(2)).await;
    assert_eq!(house.who_with_token(&orphaned.secret).await.status, StatusCode::OK);
    house.is_known(EMAIL, Role::Admin, false).await;
    refused_within(&house, &orphaned.secret, Duration::from_secs(2)).await;
    stop.cancel();
    running.await.expect("it stops when told");
}

/// Well below the time that a cached token is believed.
async fn refused_within(house: &House, token: &str, limit: Duration) {
    let refused = async {
        while house.who_with_token(token).await.status != StatusCode::UNAUTHORIZED {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(limit, refused).await.expect("the cache is invalidated by notification");
}

#[tokio::test]
async fn the_demonstrations_tokens_open_the_demonstration_only() {
    let tokens = [
        ("demo-ingest", "ingest"),
        ("demo-controller", "controller"),
        ("demo-auditor", "auditor"),
        ("demo-admin", "admin"),
        ("demo-admin2", "admin"),
        ("demo-admin3", "admin"),
    ];
    for demonstration in [true, false] {
        let house = House::on(database().await, Settings { demonstration, ..ON_LOOPBACK });
        demonstration::seed_credentials(&house.database.pool).await.expect("seeded");
        for user in demonstration::user_puts() {
            let domain::catalog::Known::UserPut(user) = user else { panic!("only users") };
            house.is_known(&user.login, user.role, user.active).await;
        }
        for (token, role) in tokens {
            let me = house.who_with_token(token).await;
            if demonstration {
                assert_eq!(me.json()["role"], role, "{token}");
            } else {
                assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{token}");
            }
        }
    }
}
