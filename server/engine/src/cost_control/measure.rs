//! What can be done to spend less, and what was done.

use crate::{routing::Route, store::NanoUsd};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Something that saves money at some cost in time or choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Measure {
    /// Batches are put together for the provider's cache, and marks for it are tried anew.
    Caching,
    /// Batches gather for longer.
    LargerBatches,
    /// Work that is not urgent goes in a batch of the economy lane, whatever the rules say.
    Delay,
    /// Work that is not urgent goes to the cheapest model that is allowed for it.
    Economy,
}

impl Measure {
    /// All of them, in the order in which they are taken: the gentlest first.
    pub const ALL: [Self; 4] = [Self::Caching, Self::LargerBatches, Self::Delay, Self::Economy];

    /// The name in the API and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caching => "caching",
            Self::LargerBatches => "larger_batches",
            Self::Delay => "delay",
            Self::Economy => "economy",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Caching => "More caching",
            Self::LargerBatches => "Larger batches",
            Self::Delay => "Delay what is not urgent",
            Self::Economy => "Economy models",
        }
    }

    /// What it does, and what it costs in time or choice.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Caching => {
                "Batches are put together by cost alone, so that works with the same prompt stand together, and marks for the providers’ caches that did not pay are tried anew. Some works wait for the next batch."
            }
            Self::LargerBatches => {
                "Batches gather until they are four times as large, and are cut by the economy schedule. Urgent work goes at once, as always."
            }
            Self::Delay => {
                "Work that is not urgent and is not due within a day goes in a batch of the economy lane, whatever the rules say."
            }
            Self::Economy => {
                "Work that is not urgent and is not due within a day goes to the cheapest model, those included that are set as their provider’s economy model. Works of high complexity (more than 2,000 words and more than 4 criteria, or more than 500 words and more than 8 criteria) stay with the usual models."
            }
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The text names no measure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no measure of cost control. There are caching, larger_batches, delay and economy.")]
pub struct NoMeasure(pub String);

impl FromStr for Measure {
    type Err = NoMeasure;

    fn from_str(text: &str) -> Result<Self, NoMeasure> {
        let found = Self::ALL.into_iter().find(|measure| measure.name() == text);
        found.ok_or_else(|| NoMeasure(text.chars().take(40).collect()))
    }
}

/// A set of measures. In the database a number: 1 caching, 2 larger batches, 4 delay, 8 economy, added up.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Measure>", into = "Vec<Measure>")]
pub struct Measures(u8);

impl Measures {
    /// The measure is among them.
    #[must_use]
    pub const fn has(self, measure: Measure) -> bool {
        self.0 & measure.bit() != 0
    }

    /// There is none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// One more.
    #[must_use]
    pub const fn with(self, measure: Measure) -> Self {
        Self(self.0 | measure.bit())
    }

    /// Those that change how a batch is put together and sent.
    #[must_use]
    pub const fn of_batches(self) -> Self {
        Self(self.0 & (Measure::Caching.bit() | Measure::LargerBatches.bit()))
    }

    /// Those that change where a work goes.
    #[must_use]
    pub const fn of_routing(self) -> Self {
        Self(self.0 & (Measure::Delay.bit() | Measure::Economy.bit()))
    }

    /// Each of them, in the order in which they are taken.
    pub fn each(self) -> impl Iterator<Item = Measure> {
        Measure::ALL.into_iter().filter(move |measure| self.has(*measure))
    }

    /// The number in the database.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0 as i64
    }

    /// What a number in the database stands for; bits of measures that are not known are left out.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Measure::ALL.into_iter().filter(|measure| number & i64::from(measure.bit()) != 0).collect()
    }
}

impl fmt::Debug for Measures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.each()).finish()
    }
}

impl FromIterator<Measure> for Measures {
    fn from_iter<I: IntoIterator<Item = Measure>>(measures: I) -> Self {
        measures.into_iter().fold(Self::default(), Self::with)
    }
}

impl From<i64> for Measures {
    fn from(number: i64) -> Self {
        Self::from_number(number)
    }
}

impl From<Vec<Measure>> for Measures {
    fn from(measures: Vec<Measure>) -> Self {
        measures.into_iter().collect()
    }
}

impl From<Measures> for Vec<Measure> {
    fn from(measures: Measures) -> Self {
        measures.each().collect()
    }
}

/// Who decides about a measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Mode {
    /// The month's projection does.
    #[default]
    Automatic,
    /// It stays on.
    On,
    /// It stays off.
    Off,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Automatic, Self::On, Self::Off];

    /// The name in the API and in forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// The text names no way of deciding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no way of deciding about a measure. There are automatic, on and off.")]
pub struct NoMode(pub String);

impl FromStr for Mode {
    type Err = NoMode;

    fn from_str(text: &str) -> Result<Self, NoMode> {
        let found = Self::ALL.into_iter().find(|mode| mode.name() == text);
        found.ok_or_else(|| NoMode(text.chars().take(40).collect()))
    }
}

/// How a measure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct State {
    /// The measure.
    pub measure: Measure,
    /// Who decides about it.
    pub mode: Mode,
    /// Since when it is on; none: it is off.
    pub on_since: Option<DateTime<Utc>>,
    /// When it was last taken or given up.
    pub changed_at: Option<DateTime<Utc>>,
}

/// How a measure changed the way of a work: where it would have gone without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The measure.
    pub measure: Measure,
    /// The route without it.
    pub route: Route,
    /// The provider without it.
    pub provider: String,
    /// The model without it.
    pub model: String,
    /// What was expected to be paid there.
    pub cost: NanoUsd,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sets_are_read_back_as_they_were_written() {
        for number in 0..16 {
            let set = Measures::from_number(number);
            assert_eq!(set.number(), number);
            let text = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<Measures>(&text).unwrap(), set);
            assert_eq!(
                set.each().collect::<Vec<_>>(),
                [set.of_batches(), set.of_routing()].into_iter().flat_map(Measures::each).collect::<Vec<_>>()
            );
        }
        assert_eq!(Measures::from_number(1 << 20), Measures::default());
        let two = Measures::default().with(Measure::Economy).with(Measure::Caching);
        assert_eq!(serde_json::to_string(&two).unwrap(), r#"["caching","economy"]"#);
    }

    #[test]
    fn names_are_read_back() {
        for measure in Measure::ALL {
            assert_eq!(measure.name().parse(), Ok(measure));
            assert_eq!(serde_json::to_value(measure).unwrap(), measure.name());
        }
        assert!("bigger".parse::<Measure>().unwrap_err().to_string().contains("larger_batches"));
        for mode in Mode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.name());
            assert_eq!(mode.name().parse(), Ok(mode));
        }
        assert!("maybe".parse::<Mode>().unwrap_err().to_string().contains("automatic"));
    }
}
