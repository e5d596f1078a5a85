//! Where work goes: to a model now or into a batch, to which provider, in which lane.
//!
//! [`decide`] is a pure function from [`Facts`] and a [`RuleSet`] to a [`Decision`].

mod again;
mod decide;
mod facts;
mod rule;
mod store;
#[cfg(test)]
mod tests;
mod urgency;

pub(crate) use again::Rounds;
pub use again::{facts_of_now, is_worth_it};
pub use decide::{Decision, Fallback, NoProvider, REALTIME_SECONDS, Route, decide};
pub use facts::{
    AssignmentFacts, BudgetFacts, ClockFacts, Facts, LoadFacts, ProviderFacts, StudentFacts, SubmissionFacts,
};
pub use rule::{Action, Rule, RuleError, RuleSet, Way, seeded};
pub use store::current_rules;
pub use urgency::{StudentTier, Urgency, UrgencyFacts, urgency};
