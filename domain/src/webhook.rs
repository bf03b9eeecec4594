//! Messages to programs of others, signed as Standard Webhooks 1.0 has it, and when they are tried again.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Of a secret's text.
const PREFIX: &str = "whsec_";
/// As the standard has it.
const SECRET_BYTES_MIN: usize = 24;
const SECRET_BYTES_MAX: usize = 64;
/// The version of the signature.
const VERSION: &str = "v1";

/// The first wait after a failure, and the longest one.
const FIRST_MS: u64 = 5_000;
const LONGEST_MS: u64 = 3_600_000;

/// What sender and receiver share. It never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be whsec_ and base64 of 24 to 64 bytes, such as `openssl rand -base64 32` gives")]
pub struct BadSecret;

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(hidden)")
    }
}

impl Secret {
    /// # Errors
    /// It is not `whsec_` and base64 of 24 to 64 bytes.
    pub fn read(text: &str) -> Result<Self, BadSecret> {
        let bytes = text.trim().strip_prefix(PREFIX).and_then(|text| BASE64.decode(text).ok());
        let fits = |bytes: &Vec<u8>| (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len());
        bytes.filter(fits).map(Secret).ok_or(BadSecret)
    }

    /// The header `webhook-signature` of a message: over its id, the second that it is sent at, and its
    /// body. The id has no full stop.
    #[must_use]
    pub fn signature(&self, id: &str, at_s: i64, body: &str) -> String {
        // Any length of key is one; this never falls back.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{at_s}.{body}").as_bytes());
        format!("{VERSION},{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

/// How long to wait after so many failures: twice as long each time up to an hour, and of that
/// between half and all, as `dice` falls, so that many senders do not come back at once.
#[must_use]
pub fn wait_ms(failures: u32, dice: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = FIRST_MS.saturating_mul(1 << doublings).min(LONGEST_MS);
    whole / 2 + dice % (whole / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_standard_s_own_libraries_sign_it() {
        let secret = Secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a secret");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = secret.signature(id, 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_ne!(secret.signature(id, 1_614_265_331, r#"{"test": 2432232314}"#), signature);
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_?"] {
            assert_eq!(Secret::read(text), Err(BadSecret), "{text}");
        }
    }

    #[test]
    fn waits_double_up_to_an_hour_and_fall_between_half_and_all_of_it() {
        assert_eq!([wait_ms(1, 0), wait_ms(1, 2_500)], [2_500, 5_000]);
        assert_eq!([wait_ms(2, 0), wait_ms(30, 0)], [5_000, 1_800_000]);
        for failures in 0..40 {
            for dice in [0, 1, 77_777, u64::MAX] {
                assert!((2_500..=LONGEST_MS).contains(&wait_ms(failures, dice)));
            }
        }
    }
}
