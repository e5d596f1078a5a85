//! The public validator of FOCUS files, in a process of its own.

use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// The Python in which the validator is installed (`make need-focus`).
pub const PYTHON: &str = "QUIRE_TEST_FOCUS";

/// What the validator says of a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// Rules that were kept.
    pub kept: usize,
    /// Rules that were broken, and the validator's words.
    pub broken: BTreeMap<String, String>,
}

/// Holds files with these contents against FOCUS 1.2; none where the validator is not installed, which is said aloud.
///
/// # Panics
/// If the validator fails.
#[must_use]
pub fn validate(folder: &Path, files: &[String]) -> Option<Vec<Verdict>> {
    let Some(python) = std::env::var_os(PYTHON) else {
        // The test's own output is shown only when it fails.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: bills are not held against the public validator of FOCUS files; {PYTHON} names no Python that \
             has it (make need-focus)"
        );
        return None;
    };
    let paths: Vec<PathBuf> = (0..files.len()).map(|n| folder.join(format!("focus-{n}.csv"))).collect();
    for (path, text) in paths.iter().zip(files) {
        std::fs::write(path, text).expect("a temporary file can be written");
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/focus.py");
    let output = Command::new(python).arg(script).args(&paths).output().expect("the validator can be run");
    let said = String::from_utf8_lossy(&output.stdout);
    let verdicts: Vec<Verdict> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(
        output.status.success() && verdicts.len() == files.len(),
        "the validator failed: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(verdicts)
}
