//! How often somebody may try to sign in: by address and by login, successes not counted.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::principal::ClientAddress;
use super::throttle::{Rule, Throttle};

/// An office behind one address mistypes a few passwords; a guesser gets ten a minute.
const BY_ADDRESS: Rule = Rule { burst: 20, refill: Duration::from_secs(6) };
/// Guessers with many addresses: two a minute for one person, who is never locked out for longer
/// than half a minute after they stop.
const BY_LOGIN: Rule = Rule { burst: 10, refill: Duration::from_secs(30) };

#[derive(Debug)]
pub(super) struct Attempts {
    by_address: Mutex<Throttle<IpAddr>>,
    by_login: Mutex<Throttle<String>>,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Attempts {
            by_address: Mutex::new(Throttle::new(BY_ADDRESS)),
            by_login: Mutex::new(Throttle::new(BY_LOGIN)),
        }
    }

    /// Counts an attempt, before it is made: many at once must not slip through together.
    pub(super) fn take(
        &self,
        address: ClientAddress,
        login: &str,
        now: Instant,
    ) -> Result<(), Duration> {
        let (subscriber, login) = (address.subscriber(), login.to_lowercase());
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        by_address.take(&subscriber, now)?;
        let mut by_login = self.by_login.lock().unwrap_or_else(PoisonError::into_inner);
        by_login.take(&login, now).inspect_err(|_| by_address.give_back(&subscriber))
    }

    /// The attempt was no guess: it succeeded, or it could not be made.
    pub(super) fn give_back(&self, address: ClientAddress, login: &str) {
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        by_address.give_back(&address.subscriber());
        let mut by_login = self.by_login.lock().unwrap_or_else(PoisonError::into_inner);
        by_login.give_back(&login.to_lowercase());
    }

    pub(super) fn sweep(&self, now: Instant) {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner).sweep(now);
        self.by_login.lock().unwrap_or_else(PoisonError::into_inner).sweep(now);
    }
}
