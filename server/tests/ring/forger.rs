//! A cloud that does not keep the rules: it has its own keys, knows the forms, and sends what it
//! likes.
//!
//! The forms are written down here once more: they are what clouds of other versions rely on.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{Envelope, Event, EventId, Payload, Region, Salt, TenantId};
use domain::key::{NoteAlgorithm, NoteKey, Sign, Signature};
use domain::log::{Appender, Checkpoint, Head, LogId};
use domain::note::{Note, SignatureLine};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::keys::CloudKeys;
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use uuid::Uuid;

use crate::clouds::{DEPLOYMENT, RunningCloud, keys_of};

#[derive(Clone, Debug, Serialize)]
pub struct WireRange {
    pub log: LogId,
    pub start: u64,
    pub entries: Vec<WireEntry>,
    pub note: String,
    pub others: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct WireEntry {
    pub event_id: [u8; 16],
    pub tenant_id: String,
    pub logical_clock: i64,
    pub region: String,
    pub created_at_ms: i64,
    pub payload: Vec<u8>,
    pub salt: [u8; 16],
    pub signature: Vec<u8>,
}

/// The answer to a range.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Answer {
    Confirmed {
        note: String,
    },
    Have {
        size: u64,
    },
    Busy,
    Refused {
        reason: String,
    },
    /// The log, or its epoch, is not known here.
    Unknown,
}

pub struct Forger {
    pub cloud: Cloud,
    pub keys: CloudKeys,
}

impl Forger {
    pub fn of(cloud: Cloud) -> Self {
        Forger { cloud, keys: keys_of(cloud) }
    }

    pub fn log(&self) -> LogId {
        LogId { origin: self.cloud, epoch: 1 }
    }

    pub fn entry(&self, id: u128, payload: &Value) -> Envelope {
        let event = Event {
            event_id: EventId(Uuid::from_u128(id)),
            tenant_id: TenantId::platform(),
            logical_clock: LogicalClock { ms: 1_000, counter: 0 },
            region: Region::try_from("eu".to_owned()).expect("valid"),
            created_at: Timestamp::from_unix_ms(1_000),
            origin_cloud: self.cloud,
            payload: Payload::from_value(payload).expect("an object"),
            salt: Salt([7; 16]),
        };
        event.sign(&self.keys.log)
    }

    /// The checkpoint after these entries, from the beginning of the log.
    pub fn head(&self, entries: &[Envelope]) -> Head {
        let mut appender = Appender::default();
        for (at, entry) in entries.iter().enumerate() {
            appender.append(entry.leaf(1, at as u64), |_| ());
        }
        appender.head()
    }

    pub fn checkpoint(&self, head: Head) -> String {
        Checkpoint { origin: self.log().name(DEPLOYMENT), head }.to_string()
    }

    pub fn log_key(&self, key: &dyn Sign) -> NoteKey {
        let name = self.log().name(DEPLOYMENT);
        NoteKey::new(&name, NoteAlgorithm::Ed25519, key.public()).expect("a name")
    }

    /// A note as an honest origin signs it, with the log key of our choice.
    pub fn note_by(&self, text: &str, log_key: &dyn Sign) -> String {
        let name = format!("{DEPLOYMENT}/{}/cosigner", self.cloud);
        let cosigner = &self.keys.cosigner;
        let as_cosigner = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, cosigner.public());
        let signatures = vec![
            SignatureLine::sign(text, &self.log_key(log_key), log_key),
            SignatureLine::cosign(text, 1_000, &as_cosigner.expect("a name"), cosigner),
        ];
        Note { text: text.to_owned(), signatures }.to_string()
    }

    pub fn note(&self, head: Head) -> String {
        self.note_by(&self.checkpoint(head), &self.keys.log)
    }

    /// An honest range from the beginning of the log.
    pub fn range(&self, entries: &[Envelope]) -> WireRange {
        let note = self.note(self.head(entries));
        let (log, entries) = (self.log(), entries.iter().map(wire).collect());
        WireRange { log, start: 0, entries, note, others: Vec::new() }
    }

    /// Sends a range as a peer does; what the cloud answers.
    pub async fn append(&self, to: &RunningCloud, range: &WireRange) -> Answer {
        let body = postcard::to_stdvec(range).expect("plain data");
        let (status, answer) = self.send(to, "/peer/v1/append", body).await;
        assert_eq!(status, 200, "the message is well signed");
        postcard::from_bytes(&answer).expect("an answer")
    }

    /// Sends a message, signed with our transport key.
    pub async fn send(&self, to: &RunningCloud, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let signed = message(self.cloud, to.ledger.cloud(), path, &body);
        let signature = self.keys.transport.sign(&signed);
        self.send_signed(to, path, body, signature).await
    }

    /// Sends a message under any signature.
    pub async fn send_signed(
        &self,
        to: &RunningCloud,
        path: &str,
        body: Vec<u8>,
        signature: Signature,
    ) -> (u16, Vec<u8>) {
        let request = Request::post(path)
            .header("x-ternion-from", self.cloud.name())
            .header("x-ternion-signature", signature.to_string())
            .body(Body::from(body));
        let answer = to.ledger.peer_routes().oneshot(request.expect("a request")).await;
        let answer = answer.expect("a router answers");
        let status = answer.status().as_u16();
        (status, to_bytes(answer.into_body(), 1 << 20).await.expect("a body").to_vec())
    }
}

pub fn wire(entry: &Envelope) -> WireEntry {
    let event = entry.event();
    WireEntry {
        event_id: event.event_id.0.into_bytes(),
        tenant_id: event.tenant_id.as_str().to_owned(),
        logical_clock: event.logical_clock.packed(),
        region: event.region.as_str().to_owned(),
        created_at_ms: event.created_at.unix_ms(),
        payload: event.payload.bytes().to_vec(),
        salt: event.salt.0,
        signature: entry.signature().0.to_vec(),
    }
}

/// What a transport signature covers.
pub fn message(from: Cloud, to: Cloud, path: &str, body: &[u8]) -> Vec<u8> {
    let mut text = b"ternion/peer-message/v1\n".to_vec();
    text.extend([from.code(), to.code()]);
    text.extend(path.as_bytes());
    text.push(0);
    text.extend(Sha256::digest(body));
    text
}
