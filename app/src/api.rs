//! The server functions: what the browser asks once a page is alive.
//!
//! Each is a public endpoint under `/api`, reads by GET and acts by POST. Permission is checked by
//! the backend, never here. On the server the same functions are plain calls.

use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Json, Post};
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};

use crate::backend::{
    ApprovalsQuery, ApprovalsView, AuditView, BillingQuery, BillingView, BoundsAsk, BoundsView,
    EventDetail, EventPage, EventQuery, EvidenceDetail, EvidencePage, FabricQuery, FabricView,
    HeldDetail, HeldPage, HeldQuery, KeysView, LabOrder, LabState, OptimizerView, Overview,
    PolicyView, PriceAsk, PricePage, Problem, ProposalDetail, RehearsalForm, RehearsedView,
    ScenariosView, SearchHit, SnapshotDetail, SwitchRow, TenantDetail, TenantsQuery, TenantsView,
    TiersView, TogetherView,
};
use crate::encoding::JsonText;
pub(crate) use crate::encoding::{Answered, ask, ask_later};

/// The body of an answer, whatever the method of the question.
type Answer = Post<JsonText>;

impl FromServerFnError for Problem {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let unreachable = matches!(error, ServerFnErrorErr::Request(_));
        Problem {
            status: if unreachable { 503 } else { 500 },
            code: if unreachable { "unreachable" } else { "bad_exchange" }.to_owned(),
            title: if unreachable {
                "This cloud cannot be reached"
            } else {
                "The page and the server did not understand each other"
            }
            .to_owned(),
            detail: if unreachable {
                "The network or the node is down. Try again, or open another cloud's console."
                    .to_owned()
            } else {
                format!("{error}. Reload the page: the server may have been updated.")
            },
            request_id: None,
        }
    }
}

/// Only the server's halves of the functions below call it.
#[cfg(feature = "ssr")]
fn backend() -> Result<crate::backend::BackendHandle, Problem> {
    use_context::<crate::backend::BackendHandle>().ok_or_else(|| Problem {
        status: 500,
        code: "no_backend".to_owned(),
        title: "The server is not fully started".to_owned(),
        detail: "No backend was provided to this request. Try again in a moment.".to_owned(),
        request_id: None,
    })
}

/// The first page.
#[server(name = ReadOverview, endpoint = "overview", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn overview() -> Result<Overview, Problem> {
    backend()?.overview().await
}

/// Who stopped all price changes.
#[server(name = ReadStop, endpoint = "stop", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn stop() -> Result<Option<SwitchRow>, Problem> {
    backend()?.stop().await
}

/// One page of the ledger.
#[server(name = ReadEvents, endpoint = "events", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn events(#[server(default)] query: EventQuery) -> Result<EventPage, Problem> {
    backend()?.events(query).await
}

/// One event.
#[server(name = ReadEvent, endpoint = "event", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn event(reference: String) -> Result<EventDetail, Problem> {
    backend()?.event(reference).await
}

/// What an id, hash, sequence, tenant or key leads to.
#[server(name = ReadSearch, endpoint = "search", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn search(text: String) -> Result<Vec<SearchHit>, Problem> {
    backend()?.search(text).await
}

/// What there is against clouds.
#[server(name = ReadEvidence, endpoint = "evidence", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn evidence(#[server(default)] cursor: Option<String>) -> Result<EvidencePage, Problem> {
    backend()?.evidence(cursor).await
}

/// One record of evidence.
#[server(name = ReadEvidenceRecord, endpoint = "evidence_record", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn evidence_record(id: String) -> Result<EvidenceDetail, Problem> {
    backend()?.evidence_record(id).await
}

/// Whose keys count from when to when.
#[server(name = ReadKeys, endpoint = "keys", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn keys() -> Result<KeysView, Problem> {
    backend()?.keys().await
}

/// Audit snapshots.
#[server(name = ReadAudit, endpoint = "audit", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn audit() -> Result<AuditView, Problem> {
    backend()?.audit().await
}

/// One of them, whole.
#[server(name = ReadSnapshot, endpoint = "snapshot", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn snapshot(period: String) -> Result<SnapshotDetail, Problem> {
    backend()?.snapshot(period).await
}

/// What tenants are charged and owe for a month.
#[server(name = ReadBilling, endpoint = "billing", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn billing(#[server(default)] query: BillingQuery) -> Result<BillingView, Problem> {
    backend()?.billing(query).await
}

/// Where clients are sent, and why.
#[server(name = ReadFabric, endpoint = "fabric", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn fabric(#[server(default)] query: FabricQuery) -> Result<FabricView, Problem> {
    backend()?.fabric(query).await
}

/// What would be.
#[server(name = ReadScenarios, endpoint = "scenarios", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn scenarios(#[server(default)] search: String) -> Result<ScenariosView, Problem> {
    backend()?.scenarios(search).await
}

/// Who is served, and on what terms.
#[server(name = ReadTenants, endpoint = "tenants", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn tenants(#[server(default)] query: TenantsQuery) -> Result<TenantsView, Problem> {
    backend()?.tenants(query).await
}

/// One tenant.
#[server(name = ReadTenant, endpoint = "tenant", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn tenant(id: String) -> Result<TenantDetail, Problem> {
    backend()?.tenant(id).await
}

/// The policy of prices, and what another one would change.
#[server(name = ReadPolicy, endpoint = "policy", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn policy(query: String) -> Result<PolicyView, Problem> {
    backend()?.policy(query).await
}

/// What is promised and charged by tier.
#[server(name = ReadTiers, endpoint = "tiers", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn tiers() -> Result<TiersView, Problem> {
    backend()?.tiers().await
}

/// What a list price would change.
#[server(name = ReadListPrice, endpoint = "list_price", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn list_price(#[server(default)] ask: PriceAsk) -> Result<PricePage, Problem> {
    backend()?.list_price(ask).await
}

/// Tenants' margins, what is recommended, what was applied.
#[server(name = ReadOptimizer, endpoint = "optimizer", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn optimizer() -> Result<OptimizerView, Problem> {
    backend()?.optimizer().await
}

/// What waits for people.
#[server(name = ReadApprovals, endpoint = "approvals", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn approvals(#[server(default)] query: ApprovalsQuery) -> Result<ApprovalsView, Problem> {
    backend()?.approvals(query).await
}

/// Some proposals, to approve them in one act. `ids`: separated by commas.
#[server(name = ReadTogether, endpoint = "together", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn together(#[server(default)] ids: String) -> Result<TogetherView, Problem> {
    let ids = ids.split(',').filter(|id| !id.is_empty()).map(str::to_owned);
    backend()?.together(ids.collect()).await
}

/// What a policy would have done.
#[server(name = Rehearse, endpoint = "rehearse", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn rehearse(#[server(default)] form: RehearsalForm) -> Result<RehearsedView, Problem> {
    backend()?.rehearse(form).await
}

/// How a price by hand would stand to the policy.
#[server(name = ReadBounds, endpoint = "bounds", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn bounds(#[server(default)] ask: BoundsAsk) -> Result<BoundsView, Problem> {
    backend()?.bounds(ask).await
}

/// One proposal.
#[server(name = ReadApproval, endpoint = "approval", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn approval(id: String) -> Result<ProposalDetail, Problem> {
    backend()?.approval(id).await
}

/// The demonstration's processes and links, and what was done to them.
#[server(name = ReadLab, endpoint = "lab", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn lab() -> Result<LabState, Problem> {
    backend()?.lab().await
}

/// Breaks something on purpose, or mends it.
#[server(name = ActInLab, endpoint = "lab_act", input = Json, output = Answer, prefix = "/api")]
pub async fn lab_act(order: LabOrder) -> Result<LabState, Problem> {
    backend()?.lab_act(order).await
}

/// What is held without effect.
#[server(name = ReadQuarantine, endpoint = "quarantine", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn quarantine(#[server(default)] query: HeldQuery) -> Result<HeldPage, Problem> {
    backend()?.quarantine(query).await
}

/// One held thing.
#[server(name = ReadHeld, endpoint = "held", input = GetUrl, output = Answer, prefix = "/api")]
pub async fn held(id: String) -> Result<HeldDetail, Problem> {
    backend()?.held(id).await
}
