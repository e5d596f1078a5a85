//! Whether a text cites its sources.

use super::{
    Remark, Topic, Work,
    phrase::{Count, opening},
};

/// What was found of sources.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Marks in the text: `(Smith, 2019)`, `(Smith 23)`, `[4]`, addresses.
    cited: u32,
    /// Sources named without a mark: `according to …`.
    named: u32,
    /// The paragraph that heads a list of sources.
    list: Option<u32>,
    /// The paragraph of the first named source.
    first_named: Option<u32>,
}

/// Whether a paragraph is the heading of a list of sources.
pub(super) fn is_heading(paragraph: &str) -> bool {
    const HEADINGS: [&str; 22] = [
        "references",
        "reference list",
        "bibliography",
        "works cited",
        "work cited",
        "sources",
        "list of references",
        "literature",
        "cited works",
        "literatur",
        "literaturverzeichnis",
        "quellen",
        "quellenverzeichnis",
        "bibliographie",
        "références",
        "sources citées",
        "bibliografía",
        "referencias",
        "fuentes",
        "bibliografia",
        "bronnen",
        "literatuurlijst",
    ];
    let first = paragraph.lines().next().unwrap_or_default();
    let heading = first.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    HEADINGS.contains(&&*heading)
}

fn find(work: &Work<'_>) -> Found {
    const NAMING: [&str; 8] = [
        "according to ",
        "as stated by ",
        "a study by ",
        "research by ",
        "laut ",
        "selon ",
        "según ",
        "secondo ",
    ];
    let mut found = Found::default();
    for (paragraph, number) in work.paragraphs.iter().zip(1..) {
        if is_heading(paragraph) {
            found.list = Some(number);
            break;
        }
        let cited = cited(paragraph);
        found.cited += cited;
        let small = paragraph.to_lowercase();
        let named: usize = NAMING.iter().map(|naming| small.matches(naming).count()).sum();
        if named > 0 && cited == 0 {
            found.named += u32::try_from(named).unwrap_or(u32::MAX);
            found.first_named.get_or_insert(number);
        }
    }
    found
}

/// How many marks of sources a paragraph has.
fn cited(paragraph: &str) -> u32 {
    let mut count = 0;
    let mut rest = paragraph;
    while let Some(open) = rest.find(['(', '[']) {
        let close = if rest[open..].starts_with('(') { ')' } else { ']' };
        rest = &rest[open + 1..];
        let Some(end) = rest.find(close).filter(|&end| end <= 160) else { continue };
        let inside = &rest[..end];
        count += u32::from(if close == ')' { in_brackets(inside) } else { is_number_mark(inside) });
        rest = &rest[end + 1..];
    }
    for mark in ["http://", "https://", "doi:", "www."] {
        count += u32::try_from(paragraph.matches(mark).count()).unwrap_or(u32::MAX);
    }
    count
}

/// Whether `4`, `4, 7` or `4-7` stands in square brackets.
fn is_number_mark(inside: &str) -> bool {
    inside.len() <= 12
        && inside.starts_with(|c: char| c.is_ascii_digit())
        && inside.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '-' | '–' | ' '))
}

/// Whether round brackets hold a year (`Smith, 2019`, `2019a`) or a name with a page (`Smith 23`).
fn in_brackets(inside: &str) -> bool {
    let year = inside.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let year = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
        year.len() == 4 && word.len() <= 5 && matches!(year.parse(), Ok(1500..=2100))
    });
    let words: Vec<&str> = inside.split_whitespace().collect();
    let page = words.len() >= 2
        && words.len() <= 6
        && words[words.len() - 1].chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '–'))
        && words[0].starts_with(char::is_uppercase)
        && !matches!(
            words[0].trim_end_matches('.'),
            "Figure"
                | "Fig"
                | "Table"
                | "Chapter"
                | "Page"
                | "Section"
                | "Part"
                | "Question"
                | "Step"
                | "Number"
                | "No"
        );
    let dated = year && (words.len() <= 2 || inside.contains(',') || inside.contains('&'));
    dated || page
}

/// The sources against the brief, which asks for them.
pub(super) fn remark(work: &Work<'_>) -> Remark {
    let found = find(work);
    let remark = |good, title: String, detail: &str| Remark::new(Topic::Citations, good, title, detail);
    let times = if found.cited == 1 { "once".to_owned() } else { Count(found.cited, "time").to_string() };
    match (found.cited, found.named, found.list) {
        (1.., _, Some(_)) => {
            remark(true, format!("Sources are cited {times}."), "A list of sources closes your text.")
        }
        (1.., _, None) => remark(
            false,
            "A list of sources seems to be missing.".to_owned(),
            &format!("Sources are cited {times} in your text, but no list of them follows it."),
        ),
        (0, _, Some(list)) => remark(
            false,
            "Sources are listed, none is cited in the text.".to_owned(),
            "Say in the text which thought comes from which source.",
        )
        .in_paragraph(list),
        (0, named @ 1.., None) => {
            let are = if named == 1 { "is" } else { "are" };
            let title = format!("{} {are} named, none is cited.", opening(named, "source"));
            let found_in = found.first_named.unwrap_or(1);
            remark(false, title, "The brief asks for references.").in_paragraph(found_in)
        }
        (0, 0, None) => remark(false, "No source is cited.".to_owned(), "The brief asks for references."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_sources_are_told_from_other_brackets() {
        for (text, marks) in [
            ("So it is (Smith, 2019).", 1),
            ("Smith (2019a) and Jones (1998) agree.", 2),
            ("It is so (Smith & Jones, 2019, p. 4; Lee 2020).", 1),
            ("It is so (Smith 23).", 1),
            ("It is so [4], and so [4, 7] or [3-5].", 3),
            ("See https://example.org and www.example.com.", 2),
            ("It was (in the summer of 2019 it rained a lot).", 0),
            ("See (Figure 3) or (Table 12).", 0),
            ("He said (really) and [sic] so (1 of 3) (see above", 0),
        ] {
            assert_eq!(cited(text), marks, "{text}");
        }
    }

    #[test]
    fn each_case_has_its_sentence() {
        let title = |text: &str| {
            let found = remark(&Work::new(text));
            (found.title, found.good, found.paragraph)
        };
        let cited = "It is so (Smith, 2019). And so (Lee, 2020).";
        assert_eq!(
            title(&format!("{cited}\n\nReferences:\n\nSmith, A. (2019). A book.")),
            ("Sources are cited two times.".into(), true, None)
        );
        assert_eq!(title(cited).0, "A list of sources seems to be missing.");
        assert_eq!(
            title("It is so.\n\nWorks Cited\nSmith").0,
            "Sources are listed, none is cited in the text."
        );
        assert_eq!(
            title("It is.\n\nAccording to Smith it is so, according to Lee not."),
            ("Two sources are named, none is cited.".into(), false, Some(2))
        );
        assert_eq!(title("It is so."), ("No source is cited.".into(), false, None));
    }
}
