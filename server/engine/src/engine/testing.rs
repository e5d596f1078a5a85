//! An engine to try things on: a course with a student, an assignment and a provider that nobody reaches.
#![allow(clippy::unwrap_used)]

use super::{Engine, Parts};
use crate::{
    course::{self, AssessmentType, Assignment, Course, Criterion, Level, Points, ReleasePolicy, Rubric},
    identity::{self, Actor, NewPerson, Role},
    notice::{Mailer, SmtpSecurity, SmtpSettings},
    provider::{
        ApiKey, MasterKey, ProviderKind, Registry,
        registry::{NewProvider, store::put_provider},
    },
    routing::StudentTier,
    settings::Settings,
    store::{Db, ManualClock, PersonId, World, testing::still_world},
    submission::HandIn,
    webhook::Webhook,
};
use std::{sync::Arc, time::Duration};

/// An engine with a course, a provider, a student and what they handed in.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) student: Actor,
    pub(crate) assignment: Assignment,
}

/// A person without a password.
pub(crate) async fn person(db: &mut Db, world: &World, email: &str, is_admin: bool) -> PersonId {
    let id = world.id();
    let new = NewPerson {
        email: email.parse().unwrap(),
        name: "Ada Lind".into(),
        is_admin,
        tier: StudentTier::Standard,
        time_zone: "Europe/Stockholm".parse().unwrap(),
        password_hash: None,
    };
    identity::store::insert_person(db, id, &new, world.now()).await.unwrap();
    id
}

/// Settings of a mail server on this machine.
pub(crate) fn smtp_to(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".into(),
        port: Some(port),
        security: SmtpSecurity::None,
        credentials: None,
        from: "Quire <quire@norrby.example>".into(),
        timeout: Duration::from_secs(5),
    }
}

/// A mailer that sends to a port of this machine.
pub(crate) fn mailer_to(port: u16) -> Mailer {
    Mailer::smtp(&smtp_to(port)).unwrap()
}

/// A house on this database that mails by this mailer.
pub(crate) async fn house(db: Db, mailer: Mailer) -> House {
    house_with(db, mailer, &["openai"]).await
}

/// The same with so many providers, all alike but for their names.
pub(crate) async fn house_with(db: Db, mailer: Mailer, providers: &[&str]) -> House {
    house_set(db, mailer, providers, Settings::default()).await
}

/// The same that is set so.
pub(crate) async fn house_set(mut db: Db, mailer: Mailer, providers: &[&str], settings: Settings) -> House {
    let (world, clock) = still_world();
    let course = Course {
        id: world.id(),
        code: "W101".into(),
        title: "Writing 101".into(),
        cost_centre: "arts".into(),
        immediate_feedback: false,
        created_at: world.now(),
    };
    course::store::insert_course(&mut db, &course).await.unwrap();
    let level =
        |id: &str, points| Level { id: id.into(), title: id.into(), description: String::new(), points };
    let rubric = Rubric {
        title: "Essay".into(),
        criteria: vec![Criterion {
            id: "position".into(),
            title: "Position".into(),
            description: String::new(),
            levels: vec![level("weak", Points(0)), level("strong", Points(500))],
        }],
        guidelines: String::new(),
        exemplars: vec![],
    };
    let (version, _) = course::store::put_rubric(&mut db, &world, course.id, "essay", &rubric).await.unwrap();
    let assignment = Assignment {
        id: world.id(),
        course_id: course.id,
        key: "essay-2".into(),
        title: "Essay 2".into(),
        kind: AssessmentType::Summative,
        brief: "Write.".into(),
        language: "en".into(),
        rubric_version_id: version.id,
        opens_at: None,
        closes_at: None,
        marks_by: None,
        max_drafts: 9,
        min_words: None,
        max_words: None,
        citations: false,
        release: ReleasePolicy::AtOnce,
        resources: vec![],
        near_draft_percent: None,
        prompt_version: 1,
        created_at: world.now(),
    };
    course::store::insert_assignment(&mut db, &assignment).await.unwrap();
    let master = MasterKey::generate(&world);
    for name in providers {
        let provider = NewProvider {
            name: (*name).into(),
            kind: ProviderKind::Openai,
            base_url: "http://127.0.0.1:9/v1".into(),
            key: Some(ApiKey::from("sk-test")),
            enabled: true,
            settings: serde_json::from_str(r#"{"models": ["gpt-6-luna", "gpt-unpriced"]}"#).unwrap(),
        };
        put_provider(&mut db, &world, &master, &provider).await.unwrap();
    }
    let ada = person(&mut db, &world, "ada@example.edu", false).await;
    identity::store::set_role(&mut db, course.id, ada, Role::Student).await.unwrap();
    let settings = Settings { public_url: "https://quire.norrby.example/".into(), ..settings };
    let registry = Registry::new(master, chrono_tz::Tz::UTC);
    let engine =
        Engine::new(Parts { db, world, settings, registry, mailer, webhook: Webhook::off() }).await.unwrap();
    let student = engine.identity().actor(ada).await.unwrap();
    House { engine, clock, student, assignment }
}

impl House {
    /// The student hands in.
    pub(crate) async fn hand_in(&self) -> crate::submission::Receipt {
        let input = HandIn {
            assignment: self.assignment.id,
            student: None,
            text: "I hold that computers help us. They let us learn.".into(),
            file_name: None,
            idempotency: None,
        };
        self.engine.hand_in(&self.student, input).await.unwrap()
    }
}
