//! The style sheet: `style/*.css` one after the other, in the order of their names.
//!
//! The names begin with a number (`00-tokens.css`, `10-base.css`, …), which is the order of the
//! cascade. Plain CSS goes in and plain CSS comes out: comments and indentation fall away, and
//! `url("font:inter-latin")` and `url("static:map.svg")` become the fingerprinted files' addresses.

use std::fs;
use std::path::Path;

use super::files_in;
use super::site::Site;
use crate::problem::{At, Outcome, Problem};

/// Placeholder, and what its logical name ends in.
const PLACEHOLDERS: [(&str, &str); 2] = [("font:", ".woff2"), ("static:", "")];

pub(crate) fn make(folder: &Path, site: &Site) -> Outcome<String> {
    let mut sheet = String::new();
    for file in files_in(folder)? {
        if file.extension().is_some_and(|extension| extension == "css") {
            let text = fs::read_to_string(&file).at(format_args!("reading {}", file.display()))?;
            sheet.push_str(&tighten(&resolve(&text, &file, site)?));
        }
    }
    Ok(sheet)
}

fn resolve(text: &str, file: &Path, site: &Site) -> Outcome<String> {
    let mut resolved = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        let line = resolve_line(line, site).map_err(|name| {
            let what = format!("{}:{}: no file `{name}` in the bundle", file.display(), number + 1);
            Problem::new(what).fix(format!("there are: {}", site.names().join(", ")))
        })?;
        resolved.push_str(&line);
        resolved.push('\n');
    }
    Ok(resolved)
}

/// The name that leads nowhere is the error.
fn resolve_line(line: &str, site: &Site) -> Result<String, String> {
    let mut line = line.to_owned();
    for (prefix, suffix) in PLACEHOLDERS {
        let opening = format!("url(\"{prefix}");
        while let Some(start) = line.find(&opening) {
            let name_start = start + opening.len();
            let length =
                line[name_start..].find('"').ok_or_else(|| line[name_start..].to_owned())?;
            let logical = format!("{}{suffix}", &line[name_start..name_start + length]);
            let address = site.address(&logical).ok_or(logical)?;
            line.replace_range(start + "url(\"".len()..name_start + length, &address);
        }
    }
    Ok(line)
}

/// Drops comments, indentation and empty lines; strings stay as they are.
fn tighten(text: &str) -> String {
    let bare = without_comments(text);
    let lines = bare.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |sheet, line| sheet + line + "\n")
}

fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut quote = None;
    while let Some(letter) = rest.chars().next() {
        if quote.is_none() && rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
            continue;
        }
        quote = match quote {
            Some(open) if open == letter => None,
            None if letter == '"' || letter == '\'' => Some(letter),
            unchanged => unchanged,
        };
        kept.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{resolve_line, tighten};
    use crate::bundle::Mode;
    use crate::bundle::site::Site;

    #[test]
    fn comments_and_indentation_fall_away_but_strings_stay() {
        let text = "a {\n  /* why */\n  content: \"/* kept */\";\n\n}\n";
        assert_eq!(tighten(text), "a {\ncontent: \"/* kept */\";\n}\n");
    }

    #[test]
    fn a_placeholder_becomes_the_address_of_the_fingerprinted_file() {
        let site = Site::of([("inter-latin.woff2", "inter-latin.0123.woff2")], Mode::Dev);
        let line = "src: url(\"font:inter-latin\") format(\"woff2\"), url(\"/x.png\");";
        let wanted =
            "src: url(\"/pkg/inter-latin.0123.woff2\") format(\"woff2\"), url(\"/x.png\");";
        assert_eq!(resolve_line(line, &site).as_deref(), Ok(wanted));
    }

    #[test]
    fn a_placeholder_that_leads_nowhere_is_named() {
        let site = Site::of([], Mode::Dev);
        assert_eq!(resolve_line("url(\"static:no.svg\")", &site), Err("no.svg".to_owned()));
    }
}
