//! What was handed in before: looked up for all who hand in at the same time by one query.

use super::store::{self, Asked, Before};
use crate::store::{Db, DbError, Together};

/// The way to the one who looks it up.
#[derive(Debug)]
pub(crate) struct Earlier(Together<Asked, Result<Before, DbError>>);

impl Earlier {
    /// Starts looking; it ends once nobody can ask any more.
    pub(crate) fn start(db: Db) -> Self {
        Self(Together::start(move |asked: Vec<Asked>| {
            let mut db = db.clone();
            async move {
                match store::before(&mut db, &asked).await {
                    Ok(found) => found.into_iter().map(Ok).collect(),
                    Err(error) => asked.iter().map(|_| Err(DbError::Shared(error.to_string()))).collect(),
                }
            }
        }))
    }

    /// What there is already when someone hands in.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn look(&self, asked: Asked) -> Result<Before, DbError> {
        self.0.ask(asked).await.unwrap_or(Err(DbError::Sql(sqlx::Error::PoolClosed)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        engine::testing::{House, house, person},
        identity::{self, Actor, Email, IdentityError, Role},
        notice::Mailer,
        store::{Dialect, Exec as _, PersonId, in_chunks_of_rows, testing::each_db},
        submission::{HandIn, HandInError, Receipt},
    };
    use futures::future::join_all;

    async fn hand_in(
        house: &House,
        actor: &Actor,
        student: Option<&str>,
        key: Option<&str>,
        text: &str,
    ) -> Result<Receipt, HandInError> {
        let input = HandIn {
            assignment: house.assignment.id,
            student: student.map(|address| address.parse().unwrap()),
            text: text.to_owned(),
            file_name: None,
            idempotency: key.map(str::to_owned),
        };
        house.engine.hand_in(actor, input).await
    }

    #[tokio::test]
    async fn each_of_many_is_told_what_was_there() {
        each_db(async |db| {
            let house = house(db.clone(), Mailer::off()).await;
            let first = hand_in(&house, &house.student, None, Some("one"), "A first draft.").await.unwrap();
            let second = hand_in(&house, &house.student, None, Some("two"), "A second draft.").await.unwrap();
            let student = first.submission.student_id;
            let stranger: PersonId = house.engine.world().id();
            let asked = |by, key: Option<&str>, student| Asked {
                by,
                key: key.map(str::to_owned),
                assignment: house.assignment.id,
                student,
            };
            let all = [
                asked(student, Some("one"), student),
                asked(student, None, student),
                asked(stranger, Some("two"), student),
                asked(stranger, Some("one"), stranger),
                asked(stranger, None, stranger),
            ];
            let found = join_all(all.into_iter().map(|asked| house.engine.earlier().look(asked))).await;
            let last = Some((second.submission.id, 2));
            let key = |before: &Before| before.same_key.as_ref().map(|(id, ..)| *id);
            let found: Vec<Before> = found.into_iter().map(Result::unwrap).collect();
            assert_eq!((key(&found[0]), found[0].last), (Some(first.submission.id), last));
            assert_eq!((key(&found[1]), found[1].last), (None, last));
            // Known again to others for the same student's same assignment.
            assert_eq!((key(&found[2]), found[2].last), (Some(second.submission.id), last));
            assert_eq!((&found[3], &found[4]), (&Before::default(), &Before::default()));
        })
        .await;
    }

    #[tokio::test]
    async fn new_students_are_written_down_with_their_work_and_only_with_it() {
        each_db(async |mut db| {
            let house = house(db.clone(), Mailer::off()).await;
            let course = house.assignment.course_id;
            let world = house.engine.world().clone();
            let teacher = person(&mut db, &world, "berg@example.edu", false).await;
            identity::store::set_role(&mut db, course, teacher, Role::Instructor).await.unwrap();
            let outsider = person(&mut db, &world, "olle@example.edu", false).await;
            let teacher = house.engine.identity().actor(teacher).await.unwrap();

            // Two drafts each of a stranger and of somebody from another course, and a teacher among them.
            let students = [
                "new@example.edu",
                "olle@example.edu",
                "new@example.edu",
                "berg@example.edu",
                "olle@example.edu",
            ];
            let all = students.iter().enumerate().map(async |(n, student)| {
                hand_in(&house, &teacher, Some(student), Some(&format!("k{n}")), &format!("Draft {n}.")).await
            });
            let receipts = join_all(all).await;
            let refused = HandInError::Identity(IdentityError::NotAStudent("Ada Lind".into())).to_string();
            assert_eq!(receipts[3].as_ref().unwrap_err().to_string(), refused);
            let drafts = |at: [usize; 2]| {
                let mut drafts = at.map(|n| receipts[n].as_ref().unwrap().submission.draft);
                drafts.sort_unstable();
                drafts
            };
            assert_eq!((drafts([0, 2]), drafts([1, 4])), ([1, 2], [1, 2]));
            let new: Email = "new@example.edu".parse().unwrap();
            let new = identity::store::person_by_email(&mut db, &new).await.unwrap().unwrap();
            assert_eq!(receipts[2].as_ref().unwrap().submission.student_id, new.id);
            for student in [new.id, outsider] {
                let roles = house.engine.identity().memberships(student).await.unwrap();
                assert_eq!(roles.role(course), Some(Role::Student));
            }

            // Work that is refused leaves nobody behind.
            db.query("UPDATE assignments SET closes_at = $1").bind(world.now()).exec().await.unwrap();
            house.engine.courses().forget_all();
            let late = hand_in(&house, &teacher, Some("late@example.edu"), None, "Too late.").await;
            assert!(matches!(late, Err(HandInError::Refused(_))), "{late:?}");
            let late: Email = "late@example.edu".parse().unwrap();
            assert_eq!(identity::store::person_by_email(&mut db, &late).await.unwrap(), None);
        })
        .await;
    }

    /// Without statistics SQLite once went through all submissions for each who asked.
    #[tokio::test]
    async fn nobody_goes_through_all_submissions() {
        each_db(async |mut db| {
            if db.dialect() != Dialect::Sqlite {
                return;
            }
            for number in [1, 16, 256] {
                let asked = vec![(); number];
                let (rows, _) = in_chunks_of_rows(Dialect::Sqlite, &asked, 5).next().unwrap();
                let sql = format!("EXPLAIN QUERY PLAN {}", store::before_sql(&rows));
                let plan: Vec<(i64, i64, i64, String)> = db.query(sql).all().await.unwrap();
                let steps: Vec<&str> = plan.iter().map(|(.., step)| &**step).collect();
                let searches = steps.iter().filter(|step| step.starts_with("SEARCH s USING INDEX")).count();
                assert!(searches == 2 && !steps.iter().any(|step| step.starts_with("SCAN s")), "{steps:#?}");
            }
        })
        .await;
    }
}
