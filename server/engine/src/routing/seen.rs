//! The facts as conditions see them: under the names of [`super::vocabulary`], looked up when they are asked for.

use super::{Facts, ProviderFacts, every_fact};
use crate::store::NanoUsd;
use cel::{
    Value,
    common::{
        types::{CelBool, CelDouble, CelInt, CelNull, CelString},
        value::CowVal,
    },
    context::VariableResolver,
};

/// Those facts that are estimates, which a decision varies to see how sure it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimates {
    /// Share of the budget that is used.
    pub used: f64,
    /// Jobs waiting.
    pub waiting: i64,
    /// Jobs with providers.
    pub sent: i64,
}

impl From<&Facts> for Estimates {
    fn from(facts: &Facts) -> Self {
        Self { used: facts.budget.used, waiting: facts.load.waiting, sent: facts.load.sent }
    }
}

/// The facts with one estimate or another.
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    pub(super) estimates: Estimates,
}

impl VariableResolver for Seen<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let Facts { urgency, assignment, submission, student, budget, policy, clock, .. } = self.facts;
        // A provider's other models are no providers of their own.
        let all = || self.facts.usual().map(|(_, p)| p);
        let up = || all().filter(|p| p.healthy);
        Some(match name {
            "urgency" => text(urgency.name()),
            "assignment.type" => text(assignment.kind.name()),
            "assignment.course" => text(&assignment.course),
            "assignment.language" => text(&assignment.language),
            "assignment.criteria" => whole(assignment.criteria),
            "assignment.minutes_to_deadline" => assignment.minutes_to_deadline.map_or_else(nothing, whole),
            "submission.words" => whole(submission.words),
            "submission.tokens" => whole(submission.tokens),
            "submission.output_tokens" => whole(submission.output_tokens),
            "submission.draft" => whole(submission.draft),
            "submission.code" => number(submission.code),
            "submission.formulas" => whole(submission.formulas),
            "submission.language" => text(self.facts.language()),
            "submission.complexity" => text(self.facts.complexity().name()),
            "student.tier" => text(student.tier.name()),
            "student.drafts_left" => whole(student.drafts_left),
            "cost.realtime_usd" => dollars(self.realtime()),
            "cost.batch_usd" => dollars(self.batch()),
            "cost.saved_usd" => dollars(self.realtime() - self.batch()),
            "cost.affordable" => {
                let most = self.cheapest(|p| Some(p.realtime_most)).unwrap_or_default();
                truth(budget.left.is_none_or(|left| left >= most))
            }
            "providers.all" => count(all().count()),
            "providers.up" => count(up().count()),
            "providers.free_jobs" => whole(up().map(|p| p.free_jobs.max(0)).sum()),
            "policy.approval" => truth(policy.approval),
            "policy.immediate_feedback" => truth(policy.immediate_feedback),
            "policy.hard_stop" => truth(policy.hard_stop),
            "policy.keeps_marks" => truth(policy.keeps_marks),
            "clock.peak" => truth(clock.peak),
            "clock.hour" => whole(clock.hour),
            "clock.weekday" => whole(clock.weekday),
            "budget.left_usd" => budget.left.map_or_else(nothing, dollars),
            USED => number(self.estimates.used),
            WAITING => whole(self.estimates.waiting),
            SENT => whole(self.estimates.sent),
            _ => return None,
        })
    }
}

/// The facts that are [`Estimates`].
pub(super) const USED: &str = "budget.used";
pub(super) const WAITING: &str = "load.waiting";
pub(super) const SENT: &str = "load.sent";

impl Seen<'_> {
    /// What the work is expected to cost in real time.
    fn realtime(&self) -> NanoUsd {
        self.cheapest(|p| Some(p.realtime_cost)).unwrap_or_default()
    }

    /// What the work is expected to cost in a batch. Where nobody takes batches, all goes in real time.
    fn batch(&self) -> NanoUsd {
        self.cheapest(|p| p.batch.then_some(p.batch_cost)).unwrap_or_else(|| self.realtime())
    }

    /// At the cheapest provider that answers, or at the cheapest where none does.
    fn cheapest(&self, of: impl Fn(&ProviderFacts) -> Option<NanoUsd>) -> Option<NanoUsd> {
        let all = || self.facts.usual().map(|(_, p)| p);
        let up = all().filter(|p| p.healthy).filter_map(&of).min();
        up.or_else(|| all().filter_map(&of).min())
    }
}

impl Facts {
    /// All facts, by the names that conditions know them by, in words; those that are missing are left out.
    #[must_use]
    pub fn all(&self) -> Vec<(String, String)> {
        let seen = Seen { facts: self, estimates: self.into() };
        let told = |name: String| {
            let value: Value = seen.resolve(&name)?.as_ref().try_into().ok()?;
            let words = match value {
                Value::Bool(is) => is.to_string(),
                Value::Int(n) => n.to_string(),
                Value::Float(n) => format!("{n:.6}").trim_end_matches('0').trim_end_matches('.').to_owned(),
                Value::String(text) => text.to_string(),
                _ => return None,
            };
            Some((name, words))
        };
        every_fact().into_iter().filter_map(|(name, _)| told(name)).collect()
    }
}

fn text<'b>(text: &'b str) -> CowVal<'b, 'b> {
    CowVal::owned(CelString::from(text))
}

fn whole<'b>(n: i64) -> CowVal<'b, 'b> {
    CowVal::owned(CelInt::from(n))
}

fn count<'b>(n: usize) -> CowVal<'b, 'b> {
    whole(i64::try_from(n).unwrap_or(i64::MAX))
}

fn number<'b>(n: f64) -> CowVal<'b, 'b> {
    CowVal::owned(CelDouble::from(n))
}

fn dollars<'b>(amount: NanoUsd) -> CowVal<'b, 'b> {
    number(amount.dollars())
}

fn truth<'b>(is: bool) -> CowVal<'b, 'b> {
    CowVal::owned(CelBool::from(is))
}

fn nothing<'b>() -> CowVal<'b, 'b> {
    CowVal::owned(CelNull)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::testing::facts, *};
    use crate::routing::vocabulary::{Holds, every_fact};

    /// What is checked while a rule is typed is what its condition finds when it is asked.
    #[test]
    fn facts_are_what_the_vocabulary_says() {
        let mut facts = facts();
        for there in [false, true] {
            facts.assignment.minutes_to_deadline = there.then_some(60);
            facts.budget.left = there.then_some(NanoUsd(1));
            let seen = Seen { facts: &facts, estimates: (&facts).into() };
            for (name, fact) in every_fact() {
                let value: Value =
                    seen.resolve(&name).unwrap_or_else(|| panic!("{name}")).as_ref().try_into().unwrap();
                match (fact.holds, &value) {
                    (_, Value::Null) => assert!(fact.can_be_missing && !there, "{name}"),
                    (Holds::Truth, Value::Bool(_))
                    | (Holds::Whole, Value::Int(_))
                    | (Holds::Number, Value::Float(_))
                    | (Holds::Text, Value::String(_)) => {}
                    (Holds::Word(words), Value::String(word)) => {
                        assert!(words().contains(&word.as_str()), "{word}")
                    }
                    (holds, value) => panic!("{name} is {value:?}, not {holds:?}"),
                }
            }
            let told = facts.all();
            let can_be_missing = every_fact().iter().filter(|(_, fact)| fact.can_be_missing).count();
            assert_eq!(told.len(), every_fact().len() - if there { 0 } else { can_be_missing });
            let deadline = told.iter().find(|(name, _)| name == "assignment.minutes_to_deadline");
            assert_eq!(deadline.map(|(_, value)| value.as_str()), there.then_some("60"));
        }
    }
}
