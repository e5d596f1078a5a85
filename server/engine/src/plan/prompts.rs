//! What another version of the prompt would save at the same model: by what a trial measured, not assumed. Its marks are
//! other marks, so it stands apart, and counts only where the trial judged them equal.

use super::{Monthly, Offer, PlanError, Workload, percent, reckon};
use crate::{
    store::NanoUsd,
    trial::{Agreement, Verdict},
};
use serde::Serialize;

/// The same month by another version of the prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OtherPrompt {
    /// The version.
    pub prompt_version: i64,
    /// The version that it was held against, which the plan is for.
    pub against: i64,
    /// Tokens of an answer.
    pub output_tokens: u64,
    /// What a month costs with Quire.
    pub monthly_nano_usd: NanoUsd,
    /// Saved against real time by the version of the plan, with the provider's own caching.
    pub saving_percent: f64,
    /// Saved against real time by the version of the plan, without.
    pub saving_percent_uncached: f64,
    /// How far its marks agree with those of the version of the plan: quadratic weighted kappa.
    pub agreement: Option<f64>,
    /// Its marks are judged equal, so that what it saves counts.
    pub counts: bool,
}

/// What a trial of another version found, at the same model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TriedPrompt {
    /// The version.
    pub version: i64,
    /// The version that it was held against.
    pub against: i64,
    /// Mean tokens read and written by it.
    pub own: (i64, i64),
    /// Mean tokens read and written by the version that it was held against, for the same works.
    pub other: (i64, i64),
    /// How far the marks agree.
    pub agreement: Agreement,
}

impl OtherPrompt {
    /// In a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let judged = match (self.agreement, self.counts) {
            (Some(kappa), true) => {
                format!("Its marks are judged equal (kappa {kappa:.2}), so that it counts")
            }
            (Some(kappa), false) => {
                format!("Its marks are not judged equal (kappa {kappa:.2}), so that it does not count")
            }
            (None, _) => "How far its marks agree is not known, so that it does not count".to_owned(),
        };
        format!(
            "Version {} of the prompt in place of version {}, by a trial: answers of {} tokens, ${:.2} a month, {:.1} % less \
             than real time with the provider's own caching and {:.1} % less than without. {judged}.",
            self.prompt_version,
            self.against,
            self.output_tokens,
            self.monthly_nano_usd.dollars(),
            self.saving_percent,
            self.saving_percent_uncached
        )
    }
}

/// The workload of a plan as another version would have it: answers are longer or shorter in proportion, and the part that
/// all work shares by as many tokens as were read more or fewer.
fn workload(plan: &Workload, tried: &TriedPrompt) -> Option<Workload> {
    let count = |n: i64| u64::try_from(n).ok().filter(|n| *n > 0);
    let (own, other) = (count(tried.own.1)?, count(tried.other.1)?);
    let output = u128::from(plan.output_tokens) * u128::from(own) / u128::from(other);
    Some(Workload {
        output_tokens: u64::try_from(output).ok()?.max(1),
        shared_tokens: plan.shared_tokens.saturating_add_signed(tried.own.0 - tried.other.0),
        ..*plan
    })
}

/// What other versions would save, the cheapest first.
pub(super) fn others(
    plan: &Workload,
    monthly: &Monthly,
    offer: &Offer,
    tried: &[TriedPrompt],
) -> Result<Vec<OtherPrompt>, PlanError> {
    let mut others = Vec::new();
    for tried in tried {
        let Some(workload) = workload(plan, tried) else { continue };
        let (costs, ..) = reckon(&workload, offer)?;
        let less_than = |whole: NanoUsd| percent(whole - costs.quire, whole);
        others.push(OtherPrompt {
            prompt_version: tried.version,
            against: tried.against,
            output_tokens: workload.output_tokens,
            monthly_nano_usd: costs.quire,
            saving_percent: less_than(monthly.realtime_nano_usd),
            saving_percent_uncached: less_than(monthly.realtime_uncached_nano_usd),
            agreement: tried.agreement.kappa,
            counts: tried.agreement.verdict() == Verdict::Equal,
        });
    }
    others.sort_by_key(|other| other.monthly_nano_usd);
    Ok(others)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plan::plan;

    #[test]
    fn shorter_answers_save_by_what_was_measured() {
        let offers = Offer::listed();
        let made = plan(&Workload::REFERENCE, &offers, None, Some("gpt-6-luna")).unwrap();
        let offer = offers.iter().find(|offer| offer.model == "gpt-6-luna").unwrap();
        let equal = Agreement { works: 40, kappa: Some(0.9), shift: Some(0.0), ..Agreement::default() };
        let short =
            TriedPrompt { version: 2, against: 1, own: (1_580, 120), other: (1_600, 200), agreement: equal };
        let apart = Agreement { kappa: Some(0.4), ..equal };
        let same = TriedPrompt { version: 3, own: (1_600, 200), agreement: apart, ..short };
        let nothing = TriedPrompt { version: 4, own: (0, 0), ..short };
        let found = others(&Workload::REFERENCE, &made.monthly, offer, &[same, short, nothing]).unwrap();
        let [first, second] = &found[..] else { panic!("{found:?}") };
        assert_eq!((first.prompt_version, first.against, first.output_tokens), (2, 1, 240));
        // Of 20 tokens fewer read and 160 fewer written, in batches: 50,000 x (20 x 50 + 160 x 250) = $2.05 less.
        let saved = made.monthly.quire_nano_usd - first.monthly_nano_usd;
        assert!((saved.dollars() - 2.05).abs() < 0.01, "{saved}");
        assert!(first.counts && first.saving_percent > made.saving_percent + 15.0, "{first:?}");
        assert!(first.text().contains("answers of 240 tokens") && first.text().contains("so that it counts"));
        // As long, it is the plan itself, but does not count.
        assert_eq!((second.monthly_nano_usd, second.counts), (made.monthly.quire_nano_usd, false));
        assert_eq!(second.saving_percent, made.saving_percent);
        assert!(second.text().contains("not judged equal (kappa 0.40)"), "{}", second.text());
    }
}
