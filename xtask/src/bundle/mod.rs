//! The browser's half: `app` as WASM, its JavaScript, the style sheet, typefaces, static files.
//!
//! Stages, each in its file: [`wasm`] compiles, binds and shrinks, and has [`split`] cut out what few
//! pages need ([`group`] says what of it travels together) and [`names`] shorten
//! what it imports; [`engine`] makes what the worker beside a page runs; [`style`] joins the sheets; [`site`] names every file after its content, compresses it
//! and lists it in `manifest.json`; [`report`] weighs what a first visit downloads.
//! Release and dev are made in folders of their own under `target/bundle`, and the one wanted is
//! then laid out in `target/site`, so that going from `make test` to `make run` and back rebuilds
//! nothing.

mod engine;
mod group;
mod names;
mod report;
mod site;
mod split;
mod style;
mod wasm;

use std::fs;
use std::path::{Path, PathBuf};

use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::say;
use crate::setup;
use report::Weight;
use site::Site;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Small before fast: for people.
    Release,
    /// Quick to make: for tests.
    Dev,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Release => "release",
            Mode::Dev => "dev",
        }
    }

    fn folder(self) -> PathBuf {
        place::target().join("bundle").join(self.name())
    }
}

pub(crate) fn verb(arguments: &[String]) -> Outcome {
    let mode = match arguments {
        [] => Mode::Release,
        [flag] if flag == "--release" => Mode::Release,
        [flag] if flag == "--dev" => Mode::Dev,
        other => {
            let what = format!("bundle does not know `{}`", other.join(" "));
            return Err(Problem::new(what).fix("cargo xtask bundle [--release|--dev]"));
        }
    };
    setup::for_bundle()?;
    let weight = make(mode)?;
    if !weight.is_over_budget() {
        weight.print();
    }
    Ok(())
}

/// Makes the bundle, or finds it made, and lays it out in `target/site`. Says in one line what it
/// weighs; in a table if that is too much.
pub(crate) fn make(mode: Mode) -> Outcome<Weight> {
    let code = wasm::make(mode)?;
    let engine = engine::make(mode)?;
    let mut site = Site::open(mode.folder().join("site"), mode)?;
    for (name, file) in typefaces()? {
        site.add_file(&name, &file)?;
    }
    for (name, file) in static_files()? {
        site.add_file(&name, &file)?;
    }
    let sheet = style::make(&place::root().join("style"), &site)?;
    site.add("ternion.css", sheet.as_bytes())?;
    add_code(&mut site, &code)?;
    engine.add_to(&mut site)?;
    site.close()?;
    site.lay_out(&place::site())?;
    let weight = Weight::of(&site, mode)?;
    if weight.is_over_budget() {
        weight.print();
    }
    say("bundle", format_args!("{}: {weight}", mode.name()));
    Ok(weight)
}

/// JavaScript that crates bring along is imported by path, and pieces are fetched by theirs: each gets
/// its new name in the script.
fn add_code(site: &mut Site, code: &wasm::Code) -> Outcome {
    let mut script = code.script.clone();
    for (path, text) in &code.snippets {
        let logical = path.replace('/', "-");
        let name = site.add(&logical, text.as_bytes())?;
        script = script.replace(&format!("./snippets/{path}"), &format!("./{name}"));
    }
    for (part, module) in &code.parts {
        let logical = split::file(part);
        let name = site.add(&logical, module)?;
        script = script.replace(&format!("\"./{logical}\""), &format!("\"./{name}\""));
    }
    for (piece, parts) in &code.needs {
        site.add_piece(piece, parts.iter().map(|part| split::file(part)).collect());
    }
    site.add("ternion.js", script.as_bytes())?;
    site.add("ternion_bg.wasm", &code.module)?;
    Ok(())
}

/// Of each typeface only the variable upright cut, and only Latin scripts: the screens are in English.
const TYPEFACES: [&str; 2] = ["inter", "jetbrains-mono"];
const SCRIPTS: [&str; 2] = ["latin", "latin-ext"];

fn typefaces() -> Outcome<Vec<(String, PathBuf)>> {
    let packages = place::bundle_packages().join("node_modules/@fontsource-variable");
    let mut files = Vec::new();
    for face in TYPEFACES {
        for script in SCRIPTS {
            let cut = format!("{face}/files/{face}-{script}-wght-normal.woff2");
            files.push((format!("{face}-{script}.woff2"), packages.join(cut)));
        }
    }
    Ok(files)
}

fn static_files() -> Outcome<Vec<(String, PathBuf)>> {
    let folder = place::root().join("style/static");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let files = files_in(&folder)?;
    Ok(files.into_iter().map(|file| (file_name(&file), file)).collect())
}

/// The files of one folder, by name: what we make must not depend on the order of the disk.
fn files_in(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let reading = format!("reading {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).at(&reading)? {
        let path = entry.at(&reading)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
