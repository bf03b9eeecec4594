//! Where an id, hash, sequence, tenant or key leads.

use app::backend::SearchHit;
use domain::key::NoteKey;

use super::Console;
use crate::ledger::Record;
use crate::problem::Problem;

/// A list for the eye, not an export.
const HITS_MAX: usize = 12;
const TENANTS_MAX: usize = 6;
/// Fewer digits of a key's id would be a guess.
const KEY_DIGITS_MIN: usize = 4;

impl Console {
    /// Best first: what the text names exactly, then what begins so.
    pub(super) async fn search(
        &self,
        text: &str,
        with_tenants: bool,
    ) -> Result<Vec<SearchHit>, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let mut hits: Vec<SearchHit> = self.referenced(text).await?.iter().map(event_hit).collect();
        if with_tenants {
            hits.extend(self.tenant_hits(text));
        }
        hits.extend(self.key_hits(text));
        hits.truncate(HITS_MAX);
        Ok(hits)
    }

    fn tenant_hits(&self, text: &str) -> Vec<SearchHit> {
        let catalog = self.projection.catalog();
        let hit = |tenant: &crate::projection::Current<domain::catalog::TenantPut>| SearchHit {
            what: "tenant".to_owned(),
            title: tenant.value.tenant_id.to_string(),
            detail: format!("{}, tier {}", tenant.value.name, tenant.value.tier),
            link: format!("/optimizer/tenants/{}", tenant.value.tenant_id),
        };
        catalog.tenants_like(text, TENANTS_MAX).into_iter().map(hit).collect()
    }

    fn key_hits(&self, text: &str) -> Vec<SearchHit> {
        let policy = self.ledger.policy();
        let cosigners: Vec<NoteKey> = policy.witnesses().map(|(_, key)| key.clone()).collect();
        let keys = policy.logs().iter().cloned().chain(cosigners);
        keys.filter(|key| is_named(key, text)).map(|key| key_hit(&key)).collect()
    }
}

fn event_hit(record: &Record) -> SearchHit {
    let kind = record.kind.as_deref().unwrap_or("no kind");
    SearchHit {
        what: "event".to_owned(),
        title: record.event.event_id.to_string(),
        detail: format!("{} · {} · {kind}", record.slot, record.event.tenant_id),
        link: format!("/ledger/{}", record.event.event_id),
    }
}

fn is_named(key: &NoteKey, text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let by_id = lower.len() >= KEY_DIGITS_MIN && key.id_hex().starts_with(&lower);
    by_id || key.name().eq_ignore_ascii_case(text)
}

fn key_hit(key: &NoteKey) -> SearchHit {
    SearchHit {
        what: "key".to_owned(),
        title: key.name().to_owned(),
        detail: format!("key id {}", key.id_hex()),
        link: "/v1/policy-file".to_owned(),
    }
}
