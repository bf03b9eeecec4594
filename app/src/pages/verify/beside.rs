//! What the reader holds beside a file: a hash, blocks, authorities. None of it comes with the file.

use domain::anchor::Source;
use domain::anchor::bitcoin::{KnownHeader, Network};
use domain::anchor::ethereum::{Keccak256, KnownBlock};
use domain::verifier::{Held, Stamped, parse_header};
use leptos::prelude::*;

use super::ask::Asked;
use super::typed::TypedField;
use crate::components::drop::{Chosen, FileDrop};

/// The fields, as they are typed.
#[derive(Clone, Copy, Default)]
pub(super) struct Brought {
    /// What was stamped, or a snapshot's hash.
    hash: RwSignal<String>,
    header: RwSignal<String>,
    network: RwSignal<String>,
    block: RwSignal<String>,
    chain: RwSignal<String>,
    authorities: RwSignal<Option<Chosen<Vec<u8>>>>,
    /// What nodes and explorers of theirs said when this page asked them.
    pub(super) asked: RwSignal<Asked>,
}

/// What the fields hold.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) hash: String,
    header: String,
    network: String,
    block: String,
    chain: String,
    pub(super) authorities: Option<Vec<u8>>,
    asked: Asked,
}

impl Brought {
    /// Bitcoin's, as it is chosen.
    pub(super) fn network(self) -> Signal<Network> {
        let Brought { network, .. } = self;
        Signal::derive(move || network.read().parse().unwrap_or(Held::default().network))
    }

    /// As they stand now; whoever asks is told of changes.
    pub(super) fn fields(self) -> Fields {
        let authorities = self.authorities.get();
        Fields {
            hash: self.hash.get(),
            header: self.header.get(),
            network: self.network.get(),
            block: self.block.get(),
            chain: self.chain.get(),
            authorities: authorities.and_then(Result::ok).map(|(_, bytes)| bytes),
            asked: self.asked.get(),
        }
    }
}

impl Fields {
    /// Everything but the policy file and authorities.
    ///
    /// # Errors
    /// A sentence: a field holds what cannot be used.
    pub(super) fn read(&self) -> Typed<(Held, Option<Stamped>)> {
        let bare = Held::default();
        let typed_header = read_header(&self.header)?;
        let held = Held {
            headers: typed_header.into_iter().chain(self.asked.headers.clone()).collect(),
            network: self.network.parse().unwrap_or(bare.network),
            block: read_block(&self.block)?.or_else(|| self.asked.block.clone()),
            chain: read_chain(&self.chain)?,
            ..bare
        };
        Ok((held, read_hash(&self.hash)?))
    }
}

/// Nothing, or one of these; else a sentence for the reader.
pub(super) type Typed<T> = Result<T, String>;

fn read_hash(text: &str) -> Typed<Option<Stamped>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let digest = hex_of(text).filter(|bytes| (20..=64).contains(&bytes.len()));
    let digest = digest.ok_or("A hash is written in hex: of SHA-256, 64 digits.")?;
    Ok(Some(Stamped::Digest(digest)))
}

fn read_header(text: &str) -> Typed<Option<KnownHeader>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (header, height) = parse_header(text.as_bytes())
        .map_err(|cause| format!("This is no header of a block: {cause}."))?;
    let source = Source::Verifier("given on this page".to_owned());
    Ok(Some(KnownHeader { header, height, source }))
}

fn read_block(text: &str) -> Typed<Option<KnownBlock>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = hex_of(text.strip_prefix("0x").unwrap_or(text));
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let hash = Keccak256(bytes.ok_or("A block’s hash has 64 hex digits.")?);
    let source = Source::Verifier("given on this page".to_owned());
    Ok(Some(KnownBlock { hash, source }))
}

fn read_chain(text: &str) -> Typed<u64> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Held::default().chain);
    }
    text.parse().map_err(|_| "A network’s number has digits only; 1 is the main one.".to_owned())
}

pub(super) fn hex_of(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hex =
        text.len().is_multiple_of(2) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| digits.map(byte).collect::<Option<Vec<u8>>>())?
}

#[component]
pub(super) fn Beside(brought: Brought) -> impl IntoView {
    let Brought { hash, header, network, block, chain, authorities, .. } = brought;
    let take = Callback::new(move |chosen| authorities.set(Some(chosen)));
    let networks = [Network::Mainnet, Network::Testnet, Network::Regtest].map(|it| it.to_string());
    let options = networks.map(|name| view! { <option value=name.clone()>{name.clone()}</option> });
    view! {
        <TypedField id="hash" label="Hash that you hold" hint="From a chain, a letter, a colleague: the file must be of it" value=hash wrong=|text| read_hash(text).err() />
        <details class="verify-beside">
            <summary>"Blocks and authorities of yours, for proofs by others"</summary>
            <TypedField id="bitcoin-header" label="Header of the Bitcoin block" hint="160 hex digits, or JSON with header_hex, from a node or explorer of yours" value=header wrong=|text| read_header(text).err() />
            <div class="field">
                <label for="bitcoin-network">"Bitcoin’s network"</label>
                <select id="bitcoin-network" on:change=move |event| network.set(event_target_value(&event))>{options}</select>
            </div>
            <TypedField id="ethereum-block" label="Hash of the Ethereum block" hint="64 hex digits, from a node or explorer of yours" value=block wrong=|text| read_block(text).err() />
            <TypedField id="ethereum-chain" label="Ethereum’s network" hint="1 is the main one" value=chain wrong=|text| read_chain(text).err() />
            <FileDrop id="authorities" label="Certificates of time-stamping authorities" hint="PEM or DER, of those that you trust" accept=".pem,.crt,.cer,.der" on_file=take />
            {move || authorities.get().map(|chosen| match chosen {
                Ok((name, _)) => view! { <p class="file-state">{name}</p> }.into_any(),
                Err(sentence) => view! { <p class="form-error" role="alert">{sentence}</p> }.into_any(),
            })}
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_is_nothing_and_what_cannot_be_used_is_a_sentence() {
        assert_eq!(read_hash("  "), Ok(None));
        let hash = "0b".repeat(32);
        assert_eq!(read_hash(&hash), Ok(Some(Stamped::Digest(vec![11; 32]))));
        for wrong in ["x", "0b", "0", "é0"] {
            assert!(read_hash(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read_chain(""), Ok(1));
        assert!(read_chain("-1").is_err() && read_block("0x12").is_err());
        assert_eq!(read_block(&format!("0x{hash}")).map(|it| it.is_some()), Ok(true));
        assert_eq!(read_header("").map(|it| it.is_none()), Ok(true));
        assert!(
            read_header("00").expect_err("short").starts_with("This is no header of a block: ")
        );
    }
}
