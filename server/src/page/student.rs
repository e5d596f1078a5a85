//! Pages of students: start page, hand in, one submission, its text, notices.

use super::{
    Pages,
    common::{
        assessment, draft, failed, noun, openness, page_number, paging, per_page, range, score, small, status,
    },
    live,
};
use quire_app::{
    data::{PageError, PageResult, Viewer},
    view,
};
use quire_engine::{
    course::{HandInRefused, Points, ReleasePolicy, may_hand_in},
    identity::{Act, Actor, Role},
    notice::InboxItem,
    queue::Estimate,
    result,
    store::{AssignmentId, SubmissionId},
    submission::{Mine, SubmissionState, SubmissionView, TrackingId, interim},
};

/// Unread notices that the start page shows.
const FEW: i64 = 5;

impl Pages {
    pub(super) async fn home_of(&self, actor: &Actor, viewer: &Viewer) -> PageResult<view::StudentHome> {
        let now = self.engine.now();
        let mine: Vec<(Mine, Option<Estimate>)> = match actor.person_id() {
            Some(person) => self.engine.my_submissions(person).await.map_err(|e| failed(&e))?,
            None => Vec::new(),
        };
        let mut assignments: Vec<(bool, Option<chrono::DateTime<chrono::Utc>>, view::AssignmentItem)> =
            Vec::new();
        let with_courses = self.engine.assignments_as(actor, Role::Student).await.map_err(|e| failed(&e))?;
        for (assignment, course) in with_courses {
            let of_this: Vec<&(Mine, Option<Estimate>)> =
                mine.iter().filter(|(m, _)| m.assignment_id == assignment.id).collect();
            let latest = of_this.iter().max_by_key(|(m, _)| m.draft);
            let drafts = latest.map_or(0, |(m, _)| m.draft);
            let item = view::AssignmentItem {
                id: assignment.id.to_string(),
                title: assignment.title.clone(),
                course: course.title.clone(),
                openness: openness(&assignment, now),
                drafts_left: Some(small(assignment.max_drafts - drafts)),
                latest: latest.map(|(m, e)| item(m, *e)),
            };
            let open = matches!(item.openness, view::Openness::Open { .. });
            assignments.push((!open, assignment.closes_at, item));
        }
        let far = chrono::DateTime::<chrono::Utc>::MAX_UTC;
        assignments.sort_by(|a, b| {
            (a.0, a.1.unwrap_or(far), &a.2.title).cmp(&(b.0, b.1.unwrap_or(far), &b.2.title))
        });
        let notices = if viewer.unread > 0 {
            let inbox = self.engine.inbox(actor, true, 0, FEW).await.map_err(|e| failed(&e))?;
            inbox.items.into_iter().map(notice).collect()
        } else {
            Vec::new()
        };
        Ok(view::StudentHome {
            assignments: assignments.into_iter().map(|(_, _, item)| item).collect(),
            submissions: mine.iter().map(|(m, e)| item(m, *e)).collect(),
            notices,
        })
    }

    pub(super) async fn hand_in_of(&self, actor: &Actor, id: AssignmentId) -> PageResult<view::HandIn> {
        let marking = self.engine.marking(id).await.map_err(|e| failed(&e))?;
        let context = &marking.context;
        self.engine
            .identity()
            .check(actor, &Act::HandIn { course: context.course.id })
            .await
            .map_err(|e| failed(&e))?;
        let assignment = &context.assignment;
        let now = self.engine.now();
        let mine = match actor.person_id() {
            Some(person) => self.engine.my_submissions(person).await.map_err(|e| failed(&e))?,
            None => Vec::new(),
        };
        let earlier: Vec<view::SubmissionItem> =
            mine.iter().filter(|(m, _)| m.assignment_id == id).map(|(m, e)| item(m, *e)).collect();
        let drafts = i64::from(earlier.iter().map(|e| e.draft.number).max().unwrap_or(0));
        let words = |n: Option<i64>| n.map(small);
        Ok(view::HandIn {
            assignment_id: id.to_string(),
            title: assignment.title.clone(),
            course: context.course.title.clone(),
            noun: noun(assignment),
            brief: assignment.brief.clone(),
            openness: openness(assignment, now),
            marks_by: assignment.marks_by,
            words_min: words(assignment.min_words),
            words_max: words(assignment.max_words),
            max_characters: self.limits.characters,
            max_bytes: self.limits.bytes,
            file_types: ["txt", "md", "docx", "pdf", "html"].map(str::to_owned).to_vec(),
            drafts_left: Some(small(assignment.max_drafts - drafts)),
            keeps_marks: assignment.near_draft_percent.is_some()
                && self.engine.settings().reuse_answers
                && earlier.iter().any(|e| e.status == view::Status::Completed),
            replaces_waiting: earlier.first().is_some_and(|e| e.status == view::Status::Queued),
            earlier,
            criteria: context
                .rubric
                .criteria
                .iter()
                .map(|c| view::CriterionOutline {
                    name: c.title.clone(),
                    description: c.description.clone(),
                    score: score(Points(0), c.most()),
                })
                .collect(),
            form_token: self.engine.world().secret_uuid().to_string(),
        })
    }

    pub(super) async fn submission_of(&self, actor: &Actor, id: &TrackingId) -> PageResult<view::Submission> {
        let s = self.engine.submission(actor, id).await.map_err(|e| failed(&e))?;
        self.engine.note_viewed(actor, &s).await.map_err(|e| failed(&e))?;
        self.engine.read_notices_about(actor, s.submission.id).await.map_err(|e| failed(&e))?;
        let context = &s.marking.context;
        let assignment = &context.assignment;
        let now = self.engine.now();
        let all = self.engine.my_submissions(s.submission.student_id).await.map_err(|e| failed(&e))?;
        let newest = all
            .iter()
            .filter(|(m, _)| m.assignment_id == assignment.id)
            .max_by_key(|(m, _)| m.draft)
            .map(|(m, _)| m);
        let last_draft = newest.map_or(s.submission.draft, |m| m.draft);
        let replace = match may_hand_in(assignment, now, last_draft) {
            Ok(left) => Some(view::Replace { until: assignment.closes_at, left: Some(small(left + 1)) }),
            Err(
                HandInRefused::NotOpenYet { .. }
                | HandInRefused::Closed { .. }
                | HandInRefused::NoDraftLeft { .. },
            ) => None,
        };
        let mut reach = vec![view::Reach::Platform];
        if let Some(person) = actor.person() {
            reach.push(view::Reach::Email(person.email.to_string()));
        }
        let outcome = match s.assessment.as_ref().filter(|a| a.released_at.is_some()) {
            Some(marks) => {
                let before = match s.submission.previous_id {
                    Some(previous) => self.released(previous).await?,
                    None => None,
                };
                let text = self.engine.submitted_text(actor, id).await.map_err(|e| failed(&e))?;
                Some(view::Outcome {
                    assessment: assessment(
                        &s.marking,
                        marks,
                        before.as_ref(),
                        s.borrowed.and_then(|borrowed| borrowed.kept_from()),
                    ),
                    work: view::Work { words: small(s.submission.words), text },
                })
            }
            None => None,
        };
        Ok(view::Submission {
            tracking_id: s.submission.tracking_id.to_string(),
            course: context.course.title.clone(),
            assignment_id: assignment.id.to_string(),
            assignment: assignment.title.clone(),
            noun: noun(assignment),
            draft: draft(s.submission.draft, assignment.max_drafts),
            submitted_at: s.submission.submitted_at,
            words: small(s.submission.words),
            progress: live::progress(&s),
            interim: interim_of(&s),
            replace,
            reach,
            release: match assignment.release {
                ReleasePolicy::AtOnce => view::Release::AtOnce,
                ReleasePolicy::OnApproval => view::Release::Approved,
            },
            outcome,
            replaced_by: (s.submission.state == SubmissionState::Withdrawn)
                .then(|| newest.filter(|m| m.draft > s.submission.draft).map(|m| m.tracking_id.to_string()))
                .flatten(),
            closed: match s.submission.state {
                SubmissionState::Closed => {
                    let closing = self.engine.closing(s.submission.id).await.map_err(|e| failed(&e))?;
                    closing.map(|(reason, at)| view::Closed { reason, at })
                }
                _ => None,
            },
        })
    }

    /// The released marks of an earlier draft.
    async fn released(&self, id: SubmissionId) -> PageResult<Option<result::Assessment>> {
        let found = result::store::of_submission(&mut self.engine.db(), id).await.map_err(|e| failed(&e))?;
        Ok(found.filter(|a| a.released_at.is_some()))
    }

    pub(super) async fn text_of(&self, actor: &Actor, id: &TrackingId) -> PageResult<view::SubmittedText> {
        let s = self.engine.submission(actor, id).await.map_err(|e| failed(&e))?;
        let text = self.engine.submitted_text(actor, id).await.map_err(|e| failed(&e))?;
        let context = &s.marking.context;
        Ok(view::SubmittedText {
            tracking_id: s.submission.tracking_id.to_string(),
            course: context.course.title.clone(),
            assignment: context.assignment.title.clone(),
            noun: noun(&context.assignment),
            draft: draft(s.submission.draft, context.assignment.max_drafts),
            submitted_at: s.submission.submitted_at,
            file_name: s.submission.file_name.clone(),
            work: view::Work { words: small(s.submission.words), text },
        })
    }

    pub(super) async fn notices_of(&self, actor: &Actor, page: u64) -> PageResult<view::Notices> {
        if actor.person_id().is_none() {
            return Err(PageError::SignIn);
        }
        let page = page_number(page);
        let skip = (page - 1) * per_page();
        let inbox = self.engine.inbox(actor, false, skip, per_page()).await.map_err(|e| failed(&e))?;
        Ok(view::Notices {
            notices: inbox.items.into_iter().map(notice).collect(),
            unread: small(inbox.unread),
            paging: paging(page, per_page(), inbox.total),
        })
    }
}

fn notice(item: InboxItem) -> view::Notice {
    view::Notice {
        id: item.id.to_string(),
        title: item.title.to_owned(),
        body: item.body,
        at: item.at,
        read: item.read,
        href: Some(item.path),
    }
}

fn item(mine: &Mine, estimate: Option<Estimate>) -> view::SubmissionItem {
    view::SubmissionItem {
        tracking_id: mine.tracking_id.to_string(),
        assignment: mine.assignment.clone(),
        course: mine.course.clone(),
        draft: draft(mine.draft, mine.max_drafts),
        submitted_at: mine.submitted_at,
        status: status(mine.state),
        estimate: estimate.map(range),
        score: mine.total.zip(mine.most).map(|(total, most)| score(total, most)),
        unseen: mine.state == SubmissionState::Completed && mine.viewed_at.is_none(),
    }
}

fn remark(remark: &interim::Remark) -> view::Remark {
    view::Remark {
        sign: if remark.good { view::RemarkSign::Fine } else { view::RemarkSign::Look },
        title: remark.title.clone(),
        detail: remark.detail.clone(),
        link: None,
    }
}

fn interim_of(s: &SubmissionView) -> Option<view::Interim> {
    let more = s.interim.as_ref()?;
    let text = format!("/s/{}/text", s.submission.tracking_id);
    let mut remarks: Vec<view::Remark> = s.quick.remarks.iter().map(remark).collect();
    remarks.extend(more.remarks.iter().map(|r| {
        view::Remark {
            link: r
                .paragraph
                .filter(|_| !r.good)
                .map(|n| view::Link { label: format!("See paragraph {n}"), href: format!("{text}#p{n}") }),
            ..remark(r)
        }
    }));
    Some(view::Interim {
        remarks,
        prompts: more.think_about.clone(),
        resources: more
            .resources
            .iter()
            .map(|r| view::Link { label: r.title.clone(), href: r.url.clone() })
            .collect(),
    })
}
