//! `quire import` and `quire export`, over HTTP and on the database.

use quire_tests::{
    essays::essay,
    on_both,
    school::{Database, School},
};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf, process::Output, time::Duration};

on_both!(a_file_goes_in_once_however_often, an_import_goes_on_after_a_kill);

const PATIENCE: Duration = Duration::from_secs(90);
const ROWS: u64 = 40;

/// A file of good rows with some bad ones among them.
fn file(school: &School) -> PathBuf {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["essay_id", "rater1", "text"]).unwrap();
    for n in 0..ROWS {
        csv.write_record([&n.to_string(), "4", &essay(n, 150)]).unwrap();
    }
    csv.write_record(["empty", "4", "   "]).unwrap();
    csv.write_record(["0", "4", "The id of another row."]).unwrap();
    let mut bytes = csv.into_inner().unwrap();
    bytes.extend_from_slice(b"latin,4,caf\xe9\nshort,4\n");
    let path = school.path("essays.csv");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn import(school: &School, file: &PathBuf, over_http: bool) -> (Output, Value) {
    let file = file.to_string_lossy().into_owned();
    let mut arguments = vec!["import", &file, "--assignment", school.assignment("essay"), "--json"];
    if over_http {
        arguments.extend(["--url", &school.url, "--token", school.token("berg")]);
    }
    let output = school.run(&arguments);
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, summary)
}

async fn a_file_goes_in_once_however_often(database: Database) {
    let school = School::open(database).await;
    let file = file(&school);
    for (over_http, handed_in, already) in [(true, ROWS, 0), (true, 0, ROWS), (false, 0, ROWS)] {
        let (output, summary) = import(&school, &file, over_http);
        let said = format!("{summary} {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "bad rows are told by the exit code: {said}");
        assert_eq!(
            (&summary["handed_in"], &summary["already"]),
            (&handed_in.into(), &already.into()),
            "{said}"
        );
        let bad: Vec<(Option<&str>, &str)> = summary["bad"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bad| (bad["id"].as_str(), bad["reason"].as_str().unwrap()))
            .collect();
        assert_eq!(bad.len(), 4, "{said}");
        for (part, (_, reason)) in ["empty", "line", "UTF-8", "fields"].iter().zip(&bad) {
            assert!(reason.contains(part), "{part}: {reason}");
        }
        assert!(
            summary["bad"].as_array().unwrap().iter().all(|bad| bad["line"].as_u64() > Some(ROWS)),
            "{said}"
        );
    }
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.in_batches), (40, 40), "{proof:?}");
    check_export(&school);
    school.close().await;
}

fn check_export(school: &School) {
    let assignment = school.assignment("essay");
    let over_http =
        ["export", "--assignment", assignment, "--url", &school.url, "--token", school.token("berg")];
    let written = school.run_well(&over_http);
    assert_eq!(
        written,
        school.run_well(&["export", "--assignment", assignment]),
        "from the database as over HTTP"
    );
    let mut reader = csv::Reader::from_reader(written.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let rows: Vec<BTreeMap<String, String>> = reader
        .records()
        .map(|row| columns.iter().map(str::to_owned).zip(row.unwrap().iter().map(str::to_owned)).collect())
        .collect();
    assert_eq!(rows.len(), 40, "{written}");
    for row in rows {
        assert_eq!(row["status"], "completed", "{row:?}");
        assert!(row["total"].parse::<f64>().is_ok(), "{row:?}");
        assert!(row["student"].contains('@'), "{row:?}");
    }
}

async fn an_import_goes_on_after_a_kill(database: Database) {
    let mut school = School::open(database).await;
    let file = file(&school);
    let url = school.url.clone();
    let mut command = school.command(&[
        "import",
        &file.to_string_lossy(),
        "--assignment",
        school.assignment("essay"),
        "--json",
        "--concurrency",
        "2",
        "--url",
        &url,
        "--token",
        school.token("berg"),
    ]);
    let importing =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    // The server dies in the middle and comes back; the import waits for it and loses nothing.
    quire_tests::wait::until("some rows are in", PATIENCE, async || {
        (school.count("SELECT count(*) FROM submissions").await >= 5).then_some(())
    })
    .await;
    school.kill();
    school.start().await;
    let output = tokio::task::spawn_blocking(move || importing.wait_with_output().unwrap()).await.unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (new, known) = (summary["handed_in"].as_u64().unwrap(), summary["already"].as_u64().unwrap());
    assert_eq!(new + known, ROWS, "{summary}");
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    assert_eq!((proof.assessed, proof.in_batches), (40, 40), "{proof:?}");
    school.close().await;
}
