//! What can go wrong with providers as they are set up.

use crate::{provider::SettingsError, store::DbError};

/// Why a provider can't be set up or used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Its name can't be one.
    #[error("the provider's name \"{0}\" must have 1 to 40 small letters, digits, _ or -")]
    Name(String),
    /// Its address can't be one.
    #[error("base_url \"{0}\" is no address; write one such as https://api.openai.com/v1")]
    BaseUrl(String),
    /// A setting can't be so.
    #[error("the setting \"{key}\" {reason}")]
    Setting {
        /// The key.
        key: String,
        /// What is wrong with it, to be read after it.
        reason: String,
    },
    /// A new provider came without a key.
    #[error("the provider has no key yet; give one as key, key_file or key_env")]
    NoKey,
    /// The kind of a provider that has done work was to be changed.
    #[error("the provider speaks {0} already; set up another one under another name")]
    Kind(&'static str),
    /// The key can't be opened with this master key.
    #[error(
        "the provider's key can't be opened: it was sealed with another master key, or changed. Bring the old master \
         key back, or set the provider's key anew with quire setup"
    )]
    Sealed,
    /// The master key can't be one.
    #[error("the master key must be 32 bytes, written as 64 hexadecimal digits or in base64")]
    MasterKey,
    /// The file of the master key can't be read or made.
    #[error("the master key file {path} can't be read or made: {cause}")]
    MasterKeyFile {
        /// The file.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The adapter can't work with the settings.
    #[error(transparent)]
    Connect(#[from] SettingsError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}
