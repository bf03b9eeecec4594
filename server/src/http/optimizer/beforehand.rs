//! What is refused before it is proposed: a price that a contract fixes, and a policy to which nobody
//! could agree.

use axum::http::StatusCode;
use domain::pricing::controls::Content;
use domain::pricing::policy::Policy;

use crate::http::Services;
use crate::identity::Principal;
use crate::optimizer::unstaffed;
use crate::problem::Problem;

/// A contract holds until it ends or people end it, whoever proposes the price.
pub(super) fn not_fixed(shared: &Services, content: &Content) -> Result<(), Problem> {
    let Content::Controls { tenant_id, controls } = content else { return Ok(()) };
    let catalog = shared.projection.catalog();
    let policy = catalog.book().policy().1;
    let moves = catalog.book().controls(tenant_id).price_of_list != controls.price_of_list;
    let until = policy.locked_until.get(tenant_id).filter(|until| crate::now() < **until);
    let Some(until) = until.filter(|_| moves) else { return Ok(()) };
    let detail = format!(
        "A contract fixes the price of {tenant_id} until {until}. Propose to end the contract first, or \
         wait until then."
    );
    let (code, title) = ("contract_fixed", "A contract fixes this price");
    let problem = Problem::new(StatusCode::CONFLICT, code, title, detail);
    Err(problem.field("/priceOfList", format!("is fixed until {until}")))
}

pub(super) fn staffed(
    shared: &Services,
    principal: &Principal,
    policy: &Policy,
) -> Result<(), Problem> {
    let catalog = shared.projection.catalog();
    let Some(short) = unstaffed(&catalog, catalog.book().policy().1, policy, &principal.login)
    else {
        return Ok(());
    };
    let detail = format!("{}: {short}. Lower it, or add admins first.", short.field);
    Err(Problem::invalid(detail).field(format!("/policy/{}", short.field), short.to_string()))
}
