//! Rules made ready to be asked, and what is known of them while a decision is made.

use super::{
    Facts, Rule, RuleError,
    check::{self, looks_at},
    seen::{Estimates, SENT, Seen, USED, WAITING},
};
use cel::{Context, ExecutionError, Program, Value};

/// A rule with its condition made ready.
struct Compiled {
    rule: Rule,
    program: Program,
    /// The condition looks at the share of the budget that is used.
    budget: bool,
    /// The condition looks at the load.
    load: bool,
}

impl Compiled {
    fn new(rule: Rule) -> Result<Self, RuleError> {
        match check::parse(&rule.condition) {
            Ok(program) => {
                let looks = |name| looks_at(program.expression(), name);
                let (budget, load) = (looks(USED), looks(WAITING) || looks(SENT));
                Ok(Self { rule, program, budget, load })
            }
            Err(fault) => Err(RuleError::Syntax { rule: rule.name, problem: fault.to_string() }),
        }
    }

    /// Of the estimates those that change the outcome.
    fn matters(&self, estimates: Estimates) -> Estimates {
        let mut matter = Estimates::default();
        if self.budget {
            matter.used = estimates.used;
        }
        if self.load {
            (matter.waiting, matter.sent) = (estimates.waiting, estimates.sent);
        }
        matter
    }

    /// A fact that the condition asks for in vain: there may have been one when the rule was written.
    fn unknown(&self, name: &str) -> String {
        let faults = check::check(&self.rule.condition).err().unwrap_or_default();
        faults.first().map_or_else(|| format!("there is no fact “{name}”"), ToString::to_string)
    }

    fn holds(&self, root: &Context<'_, '_>, facts: &Facts, estimates: Estimates) -> Result<bool, RuleError> {
        let seen = Seen { facts, estimates };
        let mut context = root.new_inner_scope();
        context.set_variable_resolver(&seen);
        let outcome = |problem| RuleError::Outcome { rule: self.rule.name.clone(), problem };
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(outcome(format!("the condition gave {:?}, not true or false", other.type_of()))),
            Err(ExecutionError::UndeclaredReference(name)) => Err(outcome(self.unknown(&name))),
            Err(error) => Err(outcome(in_words(&error.to_string()))),
        }
    }
}

/// What went wrong when a condition was asked. Numbers that can't be put in order are told as a missing function.
fn in_words(told: &str) -> String {
    let order = ["'_<_'", "'_<=_'", "'_>_'", "'_>=_'"].iter().any(|sign| told.contains(sign));
    let numbers =
        ["(double, double)", "(int, double)", "(double, int)"].iter().any(|kinds| told.contains(kinds));
    if order && numbers {
        return "a calculation gives no number, as 0 divided by 0 gives none".to_owned();
    }
    told.to_owned()
}

/// Rules made ready to be asked.
pub struct RuleSet {
    /// Version of the set; replays name it.
    pub version: i64,
    rules: Vec<Compiled>,
    root: Context<'static, 'static>,
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet").field("version", &self.version).field("rules", &self.rules.len()).finish()
    }
}

impl RuleSet {
    /// Compiles the rules that are switched on and puts them in order.
    ///
    /// # Errors
    /// If a condition can't be read.
    pub fn compile(version: i64, mut rules: Vec<Rule>) -> Result<Self, RuleError> {
        rules.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        let rules =
            rules.into_iter().filter(|rule| rule.enabled).map(Compiled::new).collect::<Result<_, _>>()?;
        Ok(Self { version, rules, root: Context::default() })
    }

    /// Asks the rules about these facts.
    #[must_use]
    pub fn ask<'a>(&'a self, facts: &'a Facts) -> Asking<'a> {
        Asking { set: self, facts, known: vec![Vec::new(); self.rules.len()] }
    }

    /// Each rule, in order, with whether it applies to these facts, or why it can't be asked.
    #[must_use]
    pub fn each(&self, facts: &Facts) -> Vec<(Rule, Result<bool, RuleError>)> {
        let asked = |rule: &Compiled| (rule.rule.clone(), rule.holds(&self.root, facts, facts.into()));
        self.rules.iter().map(asked).collect()
    }
}

/// The first rule that applies, and what was wrong with rules before it (which count as not applying).
pub(super) type First<'a> = (Option<&'a Rule>, Vec<RuleError>);

/// The rules being asked about the facts of one decision, with one estimate or another.
#[derive(Debug)]
pub struct Asking<'a> {
    set: &'a RuleSet,
    facts: &'a Facts,
    /// What came of each rule, by those estimates that matter to it.
    known: Vec<Vec<(Estimates, Result<bool, RuleError>)>>,
}

impl<'a> Asking<'a> {
    /// The first rule that applies with these estimates.
    pub fn first(&mut self, estimates: Estimates) -> First<'a> {
        let mut wrong = Vec::new();
        for (compiled, known) in self.set.rules.iter().zip(&mut self.known) {
            let matter = compiled.matters(estimates);
            let at = known.iter().position(|(asked, _)| *asked == matter).unwrap_or_else(|| {
                known.push((matter, compiled.holds(&self.set.root, self.facts, matter)));
                known.len() - 1
            });
            match &known[at].1 {
                Ok(true) => return (Some(&compiled.rule), wrong),
                Ok(false) => {}
                Err(error) => wrong.push(error.clone()),
            }
        }
        (None, wrong)
    }
}
