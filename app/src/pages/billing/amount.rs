//! Amounts in a column: their points stand below each other, however many places each has.

use leptos::prelude::*;

/// Digits after the point.
fn places(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// The most places of a column.
pub(super) fn places_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(places).max().unwrap_or(0)
}

/// Filled up on the right with blanks to its column's `places`. The blanks are drawn by the style
/// sheet: who copies or hears the amount has the amount.
#[component]
pub(super) fn Amount(text: String, places: usize) -> impl IntoView {
    let missing = places.saturating_sub(self::places(&text));
    view! { <span class="amount" data-fill="\u{a0}".repeat(missing)>{text}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_places_of_its_longest_fraction() {
        assert_eq!(places_of(["$1,204.50", "−$0.0034", "$0.00"]), 4);
        assert_eq!(places_of([]), 0);
    }
}
