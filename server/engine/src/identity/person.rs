//! A person and their roles.

use super::{Email, Zone};
use crate::{
    routing::StudentTier,
    store::{CourseId, PersonId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A person: student, instructor, administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Their address, by which they sign in and are written to.
    pub email: Email,
    /// The name that others see.
    pub name: String,
    /// May administer the whole of Quire.
    pub is_admin: bool,
    /// Their standing as a student, which routing weighs.
    pub tier: StudentTier,
    /// The zone in which they read times.
    pub time_zone: Zone,
    /// Since when they are known.
    pub created_at: DateTime<Utc>,
    /// Since when they may no longer come in.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What is known of a person who is not there yet.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// May administer.
    pub is_admin: bool,
    /// Their standing as a student.
    pub tier: StudentTier,
    /// The zone in which they read times.
    pub time_zone: Zone,
    /// The hash of their password (PHC string); none: they can't sign in by password.
    pub password_hash: Option<String>,
}

/// What a person is in one course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Role {
    /// Hands work in.
    Student,
    /// Owns assignments, rubrics and the release of marks.
    Instructor,
}

/// A person's roles, by course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships(pub BTreeMap<CourseId, Role>);

impl Memberships {
    /// What the person is in this course.
    #[must_use]
    pub fn role(&self, course: CourseId) -> Option<Role> {
        self.0.get(&course).copied()
    }
    /// The courses in which the person is this.
    pub fn courses(&self, role: Role) -> impl Iterator<Item = CourseId> {
        self.0.iter().filter(move |(_, r)| **r == role).map(|(course, _)| *course)
    }
}

/// A person as a member of a course.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// The person.
    #[sqlx(flatten)]
    pub person: Person,
    /// What they are in the course.
    pub role: Role,
}
