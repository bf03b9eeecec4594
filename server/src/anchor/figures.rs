//! Anchors in numbers, for `/metrics`.

use domain::anchor::Publisher;

use super::store::Stored;

/// Every stage that an open anchor can be in.
const OPEN: [&str; 4] = ["queued", "submitted", "inBlock", "failed"];

/// How many anchors of a publisher are open, by stage, and since when one is in trouble.
pub(super) fn show(publisher: Publisher, open: &[Stored]) {
    for stage in OPEN {
        let count = open.iter().filter(|stored| stored.anchor.stage().name() == stage).count();
        let labels = [("publisher", publisher.name()), ("stage", stage)];
        #[expect(clippy::cast_precision_loss, reason = "a page of anchors at most")]
        metrics::gauge!("ternion_anchor_open", &labels).set(count as f64);
    }
    let away = open.iter().filter(|stored| stored.anchor.trouble().is_some()).count();
    #[expect(clippy::cast_precision_loss, reason = "a page of anchors at most")]
    metrics::gauge!("ternion_anchor_unanswered", "publisher" => publisher.name()).set(away as f64);
}

pub(super) fn moved(publisher: Publisher, stage: &'static str) {
    let labels = [("publisher", publisher.name()), ("stage", stage)];
    metrics::counter!("ternion_anchor_moved_total", &labels).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::anchor::state::{Refusal, RefusalKind, Stage};

    #[test]
    fn every_stage_of_an_open_anchor_has_its_series() {
        let refusal = Refusal::new(RefusalKind::Late, "x");
        for stage in [Stage::Queued, Stage::Submitted, Stage::Failed { refusal }] {
            assert!(OPEN.contains(&stage.name()), "{}", stage.name());
        }
    }
}
