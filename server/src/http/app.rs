//! What all requests share.

use super::metrics::Figures;
use crate::{
    live::Streams,
    page::Demo,
    session::{
        attempts::Attempts,
        visitor::{CookieNames, Limits},
    },
    settings::Settings,
};
use quire_app::render::Site;
use quire_engine::{engine::Engine, submission::extract::Contained};
use std::{ops::Deref, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What all requests share. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// The shared things.
pub struct Shared {
    /// Everything that Quire does.
    pub engine: Engine,
    /// Settings.
    pub settings: Settings,
    /// The pages.
    pub site: Site,
    /// The names of cookies.
    pub cookies: CookieNames,
    /// How long sessions last.
    pub limits: Limits,
    /// Failed sign-ins.
    pub attempts: Attempts,
    /// Open live streams.
    pub streams: Streams,
    /// Figures for Prometheus.
    pub figures: Figures,
    /// Reads files in child processes.
    pub extractor: Contained,
    /// What only a demo has.
    pub demo: Option<Arc<Demo>>,
    /// This process works on tasks as well.
    pub works: bool,
    /// Cancelled when the process is to stop.
    pub stop: CancellationToken,
}

impl App {
    /// Of these things.
    #[must_use]
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}
