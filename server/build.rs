//! Makes the folder that the server embeds, so that it compiles before the bundle is built, and
//! sees to it that a release holds the newest bundle.

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
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build reads the bundle's files when it is asked for them: only a release holds them.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../target/site/manifest.json");
        if !site.join("manifest.json").exists() {
            println!(
                "cargo::warning=pages will have no styles and scripts: `make build` makes them first"
            );
        }
    }
}
