//! Anything that a name's load balancer is made of, as the difference has it.

use std::fmt;

use super::{Balancer, Monitor, Pool};
use crate::fabric::publish::difference::{Entry, Step};

/// What our monitor is called inside, since Cloudflare knows monitors by their ids alone.
pub const MONITOR: &str = "ternion";

/// Pools name the monitor and the balancer names the pools as we call them. A name that is not ours
/// stays Cloudflare's id.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Monitor(Monitor),
    /// One monitor of ours too many, by its id: two clouds have made one each.
    Spare(String),
    Pool(Pool),
    Balancer(Balancer),
}

impl Part {
    /// The key of the pool of this name.
    #[must_use]
    pub fn pool_key(name: &str) -> String {
        format!("pool {name}")
    }

    /// The key of the balancer of this name.
    #[must_use]
    pub fn balancer_key(name: &str) -> String {
        format!("balancer {name}")
    }

    /// The key of the monitor.
    #[must_use]
    pub fn monitor_key() -> String {
        format!("monitor {MONITOR}")
    }
}

impl Entry for Part {
    fn key(&self) -> String {
        match self {
            Part::Monitor(_) => Part::monitor_key(),
            Part::Spare(id) => format!("monitor {id}"),
            Part::Pool(pool) => Part::pool_key(&pool.name),
            Part::Balancer(balancer) => Part::balancer_key(&balancer.name),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Monitor(monitor) => monitor.fmt(out),
            Part::Spare(id) => write!(out, "monitor {id}, one too many"),
            Part::Pool(pool) => pool.fmt(out),
            Part::Balancer(balancer) => balancer.fmt(out),
        }
    }
}

/// In the order in which nothing names what is not there, and in which the balancer has an enabled
/// pool at every moment: what it is to name comes before it, and what it names no more after it.
#[must_use]
pub fn in_order(mut steps: Vec<Step<Part>>) -> Vec<Step<Part>> {
    steps.sort_by_key(turn);
    steps
}

fn turn(step: &Step<Part>) -> u8 {
    match step {
        Step::Create(part) | Step::Change { to: part, .. } => match part {
            Part::Monitor(_) | Part::Spare(_) => 0,
            Part::Pool(pool) if pool.enabled => 1,
            Part::Balancer(_) => 2,
            Part::Pool(_) => 3,
        },
        Step::Delete(Part::Balancer(_)) => 4,
        Step::Delete(Part::Pool(_)) => 5,
        Step::Delete(Part::Monitor(_) | Part::Spare(_)) => 6,
    }
}
