//! The style sheet: its parts joined, its fonts under names that carry their digest.

use crate::digest::digest;
use crate::folder::Folder;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Adds the style sheet and the fonts it names, and answers the sheet's name.
pub(crate) fn add(folder: &mut Folder, style: &Path) -> Result<String> {
    let joined = join(style, &read(&style.join("quire.css"))?)?;
    let mut fonts = BTreeMap::new();
    for font in urls(&joined) {
        if !fonts.contains_key(font) {
            fonts.insert(font.to_owned(), folder.add_hashed(&style.join(font))?);
        }
    }
    let mut sheet = joined.clone();
    for (font, name) in &fonts {
        sheet = sheet.replace(&format!("url(\"{font}\")"), &format!("url(\"{name}\")"));
    }
    let name = format!("quire-{}.css", digest(&[sheet.as_bytes()]));
    folder.add(&name, sheet.as_bytes())?;
    Ok(name)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Puts each imported part in the place of its `@import "part";` line. Parts may not import others: the order of the
/// sheet is told in one place.
fn join(style: &Path, index: &str) -> Result<String> {
    let mut joined = String::new();
    for line in index.lines() {
        let Some(part) = imported(line) else {
            joined.push_str(line);
            joined.push('\n');
            continue;
        };
        let part_path = style.join(part);
        let content = read(&part_path)?;
        if content.lines().any(|line| imported(line).is_some()) {
            bail!("{} imports another part: name all parts in quire.css", part_path.display());
        }
        joined.push_str(&content);
    }
    Ok(joined)
}

fn imported(line: &str) -> Option<&str> {
    line.trim().strip_prefix("@import \"")?.strip_suffix("\";")
}

/// The files named by `url("…")`, as often as they are named.
fn urls(sheet: &str) -> impl Iterator<Item = &str> {
    sheet.split("url(\"").skip(1).filter_map(|rest| rest.split_once("\")").map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// From the package's folder, in which its tests run, not from where they were compiled: several checkouts may share
    /// one target folder.
    fn style() -> std::path::PathBuf {
        "../../style".into()
    }

    #[test]
    fn the_sheet_is_whole() {
        let joined = join(&style(), &read(&style().join("quire.css")).unwrap()).unwrap();
        assert!(!joined.contains("@import"), "an import was left");
        for class in
            [".sheet", ".button", ".leaves", ".steps", ".criterion", ".error-summary", "@media print"]
        {
            assert!(joined.contains(class), "{class} is missing");
        }
        assert_eq!(joined.matches('{').count(), joined.matches('}').count());
    }

    #[test]
    fn every_part_is_imported() {
        let index = read(&style().join("quire.css")).unwrap();
        let imported: Vec<_> = index.lines().filter_map(imported).collect();
        let mut parts = 0;
        for (folder, prefix) in [(style(), ""), (style().join("components"), "components/")] {
            for entry in fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name.ends_with(".css") && name != "quire.css" {
                    assert!(imported.contains(&format!("{prefix}{name}").as_str()), "{prefix}{name}");
                    parts += 1;
                }
            }
        }
        assert_eq!(parts, imported.len());
    }

    #[test]
    fn a_bundle_of_styles_names_its_files_by_content() {
        let out = std::env::temp_dir().join(format!("quire-bundle-{}", std::process::id()));
        let mut folder = Folder::beside(&out).unwrap();
        let name = add(&mut folder, &style()).unwrap();
        folder.replace(&out).unwrap();
        let sheet = fs::read_to_string(out.join(&name)).unwrap();
        let fonts: Vec<_> = urls(&sheet).map(str::to_owned).collect();
        assert_eq!(fonts.len(), 3);
        for font in fonts {
            assert!(out.join(&font).is_file(), "{font}");
            assert!(!out.join(format!("{font}.br")).exists(), "{font} is compressed already");
        }
        let twin = fs::read(out.join(format!("{name}.br"))).unwrap();
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &twin[..], &mut plain).unwrap();
        assert_eq!(plain, sheet.as_bytes());
        fs::remove_dir_all(out).unwrap();
    }

    #[test]
    fn a_part_that_imports_is_refused() {
        let folder = std::env::temp_dir().join(format!("quire-style-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.css"), "@import \"b.css\";\n").unwrap();
        let error = join(&folder, "@import \"a.css\";").unwrap_err();
        assert!(error.to_string().contains("imports another part"), "{error}");
        let missing = join(&folder, "@import \"c.css\";").unwrap_err();
        assert!(missing.to_string().contains("c.css"), "{missing}");
        fs::remove_dir_all(folder).unwrap();
    }
}
