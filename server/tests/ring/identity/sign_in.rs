//! The sign-in form, sessions and their end.

use axum::http::{StatusCode, header};
use domain::access::Role;
use domain::cloud::Cloud;
use server::identity::Settings;

use super::house::{EMAIL, House, ON_LOOPBACK, PASSWORD, credentials, form, form_from};
use crate::cluster::database;

#[tokio::test]
async fn the_right_password_opens_a_session_and_leads_where_one_wanted_to_go() {
    let house = House::build(ON_LOOPBACK).await;
    let answer = house.signs_in(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/ledger?q=1"));
    let me = house.who(&answer.cookie()).await;
    assert_eq!(me.json()["login"], EMAIL);
    assert_eq!(me.json()["role"], "admin");
}

#[tokio::test]
async fn capitals_and_spaces_around_an_address_do_not_matter() {
    let house = House::build(ON_LOOPBACK).await;
    let answer = house.signs_in(" Ada@Ternion.example ", PASSWORD).await;
    assert_eq!(house.who(&answer.cookie()).await.json()["login"], EMAIL);
}

#[tokio::test]
async fn strangers_are_told_to_sign_in() {
    let house = House::build(ON_LOOPBACK).await;
    let answer = house.who("").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["code"], "unauthenticated");
    assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer");
}

#[tokio::test]
async fn failures_tell_nobody_who_exists() {
    let house = House::build(ON_LOOPBACK).await;
    house.is_known("gone@ternion.example", Role::Admin, false).await;
    house.operator.set_password("gone@ternion.example", PASSWORD).await.expect("known");
    house.is_known("new@ternion.example", Role::Admin, true).await;
    let mut answers = Vec::new();
    for (email, password) in [
        (EMAIL, "wrong horse battery"),
        ("nobody@ternion.example", PASSWORD),
        ("gone@ternion.example", PASSWORD),
        ("new@ternion.example", PASSWORD),
        ("new@ternion.example", ""),
    ] {
        let answer = house.signs_in(email, password).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{email}");
        assert!(!answer.headers.contains_key(header::SET_COOKIE), "{email}");
        let email = email.replace('@', "%40");
        answers.push((answer.location().replace(&email, "…"), answer.body, answer.headers.len()));
    }
    let same = "/sign-in?error=bad_credentials&email=…&next=%2Fledger%3Fq%3D1";
    assert!(answers.iter().all(|answer| *answer == (same.to_owned(), String::new(), answers[0].2)));
}

#[tokio::test]
async fn strangers_wait_as_long_as_members() {
    let house = House::build(ON_LOOPBACK).await;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (kind, email) in [EMAIL, "nobody@ternion.example"].into_iter().enumerate() {
            let start = std::time::Instant::now();
            house.signs_in(email, "wrong horse battery").await;
            times[kind].push(start.elapsed());
        }
    }
    // The shortest of each: what the work itself takes, whatever else the machine does.
    let [member, stranger] = times.map(|times| times.into_iter().min().unwrap_or_default());
    // Without the stand-in verifier a stranger would be told at once, a hundred times sooner.
    assert!(stranger * 8 > member, "a stranger waits {stranger:?}, a member {member:?}");
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let secure = Settings { cloud: Cloud::Aws, demonstration: false, secure_cookies: true };
    let house = House::build(secure).await;
    let answer = house.signs_in(EMAIL, PASSWORD).await;
    let cookie = answer.header(header::SET_COOKIE);
    assert!(cookie.starts_with("__Host-ternion="), "{cookie}");
    for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age="] {
        assert!(cookie.contains(flag), "{flag} in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn clouds_on_one_machine_do_not_share_a_cookie() {
    let house = House::build(ON_LOOPBACK).await;
    let answer = house.signs_in(EMAIL, PASSWORD).await;
    let cookie = answer.header(header::SET_COOKIE);
    assert!(cookie.starts_with("ternion-gcp=") && !cookie.contains("Secure"), "{cookie}");
    assert!(cookie.contains("HttpOnly"), "{cookie}");
}

#[tokio::test]
async fn a_session_id_planted_before_is_worth_nothing_after() {
    let house = House::build(ON_LOOPBACK).await;
    let planted = house.signs_in(EMAIL, PASSWORD).await.cookie();
    let fields = credentials(EMAIL, PASSWORD);
    let renewed = house.send(form("/sign-in", &planted, &fields)).await.cookie();
    assert_ne!(planted, renewed);
    assert_eq!(house.who(&planted).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.who(&renewed).await.status, StatusCode::OK);
    let invented = "ternion-gcp=AAAAAAAAAAAAAAAAAAAAAA";
    let own = house.send(form("/sign-in", invented, &fields)).await.cookie();
    assert_ne!(own, invented);
    assert_eq!(house.who(invented).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_database_does_not_know_the_cookies_value() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    let value = cookie.split_once('=').expect("a pair").1;
    let rows: Vec<String> = sqlx::query_scalar("SELECT s::text FROM identity_session s")
        .fetch_all(&house.database.pool)
        .await
        .expect("the table");
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains(value));
}

#[tokio::test]
async fn a_session_ends_when_left_alone_and_is_swept() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    passes(&house, "expires_at = now() - interval '1 second'").await;
    assert_eq!(house.who(&cookie).await.status, StatusCode::UNAUTHORIZED);
    house.identity.sweep().await.expect("swept");
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM identity_session")
        .fetch_one(&house.database.pool)
        .await
        .expect("the table");
    assert_eq!(count, 0);
}

#[tokio::test]
async fn use_puts_the_end_off_but_never_past_a_working_day() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    // Signed in 11 hours ago, last seen an hour ago.
    let aged = "created_at = now() - interval '11 hours',
        expires_at = now() + interval '10 minutes',
        data = jsonb_set(data, '{seenMs}', to_jsonb((data->>'seenMs')::bigint - 3600000))";
    passes(&house, aged).await;
    assert_eq!(house.who(&cookie).await.status, StatusCode::OK);
    let left: f64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM expires_at - now())::float8 FROM identity_session",
    )
    .fetch_one(&house.database.pool)
    .await
    .expect("the session");
    // Two hours of inactivity would reach past the 12 hours.
    assert!((3_500.0..=3_600.0).contains(&left), "{left} s left");
}

async fn passes(house: &House, set: &str) {
    let statement = sqlx::AssertSqlSafe(format!("UPDATE identity_session SET {set}"));
    let update = sqlx::query(statement).execute(&house.database.pool).await;
    assert_eq!(update.expect("the table").rows_affected(), 1);
}

#[tokio::test]
async fn a_deactivated_user_is_out_with_the_next_request() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    house.is_known(EMAIL, Role::Admin, false).await;
    assert_eq!(house.who(&cookie).await.status, StatusCode::UNAUTHORIZED);
    // The session is gone for good, not only while its owner is away.
    house.is_known(EMAIL, Role::Admin, true).await;
    assert_eq!(house.who(&cookie).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_changed_role_holds_from_the_next_request() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    assert_eq!(house.send(form("/change", &cookie, "")).await.status, StatusCode::NO_CONTENT);
    house.is_known(EMAIL, Role::Auditor, true).await;
    let refused = house.send(form("/change", &cookie, "")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("may not change users; admin may"), "{}", refused.body);
}

#[tokio::test]
async fn signing_out_ends_the_session_at_the_server() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    let answer = house.send(form("/sign-out", &cookie, "")).await;
    assert_eq!(answer.location(), "/sign-in?error=signed_out");
    assert_eq!(house.who(&cookie).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_may_sign_out_of_every_browser() {
    let house = House::build(ON_LOOPBACK).await;
    let here = house.signs_in(EMAIL, PASSWORD).await.cookie();
    let there = house.signs_in(EMAIL, PASSWORD).await.cookie();
    house.send(form("/sign-out", &here, "everywhere=true")).await;
    for cookie in [here, there] {
        assert_eq!(house.who(&cookie).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_for_one_person_and_leaves_others_alone() {
    let house = House::build(ON_LOOPBACK).await;
    house.is_known("bo@ternion.example", Role::Auditor, true).await;
    house.operator.set_password("bo@ternion.example", PASSWORD).await.expect("known");
    let guess = credentials(EMAIL, "wrong horse battery");
    for attempt in 0..10 {
        // From ten addresses, so that only the login's limit counts.
        let address = format!("198.51.100.{attempt}");
        let answer = house.send(form_from(&address, "/sign-in", "", &guess)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "attempt {attempt}");
    }
    let right = credentials(EMAIL, PASSWORD);
    let answer = house.send(form_from("198.51.100.99", "/sign-in", "", &right)).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u32 = answer.header(header::RETRY_AFTER).parse().expect("seconds");
    assert!((1..=31).contains(&wait), "{wait}");
    assert!(answer.header("refresh").starts_with("0; url=/sign-in?error=rate_limited&"));
    let other = house.signs_in("bo@ternion.example", PASSWORD).await;
    assert_eq!(other.location(), "/ledger?q=1");
}

#[tokio::test]
async fn guessing_many_people_from_one_address_is_slowed_down_too() {
    let house = House::build(ON_LOOPBACK).await;
    let start = std::time::Instant::now();
    let mut allowed = 0;
    for person in 0..60 {
        let fields = credentials(&format!("p{person}@ternion.example"), PASSWORD);
        let answer = house.send(form_from("203.0.113.9", "/sign-in", "", &fields)).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        allowed += 1;
    }
    // Twenty in a burst, then one in six seconds.
    let refilled = start.elapsed().as_secs() / 6 + 1;
    assert!((20..=20 + refilled).contains(&allowed), "{allowed} allowed in {:?}", start.elapsed());
    let elsewhere = house.signs_in(EMAIL, PASSWORD).await;
    assert_eq!(elsewhere.location(), "/ledger?q=1");
}

#[tokio::test]
async fn signing_in_rightly_is_never_slowed_down() {
    let house = House::build(ON_LOOPBACK).await;
    for _ in 0..15 {
        assert_eq!(house.signs_in(EMAIL, PASSWORD).await.location(), "/ledger?q=1");
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let house = House::build(ON_LOOPBACK).await;
    let fields = format!(
        "email={}&password={}&next=%2F%2Fevil.example",
        EMAIL.replace('@', "%40"),
        PASSWORD.replace(' ', "+")
    );
    assert_eq!(house.send(form("/sign-in", "", &fields)).await.location(), "/");
}

#[tokio::test]
async fn a_database_that_is_away_is_no_wrong_password() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    house.database.pool.close().await;
    let answer = house.signs_in(EMAIL, PASSWORD).await;
    assert!(answer.location().starts_with("/sign-in?error=unavailable&"), "{answer:?}");
    let me = house.who(&cookie).await;
    assert_eq!(me.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(me.json()["code"], "database_unavailable");
}

#[tokio::test]
async fn the_demonstrations_password_is_worth_nothing_elsewhere() {
    use server::identity::demonstration;
    for (demonstration, location) in
        [(true, "/ledger?q=1"), (false, "/sign-in?error=bad_credentials")]
    {
        let settings = Settings { demonstration, ..ON_LOOPBACK };
        let house = House::on(database().await, settings);
        demonstration::seed_credentials(&house.database.pool).await.expect("seeded");
        for login in demonstration::logins() {
            house.is_known(&login.email, login.role, true).await;
            let answer = house.signs_in(&login.email, &login.password).await;
            assert!(answer.location().starts_with(location), "{} {answer:?}", login.email);
        }
    }
}
