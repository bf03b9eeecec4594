//! The back end of one request: permission first, then the answer, problems with the request's id.

use std::sync::Arc;

use app::backend::{
    ApprovalsQuery, ApprovalsView, AuditView, Backend, BillingQuery, BillingView, BoundsAsk,
    BoundsView, EventDetail, EventPage, EventQuery, EvidenceDetail, EvidencePage, FabricQuery,
    FabricView, HeldDetail, HeldPage, HeldQuery, KeysView, LabOrder, LabState, OptimizerView,
    Overview, PolicyView, PriceAsk, PricePage, Problem, ProposalDetail, RehearsalForm,
    RehearsedView, ScenariosView, SearchHit, Session, SnapshotDetail, SwitchRow, TenantDetail,
    TenantsQuery, TenantsView, Theme, TiersView, TogetherView, Viewer,
};
use async_trait::async_trait;
use domain::access::Action;
use domain::quarantine::BadHeldId;

use super::Console;
use crate::problem::Problem as HttpProblem;

/// One request's view of the console.
#[derive(Debug)]
pub(super) struct ViewerConsole {
    pub console: Arc<Console>,
    pub viewer: Option<Viewer>,
    pub theme: Theme,
    pub request_id: Option<String>,
}

impl ViewerConsole {
    /// The viewer, if the one table of permissions lets them.
    fn allow(&self, action: Action) -> Result<&Viewer, HttpProblem> {
        let viewer = self
            .viewer
            .as_ref()
            .ok_or_else(|| HttpProblem::unauthenticated("Sign in at /sign-in to see this."))?;
        if viewer.may(action) {
            return Ok(viewer);
        }
        Err(HttpProblem::forbidden(viewer.role.refusal(action)))
    }

    fn tell(&self, problem: HttpProblem) -> Problem {
        if let Some(cause) = &problem.internal {
            let request_id = self.request_id.as_deref();
            tracing::error!(code = problem.code, request_id, cause, "a screen's question failed");
        }
        Problem {
            status: problem.status,
            code: problem.code.to_owned(),
            title: problem.title.to_owned(),
            detail: problem.detail,
            request_id: self.request_id.clone(),
        }
    }
}

#[async_trait]
impl Backend for ViewerConsole {
    async fn session(&self) -> Session {
        Session {
            deployment: self.console.deployment.clone(),
            viewer: self.viewer.clone(),
            theme: self.theme,
            state: self.viewer.is_some().then(|| self.console.live_state()),
        }
    }

    async fn overview(&self) -> Result<Overview, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadLedger)?;
            self.console.overview(viewer).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn stop(&self) -> Result<Option<SwitchRow>, Problem> {
        let viewer = self.allow(Action::ReadLedger).map_err(|problem| self.tell(problem))?;
        Ok(viewer.may(Action::ReadPricing).then(|| self.console.stop()).flatten())
    }

    async fn events(&self, query: EventQuery) -> Result<EventPage, Problem> {
        let answer = async {
            self.allow(Action::ReadLedger)?;
            self.console.events(&query).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn event(&self, reference: String) -> Result<EventDetail, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadLedger)?;
            self.console.detail(&reference, viewer.may(Action::ReadPayload)).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn search(&self, text: String) -> Result<Vec<SearchHit>, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadLedger)?;
            self.console.search(&text, viewer.may(Action::ReadTenants)).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn evidence(&self, cursor: Option<String>) -> Result<EvidencePage, Problem> {
        let answer = async {
            self.allow(Action::ReadLedger)?;
            self.console.evidence_page(cursor.as_deref(), None).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn evidence_record(&self, id: String) -> Result<EvidenceDetail, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadLedger)?;
            self.console.evidence_record(&id, viewer.may(Action::ReadPayload)).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn quarantine(&self, query: HeldQuery) -> Result<HeldPage, Problem> {
        let answer = async {
            self.allow(Action::ReadLedger)?;
            self.console.held_page(&query).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn held(&self, id: String) -> Result<HeldDetail, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadLedger)?;
            let id =
                id.parse().map_err(|error: BadHeldId| HttpProblem::not_found(error.to_string()))?;
            self.console.held_detail(&id, viewer.may(Action::ReadPayload)).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn keys(&self) -> Result<KeysView, Problem> {
        let answer = self.allow(Action::ReadLedger).map(|_| self.console.keys_view());
        answer.map_err(|problem| self.tell(problem))
    }

    async fn audit(&self) -> Result<AuditView, Problem> {
        let answer = async {
            self.allow(Action::ReadLedger)?;
            self.console.audit().await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn snapshot(&self, period: String) -> Result<SnapshotDetail, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadLedger)?;
            self.console.snapshot(&period, viewer.may(Action::ReadPayload)).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn scenarios(&self, search: String) -> Result<ScenariosView, Problem> {
        let answer = async {
            self.allow(Action::Simulate)?;
            self.console.scenarios(&search).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn billing(&self, query: BillingQuery) -> Result<BillingView, Problem> {
        let answer = async {
            self.allow(Action::ReadBilling)?;
            self.console.billing(&query).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn optimizer(&self) -> Result<OptimizerView, Problem> {
        let answer = async {
            self.allow(Action::ReadPricing)?;
            self.console.optimizer().await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn tenants(&self, query: TenantsQuery) -> Result<TenantsView, Problem> {
        let answer = self.allow(Action::ReadTenants).and_then(|_| self.console.tenants(&query));
        answer.map_err(|problem| self.tell(problem))
    }

    async fn tenant(&self, id: String) -> Result<TenantDetail, Problem> {
        let answer = async {
            self.allow(Action::ReadTenants)?;
            self.console.tenant(&id).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn policy(&self, query: String) -> Result<PolicyView, Problem> {
        let answer =
            self.allow(Action::ReadPricing).map(|viewer| self.console.policy(&query, viewer));
        answer.map_err(|problem| self.tell(problem))
    }

    async fn tiers(&self) -> Result<TiersView, Problem> {
        let answer = self.allow(Action::ReadTenants).map(|_| self.console.tiers());
        answer.map_err(|problem| self.tell(problem))
    }

    async fn list_price(&self, ask: PriceAsk) -> Result<PricePage, Problem> {
        let answer = async {
            self.allow(Action::ReadPricing)?;
            self.console.list_price(ask).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn approvals(&self, query: ApprovalsQuery) -> Result<ApprovalsView, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadPricing)?;
            self.console.approvals(&query, viewer).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn together(&self, ids: Vec<String>) -> Result<TogetherView, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadPricing)?;
            self.console.together(&ids, viewer).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn rehearse(&self, form: RehearsalForm) -> Result<RehearsedView, Problem> {
        let answer = async {
            self.allow(Action::Simulate)?;
            self.console.rehearse(&form).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn bounds(&self, ask: BoundsAsk) -> Result<BoundsView, Problem> {
        let answer = async {
            self.allow(Action::ReadPricing)?;
            self.console.bounds(&ask).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn approval(&self, id: String) -> Result<ProposalDetail, Problem> {
        let answer = async {
            let viewer = self.allow(Action::ReadPricing)?;
            self.console.approval(&id, viewer).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn fabric(&self, query: FabricQuery) -> Result<FabricView, Problem> {
        let answer = async {
            self.allow(Action::ReadFabric)?;
            self.console.fabric(&query).await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn lab(&self) -> Result<LabState, Problem> {
        let answer = async {
            self.allow(Action::WatchFaultLab)?;
            self.console.lab()?.state().await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }

    async fn lab_act(&self, order: LabOrder) -> Result<LabState, Problem> {
        let answer = async {
            let viewer = self.allow(Action::OperateFaultLab)?;
            let lab = self.console.lab()?;
            lab.act(&order, &viewer.email).await?;
            lab.state().await
        };
        answer.await.map_err(|problem| self.tell(problem))
    }
}
