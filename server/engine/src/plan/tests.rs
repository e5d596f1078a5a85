//! Plans by the price list, worked out by hand.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tenths are rounded to the nearest float")]

use super::*;
use crate::provider::{
    ProviderKind, ProviderSettings, Usage,
    cache::{BatchCache, TRIAL},
    price::{Deal, Terms, seed_prices},
};
use proptest::prelude::*;

fn reference(model: &str) -> Plan {
    plan(&Workload::REFERENCE, &Offer::listed(), None, Some(model)).unwrap()
}

fn offer(model: &str) -> Offer {
    Offer::listed().into_iter().find(|offer| offer.model == model).unwrap()
}

fn measured(answers: i64, hits: i64) -> Marked {
    let cached_tokens = answers * 11 * hits;
    Marked {
        answers,
        cached_tokens,
        cache_write_tokens: answers * 1_100 - cached_tokens,
        cache_write_long_tokens: 0,
    }
}

fn saved(plan: &Plan, lever: Lever) -> (i64, i64) {
    let pulled = plan.levers.iter().find(|pulled| pulled.lever == lever).unwrap();
    (pulled.saved_nano_usd.0, pulled.saved_uncached_nano_usd.0)
}

#[test]
fn the_reference_at_luna_counts_on_no_cache_in_batches() {
    let plan = reference("gpt-6-luna");
    // 0.1 and 0.5 dollars a million tokens: 360,000 nano-dollars a request read afresh, 261,000 read from the cache, and
    // 273,500 for the first of each of 200 assignments, 387,500 where it writes.
    let monthly = plan.monthly;
    assert_eq!(monthly.realtime_uncached_nano_usd, NanoUsd(360_000 * 50_000));
    assert_eq!(monthly.realtime_nano_usd, NanoUsd(261_000 * 49_800 + 387_500 * 200));
    assert_eq!(monthly.batch_nano_usd, NanoUsd(180_000 * 50_000));
    // On trial 2,500 requests write 1,100 tokens at 0.0625 instead of 0.05 dollars a million.
    assert_eq!(monthly.quire_nano_usd, NanoUsd(180_000 * 50_000 + 13_750 * 2_500));
    assert_eq!((plan.saving_percent, plan.saving_percent_uncached), (30.9, 49.8));
    let range = plan.range.unwrap();
    assert_eq!(
        (range.hits, range.saving_percent, range.saving_percent_uncached),
        ([0, 100], [30.9, 50.0], [49.8, 63.7])
    );
    assert_eq!(saved(&plan, Lever::PrefixCache), (-34_375_000, -34_375_000));
    assert!(plan.levers.iter().filter(|lever| !lever.used).all(|lever| lever.saved_percent == 0.0));
    assert!(plan.assumptions.iter().any(|a| a.value == "0 of 100 prompts are read from it"));
}

#[test]
fn the_reference_at_sonnet_counts_on_the_least_that_is_documented() {
    let plan = reference("claude-sonnet-5-5");
    let hit = 1_100 * 50 + 500 * 1_000 + 400 * 5_000;
    let miss = 1_100 * 1_250 + 500 * 1_000 + 400 * 5_000;
    assert_eq!(plan.monthly.quire_nano_usd, NanoUsd(hit * 15_000 + miss * 35_000));
    assert_eq!(plan.range.unwrap().hits, [30, 98]);
    assert!(plan.saving_percent > 31.0 && plan.saving_percent < 33.0, "{}", plan.saving_percent);
    let source = |plan: &Plan| {
        plan.assumptions.iter().find(|a| a.what == "the provider's cache in batches").unwrap().source.clone()
    };
    assert!(source(&plan).contains("Anthropic") && source(&plan).contains("lower end"));
}

#[test]
fn a_prefix_that_is_too_short_is_not_counted_on_anywhere() {
    let plan = reference("claude-haiku-5-5");
    assert_eq!(plan.monthly.realtime_nano_usd, plan.monthly.realtime_uncached_nano_usd);
    assert_eq!((plan.saving_percent, plan.saving_percent_uncached), (50.0, 50.0));
    assert_eq!(plan.range, None);
    let short = Workload { shared_tokens: 1_023, ..Workload::REFERENCE };
    let plan = super::plan(&short, &Offer::listed(), None, Some("gpt-6-luna")).unwrap();
    assert_eq!(plan.saving_percent, 50.0);
}

#[test]
fn what_was_measured_takes_the_place_of_what_is_documented() {
    let with = |answers, hits| {
        let offer = Offer { measured: Some(measured(answers, hits)), ..offer("gpt-6-luna") };
        plan(&Workload::REFERENCE, &[offer], None, None).unwrap()
    };
    let well = with(TRIAL, 90);
    let (hit, miss) = (130_500, 193_750);
    assert_eq!(well.monthly.quire_nano_usd, NanoUsd(hit * 45_000 + miss * 5_000));
    assert_eq!(well.range, None);
    assert!(well.assumptions.iter().any(|a| a.source.starts_with("measured: 500 answers")));
    // Too few say nothing, and what does not pay is left after its trial.
    let few = with(TRIAL - 1, 90);
    assert_eq!(few.monthly, reference("gpt-6-luna").monthly);
    assert!(few.assumptions.iter().any(|a| a.what == "measurements that are left out"));
    let badly = with(TRIAL, 10);
    assert!(saved(&badly, Lever::PrefixCache).0 < 0);
    assert!(badly.monthly.quire_nano_usd < NanoUsd(180_000 * 50_000 + 13_750 * 2_500));
}

#[test]
fn marks_follow_what_is_set() {
    let with = |batch_cache| {
        let offer = Offer { batch_cache, ..offer("claude-sonnet-5-5") };
        plan(&Workload::REFERENCE, &[offer], None, None).unwrap()
    };
    let off = with(BatchCache::Off);
    assert_eq!((saved(&off, Lever::PrefixCache), off.range), ((0, 0), None));
    assert!(off.levers[1].why.contains("switched off") && !off.levers[1].used);
    // An hour in the cache costs twice as much to write: at 30 hits of 100 it loses.
    assert!(saved(&with(BatchCache::Long), Lever::PrefixCache).0 < 0);
    assert!(saved(&with(BatchCache::Short), Lever::PrefixCache).0 > 0);
}

#[test]
fn urgent_work_and_providers_without_batches_save_nothing_in_batches() {
    let urgent = Workload { urgent: Share::parse_percent("100").unwrap(), ..Workload::REFERENCE };
    let all = plan(&urgent, &Offer::listed(), None, Some("gpt-6-luna")).unwrap();
    assert_eq!((all.saving_percent, all.advice.batch_size, all.range), (0.0, None, None));
    assert!(all.levers[0].why.contains("urgent"));
    let own = Offer { batches: false, kind: ProviderKind::Compatible, ..offer("gpt-6-luna") };
    let own = plan(&Workload::REFERENCE, &[own], None, None).unwrap();
    assert_eq!((own.saving_percent, own.saving_percent_uncached), (0.0, 0.0));
    assert_eq!((own.advice.batched, own.advice.realtime), (0, 50_000));
    let half = Workload { urgent: Share::parse_percent("50").unwrap(), ..Workload::REFERENCE };
    let half = plan(&half, &Offer::listed(), None, Some("claude-haiku-5-5")).unwrap();
    assert_eq!(half.saving_percent, 25.0);
}

#[test]
fn repeated_work_is_not_paid_for_again() {
    let workload = Workload { repeated: Share::parse_percent("10").unwrap(), ..Workload::REFERENCE };
    let haiku = plan(&workload, &Offer::listed(), None, Some("claude-haiku-5-5")).unwrap();
    // Nothing is read from a cache: each request costs 180,000 nano-dollars in a batch.
    assert_eq!(haiku.monthly.quire_nano_usd, NanoUsd(180_000 * 45_000));
    assert_eq!(saved(&haiku, Lever::AnswerCache), (180_000 * 5_000, 180_000 * 5_000));
    assert_eq!((haiku.saving_percent, haiku.advice.monthly_nano_usd), (55.0, haiku.monthly.quire_nano_usd));
    assert!(haiku.levers[2].used && haiku.levers[2].why.starts_with("5,000 pieces of work"));
    let off = Offer { reuses: false, ..offer("claude-haiku-5-5") };
    let off = plan(&workload, &[off], None, None).unwrap();
    assert_eq!((saved(&off, Lever::AnswerCache), off.saving_percent), ((0, 0), 50.0));
    assert!(!off.levers[2].used && off.levers[2].why.contains("switched off"));
}

#[test]
fn other_models_stand_apart_and_none_counts() {
    let plan = plan(&Workload::REFERENCE, &Offer::listed(), None, None).unwrap();
    // As cheap as the other one, and cheaper in real time.
    assert_eq!((plan.provider.as_str(), plan.model.as_str()), ("OpenAI", "gpt-6-luna"));
    assert_eq!(plan.other_models.len(), seed_prices().len() - 1);
    assert!(plan.other_models.iter().all(|other| !other.counts && other.agreement.is_none()));
    assert!(plan.other_models.is_sorted_by_key(|other| other.monthly_nano_usd));
    let fallback = plan.advice.fallback.unwrap();
    assert_eq!((fallback.provider.as_str(), fallback.model.as_str()), ("Anthropic", "claude-haiku-5-5"));
    let kept = |model: &str, kept| Offer { kept: Some(kept), ..offer(model) };
    let offers =
        [offer("gpt-6-luna"), kept("claude-haiku-5-5", (9, 10)), kept("gemini-3.5-flash-lite", (10, 10))];
    let plan = super::plan(&Workload::REFERENCE, &offers, Some("openai"), None).unwrap();
    assert_eq!(
        plan.advice.fallback.unwrap().provider,
        "Gemini",
        "the more reliable one, though it is dearer"
    );
}

#[test]
fn unknown_models_are_told_with_those_that_are_known() {
    let asked = |provider, model| {
        plan(&Workload::REFERENCE, &Offer::listed(), provider, model).unwrap_err().to_string()
    };
    for said in [asked(None, Some("gpt-3")), asked(Some("anthropic"), Some("gpt-6-luna"))] {
        assert!(
            said.contains("claude-haiku-5-5 (Anthropic)") && said.contains("gpt-6-luna (OpenAI)"),
            "{said}"
        );
    }
    let much = Workload {
        assessments: 10_000_000_000,
        own_tokens: 10_000_000,
        output_tokens: 10_000_000,
        ..Workload::REFERENCE
    };
    assert_eq!(plan(&much, &Offer::listed(), None, Some("gpt-6-astra")), Err(PlanError::TooLarge));
}

#[test]
fn discounts_come_off_as_the_price_book_takes_them() {
    let row = seed_prices().iter().find(|row| row.model == "claude-haiku-5-5").unwrap();
    let terms = Terms::new(row.price, &Deal { discount: 1_000, tiers: vec![] }, 0);
    let settings = ProviderSettings::default_for(row.provider);
    let offer = Offer::new("anthropic", row.provider, row.model, terms, &settings);
    let plan = plan(&Workload::REFERENCE, &[offer], None, None).unwrap();
    let usage = Usage { input_tokens: 1_600, output_tokens: 400, ..Usage::default() };
    assert_eq!(plan.monthly.quire_nano_usd, NanoUsd(terms.cost(&usage, true).0 * 50_000));
    assert_eq!(plan.monthly.quire_nano_usd, NanoUsd(162_000 * 50_000));
}

proptest! {
    #[test]
    fn shares_add_up_to_the_whole_exactly(
        assessments in 1_u64..1_000_000,
        together in 1_u64..2_000,
        shared in 0_u64..6_000,
        own in 1_u64..5_000,
        output in 1_u64..3_000,
        urgent in 0_u32..=100,
        repeated in 0_u32..=100,
        hits in prop::option::of(0_i64..=100),
        which in 0_usize..12,
    ) {
        let workload = Workload {
            assessments,
            works_per_assignment: together.min(assessments),
            shared_tokens: shared,
            own_tokens: own,
            output_tokens: output,
            urgent: Share::parse_percent(&urgent.to_string()).unwrap(),
            repeated: Share::parse_percent(&repeated.to_string()).unwrap(),
            ..Workload::REFERENCE
        };
        let offer = Offer { measured: hits.map(|hits| measured(1_000, hits)), ..Offer::listed().remove(which) };
        let plan = plan(&workload, &[offer], None, None).unwrap();
        let sum: i64 = plan.levers.iter().map(|lever| lever.saved_nano_usd.0).sum();
        let uncached: i64 = plan.levers.iter().map(|lever| lever.saved_uncached_nano_usd.0).sum();
        let monthly = plan.monthly;
        prop_assert_eq!(monthly.realtime_nano_usd.0 - sum, monthly.quire_nano_usd.0);
        prop_assert_eq!(monthly.realtime_uncached_nano_usd.0 - uncached, monthly.quire_nano_usd.0);
        prop_assert!(monthly.realtime_nano_usd <= monthly.realtime_uncached_nano_usd);
        prop_assert!(plan.advice.steps.iter().all(|step| !step.is_empty()));
        if let Some(range) = plan.range {
            prop_assert!(range.saving_percent[0] <= range.saving_percent[1]);
        }
    }
}
