//! What every command that works on the database does first.

use crate::settings::Settings;
use anyhow::Context;
use quire_engine::store::Db;
use std::path::Path;

/// Opens the configured database; for SQLite it makes the file's folder.
///
/// # Errors
/// If the database can't be opened, in words that name it.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Db> {
    if let Some(path) = settings.database.strip_prefix("sqlite:") {
        let file = path.trim_start_matches("//").split('?').next().unwrap_or_default();
        if let Some(folder) = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("the database's folder {} can't be made", folder.display()))?;
        }
    }
    Db::open(&settings.database).await.context("the database can't be opened")
}
