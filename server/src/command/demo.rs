//! `quire demo`: everything in one process, on SQLite, with the simulator and a mailbox.

use super::{General, print, serve::Server};
use crate::{
    boot,
    mailbox::{self, Folder},
    page::Demo as DemoData,
    settings::{self, Settings, SmtpSecurity},
    shutdown, telemetry,
};
use anyhow::Context;
use clap::{Args, ValueEnum};
use quire_app::view::DemoPerson;
use quire_engine::{
    engine::Engine,
    identity::{self, Actor, Email, Role},
    queue::LaneSettings,
    setup::{self, DEMO},
    store::{Db, World},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Addresses that are tried where none is given; a free port is taken where they are taken.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const SIMULATOR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8787);

const ADMIN: &str = "r.okafor@northfield.example";
const INSTRUCTOR: &str = "n.berg@northfield.example";

/// Runs a small school on this machine: pages, workers, simulated providers and a mailbox in one process. Started again
/// on the same folder it goes on with what it finds there.
#[derive(Args, Debug)]
pub(super) struct Demo {
    /// Folder for all data of the demo
    #[arg(long, value_name = "FOLDER", default_value = "data/demo")]
    data: PathBuf,
    /// Address and port of the pages [default: 127.0.0.1:8080, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Address and port of the simulated providers [default: 127.0.0.1:8787, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    simulator_listen: Option<SocketAddr>,
    /// Print one line of JSON when ready, for programs
    #[arg(long)]
    json: bool,
    /// How fast all goes
    #[arg(long, value_enum, default_value_t = Pace::Quick)]
    pace: Pace,
}

/// How fast the demo goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pace {
    /// Batches are cut every few seconds and are back in about ten
    Quick,
    /// Gathering times, sizes and schedules as in earnest
    Real,
}

/// The demo's tokens, kept so that the same are told at each start.
#[derive(Serialize, Deserialize)]
struct Tokens {
    admin: String,
    instructor: String,
}

#[derive(Serialize)]
struct Ready<'a> {
    url: &'a str,
    simulator: &'a str,
    admin_token: &'a str,
    instructor_token: &'a str,
    assignments: Vec<ReadyAssignment>,
}

#[derive(Serialize)]
struct ReadyAssignment {
    id: String,
    title: String,
}

impl Demo {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let log = settings::Settings::default().log;
        telemetry::start(&settings::Log {
            format: general.log_format.unwrap_or(log.format),
            level: general.log_level.clone().unwrap_or_else(|| "warn".to_owned()),
        })?;
        let stop = shutdown::on_signal()?;
        std::fs::create_dir_all(&self.data)
            .with_context(|| format!("the folder {} can't be made", self.data.display()))?;
        let listener = bind(self.listen, LISTEN).await?;
        let listen = listener.local_addr().context("the address listened on is not known")?;
        let simulator = self.simulator().await?;
        let folder = Folder::open(&self.data.join("mailbox"))?;
        let smtp = TcpListener::bind((LISTEN.ip(), 0)).await.context("the mailbox can't listen")?;
        let mut settings = self.settings(listen, smtp.local_addr()?.port())?;
        settings.log = log;
        let mail_stop = CancellationToken::new();
        let mail = tokio::spawn(mailbox::serve(smtp, folder.clone(), mail_stop.clone()));

        let engine = self.engine(&settings, &simulator).await?;
        let address = format!("http://{}", simulator.addr);
        let demo = Arc::new(DemoData {
            people: people(&engine).await?,
            mailbox: folder,
            simulator: address.clone(),
        });
        let tokens = tokens(&self.data.join("tokens.json"), &engine).await?;
        let url = settings.public_address();
        let told = self.ready(&engine, &url, &address, &tokens).await?;
        let server = Server::start(engine, settings, listener, true, Some(demo), stop)?;
        print(&told)?;
        let outcome = server.wait().await;
        mail_stop.cancel();
        mail.await?;
        simulator.shutdown().await?;
        outcome
    }

    async fn simulator(&self) -> anyhow::Result<quire_simulator::Running> {
        let config = |listen| quire_simulator::Config {
            listen,
            data: Some(self.data.join("simulator")),
            ..quire_simulator::Config::default()
        };
        let wanted = self.simulator_listen.unwrap_or(SIMULATOR);
        let started = quire_simulator::start(config(wanted)).await;
        match started {
            // The usual port is taken by another program: any other will do.
            Err(_) if self.simulator_listen.is_none() => {
                Ok(quire_simulator::start(config(SocketAddr::new(wanted.ip(), 0))).await?)
            }
            started => Ok(started?),
        }
    }

    fn settings(&self, listen: SocketAddr, mail_port: u16) -> anyhow::Result<Settings> {
        let mut settings = Settings {
            database: format!("sqlite:{}", self.data.join("quire.db").display()),
            listen,
            data_dir: self.data.clone(),
            public_url: Some(format!("http://{listen}").parse()?),
            ..Settings::default()
        };
        settings.smtp.host = Some(LISTEN.ip().to_string());
        settings.smtp.port = Some(mail_port);
        settings.smtp.security = SmtpSecurity::None;
        settings.smtp.from = "Quire <quire@northfield.example>".to_owned();
        if self.pace == Pace::Quick {
            let gather = |lane: LaneSettings| LaneSettings { gather_seconds: 2, ..lane };
            settings.lanes.standard = gather(settings.lanes.standard);
            settings.lanes.economy = gather(settings.lanes.economy);
        }
        Ok(settings)
    }

    async fn engine(
        &self,
        settings: &Settings,
        simulator: &quire_simulator::Running,
    ) -> anyhow::Result<Engine> {
        let world = World::system();
        let db: Db = boot::open(settings).await?;
        db.migrate().await.context("the database's schema can't be brought up to date")?;
        let mut school = setup::Setup::parse(DEMO)?.at("openai", &simulator.openai_url(), "demo-key").at(
            "anthropic",
            &format!("{}/v1", simulator.anthropic_url()),
            "demo-key",
        );
        if self.pace == Pace::Real {
            for provider in &mut school.providers {
                provider.settings.retain(|key, _| key == "models");
            }
        }
        setup::apply(&db, &world, &boot::master_key(settings, &world)?, &school).await?;
        db.close().await;
        boot::engine(settings).await
    }

    async fn ready(
        &self,
        engine: &Engine,
        url: &str,
        simulator: &str,
        tokens: &Tokens,
    ) -> anyhow::Result<String> {
        let school = setup::Setup::parse(DEMO)?;
        let mut found = engine.assignments_as(&Actor::System, Role::Instructor).await?;
        // In the file's order: the first is the one to try first. Those added later follow.
        found.sort_by_key(|(assignment, _)| {
            school
                .assignments
                .iter()
                .position(|one| *one.key.get_ref() == assignment.key)
                .unwrap_or(usize::MAX)
        });
        let assignments: Vec<ReadyAssignment> = found
            .into_iter()
            .map(|(assignment, _)| ReadyAssignment { id: assignment.id.to_string(), title: assignment.title })
            .collect();
        if self.json {
            let ready = Ready {
                url,
                simulator,
                admin_token: &tokens.admin,
                instructor_token: &tokens.instructor,
                assignments,
            };
            return Ok(format!("{}\n", serde_json::to_string(&ready)?));
        }
        let mut text = format!("\nQuire is at {url}\n\nSign in there with one click, or as\n");
        for person in school.people {
            let password = person.password.as_ref().map_or("", |p| p.expose());
            let _ = writeln!(text, "  {:<32} {password}", person.email.get_ref());
        }
        let _ = write!(
            text,
            "\nE-mails land in {url}/mailbox\nThe simulated providers are at {simulator}\n\nTokens\n"
        );
        let _ = writeln!(
            text,
            "  administrator  {}\n  instructor     {}\n\nAssignments",
            tokens.admin, tokens.instructor
        );
        for assignment in assignments {
            let _ = writeln!(text, "  {}  {}", assignment.id, assignment.title);
        }
        let _ = write!(text, "\nAll data are in {}. Stop with Ctrl-C.\n", self.data.display());
        Ok(text)
    }
}

/// Listens on the address wanted, or on the usual one; where that is taken, on a free port.
async fn bind(wanted: Option<SocketAddr>, usual: SocketAddr) -> anyhow::Result<TcpListener> {
    match (wanted, TcpListener::bind(wanted.unwrap_or(usual)).await) {
        (_, Ok(listener)) => Ok(listener),
        (None, Err(error)) if error.kind() == ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(usual.ip(), 0)).await.context("no port is free")
        }
        (wanted, Err(error)) => {
            Err(error).with_context(|| format!("nothing can listen on {}", wanted.unwrap_or(usual)))
        }
    }
}

/// Who can sign in with one click: everybody whom the demo's file names, with what they do.
async fn people(engine: &Engine) -> anyhow::Result<Vec<DemoPerson>> {
    let mut people = Vec::new();
    for person in setup::Setup::parse(DEMO)?.people {
        let email: Email = person.email.get_ref().parse()?;
        let known = identity::store::person_by_email(&mut engine.db(), &email)
            .await?
            .with_context(|| format!("{email} of the demo is not there"))?;
        let part = if person.admin {
            "administrator"
        } else if email.as_str() == INSTRUCTOR {
            "teaches Writing 101"
        } else {
            "student in Writing 101"
        };
        people.push(DemoPerson { id: known.id.to_string(), name: known.name, part: part.to_owned() });
    }
    Ok(people)
}

/// The demo's tokens: those of the last start where they still are taken, else new ones.
async fn tokens(path: &Path, engine: &Engine) -> anyhow::Result<Tokens> {
    if let Ok(text) = std::fs::read_to_string(path)
        && let Ok(tokens) = serde_json::from_str::<Tokens>(&text)
        && engine.identity().actor_by_token(&tokens.admin).await.is_ok()
        && engine.identity().actor_by_token(&tokens.instructor).await.is_ok()
    {
        return Ok(tokens);
    }
    let make = async |email: &str| {
        let person = engine.identity().find(&Actor::System, email).await?;
        let token = engine.identity().create_token(&Actor::System, person.id, "demo", None).await?;
        anyhow::Ok(token.secret)
    };
    let tokens = Tokens { admin: make(ADMIN).await?, instructor: make(INSTRUCTOR).await? };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("the tokens can't be kept in {}", path.display()))?;
    file.write_all(serde_json::to_string_pretty(&tokens)?.as_bytes())?;
    Ok(tokens)
}
