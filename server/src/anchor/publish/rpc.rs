//! JSON-RPC as Ethereum's and Bitcoin's nodes speak it.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::endpoint::{CallError, Endpoint, Question};

/// A full block of Ethereum with its transactions takes one to four megabytes of JSON.
const ANSWER_BYTES_MAX: usize = 48 * 1024 * 1024;

/// A node, called by its methods' names.
#[derive(Clone, Debug)]
pub struct Rpc {
    endpoint: Endpoint,
}

/// A call came to nothing. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    #[error(transparent)]
    Call(#[from] CallError),
    /// The node's own error.
    #[error("{method}: {message} ({code})")]
    Node { method: &'static str, code: i64, message: String },
    #[error("{method}: the answer cannot be read: {cause}")]
    Shape { method: &'static str, cause: String },
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    result: Value,
    error: Option<ReplyError>,
}

#[derive(Deserialize)]
struct ReplyError {
    code: i64,
    #[serde(default)]
    message: String,
}

impl Rpc {
    #[must_use]
    pub const fn new(endpoint: Endpoint) -> Self {
        Rpc { endpoint }
    }

    #[must_use]
    pub fn at(&self) -> String {
        self.endpoint.to_string()
    }

    /// # Errors
    /// The node does not answer, refuses, or answers something else.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, RpcError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let question = Question {
            method: Method::POST,
            path: "",
            content_type: "application/json",
            accept: "application/json",
            body: body.to_string().into_bytes(),
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.endpoint.ask(question).await?;
        // Bitcoin Core sends its errors with status 500, others with 200.
        let Ok(reply) = serde_json::from_slice::<Reply>(&answer.body) else {
            return Err(self.endpoint.refusal(&answer).into());
        };
        if let Some(error) = reply.error {
            let message = self.endpoint.hide(&error.message);
            return Err(RpcError::Node { method, code: error.code, message });
        }
        let shape = |cause: serde_json::Error| {
            let cause = self.endpoint.hide(&cause.to_string());
            RpcError::Shape { method, cause }
        };
        serde_json::from_value(reply.result).map_err(shape)
    }
}

impl RpcError {
    /// The node's own error, lower case: nodes differ in capitals.
    #[must_use]
    pub fn node_message(&self) -> Option<String> {
        match self {
            RpcError::Node { message, .. } => Some(message.to_lowercase()),
            _ => None,
        }
    }
}
