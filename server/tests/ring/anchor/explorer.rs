//! A block explorer with Esplora's three questions, over the test's node; one of them may lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::litecoin::Litecoin;

struct Shared {
    litecoin: Arc<Litecoin>,
    lies: AtomicBool,
}

pub struct Explorer {
    pub url: String,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

type Answer = Result<String, StatusCode>;

async fn tip(State(shared): State<Arc<Shared>>) -> String {
    shared.litecoin.ask("getblockcount", json!([])).to_string()
}

async fn height(State(shared): State<Arc<Shared>>, Path(height): Path<u64>) -> Answer {
    let tip = shared.litecoin.ask("getblockcount", json!([])).as_u64().expect("a number");
    if height > tip {
        return Err(StatusCode::NOT_FOUND);
    }
    // A liar shows the block before.
    let height = height - u64::from(shared.lies.load(Ordering::Relaxed));
    let hash = shared.litecoin.ask("getblockhash", json!([height]));
    Ok(hash.as_str().expect("a hash").to_owned())
}

async fn header(State(shared): State<Arc<Shared>>, Path(hash): Path<String>) -> String {
    let header = shared.litecoin.ask("getblockheader", json!([hash, false]));
    header.as_str().expect("hex").to_owned()
}

impl Explorer {
    pub async fn over(litecoin: &Arc<Litecoin>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}/api", listener.local_addr().expect("bound"));
        let lies = AtomicBool::new(false);
        let shared = Arc::new(Shared { litecoin: Arc::clone(litecoin), lies });
        let routes = Router::new()
            .route("/api/blocks/tip/height", get(tip))
            .route("/api/block-height/{height}", get(height))
            .route("/api/block/{hash}/header", get(header))
            .with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            axum::serve(listener, routes).await.expect("it serves");
        });
        Explorer { url, shared, _tasks: tasks }
    }

    pub fn lie(&self, lies: bool) {
        self.shared.lies.store(lies, Ordering::Relaxed);
    }
}
