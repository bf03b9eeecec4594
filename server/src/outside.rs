//! Calls to services of others, with our keys: over https or to this machine, and to nobody else.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

/// Long enough for a far host.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Why nothing is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// Neither http nor https.
    Malformed,
    /// http to another machine.
    Unprotected,
}

/// # Errors
/// Nothing that carries a key is sent there.
pub(crate) fn address(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text).map_err(|_| AddressError::Malformed)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here(&url) => Ok(url),
        "http" => Err(AddressError::Unprotected),
        _ => Err(AddressError::Malformed),
    }
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A client for that address alone: nobody may send us, and the key with us, elsewhere.
///
/// # Errors
/// The TLS of this machine cannot be set up.
pub(crate) fn client(url: &Url, wait: Duration) -> Result<Client, reqwest::Error> {
    // Fails only when a provider is installed already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = Client::builder().timeout(wait).connect_timeout(CONNECT_WAIT.min(wait));
    let client = client.redirect(Policy::none()).user_agent("ternion");
    let client = if is_here(url) { client.no_proxy() } else { client };
    client.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_over_https_or_to_this_machine() {
        for good in [
            "https://api.example.com",
            "http://127.0.0.1:8545/x",
            "http://[::1]:1",
            "http://localhost",
        ] {
            address(good).expect(good);
        }
        for bad in ["http://node.example.com", "http://localhost.example.com", "http://10.0.0.1"] {
            assert_eq!(address(bad), Err(AddressError::Unprotected), "{bad}");
        }
        for bad in ["", "api.example.com", "file:///etc/passwd", "//127.0.0.1"] {
            assert_eq!(address(bad), Err(AddressError::Malformed), "{bad}");
        }
    }
}
