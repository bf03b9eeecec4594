//! Keys as text: one block a cloud, and what waits, with the command that answers it.

use std::fmt::Write as _;

use app::backend::{Answered, CloudKeys, EpochLine, EpochState, KeyLine, KeyRequest, KeysView};
use domain::cloud::Cloud;

/// Everything, for a terminal. `to`: the address that was asked.
pub(super) fn keys(view: &KeysView, to: &str) -> String {
    let mut text = format!("genesis {}\n", view.genesis);
    for (cloud, keys) in view.clouds.iter() {
        text.push_str(&of_cloud(cloud, keys));
    }
    for request in &view.requests {
        text.push_str(&of_request(request, to));
    }
    if view.recovering {
        let _ = writeln!(
            text,
            "\n{} takes its log back from the others: it records nothing yet",
            view.cloud
        );
    }
    for word in &view.gone {
        let _ =
            writeln!(text, "{} is gone for good, say: {}", word.cloud, word.declared_by.join(", "));
    }
    text
}

fn of_cloud(cloud: Cloud, keys: &CloudKeys) -> String {
    let mut text = format!("\n{cloud}\n{}", key(&keys.transport, 2));
    for epoch in &keys.epochs {
        text.push_str(&of_epoch(epoch));
    }
    text
}

fn of_epoch(epoch: &EpochLine) -> String {
    let since = epoch.since.map_or_else(|| "the beginning".to_owned(), |at| at.to_string());
    let mut text = format!(
        "  epoch {} {}, since {since}, {} entries{}\n",
        epoch.epoch,
        state(epoch.state),
        epoch.size,
        why(epoch)
    );
    for answer in &epoch.answers {
        let said = match answer.answer {
            Answered::Approves => "approves",
            Answered::Waits => "waits",
            Answered::Refuses => "refuses",
            Answered::Silent => "does not answer",
        };
        let why = answer.why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        let _ = writeln!(text, "    {} {said}{why}", answer.cloud);
    }
    text + &key(&epoch.log_key, 4) + &key(&epoch.cosigner_key, 4)
}

fn why(epoch: &EpochLine) -> String {
    let Some(reason) = epoch.reason else { return String::new() };
    let by: Vec<&str> = epoch.approved_by.iter().map(|cloud| cloud.name()).collect();
    format!(", begun because {}, approved by {}", reason.sentence(), by.join(" and "))
}

const fn state(state: EpochState) -> &'static str {
    match state {
        EpochState::Current => "current",
        EpochState::Waiting => "waits for approval",
        EpochState::Closed => "closed",
        EpochState::Revoked => "revoked",
    }
}

fn key(key: &KeyLine, indent: usize) -> String {
    format!("{:indent$}{:<9} {}\n", "", key.role.name(), key.fingerprint)
}

fn of_request(request: &KeyRequest, to: &str) -> String {
    let KeyRequest { origin, epoch, reason, record, closing_size, held, agreed, .. } = request;
    let mut text = format!(
        "\n{origin} asks for epoch {epoch}, because {}\n  record    {record}\n  old log ends at \
         {closing_size} entries; this cloud holds {held}\n",
        reason.sentence()
    );
    text.push_str(&key(&request.log_key, 2));
    text.push_str(&key(&request.cosigner_key, 2));
    if *agreed {
        text.push_str("  somebody here has agreed; the other cloud's word is missing\n");
    } else {
        let _ = writeln!(text, "  to agree: ternion epoch agree {record} --reason TEXT --to {to}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::Timestamp;
    use domain::epoch::Reason;
    use domain::key::KeyRole;

    #[test]
    fn a_request_says_what_to_compare_and_how_to_agree() {
        let line = |role| KeyLine {
            role,
            public_key: String::new(),
            fingerprint: "ab".repeat(32),
            key_id: None,
        };
        let at = Timestamp::from_unix_ms(0);
        let shown = of_request(
            &KeyRequest {
                record: "9c".repeat(32),
                origin: Cloud::Aws,
                epoch: 2,
                reason: Reason::KeyStolen,
                closing_size: 12,
                closing_root: String::new(),
                held: 14,
                log_key: line(KeyRole::Log),
                cosigner_key: line(KeyRole::Cosigner),
                stated_at: at,
                asked_at: at,
                agreed: false,
            },
            "http://c",
        );
        assert!(shown.contains("aws asks for epoch 2, because its key may be in other hands"));
        assert!(shown.contains("ends at 12 entries; this cloud holds 14"), "{shown}");
        assert!(
            shown.contains(&format!("epoch agree {} --reason TEXT --to http://c", "9c".repeat(32)))
        );
    }
}
