//! What identity does by itself: it hears of changes, records waiting users, and clears up.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::principal::Principal;
use super::{Identity, user};
use crate::problem::Problem;
use domain::catalog::Known;

/// The channel on which triggers tell of changed credentials and users (migration 3).
const CHANNEL: &str = "identity_changed";
/// Sweeping, and looking again for waiting users that could not be recorded.
const SWEEP: Duration = Duration::from_secs(60);
/// Before listening again, when the database went away.
const PAUSE: Duration = Duration::from_secs(1);

impl Identity {
    /// Runs until `stop`: forgets cached tokens as soon as anything changes in the database,
    /// records what `ternion user` left there, and sweeps.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow() => {
                    if let Err(cause) = ended {
                        tracing::warn!(%cause, "identity listens again in a moment");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn follow(&self) -> sqlx::Result<()> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        // Whatever changed while nobody listened.
        self.tokens.forget();
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                heard = listener.try_recv() => {
                    self.tokens.forget();
                    // A credential changes nothing for users who wait.
                    if heard?.is_none_or(|change| change.payload() != "identity_credential") {
                        self.record_waiting().await;
                    }
                }
                _ = sweep.tick() => {
                    self.record_waiting().await;
                    self.sweep().await?;
                }
            }
        }
    }

    async fn record_waiting(&self) {
        if let Err(problem) = self.adopt_bootstrap().await {
            tracing::warn!(code = problem.code, detail = problem.detail, "users still wait");
        }
    }

    /// Records the users that the command line left in the database, the first admin among them;
    /// says how many. Each waits there until its event is FINAL and projected here, and is
    /// recorded again until then: the same event id makes that one event, whatever crashes.
    ///
    /// # Errors
    /// One could not be recorded now; it and the later ones wait on.
    pub async fn adopt_bootstrap(&self) -> Result<usize, Problem> {
        user::settle_projected(&self.pool).await?;
        let waiting = user::pending(&self.pool).await?;
        let count = waiting.len();
        for user::Pending { event_id, user } in waiting {
            let login = user.login.clone();
            let decision = Known::UserPut(user);
            let by = Principal::platform();
            match self.recorder.record(decision, &by, Some(event_id)).await {
                Ok(_) => tracing::info!(login, "recorded the user from the command line"),
                Err(problem) if problem.http.is_client_error() => {
                    // It will never be accepted; the others must not wait behind it.
                    tracing::error!(login, detail = problem.detail, "this user is not recordable");
                    user::give_up(&self.pool, event_id).await?;
                }
                Err(problem) => return Err(problem),
            }
        }
        Ok(count)
    }
}
