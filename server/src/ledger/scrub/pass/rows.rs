//! Wrong rows: named, and repaired from copies that lead to the same leaf.

use std::collections::{BTreeMap, BTreeSet};

use domain::cloud::Cloud;
use domain::event::Slot;
use domain::log::Hash;
use domain::scrub::{Fault, Field, StoredRow, Wrong, judge};

use super::super::draft::{Draft, columns_kept};
use super::super::finding::{MISSING, Outcome};
use super::super::repair::Evidence;
use super::{Pass, repair};

/// Verified rows of other clouds, by place.
type Truth = BTreeMap<u64, (Cloud, StoredRow)>;

impl Pass<'_> {
    /// Judges rows from `first` on against leaves that are known to be right.
    pub(super) async fn rows(
        &self,
        first: u64,
        leaves: &[Hash],
        rows: &[StoredRow],
    ) -> Result<(), sqlx::Error> {
        let wrong = judge(self.log, first, leaves, rows, &self.event_keys());
        if wrong.is_empty() {
            return Ok(());
        }
        let wanted: BTreeSet<u64> = wrong
            .iter()
            .filter(|wrong| !matches!(wrong.fault, Fault::Derived(_)))
            .map(|wrong| wrong.sequence)
            .collect();
        let truth = self.truth(first, leaves, wanted).await;
        for one in wrong {
            let found = rows.iter().find(|row| row.sequence == one.sequence);
            self.wrong_row(one, found, truth.get(&one.sequence)).await?;
        }
        Ok(())
    }

    /// What other clouds hold there, if it leads to the right leaf and is validly signed.
    async fn truth(&self, first: u64, leaves: &[Hash], mut wanted: BTreeSet<u64>) -> Truth {
        let (mut truth, keys) = (Truth::new(), self.event_keys());
        for from in self.copies.holders(self.log) {
            if wanted.is_empty() {
                break;
            }
            let sequences: Vec<u64> = wanted.iter().copied().collect();
            for (sequence, entry) in self.copies.entries(from, self.log, &sequences).await {
                let at = usize::try_from(sequence.wrapping_sub(first)).ok();
                let expected = at.and_then(|at| leaves.get(at));
                let row = StoredRow::of(sequence, &entry);
                let leads = expected == Some(&entry.leaf(self.log.epoch, sequence).0);
                if !leads || !row.signature_holds(entry.hash(), &keys) {
                    self.copies.refuse(from, self.log, sequence, &entry, !leads);
                } else if wanted.remove(&sequence) {
                    truth.insert(sequence, (from, row));
                }
            }
        }
        truth
    }

    async fn wrong_row(
        &self,
        wrong: Wrong,
        found: Option<&StoredRow>,
        truth: Option<&(Cloud, StoredRow)>,
    ) -> Result<(), sqlx::Error> {
        if let (Fault::Derived(field), Some(found)) = (wrong.fault, found) {
            let right = derived(self.log.origin, found);
            let draft = Draft::column(self.log, field, found, Some(&right));
            return self.put(right, &[draft], Vec::new(), None).await;
        }
        let Some((source, right)) = truth else {
            return self.leave(&self.draft_alone(wrong, found)).await;
        };
        let (drafts, kept): (Vec<Draft>, _) = match (wrong.fault, found) {
            (Fault::Content { stands_for: None, .. } | Fault::Signature, Some(found)) => {
                let fields = found.differences(right).into_iter();
                let of = |field| Draft::column(self.log, field, found, Some(right));
                (fields.map(of).collect(), Vec::new())
            }
            (_, Some(found)) => (
                vec![self.draft_alone(wrong, Some(found))],
                columns_kept(self.log, found, Some(right), Some(*source)),
            ),
            (_, None) => (vec![self.draft_alone(wrong, None)], Vec::new()),
        };
        self.put(right.clone(), &drafts, kept, Some(*source)).await
    }

    async fn put(
        &self,
        right: StoredRow,
        drafts: &[Draft],
        mut kept: Vec<Evidence>,
        source: Option<Cloud>,
    ) -> Result<(), sqlx::Error> {
        if !self.mends {
            drafts.iter().for_each(|draft| self.only_tell(draft));
            return Ok(());
        }
        let outcome = Outcome::Repaired { source };
        kept.extend(drafts.iter().map(|draft| draft.evidence(&outcome)));
        repair::rows(self.pool, self.log, &[right], &kept).await?;
        for draft in drafts {
            self.tell(draft, &outcome);
        }
        Ok(())
    }

    /// What can be said of a wrong row without another copy.
    pub(super) fn draft_alone(&self, wrong: Wrong, found: Option<&StoredRow>) -> Draft {
        let row = |field, text: String| Draft::row(self.log, wrong.sequence, field, text);
        match (wrong.fault, found) {
            (Fault::Missing, _) | (_, None) => row("row", MISSING.to_owned()),
            (Fault::Content { stands_for: Some(other), .. }, _) => {
                let (origin, epoch) = (self.log.origin, self.log.epoch);
                let other = Slot { origin, epoch, sequence: other };
                row("row", format!("the entry of {other}"))
            }
            (Fault::Content { hash_holds: true, .. }, Some(_)) => {
                row("content", "payload, salt or metadata do not give the stored hash".to_owned())
            }
            (Fault::Content { .. }, Some(_)) => {
                row("content", "neither the contents nor the stored hash are right".to_owned())
            }
            (Fault::Derived(field), Some(found)) => {
                let right = derived(self.log.origin, found);
                Draft::column(self.log, field, found, Some(&right))
            }
            (Fault::Signature, Some(found)) => {
                Draft::column(self.log, Field::Signature, found, None)
            }
        }
    }
}

/// The row with the columns put right that follow from its contents.
fn derived(origin: Cloud, found: &StoredRow) -> StoredRow {
    let mut right = found.clone();
    right.kind = found.kind_of_payload();
    if let Some(event) = found.event(origin) {
        right.hash = event.hash().0.to_vec();
    }
    right
}
