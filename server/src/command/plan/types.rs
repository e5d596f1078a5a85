//! Types of work by share, and where the rules that Quire begins with send them.

use quire_engine::{course::AssessmentType, plan::Share};

/// What the types of the work come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types {
    /// Share that goes in real time: final exams are urgent.
    pub(super) urgent: Share,
    /// Share that goes into the economy lane: practice, drafts, formative work.
    pub(super) economy: Share,
}

const HOW: &str = "write types with their percentages, such as final_exam=10,practice=30; types are final_exam, summative, \
                   formative, practice, draft, quiz";

impl Types {
    /// Reads `final_exam=10,practice=30`.
    ///
    /// # Errors
    /// Says what is wrong, and how it must be written.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut types, mut all) = (Self::default(), Share::NONE);
        let mut seen: Vec<&str> = Vec::new();
        for part in text.split(',') {
            let (name, percent) = part.split_once('=').ok_or_else(|| HOW.to_owned())?;
            let name = name.trim();
            let kind = AssessmentType::ALL
                .into_iter()
                .find(|kind| kind.name() == name)
                .ok_or_else(|| format!("\"{name}\" is no type; {HOW}"))?;
            if seen.contains(&name) {
                return Err(format!("\"{name}\" is there twice; {HOW}"));
            }
            seen.push(name);
            let share = Share::parse_percent(percent)?;
            let more = "the types come to more than 100 percent: lower one of them";
            all = all.and(share).ok_or_else(|| more.to_owned())?;
            let sum = match kind {
                AssessmentType::FinalExam => &mut types.urgent,
                AssessmentType::Practice | AssessmentType::Draft | AssessmentType::Formative => {
                    &mut types.economy
                }
                AssessmentType::Summative | AssessmentType::Quiz => continue,
            };
            *sum = sum.and(share).ok_or_else(|| more.to_owned())?;
        }
        Ok(types)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn types_go_where_the_rules_send_them() {
        let types = Types::parse("final_exam=10, practice=20,draft=5,summative=60").unwrap();
        assert_eq!((types.urgent.percent(), types.economy.percent()), (10.0, 25.0));
        for (text, part) in [
            ("", "write types"),
            ("practice", "write types"),
            ("sport=5", "\"sport\" is no type"),
            ("practice=5,practice=6", "twice"),
            ("practice=x", "from 0 to 100"),
            ("practice=60,quiz=50", "more than 100"),
        ] {
            let said = Types::parse(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
