//! Scrub and repair: the stored logs are checked against their cosigned roots, over and over; their
//! newest entries every few seconds, however long that takes for the rest.
//!
//! `pass` walks one log and judges with `domain::scrub`; `copies` asks other clouds, whose answers
//! are verified before they are used; `repair` writes, and keeps what was there; `book` remembers.

mod book;
mod copies;
mod draft;
mod finding;
mod pass;
mod repair;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::log::LogId;
use domain::policy::Policy;
use sqlx::PgPool;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

pub(super) use book::Book;
pub use book::{Acknowledged, LogProgress, ScrubStatus};
pub use finding::{Finding, Outcome};

use super::board::Board;
use super::signing::Verifier;
use crate::keys::Roster;
use crate::peer::Channel;
use copies::Copies;
use pass::Pass;

/// Between passes: the longest that an edit of a small log goes unseen.
const PASS_PAUSE: Duration = Duration::from_secs(5);
/// Between looks at the newest entries. A whole pass over a long log takes minutes to hours; what is
/// newest is what people look at, and where the log goes on.
const EDGE_PAUSE: Duration = Duration::from_secs(3);
/// Rows checked a second, at most. A strict signature check costs some 40 µs, so this is about a
/// twentieth of one core and, at 1 KiB a row, 1 MiB/s of reading.
const ROWS_PER_S: u32 = 1_000;
/// Checked offline, nothing waits for the machine's time.
const OFFLINE_ROWS_PER_S: u32 = u32::MAX;

/// The scrub of a running node.
#[derive(Debug)]
pub(super) struct Scrub {
    pool: PgPool,
    verifier: Arc<Verifier>,
    copies: Copies,
    board: Arc<Board>,
    book: Arc<Book>,
    wake: Notify,
    passes: watch::Sender<Passes>,
    /// The pass and the look at the newest entries take turns, so that nothing is found twice.
    turn: Mutex<()>,
}

/// Passes over all logs.
#[derive(Clone, Copy, Debug, Default)]
struct Passes {
    begun: u64,
    done: u64,
}

impl Scrub {
    pub(super) fn new(
        pool: PgPool,
        verifier: Arc<Verifier>,
        channel: Arc<Channel>,
        board: Arc<Board>,
        book: Arc<Book>,
    ) -> Self {
        let copies = Copies(Some(channel));
        let (wake, passes, turn) = (Notify::new(), watch::Sender::default(), Mutex::default());
        Scrub { pool, verifier, copies, board, book, wake, passes, turn }
    }

    pub(super) fn status(&self) -> ScrubStatus {
        self.book.status()
    }

    pub(super) fn acknowledge(&self, mark: Acknowledged) {
        self.book.acknowledge(mark);
    }

    /// Waits for a pass over all logs that begins from now on.
    pub(super) async fn pass_now(&self) {
        let mut passes = self.passes.subscribe();
        let wanted = passes.borrow().begun + 1;
        self.wake.notify_one();
        if passes.wait_for(|passes| passes.done >= wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Runs until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.run_on() => {}
            () = self.watch_edges() => {}
        }
    }

    async fn run_on(&self) {
        loop {
            self.passes.send_modify(|passes| passes.begun += 1);
            match self.pass().await {
                Ok(()) => self.passes.send_modify(|passes| passes.done = passes.begun),
                Err(cause) => tracing::warn!(%cause, "the scrub could not read the database"),
            }
            tokio::select! {
                () = tokio::time::sleep(PASS_PAUSE) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    async fn pass(&self) -> Result<(), sqlx::Error> {
        for log in self.verifier.logs() {
            self.of(log).run().await?;
        }
        Ok(())
    }

    async fn watch_edges(&self) {
        loop {
            tokio::time::sleep(EDGE_PAUSE).await;
            for log in self.verifier.logs() {
                if let Err(cause) = self.of(log).edge().await {
                    tracing::warn!(%log, %cause, "the scrub could not read the newest entries");
                }
            }
        }
    }

    fn of(&self, log: LogId) -> Pass<'_> {
        Pass {
            pool: &self.pool,
            log,
            verifier: &self.verifier,
            copies: &self.copies,
            board: Some(&self.board),
            book: &self.book,
            turn: &self.turn,
            mends: true,
            rows_per_s: ROWS_PER_S,
        }
    }
}

/// Checks one log before its node runs, and repairs what it can.
pub(super) async fn mend(
    pool: &PgPool,
    log: LogId,
    verifier: &Verifier,
    channel: &Arc<Channel>,
    book: &Book,
) -> Result<(), sqlx::Error> {
    let copies = Copies(Some(Arc::clone(channel)));
    let (board, rows_per_s, turn) = (None, OFFLINE_ROWS_PER_S, &Mutex::default());
    let copies = &copies;
    Pass { pool, log, verifier, copies, board, book, turn, mends: true, rows_per_s }.run().await
}

/// Whose keys count when a database is checked by itself.
#[derive(Debug)]
pub enum Check<'a> {
    Roster(&'a Roster),
    Policy(&'a Policy),
}

/// Why a database is not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("the database cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Epochs(#[from] super::StartError),
    #[error(
        "the policy file must name a log and a cosigner of each of the three clouds, as \
         /v1/policy-file does"
    )]
    Policy,
}

/// Checks the logs of a database against their cosigned roots and changes nothing.
///
/// # Errors
/// The database cannot be read, or the policy lacks a cloud.
pub async fn check(pool: &PgPool, keys: &Check<'_>) -> Result<ScrubStatus, CheckError> {
    let verifier = match keys {
        Check::Roster(roster) => {
            let (register, _) = super::epochs::load(pool, roster.genesis(), None).await?;
            Verifier::of_register(Arc::new(ArcSwap::from_pointee(register)))
        }
        Check::Policy(policy) => Verifier::of_policy(policy).ok_or(CheckError::Policy)?,
    };
    let (book, copies, turn) = (Book::default(), Copies(None), Mutex::default());
    for log in verifier.logs() {
        let pass = Pass {
            pool,
            log,
            verifier: &verifier,
            copies: &copies,
            board: None,
            book: &book,
            turn: &turn,
            mends: false,
            rows_per_s: OFFLINE_ROWS_PER_S,
        };
        pass.run().await?;
    }
    Ok(book.status())
}
