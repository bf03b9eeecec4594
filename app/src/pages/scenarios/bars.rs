//! Bars that depart from a middle: what moves the profit most, and what moved it here.

use domain::economics::study::{Board, Lever};
use leptos::prelude::*;
use plotters::prelude::*;

use super::desk::Desk;
use super::words::{input, lever, usd, usd_more};
use crate::components::plot::{Paint, Picture};

/// One row: from where to where, and which way is good.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    /// Pieces as (from, to, paint).
    pieces: Vec<(f64, f64, Paint)>,
    said: String,
}

/// Rows over each other, on one axis that has `middle`.
fn picture(rows: &[Row], middle: f64) -> String {
    let ends = rows.iter().flat_map(|row| row.pieces.iter().flat_map(|(from, to, _)| [*from, *to]));
    let (low, high) = ends
        .chain([middle])
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
    let room = ((high - low) * 0.02).max(1e-9);
    let count = i32::try_from(rows.len()).unwrap_or(i32::MAX).max(1);
    let drawn = Picture::new(1_200, 400).draw(|root| {
        let axis = (low - room)..(high + room);
        let mut plot = ChartBuilder::on(root).build_cartesian_2d(axis, 0.0..f64::from(count))?;
        let line = [(middle, 0.0), (middle, f64::from(count))];
        plot.draw_series(LineSeries::new(line, &Paint::Axis.marker()))?;
        let rectangles = rows.iter().zip(0..count).flat_map(|(row, at)| {
            // The first row is at the top.
            let foot = f64::from(count - 1 - at) + 0.28;
            let face = move |(from, to, paint): &(f64, f64, Paint)| {
                Rectangle::new([(*from, foot), (*to, foot + 0.44)], paint.fill())
            };
            row.pieces.iter().map(face)
        });
        plot.draw_series(rectangles)?;
        Ok(())
    });
    drawn.unwrap_or_default()
}

#[component]
fn Bars(title: String, about: String, rows: Vec<Row>, middle: f64) -> impl IntoView {
    let svg = picture(&rows, middle);
    let names = rows.iter().map(|row| view! { <li>{row.name.clone()}</li> }).collect_view();
    let said = rows.iter().map(|row| {
        let name = format!("{}: ", row.name);
        view! { <li class="mono"><span class="visually-hidden">{name}</span>{row.said.clone()}</li> }
    });
    let said = said.collect_view();
    view! {
        <figure class="card bars" aria-label=title.clone()>
            <figcaption class="card-title">{title.clone()}</figcaption>
            <div class="bars-field">
                <ul class="bars-names" aria-hidden="true">{names}</ul>
                <div class="bars-drawing" inner_html=svg></div>
                <ul class="bars-said">{said}</ul>
            </div>
            <p class="muted">{about}</p>
        </figure>
    }
    .into_any()
}

fn tornado(board: &Board) -> (Vec<Row>, f64) {
    let base = board.tornado.base;
    let bar = |bar: &domain::economics::tornado::Bar| {
        let piece = |to: f64| {
            let paint = if to >= base { Paint::Good } else { Paint::Bad };
            (base.min(to), base.max(to), paint)
        };
        Row {
            name: input(&bar.name),
            pieces: vec![piece(bar.low), piece(bar.high)],
            said: format!("{} to {}", usd(bar.low.min(bar.high)), usd(bar.low.max(bar.high))),
        }
    };
    (board.tornado.bars.iter().map(bar).collect(), base)
}

#[component]
pub(super) fn TornadoChart() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let (rows, base) = tornado(&desk.board.read());
        let about = format!(
            "The profit with one input at its 10 % and at its 90 % quantile, the others as usual: {} then.",
            usd(base)
        );
        view! { <Bars title="What moves the profit".to_owned() about rows middle=base /> }
    }
}

fn bridge(board: &Board) -> Vec<Row> {
    let from = board.bridge_from;
    let mut at = from;
    let whole = |name: &str, amount| Row {
        name: name.to_owned(),
        pieces: vec![(0.0_f64.min(amount), 0.0_f64.max(amount), Paint::Before)],
        said: usd(amount),
    };
    let mut rows = vec![whole("Base", from)];
    for (kind, part) in &board.bridge {
        let part = *part;
        let paint = if part >= 0.0 { Paint::Good } else { Paint::Bad };
        rows.push(Row {
            name: lever(*kind).to_owned(),
            pieces: vec![(at.min(at + part), at.max(at + part), paint)],
            said: usd_more(part),
        });
        at += part;
    }
    rows.push(whole("Scenario", board.bridge_to));
    rows
}

#[component]
pub(super) fn BridgeChart() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let board = desk.board.read();
        if board.columns.get(1).is_none_or(|it| it.changes.is_still()) {
            return view! {
                <section class="card bars" aria-label="From base to scenario">
                    <h2 class="card-title">"From base to scenario"</h2>
                    <p class="muted">"Move a lever: this shows which of them changed the profit by how much."</p>
                </section>
            }
            .into_any();
        }
        let late = board.bridge.iter().any(|(kind, part)| *kind == Lever::Latency && *part == 0.0);
        let none =
            if late { " No region’s latency reaches its next step of what is owed." } else { "" };
        let about = format!(
            "All inputs as usual. Each part is the mean over all orders in which the levers could have moved, so the parts sum exactly: {} becomes {}.{none}",
            usd(board.bridge_from),
            usd(board.bridge_to),
        );
        let rows = bridge(&board);
        view! { <Bars title="From base to scenario".to_owned() about rows middle=0.0 /> }.into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_their_order_and_have_classes_only() {
        let row = |name: &str, from, to, paint| Row {
            name: name.to_owned(),
            pieces: vec![(from, to, paint)],
            said: String::new(),
        };
        let rows = [row("a", 1.0, 5.0, Paint::Good), row("b", -2.0, 1.0, Paint::Bad)];
        let svg = picture(&rows, 1.0);
        let (good, bad) = (svg.find("plot-good"), svg.find("plot-bad"));
        assert!(good.is_some() && good < bad, "{svg}");
        assert!(!svg.contains('#'), "{svg}");
    }
}
