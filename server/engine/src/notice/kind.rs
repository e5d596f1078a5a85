//! Kinds of notices and the channels on which each is sent.

use serde::{Deserialize, Serialize};

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// To the student: the work is in.
    Received,
    /// To the student: the work moved back in the line. One for each submission, brought up to date in place.
    Delayed,
    /// To the student: marking has begun.
    Processing,
    /// To the student: the marks are released.
    Ready,
    /// To the student: the work was closed without marks.
    Closed,
    /// To administrators and the course's instructors: a submission ran out of automatic remedies.
    NeedsAttention,
    /// To administrators: a summary of all that ran out of automatic remedies, at most once an hour.
    DeadLetters,
    /// To administrators: a provider has failed for some minutes. One for each outage, brought up to date when it ends.
    ProviderOutage,
    /// To administrators: a threshold of a budget was passed. One for each threshold.
    BudgetThreshold,
    /// To administrators: cost control took a measure by itself, or gave one up.
    CostControl,
    /// To administrators: the address for bills did not take one, and it is not posted any more.
    BillGivenUp,
}

/// A way to reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Channel {
    /// The list of notices in Quire.
    Platform,
    /// E-mail.
    Email,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Received,
        Self::Delayed,
        Self::Processing,
        Self::Ready,
        Self::Closed,
        Self::NeedsAttention,
        Self::DeadLetters,
        Self::ProviderOutage,
        Self::BudgetThreshold,
        Self::CostControl,
        Self::BillGivenUp,
    ];

    /// Its name in the database, and of the folder of its e-mail.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Delayed => "delayed",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Closed => "closed",
            Self::NeedsAttention => "needs_attention",
            Self::DeadLetters => "dead_letters",
            Self::ProviderOutage => "provider_outage",
            Self::BudgetThreshold => "budget_threshold",
            Self::CostControl => "cost_control",
            Self::BillGivenUp => "bill_given_up",
        }
    }

    /// The channels on which it is sent (SPEC 9.1).
    #[must_use]
    pub const fn channels(self) -> &'static [Channel] {
        match self {
            Self::Received
            | Self::Ready
            | Self::Closed
            | Self::ProviderOutage
            | Self::BudgetThreshold
            | Self::CostControl
            | Self::BillGivenUp => &[Channel::Platform, Channel::Email],
            // The page itself is live: it shows this as it happens.
            Self::Processing | Self::DeadLetters => &[Channel::Email],
            // Many may die at once: the e-mail is a summary.
            Self::Delayed | Self::NeedsAttention => &[Channel::Platform],
        }
    }

    /// It is sent by e-mail.
    #[must_use]
    pub fn goes_by_email(self) -> bool {
        self.channels().contains(&Channel::Email)
    }

    /// Another one about the same brings the first up to date and makes it unread again, rather than being passed over.
    #[must_use]
    pub const fn is_in_place(self) -> bool {
        matches!(self, Self::Delayed | Self::NeedsAttention | Self::ProviderOutage | Self::BillGivenUp)
    }

    /// It is for staff, not for the student.
    #[must_use]
    pub const fn for_staff(self) -> bool {
        match self {
            Self::Received | Self::Delayed | Self::Processing | Self::Ready | Self::Closed => false,
            Self::NeedsAttention
            | Self::DeadLetters
            | Self::ProviderOutage
            | Self::BudgetThreshold
            | Self::CostControl
            | Self::BillGivenUp => true,
        }
    }
}
