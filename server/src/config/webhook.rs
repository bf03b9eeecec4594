//! Programs of others that are told what needs people: `[[webhook]]`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Config, Secret};
use crate::outside::{self, AddressError};

/// The setting that breaks a rule, and which.
type Broken = (&'static str, String);

const SETTING: &str = "webhook";
/// Each has a task and a queue.
const RECEIVERS_MAX: usize = 8;
const NAME_CHARS_MAX: usize = 40;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// What people call it; its queue is kept under this name.
    pub name: String,
    /// https, or http to this machine. Such addresses often hold a key.
    pub url: Secret,
    /// `whsec_` and base64 of 24 to 64 bytes; readable by this account alone.
    pub secret_file: PathBuf,
}

/// Relative paths start at the configuration's folder.
pub(super) fn start_at(webhooks: &mut [Webhook], folder: &Path) {
    for webhook in webhooks {
        webhook.secret_file = folder.join(&webhook.secret_file);
    }
}

pub(super) fn rules(config: &Config) -> Result<(), Broken> {
    let all = &config.webhook;
    if all.len() > RECEIVERS_MAX {
        return Err((SETTING, format!("must be at most {RECEIVERS_MAX}")));
    }
    for (place, webhook) in all.iter().enumerate() {
        let name = &webhook.name;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(allowed) {
            let what =
                format!("name \"{name}\" must be 1 to {NAME_CHARS_MAX} letters, digits, - and _");
            return Err((SETTING, what));
        }
        if all[..place].iter().any(|earlier| earlier.name == *name) {
            return Err((SETTING, format!("name \"{name}\" is there twice")));
        }
        // The address itself is not repeated: it may hold a key.
        outside::address(webhook.url.expose()).map_err(|error| {
            let why = match error {
                AddressError::Malformed => "must be https://, or http:// to this machine",
                AddressError::Unprotected => "must be https://: http is for this machine alone",
            };
            (SETTING, format!("url of \"{name}\" {why}"))
        })?;
    }
    Ok(())
}
