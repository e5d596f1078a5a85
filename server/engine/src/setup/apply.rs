//! Applying a setup file: all of it in one transaction, or nothing.

use super::{Report, Setup, SetupError, check::There};
use crate::{
    budget,
    course::{self, CourseError},
    identity::{self, Email, Institution, NewPerson, Passwords, Role, name_from_email},
    prompt,
    provider::{
        MasterKey, ProviderError,
        registry::{
            Change,
            store::{put_price, put_provider},
        },
    },
    routing::StudentTier,
    store::{Db, PersonId, Tx, World},
};
use std::collections::BTreeMap;

/// Creates and changes what the file names, as it says. What it does not name stays; nobody is taken out of a course.
/// Applying the same file again changes nothing.
///
/// # Errors
/// All that is wrong in the file, or that the database failed. Then nothing was changed.
pub async fn apply(db: &Db, world: &World, master: &MasterKey, setup: &Setup) -> Result<Report, SetupError> {
    let there = There::read(&mut db.clone(), setup).await?;
    let wrongs = setup.wrongs(&there, world);
    if !wrongs.is_empty() {
        return Err(SetupError::Wrong(wrongs));
    }
    // Before the transaction, as each takes its time.
    let hashes = hashes(db, world, setup, &there).await?;
    let mut tx = db.begin().await?;
    let mut work = Work { tx: &mut tx, world, master, setup, there, report: Report::default() };
    work.institution().await?;
    work.people(hashes).await?;
    work.courses().await?;
    work.rubrics().await?;
    work.assignments().await?;
    work.providers().await?;
    work.prices().await?;
    work.budgets().await?;
    let report = work.report;
    tx.commit().await?;
    Ok(report)
}

/// Hashes of the passwords that are not yet those of their people.
async fn hashes(
    db: &Db,
    world: &World,
    setup: &Setup,
    there: &There,
) -> Result<BTreeMap<Email, String>, SetupError> {
    let passwords = Passwords::new(world.clone());
    let mut hashes = BTreeMap::new();
    for person in &setup.people {
        let (Some(password), Ok(email)) = (&person.password, person.email.get_ref().parse::<Email>()) else {
            continue;
        };
        if let Some(known) = there.people.get(&email) {
            let hash = identity::store::password_hash(&mut db.clone(), known.id).await?;
            let same = hash.is_some()
                && passwords.verify(password.expose(), hash).await.map_err(identity::IdentityError::from)?;
            if same {
                continue;
            }
        }
        let hash = passwords.hash(password.expose()).await.map_err(identity::IdentityError::from)?;
        hashes.insert(email, hash);
    }
    Ok(hashes)
}

struct Work<'a> {
    tx: &'a mut Tx,
    world: &'a World,
    master: &'a MasterKey,
    setup: &'a Setup,
    there: There,
    report: Report,
}

impl Work<'_> {
    async fn institution(&mut self) -> Result<(), SetupError> {
        let Some(institution) = &self.setup.institution else { return Ok(()) };
        let change = if Institution::load(self.tx).await? == *institution {
            Change::Unchanged
        } else {
            institution.save(self.tx).await?;
            Change::Updated
        };
        self.report.note("institution", &institution.name, change);
        Ok(())
    }

    async fn people(&mut self, mut hashes: BTreeMap<Email, String>) -> Result<(), SetupError> {
        let zone = Institution::load(self.tx).await?.time_zone;
        for person in &self.setup.people {
            let email: Email = person.email.get_ref().parse().map_err(identity::IdentityError::from)?;
            let new = NewPerson {
                name: person.name.trim().to_owned(),
                is_admin: person.admin,
                tier: person.tier,
                time_zone: person.time_zone.unwrap_or(zone),
                password_hash: hashes.remove(&email),
                email: email.clone(),
            };
            let change = match self.there.people.get(&email) {
                None => {
                    self.create_person(&new).await?;
                    Change::Created
                }
                Some(old)
                    if new.password_hash.is_none()
                        && (&old.name, old.is_admin, old.tier, old.time_zone)
                            == (&new.name, new.is_admin, new.tier, new.time_zone) =>
                {
                    Change::Unchanged
                }
                Some(old) => {
                    identity::store::update_person(self.tx, old.id, &new).await?;
                    Change::Updated
                }
            };
            self.report.note("person", email.as_str(), change);
        }
        Ok(())
    }

    async fn create_person(&mut self, new: &NewPerson) -> Result<(), SetupError> {
        identity::store::insert_person(self.tx, self.world.id(), new, self.world.now()).await?;
        if let Some(person) = identity::store::person_by_email(self.tx, &new.email).await? {
            self.there.people.insert(new.email.clone(), person);
        }
        Ok(())
    }

    /// The person of this address, created where they are not known yet.
    async fn member(&mut self, address: &str) -> Result<PersonId, SetupError> {
        let email: Email = address.parse().map_err(identity::IdentityError::from)?;
        if !self.there.people.contains_key(&email) {
            let new = NewPerson {
                name: name_from_email(&email),
                is_admin: false,
                tier: StudentTier::Standard,
                time_zone: Institution::load(self.tx).await?.time_zone,
                password_hash: None,
                email: email.clone(),
            };
            self.create_person(&new).await?;
            self.report.note("person", email.as_str(), Change::Created);
        }
        let person = self.there.people.get(&email);
        let missing = || identity::IdentityError::NoSuchPerson(email.to_string());
        Ok(person.map(|p| p.id).ok_or_else(missing)?)
    }

    async fn courses(&mut self) -> Result<(), SetupError> {
        let setup = self.setup;
        for given in &setup.courses {
            let code = given.code.get_ref();
            let old = self.there.courses.get(code).cloned();
            let (course, mut change) = match &old {
                None => (given.course(self.world.id(), self.world.now()), Change::Created),
                Some(old) => {
                    let new = given.course(old.id, old.created_at);
                    let change = if new == *old { Change::Unchanged } else { Change::Updated };
                    (new, change)
                }
            };
            match change {
                Change::Created => course::store::insert_course(self.tx, &course).await?,
                Change::Updated => course::store::update_course(self.tx, &course).await?,
                Change::Unchanged => {}
            }
            let members = given.instructors.iter().map(|email| (email, Role::Instructor));
            for (email, role) in members.chain(given.students.iter().map(|email| (email, Role::Student))) {
                let person = self.member(email).await?;
                let new = identity::store::set_role(self.tx, course.id, person, role).await?;
                if new && change == Change::Unchanged {
                    change = Change::Updated;
                }
            }
            self.there.courses.insert(code.clone(), course);
            self.report.note("course", code, change);
        }
        Ok(())
    }

    fn course(&self, code: &str) -> Result<&course::Course, SetupError> {
        Ok(self.there.courses.get(code).ok_or_else(|| CourseError::NoCourse(code.to_owned()))?)
    }

    async fn rubrics(&mut self) -> Result<(), SetupError> {
        for given in &self.setup.rubrics {
            let course = self.course(&given.course)?.id;
            let key = given.key.get_ref();
            let (version, new) =
                course::store::put_rubric(self.tx, self.world, course, key, &given.rubric()).await?;
            let change = match (new, version.number) {
                (true, 1) => Change::Created,
                (true, _) => Change::Updated,
                (false, _) => Change::Unchanged,
            };
            self.report.note("rubric", &format!("{}/{key}", given.course), change);
        }
        Ok(())
    }

    async fn assignments(&mut self) -> Result<(), SetupError> {
        let version = prompt::store::in_use(self.tx).await?;
        for given in &self.setup.assignments {
            let course = self.course(&given.course)?.id;
            let rubric = course::store::newest_rubric(self.tx, course, &given.rubric)
                .await?
                .ok_or_else(|| CourseError::NoRubric(given.rubric.clone()))?;
            let key = given.key.get_ref();
            let change = match course::store::assignment_by_key(self.tx, course, key).await? {
                None => {
                    let new = given.assignment(self.world.id(), course, rubric.id, version, self.world.now());
                    course::store::insert_assignment(self.tx, &new).await?;
                    Change::Created
                }
                Some(old) => {
                    let new = given.assignment(old.id, course, rubric.id, old.prompt_version, old.created_at);
                    if new == old {
                        Change::Unchanged
                    } else {
                        course::store::update_assignment(self.tx, &new).await?;
                        Change::Updated
                    }
                }
            };
            self.report.note("assignment", &format!("{}/{key}", given.course), change);
        }
        Ok(())
    }

    async fn providers(&mut self) -> Result<(), SetupError> {
        for given in &self.setup.providers {
            let new = given
                .provider()
                .map_err(|reason| ProviderError::Setting { key: "settings".to_owned(), reason })?;
            let change = put_provider(self.tx, self.world, self.master, &new).await?;
            self.report.note("provider", given.name.get_ref(), change);
        }
        Ok(())
    }

    async fn prices(&mut self) -> Result<(), SetupError> {
        for given in &self.setup.prices {
            let wrong = |reason| ProviderError::Setting { key: "prices".to_owned(), reason };
            let kind = self.setup.kind_of_price(&self.there, given).map_err(wrong)?;
            let row = self.there.priced(given, kind, self.world.now()).map_err(wrong)?;
            let change = self.there.change_by(given, &row);
            if change != Change::Unchanged {
                put_price(self.tx, self.world, &row).await?;
            }
            let whose = if row.provider.is_empty() { kind.name() } else { &row.provider };
            let from =
                given.from.map(|from| format!(" from {}", from.0.format("%Y-%m-%d"))).unwrap_or_default();
            self.report.note("price", &format!("{whose}/{}{from}", row.model), change);
        }
        Ok(())
    }

    async fn budgets(&mut self) -> Result<(), SetupError> {
        if self.setup.budgets.is_empty() {
            return Ok(());
        }
        let there = budget::budgets(self.tx).await?;
        for given in &self.setup.budgets {
            let name = given.scope.get_ref();
            let scope =
                if name == budget::INSTITUTION { name.clone() } else { self.course(name)?.id.to_string() };
            let change = match there.iter().find(|b| b.scope == scope) {
                Some(old) if (old.limit, old.hard_stop) == (given.limit_usd.0, given.hard_stop) => {
                    Change::Unchanged
                }
                Some(_) => Change::Updated,
                None => Change::Created,
            };
            if change != Change::Unchanged {
                let set = (given.limit_usd.0, given.hard_stop);
                budget::save_budget(self.tx, self.world, &scope, set, None).await?;
            }
            self.report.note("budget", name, change);
        }
        Ok(())
    }
}
