//! Stored signatures: each must hold under its signer's pinned key.

use domain::log::Head;

use super::super::super::tree;
use super::super::draft::Draft;
use super::super::finding::Outcome;
use super::super::stored::StoredSignature;
use super::{Pass, repair, stored};

/// Signatures of one reading. Each costs one or two strict checks, like a row.
const SIGNATURES_AT_ONCE: i64 = 256;

impl Pass<'_> {
    pub(super) async fn signatures(&self) -> Result<(), sqlx::Error> {
        let mut after = (0, 0);
        loop {
            let some = stored::signatures(self.pool, self.log, after, SIGNATURES_AT_ONCE).await?;
            let Some(last) = some.last() else { return Ok(()) };
            after = (last.size, last.signer.code());
            for one in &some {
                let stands = |head| self.holds(one, head) || self.is_history(one, head);
                if !one.head().is_some_and(stands) {
                    self.wrong_signature(one).await?;
                }
            }
            self.pace(some.len()).await;
        }
    }

    fn holds(&self, one: &StoredSignature, head: Head) -> bool {
        self.verifier.lines_hold(self.log, head, one.signer, &one.lines)
    }

    fn is_history(&self, one: &StoredSignature, head: Head) -> bool {
        self.verifier.lines_of_another_key(self.log, head, one.signer, &one.lines)
    }

    /// With the root that our tree has there it may hold again. If not, it proves nothing: it is
    /// taken out, and the signer's next head covers what it covered.
    async fn wrong_signature(&self, one: &StoredSignature) -> Result<(), sqlx::Error> {
        let ours = tree::root_at(self.pool, self.log, one.size).await?;
        let right = ours.map(|root| Head { size: one.size, root });
        let right = right.filter(|head| self.holds(one, *head));
        let place = self.place(&format!("signature of {} at {}", one.signer, one.size));
        let mut draft = match right {
            Some(_) => Draft::of(place, "root", Some(hex::encode(&one.root))),
            None => Draft::of(place, "signature", Some("valid under no pinned key".to_owned())),
        };
        draft.found_bytes = Some([one.root.as_slice(), one.lines.as_bytes()].concat());
        draft.right = right.map(|head| head.root.to_string());
        draft.right_bytes = right.map(|head| head.root.0.to_vec());
        if !self.mends {
            self.only_tell(&draft);
            return Ok(());
        }
        let outcome = Outcome::Repaired { source: None };
        let evidence = draft.evidence(&outcome);
        repair::signature(self.pool, self.log, one, right, &evidence).await?;
        self.tell(&draft, &outcome);
        Ok(())
    }
}
