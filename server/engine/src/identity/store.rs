//! The tables `people`, `sessions`, `api_tokens`, `enrolments` and `settings`.

use super::{ApiToken, Email, Member, Memberships, NewPerson, Person, Role};
use crate::store::{CourseId, DbError, Exec, PersonId, Rows, TokenId, in_chunks};
use chrono::{DateTime, Utc};
use std::sync::Arc;

macro_rules! person {
    ($before:literal, $after:literal) => {
        concat!(
            "SELECT ",
            $before,
            "p.id, p.email, p.name, p.is_admin, p.tier, p.time_zone, p.created_at, p.disabled_at ",
            $after
        )
    };
}

/// The person of this id.
///
/// # Errors
/// If the database fails.
pub async fn person(x: &mut impl Exec, id: PersonId) -> Result<Option<Person>, DbError> {
    x.query(person!("", "FROM people p WHERE p.id = $1")).bind(id).opt().await
}

/// The person of this address.
///
/// # Errors
/// If the database fails.
pub async fn person_by_email(x: &mut impl Exec, email: &Email) -> Result<Option<Person>, DbError> {
    x.query(person!("", "FROM people p WHERE p.email = $1")).bind(email.clone()).opt().await
}

/// All people, by name.
///
/// # Errors
/// If the database fails.
pub async fn people(x: &mut impl Exec) -> Result<Vec<Person>, DbError> {
    x.query(person!("", "FROM people p ORDER BY p.name, p.id")).all().await
}

/// All administrators who may come in.
///
/// # Errors
/// If the database fails.
pub async fn admins(x: &mut impl Exec) -> Result<Vec<Person>, DbError> {
    x.query(person!("", "FROM people p WHERE p.is_admin AND p.disabled_at IS NULL ORDER BY p.id")).all().await
}

/// The instructors of a course who may come in.
///
/// # Errors
/// If the database fails.
pub async fn instructors(x: &mut impl Exec, course: CourseId) -> Result<Vec<PersonId>, DbError> {
    let rows: Vec<(PersonId,)> = x
        .query(
            "SELECT p.id FROM enrolments e JOIN people p ON p.id = e.person_id \
             WHERE e.course_id = $1 AND e.role = 'instructor' AND p.disabled_at IS NULL ORDER BY p.id",
        )
        .bind(course)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// A person with the hash of their password.
#[derive(sqlx::FromRow)]
pub(super) struct Account {
    #[sqlx(flatten)]
    pub(super) person: Person,
    pub(super) password_hash: Option<String>,
}

/// The account of this address.
pub(super) async fn account(x: &mut impl Exec, email: &Email) -> Result<Option<Account>, DbError> {
    x.query(person!("p.password_hash, ", "FROM people p WHERE p.email = $1")).bind(email.clone()).opt().await
}

/// The hash of a person's password.
///
/// # Errors
/// If the database fails.
pub async fn password_hash(x: &mut impl Exec, id: PersonId) -> Result<Option<String>, DbError> {
    let row: Option<(Option<String>,)> =
        x.query("SELECT password_hash FROM people WHERE id = $1").bind(id).opt().await?;
    Ok(row.and_then(|(hash,)| hash))
}

/// Writes a new person; false where the address is taken.
///
/// # Errors
/// If the database fails.
pub async fn insert_person(
    x: &mut impl Exec,
    id: PersonId,
    new: &NewPerson,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let written = x
        .query(
            "INSERT INTO people (id, email, name, is_admin, tier, password_hash, time_zone, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email) DO NOTHING",
        )
        .bind(id)
        .bind(new.email.clone())
        .bind(new.name.clone())
        .bind(new.is_admin)
        .bind(new.tier)
        .bind(new.password_hash.clone())
        .bind(new.time_zone)
        .bind(now)
        .exec()
        .await?;
    Ok(written == 1)
}

const PEOPLE: Rows = Rows {
    insert: "INSERT INTO people (id, email, name, is_admin, tier, time_zone, created_at)",
    columns: 7,
    tail: "ON CONFLICT (id) DO NOTHING",
};

/// Writes people without passwords; who is there already by id stays as they are.
///
/// # Errors
/// If the database fails; a unique violation where an address is taken by another id.
pub(super) async fn insert_people(x: &mut impl Exec, new: &[&Person]) -> Result<(), DbError> {
    PEOPLE
        .insert(x, new, |q, person| {
            q.put(person.id);
            q.put(person.email.clone());
            q.put(person.name.clone());
            q.put(person.is_admin);
            q.put(person.tier);
            q.put(person.time_zone);
            q.put(person.created_at);
        })
        .await?;
    Ok(())
}

/// The people of these addresses with what each is in each of their courses: one row for each course, or one without.
pub(super) async fn people_by_email(
    x: &mut impl Exec,
    emails: &[&Email],
) -> Result<Vec<(Person, Option<(CourseId, Role)>)>, DbError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        course_id: Option<CourseId>,
        role: Option<Role>,
        #[sqlx(flatten)]
        person: Person,
    }
    let mut people = Vec::with_capacity(emails.len());
    for (places, chunk) in in_chunks(emails) {
        let mut query = x.query_in_order(format!(
            "{}({places})",
            person!(
                "e.course_id, e.role, ",
                "FROM people p LEFT JOIN enrolments e ON e.person_id = p.id WHERE p.email IN "
            )
        ));
        for email in chunk {
            query.put((*email).clone());
        }
        people.extend(
            query.all::<Row>().await?.into_iter().map(|row| (row.person, row.course_id.zip(row.role))),
        );
    }
    Ok(people)
}

const STUDENTS: Rows = Rows {
    insert: "INSERT INTO enrolments (course_id, person_id, role)",
    columns: 3,
    tail: "ON CONFLICT (course_id, person_id) DO NOTHING",
};

/// Makes people students of courses; who is a member already stays what they are.
pub(super) async fn enrol_students(
    x: &mut impl Exec,
    members: &[(CourseId, PersonId)],
) -> Result<(), DbError> {
    STUDENTS
        .insert(x, members, |q, (course, person)| {
            q.put(*course);
            q.put(*person);
            q.put(Role::Student);
        })
        .await?;
    Ok(())
}

/// Writes what is new about a person who is there; without a hash the password stays as it is.
///
/// # Errors
/// If the database fails.
pub async fn update_person(x: &mut impl Exec, id: PersonId, new: &NewPerson) -> Result<bool, DbError> {
    let written = x
        .query(
            "UPDATE people SET email = $2, name = $3, is_admin = $4, tier = $5, time_zone = $6, \
             password_hash = coalesce($7, password_hash) WHERE id = $1",
        )
        .bind(id)
        .bind(new.email.clone())
        .bind(new.name.clone())
        .bind(new.is_admin)
        .bind(new.tier)
        .bind(new.time_zone)
        .bind(new.password_hash.clone())
        .exec()
        .await?;
    Ok(written == 1)
}

/// Closes a person's account, or opens it again.
///
/// # Errors
/// If the database fails.
pub async fn set_disabled(
    x: &mut impl Exec,
    id: PersonId,
    since: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    Ok(x.query("UPDATE people SET disabled_at = $2 WHERE id = $1").bind(id).bind(since).exec().await? == 1)
}

// Enrolments ----------------------------------------------------------------------------------------------------------

/// A person's roles.
///
/// # Errors
/// If the database fails.
pub async fn memberships(x: &mut impl Exec, id: PersonId) -> Result<Memberships, DbError> {
    let rows: Vec<(CourseId, Role)> =
        x.query("SELECT course_id, role FROM enrolments WHERE person_id = $1").bind(id).all().await?;
    Ok(Memberships(rows.into_iter().collect()))
}

/// The people of a course, by name.
///
/// # Errors
/// If the database fails.
pub async fn members(x: &mut impl Exec, course: CourseId) -> Result<Vec<Member>, DbError> {
    x.query(person!(
        "e.role, ",
        "FROM enrolments e JOIN people p ON p.id = e.person_id WHERE e.course_id = $1 ORDER BY p.name, p.id"
    ))
    .bind(course)
    .all()
    .await
}

/// Makes a person this in a course, whatever they were before; false where they were it already.
///
/// # Errors
/// If the database fails, or there is no such course or person.
pub async fn set_role(
    x: &mut impl Exec,
    course: CourseId,
    person: PersonId,
    role: Role,
) -> Result<bool, DbError> {
    let written = x
        .query(
            "INSERT INTO enrolments (course_id, person_id, role) VALUES ($1, $2, $3) \
             ON CONFLICT (course_id, person_id) DO UPDATE SET role = excluded.role \
             WHERE enrolments.role <> excluded.role",
        )
        .bind(course)
        .bind(person)
        .bind(role)
        .exec()
        .await?;
    Ok(written == 1)
}

// Tokens --------------------------------------------------------------------------------------------------------------

/// Who comes in with a token.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Holder {
    pub(super) token_id: TokenId,
    pub(super) expires_at: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    pub(super) person: Person,
}

/// The holder of a token that was not revoked.
pub(super) async fn holder(x: &mut impl Exec, digest: &str) -> Result<Option<Arc<Holder>>, DbError> {
    let holder: Option<Holder> = x
        .query(person!(
            "t.id AS token_id, t.expires_at, ",
            "FROM api_tokens t JOIN people p ON p.id = t.person_id WHERE t.digest = $1 AND t.revoked_at IS NULL"
        ))
        .bind(digest.to_owned())
        .opt()
        .await?;
    Ok(holder.map(Arc::new))
}

/// Writes a new token.
pub(super) async fn insert_token(x: &mut impl Exec, token: &ApiToken, digest: String) -> Result<(), DbError> {
    x.query(
        "INSERT INTO api_tokens (id, person_id, name, digest, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token.id)
    .bind(token.person_id)
    .bind(token.name.clone())
    .bind(digest)
    .bind(token.created_at)
    .bind(token.expires_at)
    .exec()
    .await?;
    Ok(())
}

/// A person's tokens, newest first.
pub(super) async fn tokens(x: &mut impl Exec, person: PersonId) -> Result<Vec<ApiToken>, DbError> {
    x.query(
        "SELECT id, person_id, name, created_at, expires_at, revoked_at FROM api_tokens \
         WHERE person_id = $1 ORDER BY created_at DESC, id DESC",
    )
    .bind(person)
    .all()
    .await
}

/// Revokes a token of a person; false where there is none that is not revoked.
pub(super) async fn revoke_token(
    x: &mut impl Exec,
    person: PersonId,
    token: TokenId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let written = x
        .query(
            "UPDATE api_tokens SET revoked_at = $3 WHERE id = $2 AND person_id = $1 AND revoked_at IS NULL",
        )
        .bind(person)
        .bind(token)
        .bind(now)
        .exec()
        .await?;
    Ok(written == 1)
}

// Sessions ------------------------------------------------------------------------------------------------------------

/// Writes a new session; false where the id is taken.
pub(super) async fn create_session(
    x: &mut impl Exec,
    digest: &str,
    data: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let written = x
        .query("INSERT INTO sessions (id, data, expires_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
        .bind(digest.to_owned())
        .bind(data.to_owned())
        .bind(expires_at)
        .exec()
        .await?;
    Ok(written == 1)
}

/// Writes a session as it is now; false where it is not there.
pub(super) async fn update_session(
    x: &mut impl Exec,
    digest: &str,
    data: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let changed = x
        .query("UPDATE sessions SET data = $2, expires_at = $3 WHERE id = $1")
        .bind(digest.to_owned())
        .bind(data.to_owned())
        .bind(expires_at)
        .exec()
        .await?;
    Ok(changed == 1)
}

/// A session that has not expired.
pub(super) async fn load_session(
    x: &mut impl Exec,
    digest: &str,
    now: DateTime<Utc>,
) -> Result<Option<(String, DateTime<Utc>)>, DbError> {
    x.query("SELECT data, expires_at FROM sessions WHERE id = $1 AND expires_at > $2")
        .bind(digest.to_owned())
        .bind(now)
        .opt()
        .await
}

/// Removes a session.
pub(super) async fn delete_session(x: &mut impl Exec, digest: &str) -> Result<(), DbError> {
    x.query("DELETE FROM sessions WHERE id = $1").bind(digest.to_owned()).exec().await?;
    Ok(())
}

/// Removes the sessions that have expired.
pub(super) async fn sweep_sessions(x: &mut impl Exec, now: DateTime<Utc>) -> Result<u64, DbError> {
    x.query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).exec().await
}

// Settings ------------------------------------------------------------------------------------------------------------

/// A setting that is kept in the database.
pub(super) async fn setting(x: &mut impl Exec, key: &'static str) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = x.query("SELECT value FROM settings WHERE key = $1").bind(key).opt().await?;
    Ok(row.map(|(value,)| value))
}

/// Keeps a setting.
pub(super) async fn put_setting(x: &mut impl Exec, key: &'static str, value: &str) -> Result<(), DbError> {
    x.query(
        "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(key)
    .bind(value.to_owned())
    .exec()
    .await?;
    Ok(())
}
