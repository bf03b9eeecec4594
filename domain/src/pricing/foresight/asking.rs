//! What is asked: the product's own stresses, and kept scenarios that are marked as standing ones.

use std::fmt::Display;

use crate::catalog::{Foreseen, ScenarioSave, Shock};
use crate::economics::scenario::Scenario;
use crate::economics::simulation::DRAWS_MIN;
use crate::economics::stress::{Grip, stresses};
use crate::economics::study::{Assumptions, Inputs, Request, TENANT_DRAWS_MAX};
use crate::pricing::policy::Foresight;

/// Kept scenarios that are asked: each is drawn whole, and nobody reads more. One more is refused
/// where it is kept.
pub const KEPT_MAX: usize = 10;
/// A run's event names what each of them changes, and a payload holds no more.
const CHANGES_MAX: usize = 12;
/// What is left out of one is named so often.
const LEFT_OUT_MAX: usize = 3;
/// Places times draws of one stress. A run draws ten and more, and keeps of each draw what a tenant
/// in several places costs: all of them together are to take what one what-if may.
const PLACE_DRAWS_MAX: usize = TENANT_DRAWS_MAX / 10;

/// A stress that is asked, and under which assumptions.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub shock: Shock,
    pub assumptions: Assumptions,
    /// What of it this usage does not have.
    pub left_out: Vec<String>,
}

impl Ask {
    /// Is it somebody's, and not one of the product's own?
    pub(super) const fn is_kept(&self) -> bool {
        self.shock.scenario_id.is_some()
    }

    /// What is said of one that could not be drawn.
    pub(super) fn unanswered(&self, error: &impl Display) -> Foreseen {
        let mut left_out = vec![format!("all of it, because it has no answer: {error}")];
        left_out.extend(self.left_out.iter().cloned());
        left_out.truncate(LEFT_OUT_MAX);
        Foreseen {
            shock: self.shock.clone(),
            now: None,
            stressed: None,
            under_water: 0,
            fell: 0,
            tenants: Vec::new(),
            broken: Vec::new(),
            already: Vec::new(),
            left_out,
            routing: None,
            unmoved: None,
        }
    }
}

/// How often each stress of these inputs is drawn: as the policy says, or as often as can be
/// afforded.
#[must_use]
pub fn draws(foresight: &Foresight, inputs: &Inputs) -> u32 {
    let affordable = (PLACE_DRAWS_MAX / inputs.usage.len().max(1)).max(DRAWS_MIN);
    foresight.draws.min(u32::try_from(affordable).unwrap_or(u32::MAX))
}

/// Kept scenarios that are marked as standing ones and are not asked, since [`KEPT_MAX`] stand
/// before them.
#[must_use]
pub fn unasked<'a>(
    foresight: &Foresight,
    kept: impl IntoIterator<Item = &'a ScenarioSave>,
) -> usize {
    standing(foresight, kept).skip(KEPT_MAX).count()
}

fn standing<'a>(
    foresight: &Foresight,
    kept: impl IntoIterator<Item = &'a ScenarioSave>,
) -> impl Iterator<Item = &'a ScenarioSave> {
    let asked = foresight.scenarios.kept;
    kept.into_iter().filter(move |save| asked && save.standing)
}

/// What the policy asks of these inputs. `kept`: scenarios in the order in which they are asked.
#[must_use]
pub fn asks<'a>(
    foresight: &Foresight,
    inputs: &Inputs,
    kept: impl IntoIterator<Item = &'a ScenarioSave>,
) -> Vec<Ask> {
    let assumptions = Assumptions::default();
    let known = inputs.known();
    let promised = inputs.tiers.iter().filter(|(_, promise)| promise.latency_p99_ms.is_some());
    let grip = Grip {
        providers: known.providers,
        regions: known.regions,
        promised: promised.map(|(tier, _)| tier.as_str()).collect(),
        worst_credit: assumptions.worst_credit(),
    };
    let own = stresses(&grip).into_iter().filter(|stress| foresight.asks(stress.question));
    let own = own.map(|stress| Ask {
        shock: Shock {
            name: stress.title.to_owned(),
            scenario_id: None,
            version: None,
            changes: stress.changes,
        },
        assumptions: assumptions.clone(),
        left_out: Vec::new(),
    });
    let kept = standing(foresight, kept).take(KEPT_MAX);
    own.chain(kept.map(|save| of_kept(save, inputs))).collect()
}

/// Its first scenario under its own assumptions; the window, the floor and the draws are the
/// loop's.
fn of_kept(save: &ScenarioSave, inputs: &Inputs) -> Ask {
    let mut left_out = Vec::new();
    let request = serde_json::from_value::<Request>(save.request.clone());
    let request = request.unwrap_or_else(|error| {
        left_out.push(format!("what was kept cannot be read: {error}"));
        Request::default()
    });
    let Request { scenarios, assumptions, .. } = request;
    let mut changes = scenarios.into_iter().next().map(|asked| asked.changes).unwrap_or_default();
    left_out.extend(changes.fit(&inputs.known()));
    let count = changes.count();
    if count > CHANGES_MAX {
        left_out.push(format!("{count} changes, and at most {CHANGES_MAX} are asked on schedule"));
        changes = Scenario::default();
    }
    left_out.truncate(LEFT_OUT_MAX);
    let (name, scenario_id) = (save.name.clone(), Some(save.scenario_id));
    Ask {
        shock: Shock { name, scenario_id, version: Some(save.version), changes },
        assumptions,
        left_out,
    }
}
