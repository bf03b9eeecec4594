//! `/docs`: the same document for people. Plain HTML, no script, nothing from elsewhere.

use std::fmt::Write as _;

use serde_json::Value;

use super::kinds;
use super::operations::{self, Operation, TAGS};
use super::parameters::Place;
use super::schemas;

/// The whole page; `css` is the address of our style sheet, empty without a bundle.
pub(super) fn page(css: &str) -> String {
    let mut body = String::new();
    for (tag, says) in TAGS {
        let _ = write!(body, "<section class=\"card\"><h2 id=\"{tag}\">{}</h2>", escape(says));
        for operation in operations::all().filter(|operation| operation.tag == tag) {
            body.push_str(&section(operation));
        }
        body.push_str("</section>");
    }
    body.push_str(&known_kinds());
    let style = if css.is_empty() {
        String::new()
    } else {
        format!("<link rel=\"stylesheet\" href=\"{}\">", escape(css))
    };
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>API · Ternion</title>{style}</head><body><main class=\"docs\">\
         <h1>Ternion: the API</h1>\
         <p>Send <code>Authorization: Bearer …</code> with a token of <code>ternion token create</code>. \
         Times are RFC 3339 in UTC, money is a decimal text, errors are RFC 9457 problem details with \
         a <code>code</code> and a <code>requestId</code>. Unknown fields and parameters are refused. \
         For programs: <a href=\"/openapi.json\">openapi.json</a>.</p>\
         {body}</main></body></html>"
    )
}

fn section(operation: &Operation) -> String {
    let mut out = format!(
        "<article id=\"{}\"><h3><code>{} {}</code></h3><p>{}. {}</p>",
        operation.id,
        operation.method.to_ascii_uppercase(),
        escape(operation.path),
        escape(operation.summary),
        escape(&operation.description()),
    );
    let parameters: Vec<_> = operation.parameters().collect();
    if !parameters.is_empty() {
        out.push_str("<dl>");
        for (name, place, _, says) in parameters {
            let place = match place {
                Place::Path => "in the path",
                Place::Query => "in the query",
                Place::Header => "header",
            };
            let _ = write!(out, "<dt><code>{name}</code> ({place})</dt><dd>{}</dd>", escape(says));
        }
        out.push_str("</dl>");
    }
    for (media, schema) in operation.bodies {
        let _ = write!(out, "<p>Body: <code>{}</code></p>", escape(media));
        if let Some(example) = schemas::example(schema) {
            out.push_str(&listing(&example));
        }
    }
    out.push_str("<ul>");
    for (status, says, ..) in operation.answers {
        let _ = write!(out, "<li><strong>{status}</strong> {}</li>", escape(says));
    }
    if !operation.problems.is_empty() {
        let problems: Vec<String> = operation.problems.iter().map(u16::to_string).collect();
        let _ = write!(out, "<li>Problems: {}</li>", problems.join(", "));
    }
    out.push_str("</ul></article>");
    out
}

fn known_kinds() -> String {
    let mut out = String::from(
        "<section class=\"card\"><h2 id=\"kinds\">Payloads that the product acts on</h2>\
         <p>A payload is any JSON object of at most 64 KiB. One of these kinds is also checked; \
         others are stored as they are.</p>",
    );
    for kind in kinds::all() {
        let _ = write!(
            out,
            "<article id=\"kind-{0}\"><h3><code>{0}</code></h3><p>{1}</p>{2}\
             <details><summary>JSON Schema</summary>{3}</details></article>",
            kind.name,
            escape(kind.says),
            listing(&kind.example),
            listing(&kind.schema)
        );
    }
    out.push_str("</section>");
    out
}

fn listing(value: &Value) -> String {
    format!("<pre tabindex=\"0\"><code>{}</code></pre>", escape(&format!("{value:#}")))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_everything_and_runs_nothing() {
        let page = page("/pkg/ternion.01.css");
        for operation in operations::all() {
            assert!(page.contains(&format!("id=\"{}\"", operation.id)), "{}", operation.id);
        }
        assert!(page.contains("id=\"kind-usage\""));
        for refused in ["<script", "style=", "http://", "https://"] {
            assert!(!page.contains(refused), "{refused}");
        }
    }
}
