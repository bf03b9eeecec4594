//! Scenarios beside each other, on the same draws.

use domain::economics::study::Column;
use leptos::prelude::*;

use super::desk::Desk;
use super::words::{share, summary, usd};
use crate::components::table::{Cell, DataTable, TableRow};

/// The figures of a scenario, by name.
fn figures(of: &Column) -> [(&'static str, String); 7] {
    let margin = |at: usize| of.margin.map_or_else(|| "–".to_owned(), |it| share(it[at]));
    let profit = |at: usize| usd(of.profit_usd[at]);
    [
        ("Margin, P5", margin(0)),
        ("Margin, P50", margin(1)),
        ("Margin, P95", margin(2)),
        ("P(margin < floor)", margin(3)),
        ("Profit, P5", profit(0)),
        ("Profit, P50", profit(1)),
        ("Profit, P95", profit(2)),
    ]
}

fn name(column: &Column) -> Cell {
    match column.name.as_str() {
        "" => Cell::from("Base".to_owned()),
        name => Cell::from(name.to_owned()).about(summary(&column.changes)),
    }
}

/// Nothing while there is nothing to compare with.
#[component]
pub(super) fn Beside() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        let board = desk.board.read();
        if board.columns.len() < 3 {
            return ().into_any();
        }
        let head = [Cell::from("Figure".to_owned())];
        let head = head.into_iter().chain(board.columns.iter().map(name)).collect();
        let columns: Vec<_> = board.columns.iter().map(figures).collect();
        let row = |at: usize| {
            let name = columns.first().map_or("", |it| it[at].0);
            let cells = columns.iter().map(|it| Cell::from(it[at].1.clone()));
            TableRow::Cells([Cell::from(name.to_owned())].into_iter().chain(cells).collect())
        };
        let rows = (0..7).map(row).collect();
        view! {
            <section class="card beside" aria-labelledby="beside-title">
                <h2 class="card-title" id="beside-title">"Beside each other"</h2>
                <DataTable label="Scenarios beside each other".to_owned() head rows />
                <p class="muted">"On the same draws, so that differences are not noise."</p>
            </section>
        }
        .into_any()
    }
}
