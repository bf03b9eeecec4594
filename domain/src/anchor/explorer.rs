//! Where people see a block of a public chain with their own eyes. A link proves nothing: it saves
//! looking for the page.

use super::bitcoin::Network;

/// A page about one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplorerPage {
    /// Whose page it is.
    pub name: &'static str,
    pub url: String,
}

/// None for a chain that only one machine has.
#[must_use]
pub fn pages_of_bitcoin(network: Network, height: u64) -> Vec<ExplorerPage> {
    let within = match network {
        Network::Mainnet => "",
        Network::Testnet => "testnet/",
        Network::Regtest => return Vec::new(),
    };
    let page = |name, url| ExplorerPage { name, url };
    vec![
        page("mempool.space", format!("https://mempool.space/{within}block/{height}")),
        page("blockstream.info", format!("https://blockstream.info/{within}block-height/{height}")),
    ]
}

/// None for networks that have no explorer known here.
#[must_use]
pub fn pages_of_ethereum(chain: u64, number: u64) -> Vec<ExplorerPage> {
    let sites: &[(&'static str, &str)] = match chain {
        1 => &[
            ("etherscan.io", "https://etherscan.io"),
            ("blockscout.com", "https://eth.blockscout.com"),
        ],
        11_155_111 => &[
            ("sepolia.etherscan.io", "https://sepolia.etherscan.io"),
            ("eth-sepolia.blockscout.com", "https://eth-sepolia.blockscout.com"),
        ],
        _ => &[],
    };
    let page = |(name, site): &(&'static str, &str)| ExplorerPage {
        name,
        url: format!("{site}/block/{number}"),
    };
    sites.iter().map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_chains_have_two_pages_and_private_ones_none() {
        let urls = |pages: Vec<ExplorerPage>| -> Vec<String> {
            pages.into_iter().map(|page| page.url).collect()
        };
        let main = urls(pages_of_bitcoin(Network::Mainnet, 358_391));
        assert_eq!(main[0], "https://mempool.space/block/358391");
        assert_eq!(main[1], "https://blockstream.info/block-height/358391");
        assert!(urls(pages_of_bitcoin(Network::Testnet, 1))[0].contains("/testnet/block/1"));
        assert!(pages_of_bitcoin(Network::Regtest, 1).is_empty());
        assert_eq!(urls(pages_of_ethereum(1, 7))[0], "https://etherscan.io/block/7");
        assert!(pages_of_ethereum(31_337, 7).is_empty());
    }
}
