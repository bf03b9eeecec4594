//! A margin by day: a small line, what it says in words, and its numbers.

use leptos::prelude::*;

use crate::backend::MarginDay;
use crate::format::counted;

/// Of the drawing, in its own units; the style sheet says how large it is.
const WIDTH: f64 = 96.0;
const HEIGHT: f64 = 24.0;
/// Between the line and the edge, so that its stroke is whole.
const EDGE: f64 = 2.0;
/// Lowest height of the scale: a margin that hardly moves shall look so.
const SCALE_MIN: f64 = 0.05;

#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(super) fn Trend(tenant: String, days: Vec<MarginDay>) -> impl IntoView {
    let margins: Vec<f64> = days.iter().map(|day| day.margin).collect();
    let Some(words) = words(&margins) else {
        return view! { <span class="muted">"no day yet"</span> }.into_any();
    };
    let label = format!("Margin of {tenant} by day: {words}");
    let each: Vec<String> =
        days.iter().map(|day| format!("{} {}", day.day, percent(day.margin))).collect();
    view! {
        <svg class="trend" viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="img" aria-label=label>
            <polyline points=points(&margins) />
        </svg>
        <details class="trend-days">
            <summary>{counted(u64::try_from(days.len()).unwrap_or(u64::MAX), "day", "days")}</summary>
            <p class="mono">{each.join(", ")}</p>
        </details>
    }
    .into_any()
}

fn ends(margins: &[f64]) -> Option<(f64, f64)> {
    let low = margins.iter().copied().reduce(f64::min)?;
    let high = margins.iter().copied().reduce(f64::max)?;
    Some((low, high))
}

/// `from 31.2 % to 33.0 %, at least 30.9 % and at most 33.4 %`.
fn words(margins: &[f64]) -> Option<String> {
    let (low, high) = ends(margins)?;
    let (first, last) = (margins.first()?, margins.last()?);
    Some(format!(
        "from {} to {}, at least {} and at most {}",
        percent(*first),
        percent(*last),
        percent(low),
        percent(high)
    ))
}

fn percent(share: f64) -> String {
    let sign = if share < 0.0 { "−" } else { "" };
    format!("{sign}{:.1} %", 100.0 * share.abs())
}

/// The corners of the line. A single day is a line across.
fn points(margins: &[f64]) -> String {
    let Some((low, high)) = ends(margins) else { return String::new() };
    let height = (high - low).max(SCALE_MIN);
    let base = f64::midpoint(low, high) - height / 2.0;
    let whole: Vec<f64> = if let [one] = margins { vec![*one, *one] } else { margins.to_vec() };
    let last = whole.len().saturating_sub(1).max(1);
    #[expect(clippy::cast_precision_loss, reason = "days of a year")]
    let step = (WIDTH - 2.0 * EDGE) / last as f64;
    let mut x = EDGE;
    let corners = whole.iter().map(|margin| {
        let y = HEIGHT - EDGE - (margin - base) / height * (HEIGHT - 2.0 * EDGE);
        let corner = format!("{x:.1},{y:.1}");
        x += step;
        corner
    });
    corners.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_edge_to_edge_and_a_higher_margin_is_higher() {
        assert_eq!(points(&[0.3, 0.4]), "2.0,22.0 94.0,2.0");
        assert_eq!(points(&[0.3]), "2.0,12.0 94.0,12.0");
        assert_eq!(points(&[]), "");
        // Half a point of margin is not drawn as a leap.
        assert_eq!(points(&[0.3, 0.305]), "2.0,13.0 94.0,11.0");
    }

    #[test]
    fn a_trend_is_told_by_its_ends_and_its_extremes() {
        let told = words(&[0.31, -0.02, 0.4, 0.33]).expect("some days");
        assert_eq!(told, "from 31.0 % to 33.0 %, at least −2.0 % and at most 40.0 %");
        assert_eq!(words(&[]), None);
    }
}
