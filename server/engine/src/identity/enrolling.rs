//! Students for whom others hand work in: found by their address, and written down with the work where they are not
//! there yet. Those who are asked for at the same time share one query, and a rush of new students costs no
//! transaction beside that of their work.

use super::{Email, IdentityError, Institution, Person, Role, name_from_email, store};
use crate::{
    routing::StudentTier,
    store::{CourseId, Db, DbError, Lately, Tx, World},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A student of a course, who may have to be written down before their work is.
#[derive(Clone, Debug)]
pub struct Student {
    /// The person. Of one who is not there yet the id is held ready.
    pub person: Arc<Person>,
    course: CourseId,
    standing: Standing,
}

/// What is there of a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// All of it.
    Member,
    /// The person, who is no member of the course.
    Outsider,
    /// Nothing.
    Unknown,
}

impl Student {
    /// A person who is a member of the course.
    #[must_use]
    pub const fn member(person: Arc<Person>, course: CourseId) -> Self {
        Self { person, course, standing: Standing::Member }
    }

    /// They are to be written down before their work.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.standing != Standing::Member
    }

    /// Their course and address.
    pub(super) fn key(&self) -> (CourseId, Email) {
        (self.course, self.person.email.clone())
    }
}

/// What came of looking for one.
pub(super) type Found = Result<Student, IdentityError>;

/// Looks for students by course and address, all in one query.
pub(super) async fn look_for(
    db: &Db,
    world: &World,
    institution: &Lately<(), Arc<Institution>>,
    wanted: &[(CourseId, Email)],
) -> Vec<Found> {
    match look(&mut db.clone(), world, institution, wanted).await {
        Ok(found) => found,
        Err(error) => wanted.iter().map(|_| Err(DbError::Shared(error.to_string()).into())).collect(),
    }
}

async fn look(
    db: &mut Db,
    world: &World,
    institution: &Lately<(), Arc<Institution>>,
    wanted: &[(CourseId, Email)],
) -> Result<Vec<Found>, DbError> {
    let mut emails: Vec<&Email> = wanted.iter().map(|(_, email)| email).collect();
    emails.sort_unstable();
    emails.dedup();
    let mut people = HashMap::with_capacity(emails.len());
    let mut roles = HashMap::new();
    for (person, membership) in store::people_by_email(db, &emails).await? {
        if let Some((course, role)) = membership {
            roles.insert((course, person.id), role);
        }
        people.entry(person.email.clone()).or_insert_with(|| (Arc::new(person), Standing::Outsider));
    }
    if people.len() < emails.len() {
        let load = async { Ok(Some(Arc::new(Institution::load(&mut db.clone()).await?))) };
        let time_zone = institution.get((), load).await?.unwrap_or_default().time_zone;
        let now = world.now();
        for email in emails {
            people.entry(email.clone()).or_insert_with(|| {
                let person = Person {
                    id: world.id(),
                    email: email.clone(),
                    name: name_from_email(email),
                    is_admin: false,
                    tier: StudentTier::Standard,
                    time_zone,
                    created_at: now,
                    disabled_at: None,
                };
                (Arc::new(person), Standing::Unknown)
            });
        }
    }
    let student = |(course, email): &(CourseId, Email)| {
        let (person, standing) =
            people.get(email).ok_or_else(|| IdentityError::NoSuchPerson(email.to_string()))?;
        match roles.get(&(*course, person.id)) {
            _ if person.disabled_at.is_some() => Err(IdentityError::Disabled),
            Some(Role::Student) => Ok(Student::member(person.clone(), *course)),
            Some(_) => Err(IdentityError::NotAStudent(person.name.clone())),
            None => Ok(Student { person: person.clone(), course: *course, standing: *standing }),
        }
    };
    Ok(wanted.iter().map(student).collect())
}

/// Writes down those who are new, within the transaction of their work.
///
/// # Errors
/// If the database fails; a unique violation where the address was taken by another id meanwhile.
pub(crate) async fn write_new(
    tx: &mut Tx,
    students: impl IntoIterator<Item = &Student>,
) -> Result<(), DbError> {
    // In one order in every process, so that two that write the same students don't wait for each other in a circle.
    let new: BTreeMap<(&Email, CourseId), &Student> = students
        .into_iter()
        .filter(|student| student.is_new())
        .map(|student| ((&student.person.email, student.course), student))
        .collect();
    let mut unknown: Vec<&Person> = new
        .values()
        .filter(|student| student.standing == Standing::Unknown)
        .map(|student| &*student.person)
        .collect();
    unknown.dedup_by_key(|person| person.id);
    store::insert_people(tx, &unknown).await?;
    let members: Vec<_> = new.values().map(|student| (student.course, student.person.id)).collect();
    store::enrol_students(tx, &members).await?;
    // On their own: how many are new differs each time, and with what follows each number would be a statement of its own.
    tx.flush().await
}
