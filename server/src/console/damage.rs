//! What the scrub found in this cloud's copy, in whole sentences.

use app::backend::{Attention, Severity};
use domain::clock::Timestamp;
use domain::cloud::Cloud;

use crate::ledger::{Finding, ScrubStatus};

/// What is repaired is news for a day.
const NEWS_MS: i64 = 24 * 60 * 60 * 1_000;
/// Sentences of each kind; the rest is counted.
const SENTENCES_MAX: usize = 3;

/// What was repaired, is news, and was acknowledged by nobody; the newest first.
pub(super) fn repairs(status: &ScrubStatus, now: Timestamp) -> impl Iterator<Item = &Finding> {
    let until = status.acknowledged.as_ref().map(|known| known.until);
    status.findings.iter().rev().filter(move |one| {
        let is_news = now.unix_ms() - one.at.unix_ms() < NEWS_MS;
        one.is_repaired() && is_news && until.is_none_or(|until| one.at > until)
    })
}

pub(super) fn attention(me: Cloud, status: &ScrubStatus, now: Timestamp) -> Vec<Attention> {
    let repaired: Vec<&Finding> = repairs(status, now).collect();
    let open: Vec<&Finding> = status.open.iter().collect();
    let mut items = told(me, &open, Severity::Alarm);
    items.extend(told(me, &repaired, Severity::Warning));
    items
}

fn told(me: Cloud, findings: &[&Finding], severity: Severity) -> Vec<Attention> {
    let one = |finding: &&Finding| {
        let link = match finding.sequence {
            Some(_) => format!("/ledger?q={}", finding.place),
            None => "/ledger".to_owned(),
        };
        item(finding.sentence(me), detail(finding), link, severity)
    };
    let mut items: Vec<Attention> = findings.iter().take(SENTENCES_MAX).map(one).collect();
    let more = findings.len().saturating_sub(SENTENCES_MAX);
    if more > 0 {
        let what = if severity == Severity::Alarm { "not repaired" } else { "repaired" };
        let sentence = format!("{more} more differences in {}'s copy; {what}.", me.title());
        let detail = "GET /v1/scrub lists the newest, ledger_repair all of them.".to_owned();
        items.push(item(sentence, detail, "/ledger".to_owned(), severity));
    }
    items
}

fn item(sentence: String, detail: String, link: String, severity: Severity) -> Attention {
    Attention { sentence, detail, link, link_text: "Open the ledger".to_owned(), severity }
}

fn detail(finding: &Finding) -> String {
    let right = finding.right.as_ref().map(|right| format!(" What was signed: {right}."));
    format!(
        "Somebody or something changed this database behind the program. What stood there: {}.{}",
        finding.found,
        right.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Acknowledged, Outcome};
    use domain::log::LogId;

    fn finding(sequence: u64, outcome: Outcome) -> Finding {
        Finding {
            at: "2026-11-22T12:41:06.902Z".parse().expect("time"),
            log: LogId { origin: Cloud::Gcp, epoch: 1 },
            place: format!("gcp/1/{sequence}"),
            sequence: Some(sequence),
            field: "payload".to_owned(),
            found: "14 bytes".to_owned(),
            right: None,
            outcome,
        }
    }

    #[test]
    fn a_repair_is_told_with_its_source_and_what_is_open_comes_first() {
        let repaired = finding(204, Outcome::Repaired { source: Some(Cloud::Gcp) });
        let open = finding(7, Outcome::Open { reason: "no copy".to_owned() });
        let status = ScrubStatus { open: vec![open], findings: vec![repaired], ..<_>::default() };
        let now = "2026-11-22T13:00:00Z".parse().expect("time");
        let told: Vec<_> = attention(Cloud::Aws, &status, now)
            .into_iter()
            .map(|item| (item.sentence, item.severity))
            .collect();
        let about = |text: &str, severity| (text.to_owned(), severity);
        assert_eq!(
            told,
            [
                about(
                    "AWS's copy of gcp/1/7 had another payload; not repaired: no copy.",
                    Severity::Alarm
                ),
                about(
                    "AWS's copy of gcp/1/204 had another payload; repaired from Google Cloud at \
                     12:41:06 UTC.",
                    Severity::Warning
                ),
            ]
        );
        let acknowledged = Acknowledged { by: "ada".to_owned(), until: now, at: now };
        let known = ScrubStatus { acknowledged: Some(acknowledged), ..status.clone() };
        let left: Vec<_> = attention(Cloud::Aws, &known, now).into_iter().collect();
        assert_eq!(left.len(), 1, "what is open stays");
        assert_eq!(left[0].severity, Severity::Alarm);
        let tomorrow = "2026-11-23T13:00:00Z".parse().expect("time");
        assert_eq!(attention(Cloud::Aws, &status, tomorrow).len(), 1);
    }
}
