//! Figures as controllers read them.

use domain::economics::scenario::Scenario;
use domain::economics::study::{Figure, Lever};
use rust_decimal::Decimal;

use crate::backend::LeverKind;

/// `39.4 %`, with the sign of typography.
pub(super) fn share(part: f64) -> String {
    if !part.is_finite() {
        return "–".to_owned();
    }
    signed(&format!("{:.1} %", part * 100.0))
}

/// [`share`] with its sign: a change.
pub(super) fn share_more(part: f64) -> String {
    plus(part, share(part))
}

/// `+4.4 pt`: a difference of two shares.
pub(super) fn points(difference: f64) -> String {
    plus(difference, signed(&format!("{:.1} pt", difference * 100.0)))
}

/// `$412 k`: dollars to three or four digits.
pub(super) fn usd(amount: f64) -> String {
    const STEPS: [(f64, &str); 3] = [(1e9, " bn"), (1e6, " M"), (1e3, " k")];
    let size = amount.abs();
    let sign = if amount < 0.0 { "−" } else { "" };
    let step = STEPS.iter().find(|(unit, _)| size >= *unit * 0.9995);
    let (value, unit) = step.map_or((size, ""), |(by, unit)| (size / by, *unit));
    let decimals = match value {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    };
    format!("{sign}${value:.decimals$}{unit}")
}

/// [`usd`] with its sign: a difference.
pub(super) fn usd_more(difference: f64) -> String {
    plus(difference, usd(difference))
}

fn signed(text: &str) -> String {
    // What rounds to nothing has no sign.
    let is_nothing = !text.chars().any(|letter| ('1'..='9').contains(&letter));
    text.replace('-', if is_nothing { "" } else { "−" })
}

fn plus(difference: f64, text: String) -> String {
    if difference > 0.0 { format!("+{text}") } else { text }
}

/// Percent with a sign, as a lever stands: `+30 %`.
pub(super) fn lever_percent(percent: Decimal) -> String {
    let text = signed(&format!("{} %", percent.normalize()));
    if percent > Decimal::ZERO { format!("+{text}") } else { text }
}

/// How far a drawn figure may be off, in its own unit.
pub(super) fn standard_error(figure: &Figure, unit: fn(f64) -> String) -> String {
    figure.standard_error.map_or_else(|| "none".to_owned(), unit)
}

pub(super) const fn lever(lever: Lever) -> &'static str {
    match lever {
        Lever::Cost => "Provider cost",
        Lever::Latency => "Latency",
        Lever::Price => "Our price",
        Lever::LatencyPenalty => "Owed for latency",
        Lever::Usage => "Usage",
        Lever::Routing => "Routing",
    }
}

/// A bar of the tornado, by the engine's name of its input.
pub(super) fn input(name: &str) -> String {
    match name {
        "cost" => "Unit cost",
        "usage" => "Usage",
        "latency" => "Latency",
        "downtime" => "Downtime",
        "elasticity" => "Answer to our price (assumed)",
        other => other,
    }
    .to_owned()
}

/// What a scenario changes, in one line.
pub(super) fn summary(changes: &Scenario) -> String {
    let mut parts = Vec::new();
    for kind in LeverKind::ALL {
        for (name, percent) in kind.percents(changes) {
            parts.push(match kind {
                LeverKind::Cost => format!("{name} cost {}", lever_percent(percent)),
                LeverKind::Latency => format!("{name} latency {}", lever_percent(percent)),
                LeverKind::Price => format!("{name} price {}", lever_percent(percent)),
                LeverKind::TenantPrice => format!("{name}’s price {}", lever_percent(percent)),
                LeverKind::Usage => format!("{name} usage {}", lever_percent(percent)),
                LeverKind::Owed => format!("{name} owed {percent} % for latency"),
                LeverKind::Route => format!("{percent} % of traffic to {name}"),
            });
        }
    }
    if parts.is_empty() { "Nothing is changed".to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_keep_three_digits_and_their_sign() {
        for (amount, text) in [
            (412_345.0, "$412 k"),
            (-56_000.0, "−$56.0 k"),
            (1_234_567.0, "$1.23 M"),
            (999_960.0, "$1.00 M"),
            (12.3, "$12.3"),
            (0.0, "$0.00"),
        ] {
            assert_eq!(usd(amount), text);
        }
        assert_eq!(usd_more(10.0), "+$10.0");
    }

    #[test]
    fn shares_and_points_have_one_decimal() {
        assert_eq!(share(0.3941), "39.4 %");
        assert_eq!(share(-0.02), "−2.0 %");
        assert_eq!(share(-0.000_01), "0.0 %");
        assert_eq!(points(-0.044), "−4.4 pt");
        assert_eq!(points(0.165), "+16.5 pt");
        assert_eq!(share(f64::NAN), "–");
    }
}
