//! `ternion fabric`: what would be published at providers of DNS, from the side of the operator.

use std::process::ExitCode;

use serde::Deserialize;

use super::Outcome;
use super::client::Client;

/// What is published at providers of DNS
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example: ternion fabric publish --dry-run --to http://127.0.0.1:3000 \
                  --token demo-auditor"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Publish(Publish),
}

/// Print the difference between what is at each provider and what should be
///
/// The nodes publish by themselves as soon as something changes; this command writes nothing. The
/// node at --to reads its providers anew for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion fabric publish --dry-run --to http://127.0.0.1:3000 \
                        --token demo-auditor")]
struct Publish {
    /// Write nothing: the only way this command works
    #[arg(long, required = true)]
    dry_run: bool,
    /// A cloud's address
    #[arg(long, value_name = "URL", env = "TERNION_TO")]
    to: String,
    /// A token of an auditor, a controller or an admin
    #[arg(long, value_name = "TOKEN", env = "TERNION_TOKEN", hide_env_values = true)]
    token: String,
}

#[derive(Deserialize)]
struct Listed {
    items: Vec<Standing>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    publisher: String,
    place: String,
    on_drift: String,
    read_at: Option<String>,
    waiting: Vec<String>,
    drift: Vec<String>,
    problem: Option<String>,
    /// Absent at a node of an earlier version.
    #[serde(default)]
    next_try_at: Option<String>,
}

impl Arguments {
    pub(super) async fn run(self) -> Outcome {
        let Act::Publish(Publish { dry_run: _, to, token }) = self.act;
        let client = Client::new(&to, Some(&token))?;
        let answer = client.get("/v1/fabric/publishers?fresh=true").await?;
        let Listed { items } = serde_json::from_slice(&answer)?;
        if items.is_empty() {
            println!(
                "No provider is configured at {to}: fabric.route53, fabric.cloudflare, \
                 fabric.cloudflare_balancer."
            );
        }
        let mut all_read = true;
        for item in &items {
            all_read &= item.problem.is_none();
            print!("{}", shown(item));
        }
        Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn shown(standing: &Standing) -> String {
    let Standing { publisher, place, on_drift, read_at, waiting, drift, problem, next_try_at } =
        standing;
    let head = format!("{publisher}, {place}: ");
    if let Some(problem) = problem {
        let next = next_try_at.as_ref().map(|at| format!(" (asked again at {at})"));
        return format!("{head}{problem}{}\n", next.unwrap_or_default());
    }
    if read_at.is_none() {
        return format!("{head}not read yet: this cloud hears no majority, or has just started\n");
    }
    if waiting.is_empty() && drift.is_empty() {
        return format!("{head}in step\n");
    }
    let mut text = format!("{head}{} to do, {} edited by hand\n", waiting.len(), drift.len());
    for line in waiting {
        text.push_str(&format!("  {line}\n"));
    }
    let then = if on_drift == "apply" { "written over" } else { "left alone" };
    for line in drift {
        text.push_str(&format!("  by hand, {then}: {line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_printed_line_by_line_and_edits_say_what_becomes_of_them() {
        let standing = Standing {
            publisher: "route53".to_owned(),
            place: "zone Z111 at route53.amazonaws.com".to_owned(),
            on_drift: "report".to_owned(),
            read_at: Some("2026-11-26T00:00:00Z".to_owned()),
            waiting: vec!["+ a".to_owned(), "- b".to_owned()],
            drift: vec!["~ c → d".to_owned()],
            problem: None,
            next_try_at: None,
        };
        let expected = "route53, zone Z111 at route53.amazonaws.com: 2 to do, 1 edited by hand\n  \
                        + a\n  - b\n  by hand, left alone: ~ c → d\n";
        assert_eq!(shown(&standing), expected);
        let whole = Standing { waiting: Vec::new(), drift: Vec::new(), ..standing };
        assert!(shown(&whole).ends_with(": in step\n"));
        let unread = Standing { read_at: None, ..whole.clone() };
        assert!(shown(&unread).contains("not read yet"));
        let broken = Standing { problem: Some("it cannot be reached".to_owned()), ..whole };
        assert!(shown(&broken).ends_with(": it cannot be reached\n"));
        let next = Standing { next_try_at: Some("2026-11-26T00:01:00Z".to_owned()), ..broken };
        let says = ": it cannot be reached (asked again at 2026-11-26T00:01:00Z)\n";
        assert!(shown(&next).ends_with(says));
    }
}
