//! What this cloud remembers outside its database: how far its own log had come, and in which
//! database. A database that is put back from an old copy cannot know that it is one.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::super::board::Board;
use domain::cloud::Cloud;

/// How often the file follows the log: the second that may be missing is what peers tell.
const WRITE_EVERY: Duration = Duration::from_secs(1);
const FILE: &str = "heads.json";

/// The last that was known of our own log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::ledger) struct LastHead {
    pub(in crate::ledger) epoch: u32,
    pub(in crate::ledger) size: u64,
    /// Postgres' system identifier and timeline: another one is another database, or the same one
    /// put back to an earlier time.
    pub(in crate::ledger) database: String,
}

/// The file beside the keys.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Memory {
    path: PathBuf,
}

impl Memory {
    pub(in crate::ledger) fn in_folder(folder: &Path) -> Self {
        Memory { path: folder.join(FILE) }
    }

    /// `None`: nothing is remembered, as at the very first start.
    pub(in crate::ledger) fn read(&self) -> Option<LastHead> {
        let text = std::fs::read(&self.path).ok()?;
        match serde_json::from_slice(&text) {
            Ok(last) => Some(last),
            Err(cause) => {
                tracing::warn!(path = %self.path.display(), %cause, "the last head cannot be read");
                None
            }
        }
    }

    /// An epoch of our own begins: should the database forget it, this file does not, however soon
    /// that is.
    pub(in crate::ledger) fn begin(&self, epoch: u32, database: &str) {
        self.keep(&LastHead { epoch, size: 0, database: database.to_owned() });
    }

    /// True if it is kept.
    fn keep(&self, last: &LastHead) -> bool {
        let written = self.write(last);
        if let Err(cause) = &written {
            tracing::warn!(path = %self.path.display(), %cause, "the last head could not be kept");
        }
        written.is_ok()
    }

    /// Whole or not at all: a new file takes the old one's name.
    fn write(&self, last: &LastHead) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = std::fs::File::create(&new)?;
        file.write_all(&serde_json::to_vec(last)?)?;
        file.sync_data()?;
        std::fs::rename(&new, &self.path)
    }

    /// Follows our own log until `stop`. While the log is being taken back nothing is forgotten.
    pub(in crate::ledger) async fn follow(
        self,
        me: Cloud,
        board: std::sync::Arc<Board>,
        database: String,
        stop: CancellationToken,
    ) {
        let mut ticks = interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut written = None;
        loop {
            let stopped = tokio::select! {
                () = stop.cancelled() => true,
                _ = ticks.tick() => false,
            };
            let own = *board.watermarks.borrow().log(me);
            let (epoch, size) = (own.log.epoch, own.head.size);
            let last = LastHead { epoch, size, database: database.clone() };
            if !own.recovering && written.as_ref() != Some(&last) && self.keep(&last) {
                written = Some(last);
            }
            if stopped {
                return;
            }
        }
    }
}

/// Which database this is, and on which timeline.
pub(in crate::ledger) async fn database_of(pool: &PgPool) -> Result<String, sqlx::Error> {
    let sql = "SELECT system_identifier || '/' || timeline_id \
               FROM pg_control_system(), pg_control_checkpoint()";
    let known: Result<String, sqlx::Error> = sqlx::query_scalar(sql).fetch_one(pool).await;
    match known {
        // A role without the right to ask: then only the sizes are compared.
        Err(sqlx::Error::Database(_)) => Ok(String::new()),
        other => other,
    }
}
