//! The model’s margins beside the recorded ones, in the words of the pages Optimizer and Approvals.

use domain::catalog::ForesightRun;
use domain::economics::study::Level;
use domain::pricing::approval::Facts;
use domain::pricing::margin;

use super::approvals::margin_text;
use super::figures::rounded_dollars;
use super::foresight::hour;
use crate::economics::Found;

/// The model’s margin of the portfolio, and the one that was recorded.
pub(super) fn beside(run: &ForesightRun, found: &Found) -> Option<String> {
    let expected = run.scenarios.iter().find_map(|it| it.now)?.p50;
    let [margin, owed] = found.recorded()?;
    Some(format!(
        "Recorded in the days up to {}: a margin of {} for all active tenants together, after {} of \
         penalties. The run’s model, of usage up to {}, has a median of {}: it expects penalties instead, \
         and lets costs stray and prices jump.",
        hour(found.to),
        margin::told(margin),
        rounded_dollars(owed),
        hour(run.usage_to),
        margin_text(expected)
    ))
}

/// How the model’s margin and the recorded one of the facts go together.
pub(super) fn expects(facts: &Facts, now: &Level) -> String {
    let here = "Here penalties are those to be expected; the margins below count those recorded";
    let Some(recorded) = facts.get("margin") else {
        return format!("{here}, so that they differ.");
    };
    format!(
        "{here}: recorded, the margin was {} when it was proposed; the model’s median now is {}, since it \
         expects penalties instead, and lets costs stray and prices jump.",
        margin::told(*recorded),
        margin_text(now.p50)
    )
}
