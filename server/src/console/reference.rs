//! What a person types to find an event: an id, a hash or its beginning, a slot, a sequence.

use domain::event::{EventId, Slot};
use domain::log::LogId;
use uuid::Uuid;

use super::Console;
use crate::ledger::Record;

/// Fewer digits would fit too many hashes.
const HASH_DIGITS_MIN: usize = 8;
const HASH_DIGITS_MAX: usize = 64;

/// One way to read what was typed; a text may be several things.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reference {
    Id(EventId),
    Slot(Slot),
    /// Lower-case hex digits.
    Hash(String),
    Sequence(u64),
}

fn read(text: &str) -> Vec<Reference> {
    let mut readings = Vec::new();
    if let Ok(id) = Uuid::parse_str(text) {
        readings.push(Reference::Id(EventId(id)));
        return readings;
    }
    if let Some(slot) = Slot::parse(&text.to_ascii_lowercase()) {
        readings.push(Reference::Slot(slot));
        return readings;
    }
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && (HASH_DIGITS_MIN..=HASH_DIGITS_MAX).contains(&text.len()) {
        readings.push(Reference::Hash(text.to_ascii_lowercase()));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(sequence) = text.parse()
    {
        readings.push(Reference::Sequence(sequence));
    }
    readings
}

impl Console {
    /// The events that the text names, however it names them.
    pub(super) async fn referenced(&self, text: &str) -> Result<Vec<Record>, sqlx::Error> {
        let mut found: Vec<Record> = Vec::new();
        for reference in read(text) {
            for record in self.follow(reference).await? {
                if found.iter().all(|known| known.slot != record.slot) {
                    found.push(record);
                }
            }
        }
        Ok(found)
    }

    async fn follow(&self, reference: Reference) -> Result<Vec<Record>, sqlx::Error> {
        match reference {
            Reference::Id(id) => self.ledger.find(id).await,
            Reference::Slot(slot) => Ok(self.ledger.at(slot).await?.into_iter().collect()),
            Reference::Hash(digits) => self.by_hash(&digits).await,
            Reference::Sequence(sequence) => {
                let mut found = Vec::new();
                let logs: Vec<_> = self.ledger.register().logs().collect();
                for LogId { origin, epoch } in logs {
                    let slot = Slot { origin, epoch, sequence };
                    found.extend(self.ledger.at(slot).await?);
                }
                Ok(found)
            }
        }
    }

    async fn by_hash(&self, digits: &str) -> Result<Vec<Record>, sqlx::Error> {
        // Whole bytes are looked up; an odd last digit is compared here.
        let whole = digits.len() / 2 * 2;
        let Ok(prefix) = hex::decode(&digits[..whole]) else { return Ok(Vec::new()) };
        let mut found = self.ledger.by_hash(&prefix).await?;
        found.retain(|record| record.hash.to_string().starts_with(digits));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::cloud::Cloud;

    #[test]
    fn a_text_is_read_in_every_way_that_fits() {
        let slot = Slot { origin: Cloud::Gcp, epoch: 1, sequence: 204 };
        assert_eq!(read("gcp/1/204"), [Reference::Slot(slot)]);
        assert_eq!(read("204"), [Reference::Sequence(204)]);
        assert_eq!(
            read("12345678"),
            [Reference::Hash("12345678".into()), Reference::Sequence(12_345_678)]
        );
        assert_eq!(read("ABCDEF012"), [Reference::Hash("abcdef012".into())]);
        assert!(matches!(read("0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b")[..], [Reference::Id(_)]));
        for nothing in [
            "acme",
            "abcdef",
            "",
            "99999999999999999999999999999999999999999999999999999999999999999",
        ] {
            assert_eq!(read(nothing), [], "{nothing}");
        }
    }
}
