//! Questions to think about, and what to do next.

use super::{Remark, Topic};
use crate::course::AssessmentType;

/// Questions that suit the kind of work.
pub(super) const fn think_about(kind: AssessmentType) -> [&'static str; 3] {
    match kind {
        AssessmentType::FinalExam => [
            "Which of your answers are you most sure of, and why?",
            "Which question would you answer differently with another ten minutes?",
            "What would you look up first, now that it is over?",
        ],
        AssessmentType::Summative => [
            "Which of your reasons would convince someone who disagrees with you?",
            "Where could a reader ask how you know?",
            "What is the one sentence that a reader should remember?",
        ],
        AssessmentType::Formative => [
            "What did you try here that you had not tried before?",
            "Which part was hardest, and what made it so?",
            "On which point would you like advice most?",
        ],
        AssessmentType::Practice => [
            "What went better than last time?",
            "Where did you have to guess?",
            "What would you practise next?",
        ],
        AssessmentType::Draft => [
            "What is still missing before you would call it finished?",
            "Which paragraph could go without being missed?",
            "What would you tell a friend who had written this?",
        ],
        AssessmentType::Quiz => [
            "Which answer did you change, and why?",
            "Which question would you ask someone else, to see if they know?",
            "What do you want to read again?",
        ],
    }
}

/// What to do about what was found: at most three steps, the most useful first.
pub(super) fn next_steps(length: &Remark, remarks: &[Remark], kind: AssessmentType) -> Vec<String> {
    let mut found: Vec<(u32, &str)> =
        remarks.iter().chain([length]).filter(|remark| !remark.good).filter_map(|r| step(r.kind)).collect();
    found.sort_by_key(|&(rank, _)| rank);
    let mut steps: Vec<String> = found.into_iter().take(2).map(|(_, step)| step.to_owned()).collect();
    steps.push(last_step(kind).to_owned());
    steps
}

/// What to do about something that is worth a look, and its rank.
const fn step(topic: Topic) -> Option<(u32, &'static str)> {
    Some(match topic {
        Topic::Empty => (0, "Check that you chose the right file."),
        Topic::Leftover => (1, "Take out the note that you left for yourself."),
        Topic::Language => (2, "Check which language your teacher asks for."),
        Topic::Citations => (3, "Say where your facts come from, as the brief asks."),
        Topic::Length => (4, "Bring your text to the length that the brief asks for."),
        Topic::Repeat => (5, "Keep each thought in one place only."),
        Topic::Structure => (6, "Look at where your paragraphs begin and end."),
        Topic::LongSentence | Topic::Readability => {
            (7, "Read your text aloud and part what is too long for one breath.")
        }
        Topic::Draft => return None,
    })
}

const fn last_step(kind: AssessmentType) -> &'static str {
    match kind {
        AssessmentType::FinalExam | AssessmentType::Quiz => {
            "Rest. There is nothing more that you need to do."
        }
        AssessmentType::Summative => "Note down now what you would say in a conversation about your work.",
        AssessmentType::Formative | AssessmentType::Practice => {
            "Write down one thing that you want to do differently next time."
        }
        AssessmentType::Draft => "Leave it for a day, then read it with fresh eyes.",
    }
}
