//! Users, sessions, tokens: who is asking, and may they?
//!
//! Users are projections of FINAL `user.put` events, equal on every cloud. Their passwords and
//! tokens are kept as verifiers outside the log and travel over the peers' channel
//! ([`Identity::exchange`]). Sessions are this cloud's
//! alone. What is permitted is decided elsewhere, in one table: `domain::access`.

mod attempts;
mod credential;
pub mod demonstration;
mod exchange;
mod guard;
mod kept;
mod next;
mod operator;
mod password;
mod preferences;
mod principal;
mod session;
mod sign_in;
mod throttle;
mod token;
mod upkeep;
mod user;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use axum::Router;
use axum::routing::post;
use domain::catalog::Known;
use domain::cloud::Cloud;
use sqlx::PgPool;
use uuid::Uuid;

pub use credential::{CREDENTIALS_MAX, Changes, Credential, CredentialKind, Cursor};
pub(crate) use next::query_value;
pub use operator::{Operator, OperatorError};
pub use password::{
    PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, PasswordError, check as check_password,
};
pub use preferences::theme;
pub use principal::{ClientAddress, MaybePrincipal, Principal, SessionAway, Via};
pub(crate) use sign_in::Unproven;
pub use token::{NewToken, TOKEN_PREFIX};

use attempts::Attempts;
use password::PasswordCheck;
use session::PostgresSessions;
use token::TokenCache;

use crate::problem::Problem;

/// Writes a decision as an event of the ledger.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Records `decision` as `by` decided it, under `event_id` if given; recording one id twice
    /// records once. Gives the event's id.
    async fn record(
        &self,
        decision: Known,
        by: &Principal,
        event_id: Option<Uuid>,
    ) -> Result<Uuid, Problem>;
}

/// What identity needs to know of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    pub cloud: Cloud,
    /// The demonstration's public passwords and tokens are accepted.
    pub demonstration: bool,
    /// Cookies only over https, under a name that browsers hold to it. Off only on loopback.
    pub secure_cookies: bool,
}

impl Settings {
    /// Clouds on one machine need names of their own: browsers share cookies between ports.
    fn cookie_name(&self) -> String {
        if self.secure_cookies {
            "__Host-ternion".to_owned()
        } else {
            format!("ternion-{}", self.cloud)
        }
    }
}

/// The face of identity: one a node.
pub struct Identity {
    pool: PgPool,
    settings: Settings,
    recorder: Arc<dyn Recorder>,
    sessions: PostgresSessions,
    tokens: TokenCache,
    passwords: PasswordCheck,
    attempts: Attempts,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Identity").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Identity {
    /// Takes tens of milliseconds: it prepares the verifier that strangers are checked against.
    #[must_use]
    pub fn new(pool: PgPool, settings: Settings, recorder: Arc<dyn Recorder>) -> Arc<Self> {
        password::prepare();
        Arc::new(Identity {
            sessions: PostgresSessions { pool: pool.clone() },
            pool,
            settings,
            recorder,
            tokens: TokenCache::default(),
            passwords: PasswordCheck::new(),
            attempts: Attempts::new(),
        })
    }

    /// Lets every handler of `router` ask for [`Principal`] or [`MaybePrincipal`]. It goes around
    /// [`routes`] too.
    pub fn guard(self: &Arc<Self>, router: Router) -> Router {
        let authenticate =
            axum::middleware::from_fn_with_state(Arc::clone(self), guard::authenticate);
        router.layer(authenticate).layer(self.sessions.layer(&self.settings))
    }

    /// What changed in credentials here since `cursor`, for a peer.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn credentials_since(&self, cursor: Cursor) -> sqlx::Result<Changes> {
        credential::since(&self.pool, cursor).await
    }

    /// Takes over a peer's credentials where they are newer; says how many were.
    ///
    /// # Errors
    /// The database cannot be reached; then nothing was taken over.
    pub async fn merge_credentials(&self, credentials: &[Credential]) -> sqlx::Result<u64> {
        let taken = credential::merge(&self.pool, credentials).await?;
        if taken > 0 {
            self.tokens.forget();
        }
        Ok(taken)
    }

    /// Ends every session of somebody at this cloud; says how many.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn sign_out_everywhere(&self, login: &str) -> sqlx::Result<u64> {
        self.sessions.delete_all(login).await
    }

    /// Forgets expired sessions and paid-off counters.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn sweep(&self) -> sqlx::Result<()> {
        self.attempts.sweep(Instant::now());
        self.sessions.sweep().await?;
        Ok(())
    }
}

/// `POST /sign-in`, `/sign-out` and `/preferences`, to be merged before [`Identity::guard`].
pub fn routes(identity: &Arc<Identity>) -> Router {
    let doors = Router::new()
        .route("/sign-in", post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .with_state(Arc::clone(identity));
    let preferences = Router::new()
        .route("/preferences", post(preferences::set))
        .with_state(identity.settings.clone());
    doors.merge(preferences)
}
