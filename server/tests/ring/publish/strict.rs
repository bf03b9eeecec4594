//! Stands before moto and refuses what Route 53 refuses and moto lets through: the deletion of a record
//! that is not there as it is given. Everything else goes on to moto as it is.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use reqwest::Client;
use roxmltree::{Document, Node};

const BYTES_MAX: usize = 1 << 20;

/// Its address. It ends with the test's runtime.
pub async fn before(moto: String) -> String {
    // Fails only when a provider is installed already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let router = Router::new().fallback(pass).with_state(moto);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    url
}

async fn pass(State(moto): State<String>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BYTES_MAX).await.expect("a body");
    let text = String::from_utf8_lossy(&body).into_owned();
    let client = Client::new();
    if head.method == Method::POST && text.contains("<Action>DELETE</Action>") {
        let all = client.get(format!("{moto}{}", head.uri.path()));
        let all = all.header("authorization", &head.headers["authorization"]);
        let there = all.send().await.expect("it answers").text().await.expect("a list");
        if let Some(refusal) = wrong_deletion(&text, &there) {
            return (StatusCode::BAD_REQUEST, refusal).into_response();
        }
    }
    let mut headers = head.headers;
    headers.remove("host");
    let call = client.request(head.method, format!("{moto}{}", head.uri)).headers(headers);
    let answer = call.body(body).send().await.expect("it answers");
    let status = answer.status();
    (status, Body::from(answer.bytes().await.expect("a body"))).into_response()
}

/// In the words of Route 53's documentation.
fn wrong_deletion(wish: &str, there: &str) -> Option<String> {
    let (wish, there) = (Document::parse(wish).expect("XML"), Document::parse(there).expect("XML"));
    let there: Vec<Vec<String>> = sets(&there).map(|set| written(set)).collect();
    let deletes = wish.descendants().filter(|node| {
        node.is_named("Change") && node.descendants().any(|it| it.text() == Some("DELETE"))
    });
    let sets = deletes
        .filter_map(|change| change.descendants().find(|node| node.is_named("ResourceRecordSet")));
    sets.map(|set| written(set)).find(|set| !there.contains(set)).map(|set| {
        format!(
            "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages>\
             <Message>Tried to delete resource record set {} but the values provided do not match \
             the current values</Message></Messages></InvalidChangeBatch>",
            set[0].replace('<', "")
        )
    })
}

fn sets<'a>(document: &'a Document<'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    document.descendants().filter(|node| node.is_named("ResourceRecordSet"))
}

/// Every text of a record set with its element, in one order.
fn written(set: Node<'_, '_>) -> Vec<String> {
    let leaves = set.descendants().filter(Node::is_text);
    let mut written: Vec<String> = leaves
        .filter_map(|leaf| {
            let name = leaf.parent_element()?.tag_name().name().to_owned();
            let text = leaf.text()?.trim().to_owned();
            (!text.is_empty()).then(|| format!("{name}={text}"))
        })
        .collect();
    written.sort();
    written
}

trait Named {
    fn is_named(&self, name: &str) -> bool;
}

impl Named for Node<'_, '_> {
    /// In whatever namespace.
    fn is_named(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }
}
