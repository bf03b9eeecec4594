//! Two hashes side by side, byte under byte.

use leptos::prelude::*;

use crate::components::hash::CopyButton;

/// Hex digits of a byte.
const BYTE: usize = 2;

/// One side: whose hash it is.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) title: String,
    pub(super) hash: String,
}

#[component]
pub(super) fn Compare(one: Side, other: Side) -> impl IntoView {
    let same = equal_bytes(&one.hash, &other.hash);
    let total = one.hash.len().max(other.hash.len()) / BYTE;
    let sentence = if same == total {
        format!("All {total} bytes are equal.")
    } else {
        format!("{same} of {total} bytes are equal: these are two different hashes.")
    };
    let against = (one.hash.clone(), other.hash.clone());
    view! {
        <div class="compare" data-equal=(same == total).to_string()>
            <Bytes side=one against=against.1 />
            <Bytes side=other against=against.0 />
            <p class="compare-says">{sentence}</p>
        </div>
    }
}

#[component]
fn Bytes(side: Side, against: String) -> impl IntoView {
    let Side { title, hash } = side;
    let bytes = bytes(&hash)
        .zip(bytes(&against).map(Some).chain(std::iter::repeat(None)))
        .map(|(byte, other)| {
            let differs = other != Some(byte);
            view! { <span class="byte" class:byte-differs=differs>{byte.to_owned()}</span> }
        })
        .collect_view();
    view! {
        <div class="compare-side">
            <p class="compare-title">{title} <CopyButton text=hash.clone() what="hash" /></p>
            <p class="compare-bytes mono" role="group" aria-label=hash>{bytes}</p>
        </div>
    }
}

fn bytes(hash: &str) -> impl Iterator<Item = &str> {
    (0..hash.len() / BYTE).filter_map(move |at| hash.get(at * BYTE..(at + 1) * BYTE))
}

fn equal_bytes(one: &str, other: &str) -> usize {
    bytes(one).zip(bytes(other)).filter(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_compared_and_not_digits() {
        assert_eq!(equal_bytes("00ff12", "00fe12"), 2);
        assert_eq!(equal_bytes("00ff12", "00ff"), 2);
        assert_eq!(bytes("00ff1").collect::<Vec<_>>(), ["00", "ff"]);
    }
}
