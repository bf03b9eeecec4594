//! The description of this face for programs and people: `/openapi.json` and `/docs`.
//!
//! One table says what there is; the document, the page and a test that compares it with the
//! routers are made of it.

mod anchors;
mod billing;
mod catalog;
mod docs;
mod economics;
mod fabric;
mod keys;
mod kinds;
mod lab;
mod operations;
mod optimizer;
mod parameters;
mod schemas;
mod snapshots;

use std::sync::OnceLock;

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::Shared;
use super::assets::Site;
use operations::{Access, Operation};
use parameters::Place;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/openapi.json", get(openapi_json)).route("/docs", get(docs_page))
}

/// The OpenAPI 3.1 document, as `ternion openapi` prints it.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations::all() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = describe(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ternion",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A quorum ledger over three clouds: an event is FINAL once two of them \
                have signed one root that covers it. Times are RFC 3339 in UTC, money is a decimal \
                text, errors are RFC 9457 problem details. Unknown fields and parameters are refused.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "tags": operations::TAGS.map(|(name, text)| json!({ "name": name, "description": text })),
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "A token of `ternion token create`. Browsers use their session."
                }
            }
        }
    })
}

fn describe(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for (status, text, schema, media) in operation.answers {
        let content = if schema.is_empty() {
            json!({ *media: {} })
        } else {
            json!({ *media: { "schema": reference(schema) } })
        };
        responses.insert(status.to_string(), json!({ "description": text, "content": content }));
    }
    for status in operation.problems {
        responses.insert(status.to_string(), problem(*status));
    }
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description(),
        "parameters": operation.parameters().map(parameter).collect::<Vec<_>>(),
        "responses": responses,
    });
    if !operation.bodies.is_empty() {
        described["requestBody"] = request_body(operation);
    }
    if operation.access == Access::Anybody {
        described["security"] = json!([]);
    }
    described
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn problem(status: u16) -> Value {
    let text = match status {
        400 => "Malformed: the body, query or address cannot be read; the position is named",
        401 => "No token and no session, or one that does not hold",
        403 => "The role may not do this",
        404 => "Not found",
        409 => "In conflict with what is recorded, or not final yet",
        413 => "Too large",
        415 => "The content type is not read here",
        422 => "Well-formed and wrong; `errors` names each field",
        502 => "The fault lab does not answer",
        503 => "Not just now; `Retry-After` says when",
        _ => "Refused",
    };
    let content = json!({ "application/problem+json": {
        "schema": reference("Problem"), "example": schemas::problem_example(status)
    } });
    json!({ "description": text, "content": content })
}

fn parameter((name, place, schema, text): (&str, Place, Value, &str)) -> Value {
    let place = match place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    json!({
        "name": name, "in": place, "required": place == "path", "description": text, "schema": schema
    })
}

fn request_body(operation: &Operation) -> Value {
    let mut content = Map::new();
    for (media, schema) in operation.bodies {
        let mut body = json!({ "schema": reference(schema) });
        if let Some(example) = schemas::example(schema) {
            body["example"] = example;
        }
        content.insert((*media).to_owned(), body);
    }
    json!({ "required": true, "content": content })
}

async fn openapi_json() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_string());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

async fn docs_page() -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = PAGE.get_or_init(|| docs::page(&Site::get().assets().css));
    Html(page.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_openapi() {
        use utoipa::openapi::{RefOr, Schema};
        for (name, schema) in document()["components"]["schemas"].as_object().expect("schemas") {
            let read = serde_json::from_value::<RefOr<Schema>>(schema.clone());
            read.unwrap_or_else(|error| panic!("{name}: {error}: {schema}"));
        }
        let read = serde_json::from_value::<utoipa::openapi::OpenApi>(document());
        let read = read.expect("an OpenAPI document");
        assert!(read.paths.paths.len() > 20);
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document();
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let routers = [
            include_str!("anchors.rs"),
            include_str!("billing.rs"),
            include_str!("bundle.rs"),
            include_str!("drill.rs"),
            include_str!("economics.rs"),
            include_str!("events/mod.rs"),
            include_str!("grants.rs"),
            include_str!("evidence.rs"),
            include_str!("fabric.rs"),
            include_str!("health.rs"),
            include_str!("keys.rs"),
            include_str!("lab.rs"),
            include_str!("logs.rs"),
            include_str!("openapi.rs"),
            include_str!("optimizer.rs"),
            include_str!("quarantine.rs"),
            include_str!("scenarios.rs"),
            include_str!("scrub.rs"),
            include_str!("snapshots.rs"),
            include_str!("stream.rs"),
            include_str!("tenants.rs"),
            include_str!("usage.rs"),
        ];
        let written = routers.iter().flat_map(|text| text.split(concat!(".rou", "te(\"")).skip(1));
        let mut routed: Vec<String> = written
            .filter_map(|part| part.split('"').next())
            .map(|path| path.replace("{*", "{"))
            .collect();
        let mut described: Vec<String> =
            operations::all().map(|operation| operation.path.to_owned()).collect();
        routed.sort();
        described.sort();
        described.dedup();
        assert_eq!(described, routed);
    }
}
