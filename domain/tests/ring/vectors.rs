//! The project's own test vectors: formulas with cases, which other cases of the same form may
//! replace.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::fixtures;

/// One case of a formula.
#[derive(Deserialize)]
pub struct Case<I, O> {
    pub id: String,
    #[serde(rename = "in")]
    pub given: I,
    pub out: O,
}

/// A file of cases: its formula is in `spec`, which a person reads.
#[derive(Deserialize)]
struct File<I, O> {
    tol: f64,
    cases: Vec<Case<I, O>>,
}

/// Vectors of other parts of the product have another form, and no family.
#[derive(Deserialize)]
struct Header {
    family: Option<String>,
}

/// A case with the tolerance of its file.
pub struct Check {
    pub id: String,
    tolerance: f64,
}

/// The folder of the vectors: `TERNION_VECTORS`, or the one beside these tests.
pub fn folder() -> Option<PathBuf> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let folder = std::env::var_os("TERNION_VECTORS").map_or_else(own, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    // Written past the test harness, which hides what a passing test prints.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: no vectors: {} is missing; set TERNION_VECTORS",
        folder.display()
    );
    None
}

/// Every file of the folder and below that has a family.
pub fn families() -> Vec<(PathBuf, String)> {
    let Some(folder) = folder() else { return Vec::new() };
    let family = |path: PathBuf| {
        let family = fixtures::read_json::<Header>(&path).family?;
        Some((path, family))
    };
    fixtures::files(&folder, "json").into_iter().filter_map(family).collect()
}

/// Every case of a family, from whatever file it stands in.
pub fn each<I, O>(family: &str, check: impl Fn(&Check, I, O))
where
    I: DeserializeOwned,
    O: DeserializeOwned,
{
    let files = families().into_iter().filter(|(_, name)| name == family);
    let files: Vec<PathBuf> = files.map(|(path, _)| path).collect();
    if files.is_empty() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no vectors of {family}");
    }
    for path in files {
        let file: File<I, O> = fixtures::read_json(&path);
        assert!(!file.cases.is_empty(), "{} has no cases", path.display());
        for case in file.cases {
            check(&Check { id: case.id, tolerance: file.tol }, case.given, case.out);
        }
    }
}

impl Check {
    /// Equal within the file's tolerance: relative, and absolute below a thousandth.
    #[track_caller]
    pub fn near(&self, what: &str, found: f64, expected: f64) {
        let allowed = self.tolerance * expected.abs().max(1e-3);
        let close = (found - expected).abs() <= allowed;
        assert!(close, "{}: {what} is {found}, expected {expected}", self.id);
    }

    /// Both absent, or both there and near.
    #[track_caller]
    pub fn near_if_any(&self, what: &str, found: Option<f64>, expected: Option<f64>) {
        match (found, expected) {
            (Some(found), Some(expected)) => self.near(what, found, expected),
            (None, None) => {}
            _ => panic!("{}: {what} is {found:?}, expected {expected:?}", self.id),
        }
    }

    #[track_caller]
    pub fn all_near(&self, what: &str, found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len(), "{}: {what}", self.id);
        for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
            self.near(&format!("{what}[{at}]"), *found, *expected);
        }
    }

    #[track_caller]
    pub fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, found: &T, expected: &T) {
        assert_eq!(found, expected, "{}: {what}", self.id);
    }
}
