//! `quire doctor`: what is well, what is not, and what to do about it.

mod bills;
mod live;

use super::{General, Told, print};
use crate::{boot, http::assets, settings::Settings};
use clap::Args;
use quire_engine::{
    identity::Institution,
    notice::Mailer,
    provider::Registry,
    store::{Db, Dialect, Exec, NanoUsd, World},
};
use std::{os::unix::fs::PermissionsExt, time::Duration};

/// A provider that does not answer by then does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Checks configuration, database, providers, mail and the address for bills, and says what to mend.
#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// Also send one small batch and one call to this provider, for real, and say which of Quire's assumptions held
    #[arg(long, value_name = "PROVIDER", requires = "cap")]
    live: Option<String>,
    /// Most that the live check may cost, in US dollars
    #[arg(long, value_name = "USD", value_parser = dollars)]
    cap: Option<NanoUsd>,
}

fn dollars(text: &str) -> Result<NanoUsd, String> {
    NanoUsd::parse_dollars(text)
}

/// What was found, line by line.
#[derive(Default)]
pub(super) struct Findings {
    bad: usize,
}

impl Findings {
    fn well(&self, what: &str, detail: &str) -> anyhow::Result<()> {
        print(&format!("ok    {what}: {detail}\n"))
    }
    fn note(&self, what: &str, detail: &str) -> anyhow::Result<()> {
        print(&format!("note  {what}: {detail}\n"))
    }
    fn bad(&mut self, what: &str, wrong: &str, mend: &str) -> anyhow::Result<()> {
        self.bad += 1;
        print(&format!("BAD   {what}: {wrong}\n      {mend}\n"))
    }
}

impl Doctor {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let settings = general.begin(&[])?;
        let mut findings = Findings::default();
        findings
            .well("configuration", &format!("read; people reach Quire at {}", settings.public_address()))?;
        if !settings.is_https() {
            findings.note("configuration", "public_url is not https: fine on this machine only")?;
        }
        bundle(&mut findings)?;
        master_key(&settings, &mut findings)?;
        mail(&settings, &mut findings).await?;
        if let Some(db) = database(&settings, &mut findings).await? {
            bills::bills(&settings, &db, &mut findings).await?;
            zone(&settings, &db, &mut findings).await?;
            let registry = providers(&settings, &db, &mut findings).await?;
            if let (Some(name), Some(cap), Some(registry)) = (&self.live, self.cap, registry) {
                live::check(&db, &registry, name, cap, &mut findings).await?;
            }
            db.close().await;
        }
        match findings.bad {
            0 => print("All is well.\n"),
            n => {
                print(&format!("{n} to mend.\n"))?;
                Err(Told.into())
            }
        }
    }
}

fn bundle(findings: &mut Findings) -> anyhow::Result<()> {
    match assets::manifest() {
        Some(_) => findings.well("pages", "styles and scripts are built in"),
        None => {
            findings.bad("pages", "this program was built without styles and scripts", assets::HOW_TO_BUILD)
        }
    }
}

/// Months, bills, schedules and the hours of rules go by the settings, new people by the institution.
async fn zone(settings: &Settings, db: &Db, findings: &mut Findings) -> anyhow::Result<()> {
    let institution = Institution::load(&mut db.clone()).await?;
    let (own, set) = (institution.time_zone.to_string(), settings.time_zone.to_string());
    if own == set {
        return findings.well("time zone", &format!("{set}, for months, bills and schedules as for people"));
    }
    findings.note(
        "time zone",
        &format!(
            "months, bills, schedules and peak hours go by {set}, new people by {own}: set time_zone = \"{own}\" in the \
             settings if {own} is where you are"
        ),
    )
}

fn master_key(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let path = settings.master_key_path();
    let shown = path.display();
    match std::fs::metadata(&path) {
        Ok(file) if file.permissions().mode() & 0o077 != 0 => findings.bad(
            "master key",
            &format!("others on this machine can read {shown}"),
            &format!("chmod 600 {shown}"),
        ),
        Ok(_) => findings.well("master key", &format!("{shown}; keep a copy apart from the database's")),
        Err(_) => {
            findings.note("master key", &format!("{shown} is not there; it is made at the first start"))
        }
    }
}

async fn mail(settings: &Settings, findings: &mut Findings) -> anyhow::Result<()> {
    let Some(smtp) = settings.smtp.engine()? else {
        return findings.note("mail", "no mail server is set (smtp.host): nobody gets e-mail");
    };
    let checked = match Mailer::smtp(&smtp) {
        Ok(mailer) => mailer.check().await.map_err(|e| e.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match checked {
        Ok(()) => findings.well("mail", &format!("{} takes mail from {}", smtp.host, smtp.from)),
        Err(error) => {
            findings.bad("mail", &error, "Check the keys under [smtp] and that the server can be reached.")
        }
    }
}

async fn database(settings: &Settings, findings: &mut Findings) -> anyhow::Result<Option<Db>> {
    let db = match boot::open(settings).await {
        Ok(db) => db,
        Err(error) => {
            findings.bad(
                "database",
                &format!("{error:#}"),
                "Check the key database, and that the server runs.",
            )?;
            return Ok(None);
        }
    };
    let mut x = db.clone();
    if let Err(error) = x.query("SELECT COUNT(*) FROM rule_sets").one::<(i64,)>().await {
        findings.bad("database", &error.to_string(), "Run quire migrate.")?;
        return Ok(None);
    }
    if db.dialect() == Dialect::Sqlite {
        let (journal,): (String,) = x.query("PRAGMA journal_mode").one().await?;
        let (synchronous,): (i64,) = x.query("PRAGMA synchronous").one().await?;
        if journal != "wal" || synchronous != 2 {
            findings.bad(
                "database",
                &format!(
                    "SQLite runs with journal_mode {journal} and synchronous {synchronous}, not wal and 2"
                ),
                "Do not change these: an acknowledgement would no longer mean that the work is on disk.",
            )?;
            return Ok(Some(db));
        }
    }
    findings.well("database", &format!("{:?}, its schema up to date", db.dialect()))?;
    let drift = clock_drift(&db).await?;
    if drift.abs() > 5 {
        findings.bad(
            "clock",
            &format!("this machine's clock is {drift} s apart from the database's"),
            "Let both keep time by NTP: leases between processes depend on it.",
        )?;
    }
    Ok(Some(db))
}

/// Seconds that this machine's clock is ahead of the database's.
async fn clock_drift(db: &Db) -> anyhow::Result<i64> {
    let there = match db.dialect() {
        // The same machine.
        Dialect::Sqlite => return Ok(0),
        Dialect::Postgres => {
            db.clone().query("SELECT now()").one::<(chrono::DateTime<chrono::Utc>,)>().await?.0
        }
    };
    Ok((World::system().now() - there).num_seconds())
}

async fn providers(
    settings: &Settings,
    db: &Db,
    findings: &mut Findings,
) -> anyhow::Result<Option<Registry>> {
    let registry = match boot::master_key(settings, &World::system()) {
        Ok(master) => Registry::new(master, settings.time_zone),
        Err(error) => {
            findings.bad(
                "providers",
                &format!("{error:#}"),
                "Without the master key no provider can be used.",
            )?;
            return Ok(None);
        }
    };
    registry.refresh(&mut db.clone()).await?;
    for broken in registry.broken() {
        findings.bad(&broken.name, &broken.reason, "Mend it in the set-up file and run quire setup.")?;
    }
    let entries = registry.all();
    if entries.is_empty() {
        findings.bad("providers", "none is set up and switched on", "Add one with quire setup FILE.toml.")?;
    }
    for entry in entries {
        let what = format!("provider {}", entry.name);
        match tokio::time::timeout(PATIENCE, entry.provider.models()).await {
            Ok(Ok(models)) => {
                let absent: Vec<&String> =
                    entry.settings.all_models().filter(|model| !models.contains(model)).collect();
                if absent.is_empty() {
                    findings.well(&what, &format!("answers at {}, the key is taken", entry.base_url))?;
                } else {
                    findings.bad(
                        &what,
                        &format!("it does not offer {absent:?}"),
                        "Change models in the set-up file to ones that the key may use.",
                    )?;
                }
            }
            Ok(Err(error)) => {
                findings.bad(&what, &error.to_string(), "Check base_url and key in the set-up file.")?;
            }
            Err(_) => findings.bad(&what, "it does not answer", "Check base_url, and the way there.")?,
        }
    }
    Ok(Some(registry))
}
