//! The DNS authority: every cloud answers for the whole deployment, so no name server is single.
//!
//! `table` is what is answered now, swapped whole with every turn of the selector; `answer` makes
//! one message of another, without I/O; `quick` makes the same of the commonest; `limit` keeps us
//! from being used against others; `udp` and `tcp` are the sockets. The wire format is hickory-proto's. Nothing here waits for a lock.

mod answer;
mod limit;
mod quick;
mod table;
mod tcp;
mod udp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::cloud::Cloud;
use domain::fabric::selector::Selection;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Plan;
use table::{Table, Zone};

/// Why the authority does not run.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    #[error("cannot answer DNS on {at}: {cause}")]
    Listen { at: SocketAddr, cause: io::Error },
    #[error("\"{0}\" is no name that DNS carries")]
    Name(String),
    #[error("TLS cannot be set up on this machine: {0}")]
    Client(#[from] reqwest::Error),
}

/// What is answered, and for what.
#[derive(Debug)]
pub(super) struct Answers {
    zone: Arc<Zone>,
    table: Arc<ArcSwap<Table>>,
}

impl Answers {
    pub(super) fn new(me: Cloud, plan: &Plan, selection: &Selection) -> Result<Self, DnsError> {
        let zone = Zone::of(me, plan)?;
        let table = Table::of(&zone, selection, 0);
        Ok(Answers { zone: Arc::new(zone), table: Arc::new(ArcSwap::from_pointee(table)) })
    }

    /// From now on this is answered.
    pub(super) fn set(&self, selection: &Selection, version: u64) {
        self.table.store(Arc::new(Table::of(&self.zone, selection, version)));
    }

    /// The region of an address, and the bits that it takes to know it.
    pub(super) fn region_of(&self, address: IpAddr) -> (&str, u8) {
        let found = self.zone.networks.find(address);
        (self.zone.region_name(found.region), found.scope)
    }

    /// Takes the addresses and answers until `stop`.
    pub(super) fn serve(
        &self,
        addresses: &[SocketAddr],
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), DnsError> {
        let sockets = std::thread::available_parallelism().map_or(1, usize::from);
        for at in addresses {
            let listen = |cause| DnsError::Listen { at: *at, cause };
            let listener = tcp::bind(*at).map_err(listen)?;
            tasks.spawn(tcp::serve(listener, self.desk(), stop.clone()));
            for _ in 0..sockets {
                let socket = udp::bind(*at).map_err(listen)?;
                let (desk, stop) = (self.desk(), stop.clone());
                tasks.spawn_blocking(move || udp::serve(&socket, &desk, &stop));
            }
            tracing::info!(%at, zone = %self.zone.apex, "answering DNS");
        }
        Ok(())
    }

    fn desk(&self) -> Desk {
        Desk { zone: Arc::clone(&self.zone), table: Arc::clone(&self.table) }
    }
}

/// What a socket needs to answer.
#[derive(Clone, Debug)]
struct Desk {
    zone: Arc<Zone>,
    table: Arc<ArcSwap<Table>>,
}

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Via {
    Udp,
    Tcp,
}

impl Desk {
    /// Writes the answer to a message; false for what deserves none. Whatever the bytes are, this
    /// returns: a mistake in reading them costs this one answer.
    fn answer(&self, bytes: &[u8], from: IpAddr, via: Via, out: &mut Vec<u8>) -> bool {
        let table = self.table.load();
        let answering = || {
            if quick::answer(&self.zone, &table, bytes, from, via, out).is_some() {
                return true;
            }
            let whole = answer::answer(&self.zone, &table, bytes, from, via);
            whole.map(|answer| *out = answer).is_some()
        };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(answering));
        caught.unwrap_or_else(|_| {
            metrics::counter!("ternion_dns_panics_total").increment(1);
            false
        })
    }
}
