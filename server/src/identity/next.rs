//! Where a form leads afterwards: only ever to this site.

use axum::http::Uri;

/// The path, or `/` when it leads elsewhere: an address that the visitor was sent with must not
/// make the sign-in a springboard.
pub(super) fn local(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    // Browsers read a backslash as a slash and drop control characters.
    let is_plain = !next.contains(|letter: char| letter == '\\' || !letter.is_ascii_graphic());
    let is_door = next == "/sign-in" || next.starts_with("/sign-in?");
    if is_path && is_plain && !is_door && next.parse::<Uri>().is_ok() { next } else { "/" }
}

/// A value of a query, percent-encoded (RFC 3986, unreserved characters stay).
pub(crate) fn query_value(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for here in ["/", "/ledger?q=1%20a&x=y", "/ledger/0192#x"] {
            assert_eq!(local(here), here);
        }
        let elsewhere = [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "evil",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=y",
            "/sign-in?next=/",
            "/é",
        ];
        for next in elsewhere {
            assert_eq!(local(next), "/", "{next:?}");
        }
    }

    #[test]
    fn a_query_value_is_one_value() {
        assert_eq!(query_value("a+b@c.example&x=1"), "a%2Bb%40c.example%26x%3D1");
    }
}
