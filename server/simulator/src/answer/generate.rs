//! Answers that obey a schema.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    manner::Manner,
    schema::{Bounds, Node, Schema, TextBounds},
    words,
    work::Work,
};

/// How an answer is spoilt on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// One value isn't among those listed.
    Value,
    /// One required field is missing.
    Field,
}

/// A value for an enum that no schema lists.
const UNLISTED: &str = "simulated-unlisted";
/// Beyond this depth, optional parts are left out, so that recursive schemas end.
const SOFT_DEPTH: usize = 8;
/// Beyond this depth or length, everything is cut short: the schema demands an endless answer.
const HARD_DEPTH: usize = 64;
const MAX_LENGTH: usize = 256 << 10;

/// Makes an answer. Marks depend on the works and the model alone, so that a model gives the same work the same marks.
pub(crate) fn generate(schema: &Schema, works: &[Work], manner: &Manner, spoil: Option<Spoil>) -> String {
    let make = |spoil| {
        let mut generator = Generator {
            schema,
            works,
            manner,
            seed: seed(works),
            out: String::new(),
            spoil,
            label: None,
            level: None,
        };
        generator.node(&schema.root, "", 0);
        (generator.out, generator.spoil.is_none())
    };
    match make(spoil) {
        (answer, true) => answer,
        // The schema has no such place: leave out what can be left out instead.
        (_, false) => match make(Some(Spoil::Field)) {
            (answer, true) => answer,
            (_, false) => words::REFUSAL.to_owned(),
        },
    }
}

/// A number that stands for the works.
pub(crate) fn seed(works: &[Work]) -> u64 {
    let mut hash = Sha256::new();
    for work in works {
        for sentence in &work.sentences {
            hash.update(sentence.as_bytes());
            hash.update([0]);
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
    ])
}

struct Generator<'a> {
    schema: &'a Schema,
    works: &'a [Work],
    manner: &'a Manner,
    seed: u64,
    out: String,
    /// What is still to be spoilt.
    spoil: Option<Spoil>,
    /// The criterion that is being judged.
    label: Option<String>,
    /// How well it is met, once a level has been given.
    level: Option<f64>,
}

impl Generator<'_> {
    fn node(&mut self, node: &Node, name: &str, depth: usize) {
        match node {
            _ if depth > HARD_DEPTH || self.out.len() > MAX_LENGTH => self.out.push_str("null"),
            Node::Null => self.out.push_str("null"),
            Node::Boolean => {
                let positive = says(name, &["pass", "correct", "met", "complete", "ok", "good"]);
                let value = positive && self.work().quality >= 0.5;
                self.out.push_str(if value { "true" } else { "false" });
            }
            Node::Fixed(value) => self.value(value),
            Node::Enum(values) => self.choice(values, name),
            Node::Integer(bounds) => self.integer(*bounds, name),
            Node::Number(bounds) => self.number(*bounds, name),
            Node::Text(bounds) => self.text(bounds, name),
            Node::Array { items, first, min, max } => self.array(items, first, *min, *max, name, depth),
            Node::Object(properties) => self.object(properties, name, None, depth),
            Node::AnyOf(nodes) => {
                let best = if depth >= SOFT_DEPTH {
                    nodes.iter().min_by_key(|node| weight(node))
                } else {
                    nodes.iter().find(|node| !matches!(node, Node::Null | Node::Fixed(Value::Null)))
                };
                if let Some(node) = best.or(nodes.first()) {
                    self.node(node, name, depth + 1);
                }
            }
            Node::Reference(target) => {
                let schema = self.schema;
                self.node(schema.resolve(target), name, depth + 1);
            }
        }
    }

    /// An object; `identity` is the value to give to the property that names it, if it has one.
    fn object(
        &mut self,
        properties: &[(String, Node)],
        name: &str,
        identity: Option<(&str, &Value)>,
        depth: usize,
    ) {
        let outer = (self.label.clone(), self.level.take());
        if let Some((_, Value::String(id))) = identity {
            self.label = Some(id.clone());
        } else if depth > 0 && properties.iter().any(|(name, _)| is_ordinal_name(name)) && !name.is_empty() {
            self.label = Some(name.to_owned());
        }
        let mut properties = properties;
        if depth == 0
            && self.spoil == Some(Spoil::Field)
            && let Some((_, rest)) = properties.split_last()
        {
            properties = rest;
            self.spoil = None;
        }
        self.out.push('{');
        for (at, (key, node)) in properties.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.string(key);
            self.out.push(':');
            match identity {
                Some((property, value)) if property == key => self.value(value),
                _ => self.node(node, key, depth + 1),
            }
        }
        self.out.push('}');
        (self.label, self.level) = outer;
    }

    fn array(
        &mut self,
        items: &Node,
        first: &[Node],
        min: usize,
        max: Option<usize>,
        name: &str,
        depth: usize,
    ) {
        self.out.push('[');
        let mut count = 0;
        for node in first {
            self.comma(count);
            self.node(node, name, depth + 1);
            count += 1;
        }
        let top = max.unwrap_or(usize::MAX);
        let schema = self.schema;
        let items = match items {
            Node::Reference(target) => schema.resolve(target),
            items => items,
        };
        match items {
            Node::Integer(bounds) => {
                for number in self.sentence_numbers(*bounds, min, top) {
                    self.comma(count);
                    self.out.push_str(&number.to_string());
                    count += 1;
                }
            }
            // One item for each thing that an item can be about.
            Node::Object(properties) if identity(properties).is_some() => {
                let (key, values) = identity(properties).unwrap_or(("", &[]));
                let wanted = values.len().clamp(min, top.max(min));
                for value in values.iter().cycle().take(wanted) {
                    self.comma(count);
                    self.object(properties, name, Some((key, value)), depth + 1);
                    count += 1;
                }
            }
            Node::AnyOf(branches)
                if first.is_empty() && branches.iter().all(|b| has_fixed_identity(schema, b)) =>
            {
                let wanted = branches.len().clamp(min, top.max(min));
                for branch in branches.iter().cycle().take(wanted) {
                    self.comma(count);
                    self.fixed_object(branch, name, depth + 1);
                    count += 1;
                }
            }
            items => {
                let usual = if depth >= SOFT_DEPTH || !first.is_empty() { 0 } else { 2 };
                let wanted = usual.clamp(min.saturating_sub(count), top.saturating_sub(count).max(min));
                for _ in 0..wanted.min(1_000) {
                    self.comma(count);
                    self.node(items, name, depth + 1);
                    count += 1;
                }
            }
        }
        self.out.push(']');
    }

    /// An object that names itself by a constant.
    fn fixed_object(&mut self, node: &Node, name: &str, depth: usize) {
        let schema = self.schema;
        let node = match node {
            Node::Reference(target) => schema.resolve(target),
            node => node,
        };
        if let Node::Object(properties) = node
            && let Some((key, value)) = fixed_identity(properties)
        {
            self.object(properties, name, Some((key, value)), depth);
        } else {
            self.node(node, name, depth);
        }
    }

    fn comma(&mut self, count: usize) {
        if count > 0 {
            self.out.push(',');
        }
    }

    fn choice(&mut self, values: &[Value], name: &str) {
        if self.spoil == Some(Spoil::Value) {
            self.spoil = None;
            self.string(UNLISTED);
            return;
        }
        let last = values.len() - 1;
        let at = if is_winner_name(name) {
            self.winner_place(values)
        } else if is_ordinal_name(name) || are_ordinal(values) {
            let share = self.share();
            let at = (share * last as f64).round() as usize;
            self.level = Some(if last == 0 { share } else { at as f64 / last as f64 });
            at
        } else {
            (self.pick(name) % values.len() as u64) as usize
        };
        self.value(&values[at.min(last)]);
    }

    /// Which of the listed values says who is better.
    fn winner_place(&self, values: &[Value]) -> usize {
        match self.winner() {
            Some(at) => at,
            None => values
                .iter()
                .position(|value| {
                    let text = value.as_str().unwrap_or("").to_ascii_lowercase();
                    ["tie", "equal", "draw", "same", "neither", "both"].iter().any(|word| text.contains(word))
                })
                .unwrap_or(0),
        }
    }

    /// Which of two works is better; none if they look the same. The first has a slight advantage, as it has with
    /// models.
    fn winner(&self) -> Option<usize> {
        const ADVANTAGE: f64 = 0.01;
        let quality = |at: usize| self.works.get(at).map_or(0.0, |work| work.quality);
        let lead = quality(0) + ADVANTAGE - quality(1);
        if lead.abs() < 0.002 { None } else { Some(usize::from(lead < 0.0)) }
    }

    fn integer(&mut self, bounds: Bounds, name: &str) {
        let min = bounds.min.unwrap_or(0.0);
        let value = if says(name, &["sentence", "line"]) && !self.work().sentences.is_empty() {
            let number = 1 + self.pick(name) % self.work().sentences.len() as u64;
            (number as f64).clamp(min, bounds.max.unwrap_or(f64::MAX))
        } else {
            let max = bounds.max.unwrap_or(min + 10.0);
            min + self.amount(name) * (max - min)
        };
        self.out
            .push_str(&(stepped(value.round(), Bounds { min: Some(min), ..bounds }, 1.0) as i64).to_string());
    }

    fn number(&mut self, bounds: Bounds, name: &str) {
        let min = bounds.min.unwrap_or(0.0);
        let max = bounds.max.unwrap_or(min + if says(name, &["confidence"]) { 1.0 } else { 10.0 });
        let value = min + self.amount(name) * (max - min);
        let value = stepped(value, Bounds { min: Some(min), max: Some(max), ..bounds }, 0.01);
        self.out.push_str(&format!("{value}"));
    }

    /// Where in its range a number lies, from 0 to 1.
    fn amount(&self, name: &str) -> f64 {
        let chance = (self.pick(name) >> 11) as f64 / (1u64 << 53) as f64;
        if says(name, &["confidence", "certainty"]) {
            0.62 + 0.33 * chance
        } else if is_ordinal_name(name) || says(name, &["point", "total", "percent"]) {
            self.level.unwrap_or_else(|| self.share())
        } else {
            chance
        }
    }

    fn text(&mut self, bounds: &TextBounds, name: &str) {
        let pick = self.pick(name);
        let formatted = bounds.format.as_deref().and_then(|format| match format {
            "date-time" => Some("2026-01-01T00:00:00Z".to_owned()),
            "date" => Some("2026-01-01".to_owned()),
            "time" => Some("00:00:00Z".to_owned()),
            "duration" => Some("PT0S".to_owned()),
            "email" => Some("simulated@example.org".to_owned()),
            "hostname" => Some("example.org".to_owned()),
            "ipv4" => Some("192.0.2.1".to_owned()),
            "ipv6" => Some("2001:db8::1".to_owned()),
            "uri" | "url" => Some("https://example.org/simulated".to_owned()),
            "uuid" => Some(uuid::Uuid::from_u64_pair(pick, !pick).to_string()),
            _ => None,
        });
        if let Some(text) = formatted {
            return self.string(&text);
        }
        let work = self.work();
        let mut text =
            if says(name, &["quot", "excerpt", "evidence", "passage"]) && !work.sentences.is_empty() {
                work.sentences[(pick % work.sentences.len() as u64) as usize].clone()
            } else if says(name, &["justif", "reason", "why", "rationale"]) && self.works.len() > 1 {
                words::justification(self.winner(), self.works)
            } else if self.label.is_none() {
                words::feedback(work, pick)
            } else {
                words::comment(self.label.as_deref(), self.level.unwrap_or_else(|| self.share()), work, pick)
            };
        text = self.manner.shortened(name, text);
        let mut length = text.chars().count();
        if let Some(max) = bounds.max
            && length > max
        {
            text = text.chars().take(max).collect();
            length = max;
        }
        text.extend(std::iter::repeat_n('.', bounds.min.saturating_sub(length)));
        self.string(&text);
    }

    /// One to three different sentences of the work, in their order.
    fn sentence_numbers(&self, bounds: Bounds, min: usize, max: usize) -> Vec<i64> {
        let low = bounds.min.unwrap_or(1.0).max(i64::MIN as f64) as i64;
        let sentences = self.work().sentences.len() as i64;
        let high = bounds.max.map_or(sentences, |max| sentences.min(max as i64)).max(low);
        let available = usize::try_from(high - low + 1).unwrap_or(1);
        let wanted = if sentences == 0 { 0 } else { 1 + (self.pick("evidence") % 3) as usize };
        let wanted = wanted.min(available).clamp(min, max.max(min)).min(1_000);
        let mut numbers: Vec<i64> = (0..wanted)
            .map(|at| {
                // Spread over the work, each within its own stretch.
                let stretch = (available / wanted.max(1)).max(1);
                let shift = self.pick(if at == 0 { "a" } else { "b" }) as usize % stretch;
                low + ((at * stretch + shift) % available) as i64
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// How well the criterion at hand is met, from 0 to 1: the quality of the work, a little more or less by the criterion and
    /// by who judges.
    fn share(&self) -> f64 {
        const SPREAD: f64 = 0.12;
        const EYE: f64 = 0.06;
        let chance = (self.pick("share") >> 11) as f64 / (1u64 << 53) as f64;
        let shift = if self.label.is_some() { (chance - 0.5) * SPREAD } else { 0.0 };
        let eye = self.manner.shift(self.pick("eye"), EYE);
        (self.work().quality + shift + eye).clamp(0.0, 1.0)
    }

    /// A number for the work, the criterion at hand, and a name.
    fn pick(&self, name: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.label.as_deref().unwrap_or("").as_bytes());
        hash.update([0]);
        hash.update(name.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        u64::from_le_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ])
    }

    fn work(&self) -> &Work {
        // `work::find` always finds one.
        &self.works[0]
    }

    fn value(&mut self, value: &Value) {
        self.out.push_str(&value.to_string());
    }

    fn string(&mut self, text: &str) {
        self.out.push_str(&serde_json::to_string(text).expect("a string is always valid JSON"));
    }
}

/// The nearest allowed number on the grid of `multipleOf`, or of `usual`.
fn stepped(value: f64, bounds: Bounds, usual: f64) -> f64 {
    let step = bounds.step.unwrap_or(usual);
    let mut value = (value / step).round() * step;
    if let Some(max) = bounds.max
        && value > max
    {
        value = (max / step).floor() * step;
    }
    if let Some(min) = bounds.min
        && value < min
    {
        value = (min / step).ceil() * step;
    }
    // Twelve digits take away what the binary fraction adds.
    (value * 1e12).round() / 1e12
}

fn says(name: &str, words: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    words.iter().any(|word| name.contains(word))
}

fn is_ordinal_name(name: &str) -> bool {
    says(name, &["level", "grade", "band", "rating", "score", "mark", "achievement", "point"])
}

fn is_winner_name(name: &str) -> bool {
    says(name, &["winner", "better", "preferred", "preference", "verdict"])
}

/// Whether values are the same word with rising numbers, such as l1, l2, l3.
fn are_ordinal(values: &[Value]) -> bool {
    let parts: Option<Vec<(&str, u64)>> = values
        .iter()
        .map(|value| {
            let text = value.as_str()?;
            let word = text.trim_end_matches(|c: char| c.is_ascii_digit());
            Some((word, text[word.len()..].parse().ok()?))
        })
        .collect();
    parts
        .is_some_and(|parts| parts.len() > 1 && parts.windows(2).all(|w| w[0].0 == w[1].0 && w[0].1 < w[1].1))
}

fn is_identity(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["id", "key", "name"].contains(&name.as_str()) || name.contains("criteri") || name.ends_with("_id")
}

/// The property that says what an object is about, with what it can be.
fn identity(properties: &[(String, Node)]) -> Option<(&str, &[Value])> {
    properties.iter().find_map(|(name, node)| match node {
        Node::Enum(values) if is_identity(name) => Some((name.as_str(), values.as_slice())),
        _ => None,
    })
}

/// The constant by which an object names itself.
fn fixed_identity(properties: &[(String, Node)]) -> Option<(&str, &Value)> {
    properties.iter().find_map(|(name, node)| match node {
        Node::Fixed(value) if is_identity(name) => Some((name.as_str(), value)),
        Node::Enum(values) if is_identity(name) && values.len() == 1 => Some((name.as_str(), &values[0])),
        _ => None,
    })
}

fn has_fixed_identity(schema: &Schema, node: &Node) -> bool {
    match node {
        Node::Reference(target) => {
            matches!(schema.resolve(target), Node::Object(p) if fixed_identity(p).is_some())
        }
        Node::Object(properties) => fixed_identity(properties).is_some(),
        _ => false,
    }
}

/// How much a node brings with it, for ending recursion early.
fn weight(node: &Node) -> usize {
    match node {
        Node::Null | Node::Boolean | Node::Fixed(_) | Node::Enum(_) => 0,
        Node::Integer(_) | Node::Number(_) | Node::Text(_) => 1,
        Node::Array { .. } => 2,
        Node::Object(_) | Node::AnyOf(_) => 3,
        Node::Reference(_) => 4,
    }
}
