//! A local stand-in for the interfaces of OpenAI, Anthropic and Gemini, for trying, demonstrating and testing Quire without
//! money and without a network.
//!
//! It answers under `/openai/v1`, `/anthropic/v1` and `/gemini/v1beta` as the providers do, well enough that OpenAI's and
//! Anthropic's public client libraries work against it unchanged, and under `/compatible/v1` as a server that speaks
//! OpenAI's interface without batches. Its marks come from simple features of the text and always say that they are
//! simulated. Under `/simulator` it can be told how fast to be and what to do wrong, and shows its ledger: every
//! request that was answered and so, at a real provider, would have been paid for.
//!
//! ```no_run
//! # async fn example() -> Result<(), quire_simulator::Error> {
//! let simulator = quire_simulator::start(quire_simulator::Config::instant()).await?;
//! println!("OpenAI's interface is at {}", simulator.openai_url());
//! simulator.shutdown().await
//! # }
//! ```

mod answer;
mod anthropic;
mod batch;
mod cache;
mod clock;
mod complete;
mod config;
mod control;
mod dice;
mod error;
mod faults;
mod folder;
mod gemini;
mod http;
mod ledger;
mod models;
mod openai;
mod prompt;
mod realtime;
mod results;
mod settings;
mod simulator;
mod store;
mod struck;
mod tokens;

pub use clock::Clock;
pub use config::Config;
pub use error::Error;
pub use faults::{CALLS, Chances, Fault, Scope, Scripted};
pub use ledger::{LedgerLine, LedgerSummary};
pub use models::{MODELS, Model, Provider, Rates, Tier, Usage};
pub use settings::Settings;
pub use struck::StruckFault;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware};
use chrono::Utc;
use tokio::{net::TcpListener, task::JoinHandle};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    http::{CuttableListener, Scissors},
    simulator::Core,
};

/// A running simulator. Dropping it stops it at once, as a crash would.
#[derive(Debug)]
pub struct Running {
    /// The address that it listens on.
    pub addr: SocketAddr,
    core: Arc<Core>,
    server: Option<JoinHandle<std::io::Result<()>>>,
}

/// How long calls at work may take to end when the simulator is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Starts a simulator and goes on with the batches that it finds in its folder.
///
/// # Errors
/// If a setting is out of range, the address can't be listened on, or the folder can't be used.
pub async fn start(config: Config) -> Result<Running, Error> {
    let clock = if config.manual_clock { Clock::manual(Utc::now()) } else { Clock::system() };
    start_with_clock(config, clock).await
}

/// As [`start`], with the time that batches and the prompt cache live by.
///
/// # Errors
/// As [`start`].
pub async fn start_with_clock(config: Config, clock: Clock) -> Result<Running, Error> {
    let addr = config.listen;
    // The folder comes first: whoever waits for a predecessor to stop waits there.
    let core = Arc::new(Core::open(config, clock).await?);
    let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
    let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
    let resumed = batch::resume(&core).await?;
    tracing::info!(%addr, resumed_batches = resumed, "simulator started");
    let service = routes(core.clone()).into_make_service_with_connect_info::<Scissors>();
    let stop = core.stop.clone();
    let server = tokio::spawn(async move {
        axum::serve(CuttableListener(listener), service)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await
    });
    Ok(Running { addr, core, server: Some(server) })
}

impl Running {
    /// Base address of OpenAI's interface, as its client libraries want it.
    pub fn openai_url(&self) -> String {
        format!("http://{}/openai/v1", self.addr)
    }

    /// Base address of Anthropic's interface, as its client libraries want it.
    pub fn anthropic_url(&self) -> String {
        format!("http://{}/anthropic", self.addr)
    }

    /// Base address of Gemini's interface.
    pub fn gemini_url(&self) -> String {
        format!("http://{}/gemini/v1beta", self.addr)
    }

    /// Base address of a server that speaks OpenAI's interface without batches.
    pub fn compatible_url(&self) -> String {
        format!("http://{}/compatible/v1", self.addr)
    }

    /// Base address of the simulator's own interface.
    pub fn control_url(&self) -> String {
        format!("http://{}/simulator", self.addr)
    }

    /// All routes, for calls within the process. Dropped connections then are bodies that fail.
    pub fn router(&self) -> Router {
        routes(self.core.clone())
    }

    /// Waits until the simulator stops by itself, which it only does when its listener fails.
    ///
    /// # Errors
    /// If the server ended abnormally.
    pub async fn wait(&mut self) -> Result<(), Error> {
        if let Some(server) = self.server.take() {
            server.await?.map_err(|source| Error::Listen { addr: self.addr, source })?;
        }
        Ok(())
    }

    /// Stops: accepts no more calls, lets those at work end if they end soon, keeps everything for the next start.
    ///
    /// # Errors
    /// If the server ended abnormally.
    pub async fn shutdown(mut self) -> Result<(), Error> {
        self.core.stop.cancel();
        self.core.tasks.close();
        if tokio::time::timeout(GRACE, self.wait()).await.is_err() {
            tracing::info!("open calls are cut off");
        }
        let _ = tokio::time::timeout(GRACE, self.core.tasks.wait()).await;
        self.core.store.close().await;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stop.cancel();
        self.core.tasks.close();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

fn routes(core: Arc<Core>) -> Router {
    let around = |provider| middleware::from_fn_with_state((core.clone(), provider), http::around);
    Router::new()
        .nest("/openai/v1", openai::router().layer(around(Provider::OpenAi)))
        .nest("/anthropic/v1", anthropic::router().layer(around(Provider::Anthropic)))
        .nest("/compatible/v1", openai::without_batches().layer(around(Provider::OpenAi)))
        .nest("/gemini/v1beta", gemini::router().layer(around(Provider::Gemini)))
        .nest("/gemini/upload/v1beta", gemini::uploads().layer(around(Provider::Gemini)))
        .nest("/simulator", control::router())
        .with_state(core.clone())
        .layer(CatchPanicLayer::new())
}
