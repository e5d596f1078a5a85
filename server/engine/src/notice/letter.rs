//! E-mails made from their templates: a folder for each kind, with subject, text and HTML.

use super::{
    Kind,
    store::{About, Facts, Reader},
    when,
};
use chrono::{DateTime, Utc};
use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};
use std::sync::LazyLock;

/// An e-mail ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The reader's name.
    pub name: String,
    /// The reader's address.
    pub email: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// What the Message-ID is made of: the same for each sending of one notice.
    pub id: String,
}

/// What a letter tells besides the facts of its notice.
#[derive(Clone, Debug)]
pub(super) struct Setting<'a> {
    /// The institution's name.
    pub(super) institution: &'a str,
    /// Address of Quire, without a slash at its end.
    pub(super) public_url: &'a str,
    /// When marks will be there.
    pub(super) estimate: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The time now.
    pub(super) now: DateTime<Utc>,
}

macro_rules! files {
    ($($kind:literal)*) => {
        [$(
            (concat!($kind, "/subject.txt"), include_str!(concat!("templates/", $kind, "/subject.txt"))),
            (concat!($kind, "/text.txt"), include_str!(concat!("templates/", $kind, "/text.txt"))),
            (concat!($kind, "/body.html"), include_str!(concat!("templates/", $kind, "/body.html"))),
        )*]
    };
}

const FILES: [(&str, &str); 27] = files!("received" "processing" "ready" "closed" "dead_letters" "provider_outage" "budget_threshold" "cost_control" "bill_given_up");
const LAYOUT: (&str, &str) = ("layout.html", include_str!("templates/layout.html"));

/// Names that end in `.html` are escaped for HTML.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // A line that holds only a tag leaves no empty line behind.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.expect("the usual delimiters are no new ones"));
    for (name, text) in FILES.into_iter().chain([LAYOUT]) {
        templates.add_template(name, text).expect("the templates are part of the program and tested");
    }
    templates
});

/// The letter of a notice.
///
/// # Errors
/// If its kind has no templates, or they can't be filled in.
pub(super) fn write(facts: &Facts, setting: &Setting<'_>) -> Result<Letter, minijinja::Error> {
    let zone = facts.time_zone.0;
    let path = super::inbox::path(facts.kind, &facts.about);
    let link = format!("{}{path}", setting.public_url);
    let subject = match &facts.about {
        About::Submission { tracking_id, submitted_at, assignment, course, held, .. } => context! {
            assignment => one_line(assignment),
            course => one_line(course),
            tracking_id => tracking_id.as_str(),
            about => tracking_id.as_str(),
            submitted => when::moment(*submitted_at, zone),
            held,
        },
        About::Outage { provider, reason, began_at, ended_at } => context! {
            provider => one_line(provider),
            about => format!("the provider {}", one_line(provider)),
            reason => one_line(reason),
            began => when::moment(*began_at, zone),
            ended => ended_at.map(|at| when::moment(at, zone)),
        },
        About::Budget { course, month, percent, used, limit, hard_stop } => context! {
            whose => course.as_deref().map_or_else(|| "the institution".to_owned(), one_line),
            month => month.as_str(),
            percent,
            standing => one_line(&super::inbox::of_budget(
                course.as_deref(),
                month,
                (*used, *limit),
                *percent >= 100 && *hard_stop,
            )),
            about => format!("the budget for {month}"),
        },
        About::Measure { measure, taken, why } => context! {
            title => super::inbox::measure_title(*measure, *taken),
            standing => one_line(&super::inbox::of_measure(*measure, *taken, why)),
            about => "cost control",
        },
        About::Bill { month, state, why } => context! {
            month => month.as_str(),
            standing => one_line(&super::inbox::of_bill(month, *state, why)),
            about => format!("the bill of {month}"),
        },
    };
    let values = context! {
        name => one_line(&facts.name),
        institution => setting.institution,
        estimate => setting.estimate.map(|(from, to)| when::time_range(from, to, setting.now, zone)),
        link,
        action => match facts.kind {
            Kind::Ready => "See your marks",
            Kind::Closed => "See why, and what you can do",
            Kind::NeedsAttention | Kind::DeadLetters => "See what happened",
            Kind::ProviderOutage => "See how the providers are",
            Kind::BudgetThreshold | Kind::BillGivenUp => "See the budget",
            Kind::CostControl => "See the measures",
            Kind::Received | Kind::Delayed | Kind::Processing => "See where it is",
        },
        ..subject
    };
    filled(facts.kind, &facts.name, facts.email.to_string(), facts.id.to_string(), &values)
}

/// The summary of what ran out of automatic remedies and needs a person: by what it failed of, how many.
///
/// # Errors
/// If the templates can't be filled in.
pub(super) fn summary(
    reader: &Reader,
    open: &[(&str, i64)],
    setting: &Setting<'_>,
) -> Result<Letter, minijinja::Error> {
    let values = context! {
        name => one_line(&reader.name),
        institution => setting.institution,
        total => open.iter().map(|(_, number)| number).sum::<i64>(),
        causes => open.iter().map(|&(title, number)| context! { title, number }).collect::<Vec<_>>(),
        about => "what needs a person",
        now => when::moment(setting.now, reader.time_zone.0),
        link => format!("{}/admin/dead-letters", setting.public_url),
        action => "See them all",
    };
    filled(Kind::DeadLetters, &reader.name, reader.email.to_string(), reader.id.to_string(), &values)
}

/// A letter out of the templates of its kind.
fn filled(
    kind: Kind,
    name: &str,
    email: String,
    id: String,
    values: &minijinja::Value,
) -> Result<Letter, minijinja::Error> {
    let fill = |file: &str| TEMPLATES.get_template(&format!("{}/{file}", kind.name()))?.render(values);
    let subject = one_line(&fill("subject.txt")?);
    let body = fill("body.html")?;
    let html =
        TEMPLATES.get_template(LAYOUT.0)?.render(context! { title => &subject, body, ..values.clone() })?;
    let text = fill("text.txt")?.trim().to_owned() + "\n";
    Ok(Letter { name: name.to_owned(), email, subject, text, html, id })
}

/// A text without line ends: it may become part of a header.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        cost_control::Measure,
        store::{NanoUsd, testing::still_world},
    };
    use chrono::TimeDelta;

    fn facts(kind: Kind) -> Facts {
        let (world, _) = still_world();
        Facts {
            id: world.id(),
            kind,
            email: "ada@example.edu".parse().unwrap(),
            name: "Ada Lind".into(),
            time_zone: "Europe/Stockholm".parse().unwrap(),
            disabled_at: None,
            about: submission(false),
        }
    }

    fn submission(held: bool) -> About {
        let (world, _) = still_world();
        About::Submission {
            id: world.id(),
            tracking_id: "QR-7F3K-92MD".parse().unwrap(),
            submitted_at: world.now(),
            assignment: "Essay <1>\r\nBcc: all@example.edu".into(),
            course: "Writing & Thinking".into(),
            held,
        }
    }

    #[test]
    fn an_outage_is_told_of_and_so_is_its_end() {
        let (world, _) = still_world();
        let told = |ended_at| {
            let about = About::Outage {
                provider: "openai".into(),
                reason: "HTTP 503\r\n<b>".into(),
                began_at: world.now() - TimeDelta::minutes(4),
                ended_at,
            };
            write(&Facts { about, ..facts(Kind::ProviderOutage) }, &setting(false)).unwrap()
        };
        let letter = told(None);
        assert_eq!(letter.subject, "openai does not work");
        assert!(letter.text.contains("since 25 November 2026, 10:56 (HTTP 503 <b>)"), "{}", letter.text);
        assert!(letter.text.contains("https://quire.example.edu/admin\n"), "{}", letter.text);
        assert!(letter.html.contains("&lt;b&gt;") && !letter.html.contains("<b>"), "{}", letter.html);
        let letter = told(Some(world.now()));
        assert_eq!(letter.subject, "openai works again");
        assert!(letter.text.contains("until 25 November 2026, 11:00"), "{}", letter.text);
    }

    #[test]
    fn a_threshold_is_told_of_with_what_it_means() {
        let told = |course: Option<&str>, percent, hard_stop| {
            let about = About::Budget {
                course: course.map(str::to_owned),
                month: "2026-11".into(),
                percent,
                used: NanoUsd::from_dollars(percent * 5),
                limit: NanoUsd::from_dollars(500),
                hard_stop,
            };
            write(&Facts { about, ..facts(Kind::BudgetThreshold) }, &setting(false)).unwrap()
        };
        let letter = told(Some("Writing <1>"), 80, true);
        assert_eq!(letter.subject, "80 % of the budget of Writing <1> is used");
        assert!(
            letter.text.contains("$400.00 of the budget of “Writing <1>” for 2026-11"),
            "{}",
            letter.text
        );
        assert!(letter.text.contains("80 % of $500.00"), "{}", letter.text);
        assert!(!letter.text.contains("waits in the queue"), "{}", letter.text);
        assert!(letter.html.contains("Writing &lt;1&gt;") && !letter.html.contains("<1>"), "{}", letter.html);
        assert!(
            letter.text.contains("https://quire.example.edu/admin/budget?month=2026-11\n"),
            "{}",
            letter.text
        );
        let letter = told(None, 100, true);
        assert_eq!(letter.subject, "100 % of the budget of the institution is used");
        assert!(letter.text.contains("waits in the queue until the limit is raised"), "{}", letter.text);
        assert!(!told(None, 100, false).text.contains("waits in the queue"));
    }

    #[test]
    fn a_measure_and_a_bill_are_told_of_with_what_to_do() {
        let told = |kind, about| write(&Facts { about, ..facts(kind) }, &setting(false)).unwrap();
        let measure = |taken| About::Measure {
            measure: Measure::Delay,
            taken,
            why: "the month will likely come to $96 of <100>, 96 %".into(),
        };
        let letter = told(Kind::CostControl, measure(true));
        assert_eq!(letter.subject, "Cost control: “Delay what is not urgent” began");
        assert!(letter.text.contains("since the month will likely come to $96"), "{}", letter.text);
        assert!(
            letter.text.contains("https://quire.example.edu/admin/budget#cost-control\n"),
            "{}",
            letter.text
        );
        assert!(letter.html.contains("&lt;100&gt;") && !letter.html.contains("<100>"), "{}", letter.html);
        let letter = told(Kind::CostControl, measure(false));
        assert_eq!(letter.subject, "Cost control: “Delay what is not urgent” ended");
        let state = crate::webhook::State::Failed;
        let bill = About::Bill { month: "2026-11".into(), state, why: "it answered 503\r\nService".into() };
        let letter = told(Kind::BillGivenUp, bill);
        assert_eq!(letter.subject, "The bill of 2026-11 was not taken");
        assert!(letter.text.contains("(it answered 503 Service)"), "{}", letter.text);
        assert!(letter.text.contains("POST /api/v1/billing/deliveries/{id}/retry"), "{}", letter.text);
    }

    fn setting(estimate: bool) -> Setting<'static> {
        let now = still_world().0.now();
        let range = (now + TimeDelta::minutes(31), now + TimeDelta::minutes(92));
        Setting {
            institution: "Norrby",
            public_url: "https://quire.example.edu",
            estimate: estimate.then_some(range),
            now,
        }
    }

    #[test]
    fn every_kind_on_the_e_mail_channel_has_a_letter() {
        // These are about no submission.
        let mailed = |kind: &Kind| {
            !matches!(
                kind,
                Kind::DeadLetters
                    | Kind::ProviderOutage
                    | Kind::BudgetThreshold
                    | Kind::CostControl
                    | Kind::BillGivenUp
            ) && kind.channels().contains(&super::super::Channel::Email)
        };
        for kind in Kind::ALL.into_iter().filter(mailed) {
            for held in [false, true] {
                for estimate in [false, true] {
                    let letter =
                        write(&Facts { about: submission(held), ..facts(kind) }, &setting(estimate)).unwrap();
                    assert!(!letter.subject.contains(['\r', '\n']) && letter.subject.len() < 200, "{kind:?}");
                    let page = super::super::inbox::path(kind, &submission(held));
                    assert!(
                        letter.text.contains(&format!("https://quire.example.edu{page}\n")),
                        "{}",
                        letter.text
                    );
                    assert!(letter.html.replace("&#x2f;", "/").contains(&format!("example.edu{page}\"")));
                    assert!(letter.text.contains("QR-7F3K-92MD"));
                    assert!(letter.html.contains("Essay &lt;1&gt;") && !letter.html.contains("<1>"));
                    assert!(letter.html.contains("Writing &amp; Thinking"));
                    assert!(letter.text.contains("Writing & Thinking"), "{}", letter.text);
                    assert!(
                        !letter.text.contains("\n\n\n") && !letter.html.contains("{{"),
                        "{}",
                        letter.text
                    );
                    for word in ["job", "token", "batch", "LLM"] {
                        let told = kind.for_staff() || !letter.text.to_lowercase().contains(word);
                        assert!(told, "{kind:?} says {word}: {}", letter.text);
                    }
                }
            }
        }
        assert!(write(&facts(Kind::Delayed), &setting(false)).is_err());
    }

    #[test]
    fn the_summary_counts_by_cause() {
        let facts = facts(Kind::DeadLetters);
        let reader = Reader {
            id: facts.id,
            email: facts.email,
            name: facts.name,
            time_zone: facts.time_zone,
            disabled_at: None,
        };
        let letter = summary(&reader, &[("Too large", 1_002), ("Refused", 1)], &setting(false)).unwrap();
        assert_eq!(letter.subject, "1003 submissions need a person");
        for part in ["1002  Too large\n", "1  Refused\n", "https://quire.example.edu/admin/dead-letters\n"] {
            assert!(letter.text.contains(part), "{part}: {}", letter.text);
        }
        assert!(letter.html.contains("Too large") && !letter.html.contains("{{"), "{}", letter.html);
        let one = summary(&reader, &[("Refused", 1)], &setting(false)).unwrap();
        assert_eq!(one.subject, "1 submission needs a person");
    }

    #[test]
    fn the_first_letter_tells_all_that_is_known() {
        let letter = write(&facts(Kind::Received), &setting(true)).unwrap();
        assert_eq!(letter.subject, "We have your work: Essay <1> Bcc: all@example.edu");
        let text = letter.text;
        assert!(text.starts_with("Ada Lind,\n"), "{text}");
        assert!(text.contains("25 November 2026, 11:00"), "{text}");
        assert!(text.contains("Marks expected: today, 11:30 to 12:35."), "{text}");
        assert!(!text.contains("teacher"), "{text}");
        let held =
            write(&Facts { about: submission(true), ..facts(Kind::Received) }, &setting(true)).unwrap().text;
        assert!(held.contains("Marking expected: today, 11:30 to 12:35."), "{held}");
        assert!(held.contains("teacher"), "{held}");
    }
}
