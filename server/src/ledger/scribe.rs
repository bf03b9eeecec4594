//! Makes signatures durable that arrive by themselves, many at a time.

use domain::clock::Timestamp;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

use super::signing::SignedHead;
use super::store::record_signatures;

/// Most signatures of one statement.
const SIGNATURES_MAX: usize = 1_000;
/// Between attempts while the database is away. What is lost is learnt again from the peers.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Runs until every sender is gone.
pub(super) async fn write_down(pool: PgPool, mut signatures: mpsc::UnboundedReceiver<SignedHead>) {
    let mut batch = Vec::new();
    while signatures.recv_many(&mut batch, SIGNATURES_MAX).await > 0 {
        let learnt_at = Timestamp::to_datetime(crate::now());
        let rows: Vec<_> = batch.drain(..).map(|signed| (signed, learnt_at)).collect();
        if let Err(cause) = record_signatures(&pool, &rows).await {
            tracing::warn!(%cause, lost = rows.len(), "signatures could not be written down");
            sleep(RETRY_WAIT).await;
        }
    }
}
