//! Makes the folder that the server embeds, so that it compiles before the bundle is built.

use std::path::Path;
use std::{env, fs};

fn main() {
    let package = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let site = Path::new(&package).join("../target/site");
    if let Err(error) = fs::create_dir_all(&site) {
        println!("cargo::error=making {}: {error}", site.display());
    }
    // A migration that is added must be embedded too.
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=../target/site");
    println!("cargo::rerun-if-changed=build.rs");
}
