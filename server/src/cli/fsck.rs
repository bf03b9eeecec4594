//! `ternion fsck`: a stored ledger checked against its cosigned roots, offline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr as _;

use domain::policy::Policy;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{ConfigArguments, Outcome};
use crate::keys::{CloudKeys, Roster};
use crate::ledger::{Check, Finding, ScrubStatus, check};
use crate::postgres::{Database, running_embedded};

/// One log after the other.
const CONNECTIONS: u32 = 2;

/// Check a stored ledger against the roots that the clouds signed, and change nothing
///
/// Every row is hashed again from its contents. The keys come from the configuration or the
/// policy file, never from the database. Exit code: 0 nothing is wrong; 1 something is. A running
/// node does the same all the time, and repairs from the other clouds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion fsck --config gcp.toml")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The address of the database itself, instead of a configuration
    #[arg(long, value_name = "URL", requires = "policy")]
    database_url: Option<String>,
    /// The public keys that count (C2SP tlog-policy), as /v1/policy-file serves them
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let status = match &self.database_url {
            Some(url) => {
                let policy = read_policy(self.policy.as_deref().unwrap_or(Path::new("")))?;
                let pool = connect(PgConnectOptions::from_str(url)?).await?;
                check(&pool, &Check::Policy(&policy)).await?
            }
            None => self.check_configured().await?,
        };
        if self.json {
            println!("{}", serde_json::to_string(&status)?);
        } else {
            print(&status);
        }
        Ok(if status.found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn check_configured(
        &self,
    ) -> Result<ScrubStatus, Box<dyn std::error::Error + Send + Sync>> {
        let config = self.config.load()?;
        let policy = self.policy.as_deref().map(read_policy).transpose()?;
        let roster = match &policy {
            Some(_) => None,
            None => {
                let signer = config.external_signer();
                let keys = CloudKeys::load_or_make(&config.key_folder(), signer.as_ref())?;
                Some(Roster::of(&config, &keys)?)
            }
        };
        let keys = match (&policy, &roster) {
            (Some(policy), _) => Check::Policy(policy),
            (None, Some(roster)) => Check::Roster(roster),
            (None, None) => return Err("no keys to check with".into()), // one of them is there
        };
        // The embedded server of a running cloud: its owner holds the lock, we only connect.
        if let Some(options) = running_embedded(&config).await {
            return Ok(check(&connect(options).await?, &keys).await?);
        }
        let database = Database::open(&config).await?;
        let status = check(&database.pool, &keys).await;
        database.close().await;
        Ok(status?)
    }
}

async fn connect(options: PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await
}

fn read_policy(path: &Path) -> Result<Policy, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|cause| format!("the policy file {shown} cannot be read: {cause}"))?;
    Policy::parse(&text).map_err(|cause| format!("the policy file {shown}, {cause}"))
}

fn print(status: &ScrubStatus) {
    for log in &status.logs {
        println!("{}: {} entries under a cosigned root checked", log.log, log.checked);
    }
    for finding in &status.open {
        println!("{}", line(finding));
    }
    match status.found {
        0 => println!("nothing is wrong"),
        1 => println!("1 thing is wrong"),
        many => println!("{many} things are wrong"),
    }
}

fn line(finding: &Finding) -> String {
    let right = finding.right.as_ref().map(|right| format!(", should be {right}"));
    format!(
        "{}: {} is wrong: {}{}",
        finding.place,
        finding.field,
        finding.found,
        right.unwrap_or_default()
    )
}
