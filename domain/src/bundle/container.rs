//! The zip archive around a bundle: the same files, the same bytes; and read with bounds on
//! everything that a stranger could blow up.

use std::collections::BTreeMap;
use std::io::Write as _;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter, ZipFileHeaderRecord};
use rawzip::{ZipSliceArchive, ZipVerification, crc32};

use super::{Bundle, MANIFEST_FILE, SCRIPT_FILE, SNAPSHOT_FILE};

/// A bundle has about thirty.
pub const FILES_MAX: usize = 256;
/// A bundle takes some hundred kilobytes: the manifest once, and once more in each attestation.
pub const UNPACKED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The same packed: nothing in it grows by packing but for some bytes a file.
const PACKED_BYTES_MAX: usize = UNPACKED_BYTES_MAX + 64 * 1024;
/// The longest of ours has forty.
const NAME_BYTES_MAX: usize = 200;

/// 1980-01-01, where zip's own time begins: when a bundle was packed says nothing.
const PACKED_AT_UNIX_S: i64 = 315_532_800;
/// Of 0 to 10; the default of most programs.
const EFFORT: u8 = 6;
const READABLE: u32 = 0o100_644;
const RUNNABLE: u32 = 0o100_755;

/// The bytes are no bundle that could be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBundle {
    #[error("it is larger than {PACKED_BYTES_MAX} bytes")]
    TooLarge,
    #[error("its archive cannot be read: {0}")]
    Archive(String),
    #[error("it has more than {FILES_MAX} files")]
    TooMany,
    #[error("its files take more than {UNPACKED_BYTES_MAX} bytes unpacked")]
    Bomb,
    #[error("it has a file with a name that no bundle has: {0:?}")]
    Name(String),
    #[error("it has two files called {0}")]
    Twice(String),
    #[error("{name} in it cannot be unpacked: {cause}")]
    File { name: String, cause: String },
    #[error("it has no {0}")]
    Missing(&'static str),
}

/// Does a zip archive begin so?
#[must_use]
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

impl Bundle {
    /// As a zip archive.
    ///
    /// # Errors
    /// None that memory has: the archive is written there.
    pub fn pack(&self) -> Result<Vec<u8>, rawzip::Error> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        let packed_at = UtcDateTime::from_unix(PACKED_AT_UNIX_S);
        for (name, bytes) in &self.files {
            let mode = if name == SCRIPT_FILE { RUNNABLE } else { READABLE };
            let file = archive.new_file(name.as_str());
            let file = file.compression_method(CompressionMethod::DEFLATE);
            let file = file.last_modified(packed_at).unix_permissions(mode);
            let (mut entry, _) = file.start()?;
            entry.write_all(&compress_to_vec(bytes, EFFORT)).map_err(rawzip::Error::from)?;
            entry.finish(rawzip::DataDescriptorOutput::new(crc32(bytes), bytes.len() as u64))?;
        }
        archive.finish()
    }

    /// Reads a zip archive. Somebody may have packed the files anew, perhaps within a folder.
    ///
    /// # Errors
    /// It is none, is too much, or is not one of ours.
    pub fn unpack(bytes: &[u8]) -> Result<Self, BadBundle> {
        if bytes.len() > PACKED_BYTES_MAX {
            return Err(BadBundle::TooLarge);
        }
        let archive = ZipArchive::from_slice(bytes).map_err(unreadable)?;
        let mut entries = archive.entries();
        let mut files = BTreeMap::new();
        let (mut count, mut left) = (0, UNPACKED_BYTES_MAX);
        while let Some(entry) = entries.next_entry().map_err(unreadable)? {
            count += 1;
            if count > FILES_MAX {
                return Err(BadBundle::TooMany);
            }
            if entry.is_dir() {
                continue;
            }
            let name = name(&entry)?;
            let content = content(&archive, &entry, &name, left)?;
            left -= content.len();
            if files.insert(name.clone(), content).is_some() {
                return Err(BadBundle::Twice(name));
            }
        }
        let bundle = Bundle { files: without_folder(files) };
        let missing = [SNAPSHOT_FILE, MANIFEST_FILE].into_iter();
        let missing = missing.into_iter().find(|name| !bundle.files.contains_key(*name));
        missing.map_or(Ok(bundle), |name| Err(BadBundle::Missing(name)))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn unreadable(cause: rawzip::Error) -> BadBundle {
    BadBundle::Archive(cause.to_string())
}

/// Letters, digits and few signs, and nothing that leads out of a folder.
fn name(entry: &ZipFileHeaderRecord<'_>) -> Result<String, BadBundle> {
    let path = entry.file_path();
    let name = String::from_utf8_lossy(path.as_bytes()).into_owned();
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let parts_are_names = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if name.len() <= NAME_BYTES_MAX && name.chars().all(is_known) && parts_are_names {
        return Ok(name);
    }
    Err(BadBundle::Name(name.chars().take(NAME_BYTES_MAX).collect()))
}

/// At most `left` bytes, with the length and the checksum that the archive says.
fn content(
    archive: &ZipSliceArchive<&[u8]>,
    entry: &ZipFileHeaderRecord<'_>,
    name: &str,
    left: usize,
) -> Result<Vec<u8>, BadBundle> {
    let fail = |cause: String| BadBundle::File { name: name.to_owned(), cause };
    let stored = archive.get_entry(entry.wayfinder()).map_err(|cause| fail(cause.to_string()))?;
    if entry.uncompressed_size_hint() > left as u64 {
        return Err(BadBundle::Bomb);
    }
    let content = match entry.compression_method() {
        CompressionMethod::STORE if stored.data().len() > left => return Err(BadBundle::Bomb),
        CompressionMethod::STORE => stored.data().to_vec(),
        CompressionMethod::DEFLATE => {
            use miniz_oxide::inflate::TINFLStatus::HasMoreOutput;
            match decompress_to_vec_with_limit(stored.data(), left) {
                Ok(content) => content,
                Err(cause) if cause.status == HasMoreOutput => return Err(BadBundle::Bomb),
                Err(_) => return Err(fail("its compressed bytes are damaged".to_owned())),
            }
        }
        _ => return Err(fail("it is neither stored nor deflated".to_owned())),
    };
    let found = ZipVerification { crc: crc32(&content), uncompressed_size: content.len() as u64 };
    let said = stored.claim_verifier();
    said.valid(found).map_err(|cause| fail(cause.to_string()))?;
    Ok(content)
}

/// People pack the folder that they unpacked a bundle into.
fn without_folder(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let outer = files.keys().next().and_then(|name| name.split_once('/')).map(|(outer, _)| outer);
    let Some(outer) = outer.map(|outer| format!("{outer}/")) else { return files };
    if files.keys().any(|name| !name.starts_with(&outer)) {
        return files;
    }
    let inner = |(name, bytes): (String, Vec<u8>)| (name[outer.len()..].to_owned(), bytes);
    files.into_iter().map(inner).collect()
}

#[cfg(test)]
mod tests {
    use rawzip::path::EntryPath;

    use super::*;

    fn bundle() -> Bundle {
        let names = [SNAPSHOT_FILE, MANIFEST_FILE, "attestations/gcp/salt", SCRIPT_FILE];
        let files = names.into_iter().zip(0_u8..).map(|(name, at)| (name.to_owned(), vec![at; 99]));
        Bundle { files: files.collect() }
    }

    /// Written by hand, so that it may claim what no writer lets one claim.
    fn archive(files: &[(&str, CompressionMethod, Vec<u8>, u64)]) -> Vec<u8> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (name, method, bytes, size) in files {
            let file =
                archive.new_file(EntryPath::verbatim(name.as_bytes())).compression_method(*method);
            let (mut entry, _) = file.start().expect("memory");
            entry.write_all(bytes).expect("memory");
            let said = rawzip::DataDescriptorOutput::new(crc32(bytes), *size);
            entry.finish(said).expect("memory");
        }
        archive.finish().expect("memory")
    }

    #[test]
    fn the_same_files_are_packed_into_the_same_bytes_and_read_back() {
        let packed = bundle().pack().expect("memory");
        assert_eq!(bundle().pack().expect("memory"), packed);
        assert!(is_packed(&packed) && !is_packed(b"{}"));
        assert_eq!(Bundle::unpack(&packed), Ok(bundle()));
    }

    #[test]
    fn a_bundle_that_was_packed_anew_within_a_folder_is_read_too() {
        let outer =
            bundle().files.into_iter().map(|(name, bytes)| (format!("audit/{name}"), bytes));
        let packed = Bundle { files: outer.collect() }.pack().expect("memory");
        assert_eq!(Bundle::unpack(&packed), Ok(bundle()));
    }

    #[test]
    fn what_unpacks_to_more_than_it_may_is_refused_whatever_it_claims() {
        let zeroes = compress_to_vec(&vec![0; UNPACKED_BYTES_MAX + 1], EFFORT);
        assert!(zeroes.len() < 100_000);
        for claimed in [UNPACKED_BYTES_MAX as u64 + 1, 10] {
            let bomb =
                archive(&[(MANIFEST_FILE, CompressionMethod::DEFLATE, zeroes.clone(), claimed)]);
            assert_eq!(Bundle::unpack(&bomb), Err(BadBundle::Bomb), "{claimed}");
        }
        let half = compress_to_vec(&vec![0; UNPACKED_BYTES_MAX / 2 + 1], EFFORT);
        let size = UNPACKED_BYTES_MAX as u64 / 2 + 1;
        let both = ["a", "b"].map(|name| (name, CompressionMethod::DEFLATE, half.clone(), size));
        let crc = crc32(&vec![0; UNPACKED_BYTES_MAX / 2 + 1]);
        let mut packed = archive(&both);
        let wrong = crc32(&half).to_le_bytes();
        for at in 0..packed.len() - 4 {
            if packed[at..at + 4] == wrong {
                packed[at..at + 4].copy_from_slice(&crc.to_le_bytes());
            }
        }
        assert_eq!(Bundle::unpack(&packed), Err(BadBundle::Bomb), "one alone would fit");
        assert_eq!(Bundle::unpack(&vec![0; PACKED_BYTES_MAX + 1]), Err(BadBundle::TooLarge));
    }

    #[test]
    fn names_that_lead_elsewhere_come_twice_or_too_often_are_refused() {
        let stored = |name| (name, CompressionMethod::STORE, b"1".to_vec(), 1);
        for name in ["../x", "/etc/passwd", "a//b", "a/./b", "a\\b", "a\nb", "C:x"] {
            let refused = Err(BadBundle::Name(name.to_owned()));
            assert_eq!(Bundle::unpack(&archive(&[stored(name)])), refused);
        }
        let twice = archive(&[stored("a"), stored("a")]);
        assert_eq!(Bundle::unpack(&twice), Err(BadBundle::Twice("a".to_owned())));
        let names: Vec<String> = (0..=FILES_MAX).map(|at| format!("f{at}")).collect();
        let many: Vec<_> = names.iter().map(|name| stored(name)).collect();
        assert_eq!(Bundle::unpack(&archive(&many)), Err(BadBundle::TooMany));
        let other = archive(&[stored(SNAPSHOT_FILE)]);
        assert_eq!(Bundle::unpack(&other), Err(BadBundle::Missing(MANIFEST_FILE)));
    }

    #[test]
    fn a_changed_byte_of_the_archive_is_an_error_or_changes_nothing_that_counts() {
        let packed = bundle().pack().expect("memory");
        for at in 0..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 0x10;
            if let Ok(read) = Bundle::unpack(&changed) {
                let same =
                    read.files.iter().filter(|(name, bytes)| bundle().file(name) == Some(bytes));
                assert!(same.count() >= bundle().files.len() - 1, "byte {at}");
            }
        }
    }
}
