//! What can be wrong with an economic question: each error says what, where, and what to do.

use crate::economics::token_cost::ModelKey;

/// Why a question about costs, prices or margins has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EconomicsError {
    /// A negative price, a probability of 1.2, a number that is no number.
    #[error("{what} is {value}; it must be {must}")]
    OutOfRange { what: &'static str, value: String, must: &'static str },
    /// Two inputs that do not fit each other.
    #[error("{what} {problem}")]
    Inconsistent { what: &'static str, problem: &'static str },
    #[error("{what}: {count} given, at least {min} needed")]
    TooFew { what: &'static str, count: usize, min: usize },
    #[error("{what}: {count} given, at most {max}: {reason}")]
    TooMany { what: &'static str, count: usize, max: usize, reason: &'static str },
    /// Used, but without a provider price. Never counted as cost 0.
    #[error("no provider price for {}; add it to the price map", list(.0))]
    Unpriced(Vec<ModelKey>),
    /// A portfolio or scenario names something that nothing else describes.
    #[error("there is no {what} called \"{name}\"; add it, or correct the name")]
    Unknown { what: &'static str, name: String },
    #[error("{what} does not fit a decimal of 28 digits; check the units")]
    Overflow { what: &'static str },
    #[error("block {given} came where block {expected} is next; hand blocks in by number")]
    BlockOutOfOrder { given: usize, expected: usize },
}

/// How many names an error message lists before it counts the rest.
const NAMES_LISTED: usize = 5;

fn list(models: &[ModelKey]) -> String {
    let names: Vec<String> = models.iter().take(NAMES_LISTED).map(ToString::to_string).collect();
    let more = models.len().saturating_sub(NAMES_LISTED);
    let tail = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{tail}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_first_unpriced_models_and_counts_the_rest() {
        let model = |n: usize| ModelKey { provider: "azure".into(), model: format!("m{n}") };
        let one = EconomicsError::Unpriced(vec![model(1)]);
        assert_eq!(one.to_string(), "no provider price for azure/m1; add it to the price map");
        let many = EconomicsError::Unpriced((0..7).map(model).collect());
        assert!(many.to_string().contains("azure/m4 and 2 more;"), "{many}");
    }
}
