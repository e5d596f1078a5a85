//! The plan for a month like one that was measured, for the page of budgets.

use super::{AskPlanError, Plan, Share, Workload};
use crate::{
    budget::{self, Month, Paid, Way, day_of},
    engine::Engine,
    identity::Actor,
};
use chrono::Datelike as _;

/// Fewer answers than this say nothing of a month.
const FEWEST: i64 = 100;

impl Workload {
    /// A whole month of work like what was measured in a part of one: `of_days` of `days`. Works of an assignment share so
    /// many tokens, and so many assignments are in use. None where too little was measured.
    #[must_use]
    pub fn measured(
        ways: &[(Way, Paid)],
        (of_days, days): (u32, u32),
        (assignments, shared_tokens): (u64, u64),
    ) -> Option<Self> {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let mut all = Paid::default();
        let mut at_once = 0;
        for (way, paid) in ways {
            all.add(paid);
            at_once += if way.batched { 0 } else { count(paid.answers) };
        }
        if all.answers < FEWEST {
            return None;
        }
        let answers = count(all.answers);
        let read = count(all.input_tokens) / answers;
        let shared_tokens = shared_tokens.min(read.saturating_sub(1));
        let assessments = answers.saturating_mul(days.into()) / u64::from(of_days.max(1));
        Some(Self {
            assessments,
            works_per_assignment: (assessments / assignments.max(1)).max(1),
            shared_tokens,
            own_tokens: (read - shared_tokens).max(1),
            output_tokens: (count(all.output_tokens) / answers).max(1),
            urgent: Share::part(at_once, answers),
            ..Self::REFERENCE
        })
    }
}

impl Engine {
    /// The plan for a month like this one or one before, by what was measured in it; else for the reference workload, and
    /// then false.
    ///
    /// # Errors
    /// If the person may not, the plan can't be made, or the database fails.
    pub async fn plan_of_month(&self, actor: &Actor, month: Month) -> Result<(Plan, bool), AskPlanError> {
        let today = day_of(self.now(), self.zone());
        let last = month.last();
        // Today has only begun.
        let of_days = if Month::of(today) == month { today.day0() } else { last.day() };
        let until = if of_days < last.day() { today } else { month.next().first() };
        let ways = budget::by_way_until(&mut self.db(), month, until).await?;
        let shared = (self.assignments_in_use(), u64::try_from(self.shared_tokens()).unwrap_or(0));
        let measured = Workload::measured(&ways, (of_days, last.day()), shared);
        let workload = measured.unwrap_or(Workload::REFERENCE);
        Ok((self.plan(actor, &workload, None, None).await?, measured.is_some()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::World;

    fn way(batched: bool, answers: i64) -> (Way, Paid) {
        let text = String::new;
        let course_id = World::system().id();
        let way = Way { course_id, cost_centre: text(), provider: text(), model: text(), batched };
        let (input_tokens, output_tokens) = (answers * 1_600, answers * 400);
        (way, Paid { answers, input_tokens, output_tokens, ..Paid::default() })
    }

    #[test]
    fn a_month_is_carried_on_as_it_was() {
        let ways = [way(true, 750), way(false, 250)];
        let month = Workload::measured(&ways, (10, 30), (6, 1_100)).unwrap();
        let told = (month.assessments, month.works_per_assignment, month.shared_tokens, month.own_tokens);
        assert_eq!(told, (3_000, 500, 1_100, 500));
        assert_eq!((month.output_tokens, month.urgent.percent()), (400, 25.0));
        assert_eq!(month.check(), Ok(()));
        // More is not shared than is read, and nobody has to be there.
        let odd = Workload::measured(&ways, (0, 31), (0, 9_999)).unwrap();
        assert_eq!((odd.shared_tokens, odd.own_tokens, odd.check()), (1_599, 1, Ok(())));
        assert_eq!(Workload::measured(&[way(true, 99)], (10, 30), (1, 1_100)), None);
    }
}
