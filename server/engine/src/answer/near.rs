//! Drafts that hardly differ from one that was marked keep its marks, where the instructor allows it (SPEC 7.5).

use super::store;
use crate::{
    course::ReleasePolicy,
    engine::{Engine, EngineError},
    queue::Job,
    store::{AssignmentId, JobId, SubmissionId, Tx},
    submission::{self, interim::compare_drafts},
};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::HashMap;

/// Why a job was given the answer of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Likeness {
    /// Its request is the same to the letter.
    SameWork,
    /// It is for a draft that hardly differs from one of the same student that was marked.
    NearDraft,
}

impl Likeness {
    /// What the ledger says of money that is given back for it.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::SameWork => "answered by an earlier request for the same work",
            Self::NearDraft => "next to nothing changed since a draft that was marked",
        }
    }
}

/// Whether at most this percentage of a draft's words are not as in the one before: replaced, put in or left out. A word is
/// what stands between spaces; capitals and the punctuation around it don't count. Signs do: in `a + b` and `-5` they are
/// all that matters.
#[must_use]
pub fn is_near(before: &str, now: &str, percent: i64) -> bool {
    // A word that changed takes four runs of four words with it. Texts that share less are not compared word by word, which
    // would take long for those that share little.
    let rough = compare_drafts(before, now);
    let least = u32::try_from(100 - 4 * percent - ROUNDED).unwrap_or(0);
    let short = rough.words_before.max(rough.words_now) < SHORT;
    if !short && (rough.kept_percent < least || rough.new_percent > 100 - least) {
        return false;
    }
    let (before, now) = (words(before), words(now));
    let changed: usize = capture_diff_slices(Algorithm::Myers, &before, &now).iter().map(changed).sum();
    let most = before.len().max(now.len());
    // Whole percent of whole words: of a text of 99 words none may change where 1 % may.
    i64::try_from(changed).unwrap_or(i64::MAX).saturating_mul(100)
        <= percent.saturating_mul(i64::try_from(most).unwrap_or(i64::MAX))
}

/// The words of a text as they are compared.
fn words(text: &str) -> Vec<String> {
    const AROUND: &[char] = &[
        ',', '.', ';', ':', '!', '?', '"', '\'', '“', '”', '„', '‘', '’', '«', '»', '(', ')', '[', ']', '…',
    ];
    let bare = text.split_whitespace().map(|word| word.trim_matches(AROUND));
    bare.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Percent that rounding down may have taken from what two texts share.
const ROUNDED: i64 = 2;

/// Texts of fewer words are compared word by word in any case.
const SHORT: u32 = 200;

/// Words that are not as before.
const fn changed(op: &DiffOp) -> usize {
    match *op {
        DiffOp::Equal { .. } => 0,
        DiffOp::Delete { old_len, .. } => old_len,
        DiffOp::Insert { new_len, .. } => new_len,
        DiffOp::Replace { old_len, new_len, .. } => {
            if old_len > new_len {
                old_len
            } else {
                new_len
            }
        }
    }
}

/// Pairs of drafts whose texts are held at once.
const AT_ONCE: usize = 32;

impl Engine {
    /// Of these jobs, with the assignments whose work they mark, those that are for a draft which hardly differs from the
    /// student's newest that a model marked for itself, by the same prompt: each with the job of that draft. None where the
    /// instructor doesn't allow it. Marks that wait for a person's approval are kept only by work that waits for it too.
    ///
    /// It is held against a draft that was marked for itself, so that many small changes don't add up.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn near_drafts(
        &self,
        tx: &mut Tx,
        jobs: &[Job],
        assignments: &HashMap<JobId, AssignmentId>,
    ) -> Result<HashMap<JobId, JobId>, EngineError> {
        let mut allowed = HashMap::new();
        for job in jobs.iter().filter(|job| job.attempt == 0) {
            let Some(assignment) = assignments.get(&job.id) else { continue };
            let marking = self.marking(*assignment).await?;
            if let Some(percent) = marking.context.assignment.near_draft_percent {
                let held = job.hold || marking.context.assignment.release == ReleasePolicy::OnApproval;
                allowed.insert(job.id, (percent, held, marking));
            }
        }
        if allowed.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<JobId> = allowed.keys().copied().collect();
        // The newest comes last.
        let newest: HashMap<JobId, store::MarkedDraft> =
            store::marked_drafts(tx, &ids).await?.into_iter().map(|draft| (draft.job_id, draft)).collect();
        let same_prompt = |draft: &&store::MarkedDraft| {
            allowed.get(&draft.job_id).is_some_and(|(_, held, marking)| {
                draft.prompt == marking.stable.digest && (draft.released || *held)
            })
        };
        let pairs: Vec<&store::MarkedDraft> = newest.values().filter(same_prompt).collect();
        let mut near = HashMap::new();
        for pairs in pairs.chunks(AT_ONCE) {
            let both: Vec<SubmissionId> = pairs.iter().flat_map(|pair| [pair.before, pair.now]).collect();
            let texts: HashMap<SubmissionId, String> = submission::store::works(tx, &both)
                .await?
                .into_iter()
                .map(|work| (work.id, work.text))
                .collect();
            for pair in pairs {
                let (Some(before), Some(now)) = (texts.get(&pair.before), texts.get(&pair.now)) else {
                    continue;
                };
                let Some((percent, ..)) = allowed.get(&pair.job_id) else { continue };
                if is_near(before, now, *percent) {
                    near.insert(pair.job_id, pair.first_id);
                }
            }
        }
        Ok(near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(words: impl IntoIterator<Item = usize>) -> String {
        words.into_iter().map(|word| format!("Word{word}, ")).collect()
    }

    #[test]
    fn words_that_changed_are_counted() {
        let before = text(0..200);
        let with = |f: &dyn Fn(usize) -> usize| text((0..200).map(f));
        assert!(is_near(&before, &before.to_lowercase().replace(',', ".\n"), 0));
        let one = with(&|n| if n == 70 { 999 } else { n });
        assert!(!is_near(&before, &one, 0) && is_near(&before, &one, 1));
        let three = with(&|n| if n % 70 == 7 { 999 + n } else { n });
        assert!(!is_near(&before, &three, 1) && is_near(&before, &three, 2));
        assert!(!is_near(&before, &text(0..203), 1) && is_near(&before, &text(0..203), 2));
        assert!(!is_near(&before, &text(3..200), 1) && is_near(&before, &text(3..200), 2));
        assert!(!is_near("I think so.", "I don\u{2019}t think so.", 10));
        // Signs are words where they mean something.
        for (before, now) in
            [("a - b", "a + b"), ("i < n", "i <= n"), ("x is -5", "x is 5"), ("1.5 m", "15 m")]
        {
            assert!(!is_near(before, now, 10) && is_near(now, now, 0), "{before} {now}");
        }
        assert!(!is_near(&before, "", 10) && !is_near(&before, &text(1_000..1_200), 10));
    }

    proptest! {
        /// What is looked at roughly first is never turned away where a comparison word by word would not.
        #[test]
        fn the_rough_look_turns_nobody_away(
            changes in prop::collection::vec((0_usize..600, 0_usize..3), 0..40), percent in 0_i64..=10,
        ) {
            let before: Vec<usize> = (0..600).collect();
            let mut now = before.clone();
            let mut most = 0;
            for (n, (place, kind)) in changes.into_iter().enumerate() {
                let place = place.min(now.len() - 1);
                most += 1;
                match kind {
                    0 => now[place] = 10_000 + n,
                    1 => now.insert(place, 10_000 + n),
                    _ => { now.remove(place); }
                }
            }
            let all = before.len().max(now.len());
            if most * 100 <= usize::try_from(percent).unwrap_or(0) * all {
                prop_assert!(is_near(&text(before), &text(now), percent));
            }
        }
    }
}
