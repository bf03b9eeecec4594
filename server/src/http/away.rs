//! What a signed-in person sees while the database is away: that, and not the sign-in page.
//!
//! Plain HTML with one small script, complete without any other file: the screens would ask a
//! database that is not there.

use std::fmt::Write as _;

use app::backend::Theme;
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::assets::Site;
use crate::identity;

/// The supervisor of an embedded server tries again after half a second, and a person sees two
/// seconds pass.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");
const TITLE: &str = "The database of this cloud is away";
const KEPT: &str = "Nothing that was acknowledged is lost, and you stay signed in.";

/// Asks whether the database is back, and only then loads the page anew: whoever reads it is not
/// interrupted.
const SCRIPT: &str = "
const said = document.getElementById('again');
said.textContent = 'This page looks every two seconds and goes on by itself.';
const look = async () => {
  const back = await fetch('/readyz', { cache: 'no-store' }).then(({ ok }) => ok, () => false);
  if (back) location.reload(); else setTimeout(look, 2000);
};
setTimeout(look, 2000);
";

/// The page, for the address that was asked for.
pub(super) fn page(nonce: &str, headers: &HeaderMap) -> Response {
    let page = Html(html(nonce, identity::theme(headers)));
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_AFTER)], page).into_response()
}

/// The answer to a page's question, in the form of the screens' own problems.
pub(super) fn answer(request_id: Option<String>) -> Response {
    let problem = app::backend::Problem {
        status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        code: "database_unavailable".to_owned(),
        title: TITLE.to_owned(),
        detail: format!("{KEPT} Try again in a moment."),
        request_id,
    };
    let retry = [(header::RETRY_AFTER, RETRY_AFTER)];
    (StatusCode::SERVICE_UNAVAILABLE, retry, Json(problem)).into_response()
}

/// The nonce is ours and the addresses are those of our files: nothing to escape.
fn html(nonce: &str, theme: Theme) -> String {
    let assets = Site::get().assets();
    let theme = match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let mut head = String::new();
    if !assets.css.is_empty() {
        let _ = write!(head, "<link rel=\"stylesheet\" href=\"{}\">", assets.css);
        let _ =
            write!(head, "<link rel=\"icon\" type=\"image/svg+xml\" href=\"{}\">", assets.favicon);
    }
    format!(
        "<!DOCTYPE html><html lang=\"en\" data-theme=\"{theme}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>Database away · Ternion</title>{head}</head><body><main class=\"bare\">\
         <h1>{TITLE}.</h1><p>{KEPT}</p><p id=\"again\" role=\"status\" class=\"muted\"></p>\
         <a class=\"button button-first\" href=\"\">Try again</a></main>\
         <script nonce=\"{nonce}\">{SCRIPT}</script></body></html>"
    )
}
