//! The page: HTTP on the chat's port, and the WebSocket that its script opens.
//!
//! A connection that begins with HTTP stays HTTP. It can fetch the page, which is part of the program, and become a
//! WebSocket, and nothing else: no body of a request is ever looked at. This knows HTTP (by `hyper`) and files, and
//! nothing of the chat; what becomes a WebSocket is handed back.

pub mod host;
mod script;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use log::debug;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::select;
use tokio::time::timeout;
use tungstenite::handshake::server::create_response_with_body;

use crate::chat::language::Language;
use crate::chat::text;
use crate::dialect::json::PROTOCOL;
use crate::transport::rewind::Rewind;
use host::Hosts;

/// Time to send the head of a request, and between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for all requests of one connection: a browser opens another one.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes in the head of a request; with more the answer is 431.
const MAX_HEAD: usize = 8 * 1024; // 8 KiB

/// Where the WebSocket is.
const SOCKET: &str = "/ws";

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// A file of the page.
struct File {
    path: &'static str,
    media_type: &'static str,
    content: &'static [u8],
}

/// Where all scripts of the page are, as one.
const SCRIPT: &str = "/app.js";

/// The page, as it was when this was built, but for its scripts.
const FILES: &[File] = &[
    File { path: "/", media_type: "text/html; charset=utf-8", content: include_bytes!("web/page/index.html") },
    File { path: "/style.css", media_type: "text/css; charset=utf-8", content: include_bytes!("web/page/style.css") },
    File { path: "/icon.svg", media_type: "image/svg+xml", content: include_bytes!("web/page/icon.svg") },
];

/// What every answer says, so that a browser trusts it with no more than it needs. Scripts and styles come from here only,
/// and nobody shows the page within another one.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // it is small and near, and a new version of the server brings a new page
    (header::CACHE_CONTROL, "no-cache"),
];

/// What is served.
#[derive(Debug)]
pub struct Site {
    hosts: Hosts,
    script: Bytes,
}

impl Site {
    /// The page, for a machine that has these names.
    pub fn new(hosts: Hosts) -> Site {
        Site { hosts, script: script::bundle().into() }
    }

    /// Answers requests until the connection ends (`None`) or is a WebSocket, which is handed back. When `hurried` is over, the
    /// answer that has begun is the last one.
    pub async fn serve<S>(self: &Arc<Site>, stream: Rewind<S>, hurried: impl Future<Output = ()>) -> Option<Rewind<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.converse(stream, hurried, Site::answer).await
    }

    /// Tells whoever asks without encryption where to ask with it. Nothing else is served.
    pub async fn redirect<S>(self: &Arc<Site>, stream: Rewind<S>, hurried: impl Future<Output = ()>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.converse(stream, hurried, |site, request| (site.answer_without_tls(request), None)).await;
    }

    async fn converse<S>(
        self: &Arc<Site>,
        stream: Rewind<S>,
        hurried: impl Future<Output = ()>,
        answer: Answer,
    ) -> Option<Rewind<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let upgrade = Arc::new(Mutex::new(None));
        let service = service_fn(|mut request: Request<Incoming>| {
            let (mut response, becomes_socket) = answer(self, &mut request);
            if let Some(becomes_socket) = becomes_socket {
                *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(becomes_socket);
            } else if !response.status().is_success() || !request.body().is_end_stream() {
                // whatever follows would have to be read
                response = with(response, header::CONNECTION, "close");
            }
            async { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let until_its_end = async {
            select! {
                end = connection.as_mut() => return end,
                () = hurried => connection.as_mut().graceful_shutdown(),
            }
            connection.await
        };
        match timeout(TIMEOUT, until_its_end).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!("an HTTP connection failed: {error}"),
            Err(_) => debug!("an HTTP connection took too long"),
        }
        let upgrade = upgrade.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let parts = upgrade.await.ok()?.downcast::<TokioIo<Rewind<S>>>().ok()?;
        let mut stream = parts.io.into_inner();
        stream.put_back(parts.read_buf);
        Some(stream)
    }

    fn answer(&self, request: &mut Request<Incoming>) -> (Response<Full<Bytes>>, Option<OnUpgrade>) {
        if !self.hosts.are_called_by(request) {
            return (refusal(StatusCode::MISDIRECTED_REQUEST, text::web_wrong_host), None);
        }
        if request.uri().path() == SOCKET {
            return self.open_socket(request);
        }
        (self.file(request), None)
    }

    fn file<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let file = FILES.iter().find(|file| file.path == path);
        let (media_type, content) = match file {
            Some(file) => (file.media_type, Bytes::from_static(file.content)),
            None if path == SCRIPT => ("text/javascript; charset=utf-8", self.script.clone()),
            None => return refusal(StatusCode::NOT_FOUND, text::web_not_found),
        };
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let refused = refusal(StatusCode::METHOD_NOT_ALLOWED, text::web_wrong_method);
            return with(refused, header::ALLOW, "GET, HEAD");
        }
        response(StatusCode::OK, media_type, content)
    }

    /// RFC 6455 §4.2.
    fn open_socket(&self, request: &mut Request<Incoming>) -> (Response<Full<Bytes>>, Option<OnUpgrade>) {
        if request.method() != Method::GET {
            let refused = refusal(StatusCode::METHOD_NOT_ALLOWED, text::web_wrong_method);
            return (with(refused, header::ALLOW, "GET"), None);
        }
        if !request.headers().contains_key(header::UPGRADE) {
            let refused = refusal(StatusCode::UPGRADE_REQUIRED, text::web_socket_only);
            return (with(refused, header::UPGRADE, "websocket"), None);
        }
        if !host::is_of_own_page(request.headers()) {
            return (refusal(StatusCode::FORBIDDEN, text::web_wrong_origin), None);
        }
        let wanted = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let mut wanted = wanted.iter().flat_map(|list| list.to_str().unwrap_or_default().split(',')).peekable();
        let wants_any = wanted.peek().is_some();
        if wants_any && !wanted.any(|name| name.trim() == PROTOCOL) {
            return (refusal(StatusCode::BAD_REQUEST, |language| text::web_wrong_protocol(language, PROTOCOL)), None);
        }
        let Ok(opened) = create_response_with_body(request, Full::default) else {
            let refused = refusal(StatusCode::BAD_REQUEST, text::web_socket_only);
            return (with(refused, header::SEC_WEBSOCKET_VERSION, "13"), None);
        };
        let opened = if wants_any { with(opened, header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL) } else { opened };
        (opened, Some(hyper::upgrade::on(request)))
    }

    fn answer_without_tls<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let location = host.filter(|_| self.hosts.are_called_by(request)).map(|host| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            HeaderValue::try_from(format!("https://{host}{path}"))
        });
        match location {
            Some(Ok(location)) => {
                let mut response = refusal(StatusCode::TEMPORARY_REDIRECT, text::tls_required);
                response.headers_mut().insert(header::LOCATION, location);
                response
            }
            _ => refusal(StatusCode::FORBIDDEN, text::tls_required),
        }
    }
}

/// Answers a request, and says whether it becomes a WebSocket.
type Answer = fn(&Site, &mut Request<Incoming>) -> (Response<Full<Bytes>>, Option<OnUpgrade>);

/// A sentence in every language: whoever reads it has not chosen one.
fn refusal(status: StatusCode, sentence: impl Fn(Language) -> String) -> Response<Full<Bytes>> {
    response(status, PLAIN_TEXT, Language::ALL.map(|language| sentence(language) + "\n").concat().into())
}

fn response(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = HEADERS.into_iter().chain([(header::CONTENT_TYPE, media_type)]);
    headers.fold(response, |response, (name, value)| with(response, name, value))
}

fn with(mut response: Response<Full<Bytes>>, name: HeaderName, value: &'static str) -> Response<Full<Bytes>> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
