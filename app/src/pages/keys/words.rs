//! What the page says, in whole sentences.

use domain::cloud::Cloud;
use domain::epoch::Reason;

use crate::backend::{Answered, EpochLine, PeerAnswer};
use crate::components::triad::join_names;
use crate::format::counted;

/// For each refusal of the forms.
pub(super) fn problem(code: &str) -> &'static str {
    match code {
        "not_confirmed" => "Nothing was done: tick the box that says what you have checked.",
        "invalid" => "Nothing was done: give a reason of at most 500 characters, in one line.",
        "epoch_waits" => {
            "Nothing was done: an epoch of this cloud waits for its approvals already."
        }
        "epoch_begun" => "That epoch has begun already. This page shows it.",
        "already_decided" => "Somebody here has agreed already.",
        "not_found" => {
            "That request does not wait here any more: it counts by now, or another took its place."
        }
        "not_recovering" => "Nothing was done: this cloud waits for nobody just now.",
        "cloud_answers" => "Nothing was done: that cloud answers, so it is not gone.",
        "same_person" => "You have said so already. A second admin must.",
        "busy" => "Nothing was done: this cloud is starting or taking its log back. Try again.",
        _ => "Nothing was done. Try again.",
    }
}

/// `Begun because its keys were rotated, approved by gcp and aws.`
pub(super) fn origin_of(epoch: &EpochLine) -> String {
    let Some(reason) = epoch.reason else {
        return "The first epoch, as the configurations pin it.".to_owned();
    };
    let names: Vec<&str> = epoch.approved_by.iter().map(|cloud| cloud.name()).collect();
    let by = if names.is_empty() { "nobody".to_owned() } else { join_names(&names) };
    let gone = epoch.gone.as_ref().map_or_else(String::new, |gone| {
        let [first, second] = &gone.declared_by;
        format!(" {first} and {second} declared {} gone for good.", gone.cloud.title())
    });
    format!("Begun because {}; approved by {by}.{gone}", reason.sentence())
}

/// `Ended at 1,204 entries.`
pub(super) fn extent(epoch: &EpochLine, goes_on: bool) -> String {
    let entries = counted(epoch.size, "entry", "entries");
    if goes_on { format!("{entries} so far.") } else { format!("Ended at {entries}.") }
}

/// `AWS would, but: one of this cloud’s people must agree (Keys)`
pub(super) fn answer(told: &PeerAnswer) -> String {
    let title = told.cloud.title();
    let why = told.why.as_deref().unwrap_or_default();
    match told.answer {
        Answered::Approves => format!("{title} has approved it."),
        Answered::Waits => format!("{title} has not approved it yet: {why}."),
        Answered::Refuses => format!("{title} refuses it: {why}."),
        Answered::Silent => format!("{title} does not answer."),
    }
}

/// What an epoch that waits is waiting for.
pub(super) fn waits(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::Rotation) => {
            "It holds as soon as one other cloud approves it, which that does by itself. What is recorded meanwhile is pending."
        }
        Some(Reason::Restored) => {
            "It holds as soon as both others approve it, which they do by themselves. What is recorded meanwhile is pending."
        }
        _ => {
            "It holds as soon as an admin at each of the other two clouds has agreed. What is recorded meanwhile is pending."
        }
    }
}

/// What agreeing to a request means.
pub(super) fn meaning(reason: Reason, origin: Cloud) -> String {
    let title = origin.title();
    let doubt = if reason.revokes() {
        "What the old keys signed beyond the closing, by whomever, counts for nothing; of other clouds’ logs their confirmations count up to where the record says."
    } else {
        "What the old keys signed up to the closing goes on counting."
    };
    format!(
        "This cloud gives its word that {title}’s old log ends there, takes nothing beyond, and counts the new keys. {doubt} It cannot be taken back. Events beyond the closing are recorded again in the new epoch, byte for byte."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_the_forms_has_a_sentence() {
        for code in ["not_confirmed", "invalid", "epoch_waits", "same_person", "unheard_of"] {
            assert!(problem(code).ends_with('.'), "{code}");
        }
    }

    #[test]
    fn an_answer_names_the_cloud_and_why_not() {
        let told = |answer, why: Option<&str>| {
            super::answer(&PeerAnswer { cloud: Cloud::Aws, answer, why: why.map(str::to_owned) })
        };
        assert_eq!(told(Answered::Approves, None), "AWS has approved it.");
        let waits = told(Answered::Waits, Some("one of its people must agree"));
        assert_eq!(waits, "AWS has not approved it yet: one of its people must agree.");
    }

    #[test]
    fn agreeing_says_whether_old_signatures_still_count() {
        assert!(meaning(Reason::KeyStolen, Cloud::Aws).contains("counts for nothing"));
        assert!(!meaning(Reason::KeyLost, Cloud::Aws).contains("counts for nothing"));
    }
}
