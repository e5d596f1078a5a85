//! Handing in: checked, routed, priced, written down, acknowledged (SPEC 1.1 to 1.3).

use super::{
    Content, New, Quick, Submission, SubmissionState, TrackingId, content, interim,
    store::{self, Asked},
    writer::{Entry, WriteError},
};
use crate::{
    course::HandInRefused,
    engine::{Engine, EngineError, Marking},
    identity::{Act, Actor, Denied, Email, IdentityError, Person, Student},
    queue::{self, Estimate, Job, JobState, PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_MEDIUM, Spot, no_hurry},
    routing::{
        self, AssignmentFacts, Decision, Facts, NoProvider, Route, StudentFacts, SubmissionFacts, Urgency,
        UrgencyFacts,
    },
    store::{AssignmentId, Digest, NanoUsd, PersonId, SubmissionId},
};
use chrono::{DateTime, TimeDelta, Utc};

/// Work as it is handed in.
#[derive(Clone, Debug)]
pub struct HandIn {
    /// The assignment.
    pub assignment: AssignmentId,
    /// On whose behalf; none: one's own.
    pub student: Option<Email>,
    /// The text, extracted and cleaned.
    pub text: String,
    /// Name of the file that it came in.
    pub file_name: Option<String>,
    /// A key by which a repeated hand-in is known to be the same.
    pub idempotency: Option<String>,
}

/// What is told at once.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The submission.
    pub submission: Submission,
    /// Where it goes, and why.
    pub decision: Decision,
    /// Its place; none where it no longer waits.
    pub spot: Option<Spot>,
    /// When marks will be there; none where they are, or can't be told.
    pub estimate: Option<Estimate>,
    /// Feedback that needs no model.
    pub quick: Quick,
    /// It was handed in before, under the same key.
    pub repeated: bool,
}

/// Work that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HandInError {
    /// There is no such assignment for this person.
    #[error("There is no such assignment. Check the address, or the account you signed in with.")]
    NoAssignment,
    /// The work holds no words.
    #[error("The work is empty. Nothing was handed in; write or choose your work and try again.")]
    Empty,
    /// The key is too long or holds signs that it can't.
    #[error("The Idempotency-Key must have 1 to 200 visible ASCII characters.")]
    BadKey,
    /// The key was used for other work.
    #[error("This Idempotency-Key was used for other work before. Use a new key for new work.")]
    KeyReused,
    /// The person may not do this.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The assignment takes no work now, or no more drafts.
    #[error(transparent)]
    Refused(#[from] HandInRefused),
    /// Nobody could mark it.
    #[error(transparent)]
    NoProvider(#[from] NoProvider),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<crate::store::DbError> for HandInError {
    fn from(error: crate::store::DbError) -> Self {
        Self::Engine(error.into())
    }
}

/// How often a hand-in whose draft number was taken meanwhile tries the next.
const TRIES: usize = 8;

impl Engine {
    /// Hands work in.
    ///
    /// # Errors
    /// Why the work was not taken; then nothing of it was kept.
    pub async fn hand_in(&self, actor: &Actor, input: HandIn) -> Result<Receipt, HandInError> {
        let marking = self.marking(input.assignment).await.map_err(|error| match error {
            EngineError::Missing { .. } => HandInError::NoAssignment,
            error => error.into(),
        })?;
        let mut student = self.student_of(actor, &marking, input.student.as_ref()).await?;
        if input.text.trim().is_empty() {
            return Err(HandInError::Empty);
        }
        if input.idempotency.as_ref().is_some_and(|key| {
            key.is_empty() || key.len() > 200 || !key.bytes().all(|b| b.is_ascii_graphic())
        }) {
            return Err(HandInError::BadKey);
        }
        let quick = interim::quick(&input.text, &marking.brief);
        let content = content(&input.text);
        let input_tokens = marking.tokens(&input.text);
        let work = Digest::of(&input.text);
        for _ in 0..TRIES {
            let by = actor.person_id().unwrap_or(student.person.id);
            let digest = digest(student.person.id, &input, &work);
            let asked = Asked {
                by,
                key: input.idempotency.clone(),
                assignment: input.assignment,
                student: student.person.id,
            };
            let before = self.earlier().look(asked).await?;
            if let Some((id, assignment, old)) = before.same_key {
                if old != digest || assignment != input.assignment {
                    return Err(HandInError::KeyReused);
                }
                return self.receipt(id, true).await.map_err(Into::into);
            }
            let now = self.now();
            let drafts = before.last.map_or(0, |(_, draft)| draft);
            let left = marking.context.may_hand_in(now, drafts)?;
            let facts =
                self.facts(&marking, &student.person, input_tokens, &quick, content, drafts + 1, left, now);
            let decision = routing::decide(&self.rules(), facts)?;
            let mut entry = self.entry(
                &marking,
                student.clone(),
                by,
                &input,
                (&*digest, &work),
                &quick,
                &decision,
                before.last,
                input_tokens,
                now,
            );
            let spot = self.would_stand(&entry.job);
            let estimate = entry.promise.estimate;
            entry.job.joined = i64::try_from(spot.position).unwrap_or(i64::MAX);
            let submission = entry.new.submission.clone();
            self.note_assigned(&entry.job);
            match self.writer().write(entry).await {
                Ok(()) => {
                    return Ok(Receipt {
                        submission,
                        decision,
                        spot: Some(spot),
                        estimate: Some(estimate),
                        quick,
                        repeated: false,
                    });
                }
                // By another hand-in, or by one who was not known a moment ago.
                Err(WriteError::Taken) => {
                    self.identity().forget_student(&student).await;
                    student = self.student_of(actor, &marking, input.student.as_ref()).await?;
                }
                Err(WriteError::Failed(error)) => {
                    return Err(HandInError::Engine(EngineError::Busy(error.to_string())));
                }
            }
        }
        Err(HandInError::Engine(EngineError::Busy("too many hand-ins of one student at once".to_owned())))
    }

    async fn student_of(
        &self,
        actor: &Actor,
        marking: &Marking,
        student: Option<&Email>,
    ) -> Result<Student, HandInError> {
        let course = marking.context.course.id;
        match (student, actor) {
            (Some(email), _) => {
                self.identity().check(actor, &Act::HandInFor { course }).await.map_err(hide)?;
                Ok(self.identity().student_by_email(actor, course, email).await?)
            }
            (None, Actor::Person { person, .. }) => {
                self.identity().check(actor, &Act::HandIn { course }).await.map_err(hide)?;
                Ok(Student::member(person.clone(), course))
            }
            (None, Actor::System) => Err(HandInError::NoAssignment),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is one of the things that a decision looks at")]
    fn facts(
        &self,
        marking: &Marking,
        student: &Person,
        input_tokens: u64,
        quick: &Quick,
        content: Content,
        draft: i64,
        drafts_left: i64,
        now: DateTime<Utc>,
    ) -> Facts {
        let context = &marking.context;
        let assignment = &context.assignment;
        let load = self.load();
        let output = i64::try_from(marking.usual_output()).unwrap_or(i64::MAX);
        let tier = student.tier;
        Facts {
            urgency: routing::urgency(
                &UrgencyFacts {
                    kind: assignment.kind,
                    marks_by: assignment.marks_by,
                    tier,
                    immediate_feedback: context.course.immediate_feedback,
                },
                now,
            ),
            assignment: AssignmentFacts {
                kind: assignment.kind,
                course: context.course.code.clone(),
                language: assignment.language.clone(),
                criteria: i64::try_from(context.rubric.criteria.len()).unwrap_or(i64::MAX),
                minutes_to_deadline: assignment.marks_by.map(|by| (by - now).num_minutes()),
            },
            submission: SubmissionFacts {
                words: i64::from(quick.words),
                tokens: i64::try_from(input_tokens).unwrap_or(i64::MAX),
                output_tokens: output,
                max_output: i64::from(marking.stable.max_output_tokens),
                draft,
                code: content.code,
                formulas: i64::try_from(content.formulas).unwrap_or(i64::MAX),
                language: content.language.map(str::to_owned),
            },
            student: StudentFacts { tier, drafts_left },
            budget: routing::BudgetFacts {
                used: load.budgets.used(context.course.id),
                left: load.budgets.left(context.course.id),
            },
            policy: self.policy_facts(marking),
            clock: self.clock_facts(now),
            measures: load.measures.of_routing(),
            load: routing::LoadFacts { waiting: load.waiting, sent: load.sent },
            providers: self.provider_facts(
                input_tokens,
                output,
                i64::from(marking.stable.max_output_tokens),
                now,
            ),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each becomes a column")]
    fn entry(
        &self,
        marking: &Marking,
        student: Student,
        by: PersonId,
        input: &HandIn,
        (digest, work): (&str, &Digest),
        quick: &Quick,
        decision: &Decision,
        last: Option<(SubmissionId, i64)>,
        input_tokens: u64,
        now: DateTime<Utc>,
    ) -> Entry {
        let submission = Submission {
            id: self.world().id(),
            tracking_id: TrackingId::new(self.world()),
            assignment_id: input.assignment,
            student_id: student.person.id,
            handed_in_by: by,
            draft: last.map_or(1, |(_, draft)| draft + 1),
            previous_id: last.map(|(id, _)| id),
            state: SubmissionState::Queued,
            submitted_at: now,
            words: i64::from(quick.words),
            file_name: input.file_name.clone(),
            viewed_at: None,
        };
        let gather = match decision.route {
            Route::Realtime => TimeDelta::zero(),
            Route::Batch => {
                TimeDelta::seconds(i64::from(self.settings().lanes.of(decision.lane).gather_seconds))
            }
        };
        let bytes = marking.bytes(&input.text);
        let job = Job {
            id: self.world().id(),
            submission_id: submission.id,
            state: JobState::Queued,
            lane: decision.lane,
            route: decision.route,
            provider: decision.provider.clone(),
            model: decision.model.clone(),
            priority: match decision.facts.urgency {
                Urgency::High => PRIORITY_HIGH,
                Urgency::Medium => PRIORITY_MEDIUM,
                Urgency::Low => PRIORITY_LOW,
            },
            deadline: marking.context.assignment.marks_by.unwrap_or_else(no_hurry),
            arrived_at: now,
            joined: 0,
            ready_at: now + gather,
            input_tokens: i64::try_from(input_tokens).unwrap_or(i64::MAX),
            output_tokens: decision.facts.submission.output_tokens,
            max_output: decision.facts.submission.max_output,
            bytes: bytes.request,
            work_bytes: bytes.work,
            attempt: 0,
            failures: 0,
            kills: 0,
            diverted: 0,
            batch_id: None,
            reserved: NanoUsd::ZERO,
            expected: decision.cost,
            course_id: marking.context.course.id,
            cost_centre: marking.context.course.cost_centre.clone(),
            steps: decision.kept_steps(),
            hold: decision.hold,
        };
        Entry {
            new: New {
                submission,
                idempotency: input.idempotency.clone(),
                text_digest: digest.to_owned(),
                quick: quick.clone(),
                work_digest: work.clone(),
                text: input.text.clone(),
            },
            student,
            promise: self.promise(&job, now),
            job,
            decision: decision.clone(),
            most: decision.most,
        }
    }

    /// The receipt of a submission that is there already.
    pub(crate) async fn receipt(&self, id: SubmissionId, repeated: bool) -> Result<Receipt, EngineError> {
        let mut db = self.db();
        let missing = || EngineError::Missing { what: "a submission", id: id.to_string() };
        let submission = store::find(&mut db, id).await?.ok_or_else(missing)?;
        let (quick, _) = store::interim(&mut db, id).await?.ok_or_else(missing)?;
        let (job, decision, _) = queue::store::of_submission(&mut db, id).await?.ok_or_else(missing)?;
        let (spot, estimate) = self.whereabouts(&job).await?;
        Ok(Receipt { submission, decision, spot, estimate, quick, repeated })
    }
}

/// A course that is not there for a person has no assignment either.
fn hide(error: IdentityError) -> HandInError {
    if matches!(error, IdentityError::Denied(Denied::NotFound)) {
        HandInError::NoAssignment
    } else {
        error.into()
    }
}

/// Digest of what was handed in: the student and the text, with the file's name.
fn digest(student: PersonId, input: &HandIn, work: &Digest) -> String {
    let file_name = input.file_name.as_deref().unwrap_or_default();
    Digest::over(&[student.0.as_bytes(), file_name.as_bytes(), work.bytes()]).to_string()
}
