//! Checking a rule's condition while it is typed (SPEC 2.6): whether it can be read, and the names and types of all that
//! it looks at, each fault with its column. What passes here has no loop and asks for nothing that facts don't have, so
//! that it ends at once. What can still go wrong when it is asked (a division by 0, a missing fact that is compared with
//! null elsewhere only) makes its rule not apply, and is told with the decision.

use super::vocabulary::{Fact, Holds, VOCABULARY};
use cel::{
    Program,
    common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators},
};
use std::collections::HashSet;

/// Longest condition, in characters.
pub const LONGEST_CONDITION: usize = 1_000;

/// How deep a condition may be nested: reading and asking it call themselves for each level. Any number of cases joined
/// by `&&` or `||` are a few levels.
const DEEPEST: usize = 24;

/// Brackets within brackets, before it is read at all.
const BRACKETS: usize = 16;

/// Memory for the stack of the reader, which takes many calls for each level.
const STACK: usize = 64 * 1024 * 1024;

/// Something wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Column {}: {}", self.column, self.message)
    }
}

/// Checks a condition.
///
/// # Errors
/// All that is wrong with it, from left to right.
pub fn check(condition: &str) -> Result<(), Vec<Fault>> {
    let program = parse(condition).map_err(|fault| vec![fault])?;
    let mut check =
        Check { condition, places: program.source_info(), guarded: HashSet::new(), faults: Vec::new() };
    check.note_guards(program.expression());
    let given = check.of(program.expression());
    if !matches!(given.kind, Kind::Truth | Kind::Unknown) {
        let message = format!("the condition gives {}, but must give true or false", given.kind.words());
        check.faults.push(Fault { column: 1, message });
    }
    if check.faults.is_empty() {
        return Ok(());
    }
    check.faults.sort_by_key(|fault| fault.column);
    Err(check.faults)
}

/// Reads a condition, without looking at what it asks for. It takes what people type: none of it is too long, too deep
/// or too strange to be answered.
///
/// # Errors
/// Why it can't be read.
pub(super) fn parse(condition: &str) -> Result<Program, Fault> {
    let fault = |column, message: &str| Err(Fault { column, message: message.to_owned() });
    if condition.trim().is_empty() {
        return fault(1, "write when the rule applies, such as: urgency == \"high\"");
    }
    if condition.chars().count() > LONGEST_CONDITION {
        let message = format!("a condition has at most {LONGEST_CONDITION} characters");
        return fault(LONGEST_CONDITION + 1, &message);
    }
    if let Some(at) = condition.chars().position(char::is_control) {
        return fault(at + 1, "a condition stands on one line");
    }
    if let Some(column) = too_many_brackets(condition) {
        return fault(column, TOO_DEEP);
    }
    // The reader's calls could be too many for the stack of whoever asks.
    let read = || match Program::compile(condition) {
        Ok(program) if depth(program.expression()) > DEEPEST => fault(1, TOO_DEEP),
        Ok(program) => Ok(program),
        Err(errors) => Err(unreadable(condition, &errors)),
    };
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read);
        match reader.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => fault(1, "the condition can't be read"),
            Err(_) => fault(1, "the condition can't be read just now; try again"),
        }
    })
}

const TOO_DEEP: &str = "the condition is nested too deeply: make several rules of it";

/// The column of the first bracket that stands within too many others.
fn too_many_brackets(condition: &str) -> Option<usize> {
    let (mut depth, mut text, mut escaped) = (0_usize, None, false);
    for (at, c) in condition.chars().enumerate() {
        match (text, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(quote), c) if c == quote => text = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => text = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        if depth > BRACKETS {
            return Some(at + 1);
        }
    }
    None
}

/// How deep an expression is nested. Loops and maps are not looked into: the check refuses them wherever they stand.
fn depth(expr: &IdedExpr) -> usize {
    1 + parts(expr).into_iter().map(depth).max().unwrap_or(0)
}

fn parts(expr: &IdedExpr) -> Vec<&IdedExpr> {
    match &expr.expr {
        Expr::Select(select) => vec![&select.operand],
        Expr::Call(call) => call.args.iter().chain(call.target.as_deref()).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether a condition looks at a fact.
pub(super) fn looks_at(expr: &IdedExpr, fact: &str) -> bool {
    path(expr).is_some_and(|path| path == fact) || parts(expr).into_iter().any(|part| looks_at(part, fact))
}

/// What the parser can't read, in our words: it speaks of tokens and grammar.
fn unreadable(condition: &str, errors: &cel::ParseErrors) -> Fault {
    let Some(first) = errors.errors.first() else {
        return Fault { column: 1, message: "the condition can't be read".to_owned() };
    };
    let column = usize::try_from(first.pos.1).unwrap_or(1).max(1);
    let rest: String = condition.chars().skip(column - 1).take(12).collect();
    let message = if rest.trim().is_empty() {
        "the condition ends too early: something is missing here".to_owned()
    } else {
        let word = rest.split_whitespace().next().unwrap_or_default();
        format!("“{word}” can't stand here")
    };
    Fault { column, message }
}

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Truth,
    Whole,
    Number,
    Text,
    Nothing,
    Parts(&'static [Fact]),
    /// A list; of what, where all of it is alike.
    List(Item),
    /// Something was wrong with it, and was told.
    Unknown,
}

/// What the elements of a list are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    Truths,
    Numbers,
    Texts,
    Mixed,
    /// There are none.
    Empty,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Text => "text",
            Self::Nothing => "null",
            Self::Parts(_) => "several facts together",
            Self::List(_) => "a list",
            Self::Unknown => "something unknown",
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Number)
    }

    /// Whether two of these kinds can ever be equal.
    fn compares(self, other: Self) -> bool {
        self == other
            || self == Self::Unknown
            || other == Self::Unknown
            || (self.is_number() && other.is_number())
            || (matches!(self, Self::List(_)) && matches!(other, Self::List(_)))
    }

    const fn item(self) -> Item {
        match self {
            Self::Truth => Item::Truths,
            Self::Whole | Self::Number => Item::Numbers,
            Self::Text => Item::Texts,
            _ => Item::Mixed,
        }
    }
}

/// An expression's kind with what else is known of it.
#[derive(Clone, Copy)]
struct Given {
    kind: Kind,
    /// The fact that it is.
    fact: Option<&'static Fact>,
}

impl From<Kind> for Given {
    fn from(kind: Kind) -> Self {
        Self { kind, fact: None }
    }
}

struct Check<'a> {
    condition: &'a str,
    places: &'a SourceInfo,
    /// Facts that the condition compares with null, which may then be used as if they were there.
    guarded: HashSet<String>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, at: usize, message: impl Into<String>) -> Given {
        self.faults.push(Fault { column: at, message: message.into() });
        Kind::Unknown.into()
    }

    /// The column of a place in bytes.
    fn column(&self, offset: usize) -> usize {
        self.condition.get(..offset).map_or(offset, |before| before.chars().count()) + 1
    }

    /// Where an expression's own sign stands, in bytes.
    fn sign(&self, expr: &IdedExpr) -> usize {
        self.places.offset_for(expr.id).map_or(0, |(start, _)| start as usize)
    }

    /// Where an expression begins.
    fn begin(&self, expr: &IdedExpr) -> usize {
        let first = match &expr.expr {
            Expr::Select(select) => Some(&*select.operand),
            Expr::Call(call) if call.target.is_some() => call.target.as_deref(),
            Expr::Call(call) if call.func_name.starts_with('_') || call.func_name == operators::IN => {
                call.args.first()
            }
            Expr::Call(call) if call.func_name.starts_with(char::is_alphabetic) => {
                return self.name(expr, call);
            }
            _ => None,
        };
        first.map_or_else(|| self.column(self.sign(expr)), |first| self.begin(first))
    }

    /// Where a function's name stands: before its bracket.
    fn name(&self, expr: &IdedExpr, call: &CallExpr) -> usize {
        self.column(self.sign(expr).saturating_sub(call.func_name.len()))
    }

    /// Where the field of a selection stands: after its dot.
    fn field(&self, expr: &IdedExpr) -> usize {
        let dot = self.sign(expr);
        let after = self.condition.get(dot..).unwrap_or_default();
        let skipped = after.len() - after.trim_start_matches(|c: char| c == '.' || c.is_whitespace()).len();
        self.column(dot + skipped)
    }

    /// Notes which facts are compared with null anywhere.
    fn note_guards(&mut self, expr: &IdedExpr) {
        let Expr::Call(call) = &expr.expr else { return };
        if let ([a, b], operators::NOT_EQUALS | operators::EQUALS) = (&*call.args, &*call.func_name) {
            for (one, other) in [(a, b), (b, a)] {
                if other.expr == Expr::Literal(LiteralValue::Null)
                    && let Some(path) = path(one)
                {
                    self.guarded.insert(path);
                }
            }
        }
        for arg in call.args.iter().chain(call.target.as_deref()) {
            self.note_guards(arg);
        }
    }

    fn of(&mut self, expr: &IdedExpr) -> Given {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => match VOCABULARY.iter().find(|fact| fact.name == name).map(given) {
                Some(Given { kind: Kind::Parts(parts), .. }) => {
                    let one = parts.first().map_or("", |fact| fact.name);
                    let message = format!("{name} is several facts together: name one of them, such as {name}.{one}");
                    self.fault(self.begin(expr), message)
                }
                Some(given) => given,
                None => {
                    let hint = did_you_mean(name, VOCABULARY.iter().map(|fact| fact.name));
                    self.fault(self.begin(expr), format!("there is no fact “{name}”.{hint}"))
                }
            },
            Expr::Select(select) => {
                let parts = match parts_of(&select.operand).map_or_else(|| self.of(&select.operand).kind, Kind::Parts) {
                    Kind::Parts(parts) => parts,
                    Kind::Unknown => return Kind::Unknown.into(),
                    other => {
                        let message = format!("{} has no parts: it is {}", written(&select.operand), other.words());
                        return self.fault(self.field(expr), message);
                    }
                };
                let Some(fact) = parts.iter().find(|fact| fact.name == select.field) else {
                    let hint = did_you_mean(&select.field, parts.iter().map(|fact| fact.name));
                    let message = format!("{} has no “{}”.{hint}", written(&select.operand), select.field);
                    return self.fault(self.field(expr), message);
                };
                if select.test {
                    let path = format!("{}.{}", written(&select.operand), select.field);
                    let message = format!("every fact is there, so has() says nothing. To see whether it is missing, write {path} != null");
                    return self.fault(self.begin(&select.operand), message);
                }
                given(fact)
            }
            Expr::List(list) => {
                let mut item = Item::Empty;
                for element in &list.elements {
                    let next = self.of(element).kind;
                    if next == Kind::Unknown {
                        return Kind::Unknown.into();
                    }
                    item = match item {
                        Item::Empty => next.item(),
                        item if item == next.item() => item,
                        _ => Item::Mixed,
                    };
                }
                Kind::List(item).into()
            }
            Expr::Call(call) => self.call(expr, call),
            Expr::Comprehension(_) => self.fault(
                self.column(self.sign(expr)),
                "conditions have no loops: instead of all, exists, map and filter, name the cases with || or in",
            ),
            Expr::Map(_) | Expr::Struct(_) => {
                self.fault(self.column(self.sign(expr)), "conditions make no maps: look at facts with a dot")
            }
            Expr::Unspecified => self.fault(self.column(self.sign(expr)), "something is missing here"),
        }
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Given {
        match literal {
            LiteralValue::Boolean(_) => Kind::Truth.into(),
            LiteralValue::Int(_) => Kind::Whole.into(),
            LiteralValue::Double(_) => Kind::Number.into(),
            LiteralValue::String(_) => Kind::Text.into(),
            LiteralValue::Null => Kind::Nothing.into(),
            LiteralValue::UInt(_) => self.fault(self.begin(expr), "write whole numbers without “u”"),
            LiteralValue::Bytes(_) => self.fault(self.begin(expr), "write text without “b”"),
        }
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Given {
        use operators as is;
        match (&*call.func_name, call.target.as_deref(), &*call.args) {
            (is::LOGICAL_AND | is::LOGICAL_OR, None, [a, b]) => {
                self.is(a, Kind::Truth, "both sides of && and ||");
                self.is(b, Kind::Truth, "both sides of && and ||");
                Kind::Truth.into()
            }
            (is::LOGICAL_NOT, None, [a]) => {
                self.is(a, Kind::Truth, "what follows !");
                Kind::Truth.into()
            }
            (is::CONDITIONAL, None, [when, a, b]) => {
                self.is(when, Kind::Truth, "what stands before ?");
                let (one, other) = (self.of(a).kind, self.of(b).kind);
                if one.compares(other) {
                    return (if one == Kind::Unknown { other } else { one }).into();
                }
                let message = format!("one case gives {}, the other {}", one.words(), other.words());
                self.fault(self.column(self.sign(expr)), message)
            }
            (is::EQUALS | is::NOT_EQUALS, None, [a, b]) => self.equal(expr, a, b),
            (is::LESS | is::LESS_EQUALS | is::GREATER | is::GREATER_EQUALS, None, [a, b]) => {
                let (one, other) = (self.there(a), self.there(b));
                if (one.is_number() && other.is_number())
                    || (one == Kind::Text && other == Kind::Text)
                    || [one, other].contains(&Kind::Unknown)
                {
                    return Kind::Truth.into();
                }
                let message = format!("{} and {} can't be compared by size", one.words(), other.words());
                self.fault(self.column(self.sign(expr)), message)
            }
            (is::ADD | is::SUBSTRACT | is::MULTIPLY | is::DIVIDE | is::MODULO, None, [a, b]) => {
                self.reckon(expr, &call.func_name, a, b)
            }
            (is::NEGATE, None, [a]) => {
                let kind = self.there(a);
                if kind.is_number() || kind == Kind::Unknown {
                    return kind.into();
                }
                self.fault(self.begin(expr), format!("a minus goes before a number, not {}", kind.words()))
            }
            (is::IN, None, [a, list]) => self.within(expr, a, list),
            ("contains" | "startsWith" | "endsWith", Some(text), [part]) => {
                self.is(text, Kind::Text, "what is looked at");
                self.is(part, Kind::Text, "what is looked for");
                Kind::Truth.into()
            }
            ("size", None, [a]) | ("size", Some(a), []) => match self.of(a).kind {
                Kind::Text | Kind::List(_) | Kind::Unknown => Kind::Whole.into(),
                other => self.fault(self.begin(a), format!("{} has no size", other.words())),
            },
            ("double", None, [a]) => self.convert(a, Kind::Number),
            ("int", None, [a]) => self.convert(a, Kind::Whole),
            (is::INDEX | is::OPT_INDEX | is::OPT_SELECT, ..) => {
                self.fault(self.column(self.sign(expr)), "look at facts with a dot, such as budget.used")
            }
            (name, ..) if FUNCTIONS.contains(&name) => {
                let message = format!("“{name}” is not used like this. Write {}", used(name));
                self.fault(self.name(expr, call), message)
            }
            (name, ..) => {
                let hint = did_you_mean(name, FUNCTIONS.iter().copied());
                self.fault(self.name(expr, call), format!("conditions know no “{name}”.{hint}"))
            }
        }
    }

    /// The kind of an operand that must be there.
    fn there(&mut self, expr: &IdedExpr) -> Kind {
        let given = self.of(expr);
        if let Some(path) = given.fact.filter(|fact| fact.can_be_missing).and_then(|_| path(expr))
            && !self.guarded.contains(&path)
        {
            let message = format!("{path} can be missing. Write {path} != null && before it");
            return self.fault(self.begin(expr), message).kind;
        }
        given.kind
    }

    fn is(&mut self, expr: &IdedExpr, wanted: Kind, what: &str) {
        let kind = self.there(expr);
        if kind != wanted && kind != Kind::Unknown {
            let message = format!("{what} must be {}, but this is {}", wanted.words(), kind.words());
            self.fault(self.begin(expr), message);
        }
    }

    fn equal(&mut self, expr: &IdedExpr, a: &IdedExpr, b: &IdedExpr) -> Given {
        let (one, other) = (self.of(a), self.of(b));
        for (fact, given, literal) in [(one, other, b), (other, one, a)] {
            if given.kind == Kind::Nothing {
                if let Some(fact) = fact.fact.filter(|fact| !fact.can_be_missing) {
                    let message = format!("{} is never missing: {}", written_fact(a, b), fact.about);
                    return self.fault(self.begin(expr), message);
                }
                return Kind::Truth.into();
            }
            self.is_a_word(fact, literal);
        }
        if !one.kind.compares(other.kind) {
            let message = format!("{} is never equal to {}", one.kind.words(), other.kind.words());
            return self.fault(self.column(self.sign(expr)), message);
        }
        Kind::Truth.into()
    }

    /// A literal that a fact is compared with must be one of its words.
    fn is_a_word(&mut self, fact: Given, literal: &IdedExpr) {
        let Some(Fact { name, holds: Holds::Word(words), .. }) = fact.fact else { return };
        let Expr::Literal(LiteralValue::String(text)) = &literal.expr else { return };
        let (words, text) = (words(), text.inner());
        if !words.contains(&text) {
            let hint = did_you_mean(text, words.iter().copied());
            let message = format!("{name} is never “{text}”, but one of {}.{hint}", words.join(", "));
            self.fault(self.begin(literal), message);
        }
    }

    fn within(&mut self, expr: &IdedExpr, a: &IdedExpr, list: &IdedExpr) -> Given {
        let (one, many) = (self.of(a), self.of(list).kind);
        if let Expr::List(list) = &list.expr {
            for element in &list.elements {
                self.is_a_word(one, element);
            }
        }
        match many {
            Kind::Unknown => Kind::Truth.into(),
            Kind::List(Item::Empty) => self.fault(self.begin(list), "nothing is in an empty list"),
            Kind::List(item) if item == one.kind.item() || one.kind == Kind::Unknown => Kind::Truth.into(),
            Kind::List(_) => {
                let message = format!("the list holds other things than {}", one.kind.words());
                self.fault(self.begin(list), message)
            }
            other => {
                let message = format!(
                    "after “in” stands a list, such as [\"practice\", \"draft\"], not {}",
                    other.words()
                );
                self.fault(self.column(self.sign(expr)), message)
            }
        }
    }

    fn reckon(&mut self, expr: &IdedExpr, sign: &str, a: &IdedExpr, b: &IdedExpr) -> Given {
        let (one, other) = (self.there(a), self.there(b));
        match (one, other) {
            (Kind::Unknown, _) | (_, Kind::Unknown) => Kind::Unknown.into(),
            (Kind::Whole, Kind::Whole) => Kind::Whole.into(),
            (Kind::Number, Kind::Number) if sign != operators::MODULO => Kind::Number.into(),
            (Kind::Text, Kind::Text) if sign == operators::ADD => Kind::Text.into(),
            (one, other) if one.is_number() && other.is_number() => self.fault(
                self.column(self.sign(expr)),
                "whole numbers and numbers with decimals can't be reckoned with together: write 2.0 for 2, or double(…)",
            ),
            (one, other) => {
                let message = format!("{} and {} can't be reckoned with", one.words(), other.words());
                self.fault(self.column(self.sign(expr)), message)
            }
        }
    }

    fn convert(&mut self, a: &IdedExpr, to: Kind) -> Given {
        let kind = self.there(a);
        if kind.is_number() || kind == Kind::Unknown {
            return to.into();
        }
        self.fault(self.begin(a), format!("{} can't be made {}", kind.words(), to.words()))
    }
}

/// The functions that conditions can use.
const FUNCTIONS: [&str; 6] = ["contains", "startsWith", "endsWith", "size", "double", "int"];

fn used(name: &str) -> String {
    match name {
        "contains" | "startsWith" | "endsWith" => format!("assignment.course.{name}(\"W1\")"),
        "size" => "size(assignment.course)".to_owned(),
        _ => format!("{name}(submission.words)"),
    }
}

/// The parts of a fact that is nothing else.
fn parts_of(expr: &IdedExpr) -> Option<&'static [Fact]> {
    let Expr::Ident(name) = &expr.expr else { return None };
    match VOCABULARY.iter().find(|fact| fact.name == name)?.holds {
        Holds::Parts(parts) => Some(parts),
        _ => None,
    }
}

const fn given(fact: &'static Fact) -> Given {
    let kind = match fact.holds {
        Holds::Truth => Kind::Truth,
        Holds::Whole => Kind::Whole,
        Holds::Number => Kind::Number,
        Holds::Text | Holds::Word(_) => Kind::Text,
        Holds::Parts(parts) => Kind::Parts(parts),
    };
    Given { kind, fact: Some(fact) }
}

/// A fact's whole name, where the expression is one.
fn path(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        _ => None,
    }
}

fn written(expr: &IdedExpr) -> String {
    path(expr).unwrap_or_else(|| "this".to_owned())
}

/// The one of two sides that is a fact.
fn written_fact(a: &IdedExpr, b: &IdedExpr) -> String {
    path(a).or_else(|| path(b)).unwrap_or_else(|| "this".to_owned())
}

/// The name that was probably meant, as a sentence with a space before it; nothing where none is near.
fn did_you_mean<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = |other: &&str| strsim::damerau_levenshtein(name, other) <= (name.chars().count() / 3).max(1);
    let nearest = names.filter(near).min_by_key(|other| strsim::damerau_levenshtein(name, other));
    nearest.map(|other| format!(" Did you mean “{other}”?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn told(condition: &str) -> Vec<String> {
        check(condition).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_can_be_asked_passes() {
        for condition in [
            r#"urgency == "high""#,
            "budget.used > 0.8",
            "clock.peak",
            r#"assignment.type in ["practice", "draft", "formative"]"#,
            "submission.words > 4000 && !clock.peak",
            "assignment.minutes_to_deadline != null && assignment.minutes_to_deadline < 120",
            "budget.left_usd == null || budget.left_usd > 5",
            r#"assignment.course.startsWith("W1") || student.tier == "premium""#,
            "submission.tokens * 2 + 10 >= 3000 ? clock.hour > 8 : clock.weekday in [6, 7]",
            "double(submission.words) / 2.0 > 100.0",
            "cost.saved_usd > 0.001 && cost.affordable",
            "providers.up < providers.all",
            "size(assignment.course) > 3",
            "-submission.draft < -1",
            "true",
        ] {
            assert_eq!(told(condition), Vec::<String>::new(), "{condition}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_column() {
        for (condition, fault) in [
            ("", "Column 1: write when the rule applies, such as: urgency == \"high\""),
            ("budget.usd > 0.7", "Column 8: budget has no “usd”. Did you mean “used”?"),
            ("budgt.used > 0.7", "Column 1: there is no fact “budgt”. Did you mean “budget”?"),
            ("clock.peak && nothing", "Column 15: there is no fact “nothing”."),
            ("submission.words", "Column 1: the condition gives a whole number, but must give true or false"),
            ("budget", "Column 1: budget is several facts together: name one of them, such as budget.used"),
            (
                r#"urgency == "hihg""#,
                "Column 12: urgency is never “hihg”, but one of high, medium, low. Did you mean “high”?",
            ),
            (
                r#"assignment.type in ["practise"]"#,
                "Column 21: type is never “practise”, but one of final_exam, summative, formative, practice, draft, quiz. Did you mean “practice”?",
            ),
            ("urgency == 1", "Column 9: text is never equal to a whole number"),
            ("urgency.high", "Column 9: urgency has no parts: it is text"),
            ("clock.peak > 1", "Column 12: true or false and a whole number can't be compared by size"),
            (
                "submission.words && clock.peak",
                "Column 1: both sides of && and || must be true or false, but this is a whole number",
            ),
            (
                "assignment.minutes_to_deadline < 60",
                "Column 1: assignment.minutes_to_deadline can be missing. Write assignment.minutes_to_deadline != null && before it",
            ),
            ("urgency == null", "Column 1: urgency is never missing: how soon marks are needed"),
            (
                "has(budget.left_usd)",
                "Column 5: every fact is there, so has() says nothing. To see whether it is missing, write budget.left_usd != null",
            ),
            (
                "submission.words * 1.5 > 3.0",
                "Column 18: whole numbers and numbers with decimals can't be reckoned with together: write 2.0 for 2, or double(…)",
            ),
            (
                "clock.hour in 7",
                "Column 12: after “in” stands a list, such as [\"practice\", \"draft\"], not a whole number",
            ),
            ("clock.hour in [\"a\"]", "Column 15: the list holds other things than a whole number"),
            ("matchs(urgency)", "Column 1: conditions know no “matchs”."),
            ("urgency.contains(1)", "Column 18: what is looked for must be text, but this is a whole number"),
            ("budget.used > 0.8 &&", "Column 21: the condition ends too early: something is missing here"),
            ("clock.peak\n&& true", "Column 11: a condition stands on one line"),
        ] {
            assert_eq!(told(condition), [fault], "{condition}");
        }
        assert!(told("[1, 2, 3].exists(n, n == clock.hour)")[0].contains("conditions have no loops"));
        let two = told("budget.usd > 1 || load.wating > 2");
        assert_eq!(
            two,
            [
                "Column 8: budget has no “usd”. Did you mean “used”?",
                "Column 24: load has no “wating”. Did you mean “waiting”?"
            ]
        );
        let umlaut = told(r#"assignment.course == "Ärzte" || budget.usd > 1.0"#);
        assert_eq!(umlaut, ["Column 40: budget has no “usd”. Did you mean “used”?"]);
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_refused() {
        assert!(told(&"true || ".repeat(200))[0].contains("at most 1000 characters"));
        let deep = format!("{}true{}", "(".repeat(400), ")".repeat(400));
        assert_eq!(told(&deep), ["Column 17: the condition is nested too deeply: make several rules of it"]);
        let chain = format!("submission.words > {}", vec!["1"; 100].join(" + "));
        assert_eq!(told(&chain), ["Column 1: the condition is nested too deeply: make several rules of it"]);
        let long = vec!["clock.peak"; 60].join(" || ");
        assert_eq!(told(&long), Vec::<String>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn whatever_is_typed_is_answered(condition in r#"[a-z.()\[\]"'0-9 &|!<>=+*/%?:,-äß]{0,40}"#) {
            let _ = check(&condition);
        }
    }
}
