//! Telling people, within the transaction of what they are told.

use super::{New, store};
use crate::{
    engine::{Engine, EngineError},
    jobs::Task,
    store::Exec,
};

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
}
