//! Blocks for a chain on which nobody else mines: with what waits, and so many on top of it that it
//! becomes final. Then it rests.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::CONFIRMATIONS;
use crate::anchor::publish::RpcError;

const BLOCK_EVERY: Duration = Duration::from_secs(2);
/// Between looks whether a node that was just started answers.
const START_WAIT: Duration = Duration::from_millis(250);

/// A chain that is mined here.
pub(super) trait Mined: Send + Sync {
    /// Once its node answers: gives the clouds coins.
    fn fund(&self) -> impl Future<Output = Result<(), RpcError>> + Send;

    /// Does anything wait for a block?
    fn has_waiting(&self) -> impl Future<Output = Result<bool, RpcError>> + Send;

    fn mine_one(&self) -> impl Future<Output = Result<(), RpcError>> + Send;
}

/// Mines until `end`; says when the clouds have coins.
pub(super) async fn mine(chain: impl Mined, funded: oneshot::Sender<()>, end: CancellationToken) {
    let mining = async {
        while let Err(cause) = chain.fund().await {
            tracing::debug!(%cause, "a development chain is not ready yet");
            sleep(START_WAIT).await;
        }
        // Nobody need wait for it.
        let _ = funded.send(());
        // What was in a block before a restart may still lack some on top.
        let mut missing = CONFIRMATIONS;
        loop {
            sleep(BLOCK_EVERY).await;
            if let Err(cause) = step(&chain, &mut missing).await {
                tracing::debug!(%cause, "no block was mined");
            }
        }
    };
    tokio::select! {
        () = end.cancelled() => {}
        () = mining => {}
    }
}

async fn step(chain: &impl Mined, missing: &mut u64) -> Result<(), RpcError> {
    if chain.has_waiting().await? {
        *missing = CONFIRMATIONS + 1;
    }
    if *missing > 0 {
        chain.mine_one().await?;
        *missing -= 1;
    }
    Ok(())
}
