//! The sentences that simulated comments are made of. Each says that it is simulated.

use super::work::Work;

/// How a piece of work does, for choosing words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Early,
    Sound,
    Strong,
}

impl Standing {
    fn of(quality: f64) -> Self {
        match quality {
            q if q < 0.4 => Self::Early,
            q if q < 0.72 => Self::Sound,
            _ => Self::Strong,
        }
    }
}

/// A comment on one criterion. `level` is how well it is met, from 0 to 1; `pick` chooses among wordings.
pub(crate) fn comment(criterion: Option<&str>, level: f64, work: &Work, pick: u64) -> String {
    let about = criterion.map_or_else(|| "this part".to_owned(), humanize);
    let (praise, advice): (&[&str], &[&str]) = match Standing::of(level) {
        Standing::Early => (
            &["You have made a start on", "There is something to build on in", "Your ideas begin to show in"],
            &[
                "Choose one idea, give a reason for it, and then an example from your own experience.",
                "Read your text aloud once and mend each sentence at which you stumble.",
                "Say in your first lines what you want your reader to think, then keep to it.",
            ],
        ),
        Standing::Sound => (
            &[
                "You are on firm ground with",
                "Your reader can follow you well in",
                "You have done solid work on",
            ],
            &[
                "Show how your reasons hang together, for example with \"because\" or \"however\".",
                "Support your second reason with a fact or an example as good as that of your first.",
                "Vary the length of your sentences, so that the important ones stand out.",
            ],
        ),
        Standing::Strong => (
            &["You do very well at", "You are sure of", "A real strength of yours is"],
            &[
                "Consider what a reader who disagrees would say, and answer it.",
                "Let your last lines go one step beyond what you said at the start.",
                "Look for places where one exact word can stand for three.",
            ],
        ),
    };
    let (praise, advice) = (choose(praise, pick), choose(advice, pick / 7));
    let size = match work.sentences.len() {
        1 => format!("in these {} words", work.words),
        n => format!("in these {n} sentences"),
    };
    format!("Simulated: {praise} {about} {size}. {advice}")
}

/// Feedback on the whole work.
pub(crate) fn feedback(work: &Work, pick: u64) -> String {
    let (opening, next) = match Standing::of(work.quality) {
        Standing::Early => (
            "Thank you for handing this in. You have something to say, and that is where every good text begins",
            "Plan three reasons before you write, and give each a paragraph of its own with one example",
        ),
        Standing::Sound => (
            "Thank you for this clear piece of work. Your point comes across, and your reasons fit it",
            "Take your strongest reason and say more about it; then join the others to it with linking words",
        ),
        Standing::Strong => (
            "Thank you for this well-made text. It was easy to follow, and your reasons are worth thinking about",
            "Take on the best argument against you and answer it; that would make the whole still more convincing",
        ),
    };
    let habit = choose(
        &[
            "Before you hand in, read your text once only for where each sentence begins and ends",
            "Ask someone to read it and to tell you in one sentence what you want to say",
            "Let it rest for a day, then read it as if it were someone else's",
        ],
        pick,
    );
    let length = work.words as f64 / work.sentences.len().max(1) as f64;
    format!(
        "Simulated: {opening}. It has {} words in {} sentences, about {length:.0} words each. {next}. {habit}.",
        work.words,
        work.sentences.len(),
    )
}

/// Why one of two works was preferred.
pub(crate) fn justification(winner: Option<usize>, works: &[Work]) -> String {
    let size = |at: usize| works.get(at).map_or(0, |work| work.words);
    match winner {
        Some(at) => {
            let (name, other) = if at == 0 { ("first", "second") } else { ("second", "first") };
            format!(
                "Simulated: the {name} text, with {} words, develops its reasons further and joins them more clearly \
                 than the {other}, with {} words.",
                size(at),
                size(1 - at.min(1)),
            )
        }
        None => "Simulated: the two texts develop and join their reasons about equally well.".to_owned(),
    }
}

/// An answer in prose, where no schema is given.
pub(crate) fn prose(work: &Work, pick: u64) -> String {
    let feedback = feedback(work, pick);
    format!("{feedback} (This is a simulated answer.)")
}

/// What a model says that declines.
pub(crate) const REFUSAL: &str = "Simulated: I'm sorry, but I can't help with this request.";

fn choose<'a>(wordings: &[&'a str], pick: u64) -> &'a str {
    wordings[(pick % wordings.len() as u64) as usize]
}

/// A key such as `use_of_evidence` or `useOfEvidence` as words.
fn humanize(key: &str) -> String {
    let mut words = String::new();
    let mut lower = false;
    for c in key.chars() {
        if c.is_uppercase() && lower {
            words.push(' ');
        }
        lower = c.is_lowercase();
        match c {
            '_' | '-' | '.' => words.push(' '),
            _ => words.extend(c.to_lowercase()),
        }
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_words() {
        assert_eq!(humanize("use_of_evidence"), "use of evidence");
        assert_eq!(humanize("useOfEvidence"), "use of evidence");
    }

    #[test]
    fn every_text_says_that_it_is_simulated() {
        let work = &super::super::work::find("One. Two. Three.")[0];
        for level in [0.0, 0.5, 1.0] {
            for pick in 0..50 {
                assert!(comment(Some("style"), level, work, pick).starts_with("Simulated: "));
            }
        }
        assert!(feedback(work, 3).starts_with("Simulated: "));
        assert!(justification(Some(1), &[]).starts_with("Simulated: "));
        assert!(prose(work, 1).contains("simulated"));
    }
}
