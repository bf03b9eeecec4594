//! A lease that this cloud claims for as long as somebody here wants it.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::grant::{Decision, Lease, LeaseMove, Resource, Version};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::{GrantError, Grants};

/// Longest pause between looks: clocks may be set.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A lease that is due again as soon as it was taken is not proposed for faster than this.
const AGAIN_WAIT: Duration = Duration::from_millis(100);

/// What this cloud holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    version: Version,
    expires_at: Timestamp,
}

/// A claim to a lease: taken when it is free, renewed while it is held, until this is dropped. Then
/// it runs out by itself.
#[derive(Debug)]
pub struct LeaseClaim {
    held: watch::Receiver<Option<Held>>,
    _claiming: AbortOnDropHandle<()>,
}

impl LeaseClaim {
    /// The fencing token, while this cloud holds the lease. Ask again before every act, and hand
    /// it to whatever is written to: a lease may be lost at any time.
    #[must_use]
    pub fn token(&self) -> Option<Version> {
        let held = *self.held.borrow();
        held.filter(|held| crate::now() < held.expires_at).map(|held| held.version)
    }

    /// Waits until this cloud holds the lease. Cancel by dropping.
    pub async fn until_held(&mut self) -> Version {
        loop {
            if let Some(version) = self.token() {
                return version;
            }
            // An error means that the claim's task is gone: it lives as long as `self`.
            if self.held.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Grants {
    pub(super) fn claim(self: &Arc<Self>, resource: Resource, ttl_ms: i64) -> LeaseClaim {
        let (tell, held) = watch::channel(None);
        let grants = Arc::clone(self);
        let claiming = tokio::spawn(async move { grants.claim_on(&resource, ttl_ms, &tell).await });
        LeaseClaim { held, _claiming: AbortOnDropHandle::new(claiming) }
    }

    /// Never ends.
    async fn claim_on(&self, resource: &Resource, ttl_ms: i64, tell: &watch::Sender<Option<Held>>) {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let newest = self.claim_once(resource, ttl_ms).await.unwrap_or_else(|cause| {
                tracing::warn!(%resource, %cause, "a lease cannot be claimed just now");
                None
            });
            let lease = newest.as_ref().and_then(|newest| Lease::read(newest.value()));
            if let Some((newest, lease)) = newest.as_ref().zip(lease) {
                let version = newest.grant().version;
                let mine = lease.holder == self.me;
                tell.send_replace(mine.then_some(Held { version, expires_at: lease.expires_at }));
                show(resource, version, mine);
            }
            tokio::select! {
                () = sleep(self.pause(newest.is_some(), lease, ttl_ms)) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// How long there is nothing to do about a lease of which so much is known.
    fn pause(&self, is_known: bool, lease: Option<Lease>, ttl_ms: i64) -> Duration {
        let now = crate::now();
        match Lease::next_move(lease, self.me, ttl_ms, now) {
            LeaseMove::Wait { until } => {
                let left_ms = until.unix_ms().saturating_sub(now.unix_ms()).max(0);
                Duration::from_millis(left_ms.unsigned_abs()).min(LOOK_EVERY)
            }
            LeaseMove::Propose if is_known => AGAIN_WAIT,
            // It could neither be read nor decided.
            LeaseMove::Propose => LOOK_EVERY,
        }
    }

    /// The newest version, after proposing the next if it is time for that.
    async fn claim_once(
        &self,
        resource: &Resource,
        ttl_ms: i64,
    ) -> Result<Option<Decision>, GrantError> {
        let newest = self.latest(resource).await?;
        let lease = newest.as_ref().and_then(|newest| Lease::read(newest.value()));
        let now = crate::now();
        if let LeaseMove::Wait { .. } = Lease::next_move(lease, self.me, ttl_ms, now) {
            return Ok(newest);
        }
        let next = match &newest {
            Some(newest) => newest.grant().version.next(),
            None => Some(Version::FIRST),
        };
        let Some(next) = next else { return Ok(newest) };
        let expires_at = Timestamp::from_unix_ms(now.unix_ms().saturating_add(ttl_ms));
        let wish = Lease { holder: self.me, expires_at }.to_value();
        self.decide(resource, next, &wish).await.map(Some)
    }
}

fn show(resource: &Resource, version: Version, mine: bool) {
    let gauge = |name: &'static str| metrics::gauge!(name, "lease" => resource.name().to_owned());
    #[expect(clippy::cast_precision_loss, reason = "versions end at 2^53")]
    gauge("ternion_grant_lease_version").set(version.number() as f64);
    gauge("ternion_grant_lease_held").set(f64::from(u8::from(mine)));
}
