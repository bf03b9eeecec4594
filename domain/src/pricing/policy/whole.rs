//! The policy as readers are shown it: with the parts that its stored form leaves out.

use serde_json::Value;

use super::Policy;

impl Policy {
    /// Every part with the values in force, the standard ones too. For reading only: hashes and
    /// events are over the form that leaves these out.
    #[must_use]
    pub fn whole(&self) -> Value {
        // Decimals and names only: it always serializes.
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        whole["lockedUntil"] = serde_json::to_value(&self.locked_until).unwrap_or_default();
        whole["watch"] = serde_json::to_value(self.watch).unwrap_or_default();
        whole["foresight"] = serde_json::to_value(self.foresight).unwrap_or_default();
        whole
    }
}
