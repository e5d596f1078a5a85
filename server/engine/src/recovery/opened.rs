//! One dead letter with its whole history and the request that would be sent.

use super::{
    Cause, DeadLetter, RemedyError, Resolution, edit,
    store::{self, Edited},
};
use crate::{
    batching,
    engine::Engine,
    identity::{Act, Actor, Denied, IdentityError},
    provider::{CustomId, Keep, Request},
    queue::{self, Job},
    routing::Route,
    store::DeadLetterId,
    submission::{self, Attempt, Submission},
};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Stands in the request for a text that is not shown.
const HIDDEN: &str = "(the student’s text is hidden)";

/// A dead letter with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The dead letter.
    pub letter: DeadLetter,
    /// The course's title.
    pub course: String,
    /// All that happened to its work, the first first.
    pub history: Vec<Happening>,
    /// The request as it would be sent now.
    pub payload: Payload,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Happening {
    /// When.
    pub at: DateTime<Utc>,
    /// The name of the person who did it; none: no person did.
    pub by: Option<String>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// The work was handed in.
    HandedIn,
    /// It was sent to be marked, and how that ended.
    Attempt(Box<Attempt>),
    /// It ran out of automatic remedies.
    Died {
        /// The dead letter.
        id: DeadLetterId,
        /// Of what.
        cause: Cause,
        /// Why, in words.
        why: String,
    },
    /// The request was changed.
    Edited {
        /// Most tokens of the answer from then on.
        max_output: i64,
        /// Words left out of the work; none: it is sent as handed in.
        left_out: Option<usize>,
        /// Why.
        reason: String,
    },
    /// The student's text was shown to someone.
    Looked,
    /// Something was done about it.
    Resolved {
        /// What.
        resolution: Resolution,
        /// Why, in the words of whoever did it.
        reason: Option<String>,
    },
}

/// The request as it would be sent now.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Real time or batch.
    pub route: Route,
    /// The prompt's template and version.
    pub template: String,
    /// Most tokens of the answer.
    pub max_output: i64,
    /// The least that it may be set to.
    pub least_output: i64,
    /// Input tokens, estimated.
    pub input_tokens: i64,
    /// Words of the work as handed in.
    pub words: i64,
    /// Words left out of the work; none: it is sent as handed in.
    pub left_out: Option<usize>,
    /// The request in the provider's own form, laid out for reading, with the text or what stands for it; none where the
    /// provider is not set up any more.
    pub body: Option<String>,
    /// The text that is sent, where it was asked for.
    pub text: Option<String>,
}

impl Engine {
    /// A dead letter with its whole history and the request that would be sent now. That the student's text was shown is
    /// noted in the history.
    ///
    /// # Errors
    /// If there is none for this person, or the database fails.
    pub async fn dead_letter(
        &self,
        actor: &Actor,
        id: DeadLetterId,
        show_text: bool,
    ) -> Result<Opened, RemedyError> {
        self.identity().check(actor, &Act::HandleFailures).await?;
        let mut db = self.db();
        let none = || RemedyError::Identity(IdentityError::Denied(Denied::NotFound));
        let letter = store::find(&mut db, id).await?.ok_or_else(none)?;
        let submission = submission::store::find(&mut db, letter.submission_id).await?.ok_or_else(none)?;
        let job = queue::store::find(&mut db, letter.job_id).await?.ok_or_else(none)?;
        if show_text {
            store::insert_look(&mut db, self.world(), id, actor.person()).await?;
        }
        let sent =
            submission::store::as_sent(&mut db, &[letter.submission_id]).await?.pop().ok_or_else(none)?;
        let marking = self.marking(letter.assignment_id).await?;
        let work = sent.handed_in.as_deref().unwrap_or(&sent.text);
        let history = self.happenings(&letter, &submission, work).await?;
        let payload = Payload {
            provider: job.provider.clone(),
            model: job.model.clone(),
            route: job.route,
            template: marking.template(),
            max_output: job.max_output.max(i64::from(marking.stable.max_output_tokens)),
            least_output: i64::from(marking.stable.max_output_tokens),
            input_tokens: job.input_tokens,
            words: submission.words,
            left_out: sent.handed_in.as_deref().and_then(|work| edit::left_out(work, &sent.text).ok()),
            body: self.body(&job, &marking, &sent.text, show_text).await?,
            text: show_text.then_some(sent.text),
        };
        Ok(Opened { letter, course: marking.context.course.title.clone(), history, payload })
    }

    /// The request in its provider's form.
    async fn body(
        &self,
        job: &Job,
        marking: &crate::engine::Marking,
        text: &str,
        show_text: bool,
    ) -> Result<Option<String>, RemedyError> {
        let Ok(entry) = self.provider(&job.provider) else { return Ok(None) };
        let mut prompt = marking.request(text, job.max_output);
        if !show_text {
            prompt.work = HIDDEN.to_owned();
        }
        let batch = match job.batch_id {
            Some(batch) => batching::store::find(&mut self.db(), batch).await?,
            None => None,
        };
        let keep = batch.as_ref().map_or(Keep::Short, |batch| batch.prefix_cache);
        let token = batch.map_or_else(|| "next".to_owned(), |batch| batch.token);
        let custom_id = CustomId::new(&token, job.id);
        let request = Request { model: Arc::from(&*job.model), prompt, keep };
        let mut line = Vec::new();
        entry.provider.write_request(&mut line, &custom_id, &request);
        let laid_out = serde_json::from_slice::<serde_json::Value>(&line)
            .and_then(|value| serde_json::to_string_pretty(&value))
            .unwrap_or_else(|_| String::from_utf8_lossy(&line).into_owned());
        Ok(Some(laid_out))
    }

    async fn happenings(
        &self,
        letter: &DeadLetter,
        submission: &Submission,
        work: &str,
    ) -> Result<Vec<Happening>, RemedyError> {
        let mut db = self.db();
        let happened = |at, what| Happening { at, by: None, what };
        let mut history = vec![happened(submission.submitted_at, What::HandedIn)];
        let attempts = self.attempts(letter.job_id).await?;
        history.extend(
            attempts
                .into_iter()
                .map(|attempt| happened(attempt.started_at, What::Attempt(Box::new(attempt)))),
        );
        for death in store::of_job(&mut db, letter.job_id).await? {
            let what = What::Died { id: death.id, cause: death.cause, why: death.why };
            history.push(happened(death.died_at, what));
            if let Some((resolution, at)) = death.resolution.zip(death.resolved_at) {
                let what = What::Resolved { resolution, reason: death.reason };
                history.push(Happening { at, by: death.resolver, what });
            }
        }
        for Edited { made_at, editor, reason, max_output, text } in
            store::edits(&mut db, letter.job_id).await?
        {
            let left_out = text.and_then(|text| edit::left_out(work, &text).ok());
            let what = What::Edited { max_output, left_out, reason };
            history.push(Happening { at: made_at, by: editor, what });
        }
        for (at, by) in store::looks(&mut db, letter.job_id).await? {
            history.push(Happening { at, by, what: What::Looked });
        }
        history.sort_by_key(|happening| (happening.at, happening.what.order()));
        Ok(history)
    }
}

impl What {
    /// The order of what happened in one moment.
    const fn order(&self) -> u8 {
        match self {
            Self::HandedIn => 0,
            Self::Attempt(_) => 1,
            Self::Died { .. } => 2,
            Self::Looked => 3,
            Self::Edited { .. } => 4,
            Self::Resolved { .. } => 5,
        }
    }
}
