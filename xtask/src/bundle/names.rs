//! Short names between the module and its script.
//!
//! wasm-bindgen names each function that the module imports after what it does, and adds a hash. Both files
//! carry all names, and hashes do not compress: 6 kB of every first visit.

use std::collections::{BTreeMap, BTreeSet};

use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder};
use wasm_encoder::{ImportSection, Module, RawSection};
use wasmparser::{Import, Parser, Payload};

use crate::problem::{Outcome, Problem};

/// Where the module says that its imports come from. What fetches the pieces comes from elsewhere.
const SCRIPT: &str = "./ternion_bg.js";
/// wasm-bindgen gives no name that begins like this.
const PREFIX: &str = "$";

/// Name of wasm-bindgen's → ours.
type Short = BTreeMap<String, String>;

/// The script and the module, with names of a few letters in both.
pub(super) fn shorten(script: &str, module: &[u8]) -> Outcome<(String, Vec<u8>)> {
    let (module, short) = shorten_imports(module)
        .map_err(|error| Problem::new(format!("the bound module's imports: {error}")))?;
    let (script, found) = replace(script, &short);
    let Some(lost) = short.keys().find(|long| !found.contains(long.as_str())) else {
        return Ok((lean(&script), module));
    };
    let problem = Problem::new(format!("the script has no function `{lost}` for the module"));
    Err(problem.fix("names.rs knows how wasm-bindgen-cli-support writes functions in the version that xtask/Cargo.toml names; see what changed"))
}

fn shorten_imports(module: &[u8]) -> Result<(Vec<u8>, Short), Error> {
    let mut renamed = Module::new();
    let mut short = Short::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else { continue };
        if let Payload::ImportSection(imports) = payload {
            let mut section = ImportSection::new();
            for import in imports.into_imports() {
                let Import { module, name, ty } = import?;
                let kind = RoundtripReencoder.entity_type(ty)?;
                if module == SCRIPT {
                    let next = format!("{PREFIX}{}", short.len());
                    section.import(module, short.entry(name.to_owned()).or_insert(next), kind);
                } else {
                    section.import(module, name, kind);
                }
            }
            renamed.section(&section);
        } else {
            let place = |at: u64| usize::try_from(at).unwrap_or(module.len());
            let data = module.get(place(range.start)..place(range.end)).unwrap_or_default();
            renamed.section(&RawSection { id, data });
        }
    }
    Ok((renamed.finish(), short))
}

/// Also says which names there were.
fn replace<'a>(script: &'a str, short: &Short) -> (String, BTreeSet<&'a str>) {
    let mut replaced = String::with_capacity(script.len());
    let mut found = BTreeSet::new();
    let is_of_name =
        |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
    let mut rest = script;
    while let Some(start) = rest.find(is_of_name) {
        let end = rest[start..]
            .find(|letter| !is_of_name(letter))
            .map_or(rest.len(), |length| start + length);
        replaced.push_str(&rest[..start]);
        let name = &rest[start..end];
        let ours = short.get(name);
        if ours.is_some() {
            found.insert(name);
        }
        replaced.push_str(ours.map_or(name, |ours| ours));
        rest = &rest[end..];
    }
    replaced.push_str(rest);
    (replaced, found)
}

/// Without what wasm-bindgen tells readers, a block of lines before a function, and without indentation.
/// It writes no text that goes over several lines.
fn lean(script: &str) -> String {
    let mut is_told = false;
    let mut kept = String::with_capacity(script.len());
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        is_told |= line.starts_with("/**");
        if !is_told {
            kept.push_str(line);
            kept.push('\n');
        }
        is_told &= !line.ends_with("*/");
    }
    kept
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{EntityType, TypeSection};

    use super::*;

    const LONG: &str = "__wbg_now_0123456789abcdef";

    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        imports.import(SCRIPT, LONG, EntityType::Function(0));
        imports.import("./pieces.js", "__wasm_split_load_lab", EntityType::Function(0));
        let mut module = Module::new();
        module.section(&types).section(&imports);
        module.finish()
    }

    fn imports(module: &[u8]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            if let Payload::ImportSection(imports) = payload.unwrap() {
                let imports = imports.into_imports().map(Result::unwrap);
                found.extend(imports.map(|one| (one.module.to_owned(), one.name.to_owned())));
            }
        }
        found
    }

    #[test]
    fn the_module_and_its_script_get_the_same_short_names_and_the_pieces_keep_theirs() {
        let script =
            format!("const import0 = {{\n    {LONG}: function() {{}},\n    {LONG}0: 1,\n}};");
        let (script, module) = shorten(&script, &module()).unwrap();
        assert_eq!(script, format!("const import0 = {{\n$0: function() {{}},\n{LONG}0: 1,\n}};\n"));
        let wanted = [(SCRIPT, "$0"), ("./pieces.js", "__wasm_split_load_lab")];
        assert_eq!(imports(&module), wanted.map(|(from, name)| (from.into(), name.into())));
    }

    #[test]
    fn a_function_that_the_script_lacks_is_named() {
        let refused = shorten("const import0 = {};", &module()).unwrap_err();
        assert!(refused.to_string().contains(LONG), "{refused}");
    }

    #[test]
    fn what_is_told_to_readers_falls_away() {
        let script =
            "/**\n * @returns {any}\n */\nfunction a() {\n    return \"/** kept */\";\n}\n\nlet b;";
        assert_eq!(lean(script), "function a() {\nreturn \"/** kept */\";\n}\nlet b;\n");
    }
}
