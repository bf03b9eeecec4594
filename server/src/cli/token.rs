//! `ternion token`: bearer tokens for programs, from the side of the operator.

use std::process::ExitCode;

use domain::clock::{DAY_MS, Timestamp};

use super::Outcome;
use super::database::DatabaseArguments;
use crate::identity::{Credential, Operator, OperatorError};

/// A token that should outlive this is better made without an end, and looked at.
const DAYS_MAX: i64 = 3_650;

/// Make, list or revoke API tokens; works on a cloud's database directly
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example: ternion token create --config gcp.toml metering --label \"nightly import\" --days 90"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Make a token that acts as a user; it is shown once
    Create(Create),
    /// Show all tokens, without their secrets
    List(DatabaseArguments),
    /// Take a token back, for ever
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    database: DatabaseArguments,
    /// As whom the token acts
    login: String,
    /// What it is for
    #[arg(long, default_value = "")]
    label: String,
    /// Ends after so many days; without, it ends when it is revoked
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=DAYS_MAX))]
    days: Option<i64>,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    #[command(flatten)]
    database: DatabaseArguments,
    /// As `ternion token list` shows it
    id: String,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let database = self.act.database().open().await?;
        let done = self.act.run(&database.operator()).await;
        database.close().await;
        done?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Act {
    const fn database(&self) -> &DatabaseArguments {
        match self {
            Act::Create(create) => &create.database,
            Act::List(database) => database,
            Act::Revoke(revoke) => &revoke.database,
        }
    }

    async fn run(&self, operator: &Operator) -> Result<(), OperatorError> {
        match self {
            Act::Create(create) => create.run(operator).await,
            Act::List(_) => list(operator).await,
            Act::Revoke(Revoke { id, .. }) => {
                operator.revoke_token(id).await?;
                println!("{id} is revoked, at the other clouds as soon as they hear of it.");
                Ok(())
            }
        }
    }
}

impl Create {
    async fn run(&self, operator: &Operator) -> Result<(), OperatorError> {
        let end = |days: i64| Timestamp::from_unix_ms(crate::now().unix_ms() + days * DAY_MS);
        let token = operator.create_token(&self.login, &self.label, self.days.map(end)).await?;
        // The secret alone on standard output, so that it can be piped to where it belongs.
        eprintln!("Token {} of {}, shown this once:", token.id, self.login);
        println!("{}", token.secret);
        Ok(())
    }
}

async fn list(operator: &Operator) -> Result<(), OperatorError> {
    let tokens = operator.tokens().await?;
    if tokens.is_empty() {
        println!("There are no tokens yet: `ternion token create` makes one.");
    }
    for token in tokens {
        println!("{:<36} {:<30} {:<34} {}", token.id, token.login, state(&token), token.label);
    }
    Ok(())
}

fn state(token: &Credential) -> String {
    match token.expires_at {
        _ if token.revoked => "revoked".to_owned(),
        Some(end) if end <= crate::now() => format!("ended {end}"),
        Some(end) => format!("until {end}"),
        None => "until revoked".to_owned(),
    }
}
