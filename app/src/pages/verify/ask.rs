//! Asks nodes or explorers that the reader names for the blocks that a file leads to. What they say is
//! used as if the reader had typed it, and only where all of them say the same.

mod address;
mod frame;
mod talk;

use std::collections::BTreeMap;

use domain::anchor::Source;
use domain::anchor::bitcoin::{Header, KnownHeader, Network};
use domain::anchor::ethereum::KnownBlock;
use domain::anchor::explorer::{pages_of_bitcoin, pages_of_ethereum};
use domain::verifier::{EthereumPlace, Places};
use leptos::prelude::*;

use super::typed::TypedField;
use crate::components::hash::Hash;
use crate::format::{count, counted};
use crate::pages::anchors::Explorers;
use address::Address;
use frame::Frame;
use talk::{Mined, Told};

/// What others said, as far as they agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) headers: Vec<KnownHeader>,
    pub(super) block: Option<KnownBlock>,
}

/// One address and what it said of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Voice {
    base: String,
    /// Such as "block 206 of Bitcoin".
    of: String,
    /// The block's hash and how deep it lies, or what went wrong.
    said: Result<(String, u64), String>,
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Outcome {
    voices: Vec<Voice>,
    /// Sentences about what is not used, and why.
    unused: Vec<String>,
}

#[component]
pub(super) fn Ask(
    places: Memo<Places>,
    asked: RwSignal<Asked>,
    /// Bitcoin's, as the reader chose it.
    network: Signal<Network>,
) -> impl IntoView {
    let (bitcoin, ethereum) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let outcome = RwSignal::new(Outcome::default());
    let busy = RwSignal::new(false);
    let frame = Frame::new();
    // What was said of another file's blocks, or by others, says nothing now.
    Effect::new(move |_| {
        places.track();
        bitcoin.track();
        ethereum.track();
        asked.set(Asked::default());
        outcome.set(Outcome::default());
    });
    let go = move |_| {
        let (Ok(bitcoin), Ok(ethereum)) =
            (address::bitcoin(&bitcoin.read()), address::ethereum(&ethereum.read()))
        else {
            return;
        };
        busy.set(true);
        leptos::task::spawn_local(async move {
            let of = places.get_untracked();
            let (agreed, told) = ask_all(frame, &of, &bitcoin, &ethereum).await;
            // Something else may have been dropped meanwhile.
            if places.try_get_untracked() == Some(of) {
                asked.set(agreed);
                outcome.set(told);
            }
            let _ = busy.try_set(false);
        });
    };
    let idle = move || {
        let none = bitcoin.read().trim().is_empty() && ethereum.read().trim().is_empty();
        busy.get() || none || places.read().is_empty()
    };
    view! {
        <details class="verify-beside">
            <summary>"Ask nodes or explorers of yours"</summary>
            <p class="muted">{move || sent(&places.read())}</p>
            <TypedField lines=true id="ask-bitcoin" label="For Bitcoin" hint="Explorers (https://blockstream.info/api), or a node’s address that ends in /rest. One a line" value=bitcoin wrong=|text| address::bitcoin(text).err() />
            <TypedField lines=true id="ask-ethereum" label="For Ethereum" hint="JSON-RPC, such as http://127.0.0.1:8545. One a line" value=ethereum wrong=|text| address::ethereum(text).err() />
            <button type="button" class="button" disabled=idle on:click=go>{move || if busy.get() { "Asking…" } else { "Ask them" }}</button>
            {frame.view()}
            {move || view! { <Look places=places.get() network=network.get() /> }}
            <div aria-live="polite">{move || view! { <Said outcome=outcome.get() /> }}</div>
        </details>
    }
}

/// What leaves this page, and to whom.
fn sent(places: &Places) -> String {
    let mut blocks: Vec<String> =
        places.bitcoin.iter().map(|height| format!("{height} of Bitcoin")).collect();
    blocks.extend(places.ethereum.iter().map(|place| format!("{} of Ethereum", place.number)));
    if blocks.is_empty() {
        return "Drop a bundle, an .ots or an ethereum.json first: it leads to the blocks that are asked \
                for."
            .to_owned();
    }
    format!(
        "Each address is sent the number of a block ({}) and nothing else: no file, no hash of yours, no \
         cookie, and not where you asked from. It sees your network address, as any site does.",
        blocks.join(", ")
    )
}

async fn ask_all(
    frame: Frame,
    places: &Places,
    bitcoin: &[Address],
    ethereum: &[Address],
) -> (Asked, Outcome) {
    let (mut asked, mut outcome) = (Asked::default(), Outcome::default());
    for height in &places.bitcoin {
        let of = format!("block {height} of Bitcoin");
        let mut told = BTreeMap::new();
        for at in bitcoin {
            let said = talk::bitcoin(at, *height, &async |request| frame.ask(request).await).await;
            outcome.hear(at, &of, &said, |header: &Header| header.hash().to_string());
            told.extend(said.ok().map(|said| (at.base.clone(), said)));
        }
        if let Some((header, source)) = outcome.agreed(&of, told) {
            asked.headers.push(KnownHeader { header, height: Some(*height), source });
        }
    }
    if let Some(place) = &places.ethereum {
        asked.block = ask_ethereum(frame, place, ethereum, &mut outcome).await;
    }
    (asked, outcome)
}

async fn ask_ethereum(
    frame: Frame,
    place: &EthereumPlace,
    addresses: &[Address],
    outcome: &mut Outcome,
) -> Option<KnownBlock> {
    let of = format!("block {} of Ethereum", place.number);
    let mut told = BTreeMap::new();
    for at in addresses {
        let said =
            talk::ethereum(at, place.number, &async |request| frame.ask(request).await).await;
        let said = said.and_then(|said| match said.block.chain {
            chain if chain == place.chain => Ok(said),
            chain => Err(format!("it is of network {chain}, and the proof is of {}", place.chain)),
        });
        outcome.hear(at, &of, &said, |mined: &Mined| mined.hash.to_string());
        told.extend(said.ok().map(|said| (at.base.clone(), said)));
    }
    let (mined, source) = outcome.agreed(&of, told)?;
    Some(KnownBlock { hash: mined.hash, source })
}

impl Outcome {
    fn hear<Block>(
        &mut self,
        at: &Address,
        of: &str,
        said: &Result<Told<Block>, String>,
        hash: impl Fn(&Block) -> String,
    ) {
        let said = said.as_ref().map(|told| (hash(&told.block), told.deep)).map_err(Clone::clone);
        self.voices.push(Voice { base: at.base.clone(), of: of.to_owned(), said });
    }

    /// The block, if all that answered name the same one.
    fn agreed<Block: PartialEq>(
        &mut self,
        of: &str,
        told: BTreeMap<String, Told<Block>>,
    ) -> Option<(Block, Source)> {
        let deep = told.values().map(|told| told.deep).min()?;
        let names: Vec<String> = told.keys().cloned().collect();
        let mut blocks = told.into_values().map(|told| told.block);
        let first = blocks.next()?;
        if blocks.any(|block| block != first) {
            self.unused.push(format!(
                "They name different blocks for {of}: one of them is wrong, or on another chain. \
                 Nothing of it is used."
            ));
            return None;
        }
        let depth = counted(deep, "block", "blocks");
        let source = format!("asked from this page at {}, {depth} deep", names.join(" and "));
        Some((first, Source::Verifier(source)))
    }
}

/// Public pages about the blocks, for those who want to look themselves.
#[component]
fn Look(places: Places, network: Network) -> impl IntoView {
    let bitcoin = places.bitcoin.iter().flat_map(|height| pages_of_bitcoin(network, *height));
    let ethereum = places.ethereum.iter().flat_map(|at| pages_of_ethereum(at.chain, at.number));
    let pages: Vec<_> =
        bitcoin.chain(ethereum).map(|page| (page.name.to_owned(), page.url)).collect();
    (!pages.is_empty()).then(|| {
        view! { <p class="muted">"Or look yourself, in a tab of its own: " <Explorers pages /></p> }
    })
}

#[component]
fn Said(outcome: Outcome) -> impl IntoView {
    let Outcome { voices, unused } = outcome;
    let voices = voices.into_iter().map(|Voice { base, of, said }| match said {
        Ok((hash, deep)) => view! {
            <li data-state="valid">
                <strong class="mono">{base}</strong>
                <span>{format!("{of}, {} deep: ", count(deep))} <Hash value=hash what="block" /></span>
            </li>
        }
        .into_any(),
        Err(why) => view! {
            <li data-state="invalid"><strong class="mono">{base}</strong> <span>{format!("{of}: {why}.")}</span></li>
        }
        .into_any(),
    });
    let unused = unused.into_iter().map(|why| view! { <p class="form-error">{why}</p> });
    view! { <ul class="ask-voices">{voices.collect_view()}</ul> {unused.collect_view()} }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(block: u8, deep: u64) -> Told<u8> {
        Told { block, deep }
    }

    #[test]
    fn what_all_say_is_used_and_what_they_dispute_is_not() {
        let mut outcome = Outcome::default();
        let two = [("https://a".to_owned(), told(1, 9)), ("https://b".to_owned(), told(1, 7))];
        let (block, source) = outcome.agreed("block 3", two.into()).expect("agreed");
        let Source::Verifier(words) = source else { panic!("the reader’s own") };
        assert_eq!(
            (block, words.as_str()),
            (1, "asked from this page at https://a and https://b, 7 blocks deep")
        );
        let two = [("https://a".to_owned(), told(1, 9)), ("https://b".to_owned(), told(2, 9))];
        assert_eq!(outcome.agreed("block 3", two.into()).map(|(block, _)| block), None);
        assert_eq!(outcome.unused.len(), 1);
        assert_eq!(outcome.agreed::<u8>("block 3", BTreeMap::new()).map(|(block, _)| block), None);
    }

    #[test]
    fn what_is_sent_is_said_before() {
        let places = Places { bitcoin: [206].into(), ethereum: None };
        assert!(sent(&places).contains("(206 of Bitcoin) and nothing else"));
        assert!(sent(&Places::default()).starts_with("Drop a bundle"));
    }
}
