//! Pages of dead letters: the list, and one with its history and its request.

use super::{
    Pages,
    common::{count, failed, page_number, paging, per_page},
};
use quire_app::{
    data::{PageError, PageResult},
    view, words,
};
use quire_engine::{
    identity::Actor,
    recovery::{Cause, DeadLetter, Filter, Happening, MOST_DECIDED, MOST_OUTPUT, Opened, Payload, What},
    routing::Route,
    store::DeadLetterId,
    submission::Attempt,
};

/// The filter that a page asks for.
pub(crate) fn filter(asked: &view::LetterFilter) -> PageResult<Filter> {
    let invalid = |what: &str, text: &str| PageError::Invalid {
        message: format!("“{text}” is not {what}. Go back and choose from the list."),
    };
    let cause = match &asked.cause {
        None => None,
        Some(text) => Some(
            Cause::ALL
                .into_iter()
                .find(|cause| cause.name() == text)
                .ok_or_else(|| invalid("a cause", text))?,
        ),
    };
    let assignment = match &asked.assignment {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| invalid("an assignment", text))?),
    };
    let open = match asked.state {
        view::LetterState::Open => Some(true),
        view::LetterState::Resolved => Some(false),
        view::LetterState::All => None,
    };
    Ok(Filter { open, cause, provider: asked.provider.clone(), assignment, until: None })
}

impl Pages {
    pub(super) async fn dead_letters_of(
        &self,
        actor: &Actor,
        asked: view::LetterFilter,
        page: u64,
    ) -> PageResult<view::DeadLetters> {
        let filter = filter(&asked)?;
        // Read before the list: what dies meanwhile is listed, but is no part of "all that match".
        let as_of = self.engine.now();
        let list = self
            .engine
            .dead_letters(actor, &filter, page_number(page), per_page())
            .await
            .map_err(|e| failed(&e))?;
        let (providers, assignments) =
            self.engine.dead_letter_choices(actor).await.map_err(|e| failed(&e))?;
        Ok(view::DeadLetters {
            letters: list.rows.iter().map(dead_letter).collect(),
            causes: Cause::ALL.map(|cause| (cause.name().to_owned(), cause.title().to_owned())).to_vec(),
            providers,
            assignments: assignments.into_iter().map(|(id, title)| (id.to_string(), title)).collect(),
            as_of,
            most: MOST_DECIDED as u64,
            ways: self.letter_ways(),
            paging: paging(list.page, list.per_page, list.total),
        })
    }

    pub(super) async fn dead_letter_of(
        &self,
        actor: &Actor,
        id: DeadLetterId,
        show_text: bool,
    ) -> PageResult<view::OpenedLetter> {
        let opened = self.engine.dead_letter(actor, id, show_text).await.map_err(|e| failed(&e))?;
        let Opened { letter, course, history, payload } = opened;
        Ok(view::OpenedLetter {
            course,
            meaning: letter.cause.meaning().to_owned(),
            history: history.into_iter().map(happened).collect(),
            payload: self.payload(payload),
            ways: self.letter_ways(),
            letter: dead_letter(&letter),
        })
    }

    fn payload(&self, payload: Payload) -> view::LetterPayload {
        let most = MOST_OUTPUT.max(payload.least_output);
        view::LetterPayload {
            template: payload.template,
            max_output: count(payload.max_output),
            output_bounds: (count(payload.least_output), count(most)),
            input_tokens: count(payload.input_tokens),
            words: count(payload.words),
            left_out: payload.left_out.map(|words| words as u64),
            body: payload.body,
            text: payload.text,
        }
    }

    fn letter_ways(&self) -> Vec<view::Way> {
        self.engine
            .models_by_provider()
            .into_iter()
            .map(|(provider, models)| view::Way { provider, models })
            .collect()
    }
}

fn route(route: Route) -> &'static str {
    match route {
        Route::Batch => "in a batch",
        Route::Realtime => "by a call",
    }
}

fn dead_letter(letter: &DeadLetter) -> view::DeadLetter {
    view::DeadLetter {
        id: letter.id.to_string(),
        tracking_id: letter.tracking_id.to_string(),
        assignment: letter.assignment.clone(),
        student: letter.student.to_string(),
        provider: letter.provider.clone(),
        model: letter.model.clone(),
        route: route(letter.route).to_owned(),
        cause: letter.cause.title().to_owned(),
        why: letter.why.clone(),
        advice: letter.cause.advice().to_owned(),
        died_at: letter.died_at,
        recoveries: count(letter.recoveries),
        recover_at: letter.recover_at,
        resolution: letter.resolution.map(|resolution| resolution.title().to_owned()),
        resolved_at: letter.resolved_at,
        resolver: letter.resolver.clone(),
        reason: letter.reason.clone(),
    }
}

fn happened(happening: Happening) -> view::LetterEvent {
    let Happening { at, by, what } = happening;
    let (what, details) = match what {
        What::HandedIn => ("Handed in".to_owned(), Vec::new()),
        What::Attempt(attempt) => sent(&attempt),
        What::Died { cause, why, .. } => {
            ("Ran out of automatic remedies".to_owned(), vec![format!("{}: {why}", cause.title())])
        }
        What::Looked => ("The student’s text was shown".to_owned(), Vec::new()),
        What::Edited { max_output, left_out, reason } => {
            let text = left_out.map_or_else(
                || "the work is sent as handed in".to_owned(),
                |n| format!("{} left out of what is sent", words::counted(n as u64, "word", "words")),
            );
            let output = words::counted(count(max_output), "token", "tokens");
            ("The request was edited".to_owned(), vec![format!("{text}; longest answer {output}"), reason])
        }
        What::Resolved { resolution, reason } => {
            (resolution.title().to_owned(), reason.into_iter().collect())
        }
    };
    view::LetterEvent { at, what, details, by }
}

/// An attempt in words: where it went, and what came of it.
fn sent(attempt: &Attempt) -> (String, Vec<String>) {
    let what = match attempt.route {
        Route::Batch => format!("Sent in a batch to {}, {}", attempt.provider, attempt.model),
        Route::Realtime => format!("Asked by a call: {}, {}", attempt.provider, attempt.model),
    };
    let outcome = match attempt.outcome.as_deref() {
        None => "not ended yet",
        Some("marked") => "marked",
        Some("answered") if attempt.error.is_none() => "marked",
        Some("answered" | "unusable") => "an answer came and could not be used",
        Some("unfinished") => "the batch ended before it was answered",
        Some("lost") => "spent without an answer",
        Some("absent") => "erased",
        Some(_) => "failed",
    };
    let took = attempt
        .ended_at
        .map(|ended| format!(" after {}", quire_app::when::span(ended - attempt.started_at)))
        .unwrap_or_default();
    let said = attempt.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let mut details = vec![words::capital(&format!("{outcome}{took}{said}"))];
    if let Some(batch) = attempt.batch {
        details.push(format!("Batch {batch}"));
    }
    if let Some((read, written)) = attempt.tokens {
        let read = words::counted(count(read), "token", "tokens");
        details.push(format!("{read} read, {} written", words::count(count(written))));
    }
    (what, details)
}
