//! What the first page shows of this node's work: rates, times, and how each cloud keeps up.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};

use super::watermark::{LogView, Watermarks};

/// Rates and times are taken over this long: short enough to see a fault, long enough to read.
const WINDOW_S: u32 = 15;
/// One point of the series.
const STEP_MS: u32 = 5_000;
/// Five minutes of series.
const SERIES_POINTS: usize = 60;
/// One minute of sparkline.
const BEHIND_SAMPLES: usize = 60;
/// Batches that wait for their signatures. Beyond this a peer is down, and its time means nothing.
const WAITING_BATCHES_MAX: usize = 4_096;

/// Figures over a sliding window, and what is known of each cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub window_s: u32,
    /// All origins.
    pub final_per_s: f64,
    /// From acceptance here to FINAL here, over events that this cloud accepted in the window.
    pub time_to_final_p50_ms: Option<f64>,
    pub time_to_final_p99_ms: Option<f64>,
    /// Final events per second, oldest first, one point each [`Figures::step_ms`].
    pub series: Vec<(Timestamp, f64)>,
    pub step_ms: u32,
    pub clouds: PerCloud<CloudFigures>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudFigures {
    /// Entries of all three logs, stored here, that this cloud has not signed for.
    pub behind: u64,
    /// One sample a second, oldest first.
    pub behind_history: Vec<u64>,
    /// Median time from our append to this cloud's cosignature.
    pub confirms_p50_ms: Option<f64>,
    /// As the cloud itself reports.
    pub load: Option<f64>,
    pub heard_at: Option<Timestamp>,
    /// Whether the last message to it was answered; absent before the first.
    pub reachable: Option<bool>,
}

#[derive(Debug, Default)]
pub(super) struct FigureBook(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    /// Batches of our own log that somebody has not yet signed, oldest first.
    waiting: VecDeque<Waiting>,
    times_to_final: VecDeque<Sample>,
    times_to_confirm: PerCloud<VecDeque<Sample>>,
    /// Final entries of all logs, once a second.
    finals: VecDeque<(Instant, u64)>,
    series: VecDeque<(Timestamp, f64)>,
    step_began: Option<(Instant, u64)>,
    behind: PerCloud<VecDeque<u64>>,
    heard: PerCloud<Heard>,
    own_load: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    load: Option<f64>,
    at: Option<Timestamp>,
    reachable: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    end: u64,
    events: u32,
    arrived: Instant,
    stored: Instant,
    is_final: bool,
    confirmed: PerCloud<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    ms: f64,
    events: u32,
}

impl FigureBook {
    fn with<T>(&self, act: impl FnOnce(&mut Book) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new log begins: batches of the last one are not timed any more.
    pub(super) fn begin_log(&self) {
        self.with(|book| book.waiting.clear());
    }

    /// A batch of our own log is durable here.
    pub(super) fn stored(&self, end: u64, events: usize, arrived: Instant) {
        let waiting = Waiting {
            end,
            events: u32::try_from(events).unwrap_or(u32::MAX),
            arrived,
            stored: Instant::now(),
            is_final: false,
            confirmed: PerCloud::default(),
        };
        self.with(|book| {
            book.waiting.push_back(waiting);
            if book.waiting.len() > WAITING_BATCHES_MAX {
                book.waiting.pop_front();
            }
        });
    }

    /// Our own log is signed up to these sizes, and final up to that one.
    pub(super) fn signed(&self, signed: &PerCloud<u64>, final_size: u64) {
        let now = Instant::now();
        self.with(|book| {
            for waiting in &mut book.waiting {
                if !waiting.is_final && waiting.end <= final_size {
                    waiting.is_final = true;
                    book.times_to_final.push_back(waiting.sample(now, waiting.arrived));
                }
                for (cloud, size) in signed.iter() {
                    if !waiting.confirmed.get(cloud) && waiting.end <= *size {
                        *waiting.confirmed.get_mut(cloud) = true;
                        let sample = waiting.sample(now, waiting.stored);
                        book.times_to_confirm.get_mut(cloud).push_back(sample);
                    }
                }
            }
            let settled = |batch: &Waiting| batch.confirmed == PerCloud::from_fn(|_| true);
            while book.waiting.front().is_some_and(settled) {
                book.waiting.pop_front();
            }
        });
    }

    pub(super) fn heard(&self, from: Cloud, load: Option<f64>) {
        let at = Some(crate::now());
        self.with(|book| {
            let reachable = book.heard.get(from).reachable;
            *book.heard.get_mut(from) = Heard { load, at, reachable };
        });
    }

    pub(super) fn reached(&self, cloud: Cloud, reachable: bool) {
        self.with(|book| book.heard.get_mut(cloud).reachable = Some(reachable));
    }

    /// Whether the last message to each peer was answered; absent before the first.
    pub(super) fn reachable(&self) -> PerCloud<Option<bool>> {
        self.with(|book| book.heard.map(|_, heard| heard.reachable))
    }

    pub(super) fn own_load(&self) -> Option<f64> {
        self.with(|book| book.own_load)
    }

    pub(super) fn set_own_load(&self, load: f64) {
        self.with(|book| book.own_load = Some(load.clamp(0.0, 1.0)));
    }

    /// Once a second.
    pub(super) fn tick(&self, marks: &Watermarks) {
        let now = Instant::now();
        let finals = marks.finals();
        self.with(|book| {
            book.step(now, finals);
            book.finals.push_back((now, finals));
            let window = Duration::from_secs(u64::from(WINDOW_S));
            forget(&mut book.finals, |(at, _)| now - *at > window);
            forget(&mut book.times_to_final, |sample| now - sample.at > window);
            for cloud in Cloud::ALL {
                let samples = book.times_to_confirm.get_mut(cloud);
                forget(samples, |sample| now - sample.at > window);
                let behind = book.behind.get_mut(cloud);
                behind.push_back(behind_of(marks, cloud));
                let surplus = behind.len().saturating_sub(BEHIND_SAMPLES);
                behind.drain(..surplus);
            }
        });
    }

    pub(super) fn read(&self, me: Cloud, marks: &Watermarks) -> Figures {
        self.with(|book| Figures {
            window_s: WINDOW_S,
            final_per_s: book.final_per_s(),
            time_to_final_p50_ms: quantile(&book.times_to_final, 0.50),
            time_to_final_p99_ms: quantile(&book.times_to_final, 0.99),
            series: book.series.iter().copied().collect(),
            step_ms: STEP_MS,
            clouds: PerCloud::from_fn(|cloud| book.cloud(cloud, me, marks)),
        })
    }
}

impl Waiting {
    fn sample(&self, now: Instant, since: Instant) -> Sample {
        Sample { at: now, ms: (now - since).as_secs_f64() * 1000.0, events: self.events }
    }
}

impl Book {
    fn step(&mut self, now: Instant, finals: u64) {
        let Some((began, before)) = self.step_began else {
            self.step_began = Some((now, finals));
            return;
        };
        let passed = now - began;
        if passed < Duration::from_millis(u64::from(STEP_MS) - 500) {
            return;
        }
        self.series.push_back((crate::now(), rate(finals.saturating_sub(before), passed)));
        let surplus = self.series.len().saturating_sub(SERIES_POINTS);
        self.series.drain(..surplus);
        self.step_began = Some((now, finals));
    }

    fn final_per_s(&self) -> f64 {
        match (self.finals.front(), self.finals.back()) {
            (Some((first, from)), Some((last, to))) => {
                rate(to.saturating_sub(*from), *last - *first)
            }
            _ => 0.0,
        }
    }

    fn cloud(&self, cloud: Cloud, me: Cloud, marks: &Watermarks) -> CloudFigures {
        let heard = self.heard.get(cloud);
        let own = cloud == me;
        CloudFigures {
            behind: behind_of(marks, cloud),
            behind_history: self.behind.get(cloud).iter().copied().collect(),
            confirms_p50_ms: quantile(self.times_to_confirm.get(cloud), 0.50).filter(|_| !own),
            load: if own { self.own_load } else { heard.load },
            heard_at: heard.at,
            reachable: if own { Some(true) } else { heard.reachable },
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(count: u64, over: Duration) -> f64 {
    if over.is_zero() { 0.0 } else { count as f64 / over.as_secs_f64() }
}

fn behind_of(marks: &Watermarks, cloud: Cloud) -> u64 {
    let behind = |view: &LogView| {
        let end = view.closing.map_or(view.head.size, |closing| closing.size.min(view.head.size));
        end.saturating_sub(*view.signed.clouds.get(cloud))
    };
    marks.views().map(behind).sum()
}

fn forget<T>(samples: &mut VecDeque<T>, is_old: impl Fn(&T) -> bool) {
    while samples.front().is_some_and(&is_old) {
        samples.pop_front();
    }
}

/// The smallest time that at least this share of events did not exceed.
fn quantile(samples: &VecDeque<Sample>, share: f64) -> Option<f64> {
    let mut sorted: Vec<&Sample> = samples.iter().collect();
    sorted.sort_by(|a, b| a.ms.total_cmp(&b.ms));
    let total: f64 = sorted.iter().map(|sample| f64::from(sample.events)).sum();
    let mut covered = 0.0;
    sorted.into_iter().find_map(|sample| {
        covered += f64::from(sample.events);
        (covered >= share * total).then_some(sample.ms)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(times: &[(f64, u32)]) -> VecDeque<Sample> {
        let at = Instant::now();
        times.iter().map(|(ms, events)| Sample { at, ms: *ms, events: *events }).collect()
    }

    #[test]
    fn quantiles_weigh_batches_by_their_events() {
        assert_eq!(quantile(&samples(&[]), 0.5), None);
        assert_eq!(quantile(&samples(&[(9.0, 1), (2.0, 98), (5.0, 1)]), 0.5), Some(2.0));
        assert_eq!(quantile(&samples(&[(9.0, 1), (2.0, 98), (5.0, 1)]), 0.99), Some(5.0));
    }

    #[test]
    fn a_batch_is_timed_once_for_finality_and_once_for_each_cloud() {
        let book = FigureBook::default();
        book.stored(10, 10, Instant::now());
        book.signed(&PerCloud { gcp: 10, aws: 10, azure: 0 }, 10);
        book.signed(&PerCloud { gcp: 10, aws: 10, azure: 10 }, 10);
        book.with(|book| {
            assert!(book.waiting.is_empty());
            assert_eq!(book.times_to_final.len(), 1);
            assert_eq!(book.times_to_confirm.azure.len(), 1);
        });
    }
}
