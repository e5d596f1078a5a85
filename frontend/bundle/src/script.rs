//! The WebAssembly and the script that loads it.

use crate::digest::digest;
use crate::folder::Folder;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use wasm_bindgen_cli_support::Bindgen;

/// Adds `NAME.js` and `NAME_bg.wasm`, where `NAME` carries a digest of the WebAssembly as it was built, and answers
/// `NAME`. One digest covers both, since the script is made from the WebAssembly.
pub(crate) fn add(folder: &mut Folder, wasm: &Path) -> Result<String> {
    let built = fs::read(wasm).with_context(|| {
        format!(
            "cannot read {}: build it with\n  cargo build -p frontend --target wasm32-unknown-unknown --profile wasm-release\nor leave it out with --no-script",
            wasm.display()
        )
    })?;
    // No dot in the name: what follows one would be taken for an ending and lost.
    let name = format!("quire-{}", digest(&[&built]));
    let made = folder.path().join("script");
    Bindgen::new()
        .input_bytes(&name, built)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name(&name)
        .generate(&made)
        .with_context(|| format!("cannot make a script for {}", wasm.display()))?;
    take(folder, &made, "")?;
    fs::remove_dir_all(&made).with_context(|| format!("cannot remove {}", made.display()))?;
    Ok(name)
}

/// Moves what was made, in its folders, into the bundle.
fn take(folder: &mut Folder, from: &Path, under: &str) -> Result<()> {
    let mut entries = fs::read_dir(from)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(|| format!("cannot read {}", from.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{under}{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            take(folder, &path, &format!("{name}/"))?;
        } else {
            let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            folder.add(&name, &content)?;
        }
    }
    Ok(())
}
