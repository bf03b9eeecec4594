//! What providers of DNS are told: wanted records, requests to the byte, their signatures, and the
//! difference to what is there. Nothing here sends.
//!
//! - [`plan`]: which clouds the world may be sent to, the best first.
//! - [`route53`] and [`cloudflare`]: records as each provider has them, checked before they are sent:
//!   servers that tests talk to accept anything.
//! - [`signature`]: AWS Signature Version 4.
//! - [`difference`]: what to create, change and delete; and drift, what somebody else has changed.
//! - [`backoff`]: how long to wait when a provider asks for patience.

pub mod backoff;
pub mod cloudflare;
pub mod difference;
pub mod plan;
pub mod route53;
pub mod signature;

/// A value that the provider would refuse, or worse: take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {given}: it must be {must}")]
pub struct Invalid {
    pub field: &'static str,
    pub given: String,
    pub must: String,
}

impl Invalid {
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, as they come")]
    pub(crate) fn new(field: &'static str, given: impl ToString, must: impl ToString) -> Self {
        Invalid { field, given: given.to_string(), must: must.to_string() }
    }
}

/// # Errors
/// The value is outside.
fn within(
    field: &'static str,
    value: u32,
    range: core::ops::RangeInclusive<u32>,
) -> Result<(), Invalid> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(field, value, format!("{} to {}", range.start(), range.end())))
}

/// A DNS name without its last dot, in lower case.
///
/// # Errors
/// It is none.
fn name(field: &'static str, text: &str) -> Result<String, Invalid> {
    let bare = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte);
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(allowed);
    if bare.len() <= 253 && bare.contains('.') && bare.split('.').all(label) {
        return Ok(bare);
    }
    Err(Invalid::new(field, format!("\"{text}\""), "a DNS name such as api.example.com"))
}

/// Which addresses a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    A,
    Aaaa,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::A, Kind::Aaaa];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::A => "A",
            Kind::Aaaa => "AAAA",
        }
    }

    #[must_use]
    pub fn read(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == text)
    }

    #[must_use]
    pub const fn of(address: core::net::IpAddr) -> Kind {
        match address {
            core::net::IpAddr::V4(_) => Kind::A,
            core::net::IpAddr::V6(_) => Kind::Aaaa,
        }
    }
}
