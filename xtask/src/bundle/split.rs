//! The compiled module in parts: what every page needs, and a piece for each group of pages, which
//! comes when one of them is opened.
//!
//! `app` says by `piece!` which pages are a piece. What several pieces need, and the rest does not,
//! is cut out as well, a chunk for each set of pieces; [`group`] says which of them travel together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wasm_split_cli_support::{Options, transform};
use wasmparser::{BinaryReaderError, Import, Parser, Payload, TypeRef};

use super::group::{Chunk, Group, group};
use super::report::LATER;
use super::site::brotli;
use super::{Mode, wasm};
use crate::problem::{At, Outcome, Problem};
use crate::process::run_quietly;

/// How the cutter names what several pieces share, and what is a piece's alone.
const CHUNK: &str = "chunk_";
const ALONE: &str = "split_";
/// Where the main module imports what fetches the pieces, until that is a part of the script.
pub(crate) const LOADER: &str = "./pieces.js";
/// Where each part imports memory, table and stack.
const SHARED: &str = "__wasm_split";
/// The same, in a part that was merged.
const SHARED_IN_MERGED: &str = "__wasm_split_main";

/// The module, cut. Parts other than the main one are named as they will be in the site.
pub(crate) struct Parts {
    /// What wasm-bindgen binds.
    pub(crate) main: PathBuf,
    pub(crate) modules: BTreeMap<String, PathBuf>,
    pub(crate) needs: Needs,
    /// The cutter's JavaScript, up to where it lists what it cut.
    runtime: String,
}

/// The parts that a piece needs besides the main one.
pub(crate) type Needs = BTreeMap<String, Vec<String>>;

/// Cuts the module, whose relocations must be kept, into files in `folder`.
pub(crate) fn split(compiled: &Path, folder: &Path) -> Outcome<Parts> {
    let main = folder.join("main.wasm");
    let module = fs::read(compiled).at(format_args!("reading {}", compiled.display()))?;
    let mut options = Options::new(&module);
    options.output_dir = folder;
    options.main_out_path = &main;
    options.link_name = LOADER;
    let cut = transform(options).map_err(|error| {
        let what = format!("cutting {}: {error:#}", compiled.display());
        Problem::new(what).fix("if this speaks of a version, wasm_split_helpers in Cargo.lock and wasm_split_cli_support in xtask/Cargo.toml differ")
    })?;
    let files: Needs = cut.prefetch_map.into_iter().collect();
    let (chunks, alone) = weigh(&files, folder)?;
    let groups = group(&chunks, &alone, &LATER);
    let all = files.keys().cloned().collect();
    let mut modules = own_modules(&files, folder);
    let mut needs: Needs = files.keys().map(|piece| (piece.clone(), Vec::new())).collect();
    for group in &groups {
        let name = group.name(&all);
        modules.insert(name.clone(), merge(group, &name, folder)?);
        for piece in &group.pieces {
            needs.entry(piece.clone()).or_default().push(name.clone());
        }
    }
    // A piece itself comes last: it calls what is before it.
    for (piece, parts) in &mut needs {
        parts.extend(modules.get_key_value(piece).map(|(own, _)| own.clone()));
    }
    Ok(Parts { main, modules, needs, runtime: runtime(folder)? })
}

/// What each piece needs alone: `split_lab` → `lab`.
fn own_modules(files: &Needs, folder: &Path) -> BTreeMap<String, PathBuf> {
    let own = files.values().flatten().filter_map(|file| Some((file.strip_prefix(ALONE)?, file)));
    own.map(|(piece, file)| (piece.to_owned(), folder.join(format!("{file}.wasm")))).collect()
}

/// The chunks, and the bytes that each piece needs alone.
fn weigh(files: &Needs, folder: &Path) -> Outcome<(Vec<Chunk>, BTreeMap<String, u64>)> {
    let mut chunks: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    let mut alone = BTreeMap::new();
    for (piece, of_piece) in files {
        alone.insert(piece.clone(), 0);
        for file in of_piece {
            if file.starts_with(CHUNK) {
                chunks.entry(file).or_default().insert(piece.clone());
            } else {
                alone.insert(piece.clone(), bytes_of(&folder.join(format!("{file}.wasm")))?);
            }
        }
    }
    let chunk = |(name, pieces): (&String, BTreeSet<String>)| {
        let bytes = bytes_of(&folder.join(format!("{name}.wasm")))?;
        Ok(Chunk { name: name.clone(), bytes, pieces })
    };
    Ok((chunks.into_iter().map(chunk).collect::<Outcome<_>>()?, alone))
}

/// Code and data as they travel, about, since quality matters little to compare: names do not, and cryptography's tables compress far less than
/// views do.
fn bytes_of(file: &Path) -> Outcome<u64> {
    let module = fs::read(file).at(format_args!("reading {}", file.display()))?;
    let mut travels = Vec::new();
    for payload in Parser::new(0).parse_all(&module) {
        let payload = payload
            .map_err(|error| Problem::new(format!("reading {}: {error}", file.display())))?;
        let range = match payload {
            Payload::CodeSectionStart { range, .. } => range,
            Payload::DataSection(section) => section.range(),
            _ => continue,
        };
        let place = |at: u64| usize::try_from(at).unwrap_or(module.len());
        travels.extend_from_slice(
            module.get(place(range.start)..place(range.end)).unwrap_or_default(),
        );
    }
    Ok(brotli(&travels, Mode::Dev)?.len() as u64)
}

/// wasm-merge takes what two modules import for two different things, unless it sees who exports it:
/// hence one more module, which hands on what it imports.
fn merge(group: &Group, name: &str, folder: &Path) -> Outcome<PathBuf> {
    let file = |name: &str| folder.join(format!("{name}.wasm"));
    let [first, others @ ..] = group.chunks.as_slice() else {
        return Err(Problem::new(format!("the part {name} is of nothing")));
    };
    if others.is_empty() {
        return Ok(file(first));
    }
    // All import the same.
    let read = fs::read(file(first)).at(format_args!("reading {first}"))?;
    let shared = hand_on(&read);
    let shared = shared.map_err(|error| Problem::new(format!("reading {first}: {error}")))?;
    let handing = folder.join(format!("{name}.wat"));
    fs::write(&handing, format!("(module\n{shared})\n"))
        .at(format_args!("writing {}", handing.display()))?;
    let mut merge = wasm::binaryen("wasm-merge")?;
    merge.arg(&handing).arg(SHARED);
    for chunk in &group.chunks {
        merge.arg(file(chunk)).arg(chunk);
    }
    run_quietly(merge.arg("-o").arg(file(name)))?;
    Ok(file(name))
}

fn hand_on(module: &[u8]) -> Result<String, BinaryReaderError> {
    let mut lines = String::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                lines.push_str(&handed_on(import?));
            }
        }
    }
    Ok(lines)
}

/// Functions are not among what parts share: they call each other through the table.
fn handed_on(Import { name, ty, .. }: Import<'_>) -> String {
    let (kind, form) = match ty {
        TypeRef::Memory(memory) => ("memory", memory.initial.to_string()),
        TypeRef::Table(table) => ("table", format!("{} funcref", table.initial)),
        TypeRef::Global(global) if global.mutable => ("global", "(mut i32)".to_owned()),
        TypeRef::Global(_) => ("global", "i32".to_owned()),
        TypeRef::Func(_) | TypeRef::FuncExact(_) | TypeRef::Tag(_) => return String::new(),
    };
    format!("({kind} (export {name:?}) (import {SHARED_IN_MERGED:?} {name:?}) {form})\n")
}

fn runtime(folder: &Path) -> Outcome<String> {
    let generated = folder.join(LOADER);
    let text =
        fs::read_to_string(&generated).at(format_args!("reading {}", generated.display()))?;
    // Imports the script that it will be a part of.
    let (_, text) = text.split_once('\n').unwrap_or_default();
    let (runtime, _) = text.split_once("\n/* ").unwrap_or((text, ""));
    let has = |function: &str| runtime.contains(&format!("function {function}("));
    if has("makeLoad") && has("wrapAsyncCb") {
        return Ok(runtime.to_owned());
    }
    let problem = Problem::new("the cutter's JavaScript is not as we know it");
    Err(problem.fix("compare wasm_split_cli_support's version in xtask/Cargo.toml with Cargo.lock"))
}

/// Each part is fetched once, however many pieces need it.
const FETCH: &str = "
const part = (name) => makeLoad(() => {
    const source = fetch(new URL(name, import.meta.url));
    source.catch(() => {});
    return ({ __wasm_split }) =>
        WebAssembly.instantiateStreaming(source, { __wasm_split, __wasm_split_main: __wasm_split });
}, []);
";

impl Parts {
    /// The script, with what fetches the pieces in the place of importing it. Two files that import
    /// each other could not both be named after their content.
    pub(crate) fn with_loader(&self, script: &str) -> String {
        let is_import = |line: &&str| line.starts_with("import * as ") && line.contains(LOADER);
        let (imports, lines): (Vec<&str>, Vec<&str>) = script.lines().partition(is_import);
        let names = imports.iter().filter_map(|line| line.split_whitespace().nth(3));
        let names: String = names.map(|name| format!("const {name} = pieces;\n")).collect();
        format!("{}\n{}{names}", lines.join("\n"), self.loader())
    }

    fn loader(&self) -> String {
        let parts: String = self
            .modules
            .keys()
            .map(|name| format!("    {name:?}: part(\"./{}\"),\n", file(name)))
            .collect();
        let of = |name: &String| format!("parts[{name:?}]");
        let piece = |(piece, needed): (&String, &Vec<String>)| {
            let needed = needed.iter().map(of).collect::<Vec<_>>().join(", ");
            format!(
                "    __wasm_split_load_{piece}: wrapAsyncCb(makeLoad(() => () => {{}}, [{needed}])),\n"
            )
        };
        let pieces: String = self.needs.iter().map(piece).collect();
        format!(
            "const pieces = (() => {{\n{}{FETCH}const parts = {{\n{parts}}};\nreturn {{\n{pieces}}};\n}})();\n",
            self.runtime
        )
    }
}

/// A part's logical name in the site.
pub(crate) fn file(part: &str) -> String {
    format!("ternion-{part}.wasm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_fetches_the_pieces_itself_instead_of_importing_who_does() {
        let parts = Parts {
            main: PathBuf::new(),
            modules: ["common", "lab"].map(|name| (name.to_owned(), PathBuf::new())).into(),
            needs: [("lab".to_owned(), ["common", "lab"].map(str::to_owned).to_vec())].into(),
            runtime: "function makeLoad() {}\nfunction wrapAsyncCb() {}\n".to_owned(),
        };
        let script = "import * as import1 from \"./pieces.js\"\nimport * as import2 from \"./pieces.js\"\nlet wasm;\n";
        let whole = parts.with_loader(script);
        assert!(!whole.contains("import * as"), "{whole}");
        assert!(whole.starts_with("let wasm;\n"), "{whole}");
        assert!(whole.contains("\"lab\": part(\"./ternion-lab.wasm\")"), "{whole}");
        assert!(whole.contains(
            "__wasm_split_load_lab: wrapAsyncCb(makeLoad(() => () => {}, [parts[\"common\"], parts[\"lab\"]]))"
        ), "{whole}");
        assert!(whole.ends_with("const import1 = pieces;\nconst import2 = pieces;\n"), "{whole}");
    }
}
