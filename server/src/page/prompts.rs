//! The pages of prompts and trials.

use super::{
    Pages,
    common::{AsPageError, count, failed, money},
};
use quire_app::{
    data::{PageError, PageResult, RefusedForm},
    view,
};
use quire_engine::{
    identity::Actor,
    prompt::store::Adoption,
    store::TrialId,
    trial::{self, Compared, Marker, Measured, TrialDetail, TrialError, VersionInUse},
};

impl AsPageError for TrialError {
    fn page_error(&self) -> PageError {
        match self {
            Self::Identity(error) => error.page_error(),
            Self::Engine(error) => error.page_error(),
            Self::NotFound => PageError::NotFound,
            error => PageError::Invalid { message: error.to_string() },
        }
    }
}

impl Pages {
    pub(super) async fn prompts_of(
        &self,
        actor: &Actor,
        sent: Option<&RefusedForm>,
    ) -> PageResult<view::Prompts> {
        let found = self.engine.prompts(actor).await.map_err(|e| failed(&e))?;
        let trials = self.engine.trials(actor).await.map_err(|e| failed(&e))?;
        let assignments = self.engine.trial_assignments(actor).await.map_err(|e| failed(&e))?;
        let in_use =
            found.versions.iter().find(|version| version.in_use).map(|version| version.version.number);
        let models = self.engine.models_by_provider().into_iter().flat_map(|(provider, models)| {
            let named =
                move |model: String| (format!("{provider}/{model}"), format!("{model} of {provider}"));
            models.into_iter().map(named)
        });
        Ok(view::Prompts {
            as_of: self.engine.now(),
            versions: found.versions.into_iter().map(version).collect(),
            adoptions: found.adoptions.into_iter().map(adoption).collect(),
            trials: trials.iter().map(shown).collect(),
            assignments: assignments
                .into_iter()
                .map(|(id, course, title)| (id.to_string(), format!("{course}, {title}")))
                .collect(),
            models: models.collect(),
            draft: draft(sent, in_use),
        })
    }

    pub(super) async fn trial_of(&self, actor: &Actor, id: TrialId) -> PageResult<view::TrialDetail> {
        let TrialDetail { compared, criteria, errors } =
            self.engine.trial(actor, id).await.map_err(|e| failed(&e))?;
        let criteria = criteria.into_iter().map(|criterion| view::TrialCriterion {
            title: criterion.title,
            works: criterion.levels.works as u64,
            exact: criterion.levels.exact,
            adjacent: criterion.levels.adjacent,
            kappa: criterion.levels.kappa,
        });
        Ok(view::TrialDetail {
            as_of: self.engine.now(),
            trial: shown(&compared),
            criteria: criteria.collect(),
            errors: errors.into_iter().map(|(what, works)| (what, works as u64)).collect(),
        })
    }
}

/// What the form holds: what was typed, or another version than the one in use for enough works to judge by.
fn draft(sent: Option<&RefusedForm>, in_use: Option<i64>) -> view::TrialDraft {
    if let Some(form) = sent.filter(|form| form.value("do") == Some("start")) {
        let of = |field: &str| form.value(field).unwrap_or_default().to_owned();
        return view::TrialDraft {
            assignment: of("assignment"),
            model: of("model"),
            version: of("prompt"),
            works: of("works"),
        };
    }
    let other = quire_engine::prompt::VERSIONS.iter().rev().find(|version| Some(version.number) != in_use);
    view::TrialDraft {
        version: other.map(|version| version.number.to_string()).unwrap_or_default(),
        works: (trial::FEWEST + 10).to_string(),
        ..view::TrialDraft::default()
    }
}

fn version(version: VersionInUse) -> view::PromptVersion {
    let measured = version.measured.iter().map(|(marker, measured)| (model(marker), taken(measured)));
    view::PromptVersion {
        number: version.version.number,
        about: version.version.about.to_owned(),
        in_use: version.in_use,
        assignments: count(version.assignments),
        measured: measured.collect(),
    }
}

fn adoption(adoption: Adoption) -> view::PromptAdoption {
    view::PromptAdoption {
        version: adoption.version,
        at: adoption.at,
        by: adoption.by_name,
        evidence: adoption.evidence,
    }
}

fn model(marker: &Marker) -> String {
    format!("{} of {}", marker.model, marker.provider)
}

fn taken(measured: &Measured) -> view::Taken {
    view::Taken {
        answers: count(measured.answers),
        input_tokens: count(measured.input_tokens),
        output_tokens: count(measured.output_tokens),
        thousand: measured.thousand.map(money),
    }
}

fn agreement(found: &trial::Agreement) -> view::Agreement {
    view::Agreement {
        works: found.works as u64,
        kappa: found.kappa,
        difference: found.difference / 100.0,
        same: found.same,
        verdict: match found.verdict() {
            trial::Verdict::Equal => view::Verdict::Equal,
            trial::Verdict::Different => view::Verdict::Different,
            trial::Verdict::Open => view::Verdict::Open,
        },
        words: found.words(),
    }
}

fn shown(compared: &Compared) -> view::Trial {
    let Compared { trial, assignment: (course, title), .. } = compared;
    view::Trial {
        id: trial.id.to_string(),
        assignment: format!("{course}, {title}"),
        marker: (model(&trial.marker), trial.marker.prompt_version),
        against: (model(&trial.against), trial.against.prompt_version),
        state: match (trial.stopped, trial.ended_at) {
            (true, _) => view::TrialState::Stopped,
            (false, Some(_)) => view::TrialState::Ended,
            (false, None) => view::TrialState::Running,
        },
        started_at: trial.started_at,
        works: count(compared.works),
        marked: count(compared.marked),
        unusable: count(compared.unusable),
        unanswered: count(compared.unanswered),
        spent: money(compared.spent),
        agreement: agreement(&compared.agreement),
        people: agreement(&compared.people),
        own: taken(&compared.own),
        other: taken(&compared.other),
        saves: compared.saves().map(|percent| percent / 100.0),
    }
}
