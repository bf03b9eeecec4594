//! Two roots that one origin signed for one size: what follows from it.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::driver::{Conflict, Control};
use super::logs::Logs;

/// Judges every conflict that a driver reports, as long as the node runs.
pub(super) async fn judge(logs: Arc<Logs>, mut conflicts: mpsc::Receiver<Conflict>) {
    while let Some(conflict) = conflicts.recv().await {
        let log = conflict.theirs.log;
        let Some(doors) = logs.doors(log) else { continue };
        tracing::error!(%log, ours = %conflict.ours, theirs = %conflict.theirs.head.root, "the log is frozen here");
        // The driver ends only with the node.
        drop(doors.control.send(Control::Freeze(None)).await);
    }
}
