//! Checking a whole setup file before anything is written, so that all that is wrong is said at once.

use super::{PriceSetup, Setup, Wrong};
use crate::{
    course::{self, Assignment, Course},
    identity::{self, Email, Passwords},
    prompt,
    provider::{
        ProviderKind,
        registry::{
            self, Change, NewProvider,
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
            if there.price(&seed).is_none() {
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

    /// The price that is there from exactly this one's moment on.
    fn price(&self, new: &PriceRow) -> Option<&PriceRow> {
        self.prices.iter().find(|row| is_for_the_same(row, new) && row.valid_from == new.valid_from)
    }

    /// A price as a file has it. What it leaves out is as before: as the provider's own price, or its kind's.
    pub(super) fn priced(
        &self,
        given: &PriceSetup,
        kind: ProviderKind,
        now: DateTime<Utc>,
    ) -> Result<PriceRow, String> {
        let own = given.provider.as_ref().map_or("", |name| name.get_ref());
        let from = given.from.map_or(now, |from| from.0);
        let of = |whose: &str| {
            let holds = |row: &&PriceRow| {
                row.provider_kind == kind
                    && row.provider == whose
                    && row.model == *given.model.get_ref()
                    && row.valid_from <= from
            };
            self.prices.iter().rfind(holds).map(|row| row.price)
        };
        given.row(kind, from, of(own).or_else(|| of("")))
    }

    /// What a price changes. One that names no moment changes nothing where it holds already.
    pub(super) fn change_by(&self, given: &PriceSetup, new: &PriceRow) -> Change {
        let same = |old: &PriceRow| (old.price, &old.deal) == (new.price, &new.deal);
        let holds = || {
            let before = |row: &&PriceRow| is_for_the_same(row, new) && row.valid_from <= new.valid_from;
            self.prices.iter().rfind(before).filter(|_| given.from.is_none())
        };
        match self.price(new).or_else(holds) {
            None => Change::Created,
            Some(old) if same(old) => Change::Unchanged,
            Some(_) => Change::Updated,
        }
    }
}

fn is_for_the_same(a: &PriceRow, b: &PriceRow) -> bool {
    (a.provider_kind, &a.provider, &a.model) == (b.provider_kind, &b.provider, &b.model)
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
        self.check_providers(&mut wrongs, there, world);
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
            let whole = assignment.assignment(
                world.id(),
                world.id(),
                world.id(),
                prompt::version::FIRST,
                world.now(),
            );
            for reason in whole.wrongs() {
                wrong(reason);
            }
        }
    }

    /// The interface that a provider of this name speaks: in the file, or as it is there.
    fn kind_of(&self, there: &There, name: &str) -> Option<ProviderKind> {
        let in_file = self.providers.iter().find(|p| p.name.get_ref() == name).map(|p| p.kind);
        in_file.or_else(|| there.providers.get(name).map(|row| row.kind))
    }

    /// Whose price it is: of one provider, by name, or of all of a kind.
    pub(super) fn kind_of_price(&self, there: &There, given: &PriceSetup) -> Result<ProviderKind, String> {
        match (&given.provider, given.kind) {
            (Some(name), None) => {
                let name = name.get_ref();
                self.kind_of(there, name).ok_or_else(|| format!("there is no provider \"{name}\""))
            }
            (None, Some(kind)) => Ok(kind),
            _ => Err("must have either provider, the name of one, or kind, for all of it".to_owned()),
        }
    }

    /// A provider's model has a price now: its own or its kind's, in the file or as it is there.
    fn is_priced(&self, there: &There, provider: &super::ProviderSetup, model: &str, world: &World) -> bool {
        let (name, now) = (provider.name.get_ref(), world.now());
        let in_file = self.prices.iter().any(|price| {
            price.provider.as_ref().map_or(price.kind == Some(provider.kind), |own| own.get_ref() == name)
                && price.model.get_ref() == model
                && price.from.is_none_or(|from| from.0 <= now)
        });
        in_file
            || there.prices.iter().any(|row| {
                row.provider_kind == provider.kind
                    && (row.provider.is_empty() || row.provider == *name)
                    && row.model == model
                    && row.valid_from <= now
            })
    }

    fn check_providers(&self, wrongs: &mut Wrongs<'_>, there: &There, world: &World) {
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
            match provider.provider().and_then(|new| new.check().map_err(|e| e.to_string())) {
                Err(error) => wrong(error),
                Ok(settings) if provider.enabled => {
                    for model in settings.all_models() {
                        if !self.is_priced(there, provider, model, world) {
                            wrong(format!(
                                "has no price for the model \"{model}\", so no work could go to it; add [[prices]] \
                                 with provider = \"{name}\" and model = \"{model}\" (0 where it costs nothing)"
                            ));
                        }
                    }
                }
                Ok(_) => {}
            }
        }
    }

    fn check_prices(&self, wrongs: &mut Wrongs<'_>, there: &There, world: &World) {
        let mut seen = HashSet::new();
        let now = world.now();
        for given in &self.prices {
            let mut wrong = |reason: String| wrongs.add("prices", &given.model, reason);
            let model = given.model.get_ref();
            if model.trim().is_empty() || model.len() > 100 || model.chars().any(char::is_control) {
                wrong("is no model's name".to_owned());
            }
            let whose = given.provider.as_ref().map(Spanned::get_ref);
            if !seen.insert((whose, given.kind, model, given.from.map(|from| from.0))) {
                wrong("is there twice from the same moment on".to_owned());
            }
            let row = self.kind_of_price(there, given).and_then(|kind| there.priced(given, kind, now));
            match row {
                Err(reason) => wrong(reason),
                Ok(row) => {
                    let from = row.valid_from;
                    let differs = |old: &PriceRow| (old.price, &old.deal) != (row.price, &row.deal);
                    if from <= now && there.price(&row).is_some_and(differs) {
                        wrong(format!(
                            "has other prices from {from} already, and they hold; write new ones with a later moment \
                             as from"
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
        prompt_version: i64,
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
            near_draft_percent: self.near_draft_percent,
            prompt_version,
            created_at,
        }
    }
}

impl super::ProviderSetup {
    /// The provider as it is to be.
    pub(super) fn provider(&self) -> Result<NewProvider, String> {
        let Some(base_url) = self.base_url.as_deref().or(self.kind.own_url()) else {
            return Err(
                "has no address; write its base_url, such as http://gpu.example.edu:8000/v1".to_owned()
            );
        };
        let settings = match serde_json::to_value(&self.settings) {
            Ok(serde_json::Value::Object(settings)) => settings,
            Ok(_) | Err(_) => return Err("the settings are no table".to_owned()),
        };
        Ok(NewProvider {
            name: self.name.get_ref().clone(),
            kind: self.kind,
            base_url: base_url.to_owned(),
            key: self.key.as_ref().map(super::Secret::key),
            enabled: self.enabled,
            settings,
        })
    }
}
