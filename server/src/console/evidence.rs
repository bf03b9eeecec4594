//! What is proven against clouds, for screens and programs.

use std::str::FromStr;

use app::backend::{Accusation, EvidenceDetail, EvidencePage, EvidenceRow};
use domain::evidence::Evidence;
use domain::log::Hash;

use super::Console;
use crate::evidence::{EVIDENCE_PAGE_MAX, Held};
use crate::problem::Problem;

/// Records of a page that asks for no number.
const ROWS: u32 = 20;

impl Console {
    /// What stands against keys that still count, one item a cloud and kind. Reads memory only.
    #[must_use]
    pub fn accusations(&self) -> Vec<Accusation> {
        let mut told: Vec<Accusation> = Vec::new();
        for one in self.evidences.accusations().iter().filter(|one| one.in_use) {
            match told.iter_mut().find(|known| (known.cloud, known.kind) == (one.cloud, one.kind)) {
                Some(known) => known.count += one.count,
                None => {
                    told.push(Accusation { cloud: one.cloud, kind: one.kind, count: one.count });
                }
            }
        }
        told
    }

    /// One page, the newest first.
    ///
    /// # Errors
    /// The cursor is not one of ours, the limit not one we take, or the database cannot be read.
    pub async fn evidence_page(
        &self,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<EvidencePage, Problem> {
        let limit = limit.unwrap_or(ROWS);
        if !(1..=EVIDENCE_PAGE_MAX).contains(&limit) {
            return Err(Problem::malformed(format!("limit must be 1 to {EVIDENCE_PAGE_MAX}.")));
        }
        let below = cursor.map(i64::from_str).transpose();
        let below =
            below.map_err(|_| Problem::malformed("The cursor is not one that a page gave."))?;
        let page = self.evidences.list(below, limit).await?;
        Ok(EvidencePage {
            items: page.items.iter().map(|held| self.evidence_row(held)).collect(),
            next_cursor: page.next.map(|number| number.to_string()),
            at: crate::now(),
        })
    }

    /// One record. `with_payload`: the viewer may read payloads, of which a bad entry shows one.
    ///
    /// # Errors
    /// There is none, or the database cannot be read.
    pub async fn evidence_record(
        &self,
        id: &str,
        with_payload: bool,
    ) -> Result<EvidenceDetail, Problem> {
        let hash = Hash::from_hex(id)
            .ok_or_else(|| Problem::malformed(format!("\"{id}\" is not 64 hex digits.")))?;
        let held = self.evidences.get(hash).await?.ok_or_else(|| {
            Problem::not_found(format!("No evidence {hash} is held here; another cloud may."))
        })?;
        let evidence = held.proven.evidence();
        let shown = with_payload || !matches!(evidence, Evidence::BadEntry(_));
        Ok(EvidenceDetail {
            row: self.evidence_row(&held),
            record: shown.then(|| evidence.to_value().to_string()),
            policy: self.evidences.policy().to_string(),
        })
    }

    fn evidence_row(&self, held: &Held) -> EvidenceRow {
        let proven = &held.proven;
        let (evidence, (first, second)) = (proven.evidence(), proven.places());
        EvidenceRow {
            id: proven.id().to_string(),
            kind: evidence.kind(),
            cloud: proven.cloud(),
            role: proven.role(),
            key: evidence.key().to_string(),
            log: proven.log(),
            sizes: [first, second],
            found_at: held.found_at,
            source: held.source,
            in_use: self.evidences.in_use(evidence.key()),
            sentence: proven.sentence().to_owned(),
        }
    }
}
