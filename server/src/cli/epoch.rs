//! `ternion epoch`: keys that change, from the side of the operator, over HTTP.

mod show;

use std::process::ExitCode;

use app::backend::KeysView;
use clap::ValueEnum;
use domain::cloud::Cloud;
use domain::epoch::Reason;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, ClientError};
use super::{ConfigArguments, Outcome};
use crate::keys::{CloudKeys, Keyring, Roster};
use crate::postgres::Database;
use crate::{ledger, logging};

/// As many digits of a record's hash as nobody finds for a record of their own: 128 bits. A thief
/// may ask too, and what is agreed to cannot be taken back.
const RECORD_DIGITS_MIN: usize = 32;

/// Show a deployment's keys, change a cloud's own, agree to another cloud's
///
/// A cloud's keys change by a new epoch of its log. It is begun at the cloud itself; where the old
/// key cannot speak for it, an admin at each of the other two clouds agrees.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example: ternion epoch begin --comment \"yearly\" --to http://127.0.0.1:3000 \
                  --token demo-admin"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    List(List),
    Begin(Begin),
    Agree(Agree),
    Gone(Gone),
    Lost(Lost),
}

/// Prepare a new epoch for a cloud whose current keys are lost, while its node stands still
///
/// Start the node afterwards, and have an admin at each of the other two clouds agree.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion epoch lost --config gcp.toml")]
struct Lost {
    #[command(flatten)]
    config: ConfigArguments,
}

/// Show every cloud's epochs and keys, and what waits for this cloud's people
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: ternion epoch list --to http://127.0.0.1:3000 --token demo-auditor"
)]
struct List {
    #[command(flatten)]
    at: Place,
}

/// End the log of the cloud at --to where it stands, and begin the next with new keys
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion epoch begin --reason stolen --comment \"laptop lost\" \
                        --to http://127.0.0.1:3000 --token demo-admin")]
struct Begin {
    #[command(flatten)]
    at: Place,
    /// What is wrong with the old keys
    #[arg(long, value_enum, default_value_t = Why::Rotation)]
    reason: Why,
    /// Why, in one line; recorded in the ledger
    #[arg(long, value_name = "TEXT")]
    comment: String,
}

/// Agree, for the cloud at --to, to another cloud's new epoch
///
/// Compare the fingerprints with that cloud's people first, over another channel.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: ternion epoch agree RECORD --reason \"Ada confirmed by telephone\" \
                        --to http://127.0.0.1:3001 --token demo-admin"
)]
struct Agree {
    #[command(flatten)]
    at: Place,
    /// The record's hash as `ternion epoch list` shows it, or its first 32 digits or more
    record: String,
    /// Why, in one line; recorded in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Say that a cloud will never come back, so that a restored one need not wait for it
///
/// Two different admins must say so. What only the cloud that is gone held is lost then.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion epoch gone azure --reason \"the account was closed\" \
                        --to http://127.0.0.1:3000 --token demo-admin")]
struct Gone {
    #[command(flatten)]
    at: Place,
    cloud: Cloud,
    /// Why, in one line; recorded in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// The cloud that is asked.
#[derive(Debug, clap::Args)]
struct Place {
    /// The cloud's address
    #[arg(long, value_name = "URL")]
    to: String,
    /// A bearer token; an admin's, but for `list`
    #[arg(long, env = "TERNION_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Why {
    /// Nothing: keys are changed
    Rotation,
    /// Somebody else may have them
    Stolen,
    /// Nobody has them any more
    Lost,
    /// There is evidence against the log
    Faulty,
}

impl From<Why> for Reason {
    fn from(why: Why) -> Self {
        match why {
            Why::Rotation => Reason::Rotation,
            Why::Stolen => Reason::KeyStolen,
            Why::Lost => Reason::KeyLost,
            Why::Faulty => Reason::Faulty,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum NoRecord {
    #[error(
        "\"{0}\" names no record: give its hash, or at least its first {RECORD_DIGITS_MIN} digits"
    )]
    Short(String),
    #[error("no request \"{0}\" waits at this cloud; `ternion epoch list` shows what does")]
    Unknown(String),
}

/// What the cloud says to an act.
#[derive(Debug, Deserialize)]
struct Decided {
    next: String,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        match self.act {
            Act::List(List { at }) => print!("{}", show::keys(&at.keys().await?, &at.to)),
            Act::Begin(begin) => begin.run().await?,
            Act::Agree(agree) => agree.run().await?,
            Act::Gone(Gone { at, cloud, reason }) => {
                let body = json!({ "cloud": cloud, "reason": reason });
                println!("{}", at.act("/v1/epochs/gone", &body).await?);
            }
            Act::Lost(lost) => lost.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Lost {
    async fn run(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let config = self.config.load()?;
        logging::start(&config.log)?;
        let (folder, signer) = (config.key_folder(), config.external_signer());
        let first = CloudKeys::load(&folder, signer.as_ref())?;
        let roster = Roster::of(&config, &first)?;
        let keys = Keyring::open(&folder, &first, signer)?;
        let database = Database::open(&config).await?;
        let made = ledger::replace_lost_keys(&database.pool, &roster, &keys, config.cloud).await;
        database.close().await;
        let record = made?;
        println!(
            "{} is prepared; the log before it ends at {} entries. Start the node, and have an \
             admin at each of the other two clouds agree:\n\n    ternion epoch agree {} --reason \
             TEXT --to URL",
            record.begins(),
            record.closing.size,
            record.hash()
        );
        Ok(())
    }
}

impl Begin {
    /// Named by its number, so that a repeat after a lost answer begins no second one.
    async fn run(self) -> Result<(), ClientError> {
        let keys = self.at.keys().await?;
        let epoch = keys.clouds.get(keys.cloud).epochs.first().map_or(0, |epoch| epoch.epoch + 1);
        let reason = Reason::from(self.reason);
        let body = json!({ "reason": reason, "comment": self.comment, "epoch": epoch });
        let next = self.at.act("/v1/epochs", &body).await?;
        println!("epoch {epoch} of {}'s log has begun. {next}", keys.cloud);
        Ok(())
    }
}

impl Agree {
    async fn run(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let record = record_named(&self.at.keys().await?, &self.record)?;
        let path = format!("/v1/epochs/{record}/agree");
        println!("{}", self.at.act(&path, &json!({ "reason": self.reason })).await?);
        Ok(())
    }
}

fn record_named(keys: &KeysView, given: &str) -> Result<String, NoRecord> {
    if given.len() < RECORD_DIGITS_MIN {
        return Err(NoRecord::Short(given.to_owned()));
    }
    let mut found = keys.requests.iter().filter(|request| request.record.starts_with(given));
    match (found.next(), found.next()) {
        (Some(request), None) => Ok(request.record.clone()),
        _ => Err(NoRecord::Unknown(given.to_owned())),
    }
}

impl Place {
    fn client(&self) -> Result<Client, ClientError> {
        Client::new(&self.to, self.token.as_deref())
    }

    async fn keys(&self) -> Result<KeysView, ClientError> {
        let client = self.client()?;
        client.parse("/v1/keys", &client.get("/v1/keys").await?)
    }

    /// What happens now, in a sentence.
    async fn act(&self, path: &str, body: &Value) -> Result<String, ClientError> {
        let client = self.client()?;
        let answer = client.post(path, body.to_string().into()).await?;
        Ok(client.parse::<Decided>(path, &answer)?.next)
    }
}
