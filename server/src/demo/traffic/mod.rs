//! Sample traffic: metered inferences of the sample tenants, sent like any client's.
//!
//! `shape` decides what happens when, from a seed; `sender` sends it to a cloud that is up.

mod random;
mod sender;
mod shape;

use domain::cloud::PerCloud;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Turns the traffic on and off.
#[derive(Clone, Debug)]
pub(super) struct Switch(watch::Sender<bool>);

impl Switch {
    pub fn is_on(&self) -> bool {
        *self.0.borrow()
    }

    pub fn set(&self, on: bool) {
        self.0.send_replace(on);
    }
}

/// Sends until `end`, whenever the switch is on.
pub(super) fn start(
    urls: PerCloud<String>,
    on: bool,
    end: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Switch {
    let (switch, is_on) = watch::channel(on);
    let end = end.clone();
    tasks.spawn(async move {
        let mut seed = [0; 8];
        // Without randomness every run sends the same; nothing rests on it.
        let _ = getrandom::fill(&mut seed);
        let shape = shape::Shape::new(u64::from_le_bytes(seed));
        tokio::select! {
            () = end.cancelled() => {}
            () = sender::send(shape, urls, is_on) => {}
        }
    });
    Switch(switch)
}
