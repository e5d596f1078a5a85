//! The way in: who asks, and whether they may.

use super::enrolling::{Found, Student, look_for};
use super::{
    Act, Actor, ApiToken, Came, Denied, Email, IdentityError, Institution, Member, Memberships, NewToken,
    Passwords, Person, allowed, store, token,
};
use crate::store::{CourseId, Db, DbError, Lately, PersonId, Together, TokenId, World};
use chrono::{DateTime, Utc};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// How long a person, a token or a role may be out of date here after another process changed it. Thousands of
/// requests a second by the same token then ask the database once.
const OUT_OF_DATE: Duration = Duration::from_secs(5);
const MOST_KEPT: u64 = 50_000;

/// Finds out who asks, and checks what they ask against the policy. Cheap to clone; clones share what they keep.
#[derive(Clone, Debug)]
pub struct Identity {
    db: Db,
    world: World,
    passwords: Passwords,
    kept: Arc<Kept>,
}

#[derive(Debug)]
struct Kept {
    people: Lately<PersonId, Arc<Person>>,
    tokens: Lately<[u8; 32], Arc<store::Holder>>,
    roles: Lately<PersonId, Arc<Memberships>>,
    students: Lately<(CourseId, Email), Student>,
    looking: OnceLock<Together<(CourseId, Email), Found>>,
    institution: Arc<Lately<(), Arc<Institution>>>,
}

impl Identity {
    /// People of this database.
    #[must_use]
    pub fn new(db: Db, world: World) -> Self {
        Self::keeping(db, world, OUT_OF_DATE)
    }

    /// The same, with another time for which rows are kept.
    #[must_use]
    pub fn keeping(db: Db, world: World, age: Duration) -> Self {
        let kept = Kept {
            people: Lately::new(MOST_KEPT, age),
            tokens: Lately::new(MOST_KEPT, age),
            roles: Lately::new(MOST_KEPT, age),
            students: Lately::new(MOST_KEPT, age),
            looking: OnceLock::new(),
            institution: Arc::new(Lately::new(1, age)),
        };
        Self { passwords: Passwords::new(world.clone()), db, world, kept: Arc::new(kept) }
    }

    /// Forgets all rows kept, after something else than this changed them.
    pub fn forget_all(&self) {
        self.kept.people.forget_all();
        self.kept.tokens.forget_all();
        self.kept.roles.forget_all();
        self.kept.students.forget_all();
        self.kept.institution.forget_all();
    }

    /// Hashes and checks passwords.
    #[must_use]
    pub const fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    fn db(&self) -> Db {
        self.db.clone()
    }

    /// Who has this address and password.
    ///
    /// # Errors
    /// If they don't match, or the account is closed.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Person, IdentityError> {
        let account = match email.parse::<Email>() {
            Ok(email) => store::account(&mut self.db(), &email).await?,
            Err(_) => None,
        };
        let (person, hash) = account.map_or((None, None), |a| (Some(a.person), a.password_hash));
        let fits = self.passwords.verify(password, hash).await?;
        match person {
            Some(person) if fits && person.disabled_at.is_none() => Ok(person),
            Some(_) if fits => Err(IdentityError::Disabled),
            _ => Err(IdentityError::WrongPassword),
        }
    }

    /// The actor of a session, by the person whom it holds.
    ///
    /// # Errors
    /// If the person is gone or their account closed.
    pub async fn actor(&self, id: PersonId) -> Result<Actor, IdentityError> {
        let load = async { Ok(store::person(&mut self.db(), id).await?.map(Arc::new)) };
        let person = self.kept.people.get(id, load).await?.ok_or(IdentityError::SessionEnded)?;
        if person.disabled_at.is_some() {
            return Err(IdentityError::Disabled);
        }
        Ok(Actor::session(person))
    }

    /// The actor who comes with a bearer token.
    ///
    /// # Errors
    /// If the token is unknown, expired or revoked, or its person's account closed.
    pub async fn actor_by_token(&self, token: &str) -> Result<Actor, IdentityError> {
        let digest = token::digest(token).ok_or(IdentityError::Token)?;
        let load = async { store::holder(&mut self.db(), &token::hex(digest)).await };
        let holder = self.kept.tokens.get(digest, load).await?.ok_or(IdentityError::Token)?;
        if holder.expires_at.is_some_and(|end| end <= self.world.now()) {
            return Err(IdentityError::Token);
        }
        if holder.person.disabled_at.is_some() {
            return Err(IdentityError::Disabled);
        }
        let load = async { Ok(Some(Arc::new(holder.person.clone()))) };
        let person = self.kept.people.get(holder.person.id, load).await?.ok_or(IdentityError::Token)?;
        Ok(Actor::Person { person, came: Came::Token(holder.token_id) })
    }

    /// A person's roles.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn memberships(&self, person: PersonId) -> Result<Arc<Memberships>, IdentityError> {
        let load = async { Ok(Some(Arc::new(store::memberships(&mut self.db(), person).await?))) };
        Ok(self.kept.roles.get(person, load).await?.unwrap_or_default())
    }

    /// Checks an act against the policy.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self, actor: &Actor, act: &Act) -> Result<(), IdentityError> {
        let roles = match actor.person_id() {
            Some(person) => self.memberships(person).await?,
            None => Arc::default(),
        };
        Ok(allowed(actor, act, &roles)?)
    }

    /// The person of this address, for administrators and Quire itself.
    ///
    /// # Errors
    /// If there is none.
    pub async fn find(&self, actor: &Actor, email: &str) -> Result<Person, IdentityError> {
        self.check(actor, &Act::ManagePeople).await?;
        let email: Email = email.parse()?;
        store::person_by_email(&mut self.db(), &email)
            .await?
            .ok_or_else(|| IdentityError::NoSuchPerson(email.to_string()))
    }

    /// The people of a course, by name.
    ///
    /// # Errors
    /// If they may not be seen.
    pub async fn members(&self, actor: &Actor, course: CourseId) -> Result<Vec<Member>, IdentityError> {
        self.check(actor, &Act::SeeCourseWork { course }).await?;
        Ok(store::members(&mut self.db(), course).await?)
    }

    /// The student of this address for whom work is handed in; who is not known yet is named after the address, has no
    /// password, and is to be written down with the work ([`Student::is_new`]).
    ///
    /// # Errors
    /// If the person of this address teaches the course or has a closed account.
    pub async fn student_by_email(
        &self,
        actor: &Actor,
        course: CourseId,
        email: &Email,
    ) -> Result<Student, IdentityError> {
        self.check(actor, &Act::HandInFor { course }).await?;
        let looking = self.kept.looking.get_or_init(|| {
            let (db, world, institution) =
                (self.db.clone(), self.world.clone(), self.kept.institution.clone());
            Together::start(move |wanted: Vec<(CourseId, Email)>| {
                let (db, world, institution) = (db.clone(), world.clone(), institution.clone());
                async move { look_for(&db, &world, &institution, &wanted).await }
            })
        });
        let stopped = || DbError::Sql(sqlx::Error::PoolClosed);
        let ask = async || looking.ask((course, email.clone())).await.ok_or_else(stopped);
        let load = async { Ok(ask().await?.ok()) };
        if let Some(student) = self.kept.students.get((course, email.clone()), load).await? {
            return Ok(student);
        }
        // Refused, as it will be again: here is why.
        ask().await?
    }

    /// Forgets what is kept of a student, after they were written down or found to be there after all.
    pub(crate) async fn forget_student(&self, student: &Student) {
        self.kept.students.forget(&student.key()).await;
        self.kept.roles.forget(&student.person.id).await;
    }

    /// Makes a bearer token. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// If the actor may not, the person is not there, or the name can't be used.
    pub async fn create_token(
        &self,
        actor: &Actor,
        person: PersonId,
        name: &str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<NewToken, IdentityError> {
        self.check(actor, &Act::ManageTokens { person }).await?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(IdentityError::TokenName);
        }
        if store::person(&mut self.db(), person).await?.is_none() {
            return Err(IdentityError::NoSuchPerson(person.to_string()));
        }
        let secret = token::secret(&self.world);
        let row = ApiToken {
            id: self.world.id(),
            person_id: person,
            name: name.to_owned(),
            created_at: self.world.now(),
            expires_at: expires_at.map(crate::store::to_micros),
            revoked_at: None,
        };
        store::insert_token(&mut self.db(), &row, token::digest_hex(&secret)).await?;
        Ok(NewToken { id: row.id, secret })
    }

    /// A person's tokens, newest first.
    ///
    /// # Errors
    /// If the actor may not see them.
    pub async fn tokens(&self, actor: &Actor, person: PersonId) -> Result<Vec<ApiToken>, IdentityError> {
        self.check(actor, &Act::ManageTokens { person }).await?;
        Ok(store::tokens(&mut self.db(), person).await?)
    }

    /// Revokes a token: at once in this process, within seconds in others.
    ///
    /// # Errors
    /// If the actor may not, or there is no such token any more.
    pub async fn revoke_token(
        &self,
        actor: &Actor,
        person: PersonId,
        token: TokenId,
    ) -> Result<(), IdentityError> {
        self.check(actor, &Act::ManageTokens { person }).await?;
        if !store::revoke_token(&mut self.db(), person, token, self.world.now()).await? {
            return Err(Denied::NotFound.into());
        }
        self.kept.tokens.forget_all();
        Ok(())
    }
}
