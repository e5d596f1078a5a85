//! `quire demo`: one line of JSON when it is ready, the whole way within a minute, and nothing lost when everything is
//! killed at once.

use quire_tests::{api::Api, books, essays::essay, ports, programs, wait};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(90);

/// A running demo.
struct Demo {
    child: Child,
    said: Value,
}

impl Demo {
    fn start(folder: &Path, port: u16, simulator_port: u16) -> Self {
        let mut child = Command::new(programs::quire())
            .args(["demo", "--json", "--data"])
            .arg(folder.join("data"))
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--simulator-listen", &format!("127.0.0.1:{simulator_port}")])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("demo.log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = || std::fs::read_to_string(folder.join("demo.log")).unwrap_or_default();
        let said = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it said {line:?}\n{}", log()));
        Self { child, said }
    }

    fn text(&self, field: &str) -> &str {
        self.said[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.said))
    }

    fn instructor(&self) -> Api {
        Api::new(self.text("url"), Some(self.text("instructor_token")))
    }

    async fn ledger(&self) -> Vec<quire_simulator::LedgerLine> {
        let url = format!("{}/simulator/ledger", self.text("simulator"));
        quire_tests::api::client().get(url).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_goes_on_where_it_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (port, simulator_port) = (ports::free(), ports::free());
    let demo = Demo::start(folder.path(), port, simulator_port);
    for field in ["admin_token", "instructor_token", "url", "simulator"] {
        assert!(!demo.text(field).is_empty());
    }
    let assignment = demo.said["assignments"][0]["id"].as_str().unwrap().to_owned();
    assert!(demo.said["assignments"][0]["title"].is_string(), "{}", demo.said);
    let tokens = (demo.text("admin_token").to_owned(), demo.text("instructor_token").to_owned());
    let mut ids = Vec::new();
    for n in 0..6 {
        let student = format!("new{n}@students.example.edu");
        let receipt =
            demo.instructor().hand_in_for(&student, &assignment, &essay(n, 200), None).await.expect(201);
        ids.push(receipt.string("tracking_id"));
    }
    let api = demo.instructor();
    wait::until("the first are being marked", PATIENCE, async || {
        (api.submission(&ids[0]).await.json["status"] == "processing").then_some(())
    })
    .await;
    // Everything dies at once: web, workers, mailbox and the simulated providers.
    drop(demo);
    let demo = Demo::start(folder.path(), port, simulator_port);
    assert_eq!(demo.said["assignments"][0]["id"], *assignment, "it goes on with what it finds");
    for token in [&tokens.0, &tokens.1] {
        let api = Api::new(demo.text("url"), Some(token));
        api.get("/api/v1/assignments").await.expect(200);
    }
    for id in &ids {
        wait::until("the marks are there", PATIENCE, async || {
            (demo.instructor().submission(id).await.json["status"] == "completed").then_some(())
        })
        .await;
    }
    let db = quire_engine::store::Db::open(&format!("sqlite:{}", database(folder.path()))).await.unwrap();
    let quire = books::Quire::read(&db).await.unwrap();
    let proof = books::prove(&quire, &demo.ledger().await).unwrap_or_else(|broken| panic!("{broken}"));
    assert!(proof.assessed >= 6, "{proof:?}");
    // Its mailbox has e-mails, and anybody may read them.
    let page = quire_tests::pages::Visitor::new(demo.text("url")).open("/mailbox").await.expect(200);
    assert!(page.words().contains("new0@students.example.edu"), "{}", page.words());
}

/// The database that the demo keeps in its folder.
fn database(folder: &Path) -> String {
    let data = folder.join("data");
    let found = std::fs::read_dir(&data).unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        (path.extension()? == "db" && path.file_stem()? != "simulator").then(|| path.display().to_string())
    });
    found.into_iter().next().unwrap_or_else(|| panic!("no database in {}", data.display()))
}

#[test]
fn a_second_demo_on_the_same_address_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (port, simulator_port) = (ports::free(), ports::free());
    let _first = Demo::start(folder.path(), port, simulator_port);
    let other = tempfile::tempdir().unwrap();
    let output = Command::new(programs::quire())
        .args(["demo", "--json", "--data"])
        .arg(other.path().join("data"))
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--simulator-listen", &format!("127.0.0.1:{}", ports::free())])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(&port.to_string()), "it names the address: {said}");
}
