#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn brief() -> Brief {
    Brief {
        min_words: Some(500),
        max_words: Some(700),
        language: Some("en-GB".into()),
        citations_wanted: true,
        resources: vec![Resource { title: "How to cite".into(), url: "https://example.org/cite".into() }],
        kind: AssessmentType::Summative,
    }
}

/// A brief that asks for nothing but the work.
fn open(kind: AssessmentType) -> Brief {
    Brief {
        kind,
        min_words: None,
        max_words: None,
        language: None,
        citations_wanted: false,
        resources: Vec::new(),
    }
}

/// Sentences that all differ, so many words in all.
fn words(count: usize) -> String {
    (0..count)
        .map(|i| if i % 12 == 11 { format!("w{i}. ") } else { format!("w{i} ") })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn about(found: &Interim, topic: Topic) -> Option<&Remark> {
    found.remarks.iter().find(|remark| remark.kind == topic)
}

const ENGLISH: &str = "Computers let us learn about places that we may never see. When my class studied the sea floor, we \
    looked at maps that were drawn only last year. A book from our library could not have shown us that.\n\nThey also \
    bring people together. My grandmother lives in another country, and every Sunday she cooks with us on the screen. \
    Some say that this is not a real meeting. I think that it is more real than a letter that comes after three weeks. \
    We laugh, we burn the onions, and we eat at the same time. Nobody has to travel, and nobody has to be alone, and \
    that is worth a lot to people who are old. My mother says that she knows her own mother better now than she did when \
    they lived in the same town, because they take the time.\n\nOf course there are people who sit in front of a screen \
    all day. But that is a question of habit and not of the machine. A person who never leaves the house can do so with \
    books as well, and nobody asks us to close the libraries. We should learn how to use the screen, and when to shut \
    it.";

#[test]
fn quick_counts_and_compares_length() {
    let found = quick("One two three. Four five!\n\nSix.", &open(AssessmentType::Quiz));
    assert_eq!((found.words, found.sentences, found.paragraphs, found.minutes), (6, 3, 2, 1));
    assert_eq!(found.remarks[0].title, "Your text has 6 words.");
    assert!(found.remarks[0].good);
    let cases = [
        (
            600,
            true,
            "Length fits the brief.",
            "600 words; 500 to 700 were asked for. About three minutes to read.",
        ),
        (500, true, "Length fits the brief.", ""),
        (700, true, "Length fits the brief.", ""),
        (480, false, "A little short.", "480 words; 500 to 700 were asked for. 20 more would do."),
        (100, false, "Shorter than the brief asks.", "400 more"),
        (720, false, "A little long.", "That is 20 too many."),
        (1_500, false, "Longer than the brief asks.", "1,500 words"),
    ];
    for (count, good, title, detail) in cases {
        let remark = quick(&words(count), &brief()).remarks.remove(0);
        assert_eq!((remark.good, &*remark.title), (good, title), "{count}");
        assert!(remark.detail.contains(detail), "{count}: {}", remark.detail);
    }
    let empty = quick("", &brief());
    assert_eq!((empty.words, empty.paragraphs, empty.remarks[0].kind), (0, 0, Topic::Empty));
    let odd = Brief { min_words: Some(u32::MAX), max_words: Some(0), ..brief() };
    assert!(!quick("One.", &odd).remarks[0].good);
}

#[test]
fn a_sound_text_gets_good_remarks() {
    let text = format!("{ENGLISH}\n\nReferences\n\nSmith (2019). Screens.");
    let text = text.replacen("habit and", "habit (Smith, 2019) and", 1);
    let found = full(&text, &brief(), None);
    assert_eq!(found.language.as_deref(), Some("en"));
    for topic in [Topic::Language, Topic::Structure, Topic::Readability, Topic::Citations] {
        assert!(about(&found, topic).unwrap().good, "{:?}", about(&found, topic));
    }
    assert_eq!(
        about(&found, Topic::Structure).unwrap().title,
        "Three paragraphs with an opening and a closing one."
    );
    for topic in [Topic::Repeat, Topic::LongSentence, Topic::Leftover, Topic::Draft] {
        assert_eq!(about(&found, topic), None);
    }
    assert_eq!(found.think_about.len(), 3);
    assert_eq!(found.resources.len(), 1);
}

#[test]
fn languages_are_told_apart() {
    let german = "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen \
        begabt und sollen einander im Geist der Brüderlichkeit begegnen.";
    let found = full(german, &brief(), None);
    assert_eq!(found.language.as_deref(), Some("de"));
    let remark = about(&found, Topic::Language).unwrap();
    assert_eq!(remark.title, "Your text seems to be in German.");
    assert_eq!(remark.detail, "The brief asks for English.");
    assert_eq!(about(&full("Too short.", &brief(), None), Topic::Language), None);
    assert_eq!(language_name("pt-BR"), Some("Portuguese"));
    assert_eq!(language_name("tlh"), None);
}

#[test]
fn repeated_passages_have_places() {
    let passage = "computers help people to learn about many far places";
    let text = format!(
        "At first, {passage}.\n\nThen something else stands here.\n\nAgain, Computers {}!",
        &passage[10..]
    );
    let found = full(&text, &open(AssessmentType::Draft), None);
    let [repeat] = &*found.repeats else { panic!("{:?}", found.repeats) };
    assert_eq!((repeat.words, repeat.first_paragraph, repeat.again_paragraph), (9, 1, 3));
    let at = |(start, end): (u32, u32)| text[start as usize..end as usize].to_lowercase();
    assert_eq!(at(repeat.first).trim_end_matches('.'), passage);
    assert_eq!(at(repeat.again).trim_end_matches('!'), passage);
    let remark = about(&found, Topic::Repeat).unwrap();
    assert_eq!(remark.title, "One passage stands twice.");
    assert!(remark.detail.starts_with("Paragraph 3 repeats paragraph 1: nine words"), "{}", remark.detail);
    assert_eq!(remark.paragraph, Some(3));
    let many = "the same nine words stand here again and again. ".repeat(50);
    assert!(full(&many, &brief(), None).repeats.len() <= 5);
}

#[test]
fn structure_is_looked_at() {
    let title = |text: &str| {
        about(&full(text, &brief(), None), Topic::Structure).map(|r| (r.title.clone(), r.paragraph))
    };
    assert_eq!(title(&words(100)), None);
    assert_eq!(title(&words(200)).unwrap().0, "All of it is one paragraph.");
    let three = format!("{}\n\n{}\n\nThe end.", words(100), words(120));
    assert_eq!(title(&three).unwrap(), ("Your last paragraph is very short.".into(), Some(3)));
    let long = format!("{}\n\n{}", words(100), words(320));
    assert_eq!(title(&long).unwrap(), ("Paragraph 2 is very long.".into(), Some(2)));
    let sentence = format!("Short one. {}.", "word ".repeat(60).trim());
    let remark = full(&sentence, &brief(), None);
    let remark = about(&remark, Topic::LongSentence).unwrap();
    assert_eq!(remark.title, "One sentence is very long.");
    assert!(remark.detail.contains("“word word word word word word…” and has 60 words"), "{}", remark.detail);
    let left = full("A text.\n\nHere [insert quote] it goes on.", &brief(), None);
    assert_eq!(about(&left, Topic::Leftover).unwrap().detail, "“insert” stands in paragraph 2.");
}

#[test]
fn each_kind_of_work_has_its_questions_and_steps() {
    let kinds = [
        AssessmentType::FinalExam,
        AssessmentType::Summative,
        AssessmentType::Formative,
        AssessmentType::Practice,
        AssessmentType::Draft,
        AssessmentType::Quiz,
    ];
    let mut asked = std::collections::BTreeSet::new();
    for kind in kinds {
        let found = full(ENGLISH, &Brief { kind, ..brief() }, None);
        assert!(found.think_about.iter().all(|q| q.ends_with('?')));
        asked.extend(found.think_about);
        assert!((1..=3).contains(&found.next_steps.len()), "{:?}", found.next_steps);
    }
    assert_eq!(asked.len(), 18, "no question is asked of two kinds");
    let found = full(ENGLISH, &brief(), Some(ENGLISH));
    assert!(about(&found, Topic::Draft).unwrap().title.contains("the same text"));
    assert_eq!(found.next_steps[0], "Say where your facts come from, as the brief asks.");
}

#[test]
fn stored_feedback_is_read_again() {
    let (now, later) = (quick(ENGLISH, &brief()), full(ENGLISH, &brief(), Some("Before.")));
    let json = serde_json::to_string(&now).unwrap();
    assert_eq!(serde_json::from_str::<Quick>(&json).unwrap(), now);
    let json = serde_json::to_string(&later).unwrap();
    assert_eq!(serde_json::from_str::<Interim>(&json).unwrap(), later);
}

/// What a remark must be for a student: a sentence, short, in plain words.
fn plain(remark: &Remark) -> Result<(), TestCaseError> {
    prop_assert!(remark.title.ends_with('.') && remark.title.len() < 70, "{}", remark.title);
    prop_assert!(remark.detail.is_empty() || remark.detail.ends_with(['.', '?']), "{}", remark.detail);
    for term in ["token", "LIX", "shingle", "model", "parse", "0 word"] {
        // Titles are ours alone; details quote the student.
        prop_assert!(!remark.title.contains(term), "{}", remark.title);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_text_gets_plain_remarks(
        text in "([a-zA-Z]{1,9}[ .,!?]{1,2}|\\PC|\\n\\n|\\(Smith, 2019\\)|[(\\[)\\]]|的。|ไทย){0,150}",
        last in proptest::option::of("([a-z]{1,9} ){0,30}"),
    ) {
        let now = quick(&text, &brief());
        let found = full(&text, &brief(), last.as_deref());
        for remark in now.remarks.iter().chain(&found.remarks) {
            plain(remark)?;
            prop_assert!(remark.paragraph.is_none_or(|p| (1..=now.paragraphs.max(1)).contains(&p)), "{remark:?}");
        }
        for repeat in &found.repeats {
            prop_assert!(text.get(repeat.first.0 as usize..repeat.first.1 as usize).is_some());
            prop_assert!(text.get(repeat.again.0 as usize..repeat.again.1 as usize).is_some());
        }
    }
}
