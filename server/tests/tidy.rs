//! The house rules that a compiler does not know, each with its reason and a test that it bites.
//!
//! Only the standard library, so that `make check` compiles this file alone in a second. A rule
//! takes a file's path and text and gives findings: `path:line: what, and what to do`.

#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::{
    FEATURES, Finding, Source, has_word, is_function, is_name, length, reaches_into, section,
};

// ---------------------------------------------------------------------------------------------
// The rules
// ---------------------------------------------------------------------------------------------

/// A reader who opens a file must learn in one line what it is for; without it they read it all.
fn opens_with_its_purpose(file: &Source) -> Vec<Finding> {
    if file.is_test || file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![file.finding(1, "no `//!` line at the top", "say in one line what this module is for")]
}

/// What does not fit a screen is not understood at a glance; split it where its thought changes.
fn has_short_functions(file: &Source) -> Vec<Finding> {
    if file.is_test {
        return Vec::new();
    }
    let lines: Vec<&str> = file.code.lines().collect();
    let starts = (0..lines.len()).filter(|at| is_function(lines[*at]));
    let long = starts.filter_map(|at| Some((at + 1, length(&lines[at..])?)));
    let long = long.filter(|(_, length)| *length > FUNCTION_LINES_MAX);
    long.map(|(line, length)| {
        let what = format!("a function of {length} lines, over {FUNCTION_LINES_MAX}");
        file.finding(line, &what, "give a step of it a name of its own")
    })
    .collect()
}

const FUNCTION_LINES_MAX: usize = 70;

/// A file is one subject. Past this length it has become two, and their border is worth naming.
fn is_short(file: &Source) -> Vec<Finding> {
    let length = file.text.lines().count();
    if length <= FILE_LINES_MAX {
        return Vec::new();
    }
    let what = format!("{length} lines, over {FILE_LINES_MAX}");
    vec![file.finding(FILE_LINES_MAX + 1, &what, "split it by subject")]
}

const FILE_LINES_MAX: usize = 600;

/// The rules must run alike in a server, a browser and a simulator: whatever touches the world is
/// handed in. So `domain` knows neither the crates above it nor time, network or disk.
fn keeps_domain_pure(file: &Source) -> Vec<Finding> {
    const WORLD: [&str; 7] = [
        "app",
        "server",
        "tokio",
        "std::net",
        "std::fs",
        "std::time::SystemTime",
        "std::time::Instant",
    ];
    let advice = "take what it would give as an argument; the server performs effects";
    file.forbid("domain/src/", &WORLD, advice)
}

/// The screens reach the back end through a trait, so that they compile for the browser.
fn keeps_app_below_server(file: &Source) -> Vec<Finding> {
    file.forbid("app/src/", &["server"], "add what is needed to the trait in app/src/backend.rs")
}

/// A feature that reaches into another's inside cannot be changed alone. Each has a face: what its
/// top module exports.
fn keeps_features_apart(file: &Source) -> Vec<Finding> {
    let Some(own) = file.feature() else {
        return Vec::new();
    };
    let paths = file.paths().into_iter().filter(|(line, _)| *line < file.tests_from);
    let inside = paths.filter_map(|(line, path)| {
        let other = FEATURES.iter().find(|name| **name != own && reaches_into(&path, name))?;
        let what = format!("`{path}` reaches inside {other}");
        let advice = format!("use what server/src/{other} exports at its top, or export it there");
        Some(file.finding(line, &what, &advice))
    });
    inside.collect()
}

/// The compiler's guarantees are part of what we promise an auditor.
fn is_safe(file: &Source) -> Vec<Finding> {
    let lines = file.code.lines().enumerate();
    let found = lines.filter(|(_, line)| has_word(line, "unsafe"));
    found
        .map(|(at, _)| {
            file.finding(at + 1, "`unsafe`", "use a safe interface, or a library that has one")
        })
        .collect()
}

/// A name that fits everything attracts everything. Name a module after what it knows.
fn has_a_telling_name(file: &Source) -> Vec<Finding> {
    let mut names: Vec<(usize, &str)> = file.path.split(['/', '.']).map(|part| (1, part)).collect();
    for (at, line) in file.code.lines().enumerate() {
        let words: Vec<&str> = line.split(|letter: char| !is_name(letter)).collect();
        let module = words.windows(2).find(|pair| pair[0] == "mod");
        names.extend(module.map(|pair| (at + 1, pair[1])));
    }
    let vague = names.into_iter().filter(|(_, name)| VAGUE.contains(name));
    vague
        .map(|(line, name)| {
            file.finding(line, &format!("a module called `{name}`"), "name it after what it knows")
        })
        .collect()
}

const VAGUE: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];

/// A claim whose test was renamed or deleted is a claim that nobody shows any more.
fn claims_are_shown(path: &str, text: &str, is_test: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let quoted = line.split('`').skip(1).step_by(2);
        for name in quoted.filter(|name| name.contains('_') && name.chars().all(is_name)) {
            if !is_test(name) {
                let what = format!("no test is called `{name}`");
                findings.push(Finding(format!("{path}:{}: {what}: name the one that is", at + 1)));
            }
        }
    }
    findings
}

/// The absence of `unsafe` is the compiler's to keep, in every crate: this only sees that it is asked.
fn forbids_unsafe(path: &str, manifest: &str, workspace: &str, crate_root: &str) -> Vec<Finding> {
    let inherits = section(manifest, "[lints]").contains("workspace = true");
    let asked = inherits
        && section(workspace, "[workspace.lints.rust]").contains("unsafe_code = \"forbid\"");
    if asked || crate_root.contains("#![forbid(unsafe_code)]") {
        return Vec::new();
    }
    let advice =
        "add `[lints]` with `workspace = true`, where the workspace says unsafe_code = \"forbid\"";
    vec![Finding(format!("{path}:1: this crate does not forbid unsafe code: {advice}"))]
}

// ---------------------------------------------------------------------------------------------
// The tree, held to them
// ---------------------------------------------------------------------------------------------

const CRATES: [&str; 4] = ["domain", "app", "server", "xtask"];

type Rule = fn(&Source) -> Vec<Finding>;

fn hold(rule: Rule) {
    let findings = tree().iter().flat_map(rule).collect();
    report(findings);
}

fn report(findings: Vec<Finding>) {
    let lines: Vec<String> = findings.into_iter().map(|finding| finding.0).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn every_module_opens_with_its_purpose() {
    hold(opens_with_its_purpose);
}

#[test]
fn every_function_is_short() {
    hold(has_short_functions);
}

#[test]
fn every_file_is_short() {
    hold(is_short);
}

#[test]
fn domain_is_pure() {
    hold(keeps_domain_pure);
}

#[test]
fn app_is_below_server() {
    hold(keeps_app_below_server);
}

#[test]
fn features_use_only_each_others_face() {
    hold(keeps_features_apart);
}

#[test]
fn no_code_is_unsafe() {
    hold(is_safe);
}

#[test]
fn no_module_has_a_vague_name() {
    hold(has_a_telling_name);
}

#[test]
fn every_claim_about_security_names_a_test_that_exists() {
    const PAGE: &str = "docs/security.md";
    let tree = tree();
    let is_test = |name: &str| {
        let function = format!("fn {name}(");
        tree.iter().any(|file| file.code.contains(&function))
    };
    report(claims_are_shown(PAGE, &read(&root().join(PAGE)), is_test));
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let workspace = read(&root().join("Cargo.toml"));
    for name in CRATES {
        let folder = root().join(name);
        let roots = [folder.join("src/lib.rs"), folder.join("src/main.rs")];
        let crate_root: String =
            roots.iter().filter(|file| file.exists()).map(|file| read(file)).collect();
        let manifest = read(&folder.join("Cargo.toml"));
        report(forbids_unsafe(&format!("{name}/Cargo.toml"), &manifest, &workspace, &crate_root));
    }
}

// ---------------------------------------------------------------------------------------------
// The rules, held to planted violations
// ---------------------------------------------------------------------------------------------

/// Where the rule finds something in this text, by line.
fn caught(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    let lines = rule(&Source::new(path, text)).into_iter().map(|finding| finding.line(path));
    lines.collect()
}

#[test]
fn a_module_without_purpose_is_caught() {
    assert_eq!(caught(opens_with_its_purpose, "app/src/a.rs", "use std::fmt;\n"), [1]);
    assert!(caught(opens_with_its_purpose, "app/src/a.rs", "//! Why.\n").is_empty());
    assert!(caught(opens_with_its_purpose, "app/tests/a.rs", "use std::fmt;\n").is_empty());
}

#[test]
fn a_long_function_is_caught() {
    let function = |lines: usize| {
        format!("\n    pub(crate) async fn f() {{\n{}    }}\n", "        x();\n".repeat(lines - 2))
    };
    assert_eq!(caught(has_short_functions, "app/src/a.rs", &function(71)), [2]);
    assert!(caught(has_short_functions, "app/src/a.rs", &function(70)).is_empty());
    let declared =
        format!("trait T {{\n    fn f(\n    );\n{}    }}\n}}\n", "    // x\n".repeat(80));
    assert!(caught(has_short_functions, "app/src/a.rs", &declared).is_empty());
}

#[test]
fn a_long_file_is_caught() {
    assert_eq!(caught(is_short, "app/src/a.rs", &"\n".repeat(601)), [601]);
    assert!(caught(is_short, "app/src/a.rs", &"\n".repeat(600)).is_empty());
}

#[test]
fn an_impure_domain_is_caught() {
    let text = "//! Not tokio::spawn.\nuse std::{fs, fmt};\nuse std::time::{Duration, Instant};\nlet x = tokio::spawn(f);\n";
    assert_eq!(caught(keeps_domain_pure, "domain/src/a.rs", text), [2, 3, 4]);
    assert!(caught(keeps_domain_pure, "server/src/a.rs", text).is_empty());
    let tested = "//! A.\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
    assert!(caught(keeps_domain_pure, "domain/src/a.rs", tested).is_empty());
    assert!(
        caught(keeps_domain_pure, "domain/src/a.rs", "use crate::app::A;\nlet s = \"tokio::x\";\n")
            .is_empty()
    );
}

#[test]
fn an_app_that_knows_the_server_is_caught() {
    let text =
        "use leptos::server::Resource;\nuse leptos::server_fn::X;\nfn f(n: &server::Node) {}\n";
    assert_eq!(caught(keeps_app_below_server, "app/src/a.rs", text), [3]);
}

#[test]
fn a_reach_inside_another_feature_is_caught() {
    let text = "use crate::ledger::{\n    Intake,\n    store::Row,\n};\nuse crate::{fabric::prober::Probe};\n\
                use super::super::optimizer::run::P;\nlet x = crate::identity::store::all();\n";
    assert_eq!(caught(keeps_features_apart, "server/src/anchor/watcher.rs", text), [3, 5, 6, 7]);
    let fine = "use crate::ledger::{Intake, Status::Final};\nuse crate::anchor::store::Row;\nuse crate::problem::P;\n\
                let x = crate::ledger::Intake::new();\nuse crate::ledger::append;\n";
    assert!(caught(keeps_features_apart, "server/src/anchor/watcher.rs", fine).is_empty());
    assert!(caught(keeps_features_apart, "server/src/node.rs", text).is_empty());
}

#[test]
fn unsafe_code_is_caught() {
    assert_eq!(caught(is_safe, "app/src/a.rs", "//! No unsafe.\nfn f() { unsafe { g() } }\n"), [2]);
    assert!(
        caught(
            is_safe,
            "app/src/a.rs",
            "#![forbid(unsafe_code)]\nlet s = r#\"unsafe \"{\"#;\nlet c = '\"';\n"
        )
        .is_empty()
    );
}

#[test]
fn a_vague_name_is_caught() {
    assert_eq!(caught(has_a_telling_name, "app/src/utils.rs", "//! A.\n"), [1]);
    assert_eq!(caught(has_a_telling_name, "app/tests/common/mod.rs", "//! A.\n"), [1]);
    assert_eq!(
        caught(has_a_telling_name, "app/src/a.rs", "//! A.\npub(crate) mod helpers;\n"),
        [2]
    );
    assert!(caught(has_a_telling_name, "app/src/a.rs", "let common = 1;\n").is_empty());
}

#[test]
fn a_claim_that_no_test_shows_is_caught() {
    let page = "| it holds | `it_holds`, `it_held` |\n`unanimous`: `let a_b = 1`\n";
    let findings = claims_are_shown("docs/a.md", page, |name| name == "it_holds");
    let lines: Vec<usize> = findings.into_iter().map(|finding| finding.line("docs/a.md")).collect();
    assert_eq!(lines, [1]);
}

#[test]
fn a_crate_that_may_be_unsafe_is_caught() {
    let inherits = "[package]\n[lints]\nworkspace = true\n\n[lib]\n";
    let strict = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
    assert!(forbids_unsafe("a", inherits, strict, "").is_empty());
    assert!(forbids_unsafe("a", "[package]\n", strict, "#![forbid(unsafe_code)]\n").is_empty());
    assert_eq!(forbids_unsafe("a", "[package]\n[lib]\nworkspace = true\n", strict, "").len(), 1);
    assert_eq!(forbids_unsafe("a", inherits, "[workspace.lints.clippy]\n", "").len(), 1);
}

// ---------------------------------------------------------------------------------------------
// Reading the tree
// ---------------------------------------------------------------------------------------------

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn tree() -> Vec<Source> {
    let mut files = Vec::new();
    for name in CRATES {
        collect(&root().join(name), name, &mut files);
    }
    assert!(files.len() > CRATES.len(), "the sources were not found below {}", root().display());
    files
}

fn collect(folder: &Path, path: &str, files: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if entry.path().is_dir() {
            if name != "node_modules" && name != "target" {
                collect(&entry.path(), &path, files);
            }
        } else if name.ends_with(".rs") {
            files.push(Source::new(&path, &read(&entry.path())));
        }
    }
}

fn read(file: &Path) -> String {
    match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => panic!("reading {}: {error}", file.display()),
    }
}
