//! Marks, criteria, and the work with its evidence.

use crate::view::{Change, Criterion, Evidence, Score, Work};
use crate::words;
use leptos::either::Either;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The large mark.
#[component]
pub fn Total(
    /// The mark.
    score: Score,
) -> impl IntoView {
    view! {
        <p class="total">{words::points(score.points)}<small>{format!(" of {}", words::points(score.out_of))}</small></p>
    }
}

/// The level reached, as a row of strokes.
#[component]
pub fn Levels(
    /// The level, counted from 1.
    level: u32,
    /// Levels in all.
    of: u32,
) -> impl IntoView {
    // A rubric has a handful of levels; more than a row can hold are left to the words beside it.
    let strokes =
        (0..of.min(24)).map(|index| view! { <i class=(index < level).then_some("on")></i> }).collect_view();
    view! { <div class="levels" role="img" aria-label=format!("Level {level} of {of}")>{strokes}</div> }
}

/// One criterion with its points, comment and evidence. `first_evidence` is the number of its first passage, as
/// marked in the work.
#[component]
pub fn CriterionMarks(
    /// The criterion.
    criterion: Criterion,
    /// The number of its first passage in the work.
    first_evidence: usize,
    /// How it changed since the last draft.
    change: Option<Change>,
) -> AnyView {
    let quotes = criterion
        .evidence
        .iter()
        .enumerate()
        .map(|(index, evidence)| {
            let number = first_evidence + index;
            let link = evidence.range.is_some().then(|| {
                view! { " "<a href=format!("#e{number}") class="small">"show in text"<span class="unseen">{format!(", passage {number}")}</span></a> }
            });
            view! { <blockquote id=format!("c{number}")>{format!("“{}”", shorten(&evidence.quote))}{link}</blockquote> }
        })
        .collect_view();
    let change = change.filter(|change| change.points != 0.0).map(|change| {
        let (tone, sign) = if change.points > 0.0 { ("tag good", "+") } else { ("tag warn", "−") };
        view! { <span class=tone>{format!("{sign}{} since your last version", words::points(change.points.abs()))}</span> }
    });
    view! {
        <div class="criterion">
            <div class="row between">
                <h3>{criterion.name}</h3>
                <span><b>{words::points(criterion.score.points)}</b>" "<span class="quiet">{format!("of {}", words::points(criterion.score.out_of))}</span></span>
            </div>
            {(criterion.levels > 0).then(|| view! { <Levels level=criterion.level_number of=criterion.levels/> })}
            {criterion.level.map(|level| view! { <p class="small quiet">{level}</p> })}
            {change}
            {(!criterion.comment.is_empty()).then(|| view! { <p>{criterion.comment}</p> })}
            {quotes}
        </div>
    }
    .into_any()
}

/// A quotation short enough to stand beside a mark: the text shows it whole.
fn shorten(quote: &str) -> String {
    const MOST: usize = 90;
    if quote.chars().count() <= MOST {
        return quote.to_owned();
    }
    let cut: String = quote.chars().take(MOST).collect();
    let end = cut.rfind(char::is_whitespace).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end_matches([',', ';', ':', ' ']))
}

/// A student's text in its paragraphs, each with an id (`p1`, `p2`, …); passages that marks rest on are marked and
/// numbered (`e1`, `e2`, …).
#[component]
pub fn WorkText(
    /// The work.
    work: Work,
    /// The passages, in the order of their numbers.
    #[prop(optional)]
    evidence: Vec<Evidence>,
) -> AnyView {
    let mut seen = BTreeSet::new();
    let paragraphs = paragraphs(&work.text, &evidence)
        .into_iter()
        .enumerate()
        .map(|(index, pieces)| {
            let pieces = pieces
                .into_iter()
                .map(|piece| {
                    if piece.passages.is_empty() {
                        return Either::Left(piece.text);
                    }
                    // The id stands before the first piece of a passage, the number after its last.
                    let ids = piece
                        .passages
                        .iter()
                        .filter(|&&number| seen.insert(number))
                        .map(|number| view! { <span id=format!("e{number}")></span> })
                        .collect_view();
                    let numbers = piece
                        .ends
                        .iter()
                        .map(|number| view! { <sup><a href=format!("#c{number}")><span class="unseen">"passage "</span>{*number}</a></sup> })
                        .collect_view();
                    Either::Right(view! { {ids}<mark>{piece.text}</mark>{numbers} })
                })
                .collect_view();
            view! { <p id=format!("p{}", index + 1)>{pieces}</p> }
        })
        .collect_view();
    view! { <div class="work">{paragraphs}</div> }.into_any()
}

/// A stretch of text with the passages it belongs to.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    text: String,
    passages: Vec<usize>,
    ends: Vec<usize>,
}

/// Cuts a text into paragraphs, and those where passages begin and end. Passages may overlap; those that don't fit the
/// text are left out.
fn paragraphs(text: &str, evidence: &[Evidence]) -> Vec<Vec<Piece>> {
    let passages: Vec<_> = evidence
        .iter()
        .enumerate()
        .filter_map(|(index, evidence)| evidence.range.clone().map(|range| (index + 1, range)))
        .filter(|(_, range)| !range.is_empty() && text.get(range.clone()).is_some())
        .collect();
    let mut out = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (from, to) = (start, start + line.trim_end().len());
        start += line.len();
        let from = from + (line.trim_end().len() - line.trim().len());
        if from >= to {
            continue;
        }
        let cuts: BTreeSet<usize> = passages
            .iter()
            .flat_map(|(_, range)| [range.start, range.end])
            .filter(|&cut| cut > from && cut < to)
            .chain([from, to])
            .collect();
        let cuts: Vec<usize> = cuts.into_iter().collect();
        let pieces = cuts
            .windows(2)
            .map(|cut| {
                let (a, b) = (cut[0], cut[1]);
                let over = passages.iter().filter(|(_, range)| range.start < b && range.end > a);
                Piece {
                    text: text[a..b].to_owned(),
                    passages: over.clone().map(|(number, _)| *number).collect(),
                    // A passage that ends in the white space after the paragraph ends with the paragraph.
                    ends: over
                        .filter(|(_, range)| range.end == b || (b == to && range.end <= start))
                        .map(|(number, _)| *number)
                        .collect(),
                }
            })
            .collect();
        out.push(pieces);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn passage(text: &str, quote: &str) -> Evidence {
        let start = text.find(quote).unwrap();
        Evidence { quote: quote.to_owned(), range: Some(start..start + quote.len()) }
    }

    #[test]
    fn passages_are_marked_where_they_stand() {
        let text = "One. Two. Three.\n\n  Four.\r\n";
        let pieces = paragraphs(text, &[passage(text, "Two.")]);
        assert_eq!(pieces.len(), 2);
        let marked: Vec<_> =
            pieces[0].iter().map(|p| (p.text.as_str(), p.passages.len(), p.ends.len())).collect();
        assert_eq!(marked, [("One. ", 0, 0), ("Two.", 1, 1), (" Three.", 0, 0)]);
        assert_eq!(pieces[1][0].text, "Four.");
    }

    #[test]
    fn passages_may_overlap_and_cross_paragraphs() {
        let text = "aaa bbb ccc\nddd";
        let pieces = paragraphs(
            text,
            &[passage(text, "aaa bbb"), passage(text, "bbb ccc"), passage(text, "ccc\nddd")],
        );
        let first: Vec<_> =
            pieces[0].iter().map(|p| (p.text.as_str(), p.passages.clone(), p.ends.clone())).collect();
        assert_eq!(
            first,
            [
                ("aaa ", vec![1], vec![]),
                ("bbb", vec![1, 2], vec![1]),
                (" ", vec![2], vec![]),
                ("ccc", vec![2, 3], vec![2]),
            ]
        );
        assert_eq!(pieces[1][0].passages, [3]);
        assert_eq!(pieces[1][0].ends, [3]);
    }

    #[test]
    fn ranges_that_do_not_fit_are_left_out() {
        let text = "é is two bytes";
        for range in [1..3, 0..99, 5..5, 90..95] {
            let evidence = Evidence { quote: "x".to_owned(), range: Some(range) };
            let pieces = paragraphs(text, &[evidence]);
            assert_eq!(pieces[0].len(), 1);
            assert!(pieces[0][0].passages.is_empty());
        }
    }

    #[test]
    fn no_text_has_no_paragraphs() {
        assert!(paragraphs("", &[]).is_empty());
        assert!(paragraphs(" \n\n", &[]).is_empty());
    }

    #[test]
    fn long_quotations_end_at_a_word() {
        let quote = "My grandmother lives in another country, and every Sunday she cooks with us on the screen, which is good.";
        assert_eq!(
            shorten(quote),
            "My grandmother lives in another country, and every Sunday she cooks with us on the…"
        );
        assert_eq!(shorten("Short."), "Short.");
    }
}
