//! What `ternion verify` prints of one file: every step with its inputs, then one sentence.

use std::fmt;
use std::path::Path;

use domain::receipt::{Step, StepState, Verification};
use domain::verifier::{Finding, report};
use serde_json::Value;

use super::Unreadable;

#[derive(Debug)]
pub(super) struct Report {
    file: String,
    outcome: Result<Verification, Unreadable>,
}

impl Report {
    pub(super) fn new(file: &Path, outcome: Result<Verification, Unreadable>) -> Self {
        Report { file: file.display().to_string(), outcome }
    }

    pub(super) fn finding(&self) -> Finding {
        Finding::of(&self.outcome)
    }

    pub(super) fn to_json(&self) -> Value {
        report(&self.file, &self.outcome)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", printable(&self.file))?;
        match &self.outcome {
            Ok(verification) => {
                for (at, step) in verification.steps.iter().enumerate() {
                    write_step(out, at + 1, step)?;
                }
                writeln!(out, "\n{}", printable(&verification.sentence))
            }
            Err(error) => {
                writeln!(out, "\nUnreadable: {}.", printable(&error.to_string()))
            }
        }
    }
}

fn write_step(out: &mut fmt::Formatter<'_>, number: usize, step: &Step) -> fmt::Result {
    let file = step.file.as_ref().map_or_else(String::new, |file| format!("{file}: "));
    let title = printable(&(file + &step.title));
    writeln!(out, "\n{number:>2}. [{}] {title}", word(step.state))?;
    writeln!(out, "    how: {}", step.method)?;
    for (name, value) in &step.inputs {
        write_value(out, name, value)?;
    }
    write_value(out, "result", &step.result)
}

fn write_value(out: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    let value = printable(value.trim_end());
    if value.contains('\n') {
        writeln!(out, "    {name}:")?;
        value.lines().try_for_each(|line| writeln!(out, "      {line}"))
    } else {
        writeln!(out, "    {name}: {value}")
    }
}

const fn word(state: StepState) -> &'static str {
    match state {
        StepState::Valid => "valid",
        StepState::Invalid => "INVALID",
        StepState::Unidentified => "unidentified",
        StepState::NotChecked => "not checked",
    }
}

/// A receipt comes from a stranger: its text must not steer the terminal.
fn printable(text: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\n';
    text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_receipt_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{9b}1mc\n"), "a\u{fffd}[2Jb\u{fffd}1mc\n");
    }
}
