//! A study that somebody works at: levers move, draws are made a little at a time, and what can be
//! told from draws at hand is told at once.

use std::sync::Arc;

use super::answer::Compared;
use super::board::{Board, Drawn};
use super::glance::Glance;
use super::inputs::Inputs;
use super::model::Model;
use super::request::{Asked, Request};
use crate::economics::EconomicsError;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Progress, Run, Simulation};

/// Base and scenario under one seed. Its owner calls [`Desk::advance`] while it has time, and
/// [`Desk::aim`] whenever a lever moves.
#[derive(Debug)]
pub struct Desk {
    inputs: Inputs,
    /// Its first scenario, of which there is one, is `aim`.
    request: Request,
    aim: Scenario,
    base: Option<Drawn>,
    standing: Option<Drawn>,
    /// What the scenario is compared with, once drawn.
    others: Vec<Compared>,
    under_way: Option<UnderWay>,
    /// Nothing has changed since the last board.
    settled: bool,
}

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq)]
enum Task {
    Base,
    Levers(Scenario),
    Other(Asked),
}

#[derive(Debug)]
struct UnderWay {
    task: Task,
    model: Model,
    run: Run<Arc<Simulation>>,
}

/// What a step came to.
#[derive(Debug)]
pub enum Step {
    /// There is more to draw.
    Drawing(Progress),
    /// All is drawn, and this is what it says.
    Settled(Box<Board>),
    /// All is drawn and said.
    Idle,
}

impl Desk {
    /// The first scenario of the request stands under the levers; it is compared with the others.
    ///
    /// # Errors
    /// The request is absurd, or has no scenario.
    pub fn new(inputs: Inputs, request: Request) -> Result<Self, EconomicsError> {
        request.check()?;
        let none = EconomicsError::TooFew { what: "scenarios", count: 0, min: 1 };
        let aim = request.scenarios.first().ok_or(none)?.changes.clone();
        Ok(Desk {
            inputs,
            request,
            aim,
            base: None,
            standing: None,
            others: Vec::new(),
            under_way: None,
            settled: false,
        })
    }

    /// The levers have moved, if only there and back. What the draws at hand say of that, if they say
    /// anything: costs are linear in them, everything else needs draws of its own. A board follows.
    ///
    /// # Errors
    /// A change that no lever has.
    pub fn aim(&mut self, changes: Scenario) -> Result<Option<Glance>, EconomicsError> {
        self.settled = false;
        if changes != self.aim {
            self.request.scenarios[0].changes.clone_from(&changes);
            self.aim = changes;
        }
        let Some(base) = &self.base else { return Ok(None) };
        // Of two that could tell, the one that was drawn for these levers.
        for drawn in self.standing.iter().chain([base]) {
            if let Some(glance) = drawn.glance(&base.results, &self.aim, &self.request)? {
                return Ok(Some(glance));
            }
        }
        Ok(None)
    }

    /// Draws a little: at most one block.
    ///
    /// # Errors
    /// The scenario changes what does not exist, or a draw leads beyond what numbers can hold.
    pub fn advance(&mut self) -> Result<Step, EconomicsError> {
        let Some(task) = self.task() else {
            return self.settle();
        };
        let mut work = match self.under_way.take().filter(|work| work.task == task) {
            Some(work) => work,
            None => self.begin(task)?,
        };
        let progress = work.run.advance()?;
        if progress.is_complete() {
            self.finish(work)?;
        } else {
            self.under_way = Some(work);
        }
        Ok(Step::Drawing(progress))
    }

    /// The base, the levers as they stand, then what they are compared with.
    fn task(&self) -> Option<Task> {
        if self.base.is_none() {
            return Some(Task::Base);
        }
        let stands = |drawn: &Drawn| drawn.changes == self.aim;
        if self.aim != Scenario::default() && !self.standing.as_ref().is_some_and(stands) {
            return Some(Task::Levers(self.aim.clone()));
        }
        self.request.scenarios.get(1 + self.others.len()).cloned().map(Task::Other)
    }

    fn begin(&self, task: Task) -> Result<UnderWay, EconomicsError> {
        let nothing = Scenario::default();
        let changes = match &task {
            Task::Base => &nothing,
            Task::Levers(changes) => changes,
            Task::Other(asked) => &asked.changes,
        };
        let model = Model::new(&self.inputs, &self.request, changes)?;
        let run = Run::new(Arc::clone(model.simulation()));
        Ok(UnderWay { task, model, run })
    }

    fn finish(&mut self, work: UnderWay) -> Result<(), EconomicsError> {
        let UnderWay { task, model, run } = work;
        let drawn = |changes, outcome| Drawn::new(changes, model, outcome, &self.request);
        let outcome = run.finish()?;
        match task {
            Task::Base => self.base = Some(drawn(Scenario::default(), outcome)?),
            Task::Levers(changes) => self.standing = Some(drawn(changes, outcome)?),
            Task::Other(Asked { name, changes }) => {
                let drawn = drawn(changes, outcome)?;
                self.others.push(drawn.compared(&self.inputs, &self.request, &name)?);
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<Step, EconomicsError> {
        let Some(base) = self.base.as_ref().filter(|_| !self.settled) else {
            return Ok(Step::Idle);
        };
        let standing = self.standing.as_ref().filter(|drawn| drawn.changes == self.aim);
        let now = standing.unwrap_or(base);
        let name = &self.request.scenarios[0].name;
        let under_levers = now.compared(&self.inputs, &self.request, name)?;
        let compared = [under_levers].into_iter().chain(self.others.iter().cloned()).collect();
        let board = Board::new(&self.inputs, &self.request, None, (base, now), compared)?;
        self.settled = true;
        Ok(Step::Settled(Box::new(board)))
    }
}
