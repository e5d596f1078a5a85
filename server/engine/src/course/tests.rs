//! Courses, rubrics and assignments on both databases.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::store::{
    CourseId, Db, RubricVersionId, World,
    testing::{each_db, still_world},
};
use chrono::TimeDelta;

/// A rubric of one criterion with two levels.
fn a_rubric(title: &str) -> Rubric {
    let level =
        |id: &str, points| Level { id: id.into(), title: id.into(), description: String::new(), points };
    Rubric {
        title: title.into(),
        criteria: vec![Criterion {
            id: "position".into(),
            title: "Position".into(),
            description: String::new(),
            levels: vec![level("weak", Points(0)), level("strong", Points(250))],
        }],
        guidelines: String::new(),
        exemplars: vec![],
    }
}

fn a_course(world: &World, code: &str) -> Course {
    Course {
        id: world.id(),
        code: code.into(),
        title: "Writing".into(),
        cost_centre: "arts".into(),
        immediate_feedback: false,
        created_at: world.now(),
    }
}

fn an_assignment(world: &World, course: CourseId, version: RubricVersionId) -> Assignment {
    Assignment {
        id: world.id(),
        course_id: course,
        key: "essay-1".into(),
        title: "Essay".into(),
        kind: AssessmentType::Summative,
        brief: "Write.".into(),
        language: "en".into(),
        rubric_version_id: version,
        opens_at: None,
        closes_at: Some(world.now() + TimeDelta::days(1)),
        marks_by: None,
        max_drafts: 3,
        min_words: Some(300),
        max_words: None,
        citations: true,
        release: ReleasePolicy::OnApproval,
        resources: vec![Resource { title: "Guide".into(), url: "https://example.edu/guide".into() }],
        near_draft_percent: Some(2),
        prompt_version: 2,
        created_at: world.now(),
    }
}

async fn all(db: &mut Db, world: &World) -> (Course, Assignment) {
    let course = a_course(world, "W101");
    store::insert_course(db, &course).await.unwrap();
    let (version, new) = store::put_rubric(db, world, course.id, "essay", &a_rubric("Essay")).await.unwrap();
    assert!(new);
    let assignment = an_assignment(world, course.id, version.id);
    store::insert_assignment(db, &assignment).await.unwrap();
    (course, assignment)
}

#[tokio::test]
async fn what_is_written_is_read_again() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let (mut course, mut assignment) = all(&mut db, &world).await;
        assert_eq!(store::course(&mut db, course.id).await.unwrap().as_ref(), Some(&course));
        assert_eq!(store::course_by_code(&mut db, "W101").await.unwrap().as_ref(), Some(&course));
        assert_eq!(store::assignment(&mut db, assignment.id).await.unwrap().as_ref(), Some(&assignment));
        let by_key = store::assignment_by_key(&mut db, course.id, "essay-1").await.unwrap();
        assert_eq!(by_key.as_ref(), Some(&assignment));
        assert_eq!(store::assignments_of(&mut db, course.id).await.unwrap(), [assignment.clone()]);

        course.immediate_feedback = true;
        course.title = "Writing 101".into();
        store::update_course(&mut db, &course).await.unwrap();
        assert_eq!(store::courses(&mut db).await.unwrap(), [course.clone()]);
        assignment.marks_by = Some(world.now() + TimeDelta::days(2));
        assignment.kind = AssessmentType::FinalExam;
        assignment.resources.clear();
        store::update_assignment(&mut db, &assignment).await.unwrap();
        assert_eq!(store::assignment(&mut db, assignment.id).await.unwrap().as_ref(), Some(&assignment));

        // The same code or key twice, and changing what is not there.
        let twin = a_course(&world, "W101");
        let taken = store::insert_course(&mut db, &twin).await.unwrap_err();
        assert!(matches!(taken, CourseError::Db(e) if e.is_unique_violation()));
        assert!(matches!(
            store::update_course(&mut db, &a_course(&world, "X")).await,
            Err(CourseError::NoCourse(_))
        ));
        let twin = Assignment { id: world.id(), ..assignment.clone() };
        assert!(store::insert_assignment(&mut db, &twin).await.is_err());
        assert!(store::update_assignment(&mut db, &twin).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_rubric_gets_a_version_only_when_it_changes() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let (course, _) = all(&mut db, &world).await;
        let put = async |db: &mut Db, rubric: &Rubric| {
            let (version, new) = store::put_rubric(db, &world, course.id, "essay", rubric).await.unwrap();
            (version.number, new)
        };
        assert_eq!(put(&mut db, &a_rubric("Essay")).await, (1, false));
        assert_eq!(put(&mut db, &a_rubric("Essay, stricter")).await, (2, true));
        assert_eq!(put(&mut db, &a_rubric("Essay, stricter")).await, (2, false));
        assert_eq!(put(&mut db, &a_rubric("Essay")).await, (3, true));
        let newest = store::newest_rubric(&mut db, course.id, "essay").await.unwrap().unwrap();
        assert_eq!((newest.number, newest.rubric), (3, a_rubric("Essay")));
        assert_eq!(store::newest_rubric(&mut db, course.id, "other").await.unwrap(), None);
        let bad = Rubric { criteria: vec![], ..a_rubric("Essay") };
        let refused = store::put_rubric(&mut db, &world, course.id, "essay", &bad).await.unwrap_err();
        assert!(refused.to_string().contains("1 to 40 criteria"), "{refused}");
        assert!(store::put_rubric(&mut db, &world, course.id, "no key!", &a_rubric("E")).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_context_is_kept_until_forgotten() {
    each_db(async |mut db| {
        let (world, _) = still_world();
        let (course, mut assignment) = all(&mut db, &world).await;
        let courses = Courses::new(db.clone());
        let context = courses.context(assignment.id).await.unwrap().unwrap();
        assert_eq!((&context.course, &context.assignment), (&course, &assignment));
        assert_eq!((context.rubric_number, &context.rubric), (1, &a_rubric("Essay")));
        assignment.title = "Essay, again".into();
        store::update_assignment(&mut db, &assignment).await.unwrap();
        assert_eq!(courses.context(assignment.id).await.unwrap().unwrap().assignment.title, "Essay");
        courses.forget(assignment.id).await;
        assert_eq!(courses.context(assignment.id).await.unwrap().unwrap().assignment.title, "Essay, again");
        courses.forget_all();
        assert_eq!(courses.context(world.id()).await.unwrap(), None);
    })
    .await;
}

#[test]
fn the_window_opens_and_closes() {
    let (world, _) = still_world();
    let now = world.now();
    let hour = TimeDelta::hours(1);
    let mut a = an_assignment(&world, world.id(), world.id());
    (a.opens_at, a.closes_at, a.max_drafts) = (Some(now), Some(now + hour), 2);
    assert_eq!(may_hand_in(&a, now, 0), Ok(1));
    assert_eq!(may_hand_in(&a, now, 1), Ok(0));
    assert_eq!(may_hand_in(&a, now, 2), Err(HandInRefused::NoDraftLeft { max: 2 }));
    assert_eq!(
        may_hand_in(&a, now - TimeDelta::microseconds(1), 0),
        Err(HandInRefused::NotOpenYet { opens: now })
    );
    assert_eq!(may_hand_in(&a, now + hour - TimeDelta::microseconds(1), 0), Ok(1));
    assert_eq!(may_hand_in(&a, now + hour, 0), Err(HandInRefused::Closed { closed: now + hour }));
    (a.opens_at, a.closes_at) = (None, None);
    assert_eq!(may_hand_in(&a, now + hour * 24 * 365, 0), Ok(1));
    let text = HandInRefused::Closed { closed: now }.to_string();
    assert!(text.contains("25 November 2026 at 10:00 UTC"), "{text}");
}

#[test]
fn bad_assignments_are_named() {
    let (world, _) = still_world();
    let good = an_assignment(&world, world.id(), world.id());
    assert_eq!(good.wrongs(), Vec::<String>::new());
    let now = world.now();
    type Spoil<'a> = &'a dyn Fn(&mut Assignment);
    let cases: &[(&str, Spoil<'_>)] = &[
        ("key", &|a| a.key = "a b".into()),
        ("title", &|a| a.title = " ".into()),
        ("brief is empty", &|a| a.brief = "\n".into()),
        ("20000 are possible", &|a| a.brief = "x".repeat(20_001)),
        ("language", &|a| a.language = "english!".into()),
        ("max_drafts", &|a| a.max_drafts = 0),
        ("closes", &|a| (a.opens_at, a.closes_at) = (Some(now), Some(now))),
        ("marks are needed", &|a| (a.opens_at, a.marks_by) = (Some(now), Some(now))),
        ("min_words is 0", &|a| a.min_words = Some(0)),
        ("is more than", &|a| (a.min_words, a.max_words) = (Some(5), Some(4))),
        ("near_draft_percent is 11", &|a| a.near_draft_percent = Some(11)),
        ("near_draft_percent is -1", &|a| a.near_draft_percent = Some(-1)),
        ("there is no version 0 of the prompt", &|a| a.prompt_version = 0),
        ("http", &|a| a.resources[0].url = "javascript:alert(1)".into()),
        ("no title", &|a| a.resources[0].title = String::new()),
    ];
    for (word, spoil) in cases {
        let mut bad = good.clone();
        spoil(&mut bad);
        let wrongs = bad.wrongs();
        assert!(wrongs.len() == 1 && wrongs[0].contains(word), "{word}: {wrongs:?}");
    }
    assert_eq!(a_course(&world, "").wrongs().len(), 1);
    assert_eq!(Course { title: String::new(), ..a_course(&world, "A") }.wrongs().len(), 1);
}
