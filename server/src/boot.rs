//! What every command that works on the database does first.

use crate::settings::Settings;
use anyhow::Context;
use quire_engine::{
    engine::{Engine, Parts},
    jobs,
    notice::Mailer,
    provider::{MasterKey, Registry},
    store::{Db, World},
};
use std::{path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

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

/// The key that seals providers' keys; a new one where there is none yet.
///
/// # Errors
/// If the file can't be read or made, or holds no key.
pub(crate) fn master_key(settings: &Settings, world: &World) -> anyhow::Result<MasterKey> {
    let path = settings.master_key_path();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} can't be made", folder.display()))?;
    }
    let (key, made) = MasterKey::load_or_create(&path, world)
        .with_context(|| format!("the master key {} can't be used", path.display()))?;
    if made {
        tracing::warn!(
            path = %path.display(),
            "a new master key was made; keep a copy apart from the database's, without it providers' keys are lost"
        );
    }
    Ok(key)
}

/// Opens the database, brings its schema up to date, and makes the engine. Nothing works in the background yet.
///
/// # Errors
/// If any of it fails.
pub(crate) async fn engine(settings: &Settings) -> anyhow::Result<Engine> {
    let world = World::system();
    let db = open(settings).await?;
    db.migrate().await.context("the database's schema can't be brought up to date")?;
    let registry = Registry::new(master_key(settings, &world)?, settings.time_zone);
    let mailer = match settings.smtp.engine()? {
        Some(smtp) => Mailer::smtp(&smtp).context("e-mail can't be sent with these settings")?,
        None => Mailer::off(),
    };
    let webhook = settings.bill_webhook.engine()?;
    Ok(Engine::new(Parts { db, world, settings: settings.engine(), registry, mailer, webhook }).await?)
}

/// Works on tasks until told to stop.
///
/// # Errors
/// If the workers stop by themselves.
pub(crate) async fn work(engine: &Engine, stop: CancellationToken) -> anyhow::Result<()> {
    let handler: Arc<dyn jobs::Handler> = Arc::new(engine.clone());
    jobs::run(engine.db(), handler, jobs::Settings::default(), stop).await.context("the workers stopped")
}
