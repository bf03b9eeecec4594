//! The six links between the clouds: each a small proxy that can be cut, silenced and slowed down.
//!
//! A link is directed: `gcp → aws` carries what gcp asks of aws, and aws's answers. Each cloud is
//! configured to reach its peers through its own two links, so the links alone decide who reaches
//! whom. A link without a fault only copies bytes.

mod proxy;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use app::backend::{LabLink, LabWay, LinkState};
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// From one cloud to another.
type Ends = (Cloud, Cloud);

/// All six, each cloud's own two together.
fn all() -> impl Iterator<Item = Ends> {
    Cloud::ALL.into_iter().flat_map(|from| from.peers().map(|to| (from, to)))
}

/// Where the links listen. Ports are the system's choice, and the same at the next start, as far
/// as they are free then.
#[derive(Debug)]
pub(super) struct Sockets(Vec<(Ends, TcpListener, u16)>);

impl Sockets {
    /// `memory`: the file that keeps the ports from one start to the next.
    pub fn open(memory: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(memory).unwrap_or_default();
        // A file that cannot be read costs new ports and nothing else.
        let known: BTreeMap<String, u16> = serde_json::from_str(&text).unwrap_or_default();
        let mut sockets = Vec::new();
        let mut ports = BTreeMap::new();
        for (from, to) in all() {
            let name = format!("{from}-{to}");
            let listener = listen(known.get(&name).copied())?;
            let port = listener.local_addr()?.port();
            ports.insert(name, port);
            sockets.push(((from, to), listener, port));
        }
        if ports != known {
            fs::write(memory, serde_json::to_string_pretty(&ports)?)?;
        }
        Ok(Sockets(sockets))
    }

    /// Where `from` finds `to`.
    pub fn url(&self, from: Cloud, to: Cloud) -> String {
        let socket = self.0.iter().find(|(ends, ..)| *ends == (from, to));
        let port = socket.map_or(0, |(.., port)| *port);
        format!("http://{}", SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

fn listen(port: Option<u16>) -> io::Result<TcpListener> {
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let again = port.and_then(|port| TcpListener::bind(at(port)).ok());
    let listener = again.map_or_else(|| TcpListener::bind(at(0)), Ok)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// How a link treats what passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Setting {
    state: LinkState,
    delay: Duration,
    since: Timestamp,
    /// As a black hole, for a moment, whatever its state.
    held: bool,
}

impl Setting {
    const fn open(since: Timestamp) -> Self {
        Setting { state: LinkState::Open, delay: Duration::ZERO, since, held: false }
    }

    fn is_cut(&self) -> bool {
        self.state == LinkState::Cut
    }

    fn is_silent(&self) -> bool {
        self.held || self.state == LinkState::BlackHole
    }
}

/// The running links.
#[derive(Debug)]
pub(super) struct Links(Vec<(Ends, watch::Sender<Setting>)>);

impl Links {
    /// Carries everything to `addresses` until `end`.
    ///
    /// # Errors
    /// A socket cannot be watched.
    pub fn start(
        sockets: Sockets,
        addresses: &PerCloud<SocketAddr>,
        end: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) -> io::Result<Self> {
        let mut links = Vec::new();
        for (ends, listener, _) in sockets.0 {
            let (sender, setting) = watch::channel(Setting::open(crate::now()));
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let carried = proxy::run(listener, *addresses.get(ends.1), setting);
            let end = end.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = end.cancelled() => {}
                    () = carried => {}
                }
            });
            links.push((ends, sender));
        }
        Ok(Links(links))
    }

    pub fn states(&self) -> Vec<LabLink> {
        let link = |((from, to), sender): &(Ends, watch::Sender<Setting>)| {
            let setting = *sender.borrow();
            LabLink {
                from: *from,
                to: *to,
                state: setting.state,
                delay_ms: u32::try_from(setting.delay.as_millis()).unwrap_or(u32::MAX),
                since: setting.since,
            }
        };
        self.0.iter().map(link).collect()
    }

    pub fn cut(&self, way: LabWay, black_hole: bool) {
        let state = if black_hole { LinkState::BlackHole } else { LinkState::Cut };
        self.change(way, |setting| setting.state = state);
    }

    pub fn delay(&self, way: LabWay, delay: Duration) {
        self.change(way, |setting| setting.delay = delay);
    }

    /// What a black hole swallowed arrives now, as after a broken route.
    pub fn heal(&self, way: LabWay) {
        self.change(way, |setting| {
            (setting.state, setting.delay) = (LinkState::Open, Duration::ZERO);
        });
    }

    fn change(&self, way: LabWay, change: impl Fn(&mut Setting)) {
        let ends = way.links();
        for (_, sender) in self.0.iter().filter(|(link, _)| ends.contains(link)) {
            sender.send_if_modified(|setting| {
                let before = *setting;
                change(setting);
                let changed = *setting != before;
                if changed {
                    setting.since = crate::now();
                }
                changed
            });
        }
    }

    /// Stops all that passes between the clouds, as long as the answer lives. What was under way
    /// arrives afterwards.
    pub fn hold(&self) -> Hold<'_> {
        self.set_held(true);
        Hold(self)
    }

    fn set_held(&self, held: bool) {
        for (_, sender) in &self.0 {
            sender.send_modify(|setting| setting.held = held);
        }
    }
}

/// While it lives the clouds do not hear each other. One at a time.
#[derive(Debug)]
#[must_use]
pub(super) struct Hold<'a>(&'a Links);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.set_held(false);
    }
}
