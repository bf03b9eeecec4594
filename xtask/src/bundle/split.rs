//! The compiled module in parts: what every page needs, and a piece for each group of pages, which
//! comes when one of them is opened.
//!
//! `app` says by `piece!` which pages are a piece. What several pieces need, and the rest does not,
//! is cut out as well, a chunk for each set of pieces. Sets are many more than pieces: large chunks
//! that few pieces need stay files of their own, and the others are merged into one that every piece
//! brings along.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wasm_split_cli_support::{Options, transform};
use wasmparser::{BinaryReaderError, Import, Parser, Payload, TypeRef};

use super::wasm;
use crate::problem::{At, Outcome, Problem};
use crate::process::run_quietly;

/// Bytes as cut, names included: about 4 kB as they travel. Of smaller chunks there are dozens, and a
/// page would wait longer for its requests than for what they would spare it.
const CHUNK_BYTES_MIN: u64 = 25_000;
/// How the cutter names what several pieces share, and what is a piece's alone.
const CHUNK: &str = "chunk_";
const ALONE: &str = "split_";
/// What the chunks that are merged become.
const COMMON: &str = "common";
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
    let common = common_chunks(&files, folder)?;
    if !common.is_empty() {
        merge(&common, folder)?;
    }
    let (modules, needs) = name_all(&files, &common, folder);
    Ok(Parts { main, modules, needs, runtime: runtime(folder)? })
}

/// Which files there are, by their names in the site, and which of them each piece needs.
fn name_all(
    files: &Needs,
    common: &BTreeSet<String>,
    folder: &Path,
) -> (BTreeMap<String, PathBuf>, Needs) {
    let mut modules = BTreeMap::new();
    let mut needs = Needs::new();
    for (piece, of_piece) in files {
        let needed = needs.entry(piece.clone()).or_default();
        for file in of_piece {
            let (name, file) = match common.contains(file) {
                true => (COMMON.to_owned(), COMMON),
                false => (name(file, files), file.as_str()),
            };
            if !needed.contains(&name) {
                modules.insert(name.clone(), folder.join(format!("{file}.wasm")));
                needed.push(name);
            }
        }
    }
    (modules, needs)
}

/// The chunks that are small, and those that most pieces need.
fn common_chunks(files: &Needs, folder: &Path) -> Outcome<BTreeSet<String>> {
    let mut common = BTreeSet::new();
    for chunk in files.values().flatten().filter(|file| file.starts_with(CHUNK)) {
        let file = folder.join(format!("{chunk}.wasm"));
        let data = fs::metadata(&file).at(format_args!("reading {}", file.display()))?;
        if data.len() < CHUNK_BYTES_MIN || pieces_with(chunk, files).len() * 2 > files.len() {
            common.insert(chunk.clone());
        }
    }
    Ok(common)
}

fn pieces_with<'a>(file: &str, files: &'a Needs) -> Vec<&'a str> {
    let has_it = |of_piece: &[String]| of_piece.iter().any(|other| other == file);
    let pieces = files.iter().filter(|(_, of_piece)| has_it(of_piece));
    pieces.map(|(piece, _)| piece.as_str()).collect()
}

/// `split_lab` → `lab`; a chunk is named after the pieces that need it: `event-evidence`. Numbers
/// would change with every piece that is added, and reports could not be compared.
fn name(file: &str, files: &Needs) -> String {
    if let Some(piece) = file.strip_prefix(ALONE) {
        return piece.to_owned();
    }
    pieces_with(file, files).join("-")
}

/// wasm-merge takes what two modules import for two different things, unless it sees who exports it:
/// hence one more module, which hands on what it imports.
fn merge(chunks: &BTreeSet<String>, folder: &Path) -> Outcome {
    let file = |name: &str| folder.join(format!("{name}.wasm"));
    let shared = folder.join("shared.wat");
    let mut text = String::from("(module\n");
    // All import the same.
    if let Some(chunk) = chunks.first().map(|chunk| file(chunk)) {
        let module = fs::read(&chunk).at(format_args!("reading {}", chunk.display()))?;
        text.push_str(
            &hand_on(&module)
                .map_err(|error| Problem::new(format!("reading {}: {error}", chunk.display())))?,
        );
    }
    text.push_str(")\n");
    fs::write(&shared, text).at(format_args!("writing {}", shared.display()))?;
    let mut merge = wasm::binaryen("wasm-merge")?;
    merge.arg(&shared).arg(SHARED);
    for chunk in chunks {
        merge.arg(file(chunk)).arg(chunk);
    }
    run_quietly(merge.arg("-o").arg(file(COMMON)))
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

    fn needs(of_pieces: &[(&str, &[&str])]) -> Needs {
        let owned = |files: &[&str]| files.iter().map(|file| (*file).to_owned()).collect();
        of_pieces.iter().map(|(piece, files)| ((*piece).to_owned(), owned(files))).collect()
    }

    #[test]
    fn a_chunk_is_named_after_the_pieces_that_need_it() {
        let files = needs(&[
            ("verify", &["chunk_3", "split_verify"]),
            ("event", &["chunk_3", "chunk_4", "split_event"]),
            ("lab", &["chunk_4", "split_lab"]),
        ]);
        assert_eq!(name("chunk_3", &files), "event-verify");
        assert_eq!(name("split_lab", &files), "lab");
    }

    #[test]
    fn merged_chunks_are_one_file_that_a_piece_needs_once() {
        let files = needs(&[
            ("event", &["chunk_1", "chunk_2", "split_event"]),
            ("lab", &["chunk_1", "chunk_2", "chunk_3", "split_lab"]),
            ("verify", &["chunk_3", "split_verify"]),
        ]);
        let common = ["chunk_1", "chunk_2"].map(str::to_owned).into();
        let (modules, needs) = name_all(&files, &common, Path::new("/cut"));
        assert_eq!(needs["event"], ["common", "event"]);
        assert_eq!(needs["lab"], ["common", "lab-verify", "lab"]);
        assert_eq!(modules["common"], Path::new("/cut/common.wasm"));
        assert_eq!(modules["lab"], Path::new("/cut/split_lab.wasm"));
    }

    #[test]
    fn the_script_fetches_the_pieces_itself_instead_of_importing_who_does() {
        let parts = Parts {
            main: PathBuf::new(),
            modules: ["common", "lab"].map(|name| (name.to_owned(), PathBuf::new())).into(),
            needs: needs(&[("lab", &["common", "lab"])]),
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
