//! The check itself, in a piece of its own: certificates and curves weigh more than the page, and come
//! while it is read. Once it is there, nothing more is fetched.

use std::time::Duration;

use domain::anchor::rfc3161::certificates;
use domain::bundle::{
    Bundle, Covering, SNAPSHOT_FILE, SnapshotFile, Stretch, Walk, Walked, is_packed,
};
use domain::receipt::{Receipt, Step, Verification};
use domain::verifier::{Held, Places, Stamped, Unreadable};
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::beside::Fields;
use super::ours::Way;
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
    /// The file is a bundle, and this leads to it from one event.
    pub(super) way: Option<Way>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) question: Question,
    /// The steps, or a sentence that says why there are none.
    pub(super) checked: Result<Verification, String>,
    /// Of a bundle: what it says that it is.
    pub(super) snapshot: Option<SnapshotFile>,
    /// Of a way from an event: its parts. All their steps are in `checked`, too.
    pub(super) stretches: Vec<(Stretch, Vec<Step>)>,
    /// The blocks that the file leads to.
    pub(super) places: Places,
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
        stretches: Vec::new(),
        places: Places::default(),
    })
}

#[wasm_split(checker, preload(fetch), fallible)]
fn check(question: Question) -> Result<Answer, SplitLoaderError> {
    let (checked, stretches) = match held(&question).and_then(|held| checked(&question, held)) {
        Ok((checked, stretches)) => (Ok(checked), stretches),
        Err(sentence) => (Err(sentence), Vec::new()),
    };
    let bundle = is_packed(&question.bytes).then(|| Bundle::unpack(&question.bytes).ok()).flatten();
    let file = bundle.as_ref().and_then(|bundle| bundle.file(SNAPSHOT_FILE));
    let snapshot = file.and_then(|bytes| SnapshotFile::parse(bytes).ok());
    let places = Places::of(&question.bytes);
    Ok(Answer { question, checked, snapshot, stretches, places })
}

type Checked = (Verification, Vec<(Stretch, Vec<Step>)>);

fn checked(question: &Question, held: (Held, Option<Stamped>)) -> Result<Checked, String> {
    let (held, stamped) = held;
    let Some(way) = &question.way else {
        let checked = held.check(&question.bytes, stamped.as_ref());
        return Ok((checked.map_err(|error| sentence(&error))?, Vec::new()));
    };
    let receipt = Receipt::parse(&way.receipt).map_err(|error| sentence(&error.into()))?;
    let covering = Covering::parse(&way.covering)
        .map_err(|cause| format!("What leads to the snapshot cannot be read: {cause}."))?;
    let bundle = Bundle::unpack(&question.bytes).map_err(|error| sentence(&error.into()))?;
    let walk = Walk { receipt: &receipt, covering: &covering, bundle: &bundle };
    let Walked { stretches, whole } = walk.verify(&held, stamped.as_ref());
    Ok((whole, stretches))
}

fn held(question: &Question) -> Result<(Held, Option<Stamped>), String> {
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
