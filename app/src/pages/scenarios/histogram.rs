//! How the portfolio's margin is distributed: the levers' draws over the base's, and the floor.

use domain::economics::sample::Histogram;
use domain::economics::study::{Distribution, Glance};
use leptos::prelude::*;
use plotters::prelude::*;

use super::desk::Desk;
use super::words::{share, standard_error, usd};
use crate::components::plot::{Paint, Picture};
use crate::components::table::{Cell, DataTable, TableRow};

/// How far the axis reaches beyond P5 and P95, in parts of the way from there to P50.
const MARGIN: f64 = 1.6;
/// Steps of the axis: 0.05 is five points of margin.
const STEPS: [f64; 6] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const LABELS_MAX: f64 = 9.0;

/// From where to where the axis goes, and its step.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// Wide enough for both, and for the floor if it is near.
    fn of(spreads: [&Distribution; 2], floor: f64) -> Self {
        let ends = spreads.map(|it| {
            let (p5, p50, p95) = (it.p5.value, it.p50.value, it.p95.value);
            (p5 - MARGIN * (p50 - p5), p95 + MARGIN * (p95 - p50))
        });
        let mut low = ends[0].0.min(ends[1].0);
        let mut high = ends[0].1.max(ends[1].1).min(1.0);
        let width = (high - low).max(0.02);
        if floor > low - width && floor < high + width {
            low = low.min(floor - width * 0.05);
            high = high.max(floor + width * 0.05);
        }
        // All draws alike have no width of their own.
        let least = (0.02 - (high - low)).max(0.0) / 2.0;
        (low, high) = (low - least, high + least);
        let width = high - low;
        let fits = |step: &&f64| width / **step <= LABELS_MAX;
        let step = STEPS.iter().find(fits).copied().unwrap_or(width / LABELS_MAX);
        Axis { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// In percent of the width.
    fn place(self, value: f64) -> f64 {
        100.0 * ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn labels(self) -> Vec<f64> {
        let mut labels = Vec::new();
        let mut at = self.low;
        while at <= self.high + self.step / 2.0 {
            labels.push(at);
            at += self.step;
        }
        labels
    }
}

/// Bars as (from, to, draws a unit of margin): two histograms of other widths compare by area.
fn bars(histogram: &Histogram) -> Vec<(f64, f64, f64)> {
    let count = histogram.counts.len().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred bins of at most a million draws")]
    let width = (histogram.high - histogram.low).max(1e-9) / count as f64;
    let bar = |(at, draws): (usize, &usize)| {
        #[expect(clippy::cast_precision_loss, reason = "the same")]
        let (low, draws) = (histogram.low + width * at as f64, *draws as f64);
        (low, low + width, draws / width)
    };
    histogram.counts.iter().enumerate().map(bar).collect()
}

fn picture(now: &Histogram, base: &Histogram, axis: Axis, floor: f64) -> String {
    let (now, base) = (bars(now), bars(base));
    let top = now.iter().chain(&base).map(|(.., height)| *height).fold(0.0, f64::max) * 1.08;
    let drawn = Picture::new(2_400, 800).draw(|root| {
        let mut plot =
            ChartBuilder::on(root).build_cartesian_2d(axis.low..axis.high, 0.0..top.max(1e-9))?;
        plot.draw_series(base.iter().map(|bar| rectangle(*bar, Paint::Before)))?;
        // The bar that the floor cuts is two.
        let pieces = now.iter().flat_map(|(low, high, height)| {
            let cut = floor.clamp(*low, *high);
            [(*low, cut, *height, Paint::Bad), (cut, *high, *height, Paint::Good)]
        });
        let pieces = pieces.filter(|(low, high, ..)| high > low);
        plot.draw_series(
            pieces.map(|(low, high, height, paint)| rectangle((low, high, height), paint)),
        )?;
        Ok(())
    });
    drawn.unwrap_or_default()
}

fn rectangle((low, high, height): (f64, f64, f64), paint: Paint) -> Rectangle<(f64, f64)> {
    Rectangle::new([(low, 0.0), (high, height)], paint.fill())
}

#[component]
pub(super) fn MarginChart() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let (now, base) = (desk.now.read(), desk.base.read());
        match (&now.margin, &base.margin) {
            (Some(now), Some(base)) => {
                view! { <Chart now=now.clone() base=base.clone() /> }.into_any()
            }
            _ => view! {
                <section class="card" aria-label="Margins">
                    <p>"Without revenue there is no margin. The profit below still counts."</p>
                </section>
            }
            .into_any(),
        }
    }
}

#[component]
fn Chart(now: Distribution, base: Distribution) -> impl IntoView {
    let desk = expect_context::<Desk>();
    // Whatever leads here has read the figures, which come with the board.
    let (floor, draws) = desk.board.with_untracked(|it| (it.basis.floor, it.basis.draws));
    let axis = Axis::of([&now, &base], floor);
    let svg = match (&now.histogram, &base.histogram) {
        (Some(now), Some(base)) => picture(now, base, axis, floor),
        _ => String::new(),
    };
    let title =
        format!("Portfolio margin, {} draws; grey is the base", crate::format::count(draws as u64));
    let label = format!(
        "Distribution of the portfolio’s margin: P5 {}, P50 {}, P95 {}; base P50 {}; floor {}.",
        share(now.p5.value),
        share(now.p50.value),
        share(now.p95.value),
        share(base.p50.value),
        share(floor),
    );
    let marks = [("P5", now.p5.value), ("P50", now.p50.value), ("P95", now.p95.value)];
    view! {
        <figure class="card margin-chart" aria-label=label>
            <figcaption class="card-title">{title}</figcaption>
            <div class="margin-field">
                <div class="margin-drawing" inner_html=svg></div>
                <svg class="margin-marks" width="100%" height="100%" aria-hidden="true">
                    <Floor place=axis.place(floor) text=format!("floor {}", share(floor)) />
                    {marks.map(|(_, value)| view! { <Mark place=axis.place(value) /> }.into_any()).into_iter().collect_view()}
                </svg>
            </div>
            <svg class="margin-axis" width="100%" height="36" aria-hidden="true">
                {marks.map(|(name, value)| view! { <text class="margin-mark-text" x=format!("{:.2}%", axis.place(value)) y="13" text-anchor="middle">{name}</text> }.into_any()).into_iter().collect_view()}
                {axis.labels().into_iter().map(|at| view! { <Label place=axis.place(at) text=share(at).replace(".0 %", " %") /> }).collect_view()}
            </svg>
            <Table now base />
        </figure>
    }
    .into_any()
}

#[component]
fn Floor(place: f64, text: String) -> impl IntoView {
    let x = format!("{place:.2}%");
    // Beyond the middle there is more room to the left of the line.
    let (anchor, dx) = if place > 50.0 { ("end", "-6") } else { ("start", "6") };
    view! {
        <line class="margin-floor" x1=x.clone() x2=x.clone() y1="0" y2="100%" />
        <text class="margin-floor-text" x=x y="14" dx=dx text-anchor=anchor>{text}</text>
    }
}

#[component]
fn Mark(place: f64) -> impl IntoView {
    let x = format!("{place:.2}%");
    view! {
        <line class="margin-mark" x1=x.clone() x2=x y1="0" y2="100%" />
    }
}

#[component]
fn Label(place: f64, text: String) -> impl IntoView {
    let anchor = match place {
        place if place < 3.0 => "start",
        place if place > 97.0 => "end",
        _ => "middle",
    };
    view! { <text x=format!("{place:.2}%") y="30" text-anchor=anchor>{text}</text> }
}

/// The same as a table, with how sure each figure is.
#[component]
fn Table(now: Distribution, base: Distribution) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let profit_of = |it: &Glance| it.profit_usd.clone();
    let (profit, profit_base) =
        (desk.now.with_untracked(profit_of), desk.base.with_untracked(profit_of));
    let row = |(at, name): (usize, &str)| {
        let of = |it: &Distribution| [it.p5, it.p50, it.p95, it.mean][at];
        let error = standard_error(&of(&now), |it| format!("{:.2} pt", it * 100.0));
        TableRow::Cells(vec![
            Cell::from(name.to_owned()),
            Cell::from(share(of(&now).value)).about(format!("± {error}")),
            Cell::from(share(of(&base).value)).quiet(),
            Cell::from(usd(of(&profit).value))
                .about(format!("± {}", standard_error(&of(&profit), usd))),
            Cell::from(usd(of(&profit_base).value)).quiet(),
        ])
    };
    let rows = ["P5", "P50", "P95", "Mean"].into_iter().enumerate().map(row).collect();
    let head = ["Quantile", "Margin ± standard error", "Base", "Profit ± standard error", "Base"];
    let head = head.map(|name| Cell::from(name.to_owned())).into();
    view! {
        <details class="chart-table">
            <summary>"As a table"</summary>
            <DataTable label="Margin and profit".to_owned() head rows />
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::economics::study::Figure;

    fn spread(p5: f64, p50: f64, p95: f64) -> Distribution {
        let figure = |value| Figure { value, standard_error: None };
        Distribution {
            p5: figure(p5),
            p50: figure(p50),
            p95: figure(p95),
            mean: figure(p50),
            below_floor: None,
            histogram: None,
        }
    }

    #[test]
    fn the_axis_holds_both_distributions_and_a_floor_that_is_near() {
        let axis = Axis::of([&spread(0.3, 0.4, 0.5), &spread(0.4, 0.45, 0.5)], 0.35);
        assert!(axis.low < 0.3 && axis.high > 0.5, "{axis:?}");
        assert!(axis.labels().len() <= 12, "{axis:?}");
        let near = Axis::of([&spread(0.5, 0.52, 0.54), &spread(0.5, 0.52, 0.54)], 0.45);
        assert!(near.low < 0.45, "{near:?}");
        let far = Axis::of([&spread(0.9, 0.91, 0.92), &spread(0.9, 0.91, 0.92)], 0.1);
        assert!(far.low > 0.5, "{far:?}");
        assert!(far.high <= 1.0 + 1e-9, "{far:?}");
        // No cost at all: every draw has a margin of exactly 1.
        let alike = Axis::of([&spread(1.0, 1.0, 1.0), &spread(1.0, 1.0, 1.0)], 0.35);
        assert!(alike.place(1.0).is_finite() && alike.high > alike.low, "{alike:?}");
    }

    #[test]
    fn areas_compare_and_nothing_has_a_colour_of_its_own() {
        let histogram = Histogram { low: 0.2, high: 0.6, counts: vec![1, 3, 4, 2] };
        let heights: f64 = bars(&histogram).iter().map(|(low, high, h)| (high - low) * h).sum();
        assert!((heights - 10.0).abs() < 1e-9);
        let axis = Axis { low: 0.0, high: 1.0, step: 0.2 };
        let svg = picture(&histogram, &histogram, axis, 0.35);
        for class in ["plot-before", "plot-bad", "plot-good"] {
            assert!(svg.contains(class), "{class} in {svg}");
        }
        assert!(!svg.contains('#') && !svg.contains("style="), "{svg}");
    }
}
