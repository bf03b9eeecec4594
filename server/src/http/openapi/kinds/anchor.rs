//! The kinds that tell what became of an anchor.

use serde_json::{Value, json};

use super::{Kind, object, reason, text, time};

const EXAMPLE_HASH: &str = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab";

fn hash() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

fn publisher() -> Value {
    json!({ "type": "string", "enum": domain::anchor::Publisher::ALL.map(domain::anchor::Publisher::name) })
}

pub(super) fn finished() -> Kind {
    Kind {
        name: "anchor.final",
        says: "A snapshot's hash was read back from where it was published, and is as deep as was \
               asked. Recorded by each cloud that did so.",
        schema: object(
            "anchor.final",
            &["hash", "period", "publisher", "place", "time"],
            json!({
                "hash": hash(), "period": text(), "publisher": publisher(),
                "place": { "type": "string", "description": "The block's hash, or a serial number" },
                "height": { "type": "integer", "minimum": 0 }, "time": time()
            }),
        ),
        example: json!({
            "kind": "anchor.final", "hash": EXAMPLE_HASH, "period": "2026-10",
            "publisher": "bitcoin", "height": 924_817,
            "place": "00000000000000000001f3e6a1c5a0c1d3b2a4e5f60718293a4b5c6d7e8f9012",
            "time": "2026-11-01T02:14:09.000Z"
        }),
    }
}

pub(super) fn failed() -> Kind {
    Kind {
        name: "anchor.failed",
        says: "A snapshot's hash cannot be published just now, and why. It is tried again.",
        schema: object(
            "anchor.failed",
            &["hash", "period", "publisher", "reason"],
            json!({
                "hash": hash(), "period": text(), "publisher": publisher(), "reason": reason()
            }),
        ),
        example: json!({
            "kind": "anchor.failed", "hash": EXAMPLE_HASH, "period": "2026-10",
            "publisher": "ethereum", "reason": "the account has 0 ETH: send some there"
        }),
    }
}
