//! What all trials together have found of models and of versions of the prompt, for plans and comparisons.

use super::{Agreement, Compared, FEWEST, Marker, Verdict};
use crate::{
    engine::{Engine, EngineError},
    plan::TriedPrompt,
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};

/// A provider's model.
type Way = (String, String);

/// What a trial found of two models.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub(crate) agreement: Agreement,
    /// When the trial ended.
    pub(crate) at: DateTime<Utc>,
}

/// What trials have found: of each two models and of each two versions of the prompt at one model, by the newest trial that
/// has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// By both models in their order, asked by the same version of the prompt.
    models: HashMap<[Way; 2], Judged>,
    /// By model, version and the version that it was held against.
    prompts: BTreeMap<(Way, i64, i64), TriedPrompt>,
}

impl Engine {
    /// What trials have found.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn trial_findings(&self) -> Result<Findings, EngineError> {
        let mut findings = Findings::default();
        // The oldest first, so that newer ones take their places.
        for compared in self.newest_trials().await?.iter().rev() {
            findings.add(compared);
        }
        Ok(findings)
    }
}

impl Findings {
    fn add(&mut self, compared: &Compared) {
        let Some(at) = compared.trial.ended_at else { return };
        if compared.agreement.kappa.is_none() {
            return;
        }
        // Too few tell nothing against what more have told.
        let enough = compared.agreement.works >= FEWEST;
        let (own, other) = (&compared.trial.marker, &compared.trial.against);
        let way = |marker: &Marker| (marker.provider.clone(), marker.model.clone());
        let mut pair = [way(own), way(other)];
        if pair[0] != pair[1] {
            // Whichever was held against the other; another prompt as well would tell of both at once.
            pair.sort();
            let known = self.models.contains_key(&pair);
            if own.prompt_version == other.prompt_version && (enough || !known) {
                self.models.insert(pair, Judged { agreement: compared.agreement, at });
            }
        } else if own.prompt_version != other.prompt_version {
            let tokens = |of: &super::Measured| (of.input_tokens, of.output_tokens);
            let tried = TriedPrompt {
                version: own.prompt_version,
                against: other.prompt_version,
                own: tokens(&compared.own),
                other: tokens(&compared.other),
                agreement: compared.agreement,
            };
            let key = (way(own), own.prompt_version, other.prompt_version);
            if enough || !self.prompts.contains_key(&key) {
                self.prompts.insert(key, tried);
            }
        }
    }

    /// How far the marks of two models agree, each given as provider and model.
    pub(crate) fn between(&self, one: (&str, &str), other: (&str, &str)) -> Option<Agreement> {
        let mut pair = [one, other].map(|(provider, model)| (provider.to_owned(), model.to_owned()));
        pair.sort();
        self.models.get(&pair).map(|judged| judged.agreement)
    }

    /// The pairs of models that are judged equal.
    pub(crate) fn equal(&self) -> impl Iterator<Item = ([Way; 2], Judged)> {
        let equal = |(_, judged): &(&[Way; 2], &Judged)| judged.agreement.verdict() == Verdict::Equal;
        self.models.iter().filter(equal).map(|(pair, judged)| (pair.clone(), *judged))
    }

    /// What was found of versions of the prompt at a model.
    pub(crate) fn prompts(&self, provider: &str, model: &str) -> Vec<TriedPrompt> {
        let of_model =
            |((way, ..), _): &(&(Way, i64, i64), &TriedPrompt)| (&*way.0, &*way.1) == (provider, model);
        self.prompts.iter().filter(of_model).map(|(_, tried)| *tried).collect()
    }
}
