//! The head of a log: which one is cosigned, what the database says, and what lies beyond.

use std::time::Duration;

use domain::log::Head;
use domain::quorum::Mode;
use tokio::time::sleep;

use super::super::super::columns;
use super::super::super::store::Store;
use super::super::draft::{Draft, columns_kept};
use super::super::finding::Outcome;
use super::{Pass, repair, stored};

/// A head that is being moved by an append is published this soon after it is stored.
const APPEND_WAIT: Duration = Duration::from_millis(300);
/// Looks at the head before a difference counts as damage.
const HEAD_LOOKS: usize = 5;
/// Signed heads that are looked at, newest first, before a log counts as not cosigned.
const CERTIFICATES_MAX: i64 = 64;

/// Size and root as they stand, whatever they are.
type FoundHead = Option<(i64, Vec<u8>)>;

impl Pass<'_> {
    /// The largest head under which valid signatures of the quorum stand, by pinned keys.
    pub(super) async fn certified(&self) -> Result<Option<Head>, sqlx::Error> {
        let mode = self.verifier.mode(self.log);
        let known = self.board.and_then(|board| board.newest_certificate(self.log, mode));
        let known =
            known.and_then(|head| self.verifier.verify(self.log, &self.verifier.note(&head)));
        let known = known.filter(|signed| signed.is_certified(mode)).map(|signed| signed.head);
        let stored = self.signed_head(mode.threshold(), Some(mode)).await?;
        Ok(known.into_iter().chain(stored).max_by_key(|head| head.size))
    }

    /// The newest stored head that this many clouds signed, its origin among them.
    async fn signed_head(
        &self,
        signers: usize,
        mode: Option<Mode>,
    ) -> Result<Option<Head>, sqlx::Error> {
        let store = Store::new(self.pool.clone(), self.log);
        for size in stored::signed_sizes(self.pool, self.log, signers, CERTIFICATES_MAX).await? {
            let Some(signed) = store.signed_of_size(size).await? else { continue };
            let verified = self.verifier.verify(self.log, &self.verifier.note(&signed));
            if let Some(signed) =
                verified.filter(|signed| mode.is_none_or(|mode| signed.is_certified(mode)))
            {
                return Ok(Some(signed.head));
            }
        }
        Ok(None)
    }

    pub(super) async fn head(&self) -> Result<(), sqlx::Error> {
        let _turn = self.turn.lock().await;
        let Some((found, right)) = self.wrong_head().await? else { return Ok(()) };
        let size = found.as_ref().map(|(size, _)| size.to_string());
        let root = found.as_ref().map(|(_, root)| hex::encode(root));
        let only_root = size == Some(right.size.to_string());
        let mut draft = if only_root {
            Draft::of(self.place("head"), "root", root)
        } else {
            Draft::of(self.place("head"), "size", size)
        };
        let expected = if only_root { right.root.to_string() } else { right.size.to_string() };
        draft.right_bytes = Some(expected.clone().into_bytes());
        draft.right = Some(expected);
        if !self.mends {
            self.only_tell(&draft);
            return Ok(());
        }
        let outcome = Outcome::Repaired { source: None };
        let evidence = draft.evidence(&outcome);
        if repair::head(self.pool, self.log, found.as_ref(), right, &evidence).await? {
            self.tell(&draft, &outcome);
        }
        Ok(())
    }

    /// The stored head, where it is not what this node last made durable and signed.
    async fn wrong_head(&self) -> Result<Option<(FoundHead, Head)>, sqlx::Error> {
        let is = |found: &FoundHead, head: Head| {
            *found == Some((columns::size(head.size), head.root.0.to_vec()))
        };
        let Some(board) = self.board else {
            let found = stored::head(self.pool, self.log).await?;
            let Some(signed) = self.signed_head(1, None).await? else { return Ok(None) };
            let size = found.as_ref().map_or(-1, |(size, _)| *size);
            let behind = size <= columns::size(signed.size) && !is(&found, signed);
            return Ok(behind.then_some((found, signed)));
        };
        let known =
            || board.watermarks.borrow().view(self.log).map_or(Head::empty(), |view| view.head);
        let before = known();
        let mut found = None;
        for _ in 0..HEAD_LOOKS {
            found = stored::head(self.pool, self.log).await?;
            if is(&found, before) {
                return Ok(None);
            }
            sleep(APPEND_WAIT).await;
            if known() != before {
                return Ok(None); // it grows: the next pass looks again
            }
        }
        Ok(Some((found, before)))
    }

    /// Rows that no head covers. Never any that a known head covers, whatever is stored as head.
    pub(super) async fn beyond(&self, certified: Head) -> Result<(), sqlx::Error> {
        for sequence in stored::rows_beyond(self.pool, self.log).await? {
            let known =
                self.board.and_then(|board| board.watermarks.borrow().view(self.log).copied());
            if sequence < known.map_or(0, |view| view.head.size).max(certified.size) {
                continue;
            }
            let found = stored::rows(self.pool, self.log, sequence, sequence + 1).await?;
            let Some(row) = found.first() else { continue };
            let what = "beyond the end of the log".to_owned();
            let draft = Draft::row(self.log, sequence, "row", what);
            if self.mends {
                let kept = columns_kept(self.log, row, None, None);
                repair::remove_row(self.pool, self.log, sequence, &kept).await?;
                self.tell(&draft, &Outcome::Repaired { source: None });
            } else {
                self.only_tell(&draft);
            }
        }
        Ok(())
    }
}
