//! The bill, from lines of the ledger to the rows of its file.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    budget::{self, Held, Line, Tokens},
    engine::testing::{House, house, person},
    identity::{Actor, Denied, IdentityError},
    notice::Mailer,
    provider::{
        Listed, ProviderKind, Usage,
        price::{Deal, Price, Rates, Terms, Tier, seed_prices},
        registry::store::{PriceRow, put_price},
    },
    store::{BatchId, CourseId, Id as _, NanoUsd, testing::each_db},
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

fn luna() -> Price {
    seed_prices().iter().find(|row| row.model == "gpt-6-luna").unwrap().price
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn usage(input: u64, cached: u64, write: u64, long: u64, output: u64) -> Usage {
    Usage {
        input_tokens: input,
        cached_tokens: cached,
        cache_write_tokens: write,
        cache_write_long_tokens: long,
        output_tokens: output,
        reasoning_tokens: output / 2,
    }
}

fn deal() -> Deal {
    let tier = |from_tokens, discount| Tier { from_tokens, discount };
    Deal { discount: 1_250, tiers: vec![tier(1_000, 500), tier(1_000_000, 2_000)] }
}

fn account(booking: Booking) -> Account {
    Account {
        cost_centre: "arts".into(),
        course_id: CourseId::from_uuid(Uuid::from_u128(7)),
        provider: "openai".into(),
        model: "gpt-6-luna".into(),
        batch: true,
        booking,
    }
}

#[test]
fn the_price_is_the_one_that_makes_the_sum() {
    let (old, new) = (at("2026-11-01T00:00:00Z"), at("2026-11-20T12:00:00Z"));
    let dearer =
        Price { realtime: Rates { input: 200_000_000, ..luna().realtime }, batch: None, long_context: None };
    let listed = [
        Listed { own: false, from: new, price: dearer, deal: deal() },
        Listed { own: false, from: old, price: luna(), deal: Deal::default() },
    ];
    let used = usage(2_000, 0, 0, 0, 400);
    let find = |when: DateTime<Utc>, spent| explain(&listed, when, &used, false, NanoUsd(spent));
    // 2,000 x 100 + 400 x 500 before; then 2,000 x 200 + 400 x 500, less 12.5 %, and 5 % or 20 % of the rest.
    let before = find(new - TimeDelta::microseconds(1), 400_000).unwrap();
    assert_eq!((before.from, before.paid, before.long), (old, Terms::LIST, false));
    for (spent, paid) in [(525_000, 87_500_000), (498_750, 83_125_000), (420_000, 70_000_000)] {
        let found = find(new, spent).unwrap();
        assert_eq!((found.from, found.paid, found.rates.input), (new, paid, 200_000_000));
    }
    // A process that had not heard of the new price yet.
    assert_eq!(find(new + TimeDelta::seconds(30), 400_000).unwrap().from, old);
    assert_eq!(find(new - TimeDelta::seconds(1), 525_000), None, "not before it holds");
    assert_eq!(find(new, 525_001), None);
    assert_eq!(explain(&[], new, &used, false, NanoUsd(400_000)), None);
    let long = usage(300_000, 0, 0, 0, 1);
    let haiku = seed_prices().iter().find(|row| row.model == "claude-haiku-5-5").unwrap().price;
    let listed = [Listed { own: true, from: old, price: haiku, deal: Deal::default() }];
    let cost = Terms::new(haiku, &Deal::default(), 0).cost(&long, true);
    let found = explain(&listed, new, &long, true, cost).unwrap();
    assert!(found.long && found.own && found.rates == haiku.long_context.unwrap().batch.unwrap());
}

#[test]
fn each_kind_of_token_has_a_row_and_the_rounding_is_shared_out() {
    let booked = Booked {
        own: false,
        from: at("2026-11-24T00:00:00Z"),
        long: false,
        rates: luna().batch.unwrap(),
        paid: 87_500_000,
    };
    let terms = Terms::new(luna(), &Deal { discount: 1_250, tiers: vec![] }, 0);
    let mut day = Day::default();
    let mut spent = 0;
    for used in [usage(3, 1, 1, 0, 1), usage(7, 0, 0, 5, 1), usage(1, 0, 0, 0, 0)] {
        let cost = terms.cost(&used, true);
        spent += cost.0;
        day.add(account(Booking::Priced(booked)), &used, cost);
    }
    let charges = day.charges();
    let tokens: Vec<_> =
        charges.iter().map(|c| (c.quantity.unwrap().kind as u8, c.quantity.unwrap().tokens)).collect();
    assert_eq!(tokens, [(0, 4), (1, 1), (2, 1), (3, 5), (4, 2)]);
    assert_eq!(charges.iter().map(|c| c.billed).sum::<i128>(), spent.into());
    let input = charges[0].quantity.unwrap();
    assert_eq!((input.list_price(), input.contracted_price()), ("0.05".to_owned(), "0.04375".to_owned()));
    assert_eq!((input.consumed(), input.priced()), ("4.0".to_owned(), "0.000004".to_owned()));
    assert_eq!(
        (input.list_cost(), input.contracted_cost()),
        ("0.0000002".to_owned(), "0.000000175".to_owned())
    );
}

#[test]
fn what_has_no_price_is_billed_whole() {
    let mut day = Day::default();
    day.add(account(Booking::Unpriced), &usage(5, 0, 0, 0, 2), NanoUsd(11));
    day.add(account(Booking::Unpriced), &usage(5, 0, 0, 0, 2), NanoUsd(12));
    day.add(account(Booking::Lost), &Usage::default(), NanoUsd(500));
    day.add(account(Booking::Unmetered), &Usage::default(), NanoUsd(700));
    day.add(account(Booking::Unmetered), &Usage::default(), NanoUsd::ZERO);
    let told: Vec<_> = day.charges().iter().map(|c| (c.billed, c.quantity, c.description())).collect();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].0, 23);
    assert_eq!(
        told[0].2,
        "2 answers of gpt-6-luna in batches (14 tokens), booked at a price that is no longer known"
    );
    assert!(
        told[1].2.starts_with("1 answer of gpt-6-luna in batches without the provider's figures"),
        "{}",
        told[1].2
    );
    assert_eq!(told[2].2, "1 call to gpt-6-luna cut off without an answer, booked at the most possible");
    assert!(told.iter().all(|(_, quantity, _)| quantity.is_none()));
}

fn any_rates() -> impl Strategy<Value = Rates> {
    let rate = prop_oneof![Just(0), 0_i64..100_000_000_000];
    let maybe = prop::option::of(rate.clone());
    (rate.clone(), maybe.clone(), maybe.clone(), maybe, rate).prop_map(
        |(input, cached_input, cache_write, cache_write_long, output)| Rates {
            input,
            cached_input,
            cache_write,
            cache_write_long,
            output,
        },
    )
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let n = || prop_oneof![Just(0_u64), 0_u64..300_000];
    (n(), n(), n(), n(), n()).prop_map(|(fresh, cached, write, long, output)| {
        usage(fresh + cached + write + long, cached, write, long, output)
    })
}

proptest! {
    /// Whatever was used at whatever price: it is found, and what is billed adds up, and is near what was contracted.
    #[test]
    fn bills_add_up_to_the_nano_dollar(
        realtime in any_rates(),
        batch in prop::option::of(any_rates()),
        lines in prop::collection::vec((any_usage(), any::<bool>(), 0_u64..2_000_000), 1..30),
    ) {
        let price = Price { realtime, batch, long_context: None };
        let from = at("2026-11-01T00:00:00Z");
        let listed = [Listed { own: false, from, price, deal: deal() }];
        let mut day = Day::default();
        let mut spent: HashMap<bool, i128> = HashMap::new();
        for (used, batch, volume) in &lines {
            let cost = Terms::new(price, &deal(), *volume).cost(used, *batch);
            let booked = explain(&listed, from, used, *batch, cost).unwrap();
            day.add(Account { batch: *batch, ..account(Booking::Priced(booked)) }, used, cost);
            *spent.entry(*batch).or_default() += i128::from(cost.0);
        }
        for (batch, spent) in spent {
            let charges = day.charges();
            let of_way = charges.iter().filter(|c| c.account.batch == batch);
            prop_assert_eq!(of_way.clone().map(|c| c.billed).sum::<i128>(), spent);
            for charge in of_way {
                let quantity = charge.quantity.unwrap();
                let contracted = quantity.contracted_cost().parse::<f64>().unwrap() * 1e9;
                let billed = charge.billed as f64;
                // Half a nano-dollar for each line, and one for the sharing.
                prop_assert!((contracted - billed).abs() <= lines.len() as f64 / 2.0 + 1.0 + contracted * 1e-12);
            }
        }
        let tokens: i128 = day.charges().iter().map(|c| c.quantity.unwrap().tokens).sum();
        let used: u64 = lines.iter().map(|(used, ..)| used.input_tokens + used.output_tokens).sum();
        prop_assert_eq!(tokens, i128::from(used));
    }
}

// With a database -----------------------------------------------------------------------------------------------------

fn line(house: &House, at: DateTime<Utc>, batch: bool, used: Usage, spent: i64) -> Line {
    let world = house.engine.world();
    let account = budget::Account {
        job_id: world.id(),
        provider: "openai".into(),
        model: "gpt-6-luna".into(),
        course_id: house.assignment.course_id,
        cost_centre: "arts".into(),
    };
    let line = Line::settle(world, house.engine.zone(), account, Held::default(), NanoUsd(spent));
    let batch_id = batch.then(|| BatchId::from_uuid(Uuid::from_u128(1)));
    Line { at, day: budget::day_of(at, house.engine.zone()), batch_id, tokens: Tokens::from(used), ..line }
}

async fn table(house: &House, month: &str, cost_centre: Option<&str>) -> Vec<HashMap<String, String>> {
    let mut bill = house.engine.bill(&Actor::System, month, cost_centre).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = bill.next().await.unwrap() {
        assert!(!piece.is_empty());
        text.extend(piece);
    }
    assert_eq!(bill.next().await.unwrap(), None);
    let mut csv = csv::Reader::from_reader(text.as_slice());
    assert_eq!(csv.headers().unwrap().iter().collect::<Vec<_>>(), COLUMNS);
    let rows: Vec<HashMap<String, String>> = csv.deserialize().map(Result::unwrap).collect();
    assert_eq!(bill.rows(), rows.len() as u64);
    rows
}

fn nano(rows: &[HashMap<String, String>], column: &str) -> i64 {
    rows.iter().map(|row| NanoUsd::parse_dollars(&row[column]).unwrap().0).sum()
}

#[tokio::test]
async fn a_bill_is_the_ledgers_month() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        assert!(table(&house, "2026-11", None).await.is_empty(), "nothing spent: the header alone");
        assert!(table(&house, "1999-01", Some("arts")).await.is_empty());
        let used = usage(2_000, 1_100, 300, 0, 400);
        let mut lines = vec![
            line(&house, at("2026-11-24T00:00:00Z"), true, used, 154_250),
            line(&house, at("2026-11-24T23:59:59.999999Z"), true, used, 154_250),
            line(&house, at("2026-11-24T12:00:00Z"), false, used, 308_500),
            line(&house, at("2026-11-25T00:00:00Z"), true, used, 154_250),
            line(&house, at("2026-11-25T00:00:01Z"), true, used, 154_249),
            line(&house, at("2026-10-31T23:59:59Z"), true, used, 1),
        ];
        lines.push(Line {
            tokens: Tokens::default(),
            ..line(&house, at("2026-11-25T09:00:00Z"), true, used, 999)
        });
        let account = budget::Account { cost_centre: "Ökonomie".into(), ..lines[0].account.clone() };
        let call = house.engine.world().id();
        let held = Held { reserved: NanoUsd(5_000), expected: NanoUsd(1) };
        let lost = Line::lost(house.engine.world(), house.engine.zone(), account, held, call);
        lines.push(lost);
        budget::record(&mut db, &lines).await.unwrap();

        let rows = table(&house, "2026-11", None).await;
        let spending = budget::spending(&mut db, "2026-11".parse().unwrap()).await.unwrap();
        let spent = spending.iter().find(|sum| sum.scope == budget::INSTITUTION).unwrap().spent;
        assert_eq!(nano(&rows, "BilledCost"), spent.0);
        assert_eq!(nano(&rows, "EffectiveCost"), spent.0);
        // Four kinds of token on the 24th in batches, in real time, and on the 25th; three sums without.
        assert_eq!(rows.len(), 4 * 3 + 3);
        let find = |day: &str, booking: &str, way: &str, kind: &str| {
            let fits = |row: &&HashMap<String, String>| {
                row["ChargePeriodStart"].starts_with(day)
                    && (&*row["x_Booking"], &*row["x_Way"], &*row["x_TokenKind"]) == (booking, way, kind)
            };
            rows.iter().find(fits).unwrap_or_else(|| panic!("{day} {booking} {way} {kind}"))
        };
        let cached = find("2026-11-24", "priced", "batch", "cached_input");
        for (column, value) in [
            ("ChargePeriodEnd", "2026-11-25T00:00:00Z"),
            ("BillingPeriodStart", "2026-11-01T00:00:00Z"),
            ("BillingPeriodEnd", "2026-12-01T00:00:00Z"),
            ("ConsumedQuantity", "2200.0"),
            ("PricingQuantity", "0.0022"),
            ("ListUnitPrice", "0.005"),
            ("ListCost", "0.000011"),
            ("BilledCost", "0.000011"),
            ("SkuId", "openai/gpt-6-luna/cached_input"),
            ("SkuPriceId", "openai/gpt-6-luna/cached_input/batch/standard/2026-11-24T00:00:00Z"),
            ("SubAccountId", "cost-centre/arts"),
            ("ProviderName", "OpenAI"),
            ("x_CourseCode", "W101"),
            ("ChargeDescription", "Cached input tokens of gpt-6-luna in batches"),
        ] {
            assert_eq!(cached[column], value, "{column}");
        }
        assert_eq!(find("2026-11-24", "priced", "realtime", "output")["BilledCost"], "0.0002");
        let unpriced = find("2026-11-25", "unpriced", "batch", "");
        assert_eq!((&*unpriced["ChargeCategory"], &*unpriced["ListCost"]), ("Adjustment", "0.000154249"));
        assert_eq!(unpriced["ConsumedQuantity"], "");
        assert_eq!(find("2026-11-25", "unmetered", "batch", "")["BilledCost"], "0.000000999");
        let lost = find("2026-11-25", "lost", "realtime", "");
        assert_eq!(
            (&*lost["x_CostCentre"], &*lost["SubAccountId"]),
            ("Ökonomie", "cost-centre/%C3%96konomie")
        );
        assert_eq!(lost["Tags"], r#"{"cost_centre":"\u00d6konomie","course":"W101"}"#);

        // A cost centre that only the ledger knows any more.
        let rows = table(&house, "2026-11", Some("Ökonomie")).await;
        assert_eq!((rows.len(), nano(&rows, "BilledCost")), (1, 5_000));
        assert_eq!(table(&house, "2026-11", Some("arts")).await.len(), 14);
        let none = house.engine.bill(&Actor::System, "2026-10", Some("Ökonomie")).await.unwrap_err();
        assert_eq!(none.to_string(), "there is no cost centre \"Ökonomie\"; the courses' are arts");
    })
    .await;
}

#[tokio::test]
async fn prices_that_change_have_rows_of_their_own() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let world = house.engine.world().clone();
        let row = |valid_from: &str, price: Price, deal: Deal| PriceRow {
            provider_kind: ProviderKind::Openai,
            provider: "openai".into(),
            model: "gpt-6-luna".into(),
            valid_from: at(valid_from),
            price,
            deal,
        };
        let half = Deal { discount: 5_000, tiers: vec![] };
        put_price(&mut db, &world, &row("2026-11-25T06:00:00Z", luna(), half)).await.unwrap();
        let used = usage(2_000, 0, 0, 0, 400);
        let lines = [
            line(&house, at("2026-11-25T05:00:00Z"), false, used, 400_000),
            line(&house, at("2026-11-25T07:00:00Z"), false, used, 200_000),
        ];
        budget::record(&mut db, &lines).await.unwrap();
        let rows = table(&house, "2026-11", None).await;
        assert_eq!(rows.len(), 4);
        let mut prices: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    &*row["SkuPriceId"],
                    &*row["ListUnitPrice"],
                    &*row["ContractedUnitPrice"],
                    &*row["BilledCost"],
                )
            })
            .collect();
        prices.sort_unstable();
        assert_eq!(
            prices,
            [
                ("openai/gpt-6-luna/input/realtime/standard/2026-11-24T00:00:00Z", "0.1", "0.1", "0.0002"),
                (
                    "openai/gpt-6-luna/input/realtime/standard/2026-11-25T06:00:00Z/openai",
                    "0.1",
                    "0.05",
                    "0.0001"
                ),
                ("openai/gpt-6-luna/output/realtime/standard/2026-11-24T00:00:00Z", "0.5", "0.5", "0.0002"),
                (
                    "openai/gpt-6-luna/output/realtime/standard/2026-11-25T06:00:00Z/openai",
                    "0.5",
                    "0.25",
                    "0.0001"
                ),
            ]
        );
        assert_eq!(nano(&rows, "ListCost"), 800_000);
        assert_eq!(nano(&rows, "ContractedCost"), 600_000);
    })
    .await;
}

#[tokio::test]
async fn a_long_month_comes_in_pieces() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let used = usage(20, 0, 0, 0, 4);
        let begin = at("2026-11-24T00:00:00Z");
        let lines: Vec<_> = (0..11_000)
            // Many at the same moment, over two days.
            .map(|n| line(&house, begin + TimeDelta::seconds(i64::from(n / 7) * 90), true, used, 2_000))
            .collect();
        budget::record(&mut db, &lines).await.unwrap();
        let mut bill = house.engine.bill(&Actor::System, "2026-11", None).await.unwrap();
        let mut pieces = 0;
        while bill.next().await.unwrap().is_some() {
            pieces += 1;
        }
        assert_eq!((bill.rows(), bill.billed()), (4, NanoUsd(22_000_000)));
        assert_eq!(pieces, 2);
    })
    .await;
}

#[tokio::test]
async fn only_administrators_and_only_what_is_there() {
    each_db(async |mut db| {
        let house = house(db.clone(), Mailer::off()).await;
        let refused = house.engine.bill(&house.student, "2026-11", None).await.unwrap_err();
        assert!(matches!(refused, BillingError::Identity(IdentityError::Denied(Denied::Forbidden(_)))));
        let admin = person(&mut db, house.engine.world(), "admin@example.edu", true).await;
        let admin = house.engine.identity().actor(admin).await.unwrap();
        let bill = house.engine.bill(&admin, "2026-11", Some("arts")).await.unwrap();
        assert_eq!(bill.file_name(), "quire-billing-2026-11-arts.csv");
        for (month, cost_centre, words) in [
            ("november", None, "\"november\" is not a month; write the year and the month, such as 2026-11"),
            ("2026-12", None, "2026-12 has not begun; the latest month is 2026-11"),
            ("2026-11", Some("art"), "there is no cost centre \"art\"; the courses' are arts"),
        ] {
            let error = house.engine.bill(&admin, month, cost_centre).await.unwrap_err();
            assert_eq!(error.to_string(), words);
        }
    })
    .await;
}

#[test]
fn columns_stand_in_their_order() {
    let columns: std::collections::HashSet<_> = COLUMNS.iter().collect();
    assert_eq!(columns.len(), COLUMNS.len());
    let (focus, own) = COLUMNS.split_at(57);
    assert!(focus.is_sorted() && own.is_sorted() && own.iter().all(|name| name.starts_with("x_")));
}
