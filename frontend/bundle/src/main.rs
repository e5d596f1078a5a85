//! Turns the built WebAssembly and `style/` into the folder of files that `quire` serves under `/pkg`.
//!
//! Every file carries a digest of its content in its name, so that a browser may keep it for ever, and has a
//! brotli-compressed twin (`.br`) where that is smaller. `manifest.json` names the files that pages link.

mod digest;
mod folder;
mod script;
mod style;

use anyhow::{Context, Result};
use clap::Parser;
use folder::Folder;
use std::io::Write;
use std::path::PathBuf;

/// Bundles what browsers load from Quire.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The WebAssembly built from `frontend` [default: the one in the target folder]
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
    /// Bundle styles and fonts alone: pages then work without what is live in them
    #[arg(long, conflicts_with = "wasm")]
    no_script: bool,
    /// The folder of styles, with `quire.css`, `icon.svg` and `fonts/`
    // From the working folder, not from where this was compiled: several checkouts may share one target folder.
    #[arg(long, value_name = "DIR", default_value = "style")]
    style: PathBuf,
    /// Where the bundle goes; what is there is replaced
    #[arg(long, value_name = "DIR", default_value = "target/bundle")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut folder = Folder::beside(&arguments.out)?;
    let script = if arguments.no_script {
        None
    } else {
        let wasm = arguments.wasm.unwrap_or_else(built_wasm);
        Some(script::add(&mut folder, &wasm)?)
    };
    let stylesheet = style::add(&mut folder, &arguments.style)?;
    let icon = folder.add_hashed(&arguments.style.join("icon.svg"))?;
    let manifest = serde_json::json!({ "stylesheet": stylesheet, "script": script, "icon": icon });
    folder.add("manifest.json", format!("{manifest:#}\n").as_bytes())?;
    let report = folder.report();
    folder.replace(&arguments.out)?;
    std::io::stdout().write_all(report.as_bytes()).context("cannot write to the terminal")
}

/// Where cargo puts the WebAssembly.
fn built_wasm() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    target.join("wasm32-unknown-unknown/wasm-release/frontend.wasm")
}
