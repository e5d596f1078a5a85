//! `quire serve`.

use super::{General, print};
use crate::{
    boot,
    http::{self, app, assets, listen, metrics::Figures},
    live::Streams,
    page::{Demo, HandInLimits, Pages},
    session::{
        attempts::Attempts,
        visitor::{CookieNames, Limits},
    },
    settings::Settings,
    shutdown,
};
use anyhow::Context;
use clap::Args;
use quire_app::render::{Assets, Site};
use quire_engine::{engine::Engine, identity::Sessions, submission::extract::Contained};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How often sessions that have expired are removed.
const SWEEP: Duration = Duration::from_secs(15 * 60);

/// Serves pages and the REST interface, and works on the queue.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address under which people reach this Quire, such as https://quire.example.edu
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Serve only, and leave the queue to `quire worker`
    #[arg(long)]
    web_only: bool,
}

impl Serve {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let settings =
            general.begin(&[("listen", self.listen.clone()), ("public_url", self.public_url.clone())])?;
        let stop = shutdown::on_signal()?;
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("nothing can listen on {}", settings.listen))?;
        let engine = boot::engine(&settings).await?;
        let address = settings.public_address();
        let server = Server::start(engine, settings, listener, !self.web_only, None, stop)?;
        print(&format!("Quire is at {address}\n"))?;
        server.wait().await
    }
}

/// A server at work, with or without workers.
pub(super) struct Server {
    engine: Engine,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<anyhow::Result<()>>,
    working: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
}

impl Server {
    /// Begins to serve, and to work if it is to.
    pub(super) fn start(
        engine: Engine,
        settings: Settings,
        listener: TcpListener,
        works: bool,
        demo: Option<Arc<Demo>>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        engine.start();
        let figures = Figures::start()?;
        tokio::spawn(figures.clone().keep_small());
        tokio::spawn(sweep(Sessions::new(engine.db(), engine.world().clone()), stop.clone()));
        let limits = listen::Limits {
            connections: settings.http.max_connections,
            grace: settings.http.shutdown_grace.0,
        };
        let program = std::env::current_exe().context("this program can't find itself")?;
        let app = app::App::new(app::Shared {
            site: site(&engine, &settings, demo.clone()),
            cookies: CookieNames::new(settings.is_https()),
            limits: Limits::from(settings.sessions),
            attempts: Attempts::new(settings.sessions.attempts),
            streams: Streams::new(settings.http.streams_per_person),
            figures,
            extractor: Contained::new(program, settings.extraction),
            demo,
            works,
            stop: stop.clone(),
            engine: engine.clone(),
            settings,
        });
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move { Ok(listen::serve(listener, http::router(&app), limits, stop).await?) }
        });
        let working = works.then(|| {
            let (engine, stop) = (engine.clone(), stop.clone());
            tokio::spawn(async move { boot::work(&engine, stop).await })
        });
        Ok(Self { engine, stop, serving, working })
    }

    /// Waits until it is told to stop and has ended in order, or something ends by itself.
    pub(super) async fn wait(mut self) -> anyhow::Result<()> {
        let working = async {
            match &mut self.working {
                Some(working) => working.await,
                None => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            ended = &mut self.serving => ended,
            ended = working => ended,
        };
        // Whichever ended first, the other ends with it.
        self.stop.cancel();
        let mut outcome = first?;
        if !self.serving.is_finished() {
            outcome = outcome.and(self.serving.await?);
        }
        if let Some(working) = self.working.filter(|working| !working.is_finished()) {
            outcome = outcome.and(working.await?);
        }
        self.engine.db().close().await;
        outcome
    }
}

fn site(engine: &Engine, settings: &Settings, demo: Option<Arc<Demo>>) -> Site {
    let built = match assets::manifest() {
        Some(manifest) => Assets::from_manifest(&manifest).unwrap_or_else(|error| {
            tracing::warn!(%error, "the list of styles and scripts can't be read; {}", assets::HOW_TO_BUILD);
            Assets::default()
        }),
        None => {
            tracing::warn!(
                "this program was built without styles and scripts: pages are plain; {}",
                assets::HOW_TO_BUILD
            );
            Assets::default()
        }
    };
    let limits = HandInLimits {
        characters: u32::try_from(settings.uploads.characters).unwrap_or(u32::MAX),
        bytes: settings.uploads.bytes,
    };
    Site::new(built, Arc::new(Pages::new(engine.clone(), limits, demo)))
}

async fn sweep(sessions: Sessions, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        match sessions.sweep().await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "expired sessions were removed"),
            Err(error) => tracing::warn!(%error, "expired sessions can't be removed"),
        }
    }
}
