//! Kinds of decisions that are not taken as events: each has a path that knows what it is held against.

use domain::catalog::CONFLICT_RESOLVE;

use crate::ledger::Submission;
use crate::problem::Problem;

/// Decisions about held things, keys, scenarios and the billing ledger are checked against what is
/// held, which keys count, which version is in force and what was used, which this path cannot.
pub(super) fn refuse_rulings(submission: &Submission) -> Result<(), Problem> {
    let kind = submission.payload.kind().unwrap_or_default();
    let detail = if kind.starts_with("quarantine.") || kind == CONFLICT_RESOLVE {
        "What is held is decided about at POST /v1/quarantine/{id}/release or reject."
    } else if kind.starts_with("key.") {
        "Keys are changed at POST /v1/epochs, which records who did it and why."
    } else if kind.starts_with("scenario.") {
        "Scenarios are kept at POST /v1/scenarios, which counts their versions."
    } else if kind.starts_with("billing.") {
        "Credits are given at POST /v1/ledger/credits, months closed at POST /v1/ledger/close, which \
         state what is invoiced."
    } else if kind.starts_with("approval.") {
        "Who approves in whose stead is said at POST /v1/approvals/delegations."
    } else if kind.starts_with("proposal.") || kind.starts_with("policy.") {
        "Prices and policies are proposed at POST /v1/proposals and PUT /v1/policy and decided about \
         at POST /v1/approvals; autonomy is switched at PUT /v1/controller-state."
    } else {
        return Ok(());
    };
    Err(Problem::invalid(detail).field("/payload/kind", "is not taken here"))
}
