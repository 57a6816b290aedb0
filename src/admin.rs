//! The page of the operator: the counters at `/metrics`, and at `/health` whether messages get through.
//!
//! It has a thread and a runtime of its own, so that it can say that the room is stuck even while the room's thread is.
//! It reads, and changes nothing; whatever its peers do, they share a few connections with short times, and the chat
//! notices nothing. It does not know what is counted, and of the room it knows where to send a [`HealthProbe`].

mod health;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix::Addr;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use log::{debug, error, warn};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::chat::language::Language;
use crate::chat::text;
use crate::metrics::Metrics;
use crate::room::{ChatRoom, HealthProbe};
use crate::web::host::Hosts;
use health::Health;

/// Connections at once; one more ends the oldest, so that those who say nothing keep nobody out.
pub const MAX_CONNECTIONS: usize = 16;

/// Time to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for everything: the request, the answer, and taking it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes in the head of a request. The least that hyper can be told.
const MAX_HEAD: usize = 8 * 1024; // 8 KiB

/// The pause after an accept error.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The media type of the metrics (OpenMetrics 1.0).
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// A page that listens and answers nobody yet.
#[derive(Debug)]
pub struct Admin {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

/// A page that answers, until this is dropped.
#[derive(Debug)]
pub struct Serving {
    _stop: oneshot::Sender<Infallible>,
}

impl Admin {
    /// Listens there.
    ///
    /// # Errors
    /// Those of the system: the port is in use, the address is not this machine's.
    pub fn bind(address: SocketAddr) -> io::Result<Admin> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Admin { address: listener.local_addr()?, listener })
    }

    /// Where it listens: with the real port, where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, in a thread of its own. If that cannot be had, the log says so, and the chat goes on without.
    pub fn start(self, room: Addr<ChatRoom>, metrics: Arc<Metrics>, language: Language) -> Serving {
        let Admin { listener, address } = self;
        if !address.ip().is_loopback() {
            warn!("everybody who reaches {address} can read the counters; they say nothing of names and texts");
        }
        let page = Arc::new(Page { metrics, health: Health::new(room), address, language });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("admin".to_owned());
        if let Err(error) = thread.spawn(move || {
            if let Err(error) = serve(listener, page, stopped) {
                error!("the page at {address} cannot be served: {error}");
            }
        }) {
            error!("cannot start a thread for the page at {address}: {error}");
        }
        Serving { _stop: stop }
    }
}

/// Answers until told to stop.
fn serve(listener: std::net::TcpListener, page: Arc<Page>, stopped: oneshot::Receiver<Infallible>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        tokio::spawn(accept(listener, page));
        // by the end of whoever holds the other end
        let _ = stopped.await;
        Ok(())
    })
}

async fn accept(listener: TcpListener, page: Arc<Page>) {
    let mut open = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|connection: &tokio::task::JoinHandle<()>| !connection.is_finished());
                if open.len() >= MAX_CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                open.push_back(tokio::spawn(converse(stream, Arc::clone(&page))));
            }
            Err(error) => {
                debug!("the operator's page cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One request, one answer, and the end.
async fn converse(stream: TcpStream, page: Arc<Page>) {
    let answer = service_fn(move |request| {
        let page = Arc::clone(&page);
        async move { Ok::<_, Infallible>(page.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    match timeout(REQUEST_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!("a request to the operator's page failed: {error}"),
        Err(_) => debug!("a request to the operator's page took too long"),
    }
}

/// What is shown.
struct Page {
    metrics: Arc<Metrics>,
    health: Health,
    address: SocketAddr,
    language: Language,
}

impl Page {
    /// The body of the request is left unread.
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !self.is_known_as(request) {
            let sentence = text::admin_wrong_host(self.language, self.address.to_string());
            return response(StatusCode::FORBIDDEN, sentence + "\n");
        }
        let path = request.uri().path();
        if path != "/metrics" && path != "/health" {
            return response(StatusCode::NOT_FOUND, text::admin_not_found(self.language) + "\n");
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let refused = response(StatusCode::METHOD_NOT_ALLOWED, String::new());
            return with(refused, header::ALLOW, "GET, HEAD");
        }
        if path == "/metrics" { self.show_metrics() } else { self.show_health().await }
    }

    fn show_metrics(&self) -> Response<Full<Bytes>> {
        match self.metrics.encode() {
            Ok(page) => with(response(StatusCode::OK, page), header::CONTENT_TYPE, OPENMETRICS),
            Err(_) => response(StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        }
    }

    async fn show_health(&self) -> Response<Full<Bytes>> {
        if self.health.is_good().await {
            return response(StatusCode::OK, "ok\n".to_owned());
        }
        let sentence = text::admin_stuck(self.language, health::LIMIT.as_secs());
        response(StatusCode::SERVICE_UNAVAILABLE, sentence + "\n")
    }

    /// Whether the request calls this machine by a name that it can have. Where only this machine can ask, another name is
    /// that of a web page, which has it resolved to here in order to read what is shown (DNS rebinding).
    fn is_known_as(&self, request: &Request<Incoming>) -> bool {
        !self.address.ip().is_loopback() || Hosts::default().are_called_by(request)
    }
}

fn response(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let response = with(response, header::CONTENT_TYPE, PLAIN_TEXT);
    let response = with(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    with(response, header::CACHE_CONTROL, "no-store")
}

fn with(mut response: Response<Full<Bytes>>, name: HeaderName, value: &'static str) -> Response<Full<Bytes>> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
