//! Charts of what goes on: plotters draws mesh and series (see `plot`); the words around them are
//! ordinary elements.

use domain::clock::Timestamp;
use leptos::prelude::*;
use plotters::prelude::*;
use wasm_bindgen::JsCast;

use crate::backend::SeriesPoint;
use crate::components::plot::{Drawn, Paint, Picture, Root};
use crate::components::time::{Time, ZoneName};
use crate::format::{self, TimeShape};

const FIELD: Picture = Picture::new(2_400, 600);
const GRID_LINES: u32 = 4;

/// A ceiling that divides into four readable steps.
pub(crate) fn ceiling(highest: f64) -> f64 {
    let mut step = 1.0;
    loop {
        for factor in [1.0, 2.0, 2.5, 5.0] {
            let top = step * factor * f64::from(GRID_LINES);
            if top >= highest * 1.04 {
                return top;
            }
        }
        step *= 10.0;
    }
}

/// Area under a line, without axes. Empty when there is nothing to draw.
fn area_svg(values: &[f64], top: f64) -> String {
    FIELD.draw(|root| draw_area(root, values, top)).unwrap_or_default()
}

fn draw_area(root: &Root<'_>, values: &[f64], top: f64) -> Drawn {
    let last = values.len().saturating_sub(1).max(1);
    let mut plot = ChartBuilder::on(root).build_cartesian_2d(0..last, 0.0..top)?;
    for line in 0..=GRID_LINES {
        let y = top * f64::from(line) / f64::from(GRID_LINES);
        plot.draw_series(LineSeries::new([(0, y), (last, y)], &Paint::Grid.marker()))?;
    }
    let points = || values.iter().copied().enumerate();
    plot.draw_series(AreaSeries::new(points(), 0.0, Paint::Area.marker()))?;
    plot.draw_series(LineSeries::new(points(), &Paint::Line.marker()))?;
    Ok(())
}

/// Events made final per second over the last while, with axes in words and a table.
#[component]
pub(crate) fn RateChart(#[prop(into)] series: Signal<Vec<SeriesPoint>>) -> impl IntoView {
    let values = move || series.read().iter().map(|point| point.final_per_s).collect::<Vec<_>>();
    let top = Memo::new(move |_| ceiling(values().into_iter().fold(0.0, f64::max)));
    let svg = Memo::new(move |_| area_svg(&values(), top.get()));
    let pointed = RwSignal::new(None::<f64>);
    view! {
        <figure class="chart" aria-label=move || summary(&series.read())>
            <div class="chart-field">
                <div class="chart-scale" aria-hidden="true">
                    {move || scale(top.get()).into_iter().map(|label| view! { <span>{label}</span> }).collect_view()}
                </div>
                <div class="chart-plot" on:pointermove=move |event| pointed.set(pointed_share(&event)) on:pointerleave=move |_| pointed.set(None)>
                    <div class="chart-drawing" inner_html=move || svg.get()></div>
                    <Cursor series pointed top />
                </div>
            </div>
            <TimeAxis series />
            <RateTable series />
        </figure>
    }
}

/// Where the pointer is over the field, from 0 at the left to 1.
fn pointed_share(event: &web_sys::PointerEvent) -> Option<f64> {
    let field: web_sys::Element = event.current_target()?.dyn_into().ok()?;
    let place = field.get_bounding_client_rect();
    (place.width() > 0.0).then(|| (f64::from(event.client_x()) - place.left()) / place.width())
}

/// The point nearest to the pointer: a hair line, a dot, and its figures. The table below has the
/// same for everybody else.
#[component]
fn Cursor(
    series: Signal<Vec<SeriesPoint>>,
    pointed: RwSignal<Option<f64>>,
    top: Memo<f64>,
) -> impl IntoView {
    let found = Memo::new(move |_| {
        let series = series.read();
        let last = series.len().checked_sub(1)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place among a few hundred points"
        )]
        let at = (pointed.get()?.clamp(0.0, 1.0) * last as f64).round() as usize;
        #[expect(clippy::cast_precision_loss, reason = "a place among a few hundred points")]
        let x = 100.0 * at as f64 / last.max(1) as f64;
        let point = series.get(at)?;
        Some((x, 100.0 * (1.0 - point.final_per_s / top.get()), *point))
    });
    move || {
        found.get().map(|(x, y, point)| {
            let (x, y) = (format!("{x:.2}%"), format!("{y:.2}%"));
            view! {
                <svg class="chart-cursor" width="100%" height="100%" aria-hidden="true">
                    <line x1=x.clone() x2=x.clone() y1="0" y2="100%" />
                    <circle cx=x cy=y r="4" />
                </svg>
                <p class="chart-read">
                    <strong>{format::rate(point.final_per_s)}</strong> "/s at " <Time at=point.at shape=TimeShape::Second />
                </p>
            }
        })
    }
}

fn scale(top: f64) -> Vec<String> {
    (0..=GRID_LINES)
        .rev()
        .map(|line| format::rate(top * f64::from(line) / f64::from(GRID_LINES)))
        .collect()
}

/// What the picture shows, for those who do not see it.
fn summary(series: &[SeriesPoint]) -> String {
    let (Some(first), Some(last)) = (series.first(), series.last()) else {
        return "Events made final per second: nothing measured yet.".to_owned();
    };
    let values = series.iter().map(|point| point.final_per_s);
    let lowest = values.clone().fold(f64::INFINITY, f64::min);
    let highest = values.fold(0.0, f64::max);
    format!(
        "Events made final per second, {} to {} UTC: lowest {}, highest {}, latest {}.",
        format::clock(first.at, 0, TimeShape::Second),
        format::clock(last.at, 0, TimeShape::Second),
        format::rate(lowest),
        format::rate(highest),
        format::rate(last.final_per_s),
    )
}

/// Five instants under the field.
#[component]
fn TimeAxis(series: Signal<Vec<SeriesPoint>>) -> impl IntoView {
    const MARKS: usize = 5;
    let marks = move || {
        let series = series.read();
        let last = series.len().saturating_sub(1);
        (0..MARKS)
            .filter_map(|mark| series.get(last * mark / (MARKS - 1)))
            .map(|point| point.at)
            .fold(Vec::<Timestamp>::new(), |mut marks, at| {
                // A series of two points has two marks, not five.
                if marks.last() != Some(&at) {
                    marks.push(at);
                }
                marks
            })
    };
    let shape = move || {
        let marks = marks();
        let span = marks.last().zip(marks.first()).map_or(0, |(b, a)| b.unix_ms() - a.unix_ms());
        if span < 15 * 60_000 { TimeShape::Second } else { TimeShape::Minute }
    };
    view! {
        <div class="chart-times" aria-hidden="true">
            {move || {
                let shape = shape();
                marks()
                    .into_iter()
                    .map(|at| view! { <Time at=at shape=shape zone_in_heading=true /> })
                    .collect_view()
            }}
        </div>
    }
}

/// The same numbers as a table, thinned to what a person can read.
#[component]
fn RateTable(series: Signal<Vec<SeriesPoint>>) -> impl IntoView {
    const ROWS_MAX: usize = 30;
    let rows = move || {
        let series = series.read();
        let step = series.len().div_ceil(ROWS_MAX).max(1);
        series.iter().rev().step_by(step).copied().collect::<Vec<_>>()
    };
    let now = Signal::derive(move || {
        series.read().last().map_or(Timestamp::from_unix_ms(0), |point| point.at)
    });
    view! {
        <details class="chart-table">
            <summary>"As a table"</summary>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Events made final per second, as a table">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Time, " <ZoneName at=now /></th>
                            <th scope="col" class="number">"Final per second"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || {
                            rows()
                                .into_iter()
                                .map(|point| {
                                    view! {
                                        <tr>
                                            <td><Time at=point.at shape=TimeShape::Second zone_in_heading=true /></td>
                                            <td class="number">{format::rate(point.final_per_s)}</td>
                                        </tr>
                                    }
                                })
                                .collect_view()
                        }}
                    </tbody>
                </table>
            </div>
        </details>
    }
}

/// A line of the last values, beside the figure that it explains. The line fills its height only
/// when a value reaches `full`: what is small must look small.
#[component]
pub(crate) fn Sparkline(#[prop(into)] values: Signal<Vec<u64>>, full: u64) -> impl IntoView {
    view! {
        <svg class="spark" viewBox="0 0 96 24" width="96" height="24" preserveAspectRatio="none" aria-hidden="true">
            <path d=move || spark_path(&values.read(), full) />
        </svg>
    }
}

/// Flat at the foot when all values are zero.
fn spark_path(values: &[u64], full: u64) -> String {
    let highest = values.iter().copied().max().unwrap_or(0).max(full).max(1);
    let last = values.len().saturating_sub(1).max(1);
    let mut path = String::new();
    for (at, value) in values.iter().enumerate() {
        let x = at * 960 / last;
        // Tenths of a unit, from 22 at the foot to 2 at the top.
        let y = 220 - u64::min(value.saturating_mul(200) / highest, 200);
        let verb = if at == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{verb}{}.{} {}.{}", x / 10, x % 10, y / 10, y % 10));
    }
    path
}

/// A share of one, as a bar with its number.
#[component]
pub(crate) fn Meter(
    #[prop(into)] share: Signal<Option<f64>>,
    label: &'static str,
) -> impl IntoView {
    let width = move || format!("{:.1}", share.get().unwrap_or(0.0).clamp(0.0, 1.0) * 100.0);
    view! {
        <span class="meter">
            <svg class="meter-bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img"
                aria-label=move || share.get().map_or_else(|| format!("{label} unknown"), |share| format!("{label} {}", format::percent(share)))>
                <rect class="meter-rail" width="100" height="4" />
                <rect class="meter-fill" width=width height="4" />
            </svg>
            <span class="meter-number" aria-hidden="true">
                {move || share.get().map_or_else(|| "–".to_owned(), format::percent)}
            </span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_divides_into_readable_steps_and_holds_the_highest_value() {
        for (highest, top) in
            [(0.0, 4.0), (3.0, 4.0), (412.0, 800.0), (96.0, 100.0), (1_900.0, 2_000.0)]
        {
            assert!((ceiling(highest) - top).abs() < 1e-9, "{highest}: {}", ceiling(highest));
        }
    }

    #[test]
    fn a_chart_has_classes_and_no_colours_of_its_own() {
        let svg = area_svg(&[1.0, 3.0, 2.0], 4.0);
        for class in ["plot-line", "plot-area", "plot-grid"] {
            assert!(svg.contains(class), "{class} in {svg}");
        }
        assert!(!svg.contains('#') && !svg.contains("style="), "{svg}");
    }

    #[test]
    fn a_sparkline_lies_at_the_foot_until_a_value_is_worth_seeing() {
        assert_eq!(spark_path(&[0, 0], 5), "M0.0 22.0L96.0 22.0");
        assert_eq!(spark_path(&[0, 5], 5), "M0.0 22.0L96.0 2.0");
        assert_eq!(spark_path(&[0, 5], 50), "M0.0 22.0L96.0 20.0");
        assert_eq!(spark_path(&[], 5), "");
    }
}
