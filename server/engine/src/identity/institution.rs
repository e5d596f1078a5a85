//! The institution itself: its name, and the zone in which its months begin.

use super::store;
use crate::store::{DbError, Exec, text_column};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A time zone by its IANA name, such as `Europe/Stockholm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(pub Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl FromStr for Zone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.trim().parse().map(Self).map_err(|_| {
            format!("\"{text}\" is not a time zone; write an IANA name such as Europe/Stockholm or UTC")
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.name().to_owned()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

text_column!(Zone);

/// The university or school that Quire serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    /// Its name, as pages and e-mails show it.
    pub name: String,
    /// The zone in which its days and months begin, and the one of people who chose none.
    #[serde(default)]
    pub time_zone: Zone,
}

impl Default for Institution {
    fn default() -> Self {
        Self { name: "Quire".to_owned(), time_zone: Zone::default() }
    }
}

const NAME: &str = "institution.name";
const TIME_ZONE: &str = "institution.time_zone";

impl Institution {
    /// As it was set up; a nameless one in UTC before.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(x: &mut impl Exec) -> Result<Self, DbError> {
        let name = store::setting(x, NAME).await?;
        let zone = store::setting(x, TIME_ZONE).await?;
        Ok(Self {
            name: name.unwrap_or_else(|| Self::default().name),
            time_zone: zone.and_then(|z| z.parse().ok()).unwrap_or_default(),
        })
    }

    /// Keeps it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn save(&self, x: &mut impl Exec) -> Result<(), DbError> {
        store::put_setting(x, NAME, &self.name).await?;
        store::put_setting(x, TIME_ZONE, &self.time_zone.to_string()).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::testing::each_db;

    #[tokio::test]
    async fn the_institution_is_kept() {
        each_db(async |mut db| {
            assert_eq!(Institution::load(&mut db).await.unwrap(), Institution::default());
            let ours = Institution { name: "Norrby".into(), time_zone: "Europe/Stockholm".parse().unwrap() };
            ours.save(&mut db).await.unwrap();
            ours.save(&mut db).await.unwrap();
            assert_eq!(Institution::load(&mut db).await.unwrap(), ours);
        })
        .await;
        assert!("Europe/Atlantis".parse::<Zone>().unwrap_err().contains("IANA"));
    }
}
