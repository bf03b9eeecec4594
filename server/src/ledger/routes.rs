//! The routes on which other clouds replicate: `/peer/v1/…`.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use serde::de::DeserializeOwned;

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

/// What a letter says. One that does not read is held.
fn read<T: DeserializeOwned>(
    receiver: &Receiver,
    letter: &Letter,
    path: &str,
) -> Result<T, Problem> {
    decode(&letter.body).map_err(|cause| {
        receiver.hear_nonsense(letter.from, path, letter.body.clone(), &cause.to_string());
        Problem::malformed(format!("The message is not in this version's form: {cause}."))
    })
}

async fn append(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let range = read(&receiver, &letter, APPEND_PATH)?;
    let again = || decode(&letter.body).ok();
    let answer = receiver.take_range(letter.from, range, again).await;
    Ok(letter.answer(encode(&answer)))
}

async fn entries(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let question = read(&receiver, &letter, ENTRIES_PATH)?;
    Ok(letter.answer(encode(&receiver.answer_entries(&question).await?)))
}

async fn copy(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let question = read(&receiver, &letter, COPY_PATH)?;
    Ok(letter.answer(encode(&receiver.answer_copy(question).await?)))
}

async fn heads(State(receiver): State<Arc<Receiver>>, letter: Letter) -> Result<Answer, Problem> {
    let heads = read(&receiver, &letter, HEADS_PATH)?;
    receiver.hear_heads(letter.from, heads).await;
    Ok(letter.answer(encode(&receiver.heads())))
}
