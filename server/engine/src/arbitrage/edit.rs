//! What administrators do with groups of equal models.

use super::{
    EqualGroup, NewGroup, WrongGroup,
    group::{self, EqualModel},
    store,
};
use crate::{
    engine::{Engine, EngineError},
    identity::{Act, Actor, IdentityError},
    store::DbError,
};

/// Something can't be done with a group of equal models.
#[derive(Debug, thiserror::Error)]
pub enum EqualError {
    /// It is not as a group must be.
    #[error(transparent)]
    Wrong(#[from] WrongGroup),
    /// The model can't be asked here.
    #[error("{model} of {provider} is no model that could be used here: {why}")]
    Model {
        /// Provider's name.
        provider: String,
        /// The model.
        model: String,
        /// Why not.
        why: String,
    },
    /// It is in another group, and what is equal to both would be one group.
    #[error(
        "{model} of {provider} is in the group \"{group}\" already; take it out there, or make one group of both"
    )]
    Elsewhere {
        /// Provider's name.
        provider: String,
        /// The model.
        model: String,
        /// The other group.
        group: String,
    },
    /// There is no such group.
    #[error("There is no such group of equal models; someone else may have removed it.")]
    NotFound,
    /// The person may not.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DbError> for EqualError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// The groups of models that are held equal, by name.
    ///
    /// # Errors
    /// If the person may not see them, or the database fails.
    pub async fn equal_models(&self, actor: &Actor) -> Result<Vec<EqualGroup>, EqualError> {
        self.identity().check(actor, &Act::SeeBilling).await?;
        Ok(store::groups(&mut self.db()).await?)
    }

    /// States which models are held equal, in place of what the group of this name said before.
    ///
    /// # Errors
    /// If the person may not, a model can't be used here or is in another group, or the words are missing.
    pub async fn put_equal_models(
        &self,
        actor: &Actor,
        name: &str,
        group: &NewGroup,
    ) -> Result<EqualGroup, EqualError> {
        self.identity().check(actor, &Act::ManageBilling).await?;
        let (name, group) = (group::name(name)?, group.checked()?);
        for EqualModel { provider, model } in &group.models {
            self.is_priced(provider, model).map_err(|error| EqualError::Model {
                provider: provider.clone(),
                model: model.clone(),
                why: error.to_string(),
            })?;
        }
        let mut tx = self.db().begin().await?;
        for other in store::groups(&mut tx).await?.into_iter().filter(|other| other.name != name) {
            if let Some(model) = other.models.into_iter().find(|model| group.models.contains(model)) {
                let EqualModel { provider, model } = model;
                return Err(EqualError::Elsewhere { provider, model, group: other.name });
            }
        }
        store::put(&mut tx, &name, &group, actor.person_id(), self.now()).await?;
        let found = store::groups(&mut tx).await?.into_iter().find(|found| found.name == name);
        tx.commit().await?;
        tracing::info!(group = name, models = group.models.len(), by = ?actor.person_id(), "models were stated equal");
        found.ok_or(EqualError::NotFound)
    }

    /// Takes back that models are held equal.
    ///
    /// # Errors
    /// If the person may not, there is no such group, or the database fails.
    pub async fn remove_equal_models(&self, actor: &Actor, name: &str) -> Result<(), EqualError> {
        self.identity().check(actor, &Act::ManageBilling).await?;
        if !store::remove(&mut self.db(), name.trim()).await? {
            return Err(EqualError::NotFound);
        }
        tracing::info!(group = name, by = ?actor.person_id(), "models are no longer stated equal");
        Ok(())
    }
}
