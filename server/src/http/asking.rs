//! The frame through which the page Verify asks nodes and explorers of the reader's own.
//!
//! Pages here may connect to this cloud and to nobody else, and that stays so. What must reach
//! others is a document of its own, with the opposite rights: it may connect to any `https:` address
//! and to this machine, and it is nobody. Its sandbox gives it an origin that no other document has,
//! so it carries no cookie, reads neither this cloud nor the page around it, and holds no session.

use axum::Router;
use axum::extract::Extension;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use leptos::nonce::Nonce;

const SCRIPT: &str = include_str!("asking.js");

/// Plain `http:` to this machine only: nobody on the way can change what a node there says.
const MAY_CONNECT: &str = "https: http://127.0.0.1:* http://localhost:*";

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/asking", get(frame))
}

async fn frame(Extension(nonce): Extension<Nonce>) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Asking others</title>\
         <script nonce=\"{nonce}\">{SCRIPT}</script></html>"
    );
    // Base64url and ASCII text: always a valid header. Without one the frame may do nothing.
    let policy = HeaderValue::from_str(&policy(&nonce))
        .unwrap_or(HeaderValue::from_static("default-src 'none'; sandbox"));
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, Html(page)).into_response()
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; connect-src {MAY_CONNECT}; \
         sandbox allow-scripts; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_may_ask_others_and_is_nobody() {
        let policy = policy("abc");
        assert!(policy.contains("sandbox allow-scripts;"), "{policy}");
        for right in ["allow-same-origin", "'self';", "unsafe", "allow-top-navigation"] {
            let connects = policy.replace("frame-ancestors 'self'", "");
            assert!(!connects.contains(right), "{right} in {policy}");
        }
    }
}
