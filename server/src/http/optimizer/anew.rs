//! A version that is made anew on the facts of now: its reason. The optimizer's words have the figures of
//! another day, so they are made again; a person's are kept as they are.

use domain::pricing::afresh::{Afresh, is_of_the_optimizer};
use domain::pricing::book::Case;
use domain::pricing::controls::Content;
use domain::pricing::look::{Seen, last_change_fared};

use crate::http::Services;
use crate::optimizer::about;
use crate::problem::Problem;

pub(super) async fn reason(shared: &Services, case: &Case) -> Result<String, Problem> {
    let edition = &case.current().edition;
    let Content::Controls { tenant_id, controls } = &edition.content else {
        return Ok(edition.reason.clone());
    };
    if !is_of_the_optimizer(case) {
        return Ok(edition.reason.clone());
    }
    let found = shared.optimizer.look(case).await?.found;
    let (catalog, now) = (shared.projection.catalog(), crate::now());
    let book = catalog.book();
    let policy = book.policy().1;
    let about = about(&catalog, &case.subject());
    let rule = about.and_then(|about| policy.rule(about.tier, about.cloud));
    let before = book.controls(tenant_id);
    let chain = book.chain(tenant_id);
    let last = chain.and_then(|chain| chain.controls(chain.version().checked_sub(1)?));
    let fared = about.zip(found.as_ref()).filter(|_| last == Some(*controls));
    let fared = fared.and_then(|(about, found)| {
        let (figures, days) = (&found.figures, found.days.as_slice());
        let seen = Seen { tenant: tenant_id, about, figures, days, before: None };
        last_change_fared(book, &seen, now)
    });
    let afresh = Afresh {
        grounds: case.grounds,
        figures: found.as_ref().map(|found| &found.figures),
        limits: rule.map(|rule| &rule.limits),
        before: before.price_of_list,
        after: controls.price_of_list,
        fared,
        watch: policy.watch,
    };
    Ok(afresh.reason())
}
