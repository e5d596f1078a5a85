//! The folder that is being made: written beside the old one and put in its place when it is whole.

use crate::digest::digest;
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::path::{Path, PathBuf};

/// Formats that are compressed already.
const COMPRESSED: [&str; 1] = ["woff2"];

/// A folder of files in the making.
pub(crate) struct Folder {
    path: PathBuf,
    /// Name, bytes as they are and bytes as sent.
    files: Vec<(String, usize, usize)>,
}

impl Folder {
    /// An empty folder beside `out`.
    pub(crate) fn beside(out: &Path) -> Result<Self> {
        let name = out.file_name().with_context(|| format!("{} is no name for a folder", out.display()))?;
        let path = out.with_file_name(format!("{}.new", name.to_string_lossy()));
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path, files: Vec::new() })
    }

    /// The folder itself, for tools that write into it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a file under this name, and its compressed twin if that is smaller.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        let mut sent = content.len();
        if !COMPRESSED.iter().any(|ending| name.ends_with(ending)) {
            let compressed = brotli(content)?;
            if compressed.len() < content.len() {
                let twin = self.path.join(format!("{name}.br"));
                fs::write(&twin, &compressed).with_context(|| format!("cannot write {}", twin.display()))?;
                sent = compressed.len();
            }
        }
        self.files.push((name.to_owned(), content.len(), sent));
        Ok(())
    }

    /// Adds a file that is there, with a digest in its name, and answers that name.
    pub(crate) fn add_hashed(&mut self, from: &Path) -> Result<String> {
        let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        let name = from.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let (stem, ending) =
            name.rsplit_once('.').ok_or_else(|| anyhow!("{} has no ending in its name", from.display()))?;
        let name = format!("{stem}-{}.{ending}", digest(&[&content]));
        self.add(&name, &content)?;
        Ok(name)
    }

    /// What is in it, a line each.
    pub(crate) fn report(&self) -> String {
        self.files
            .iter()
            .map(|(name, size, sent)| format!("{name}: {size} bytes, {sent} as sent\n"))
            .collect()
    }

    /// Puts the folder in the place of `out`.
    pub(crate) fn replace(self, out: &Path) -> Result<()> {
        if out.exists() {
            fs::remove_dir_all(out).with_context(|| format!("cannot remove {}", out.display()))?;
        }
        fs::rename(&self.path, out)
            .with_context(|| format!("cannot move {} to {}", self.path.display(), out.display()))
    }
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &best).context("cannot compress")?;
    Ok(compressed)
}
