//! What a screen shows of an answer: the base and the levers as they stand, and the rows a person
//! reads.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::answer::{Answer, Compared, Results, TenantResult};
use super::glance::Glance;
use super::inputs::Inputs;
use super::model::Model;
use super::request::{Asked, Request};
use crate::economics::EconomicsError;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Simulation};

/// Tenants of a table. Exports have all.
pub const TENANTS_SHOWN_MAX: usize = 50;

/// One scenario beside the base, and up to four more in the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    pub base: Glance,
    /// Of the first scenario; the base where there is none.
    pub now: Glance,
    /// With the tenants that are likeliest below the floor, at most [`TENANTS_SHOWN_MAX`].
    pub answer: Answer,
}

/// A scenario that has been drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) changes: Scenario,
    pub(super) model: Model,
    pub(super) outcome: Outcome,
    pub(super) results: Results,
}

impl Drawn {
    pub(super) fn new(
        changes: Scenario,
        model: Model,
        outcome: Outcome,
        request: &Request,
    ) -> Result<Self, EconomicsError> {
        let results = model.results(&outcome, request)?;
        Ok(Drawn { changes, model, outcome, results })
    }

    /// See [`Model::glance`].
    pub(super) fn glance(
        &self,
        to: &Scenario,
        request: &Request,
    ) -> Result<Option<Glance>, EconomicsError> {
        self.model.glance((&self.changes, &self.outcome, &self.results), to, request)
    }

    /// The glance at what was drawn itself.
    fn still(&self, request: &Request) -> Result<Glance, EconomicsError> {
        let nothing = EconomicsError::Inconsistent { what: "a scenario", problem: "is not itself" };
        self.glance(&self.changes, request)?.ok_or(nothing)
    }

    pub(super) fn compared(
        &self,
        inputs: &Inputs,
        request: &Request,
        name: &str,
    ) -> Result<Compared, EconomicsError> {
        let asked = Asked { name: name.to_owned(), changes: self.changes.clone() };
        Compared::new(inputs, request, &asked, self.results.clone())
    }
}

impl Board {
    /// Answers a request for a screen, with whoever draws.
    ///
    /// # Errors
    /// The request is absurd, or what `draw` refuses.
    pub fn of<E: From<EconomicsError>>(
        inputs: &Inputs,
        request: &Request,
        draw: impl Fn(&Simulation) -> Result<Outcome, E>,
    ) -> Result<Self, E> {
        request.check()?;
        let drawn = |changes: &Scenario| {
            let model = Model::new(inputs, request, changes)?;
            let outcome = draw(model.simulation())?;
            Ok::<_, E>(Drawn::new(changes.clone(), model, outcome, request)?)
        };
        let base = drawn(&Scenario::default())?;
        let scenarios =
            request.scenarios.iter().map(|asked| Ok((asked, drawn(&asked.changes)?)));
        let scenarios = scenarios.collect::<Result<Vec<_>, E>>()?;
        let compared = scenarios.iter().map(|(asked, it)| it.compared(inputs, request, &asked.name));
        let compared = compared.collect::<Result<Vec<_>, _>>()?;
        let now = scenarios.first().map_or(&base, |(_, drawn)| drawn);
        Ok(Board::new(inputs, request, (&base, now), compared)?)
    }

    pub(super) fn new(
        inputs: &Inputs,
        request: &Request,
        (base, now): (&Drawn, &Drawn),
        compared: Vec<Compared>,
    ) -> Result<Self, EconomicsError> {
        let mut answer = Answer::new(inputs, request, base.results.clone(), compared);
        keep_worst(&mut answer, TENANTS_SHOWN_MAX);
        Ok(Board { base: base.still(request)?, now: now.still(request)?, answer })
    }
}

type Name = (String, String, String);

fn name(of: &TenantResult) -> Name {
    (of.tenant_id.to_string(), of.provider.clone(), of.region.clone())
}

/// The same places in all lists, so that they can be read across: of the first scenario those that
/// are likeliest below the floor.
fn keep_worst(answer: &mut Answer, count: usize) {
    let first = answer.scenarios.first().map_or(&answer.base, |it| &it.results);
    let risk = |it: &&TenantResult| {
        // Without a margin there is no risk; shares are exact to a billionth here.
        let below = it.margin.map_or(-1.0, |margin| margin.below_floor);
        #[expect(clippy::cast_possible_truncation, reason = "a share times a billion")]
        let key = (below * 1e9) as i64;
        Reverse(key)
    };
    let mut ranked: Vec<_> = first.tenants.iter().collect();
    ranked.sort_by_key(risk);
    let kept: BTreeSet<Name> = ranked.into_iter().take(count).map(name).collect();
    let lists = answer.scenarios.iter_mut().map(|it| &mut it.results.tenants);
    for tenants in lists.chain([&mut answer.base.tenants]) {
        tenants.retain(|tenant| kept.contains(&name(tenant)));
    }
}
