//! Credentials between clouds: whatever the order, all end with the same.

use domain::access::Role;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use server::identity::{Credential, Cursor, Identity};
use sqlx::PgPool;

use super::house::{EMAIL, House, ON_LOOPBACK, PASSWORD};
use crate::cluster::database;

/// All that a cloud holds, in an order of its own.
async fn holdings(identity: &Identity) -> Vec<Credential> {
    let mut all = identity.credentials_since(Cursor::default()).await.expect("read").credentials;
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all
}

#[tokio::test]
async fn a_password_and_a_token_work_at_another_cloud_once_told() {
    let here = House::build(ON_LOOPBACK).await;
    let there = House::on(database().await, ON_LOOPBACK);
    there.is_known(EMAIL, Role::Admin, true).await;
    let token = here.operator.create_token(EMAIL, "", None).await.expect("known");
    assert_eq!(there.who_with_token(&token.secret).await.status, 401);
    let told = here.identity.credentials_since(Cursor::default()).await.expect("read");
    assert_eq!(there.identity.merge_credentials(&told.credentials).await.expect("merged"), 2);
    assert_eq!(there.signs_in(EMAIL, PASSWORD).await.location(), "/ledger?q=1");
    assert_eq!(there.who_with_token(&token.secret).await.status, 200);
    // Nothing new, nothing told; and telling again changes nothing.
    let later = here.identity.credentials_since(told.cursor).await.expect("read");
    assert_eq!((later.credentials.len(), later.cursor), (0, told.cursor));
    assert_eq!(there.identity.merge_credentials(&told.credentials).await.expect("merged"), 0);
    // A revocation follows and holds at once, cached or not.
    here.operator.revoke_token(&token.id).await.expect("known");
    let later = here.identity.credentials_since(told.cursor).await.expect("read");
    assert_eq!(later.credentials.len(), 1);
    there.identity.merge_credentials(&later.credentials).await.expect("merged");
    assert_eq!(there.who_with_token(&token.secret).await.status, 401);
}

#[tokio::test]
async fn a_cursor_into_another_database_starts_again() {
    let here = House::build(ON_LOOPBACK).await;
    let cursor = here.identity.credentials_since(Cursor::default()).await.expect("read").cursor;
    sqlx::query("UPDATE identity_store SET id = gen_random_uuid()")
        .execute(&here.database.pool)
        .await
        .expect("the table");
    let again = here.identity.credentials_since(cursor).await.expect("read");
    assert_eq!(again.credentials.len(), 1);
}

#[tokio::test]
async fn a_revocation_is_never_undone_by_a_later_version() {
    let house = House::build(ON_LOOPBACK).await;
    let token = house.operator.create_token(EMAIL, "", None).await.expect("known");
    house.operator.revoke_token(&token.id).await.expect("known");
    let mut revived = house.operator.tokens().await.expect("read").remove(0);
    (revived.revoked, revived.version) = (false, revived.version + 1_000);
    assert_eq!(house.identity.merge_credentials(&[revived]).await.expect("merged"), 0);
    assert_eq!(house.who_with_token(&token.secret).await.status, 401);
}

#[tokio::test]
async fn what_fits_no_table_is_refused_and_the_rest_is_taken() {
    let house = House::build(ON_LOOPBACK).await;
    let good = holdings(&house.identity).await.remove(0);
    let good = Credential { id: "bo".into(), login: "bo".into(), ..good };
    let bad = Credential { label: "x".repeat(1_000), id: "evil".into(), ..good.clone() };
    assert_eq!(house.identity.merge_credentials(&[bad, good]).await.expect("merged"), 1);
}

/// Few values for each field, so that states of one credential collide often.
fn states() -> impl Strategy<Value = Vec<Credential>> {
    let state = (select(vec!["a", "b"]), 0_i64..3, any::<bool>(), select(vec!["x", "y"]));
    let state = state.prop_map(|(id, version, revoked, verifier)| Credential {
        kind: server::identity::CredentialKind::Token,
        id: id.to_owned(),
        login: "meter".to_owned(),
        verifier: verifier.to_owned(),
        label: String::new(),
        created_at: domain::clock::Timestamp::from_unix_ms(0),
        expires_at: None,
        revoked,
        version,
    });
    prop::collection::vec(state, 1..8)
}

/// The same states in two orders, each cut into messages somewhere.
fn histories() -> impl Strategy<Value = (Vec<Credential>, Vec<Credential>, usize)> {
    states().prop_flat_map(|states| {
        let length = states.len();
        let shuffled = Just(states.clone()).prop_shuffle();
        // Some of them twice: messages are repeated after a lost answer.
        let again = subsequence(states.clone(), 0..=length);
        let repeated = (shuffled, again).prop_map(|(mut all, again)| {
            all.extend(again);
            all
        });
        (Just(states), repeated, 0..=length)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn all_orders_and_repetitions_of_changes_end_alike() {
    let (one, other) = (database().await, database().await);
    let runtime = tokio::runtime::Handle::current();
    let run = tokio::task::spawn_blocking(move || {
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(64));
        let result = runner.run(&histories(), |(first, second, cut)| {
            runtime.block_on(async {
                let ends_one = merged(&one.pool, &first, cut).await;
                let ends_other = merged(&other.pool, &second, second.len() / 2).await;
                prop_assert_eq!(ends_one, ends_other);
                Ok(())
            })
        });
        (result, one, other)
    });
    let (result, ..) = run.await.expect("no panic");
    result.expect("merging is commutative, associative and idempotent");
}

async fn merged(pool: &PgPool, states: &[Credential], cut: usize) -> Vec<Credential> {
    let house = super::house::identity_on(pool.clone());
    let clear = sqlx::query("TRUNCATE identity_credential").execute(pool).await;
    clear.expect("the table");
    for message in [&states[..cut.min(states.len())], &states[cut.min(states.len())..]] {
        house.merge_credentials(message).await.expect("merged");
    }
    holdings(&house).await
}
