//! The kinds of decisions about keys: they tell of what epoch records put in force.

use serde_json::{Value, json};

use super::{Kind, decider, object, reason};

fn cloud() -> Value {
    json!({ "type": "string", "enum": ["gcp", "aws", "azure"] })
}

fn epoch() -> Value {
    json!({ "type": "integer", "minimum": 2 })
}

pub(super) fn begin() -> Kind {
    let why = ["rotation", "keyStolen", "keyLost", "faulty"];
    Kind {
        name: "key.begin",
        says: "A cloud's log ends and its next epoch begins, with new keys. Made by POST \
               /v1/epochs; the epoch record is what counts.",
        schema: object(
            "key.begin",
            &["origin", "epoch", "reason", "comment"],
            json!({
                "origin": cloud(), "epoch": epoch(), "reason": { "type": "string", "enum": why },
                "comment": reason(), "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "key.begin", "origin": "gcp", "epoch": 2, "reason": "rotation",
            "comment": "Yearly, as the policy says"
        }),
    }
}

pub(super) fn agree() -> Kind {
    Kind {
        name: "key.agree",
        says: "One of a cloud's people agrees to another cloud's new epoch. Made by POST \
               /v1/epochs/{record}/agree.",
        schema: object(
            "key.agree",
            &["origin", "epoch", "record", "reason"],
            json!({
                "origin": cloud(), "epoch": epoch(),
                "record": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                "reason": reason(), "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "key.agree", "origin": "aws", "epoch": 2,
            "record": "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
            "reason": "Ada of AWS told us so by telephone"
        }),
    }
}

pub(super) fn gone() -> Kind {
    Kind {
        name: "key.gone",
        says: "An admin says that a cloud will never come back; it takes two. Made by POST \
               /v1/epochs/gone.",
        schema: object(
            "key.gone",
            &["cloud", "reason"],
            json!({ "cloud": cloud(), "reason": reason(), "decidedBy": decider() }),
        ),
        example: json!({
            "kind": "key.gone", "cloud": "aws", "reason": "The account was closed"
        }),
    }
}
