//! Parameters by name: one name means the same wherever it is taken.

use domain::quarantine::{Reason, State};
use serde_json::{Value, json};

use super::billing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

/// What a part of a path is.
pub(super) fn path_text(name: &str) -> &'static str {
    match name {
        "event_id" => "The event's UUID",
        "tenant_id" => "The tenant's id",
        "held_id" => "A held input's UUID, or <event id>~<tenant> for an id in conflict",
        "anchor_id" => "The anchor's UUID",
        "period" => "A month such as 2026-10, or a day such as 2026-11-25",
        "scenario_id" => "The scenario's UUID",
        "proposal_id" => "The proposal's UUID",
        "delegation_id" => "The UUID of the event that gave it",
        "evidence_id" => "SHA-256 of the record's RFC 8785 bytes, in hex",
        "record" => "Hash of the epoch's record, in hex, as /v1/keys lists it",
        "origin" => "gcp, aws or azure",
        "epoch" => "The number of the log's epoch",
        "cloud" | "from" => "gcp, aws or azure",
        "to" => "Another cloud, or all for both",
        "act" => "One of those above",
        _ => "As C2SP tlog-tiles spells it, such as 0/x001/067 or entries/000.p/12",
    }
}

/// A parameter of the query, or a header: its place, schema and meaning.
pub(super) fn asked(name: &'static str) -> (&'static str, Place, Value, &'static str) {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let clouds = || json!({ "type": "string", "enum": ["gcp", "aws", "azure"] });
    let (schema, says) = match name {
        "wait" => (
            json!({ "type": "string", "enum": ["pending", "final"], "default": "pending" }),
            "final: answer once a second cloud has signed, and what a decision comes to shows here",
        ),
        "timeoutMs" => (
            json!({ "type": "integer", "minimum": 0, "default": 10_000 }),
            "Longest wait; bounded by this cloud's configuration. When it runs out: 202",
        ),
        "receipt" => {
            (json!({ "type": "boolean", "default": false }), "With wait=final: add the receipt")
        }
        "tenant" => (text(), "Only this tenant's"),
        "status" => (
            json!({ "type": "string", "enum": ["PENDING", "FINAL", "QUARANTINED", "DISPUTED"] }),
            "Only events of this status",
        ),
        "state" => (
            json!({ "type": "string", "enum": State::ALL.map(State::name) }),
            "Only what is in this state",
        ),
        "reason" => (
            json!({ "type": "string", "enum": Reason::ALL.map(Reason::code) }),
            "Only what is held for this reason",
        ),
        "source" => {
            (text(), "Only from there: gcp, aws, azure, unproven:<cloud>, client:<login> or logs")
        }
        "origin" => (clouds(), "Only events that this cloud accepted"),
        "cloud" => (clouds(), "The cloud that it is about"),
        "file" => (text(), "One of the proof's files; its main one where none is named"),
        "kind" => (text(), "Only payloads of this kind"),
        "resource" => (super::schemas::resource(), "Only this resource's"),
        "q" => (
            text(),
            "An id, hash or its first 8 digits or more, slot (gcp/1/204), sequence, tenant",
        ),
        "period" => (billing::month(), "Only this month's (UTC)"),
        "account" => (
            text(),
            "Only entries on this account: receivable:<tenant>, carried:<tenant>, revenue, credits, \
             sla_penalties or rounding",
        ),
        "from" => (time(), "At or after"),
        "to" => (time(), "Before"),
        "cursor" => (text(), "nextCursor or previousCursor of another page"),
        "limit" => {
            (json!({ "type": "integer", "minimum": 1, "maximum": 1_000 }), "Items of a page")
        }
        "oneWay" => (
            json!({ "type": "boolean", "default": false }),
            "true: only what the first asks of the second, and the answers; otherwise both directions",
        ),
        "format" => (
            json!({ "type": "string", "enum": ["csv", "json", "ndjson"], "default": "csv" }),
            "The form of the file",
        ),
        "provider" | "model" => (text(), "Only this one's"),
        "region" => (text(), "Only this one's; of clients, such as aws:eu-north-1"),
        _ => match header(name) {
            Some(says) => return (name, Place::Header, text(), says),
            None => beside(name),
        },
    };
    (name, Place::Query, schema, says)
}

fn header(name: &str) -> Option<&'static str> {
    match name {
        "Last-Event-ID" => Some("The id of the last message heard, such as 12.4.9"),
        "Accept" => Some("application/json, or text/plain for the C2SP tlog-proof"),
        "If-Match" => Some("The ETag of what was read: refused with 412 if it was changed since"),
        "If-None-Match" => Some("*: refused with 412 if there is one already"),
        _ => None,
    }
}

/// Of whom the fabric is asked, of which day what-ifs are, and what a verifier holds beside a file.
fn beside(name: &str) -> (Value, &'static str) {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let networks = ["mainnet", "testnet", "regtest"];
    match name {
        "key" => (text(), "What shares of the traffic deal by: a client's network, or its session"),
        "pricesAsOf" => (time(), "The day whose prices are taken; now, if left out"),
        "policy" => (
            json!({ "type": "string", "enum": ["deployment"] }),
            "deployment: under this deployment's own policy file, on its word; otherwise under none",
        ),
        "waitVersion" => (
            json!({ "type": "integer", "minimum": 0 }),
            "The version that is known: answer once there is a later one, or the time is up",
        ),
        "standing" => (
            json!({ "type": "string", "enum": [
                "pending", "approved", "applied", "rejected", "expired", "stale", "superseded"
            ] }),
            "Only proposals in this state",
        ),
        "class" => (
            super::optimizer::class(),
            "Only proposals of this risk: low is a price alone that one person approves, high all else",
        ),
        "tier" => (text(), "The tier's id"),
        "input" | "output" => (text(), "US dollars a million tokens"),
        "cached" => (text(), "The same of cached input; absent: as other input"),
        "drifted" => (
            json!({ "type": "boolean" }),
            "true: only proposals whose facts have changed; false: only those whose facts have not; those of \
             which nobody looked are in neither, and notLookedAt counts them",
        ),
        "name" => (text(), "The name that is resolved; this deployment answers for one"),
        "subnet" => (text(), "A client's address or network, such as 198.51.100.0/24"),
        "gcp" | "aws" | "azure" => (text(), "Its share of the traffic, such as 0.5; they sum to 1"),
        "fresh" => (
            json!({ "type": "boolean", "default": false }),
            "true: read the providers for this answer",
        ),
        "drained" => (
            json!({ "type": "boolean", "default": true }),
            "true: taken out of service; false: put back",
        ),
        "at" => (time(), "As it was recorded at that time; absent: now"),
        "digest" => (text(), "What was stamped, in hex; of a bundle the hash that you hold"),
        "bitcoinHeader" => {
            (text(), "The block's 80 bytes in hex, from a node or explorer of yours")
        }
        "bitcoinNetwork" => (
            json!({ "type": "string", "enum": networks, "default": "mainnet" }),
            "Which chain that block must be from",
        ),
        "ethereumBlock" => (text(), "The block's hash in hex, from a node or explorer of yours"),
        "ethereumChain" => {
            (json!({ "type": "integer", "minimum": 0, "default": 1 }), "Ethereum's network")
        }
        _ => (text(), "What to call the file in the answer"),
    }
}
