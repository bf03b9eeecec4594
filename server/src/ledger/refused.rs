//! What the ledger refuses, in the form in which it is held: why, and which bytes are worth keeping.

use axum::body::Bytes;
use domain::cloud::Cloud;
use domain::event::Slot;
use domain::log::LogId;
use domain::quarantine::blame::Blame;
use domain::quarantine::{Form, Reason, Source};
use domain::quorum::Refusal;

use super::entry::WireEntry;
use super::signing::{SignedHead, Signing};
use super::wire::{WireRange, encode};
use crate::quarantine::{About, Input};

/// One entry with its place, as it is held.
pub(super) type PlacedEntry = (LogId, u64, WireEntry);

/// Why the rule of agreement does not take a range.
pub(super) fn blame(refusal: Refusal) -> Blame {
    let reason = match refusal {
        Refusal::SizeMismatch { .. } => Reason::SizeMismatch,
        Refusal::RootMismatch { .. } => Reason::RootMismatch,
        _ => Reason::RuleBroken,
    };
    Blame::new(reason, sentence(&refusal.to_string()))
}

/// A range without what changes from one attempt to the next, so that the same range sent again
/// is the same input.
pub(super) fn range(from: Cloud, mut range: WireRange, blame: Blame) -> Input {
    range.others.clear();
    let slot = Slot { origin: range.log.origin, epoch: range.log.epoch, sequence: range.start };
    let about = About::place(&slot);
    Input::blamed(Source::Peer(from), blame, Form::Range, encode(&range).into(), about)
}

pub(super) fn note(from: Cloud, log: LogId, note: &str, blame: Blame) -> Input {
    let bytes = Bytes::copy_from_slice(note.as_bytes());
    Input::blamed(Source::Peer(from), blame, Form::Note, bytes, About::place(&log))
}

/// A head that the origin signed beside the one that stands here. Only the origin's own
/// signatures are kept with it: they prove it, and who else signed changes from note to note.
pub(super) fn fork(signing: &Signing, signed: &SignedHead, ours: u64) -> Input {
    let log = signed.log;
    let mut own = signed.clone();
    own.lines.retain(|cloud, _| *cloud == log.origin);
    let size = signed.head.size;
    let detail = format!(
        "{} signed another root for the first {size} entries of {log} than what stands here, \
         where the log has {ours}.",
        log.origin.title()
    );
    let blame = Blame::new(Reason::SlotConflict, detail);
    let bytes = signing.note(&own).into_bytes().into();
    Input::blamed(Source::Peer(log.origin), blame, Form::Note, bytes, About::place(&log))
}

/// A message that its sender signed and that does not read.
pub(super) fn nonsense(from: Cloud, path: &str, body: Bytes, cause: &str) -> Input {
    let blame = Blame::new(Reason::Malformed, sentence(&format!("it does not read: {cause}")));
    Input::blamed(Source::Peer(from), blame, Form::Message, body, About::place(&path))
}

/// An entry of another cloud's copy that is not what stands under the signed root.
pub(super) fn entry(from: Cloud, log: LogId, sequence: u64, entry: WireEntry, hash: bool) -> Input {
    let slot = Slot { origin: log.origin, epoch: log.epoch, sequence };
    let blame = if hash {
        let detail = format!("The copy of {slot} does not give the leaf under the signed root.");
        Blame::new(Reason::BadHash, detail)
    } else {
        let detail = format!("The copy of {slot} does not carry the signature of its origin.");
        Blame::new(Reason::BadSignature, detail)
    };
    let event_id = Some(entry.show().event_id);
    let placed: PlacedEntry = (log, sequence, entry);
    let about = About { event_id, ..About::place(&slot) };
    Input::blamed(Source::Peer(from), blame, Form::Entry, encode(&placed).into(), about)
}

/// Messages of errors begin small and end without a stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::log::Hash;

    #[test]
    fn each_refusal_has_its_reason_and_reads_as_a_sentence() {
        let wrong_root = blame(Refusal::RootMismatch { computed: Hash([0; 32]) });
        assert_eq!(wrong_root.reason, Reason::RootMismatch);
        assert_eq!(wrong_root.detail, "The leaves lead to another root than the signed one.");
        let wrong_size = blame(Refusal::SizeMismatch { end: 4, signed: 5 });
        assert_eq!(wrong_size.reason, Reason::SizeMismatch);
        assert_eq!(blame(Refusal::Empty).reason, Reason::RuleBroken);
    }

    #[test]
    fn the_same_range_with_other_news_beside_it_is_the_same_input() {
        let log = LogId { origin: Cloud::Aws, epoch: 1 };
        let of = |others: Vec<String>| {
            let range_ =
                WireRange { log, start: 7, entries: Vec::new(), note: "n".to_owned(), others };
            range(Cloud::Aws, range_, Blame::new(Reason::RootMismatch, "x"))
        };
        let (one, other) = (of(vec!["a".to_owned()]), of(Vec::new()));
        assert_eq!(one.bytes, other.bytes);
        assert_eq!(one.about.place.as_deref(), Some("aws/1/7"));
    }
}
