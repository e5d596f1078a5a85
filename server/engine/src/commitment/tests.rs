//! Commitments, from what was booked to the words of the report.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    budget::{self, Held, Line, Month, Paid, Tokens, Way},
    engine::testing::{House, house, person},
    identity::{Actor, Denied, IdentityError},
    notice::Mailer,
    plan::Share,
    provider::{
        Listed, ProviderKind, Usage,
        price::{Deal, Price, Rates, seed_prices},
        registry::store::{PriceRow, put_price},
    },
    store::{BatchId, CourseId, Id as _, NanoUsd, testing::each_db},
};
use chrono::{DateTime, NaiveDate, Utc};
use proptest::prelude::*;
use uuid::Uuid;

fn share(percent: &str) -> Share {
    Share::parse_percent(percent).unwrap()
}

fn dollars(amounts: &[i64]) -> Vec<NanoUsd> {
    amounts.iter().map(|amount| NanoUsd::from_dollars(*amount)).collect()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

#[test]
fn a_commitment_is_held_against_each_month() {
    let spent = dollars(&[100, 60, 140]);
    // $90 are paid for work of $100 in each month: $10, -$30 and $10 saved.
    let held = commit(&spent, share("10"), NanoUsd::from_dollars(100));
    assert_eq!(held.pays, NanoUsd::from_dollars(90));
    assert_eq!(held.saved, NanoUsd::from_dollars(-10));
    assert_eq!((held.unused, held.unused_cost), (NanoUsd::from_dollars(40), NanoUsd::from_dollars(36)));
    let safe = commit(&spent, share("10"), NanoUsd::from_dollars(60));
    assert_eq!((safe.saved, safe.unused), (NanoUsd::from_dollars(18), NanoUsd::ZERO));
    // A discount is rounded once, to the nano-dollar.
    assert_eq!(commit(&[NanoUsd(3)], share("50"), NanoUsd(3)).pays, NanoUsd(1));
}

#[test]
fn the_safe_one_leaves_nothing_unused_and_the_best_saves_most() {
    let spent = dollars(&[100, 60, 140]);
    let at = |percent| offer(&spent, share(percent)).unwrap();
    let ten = at("10");
    assert_eq!(ten.break_even_percent, 90.0);
    assert_eq!(ten.safe.unwrap().covers, NanoUsd::from_dollars(60));
    // With 10 % nothing beyond the leanest month pays: it would have to be used nine times of ten.
    assert_eq!(ten.best.unwrap().covers, NanoUsd::from_dollars(60));
    // With 50 % it pays to cover what two of three months use.
    let half = at("50");
    assert_eq!(half.best.unwrap().covers, NanoUsd::from_dollars(100));
    assert_eq!(half.best.unwrap().saved, NanoUsd::from_dollars(110));
    assert_eq!(
        (half.mean.covers, half.highest.covers),
        (NanoUsd::from_dollars(100), NanoUsd::from_dollars(140))
    );
    assert_eq!(half.highest.saved, NanoUsd::from_dollars(90));

    // A month without work: none is safe, and with a small discount none pays.
    let idle = dollars(&[0, 50]);
    let ten = offer(&idle, share("10")).unwrap();
    assert_eq!((ten.safe, ten.best), (None, None));
    assert_eq!(ten.mean.saved, NanoUsd::from_dollars(-20));
    assert_eq!(offer(&dollars(&[0, 0]), share("10")), None);
    assert_eq!(offer(&[], share("10")), None);
    let one = offer(&dollars(&[80]), share("15")).unwrap();
    assert_eq!((one.safe, one.safe.map(|one| one.saved)), (one.best, Some(NanoUsd::from_dollars(12))));
}

proptest! {
    /// No size saves more than the best, and the safe one saves in every month.
    #[test]
    fn none_saves_more_than_the_best(
        spent in prop::collection::vec(0_i64..2_000_000_000_000, 1..13),
        discount in 1_u32..10_000,
        covers in 0_i64..3_000_000_000_000,
    ) {
        let spent: Vec<NanoUsd> = spent.into_iter().map(NanoUsd).collect();
        let discount = Share::parse_percent(&format!("{}.{:02}", discount / 100, discount % 100)).unwrap();
        prop_assume!(spent.iter().any(|month| *month > NanoUsd::ZERO));
        let offer = offer(&spent, discount).unwrap();
        let best = offer.best.map_or(NanoUsd::ZERO, |best| best.saved);
        // Each month's payment is rounded by half a nano-dollar at most.
        let slack = i64::try_from(spent.len()).unwrap();
        prop_assert!(commit(&spent, discount, NanoUsd(covers)).saved.0 <= best.0 + slack);
        if let Some(safe) = offer.safe {
            prop_assert_eq!(safe.unused, NanoUsd::ZERO);
            prop_assert!(safe.saved >= NanoUsd::ZERO && safe.saved <= best);
            prop_assert!(commit(&spent, discount, safe.covers + NanoUsd(1)).unused > NanoUsd::ZERO);
        }
    }
}

fn way(provider: &str, model: &str, batched: bool) -> Way {
    Way {
        course_id: CourseId::from_uuid(Uuid::from_u128(7)),
        cost_centre: "arts".into(),
        provider: provider.into(),
        model: model.into(),
        batched,
    }
}

fn paid(spent: i64, input_tokens: i64) -> Paid {
    Paid { spent: NanoUsd(spent), answers: 1, input_tokens, output_tokens: 10, ..Paid::default() }
}

#[test]
fn uses_are_summed_by_provider_model_and_route() {
    let other_course = Way { course_id: CourseId::from_uuid(Uuid::from_u128(8)), ..way("b", "m", true) };
    let months = [
        vec![
            (way("b", "m", true), paid(5, 100)),
            (other_course, paid(6, 200)),
            (way("b", "m", false), paid(7, 1)),
        ],
        vec![(way("a", "n", true), paid(1, 2)), (way("b", "k", true), paid(9, 3))],
    ];
    let found = measured(&months);
    let names: Vec<_> = found.iter().map(|one| (one.provider.as_str(), one.models.len())).collect();
    assert_eq!(names, [("a", 1), ("b", 2)]);
    let m = &found[1].models[1];
    assert_eq!((m.model.as_deref(), m.months.len()), (Some("m"), 2));
    assert_eq!((m.months[0].batch.spent, m.months[0].batch.input_tokens), (NanoUsd(11), 300));
    assert_eq!((m.months[0].realtime.spent, m.months[0].spent()), (NanoUsd(7), NanoUsd(18)));
    assert_eq!(m.months[1], Use::default());
    let all: Vec<_> = found[1].all.months.iter().map(|used| (used.spent().0, used.batch.answers)).collect();
    assert_eq!(all, [(18, 2), (9, 1)]);
}

#[test]
fn what_is_thin_is_said() {
    let of = |months: &[(&str, i64)], first_day: Option<&str>| {
        let months = months
            .iter()
            .map(|(name, spent)| {
                let ways =
                    if *spent < 0 { vec![] } else { vec![(way("openai", "m", true), paid(*spent, 1))] };
                (month(name), ways)
            })
            .collect();
        let facts = Facts { first_day: first_day.map(day), ..Facts::default() };
        report(months, &[share("10")], &facts)
    };
    let never = of(&[("2026-10", -1)], None);
    assert!(never.months.is_empty() && never.providers.is_empty() && never.assumptions.is_empty());
    assert_eq!(never.notes, ["Nothing was paid for yet. Ask again when a month with work has ended."]);
    let young = of(&[("2026-09", -1), ("2026-10", -1)], Some("2026-11-03"));
    assert_eq!(young.notes, ["The first work was paid for on 2026-11-03. Ask again when 2026-11 has ended."]);
    let one = of(&[("2026-08", -1), ("2026-09", -1), ("2026-10", 50)], Some("2026-10-20"));
    assert_eq!(one.months, [month("2026-10")]);
    assert_eq!(
        one.notes,
        [
            "2026-08, 2026-09 are left out: the first work was paid for on 2026-10-20.",
            "2026-10 counts as a whole month, though the first work was paid for on 2026-10-20: the leanest month may be \
             higher than it looks.",
            "Only 2026-10 was measured. One month does not tell how months differ: ask again when there are three.",
        ]
    );
    let summer = of(&[("2026-07", 50), ("2026-08", -1)], Some("2026-07-01"));
    assert!(summer.notes.is_empty(), "{:?}", summer.notes);
    let all = &summer.providers[0].all;
    assert_eq!((all.least, all.mean, all.highest), (NanoUsd::ZERO, NanoUsd(25), NanoUsd(50)));
    assert_eq!(all.notes, ["Nothing was spent in 2026-08: any commitment would have been unused then."]);
    let free = of(&[("2026-07", 0), ("2026-08", 0)], Some("2026-07-01"));
    assert!(free.providers[0].all.offers.is_empty());
    assert_eq!(free.providers[0].all.notes, ["Nothing was spent: what costs nothing needs no commitment."]);
    let past = of(&[("2026-09", -1), ("2026-10", -1)], Some("2026-01-05"));
    assert_eq!(past.notes, ["Nothing was paid for in these months."]);
}

fn luna() -> Price {
    seed_prices().iter().find(|row| row.model == "gpt-6-luna").unwrap().price
}

#[test]
fn a_price_changes_when_what_is_paid_does() {
    let listed = |own, from: &str, input, discount| Listed {
        own,
        from: from.parse().unwrap(),
        price: Price { realtime: Rates { input, ..luna().realtime }, ..luna() },
        deal: Deal { discount, tiers: vec![] },
    };
    let zone = chrono_tz::Europe::Stockholm;
    let kind = [
        listed(false, "2026-10-05T22:30:00Z", 9, 0),
        listed(false, "2026-10-03T00:00:00Z", 8, 500),
        listed(false, "2026-10-02T00:00:00Z", 8, 0),
        listed(false, "2026-09-01T00:00:00Z", 8, 0),
    ];
    // The day is the institution's; a row that repeats the price before it is no change, nor is the first.
    assert_eq!(price_changes(&kind, zone), [day("2026-10-03"), day("2026-10-06")]);
    // The provider's own price goes before its kind's.
    let mut both = vec![listed(true, "2026-10-04T00:00:00Z", 1, 0)];
    both.extend(kind);
    assert_eq!(price_changes(&both, zone), [day("2026-10-03"), day("2026-10-04")]);
    assert!(price_changes(&[], zone).is_empty());
}

fn line(house: &House, at: &str, batched: bool, spent: i64) -> Line {
    let world = house.engine.world();
    let at: DateTime<Utc> = at.parse().unwrap();
    let account = budget::Account {
        job_id: world.id(),
        provider: "openai".into(),
        model: "gpt-6-luna".into(),
        course_id: house.assignment.course_id,
        cost_centre: "arts".into(),
    };
    let line = Line::settle(world, house.engine.zone(), account, Held::default(), NanoUsd(spent));
    let used = Usage { input_tokens: 2_000, output_tokens: 400, ..Usage::default() };
    let batch_id = batched.then(|| BatchId::from_uuid(Uuid::from_u128(1)));
    Line { at, day: budget::day_of(at, house.engine.zone()), batch_id, tokens: Tokens::from(used), ..line }
}

#[tokio::test]
async fn the_last_whole_months_are_measured() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let asked = Asked::default();
        let none = house.engine.commitment(&Actor::System, &asked).await.unwrap();
        assert!(none.providers.is_empty() && none.notes[0].contains("Nothing was paid for yet"));
        let lines = [
            line(&house, "2026-07-31T23:59:59Z", true, 1_000),
            line(&house, "2026-09-01T00:00:00Z", true, 300),
            line(&house, "2026-09-30T23:59:59Z", false, 400),
            line(&house, "2026-10-15T00:00:00Z", true, 500),
            line(&house, "2026-11-01T00:00:00Z", true, 9_000),
        ];
        budget::record(&mut db, &lines).await.unwrap();
        let found = house.engine.commitment(&Actor::System, &asked).await.unwrap();
        assert_eq!(found.months, [month("2026-08"), month("2026-09"), month("2026-10")]);
        let all = &found.providers[0].all;
        assert_eq!((found.providers[0].provider.as_str(), all.model.as_deref()), ("openai", None));
        assert_eq!((all.least, all.mean, all.highest), (NanoUsd::ZERO, NanoUsd(400), NanoUsd(700)));
        assert_eq!((all.months[1].batch.spent, all.months[1].realtime.spent), (NanoUsd(300), NanoUsd(400)));
        assert_eq!((all.months[1].batch.input_tokens, all.months[1].realtime.output_tokens), (2_000, 400));
        assert_eq!(all.offers.len(), 4);
        let one = Asked { months: 1, discounts: vec![share("20"), share("12.5"), share("20")] };
        let found = house.engine.commitment(&Actor::System, &one).await.unwrap();
        let offers = &found.providers[0].models[0].offers;
        assert_eq!(
            offers.iter().map(|offer| offer.discount).collect::<Vec<_>>(),
            [share("12.5"), share("20")]
        );
        assert_eq!(offers[1].safe.unwrap().saved, NanoUsd(100));

        // A price that changed is told where it matters.
        let row = |from: &str, discount| PriceRow {
            provider_kind: ProviderKind::Openai,
            provider: "openai".into(),
            model: "gpt-6-luna".into(),
            valid_from: from.parse().unwrap(),
            price: luna(),
            deal: Deal { discount, tiers: vec![] },
        };
        for (from, discount) in [("2026-09-20T00:00:00Z", 100), ("2026-10-20T00:00:00Z", 500)] {
            put_price(&mut db, house.engine.world(), &row(from, discount)).await.unwrap();
        }
        let found = house.engine.commitment(&Actor::System, &asked).await.unwrap();
        let notes = &found.providers[0].models[0].notes;
        assert!(notes[1].starts_with("The price of gpt-6-luna changed on 2026-10-20."), "{notes:?}");
    })
    .await;
}

#[tokio::test]
async fn only_administrators_ask_and_only_what_can_be_answered() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let refused = house.engine.commitment(&house.student, &Asked::default()).await.unwrap_err();
        assert!(matches!(refused, CommitmentError::Identity(IdentityError::Denied(Denied::Forbidden(_)))));
        let admin = person(&mut db, house.engine.world(), "admin@example.edu", true).await;
        let admin = house.engine.identity().actor(admin).await.unwrap();
        assert!(house.engine.commitment(&admin, &Asked::default()).await.is_ok());
        for (months, discounts, words) in [
            (0, vec!["5"], "0 is not a number of months from 1 to 36"),
            (37, vec!["5"], "37 is not a number of months"),
            (3, vec![], "0 discounts were given; give 1 to 10"),
            (3, vec!["0"], "a discount of 0 percent is none to ask for"),
            (3, vec!["5", "100"], "a discount of 100 percent"),
        ] {
            let asked = Asked { months, discounts: discounts.into_iter().map(share).collect() };
            let told = house.engine.commitment(&admin, &asked).await.unwrap_err().to_string();
            assert!(told.starts_with(words), "{told}");
        }
    })
    .await;
}
