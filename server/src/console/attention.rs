//! What waits for a person, in whole sentences.

use app::backend::{Accusation, Attention, Condition, LiveState, Severity, Viewer};
use domain::access::Action;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::event::Slot;
use domain::pricing::book::Standing;

use super::rows::accepted_at;
use super::{Console, audit, audit_alarm, damage};
use crate::ledger::EpochRequest;
use crate::problem::Problem;

/// Two clouds that can talk confirm within a second; what waits ten times as long will not become
/// final by itself.
const PENDING_AGE_MS_MAX: i64 = 10_000;
/// Entries that the projections may be behind finality: some seconds of heavy traffic.
const UNPROJECTED_MAX: u64 = 10_000;

impl Console {
    /// The worst first.
    pub(super) async fn attention(
        &self,
        state: &LiveState,
        viewer: &Viewer,
    ) -> Result<Vec<Attention>, Problem> {
        let lab = self.deployment.demonstration && viewer.may(Action::WatchFaultLab);
        let mut items: Vec<Attention> = state.accusations.iter().map(accused).collect();
        items.extend(no_quorum(state));
        items.extend(self.key_questions());
        items.extend(Cloud::ALL.into_iter().filter_map(|cloud| about_cloud(cloud, state, lab)));
        items.extend(damage::attention(self.ledger.cloud(), &self.ledger.scrub_status(), state.at));
        let worries = self.snapshots.worries().await.map_err(audit::refused)?;
        items.extend(audit_alarm::attention(self.ledger.cloud(), &worries));
        items.extend(self.stopped(viewer));
        items.extend(self.approvals_wait(viewer, state.at));
        items.extend(self.untold(viewer, state.at).await?);
        items.extend(conflicts(self.projection.conflict_count()));
        items.extend(held(self.quarantine.held_count(), self.ledger.cloud()));
        items.extend(self.long_pending(state).await?);
        items.extend(self.unprojected());
        items.sort_by_key(|item| match item.severity {
            Severity::Alarm => 0,
            Severity::Warning => 1,
            Severity::Notice => 2,
        });
        Ok(items)
    }

    /// Proposals that wait for people, for those who may decide, for themself or for another.
    fn approvals_wait(&self, viewer: &Viewer, at: Timestamp) -> Option<Attention> {
        let catalog = self.projection.catalog();
        let waiting = catalog.book().cases().filter(|case| case.standing(at) == Standing::Pending);
        let stands_in = || {
            let mut given = catalog.book().delegations_at(at).into_iter();
            given.any(|(_, delegate)| delegate.0 == viewer.email)
        };
        let may = viewer.may(Action::Approve) || stands_in();
        let count = may.then(|| waiting.count())?;
        let sentence = match count {
            0 => return None,
            1 => "1 proposal about prices waits for approval.".to_owned(),
            _ => format!("{count} proposals about prices wait for approval."),
        };
        Some(Attention {
            sentence,
            detail: "Nothing of them is applied before enough people agree.".to_owned(),
            link: "/approvals".to_owned(),
            link_text: "Decide".to_owned(),
            severity: Severity::Notice,
        })
    }

    /// Messages to programs of others that were given up, for those who may see what they are about.
    async fn untold(
        &self,
        viewer: &Viewer,
        at: Timestamp,
    ) -> Result<Option<Attention>, sqlx::Error> {
        if !viewer.may(Action::ReadPricing) {
            return Ok(None);
        }
        let receivers = self.webhooks.standing(at).await?;
        let dead: u64 = receivers.iter().map(|receiver| receiver.dead).sum();
        Ok((dead > 0).then(|| untold(dead)))
    }

    /// The newest repair on the list, for those who may take it off.
    pub(super) fn repaired_until(&self, state: &LiveState, viewer: &Viewer) -> Option<Timestamp> {
        let may = viewer.may(Action::AcknowledgeRepairs);
        let status = may.then(|| self.ledger.scrub_status())?;
        damage::repairs(&status, state.at).map(|finding| finding.at).max()
    }

    /// The oldest event that is not final, if it waits too long.
    async fn long_pending(&self, state: &LiveState) -> Result<Option<Attention>, sqlx::Error> {
        let marks = self.ledger.watermarks().borrow().clone();
        let mut oldest: Option<Timestamp> = None;
        for view in marks.views().filter(|view| view.pending() > 0) {
            let (origin, epoch) = (view.log.origin, view.log.epoch);
            let slot = Slot { origin, epoch, sequence: view.final_size };
            if let Some(record) = self.ledger.at(slot).await? {
                let at = accepted_at(&record);
                oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
            }
        }
        let is_old = |at: &Timestamp| state.at.unix_ms() - at.unix_ms() > PENDING_AGE_MS_MAX;
        Ok(oldest.filter(is_old).map(|at| pending_since(at, state.pending)))
    }

    /// New epochs of others that need the word of one of our people.
    fn key_questions(&self) -> Vec<Attention> {
        let requests = self.ledger.epoch_requests();
        requests.iter().filter(|request| !request.agreed).map(key_question).collect()
    }

    fn unprojected(&self) -> Option<Attention> {
        let marks = self.ledger.watermarks().borrow().clone();
        let position = self.projection.position().borrow().clone();
        let missing = |view: &crate::ledger::LogView| {
            view.final_size.saturating_sub(position.get(&view.log).copied().unwrap_or(0))
        };
        let missing: u64 = marks.views().map(missing).sum();
        (missing > UNPROJECTED_MAX).then(|| Attention {
            sentence: format!("{} are not yet counted in usage.", counted(missing, "final event")),
            detail: "This node is catching up; what the ledger shows is complete.".to_owned(),
            link: "/ledger".to_owned(),
            link_text: "Open the ledger".to_owned(),
            severity: Severity::Notice,
        })
    }
}

fn untold(count: u64) -> Attention {
    Attention {
        sentence: format!("{} could not be delivered.", counted(count, "notification")),
        detail: "A program that is told what needs people did not take them for three days."
            .to_owned(),
        link: "/approvals#outside".to_owned(),
        link_text: "See which".to_owned(),
        severity: Severity::Warning,
    }
}

fn accused(accusation: &Accusation) -> Attention {
    let records = if accusation.count == 1 { "record proves" } else { "records prove" };
    Attention {
        sentence: accusation.sentence(),
        detail: format!(
            "{} {records} it, to anybody, by its own signatures. Nothing final is lost; that \
             cloud needs a new key.",
            accusation.count
        ),
        link: "/ledger/evidence".to_owned(),
        link_text: "See the evidence".to_owned(),
        severity: Severity::Alarm,
    }
}

fn key_question(request: &EpochRequest) -> Attention {
    let record = &request.record;
    Attention {
        sentence: format!(
            "{} asks for new keys, because {}.",
            record.origin.title(),
            record.reason.sentence()
        ),
        detail:
            "Its old key cannot speak for it. Ask its people over another channel, and agree if it \
                 is so; until both other clouds have, what it records stays pending."
                .to_owned(),
        link: "/ledger/keys".to_owned(),
        link_text: "Compare and agree".to_owned(),
        severity: Severity::Warning,
    }
}

fn no_quorum(state: &LiveState) -> Option<Attention> {
    let needed = state.mode.clouds_needed();
    (state.clouds_up < needed).then(|| Attention {
        sentence: if state.clouds_up < 2 {
            "No other cloud answers: nothing new becomes final.".to_owned()
        } else {
            "A cloud does not answer: nothing becomes final until all three sign.".to_owned()
        },
        detail: format!(
            "Events are still accepted and durable here. What is final stays final; the rest \
             follows by itself when {needed} clouds are up again."
        ),
        link: "/ledger?status=PENDING".to_owned(),
        link_text: "See what waits".to_owned(),
        severity: Severity::Alarm,
    })
}

fn about_cloud(cloud: Cloud, state: &LiveState, lab: bool) -> Option<Attention> {
    let known = state.clouds.get(cloud);
    let name = cloud.title();
    let behind = counted(known.behind, "event");
    let (sentence, detail, severity) = match (known.condition, known.heard_at) {
        (Condition::Up, _) => return None,
        (Condition::Lagging, _) => (
            format!("{name} is {behind} behind and catching up."),
            "Finality does not wait for it while the other two sign.",
            Severity::Notice,
        ),
        (Condition::Down, Some(heard)) => (
            format!("{name} is down since {}; {behind} wait for its signature.", clock(heard)),
            "It catches up by itself once it is back. Until then every event needs both others.",
            Severity::Warning,
        ),
        (Condition::Down, None) => (
            format!("{name} does not answer, and has not since this node started."),
            "Check that it runs, and that its address and keys here are right.",
            Severity::Warning,
        ),
        (Condition::Unknown, _) => (
            format!("{name} has not been heard from since this node started."),
            "If this does not change within seconds, check that it runs.",
            Severity::Notice,
        ),
    };
    let (link, link_text) = if lab {
        ("/lab".to_owned(), "Open the fault lab".to_owned())
    } else {
        (format!("/ledger?origin={cloud}"), format!("See the events of {name}"))
    };
    Some(Attention { sentence, detail: detail.to_owned(), link, link_text, severity })
}

fn conflicts(count: u64) -> Option<Attention> {
    let are = if count == 1 { "stands" } else { "stand" };
    (count > 0).then(|| Attention {
        sentence: format!("{} {are} in quarantine.", counted(count, "event id")),
        detail: "Two clouds accepted one id with different contents. None has any effect until an \
                 admin chooses."
            .to_owned(),
        link: "/ledger/quarantine?state=held&source=logs".to_owned(),
        link_text: "Compare them".to_owned(),
        severity: Severity::Alarm,
    })
}

fn held(count: u64, me: Cloud) -> Option<Attention> {
    let are = if count == 1 { "is" } else { "are" };
    (count > 0).then(|| Attention {
        sentence: format!("{} {are} held at {}.", counted(count, "refused input"), me.title()),
        detail: "Nothing of it counts. An admin looks at it, and releases or rejects it."
            .to_owned(),
        link: "/ledger/quarantine?state=held".to_owned(),
        link_text: "See what is held".to_owned(),
        severity: Severity::Warning,
    })
}

fn pending_since(at: Timestamp, pending: u64) -> Attention {
    Attention {
        sentence: format!("{} not final, the oldest since {}.", are(pending), clock(at)),
        detail: "It is durable at its origin. A second cloud has to be reachable from there to \
                 confirm it."
            .to_owned(),
        link: "/ledger?status=PENDING".to_owned(),
        link_text: "See what waits".to_owned(),
        severity: Severity::Warning,
    }
}

fn are(count: u64) -> String {
    format!("{} {}", counted(count, "event"), if count == 1 { "is" } else { "are" })
}

/// `1 event`, `1,204 events`.
fn counted(count: u64, thing: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {thing}{}", if count == 1 { "" } else { "s" })
}

/// `12:41:06 UTC`, with the date when it is not today's is left to the reader's page.
fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    let time = text.get(11..19).unwrap_or(&text);
    format!("{time} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::backend::CloudState;
    use domain::cloud::PerCloud;

    fn state(condition: Condition, heard_at: Option<&str>) -> LiveState {
        let cloud = |cloud| CloudState {
            condition: if cloud == Cloud::Aws { condition } else { Condition::Up },
            own_log_size: 9,
            behind: 1_312,
            confirms_p50_ms: None,
            load: None,
            heard_at: heard_at.map(|text| text.parse().expect("time")),
            behind_history: Vec::new(),
            frozen: false,
        };
        LiveState {
            mode: domain::quorum::Mode::default(),
            at: "2026-11-22T12:45:00Z".parse().expect("time"),
            clouds_up: 2,
            clouds: PerCloud::from_fn(cloud),
            final_per_s: 0.0,
            window_s: 15,
            time_to_final_p50_ms: None,
            time_to_final_p99_ms: None,
            pending: 0,
            quarantined: 0,
            events: 9,
            accusations: Vec::new(),
            key_requests: 0,
            key_changes: 0,
            audit_changes: 0,
            switch_changes: 0,
        }
    }

    #[test]
    fn a_cloud_that_is_down_is_named_with_the_time_and_what_waits() {
        let down = state(Condition::Down, Some("2026-11-22T12:40:07.120Z"));
        let about = about_cloud(Cloud::Aws, &down, true).expect("somebody should know");
        assert_eq!(
            about.sentence,
            "AWS is down since 12:40:07 UTC; 1,312 events wait for its signature."
        );
        assert_eq!(about.link, "/lab");
        assert!(about_cloud(Cloud::Gcp, &down, true).is_none());
    }

    #[test]
    fn who_signed_two_histories_is_named_and_the_evidence_is_linked() {
        let kind = domain::evidence::Kind::Equivocation;
        let told = accused(&Accusation { cloud: Cloud::Aws, kind, count: 2 });
        assert_eq!(told.sentence, "AWS signed two histories of its log.");
        assert!(told.detail.starts_with("2 records prove it, to anybody"), "{}", told.detail);
        assert_eq!((told.link.as_str(), told.severity), ("/ledger/evidence", Severity::Alarm));
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!((conflicts(0), held(0, Cloud::Gcp)), (None, None));
        let one = conflicts(1).expect("one");
        assert_eq!(one.sentence, "1 event id stands in quarantine.");
        let many = conflicts(1_000).expect("many");
        assert_eq!(many.sentence, "1,000 event ids stand in quarantine.");
        let two = held(2, Cloud::Gcp).expect("two");
        assert_eq!(two.sentence, "2 refused inputs are held at Google Cloud.");
        let since = "2026-11-22T12:40:07Z".parse().expect("time");
        assert_eq!(
            pending_since(since, 1).sentence,
            "1 event is not final, the oldest since 12:40:07 UTC."
        );
    }
}
