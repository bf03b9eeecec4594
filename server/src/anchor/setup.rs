//! The clients that the configuration names.

use std::fs;
use std::sync::Arc;

use domain::anchor::bitcoin::Network;

use super::publish::{
    AccountError, Authority, AuthorityError, Bitcoin, BitcoinLimits, BitcoinNode, Blocks,
    Calendars, Endpoint, EndpointError, Ethereum, EthereumLimits, Explorers, Login, Publish, Rpc,
};
use crate::config::{Anchor, AnchorAuthority, AnchorBitcoin, AnchorEthereum};

/// Why a publisher cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{setting}: {cause}")]
    Endpoint { setting: &'static str, cause: EndpointError },
    #[error("anchor.ethereum.key_file: {0}")]
    Account(#[from] AccountError),
    #[error("anchor.timestamp_authority.ca_file cannot be read: {0}")]
    Authority(std::io::Error),
    #[error("anchor.timestamp_authority.ca_file: {0}")]
    Certificates(#[from] AuthorityError),
}

/// Every publisher that is configured. None: hashes are anchored nowhere outside.
///
/// # Errors
/// A key or certificate file cannot be used.
pub fn publishers(config: &Anchor) -> Result<Vec<Arc<dyn Publish>>, SetupError> {
    let mut clients: Vec<Arc<dyn Publish>> = Vec::new();
    if let Some(ethereum) = &config.ethereum {
        clients.push(Arc::new(of_ethereum(ethereum)?));
    }
    let node = config.bitcoin.as_ref().map(node).transpose()?;
    if let Some((bitcoin, node)) = config.bitcoin.as_ref().zip(node.clone()) {
        clients.push(Arc::new(Bitcoin::new(node, limits(bitcoin))));
    }
    if !config.calendars.is_empty() {
        clients.push(Arc::new(calendars(config, node)?));
    }
    if let Some(authority) = &config.timestamp_authority {
        clients.push(Arc::new(of_authority(authority)?));
    }
    Ok(clients)
}

fn endpoint(setting: &'static str, address: &str) -> Result<Endpoint, SetupError> {
    Endpoint::new(address).map_err(|cause| SetupError::Endpoint { setting, cause })
}

fn of_ethereum(config: &AnchorEthereum) -> Result<Ethereum, SetupError> {
    let endpoint = endpoint("anchor.ethereum.url", config.url.expose())?;
    let limits = EthereumLimits {
        chain_id: config.chain_id,
        fee_max: config.fee_max(),
        month_max: config.month_max(),
        confirmations: config.confirmations,
        dry_run: config.dry_run,
    };
    Ok(Ethereum::new(endpoint, &config.key_file, limits)?)
}

fn node(config: &AnchorBitcoin) -> Result<BitcoinNode, SetupError> {
    let endpoint = endpoint("anchor.bitcoin.url", config.url.expose())?;
    let password = config.user.as_ref().zip(config.password.as_ref());
    let login = match (&config.cookie_file, password) {
        (Some(file), _) => Some(Login::Cookie(file.clone())),
        (None, Some((user, password))) => Some(Login::password(user, password.expose())),
        (None, None) => None,
    };
    let rpc = Rpc::new(endpoint.with_login(login));
    Ok(BitcoinNode::new(rpc, config.network))
}

fn limits(config: &AnchorBitcoin) -> BitcoinLimits {
    BitcoinLimits {
        rate_max: config.max_fee_sat_per_vbyte,
        month_max: config.month_max(),
        confirmations: config.confirmations,
        dry_run: config.dry_run,
    }
}

/// A node of one's own is asked for blocks before any explorer.
fn calendars(config: &Anchor, node: Option<BitcoinNode>) -> Result<Calendars, SetupError> {
    let named = |setting, addresses: &[String]| {
        let each = addresses.iter().map(|one| Ok((one.clone(), endpoint(setting, one)?)));
        each.collect::<Result<Vec<_>, SetupError>>()
    };
    let endpoints = named("anchor.calendars", &config.calendars)?;
    let explorers = named("anchor.explorers", &config.explorers)?;
    let explorers = Explorers::new(explorers.into_iter().map(|(_, one)| one).collect());
    let blocks: Option<Arc<dyn Blocks>> = match (node, explorers) {
        (Some(node), _) => Some(Arc::new(node)),
        (None, Some(explorers)) => Some(Arc::new(explorers)),
        (None, None) => None,
    };
    let network = config.bitcoin.as_ref().map_or(Network::Mainnet, |bitcoin| bitcoin.network);
    Ok(Calendars::new(endpoints, blocks, network))
}

fn of_authority(config: &AnchorAuthority) -> Result<Authority, SetupError> {
    let endpoint = endpoint("anchor.timestamp_authority.url", config.url.expose())?;
    let pem = fs::read(&config.ca_file).map_err(SetupError::Authority)?;
    Ok(Authority::new(endpoint, pem)?)
}
