//! How a simulator is started.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::Settings;

/// How a simulator is started: by flags, from a file, or in code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value_t = default_listen())]
    pub listen: SocketAddr,
    /// Folder for files, batches and the ledger; without one they are gone when the simulator stops
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Key to accept; may be given several times; any key is accepted unless one is given
    #[arg(long = "api-key", value_name = "KEY")]
    pub api_keys: Vec<String>,
    /// Seed of all chance: turnaround, order of results, faults
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Use a clock that only moves when told so by POST /simulator/control
    #[arg(long)]
    pub manual_clock: bool,
    /// Speed, limits, and faults.
    #[command(flatten)]
    pub settings: Settings,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8787))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: default_listen(),
            data: None,
            api_keys: Vec::new(),
            seed: 1,
            manual_clock: false,
            settings: Settings::default(),
        }
    }
}

impl Config {
    /// A simulator on a free local port that keeps nothing, ends batches at once and answers calls without delay.
    pub fn instant() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            settings: Settings::instant(),
            ..Self::default()
        }
    }
}
