//! The part of a prompt that is the same for all work of an assignment.

use super::{VERSIONS, Version, schema, version, work::Frame};
use crate::{
    course::{AssessmentType, Rubric},
    provider::{Prompt, SharedText},
    store::Digest,
    submission::interim::language_name,
};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, value::Serde};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::{Arc, LazyLock};

/// A template's name and version. A change to the wording, to the schema or to where sentences are cut is a new version;
/// versions that were used stay in the program, so that what was asked can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Template {
    /// What it asks for, such as `rubric`.
    pub name: String,
    /// From 1.
    pub version: u32,
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_v{}", self.name, self.version)
    }
}

/// What the prompt says of an assignment.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The assignment's title.
    pub title: &'a str,
    /// What the work is for.
    pub kind: AssessmentType,
    /// What the students were asked; may be empty.
    pub brief: &'a str,
    /// The language of the feedback, as its tag (`de`) or English name (`German`); `None` leaves it to the model.
    pub language: Option<&'a str>,
}

/// A prompt could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The rubric cannot be marked by.
    #[error("the rubric can't be used: {}", .0.join("; "))]
    Rubric(Vec<String>),
    /// There is no such version.
    #[error("there is no version {0} of the prompt; this program has 1 to {last}", last = VERSIONS.len())]
    NoVersion(i64),
    /// The template itself is at fault.
    #[error("the prompt template {template} can't be filled in: {reason}")]
    Template {
        /// Which.
        template: Template,
        /// What the template engine says.
        reason: String,
    },
}

/// The stable part of a prompt, with all that goes with it to the provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stable {
    /// The template it was made from.
    pub template: Template,
    /// Instructions, assignment, rubric, guidelines, examples.
    pub text: SharedText,
    /// The name of the answer's schema.
    pub schema_name: Arc<str>,
    /// The answer's schema.
    pub schema: Arc<RawValue>,
    /// Most tokens that the answer may have.
    pub max_output_tokens: u32,
    /// Over all of the above and the work's frame: equal digests ask the same of a work.
    pub digest: Digest,
    frame: Arc<Frame>,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::empty();
    templates.set_auto_escape_callback(|_| AutoEscape::None);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    for version in &VERSIONS {
        for (part, text) in [("stable", version.stable), ("work", version.work)] {
            let name = format!("{}/{part}", version.template());
            templates
                .add_template_owned(name, text)
                .expect("the templates are part of the program and tested");
        }
    }
    templates
});

/// What the work is, in the template's sentence.
const fn phrase(kind: AssessmentType) -> &'static str {
    match kind {
        AssessmentType::FinalExam => "a final exam",
        AssessmentType::Summative => "graded work that counts",
        AssessmentType::Formative => "formative work: it does not count, the feedback does",
        AssessmentType::Practice => "practice work",
        AssessmentType::Draft => "a draft: a later version will count",
        AssessmentType::Quiz => "a short practice quiz",
    }
}

impl Stable {
    /// The stable part of the prompt for marks by this rubric, in the version that an installation begins with.
    ///
    /// # Errors
    /// If the rubric cannot be marked by.
    pub fn rubric(task: &Task<'_>, rubric: &Rubric) -> Result<Self, PromptError> {
        Self::rubric_in(version::FIRST, task, rubric)
    }

    /// The same in a version of choice.
    ///
    /// # Errors
    /// If the rubric cannot be marked by, or there is no such version.
    pub fn rubric_in(number: i64, task: &Task<'_>, rubric: &Rubric) -> Result<Self, PromptError> {
        let version = Version::find(number).ok_or(PromptError::NoVersion(number))?;
        let template = version.template();
        rubric.check().map_err(PromptError::Rubric)?;
        let fill = |part: &str, values: minijinja::Value| {
            let file = TEMPLATES
                .get_template(&format!("{template}/{part}"))
                .expect("each version's templates are kept under this name");
            file.render(values).map_err(|error| PromptError::Template {
                template: template.clone(),
                reason: error.to_string(),
            })
        };
        let text = fill(
            "stable",
            context! {
                title => task.title.trim(),
                kind => phrase(task.kind),
                brief => task.brief.trim(),
                language => task.language.map(|tag| language_name(tag).unwrap_or(tag)),
                rubric => Serde(rubric),
            },
        )?;
        let frame = Frame::new(&fill(
            "work",
            context! { fence => Frame::FENCE.to_string(), sentences => Frame::SENTENCES.to_string() },
        )?);
        let schema = schema::marks(rubric).map_err(|error| PromptError::Template {
            template: template.clone(),
            reason: error.to_string(),
        })?;
        let max_output_tokens =
            version.max_output_tokens(u32::try_from(rubric.criteria.len()).unwrap_or(u32::MAX / 256));
        let schema_name = format!("{}_marks_v{}", template.name, template.version);
        let most = max_output_tokens.to_string();
        let parts = [&*schema_name, &text, schema.get(), frame.text(), &most];
        let digest = Digest::over(&parts.map(str::as_bytes));
        Ok(Self {
            template,
            text: SharedText::from(text.trim_end()),
            schema_name: schema_name.into(),
            schema: schema.into(),
            max_output_tokens,
            digest,
            frame: Arc::new(frame),
        })
    }

    /// Bytes that this takes up in a request.
    #[must_use]
    pub fn json_len(&self) -> usize {
        self.text.json().len() + self.schema.get().len() + self.frame.text().len()
    }

    /// The whole prompt for one work: its sentences numbered as [`crate::submission::sentences::split`] cuts them.
    #[must_use]
    pub fn prompt(&self, work: &str) -> Prompt {
        Prompt {
            stable: self.text.clone(),
            work: self.frame.fill(work),
            schema_name: Arc::clone(&self.schema_name),
            schema: Arc::clone(&self.schema),
            max_output_tokens: self.max_output_tokens,
        }
    }
}
