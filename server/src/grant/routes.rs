//! The routes on which other clouds ask for votes and tell of decisions: `/peer/v1/grants/…`.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};

use super::wire::{
    DECISIONS_MAX, OPEN_MAX, OPEN_PATH, Open, Question, SINCE_PATH, Since, TELL_PATH, Told,
    VOTE_PATH, WireAnswer, WireDecision, decode, encode,
};
use super::{GrantError, Grants};
use crate::peer::{Answer, Channel, Letter};
use crate::problem::Problem;

pub(super) fn routes(grants: Arc<Grants>, channel: Arc<Channel>) -> Router {
    Router::new()
        .route(VOTE_PATH, post(vote))
        .route(TELL_PATH, post(tell))
        .route(SINCE_PATH, post(since))
        .route(OPEN_PATH, post(open))
        .layer(Extension(channel))
        .with_state(grants)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreadable(cause: postcard::Error) -> Problem {
    Problem::malformed(format!("The message is not in this version's form: {cause}."))
}

fn refused(cause: GrantError) -> Problem {
    match cause {
        GrantError::Database(cause) => Problem::from(cause),
        other => Problem::busy(format!("No vote just now: {other}.")),
    }
}

async fn vote(State(grants): State<Arc<Grants>>, letter: Letter) -> Result<Answer, Problem> {
    let question: Question = decode(&letter.body).map_err(unreadable)?;
    if let Some(before) = &question.before {
        grants.learn_wire(letter.from, before).await.map_err(refused)?;
    }
    let request = question.request(&grants.voters());
    let request = request.ok_or_else(|| Problem::malformed("No honest cloud asks this."))?;
    let answer = grants.vote(letter.from, &question.grant, &request).await.map_err(refused)?;
    Ok(letter.answer(encode(&WireAnswer::of(&answer))))
}

async fn tell(State(grants): State<Arc<Grants>>, letter: Letter) -> Result<Answer, Problem> {
    let told: WireDecision = decode(&letter.body).map_err(unreadable)?;
    grants.learn_wire(letter.from, &told).await.map_err(refused)?;
    Ok(letter.answer(Vec::new()))
}

async fn since(State(grants): State<Arc<Grants>>, letter: Letter) -> Result<Answer, Problem> {
    let Since { position } = decode(&letter.body).map_err(unreadable)?;
    let newest = grants.store.newest_position().await?;
    let known = grants.store.since(position, DECISIONS_MAX).await?;
    let told = Told {
        position: known.last().map_or(position, |last| last.position),
        newest,
        decisions: known.iter().map(|listed| WireDecision::of(&listed.decision)).collect(),
    };
    Ok(letter.answer(encode(&told)))
}

async fn open(State(grants): State<Arc<Grants>>, letter: Letter) -> Result<Answer, Problem> {
    let Open { after } = decode(&letter.body).map_err(unreadable)?;
    let open = grants.store.open_after(after.as_ref(), OPEN_MAX).await?;
    Ok(letter.answer(encode(&open)))
}
