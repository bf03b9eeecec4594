//! Development chains of the demonstration's own, where their nodes are installed: anchoring on a
//! chain is then seen to work on a machine without a network. They prove nothing to outsiders.

mod bitcoin;
mod ethereum;
mod keeper;
mod miner;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::cloud::Cloud;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use bitcoin::Bitcoin;
use ethereum::Ethereum;

/// Blocks until an anchor counts as final on these chains, where a block comes every two seconds.
const CONFIRMATIONS: u64 = 3;

/// A wallet is made and a hundred blocks are mined meanwhile, in two or three seconds.
const FUNDED_MAX: Duration = Duration::from_secs(45);

/// The chains whose nodes were found.
#[derive(Debug)]
pub(super) struct Chains {
    ethereum: Option<Ethereum>,
    bitcoin: Option<Bitcoin>,
}

impl Chains {
    pub(super) const fn none() -> Self {
        Chains { ethereum: None, bitcoin: None }
    }

    /// Looks for the nodes, and makes keys and folders for those that are there. They will listen
    /// at these addresses.
    pub(super) fn prepare(
        data: &Path,
        [for_ethereum, for_bitcoin]: [SocketAddr; 2],
    ) -> io::Result<Self> {
        let ethereum = found("TERNION_ANVIL", "anvil");
        let bitcoin = found("TERNION_LITECOIND", "litecoind");
        Ok(Chains {
            ethereum: ethereum
                .map(|program| Ethereum::prepare(program, data.join("ethereum"), for_ethereum))
                .transpose()?,
            bitcoin: bitcoin
                .map(|program| Bitcoin::prepare(program, data.join("bitcoin"), for_bitcoin))
                .transpose()?,
        })
    }

    /// Where their nodes will listen.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let ethereum = self.ethereum.as_ref().map(Ethereum::address);
        ethereum.into_iter().chain(self.bitcoin.as_ref().map(Bitcoin::address))
    }

    /// What a cloud's configuration says of them.
    pub(super) fn tables(&self, cloud: Cloud) -> String {
        let ethereum = self.ethereum.as_ref().map(|chain| chain.table(cloud));
        let bitcoin = self.bitcoin.as_ref().map(|chain| chain.table(cloud));
        ethereum.into_iter().chain(bitcoin).collect()
    }

    /// Runs the nodes and mines until `end`. Returns when the clouds have coins: who tries to anchor
    /// before is refused, and tries again much later.
    pub(super) async fn start(&self, end: &CancellationToken, tasks: &mut JoinSet<()>) {
        let mut funded = Vec::new();
        if let Some(chain) = &self.ethereum {
            tasks.spawn(keeper::keep(chain.program(), end.clone()));
            let (tell, told) = oneshot::channel();
            tasks.spawn(miner::mine(chain.clone(), tell, end.clone()));
            funded.push(told);
        }
        if let Some(chain) = &self.bitcoin {
            tasks.spawn(keeper::keep(chain.program(), end.clone()));
            let (tell, told) = oneshot::channel();
            tasks.spawn(miner::mine(chain.clone(), tell, end.clone()));
            funded.push(told);
        }
        let all = futures::future::join_all(funded);
        tokio::select! {
            () = end.cancelled() => {}
            waited = timeout(FUNDED_MAX, all) => if waited.is_err() {
                tracing::warn!("the development chains are not ready; the clouds start without them");
            }
        }
    }
}

/// A program that this variable names, or one on PATH.
fn found(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
