//! The routes on which other clouds replicate: `/peer/v1/…`.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};

use super::receive::Receiver;
use super::wire::{APPEND_PATH, COPY_PATH, ENTRIES_PATH, HEADS_PATH, decode, encode};
use crate::peer::{Answer, Channel, Letter};
use crate::problem::Problem;

pub(super) fn routes(receiver: Arc<Receiver>, channel: Arc<Channel>) -> Router {
    Router::new()
        .route(APPEND_PATH, post(append))
        .route(ENTRIES_PATH, post(entries))
        .route(COPY_PATH, post(copy))
        .route(HEADS_PATH, post(heads))
        .layer(Extension(channel))
        .with_state(receiver)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreadable(cause: postcard::Error) -> Problem {
    Problem::malformed(format!("The message is not in this version's form: {cause}."))
}

async fn append(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let range = decode(&letter.body).map_err(unreadable)?;
    Ok(letter.answer(encode(&receiver.take_range(range).await)))
}

async fn entries(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let question = decode(&letter.body).map_err(unreadable)?;
    Ok(letter.answer(encode(&receiver.answer_entries(&question).await?)))
}

async fn copy(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let question = decode(&letter.body).map_err(unreadable)?;
    Ok(letter.answer(encode(&receiver.answer_copy(question).await?)))
}

async fn heads(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let heads = decode(&letter.body).map_err(unreadable)?;
    receiver.hear_heads(letter.from, heads).await;
    Ok(letter.answer(encode(&receiver.heads())))
}
