//! E-mails through a mail server that is not ours.

use quire_tests::{
    essays::essay,
    mail::MailServer,
    on_both,
    school::{Database, Options, School},
    wait,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

on_both!(each_notice_is_mailed_once, mail_that_is_refused_is_recorded);

/// Longer than the claim on a letter, which a kill may leave behind.
const PATIENCE: Duration = Duration::from_secs(120);

async fn each_notice_is_mailed_once(database: Database) {
    let server = MailServer::start(&[]);
    let mut school =
        School::open_with(database, Options { mail: Some(server.port), ..Options::default() }).await;
    let mut ids = Vec::new();
    for (n, who) in ["ada", "ben"].into_iter().enumerate() {
        let text = essay(n as u64, 150);
        let receipt = school.api(who).hand_in(school.assignment("essay"), &text, None).await.expect(201);
        ids.push((format!("{who}@example.edu"), receipt.string("tracking_id")));
    }
    for (_, id) in &ids {
        school.wait_for(id, &["completed"], PATIENCE).await;
    }
    // Received, begun, ready: three for each, also when the server is killed meanwhile.
    school.kill();
    school.start().await;
    wait::until("all mails are there", PATIENCE, async || (server.mails().len() >= 6).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mails = server.mails();
    for (address, id) in &ids {
        let own: Vec<_> = mails.iter().filter(|mail| mail.to == [address.clone()]).collect();
        // A process that is killed between the mail server's acceptance and its note of that sends the message again, under
        // the same id, by which mail programs know it again.
        let mut messages: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for mail in &own {
            let message = mail.header("message-id").unwrap();
            messages.entry(mail.header("subject").unwrap()).or_default().insert(message);
            assert!(mail.header("from").unwrap().contains("quire@example.edu"), "{}", mail.data);
            assert!(mail.header("date").is_some(), "{}", mail.data);
            assert!(
                mail.header("content-type").unwrap().starts_with("multipart/alternative"),
                "{}",
                mail.data
            );
            assert!(
                mail.data.replace("=\r\n", "").contains(&format!("/s/{id}")),
                "it leads there: {}",
                mail.data
            );
        }
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages.values().all(|ids| ids.len() == 1), "{messages:?}");
    }
    // And on the platform, with a count of what is unread.
    let mut ada = school.signed_in("ada").await;
    let page = ada.open("/notices").await.expect(200);
    assert!(page.answer.text.contains(&format!("/s/{}", ids[0].1)), "{}", page.words());
    school.close().await;
}

async fn mail_that_is_refused_is_recorded(database: Database) {
    let server = MailServer::start(&["ada@example.edu"]);
    let school = School::open_with(database, Options { mail: Some(server.port), ..Options::default() }).await;
    let receipt =
        school.api("ada").hand_in(school.assignment("essay"), &essay(1, 150), None).await.expect(201);
    school.wait_for(&receipt.string("tracking_id"), &["completed"], PATIENCE).await;
    let refused = wait::until("the refusal is recorded", PATIENCE, async || {
        let sql = "SELECT error FROM notices WHERE channel = 'email' AND state = 'failed'";
        let rows: Vec<(Option<String>,)> =
            quire_engine::store::Exec::query(&mut school.db(), sql).all().await.ok()?;
        rows.into_iter().find_map(|(error,)| error)
    })
    .await;
    assert!(refused.contains("550"), "{refused}");
    assert!(server.mails().is_empty(), "{:?}", server.mails());
    school.close().await;
}
