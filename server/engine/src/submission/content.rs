//! What kind of text a work is, for routing: how much source code and how many formulas are in it, told by marks that prose
//! hardly has, and its language, told from a few lines. All within microseconds, since every hand-in is looked at; no mark
//! hangs on it.

use super::interim;

/// Longer lines are prose; they are not searched for the marks of source code.
const LONGEST_CODE: usize = 200;

/// What a work holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Content {
    /// Share of its lines that are source code, 0 to 1; empty lines don't count.
    pub code: f64,
    /// Formulas in it, outside source code.
    pub formulas: usize,
    /// The language that it is written in, where that can be told.
    pub language: Option<&'static str>,
}

/// Looks at a work.
#[must_use]
pub fn content(text: &str) -> Content {
    let (mut lines, mut code, mut formulas, mut fenced) = (0_u32, 0_u32, 0, false);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        lines += 1;
        if fenced || is_code(line) {
            code += 1;
        } else {
            formulas += formulas_in(line);
        }
    }
    Content {
        code: f64::from(code) / f64::from(lines.max(1)),
        formulas,
        language: interim::language_at_a_glance(text),
    }
}

/// Whether a line without white space around it is source code.
fn is_code(line: &str) -> bool {
    const OPERATORS: [&str; 7] = ["==", "!=", "&&", "||", "=>", "::", "();"];
    const BLOCKS: [&str; 9] = ["def", "class", "for", "while", "if", "elif", "else", "try", "with"];
    if line.len() > LONGEST_CODE {
        return false;
    }
    let first = line.split([' ', '(', ':']).next().unwrap_or_default();
    let ends_as_code = match line.as_bytes()[line.len() - 1] {
        // Not `\frac{1}{2}`.
        b'{' | b'}' => !line.contains('\\'),
        b';' => line.contains(['(', '=', '[', '}']),
        b':' => BLOCKS.contains(&first) && (line.contains(['(', '=', '<', '>', '[']) || line.len() <= 6),
        _ => false,
    };
    ends_as_code
        || ["//", "/*", "#include", "#define", "<?", "</"].iter().any(|start| line.starts_with(start))
        || is_import(line)
        || is_assignment(line)
        || OPERATORS.iter().any(|operator| line.contains(operator))
}

/// `import a.b` and `from a import b`; a sentence has more words, or an end.
fn is_import(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(8).collect();
    match words.as_slice() {
        ["import", module] => !module.ends_with(['.', ',', '!', '?']),
        ["import", _, "as", _] => true,
        ["from", _, "import", ..] => true,
        _ => false,
    }
}

/// `total = sum(list)`: what is set, and how it is made. `y = 2x + 3` is a formula.
fn is_assignment(line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else { return false };
    let name = name.trim_end_matches(['+', '-', '*', ':', ' ']);
    let name = name.rsplit(' ').next().unwrap_or_default();
    name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']'))
        && value
            .trim_start()
            .starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '"' | '\'' | '[' | '{'))
        && value.contains(['(', '"', '\'', '[', '{'])
        && line.split(' ').count() <= 12
}

/// Signs of mathematics that stand for a formula wherever they are.
const SIGNS: [char; 24] = [
    '∑', '∏', '∫', '√', '≤', '≥', '≠', '≈', '≡', '∈', '∉', '∀', '∃', '∂', '∇', '∞', '⊂', '⊆', '∪', '∩', '⇒',
    '⇔', '±', '∝',
];

/// The formulas of a line of prose: those that are set as such, equations, and words with signs of mathematics.
fn formulas_in(line: &str) -> usize {
    if memchr::memchr3(b'$', b'\\', b'=', line.as_bytes()).is_none()
        && (line.is_ascii() || !line.contains(SIGNS))
    {
        return 0;
    }
    let set = ["\\(", "\\[", "\\begin{equation", "\\begin{align"];
    let mut count: usize = set.iter().map(|begin| line.matches(begin).count()).sum();
    // `$x^2$`, unlike the dollars of "$5 and $10".
    let between: Vec<&str> = line.split('$').collect();
    let pairs = between.len().saturating_sub(1) / 2;
    let dollars = between.iter().skip(1).step_by(2).take(pairs);
    count += dollars
        .filter(|inside| inside.trim() == **inside && inside.contains(['\\', '^', '_', '=', '{']))
        .count();
    if count > 0 {
        return count;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let equation = match word.split_once('=') {
            Some(("", "")) => {
                at > 0 && words.get(at + 1).is_some_and(|next| is_term(words[at - 1]) && is_term(next))
            }
            Some((left, right)) => is_term(left) && is_term(right),
            None => false,
        };
        count += usize::from(equation || word.contains(SIGNS));
    }
    count
}

/// `x`, `mc^2`, `f(x)`, `3.5`: what stands beside the sign of an equation.
fn is_term(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',', ';', ':']);
    let short = word.len() <= 2 && !word.is_empty() && word.chars().all(|c| c.is_alphanumeric());
    word.len() <= 16
        && (short || word.contains(|c: char| c.is_ascii_digit() || matches!(c, '^' | '_' | '(' | '\\')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const PROSE: &str = "I hold that computers help us: they let us learn, and they let us work. It costs $5 to $10; \
        for some, that is a lot.\n\nFrom the beginning of time people\nimport ideas from others. If you want the \
        following:\n- apples;\n- pears.\n# Conclusion\nSo we should use them (with care).";

    #[test]
    fn prose_holds_no_code_and_no_formulas() {
        assert_eq!(content(PROSE), Content { language: Some("en"), ..Content::default() });
        assert_eq!(content(""), Content::default());
        assert_eq!(content("Yes."), Content::default());
    }

    #[test]
    fn the_language_is_told_by_the_first_lines() {
        let of = |text| content(text).language;
        let german = "Computer helfen uns beim Lernen, und sie verbinden Menschen, die weit voneinander entfernt leben.";
        assert_eq!(of(german), Some("de"));
        assert_eq!(
            of("Les ordinateurs nous aident à apprendre et nous relient à ceux qui vivent loin."),
            Some("fr")
        );
        assert_eq!(of("42 17 3.5 ===="), None);
    }

    #[test]
    fn code_is_told_line_by_line() {
        for line in [
            "def mean(values):",
            "else:",
            "import numpy as np",
            "import os.path",
            "from math import sqrt",
            "total = sum(values)",
            "name = \"Ada\"",
            "rows[0] += [1, 2]",
            "#include <stdio.h>",
            "int main(void) {",
            "}",
            "return a[i];",
            "let x: Vec<u8> = Vec::new();",
            "// sorts in place",
            "if (a == b) return;",
            "</div>",
        ] {
            assert!(is_code(line), "{line}");
        }
        for line in PROSE.lines().chain([
            "y = 2x + 3",
            "E = mc^2",
            "Total = 12 apples",
            "So y = \\frac{1}{2}",
            "\\begin{equation}",
            "I like C; it is old;",
        ]) {
            let line = line.trim();
            assert!(line.is_empty() || !is_code(line), "{line}");
        }
        let half =
            "This sorts a list of numbers.\nIt is quick.\n\nvalues = sorted(values)\nprint(values[0]);";
        assert!((content(half).code - 0.5).abs() < 1e-9);
        let fenced = "My answer:\n```\nSELECT name\nFROM people\nORDER BY name\n```";
        assert!((content(fenced).code - 0.75).abs() < 1e-9);
    }

    #[test]
    fn formulas_are_counted() {
        for (line, count) in [
            ("We know that E = mc^2 holds, and so F=ma.", 2),
            ("So $x^2 + y^2 = z^2$ and $\\frac{1}{2}$ are used.", 2),
            ("It follows that \\(a\\) and \\[b\\] are.", 2),
            ("For all x ∈ ℝ we have x² ≥ 0.", 2),
            ("It costs $5 and $10.", 0),
            ("The result = success.", 0),
            ("f(x) = 3", 1),
            ("\\begin{equation}", 1),
        ] {
            assert_eq!(formulas_in(line), count, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at(text in "(\\PC{0,40}[\n ;:{}=$`]){0,8}") {
            let found = content(&text);
            prop_assert!((0.0..=1.0).contains(&found.code));
        }
    }
}
