//! Drafts that hardly differ from one that was marked, on both databases.

use super::*;
use crate::plan::Workload;

/// So many sentences, each with words of its own.
fn essay(sentences: usize) -> String {
    (0..sentences).map(|n| format!("Point{n} is that reason{n} helps people{n} to learn{n}. ")).collect()
}

/// An assignment in which a draft may have changed so much and keep its marks.
async fn allowing(house: &House, percent: Option<i64>) -> Assignment {
    let world = house.engine.world().clone();
    let id = world.id();
    let assignment = Assignment {
        id,
        key: format!("drafts-{}", id.0.simple()),
        // Else it would ask the same as another one.
        brief: format!("Write {}.", id.0),
        near_draft_percent: percent,
        ..house.assignment.clone()
    };
    course::store::insert_assignment(&mut house.engine.db(), &assignment).await.unwrap();
    assignment
}

/// A student hands in the essay, and it is marked.
async fn marked(house: &House, student: usize, assignment: &Assignment) -> Handed {
    let first = hand_in(house, student, assignment, &essay(20)).await;
    let batch = cut(house).await[0];
    let mark = json!({"level": "strong", "evidence": [1, 3], "comment": "Clear."});
    let said = json!({"criteria": {"position": mark}, "feedback": "Good.", "next_step": "Go on.", "confidence": 0.9});
    back(house, batch.0, &said.to_string()).await;
    first
}

#[tokio::test]
async fn a_draft_that_hardly_differs_keeps_its_marks_where_the_instructor_allows_it() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let assignment = allowing(&house, Some(2)).await;
        let first = marked(&house, 0, &assignment).await;
        // A word in the first sentence, which a mark quotes.
        let text = essay(20).replacen("reason0", "cause0", 1);
        let draft = hand_in(&house, 0, &assignment, &text).await;
        assert!(cut(&house).await.is_empty(), "no model is asked");
        let view = house.engine.submission(&draft.student, &draft.tracking_id).await.unwrap();
        assert_eq!(view.submission.state, SubmissionState::Completed);
        let borrowed = view.borrowed.expect("the student is told");
        assert_eq!((borrowed.kept_from(), borrowed.draft), (Some(1), 1));
        let (paid, held) = money(&house, &first).await;
        assert_eq!((borrowed.saved, held), (paid, NanoUsd::ZERO));
        assert_eq!(money(&house, &draft).await, (NanoUsd::ZERO, NanoUsd::ZERO));
        // What it quotes is there word for word.
        let evidence = &view.assessment.unwrap().marks.0.criteria[0].evidence;
        assert_eq!(evidence.iter().map(|e| e.sentence).collect::<Vec<_>>(), [3]);
        assert_eq!(&text[evidence[0].start as usize..evidence[0].end as usize], evidence[0].quote);
        let why: Vec<String> = lines(&house, &draft).await.into_iter().filter_map(|line| line.note).collect();
        assert!(why.iter().any(|why| why.contains("next to nothing changed")), "{why:?}");
        let month = house.engine.now().format("%Y-%m").to_string();
        let told = &house.engine.reused(&Actor::System, &month).await.unwrap().courses[0];
        assert_eq!((told.answers, told.near_drafts, told.near_drafts_saved), (1, 1, paid));
        // What the plan measures of evidence by sentence number is of answers that were asked for.
        let plan = house.engine.plan(&Actor::System, &Workload::REFERENCE, None, None).await.unwrap();
        let evidence = plan.evidence.unwrap();
        assert_eq!(evidence.answers, 1);
        assert!(evidence.output_tokens_saved > 0 && evidence.input_tokens_added > 0, "{evidence:?}");
    })
    .await;
}

#[tokio::test]
async fn it_is_held_against_the_newest_draft_that_was_marked() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let assignment = allowing(&house, Some(2)).await;
        marked(&house, 0, &assignment).await;
        let second = hand_in(&house, 0, &assignment, &essay(12)).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Shorter.")).await;
        // Nearly the first one again.
        hand_in(&house, 0, &assignment, &essay(20).replacen("reason0", "cause0", 1)).await;
        assert_eq!(cut(&house).await.len(), 1, "a model is asked");
        assert_eq!(job(&house, &second).await.state, JobState::Done);
    })
    .await;
}

#[tokio::test]
async fn marks_that_wait_for_approval_are_not_released_by_a_small_change() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let assignment = allowing(&house, Some(2)).await;
        let first = hand_in(&house, 0, &assignment, &essay(20)).await;
        let hold = "UPDATE model_jobs SET hold = TRUE WHERE id = $1";
        change(&db, hold, first.job).await;
        let batch = cut(&house).await[0];
        back(&house, batch.0, &marks("Held.")).await;
        let view = house.engine.submission(&first.student, &first.tracking_id).await.unwrap();
        assert_eq!(view.submission.state, SubmissionState::InReview);
        let near = |n: usize| essay(20).replacen(&format!("reason{n}"), "cause", 1);
        let held = hand_in(&house, 0, &assignment, &near(1)).await;
        change(&db, hold, held.job).await;
        assert!(cut(&house).await.is_empty(), "it waits for approval as well");
        let view = house.engine.submission(&held.student, &held.tracking_id).await.unwrap();
        assert_eq!((view.submission.state, view.borrowed), (SubmissionState::InReview, None), "not told yet");
        hand_in(&house, 0, &assignment, &near(2)).await;
        assert_eq!(cut(&house).await.len(), 1, "a model is asked");
    })
    .await;
}

#[tokio::test]
async fn where_answers_are_not_given_again_no_draft_keeps_its_marks() {
    each_db(async |db| {
        let settings = Settings { reuse_answers: false, ..Settings::default() };
        let house = house_set(db.clone(), Mailer::off(), &["openai"], settings).await;
        let assignment = allowing(&house, Some(2)).await;
        marked(&house, 0, &assignment).await;
        hand_in(&house, 0, &assignment, &essay(20).replacen("reason0", "cause0", 1)).await;
        assert_eq!(cut(&house).await.len(), 1, "a model is asked");
    })
    .await;
}

#[tokio::test]
async fn many_small_changes_do_not_add_up() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let assignment = allowing(&house, Some(2)).await;
        marked(&house, 0, &assignment).await;
        // 160 words: three may change.
        let change = |text: &str, n: usize| text.replacen(&format!("reason{n}"), "cause", 1);
        let text = (1..=3).fold(essay(20), |text, n| change(&text, n));
        hand_in(&house, 0, &assignment, &text).await;
        assert!(cut(&house).await.is_empty());
        let third = hand_in(&house, 0, &assignment, &change(&text, 4)).await;
        assert_eq!(cut(&house).await.len(), 1, "it is held against the draft that was marked");
        assert_eq!(job(&house, &third).await.state, JobState::Batched);
    })
    .await;
}

#[tokio::test]
async fn a_draft_is_marked_anew_wherever_that_is_not_plainly_allowed() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let (allows, not) = (allowing(&house, Some(2)).await, allowing(&house, None).await);
        marked(&house, 0, &not).await;
        marked(&house, 1, &allows).await;
        let near = essay(20).replacen("reason0", "cause0", 1);
        let asked = async |student, assignment: &Assignment, text: &str| {
            hand_in(&house, student, assignment, text).await;
            let batches = cut(&house).await;
            for (batch, _) in &batches {
                back(&house, *batch, &marks("Anew.")).await;
            }
            !batches.is_empty()
        };
        assert!(asked(0, &not, &near).await, "the instructor does not allow it");
        assert!(asked(2, &allows, &near).await, "it is another student's");
        assert!(asked(1, &allows, &essay(16)).await, "much changed");
        // The rubric changed since.
        let mut rubric = house.engine.marking(allows.id).await.unwrap().context.rubric.clone();
        rubric.title = "Another".into();
        let world = house.engine.world().clone();
        let (version, _) =
            course::store::put_rubric(&mut db.clone(), &world, allows.course_id, "essay", &rubric)
                .await
                .unwrap();
        let other = Assignment { rubric_version_id: version.id, brief: "Write anew.".into(), ..allows };
        course::store::update_assignment(&mut db.clone(), &other).await.unwrap();
        house.engine.courses().forget_all();
        assert!(asked(1, &other, &essay(16).replacen("reason0", "cause0", 1)).await, "the brief changed");
    })
    .await;
}
