//! Who may do what: the one table that pages, server functions and the API are all held to.

use super::{Memberships, Person, Role};
use crate::store::{CourseId, PersonId, TokenId};
use std::sync::Arc;

/// How a person came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// By signing in, in a browser.
    Session,
    /// By a bearer token of the API.
    Token(TokenId),
}

/// Who asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Quire itself: its workers, and the command line on its own machine.
    System,
    /// A person.
    Person {
        /// Who.
        person: Arc<Person>,
        /// How they came in.
        came: Came,
    },
}

impl Actor {
    /// A person who signed in.
    #[must_use]
    pub const fn session(person: Arc<Person>) -> Self {
        Self::Person { person, came: Came::Session }
    }
    /// The person; none for Quire itself.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::System => None,
            Self::Person { person, .. } => Some(person),
        }
    }
    /// The person's id; none for Quire itself.
    #[must_use]
    pub fn person_id(&self) -> Option<PersonId> {
        self.person().map(|p| p.id)
    }
    /// May administer: an administrator, or Quire itself.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.person().is_none_or(|p| p.is_admin)
    }
    fn is(&self, other: PersonId) -> bool {
        self.person_id() == Some(other)
    }
}

/// Something that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// See a course and its assignments.
    SeeCourse {
        /// The course.
        course: CourseId,
    },
    /// Hand in work of one's own.
    HandIn {
        /// The course of the assignment.
        course: CourseId,
    },
    /// Hand in work on a student's behalf, enrolling them where they are unknown.
    HandInFor {
        /// The course of the assignment.
        course: CourseId,
    },
    /// See one submission, its marks and its way there.
    SeeSubmission {
        /// Whose work it is.
        student: PersonId,
        /// The course of the assignment.
        course: CourseId,
    },
    /// See the work and marks of all students of a course.
    SeeCourseWork {
        /// The course.
        course: CourseId,
    },
    /// Approve, change and release marks.
    ReleaseMarks {
        /// The course.
        course: CourseId,
    },
    /// Change a course's people, assignments and rubrics.
    EditCourse {
        /// The course.
        course: CourseId,
    },
    /// See a person's notices and mark them read.
    ReadNotices {
        /// Whose.
        person: PersonId,
    },
    /// Make, list and revoke a person's API tokens.
    ManageTokens {
        /// Whose.
        person: PersonId,
    },
    /// See lanes, providers and spending.
    SeeOverview,
    /// See batches and what was sent in them.
    SeeBatches,
    /// See and treat jobs that ran out of remedies.
    HandleFailures,
    /// See and change providers and their keys.
    ManageProviders,
    /// See and change routing rules.
    ManageRules,
    /// See versions of the prompt and trials, start trials and put versions in use.
    ManagePrompts,
    /// See and change budgets.
    ManageBudgets,
    /// See what was spent, by cost centre.
    SeeBilling,
    /// Have bills posted again, and state which models are held equal.
    ManageBilling,
    /// See and change all people and courses.
    ManagePeople,
    /// Read the mailbox of the demo, where everybody's e-mails lie.
    ReadMailbox,
}

/// Why an act was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is not there for this person; whether it is for others is not said.
    #[error("There is nothing here for you. Check the address, or the account you signed in with.")]
    NotFound,
    /// It is there, but this person may not do it.
    #[error("{0}")]
    Forbidden(&'static str),
}

const ADMIN_ONLY: Denied = Denied::Forbidden("Only administrators may do this. Ask one of yours.");
const STAFF_ONLY: Denied = Denied::Forbidden("Only the instructors of this course may do this.");
const TEACHES: Denied = Denied::Forbidden(
    "You teach this course, and only its students hand work in. You can hand in on behalf of a student.",
);

/// The table: may this actor, with these roles, do this?
///
/// # Errors
/// Why not.
pub fn allowed(actor: &Actor, act: &Act, roles: &Memberships) -> Result<(), Denied> {
    use Role::{Instructor, Student};
    if matches!(actor, Actor::System) {
        return Ok(());
    }
    let admin = actor.is_admin();
    // What is not yours to see is not there: a stranger learns nothing from an id that they guessed.
    match *act {
        Act::SeeCourse { course } => match roles.role(course) {
            Some(_) => Ok(()),
            None if admin => Ok(()),
            None => Err(Denied::NotFound),
        },
        Act::HandIn { course } => match roles.role(course) {
            Some(Student) => Ok(()),
            Some(Instructor) => Err(TEACHES),
            None if admin => Err(Denied::Forbidden(
                "You are not a student of this course. You can hand in on behalf of a student.",
            )),
            None => Err(Denied::NotFound),
        },
        Act::HandInFor { course }
        | Act::SeeCourseWork { course }
        | Act::ReleaseMarks { course }
        | Act::EditCourse { course } => match roles.role(course) {
            Some(Instructor) => Ok(()),
            _ if admin => Ok(()),
            Some(Student) => Err(STAFF_ONLY),
            None => Err(Denied::NotFound),
        },
        Act::SeeSubmission { student, course } => match roles.role(course) {
            _ if actor.is(student) || admin => Ok(()),
            Some(Instructor) => Ok(()),
            Some(Student) | None => Err(Denied::NotFound),
        },
        Act::ReadNotices { person } => {
            if actor.is(person) {
                Ok(())
            } else {
                Err(Denied::NotFound)
            }
        }
        Act::ManageTokens { person } => {
            if actor.is(person) || admin {
                Ok(())
            } else {
                Err(Denied::NotFound)
            }
        }
        Act::SeeOverview
        | Act::SeeBatches
        | Act::HandleFailures
        | Act::ManageProviders
        | Act::ManageRules
        | Act::ManagePrompts
        | Act::ManageBudgets
        | Act::SeeBilling
        | Act::ManageBilling
        | Act::ManagePeople
        | Act::ReadMailbox => {
            if admin {
                Ok(())
            } else {
                Err(ADMIN_ONLY)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Zone, routing::StudentTier, store::World};

    fn person(world: &World, is_admin: bool) -> Actor {
        Actor::session(Arc::new(Person {
            id: world.id(),
            email: "a@example.edu".parse().expect("an address"),
            name: "A".into(),
            is_admin,
            tier: StudentTier::Standard,
            time_zone: Zone::default(),
            created_at: world.now(),
            disabled_at: None,
        }))
    }

    /// Every act against every kind of actor, as one reads it in a table: `y` may, `f` is told no, `n` finds nothing.
    #[test]
    fn the_whole_table() {
        let world = World::system();
        let course: CourseId = world.id();
        let own = |role| Memberships([(course, role)].into());
        let none = Memberships::default();
        let other: PersonId = world.id();
        let table: &[(&str, Act, &str)] = &[
            // ............................... student, instructor, stranger, admin, system
            ("see course", Act::SeeCourse { course }, "yynyy"),
            ("hand in", Act::HandIn { course }, "yfnfy"),
            ("hand in for", Act::HandInFor { course }, "fynyy"),
            ("see another's", Act::SeeSubmission { student: other, course }, "nynyy"),
            ("see course work", Act::SeeCourseWork { course }, "fynyy"),
            ("release", Act::ReleaseMarks { course }, "fynyy"),
            ("edit", Act::EditCourse { course }, "fynyy"),
            ("another's notices", Act::ReadNotices { person: other }, "nnnny"),
            ("another's tokens", Act::ManageTokens { person: other }, "nnnyy"),
            ("overview", Act::SeeOverview, "fffyy"),
            ("batches", Act::SeeBatches, "fffyy"),
            ("failures", Act::HandleFailures, "fffyy"),
            ("providers", Act::ManageProviders, "fffyy"),
            ("prompts", Act::ManagePrompts, "fffyy"),
            ("rules", Act::ManageRules, "fffyy"),
            ("budgets", Act::ManageBudgets, "fffyy"),
            ("billing", Act::SeeBilling, "fffyy"),
            ("bills", Act::ManageBilling, "fffyy"),
            ("people", Act::ManagePeople, "fffyy"),
            ("mailbox", Act::ReadMailbox, "fffyy"),
        ];
        let actors = [
            (person(&world, false), own(Role::Student)),
            (person(&world, false), own(Role::Instructor)),
            (person(&world, false), none.clone()),
            (person(&world, true), none.clone()),
            (Actor::System, none),
        ];
        for (name, act, expected) in table {
            let got: String = actors
                .iter()
                .map(|(actor, roles)| match allowed(actor, act, roles) {
                    Ok(()) => 'y',
                    Err(Denied::Forbidden(_)) => 'f',
                    Err(Denied::NotFound) => 'n',
                })
                .collect();
            assert_eq!(&got, expected, "{name}");
        }
    }

    #[test]
    fn what_is_ones_own_is_there() {
        let world = World::system();
        let me = person(&world, false);
        let id = me.person_id().expect("a person");
        let course: CourseId = world.id();
        let roles = Memberships([(course, Role::Student)].into());
        for act in [
            Act::SeeSubmission { student: id, course },
            Act::ReadNotices { person: id },
            Act::ManageTokens { person: id },
        ] {
            assert_eq!(allowed(&me, &act, &roles), Ok(()), "{act:?}");
        }
        // Also after they left the course.
        assert_eq!(
            allowed(&me, &Act::SeeSubmission { student: id, course }, &Memberships::default()),
            Ok(())
        );
    }
}
