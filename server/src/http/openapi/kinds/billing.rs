//! Kinds of the billing ledger.

use serde_json::json;

use super::super::billing::month;
use super::{Kind, decider, decimal, object, reason};

pub(super) fn all() -> [Kind; 2] {
    [credit(), close()]
}

fn credit() -> Kind {
    Kind {
        name: "billing.credit",
        says: "An amount is waived: debit credits, credit the tenant's receivable. Recorded by POST \
               /v1/ledger/credits.",
        schema: object(
            "billing.credit",
            &["tenantId", "amountUsd", "reason"],
            json!({
                "tenantId": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
                "amountUsd": decimal(), "reason": reason(), "period": month(),
                "decidedBy": decider()
            }),
        ),
        example: json!({
            "kind": "billing.credit", "tenantId": "acme-labs", "amountUsd": "25",
            "reason": "The outage of 5 October", "period": "2026-10"
        }),
    }
}

fn close() -> Kind {
    let invoice = json!({
        "type": "object", "required": ["tenantId", "amountUsd"], "additionalProperties": false,
        "properties": {
            "tenantId": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
            "amountUsd": { "type": "string", "pattern": r"^-?\d+(\.\d{1,2})?$" }
        }
    });
    Kind {
        name: "billing.close",
        says: "A month that is over is closed, with what was invoiced to whom; what is found later \
               goes to the next month. Recorded by POST /v1/ledger/close.",
        schema: object(
            "billing.close",
            &["period", "invoices"],
            json!({
                "period": month(), "decidedBy": decider(),
                "invoices": { "type": "array", "items": invoice, "maxItems": 500 },
                "overage": {
                    "type": "boolean",
                    "description": "Tokens beyond caps were invoiced at their overage prices"
                }
            }),
        ),
        example: json!({
            "kind": "billing.close", "period": "2026-10",
            "invoices": [{ "tenantId": "acme-labs", "amountUsd": "1204.18" }], "overage": true
        }),
    }
}
