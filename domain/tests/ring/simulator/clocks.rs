//! Wall clocks that jump, and the logical clocks that must not.

use domain::clock::{HybridClock, LogicalClock, REMOTE_AHEAD_MS_MAX};

/// A tick of the simulation, in milliseconds.
const TICK_MS: u64 = 20;
/// Ticks before the story begins, so that clocks can jump back.
const LONG_AGO: u64 = 10_000_000;
const HOUR_MS: u64 = 3_600_000;

#[derive(Debug, Default)]
pub struct Watch {
    clock: HybridClock,
    last: LogicalClock,
    /// How far this wall clock is off.
    ahead_ms: i64,
    latest_wall_ms: u64,
}

impl Watch {
    fn wall_ms(&mut self, now: u64) -> u64 {
        let true_ms = (LONG_AGO + now) * TICK_MS;
        let wall_ms = true_ms.saturating_add_signed(self.ahead_ms);
        self.latest_wall_ms = self.latest_wall_ms.max(wall_ms);
        wall_ms
    }

    /// The wall clock is set, by somebody or something.
    pub fn jump(&mut self, ahead_ms: i64) {
        self.ahead_ms = ahead_ms;
    }

    /// What was last recorded is in the log, so the clock goes on after it.
    pub fn restart(&mut self) {
        self.clock = HybridClock::resume(self.last);
    }

    pub fn tick(&mut self, now: u64) -> LogicalClock {
        let wall_ms = self.wall_ms(now);
        let reading = self.clock.tick(wall_ms);
        assert!(reading > self.last, "a logical clock went back or stood still");
        let limit = self.latest_wall_ms + REMOTE_AHEAD_MS_MAX.unsigned_abs() + 1;
        assert!(reading.ms <= limit, "a stranger's clock moved ours");
        self.last = reading;
        reading
    }

    /// Takes note of another clock; false if it is too far ahead.
    pub fn observe(&mut self, remote: LogicalClock, now: u64) -> bool {
        let wall_ms = self.wall_ms(now);
        let heeded = self.clock.observe(remote, wall_ms);
        if heeded {
            assert!(self.tick(now) > remote, "what comes after has an earlier clock");
        }
        heeded
    }

    pub fn lie(&mut self, now: u64, hours: u64) -> LogicalClock {
        LogicalClock { ms: self.wall_ms(now) + hours * HOUR_MS, counter: u16::MAX }
    }
}
