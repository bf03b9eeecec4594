//! The check itself, in a piece of its own: certificates and curves weigh more than the page, and come
//! while it is read. Once it is there, nothing more is fetched.

use std::time::Duration;

use domain::anchor::rfc3161::certificates;
use domain::bundle::{Bundle, SNAPSHOT_FILE, SnapshotFile, is_packed};
use domain::receipt::Verification;
use domain::verifier::{Held, Unreadable};
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::beside::Fields;
use crate::browser;
use crate::verification::read_policy;

/// The page stands without it, so the server is spared.
const TRY_AGAIN_EVERY: Duration = Duration::from_secs(5);

/// A file, and what the reader holds beside it.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) policy: Option<(String, String)>,
    pub(super) fields: Fields,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) question: Question,
    /// The steps, or a sentence that says why there are none.
    pub(super) checked: Result<Verification, String>,
    /// Of a bundle: what it says that it is.
    pub(super) snapshot: Option<SnapshotFile>,
}

/// Fetches the piece, for as long as it takes.
pub(super) async fn come() {
    while fetch().await.is_err() {
        browser::pause(TRY_AGAIN_EVERY).await;
    }
}

/// Every step, computed here.
pub(super) async fn answer(question: Question) -> Answer {
    let asked = question.clone();
    check(question).await.unwrap_or_else(|_| Answer {
        question: asked,
        checked: Err("The checker has not come yet, and the network is off.".to_owned()),
        snapshot: None,
    })
}

#[wasm_split(checker, preload(fetch), fallible)]
fn check(question: Question) -> Result<Answer, SplitLoaderError> {
    let checked = held(&question).and_then(|held| {
        let (held, stamped) = held;
        held.check(&question.bytes, stamped.as_ref()).map_err(|error| sentence(&error))
    });
    let bundle = is_packed(&question.bytes).then(|| Bundle::unpack(&question.bytes).ok()).flatten();
    let file = bundle.as_ref().and_then(|bundle| bundle.file(SNAPSHOT_FILE));
    let snapshot = file.and_then(|bytes| SnapshotFile::parse(bytes).ok());
    Ok(Answer { question, checked, snapshot })
}

fn held(question: &Question) -> Result<(Held, Option<domain::verifier::Stamped>), String> {
    let (held, stamped) = question.fields.read()?;
    let policy = question.policy.as_ref().map(|(_, text)| read_policy(text)).transpose()?;
    let authorities = match &question.fields.authorities {
        Some(bytes) => certificates(bytes)
            .map_err(|cause| format!("The authorities’ certificates cannot be read: {cause}."))?,
        None => Vec::new(),
    };
    Ok((Held { policy, authorities, ..held }, stamped))
}

/// The domain's words, as a sentence.
fn sentence(error: &Unreadable) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
