//! Writes signatures down that arrive by themselves, many at a time, and then has them shown.

use std::sync::Arc;

use domain::clock::Timestamp;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::signing::SignedHead;
use super::store::record_signatures;

/// Most signatures of one statement.
const SIGNATURES_MAX: usize = 1_000;
/// Between attempts while the database is away.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Runs until `stop`, and writes down what is there by then.
pub(super) async fn write_down(
    pool: PgPool,
    board: Arc<Board>,
    mut signatures: mpsc::UnboundedReceiver<SignedHead>,
    stop: CancellationToken,
) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            count = signatures.recv_many(&mut batch, SIGNATURES_MAX) => if count == 0 { return },
            () = stop.cancelled() => return,
        }
        let learnt_at = Timestamp::to_datetime(crate::now());
        let rows: Vec<_> = batch.drain(..).map(|signed| (signed, learnt_at)).collect();
        while let Err(cause) = record_signatures(&pool, &rows).await {
            tracing::warn!(%cause, waiting = rows.len(), "signatures could not be written down");
            tokio::select! {
                () = stop.cancelled() => return, // learnt again from the peers' next heads
                () = sleep(RETRY_WAIT) => {}
            }
        }
        rows.iter().for_each(|(signed, _)| board.written(signed));
    }
}
