#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

fn of(text: &str) -> Vec<&str> {
    split(text).iter().map(|s| s.of(text)).collect()
}

/// The text cut at each `|`, which stands where a sentence ends.
fn check(marked: &str) {
    let wanted: Vec<&str> = marked.split('|').map(str::trim).collect();
    let text = marked.replace("| ", " ").replace("|\n", "\n").replace('|', "");
    assert_eq!(of(&text), wanted, "{text}");
}

#[test]
fn plain_sentences() {
    check("Computers help. | They do! | Do they? | Yes");
    check("Nothing ends here");
    assert!(of("").is_empty());
    assert!(of(" \n\n \t ").is_empty());
}

#[test]
fn abbreviations_and_initials() {
    check("Dr. Smith met Mrs. Jones at 3 p.m. on Main St. Petersburg Road. | They spoke.");
    check("Use tools, e.g. a hammer, i.e. the small one. | Then stop.");
    check("J. R. R. Tolkien wrote it. | C. S. Lewis did not.");
    check("It happened in the U.S. in 1990. | He left the U.S. | The year after, he came back.");
    check("It was I. | Nobody else came.");
    check("See Fig. 3 and p. 12 and No. 5. | I said no. | Then I left.");
    check("Facebook, myspace etc. are sites. | We like games, films, etc. | My mother does not.");
    check("Smith et al. (2010) say so. | Jones (2011). | Others differ.");
    check("Das ist z.B. gut bzw. besser. | Es ist so.");
}

#[test]
fn numbers() {
    check("It costs 3.14 dollars. | That is 2.5 more.");
    check("This was in 1999. | Then came 2000.");
    check("1. First we look. | Then we go.");
}

#[test]
fn quotations_and_brackets() {
    check("\"I see.\" | \"You do.\" | They left.");
    check("\"Why?\" he asked. | \"Because.\" | He left.");
    check("“I see.” | “You do!” | ‘So.’ | And he said “no” again.");
    check("(This is so.) | That is not (really!) true. | Done.");
    check("„Das ist gut.“ | Er ging.");
    check("It is so.[12] | It is not.");
}

#[test]
fn ellipses() {
    check("Well... maybe not. | So... | I think so.");
    check("He waited . . . and then left. | She stayed…");
    check("What?! | No!!! | Yes.");
}

#[test]
fn missing_spaces_and_capitals() {
    check("I like it.|They do too.|It is good");
    check("i like computers. | they are good. | see www.example.com for more.");
    assert_eq!(of("Node.js and file.txt are names.").len(), 1);
    assert_eq!(of("Stop!Go away.").len(), 2);
}

#[test]
fn lines_and_paragraphs() {
    check("A line\nthat goes on. | Another.");
    check("# Heading|\nText of it.");
    check("We need:|\n- bread|\n- milk|\n2) and more");
    let text = "No stop here\n\nNew paragraph. With two.\n \t\nThird";
    let found = split(text);
    assert_eq!(found.iter().map(|s| s.paragraph).collect::<Vec<_>>(), [1, 2, 2, 3]);
    assert_eq!(of(text)[3], "Third");
    assert_eq!(paragraphs("\n\n\na\n\n\n\nb\n").collect::<Vec<_>>(), [(3, 4), (8, 9)]);
}

#[test]
fn other_scripts() {
    check("我喜欢电脑。|它们很好！|你呢？|好");
    check("هل هذا جيد؟ | نعم.");
    check("यह अच्छा है। | हाँ।");
    check("¿Qué es? | ¡Mira! | Sí.");
}

#[test]
fn endless_sentences_are_cut() {
    let words = "word ".repeat(1000);
    let pieces = of(&words);
    assert!(pieces.len() >= 9, "{}", pieces.len());
    assert!(pieces.iter().all(|p| p.len() <= LONGEST && !p.is_empty()));
    assert_eq!(pieces.join(" "), words.trim());
    let solid = "ü".repeat(5000);
    assert_eq!(of(&solid).concat(), solid);
    let commas = "one two three, ".repeat(80);
    assert!(of(&commas)[0].ends_with(','));
}

#[test]
fn agrees_with_unicode_on_well_formed_prose() {
    let text = "Computers let us learn about places that we may never see. When my class studied the sea floor, we \
        looked at maps that were drawn only last year! Could a book have shown us that? \"It could not,\" my \
        teacher said. She had tried. In 1998, there were 3.5 million of them. So what?";
    let unicode: Vec<&str> = text.unicode_sentences().map(str::trim).collect();
    assert_eq!(of(text), unicode);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the text: sentences are in order, do not overlap, are trimmed, not empty and not too long, and all but
    /// white space is in one of them.
    #[test]
    fn covers_any_text(text in "([a-zA-Z]{0,6}|[.!?…\"'()\\[\\] \n#*-]|[0-9]|\\PC|。|“|”|\\s){0,120}") {
        let found = split(&text);
        let mut at = 0;
        for s in &found {
            let (start, end) = (s.start as usize, s.end as usize);
            prop_assert!(start >= at && end > start && end - start <= LONGEST);
            prop_assert!(text[at..start].trim().is_empty());
            prop_assert_eq!(text[start..end].trim(), &text[start..end]);
            at = end;
        }
        prop_assert!(text[at..].trim().is_empty());
        prop_assert!(found.is_sorted_by_key(|s| s.paragraph));
    }
}
