//! Held bytes, read again for a person. Nothing here decides anything.

use domain::event::{Event, Slot};
use domain::log::{Checkpoint, Hash, LogId};
use domain::note::Note;
use domain::quarantine::Form;

use super::entry::{Shown, WireEntry};
use super::refused::PlacedEntry;
use super::signing::Signing;
use super::wire::{APPEND_PATH, WireRange, decode};

/// What held bytes say, as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The first of its entries.
    pub entries: Vec<OpenedEntry>,
    /// How many entries follow these.
    pub more: u64,
    pub note: Option<OpenedNote>,
}

/// One entry, with what this cloud makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedEntry {
    /// Counts from 0 within the held bytes.
    pub number: usize,
    /// Where it says to stand.
    pub slot: Slot,
    pub shown: Shown,
    /// Computed here; absent if a field breaks a rule.
    pub hash: Option<Hash>,
    /// Does the signature of its origin hold for that hash?
    pub signature_holds: bool,
    /// The event, if every field keeps the rules.
    pub event: Option<Event>,
}

/// A signed note, with what each signature under it is worth here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedNote {
    pub text: String,
    /// The size that it is about, if it is a checkpoint.
    pub size: Option<u64>,
    pub lines: Vec<OpenedLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedLine {
    pub name: String,
    pub key_id: String,
    /// `None`: no key of this name and id is pinned here.
    pub holds: Option<bool>,
}

/// Reads held bytes: at most `entries_max` entries.
pub(super) fn open(
    signing: &Signing,
    form: Form,
    place: &str,
    bytes: &[u8],
    entries_max: usize,
) -> Opened {
    match form {
        Form::Range => open_range(signing, bytes, entries_max),
        Form::Message if place == APPEND_PATH => open_range(signing, bytes, entries_max),
        Form::Entry => {
            let placed = decode::<PlacedEntry>(bytes).ok();
            let entry = placed.map(|(log, at, entry)| opened(signing, log, at, 0, entry));
            Opened { entries: entry.into_iter().collect(), ..Opened::default() }
        }
        Form::Note => {
            let note = std::str::from_utf8(bytes).ok().and_then(|note| open_note(signing, note));
            Opened { note, ..Opened::default() }
        }
        Form::Event | Form::Message | Form::Slots => Opened::default(),
    }
}

fn open_range(signing: &Signing, bytes: &[u8], entries_max: usize) -> Opened {
    let Ok(range) = decode::<WireRange>(bytes) else { return Opened::default() };
    let more = range.entries.len().saturating_sub(entries_max) as u64;
    let first = range.entries.into_iter().take(entries_max).enumerate();
    let entries = first.map(|(number, entry)| {
        opened(signing, range.log, range.start.saturating_add(number as u64), number, entry)
    });
    Opened { entries: entries.collect(), more, note: open_note(signing, &range.note) }
}

fn opened(
    signing: &Signing,
    log: LogId,
    sequence: u64,
    number: usize,
    entry: WireEntry,
) -> OpenedEntry {
    let shown = entry.show();
    let envelope = entry.read(log.origin, number).ok();
    let signature_holds =
        envelope.as_ref().is_some_and(|envelope| signing.verifier.is_signed(log, envelope));
    OpenedEntry {
        number,
        slot: Slot { origin: log.origin, epoch: log.epoch, sequence },
        shown,
        hash: envelope.as_ref().map(domain::event::Envelope::hash),
        signature_holds,
        event: envelope.map(|envelope| envelope.event().clone()),
    }
}

fn open_note(signing: &Signing, text: &str) -> Option<OpenedNote> {
    let note = Note::parse(text).ok()?;
    let ring = signing.verifier.ring();
    let line = |line: &domain::note::SignatureLine| {
        let is_its =
            |key: &&domain::key::NoteKey| key.name() == line.name && key.id() == line.key_id;
        OpenedLine {
            name: line.name.clone(),
            key_id: hex::encode(line.key_id),
            holds: ring
                .pinned
                .iter()
                .find(is_its)
                .map(|key| line.check(&note.text, key).is_valid()),
        }
    };
    Some(OpenedNote {
        lines: note.signatures.iter().map(line).collect(),
        size: Checkpoint::parse(&note.text).ok().map(|checkpoint| checkpoint.head.size),
        text: text.to_owned(),
    })
}
