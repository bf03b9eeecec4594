//! `app/engine` → `engine.js`, `engine_bg.wasm`, and the `worker.js` that drives it.
//!
//! A module of its own: what draws ten million numbers is compiled for speed, and the page's for size.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use super::Mode;
use super::site::{Site, hex};
use super::wasm::{TARGET, binaryen};
use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::{cargo, run, run_quietly, say};

const STEM: &str = "engine";

/// Two numbers in one step, which every browser of the last three years can; its figures are the same
/// to the bit. Not in what is made for development, where what is compiled for the page serves twice.
const WIDE: &str = "target.wasm32-unknown-unknown.rustflags=[\"-C\", \"target-feature=+simd128\"]";

/// What the worker runs.
pub(super) struct Engine {
    script: String,
    module: Vec<u8>,
    worker: String,
}

pub(super) fn make(mode: Mode) -> Outcome<Engine> {
    let compiled = compile(mode)?;
    let folder = mode.folder().join(STEM);
    let stamp = folder.join("stamp");
    let fresh = fingerprint(&compiled)?;
    if fs::read_to_string(&stamp).is_ok_and(|seen| seen == fresh) {
        return read(&folder);
    }
    fs::create_dir_all(&folder).at(format_args!("making {}", folder.display()))?;
    bind(&compiled, &folder, mode)?;
    if mode == Mode::Release {
        quicken(&folder.join(format!("{STEM}_bg.wasm")))?;
    }
    // Last: an interrupted run leaves no stamp and starts over.
    fs::write(&stamp, fresh).at(format_args!("writing {}", stamp.display()))?;
    read(&folder)
}

impl Engine {
    /// The worker finds its script by name, and the script's module: each gets its new name there.
    pub(super) fn add_to(&self, site: &mut Site) -> Outcome {
        let script = site.add(&format!("{STEM}.js"), self.script.as_bytes())?;
        let module = site.add(&format!("{STEM}_bg.wasm"), &self.module)?;
        let worker = self.worker.replace("\"./engine.js\"", &format!("\"./{script}\""));
        let worker = worker.replace("\"./engine_bg.wasm\"", &format!("\"./{module}\""));
        site.add("worker.js", worker.as_bytes()).map(drop)
    }
}

fn compile(mode: Mode) -> Outcome<PathBuf> {
    let profile = match mode {
        Mode::Release => "wasm-engine",
        Mode::Dev => "wasm-dev",
    };
    say("bundle", format_args!("compiling the what-if engine for the browser (profile {profile})"));
    let mut rustc = cargo();
    rustc.args(["rustc", "--package", "engine", "--lib", "--crate-type", "cdylib"]);
    rustc.args(["--target", TARGET, "--profile", profile]);
    if mode == Mode::Release {
        rustc.args(["--config", WIDE]);
    }
    run(&mut rustc)?;
    Ok(place::target().join(TARGET).join(profile).join("engine.wasm"))
}

fn fingerprint(compiled: &Path) -> Outcome<String> {
    let mut hash = Sha256::new();
    hash.update(fs::read(compiled).at(format_args!("reading {}", compiled.display()))?);
    hash.update(include_str!("engine.rs"));
    hash.update(include_str!("../../Cargo.toml"));
    Ok(hex(&hash.finalize()))
}

fn bind(compiled: &Path, folder: &Path, mode: Mode) -> Outcome {
    let release = mode == Mode::Release;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(compiled).out_name(STEM).typescript(false);
    // The worker always says where the module is, since its name holds its hash.
    bindgen.omit_default_module_path(true);
    bindgen.remove_name_section(release).remove_producers_section(release);
    let bound = bindgen.web(true).and_then(|web| web.generate(folder));
    bound.map_err(|error| Problem::new(format!("binding {}: {error:#}", compiled.display())))
}

fn quicken(module: &Path) -> Outcome {
    let quick = module.with_extension("quick");
    let mut optimiser = binaryen("wasm-opt")?;
    optimiser.args(["--enable-simd", "-O3"]).arg(module).arg("-o").arg(&quick);
    run_quietly(&mut optimiser)?;
    fs::rename(&quick, module).at(format_args!("replacing {}", module.display()))
}

fn read(folder: &Path) -> Outcome<Engine> {
    let text =
        |file: &Path| fs::read_to_string(file).at(format_args!("reading {}", file.display()));
    let module = folder.join(format!("{STEM}_bg.wasm"));
    Ok(Engine {
        script: text(&folder.join(format!("{STEM}.js")))?,
        module: fs::read(&module).at(format_args!("reading {}", module.display()))?,
        worker: text(&place::root().join("app/engine/worker.js"))?,
    })
}
