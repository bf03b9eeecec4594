//! The whole way: a user made on one cloud's command line comes in at another cloud.

use std::time::Duration;

use axum::http::StatusCode;
use domain::access::Role;
use domain::catalog::UserPut;
use domain::cloud::Cloud;
use server::identity::Operator;

use super::house::{EMAIL, PASSWORD, Site};
use crate::clouds::Clouds;

/// Recording, finality at two clouds, projection and two exchanges, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_first_admin_of_one_cloud_signs_in_at_another() {
    let mut clouds = Clouds::prepare().await;
    let (gcp, aws) = (clouds.start(Cloud::Gcp).await, clouds.start(Cloud::Aws).await);
    let operator = Operator::new(gcp.database.pool.clone());
    let (login, name) = (EMAIL.to_owned(), "Ada".to_owned());
    let ada = UserPut { login, name, role: Role::Admin, active: true };
    operator.put_user(&ada).await.expect("left for the node");
    // The node is recording meanwhile: at no moment is the user unknown.
    tokio::time::sleep(Duration::from_millis(200)).await;
    operator.set_password(EMAIL, PASSWORD).await.expect("waiting or known");
    let token = operator.create_token(EMAIL, "", None).await.expect("waiting or known");
    let site = Site::of(&aws.identity, false);
    until(async || site.signs_in(EMAIL, PASSWORD).await.location() == "/ledger?q=1").await;
    let cookie = site.signs_in(EMAIL, PASSWORD).await.cookie();
    until(async || site.who_with_token(&token.secret).await.status == StatusCode::OK).await;
    operator.deactivate(EMAIL).await.expect("known");
    until(async || site.who(&cookie).await.status == StatusCode::UNAUTHORIZED).await;
    until(async || site.who_with_token(&token.secret).await.status == StatusCode::UNAUTHORIZED)
        .await;
}

async fn until(holds: impl AsyncFn() -> bool) {
    let waiting = async {
        // Ten attempts at most: more would be refused as guessing, until the user is known.
        while !holds().await {
            tokio::time::sleep(PATIENCE / 10).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to hold in time");
}
