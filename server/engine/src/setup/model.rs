//! What a setup file says, table by table.

use super::{Amount, Moment, Percent, Secret, SetupError};
use crate::{
    course::{AssessmentType, Criterion, Exemplar, ReleasePolicy, Resource, Rubric},
    identity::{Institution, Zone},
    provider::{
        ProviderKind,
        price::{Deal, LongContext, Price, Rates, Tier},
        registry::store::PriceRow,
    },
    routing::StudentTier,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A whole setup file. Tables may be missing; what is not named in the file stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The institution.
    pub institution: Option<Institution>,
    /// People.
    #[serde(default)]
    pub people: Vec<PersonSetup>,
    /// Courses and their members.
    #[serde(default)]
    pub courses: Vec<CourseSetup>,
    /// Rubrics of courses.
    #[serde(default)]
    pub rubrics: Vec<RubricSetup>,
    /// Assignments of courses.
    #[serde(default)]
    pub assignments: Vec<AssignmentSetup>,
    /// Providers of models.
    #[serde(default)]
    pub providers: Vec<ProviderSetup>,
    /// Prices of models, and what was negotiated.
    #[serde(default)]
    pub prices: Vec<PriceSetup>,
    /// Budgets of each month.
    #[serde(default)]
    pub budgets: Vec<BudgetSetup>,
    /// Where lines of the file begin.
    #[serde(skip)]
    lines: Vec<usize>,
}

/// A person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonSetup {
    /// Their address.
    pub email: Spanned<String>,
    /// The name that others see.
    pub name: String,
    /// Their password; none: the one that they have stays, and someone new can't sign in by password.
    pub password: Option<Secret>,
    /// A file that holds it, instead.
    pub password_file: Option<PathBuf>,
    /// May administer.
    #[serde(default)]
    pub admin: bool,
    /// Their standing as a student.
    #[serde(default = "standard")]
    pub tier: StudentTier,
    /// The zone in which they read times; none: the institution's.
    pub time_zone: Option<Zone>,
}

const fn standard() -> StudentTier {
    StudentTier::Standard
}

/// A course.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CourseSetup {
    /// Its code.
    pub code: Spanned<String>,
    /// Its title.
    pub title: String,
    /// Who pays for it; none: the code.
    pub cost_centre: Option<String>,
    /// Its work is always urgent.
    #[serde(default)]
    pub immediate_feedback: bool,
    /// Addresses of those who teach it. Who is not known yet is created, named after the address.
    #[serde(default)]
    pub instructors: Vec<String>,
    /// Addresses of its students. Who is not known yet is created, named after the address.
    #[serde(default)]
    pub students: Vec<String>,
}

/// A rubric of a course.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubricSetup {
    /// The course's code.
    pub course: String,
    /// The course's own short name for it.
    pub key: Spanned<String>,
    /// Its title.
    pub title: String,
    /// What is judged.
    pub criteria: Vec<Criterion>,
    /// Guidelines for the marker that students don't see.
    #[serde(default)]
    pub guidelines: String,
    /// Example work.
    #[serde(default)]
    pub exemplars: Vec<Exemplar>,
}

impl RubricSetup {
    /// The rubric itself.
    #[must_use]
    pub fn rubric(&self) -> Rubric {
        Rubric {
            title: self.title.clone(),
            criteria: self.criteria.clone(),
            guidelines: self.guidelines.clone(),
            exemplars: self.exemplars.clone(),
        }
    }
}

/// An assignment of a course.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentSetup {
    /// The course's code.
    pub course: String,
    /// The course's own short name for it.
    pub key: Spanned<String>,
    /// Its title.
    pub title: String,
    /// What kind of assessment it is.
    pub kind: AssessmentType,
    /// The task.
    pub brief: String,
    /// The language of the work.
    #[serde(default = "english")]
    pub language: String,
    /// The key of the course's rubric; its newest version is used.
    pub rubric: String,
    /// From when work is taken.
    pub opens: Option<Moment>,
    /// From when it no longer is.
    pub closes: Option<Moment>,
    /// When marks are needed.
    pub marks_by: Option<Moment>,
    /// How many drafts each student may hand in.
    #[serde(default = "one")]
    pub max_drafts: i64,
    /// Fewest words asked for.
    pub min_words: Option<i64>,
    /// Most words asked for.
    pub max_words: Option<i64>,
    /// References to sources are asked for.
    #[serde(default)]
    pub citations: bool,
    /// When marks reach the student.
    #[serde(default = "on_approval")]
    pub release: ReleasePolicy,
    /// Something to read or use.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// A draft in which at most this percentage of the words changed keeps the marks of the one before.
    pub near_draft_percent: Option<i64>,
}

fn english() -> String {
    "en".to_owned()
}

const fn one() -> i64 {
    1
}

/// A person looks first, unless the file says otherwise.
const fn on_approval() -> ReleasePolicy {
    ReleasePolicy::OnApproval
}

/// A provider of models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSetup {
    /// Its name.
    pub name: Spanned<String>,
    /// Which interface it speaks.
    pub kind: ProviderKind,
    /// Where it is; none: at the provider's own address.
    pub base_url: Option<String>,
    /// Its key; none: the one that is stored stays.
    pub key: Option<Secret>,
    /// A file that holds it, instead.
    pub key_file: Option<PathBuf>,
    /// An environment variable that holds it, instead.
    pub key_env: Option<String>,
    /// It is to be used.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Settings over the defaults of its kind.
    #[serde(default)]
    pub settings: toml::Table,
}

const fn yes() -> bool {
    true
}

/// What a model costs from some day on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSetup {
    /// The one provider whose price it is, by name; none: every provider of the kind.
    pub provider: Option<Spanned<String>>,
    /// Every provider that speaks this interface; none: the one that is named.
    pub kind: Option<ProviderKind>,
    /// The model.
    pub model: Spanned<String>,
    /// From when on; none: from now on.
    pub from: Option<Moment>,
    /// Real time; none: the list prices that hold before stay.
    pub realtime: Option<RatesSetup>,
    /// In a batch; none: as in real time.
    pub batch: Option<RatesSetup>,
    /// Requests whose input is long, where they differ.
    pub long_context: Option<LongContextSetup>,
    /// Off all prices, in percent.
    #[serde(default)]
    pub discount_percent: Percent,
    /// Further discounts by the month's volume.
    #[serde(default)]
    pub tiers: Vec<TierSetup>,
}

/// Prices in dollars for a million tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatesSetup {
    /// Tokens read afresh.
    pub input_usd: Amount,
    /// Tokens read from the cache; none: as `input_usd`.
    pub cached_input_usd: Option<Amount>,
    /// Tokens written to the cache for a short time; none: as `input_usd`.
    pub cache_write_usd: Option<Amount>,
    /// Tokens written to the cache for a long time; none: as for a short time.
    pub cache_write_long_usd: Option<Amount>,
    /// Tokens written.
    pub output_usd: Amount,
}

/// Prices of requests whose input is long.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongContextSetup {
    /// From more input tokens than this on.
    pub above_tokens: u64,
    /// Real time.
    pub realtime: RatesSetup,
    /// In a batch; none: as in real time.
    pub batch: Option<RatesSetup>,
}

/// A lower price from some volume of a month on.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierSetup {
    /// Once so many tokens of the model were paid for in the month.
    pub from_tokens: u64,
    /// Off the price, in percent.
    pub discount_percent: Percent,
}

impl From<RatesSetup> for Rates {
    fn from(set: RatesSetup) -> Self {
        let nano = |amount: Amount| amount.0.0;
        Self {
            input: nano(set.input_usd),
            cached_input: set.cached_input_usd.map(nano),
            cache_write: set.cache_write_usd.map(nano),
            cache_write_long: set.cache_write_long_usd.map(nano),
            output: nano(set.output_usd),
        }
    }
}

impl PriceSetup {
    /// The price as it is to be; `before` is the list price that holds until then.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn row(
        &self,
        kind: ProviderKind,
        from: DateTime<Utc>,
        before: Option<Price>,
    ) -> Result<PriceRow, String> {
        let listed = self.realtime.map(|realtime| Price {
            realtime: realtime.into(),
            batch: self.batch.map(Into::into),
            long_context: self.long_context.map(|long| LongContext {
                above_tokens: long.above_tokens,
                realtime: long.realtime.into(),
                batch: long.batch.map(Into::into),
            }),
        });
        if listed.is_none() && (self.batch.is_some() || self.long_context.is_some()) {
            return Err("has batch or long_context without realtime; write all list prices".to_owned());
        }
        let price =
            listed.or(before).ok_or("has no list price yet; write realtime, and batch where it differs")?;
        if !price.is_sound() {
            return Err("has a price below 0".to_owned());
        }
        let tiers =
            self.tiers.iter().map(|t| Tier { from_tokens: t.from_tokens, discount: t.discount_percent.0 });
        let deal = Deal { discount: self.discount_percent.0, tiers: tiers.collect() };
        deal.check()?;
        Ok(PriceRow {
            provider_kind: kind,
            provider: self.provider.as_ref().map(|name| name.get_ref().clone()).unwrap_or_default(),
            model: self.model.get_ref().clone(),
            valid_from: from,
            price,
            deal,
        })
    }
}

/// A budget of each month.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetSetup {
    /// `all` for the institution, or a course's code.
    pub scope: Spanned<String>,
    /// How much a month.
    pub limit_usd: Amount,
    /// At the limit, work is queued and not sent.
    #[serde(default)]
    pub hard_stop: bool,
}

impl Setup {
    /// Reads a setup file's text. Secrets in other files are not read.
    ///
    /// # Errors
    /// Names the table and key that is none or has a value of the wrong type, with its line.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        let lines: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut setup: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| {
                let line = line_of(&lines, span.start);
                let begin = lines.get(line - 1).copied().unwrap_or(0);
                (line, text.get(begin..span.start).map_or(1, |before| before.chars().count() + 1))
            });
            // Not its whole text: that shows the line, which may hold a secret.
            SetupError::Toml { place, reason: error.message().to_owned() }
        })?;
        setup.lines = lines;
        Ok(setup)
    }

    /// Reads a setup file, and the secrets in files and environment variables that it names. Paths are relative to the
    /// file's own folder.
    ///
    /// # Errors
    /// If a file can't be read, or the text can't be understood.
    pub fn load(path: &Path) -> Result<Self, SetupError> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|cause| SetupError::File { path: path.to_owned(), cause })
        };
        let mut setup = Self::parse(&read(path)?)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        // One line end at the end of a file belongs to the file, not to the secret.
        let secret = |file: &Path| {
            read(&folder.join(file)).map(|text| Secret::from(text.trim_end_matches(['\r', '\n']).to_owned()))
        };
        for person in &mut setup.people {
            if let (None, Some(file)) = (&person.password, &person.password_file) {
                person.password = Some(secret(file)?);
                person.password_file = None;
            }
        }
        for provider in &mut setup.providers {
            if provider.key.is_some() {
                continue;
            }
            match (&provider.key_file, &provider.key_env) {
                (Some(file), None) => {
                    provider.key = Some(secret(file)?);
                    provider.key_file = None;
                }
                (None, Some(name)) => {
                    // A variable that is not set is said with all else that is wrong.
                    if let Ok(key) = std::env::var(name) {
                        provider.key = Some(Secret::from(key));
                        provider.key_env = None;
                    }
                }
                _ => {}
            }
        }
        Ok(setup)
    }

    /// Sets a provider's address and key, as the demo's simulator has them only when it runs.
    #[must_use]
    pub fn at(mut self, provider: &str, base_url: &str, key: &str) -> Self {
        for found in self.providers.iter_mut().filter(|p| p.name.get_ref() == provider) {
            found.base_url = Some(base_url.to_owned());
            found.key = Some(Secret::from(key.to_owned()));
        }
        self
    }

    /// The line of a place in the file, from 1; none where there was no file.
    pub(super) fn line<T>(&self, spanned: &Spanned<T>) -> Option<usize> {
        (!self.lines.is_empty()).then(|| line_of(&self.lines, spanned.span().start))
    }
}

fn line_of(lines: &[usize], at: usize) -> usize {
    lines.partition_point(|begin| *begin <= at).max(1)
}
