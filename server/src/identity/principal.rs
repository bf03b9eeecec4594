//! Who is asking: what the guard found, as extractors for handlers.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use domain::access::{Action, Role};
use domain::catalog::UserPut;
use domain::event::PLATFORM_TENANT;

use crate::problem::Problem;

/// Somebody who was let in. As an extractor: 401 for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub login: String,
    pub name: String,
    pub role: Role,
    pub via: Via,
}

/// By what somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    Session,
    /// A bearer token, by its public id.
    Token(String),
    /// The node itself, for what its operator asked on the command line.
    Platform,
}

impl Principal {
    pub(super) fn new(user: UserPut, via: Via) -> Self {
        Principal { login: user.login, name: user.name, role: user.role, via }
    }

    /// The node itself.
    #[must_use]
    pub fn platform() -> Self {
        Principal {
            login: PLATFORM_TENANT.to_owned(),
            name: "Ternion".to_owned(),
            role: Role::Admin,
            via: Via::Platform,
        }
    }

    /// Asks the one table of permissions.
    ///
    /// # Errors
    /// 403 with the sentence that says who may.
    pub fn require(&self, action: Action) -> Result<(), Problem> {
        if self.role.may(action) {
            return Ok(());
        }
        Err(Problem::forbidden(self.role.refusal(action)))
    }
}

/// What the guard found; it stands in the request's extensions.
#[derive(Clone, Debug)]
pub(super) enum Finding {
    Known(Principal),
    Stranger,
    /// A session that cannot be looked up just now.
    Unavailable(Box<Problem>),
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Finding>() {
            Some(Finding::Known(principal)) => Ok(principal.clone()),
            Some(Finding::Unavailable(problem)) => Err((**problem).clone()),
            Some(Finding::Stranger) | None => Err(Problem::unauthenticated(
                "Send a bearer token in the Authorization header, or sign in at /sign-in.",
            )),
        }
    }
}

/// Somebody, or nobody: for pages that strangers may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaybePrincipal(pub Option<Principal>);

impl<S: Sync> FromRequestParts<S> for MaybePrincipal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let principal = match parts.extensions.get::<Finding>() {
            Some(Finding::Known(principal)) => Some(principal.clone()),
            Some(Finding::Stranger | Finding::Unavailable(_)) | None => None,
        };
        Ok(MaybePrincipal(principal))
    }
}

/// True where somebody's session cannot be looked up just now, so that it is not known who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionAway(pub bool);

impl<S: Sync> FromRequestParts<S> for SessionAway {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let finding = parts.extensions.get::<Finding>();
        Ok(SessionAway(matches!(finding, Some(Finding::Unavailable(_)))))
    }
}

/// Where the connection comes from. Forwarding headers are not believed: anybody can write them,
/// and no proxy is configured that would overwrite them. Behind a load balancer this is the
/// balancer's address, so limits by address then hold for all its clients together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Ok(ClientAddress(peer.map_or(unknown, |ConnectInfo(peer)| peer.ip().to_canonical())))
    }
}

impl ClientAddress {
    /// What one subscriber holds: an IPv4 address, or an IPv6 /64 (RFC 6177).
    pub(super) fn subscriber(self) -> IpAddr {
        const HOST_BITS: u32 = 64;
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> HOST_BITS << HOST_BITS).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_a_v6_network_are_one_subscriber() {
        let subscriber = |text: &str| ClientAddress(text.parse().expect("an address")).subscriber();
        assert_eq!(subscriber("2001:db8::1"), subscriber("2001:db8::ffff:2"));
        assert_ne!(subscriber("2001:db8::1"), subscriber("2001:db8:0:1::1"));
        assert_ne!(subscriber("192.0.2.1"), subscriber("192.0.2.2"));
    }

    #[test]
    fn a_refusal_says_who_may() {
        let auditor = Principal { role: Role::Auditor, ..Principal::platform() };
        let problem = auditor.require(Action::EditUsers).expect_err("auditors change nothing");
        assert_eq!(problem.status, 403);
        assert!(problem.detail.contains("admin may"), "{}", problem.detail);
    }
}
