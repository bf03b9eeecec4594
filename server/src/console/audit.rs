//! Audit snapshots for screens.

use std::time::Duration;

use app::backend::{
    AnchorFar, AnchorLine, AnchorMark, AnchorStage, AuditView, CloudWord, OwnSnapshot,
    PublishPlace, RecheckView, RowPair, SectionView, SnapshotDetail, SnapshotProgress, SnapshotRow,
    SnapshotState,
};
use domain::anchor::Publisher;
use domain::anchor::state::Stage;
use domain::cloud::{Cloud, PerCloud};
use domain::snapshot::Period;
use domain::snapshot::agreement::{Difference, Standing};
use domain::snapshot::section::SectionName;

use super::Console;
use crate::anchor::Stored;
use crate::problem::Problem;
use crate::projection::{FieldDiffers, How, RowDiffers};
use crate::snapshot::{
    Derived, Progress, Recheck, RecheckState, Rechecked, Snapshot, SnapshotError,
};

/// Longest that a page waits for another cloud's rows.
const FIRST_ROW_MAX: Duration = Duration::from_secs(2);

impl Console {
    pub(super) async fn audit(&self) -> Result<AuditView, Problem> {
        let snapshots = self.snapshots.list().await.map_err(refused)?;
        let at = crate::now();
        let last = Period::last_month(at);
        let is_taken = snapshots.iter().any(|it| it.plan.period == last);
        let mut items = Vec::new();
        for snapshot in &snapshots {
            items.push(row(snapshot, self.marks(snapshot).await?));
        }
        Ok(AuditView {
            at,
            cloud: self.ledger.cloud(),
            items,
            next_due: self.snapshots.next_due(),
            missing: (!is_taken).then_some(last),
            today: Period::day_of(at),
        })
    }

    /// With the first row that differs between clouds, where the reader may see rows.
    pub(super) async fn snapshot(
        &self,
        period: &str,
        rows: bool,
    ) -> Result<SnapshotDetail, Problem> {
        let none = || Problem::not_found(format!("There is no snapshot of {period}."));
        let period: Period = period.parse().map_err(|_| none())?;
        let found = self.snapshots.of_period(period).await.map_err(refused)?;
        let snapshot = found.ok_or_else(none)?;
        let words = snapshot.said.iter().map(async |(cloud, said)| CloudWord {
            cloud: *cloud,
            hash: said.hash.to_string(),
            at: said.at,
            event_id: said.event_id.to_string(),
            differs_in: said.difference.clone(),
            first_row: match &said.difference {
                Some(Difference::Rows { .. }) if rows => {
                    self.first_row(snapshot.number, *cloud).await
                }
                _ => None,
            },
        });
        let words = futures::future::join_all(words).await;
        let recheck = self.snapshots.last_recheck().filter(|it| it.number == snapshot.number);
        Ok(SnapshotDetail {
            at: crate::now(),
            cloud: self.ledger.cloud(),
            row: row(&snapshot, self.marks(&snapshot).await?),
            own: snapshot.own.as_ref().map(own),
            words,
            progress: progress(&self.snapshots.progress(), snapshot.number),
            recheck: recheck.map(|it| recheck_view(self.ledger.cloud(), it, rows)),
            places: self.places(),
            anchors: self.anchors_of(&snapshot).await?,
        })
    }
}

impl Console {
    /// `None`, too, if that cloud does not answer in time: the page says where they differ anyway.
    async fn first_row(&self, number: u64, with: Cloud) -> Option<RowPair> {
        let asked = self.snapshots.first_difference(number, with);
        let found = tokio::time::timeout(FIRST_ROW_MAX, asked).await.ok()?.ok()??;
        Some(RowPair { row: found.row, here: found.ours, there: found.theirs })
    }

    async fn marks(&self, snapshot: &Snapshot) -> Result<Vec<AnchorMark>, Problem> {
        let configured: Vec<Publisher> =
            self.anchors.places().into_iter().map(|(publisher, _)| publisher).collect();
        let stored = match snapshot.standing.agreed() {
            Some(hash) => self.anchors.of_subject(hash).await?,
            None => Vec::new(),
        };
        let far = |publisher| match stored.iter().find(|it| it.publisher == publisher) {
            Some(stored) => far(stored.anchor.stage()),
            None if configured.contains(&publisher) => AnchorFar::Waits,
            None => AnchorFar::Nowhere,
        };
        let mark = |publisher| AnchorMark { publisher, far: far(publisher) };
        Ok(Publisher::ALL.map(mark).into())
    }

    fn places(&self) -> Vec<PublishPlace> {
        let places = self.anchors.places().into_iter();
        places.map(|(publisher, place)| PublishPlace { publisher, place }).collect()
    }

    async fn anchors_of(&self, snapshot: &Snapshot) -> Result<Vec<AnchorLine>, Problem> {
        let Some(hash) = snapshot.standing.agreed() else { return Ok(Vec::new()) };
        let stored = self.anchors.of_subject(hash).await?;
        Ok(stored.iter().map(|stored| self.anchor(stored)).collect())
    }
}

impl Console {
    fn anchor(&self, stored: &Stored) -> AnchorLine {
        let height = match stored.anchor.stage() {
            Stage::InBlock { place, .. } | Stage::Final { place } => place.height,
            Stage::Queued | Stage::Submitted | Stage::Failed { .. } => None,
        };
        let pages = height.map(|height| self.anchors.explorers(stored.publisher, height));
        let pages = pages.into_iter().flatten().map(|page| (page.name.to_owned(), page.url));
        AnchorLine {
            id: stored.id.to_string(),
            publisher: stored.publisher,
            stage: stage(stored.anchor.stage()),
            trouble: stored.anchor.trouble().map(|trouble| trouble.words.clone()),
            files: stored.proof().iter().map(|part| part.name.to_owned()).collect(),
            explorers: pages.collect(),
        }
    }
}

const fn far(stage: &Stage) -> AnchorFar {
    match stage {
        Stage::Queued => AnchorFar::Queued,
        Stage::Submitted => AnchorFar::Submitted,
        Stage::InBlock { .. } => AnchorFar::InBlock,
        Stage::Final { .. } => AnchorFar::Final,
        Stage::Failed { .. } => AnchorFar::Failed,
    }
}

fn stage(stage: &Stage) -> AnchorStage {
    match stage {
        Stage::Queued => AnchorStage::Queued,
        Stage::Submitted => AnchorStage::Submitted,
        Stage::InBlock { place, confirmations } => AnchorStage::InBlock {
            place: place.name.clone(),
            height: place.height,
            time: place.time,
            confirmations: *confirmations,
        },
        Stage::Final { place } => {
            AnchorStage::Final { place: place.name.clone(), height: place.height, time: place.time }
        }
        Stage::Failed { refusal } => AnchorStage::Failed { why: refusal.words.clone() },
    }
}

fn row(snapshot: &Snapshot, anchored: Vec<AnchorMark>) -> SnapshotRow {
    let Snapshot { number, plan, own, said, standing } = snapshot;
    let agreed = standing.agreed();
    let hash = agreed.or(own.as_ref().map(|own| own.hash));
    let word = |cloud| {
        let said = said.iter().find(|(by, _)| *by == cloud)?;
        Some(Some(said.1.hash) == hash)
    };
    SnapshotRow {
        number: *number,
        period: plan.period,
        state: match standing {
            Standing::Agreed { others, .. } if !others.is_empty() => SnapshotState::Outvoted,
            Standing::Agreed { .. } => SnapshotState::Agreed,
            Standing::Disagreed => SnapshotState::Disagreed,
            Standing::Waiting if own.is_none() => SnapshotState::Deriving,
            Standing::Waiting => SnapshotState::Waiting,
        },
        entries: plan.cut.entries(),
        hash: hash.map(|hash| hash.to_string()),
        said: PerCloud::from_fn(word),
        anchored,
    }
}

fn own(derived: &Derived) -> OwnSnapshot {
    let Derived { manifest, hash, derived_at } = derived;
    let section = |name| SectionView { name, section: manifest.section(name).clone() };
    OwnSnapshot {
        hash: hash.to_string(),
        derived_at: *derived_at,
        // RFC 8785 is UTF-8.
        manifest: String::from_utf8_lossy(&manifest.bytes()).into_owned(),
        previous: manifest.previous,
        cut: manifest.cut.clone(),
        sections: SectionName::ALL.map(section).into(),
    }
}

fn progress(progress: &Progress, of: u64) -> Option<SnapshotProgress> {
    match progress {
        Progress::Waiting { number } if *number == of => Some(SnapshotProgress::Waiting),
        Progress::Entries { number, done, total } if *number == of => {
            Some(SnapshotProgress::Entries { done: *done, total: *total })
        }
        Progress::Rows { number, section, done } if *number == of => {
            Some(SnapshotProgress::Rows { section: *section, done: *done })
        }
        Progress::Failed { number, why } if *number == of => {
            Some(SnapshotProgress::Failed { why: why.clone() })
        }
        _ => None,
    }
}

/// With the rows that were found changed, where the reader may see rows.
fn recheck_view(me: Cloud, recheck: Recheck, rows: bool) -> RecheckView {
    match recheck.state {
        RecheckState::Running(far) => {
            RecheckView::Running { progress: progress(&far, recheck.number) }
        }
        RecheckState::Done { at, found } => {
            let told = if rows { mended(me, &found) } else { Vec::new() };
            let all = found.entries.len() as u64 + found.tables.rows;
            RecheckView::Done {
                at,
                hash: found.manifest.hash().to_string(),
                differs_in: found.difference.clone(),
                mended_more: all.saturating_sub(told.len() as u64),
                mended: told,
                not_mended: found.tables.not_mended.clone(),
            }
        }
        RecheckState::Failed { at, why } => RecheckView::Failed { at, why },
    }
}

fn mended(me: Cloud, found: &Rechecked) -> Vec<String> {
    let entries = found.entries.iter().map(|finding| finding.sentence(me));
    entries.chain(found.tables.first.iter().map(row_sentence)).collect()
}

/// `usage_hour acme 2026-…: requests stood at 9; the entries add up to 8.`
fn row_sentence(differs: &RowDiffers) -> String {
    let what = match &differs.how {
        How::Missing => "the row was missing".to_owned(),
        How::Invented => "no entry accounts for this row".to_owned(),
        How::Changed { fields } => {
            let each = fields.iter().map(|it| {
                let FieldDiffers { field, stood, derived } = it;
                format!("{field} stood at {stood}, the entries come to {derived}")
            });
            each.collect::<Vec<_>>().join("; ")
        }
    };
    format!("{} {}: {what}.", differs.table, differs.row)
}

pub(super) fn refused(cause: SnapshotError) -> Problem {
    match cause {
        SnapshotError::Database(cause) => cause.into(),
        cause => Problem::busy(cause.to_string()),
    }
}
