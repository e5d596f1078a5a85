//! The tables `courses`, `rubrics`, `rubric_versions` and `assignments`.

use super::{Assignment, AssignmentContext, Course, CourseError, Rubric};
use crate::store::{AssignmentId, CourseId, DbError, Exec, Json, RubricId, RubricVersionId, World};

const COURSE: &str = "SELECT id, code, title, cost_centre, immediate_feedback, created_at FROM courses ";

pub(super) const ASSIGNMENT: &str = "SELECT id, course_id, key, title, kind, brief, language, rubric_version_id, opens_at, \
    closes_at, marks_by, max_drafts, min_words, max_words, citations, release, resources, near_draft_percent, prompt_version, \
    created_at FROM assignments ";

/// A course by its id.
///
/// # Errors
/// If the database fails.
pub async fn course(x: &mut impl Exec, id: CourseId) -> Result<Option<Course>, DbError> {
    x.query(format!("{COURSE} WHERE id = $1")).bind(id).opt().await
}

/// A course by its code.
///
/// # Errors
/// If the database fails.
pub async fn course_by_code(x: &mut impl Exec, code: &str) -> Result<Option<Course>, DbError> {
    x.query(format!("{COURSE} WHERE code = $1")).bind(code.to_owned()).opt().await
}

/// All courses, by code.
///
/// # Errors
/// If the database fails.
pub async fn courses(x: &mut impl Exec) -> Result<Vec<Course>, DbError> {
    x.query(format!("{COURSE} ORDER BY code")).all().await
}

/// Writes a new course.
///
/// # Errors
/// If it can't be set up, or its code is taken.
pub async fn insert_course(x: &mut impl Exec, course: &Course) -> Result<(), CourseError> {
    check_course(course)?;
    x.query(
        "INSERT INTO courses (id, code, title, cost_centre, immediate_feedback, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(course.id)
    .bind(course.code.clone())
    .bind(course.title.clone())
    .bind(course.cost_centre.clone())
    .bind(course.immediate_feedback)
    .bind(course.created_at)
    .exec()
    .await?;
    Ok(())
}

/// Writes what is new about a course.
///
/// # Errors
/// If it can't be set up so, or is not there.
pub async fn update_course(x: &mut impl Exec, course: &Course) -> Result<(), CourseError> {
    check_course(course)?;
    let written = x
        .query(
            "UPDATE courses SET code = $2, title = $3, cost_centre = $4, immediate_feedback = $5 WHERE id = $1",
        )
        .bind(course.id)
        .bind(course.code.clone())
        .bind(course.title.clone())
        .bind(course.cost_centre.clone())
        .bind(course.immediate_feedback)
        .exec()
        .await?;
    if written == 1 { Ok(()) } else { Err(CourseError::NoCourse(course.code.clone())) }
}

fn check_course(course: &Course) -> Result<(), CourseError> {
    let wrongs = course.wrongs();
    if wrongs.is_empty() { Ok(()) } else { Err(CourseError::Course { code: course.code.clone(), wrongs }) }
}

// Rubrics -------------------------------------------------------------------------------------------------------------

/// A version of a rubric.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RubricVersion {
    /// Its id.
    pub id: RubricVersionId,
    /// The rubric, over all versions.
    pub rubric_id: RubricId,
    /// Its number, from 1.
    #[sqlx(rename = "version")]
    pub number: i64,
    /// The rubric as this version holds it.
    #[sqlx(json, rename = "body")]
    pub rubric: Rubric,
}

const VERSION: &str = "SELECT v.id, v.rubric_id, v.version, v.body FROM rubric_versions v ";

/// A version of a rubric by its id.
///
/// # Errors
/// If the database fails.
pub async fn rubric_version(
    x: &mut impl Exec,
    id: RubricVersionId,
) -> Result<Option<RubricVersion>, DbError> {
    x.query(format!("{VERSION} WHERE v.id = $1")).bind(id).opt().await
}

/// The newest version of a course's rubric.
///
/// # Errors
/// If the database fails.
pub async fn newest_rubric(
    x: &mut impl Exec,
    course: CourseId,
    key: &str,
) -> Result<Option<RubricVersion>, DbError> {
    x.query(format!(
        "{VERSION} JOIN rubrics r ON r.id = v.rubric_id WHERE r.course_id = $1 AND r.key = $2 \
         ORDER BY v.version DESC LIMIT 1"
    ))
    .bind(course)
    .bind(key.to_owned())
    .opt()
    .await
}

/// Keeps a rubric: as the first version of a new one, as the next version of one that is there, or not at all where it
/// is the same as the newest. Answers the version, and whether it is new.
///
/// # Errors
/// If the rubric can't be marked by.
pub async fn put_rubric(
    x: &mut impl Exec,
    world: &World,
    course: CourseId,
    key: &str,
    rubric: &Rubric,
) -> Result<(RubricVersion, bool), CourseError> {
    if let Err(wrongs) = rubric.check() {
        return Err(CourseError::Rubric { key: key.to_owned(), wrongs });
    }
    if !super::assignment::is_key(key) {
        let wrongs = vec!["the key must have 1 to 64 letters, digits, _, - or .".to_owned()];
        return Err(CourseError::Rubric { key: key.to_owned(), wrongs });
    }
    let newest = newest_rubric(x, course, key).await?;
    let (rubric_id, number) = match newest {
        Some(version) if version.rubric == *rubric => return Ok((version, false)),
        Some(version) => (version.rubric_id, version.number + 1),
        None => {
            let id = world.id();
            x.query("INSERT INTO rubrics (id, course_id, key, created_at) VALUES ($1, $2, $3, $4)")
                .bind(id)
                .bind(course)
                .bind(key.to_owned())
                .bind(world.now())
                .exec()
                .await?;
            (id, 1)
        }
    };
    let version = RubricVersion { id: world.id(), rubric_id, number, rubric: rubric.clone() };
    x.query(
        "INSERT INTO rubric_versions (id, rubric_id, version, body, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(version.id)
    .bind(version.rubric_id)
    .bind(version.number)
    .bind(Json(version.rubric.clone()))
    .bind(world.now())
    .exec()
    .await?;
    Ok((version, true))
}

// Assignments ---------------------------------------------------------------------------------------------------------

/// An assignment by its id.
///
/// # Errors
/// If the database fails.
pub async fn assignment(x: &mut impl Exec, id: AssignmentId) -> Result<Option<Assignment>, DbError> {
    x.query(format!("{ASSIGNMENT} WHERE id = $1")).bind(id).opt().await
}

/// An assignment by the course's own name for it.
///
/// # Errors
/// If the database fails.
pub async fn assignment_by_key(
    x: &mut impl Exec,
    course: CourseId,
    key: &str,
) -> Result<Option<Assignment>, DbError> {
    x.query(format!("{ASSIGNMENT} WHERE course_id = $1 AND key = $2"))
        .bind(course)
        .bind(key.to_owned())
        .opt()
        .await
}

/// The assignments of a course, by title.
///
/// # Errors
/// If the database fails.
pub async fn assignments_of(x: &mut impl Exec, course: CourseId) -> Result<Vec<Assignment>, DbError> {
    x.query(format!("{ASSIGNMENT} WHERE course_id = $1 ORDER BY title, id")).bind(course).all().await
}

/// Writes a new assignment.
///
/// # Errors
/// If it can't be set up, or the course has one of the same key.
pub async fn insert_assignment(x: &mut impl Exec, a: &Assignment) -> Result<(), CourseError> {
    check_assignment(a)?;
    x.query(
        "INSERT INTO assignments (id, course_id, key, title, kind, brief, language, rubric_version_id, opens_at, \
         closes_at, marks_by, max_drafts, min_words, max_words, citations, release, resources, \
         near_draft_percent, prompt_version, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(a.id)
    .bind(a.course_id)
    .bind(a.key.clone())
    .bind(a.title.clone())
    .bind(a.kind)
    .bind(a.brief.clone())
    .bind(a.language.clone())
    .bind(a.rubric_version_id)
    .bind(a.opens_at)
    .bind(a.closes_at)
    .bind(a.marks_by)
    .bind(a.max_drafts)
    .bind(a.min_words)
    .bind(a.max_words)
    .bind(a.citations)
    .bind(a.release)
    .bind(Json(a.resources.clone()))
    .bind(a.near_draft_percent)
    .bind(a.prompt_version)
    .bind(a.created_at)
    .exec()
    .await?;
    Ok(())
}

/// Writes what is new about an assignment. Course, key and version of the prompt stay as they are.
///
/// # Errors
/// If it can't be set up so, or is not there.
pub async fn update_assignment(x: &mut impl Exec, a: &Assignment) -> Result<(), CourseError> {
    check_assignment(a)?;
    let written = x
        .query(
            "UPDATE assignments SET title = $2, kind = $3, brief = $4, language = $5, rubric_version_id = $6, \
             opens_at = $7, closes_at = $8, marks_by = $9, max_drafts = $10, min_words = $11, max_words = $12, \
             citations = $13, release = $14, resources = $15, near_draft_percent = $16 WHERE id = $1",
        )
        .bind(a.id)
        .bind(a.title.clone())
        .bind(a.kind)
        .bind(a.brief.clone())
        .bind(a.language.clone())
        .bind(a.rubric_version_id)
        .bind(a.opens_at)
        .bind(a.closes_at)
        .bind(a.marks_by)
        .bind(a.max_drafts)
        .bind(a.min_words)
        .bind(a.max_words)
        .bind(a.citations)
        .bind(a.release)
        .bind(Json(a.resources.clone()))
        .bind(a.near_draft_percent)
        .exec()
        .await?;
    if written == 1 {
        Ok(())
    } else {
        let wrongs = vec!["it is not there".to_owned()];
        Err(CourseError::Assignment { key: a.key.clone(), wrongs })
    }
}

/// Has the assignments that nobody has handed in to yet marked by this version of the prompt; answers which were changed.
///
/// # Errors
/// If the database fails.
pub(crate) async fn set_prompt_version(x: &mut impl Exec, number: i64) -> Result<Vec<AssignmentId>, DbError> {
    let rows: Vec<(AssignmentId,)> = x
        .query(
            "UPDATE assignments SET prompt_version = $1 WHERE prompt_version <> $1 \
             AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.assignment_id = assignments.id) RETURNING id",
        )
        .bind(number)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

fn check_assignment(a: &Assignment) -> Result<(), CourseError> {
    let wrongs = a.wrongs();
    if wrongs.is_empty() { Ok(()) } else { Err(CourseError::Assignment { key: a.key.clone(), wrongs }) }
}

/// An assignment with its course and the rubric that it is marked by.
///
/// # Errors
/// If the database fails.
pub async fn context(x: &mut impl Exec, id: AssignmentId) -> Result<Option<AssignmentContext>, DbError> {
    let Some(assignment) = assignment(x, id).await? else { return Ok(None) };
    // References make sure that both are there.
    let Some(course) = course(x, assignment.course_id).await? else { return Ok(None) };
    let Some(version) = rubric_version(x, assignment.rubric_version_id).await? else { return Ok(None) };
    Ok(Some(AssignmentContext {
        rubric_version: version.id,
        rubric_number: version.number,
        rubric: version.rubric,
        assignment,
        course,
    }))
}
