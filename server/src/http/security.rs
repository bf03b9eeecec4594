//! What keeps browsers safe: who may post here, and what a page may load.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use leptos::nonce::Nonce;
use tower_http::csrf::{ConfigError, CsrfLayer, ProtectionError};

use crate::problem::Problem;

/// The policy of a page: its own files, the one script that carries the nonce, and compiling
/// WebAssembly. Nothing inline, nothing foreign, in nobody's frame. What it may frame itself is one
/// document, `asking`: all others refuse to be framed.
#[must_use]
pub fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         worker-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// For what is no page: should a browser show it all the same, it may load nothing.
const NO_PAGE: HeaderValue =
    HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");

/// The same for every answer.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // The path of an event must not reach other sites, and our own forms need their Origin.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
             magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
        ),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Two years, the least that the browsers' preload list takes.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Adds the security headers to every answer. Each request carries a fresh [`Nonce`] in its
/// extensions: whoever renders a page provides it as a Leptos context. A handler's own header
/// stands.
pub fn headers(router: Router, https: bool) -> Router {
    router.layer(from_fn(move |mut request: Request, next: Next| async move {
        let nonce = Nonce::new();
        request.extensions_mut().insert(nonce.clone());
        let mut response = next.run(request).await;
        secure(&mut response, &nonce, https);
        response
    }))
}

fn secure<B>(response: &mut Response<B>, nonce: &str, https: bool) {
    let is_page = is_html(response);
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    let policy = if is_page {
        // Base64url and ASCII text: always a valid header.
        HeaderValue::from_str(&content_security_policy(nonce)).unwrap_or(NO_PAGE)
    } else {
        NO_PAGE
    };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    if is_page {
        // What somebody saw must not come back from the cache after they have signed out.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    if https {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HTTPS_ONLY);
    }
}

fn is_html<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// Refuses what another site makes a browser send here: unsafe methods whose `Sec-Fetch-Site` or
/// `Origin` is not ours nor one of `origins` (such as `https://console.example`). A request with
/// a bearer token passes: browsers add cookies by themselves, but never an `Authorization` header.
///
/// # Errors
/// An origin is not of the form `scheme://host[:port]`.
pub fn refuse_cross_site(router: Router, origins: &[String]) -> Result<Router, ConfigError> {
    let mut layer = CsrfLayer::new();
    for origin in origins {
        layer = layer.add_trusted_origin(origin)?;
    }
    let layer = layer.with_rejection_response(|_: ProtectionError| cross_site().into_response());
    Ok(router.layer(layer).layer(from_fn(exempt_bearer)))
}

fn cross_site() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "Refused: sent by another site",
        "Your browser says that another site made it send this request. Open this site itself \
         and try again there.",
    )
}

/// Takes off what the check looks at, where there is no cookie to misuse.
async fn exempt_bearer(mut request: Request, next: Next) -> axum::response::Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        request.headers_mut().remove(header::ORIGIN);
        request.headers_mut().remove("sec-fetch-site");
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_run_only_our_scripts_and_no_inline_styles() {
        let policy = content_security_policy("abc");
        for part in [
            "script-src 'self' 'nonce-abc' 'wasm-unsafe-eval'",
            "style-src 'self';",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "base-uri 'none'",
            "connect-src 'self'",
        ] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe-inline"));
    }
}
