//! Foresight, not reaction: standing stresses are asked of fresh usage and prices, and where one
//! would break a threshold, what would meet it is proposed before it comes true.
//!
//! [`asks`] says what is asked: the product's own stresses ([`crate::economics::stress`]) and kept
//! scenarios that are marked as standing ones. [`foresee`] draws them and holds them against the
//! policy's thresholds. Of each tenant that a stress pushes under water the price is aimed at the
//! worst of them ([`price`]), through the same guardrails as any price; where a stress makes a
//! cloud's providers dearer, traffic is moved away from there ([`traffic`]), as far as drawing the
//! stress once more shows that it helps, no cloud is given more than it can take ([`room`]), and
//! the last shares have rested. Each answer is judged as if it were the only one.
//!
//! Nothing that comes of it applies by itself, whatever is switched on: the book counts approvals
//! ([`super::book`]). Who is under water already is the optimizer's own matter ([`super::look`]).

mod asking;
mod price;
mod reroute;
mod room;
mod traffic;
mod words;

use std::collections::BTreeMap;
use std::fmt::Display;

use uuid::Uuid;

use super::book::Book;
use super::controls::{Content, Controls, Subject};
use super::edition::{About, edition};
use super::look::{may_open, standing};
use super::policy::Rule;
use super::recommend::Figures;
use crate::catalog::{
    Broken, FALLEN_MAX, Fallen, Foreseen, Forewarning, Grounds, Guarded, ProposalOpen, Threshold,
    stated,
};
use crate::clock::Timestamp;
use crate::economics::EconomicsError;
use crate::economics::quantity::Share;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Simulation};
use crate::economics::study::{
    Asked, Assumptions, Inputs, Level, NAME_CHARS_MAX, Request, Risk, Stressed,
};
use crate::event::TenantId;

pub use asking::{Ask, KEPT_MAX, asks, draws, unasked};
pub use room::Room;

use price::{Answer, Threat};

/// Prices that one run proposes: nobody decides about more of them at once.
const OPENED_MAX: usize = 100;

/// What the loop looks at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub book: &'a Book,
    /// Usage of the window, priced as of its end.
    pub inputs: &'a Inputs,
    /// Those that are active and whose usage has a price.
    pub tenants: &'a BTreeMap<TenantId, Known<'a>>,
    /// Usage of hours that begin at or after the first and before the second:
    /// [`super::margin::window`].
    pub window: (Timestamp, Timestamp),
    /// What the clouds can take, as the deployment states it.
    pub room: Room,
    pub run: u64,
    pub now: Timestamp,
}

/// A tenant, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub about: About<'a>,
    pub figures: &'a Figures,
}

/// What was foreseen, and what is to be proposed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Foresaw {
    /// In the order in which they were asked.
    pub scenarios: Vec<Foreseen>,
    pub openings: Vec<ProposalOpen>,
}

/// A tenant in the stress that hits it worst.
struct Hit {
    /// The place of the stress among those asked.
    at: usize,
    risk: Risk,
    floor: Share,
    now: Level,
    stressed: Level,
}

/// Under which assumptions a base was drawn, and what it came to.
type Base<'a> = (&'a Assumptions, Stressed);

/// Asks all of it, with whoever draws. `name` gives the id of a proposal about a subject.
///
/// A kept scenario is somebody's, with assumptions of its own: one that has no answer says so, and
/// the others are asked all the same.
///
/// # Errors
/// What `draw` refuses; negative amounts, or numbers beyond decimals.
pub fn foresee<E: From<EconomicsError> + Display>(
    view: &View<'_>,
    asks: &[Ask],
    draw: &impl Fn(&Simulation) -> Result<Outcome, E>,
    name: &impl Fn(&Subject) -> Uuid,
) -> Result<Foresaw, E> {
    let mut bases: Vec<Base<'_>> = Vec::new();
    let (mut foresaw, mut hits) = (Foresaw::default(), BTreeMap::new());
    for (at, ask) in asks.iter().enumerate() {
        let foreseen = match view.ask(at, ask, &mut bases, &mut hits, draw) {
            Err(error) if ask.is_kept() => ask.unanswered(&error),
            answered => answered?,
        };
        foresaw.scenarios.push(foreseen);
    }
    view.propose_prices(asks, &hits, &mut foresaw, name)?;
    let base = |assumed: &Assumptions| {
        bases.iter().find(|(known, _)| *known == assumed).and_then(|(_, base)| base.portfolio)
    };
    reroute::propose(view, asks, &mut foresaw, &base, draw, name)?;
    Ok(foresaw)
}

impl<'a> View<'a> {
    /// Draws one of them, and the base that it stands beside.
    fn ask<'b, E: From<EconomicsError>>(
        &self,
        at: usize,
        ask: &'b Ask,
        bases: &mut Vec<Base<'b>>,
        hits: &mut BTreeMap<TenantId, Hit>,
        draw: &impl Fn(&Simulation) -> Result<Outcome, E>,
    ) -> Result<Foreseen, E> {
        let drawn = |changes: &Scenario| {
            let request = self.request(&ask.assumptions, &[]);
            Stressed::of(self.inputs, &request, changes, draw)
        };
        // A base for every set of assumptions: mostly one.
        let known = bases.iter().position(|(assumed, _)| **assumed == ask.assumptions);
        let base = match known {
            Some(place) => place,
            None => {
                bases.push((&ask.assumptions, drawn(&Scenario::default())?));
                bases.len() - 1
            }
        };
        let now = &bases[base].1;
        let stressed = drawn(&ask.shock.changes)?;
        self.compare(at, ask, (now, &stressed), hits).map_err(E::from)
    }

    /// A what-if of this window as the policy asks it, with the portfolio's floor.
    fn request(&self, assumptions: &Assumptions, scenarios: &[(&str, &Scenario)]) -> Request {
        let foresight = &self.book.policy().1.foresight;
        let asked = scenarios.iter().map(|(name, changes)| Asked {
            name: name.chars().take(NAME_CHARS_MAX).collect(),
            changes: (*changes).clone(),
        });
        Request {
            from: Some(self.window.0),
            to: Some(self.window.1),
            prices_as_of: Some(self.window.1),
            seed: foresight.seed,
            draws: usize::try_from(draws(foresight, self.inputs)).unwrap_or(usize::MAX),
            floor: self.book.policy().1.margin_floor(),
            scenarios: asked.collect(),
            assumptions: assumptions.clone(),
        }
    }

    fn rule(&self, known: &Known<'a>) -> Option<&'a Rule> {
        self.book.policy().1.rule(known.about.tier, known.about.cloud)
    }

    /// Holds a stress against the thresholds, and remembers whom it hits worse than those before.
    fn compare(
        &self,
        at: usize,
        ask: &Ask,
        (base, stressed): (&Stressed, &Stressed),
        hits: &mut BTreeMap<TenantId, Hit>,
    ) -> Result<Foreseen, EconomicsError> {
        let borne = self.book.policy().1.foresight.tenant_below_floor_max;
        let (mut under_water, mut fallen, mut hit) = (0, Vec::new(), Vec::new());
        let mut worst_now: Option<f64> = None;
        for (tenant, risk) in &stressed.tenants {
            let Some(known) = self.tenants.get(tenant) else { continue };
            let Some((rule, calm)) = self.rule(known).zip(base.tenants.get(tenant)) else {
                continue;
            };
            let floor = rule.limits.margin_min;
            let (now, then) =
                (calm.below(floor.to_float(), 1.0), risk.below(floor.to_float(), 1.0));
            if then <= borne.to_float() {
                continue;
            }
            under_water += 1;
            let levels = (calm.level(floor.to_float(), 1.0)?, risk.level(floor.to_float(), 1.0)?);
            if now > borne.to_float() {
                let now = stated(levels.0).below_floor;
                worst_now = Some(worst_now.map_or(now, |worst| worst.max(now)));
                continue;
            }
            fallen.push(self.fallen(tenant, floor, levels, risk.is_exact()));
            let worse = |hit: &Hit| levels.1.below_floor > hit.stressed.below_floor;
            if hits.get(tenant).is_none_or(worse) {
                let (risk, (now, stressed)) = (risk.clone(), levels);
                hit.push((tenant.clone(), Hit { at, risk, floor, now, stressed }));
            }
        }
        // Of a stress that has no answer, nobody is remembered.
        hits.extend(hit);
        fallen.sort_by(|a, b| b.stressed.below_floor.total_cmp(&a.stressed.below_floor));
        let fell = fallen.len() as u64;
        // Whoever fell has broken it.
        let broken =
            self.broken(stressed.portfolio, fallen.first().map(|it| it.stressed.below_floor));
        let already = self.broken(base.portfolio, worst_now);
        fallen.truncate(FALLEN_MAX);
        Ok(Foreseen {
            shock: ask.shock.clone(),
            now: base.portfolio.map(stated),
            stressed: stressed.portfolio.map(stated),
            under_water,
            fell,
            tenants: fallen,
            broken,
            already,
            left_out: ask.left_out.clone(),
            routing: None,
            unmoved: None,
        })
    }

    fn fallen(
        &self,
        tenant: &TenantId,
        floor: Share,
        (now, stressed): (Level, Level),
        exact: bool,
    ) -> Fallen {
        let about = Subject::Tenant(tenant.clone());
        Fallen {
            tenant_id: tenant.clone(),
            floor,
            now: stated(now),
            stressed: stated(stressed),
            exact,
            held: None,
            proposal_id: self.book.open_about(&about, self.now).map(|case| case.id),
        }
    }

    /// Of the portfolio, and of the worst tenant that is beyond its threshold.
    fn broken(&self, portfolio: Option<Level>, worst: Option<f64>) -> Vec<Broken> {
        let foresight = &self.book.policy().1.foresight;
        let breaks = |level: &Level| level.below_floor > foresight.below_floor_max.to_float();
        let of_all = portfolio.filter(breaks).map(|level| Broken {
            threshold: Threshold::Portfolio,
            is: stated(level).below_floor,
            max: foresight.below_floor_max,
        });
        let of_one = worst.map(|is| Broken {
            threshold: Threshold::Tenant,
            is,
            max: foresight.tenant_below_floor_max,
        });
        of_all.into_iter().chain(of_one).collect()
    }

    /// The likeliest to fall first, so that a bound on their number leaves out those who need it
    /// least.
    fn propose_prices(
        &self,
        asks: &[Ask],
        hits: &BTreeMap<TenantId, Hit>,
        foresaw: &mut Foresaw,
        name: &impl Fn(&Subject) -> Uuid,
    ) -> Result<(), EconomicsError> {
        let mut hits: Vec<(&TenantId, &Hit)> = hits.iter().collect();
        hits.sort_by(|(_, a), (_, b)| b.stressed.below_floor.total_cmp(&a.stressed.below_floor));
        for (tenant, hit) in hits {
            if foresaw.openings.len() >= OPENED_MAX {
                break;
            }
            let Some((known, rule)) =
                self.tenants.get(tenant).and_then(|known| Some((known, self.rule(known)?)))
            else {
                continue;
            };
            let subject = Subject::Tenant(tenant.clone());
            if !may_open(self.book, &subject, rule.limits.cooldown_days, self.now) {
                continue;
            }
            let stands = standing(self.book, tenant, &rule.limits, self.now);
            let max = self.book.policy().1.foresight.tenant_below_floor_max;
            let threat = Threat { risk: &hit.risk, floor: hit.floor, max };
            match price::answer(&rule.limits, &stands, known.figures, &threat)? {
                Answer::Held(rule) => foresaw.note(tenant, |fallen| fallen.held = Some(rule)),
                Answer::Move { guarded, after } => {
                    let price_of_list = guarded.price_of_list;
                    let controls = Controls { price_of_list, ..stands.controls };
                    let (id, ask) = (name(&subject), &asks[hit.at]);
                    let open =
                        self.opening((id, tenant), known, ask, hit, (controls, guarded, after));
                    foresaw.openings.push(open);
                    foresaw.note(tenant, |fallen| fallen.proposal_id = Some(id));
                }
            }
        }
        Ok(())
    }

    fn opening(
        &self,
        (proposal_id, tenant): (Uuid, &TenantId),
        known: &Known<'a>,
        ask: &Ask,
        hit: &Hit,
        (controls, guarded, after): (Controls, Guarded, Level),
    ) -> ProposalOpen {
        let reason = words::of_price(
            tenant,
            &ask.shock.name,
            hit.floor,
            controls.price_of_list,
            [hit.now, hit.stressed, after],
        );
        let content = Content::Controls { tenant_id: tenant.clone(), controls };
        let (about, figures) = (Some(known.about), Some(known.figures));
        let scenarios = [(ask.shock.name.as_str(), &ask.shock.changes)];
        let request = self.request(&ask.assumptions, &scenarios);
        ProposalOpen {
            proposal_id,
            grounds: Grounds::Foresight,
            edition: edition(self.book, content, reason, about, figures, self.now),
            foresight: Some(Box::new(Forewarning {
                run: self.run,
                shock: ask.shock.clone(),
                request: Request { floor: hit.floor, ..request },
                price_map_as_of: self.inputs.sources.price_map_as_of,
                now: stated(hit.now),
                stressed: stated(hit.stressed),
                after: stated(after),
                guarded: Some(guarded),
            })),
        }
    }
}

impl Foresaw {
    /// Wherever the tenant is named.
    fn note(&mut self, tenant: &TenantId, change: impl Fn(&mut Fallen)) {
        let named = self.scenarios.iter_mut().flat_map(|foreseen| &mut foreseen.tenants);
        named.filter(|fallen| fallen.tenant_id == *tenant).for_each(change);
    }
}

#[cfg(test)]
mod tests;
