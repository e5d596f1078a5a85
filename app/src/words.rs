//! The words of the pages: numbers, money, states, and the wait of a submission in sentences.

use crate::view::{
    BatchState, DecidedBy, Draft, Lane, Leaves, Live, NanoUsd, Place, Progress, Route, Score, Status, Step,
    StepState,
};
use crate::when::Clock;
use std::cmp::Ordering;

/// A whole number with commas: "1,284".
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The end of an id, for a narrow column. Ids begin with the time, so that those of one day look alike there.
#[must_use]
pub fn short_id(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

/// A large number in short: "850", "12.4 k", "1.8 M". Cut, not rounded, so that a limit is never overstated.
#[must_use]
pub fn short_count(number: u64) -> String {
    let tenths = |unit: u64| points((number / (unit / 10)) as f64 / 10.0);
    match number {
        1_000_000.. => format!("{} M", tenths(1_000_000)),
        10_000.. => format!("{} k", tenths(1_000)),
        _ => count(number),
    }
}

/// A number with its noun: "1 word", "612 words".
#[must_use]
pub fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(number), if number == 1 { singular } else { plural })
}

/// A place in a line: "1st", "22nd", "113th".
#[must_use]
pub fn ordinal(number: u64) -> String {
    let suffix = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{}{suffix}", count(number))
}

/// Points without needless decimals: "13", "4.5".
#[must_use]
pub fn points(points: f64) -> String {
    let text = format!("{points:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// "13 of 15".
#[must_use]
pub fn score(score: Score) -> String {
    format!("{} of {}", points(score.points), points(score.out_of))
}

/// A share as a percentage: "77 %". Never rounded up to all or down to nothing.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 99.5 && percent < 100.0 {
        return "over 99 %".to_owned();
    }
    if percent > 0.0 && percent < 0.5 {
        return "under 1 %".to_owned();
    }
    format!("{percent:.0} %")
}

/// Money with the precision its size deserves: "$1,377", "$41.20", "$0.0042".
#[must_use]
pub fn usd(amount: NanoUsd) -> String {
    let sign = if amount.0 < 0 { "−" } else { "" };
    let nano = amount.0.unsigned_abs();
    // Rounded half up to the last digit shown.
    let (unit, decimals) = match nano {
        0 => return "$0".to_owned(),
        100_000_000_000.. => (1_000_000_000, 0),
        1_000_000_000.. => (10_000_000, 2),
        100_000_000.. => (1_000_000, 3),
        10_000_000.. => (100_000, 4),
        _ => (1_000, 6),
    };
    let units = (nano + unit / 2) / unit;
    if decimals == 0 {
        return format!("{sign}${}", count(units));
    }
    let scale = 10_u64.pow(decimals);
    let fraction = format!("{:0width$}", units % scale, width = decimals as usize);
    // At least cents, and no zeros after them.
    let kept = fraction.trim_end_matches('0').len().max(2);
    format!("{sign}${}.{}", count(units / scale), &fraction[..kept])
}

/// A size of a file: "10 MB", "512 kB".
#[must_use]
pub fn bytes(bytes: u64) -> String {
    match bytes {
        1_000_000.. => format!("{} MB", points((bytes as f64 / 100_000.0).floor() / 10.0)),
        1_000.. => format!("{} kB", bytes / 1_000),
        _ => counted(bytes, "byte", "bytes"),
    }
}

/// A list in a sentence: "txt, md or pdf".
#[must_use]
pub fn either(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

/// The first letter in upper case.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Which draft: "final version", "version 2 of 3", "version 4".
#[must_use]
pub fn draft(draft: Draft) -> String {
    match draft.allowed {
        Some(1) => "only version".to_owned(),
        Some(allowed) if draft.number >= allowed => "final version".to_owned(),
        Some(allowed) => format!("version {} of {allowed}", draft.number),
        None => format!("version {}", draft.number),
    }
}

/// A state for a student, in a word or two.
#[must_use]
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Queued => "In the queue",
        Status::Processing => "Being marked",
        Status::InReview => "With your teacher",
        Status::Completed => "Marks ready",
        Status::NeedsAttention => "A person is looking at it",
        Status::Withdrawn => "Withdrawn",
        Status::Closed => "Closed without marks",
    }
}

/// A state for staff, as the specification names it.
#[must_use]
pub fn staff_status(status: Status) -> &'static str {
    match status {
        Status::Queued => "Queued",
        Status::Processing => "Processing",
        Status::InReview => "In review",
        Status::Completed => "Completed",
        Status::NeedsAttention => "Needs attention",
        Status::Withdrawn => "Withdrawn",
        Status::Closed => "Closed without marks",
    }
}

/// A state as it stands in an address: `in_review`.
#[must_use]
pub fn status_key(status: Status) -> &'static str {
    match status {
        Status::Queued => "queued",
        Status::Processing => "processing",
        Status::InReview => "in_review",
        Status::Completed => "completed",
        Status::NeedsAttention => "needs_attention",
        Status::Withdrawn => "withdrawn",
        Status::Closed => "closed",
    }
}

/// The state of a batch for staff.
#[must_use]
pub fn batch_state(state: BatchState) -> &'static str {
    match state {
        BatchState::Planned => "Written down",
        BatchState::Submitting => "Being sent",
        BatchState::InProgress => "Marking",
        BatchState::Ingesting => "Reading answers",
        BatchState::Completed => "Completed",
        BatchState::Expired => "Expired",
        BatchState::Cancelled => "Cancelled",
        BatchState::Failed => "Failed",
    }
}

/// The state of a batch as it stands in an address: `in_progress`.
#[must_use]
pub fn batch_state_key(state: BatchState) -> &'static str {
    match state {
        BatchState::Planned => "planned",
        BatchState::Submitting => "submitting",
        BatchState::InProgress => "in_progress",
        BatchState::Ingesting => "ingesting",
        BatchState::Completed => "completed",
        BatchState::Expired => "expired",
        BatchState::Cancelled => "cancelled",
        BatchState::Failed => "failed",
    }
}

/// The name of a lane.
#[must_use]
pub fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Urgent => "Urgent",
        Lane::Standard => "Standard",
        Lane::Economy => "Economy",
    }
}

/// The name of a route.
#[must_use]
pub fn route(route: Route) -> &'static str {
    match route {
        Route::Realtime => "Real time",
        Route::Batch => "Batch",
    }
}

/// Who decided on the marks, as a sentence.
#[must_use]
pub fn decided_by(decided_by: &DecidedBy, clock: Clock) -> String {
    match decided_by {
        DecidedBy::Model => "Marked by a language model.".to_owned(),
        DecidedBy::Kept { draft } => format!(
            "A language model marked version {draft}. Next to nothing has changed since, so its marks stand."
        ),
        DecidedBy::Approved { by, at } => {
            format!("Marked by a language model, read and approved by {by} on {}.", clock.date(*at))
        }
        DecidedBy::Person { by, at } => format!("Marked by {by} on {}.", clock.date(*at)),
    }
}

/// The most leaves drawn; longer queues are drawn to scale.
const MOST_LEAVES: u32 = 40;

fn leaves(place: &Place) -> Leaves {
    let done = place.joined_at.saturating_sub(place.position);
    let total = done.saturating_add(place.of.max(place.position)).max(1);
    let mine = done.saturating_add(place.position).saturating_sub(1).min(total - 1);
    if total <= MOST_LEAVES {
        return Leaves { total: total as u16, mine: mine as u16, done: done as u16 };
    }
    let scale = |value: u32| (u64::from(value) * u64::from(MOST_LEAVES) / u64::from(total)) as u16;
    Leaves { total: MOST_LEAVES as u16, mine: scale(mine), done: scale(done).min(scale(mine)) }
}

fn place_note(place: &Place, progress: &Progress, clock: Clock) -> String {
    let mut note = format!("of {}", count(place.of.max(place.position).into()));
    let since = progress.queued_at.unwrap_or(progress.submitted_at);
    if place.position < place.joined_at {
        let by = counted((place.joined_at - place.position).into(), "place", "places");
        note.push_str(&format!(" · moved up {by} since {}", clock.short(since)));
    } else if place.position > place.joined_at {
        let by = counted((place.position - place.joined_at).into(), "place", "places");
        note.push_str(&format!(" · moved back {by}"));
        if let Some(why) = &place.moved_back_because {
            note.push_str(": ");
            note.push_str(why);
        }
    }
    note
}

fn steps(progress: &Progress, clock: Clock) -> Vec<Step> {
    let handed_in = ("Handed in", clock.short(progress.submitted_at));
    let queued = ("In the queue", clock.short(progress.queued_at.unwrap_or(progress.submitted_at)));
    let ready = match progress.estimate {
        _ if progress.approval_follows => "after your teacher has looked".to_owned(),
        Some(estimate) => clock.short_range(estimate),
        None => "not known yet".to_owned(),
    };
    let marking = match (progress.processing_at, progress.processing_expected) {
        (Some(at), _) => clock.short(at),
        (None, Some(expected)) if expected > clock.now => format!("about {}", clock.short(expected)),
        (None, _) => "next".to_owned(),
    };
    let (steps, current) = match progress.status {
        Status::Queued => ([handed_in, queued, ("Being marked", marking), ("Marks ready", ready)], 1),
        Status::Processing => ([handed_in, queued, ("Being marked", marking), ("Marks ready", ready)], 2),
        Status::NeedsAttention => (
            [
                handed_in,
                queued,
                ("With a person", "now".to_owned()),
                ("Marks ready", "not known yet".to_owned()),
            ],
            2,
        ),
        Status::Closed => (
            [
                handed_in,
                queued,
                ("With a person", "done".to_owned()),
                ("Closed without marks", "done".to_owned()),
            ],
            3,
        ),
        Status::InReview | Status::Completed | Status::Withdrawn => {
            let marked = progress.marked_at.map_or_else(|| "done".to_owned(), |at| clock.short(at));
            let steps = [
                handed_in,
                ("Marked", marked),
                ("With your teacher", "now".to_owned()),
                ("Marks ready", "when your teacher has looked".to_owned()),
            ];
            (steps, 2)
        }
    };
    steps
        .into_iter()
        .enumerate()
        .map(|(index, (label, time))| Step {
            label: label.to_owned(),
            time,
            state: match index.cmp(&current) {
                Ordering::Less => StepState::Done,
                Ordering::Equal => StepState::Current,
                Ordering::Greater => StepState::Ahead,
            },
        })
        .collect()
}

/// The large line of the wait with its heading and the sentences under it.
fn promise(progress: &Progress, noun: &str, clock: Clock) -> (&'static str, String, String) {
    let approval = "Your teacher then looks at the marks before you see them.";
    match (progress.status, progress.estimate) {
        (Status::InReview, _) => (
            "Your marks",
            "with your teacher".to_owned(),
            format!(
                "Your {noun} is marked. You see the marks as soon as your teacher releases them, and we write to you then."
            ),
        ),
        (Status::NeedsAttention, _) => (
            "What happens now",
            "a person is on it".to_owned(),
            format!(
                "Something went wrong on our side while your {noun} was being marked. It is safe, and we have told those who can help. We write to you when your marks are ready."
            ),
        ),
        (Status::Closed, _) => (
            "Your marks",
            "there are none".to_owned(),
            format!("Your {noun} could not be marked, and a person has closed it. Its text is kept."),
        ),
        (_, None) => (
            "Marks expected",
            "not known yet".to_owned(),
            "We show a time here as soon as we have one. You need not wait on this page.".to_owned(),
        ),
        (_, Some(estimate)) if estimate.to <= clock.now => (
            "Marks expected",
            "any moment now".to_owned(),
            format!(
                "It takes longer than we said. Your {noun} is safe and still on its way to being marked."
            ),
        ),
        (_, Some(estimate)) if progress.approval_follows => (
            "Marking expected",
            clock.range(estimate),
            format!("Nine of ten {noun}s are marked within this time. {approval}"),
        ),
        (_, Some(estimate)) => (
            "Marks expected",
            clock.range(estimate),
            format!("Nine of ten {noun}s are ready within this time. We write to you as soon as yours is."),
        ),
    }
}

/// The wait of a submission in words. `noun` is what the work is called: "essay".
#[must_use]
pub fn live(progress: &Progress, noun: &str, clock: Clock) -> Live {
    let (heading, when, note) = promise(progress, noun, clock);
    let place = progress.place.as_ref().filter(|_| progress.status == Status::Queued);
    let left = match progress.estimate {
        Some(estimate) if progress.status.waits() && estimate.to > clock.now => format!(
            "{} left at most, {} of the way.",
            capital(&clock.until(estimate.to)),
            percent(progress.fraction.clamp(0.0, 1.0))
        ),
        _ => String::new(),
    };
    let place_words =
        place.map_or_else(String::new, |place| format!("{} in line", ordinal(place.position.into())));
    let state = status(progress.status);
    let spoken = match place {
        Some(place) => format!("{state}, {place_words} of {}. {heading} {when}.", count(place.of.into())),
        None => format!("{state}. {heading} {when}."),
    };
    Live {
        status: progress.status,
        tag: state.to_owned(),
        heading: heading.to_owned(),
        when,
        note,
        leaves: place.map(leaves),
        place: place_words,
        place_note: place.map_or_else(String::new, |place| place_note(place, progress, clock)),
        left,
        steps: steps(progress, clock),
        interim_ready: progress.interim_ready,
        spoken,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::view::TimeRange;
    use chrono::{DateTime, TimeDelta, Utc};

    fn clock() -> Clock {
        Clock { now: "2026-11-25T13:05:00Z".parse().unwrap(), zone: chrono_tz::Europe::Berlin }
    }

    fn queued() -> Progress {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        Progress {
            status: Status::Queued,
            lane: Lane::Standard,
            estimate: Some(TimeRange { from: at("2026-11-25T15:10:00Z"), to: at("2026-11-25T16:40:00Z") }),
            approval_follows: false,
            place: Some(Place { position: 23, of: 34, joined_at: 29, moved_back_because: None }),
            submitted_at: at("2026-11-25T13:02:00Z"),
            queued_at: Some(at("2026-11-25T13:02:00Z")),
            processing_at: None,
            processing_expected: Some(at("2026-11-25T14:30:00Z")),
            marked_at: None,
            released_at: None,
            fraction: 0.02,
            interim_ready: true,
        }
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 112, 1_023].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "1,023rd"]
        );
        assert_eq!(
            [850, 9_999, 12_490, 1_830_000, 20_000_000].map(short_count),
            ["850", "9,999", "12.4 k", "1.8 M", "20 M"]
        );
        assert_eq!(points(13.0), "13");
        assert_eq!(points(4.5), "4.5");
        assert_eq!(percent(0.774), "77 %");
        assert_eq!(percent(0.999), "over 99 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(bytes(10_000_000), "10 MB");
    }

    #[test]
    fn money_has_the_precision_its_size_deserves() {
        assert_eq!(usd(NanoUsd(0)), "$0");
        assert_eq!(usd(NanoUsd(1_377_400_000_000)), "$1,377");
        assert_eq!(usd(NanoUsd(41_196_000_000)), "$41.20");
        assert_eq!(usd(NanoUsd(4_200_000)), "$0.0042");
        assert_eq!(usd(NanoUsd(150_000_000)), "$0.15");
        assert_eq!(usd(NanoUsd(1_499)), "$0.000001");
        assert_eq!(usd(NanoUsd(-2_000_000_000)), "−$2.00");
        assert_eq!(usd(NanoUsd(i64::MIN)), "−$9,223,372,037");
    }

    #[test]
    fn a_queued_submission_is_told_as_on_the_reference_page() {
        let live = live(&queued(), "essay", clock());
        assert_eq!(live.when, "today, 16:10 to 17:40");
        assert_eq!(live.place, "23rd in line");
        assert_eq!(live.place_note, "of 34 · moved up 6 places since 14:02");
        assert_eq!(live.leaves, Some(Leaves { total: 40, mine: 28, done: 6 }));
        assert_eq!(live.left, "About 4 hours left at most, 2 % of the way.");
        let current: Vec<_> = live.steps.iter().filter(|step| step.state == StepState::Current).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0].label, "In the queue");
        assert_eq!(live.steps[2].time, "about 15:30");
        assert_eq!(live.steps[3].time, "16:10 to 17:40");
    }

    #[test]
    fn moving_back_is_explained() {
        let mut progress = queued();
        progress.place = Some(Place {
            position: 31,
            of: 40,
            joined_at: 29,
            moved_back_because: Some("work with an earlier deadline came in".to_owned()),
        });
        let live = live(&progress, "essay", clock());
        assert_eq!(live.place_note, "of 40 · moved back 2 places: work with an earlier deadline came in");
    }

    #[test]
    fn where_a_person_approves_only_the_marking_is_timed() {
        let mut progress = queued();
        progress.approval_follows = true;
        let live = live(&progress, "essay", clock());
        assert_eq!(live.heading, "Marking expected");
        assert!(live.note.contains("Your teacher then looks at the marks"), "{}", live.note);
        assert_eq!(live.steps[3].time, "after your teacher has looked");
    }

    #[test]
    fn a_broken_promise_is_admitted() {
        let mut progress = queued();
        progress.status = Status::Processing;
        let past = clock().now - TimeDelta::minutes(5);
        progress.estimate = Some(TimeRange { from: past, to: past });
        let live = live(&progress, "essay", clock());
        assert_eq!(live.when, "any moment now");
        assert!(live.note.starts_with("It takes longer than we said."), "{}", live.note);
        assert!(live.leaves.is_none());
    }

    #[test]
    fn no_technical_word_reaches_a_student() {
        for status in Status::ALL {
            for estimate in [None, queued().estimate] {
                for approval_follows in [false, true] {
                    let progress = Progress { status, estimate, approval_follows, ..queued() };
                    let text = format!("{:?}", live(&progress, "essay", clock())).to_lowercase();
                    for word in ["job", "token", "batch", "llm", "api", "lane"] {
                        assert!(!text.contains(word), "{word} in {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn leaves_stay_within_bounds_however_long_the_queue_is() {
        for (position, of, joined_at) in
            [(1, 1, 1), (5, 3, 1), (1, 1, 9_000), (40_000, 50_000, 45_000), (u32::MAX, u32::MAX, 0)]
        {
            let place = Place { position, of, joined_at, moved_back_because: None };
            let leaves = leaves(&place);
            assert!(leaves.total >= 1 && leaves.total <= 40, "{leaves:?}");
            assert!(leaves.mine < leaves.total && leaves.done <= leaves.mine, "{leaves:?}");
        }
    }
}
