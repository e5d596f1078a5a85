//! The engine's errors as problems.

use crate::http::problem::{Kind, Problem};
use quire_engine::{
    batching::BatchViewError,
    course::HandInRefused,
    engine::EngineError,
    identity::{Denied, IdentityError},
    recovery::RemedyError,
    store::DbError,
    submission::{HandInError, ListError, ViewError, extract::ExtractError},
};

/// Seconds after which a database that can't be reached is asked again.
const SOON: u32 = 2;

/// A fault of ours: the causes go to the log, the client is told when to come back.
fn ours(error: &dyn std::fmt::Display, passing: bool) -> Problem {
    tracing::error!(%error, "the engine failed");
    if passing {
        let detail =
            "Quire can't reach its database or is being stopped. Nothing was changed; try again in a moment.";
        Problem::new(Kind::Unavailable, detail).retry_after(SOON)
    } else {
        let detail = "Something went wrong on our side. Nothing that was acknowledged is lost. Try again; if it \
                      happens again, tell whoever runs this Quire the id in `instance`.";
        Problem::new(Kind::Internal, detail)
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        let passing = error.is_passing();
        ours(&error, passing)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Db(error) => error.into(),
            EngineError::Busy(_) | EngineError::Stopping => ours(&error, true),
            EngineError::Missing { .. } => Self::new(Kind::NotFound, "There is nothing here for you."),
            EngineError::NoProvider(_)
            | EngineError::NoPrice { .. }
            | EngineError::Prompt(_)
            | EngineError::Rule(_)
            | EngineError::Spool(_) => ours(&error, false),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let kind = match denied {
            Denied::NotFound => Kind::NotFound,
            Denied::Forbidden(_) => Kind::Forbidden,
        };
        Self::new(kind, denied.to_string())
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Token
            | IdentityError::WrongPassword
            | IdentityError::Disabled
            | IdentityError::SessionEnded => Self::new(Kind::Unauthenticated, error.to_string()),
            IdentityError::NoSuchPerson(_) | IdentityError::NotAStudent(_) | IdentityError::Email(_) => {
                Self::field("student", error.to_string())
            }
            IdentityError::TokenName => Self::field("name", error.to_string()),
            IdentityError::Password(_) => Self::field("password", error.to_string()),
            IdentityError::Denied(denied) => denied.into(),
            IdentityError::Db(error) => error.into(),
        }
    }
}

impl From<HandInError> for Problem {
    fn from(error: HandInError) -> Self {
        let told = error.to_string();
        match error {
            HandInError::NoAssignment => Self::about(Kind::NotFound, "assignment", told),
            HandInError::Empty => Self::about(Kind::UnusableWork, "text", told),
            HandInError::BadKey => Self::parameter("Idempotency-Key", told),
            HandInError::KeyReused => Self::about(Kind::KeyReused, "Idempotency-Key", told),
            HandInError::Identity(error) => error.into(),
            HandInError::Refused(HandInRefused::NoDraftLeft { .. }) => Self::new(Kind::NoDraftLeft, told),
            HandInError::Refused(_) => Self::new(Kind::Closed, told),
            HandInError::NoProvider(_) => {
                tracing::error!(error = told, "work could not be taken");
                Self::new(Kind::Unavailable, told).retry_after(60)
            }
            HandInError::Engine(error) => error.into(),
        }
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::NotFound => Self::new(Kind::NotFound, error.to_string()),
            ViewError::Identity(error) => error.into(),
            ViewError::Engine(error) => error.into(),
        }
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::NotFound => Self::new(Kind::NotFound, error.to_string()),
            ListError::Identity(error) => error.into(),
            ListError::Engine(error) => error.into(),
        }
    }
}

impl From<RemedyError> for Problem {
    fn from(error: RemedyError) -> Self {
        let told = error.to_string();
        match error {
            RemedyError::Number => Self::field("ids", told),
            RemedyError::Reason => Self::field("reason", told),
            RemedyError::Way(_) => Self::field("provider", told),
            RemedyError::Wrong(wrongs) => {
                let mut wrongs = wrongs.into_iter();
                let first = wrongs.next().map_or_else(
                    || Self::new(Kind::InvalidField, told),
                    |wrong| Self::field(wrong.field, wrong.message),
                );
                wrongs.fold(first, |problem, wrong| problem.and(wrong.field, wrong.message))
            }
            RemedyError::Identity(error) => error.into(),
            RemedyError::Engine(error) => error.into(),
        }
    }
}

impl From<BatchViewError> for Problem {
    fn from(error: BatchViewError) -> Self {
        match error {
            BatchViewError::NotFound => Self::new(Kind::NotFound, error.to_string()),
            BatchViewError::Identity(error) => error.into(),
            BatchViewError::Engine(error) => error.into(),
        }
    }
}

/// Work that could not be read; `field` is where it came from.
pub(crate) fn unreadable(field: &str, error: &ExtractError) -> Problem {
    let kind = match error {
        ExtractError::TooLarge { .. } => Kind::TooLarge,
        ExtractError::WrongType { .. } | ExtractError::Mismatch { .. } => Kind::UnsupportedType,
        ExtractError::Unavailable => Kind::Unavailable,
        _ => Kind::UnusableWork,
    };
    Problem::about(kind, field, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn each_refusal_has_its_kind() {
        let at = DateTime::UNIX_EPOCH;
        for (error, kind) in [
            (HandInError::NoAssignment, Kind::NotFound),
            (HandInError::Empty, Kind::UnusableWork),
            (HandInError::BadKey, Kind::InvalidParameter),
            (HandInError::KeyReused, Kind::KeyReused),
            (HandInRefused::Closed { closed: at }.into(), Kind::Closed),
            (HandInRefused::NotOpenYet { opens: at }.into(), Kind::Closed),
            (HandInRefused::NoDraftLeft { max: 2 }.into(), Kind::NoDraftLeft),
            (IdentityError::Denied(Denied::Forbidden("no")).into(), Kind::Forbidden),
            (IdentityError::NotAStudent("Ada".to_owned()).into(), Kind::InvalidField),
            (EngineError::Stopping.into(), Kind::Unavailable),
        ] {
            let told = error.to_string();
            assert_eq!(Problem::from(error).kind(), kind, "{told}");
        }
        assert_eq!(Problem::from(ViewError::NotFound).kind(), Kind::NotFound);
        assert_eq!(Problem::from(IdentityError::Token).kind(), Kind::Unauthenticated);
    }

    #[test]
    fn faults_of_ours_tell_nothing_of_the_inside() {
        let error = EngineError::Busy("relation model_jobs does not exist".to_owned());
        assert!(!Problem::from(error).detail().contains("model_jobs"));
        let error = EngineError::NoProvider("secret-name".to_owned());
        assert!(!Problem::from(error).detail().contains("secret-name"));
    }

    #[test]
    fn unreadable_work_names_its_field() {
        let large = unreadable("file", &ExtractError::TooLarge { size: 2, limit: 1 });
        assert_eq!(large.kind(), Kind::TooLarge);
        assert!(large.detail().starts_with("file: "));
        assert_eq!(unreadable("file", &ExtractError::Bomb).kind(), Kind::UnusableWork);
        let picture = ExtractError::WrongType { found: "a picture".to_owned() };
        assert_eq!(unreadable("file", &picture).kind(), Kind::UnsupportedType);
    }
}
