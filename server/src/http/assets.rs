//! The browser's files, embedded: fingerprinted names, compressed when they were built.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use app::Assets;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{Embed, EmbeddedFile};
use serde::de::DeserializeOwned;

use super::ask::Named;
use crate::problem::Problem;

/// A fingerprinted name never means other content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_AN_HOUR: &str = "public, max-age=3600";
/// Smaller first; as the bundle is built.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// A worker has the policy of its own file: it imports one script, compiles one module, and reaches
/// nothing else.
const WORKERS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
);

#[derive(Embed)]
#[folder = "../target/site"]
struct Files;

/// What was built, by logical name.
#[derive(Debug)]
pub(super) struct Site {
    manifest: BTreeMap<String, String>,
    assets: Assets,
}

impl Site {
    /// Read once a process.
    pub(super) fn get() -> &'static Site {
        static SITE: OnceLock<Site> = OnceLock::new();
        SITE.get_or_init(|| {
            let manifest = list("manifest.json");
            if manifest.is_none() {
                tracing::warn!(
                    "the browser bundle is not built (`cargo xtask build`): pages work, without \
                     styles and scripts"
                );
            }
            Site::of(manifest.unwrap_or_default(), list("pieces.json").unwrap_or_default())
        })
    }

    fn of(manifest: BTreeMap<String, String>, pieces: BTreeMap<String, Vec<String>>) -> Site {
        let path =
            |name: &str| manifest.get(name).map(|name| format!("/pkg/{name}")).unwrap_or_default();
        let addresses = |names: Vec<String>| names.iter().map(|name| path(name)).collect();
        let pieces = pieces.into_iter().map(|(piece, names)| (piece, addresses(names))).collect();
        let assets = Assets {
            css: path("ternion.css"),
            js: path("ternion.js"),
            wasm: path("ternion_bg.wasm"),
            favicon: path("favicon.svg"),
            worker: path("worker.js"),
            pieces: Arc::new(pieces),
        };
        Site { manifest, assets }
    }

    pub(super) fn assets(&self) -> &Assets {
        &self.assets
    }
}

/// A list that the bundle brings along.
fn list<T: DeserializeOwned>(name: &str) -> Option<BTreeMap<String, T>> {
    Files::get(name).and_then(|file| serde_json::from_slice(&file.data).ok())
}

/// The engine's script and module, for who runs them elsewhere than in a browser. `None`: this program
/// was built without its bundle.
pub(crate) fn engine_files() -> Option<(Vec<u8>, Vec<u8>)> {
    let file = |name: &str| {
        let name = Site::get().manifest.get(name)?;
        Files::get(&format!("pkg/{name}")).map(|file| file.data.into_owned())
    };
    Some((file("engine.js")?, file("engine_bg.wasm")?))
}

pub(super) fn routes() -> Router {
    Router::new()
        .route("/pkg/{*name}", get(file))
        .route("/favicon.ico", get(favicon))
        .route("/favicon.svg", get(favicon))
}

async fn file(Named(name): Named<String>, headers: HeaderMap) -> Response {
    // Compressed forms are chosen by header, never by name.
    let is_plain = ENCODINGS.iter().all(|(_, suffix)| !name.ends_with(suffix));
    let found = is_plain.then(|| best(&format!("pkg/{name}"), &headers)).flatten();
    found.map_or_else(
        || Problem::not_found(format!("There is no file {name} in this version.")).into_response(),
        |found| send(found, &name, FOR_EVER, &headers),
    )
}

async fn favicon(headers: HeaderMap) -> Response {
    let name = Site::get().manifest.get("favicon.svg");
    let found = name.and_then(|name| best(&format!("pkg/{name}"), &headers));
    found.map_or_else(
        || StatusCode::NO_CONTENT.into_response(),
        |found| send(found, "favicon.svg", FOR_AN_HOUR, &headers),
    )
}

/// A file in the form that the browser likes best.
struct Found {
    file: EmbeddedFile,
    encoding: Option<&'static str>,
}

fn best(path: &str, headers: &HeaderMap) -> Option<Found> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|text| text.to_str().ok());
    for (encoding, suffix) in ENCODINGS {
        if accepts(accepted.unwrap_or_default(), encoding)
            && let Some(file) = Files::get(&format!("{path}{suffix}"))
        {
            return Some(Found { file, encoding: Some(encoding) });
        }
    }
    Some(Found { file: Files::get(path)?, encoding: None })
}

/// RFC 9110, section 12.5.3: named, and not with a weight of zero.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let mut parameters = part.split(';').map(str::trim);
        let named = parameters.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parameters.find_map(|parameter| parameter.strip_prefix("q="));
        named && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|q| q > 0.0))
    })
}

fn send(found: Found, name: &str, caching: &'static str, headers: &HeaderMap) -> Response {
    let Found { file, encoding } = found;
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match file.data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        };
        ([(header::CONTENT_TYPE, media(name))], body).into_response()
    };
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    if name.starts_with("worker.") {
        out.insert(header::CONTENT_SECURITY_POLICY, WORKERS_POLICY);
    }
    if let Some(encoding) = encoding.filter(|_| !is_known) {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn media(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_used_only_if_it_is_accepted() {
        assert!(accepts("gzip, deflate, br, zstd", "br"));
        assert!(accepts("GZIP;q=0.5", "gzip"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("broad", "br"));
        assert!(!accepts("", "gzip"));
    }

    #[test]
    fn a_page_without_a_bundle_names_no_files() {
        let none = Site::of(BTreeMap::new(), BTreeMap::new());
        assert_eq!(none.assets().js, "");
        assert!(none.assets().pieces.is_empty());
    }

    #[test]
    fn a_page_names_files_by_their_content_and_what_its_piece_needs() {
        let names =
            [("ternion.js", "ternion.0a1b.js"), ("ternion-lab.wasm", "ternion-lab.2c.wasm")];
        let manifest = names.map(|(logical, name)| (logical.to_owned(), name.to_owned())).into();
        let pieces = [("lab".to_owned(), vec!["ternion-lab.wasm".to_owned()])].into();
        let site = Site::of(manifest, pieces);
        assert_eq!(site.assets().js, "/pkg/ternion.0a1b.js");
        assert_eq!(site.assets().pieces["lab"], ["/pkg/ternion-lab.2c.wasm"]);
    }
}
