//! From a decided cut to a manifest.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::log::LogId;
use domain::snapshot::section::{SectionHasher, SectionName};
use domain::snapshot::{Cut, LogPart, MANIFEST_FORMAT, Manifest, Plan, Previous};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::sections::{hash_aside, read_log};
use super::store::{self, Derived};
use super::{Progress, SnapshotError, Snapshots, standing_of};
use crate::projection::Aside;

/// How late a cut may be noticed if nothing wakes us, and how long a failure rests.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between looks whether a cut's entries have arrived.
const WAIT: Duration = Duration::from_millis(200);

/// What comes before the snapshot that is derived.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    pub previous: Option<Previous>,
    pub cut: Cut,
}

impl Snapshots {
    /// Derives and attests what is decided, in order, until `stop`.
    pub(super) async fn derive_on(self: Arc<Self>, stop: CancellationToken) {
        let mut changes = self.grants.changes();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                done = self.derive_all() => if let Err(cause) = done {
                    tracing::warn!(%cause, "a snapshot is not derived yet");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                _ = changes.changed() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn derive_all(&self) -> Result<(), SnapshotError> {
        let mut before = Before::default();
        let chain = self.chain().await?;
        let newest = chain.last().map(|(number, _)| *number);
        for (number, plan) in chain {
            let own = match store::get(&self.pool, number).await? {
                // The tables aside stand at the newest cut: only that can be mended.
                Some(own) if newest == Some(number) && self.is_to_mend(&own) => {
                    self.aside.empty().await?;
                    let own = self.derive_one(number, &plan, &before).await?;
                    self.wrong.store(0, Ordering::Relaxed);
                    own
                }
                Some(own) => own,
                None => self.derive_one(number, &plan, &before).await?,
            };
            self.attest(&own).await;
            before = Before { previous: Some(Previous { number, hash: own.hash }), cut: plan.cut };
        }
        Ok(())
    }

    /// Two others came to one hash, this cloud to another, and that is some time ago.
    fn is_to_mend(&self, own: &Derived) -> bool {
        let number = own.manifest.number;
        let agreed = standing_of(&self.projection.catalog(), number).agreed();
        let outvoted = agreed.is_some_and(|agreed| agreed != own.hash);
        let age_ms = crate::now().unix_ms() - own.derived_at.unix_ms();
        let is_due = i64::try_from(self.mend_after.as_millis()).is_ok_and(|after| age_ms > after);
        let is_due = is_due || self.wrong.load(Ordering::Relaxed) == number;
        if outvoted && is_due {
            tracing::warn!(number, "outvoted: this cloud derives the snapshot from the beginning");
        }
        outvoted && is_due
    }

    async fn derive_one(
        &self,
        number: u64,
        plan: &Plan,
        before: &Before,
    ) -> Result<Derived, SnapshotError> {
        let derived = self.derive_and_keep(number, plan, before).await;
        match &derived {
            Ok(derived) => {
                tracing::info!(number, period = %plan.period, hash = %derived.hash, "derived");
                self.tell(Progress::Idle);
            }
            Err(cause) => self.tell(Progress::Failed { number, why: cause.to_string() }),
        }
        derived
    }

    async fn derive_and_keep(
        &self,
        number: u64,
        plan: &Plan,
        before: &Before,
    ) -> Result<Derived, SnapshotError> {
        self.until_held(number, &plan.cut).await?;
        let tell = |progress| self.tell(progress);
        let manifest = self.derive(number, plan, before, &self.aside, &tell).await?;
        let derived = Derived { hash: manifest.hash(), manifest, derived_at: crate::now() };
        store::put(&self.pool, &derived).await?;
        Ok(derived)
    }

    async fn until_held(&self, number: u64, cut: &Cut) -> Result<(), SnapshotError> {
        cut.sizes()?;
        while cut.is_held(|log| self.final_size(log)).is_err() {
            self.tell(Progress::Waiting { number });
            sleep(WAIT).await;
        }
        Ok(())
    }

    /// The manifest at a cut, with projections that are derived in `aside`.
    pub(super) async fn derive(
        &self,
        number: u64,
        plan: &Plan,
        before: &Before,
        aside: &Aside,
        tell: &(impl Fn(Progress) + Sync),
    ) -> Result<Manifest, SnapshotError> {
        let sizes = plan.cut.sizes()?;
        let total = plan.cut.entries();
        aside.bring_to(&sizes, |done| tell(Progress::Entries { number, done, total })).await?;
        let mut events = SectionHasher::default();
        let mut cut = Vec::new();
        for (&log, &size) in &sizes {
            let from = before.cut.size(log);
            let count = |done| {
                tell(Progress::Rows { number, section: SectionName::Events, done });
            };
            cut.push(self.log_part(log, from, size, &mut events).await?);
            count(events.rows());
        }
        let rows = |section| move |done| tell(Progress::Rows { number, section, done });
        let usage = hash_aside(aside, SectionName::Usage, rows(SectionName::Usage)).await?;
        let ledger = hash_aside(aside, SectionName::Ledger, rows(SectionName::Ledger)).await?;
        Ok(Manifest {
            format: MANIFEST_FORMAT.to_owned(),
            deployment: self.deployment.clone(),
            number,
            period: plan.period,
            previous: before.previous,
            cut,
            events: events.finish(),
            usage,
            ledger,
        })
    }

    /// One log: its rows into the hasher, and its head, which must be the one in the stored tree.
    /// Under that two clouds have signed.
    async fn log_part(
        &self,
        log: LogId,
        from: u64,
        size: u64,
        events: &mut SectionHasher,
    ) -> Result<LogPart, SnapshotError> {
        let head = read_log(&self.ledger, log, from..size, &mut |row| events.push(row)).await?;
        let stored = self.ledger.root_at(log, size).await?;
        if stored != Some(head.root) {
            return Err(SnapshotError::Damaged { log: log.to_string(), what: "range of entries" });
        }
        Ok(LogPart { log: log.to_string(), from, size, root: head.root })
    }

    /// What stood before the snapshot of this number, by what this cloud came to.
    pub(super) async fn before(&self, number: u64) -> Result<Before, SnapshotError> {
        let mut before = Before::default();
        for (earlier, plan) in self.chain().await?.into_iter().filter(|(it, _)| *it < number) {
            let own = store::get(&self.pool, earlier).await?;
            let previous = own.map(|own| Previous { number: earlier, hash: own.hash });
            before = Before { previous, cut: plan.cut };
        }
        Ok(before)
    }
}
