//! What the command line leaves in a database, and what the running node makes of it.

use axum::http::StatusCode;
use domain::access::Role;
use domain::catalog::{Known, UserPut};
use server::identity::OperatorError;
use server::problem::Problem;

use super::house::{EMAIL, House, ON_LOOPBACK, PASSWORD, project};
use crate::cluster::database;

fn first_admin() -> UserPut {
    let (login, name) = (EMAIL.to_owned(), "Somebody".to_owned());
    UserPut { login, name, role: Role::Admin, active: true }
}

#[tokio::test]
async fn the_first_admin_comes_from_the_command_line_through_the_ledger() {
    let house = House::on(database().await, ON_LOOPBACK);
    let event_id = house.operator.put_user(&first_admin()).await.expect("left");
    house.operator.set_password(EMAIL, PASSWORD).await.expect("waiting users have passwords too");
    assert_eq!(house.operator.users().await.expect("read"), [(first_admin(), true)]);
    // Not recorded, not in.
    assert!(house.signs_in(EMAIL, PASSWORD).await.location().contains("bad_credentials"));
    assert_eq!(house.identity.adopt_bootstrap().await.expect("recorded"), 1);
    let recorded = house.book.records.lock().expect("quiet").clone();
    assert_eq!(recorded, [(Known::UserPut(first_admin()), Some(event_id))]);
    // Recorded is not final: she waits, and still may be given a password.
    house.operator.set_password(EMAIL, PASSWORD).await.expect("still waiting");
    // Once final, the projection knows her.
    project(&house.database.pool, event_id, EMAIL, Role::Admin, true).await;
    assert_eq!(house.identity.adopt_bootstrap().await.expect("nothing waits"), 0);
    assert_eq!(house.operator.users().await.expect("read"), [(first_admin(), false)]);
    assert_eq!(house.signs_in(EMAIL, PASSWORD).await.location(), "/ledger?q=1");
}

#[tokio::test]
async fn a_user_waits_until_the_ledger_takes_it() {
    let house = House::on(database().await, ON_LOOPBACK);
    let event_id = house.operator.put_user(&first_admin()).await.expect("left");
    let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", "Later.");
    *house.book.refusal.lock().expect("quiet") = Some(busy);
    assert_eq!(house.identity.adopt_bootstrap().await.expect_err("busy").code, "busy");
    assert_eq!(house.identity.adopt_bootstrap().await.expect("recorded"), 1);
    let recorded = house.book.records.lock().expect("quiet").clone();
    assert_eq!(recorded[0].1, Some(event_id), "the same id, so that twice is once");
}

#[tokio::test]
async fn a_deactivation_signs_out_and_is_left_for_the_ledger() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    house.operator.deactivate(EMAIL).await.expect("known");
    assert_eq!(house.who(&cookie).await.status, StatusCode::UNAUTHORIZED);
    house.identity.adopt_bootstrap().await.expect("recorded");
    let recorded = house.book.records.lock().expect("quiet").clone();
    assert!(matches!(&recorded[0].0, Known::UserPut(user) if user.login == EMAIL && !user.active));
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    let house = House::build(ON_LOOPBACK).await;
    let cookie = house.signs_in(EMAIL, PASSWORD).await.cookie();
    house.operator.set_password(EMAIL, "another horse battery").await.expect("known");
    assert_eq!(house.who(&cookie).await.status, StatusCode::UNAUTHORIZED);
    assert!(house.signs_in(EMAIL, PASSWORD).await.location().contains("bad_credentials"));
    assert_eq!(house.signs_in(EMAIL, "another horse battery").await.location(), "/ledger?q=1");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words() {
    let house = House::build(ON_LOOPBACK).await;
    let nameless = UserPut { name: String::new(), ..first_admin() };
    let refused = house.operator.put_user(&nameless).await.expect_err("no name");
    assert!(refused.to_string().contains("/name"), "{refused}");
    let unknown = house.operator.set_password("nobody", PASSWORD).await;
    assert!(matches!(unknown, Err(OperatorError::UnknownUser(login)) if login == "nobody"));
    let short = house.operator.set_password(EMAIL, "short").await.expect_err("short");
    assert!(short.to_string().contains("at least 15 characters"), "{short}");
    let missing = house.operator.revoke_token("x").await;
    assert!(matches!(missing, Err(OperatorError::UnknownToken(id)) if id == "x"));
}
