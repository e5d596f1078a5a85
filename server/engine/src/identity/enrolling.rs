//! Enrolling students of whom only the address is known, many in one transaction: an import or a rush of hand-ins on
//! students' behalf then syncs the disk once for all who come at the same time.

use super::{Email, IdentityError, Institution, Member, NewPerson, Person, Role, name_from_email, store};
use crate::{
    routing::StudentTier,
    store::{CourseId, Db, DbError, Tx, World},
};
use std::{collections::HashMap, sync::Arc};

/// A student to be, by course and address.
pub(super) type Enrolment = (CourseId, Email);

/// What came of one.
pub(super) type Enrolled = Result<Arc<Person>, IdentityError>;

/// Enrols them, all in one transaction; where that fails, each in its own.
pub(super) async fn enrol_together(db: &Db, world: &World, wanted: &[Enrolment]) -> Vec<Enrolled> {
    match enrol(db, world, wanted).await {
        Ok(enrolled) => enrolled,
        // One of them stands in the way of the others, or the database is away.
        Err(_) if wanted.len() > 1 => {
            let mut enrolled = Vec::with_capacity(wanted.len());
            for one in wanted {
                enrolled.push(enrol_one(db, world, one).await);
            }
            enrolled
        }
        Err(error) => vec![Err(told(error))],
    }
}

async fn enrol_one(db: &Db, world: &World, wanted: &Enrolment) -> Enrolled {
    let enrolled = enrol(db, world, std::slice::from_ref(wanted)).await.map_err(told)?;
    enrolled.into_iter().next().unwrap_or_else(|| Err(IdentityError::NoSuchPerson(wanted.1.to_string())))
}

fn told(error: DbError) -> IdentityError {
    match error {
        DbError::Sql(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
            IdentityError::NoSuchCourse
        }
        error => error.into(),
    }
}

async fn enrol(db: &Db, world: &World, wanted: &[Enrolment]) -> Result<Vec<Enrolled>, DbError> {
    let mut emails: Vec<&Email> = wanted.iter().map(|(_, email)| email).collect();
    // In one order in every process, so that two that enrol the same people don't wait for each other.
    emails.sort_unstable();
    emails.dedup();
    let mut known = store::memberships_by_email(&mut db.clone(), &emails).await?;
    let has = |known: &[(CourseId, Member)], (course, email): &Enrolment| {
        known.iter().any(|(of, member)| of == course && member.person.email == *email)
    };
    let missing: Vec<&Enrolment> = wanted.iter().filter(|one| !has(&known, one)).collect();
    let mut strangers = HashMap::new();
    if !missing.is_empty() {
        emails.retain(|email| missing.iter().any(|(_, wanted)| wanted == *email));
        let mut tx = db.begin().await?;
        strangers = enrol_missing(&mut tx, world, &missing, &emails).await?;
        known =
            store::memberships_by_email(&mut tx, &wanted.iter().map(|(_, e)| e).collect::<Vec<_>>()).await?;
        tx.commit().await?;
    }
    let known: HashMap<(CourseId, Email), Member> =
        known.into_iter().map(|(course, member)| ((course, member.person.email.clone()), member)).collect();
    Ok(wanted
        .iter()
        .map(|one| match known.get(one) {
            Some(member) if member.person.disabled_at.is_some() => Err(IdentityError::Disabled),
            Some(member) if member.role != Role::Student => {
                Err(IdentityError::NotAStudent(member.person.name.clone()))
            }
            Some(member) => Ok(Arc::new(member.person.clone())),
            // Closed accounts are not enrolled.
            None if strangers.contains_key(&one.1) => Err(IdentityError::Disabled),
            None => Err(IdentityError::NoSuchPerson(one.1.to_string())),
        })
        .collect())
}

/// Writes people and enrolments that are missing; answers the people whose accounts are closed.
async fn enrol_missing(
    tx: &mut Tx,
    world: &World,
    missing: &[&Enrolment],
    emails: &[&Email],
) -> Result<HashMap<Email, Person>, DbError> {
    let time_zone = Institution::load(tx).await?.time_zone;
    let new: Vec<NewPerson> = emails
        .iter()
        .map(|email| NewPerson {
            name: name_from_email(email),
            email: (*email).clone(),
            is_admin: false,
            tier: StudentTier::Standard,
            time_zone,
            password_hash: None,
        })
        .collect();
    store::insert_people(tx, world, &new).await?;
    let (closed, people): (HashMap<_, _>, HashMap<_, _>) = store::people_by_email(tx, emails)
        .await?
        .into_iter()
        .map(|person| (person.email.clone(), person))
        .partition(|(_, person)| person.disabled_at.is_some());
    let mut members: Vec<_> =
        missing.iter().filter_map(|(course, email)| Some((*course, people.get(email)?.id))).collect();
    members.sort_unstable();
    members.dedup();
    store::enrol_students(tx, &members).await?;
    Ok(closed)
}
