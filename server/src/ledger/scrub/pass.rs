//! One pass over one log: head, blocks, tail, upper tiles, what lies beyond, signatures.

mod blocks;
mod head;
mod rows;
mod signatures;
mod skeleton;

use std::time::Duration;

use domain::key::PublicKey;
use domain::log::{LogId, TILE_WIDTH};
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::super::board::Board;
use super::super::signing::Verifier;
use super::book::Book;
use super::copies::Copies;
use super::draft::Draft;
use super::finding::Outcome;
use super::{repair, stored};

const BLOCK: u64 = TILE_WIDTH as u64;

/// What one pass works with.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub(super) pool: &'a PgPool,
    pub(super) log: LogId,
    pub(super) verifier: &'a Verifier,
    pub(super) copies: &'a Copies,
    /// What the running node knows; `None` when it does not run.
    pub(super) board: Option<&'a Board>,
    pub(super) book: &'a Book,
    /// Held while one part is checked and put right.
    pub(super) turn: &'a Mutex<()>,
    /// False: findings are reported and nothing is written.
    pub(super) mends: bool,
    pub(super) rows_per_s: u32,
}

impl Pass<'_> {
    pub(super) async fn run(&self) -> Result<(), sqlx::Error> {
        self.head().await?;
        if let Some(certified) = self.certified().await? {
            self.book.progress(self.log, 0, certified.size);
            match self.skeleton(certified).await? {
                Some(skeleton) => self.blocks(&skeleton, certified).await?,
                None => self.lost(certified).await?,
            }
            self.beyond(certified).await?;
        } else {
            self.book.progress(self.log, 0, 0);
        }
        self.signatures().await?;
        self.book.finish(self.log, crate::now());
        Ok(())
    }

    /// The head and the newest entries only.
    pub(super) async fn edge(&self) -> Result<(), sqlx::Error> {
        self.head().await?;
        let Some(certified) = self.certified().await? else { return Ok(()) };
        // Where no copy leads to the cosigned root, the whole pass says so.
        let Some(skeleton) = self.skeleton(certified).await? else { return Ok(()) };
        self.newest(&skeleton, certified).await
    }

    /// The keys that may have signed the log's events, its own first.
    fn event_keys(&self) -> Vec<PublicKey> {
        self.verifier.event_keys(self.log).iter().map(|key| *key.key()).collect()
    }

    fn place(&self, what: &str) -> String {
        format!("{} {what}", self.log)
    }

    async fn pace(&self, rows: usize) {
        if self.rows_per_s < u32::MAX {
            let rows = u32::try_from(rows).unwrap_or(u32::MAX);
            sleep(Duration::from_secs(1) * rows / self.rows_per_s).await;
        }
    }

    /// Nothing can be done about it now: says so, once.
    async fn leave(&self, draft: &Draft) -> Result<(), sqlx::Error> {
        let reason = if self.copies.0.is_none() {
            "no other copy was asked"
        } else {
            "no other cloud gave a copy that leads to the cosigned root; nothing was guessed"
        };
        let outcome = Outcome::Open { reason: reason.to_owned() };
        if self.tell(draft, &outcome) && self.mends {
            repair::keep(self.pool, self.log, &[draft.evidence(&outcome)]).await?;
        }
        Ok(())
    }

    /// Only checked: what would be right is known.
    fn only_tell(&self, draft: &Draft) {
        let reason = "only checked; a running node repairs it".to_owned();
        self.tell(draft, &Outcome::Open { reason });
    }

    /// True if it is news.
    fn tell(&self, draft: &Draft, outcome: &Outcome) -> bool {
        let finding = draft.finding(self.log, outcome.clone());
        let news = self.book.note(&finding);
        if news {
            let repaired = finding.is_repaired();
            tracing::error!(
                place = finding.place, field = finding.field, found = finding.found,
                right = finding.right.as_deref(), repaired, outcome = ?finding.outcome,
                "the stored ledger differs from what the clouds signed"
            );
            metrics::counter!("ternion_scrub_found_total").increment(1);
            if repaired {
                metrics::counter!("ternion_scrub_repaired_total").increment(1);
            }
        }
        news
    }
}
