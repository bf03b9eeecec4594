//! A table of texts: one way to draw it, whatever is in it.

use leptos::prelude::*;
use leptos_router::components::A;

/// What stands in a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// Smaller, under it.
    pub(crate) about: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) quiet: bool,
}

/// A row under a heading of its own, or under the row before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TableRow {
    Heading(String),
    /// The first cell names the row, and the others are numbers.
    Cells(Vec<Cell>),
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, ..Cell::default() }
    }
}

impl Cell {
    pub(crate) fn about(self, about: String) -> Cell {
        Cell { about: Some(about), ..self }
    }

    pub(crate) fn link(self, link: String) -> Cell {
        Cell { link: Some(link), ..self }
    }

    pub(crate) fn quiet(self) -> Cell {
        Cell { quiet: true, ..self }
    }
}

/// `label`: what the table is, for those who do not see it. `cards`: on a phone each row becomes a card
/// whose cells carry their column's name.
#[component]
pub(crate) fn DataTable(
    label: String,
    head: Vec<Cell>,
    rows: Vec<TableRow>,
    #[prop(optional)] cards: bool,
) -> impl IntoView {
    let columns = head.len().to_string();
    let names: Vec<String> = head.iter().map(|cell| cell.text.clone()).collect();
    let head = head.into_iter().enumerate().map(|(at, cell)| {
        view! { <th scope="col" class:number={at > 0}>{content(cell)}</th> }.into_any()
    });
    let rows = rows.into_iter().map(|row| match row {
        TableRow::Heading(text) => view! {
            <tr class="table-heading"><th scope="colgroup" colspan=columns.clone()>{text}</th></tr>
        }
        .into_any(),
        TableRow::Cells(cells) => {
            let cells = cells.into_iter().enumerate();
            let cells = cells.map(|(at, cell)| body(at, cell, names.get(at).filter(|_| cards)));
            view! { <tr>{cells.collect_view()}</tr> }.into_any()
        }
    });
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class="data-table" class:data-cards=cards>
                <thead><tr>{head.collect_view()}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A table whose rows a page makes itself, in a frame that scrolls where it is wider than the screen.
/// `head`: the columns' titles, and whether their cells are numbers.
pub(crate) fn framed(
    label: &'static str,
    class: &'static str,
    head: &[(&'static str, bool)],
    rows: impl IntoView + 'static,
) -> AnyView {
    let head = head.iter().map(|(title, is_number)| {
        view! { <th scope="col" class:number=*is_number>{*title}</th> }.into_any()
    });
    let head = head.collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class=class>
                <thead><tr>{head}</tr></thead>
                <tbody>{rows.into_any()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn body(at: usize, cell: Cell, column: Option<&String>) -> AnyView {
    if at == 0 {
        return view! { <th scope="row">{content(cell)}</th> }.into_any();
    }
    let (quiet, column) = (cell.quiet, column.cloned());
    view! { <td class="number mono" class:muted=quiet data-label=column>{content(cell)}</td> }
        .into_any()
}

fn content(cell: Cell) -> AnyView {
    let Cell { text, about, link, .. } = cell;
    let text = match link {
        Some(link) => view! { <A href=link>{text}</A> }.into_any(),
        None => text.into_any(),
    };
    let about = about.map(|about| view! { <span class="cell-about">{about}</span> });
    view! { {text} {about} }.into_any()
}
