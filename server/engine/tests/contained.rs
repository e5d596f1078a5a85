//! Files read in child processes: what works, and what a child that dies, loops, eats memory or floods comes to. The test
//! program is its own child.
#![allow(clippy::unwrap_used)]

use libtest_mimic::{Arguments, Failed, Trial};
use quire_engine::submission::extract::{
    Bounds, Contained, ExtractError, ExtractLimits, Kind, child_main, extract,
};
use std::{
    env,
    ffi::OsStr,
    fs,
    io::{Cursor, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};
use zip::{ZipWriter, write::SimpleFileOptions};

fn main() -> ExitCode {
    if env::args_os().nth(1).as_deref() == Some(OsStr::new("extract")) {
        return child_main();
    }
    let tests: [(&str, fn()); 7] = [
        ("a_child_reads_as_the_parent_would", reads),
        ("plain_text_needs_no_child", needs_no_child),
        ("a_child_without_memory_fails_alone", runs_out_of_memory),
        ("a_child_that_overflows_its_stack_fails_alone", overflows),
        ("a_child_that_sleeps_is_killed", sleeps),
        ("a_child_that_floods_or_dies_is_ended", floods),
        ("a_missing_program_is_our_fault", is_missing),
    ];
    let trials = tests
        .map(|(name, test)| {
            Trial::test(name, move || {
                test();
                Ok::<(), Failed>(())
            })
        })
        .into();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn docx(text: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    let text = format!("<w:document><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:document>");
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

fn itself(bounds: Bounds) -> Contained {
    Contained::new(env::current_exe().unwrap(), bounds)
}

/// A program that does what the shell script says.
fn script(name: &str, lines: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("quire-contained-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn reads() {
    let limits = ExtractLimits::default();
    let contained = itself(Bounds::default());
    // Larger than a pipe holds, so that both sides must read while they write.
    let long = "Work \"quoted\" \u{1F600} and more. ".repeat(6_000);
    let good = docx(&long);
    let page = format!("<p>{long}</p>").into_bytes();
    let cases: [(&str, &[u8]); 6] = [
        ("a.docx", &good),
        ("a.docx", &good[..300]),
        ("a.html", &page),
        ("a.pdf", b"%PDF-1.4 and nothing else"),
        ("a.docx", &docx("")),
        ("a.docx", &docx(&"x".repeat(300_000))),
    ];
    for (name, bytes) in cases {
        assert_eq!(wait(contained.extract(name, None, bytes, &limits)), extract(name, None, bytes, &limits));
    }
    // More at once than there are places.
    let few = itself(Bounds { at_once: 2, ..Bounds::default() });
    let bytes = docx("Work");
    let all = wait(async {
        let all = (0..6).map(|_| few.extract("a.docx", None, &bytes, &limits));
        futures::future::join_all(all).await
    });
    assert!(all.into_iter().all(|found| found.unwrap().text == "Work"));
}

fn needs_no_child() {
    let contained = Contained::new("/no/such/program".into(), Bounds::default());
    let limits = ExtractLimits { bytes: 100, ..ExtractLimits::default() };
    let found = wait(contained.extract("a.txt", None, b"Work", &limits)).unwrap();
    assert_eq!((&*found.text, found.kind), ("Work", Some(Kind::Text)));
    let error = wait(contained.extract("a.pdf", None, &[b'x'; 101], &limits)).unwrap_err();
    assert_eq!(error, ExtractError::TooLarge { size: 101, limit: 100 });
}

fn runs_out_of_memory() {
    let contained = itself(Bounds { memory: 1 << 20, ..Bounds::default() });
    let found =
        wait(contained.extract("a.docx", None, &docx(&"x".repeat(100_000)), &ExtractLimits::default()));
    assert_eq!(found, Err(ExtractError::TooHard));
}

/// A PDF whose page is its own parent sends its reader round for ever, deeper each time.
fn overflows() {
    let bytes = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
        2 0 obj\n<< /Type /Pages /Count 1 /Kids [3 0 R] >>\nendobj\n\
        3 0 obj\n<< /Type /Page /Parent 3 0 R >>\nendobj\n\
        xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n\
        trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n162\n%%EOF\n";
    let contained = itself(Bounds::default());
    let found = wait(contained.extract("a.pdf", None, bytes, &ExtractLimits::default()));
    assert_eq!(found, Err(ExtractError::TooHard));
}

fn sleeps() {
    let contained =
        Contained::new(script("sleep", "exec sleep 60"), Bounds { seconds: 0, ..Bounds::default() });
    let start = Instant::now();
    let found = wait(contained.extract("a.docx", None, &docx("Work"), &ExtractLimits::default()));
    assert_eq!(found, Err(ExtractError::TooHard));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

fn floods() {
    let limits = ExtractLimits { characters: 1_000, ..ExtractLimits::default() };
    let good = r#"{"Ok":{"text":"x","kind":"docx","pages":null,"remarks":[]}}"#;
    for (name, lines) in [
        ("flood", "exec yes".to_owned()),
        ("silent", "exit 0".to_owned()),
        ("garbled", "echo '{'".to_owned()),
        ("killed", format!("echo '{good}'; kill -9 $$")),
        ("failed", format!("echo '{good}'; exit 1")),
    ] {
        let contained = Contained::new(script(name, &lines), Bounds::default());
        let start = Instant::now();
        let found = wait(contained.extract("a.docx", None, &docx("Work"), &limits));
        assert_eq!(found, Err(ExtractError::TooHard), "{name}");
        assert!(start.elapsed() < Duration::from_secs(10), "{name}: {:?}", start.elapsed());
    }
    let contained =
        Contained::new(script("good", &format!("cat > /dev/null; echo '{good}'")), Bounds::default());
    assert_eq!(wait(contained.extract("a.docx", None, &docx("Work"), &limits)).unwrap().text, "x");
}

fn is_missing() {
    let contained = Contained::new("/no/such/program".into(), Bounds::default());
    let error =
        wait(contained.extract("a.docx", None, &docx("Work"), &ExtractLimits::default())).unwrap_err();
    assert_eq!(error, ExtractError::Unavailable);
    assert!(error.is_ours() && error.to_string().contains("on our side"));
}
