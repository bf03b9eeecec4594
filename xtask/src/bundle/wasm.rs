//! `app` → `ternion.js`, `ternion_bg.wasm`, and the parts that come later.
//!
//! Cargo decides whether the code changed; cutting, binding and shrinking are skipped when what it made
//! is what they last saw.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use super::split::{self, Needs, Parts};
use super::{Mode, file_name, files_in, names};
use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::{cargo, command, run, run_quietly, say};
use crate::setup;

pub(super) const TARGET: &str = "wasm32-unknown-unknown";
const STEM: &str = "ternion";
/// In the folder of what we make: modules that come later, and which of them a piece needs.
const PARTS: &str = "parts";
const NEEDS: &str = "needs";

/// What the browser runs.
pub(crate) struct Code {
    pub(crate) script: String,
    pub(crate) module: Vec<u8>,
    /// Path below `snippets/` → JavaScript that a crate brought along.
    pub(crate) snippets: BTreeMap<String, String>,
    /// Modules that come later, by name.
    pub(crate) parts: BTreeMap<String, Vec<u8>>,
    pub(crate) needs: Needs,
}

/// What rustc emits for this target (`rustc --print cfg --target wasm32-unknown-unknown`), in
/// wasm-opt's words. A feature missing here is refused when the module is read.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Not `-Oz`: it removes repetitions, which brotli folds anyway. Its module is smaller by 8 %, and
/// what travels is larger by 1 %. A second round gains a thousandth.
/// Nor `--traps-never-happen`: that takes for granted that no check of a bound ever fails, and drops
/// the checks. This module reads files from strangers.
const SHRINKING: &str = "-Os";

pub(crate) fn make(mode: Mode) -> Outcome<Code> {
    let compiled = compile(mode)?;
    let folder = mode.folder().join("wasm");
    let stamp = folder.join("stamp");
    let fresh = fingerprint(&compiled)?;
    if fs::read_to_string(&stamp).is_ok_and(|seen| seen == fresh) {
        return read(&folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).at(format_args!("clearing {}", folder.display()))?;
    }
    make_folder(&folder.join(PARTS))?;
    let cut = folder.join("cut");
    make_folder(&cut)?;
    let parts = split::split(&compiled, &cut)?;
    bind(&parts.main, &folder, mode)?;
    settle(&parts, &folder)?;
    shorten(&folder)?;
    if mode == Mode::Release {
        shrink_all(&folder)?;
    }
    fs::remove_dir_all(&cut).at(format_args!("clearing {}", cut.display()))?;
    // Last: an interrupted run leaves no stamp and starts over.
    fs::write(&stamp, fresh).at(format_args!("writing {}", stamp.display()))?;
    read(&folder)
}

/// The profiles are in the workspace's Cargo.toml.
fn compile(mode: Mode) -> Outcome<PathBuf> {
    let profile = match mode {
        Mode::Release => "wasm-release",
        Mode::Dev => "wasm-dev",
    };
    say("bundle", format_args!("compiling app for the browser (profile {profile})"));
    let mut rustc = cargo();
    rustc.args(["rustc", "--package", "app", "--lib", "--crate-type", "cdylib"]);
    rustc.args(["--target", TARGET, "--features", "hydrate", "--profile", profile]);
    // What cuts the module apart must know who calls whom.
    rustc.args(["--", "-C", "link-args=--emit-relocs"]);
    run(&mut rustc)?;
    Ok(place::target().join(TARGET).join(profile).join("app.wasm"))
}

/// Of the module and of everything else that shapes what we make from it.
fn fingerprint(compiled: &Path) -> Outcome<String> {
    let lock = place::bundle_packages().join("package-lock.json");
    let mut hash = Sha256::new();
    for file in [compiled, lock.as_path()] {
        hash.update(fs::read(file).at(format_args!("reading {}", file.display()))?);
    }
    hash.update(include_str!("wasm.rs"));
    hash.update(include_str!("split.rs"));
    hash.update(include_str!("group.rs"));
    hash.update(include_str!("names.rs"));
    hash.update(include_str!("../../Cargo.toml"));
    Ok(super::site::hex(&hash.finalize()))
}

fn bind(compiled: &Path, folder: &Path, mode: Mode) -> Outcome {
    let release = mode == Mode::Release;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(compiled).out_name(STEM).typescript(false);
    // The page always says where the module is, since its name holds its hash.
    bindgen.omit_default_module_path(true);
    // The parts import by the linker's names.
    bindgen.keep_lld_exports(true).demangle(false);
    bindgen.remove_name_section(release).remove_producers_section(release);
    let bound = bindgen.web(true).and_then(|web| web.generate(folder));
    bound.map_err(|error| {
        let what = format!("binding {}: {error:#}", compiled.display());
        Problem::new(what).fix("if this speaks of a schema version, wasm-bindgen in Cargo.lock and wasm-bindgen-cli-support in xtask/Cargo.toml differ")
    })?;
    require_hydrate(folder)
}

/// Without it the page would load and then do nothing: say so now.
fn require_hydrate(folder: &Path) -> Outcome {
    let script = folder.join(format!("{STEM}.js"));
    let script = fs::read_to_string(&script).at(format_args!("reading {}", script.display()))?;
    if script.contains("function hydrate(") {
        return Ok(());
    }
    let problem = Problem::new("app exports no `hydrate`: the browser would have nothing to start");
    Err(problem
        .fix("in app/src/lib.rs, behind feature `hydrate`: #[wasm_bindgen] pub fn hydrate() { … }"))
}

/// Puts the loader into the script, and the parts and who needs them beside it.
fn settle(parts: &Parts, folder: &Path) -> Outcome {
    let script = folder.join(format!("{STEM}.js"));
    let text = fs::read_to_string(&script).at(format_args!("reading {}", script.display()))?;
    fs::write(&script, parts.with_loader(&text))
        .at(format_args!("writing {}", script.display()))?;
    for (name, module) in &parts.modules {
        let to = folder.join(PARTS).join(format!("{name}.wasm"));
        fs::rename(module, &to).at(format_args!("moving {}", module.display()))?;
    }
    let line = |(piece, needed): (&String, &Vec<String>)| format!("{piece} {}\n", needed.join(" "));
    let needs = folder.join(NEEDS);
    fs::write(&needs, parts.needs.iter().map(line).collect::<String>())
        .at(format_args!("writing {}", needs.display()))
}

/// In both kinds of bundle, so that what is tested is what is sent.
fn shorten(folder: &Path) -> Outcome {
    let script = folder.join(format!("{STEM}.js"));
    let module = folder.join(format!("{STEM}_bg.wasm"));
    let text = fs::read_to_string(&script).at(format_args!("reading {}", script.display()))?;
    let bytes = fs::read(&module).at(format_args!("reading {}", module.display()))?;
    let (text, bytes) = names::shorten(&text, &bytes)?;
    fs::write(&script, text).at(format_args!("writing {}", script.display()))?;
    fs::write(&module, bytes).at(format_args!("writing {}", module.display()))
}

fn shrink_all(folder: &Path) -> Outcome {
    shrink(&folder.join(format!("{STEM}_bg.wasm")))?;
    files_in(&folder.join(PARTS))?.iter().try_for_each(|part| shrink(part))
}

fn shrink(module: &Path) -> Outcome {
    let shrunk = module.with_extension("shrunk");
    let mut optimiser = binaryen("wasm-opt")?;
    optimiser.arg(SHRINKING).arg(module).arg("-o").arg(&shrunk);
    run_quietly(&mut optimiser)?;
    fs::rename(&shrunk, module).at(format_args!("replacing {}", module.display()))
}

/// One of binaryen's programs.
pub(crate) fn binaryen(program: &str) -> Outcome<Command> {
    let node =
        setup::node().ok_or_else(|| Problem::new("Node is gone").fix("cargo xtask setup"))?;
    let mut command = command(node);
    command.arg(place::bundle_packages().join("node_modules/binaryen/bin").join(program));
    command.args(FEATURES);
    Ok(command)
}

fn make_folder(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).at(format_args!("making {}", folder.display()))
}

fn read(folder: &Path) -> Outcome<Code> {
    let text =
        |file: &Path| fs::read_to_string(file).at(format_args!("reading {}", file.display()));
    let module = folder.join(format!("{STEM}_bg.wasm"));
    Ok(Code {
        script: text(&folder.join(format!("{STEM}.js")))?,
        module: fs::read(&module).at(format_args!("reading {}", module.display()))?,
        snippets: snippets(&folder.join("snippets"))?,
        parts: parts(&folder.join(PARTS))?,
        needs: needs(&text(&folder.join(NEEDS))?),
    })
}

fn parts(folder: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for file in files_in(folder)? {
        let module = fs::read(&file).at(format_args!("reading {}", file.display()))?;
        found.insert(file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), module);
    }
    Ok(found)
}

/// A line a piece: its name, and what it needs.
fn needs(text: &str) -> Needs {
    let line = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.collect()))
    };
    text.lines().filter_map(line).collect()
}

/// One folder a crate, scripts in it.
fn snippets(folder: &Path) -> Outcome<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let Ok(crates) = fs::read_dir(folder) else {
        return Ok(found);
    };
    for of_crate in crates.filter_map(Result::ok).map(|entry| entry.path()) {
        for file in files_in(&of_crate)? {
            let text = fs::read_to_string(&file).at(format_args!("reading {}", file.display()))?;
            found.insert(format!("{}/{}", file_name(&of_crate), file_name(&file)), text);
        }
    }
    Ok(found)
}
