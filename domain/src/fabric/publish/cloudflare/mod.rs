//! Cloudflare: DNS records and load balancers, their limits, and the API's JSON (version 4).

mod answer;
pub mod balancer;
mod record;

pub use answer::{Answer, Fault, PageInfo, read};
pub use balancer::{Balancer, LocationStrategy, Monitor, Origin, Pool};
pub use record::{Batch, DnsRecord, batch, marked, wanted};

/// What the note of each thing of ours begins with; others are none of ours.
pub(crate) const OURS: &str = "ternion";

/// Below the address of the API.
pub const API: &str = "/client/v4";

/// Where the records of a zone are.
#[must_use]
pub fn records_path(zone_id: &str) -> String {
    format!("{API}/zones/{zone_id}/dns_records")
}

/// Where the balancers of a zone are.
#[must_use]
pub fn balancers_path(zone_id: &str) -> String {
    format!("{API}/zones/{zone_id}/load_balancers")
}

/// Where an account's pools or monitors are.
#[must_use]
pub fn account_path(account_id: &str, what: &str) -> String {
    format!("{API}/accounts/{account_id}/load_balancers/{what}")
}

/// An id of Cloudflare's: 32 hex digits.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
