//! Where work goes: to a model now or into a batch, to which provider, in which lane.
//!
//! [`decide`] is a pure function from [`Facts`] and a [`RuleSet`] to a [`Decision`].

mod again;
mod changes;
mod check;
mod complexity;
#[cfg(test)]
mod conditions;
mod decide;
mod edit;
mod facts;
mod replay;
mod rule;
mod seen;
mod set;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod urgency;
mod valid;
mod vocabulary;

pub(crate) use again::Rounds;
pub use again::{facts_of_now, is_worth_it};
pub use changes::in_order;
pub use check::{Fault, LONGEST_CONDITION, check};
pub use complexity::Complexity;
pub use decide::{Decision, Fallback, NoProvider, REALTIME_SECONDS, Route, decide};
pub use edit::{MOST_DAYS, RulesError, RulesInForce, Tried, VersionSeen};
pub use facts::{
    AssignmentFacts, BudgetFacts, ClockFacts, Facts, LoadFacts, PolicyFacts, ProviderFacts, Standing,
    StudentFacts, SubmissionFacts,
};
pub use replay::{Change, MOST_NAMED, Replay, Side, Tally, Went};
pub use rule::{Action, Rule, RuleError, Way, seeded};
pub use set::RuleSet;
pub(crate) use store::last_version;
pub use store::{RuleVersion, current_rules};
pub use urgency::{StudentTier, Urgency, UrgencyFacts, urgency};
pub use valid::{MOST_RULES, RuleFault};
pub use vocabulary::{Fact, Holds, every_fact};
