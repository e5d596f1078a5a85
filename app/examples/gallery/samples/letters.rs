//! Samples of dead letters.

use super::{ago, now, student::ESSAY};
use quire_app::view::*;

fn letter(id: &str, cause: &str, why: &str, advice: &str) -> DeadLetter {
    DeadLetter {
        id: id.to_owned(),
        tracking_id: "QR-TROUBLE".to_owned(),
        assignment: "Essay 2: A letter to the editor".to_owned(),
        student: "tomas.ferreira-villalobos@students.example.edu".to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-6-luna".to_owned(),
        route: "in a batch".to_owned(),
        cause: cause.to_owned(),
        why: why.to_owned(),
        advice: advice.to_owned(),
        died_at: ago(40),
        recoveries: 0,
        recover_at: None,
        resolution: None,
        resolved_at: None,
        resolver: None,
        reason: None,
    }
}

fn letters() -> Vec<DeadLetter> {
    vec![
        letter(
            "dead-one",
            "No answer could be used",
            "the level \"splendid\" of the criterion \"position\" is not one of the rubric",
            "Try again, or send it to another provider; look whether rubric or work are unusual.",
        ),
        DeadLetter {
            recoveries: 1,
            recover_at: Some(ago(-35)),
            ..letter(
                "dead-two",
                "The provider failed",
                "the provider failed (503): overloaded",
                "See whether the provider answers others; else send it to another provider.",
            )
        },
        DeadLetter {
            resolution: Some("Closed without marks".to_owned()),
            resolved_at: Some(ago(12)),
            resolver: Some("Remi Okafor".to_owned()),
            reason: Some("Your file holds a blank page only. Hand in the essay itself.".to_owned()),
            ..letter("dead-done", "The provider refused it", "the request was refused (400): image only", "")
        },
    ]
}

fn ways() -> Vec<Way> {
    let way = |provider: &str, models: &[&str]| Way {
        provider: provider.to_owned(),
        models: models.iter().map(|&model| model.to_owned()).collect(),
    };
    vec![way("anthropic", &["claude-haiku-5-5"]), way("openai", &["gpt-6-luna", "gpt-6-sol"])]
}

pub fn list(filter: &LetterFilter, page: u64) -> DeadLetters {
    let mut letters = letters();
    letters.retain(|letter| match filter.state {
        _ if filter.narrows() => false,
        LetterState::Open => letter.resolution.is_none(),
        LetterState::Resolved => letter.resolution.is_some(),
        LetterState::All => true,
    });
    let total = letters.len() as u64;
    let pair = |key: &str, text: &str| (key.to_owned(), text.to_owned());
    DeadLetters {
        letters,
        causes: vec![
            pair("provider", "The provider failed"),
            pair("unusable", "No answer could be used"),
            pair("killed", "Processes ended while at work on it"),
        ],
        providers: vec!["anthropic".to_owned(), "openai".to_owned()],
        assignments: vec![pair("essay-2", "Essay 2: A letter to the editor")],
        as_of: now(),
        most: 1_000,
        ways: ways(),
        paging: Paging { page, per_page: 50, total },
    }
}

pub fn one(id: &str, show_text: bool) -> Option<OpenedLetter> {
    let letter = letters().into_iter().find(|letter| letter.id == id)?;
    let event = |minutes: i64, what: &str, details: &[&str], by: Option<&str>| LetterEvent {
        at: ago(minutes),
        what: what.to_owned(),
        details: details.iter().map(|&detail| detail.to_owned()).collect(),
        by: by.map(str::to_owned),
    };
    let mut history = vec![
        event(190, "Handed in", &[], None),
        event(
            150,
            "Sent in a batch to openai, gpt-6-luna",
            &[
                "An answer came and could not be used after 47 min: the level \"splendid\" of the criterion \"position\" is not one of the rubric",
                "Batch 0197a2c4-5b1e-7c3d-9a41-22f0c7d1e9b3",
                "1,318 tokens read, 402 written",
            ],
            None,
        ),
        event(
            40,
            "Ran out of automatic remedies",
            &["No answer could be used: the level \"splendid\" is not one of the rubric"],
            None,
        ),
        event(20, "The student’s text was shown", &[], Some("Remi Okafor")),
    ];
    if letter.resolution.is_some() {
        history.push(event(
            12,
            "Closed without marks",
            &["Your file holds a blank page only. Hand in the essay itself."],
            Some("Remi Okafor"),
        ));
    }
    let text = if show_text { ESSAY } else { "(the student’s text is hidden)" };
    let body = format!(
        "{{\n  \"custom_id\": \"next-0197a2c4\",\n  \"body\": {{\n    \"model\": \"gpt-6-luna\",\n    \"messages\": [\n      {{ \"role\": \"system\", \"content\": \"You mark one piece of student work by a rubric.\" }},\n      {{ \"role\": \"user\", \"content\": {text:?} }}\n    ],\n    \"max_completion_tokens\": 585\n  }}\n}}"
    );
    Some(OpenedLetter {
        letter,
        course: "Writing 101".to_owned(),
        meaning: "Answers came and were paid for, but none gave marks by this rubric: levels or criteria that do not exist, evidence that is not in the work, an answer that was cut off, or a refusal."
            .to_owned(),
        history,
        payload: LetterPayload {
            template: "rubric_v1".to_owned(),
            max_output: 585,
            output_bounds: (585, 32_000),
            input_tokens: 1_318,
            words: 222,
            left_out: show_text.then_some(14),
            body: Some(body),
            text: show_text.then(|| ESSAY.to_owned()),
        },
        ways: ways(),
    })
}
