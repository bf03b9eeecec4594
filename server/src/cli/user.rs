//! `ternion user`: the people and programs of one deployment, from the side of its operator.

use std::io::Read as _;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::Role;
use domain::catalog::UserPut;

use super::Outcome;
use super::database::DatabaseArguments;
use crate::identity::{Operator, PASSWORD_BYTES_MAX, check_password};

/// Random bytes of a password that we make: 128 bits, nothing to guess.
const PASSWORD_BYTES: usize = 16;

/// Add, list or deactivate users, and set passwords; works on a cloud's database directly
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example: ternion user add --config gcp.toml ada@example.com --name \"Ada Minh\" --role admin"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Add or change a user: the running cloud records it in the ledger
    Add(Add),
    /// Show everybody
    List(DatabaseArguments),
    /// Sign somebody out and keep them out, once the event is final
    Deactivate(Named),
    /// Set a password; the other clouds learn its verifier
    Password(Password),
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    database: DatabaseArguments,
    /// An e-mail address, or a program's name
    login: String,
    /// The name that others see
    #[arg(long)]
    name: String,
    /// controller, auditor, admin or ingest
    #[arg(long)]
    role: Role,
    #[command(flatten)]
    password: PasswordSource,
}

#[derive(Debug, clap::Args)]
struct Named {
    #[command(flatten)]
    database: DatabaseArguments,
    login: String,
}

#[derive(Debug, clap::Args)]
struct Password {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    password: PasswordSource,
}

/// Never an argument: the list of processes shows arguments to everybody on the machine.
#[derive(Debug, clap::Args)]
struct PasswordSource {
    /// Read the password from standard input; otherwise one is made and shown once
    #[arg(long)]
    password_stdin: bool,
}

impl Arguments {
    pub async fn run(self) -> Outcome {
        let database = self.act.database().open().await?;
        let done = self.act.run(&database.operator()).await;
        database.close().await;
        done.map(|()| ExitCode::SUCCESS)
    }
}

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Act {
    const fn database(&self) -> &DatabaseArguments {
        match self {
            Act::Add(add) => &add.database,
            Act::List(database) => database,
            Act::Deactivate(named) => &named.database,
            Act::Password(password) => &password.named.database,
        }
    }

    async fn run(&self, operator: &Operator) -> Done {
        match self {
            Act::Add(add) => add.run(operator).await,
            Act::List(_) => list(operator).await,
            Act::Deactivate(named) => deactivate(operator, &named.login).await,
            Act::Password(password) => password.run(operator).await,
        }
    }
}

impl Add {
    async fn run(&self, operator: &Operator) -> Done {
        let login = self.login.trim().to_lowercase();
        let user = UserPut { login, name: self.name.clone(), role: self.role, active: true };
        // Before anything is written: a password that is refused must leave nothing behind.
        let typed = self.password.read()?;
        let event_id = operator.put_user(&user).await?;
        println!("{} ({}) waits to be recorded as event {event_id}.", user.login, user.role);
        println!("The running cloud records it within seconds; it holds once that is FINAL.");
        // A program needs no password: it comes in with tokens.
        if user.role == Role::Ingest && typed.is_none() {
            return Ok(());
        }
        set_password(operator, &user.login, typed).await
    }
}

impl Password {
    async fn run(&self, operator: &Operator) -> Done {
        let typed = self.password.read()?;
        set_password(operator, &self.named.login, typed).await?;
        println!("Sessions at this cloud have ended.");
        Ok(())
    }
}

impl PasswordSource {
    /// What was typed, if anything was to be.
    fn read(&self) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
        if !self.password_stdin {
            return Ok(None);
        }
        let mut text = String::new();
        // Two more than may be, so that too long is seen as such.
        let limit = u64::try_from(PASSWORD_BYTES_MAX + 2).unwrap_or(u64::MAX);
        std::io::stdin().take(limit).read_to_string(&mut text)?;
        let password = text.trim_end_matches(['\r', '\n']).to_owned();
        check_password(&password)?;
        Ok(Some(password))
    }
}

/// Sets what was typed, or makes a password and shows it.
async fn set_password(operator: &Operator, login: &str, typed: Option<String>) -> Done {
    if let Some(password) = typed {
        operator.set_password(login, &password).await?;
        println!("The password of {login} is set.");
        return Ok(());
    }
    let password = make_password()?;
    operator.set_password(login, &password).await?;
    println!("The password of {login}, shown this once: {password}");
    Ok(())
}

fn make_password() -> Result<String, getrandom::Error> {
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

async fn list(operator: &Operator) -> Done {
    let users = operator.users().await?;
    if users.is_empty() {
        println!("There is nobody yet: `ternion user add` makes the first admin.");
    }
    for (user, waits) in users {
        let state = match (waits, user.active) {
            (true, _) => "waits to be FINAL",
            (false, true) => "active",
            (false, false) => "deactivated",
        };
        println!("{:<40} {:<12} {:<22} {}", user.login, user.role.name(), state, user.name);
    }
    Ok(())
}

async fn deactivate(operator: &Operator, login: &str) -> Done {
    let event_id = operator.deactivate(login).await?;
    println!("{login} is signed out of this cloud.");
    println!("The deactivation waits to be recorded as event {event_id}; it holds once FINAL.");
    Ok(())
}
