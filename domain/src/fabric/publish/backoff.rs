//! How long to wait when a provider asks for patience: twice as long each time, up to a limit, and at
//! least as long as it says.

/// Route 53 takes five requests a second of an account; one change may take a minute to settle.
const FIRST_MS: u64 = 1_000;
const LONGEST_MS: u64 = 60_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It went well.
    pub const fn settle(&mut self) {
        self.failures = 0;
    }

    /// It did not. `asked_ms`: what the provider wants us to wait, if it says so.
    pub fn fail(&mut self, asked_ms: Option<u64>) -> u64 {
        let own = FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        own.max(asked_ms.unwrap_or(0).min(LONGEST_MS * 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_respect_what_is_asked() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8).map(|_| backoff.fail(None)).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        backoff.settle();
        assert_eq!(backoff.fail(Some(5_000)), 5_000);
        assert_eq!(backoff.fail(None), 2_000);
    }
}
