//! The folder that is served: files named after their content, compressed ahead, and a list.
//!
//! ```text
//! manifest.json                      {"ternion.js": "ternion.<hash>.js", …}
//! pieces.json                        {"lab": ["ternion-lab.wasm", …], …}
//! pkg/ternion.<hash>.js, .js.br, .js.gz   may be cached for ever
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::{Mode, file_name, files_in};
use crate::problem::{At, Outcome};

/// Hexadecimal digits of SHA-256 in a name: 40 bits tell versions of one file apart.
const DIGITS: usize = 10;
const MANIFEST: &str = "manifest.json";
const PIECES: &str = "pieces.json";
/// Of these the format is compressed already.
const INCOMPRESSIBLE: [&str; 4] = ["woff2", "png", "br", "gz"];
/// Brotli's best, for what is made once and sent often.
const BROTLI_RELEASE: i32 = 11;
const BROTLI_DEV: i32 = 5;
/// log2 of brotli's window: 4 MiB, more than any file here.
const BROTLI_WINDOW: i32 = 22;

pub(crate) struct Site {
    folder: PathBuf,
    mode: Mode,
    /// Logical name → file name under `pkg`.
    manifest: BTreeMap<String, String>,
    /// Piece of the module → logical names of what its pages need besides what every page does.
    pieces: BTreeMap<String, Vec<String>>,
}

impl Site {
    pub(crate) fn open(folder: PathBuf, mode: Mode) -> Outcome<Self> {
        let pkg = folder.join("pkg");
        fs::create_dir_all(&pkg).at(format_args!("making {}", pkg.display()))?;
        Ok(Self { folder, mode, manifest: BTreeMap::new(), pieces: BTreeMap::new() })
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N], mode: Mode) -> Self {
        let manifest = files.map(|(logical, name)| (logical.to_owned(), name.to_owned())).into();
        Self { folder: PathBuf::new(), mode, manifest, pieces: BTreeMap::new() }
    }

    pub(crate) fn add_file(&mut self, logical: &str, file: &Path) -> Outcome<String> {
        let content = fs::read(file).at(format_args!("reading {}", file.display()))?;
        self.add(logical, &content)
    }

    /// Gives back the name under `pkg`. A file already there is not made again: its name says that
    /// its content is the same.
    pub(crate) fn add(&mut self, logical: &str, content: &[u8]) -> Outcome<String> {
        let name = fingerprinted(logical, content);
        let file = self.pkg().join(&name);
        write_new(&file, || Ok(content.to_vec()))?;
        if is_compressible(&name) {
            write_new(&suffixed(&file, "br"), || brotli(content, self.mode))?;
            write_new(&suffixed(&file, "gz"), || gzip(content))?;
        }
        self.manifest.insert(logical.to_owned(), name.clone());
        Ok(name)
    }

    pub(crate) fn add_piece(&mut self, piece: &str, logical: Vec<String>) {
        self.pieces.insert(piece.to_owned(), logical);
    }

    pub(crate) fn pieces(&self) -> &BTreeMap<String, Vec<String>> {
        &self.pieces
    }

    /// Writes the lists and removes what they do not name.
    pub(crate) fn close(&self) -> Outcome {
        for (list, text) in [(MANIFEST, json(&self.manifest)), (PIECES, json(&self.pieces))] {
            let list = self.folder.join(list);
            fs::write(&list, text).at(format_args!("writing {}", list.display()))?;
        }
        let wanted = self.files();
        for file in files_in(&self.pkg())? {
            if !wanted.contains(&file_name(&file)) {
                fs::remove_file(&file).at(format_args!("removing {}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Makes `to` equal to this site. Times go along: what has not changed must not look newer than
    /// the program that embeds it.
    pub(crate) fn lay_out(&self, to: &Path) -> Outcome {
        let pkg = to.join("pkg");
        fs::create_dir_all(&pkg).at(format_args!("making {}", pkg.display()))?;
        let wanted = self.files();
        for stale in files_in(&pkg)?.iter().filter(|file| !wanted.contains(&file_name(file))) {
            fs::remove_file(stale).at(format_args!("removing {}", stale.display()))?;
        }
        for name in &wanted {
            copy_if_other(&self.pkg().join(name), &pkg.join(name))?;
        }
        for list in [MANIFEST, PIECES] {
            copy_if_other(&self.folder.join(list), &to.join(list))?;
        }
        Ok(())
    }

    /// Where the browser finds it.
    pub(crate) fn address(&self, logical: &str) -> Option<String> {
        self.manifest.get(logical).map(|name| format!("/pkg/{name}"))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.manifest.keys().map(String::as_str).collect()
    }

    /// Bytes as made, as gzip and as brotli; all three alike where the format is compressed already.
    pub(crate) fn sizes(&self, logical: &str) -> Outcome<[u64; 3]> {
        let name = self.manifest.get(logical).map_or("", String::as_str);
        let raw = self.pkg().join(name);
        let size = |file: &Path| {
            fs::metadata(file).at(format_args!("reading {}", file.display())).map(|data| data.len())
        };
        if is_compressible(name) {
            Ok([size(&raw)?, size(&suffixed(&raw, "gz"))?, size(&suffixed(&raw, "br"))?])
        } else {
            Ok([size(&raw)?; 3])
        }
    }

    fn pkg(&self) -> PathBuf {
        self.folder.join("pkg")
    }

    fn files(&self) -> BTreeSet<String> {
        let compressed = self.manifest.values().filter(|name| is_compressible(name));
        let compressed = compressed.flat_map(|name| [format!("{name}.br"), format!("{name}.gz")]);
        self.manifest.values().cloned().chain(compressed).collect()
    }
}

/// Names are plain ASCII file names: Rust's quoting of them, and of lists of them, is JSON's.
fn json<K: Debug, T: Debug>(list: &BTreeMap<K, T>) -> String {
    let lines = list.iter().map(|(name, value)| format!("  {name:?}: {value:?}"));
    format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

/// `ternion.css` → `ternion.0123456789.css`.
fn fingerprinted(logical: &str, content: &[u8]) -> String {
    let hash = hex(&Sha256::digest(content));
    let hash = &hash[..DIGITS];
    match logical.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{logical}.{hash}"),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_compressible(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| !INCOMPRESSIBLE.contains(&extension))
}

fn suffixed(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn write_new(file: &Path, make: impl FnOnce() -> Outcome<Vec<u8>>) -> Outcome {
    if file.exists() {
        return Ok(());
    }
    // Under its own name only when whole: an interrupted run must not leave half a file there.
    let half = suffixed(file, "half");
    fs::write(&half, make()?).at(format_args!("writing {}", half.display()))?;
    fs::rename(&half, file).at(format_args!("writing {}", file.display()))
}

fn copy_if_other(from: &Path, to: &Path) -> Outcome {
    let copying = format!("copying {} to {}", from.display(), to.display());
    let content = fs::read(from).at(&copying)?;
    if fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    let made = fs::metadata(from).and_then(|data| data.modified()).at(&copying)?;
    let mut file = File::create(to).at(&copying)?;
    file.write_all(&content).and_then(|()| file.set_modified(made)).at(&copying)
}

pub(super) fn brotli(content: &[u8], mode: Mode) -> Outcome<Vec<u8>> {
    let quality = if mode == Mode::Release { BROTLI_RELEASE } else { BROTLI_DEV };
    let parameters = BrotliEncoderParams { quality, lgwin: BROTLI_WINDOW, ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut packed, &parameters)
        .at("compressing with brotli")?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> Outcome<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).and_then(|()| encoder.finish()).at("compressing with gzip")
}

#[cfg(test)]
mod tests {
    use super::{Mode, Site, fingerprinted, json};

    #[test]
    fn a_name_holds_the_start_of_its_contents_hash() {
        // SHA-256("abc"), FIPS 180-4, appendix B.1.
        assert_eq!(fingerprinted("ternion.css", b"abc"), "ternion.ba7816bf8f.css");
        assert_eq!(fingerprinted("LICENSE", b"abc"), "LICENSE.ba7816bf8f");
    }

    #[test]
    fn the_lists_are_json() {
        let site = Site::of([("a.css", "a.01.css"), ("b.js", "b.02.js")], Mode::Dev);
        let manifest = "{\n  \"a.css\": \"a.01.css\",\n  \"b.js\": \"b.02.js\"\n}\n";
        assert_eq!(json(&site.manifest), manifest);
        let pieces = [("lab", vec!["a.wasm", "b.wasm"])].into();
        assert_eq!(json(&pieces), "{\n  \"lab\": [\"a.wasm\", \"b.wasm\"]\n}\n");
    }

    #[test]
    fn typefaces_are_not_compressed_again() {
        let site = Site::of([("a.css", "a.01.css"), ("i.woff2", "i.02.woff2")], Mode::Dev);
        let files: Vec<String> = site.files().into_iter().collect();
        assert_eq!(files, ["a.01.css", "a.01.css.br", "a.01.css.gz", "i.02.woff2"]);
    }
}
