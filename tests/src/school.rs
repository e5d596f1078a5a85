//! A school to test on: the real program on a database of its own, set up as an administrator would, with the
//! simulator as both providers. It starts, dies and starts again as a test wants.

mod setup;

use crate::{
    api::Api,
    books::{self, Proof, Quire},
    pages::Visitor,
    ports, programs, wait,
};
use quire_engine::store::{Db, Exec as _, testing::FreshDb};
use quire_simulator::{LedgerLine, Running, StruckFault};
use serde_json::Value;
use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long the program may take to be ready.
const READY: Duration = Duration::from_secs(40);

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Makes two tests of each function named, `NAME::on_sqlite` and `NAME::on_postgres`.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                Box::pin(super::$name($crate::school::Database::Sqlite)).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                Box::pin(super::$name($crate::school::Database::Postgres)).await;
            }
        }
    )*};
}

/// How a school differs from the usual one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Speed and faults of the simulator.
    pub simulator: quire_simulator::Settings,
    /// Settings of Quire, such as `("lanes.standard.gather_seconds", "0")`.
    pub settings: Vec<(String, String)>,
    /// The providers that are set up.
    pub providers: Vec<&'static str>,
    /// Fewest and most jobs of a batch, the same at each provider, so that both have the same room.
    pub jobs: (u32, u32),
    /// Port of a mail server.
    pub mail: Option<u16>,
    /// Runs workers in the same process as the web server.
    pub workers: bool,
    /// Seconds that the providers have for the creation of a batch, and for a call.
    pub timeouts: (u32, u32),
    /// Words of the guidelines for markers; none: no guidelines.
    pub guidelines: usize,
    /// The model of every provider, where it is not the usual one.
    pub model: Option<&'static str>,
    /// More tables for the set-up file, such as assignments of W101 with rubrics of their own.
    pub more: String,
}

impl Default for Options {
    fn default() -> Self {
        let simulator = quire_simulator::Settings {
            turnaround_seconds: 0.5,
            latency_ms: 50,
            ..quire_simulator::Settings::instant()
        };
        Self {
            simulator,
            settings: Vec::new(),
            providers: vec!["openai", "anthropic"],
            jobs: (1, 50),
            mail: None,
            workers: true,
            timeouts: (5, 120),
            guidelines: 0,
            model: None,
            more: String::new(),
        }
    }
}

impl Options {
    /// With one more setting of Quire.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// A school.
#[derive(Debug)]
pub struct School {
    folder: TempDir,
    database: Option<FreshDb>,
    /// Its providers.
    pub simulator: Running,
    /// Where its pages and API are.
    pub url: String,
    options: Options,
    server: Option<Child>,
    tokens: HashMap<String, String>,
    assignments: HashMap<String, String>,
}

impl School {
    /// A school on this database, its server started.
    pub async fn open(database: Database) -> Self {
        Self::open_with(database, Options::default()).await
    }

    /// A school that differs from the usual one, its server started.
    pub async fn open_with(database: Database, options: Options) -> Self {
        let mut school = Self::prepare(database, options).await;
        school.start().await;
        school
    }

    /// A school that is set up but not started.
    ///
    /// # Panics
    /// If it can't be set up, with what the program said.
    pub async fn prepare(database: Database, options: Options) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("quire-school")
            .tempdir()
            .expect("a temporary folder can be made");
        let database = match database {
            Database::Sqlite => FreshDb::sqlite().await,
            Database::Postgres => FreshDb::postgres().await,
        };
        let config = quire_simulator::Config {
            listen: ([127, 0, 0, 1], ports::free()).into(),
            data: None,
            settings: options.simulator.clone(),
            ..quire_simulator::Config::instant()
        };
        let simulator = quire_simulator::start(config).await.expect("the simulator starts");
        let url = format!("http://127.0.0.1:{}", ports::free());
        let mut school = Self {
            folder,
            database: Some(database),
            simulator,
            url,
            options,
            server: None,
            tokens: HashMap::new(),
            assignments: HashMap::new(),
        };
        school.set_up().await;
        school
    }

    async fn set_up(&mut self) {
        let file = self.path("setup.toml");
        std::fs::write(&file, setup::file(&self.simulator, &self.options))
            .expect("a temporary file can be written");
        self.run_well(&["setup", &file.to_string_lossy()]);
        for (who, _) in setup::PEOPLE {
            let made = self.run_well(&["token", "create", "--person", &email(who), "--name", "tests"]);
            self.tokens.insert(who.to_owned(), made.trim().to_owned());
        }
        for (key, id) in setup::assignments(&self.db()).await {
            self.assignments.insert(key, id);
        }
    }

    /// A file in the school's own folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The database, to be looked at.
    ///
    /// # Panics
    /// If the school was closed.
    #[must_use]
    pub fn db(&self) -> Db {
        self.database.as_ref().map(|fresh| fresh.db.clone()).expect("the school is open")
    }

    /// A command of the program, with this school's settings.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs::quire());
        let address = self.database.as_ref().map(|fresh| fresh.address.clone()).unwrap_or_default();
        let listen = self.url.trim_start_matches("http://").to_owned();
        let mut settings = vec![
            ("database".to_owned(), address),
            ("listen".to_owned(), listen),
            ("data_dir".to_owned(), self.path("data").to_string_lossy().into_owned()),
            ("queue.lease_seconds".to_owned(), "3".to_owned()),
            (
                "log.level".to_owned(),
                "info,quire=debug,quire::http::observe=info,quire_engine=debug".to_owned(),
            ),
        ];
        for lane in ["urgent", "standard", "economy"] {
            settings.push((format!("lanes.{lane}.gather_seconds"), "0".to_owned()));
        }
        if let Some(port) = self.options.mail {
            settings.push(("smtp.host".to_owned(), "127.0.0.1".to_owned()));
            settings.push(("smtp.port".to_owned(), port.to_string()));
            settings.push(("smtp.security".to_owned(), "none".to_owned()));
            settings.push(("smtp.from".to_owned(), "Quire <quire@example.edu>".to_owned()));
        }
        settings.extend(self.options.settings.iter().cloned());
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_COLOR", "1");
        for (key, value) in settings {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// If it can't be run.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program can be run")
    }

    /// Runs a command that must go well, and gives what it printed.
    ///
    /// # Panics
    /// If it fails, with what it said.
    pub fn run_well(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "quire {arguments:?} failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&mut self) {
        self.spawn(None);
        self.ready().await;
    }

    /// Starts the server such that it ends at a crash point, such as `send.after_create` or `cut.after_commit:2`.
    pub async fn start_to_crash(&mut self, at: &str) {
        self.spawn(Some(at));
        self.ready().await;
    }

    fn spawn(&mut self, crash_at: Option<&str>) {
        self.kill();
        let mut command =
            self.command(if self.options.workers { &["serve"] } else { &["serve", "--web-only"] });
        let log = std::fs::File::options().create(true).append(true).open(self.path("server.log"));
        let log = log.expect("a temporary file can be written");
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        if let Some(at) = crash_at {
            command.env("QUIRE_CRASH_AT", at);
        }
        self.server = Some(command.spawn().expect("the program can be run"));
    }

    async fn ready(&mut self) {
        let ready = format!("{}/readyz", self.url);
        let begin = Instant::now();
        loop {
            if crate::api::client().get(&ready).send().await.is_ok_and(|answer| answer.status().is_success())
            {
                return;
            }
            if let Some(status) = self.server.as_mut().and_then(|server| server.try_wait().ok().flatten()) {
                panic!("the server ended before it was ready ({status}):\n{}", self.log_tail());
            }
            assert!(begin.elapsed() < READY, "the server was not ready in {READY:?}:\n{}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Asks the server to end (SIGTERM) and waits for it.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn stop(&mut self) -> ExitStatus {
        let mut server = self.server.take().expect("the server runs");
        let _ = Command::new("kill").args(["-TERM", &server.id().to_string()]).status();
        wait::until("the server has stopped", READY, async || server.try_wait().ok().flatten()).await
    }

    /// Waits until the server has ended by itself.
    pub async fn wait_for_crash(&mut self, patience: Duration) {
        let server = self.server.as_mut();
        let Some(server) = server else { return };
        wait::until("the server has crashed", patience, async || server.try_wait().ok().flatten()).await;
        self.server = None;
    }

    /// The server has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.server.as_mut().is_none_or(|server| server.try_wait().is_ok_and(|status| status.is_some()))
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// The end of the server's log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.path("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// The API for one of the school's people: `admin`, `berg` (instructor), `ada`, `ben` (students), `cy` (a student
    /// of another course), or for nobody.
    #[must_use]
    pub fn api(&self, who: &str) -> Api {
        Api::new(&self.url, self.tokens.get(who).map(String::as_str))
    }

    /// One of the school's people's token.
    ///
    /// # Panics
    /// If there is no such person.
    #[must_use]
    pub fn token(&self, who: &str) -> &str {
        self.tokens.get(who).unwrap_or_else(|| panic!("there is no {who}"))
    }

    /// A visitor of the pages who has not signed in.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.url)
    }

    /// One of the school's people, signed in to the pages.
    pub async fn signed_in(&self, who: &str) -> Visitor {
        let mut visitor = self.visitor();
        let page = visitor.sign_in(&email(who), setup::PASSWORD).await.expect(200);
        assert_ne!(page.path, "/sign-in", "{}", page.words());
        visitor
    }

    /// The id of an assignment by its key: see `school/setup.rs` for what there is.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn assignment(&self, key: &str) -> &str {
        self.assignments.get(key).unwrap_or_else(|| panic!("there is no assignment {key}"))
    }

    /// Waits until a submission is in one of the states, and gives it as its API shows it to the instructor.
    pub async fn wait_for(&self, tracking_id: &str, states: &[&str], patience: Duration) -> Value {
        let api = self.api("berg");
        wait::until(&format!("{tracking_id} is {states:?}"), patience, async || {
            let path = format!("/api/v1/submissions/{tracking_id}");
            let request = api.request(reqwest::Method::GET, &path);
            // While the server is down there is no answer.
            let answer = crate::api::Answer::try_to(request).await.ok()?;
            states.iter().any(|state| answer.json["status"] == **state).then_some(answer.json)
        })
        .await
    }

    /// Waits until no job is under way any more, as long as some of them end: parts of a split batch follow one another.
    ///
    /// # Panics
    /// If none ends for so long.
    pub async fn wait_until_idle(&self, patience: Duration) {
        let mut fewest = (i64::MAX, Instant::now());
        loop {
            let jobs = "SELECT count(*) FROM model_jobs WHERE state IN ('queued', 'batched', 'calling')";
            let batches = "SELECT count(*) FROM batches WHERE state NOT IN ('done', 'failed')";
            let left = (self.count(jobs).await, self.count(batches).await);
            if left == (0, 0) {
                return;
            }
            if left.0 + left.1 < fewest.0 {
                fewest = (left.0 + left.1, Instant::now());
            }
            let (jobs, batches) = left;
            assert!(
                fewest.1.elapsed() < patience,
                "{jobs} jobs and {batches} batches are under way, and none ended for {patience:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a counting query counts.
    ///
    /// # Panics
    /// If the database fails.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let (count,): (i64,) = self.db().query(sql).one().await.expect("the database counts");
        count
    }

    /// The faults that have struck at the simulator.
    ///
    /// # Panics
    /// If they can't be read, or there were more than it remembers.
    pub async fn struck(&self) -> Vec<StruckFault> {
        let url = format!("{}/faults", self.simulator.control_url());
        let answer = crate::api::client().get(url).send().await.expect("the simulator answers");
        let mut told: Value = answer.json().await.expect("the simulator tells its faults");
        assert_eq!(told["more"], 0, "the simulator remembers all faults");
        serde_json::from_value(told["faults"].take()).expect("faults have their form")
    }

    /// What the simulator answered and was paid for.
    ///
    /// # Panics
    /// If it can't be read.
    pub async fn ledger(&self) -> Vec<LedgerLine> {
        let url = format!("{}/ledger", self.simulator.control_url());
        let answer = crate::api::client().get(url).send().await.expect("the simulator answers");
        answer.json().await.expect("the ledger is a list of lines")
    }

    /// Changes the simulator's speed and faults.
    ///
    /// # Panics
    /// If it refuses.
    pub async fn control(&self, change: &Value) {
        let url = format!("{}/control", self.simulator.control_url());
        let answer = crate::api::client().post(url).json(change).send().await.expect("the simulator answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }

    /// Holds both sides' books against each other.
    ///
    /// # Panics
    /// If a promise is broken, saying which.
    pub async fn prove(&self) -> Proof {
        let quire = Quire::read(&self.db()).await.expect("the database can be read");
        books::prove(&quire, &self.ledger().await)
            .unwrap_or_else(|broken| panic!("{broken}\n{}", self.log_tail()))
    }

    /// Ends everything and removes what was kept.
    pub async fn close(mut self) {
        self.kill();
        if let Some(database) = self.database.take() {
            database.remove().await;
        }
    }
}

impl Drop for School {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            #[allow(clippy::print_stderr, reason = "tests speak on standard error")]
            {
                eprintln!("The end of the server's log:\n{}", self.log_tail());
            }
        }
    }
}

/// The address of one of the school's people.
#[must_use]
pub fn email(who: &str) -> String {
    format!("{who}@example.edu")
}
