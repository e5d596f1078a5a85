//! Equal models, from the word of an administrator to what they would have cost.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    budget::{self, Held as Holding, Line, Paid, Tokens},
    commitment::CommitmentError,
    engine::testing::{house, house_with, person},
    identity::{Actor, Denied, IdentityError},
    notice::Mailer,
    provider::{
        ProviderKind, Usage,
        price::{Deal, Price, Rates, Terms, seed_prices},
        registry::store::{PriceRow, put_price},
    },
    store::{BatchId, Id as _, NanoUsd, testing::each_db},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

fn seeded(model: &str) -> Price {
    seed_prices().iter().find(|row| row.model == model).unwrap().price
}

fn cheap() -> Price {
    let rates = Rates {
        input: 20_000_000,
        cached_input: None,
        cache_write: None,
        cache_write_long: None,
        output: 100_000_000,
    };
    Price { realtime: rates, batch: None, long_context: None }
}

fn model(provider: &str, model: &str) -> EqualModel {
    EqualModel { provider: provider.into(), model: model.into() }
}

fn group(models: &[EqualModel]) -> EqualGroup {
    EqualGroup {
        name: "small".into(),
        models: models.to_vec(),
        evidence: "200 essays, kappa 0.8".into(),
        by_trial: false,
        stated_by: None,
        stated_by_name: None,
        stated_at: DateTime::UNIX_EPOCH,
    }
}

fn paid(answers: i64, input_tokens: i64, output_tokens: i64) -> Paid {
    Paid {
        spent: NanoUsd(1),
        answers,
        input_tokens,
        cached_tokens: input_tokens / 2,
        output_tokens,
        ..Paid::default()
    }
}

fn held(of: &EqualModel) -> Result<Held, String> {
    let terms = |price| Terms::new(price, &Deal::default(), 0);
    match of.provider.as_str() {
        "openai" => {
            Ok(Held { kind: ProviderKind::Openai, terms: terms(seeded("gpt-6-luna")), batches: true })
        }
        "anthropic" => Ok(Held {
            kind: ProviderKind::Anthropic,
            terms: terms(seeded("claude-haiku-5-5")),
            batches: true,
        }),
        "campus" => Ok(Held { kind: ProviderKind::Compatible, terms: terms(cheap()), batches: false }),
        other => Err(format!("{other} is not set up, or is switched off")),
    }
}

#[test]
fn the_same_work_is_priced_at_each_equal_model() {
    let (luna, haiku, local, gone) =
        (model("openai", "l"), model("anthropic", "h"), model("campus", "c"), model("gone", "g"));
    let work = Work { at: luna.clone(), batch: paid(10, 20_000, 4_000), realtime: paid(5, 10_000, 2_000) };
    let other = Work { at: model("openai", "not stated"), ..work.clone() };
    let groups = vec![group(&[haiku.clone(), local.clone(), gone.clone(), luna.clone()])];
    let found = compare(groups, &[work.clone(), other], held, |_, _| None);
    assert_eq!(found.groups[0].works.len(), 1, "what is not stated equal is not compared");
    let compared = &found.groups[0].works[0];
    assert_eq!(compared.work, work);
    let order: Vec<_> = compared.at.iter().map(|at| at.at.provider.as_str()).collect();
    assert_eq!(order, ["campus", "openai", "anthropic", "gone"]);
    let costs = |n: usize| compared.at[n].costs.clone().unwrap();
    // 20,000 x 50 + 4,000 x 250 in batches, 10,000 x 100 + 2,000 x 500 in real time; the cache is left out.
    assert_eq!(costs(1), (NanoUsd(4_000_000), NanoUsd(6_000_000), Some(NanoUsd(3_000_000))));
    assert!(compared.at[1].is_own);
    // A fifth more tokens at the same prices.
    assert_eq!(costs(2), (NanoUsd(4_800_000), NanoUsd(7_200_000), Some(NanoUsd(3_600_000))));
    // A tenth more tokens at a fifth of the price; it takes no batches.
    let (as_done, realtime, batch) = costs(0);
    assert!((as_done.0 - 1_320_000).abs() < 1_000 && as_done == realtime && batch.is_none(), "{as_done}");
    assert_eq!(compared.at[3].costs, Err("gone is not set up, or is switched off".to_owned()));
    assert_eq!(compared.saved, Some(NanoUsd(4_000_000) - as_done));
    assert!((compared.saved_percent.unwrap() - 67.0).abs() < 0.1 && !compared.within_error);
    assert!(found.notes.is_empty() && found.assumptions.len() == 4);
}

#[test]
fn long_requests_are_told_by_their_mean_length() {
    let haiku = Terms::new(seeded("claude-haiku-5-5"), &Deal::default(), 0);
    let usage = Usage { input_tokens: 200_000, output_tokens: 0, ..Usage::default() };
    assert_eq!(haiku.cost_of_many(&usage, 10, false), NanoUsd(20_000_000));
    assert_eq!(haiku.cost_of_many(&usage, 1, false), haiku.cost(&usage, false));
    assert_eq!(haiku.cost_of_many(&usage, 1, false), NanoUsd(100_000_000));
    assert_eq!(haiku.cost_of_many(&Usage::default(), 0, true), NanoUsd::ZERO);
}

#[test]
fn what_is_thin_is_said() {
    let none = compare(vec![], &[], held, |_, _| None);
    assert!(none.groups.is_empty() && none.assumptions.is_empty());
    assert!(none.notes[0].starts_with("No models are stated to be equal"), "{:?}", none.notes);
    let (luna, haiku) = (model("openai", "l"), model("anthropic", "h"));
    let idle = compare(vec![group(&[luna.clone(), haiku.clone()])], &[], held, |_, _| None);
    assert_eq!(idle.notes, ["No model of \"small\" did any work in these months."]);
    // The other is cheaper by less than tokens can be told.
    let work = Work { at: haiku.clone(), batch: paid(1, 1_200, 0), realtime: Paid::default() };
    let near = compare(vec![group(&[luna.clone(), haiku.clone()])], &[work], held, |_, _| None);
    let near = &near.groups[0].works[0];
    assert!(near.within_error && (near.saved_percent.unwrap() - 16.7).abs() < 0.2, "{near:?}");
    // A provider that is gone did the work: how it counted is not known any more.
    let gone = model("gone", "g");
    let work = Work { at: gone.clone(), batch: paid(1, 1_000, 10), realtime: Paid::default() };
    let lost = compare(vec![group(&[luna, gone])], &[work], held, |_, _| None);
    let lost = &lost.groups[0].works[0];
    assert!(lost.saved.is_none() && lost.at.iter().all(|at| at.costs.is_err()), "{lost:?}");
}

fn stated(models: &[EqualModel]) -> NewGroup {
    NewGroup { models: models.to_vec(), evidence: " 200 essays by both, kappa 0.81 and 0.80 ".into() }
}

#[tokio::test]
async fn administrators_state_what_is_equal() {
    each_db(async |mut db| {
        let house = house_with(db.clone(), Mailer::off(), &["openai", "second"]).await;
        let engine = &house.engine;
        let admin = person(&mut db, engine.world(), "admin@example.edu", true).await;
        let actor = engine.identity().actor(admin).await.unwrap();
        let (one, two) = (model("openai", "gpt-6-luna"), model("second", "gpt-6-luna"));
        let both = stated(&[two.clone(), one.clone(), two.clone()]);
        let made = engine.put_equal_models(&actor, " small ", &both).await.unwrap();
        assert_eq!((made.name.as_str(), &made.models), ("small", &vec![one.clone(), two.clone()]));
        assert_eq!(made.evidence, "200 essays by both, kappa 0.81 and 0.80");
        assert_eq!((made.stated_by, made.stated_by_name.as_deref()), (Some(admin), Some("Ada Lind")));
        assert_eq!(made.stated_at, engine.now());
        // Stating it anew takes the place of what was said.
        let third = model("second", "gpt-6-astra");
        engine
            .put_equal_models(&Actor::System, "small", &stated(&[one.clone(), third.clone()]))
            .await
            .unwrap();
        let all = engine.equal_models(&actor).await.unwrap();
        assert_eq!((all.len(), &all[0].models, all[0].stated_by), (1, &vec![one.clone(), third], None));
        for (name, new, words) in [
            ("", both.clone(), "a group's name has 1 to 60"),
            ("a/b", both.clone(), "a group's name has 1 to 60"),
            ("x", stated(&[one.clone(), one.clone()]), "1 different models were given; give 2 to 20"),
            ("x", NewGroup { evidence: " so ".into(), ..both.clone() }, "say in 10 to 2000 characters"),
            (
                "x",
                stated(&[two.clone(), model("nobody", "m")]),
                "m of nobody is no model that could be used here",
            ),
            (
                "x",
                stated(&[two.clone(), model("openai", "gpt-unpriced")]),
                "gpt-unpriced of openai is no model",
            ),
            (
                "x",
                stated(&[one.clone(), two.clone()]),
                "gpt-6-luna of openai is in the group \"small\" already",
            ),
        ] {
            let told = engine.put_equal_models(&actor, name, &new).await.unwrap_err().to_string();
            assert!(told.starts_with(words), "{told}");
        }
        let denied =
            |error| matches!(error, EqualError::Identity(IdentityError::Denied(Denied::Forbidden(_))));
        assert!(denied(engine.put_equal_models(&house.student, "x", &both).await.unwrap_err()));
        assert!(denied(engine.equal_models(&house.student).await.unwrap_err()));
        assert!(denied(engine.remove_equal_models(&house.student, "small").await.unwrap_err()));
        engine.remove_equal_models(&actor, "small").await.unwrap();
        assert!(matches!(engine.remove_equal_models(&actor, "small").await, Err(EqualError::NotFound)));
        assert!(engine.equal_models(&actor).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_work_of_the_last_months_is_compared() {
    each_db(async |mut db| {
        let house = house_with(db.clone(), Mailer::off(), &["openai", "second"]).await;
        let engine = &house.engine;
        let line = |at: &str, batched: bool| {
            let at: DateTime<Utc> = at.parse().unwrap();
            let account = budget::Account {
                job_id: engine.world().id(),
                provider: "openai".into(),
                model: "gpt-6-luna".into(),
                course_id: house.assignment.course_id,
                cost_centre: "arts".into(),
            };
            let used = Usage { input_tokens: 2_000, output_tokens: 400, ..Usage::default() };
            let batch_id = batched.then(|| BatchId::from_uuid(Uuid::from_u128(1)));
            let line = Line::settle(engine.world(), engine.zone(), account, Holding::default(), NanoUsd(7));
            Line { at, day: budget::day_of(at, engine.zone()), batch_id, tokens: Tokens::from(used), ..line }
        };
        let lines = [
            line("2026-09-03T00:00:00Z", true),
            line("2026-10-03T00:00:00Z", false),
            line("2026-11-03T00:00:00Z", true),
        ];
        budget::record(&mut db, &lines).await.unwrap();
        // The second has luna at half its price.
        let half = Deal { discount: 5_000, tiers: vec![] };
        let row = PriceRow {
            provider_kind: ProviderKind::Openai,
            provider: "second".into(),
            model: "gpt-6-luna".into(),
            valid_from: "2026-11-01T00:00:00Z".parse().unwrap(),
            price: seeded("gpt-6-luna"),
            deal: half,
        };
        put_price(&mut db, engine.world(), &row).await.unwrap();
        let (one, two) = (model("openai", "gpt-6-luna"), model("second", "gpt-6-luna"));
        let none = engine.arbitrage(&Actor::System, 3).await.unwrap();
        assert!(none.groups.is_empty());
        engine.refresh_prices().await.unwrap();
        engine.put_equal_models(&Actor::System, "luna", &stated(&[one.clone(), two.clone()])).await.unwrap();
        let found = engine.arbitrage(&Actor::System, 3).await.unwrap();
        let compared = &found.groups[0].works[0];
        assert_eq!(
            (&compared.work.at, compared.work.batch.answers, compared.work.realtime.answers),
            (&one, 1, 1)
        );
        assert_eq!((&compared.at[0].at, compared.at[0].as_done()), (&two, Some(NanoUsd(300_000))));
        assert_eq!((compared.saved, compared.saved_percent), (Some(NanoUsd(300_000)), Some(50.0)));
        assert!(!compared.within_error, "the same kind counts alike");
        let last = engine.arbitrage(&Actor::System, 1).await.unwrap();
        assert_eq!(last.groups[0].works[0].work.batch, Paid::default());
        assert!(matches!(engine.arbitrage(&Actor::System, 0).await, Err(CommitmentError::Months(0))));
        let refused = engine.arbitrage(&house.student, 3).await.unwrap_err();
        assert!(matches!(refused, CommitmentError::Identity(IdentityError::Denied(Denied::Forbidden(_)))));
    })
    .await;
}

#[tokio::test]
async fn a_group_is_kept_whole() {
    each_db(async |db| {
        let house = house(db.clone(), Mailer::off()).await;
        let engine = &house.engine;
        let models = [model("openai", "gpt-6-luna"), model("openai", "gpt-6-astra")];
        for name in ["a", "b"] {
            let told = engine.put_equal_models(&Actor::System, name, &stated(&models)).await;
            assert_eq!(told.is_ok(), name == "a");
        }
        let all = engine.equal_models(&Actor::System).await.unwrap();
        assert_eq!(
            all.iter().map(|group| (group.name.as_str(), group.models.len())).collect::<Vec<_>>(),
            [("a", 2)]
        );
    })
    .await;
}
