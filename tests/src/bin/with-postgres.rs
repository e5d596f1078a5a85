//! Runs a command with a PostgreSQL of its own, whose address is in `QUIRE_TEST_POSTGRES`: `with-postgres COMMAND…`.
//! The server ends with the command, and also when this program is killed.

use anyhow::{Context, bail};
use quire_engine::store::testing::{ADDRESS, Cluster};
use std::process::{Command, ExitCode};

fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else { bail!("say which command to run: with-postgres COMMAND…") };
    let mut command = Command::new(&program);
    command.args(words);
    let cluster = match std::env::var_os(ADDRESS) {
        Some(_) => None,
        None => Some(Cluster::start().map_err(anyhow::Error::msg)?),
    };
    if let Some(cluster) = &cluster {
        command.env(ADDRESS, cluster.address());
    }
    let status = command.status().with_context(|| format!("{} can't be run", program.to_string_lossy()))?;
    Ok(match status.code().map(u8::try_from) {
        Some(Ok(code)) => ExitCode::from(code),
        _ => ExitCode::FAILURE,
    })
}
