//! Checking a whole setup file before anything is written, so that all that is wrong is said at once.

use super::{PriceSetup, Setup, Wrong};
use crate::{
    course::{self, Assignment, Course},
    identity::{self, Email, Passwords},
    provider::{
        ProviderKind,
        registry::{
            self, NewProvider,
            store::{PriceRow, ProviderRow},
        },
    },
    store::{CourseId, DbError, Exec, RubricVersionId, World},
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use toml::Spanned;

/// What is in the database of that which a file names.
pub(super) struct There {
    pub(super) people: BTreeMap<Email, identity::Person>,
    pub(super) courses: BTreeMap<String, Course>,
    rubrics: BTreeSet<(String, String)>,
    pub(super) providers: BTreeMap<String, ProviderRow>,
    /// Prices, old ones first; the first ones too where they are not stored yet.
    prices: Vec<PriceRow>,
}

impl There {
    pub(super) async fn read(x: &mut impl Exec, setup: &Setup) -> Result<Self, DbError> {
        let mut there = Self {
            people: BTreeMap::new(),
            courses: BTreeMap::new(),
            rubrics: BTreeSet::new(),
            providers: BTreeMap::new(),
            prices: registry::store::prices(x).await?,
        };
        for seed in registry::store::seeds() {
            if there.price(seed.provider_kind, &seed.model, seed.valid_from).is_none() {
                there.prices.push(seed);
            }
        }
        there.prices.sort_by_key(|row| row.valid_from);
        for email in setup.emails() {
            if let Some(person) = identity::store::person_by_email(x, &email).await? {
                there.people.insert(email, person);
            }
        }
        for course in course::store::courses(x).await? {
            there.courses.insert(course.code.clone(), course);
        }
        for assignment in &setup.assignments {
            if let Some(course) = there.courses.get(&assignment.course)
                && course::store::newest_rubric(x, course.id, &assignment.rubric).await?.is_some()
            {
                there.rubrics.insert((assignment.course.clone(), assignment.rubric.clone()));
            }
        }
        for row in registry::store::providers(x).await? {
            there.providers.insert(row.name.clone(), row);
        }
        Ok(there)
    }

    /// The price of exactly this day.
    pub(super) fn price(&self, kind: ProviderKind, model: &str, from: DateTime<Utc>) -> Option<&PriceRow> {
        let same =
            |row: &&PriceRow| (row.provider_kind, row.valid_from) == (kind, from) && row.model == model;
        self.prices.iter().find(same)
    }

    /// A price as a file has it.
    pub(super) fn priced(&self, given: &PriceSetup) -> Result<PriceRow, String> {
        let of = |row: &&PriceRow| {
            row.provider_kind == given.provider
                && row.model == *given.model.get_ref()
                && row.valid_from <= given.valid_from.0
        };
        given.row(self.prices.iter().rfind(of).map(|row| row.price))
    }
}

impl Setup {
    /// All addresses that the file names and that are addresses.
    pub(super) fn emails(&self) -> BTreeSet<Email> {
        let people = self.people.iter().map(|p| p.email.get_ref());
        let members = self.courses.iter().flat_map(|c| c.instructors.iter().chain(&c.students));
        people.chain(members).filter_map(|text| text.parse().ok()).collect()
    }

    /// All that is wrong in it, in the file's order of tables.
    pub(super) fn wrongs(&self, there: &There, world: &World) -> Vec<Wrong> {
        let mut wrongs = Wrongs { setup: self, list: Vec::new() };
        self.check_people(&mut wrongs);
        self.check_courses(&mut wrongs, world);
        self.check_rubrics(&mut wrongs, there);
        self.check_assignments(&mut wrongs, there, world);
        self.check_providers(&mut wrongs, there);
        self.check_prices(&mut wrongs, there, world);
        self.check_budgets(&mut wrongs, there);
        wrongs.list
    }

    fn knows_course(&self, there: &There, code: &str) -> bool {
        there.courses.contains_key(code) || self.courses.iter().any(|c| c.code.get_ref() == code)
    }

    fn check_people(&self, wrongs: &mut Wrongs<'_>) {
        let mut seen = HashSet::new();
        for person in &self.people {
            let mut wrong = |reason: String| wrongs.add("people", &person.email, reason);
            match person.email.get_ref().parse::<Email>() {
                Ok(email) if !seen.insert(email.clone()) => wrong("is there twice".to_owned()),
                Ok(_) => {}
                Err(error) => wrong(error.to_string()),
            }
            if person.name.trim().is_empty() {
                wrong("the name is empty".to_owned());
            }
            match (&person.password, &person.password_file) {
                (Some(_), Some(_)) => wrong("has both password and password_file; write one".to_owned()),
                (Some(password), None) => {
                    if let Err(error) = Passwords::check(password.expose()) {
                        wrong(error.to_string());
                    }
                }
                (None, Some(file)) => wrong(format!("the password file {} was not read", file.display())),
                (None, None) => {}
            }
        }
    }

    fn check_courses(&self, wrongs: &mut Wrongs<'_>, world: &World) {
        let mut seen = HashSet::new();
        for course in &self.courses {
            let code = course.code.get_ref();
            if !seen.insert(code) {
                wrongs.add("courses", &course.code, "is there twice".to_owned());
            }
            for reason in course.course(world.id(), world.now()).wrongs() {
                wrongs.add("courses", &course.code, reason);
            }
            let mut roles = BTreeMap::new();
            let members = course.instructors.iter().map(|e| (e, "instructor"));
            for (text, role) in members.chain(course.students.iter().map(|e| (e, "student"))) {
                match text.parse::<Email>() {
                    Ok(email) => match roles.insert(email, role) {
                        Some(before) if before != role => {
                            wrongs.add(
                                "courses",
                                &course.code,
                                format!("has {text} as instructor and student"),
                            );
                        }
                        _ => {}
                    },
                    Err(error) => wrongs.add("courses", &course.code, error.to_string()),
                }
            }
        }
    }

    fn check_rubrics(&self, wrongs: &mut Wrongs<'_>, there: &There) {
        let mut seen = HashSet::new();
        for rubric in &self.rubrics {
            if !self.knows_course(there, &rubric.course) {
                wrongs.add("rubrics", &rubric.key, no_course(&rubric.course));
            }
            if !seen.insert((&rubric.course, rubric.key.get_ref())) {
                wrongs.add("rubrics", &rubric.key, "is there twice".to_owned());
            }
            if !course::is_key(rubric.key.get_ref()) {
                wrongs.add(
                    "rubrics",
                    &rubric.key,
                    "the key must have 1 to 64 letters, digits, _, - or .".to_owned(),
                );
            }
            for reason in rubric.rubric().check().err().unwrap_or_default() {
                wrongs.add("rubrics", &rubric.key, reason);
            }
        }
    }

    fn check_assignments(&self, wrongs: &mut Wrongs<'_>, there: &There, world: &World) {
        let mut seen = HashSet::new();
        for assignment in &self.assignments {
            let mut wrong = |reason: String| wrongs.add("assignments", &assignment.key, reason);
            let rubric = (assignment.course.clone(), assignment.rubric.clone());
            if !self.knows_course(there, &assignment.course) {
                wrong(no_course(&assignment.course));
            } else if !there.rubrics.contains(&rubric)
                && !self.rubrics.iter().any(|r| (&r.course, r.key.get_ref()) == (&rubric.0, &rubric.1))
            {
                wrong(format!("the course {} has no rubric \"{}\"", rubric.0, rubric.1));
            }
            if !seen.insert((&assignment.course, assignment.key.get_ref())) {
                wrong("is there twice".to_owned());
            }
            let whole = assignment.assignment(world.id(), world.id(), world.id(), world.now());
            for reason in whole.wrongs() {
                wrong(reason);
            }
        }
    }

    fn check_providers(&self, wrongs: &mut Wrongs<'_>, there: &There) {
        let mut seen = HashSet::new();
        for provider in &self.providers {
            let mut wrong = |reason: String| wrongs.add("providers", &provider.name, reason);
            let name = provider.name.get_ref();
            if !seen.insert(name) {
                wrong("is there twice".to_owned());
            }
            let given = [provider.key.is_some(), provider.key_file.is_some(), provider.key_env.is_some()];
            match (given.into_iter().filter(|g| *g).count(), &provider.key_file, &provider.key_env) {
                (0, ..) if !there.providers.contains_key(name) => {
                    wrong("has no key; give one as key, key_file or key_env".to_owned());
                }
                (2.., ..) => wrong("has more than one of key, key_file and key_env; write one".to_owned()),
                (1, Some(file), _) => wrong(format!("the key file {} was not read", file.display())),
                (1, _, Some(name)) => wrong(format!("the environment variable {name} is not set")),
                _ => {}
            }
            if let Some(old) = there.providers.get(name).filter(|old| old.kind != provider.kind) {
                wrong(format!("speaks {} already; set up another one under another name", old.kind.name()));
            }
            if let Err(error) = provider.provider().and_then(|new| new.check().map_err(|e| e.to_string())) {
                wrong(error);
            }
        }
    }

    fn check_prices(&self, wrongs: &mut Wrongs<'_>, there: &There, world: &World) {
        let mut seen = HashSet::new();
        for given in &self.prices {
            let mut wrong = |reason: String| wrongs.add("prices", &given.model, reason);
            let (model, from) = (given.model.get_ref(), given.valid_from.0);
            if model.trim().is_empty() || model.len() > 100 || model.chars().any(char::is_control) {
                wrong("is no model's name".to_owned());
            }
            if !seen.insert((given.provider, model, from)) {
                wrong("is there twice with the same valid_from".to_owned());
            }
            match there.priced(given) {
                Err(reason) => wrong(reason),
                Ok(row) => {
                    let old = there.price(given.provider, model, from);
                    if from <= world.now() && old.is_some_and(|old| *old != row) {
                        wrong(format!(
                            "has other prices from {from} already, and they hold; write new ones with a later valid_from"
                        ));
                    }
                }
            }
        }
    }

    fn check_budgets(&self, wrongs: &mut Wrongs<'_>, there: &There) {
        let mut seen = HashSet::new();
        for budget in &self.budgets {
            let scope = budget.scope.get_ref();
            if scope != crate::budget::INSTITUTION && !self.knows_course(there, scope) {
                wrongs.add(
                    "budgets",
                    &budget.scope,
                    format!("{}; for the institution write all", no_course(scope)),
                );
            }
            if !seen.insert(scope) {
                wrongs.add("budgets", &budget.scope, "is there twice".to_owned());
            }
            if budget.limit_usd.0.0 < 0 {
                wrongs.add("budgets", &budget.scope, "limit_usd is below 0".to_owned());
            }
        }
    }
}

fn no_course(code: &str) -> String {
    format!("there is no course \"{code}\"")
}

struct Wrongs<'a> {
    setup: &'a Setup,
    list: Vec<Wrong>,
}

impl Wrongs<'_> {
    fn add(&mut self, table: &'static str, name: &Spanned<String>, reason: String) {
        let line = self.setup.line(name);
        self.list.push(Wrong { line, table, name: name.get_ref().clone(), reason });
    }
}

impl super::CourseSetup {
    /// The course as it is to be.
    pub(super) fn course(&self, id: CourseId, created_at: chrono::DateTime<chrono::Utc>) -> Course {
        Course {
            id,
            code: self.code.get_ref().clone(),
            title: self.title.clone(),
            cost_centre: self.cost_centre.clone().unwrap_or_else(|| self.code.get_ref().clone()),
            immediate_feedback: self.immediate_feedback,
            created_at,
        }
    }
}

impl super::AssignmentSetup {
    /// The assignment as it is to be.
    pub(super) fn assignment(
        &self,
        id: crate::store::AssignmentId,
        course_id: CourseId,
        rubric_version_id: RubricVersionId,
        created_at: chrono::DateTime<chrono::Utc>,
    ) -> Assignment {
        Assignment {
            id,
            course_id,
            key: self.key.get_ref().clone(),
            title: self.title.clone(),
            kind: self.kind,
            brief: self.brief.trim().to_owned(),
            language: self.language.clone(),
            rubric_version_id,
            opens_at: self.opens.map(|m| m.0),
            closes_at: self.closes.map(|m| m.0),
            marks_by: self.marks_by.map(|m| m.0),
            max_drafts: self.max_drafts,
            min_words: self.min_words,
            max_words: self.max_words,
            citations: self.citations,
            release: self.release,
            resources: self.resources.clone(),
            created_at,
        }
    }
}

impl super::ProviderSetup {
    /// The provider as it is to be.
    pub(super) fn provider(&self) -> Result<NewProvider, String> {
        let settings = match serde_json::to_value(&self.settings) {
            Ok(serde_json::Value::Object(settings)) => settings,
            Ok(_) | Err(_) => return Err("the settings are no table".to_owned()),
        };
        Ok(NewProvider {
            name: self.name.get_ref().clone(),
            kind: self.kind,
            base_url: self.base_url.clone().unwrap_or_else(|| self.kind.own_url().to_owned()),
            key: self.key.as_ref().map(super::Secret::key),
            enabled: self.enabled,
            settings,
        })
    }
}
