//! The command line: help, wrong usage, wrong settings, and what an administrator does first.

use quire_tests::{
    on_both, programs,
    school::{Database, Options, School},
};
use serde_json::json;
use std::process::{Command, Output};

on_both!(the_doctor_finds_what_is_wrong, setting_up_twice_changes_nothing);

const COMMANDS: [&str; 13] = [
    "serve",
    "worker",
    "migrate",
    "simulator",
    "demo",
    "import",
    "export",
    "billing",
    "commitment",
    "token",
    "openapi",
    "plan",
    "doctor",
];

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(programs::quire());
    command.args(arguments).current_dir(folder.path()).env_clear().envs(environment.iter().copied());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_names_every_command_and_each_has_its_own() {
    let help = text(&run(&["--help"], &[]).stdout);
    for command in COMMANDS.iter().chain(&["setup"]) {
        assert!(help.contains(command), "{command} is missing in: {help}");
        let own = run(&[command, "--help"], &[]);
        assert!(own.status.success() && text(&own.stdout).contains("Usage"), "{command}");
    }
}

#[test]
fn wrong_usage_says_what_is_wrong() {
    for (arguments, part) in [
        (&["hand-in"][..], "hand-in"),
        (&["serve", "--colour", "red"], "--colour"),
        (&["import"], "FILE"),
        (&["billing"], "--month"),
        (&["commitment", "--discount", "much"], "--discount"),
        (&["migrate", "--set", "nonsense"], "KEY=VALUE"),
    ] {
        let output = run(arguments, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn wrong_settings_name_their_key_wherever_they_come_from() {
    for (arguments, environment, parts) in [
        (&["migrate", "--set", "lissten=1"][..], &[][..], &["lissten"][..]),
        (&["migrate", "--set", "listen=here"], &[], &["listen", "address"]),
        (&["migrate"], &[("QUIRE_LOG__FORMAT", "loud")], &["log.format", "loud"]),
        (&["migrate"], &[("QUIRE_SESSIONS__IDLE", "-3h")], &["sessions.idle", "-3h"]),
        (&["migrate"], &[("QUIRE_DATABASE", "mysql://x")], &["database", "sqlite:PATH"]),
        (&["migrate", "--config", "no.toml"], &[], &["no.toml"]),
    ] {
        let output = run(arguments, environment);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{arguments:?} {environment:?}");
        for part in parts {
            assert!(said.contains(part), "no \"{part}\" for {arguments:?} {environment:?}: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn flags_win_over_environment_and_environment_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quire.toml");
    std::fs::write(&file, "database = \"sqlite:file.db\"\n").unwrap();
    let migrate = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new(programs::quire());
        command.arg("migrate").args(arguments).current_dir(folder.path()).env_clear();
        let output = command.envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    migrate(&[], &[]);
    migrate(&[], &[("QUIRE_DATABASE", "sqlite:environment.db")]);
    migrate(&["--database", "sqlite:flag.db"], &[("QUIRE_DATABASE", "sqlite:environment.db")]);
    for name in ["file.db", "environment.db", "flag.db"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

const SECRET: &str = "bill_webhook.secret=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

async fn the_doctor_finds_what_is_wrong(database: Database) {
    let school = School::open(database).await;
    let well = school.run(&["doctor"]);
    assert!(well.status.success(), "{}{}", text(&well.stdout), text(&well.stderr));
    assert!(text(&well.stdout).contains("note  bills: no address is set"), "{}", text(&well.stdout));
    let hook = ["--set", "bill_webhook.url=https://nobody.invalid/hook", "--set", SECRET];
    let ill = school.run(&[&["doctor"][..], &hook].concat());
    let said = text(&ill.stdout) + &text(&ill.stderr);
    assert!(
        !ill.status.success() && said.contains("BAD   bills:") && said.contains("nobody.invalid"),
        "{said}"
    );
    let hook = ["--set", "bill_webhook.url=http://127.0.0.1:9/hook", "--set", SECRET];
    let hook = [&hook[..], &["--set", "bill_webhook.allow=http://127.0.0.1:9"]].concat();
    let well = school.run(&[&["doctor"][..], &hook].concat());
    let said = text(&well.stdout) + &text(&well.stderr);
    assert!(
        well.status.success() && said.contains("will be posted to http://127.0.0.1:9; none was yet"),
        "{said}"
    );
    school.control(&json!({"faults": {"unauthorized": 1.0}})).await;
    let ill = school.run(&["doctor"]);
    let said = text(&ill.stdout) + &text(&ill.stderr);
    assert!(!ill.status.success(), "{said}");
    for part in ["openai", "anthropic", "key"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    school.close().await;
    // A mail server that isn't there.
    let school = School::open_with(database, Options { mail: Some(9), ..Options::default() }).await;
    let ill = school.run(&["doctor"]);
    let said = text(&ill.stdout) + &text(&ill.stderr);
    assert!(!ill.status.success() && said.contains("smtp"), "{said}");
    school.close().await;
}

async fn setting_up_twice_changes_nothing(database: Database) {
    let school = School::open(database).await;
    let before = school.api("admin").get("/api/v1/assignments").await.expect(200).json;
    let file = school.path("setup.toml");
    school.run_well(&["setup", &file.to_string_lossy()]);
    assert_eq!(before, school.api("admin").get("/api/v1/assignments").await.expect(200).json);
    // A file with a fault is refused as a whole, and the fault is named.
    let broken = std::fs::read_to_string(&file).unwrap().replace("kind = \"practice\"", "kind = \"sport\"");
    let path = school.path("broken.toml");
    std::fs::write(&path, broken).unwrap();
    let refused = school.run(&["setup", &path.to_string_lossy()]);
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("sport"), "{said}");
    school.close().await;
}
