//! The effective configuration as TOML, each value with its source.

use std::fmt::Write as _;

use super::{Config, SETTINGS, Sources};

/// One line a setting: `key = value  # where it came from`. Secrets are hidden.
///
/// # Errors
/// The configuration holds what TOML cannot say; none that was read from TOML does.
pub fn effective(config: &Config, sources: &Sources) -> Result<String, toml::ser::Error> {
    let table = toml::Table::try_from(config)?;
    let mut text = String::new();
    for setting in SETTINGS {
        let Some(value) = look_up(&table, setting.path) else { continue };
        let source = sources.get(setting.path).map_or("default".to_owned(), ToString::to_string);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} = {value}  # {source}", setting.path);
    }
    // Tables of a list have no setting of their own.
    for webhook in &config.webhook {
        let (name, file) = (&webhook.name, webhook.secret_file.display());
        let source = sources.get("webhook").map_or("default".to_owned(), ToString::to_string);
        let _ = writeln!(
            text,
            "# webhook {name:?}, its address hidden, its secret in {file}  # {source}"
        );
    }
    Ok(text)
}

fn look_up<'a>(table: &'a toml::Table, path: &str) -> Option<&'a toml::Value> {
    match path.split_once('.') {
        Some((first, rest)) => look_up(table.get(first)?.as_table()?, rest),
        None => table.get(path),
    }
}
