//! Samples of prompts and trials.

use super::now;
use chrono::TimeDelta;
use quire_app::data::RefusedForm;
use quire_app::view::*;

fn taken(answers: u64, input_tokens: u64, output_tokens: u64) -> Taken {
    let thousand = Some(NanoUsd(((input_tokens * 50 + output_tokens * 250) * 1_000) as i64));
    Taken { answers, input_tokens, output_tokens, thousand }
}

fn agreement(works: u64, kappa: f64, verdict: Verdict, words: &str) -> Agreement {
    Agreement {
        works,
        kappa: (works > 0).then_some(kappa),
        difference: -0.125,
        same: 0.62,
        verdict,
        words: words.to_owned(),
    }
}

fn trial(id: &str, marker: (&str, i64), state: TrialState) -> Trial {
    let done = if state == TrialState::Running { 14 } else { 38 };
    let equal = agreement(
        34,
        0.86,
        Verdict::Equal,
        "Judged equal: kappa is at least 0.70, and the means are at most 0.15 standard deviations apart.",
    );
    let open = agreement(
        14,
        0.91,
        Verdict::Open,
        "Too few to tell: 14 works were marked by both, and 30 are needed.",
    );
    Trial {
        id: id.to_owned(),
        assignment: "W101, Essay 2: a letter to the editor".to_owned(),
        marker: (marker.0.to_owned(), marker.1),
        against: ("gpt-6-luna of openai".to_owned(), 1),
        state,
        started_at: now() - TimeDelta::minutes(if state == TrialState::Running { 1 } else { 190 }),
        works: 40,
        marked: done,
        unusable: u64::from(state == TrialState::Ended),
        unanswered: u64::from(state == TrialState::Ended),
        spent: NanoUsd(9_214_300),
        agreement: if state == TrialState::Running { open } else { equal },
        people: agreement(
            if state == TrialState::Ended { 4 } else { 0 },
            0.78,
            Verdict::Open,
            "Too few to tell: 4 works were marked by both, and 30 are needed.",
        ),
        own: taken(done, 1_584, 236),
        other: taken(done, 1_612, 398),
        saves: Some(0.221),
    }
}

/// Two versions with some trials, a refused form, or a Quire where nothing was marked yet.
pub fn prompts(empty: bool, sent: Option<&RefusedForm>) -> Prompts {
    let version = |number, about: &str, in_use, assignments, measured: Vec<(String, Taken)>| PromptVersion {
        number,
        about: about.to_owned(),
        in_use,
        assignments,
        measured: if empty { Vec::new() } else { measured },
    };
    let longer = "A comment of one or two sentences on each criterion, and feedback of two or three";
    let shorter =
        "Shorter answers: one sentence of at most 20 words on each criterion, and feedback of two short ones";
    let form = |field: &str| sent.and_then(|form| form.value(field)).map(str::to_owned);
    Prompts {
        as_of: now(),
        versions: vec![
            version(
                1,
                longer,
                true,
                14,
                vec![
                    ("gpt-6-luna of openai".to_owned(), taken(12_480, 1_612, 398)),
                    ("claude-haiku-5-5 of anthropic".to_owned(), taken(1_204, 1_930, 431)),
                ],
            ),
            version(2, shorter, false, 0, Vec::new()),
        ],
        adoptions: if empty {
            Vec::new()
        } else {
            vec![PromptAdoption {
                version: 1,
                at: now() - TimeDelta::days(12),
                by: Some("Ines Roth".to_owned()),
                evidence: "a trial of 36 works at gpt-6-luna found a kappa of 0.64: not judged equal"
                    .to_owned(),
            }]
        },
        trials: if empty {
            Vec::new()
        } else {
            vec![
                trial("running", ("claude-haiku-5-5 of anthropic", 1), TrialState::Running),
                trial("ended", ("gpt-6-luna of openai", 2), TrialState::Ended),
                trial("stopped", ("gpt-6-luna of openai", 1), TrialState::Stopped),
            ]
        },
        assignments: if empty {
            Vec::new()
        } else {
            vec![("a1".to_owned(), "W101, Essay 2: a letter to the editor".to_owned())]
        },
        models: vec![
            ("openai/gpt-6-luna".to_owned(), "gpt-6-luna of openai".to_owned()),
            ("anthropic/claude-haiku-5-5".to_owned(), "claude-haiku-5-5 of anthropic".to_owned()),
        ],
        draft: TrialDraft {
            assignment: "a1".to_owned(),
            model: "openai/gpt-6-luna".to_owned(),
            version: "2".to_owned(),
            works: form("works").unwrap_or_else(|| "40".to_owned()),
        },
    }
}

/// One of the trials.
pub fn one(id: &str) -> Option<TrialDetail> {
    let trial = prompts(false, None).trials.into_iter().find(|trial| trial.id == id)?;
    let criterion = |title: &str, exact, kappa| TrialCriterion {
        title: title.to_owned(),
        works: 38,
        exact,
        adjacent: 1.0,
        kappa: Some(kappa),
    };
    let errors = if trial.state == TrialState::Ended {
        vec![
            ("the answer was cut off at the output limit".to_owned(), 1),
            ("the process that asked ended".to_owned(), 1),
        ]
    } else {
        Vec::new()
    };
    Some(TrialDetail {
        as_of: now(),
        criteria: vec![
            criterion("Position", 0.88, 0.9),
            criterion("Support", 0.76, 0.81),
            criterion("Language", 0.82, 0.84),
        ],
        errors,
        trial,
    })
}
