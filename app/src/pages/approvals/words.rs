//! What the pages about prices share: states, and sentences of refusals.

use domain::clock::{DAY_MS, HOUR_MS, Timestamp};
use domain::pricing::book::{Risk, Standing};
use leptos::prelude::*;

/// PENDING dashed, APPLIED solid, REJECTED and what came to nothing plain, what changed hatched.
#[component]
pub(crate) fn StateBadge(state: Standing) -> impl IntoView {
    let (look, word) = match state {
        Standing::Pending => ("pending", "WAITS"),
        Standing::Approved => ("pending", "APPROVED"),
        Standing::Applied => ("final", "APPLIED"),
        Standing::Rejected => ("unknown", "REJECTED"),
        Standing::Expired => ("unknown", "EXPIRED"),
        Standing::Stale => ("quarantined", "FACTS CHANGED"),
        Standing::Superseded => ("unknown", "SUPERSEDED"),
    };
    view! { <span class="badge" data-state=look>{word}</span> }
}

/// Of what waits, and rests on what is no longer so. What changed stands beside the word.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(crate) fn Drifted(changed: Vec<String>) -> impl IntoView {
    view! {
        <span class="badge" data-state="quarantined">"FACTS CHANGED"</span>
        <span class="cell-about">{changed.join("; ")}</span>
    }
}

/// Of what waits, where nobody looked whether what it rests on is still so.
#[component]
pub(crate) fn NotLookedAt() -> impl IntoView {
    view! { <span class="cell-about">"Facts not looked at"</span> }
}

/// `1 of 2`.
pub(crate) fn quorum(approvals: u32, quorum: Option<u32>) -> String {
    match quorum {
        Some(0) => "none needed".to_owned(),
        Some(quorum) => format!("{approvals} of {quorum}"),
        None => format!("{approvals}; how many are needed is not known here yet"),
    }
}

pub(crate) const fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "Low risk",
        Risk::High => "High risk",
    }
}

/// `31 % → 36 %`; nothing where nothing is known.
pub(crate) fn from_to(ends: &[String; 2]) -> String {
    let [was, is] = ends;
    if was.is_empty() { String::new() } else { format!("{was} → {is}") }
}

const MINUTE_MS: i64 = 60_000;

/// How long it is from one time to another: `3 h`, `2 days`.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let ms = to.unix_ms().saturating_sub(from.unix_ms()).max(0);
    match ms {
        _ if ms >= 2 * DAY_MS => format!("{} days", ms / DAY_MS),
        _ if ms >= HOUR_MS => format!("{} h", ms / HOUR_MS),
        _ => format!("{} min", ms / MINUTE_MS),
    }
}

/// Of what has no sentence of its own.
const OTHER_REFUSAL: &str = "Nothing was recorded. Try again, or see the log of this cloud.";

/// Why nothing came of a form.
pub(crate) fn refusal(code: &str) -> &'static str {
    match code {
        "four_eyes" => {
            "Nothing was recorded: who proposed or last changed it does not approve it. Ask another admin."
        }
        "prove_again" => {
            "Nothing was recorded: a change that two must agree to is approved with your own password."
        }
        "rate_limited" => {
            "Nothing was recorded: too many wrong passwords. Wait a minute, then try again."
        }
        "version_changed" => {
            "Nothing was recorded: it was changed since you looked. What stands below is how it is now."
        }
        "already_approved" => {
            "Nothing was recorded: one person has one vote, and yours or theirs is given already."
        }
        "not_delegate" => {
            "Nothing was recorded: you do not approve in their stead now, or they may not approve themselves."
        }
        "not_confirmed" => "Nothing was recorded: tick the box to say that you have looked.",
        "not_together" => {
            "Not approved: it needs more than one person, or is more than a price. Open it, and approve it there."
        }
        "forbidden" => "Nothing was recorded: your role or your name may not do that.",
        "not_found" => "Nothing was recorded: it is not known here.",
        "too_many" => "Nothing was recorded: you have given ten delegations that are not over.",
        "over" => "Nothing was recorded: it is over already.",
        "not_looked_at" => "Nothing was recorded: its facts were not looked at; open it.",
        "facts_changed" => {
            "Nothing was recorded: what it rests on has changed; see below. Make a new version of it, or reject it."
        }
        "expired" => "Nothing was recorded: it waited too long and has expired.",
        "superseded" => "Nothing was recorded: another change of the same took its place.",
        "applied" => "Nothing was recorded: it is applied already.",
        "rejected" | "closed" => "Nothing was recorded: somebody else has decided about it.",
        "contract_fixed" => "Nothing was recorded: a contract fixes the price. End it first.",
        "already_open" => {
            "Nothing was recorded: a proposal about the same is open. Decide about it, or change it."
        }
        "nothing_to_take_back" => {
            "Nothing was recorded: nothing was changed that could be taken back, or the last change was itself a rollback."
        }
        "tenant_inactive" => "Nothing was recorded: the tenant is not active.",
        "running_elsewhere" => {
            "It runs just now, on this cloud or another. What comes of it stands here in a moment."
        }
        "no_usage" => "The optimizer has nothing to look at: no usage has a price on both sides.",
        "no_quorum" => "Fewer than two clouds answer. Nothing was done; try again in a moment.",
        "busy" => "Nothing was recorded: this cloud has too much to do. Try again.",
        "not_now" => "Nothing was recorded: that cannot be done just now. Look at it again.",
        field => wrong(field).unwrap_or(OTHER_REFUSAL),
    }
}

/// The same where a field is wrong, by its name in JSON.
fn wrong(field: &str) -> Option<&'static str> {
    Some(match field {
        "to" => {
            "Nothing was recorded: whoever stands in is another person who signs in here and may propose."
        }
        "from" | "until" => {
            "Nothing was recorded: it begins today or within a year, and ends in the future, after it begins and at most 90 days later."
        }
        "tenantId" => "Nothing was recorded: no tenant has that id.",
        "priceOfList" => {
            "Nothing was recorded: the price must be another one, from 10 to 1000 percent of the list price."
        }
        "overageOfList" => {
            "Nothing was recorded: the overage price must be from 10 to 1000 percent of the list price."
        }
        "concurrency" | "tokenCap" => {
            "Nothing was recorded: a limit must be a whole number above 0, within reason."
        }
        "reason" => "Nothing was recorded: the reason must be 1 to 500 printable characters.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the server answers to a form of these pages: codes, and the fields of those that are wrong.
    const CODES: [&str; 37] = [
        "not_looked_at",
        "not_confirmed",
        "four_eyes",
        "prove_again",
        "rate_limited",
        "version_changed",
        "already_approved",
        "not_delegate",
        "not_together",
        "forbidden",
        "not_found",
        "too_many",
        "over",
        "to",
        "from",
        "until",
        "facts_changed",
        "expired",
        "superseded",
        "applied",
        "rejected",
        "closed",
        "contract_fixed",
        "already_open",
        "nothing_to_take_back",
        "tenant_inactive",
        "tenantId",
        "priceOfList",
        "overageOfList",
        "concurrency",
        "tokenCap",
        "reason",
        "running_elsewhere",
        "no_usage",
        "no_quorum",
        "busy",
        "not_now",
    ];

    #[test]
    fn every_refusal_has_a_sentence_of_its_own() {
        for code in CODES {
            assert_ne!(refusal(code), OTHER_REFUSAL, "{code}");
            assert!(refusal(code).ends_with('.'), "{code}");
        }
        assert_eq!(refusal("x"), OTHER_REFUSAL);
        assert_eq!(quorum(1, Some(2)), "1 of 2");
    }

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let later = |ms| span(Timestamp::from_unix_ms(0), Timestamp::from_unix_ms(ms));
        assert_eq!([later(-1), later(59 * MINUTE_MS)], ["0 min", "59 min"]);
        assert_eq!([later(47 * HOUR_MS), later(2 * DAY_MS)], ["47 h", "2 days"]);
        assert_eq!(from_to(&[String::new(), String::new()]), "");
    }
}
