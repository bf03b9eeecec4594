//! Three clouds with selectors, a network of probes and reports, and clients who keep what they were
//! answered.

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::score::Status;
use domain::fabric::selector::{ANYWHERE, Reading, Selection, Selector, Settings};
use domain::fabric::verdict::Mode;

use crate::simulator::random::Random;

pub const TICK_MS: u64 = 100;
const PROBE_EVERY_MS: u64 = 2_000;
const TIMEOUT_MS: u64 = 1_000;
const TELL_EVERY_MS: u64 = 1_000;

/// What is true of a cloud, whatever the others believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Answers probes, tells its peers, answers clients.
    pub alive: bool,
    /// When it died last.
    pub dead_since_ms: u64,
}

/// One program: it is begun anew when its cloud comes back.
pub struct Node {
    pub selector: Selector,
    pub last: Option<Selection>,
    probe_at_ms: u64,
    tell_at_ms: u64,
    /// Probes that will fail: to whom, and when that is known.
    waiting: Vec<(u64, Cloud)>,
}

pub struct World {
    pub now_ms: u64,
    pub truth: PerCloud<Truth>,
    pub nodes: PerCloud<Node>,
    /// Probes from the first to the second are lost.
    pub probes_cut: PerCloud<PerCloud<bool>>,
    /// Reports of the first to the second are lost.
    pub reports_cut: PerCloud<PerCloud<bool>>,
    /// How far each cloud's own clock is ahead of the true time.
    pub ahead_ms: PerCloud<i64>,
    pub loads: PerCloud<f64>,
    /// Percent of probes that are lost anyway.
    pub loss: u64,
}

impl World {
    pub fn new(random: &mut Random) -> Self {
        let nodes = PerCloud::from_fn(|cloud| Node::begin(cloud, 0, random));
        let truth = Truth { alive: true, dead_since_ms: 0 };
        World {
            now_ms: 0,
            truth: PerCloud::from_fn(|_| truth),
            nodes,
            probes_cut: PerCloud::default(),
            reports_cut: PerCloud::default(),
            ahead_ms: PerCloud::default(),
            loads: PerCloud::default(),
            loss: 0,
        }
    }

    pub fn kill(&mut self, cloud: Cloud) {
        let truth = self.truth.get_mut(cloud);
        if truth.alive {
            *truth = Truth { alive: false, dead_since_ms: self.now_ms };
        }
    }

    pub fn revive(&mut self, cloud: Cloud, random: &mut Random) {
        if !self.truth.get(cloud).alive {
            self.truth.get_mut(cloud).alive = true;
            *self.nodes.get_mut(cloud) = Node::begin(cloud, self.now_ms, random);
        }
    }

    pub fn cut(&mut self, one: Cloud, other: Cloud, cut: bool) {
        for (from, to) in [(one, other), (other, one)] {
            *self.probes_cut.get_mut(from).get_mut(to) = cut;
            *self.reports_cut.get_mut(from).get_mut(to) = cut;
        }
    }

    /// Nothing that the first sends reaches the second, what the other sends does. A probe needs both
    /// ways.
    pub fn lose(&mut self, from: Cloud, to: Cloud, lost: bool) {
        for (one, other) in [(from, to), (to, from)] {
            *self.probes_cut.get_mut(one).get_mut(other) = lost;
        }
        *self.reports_cut.get_mut(from).get_mut(to) = lost;
    }

    /// What its own clock says.
    fn clock(&self, cloud: Cloud) -> u64 {
        self.now_ms.saturating_add_signed(*self.ahead_ms.get(cloud))
    }

    pub fn mode(&self, cloud: Cloud) -> Option<Mode> {
        self.nodes.get(cloud).last.as_ref().map(|last| last.mode)
    }

    pub fn alive(&self, cloud: Cloud) -> bool {
        self.truth.get(cloud).alive
    }

    pub fn anybody_alive(&self) -> bool {
        Cloud::ALL.into_iter().any(|cloud| self.alive(cloud))
    }

    /// What the name server of a cloud answers now: whom, and for how many seconds.
    pub fn answer(&self, cloud: Cloud) -> Option<(Cloud, u32)> {
        let last = self.nodes.get(cloud).last.as_ref()?;
        self.alive(cloud).then_some((last.regions[ANYWHERE].pick, last.ttl_s))
    }

    pub fn tick(&mut self, random: &mut Random) {
        self.now_ms += TICK_MS;
        for cloud in Cloud::ALL {
            if self.alive(cloud) {
                self.probe_from(cloud, random);
                self.tell_from(cloud);
            }
        }
        for cloud in Cloud::ALL {
            if self.alive(cloud) {
                let own_ms = self.clock(cloud);
                let node = self.nodes.get_mut(cloud);
                node.last = Some(node.selector.evaluate(own_ms));
            }
        }
    }

    fn probe_from(&mut self, me: Cloud, random: &mut Random) {
        let (now_ms, own_ms) = (self.now_ms, self.clock(me));
        let mut changed = false;
        let due: Vec<Cloud> = {
            let node = self.nodes.get_mut(me);
            let due = node.waiting.iter().filter(|(at_ms, _)| *at_ms <= now_ms);
            let due = due.map(|(_, target)| *target).collect();
            node.waiting.retain(|(at_ms, _)| *at_ms > now_ms);
            due
        };
        for target in due {
            changed |= self.nodes.get_mut(me).selector.probe(target, None, own_ms);
        }
        if now_ms >= self.nodes.get(me).probe_at_ms {
            self.nodes.get_mut(me).probe_at_ms += PROBE_EVERY_MS;
            for target in Cloud::ALL {
                let lost = random.percent(self.loss) && self.loss > 0;
                let cut = *self.probes_cut.get(me).get(target) || lost;
                let answer = (self.alive(target) && !cut).then(|| self.reading(target, random));
                let node = self.nodes.get_mut(me);
                if answer.is_none() {
                    node.waiting.push((now_ms + TIMEOUT_MS, target));
                } else {
                    changed |= node.selector.probe(target, answer, own_ms);
                }
            }
        }
        if changed {
            self.nodes.get_mut(me).tell_at_ms = now_ms;
        }
    }

    fn reading(&self, target: Cloud, random: &mut Random) -> Reading {
        let noise = random.between(0, 20);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let rtt_ms = 10.0 + noise as f64 / 10.0;
        let load = *self.loads.get(target);
        Reading { status: Status::Healthy, load, latency_ms: 5.0, rtt_ms }
    }

    fn tell_from(&mut self, me: Cloud) {
        let now_ms = self.now_ms;
        if now_ms < self.nodes.get(me).tell_at_ms {
            return;
        }
        self.nodes.get_mut(me).tell_at_ms = now_ms + TELL_EVERY_MS;
        let report = self.nodes.get(me).selector.report();
        for peer in me.peers() {
            if self.alive(peer) && !self.reports_cut.get(me).get(peer) {
                let own_ms = self.clock(peer);
                self.nodes.get_mut(peer).selector.hear(me, report, own_ms);
            }
        }
    }
}

impl Node {
    fn begin(cloud: Cloud, now_ms: u64, random: &mut Random) -> Self {
        let phase = random.between(0, PROBE_EVERY_MS / TICK_MS) * TICK_MS;
        Node {
            selector: Selector::new(cloud, Settings::default()),
            last: None,
            probe_at_ms: now_ms + phase,
            tell_at_ms: now_ms + random.between(0, 10) * TICK_MS,
            waiting: Vec::new(),
        }
    }
}
