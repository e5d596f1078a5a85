//! Databases for tests: the same test runs on a fresh SQLite file and on a fresh PostgreSQL database.
//!
//! PostgreSQL is a cluster of the test process's own, started at the first use and gone when the process is (however it
//! ends); or, with `QUIRE_TEST_POSTGRES` set, the server at that address, whose user may create databases.

use super::{Db, ManualClock, SeededChance, World};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Where the server of the tests is, instead of a cluster of their own.
pub const ADDRESS: &str = "QUIRE_TEST_POSTGRES";

/// Runs a test on each database: first SQLite, then PostgreSQL, each fresh and migrated.
///
/// # Panics
/// If the test does, naming the database; or if a database can't be had (a missing PostgreSQL never passes a test).
#[allow(clippy::print_stderr, reason = "tests speak on standard error")]
pub async fn each_db(test: impl AsyncFn(Db)) {
    for fresh in [FreshDb::sqlite().await, FreshDb::postgres().await] {
        let name = fresh.db.dialect();
        let outcome = AssertUnwindSafe(test(fresh.db.clone())).catch_unwind().await;
        fresh.remove().await;
        if let Err(panic) = outcome {
            eprintln!("the test failed on {name:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Time and chance that stand still: a clock that moves when told to, and a repeatable sequence.
#[must_use]
pub fn still_world() -> (World, Arc<ManualClock>) {
    let at: DateTime<Utc> = DateTime::from_timestamp(1_795_600_800, 0).unwrap_or_default();
    let clock = Arc::new(ManualClock::new(at));
    (World::new(clock.clone(), Arc::new(SeededChance::new(7))), clock)
}

/// A fresh, migrated database.
#[derive(Debug)]
pub struct FreshDb {
    /// The database.
    pub db: Db,
    /// Its address, for a program of its own.
    pub address: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(TempDir),
    Server { server: String, name: String },
}

impl FreshDb {
    /// A SQLite file in a temporary folder.
    ///
    /// # Panics
    /// If it can't be made.
    pub async fn sqlite() -> Self {
        static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
        let template = TEMPLATE
            .get_or_init(|| async {
                let folder = temp_folder();
                let file = folder.path().join("template.db");
                let db = open(&sqlite_address(&file)).await;
                db.migrate().await.expect("the schema of SQLite can be made");
                db.close().await;
                std::fs::read(&file).expect("the template can be read")
            })
            .await;
        let folder = temp_folder();
        let file = folder.path().join("quire.db");
        std::fs::write(&file, template).expect("a temporary file can be written");
        let address = sqlite_address(&file);
        Self { db: open(&address).await, address, place: Place::Folder(folder) }
    }

    /// A database of a PostgreSQL server.
    ///
    /// # Panics
    /// If there is no PostgreSQL, saying what to install.
    pub async fn postgres() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let server = server().await;
        let template = TEMPLATE
            .get_or_init(|| async {
                let name = fresh_name();
                run(&server, format!("CREATE DATABASE {name}")).await;
                let db = open(&address_of(&server, &name)).await;
                db.migrate().await.expect("the schema of PostgreSQL can be made");
                db.close().await;
                name
            })
            .await;
        let name = fresh_name();
        run(&server, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        let address = address_of(&server, &name);
        Self { db: open(&address).await, address, place: Place::Server { server, name } }
    }

    /// Closes the database and removes it.
    pub async fn remove(self) {
        self.db.close().await;
        match self.place {
            Place::Folder(folder) => drop(folder),
            Place::Server { server, name } => {
                run(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await
            }
        }
    }
}

fn temp_folder() -> TempDir {
    tempfile::Builder::new().prefix("quire-test").tempdir().expect("a temporary folder can be made")
}

fn sqlite_address(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

async fn open(address: &str) -> Db {
    Db::open(address).await.expect("a database of the tests can be opened")
}

fn fresh_name() -> String {
    format!("quire_{}", uuid::Uuid::new_v4().simple())
}

/// The address of a database beside the one that `server` names.
fn address_of(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).unwrap_or_else(|e| panic!("{ADDRESS} is no address: {e}"));
    url.set_path(name);
    url.into()
}

/// Runs one statement on the server. Connections aren't kept, for each test has a runtime of its own.
async fn run(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server)
        .await
        .unwrap_or_else(|e| panic!("the PostgreSQL of the tests can't be reached: {e}"));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the server takes the statement");
    connection.close().await.expect("the connection closes");
}

/// The address of the server of this process's tests.
async fn server() -> String {
    static CLUSTER: OnceCell<Result<Cluster, String>> = OnceCell::const_new();
    if let Ok(address) = std::env::var(ADDRESS) {
        return address;
    }
    CLUSTER
        .get_or_init(|| async {
            tokio::task::spawn_blocking(Cluster::start).await.expect("starting PostgreSQL does not panic")
        })
        .await
        .as_ref()
        .map_or_else(|message| panic!("{message}"), Cluster::address)
}

/// A PostgreSQL cluster of our own. It ends when its standard input does, so also when this process is killed.
#[derive(Debug)]
pub struct Cluster {
    child: Child,
    folder: String,
}

/// Makes a cluster in a folder of its own, serves it on a socket in that folder alone, says where, and removes it all
/// when standard input ends.
const KEEP: &str = r#"
trap '' INT HUP TERM
folder=$(mktemp -d /tmp/quire-postgres.XXXXXX) || exit 1
trap 'rm -rf "$folder"' EXIT
"$1/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
"$1/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=300 -c shared_buffers=64MB >>"$folder/log" 2>&1 </dev/null &
server=$!
tries=0
# The last line of this file is where the server writes that it takes connections (pg_ctl looks there too).
until grep -q ready "$folder/data/postmaster.pid" 2>/dev/null; do
    tries=$((tries + 1))
    if [ $tries -gt 600 ] || ! kill -0 $server 2>/dev/null; then cat "$folder/log" >&2; kill -9 $server 2>/dev/null; exit 1; fi
    sleep 0.05
done
echo "$folder"
cat >/dev/null
kill -INT $server
wait $server
"#;

impl Cluster {
    /// Starts a cluster and waits until it takes connections.
    ///
    /// # Errors
    /// Says what to install or what PostgreSQL complained about.
    pub fn start() -> Result<Self, String> {
        let programs = programs()?;
        let mut command = if is_root() {
            // PostgreSQL refuses to run as root.
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut child = command
            .args(["-c", KEEP, "quire-postgres"])
            .arg(programs)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Not in our process group: Ctrl-C ends us, and our end ends the cluster in order.
            .process_group(0)
            .spawn()
            .map_err(|e| format!("the tests can't start PostgreSQL by runuser or sh: {e}"))?;
        let mut folder = String::new();
        if let Some(out) = child.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut folder);
        }
        let folder = folder.trim().to_owned();
        if folder.is_empty() {
            let mut said = String::new();
            if let Some(mut err) = child.stderr.take() {
                let _ = err.read_to_string(&mut said);
            }
            return Err(format!("the tests can't start a PostgreSQL of their own: {}", said.trim()));
        }
        Ok(Self { child, folder })
    }

    /// The address of its maintenance database, through the socket.
    #[must_use]
    pub fn address(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// The folder of PostgreSQL's programs: on the PATH, or the newest where Debian puts them.
fn programs() -> Result<PathBuf, String> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let version = |folder: &PathBuf| -> u32 {
        folder.parent().and_then(|p| p.file_name()?.to_str()?.parse().ok()).unwrap_or(0)
    };
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    debian.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    on_path.chain(debian).find(|folder| folder.join("initdb").is_file()).ok_or_else(|| {
        format!(
            "PostgreSQL is not installed, and these tests run on it too: install it (Debian: apt-get install \
             postgresql), or set {ADDRESS} to the address of a server whose user may create databases"
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::{Dialect, Exec as _};

    #[tokio::test]
    async fn each_database_is_fresh_migrated_and_durable() {
        each_db(async |mut db| {
            let (people,): (i64,) = db.query("SELECT count(*) FROM people").one().await.unwrap();
            assert_eq!(people, 0);
            if db.dialect() == Dialect::Sqlite {
                let (mode,): (String,) = db.query("PRAGMA journal_mode").one().await.unwrap();
                let (sync,): (i64,) = db.query("PRAGMA synchronous").one().await.unwrap();
                assert_eq!((mode.as_str(), sync), ("wal", 2));
            }
        })
        .await;
    }

    #[test]
    fn a_cluster_ends_with_its_owner() {
        let cluster = Cluster::start().unwrap();
        let folder = cluster.folder.clone();
        assert!(Path::new(&folder).exists());
        drop(cluster);
        assert!(!Path::new(&folder).exists());
    }
}
