//! The programs under test: where they are, and that they are no older than their sources.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Names another `quire` to be tested than the one beside the tests.
pub const PROGRAM: &str = "QUIRE_PROGRAM";

/// The program `quire`, built before the tests.
///
/// # Panics
/// If it is missing or older than its sources, saying what to do.
#[must_use]
pub fn quire() -> &'static Path {
    static QUIRE: LazyLock<Result<PathBuf, String>> = LazyLock::new(find);
    QUIRE.as_deref().unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn find() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os(PROGRAM) {
        return Ok(path.into());
    }
    let path = target().join("quire");
    if !path.is_file() {
        return Err(format!("{} is not there: run `cargo build` first", path.display()));
    }
    match newer_source(&path) {
        Some(source) => Err(format!(
            "{} is not built from {source} as it is now: run `cargo build` first",
            path.display()
        )),
        None => Ok(path),
    }
}

/// The folder that the running program was built into, such as `target/debug`.
fn target() -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let folder = own.parent().expect("a program lies in a folder");
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    folder.to_owned()
}

/// A source file that the program is not built from as it is now, by cargo's list of what it was built from: one that
/// was changed since, or the first of all where it was built from another checkout.
fn newer_source(program: &Path) -> Option<String> {
    let changed = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    let built = changed(program)?;
    let list = std::fs::read_to_string(program.with_extension("d")).ok()?;
    let (_, sources) = list.split_once(": ")?;
    let sources = sources.replace("\\ ", "\u{0}");
    let mut sources = sources.split_whitespace().map(|source| source.replace('\u{0}', " "));
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("server/src/main.rs");
    if !list.contains(&*first.to_string_lossy()) {
        return Some(first.display().to_string());
    }
    sources.find(|source| changed(Path::new(source)).is_some_and(|at| at > built))
}
