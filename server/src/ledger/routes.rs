//! The routes on which other clouds replicate: `/peer/v1/…`.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use domain::epoch::SignedEpoch;
use serde::de::DeserializeOwned;

use super::epochs::Epochs;
use super::receive::Receiver;
use super::wire::{
    APPEND_PATH, APPROVE_PATH, ApprovalAnswer, ApprovalQuestion, COPY_PATH, ENTRIES_PATH,
    EPOCHS_PATH, EpochRecords, HEADS_PATH, decode, encode,
};
use crate::peer::{Answer, Channel, Letter};
use crate::problem::Problem;

pub(super) fn routes(
    receiver: Arc<Receiver>,
    epochs: Arc<Epochs>,
    channel: Arc<Channel>,
) -> Router {
    let epochs = Router::new()
        .route(EPOCHS_PATH, post(records))
        .route(APPROVE_PATH, post(approve))
        .with_state((Arc::clone(&receiver), epochs));
    Router::new()
        .route(APPEND_PATH, post(append))
        .route(ENTRIES_PATH, post(entries))
        .route(COPY_PATH, post(copy))
        .route(HEADS_PATH, post(heads))
        .with_state(receiver)
        .merge(epochs)
        .layer(Extension(channel))
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

type Office = (Arc<Receiver>, Arc<Epochs>);

async fn records(State((_, epochs)): State<Office>, letter: Letter) -> Answer {
    let records = EpochRecords(epochs.records());
    letter.answer(encode(&records))
}

async fn approve(
    State((receiver, epochs)): State<Office>,
    letter: Letter,
) -> Result<Answer, Problem> {
    let question: ApprovalQuestion = read(&receiver, &letter, APPROVE_PATH)?;
    let answer = match serde_json::from_str::<SignedEpoch>(&question.signed) {
        Ok(signed) => {
            // So we learn at once how far to catch up.
            receiver.hear_note(letter.from, signed.record.ends(), &question.closing).await;
            epochs.approve(letter.from, &signed).await?
        }
        Err(cause) => ApprovalAnswer::Refused { reason: format!("not an epoch record: {cause}") },
    };
    Ok(letter.answer(encode(&answer)))
}
