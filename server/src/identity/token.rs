//! API tokens: random, shown once, known here only by their SHA-256.
//!
//! A token carries 256 random bits, so a plain hash is enough: there is nothing to guess. Looking
//! the hash up compares no secret: whoever measures the time learns about hashes of their own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::clock::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::credential::{Credential, CredentialKind};
use super::principal::Principal;

/// Makes a leaked token recognisable, to people and to scanners of source code.
pub const TOKEN_PREFIX: &str = "ternion_";
const TOKEN_BYTES: usize = 32;
/// Longer than any token that we make; the rest is refused before it is hashed.
pub(super) const TOKEN_CHARS_MAX: usize = 128;

/// How long a token is believed without asking the database, should no notification come: the
/// longest that a revoked token may still work.
const BELIEVED: Duration = Duration::from_secs(5);
/// Most tokens remembered; beyond this all are forgotten, which only costs queries.
const REMEMBERED_MAX: usize = 10_000;

/// A token as it is shown, once. Its `Debug` hides it.
#[derive(Clone)]
pub struct NewToken {
    pub secret: String,
    pub id: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("NewToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A new token of `login`, and what is kept of it.
pub(super) fn generate(
    login: &str,
    label: &str,
    expires_at: Option<Timestamp>,
) -> Result<(NewToken, Credential), getrandom::Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    let secret = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let credential = describe(&secret, &Uuid::now_v7().to_string(), login, label, expires_at);
    let token = NewToken { secret, id: credential.id.clone() };
    Ok((token, credential))
}

pub(super) fn describe(
    secret: &str,
    id: &str,
    login: &str,
    label: &str,
    expires_at: Option<Timestamp>,
) -> Credential {
    Credential {
        kind: CredentialKind::Token,
        id: id.to_owned(),
        login: login.to_owned(),
        verifier: verifier(secret),
        label: label.to_owned(),
        created_at: crate::now(),
        expires_at,
        revoked: false,
        version: 0,
    }
}

/// What is kept of a token.
pub(super) fn verifier(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// Tokens that were found to hold a moment ago.
#[derive(Debug, Default)]
pub(super) struct TokenCache {
    inner: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    by_verifier: HashMap<String, (Principal, Instant)>,
    /// Counts invalidations: an answer that was asked for before one must not be kept after it.
    generation: u64,
}

impl TokenCache {
    pub(super) fn get(&self, verifier: &str, now: Instant) -> Option<Principal> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (principal, at) = inner.by_verifier.get(verifier)?;
        (now.saturating_duration_since(*at) < BELIEVED).then(|| principal.clone())
    }

    pub(super) fn generation(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).generation
    }

    /// Keeps an answer that was asked for at `generation`, at `now`.
    pub(super) fn keep(&self, verifier: String, found: Principal, generation: u64, now: Instant) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.generation != generation {
            return;
        }
        if inner.by_verifier.len() >= REMEMBERED_MAX {
            inner.by_verifier.clear();
        }
        inner.by_verifier.insert(verifier, (found, now));
    }

    pub(super) fn forget(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.generation += 1;
        inner.by_verifier.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognisable_unique_and_not_kept() {
        let (token, kept) = generate("meter", "nightly import", None).expect("randomness");
        let (other, _) = generate("meter", "nightly import", None).expect("randomness");
        assert!(token.secret.starts_with(TOKEN_PREFIX) && token.secret.len() < TOKEN_CHARS_MAX);
        assert_ne!(token.secret, other.secret);
        assert!(!format!("{kept:?}{token:?}").contains(&token.secret));
        assert_eq!(kept.verifier, verifier(&token.secret));
    }

    #[test]
    fn the_cache_forgets_with_time_and_on_demand() {
        let (cache, start) = (TokenCache::default(), Instant::now());
        let keep = |generation| cache.keep("v".into(), Principal::platform(), generation, start);
        keep(0);
        assert!(cache.get("v", start + BELIEVED / 2).is_some());
        assert!(cache.get("v", start + BELIEVED).is_none());
        cache.forget();
        assert!(cache.get("v", start).is_none());
        keep(0);
        assert!(cache.get("v", start).is_none(), "an answer from before the change is not kept");
    }
}
