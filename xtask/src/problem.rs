//! The one error of the build tool: what went wrong, where, and what to do about it.

use std::fmt;
use std::io;

/// Printed as it is, to a person. Nothing here is matched on.
#[derive(Debug)]
pub(crate) struct Problem {
    what: String,
    fix: Option<String>,
    told: bool,
}

pub(crate) type Outcome<T = ()> = Result<T, Problem>;

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), fix: None, told: false }
    }

    /// Has been printed where it arose; only the exit code remains.
    pub(crate) fn told(self) -> Self {
        Self { told: true, ..self }
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    /// What the reader can do, in the imperative.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.what)?;
        match &self.fix {
            Some(fix) => write!(out, "\n  {fix}"),
            None => Ok(()),
        }
    }
}

/// Says where an input or output error happened: the system's own words never do.
pub(crate) trait At<T> {
    fn at(self, doing: impl fmt::Display) -> Outcome<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Problem::new(format!("{doing}: {error}")))
    }
}
