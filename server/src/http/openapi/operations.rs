//! What can be asked of this cloud: one line a thing.

use serde_json::{Value, json};

use super::parameters::{Place, asked, path_text};
use super::{anchors, billing, catalog, economics, fabric, keys, lab, optimizer, snapshots};

pub(super) const TAGS: [(&str, &str); 14] = [
    ("events", "Recording events, finding them, and proof of what became of them"),
    ("logs", "The logs as C2SP tlog-tiles, for monitors that believe nobody"),
    ("quarantine", "What is held without effect, and deciding about it"),
    ("audit", "What a month comes to, as two clouds agree and strangers verify"),
    ("keys", "Whose keys count from when to when, and changing them"),
    ("grants", "Who won where exactly one may, and the clouds' votes for it"),
    ("stream", "What happens, as it happens"),
    ("catalog", "Tenants, tiers, prices and metered usage, as final events made them"),
    ("billing", "What tenants are charged and owe, in double entry"),
    ("economics", "What would be, and scenarios that are kept"),
    (
        "pricing",
        "Margins, recommendations, proposals and approvals, and what is applied to tenants",
    ),
    ("fabric", "Where clients are sent, and why"),
    ("node", "How this cloud is"),
    ("lab", "The demonstration's fault lab"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Anybody,
    /// Who may, in words.
    Role(&'static str),
}

/// One method of one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub access: Access,
    /// Names of parameters of the query and of headers: `parameters::asked`.
    pub takes: &'static [&'static str],
    /// Content type and schema.
    pub bodies: &'static [(&'static str, &'static str)],
    /// Status, meaning, schema (none: empty) and content type.
    pub answers: &'static [(u16, &'static str, &'static str, &'static str)],
    pub problems: &'static [u16],
}

impl Operation {
    pub(super) fn description(&self) -> String {
        match self.access {
            Access::Anybody => "Open to anybody.".to_owned(),
            Access::Role(who) => format!("For {who}."),
        }
    }

    /// Those of the path, then those of the query and headers.
    pub(super) fn parameters(
        &self,
    ) -> impl Iterator<Item = (&'static str, Place, Value, &'static str)> {
        let names = self.path.split('{').skip(1).filter_map(|part| part.split('}').next());
        let text = || json!({ "type": "string" });
        let path = names.map(move |name| (name, Place::Path, text(), path_text(name)));
        path.chain(self.takes.iter().map(|name| asked(name)))
    }
}

const READERS: Access = Access::Role("every role");
pub(super) const CURIOUS: Access = Access::Role("controllers, auditors and admins");
const SENDERS: Access = Access::Role("ingest tokens and admins");
pub(super) const ADMINS: Access = Access::Role("admins");
pub(super) const JSON: &str = "application/json";
const TEXT: &str = "text/plain";
const BYTES: &str = "application/octet-stream";
const FILTERS: &[&str] =
    &["tenant", "status", "origin", "kind", "q", "from", "to", "cursor", "limit"];

pub(super) const BASE: Operation = Operation {
    method: "get",
    path: "",
    id: "",
    tag: "",
    summary: "",
    access: READERS,
    takes: &[],
    bodies: &[],
    answers: &[],
    problems: &[],
};

/// Everything, in the order of the page.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    let own = OPERATIONS
        .iter()
        .chain(catalog::OPERATIONS)
        .chain(billing::OPERATIONS)
        .chain(economics::OPERATIONS);
    own.chain(keys::OPERATIONS)
        .chain(snapshots::OPERATIONS)
        .chain(anchors::OPERATIONS)
        .chain(fabric::OPERATIONS)
        .chain(optimizer::OPERATIONS)
        .chain(lab::OPERATIONS)
}

const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/v1/events",
        id: "recordEvents",
        tag: "events",
        summary: "Records one event or many; a repeat of the same event is recorded once",
        access: SENDERS,
        takes: &["wait", "timeoutMs", "receipt"],
        bodies: &[
            (JSON, "EventOrEvents"),
            ("application/x-ndjson", "NewEvent"),
            ("application/cloudevents+json", "CloudEvent"),
            ("application/cloudevents-batch+json", "CloudEvents"),
        ],
        answers: &[
            (200, "A repeat; or a batch: one result an item, in order", "RecordedOrResults", JSON),
            (201, "Recorded here for the first time", "Recorded", JSON),
            (202, "Recorded; the wait for FINAL ran out", "Recorded", JSON),
        ],
        problems: &[400, 401, 403, 409, 413, 415, 422, 503],
    },
    Operation {
        path: "/v1/events",
        id: "listEvents",
        tag: "events",
        summary: "A page of the ledger, newest first",
        takes: FILTERS,
        answers: &[(200, "A page", "EventPage", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/events/export",
        id: "exportEvents",
        tag: "events",
        summary: "Exactly the filtered set as a file, however long",
        access: CURIOUS,
        takes: &["format", "tenant", "status", "origin", "kind", "q", "from", "to"],
        answers: &[(200, "The file", "", "text/csv")],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/events/{event_id}",
        id: "readEvent",
        tag: "events",
        summary: "The envelope of an event; payload and salt for those who may read payloads",
        answers: &[(200, "The event", "Event", JSON)],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/events/{event_id}/confirmations",
        id: "readConfirmations",
        tag: "events",
        summary: "Which clouds have signed a root that covers the event",
        answers: &[(200, "The view that every program sees", "Confirmations", JSON)],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/events/{event_id}/receipt",
        id: "readReceipt",
        tag: "events",
        summary: "Proof of finality that can be checked offline (`ternion verify`)",
        takes: &["Accept"],
        answers: &[(200, "The receipt; as text/plain a C2SP tlog-proof", "Receipt", JSON)],
        problems: &[400, 401, 403, 404, 409, 503],
        ..BASE
    },
    Operation {
        path: "/v1/events/{event_id}/covering",
        id: "readCovering",
        tag: "events",
        summary: "The first agreed snapshot that covers the event, and the way from its leaf to its \
                  log's root in that manifest. 404 with the code not_covered if there is none yet",
        answers: &[(200, "Belongs to that snapshot's bundle", "Covering", JSON)],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/logs",
        id: "listLogs",
        tag: "logs",
        summary: "The three logs: size, root, how far each is final, who has signed how far",
        access: Access::Anybody,
        answers: &[(200, "All of them", "Logs", JSON)],
        ..BASE
    },
    Operation {
        path: "/v1/logs/{origin}/{epoch}/checkpoint",
        id: "readCheckpoint",
        tag: "logs",
        summary: "The newest checkpoint with all its signatures: a C2SP signed note",
        access: Access::Anybody,
        answers: &[(200, "The note", "", TEXT)],
        problems: &[404],
        ..BASE
    },
    Operation {
        path: "/v1/logs/{origin}/{epoch}/tile/{path}",
        id: "readTile",
        tag: "logs",
        summary: "A tile of hashes (open), or a bundle of entries (for those who read the ledger)",
        access: Access::Anybody,
        answers: &[(200, "32 bytes a hash; entries: length in two bytes, then 45", "", BYTES)],
        problems: &[401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/policy-file",
        id: "readPolicyFile",
        tag: "logs",
        summary: "The deployment's public keys and quorum: what a verifier needs",
        access: Access::Anybody,
        answers: &[(200, "A C2SP policy file", "", TEXT)],
        ..BASE
    },
    Operation {
        path: "/v1/evidence",
        id: "listEvidence",
        tag: "logs",
        summary: "What is proven against clouds, by their own signatures; the newest first",
        takes: &["cursor", "limit"],
        answers: &[(200, "A page", "EvidencePage", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/evidence/{evidence_id}",
        id: "readEvidence",
        tag: "logs",
        summary: "One record, which anybody verifies offline (`ternion verify`)",
        answers: &[(200, "The record", "Evidence", JSON)],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/grants",
        id: "listGrants",
        tag: "grants",
        summary: "Decisions that this cloud knows of, the newest known first; the certificate is a \
                  signed note that verifies under the policy file",
        access: CURIOUS,
        takes: &["resource", "cursor", "limit"],
        answers: &[(200, "A page", "GrantPage", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/scrub",
        id: "readScrub",
        tag: "node",
        summary: "What checking the stored ledger against its cosigned roots found here, and how far it is",
        access: READERS,
        answers: &[(200, "Progress by log, what is open, the newest findings", "Scrub", JSON)],
        problems: &[401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/scrub/acknowledge",
        method: "post",
        id: "acknowledgeRepairs",
        tag: "node",
        summary: "Says that what was repaired until then was seen: the overview lists it no more. A \
                  mark of this node, until it starts again; findings that are open stay",
        access: ADMINS,
        bodies: &[("application/json", "ScrubSeen")],
        answers: &[(200, "As reading it gives", "Scrub", JSON)],
        problems: &[400, 401, 403, 422],
        ..BASE
    },
    Operation {
        path: "/scrub/acknowledge",
        method: "post",
        id: "actOnScrub",
        tag: "node",
        summary: "The same: the form of the page Overview",
        access: ADMINS,
        bodies: &[("application/x-www-form-urlencoded", "ScrubSeen")],
        answers: &[(303, "Back to the page", "", "text/html")],
        problems: &[400, 401, 403],
        ..BASE
    },
    Operation {
        path: "/v1/quarantine",
        id: "listQuarantine",
        tag: "quarantine",
        summary: "What is held, newest first: inputs that this cloud refused, and ids in conflict",
        takes: &["state", "reason", "source", "tenant", "cursor", "limit"],
        answers: &[(200, "A page, and which sources sent more than is kept", "HeldPage", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/quarantine/export",
        id: "exportQuarantine",
        tag: "quarantine",
        summary: "Exactly the filtered set as a file",
        access: CURIOUS,
        takes: &["state", "reason", "source", "tenant"],
        answers: &[(200, "A JSON array of rows", "", JSON)],
        problems: &[400, 401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/v1/quarantine/{held_id}",
        id: "readHeld",
        tag: "quarantine",
        summary: "One held thing: what its bytes say, what stands in the log instead, what was decided",
        answers: &[(200, "Contents and bytes for those who may read payloads", "Held", JSON)],
        problems: &[401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/quarantine/{held_id}/bytes",
        id: "readHeldBytes",
        tag: "quarantine",
        summary: "What is kept of an input, as it came",
        access: CURIOUS,
        answers: &[(200, "The bytes", "", BYTES)],
        problems: &[401, 403, 404, 503],
        ..BASE
    },
    Operation {
        method: "post",
        path: "/v1/quarantine/{held_id}/release",
        id: "releaseHeld",
        tag: "quarantine",
        summary: "Records a held event anew, or says which contents of an id in conflict count: in force once final",
        access: ADMINS,
        takes: &["wait", "timeoutMs"],
        bodies: &[(JSON, "ReleaseHeld")],
        answers: &[
            (201, "The decision's event, and the new one", "Decided", JSON),
            (202, "Recorded; the wait for FINAL ran out", "Decided", JSON),
        ],
        problems: &[400, 401, 403, 404, 409, 422, 503],
    },
    Operation {
        method: "post",
        path: "/v1/quarantine/{held_id}/reject",
        id: "rejectHeld",
        tag: "quarantine",
        summary: "Leaves a held thing without effect for ever: in force once final",
        access: ADMINS,
        takes: &["wait", "timeoutMs"],
        bodies: &[(JSON, "RejectHeld")],
        answers: &[
            (201, "The decision's event", "Decided", JSON),
            (202, "Recorded; the wait for FINAL ran out", "Decided", JSON),
        ],
        problems: &[400, 401, 403, 404, 409, 422, 503],
    },
    Operation {
        method: "post",
        path: "/quarantine/act",
        id: "actOnHeld",
        tag: "quarantine",
        summary: "Releases or rejects a held thing: the forms of its page",
        access: ADMINS,
        bodies: &[("application/x-www-form-urlencoded", "HeldAct")],
        answers: &[(303, "Back to the page, which says what was wrong", "", "text/html")],
        problems: &[400, 401, 403, 404, 503],
        ..BASE
    },
    Operation {
        path: "/v1/stream",
        id: "follow",
        tag: "stream",
        summary: "Server-sent events: `state` each second, `events` as rows change, `gap` if some were missed",
        takes: &["Last-Event-ID"],
        answers: &[(
            200,
            "The stream; ids are final sizes in the order gcp.aws.azure",
            "",
            "text/event-stream",
        )],
        problems: &[401, 403, 503],
        ..BASE
    },
    Operation {
        path: "/health",
        id: "readHealth",
        tag: "node",
        summary: "This cloud's status, load and latency, and the deployment's mode as it sees it",
        access: Access::Anybody,
        answers: &[
            (200, "healthy or degraded", "Health", JSON),
            (503, "unhealthy", "Health", JSON),
        ],
        ..BASE
    },
    Operation {
        path: "/livez",
        id: "isAlive",
        tag: "node",
        summary: "The process runs",
        access: Access::Anybody,
        answers: &[(200, "It does", "", TEXT)],
        ..BASE
    },
    Operation {
        path: "/readyz",
        id: "isReady",
        tag: "node",
        summary: "Requests can be served",
        access: Access::Anybody,
        answers: &[(200, "They can", "", TEXT)],
        problems: &[503],
        ..BASE
    },
    Operation {
        path: "/metrics",
        id: "readMetrics",
        tag: "node",
        summary: "Metrics in the Prometheus text form",
        access: Access::Anybody,
        answers: &[(200, "The metrics", "", TEXT)],
        ..BASE
    },
    Operation {
        path: "/openapi.json",
        id: "readOpenapi",
        tag: "node",
        summary: "This document",
        access: Access::Anybody,
        answers: &[(200, "OpenAPI 3.1", "", JSON)],
        ..BASE
    },
    Operation {
        path: "/docs",
        id: "readDocs",
        tag: "node",
        summary: "This document for people",
        access: Access::Anybody,
        answers: &[(200, "A page", "", "text/html")],
        ..BASE
    },
];
