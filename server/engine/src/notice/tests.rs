//! Notices on both databases, and letters on their way to a mail server.
#![allow(clippy::unwrap_used)]

use super::{
    store::{
        Claim, claim, count, enqueue, facts, list, next_due, outbox, set_all_read, set_read, set_sent,
        set_unsent,
    },
    *,
};
use crate::{
    engine::testing::{House, house, mailer_to, person, smtp_to},
    identity::{self, Actor},
    store::{Exec as _, testing::each_db},
};
use chrono::TimeDelta;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

/// A mail server: keeps what it is given, and refuses receivers as told.
struct Post {
    port: u16,
    letters: Arc<Mutex<Vec<String>>>,
    visits: Arc<AtomicUsize>,
}

impl Post {
    /// `refuse` answers a receiver with an SMTP reply, if it is to be refused; an empty one never comes.
    async fn open(refuse: fn(&str) -> Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let letters = Arc::new(Mutex::new(Vec::new()));
        let visits = Arc::new(AtomicUsize::new(0));
        let (kept, came) = (letters.clone(), visits.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                came.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    stream.write_all(b"220 post\r\n").await?;
                    let mut line = String::new();
                    loop {
                        line.clear();
                        if stream.read_line(&mut line).await? == 0 {
                            return std::io::Result::Ok(());
                        }
                        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
                        let reply = match word.as_str() {
                            "RCPT" => refuse(&line).unwrap_or("250 ok"),
                            "DATA" => {
                                stream.write_all(b"354 go on\r\n").await?;
                                let mut letter = String::new();
                                while !letter.ends_with("\r\n.\r\n") {
                                    stream.read_line(&mut letter).await?;
                                }
                                kept.lock().unwrap().push(letter);
                                "250 kept"
                            }
                            "QUIT" => "221 bye",
                            _ => "250 ok",
                        };
                        if reply.is_empty() {
                            std::future::pending::<()>().await;
                        }
                        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
                    }
                });
            }
        });
        Self { port, letters, visits }
    }

    fn mailer(&self) -> Mailer {
        mailer_to(self.port)
    }

    fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap().clone()
    }
}

async fn outbox_of(house: &House) -> Vec<(String, i64)> {
    outbox(&mut house.engine.db()).await.unwrap()
}

fn only(state: &str, number: i64) -> Vec<(String, i64)> {
    vec![(state.to_owned(), number)]
}

#[tokio::test]
async fn what_is_handed_in_is_told_once_on_each_channel() {
    each_db(async |db| {
        let post = Post::open(|_| None).await;
        let house = house(db, post.mailer()).await;
        let receipt = house.hand_in().await;
        let inbox = house.engine.inbox(&house.student, false, 0, 20).await.unwrap();
        assert_eq!((inbox.total, inbox.unread, inbox.items.len()), (1, 1, 1));
        let tracking = receipt.submission.tracking_id.as_str().to_owned();
        assert_eq!(inbox.items[0].path, format!("/s/{tracking}"));
        assert_eq!(inbox.items[0].title, "We have your work");

        let done = house.engine.deliver_due(16).await.unwrap();
        assert_eq!((done.sent, done.later, done.failed, done.next), (1, 0, 0, None));
        assert_eq!(house.engine.deliver_due(16).await.unwrap().sent, 0);
        assert_eq!(outbox_of(&house).await, only("sent", 1));
        let letters = post.letters();
        assert_eq!(letters.len(), 1);
        let letter = &letters[0];
        for part in [
            "To: \"Ada Lind\" <ada@example.edu>",
            "From: Quire <quire@norrby.example>",
            "Subject: We have your work: Essay 2",
            "Auto-Submitted: auto-generated",
            "Content-Type: multipart/alternative;",
            "@norrby.example>",
            "Marks expected: ",
            &tracking,
        ] {
            assert!(letter.contains(part), "{part} is not in {letter}");
        }
        assert!(letter.contains(&format!("https://quire.norrby.example/s/{tracking}")));
    })
    .await;
}

#[tokio::test]
async fn a_letter_refused_for_now_is_tried_again_and_one_refused_for_good_is_not() {
    each_db(async |db| {
        let post = Post::open(|line| {
            line.contains("full@")
                .then_some("452 4.2.2 mailbox full <full@example.edu>")
                .or_else(|| line.contains("gone@").then_some("550 5.1.1 no such mailbox <gone@example.edu>"))
        })
        .await;
        let house = house(db, post.mailer()).await;
        let subject = house.hand_in().await.submission.id.0;
        let mut db = house.engine.db();
        house.engine.deliver_due(16).await.unwrap();
        let world = house.engine.world().clone();
        for (address, state) in [("gone@example.edu", "failed"), ("full@example.edu", "waiting")] {
            let person = person(&mut db, &world, address, false).await;
            enqueue(&mut db, &world, &[New { person, kind: Kind::Ready, subject }], true).await.unwrap();
            let done = house.engine.deliver_due(16).await.unwrap();
            assert_eq!((done.sent, done.later + done.failed), (0, 1));
            let (error, attempts, is): (String, i64, String) = db
                .query(
                    "SELECT error, attempts, state FROM notices WHERE person_id = $1 AND channel = 'email'",
                )
                .bind(person)
                .one()
                .await
                .unwrap();
            assert_eq!((attempts, is.as_str()), (1, state));
            assert!(error.contains("mailbox") && !error.contains(address), "{error}");
        }
        // Five attempts, ever further apart, then no more.
        let mut waits = Vec::new();
        for attempt in 2..=5 {
            let next = next_due(&mut db).await.unwrap().unwrap();
            assert!(!any_due(&mut db, house.engine.now()).await.unwrap());
            waits.push((next - house.engine.now()).num_minutes());
            house.clock.advance(next - house.engine.now());
            let done = house.engine.deliver_due(16).await.unwrap();
            assert_eq!((done.later, done.failed), if attempt < 5 { (1, 0) } else { (0, 1) });
        }
        for (wait, least) in waits.iter().zip([1, 5, 30, 120]) {
            assert!((least..=least * 6 / 5 + 1).contains(wait), "{waits:?}");
        }
        assert_eq!(outbox_of(&house).await, [("failed".to_owned(), 2), ("sent".to_owned(), 1)]);
        assert_eq!(post.letters().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_waited_for() {
    each_db(async |db| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let house = house(db, mailer_to(port)).await;
        house.hand_in().await;
        assert_eq!(house.engine.deliver_due(16).await.unwrap().later, 1);
        assert_eq!(outbox_of(&house).await, only("waiting", 1));
        assert!(mailer_to(port).check().await.is_err());
        let post = Post::open(|_| None).await;
        post.mailer().check().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_process_that_ends_while_sending_leaves_the_letter_to_another() {
    each_db(async |db| {
        let post = Post::open(|_| None).await;
        let house = house(db, post.mailer()).await;
        house.hand_in().await;
        let mut db = house.engine.db();
        let now = house.engine.now();
        // Claimed, sent, and killed before it was noted.
        let mut tx = db.begin().await.unwrap();
        let lost = claim(&mut tx, now, now + TimeDelta::minutes(5), 16).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(lost.len(), 1);
        let told = facts(&mut db, &[lost[0].id]).await.unwrap();
        assert_eq!(told.len(), 1);
        assert!(matches!(told[0].about, store::About::Submission { held: false, .. }));
        assert_eq!(house.engine.deliver_due(16).await.unwrap().sent, 0);
        house.clock.advance(TimeDelta::minutes(5));
        assert_eq!(house.engine.deliver_due(16).await.unwrap().sent, 1);
        // The first one wakes up: too late.
        assert!(!set_sent(&mut db, &lost[0], now).await.unwrap());
        assert!(!set_unsent(&mut db, &lost[0], "late", None).await.unwrap());
        assert_eq!(outbox_of(&house).await, only("sent", 1));
        assert!(post.letters()[0].contains(&format!("Message-ID: <{}@norrby.example>", lost[0].id)));
    })
    .await;
}

#[tokio::test]
async fn two_never_claim_the_same_letter() {
    each_db(async |db| {
        let house = house(db, Mailer::off()).await;
        let subject = house.hand_in().await.submission.id.0;
        let mut db = house.engine.db();
        let world = house.engine.world().clone();
        for i in 0..40 {
            let person = person(&mut db, &world, &format!("p{i}@example.edu"), false).await;
            enqueue(&mut db, &world, &[New { person, kind: Kind::Ready, subject }], true).await.unwrap();
        }
        let now = world.now();
        let claims = futures::future::join_all((0..8).map(|_| {
            let db = db.clone();
            async move {
                let mut tx = db.begin().await.unwrap();
                let claims = claim(&mut tx, now, now + TimeDelta::minutes(5), 10).await.unwrap();
                tx.commit().await.unwrap();
                claims
            }
        }))
        .await;
        let mut ids: Vec<_> = claims.iter().flatten().map(|c: &Claim| c.id).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(all, ids.len());
        assert_eq!(all, 40);
    })
    .await;
}

#[tokio::test]
async fn without_a_mail_server_people_are_told_on_the_platform_alone() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let subject = house.hand_in().await.submission.id.0;
        assert_eq!(outbox_of(&house).await, []);
        assert_eq!(house.engine.unread(&house.student).await.unwrap(), 1);
        // Nor does a letter wait for ever that was written while there was one.
        let ready = New { person: house.student.person_id().unwrap(), kind: Kind::Ready, subject };
        enqueue(&mut db, house.engine.world(), &[ready], true).await.unwrap();
        assert_eq!(house.engine.deliver_due(16).await.unwrap().failed, 1);
        assert_eq!(outbox_of(&house).await, only("failed", 1));
        assert!(Mailer::off().check().await.unwrap_err().permanent);
    })
    .await;
}

#[tokio::test]
async fn closed_accounts_get_no_letters() {
    each_db(async |db| {
        let post = Post::open(|_| None).await;
        let house = house(db, post.mailer()).await;
        house.hand_in().await;
        let mut db = house.engine.db();
        let person = house.student.person_id().unwrap();
        identity::store::set_disabled(&mut db, person, Some(house.engine.now())).await.unwrap();
        assert_eq!(house.engine.deliver_due(16).await.unwrap().failed, 1);
        assert!(post.letters().is_empty());
    })
    .await;
}

#[tokio::test]
async fn notices_are_given_once_read_by_their_reader_and_brought_up_to_date() {
    each_db(async |db| {
        let house = house(db, Mailer::off()).await;
        let submission = house.hand_in().await.submission;
        let (engine, mut db) = (&house.engine, house.engine.db());
        let ada = house.student.person_id().unwrap();
        let world = engine.world().clone();
        let told = |kind| New { person: ada, kind, subject: submission.id.0 };
        let new = [told(Kind::Received), told(Kind::Delayed), told(Kind::Delayed), told(Kind::Processing)];
        for _ in 0..2 {
            house.clock.advance(TimeDelta::seconds(1));
            enqueue(&mut db, &world, &new, true).await.unwrap();
        }
        // Received was there; Processing goes by e-mail alone.
        assert_eq!(count(&mut db, ada).await.unwrap(), (2, 2));
        let kinds: Vec<Kind> =
            list(&mut db, ada, false, 0, 10).await.unwrap().into_iter().map(|n| n.kind).collect();
        assert_eq!(kinds, [Kind::Delayed, Kind::Received]);

        let inbox = engine.inbox(&house.student, true, 0, 1).await.unwrap();
        let delayed = inbox.items[0].id;
        engine.read_notice(&house.student, delayed).await.unwrap();
        engine.read_notice(&house.student, delayed).await.unwrap();
        assert_eq!(engine.unread(&house.student).await.unwrap(), 1);
        // What is brought up to date is unread again.
        enqueue(&mut db, &world, &[told(Kind::Delayed)], true).await.unwrap();
        assert_eq!(engine.unread(&house.student).await.unwrap(), 2);

        // Another's notices are not there.
        let other = person(&mut db, &world, "ben@example.edu", true).await;
        assert!(!set_read(&mut db, other, delayed, world.now()).await.unwrap());
        let ben = engine.identity().actor(other).await.unwrap();
        assert!(engine.read_notice(&ben, delayed).await.unwrap_err().is_not_found());
        assert!(engine.inbox(&Actor::System, false, 0, 10).await.is_err());
        assert_eq!(engine.inbox(&ben, false, 0, 10).await.unwrap().total, 0);

        assert_eq!(engine.read_notices_about(&house.student, submission.id).await.unwrap(), 2);
        assert_eq!(engine.read_notices_about(&house.student, submission.id).await.unwrap(), 0);
        enqueue(&mut db, &world, &[told(Kind::Ready)], true).await.unwrap();
        assert_eq!(engine.read_all_notices(&house.student).await.unwrap(), 1);
        assert_eq!(set_all_read(&mut db, ada, None, world.now()).await.unwrap(), 0);
        assert_eq!(engine.inbox(&house.student, true, 0, 10).await.unwrap().items, []);
    })
    .await;
}

fn a_letter(email: &str) -> Letter {
    Letter {
        name: "Åda, \"the\" Lind".into(),
        email: email.into(),
        subject: "Övning".into(),
        text: "a\n.\nb\n".into(),
        html: "<p>a</p>".into(),
        id: "abc".into(),
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_and_connections_are_used_again() {
    let post = Post::open(|line| line.contains("slow@").then_some("")).await;
    let mailer =
        Mailer::smtp(&SmtpSettings { timeout: Duration::from_millis(300), ..smtp_to(post.port) }).unwrap();
    for _ in 0..3 {
        mailer.send(&a_letter("ada@example.edu")).await.unwrap();
    }
    assert_eq!(post.visits.load(Ordering::SeqCst), 1);
    let silent = mailer.send(&a_letter("slow@example.edu")).await.unwrap_err();
    assert!(!silent.permanent && silent.reason.contains("longer than 0.3 s"), "{silent}");
    // The connection with the answer still to come is not used again.
    mailer.send(&a_letter("ben@example.edu")).await.unwrap();
    assert_eq!(post.visits.load(Ordering::SeqCst), 2);
    assert_eq!(post.letters().len(), 4);
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let settings = SmtpSettings {
        host: "mail".into(),
        port: None,
        security: SmtpSecurity::Starttls,
        credentials: None,
        from: "no address".into(),
        timeout: Duration::from_secs(1),
    };
    assert!(Mailer::smtp(&settings).unwrap_err().to_string().contains("\"no address\""));
    let good = SmtpSettings { from: "quire@example.edu".into(), ..settings };
    let mailer = Mailer::smtp(&good).unwrap();
    assert_eq!(format!("{mailer:?}"), "Mailer { on: true, .. }");
    assert_eq!(
        (SmtpSecurity::Tls.port(), SmtpSecurity::Starttls.port(), SmtpSecurity::None.port()),
        (465, 587, 25)
    );
}
