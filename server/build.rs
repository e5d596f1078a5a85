//! Makes sure that the folder of built style sheets and scripts exists, so that the program builds without it.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
    let bundle = Path::new(&root).join("../target/bundle");
    std::fs::create_dir_all(&bundle)?;
    println!("cargo:rerun-if-changed={}", bundle.display());
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}
