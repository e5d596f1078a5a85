#![allow(clippy::unwrap_used)]
use super::*;
use crate::course::{Level, Points};
use proptest::prelude::*;
use serde_json::{Value, json};

fn rubric() -> Rubric {
    let level = |id: &str, points: i64| Level {
        id: id.into(),
        title: id.into(),
        description: String::new(),
        points: Points(points),
    };
    let criterion = |id: &str| Criterion {
        id: id.into(),
        title: id.into(),
        description: String::new(),
        levels: vec![level("weak", 0), level("fair", 250), level("strong", 400)],
    };
    Rubric {
        title: "R".into(),
        criteria: vec![criterion("position"), criterion("support")],
        guidelines: String::new(),
        exemplars: Vec::new(),
    }
}

const WORK: &str = "Computers help us. They bring people together!\n\nBut not all of them.";

fn good() -> Value {
    json!({
        "criteria": {
            "support": {"evidence": [2, 3, 2], "comment": "One example.", "level": "fair"},
            "position": {"evidence": [1], "comment": "Clear.", "level": "strong"},
        },
        "feedback": "Good work.", "next_step": "Add a source.", "confidence": 0.8,
    })
}

fn check(value: &Value) -> Result<Checked, Unusable> {
    marks(&Answer::Json(value.to_string()), &rubric(), WORK)
}

/// The good answer with the value at a JSON pointer replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut answer = good();
    *answer.pointer_mut(pointer).unwrap() = value;
    answer
}

#[test]
fn a_good_answer_becomes_marks() {
    let Checked { marks, notes } = check(&good()).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(marks.total(), Points(650));
    assert_eq!(marks.confidence, Some(0.8));
    let [position, support] = &*marks.criteria else { panic!("{marks:?}") };
    assert_eq!(
        (&*position.criterion, &*position.level, position.points),
        ("position", "strong", Points(400))
    );
    assert_eq!(support.evidence.len(), 2, "twice the same sentence is once");
    assert_eq!(support.evidence[1].quote, "But not all of them.");
    for e in marks.criteria.iter().flat_map(|c| &c.evidence) {
        assert_eq!(&WORK[e.start as usize..e.end as usize], e.quote);
    }
}

#[test]
fn a_code_fence_around_all_is_taken_off() {
    for fence in ["```json\n", "```\n"] {
        let text = format!("{fence}{}\n```\n", good());
        let checked = marks(&Answer::Json(text), &rubric(), WORK).unwrap();
        assert_eq!(checked.notes, [Note::Fenced]);
    }
    let text = format!("Here you are:\n```json\n{}\n```", good());
    assert!(matches!(marks(&Answer::Json(text), &rubric(), WORK), Err(Unusable::NotJson { line: 1, .. })));
}

#[test]
fn what_is_not_exactly_json_is_refused() {
    let text = good().to_string();
    for bad in ["", "no", "{", &text[..text.len() - 2], &format!("{text} and more"), &format!("{text}{text}")]
    {
        let error = marks(&Answer::Json(bad.into()), &rubric(), WORK).unwrap_err();
        assert!(matches!(error, Unusable::NotJson { .. }), "{bad}: {error}");
    }
    let error = marks(&Answer::Json(format!("{text} and more")), &rubric(), WORK).unwrap_err().to_string();
    assert!(error.contains("line 1, column") && error.contains("trailing"), "{error}");
}

#[test]
fn shape_errors_name_their_place() {
    let cases = [
        (with("/criteria/support/evidence", json!("2")), "criteria.support.evidence"),
        (with("/criteria/support/evidence/1", json!("2")), "criteria.support.evidence[1]"),
        (with("/criteria/support/level", json!(3)), "criteria.support.level"),
        (with("/criteria/support", json!({"level": "fair"})), "criteria.support"),
        (with("/criteria/support", json!(null)), "criteria.support"),
        (with("/criteria", json!([])), "criteria"),
        (with("/feedback", json!(null)), "feedback"),
        (with("/confidence", json!("high")), "confidence"),
        (with("/confidence", json!(1.01)), "confidence"),
        (with("/confidence", json!(-0.1)), "confidence"),
        (json!([]), "its top"),
        (json!({}), "its top"),
    ];
    for (answer, place) in cases {
        match check(&answer) {
            Err(Unusable::Schema { path, problem }) => assert_eq!(path, place, "{problem}"),
            other => panic!("{place}: {other:?}"),
        }
    }
    let mut extra = good();
    extra["criteria"]["support"]["points"] = json!(100);
    let error = check(&extra).unwrap_err().to_string();
    assert!(error.contains("criteria.support") && error.contains("points"), "{error}");
    extra = good();
    extra["total"] = json!(100);
    assert!(matches!(check(&extra), Err(Unusable::Schema { .. })));
}

#[test]
fn a_name_given_twice_is_refused() {
    let text = good().to_string();
    for (once, twice) in [
        ("\"support\":", "\"support\":{\"level\":\"weak\",\"evidence\":[],\"comment\":\"x\"},\"support\":"),
        ("\"level\":\"strong\"", "\"level\":\"weak\",\"level\":\"strong\""),
        ("\"feedback\":", "\"feedback\":\"x\",\"feedback\":"),
    ] {
        let bad = text.replacen(once, twice, 1);
        assert_ne!(bad, text);
        let error = marks(&Answer::Json(bad), &rubric(), WORK).unwrap_err();
        assert!(matches!(error, Unusable::Schema { .. }), "{error}");
    }
}

#[test]
fn levels_and_criteria_are_the_rubrics_own() {
    assert_eq!(
        check(&with("/criteria/support/level", json!("Strong"))),
        Err(Unusable::UnknownLevel { criterion: "support".into(), level: "Strong".into() })
    );
    let mut missing = good();
    missing["criteria"].as_object_mut().unwrap().remove("position");
    assert_eq!(check(&missing), Err(Unusable::Missing { criterion: "position".into() }));
    let mut more = good();
    more["criteria"]["style"] = more["criteria"]["support"].clone();
    assert_eq!(check(&more), Err(Unusable::UnknownCriterion { criterion: "style".into() }));
}

#[test]
fn evidence_must_be_in_the_work() {
    let Checked { marks, notes } = check(&with("/criteria/support/evidence", json!([99, 2]))).unwrap();
    assert_eq!(notes, [Note::NoSuchSentence { criterion: "support".into(), number: 99 }]);
    assert_eq!(marks.criteria[1].evidence.len(), 1);
    assert_eq!(
        check(&with("/criteria/support/evidence", json!([0, -1, 4]))),
        Err(Unusable::BadEvidence { wrong: 3, all: 4 })
    );
    assert!(check(&with("/criteria/support/evidence", json!([]))).is_ok());
    let work = "One. ".repeat(30);
    let answer = with("/criteria/support/evidence", json!((1..=30).collect::<Vec<_>>()));
    let checked = super::marks(&Answer::Json(answer.to_string()), &rubric(), &work).unwrap();
    assert_eq!(checked.marks.criteria[1].evidence.len(), MOST_EVIDENCE);
    assert_eq!(checked.notes, [Note::EvidenceCut { criterion: "support".into() }]);
}

#[test]
fn texts_are_cleaned_bounded_and_not_empty() {
    let empty = check(&with("/criteria/support/comment", json!(" \u{202e}\u{0}")));
    assert_eq!(empty, Err(Unusable::Empty { path: "criteria.support.comment".into() }));
    assert_eq!(check(&with("/next_step", json!(""))), Err(Unusable::Empty { path: "next_step".into() }));
    let Checked { marks, notes } =
        check(&with("/feedback", json!("Go\u{202e}od\u{7}\twork.\nMore."))).unwrap();
    assert_eq!(marks.feedback, "Good work.\nMore.");
    assert_eq!(notes, [Note::TextCleaned { path: "feedback".into() }]);
    let Checked { marks, notes } =
        check(&with("/criteria/support/comment", json!("word ".repeat(1000)))).unwrap();
    let comment = &marks.criteria[1].comment;
    assert!(comment.chars().count() <= LONGEST_COMMENT + 1 && comment.ends_with("word…"), "{comment}");
    assert_eq!(notes, [Note::TextCut { path: "criteria.support.comment".into() }]);
}

#[test]
fn other_answers_say_why() {
    let unusable = |answer| marks(&answer, &rubric(), WORK).unwrap_err().to_string();
    assert!(unusable(Answer::Refused("I can't help\u{0}.".into())).ends_with("I can't help."));
    assert!(unusable(Answer::Malformed("no choices".into())).ends_with("no choices"));
    assert!(unusable(Answer::Truncated).contains("output limit"));
    assert!(unusable(Answer::Filtered).contains("filter"));
}

/// Marks, if there are any, are within the rubric whatever the answer said.
fn sound(answer: String) -> Result<(), TestCaseError> {
    let rubric = rubric();
    if let Ok(Checked { marks, .. }) = marks(&Answer::Json(answer), &rubric, WORK) {
        prop_assert_eq!(marks.criteria.len(), rubric.criteria.len());
        for (mark, criterion) in marks.criteria.iter().zip(&rubric.criteria) {
            prop_assert_eq!(&mark.criterion, &criterion.id);
            prop_assert_eq!(criterion.level(&mark.level).map(|(_, level)| level.points), Some(mark.points));
            prop_assert!(!mark.comment.is_empty());
            for e in &mark.evidence {
                prop_assert_eq!(&WORK[e.start as usize..e.end as usize], &e.quote);
            }
        }
        prop_assert!(marks.confidence.is_some_and(|c| (0.0..=1.0).contains(&c)));
        prop_assert!(marks.total() <= rubric.most());
    }
    Ok(())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(weak|fair|strong|support|\\PC{0,9})".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("(level|comment|evidence|support|position|x)", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

const POINTERS: [&str; 14] = [
    "",
    "/criteria",
    "/criteria/support",
    "/criteria/support/level",
    "/criteria/support/evidence",
    "/criteria/support/evidence/0",
    "/criteria/support/comment",
    "/criteria/position",
    "/criteria/position/level",
    "/criteria/position/evidence",
    "/criteria/position/comment",
    "/feedback",
    "/next_step",
    "/confidence",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_value_anywhere_is_sound(place in 0..POINTERS.len(), value in any_json()) {
        sound(with(POINTERS[place], value).to_string())?;
    }

    #[test]
    fn any_bytes_changed_are_sound(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<char>(), 0..3u8), 1..6)) {
        let mut text: Vec<char> = good().to_string().chars().collect();
        for (at, c, how) in changes {
            let at = at.index(text.len());
            match how {
                0 => text[at] = c,
                1 => text.insert(at, c),
                _ => { text.remove(at); }
            }
        }
        sound(text.into_iter().collect())?;
    }

    #[test]
    fn any_text_is_sound(text in "\\PC{0,60}") {
        sound(text)?;
    }
}
