//! Layers of settings over each other, and where each value came from.
//!
//! The file is parsed with the position of every value. What the environment and the flags say
//! is put in its place with a position past the file's end, so that one strict reading of the
//! whole names the place of any mistake.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::setting::{Kind, PREFIX, SETTINGS, Setting, nearest};
use super::{Config, check, webhook};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// 1-based.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    /// The variable's name.
    Environment(String),
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File { path, line, column } => {
                write!(out, "{}:{line}:{column}", path.display())
            }
            Source::Environment(name) => write!(out, "environment variable {name}"),
            Source::Flag => out.write_str("--set"),
        }
    }
}

/// The source of every setting that has one; the others have their default.
pub type Sources = BTreeMap<String, Source>;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration {} cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("{at}: {what}")]
    Wrong { at: String, what: String },
    #[error(
        "{what}, and no configuration file was named: name one with --config FILE or the environment \
         variable TERNION_CONFIG"
    )]
    NoFile { what: String },
    #[error("--set {0}: write it as KEY=VALUE, such as --set listen=127.0.0.1:3000")]
    Flag(String),
}

/// The three layers, read and not yet understood.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    pub file: Option<PathBuf>,
    /// The file's text.
    pub text: String,
    /// Variables, of which those called `TERNION_…` and `DATABASE_URL` count.
    pub environment: BTreeMap<String, String>,
    /// `key=value`.
    pub flags: Vec<String>,
}

impl Layers {
    /// # Errors
    /// The file cannot be read.
    pub fn of_process(file: Option<&Path>, flags: &[String]) -> Result<Self, ConfigError> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?,
            None => String::new(),
        };
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Layers { file: file.map(Path::to_owned), text, environment, flags: flags.to_vec() })
    }

    /// Puts the layers over each other and reads the whole strictly.
    ///
    /// # Errors
    /// A setting is unknown, malformed or breaks a rule.
    pub fn build(&self) -> Result<(Config, Sources), ConfigError> {
        let root =
            DeTable::parse(&self.text).map_err(|error| self.wrong(&error, &[], &Places::new()))?;
        let span = root.span();
        let mut table = root.into_inner();
        let mut sources = Sources::new();
        let mut places = Places::new();
        self.locate("", &table, &mut sources, &mut places);
        let overrides = self.overrides()?;
        for (index, (setting, text, source)) in overrides.iter().enumerate() {
            let at = self.past_the_end(index);
            put(&mut table, setting.path, value(setting.kind, text, &at), &at);
            sources.insert(setting.path.to_owned(), source.clone());
        }
        let whole = Deserializer::from(Spanned::new(span, table));
        let mut config =
            Config::deserialize(whole).map_err(|error| self.wrong(&error, &overrides, &places))?;
        if let Some(folder) = self.file.as_deref().and_then(Path::parent) {
            config.data = folder.join(&config.data);
            config.anchor.start_at(folder);
            config.fabric.start_at(folder);
            webhook::start_at(&mut config.webhook, folder);
        }
        check::rules(&config).map_err(|(path, what)| ConfigError::Wrong {
            at: sources.get(path).map_or_else(|| path.to_owned(), |at| format!("{at}: {path}")),
            what,
        })?;
        Ok((config, sources))
    }

    /// Variables that look like settings and are none: probably misspelt. Others that start so
    /// belong to commands and tests.
    #[must_use]
    pub fn suspicious_variables(&self) -> Vec<String> {
        let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
        let names = || known.iter().filter_map(|name| name.strip_prefix(PREFIX));
        let given = self.environment.keys().filter_map(|name| name.strip_prefix(PREFIX));
        let unknown = given.filter(|name| !names().any(|known| known == *name));
        unknown
            .filter_map(|name| {
                let meant = nearest(name, names())?;
                Some(format!("{PREFIX}{name} is not a setting; did you mean {PREFIX}{meant}?"))
            })
            .collect()
    }

    fn overrides(&self) -> Result<Vec<(Setting, String, Source)>, ConfigError> {
        let mut found = Vec::new();
        for setting in SETTINGS {
            let names = [setting.variable(), standard_name(setting.path).to_owned()];
            let set = names.into_iter().find_map(|name| Some((self.environment.get(&name)?, name)));
            if let Some((text, name)) = set {
                found.push((setting, text.clone(), Source::Environment(name)));
            }
        }
        for flag in &self.flags {
            let (path, text) =
                flag.split_once('=').ok_or_else(|| ConfigError::Flag(flag.clone()))?;
            let setting = Setting::find(path.trim()).ok_or_else(|| ConfigError::Wrong {
                at: Source::Flag.to_string(),
                what: unknown(path, SETTINGS.iter().map(|setting| setting.path)),
            })?;
            found.push((setting, text.to_owned(), Source::Flag));
        }
        Ok(found)
    }

    /// A position that no byte of the file has, and that leads back to the override.
    fn past_the_end(&self, index: usize) -> Range<usize> {
        let at = self.text.len() + 1 + index;
        at..at
    }

    fn locate(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        sources: &mut Sources,
        places: &mut Places,
    ) {
        for (key, value) in table {
            let path = format!("{prefix}{}", key.get_ref());
            if let DeValue::Table(inner) = value.get_ref() {
                self.locate(&format!("{path}."), inner, sources, places);
            } else {
                places.push((path.clone(), value.span()));
                sources.insert(path, self.position(key.span().start));
            }
        }
    }

    fn position(&self, byte: usize) -> Source {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Source::File {
            path: self.file.clone().unwrap_or_default(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn wrong(
        &self,
        error: &toml::de::Error,
        overrides: &[(Setting, String, Source)],
        places: &Places,
    ) -> ConfigError {
        let what = explain(error.message());
        let start = error.span().map(|span| span.start);
        let at = match start {
            Some(byte) if byte > self.text.len() => overrides
                .get(byte - self.text.len() - 1)
                .map_or_else(String::new, |(setting, _, source)| {
                    format!("{source}: {}", setting.path)
                }),
            Some(byte) if !what.starts_with("missing") => {
                let mut settings = places.iter();
                let setting = settings.find(|(_, value)| value.contains(&byte));
                let named = setting.map_or_else(String::new, |(path, _)| format!(": {path}"));
                format!("{}{named}", self.position(byte))
            }
            _ => match &self.file {
                Some(path) => path.display().to_string(),
                None => return ConfigError::NoFile { what },
            },
        };
        ConfigError::Wrong { at, what }
    }
}

/// Every setting of the file, and where its value stands.
type Places = Vec<(String, Range<usize>)>;

/// The name under which other programs know a setting.
fn standard_name(path: &str) -> &'static str {
    if path == "database_url" { "DATABASE_URL" } else { "" }
}

/// An integer or a truth value that is none stays a text: the strict reading then says so.
fn value<'i>(kind: Kind, text: &'i str, at: &Range<usize>) -> DeValue<'i> {
    match kind {
        Kind::Text => DeValue::String(text.into()),
        Kind::Boolean | Kind::Integer => {
            DeValue::parse(text).map_or_else(|_| DeValue::String(text.into()), Spanned::into_inner)
        }
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            let items = items.map(|item| Spanned::new(at.clone(), DeValue::String(item.into())));
            DeValue::Array(items.collect::<DeArray<'i>>())
        }
    }
}

/// Sets a dotted path, making tables on the way.
fn put<'i>(table: &mut DeTable<'i>, path: &'static str, value: DeValue<'i>, at: &Range<usize>) {
    let key = |name: &'static str| Spanned::new(at.clone(), name.into());
    let Some((first, rest)) = path.split_once('.') else {
        table.insert(key(path), Spanned::new(at.clone(), value));
        return;
    };
    let mut inner = match table.remove(first) {
        Some(old) if old.get_ref().is_table() => old,
        _ => Spanned::new(at.clone(), DeValue::Table(DeTable::new())),
    };
    if let DeValue::Table(inner) = inner.get_mut() {
        put(inner, rest, value, at);
    }
    table.insert(key(first), inner);
}

/// serde's message for an unknown key lists every key; the one that was meant says more.
fn explain(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    match names.next() {
        Some(wrong) if message.starts_with("unknown field") => unknown(wrong, names),
        Some(name) if message.starts_with("missing field") => {
            format!("missing setting \"{name}\"")
        }
        Some(wrong) if message.starts_with("unknown variant") => {
            let allowed: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
            format!("\"{wrong}\" is not one of {}", allowed.join(", "))
        }
        _ => message.to_owned(),
    }
}

fn unknown<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(wrong, names) {
        Some(meant) => format!("\"{wrong}\" is not a setting; did you mean \"{meant}\"?"),
        None => format!("\"{wrong}\" is not a setting"),
    }
}
