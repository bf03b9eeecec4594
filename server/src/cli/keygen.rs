//! `ternion keygen`: this cloud's keys, and the table that its peers pin.

use std::process::ExitCode;

use super::{ConfigArguments, Outcome};
use crate::config::Config;
use crate::keys::{CloudKeys, text};

/// Make this cloud's three keys where there are none, and print the table for the other clouds
///
/// The private keys stay in `keys/` of the data folder, readable by this account only. What is
/// printed is public; copy it into the configuration of the other two clouds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion keygen --config gcp.toml >> aws.toml")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
}

impl Arguments {
    pub fn run(self) -> Outcome {
        let config = self.config.load()?;
        let signer = config.external_signer();
        let keys = CloudKeys::load_or_make(&config.key_folder(), signer.as_ref())?;
        print!("{}", peer_table(&config, &keys));
        Ok(ExitCode::SUCCESS)
    }
}

/// The TOML by which the other clouds know this one.
pub(crate) fn peer_table(config: &Config, keys: &CloudKeys) -> String {
    let public = keys.public();
    format!(
        "\n[peers.{cloud}]\nurl = \"{url}\"\nregion = \"{region}\"\n\
         log_key = \"{log}\"\ncosigner_key = \"{cosigner}\"\ntransport_key = \"{transport}\"\n",
        cloud = config.cloud,
        url = config.url,
        region = config.region.as_str(),
        log = text::of(public.log),
        cosigner = text::of(public.cosigner),
        transport = text::of(public.transport),
    )
}
