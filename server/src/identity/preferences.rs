//! What a browser remembers for its reader: the colour scheme, in a cookie, so that the first
//! paint is right.

use app::backend::Theme;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Settings;
use super::next::local;
use crate::problem::Problem;

const THEME_COOKIE: &str = "ternion-theme";
const YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The colour scheme that the reader chose.
#[must_use]
pub fn theme(headers: &HeaderMap) -> Theme {
    match cookie(headers, THEME_COOKIE) {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(header::COOKIE).into_iter().filter_map(|text| text.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key.trim() == name).then(|| value.trim()))
}

#[derive(Debug, Deserialize)]
pub(super) struct Preferences {
    theme: Theme,
    #[serde(default)]
    next: String,
}

pub(super) async fn set(
    State(settings): State<Settings>,
    headers: HeaderMap,
    form: Result<Form<Preferences>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(Preferences { theme, next }) =
        form.map_err(|cause| Problem::malformed(format!("The form cannot be read: {cause}")))?;
    let mut response = if is_script(&headers) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Redirect::to(local(&next)).into_response()
    };
    response.headers_mut().insert(header::SET_COOKIE, theme_cookie(theme, settings.secure_cookies));
    Ok(response)
}

/// A script wants no page for an answer.
fn is_script(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
}

fn theme_cookie(theme: Theme, secure: bool) -> HeaderValue {
    let name = match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let secure = if secure { "; Secure" } else { "" };
    let text = format!(
        "{THEME_COOKIE}={name}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax; HttpOnly{secure}"
    );
    // Printable ASCII throughout.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        let headers = |text: &'static str| {
            HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))])
        };
        assert_eq!(theme(&headers("a=b; ternion-theme=dark; c=d")), Theme::Dark);
        assert_eq!(theme(&headers("ternion-theme=light")), Theme::Light);
        assert_eq!(theme(&headers("ternion-theme=pink; x-ternion-theme=dark")), Theme::System);
        assert_eq!(theme(&HeaderMap::new()), Theme::System);
    }
}
