//! Accepting connections, and ending them in order when the program is stopped.

use axum::{Router, body::Body, extract::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// A client that sends nothing of its next request for this long is let go.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// The address at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// How connections are served.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections at once.
    pub connections: usize,
    /// Time that open requests have to end once stopped.
    pub grace: Duration,
}

/// Serves until told to stop, then lets open requests end within the grace time.
///
/// # Errors
/// Only if the listener itself is broken; a failing connection ends alone.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(HEADER_TIMEOUT).max_concurrent_streams(256);
    let places = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { break };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        // Answers are small and wanted at once.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer.ip().to_canonical()));
            router.clone().call(request)
        });
        let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, open.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end within the grace time and were cut off");
    }
    Ok(())
}

/// The next connection. Errors of single connections are passed over; when the system has no more room for open
/// files, it waits for some to close.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                let of_one_connection = matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                );
                if !of_one_connection {
                    tracing::error!(%error, "no connection could be accepted");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(
        router: Router,
        limits: Limits,
    ) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let stop = stop.clone();
            async move { serve(listener, router, limits, stop).await.unwrap() }
        });
        (address, stop, task)
    }

    async fn ask(address: SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        text
    }

    #[tokio::test]
    async fn an_open_request_is_answered_before_the_end() {
        let begun = Arc::new(tokio::sync::Notify::new());
        let go_on = Arc::new(tokio::sync::Notify::new());
        let router = {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            Router::new().route(
                "/slow",
                get(move |axum::Extension(peer): axum::Extension<Peer>| async move {
                    begun.notify_one();
                    go_on.notified().await;
                    peer.0.to_string()
                }),
            )
        };
        let limits = Limits { connections: 4, grace: Duration::from_secs(20) };
        let (address, stop, task) = start(router, limits).await;
        let open = ask(address, "/slow").await;
        begun.notified().await;
        stop.cancel();
        // Nobody new is let in once the listener is closed.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        go_on.notify_one();
        assert!(answer(open).await.ends_with("127.0.0.1"));
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_cut_off() {
        let router = Router::new().route("/never", get(std::future::pending::<&'static str>));
        let limits = Limits { connections: 4, grace: Duration::from_millis(50) };
        let (address, stop, task) = start(router, limits).await;
        let open = ask(address, "/never").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        stop.cancel();
        task.await.unwrap();
        drop(open);
    }

    #[tokio::test]
    async fn connections_over_the_limit_wait() {
        let router = Router::new().route("/", get(|| async { "here" }));
        let limits = Limits { connections: 1, grace: Duration::from_secs(5) };
        let (address, stop, task) = start(router, limits).await;
        let idle = TcpStream::connect(address).await.unwrap();
        let waiting = ask(address, "/").await;
        let early = tokio::time::timeout(Duration::from_millis(100), waiting.readable()).await;
        assert!(early.is_err(), "the second connection waits");
        drop(idle);
        assert!(answer(waiting).await.ends_with("here"));
        stop.cancel();
        task.await.unwrap();
    }
}
