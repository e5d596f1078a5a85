//! Small pieces of every page.

use super::{LookIcon, TickIcon, clock};
use crate::view::{Remark, RemarkSign};
use crate::{when, words};
use chrono::{DateTime, Utc};
use leptos::either::Either;
use leptos::prelude::*;

/// The tone of a tag. A word always says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Under way.
    On,
    /// Good.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "tag",
            Self::On => "tag on",
            Self::Good => "tag good",
            Self::Warn => "tag warn",
            Self::Bad => "tag bad",
        }
    }
}

/// A state in a word or two.
#[component]
pub fn Tag(
    /// Its tone.
    #[prop(optional)]
    tone: Tone,
    /// The words.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <span class=tone.class()>{text}</span> }
}

/// A link that looks like a button.
#[component]
pub fn ButtonLink(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// Whether it is the main thing to do here.
    #[prop(optional)]
    main: bool,
    /// The words.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <a class=if main { "button main" } else { "button" } href=href>{text}</a> }
}

/// What changes or can be acted on lies on a sheet, under its own heading.
#[component]
pub fn Sheet(
    /// The heading.
    #[prop(into)]
    title: String,
    /// What stands beside the heading.
    #[prop(optional, into)]
    beside: Option<AnyView>,
    /// What is on the sheet.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="sheet stack">
            <div class="row between"><h2>{title}</h2>{beside}</div>
            {children()}
        </section>
    }
}

/// The tone of a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoteTone {
    /// Something to know.
    #[default]
    Info,
    /// Something went well.
    Good,
    /// Something to watch.
    Warn,
}

/// A note set apart from the text. With `live`, screen readers hear it when the page opens.
#[component]
pub fn Note(
    /// Its tone.
    #[prop(optional)]
    tone: NoteTone,
    /// Whether it is the outcome of what the reader just did.
    #[prop(optional)]
    live: bool,
    /// The words.
    children: Children,
) -> AnyView {
    let class = match tone {
        NoteTone::Info => "note",
        NoteTone::Good => "note good",
        NoteTone::Warn => "note warn",
    };
    view! { <div class=class role=live.then_some("status")>{children()}</div> }.into_any()
}

/// A moment in the reader's words.
#[component]
pub fn Moment(
    /// When.
    at: DateTime<Utc>,
    /// Narrow, for a table.
    #[prop(optional)]
    short: bool,
) -> impl IntoView {
    let text = if short { clock().short(at) } else { clock().moment(at) };
    view! { <time datetime=when::machine(at)>{text}</time> }
}

/// Remarks with a sign each.
#[component]
pub fn Remarks(
    /// The remarks.
    remarks: Vec<Remark>,
) -> AnyView {
    let rows = remarks
        .into_iter()
        .map(|remark| {
            let icon = match remark.sign {
                RemarkSign::Fine => Either::Left(view! { <TickIcon/> }),
                RemarkSign::Look => Either::Right(view! { <LookIcon/> }),
            };
            let word = match remark.sign {
                RemarkSign::Fine => "Fine: ",
                RemarkSign::Look => "Worth a look: ",
            };
            view! {
                <li>
                    {icon}
                    <div>
                        <b><span class="unseen">{word}</span>{remark.title}</b>
                        {(!remark.detail.is_empty()).then(|| format!(" {}", remark.detail))}
                        {remark.link.map(|link| view! { " "<a href=link.href>{link.label}</a> })}
                    </div>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="remarks">{rows}</ul> }.into_any()
}

/// A figure for staff.
#[component]
pub fn Figure(
    /// What it counts.
    #[prop(into)]
    label: String,
    /// The figure.
    #[prop(into)]
    value: String,
    /// More about it.
    children: Children,
) -> AnyView {
    view! {
        <div class="figure">
            <span class="quiet">{label}</span>
            <b>{value}</b>
            <span class="small quiet">{children()}</span>
        </div>
    }
    .into_any()
}

/// How a part of a bar is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarPart {
    /// Used.
    Full,
    /// Held back.
    Held,
    /// More than there should be.
    Over,
}

/// A bar from 0 to 1, drawn as SVG: its parts are widths, and a strict policy allows no style in the page.
#[component]
pub fn Bar(
    /// What it says: "83 % of the next batch".
    #[prop(into)]
    label: String,
    /// Its parts, from the left.
    parts: Vec<(BarPart, f64)>,
) -> AnyView {
    let mut start = 0.0;
    let rects = parts
        .into_iter()
        .map(|(part, share)| {
            let width = (share.clamp(0.0, 1.0) * 100.0).min(100.0 - start);
            let x = start;
            start += width;
            let class = match part {
                BarPart::Full => "full",
                BarPart::Held => "held",
                BarPart::Over => "over",
            };
            view! { <rect class=class x=format!("{x:.2}") y="0" width=format!("{width:.2}") height="8"/> }
        })
        .collect_view();
    view! {
        <svg class="bar" role="img" aria-label=label viewBox="0 0 100 8" preserveAspectRatio="none">{rects}</svg>
    }
    .into_any()
}

/// What stands where a list would stand if it had anything in it.
#[component]
pub fn EmptyState(
    /// What is missing, as a sentence.
    #[prop(into)]
    title: String,
    /// What to do about it, or when there will be something.
    #[prop(into)]
    hint: String,
) -> impl IntoView {
    view! { <div class="empty stack-2"><p><b>{title}</b></p><p class="quiet">{hint}</p></div> }
}

/// Paragraphs of a text that people typed: an empty line parts them.
#[component]
pub fn Paragraphs(
    /// The text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    text.split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| view! { <p>{paragraph.to_owned()}</p> })
        .collect_view()
}

/// Without JavaScript, a page that waits renews itself.
#[component]
pub fn RenewWithoutScript(
    /// How often, in seconds.
    seconds: u32,
) -> impl IntoView {
    let every = words::counted(seconds.into(), "second", "seconds");
    view! {
        <noscript>
            <meta http-equiv="refresh" content=seconds.to_string()/>
            <p class="small quiet">{format!("This page renews itself every {every}.")}</p>
        </noscript>
    }
}
