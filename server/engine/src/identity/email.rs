//! E-mail addresses, by which people are known.

use crate::store::text_column;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An address of checked syntax, in lower case: two spellings of one address are one person.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// The text is not an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an e-mail address; write it like ada@example.edu")]
pub struct EmailError(String);

/// Longest address that SMTP can carry (RFC 5321, 4.5.3.1.3, without its brackets).
const LONGEST: usize = 254;

impl Email {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(self.0.as_str(), |(local, _)| local)
    }
}

impl FromStr for Email {
    type Err = EmailError;
    fn from_str(text: &str) -> Result<Self, EmailError> {
        let address = text.trim().to_lowercase();
        let known = address.len() <= LONGEST && address.parse::<lettre::Address>().is_ok();
        if known {
            Ok(Self(address))
        } else {
            // Shown to people: a text of any length or kind may have been typed.
            Err(EmailError(text.trim().chars().filter(|c| !c.is_control()).take(80).collect()))
        }
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    /// Addresses don't belong in logs: the first letter and the domain tell enough.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        write!(f, "Email({}…@{domain})", self.0.chars().next().unwrap_or_default())
    }
}

text_column!(Email);

/// A name for someone of whom only the address is known: `ada.lind` becomes `Ada Lind`.
#[must_use]
pub fn name_from_email(email: &Email) -> String {
    let local = email.local_part();
    // A tag after + is not part of the name.
    let local = local.split('+').next().filter(|s| !s.is_empty()).unwrap_or(local);
    let words: Vec<String> = local
        .split(['.', '_', '-'])
        // "berg2" is a Berg among others; a number that stands alone tells "row 17" from "row 18".
        .map(|word| match word.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "" => word,
            name => name,
        })
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect();
    if words.is_empty() { local.to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_person_has_one_address() {
        assert_eq!(" Ada.Lind@Example.EDU ".parse::<Email>().unwrap().as_str(), "ada.lind@example.edu");
        for bad in ["", "ada", "@example.edu", "ada@", "a b@example.edu", "ada@exam\nple.edu", "a@b@c"] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
        assert!(format!("{}@example.edu", "a".repeat(300)).parse::<Email>().is_err());
        assert!(serde_json::from_str::<Email>("\"nobody\"").is_err());
        let shown = format!("{:?}", "ada@example.edu".parse::<Email>().unwrap());
        assert!(!shown.contains("ada@"), "{shown}");
    }

    #[test]
    fn names_come_from_addresses() {
        for (address, name) in [
            ("ada.lind@example.edu", "Ada Lind"),
            ("n_berg2@example.edu", "N Berg"),
            ("öst-man+writing@example.edu", "Öst Man"),
            ("1234@example.edu", "1234"),
            ("row-17@example.edu", "Row 17"),
        ] {
            assert_eq!(name_from_email(&address.parse().unwrap()), name);
        }
    }
}
