//! `quire openapi`.

use super::print;
use clap::Args;

/// Prints the description of the REST interface (OpenAPI 3.1).
#[derive(Args, Debug)]
pub(super) struct OpenApi {}

impl OpenApi {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        print(&format!("{}\n", crate::api::openapi()))
    }
}
