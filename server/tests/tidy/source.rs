//! Reading Rust, roughly: what the rules need of a file, without a parser.
//!
//! Rough where our habits allow it: a type begins with a capital and a module does not, code is
//! formatted by rustfmt, and a file's own tests come last, below `#[cfg(test)]`.

/// The feature folders of the server.
pub(crate) const FEATURES: [&str; 7] =
    ["ledger", "grant", "anchor", "economics", "fabric", "optimizer", "identity"];

#[derive(Debug)]
pub(crate) struct Finding(pub(crate) String);

impl Finding {
    /// The line that it names; 0 where it names none.
    pub(crate) fn line(&self, path: &str) -> usize {
        let rest = self.0.strip_prefix(path).and_then(|rest| rest.strip_prefix(':'));
        rest.and_then(|rest| rest.split(':').next()?.parse().ok()).unwrap_or(0)
    }
}

pub(crate) struct Source {
    /// From the top of the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and the inside of strings blanked out; lines stay where they are.
    pub(crate) code: String,
    pub(crate) is_test: bool,
    /// The line of the first `#[cfg(test)]`: what follows is tests, by our habit.
    pub(crate) tests_from: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = code_of(text);
        let tests_from = code
            .lines()
            .position(|line| line.trim() == "#[cfg(test)]")
            .map_or(usize::MAX, |at| at + 1);
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        Self { path: path.to_owned(), text: text.to_owned(), code, is_test, tests_from }
    }

    pub(crate) fn finding(&self, line: usize, what: &str, advice: &str) -> Finding {
        Finding(format!("{}:{line}: {what}: {advice}", self.path))
    }

    pub(crate) fn forbid(&self, folder: &str, names: &[&str], advice: &str) -> Vec<Finding> {
        if self.is_test || !self.path.starts_with(folder) {
            return Vec::new();
        }
        let paths = self.paths().into_iter().filter(|(line, _)| *line < self.tests_from);
        let hits = paths.filter(|(_, path)| names.iter().any(|name| is_below(path, name)));
        hits.map(|(line, path)| {
            self.finding(line, &format!("`{path}` is out of bounds here"), advice)
        })
        .collect()
    }

    /// `server/src/ledger/store.rs` and `server/src/ledger.rs` belong to `ledger`.
    pub(crate) fn feature(&self) -> Option<&'static str> {
        let rest = self.path.strip_prefix("server/src/")?;
        let top = rest.split(['/', '.']).next()?;
        FEATURES.into_iter().find(|name| *name == top)
    }

    /// Every path that the code writes, `use` trees spread out and `super` resolved.
    pub(crate) fn paths(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut line = 1;
        // The prefixes of the braces we are inside of; `None` for a brace that is no `use` tree.
        let mut open: Vec<Option<String>> = Vec::new();
        let mut path = String::new();
        for letter in self.code.chars().chain(['\n']) {
            if is_name(letter) || letter == ':' {
                path.push(letter);
                continue;
            }
            let whole = open.last().cloned().flatten().unwrap_or_default() + &path;
            if path.contains("::") || whole.len() > path.len() {
                found.push((line, self.resolved(&whole)));
            }
            match letter {
                '{' => open.push(path.ends_with("::").then_some(whole)),
                '}' => drop(open.pop()),
                '\n' => line += 1,
                _ => {}
            }
            path.clear();
        }
        found
    }

    fn resolved(&self, path: &str) -> String {
        let Some((_, inside)) = self.path.split_once("/src/") else {
            return path.to_owned();
        };
        let inside = inside.trim_end_matches(".rs").trim_end_matches("/mod");
        let mut module: Vec<&str> = inside.split('/').collect();
        let mut rest = path;
        while let Some(above) = rest.strip_prefix("super::") {
            module.pop();
            rest = above;
        }
        if rest.len() == path.len() {
            return path.to_owned();
        }
        let whole: Vec<&str> = ["crate"].into_iter().chain(module).chain([rest]).collect();
        whole.join("::")
    }
}

/// `std::fs::read` is below `std::fs`; `std::fsync` is not.
fn is_below(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `crate::ledger::store::Row` does; `crate::ledger::Row` and `crate::ledger::Row::new` do not, since
/// by Rust's habit a type has a capital and a module none.
pub(crate) fn reaches_into(path: &str, feature: &str) -> bool {
    let Some(rest) = path.strip_prefix(&format!("crate::{feature}::")) else {
        return false;
    };
    let inside = rest.split_once("::").map(|(module, _)| module);
    inside.is_some_and(|module| module.starts_with(|letter: char| letter.is_lowercase()))
}

pub(crate) fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

pub(crate) fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !is_name(letter)).any(|found| found == word)
}

pub(crate) fn is_function(line: &str) -> bool {
    let before = line.split_once("fn ").map(|(before, _)| before);
    let qualifiers = ["pub", "pub(crate)", "pub(super)", "const", "async", "extern", "\"C\""];
    before.is_some_and(|before| before.split_whitespace().all(|word| qualifiers.contains(&word)))
}

/// From the line of `fn` to the closing brace below it; `None` where it has no body, or it is on one line.
pub(crate) fn length(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?;
    let indent = &first[..first.len() - first.trim_start().len()];
    if first.trim_end().ends_with([';', '}']) {
        return None;
    }
    let at_indent =
        |line: &&str| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with(['}', ')']));
    let ends = |line: &str| line.trim_end().ends_with(['}', ';']);
    let end = lines.iter().position(|line| at_indent(line) && ends(line))?;
    lines[end].trim().starts_with('}').then_some(end + 1)
}

/// The lines of a TOML table, to the next one.
pub(crate) fn section<'a>(manifest: &'a str, name: &str) -> &'a str {
    let start = manifest.find(name).map_or(manifest.len(), |at| at + name.len());
    let rest = &manifest[start..];
    &rest[..rest.find("\n[").unwrap_or(rest.len())]
}

/// Blanks comments and what stands in quotes, letter by letter.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_name = false;
    while let Some(letter) = rest.chars().next() {
        let opaque = if after_name && letter == 'r' { 0 } else { opaque_length(rest) };
        let (taken, left) = rest.split_at(opaque.max(letter.len_utf8()));
        if opaque > 0 {
            code.extend(taken.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
        } else {
            code.push(letter);
        }
        after_name = opaque == 0 && is_name(letter);
        rest = left;
    }
    code
}

/// How many bytes of comment, string or character this text begins with; 0 where it begins with code.
fn opaque_length(text: &str) -> usize {
    let to = |end: &str, from: usize| {
        text[from..].find(end).map_or(text.len(), |at| from + at + end.len())
    };
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return to("*/", 2);
    }
    if let Some(hashes) =
        text.strip_prefix('r').map(|rest| rest.len() - rest.trim_start_matches('#').len())
        && text[1 + hashes..].starts_with('"')
    {
        return to(&format!("\"{}", "#".repeat(hashes)), 2 + hashes);
    }
    match text.chars().next() {
        Some('"') => quoted_length(text, '"'),
        // A character, not a lifetime: its quote closes right after one letter or an escape.
        Some('\'') if text.starts_with("'\\") || text.chars().nth(2) == Some('\'') => {
            quoted_length(text, '\'')
        }
        _ => 0,
    }
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}
