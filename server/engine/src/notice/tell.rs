//! Telling people, within the transaction of what they are told.

use super::{Kind, New, store};
use crate::{
    engine::{Engine, EngineError},
    identity,
    jobs::{self, Task},
    store::{Exec, Tx},
};
use uuid::Uuid;

impl Engine {
    /// Writes notices within the transaction of what they tell; answers the task that sends those that go by e-mail, to be
    /// pushed with it. Where no mail server is set up, people are told on the platform alone.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn tell(&self, x: &mut impl Exec, new: &[New]) -> Result<Option<Task>, EngineError> {
        let by_email = self.mailer().is_on();
        store::enqueue(x, self.world(), new, by_email).await?;
        Ok((by_email && new.iter().any(|new| new.kind.goes_by_email())).then_some(Task::Deliver))
    }

    /// Tells every administrator of these subjects, within the transaction of what they tell, which sends the e-mails.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn tell_administrators(
        &self,
        tx: &mut Tx,
        kind: Kind,
        subjects: &[Uuid],
    ) -> Result<(), EngineError> {
        if subjects.is_empty() {
            return Ok(());
        }
        let admins = identity::store::admins(tx).await?;
        let to_all = |subject: &Uuid| {
            let subject = *subject;
            admins.iter().map(move |admin| New { person: admin.id, kind, subject })
        };
        let notices: Vec<New> = subjects.iter().flat_map(to_all).collect();
        let task = self.tell(tx, &notices).await?;
        jobs::push(tx, task.as_slice(), None).await?;
        Ok(())
    }
}
