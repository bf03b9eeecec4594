//! Verifiers of passwords: Argon2id, and equal work whether or not somebody exists.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// OWASP's Password Storage Cheat Sheet, first choice for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of a salt: RFC 9106 recommends 16.
const SALT_BYTES: usize = 16;

/// NIST SP 800-63B asks that 64 characters be accepted; more than this is no password but a load.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// NIST SP 800-63B: where the password is the only factor.
pub const PASSWORD_CHARS_MIN: usize = 15;

/// Verifications at once: bounds the memory (each takes [`MEMORY_KIB`]) and leaves cores free for
/// the ledger.
const CONCURRENT_MAX: usize = 2;

/// A password cannot be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error(
        "a password must have at least {PASSWORD_CHARS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes"
    )]
    Length,
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
    #[error("Argon2: {0}")]
    Hash(String),
    #[error("the password check was cut off")]
    Interrupted,
}

/// What people without a password are checked against, so that they take as long as the others.
static NOBODY: LazyLock<Option<String>> =
    LazyLock::new(|| hash_salted("nobody", &[0; SALT_BYTES]).ok());

/// Is this a password that may be set?
///
/// # Errors
/// It is too short or too long.
pub fn check(password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Length);
    }
    Ok(())
}

/// The verifier of a new password, in PHC form. Takes tens of milliseconds of a core.
///
/// # Errors
/// The password is too short or too long, or the system gives no random bytes.
pub(super) fn hash(password: &str) -> Result<String, PasswordError> {
    check(password)?;
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(PasswordError::NoRandomness)?;
    hash_salted(password, &salt)
}

pub(super) fn hash_salted(password: &str, salt: &[u8]) -> Result<String, PasswordError> {
    let hash: Result<PasswordHash, _> =
        hasher()?.hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

/// Checks passwords, a few at a time.
#[derive(Debug)]
pub(super) struct PasswordCheck {
    permits: Semaphore,
}

impl PasswordCheck {
    pub(super) fn new() -> Self {
        PasswordCheck { permits: Semaphore::new(CONCURRENT_MAX) }
    }

    /// Does the password belong to the verifier? Without a verifier: no, after the same work.
    pub(super) async fn matches(
        &self,
        password: String,
        verifier: Option<String>,
    ) -> Result<bool, PasswordError> {
        let _permit = self.permits.acquire().await.map_err(|_| PasswordError::Interrupted)?;
        let check = tokio::task::spawn_blocking(move || {
            let exists = verifier.is_some();
            let verifier = verifier.or_else(|| NOBODY.clone()).unwrap_or_default();
            matches(&password, &verifier) && exists
        });
        check.await.map_err(|_| PasswordError::Interrupted)
    }
}

/// Makes the stand-in verifier now: the first stranger must not take twice as long.
pub(super) fn prepare() {
    LazyLock::force(&NOBODY);
}

fn matches(password: &str, verifier: &str) -> bool {
    let Ok(verifier) = PasswordHash::new(verifier) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &verifier).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_knows_its_password_and_its_parameters() {
        let verifier = hash("correct horse battery").expect("long enough");
        assert!(verifier.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{verifier}");
        assert!(matches("correct horse battery", &verifier));
        assert!(!matches("correct horse batterx", &verifier));
        assert_ne!(verifier, hash("correct horse battery").expect("salted anew"));
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(matches!(hash("short"), Err(PasswordError::Length)));
        assert!(matches!(hash(&"x".repeat(PASSWORD_BYTES_MAX + 1)), Err(PasswordError::Length)));
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let check = PasswordCheck::new();
        assert!(!check.matches("nobody".to_owned(), None).await.expect("checked"));
    }
}
