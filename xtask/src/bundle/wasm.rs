//! `app` → `ternion.js` and `ternion_bg.wasm`.
//!
//! Cargo decides whether the code changed; binding and shrinking are skipped when what it made is
//! what they last saw.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use super::{Mode, file_name, files_in};
use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::{cargo, command, run, say};
use crate::setup;

const TARGET: &str = "wasm32-unknown-unknown";
const STEM: &str = "ternion";

/// What the browser runs.
pub(crate) struct Code {
    pub(crate) script: String,
    pub(crate) module: Vec<u8>,
    /// Path below `snippets/` → JavaScript that a crate brought along.
    pub(crate) snippets: BTreeMap<String, String>,
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
    bind(&compiled, &folder, mode)?;
    if mode == Mode::Release {
        shrink(&folder.join(format!("{STEM}_bg.wasm")))?;
    }
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
    hash.update(include_str!("../../Cargo.toml"));
    Ok(super::site::hex(&hash.finalize()))
}

fn bind(compiled: &Path, folder: &Path, mode: Mode) -> Outcome {
    say("bundle", "binding JavaScript to WASM");
    let release = mode == Mode::Release;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(compiled).out_name(STEM).typescript(false);
    // The page always says where the module is, since its name holds its hash.
    bindgen.omit_default_module_path(true);
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
    let script = read(folder)?.script;
    if script.contains("function hydrate(") {
        return Ok(());
    }
    let problem = Problem::new("app exports no `hydrate`: the browser would have nothing to start");
    Err(problem
        .fix("in app/src/lib.rs, behind feature `hydrate`: #[wasm_bindgen] pub fn hydrate() { … }"))
}

fn shrink(module: &Path) -> Outcome {
    say("bundle", format_args!("shrinking with wasm-opt {SHRINKING}"));
    let node =
        setup::node().ok_or_else(|| Problem::new("Node is gone").fix("cargo xtask setup"))?;
    let shrunk = module.with_extension("shrunk");
    let mut optimiser = command(node);
    optimiser.arg(place::bundle_packages().join("node_modules/binaryen/bin/wasm-opt"));
    optimiser.arg(SHRINKING).args(FEATURES).arg(module).arg("-o").arg(&shrunk);
    run(&mut optimiser)?;
    fs::rename(&shrunk, module).at(format_args!("replacing {}", module.display()))
}

fn read(folder: &Path) -> Outcome<Code> {
    let text =
        |file: &Path| fs::read_to_string(file).at(format_args!("reading {}", file.display()));
    let module = folder.join(format!("{STEM}_bg.wasm"));
    Ok(Code {
        script: text(&folder.join(format!("{STEM}.js")))?,
        module: fs::read(&module).at(format_args!("reading {}", module.display()))?,
        snippets: snippets(&folder.join("snippets"))?,
    })
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
