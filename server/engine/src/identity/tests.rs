//! Coming in and being let do things, on both databases.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::routing::StudentTier;
use crate::store::{
    CourseId, Db, DbError, Exec as _, PersonId, World,
    testing::{each_db, still_world},
};
use chrono::TimeDelta;
use std::time::Duration;

async fn a_person(db: &mut Db, world: &World, email: &str, password: Option<&str>) -> PersonId {
    let password_hash = match password {
        Some(password) => Some(Passwords::new(world.clone()).hash(password).await.unwrap()),
        None => None,
    };
    let new = NewPerson {
        email: email.parse().unwrap(),
        name: "Ada Lind".into(),
        is_admin: email.starts_with("admin"),
        tier: StudentTier::Standard,
        time_zone: Zone::default(),
        password_hash,
    };
    let id = world.id();
    assert!(store::insert_person(db, id, &new, world.now()).await.unwrap());
    assert!(!store::insert_person(db, world.id(), &new, world.now()).await.unwrap());
    id
}

fn mail(address: &str) -> Email {
    address.parse().unwrap()
}

async fn a_course(db: &mut Db, world: &World, code: &str) -> CourseId {
    let id: CourseId = world.id();
    db.query(
        "INSERT INTO courses (id, code, title, cost_centre, immediate_feedback, created_at) \
         VALUES ($1, $2, 'Writing', 'arts', $3, $4)",
    )
    .bind(id)
    .bind(code.to_owned())
    .bind(false)
    .bind(world.now())
    .exec()
    .await
    .unwrap();
    id
}

#[tokio::test]
async fn signing_in() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let identity = Identity::new(db.clone(), world.clone());
        let id = a_person(&mut db, &world, "ada@example.edu", Some("correct horse")).await;
        a_person(&mut db, &world, "nopass@example.edu", None).await;
        let person = identity.sign_in(" Ada@Example.edu", "correct horse").await.unwrap();
        assert_eq!((person.id, person.name.as_str()), (id, "Ada Lind"));
        for (email, password) in [
            ("ada@example.edu", "wrong horse"),
            ("bob@example.edu", "correct horse"),
            ("nopass@example.edu", "correct horse"),
            ("no address", "correct horse"),
            ("", ""),
        ] {
            let refused = identity.sign_in(email, password).await;
            assert!(matches!(refused, Err(IdentityError::WrongPassword)), "{email}: {refused:?}");
        }
        assert_eq!(identity.actor(id).await.unwrap().person_id(), Some(id));
        // Closing an account tells only who knows the password, and ends sessions.
        assert!(store::set_disabled(&mut db, id, Some(world.now())).await.unwrap());
        identity.forget_all();
        let closed = identity.sign_in("ada@example.edu", "correct horse").await;
        assert!(matches!(closed, Err(IdentityError::Disabled)), "{closed:?}");
        let wrong = identity.sign_in("ada@example.edu", "wrong horse").await;
        assert!(matches!(wrong, Err(IdentityError::WrongPassword)));
        assert!(matches!(identity.actor(id).await, Err(IdentityError::Disabled)));
        assert!(matches!(identity.actor(world.id()).await, Err(IdentityError::SessionEnded)));
    })
    .await;
}

#[tokio::test]
async fn tokens_open_expire_and_are_revoked() {
    each_db(async |mut db| {
        let (world, clock) = still_world();
        let identity = Identity::new(db.clone(), world.clone());
        let id = a_person(&mut db, &world, "ada@example.edu", None).await;
        let other = a_person(&mut db, &world, "ben@example.edu", None).await;
        let me = identity.actor(id).await.unwrap();
        let token = identity.create_token(&me, id, " import ", None).await.unwrap();
        let end = world.now() + TimeDelta::hours(1);
        let brief = identity.create_token(&Actor::System, id, "an hour", Some(end)).await.unwrap();
        let came = identity.actor_by_token(&token.secret).await.unwrap();
        assert_eq!(came.person_id(), Some(id));
        assert!(matches!(came, Actor::Person { came: Came::Token(t), .. } if t == token.id));
        identity.actor_by_token(&brief.secret).await.unwrap();

        clock.advance(TimeDelta::hours(1));
        assert!(matches!(identity.actor_by_token(&brief.secret).await, Err(IdentityError::Token)));
        let names: Vec<_> = identity.tokens(&me, id).await.unwrap().into_iter().map(|t| t.name).collect();
        assert_eq!(names.len(), 2);
        assert!(names.contains(&"import".to_owned()));

        // Another's tokens are not there.
        let ben = identity.actor(other).await.unwrap();
        for denied in [
            identity.create_token(&ben, id, "x", None).await.map(|_| ()),
            identity.revoke_token(&ben, id, token.id).await,
            identity.revoke_token(&ben, other, token.id).await,
            identity.tokens(&ben, id).await.map(|_| ()),
        ] {
            assert!(matches!(denied, Err(IdentityError::Denied(Denied::NotFound))), "{denied:?}");
        }
        identity.revoke_token(&me, id, token.id).await.unwrap();
        assert!(matches!(identity.actor_by_token(&token.secret).await, Err(IdentityError::Token)));
        assert!(identity.revoke_token(&me, id, token.id).await.is_err());
        for bad in ["", "qt_", "qt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Bearer"] {
            assert!(matches!(identity.actor_by_token(bad).await, Err(IdentityError::Token)), "{bad}");
        }
        for name in ["", "  ", &"x".repeat(101)] {
            let refused = identity.create_token(&me, id, name, None).await;
            assert!(matches!(refused, Err(IdentityError::TokenName)));
        }
        let nobody = identity.create_token(&Actor::System, world.id(), "x", None).await;
        assert!(matches!(nobody, Err(IdentityError::NoSuchPerson(_))));
    })
    .await;
}

#[tokio::test]
async fn a_token_in_steady_use_is_not_looked_up_each_time() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let identity = Identity::keeping(db.clone(), world.clone(), Duration::from_secs(60));
        let id = a_person(&mut db, &world, "ada@example.edu", None).await;
        let token = identity.create_token(&Actor::System, id, "x", None).await.unwrap();
        identity.actor_by_token(&token.secret).await.unwrap();
        db.query("DELETE FROM api_tokens").exec().await.unwrap();
        identity.actor_by_token(&token.secret).await.unwrap();
        identity.forget_all();
        assert!(identity.actor_by_token(&token.secret).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn students_are_enrolled_by_address() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let identity = Identity::new(db.clone(), world.clone());
        let course = a_course(&mut db, &world, "W101").await;
        let teacher = a_person(&mut db, &world, "berg@example.edu", None).await;
        let admin = a_person(&mut db, &world, "admin@example.edu", None).await;
        assert!(store::set_role(&mut db, course, teacher, Role::Instructor).await.unwrap());
        let (teacher, admin) = (identity.actor(teacher).await.unwrap(), identity.actor(admin).await.unwrap());

        let found = identity.student_by_email(&teacher, course, &mail("Ada.Lind@example.edu")).await.unwrap();
        assert!(found.is_new());
        // To ask for her is not to write her down, and all who ask mean the same.
        assert_eq!(store::people(&mut db).await.unwrap().len(), 2);
        let twice = identity.student_by_email(&admin, course, &mail("ada.lind@example.edu")).await.unwrap();
        assert_eq!(twice.person.id, found.person.id);
        write_down(&db, &identity, &[&found, &twice]).await.unwrap();
        // A second time does no harm: another hand-in may have been on its way.
        write_down(&db, &identity, &[&twice]).await.unwrap();
        let ada = found.person;
        assert_eq!(ada.name, "Ada Lind");
        assert_eq!(identity.memberships(ada.id).await.unwrap().role(course), Some(Role::Student));
        for actor in [&teacher, &admin, &Actor::System] {
            let again =
                identity.student_by_email(actor, course, &mail("ada.lind@EXAMPLE.edu")).await.unwrap();
            assert!(again.person.id == ada.id && !again.is_new());
        }
        // A student may not, a stranger finds nothing, and teachers are no students.
        let student = identity.actor(ada.id).await.unwrap();
        let refused = identity.student_by_email(&student, course, &mail("x@example.edu")).await;
        assert!(matches!(refused, Err(IdentityError::Denied(Denied::Forbidden(_)))), "{refused:?}");
        let elsewhere = a_course(&mut db, &world, "M101").await;
        let refused = identity.student_by_email(&student, elsewhere, &mail("x@example.edu")).await;
        assert!(matches!(refused, Err(IdentityError::Denied(Denied::NotFound))), "{refused:?}");
        // What was known of her a moment ago does not outlive a new enrolment.
        let ada_there =
            identity.student_by_email(&admin, elsewhere, &mail("ada.lind@example.edu")).await.unwrap();
        assert!(ada_there.person.id == ada.id && ada_there.is_new());
        write_down(&db, &identity, &[&ada_there]).await.unwrap();
        assert_eq!(identity.memberships(ada.id).await.unwrap().role(elsewhere), Some(Role::Student));
        let refused = identity.student_by_email(&admin, course, &mail("berg@example.edu")).await;
        assert!(matches!(refused, Err(IdentityError::NotAStudent(_))), "{refused:?}");

        let members = identity.members(&teacher, course).await.unwrap();
        assert_eq!(members.len(), 2);
        assert!(store::set_role(&mut db, course, ada.id, Role::Instructor).await.unwrap());
        assert!(!store::set_role(&mut db, course, ada.id, Role::Instructor).await.unwrap());
        assert_eq!(store::admins(&mut db).await.unwrap().len(), 1);
        assert_eq!(store::people(&mut db).await.unwrap().len(), 3);
    })
    .await;
}

/// Writes students down as a hand-in does.
async fn write_down(db: &Db, identity: &Identity, students: &[&Student]) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    write_new(&mut tx, students.iter().copied()).await?;
    tx.commit().await?;
    for student in students {
        identity.forget_student(student).await;
    }
    Ok(())
}

#[tokio::test]
async fn of_two_processes_that_write_the_same_new_student_one_is_told_to_look_again() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let course = a_course(&mut db, &world, "W101").await;
        let processes = [0, 1].map(|_| Identity::new(db.clone(), world.clone()));
        let ada = mail("ada@example.edu");
        let first = processes[0].student_by_email(&Actor::System, course, &ada).await.unwrap();
        let second = processes[1].student_by_email(&Actor::System, course, &ada).await.unwrap();
        assert_ne!(first.person.id, second.person.id);
        write_down(&db, &processes[0], &[&first]).await.unwrap();
        let taken = write_down(&db, &processes[1], &[&second]).await.unwrap_err();
        assert!(taken.is_unique_violation(), "{taken}");
        processes[1].forget_student(&second).await;
        let again = processes[1].student_by_email(&Actor::System, course, &ada).await.unwrap();
        assert!(again.person.id == first.person.id && !again.is_new());
        assert_eq!(store::members(&mut db, course).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn people_are_changed() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let id = a_person(&mut db, &world, "ada@example.edu", Some("correct horse")).await;
        let hash = store::password_hash(&mut db, id).await.unwrap();
        let mut new = NewPerson {
            email: "ada@example.edu".parse().unwrap(),
            name: "Ada L.".into(),
            is_admin: true,
            tier: StudentTier::Premium,
            time_zone: "Asia/Tokyo".parse().unwrap(),
            password_hash: None,
        };
        assert!(store::update_person(&mut db, id, &new).await.unwrap());
        assert_eq!(store::password_hash(&mut db, id).await.unwrap(), hash);
        let person = store::person(&mut db, id).await.unwrap().unwrap();
        assert!(
            person.is_admin
                && person.tier == StudentTier::Premium
                && person.time_zone.to_string() == "Asia/Tokyo"
        );
        new.password_hash = Some("other".into());
        assert!(store::update_person(&mut db, id, &new).await.unwrap());
        assert_eq!(store::password_hash(&mut db, id).await.unwrap().as_deref(), Some("other"));
        assert!(!store::update_person(&mut db, world.id(), &new).await.unwrap());
    })
    .await;
}
