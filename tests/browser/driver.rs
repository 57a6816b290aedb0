//! A browser of a test's own, and what it has noted of itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::{ParseError, Url};

use super::common::DEADLINE;
use super::page::Page;

/// Browsers at once, however many tests run at once: one takes half a gigabyte.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// How often a driver is started anew that finds no port of its own.
const TRIES: usize = 10;

/// The program that drives browsers, on a free port. Ends with its browsers when dropped.
struct Driver {
    child: Child,
    port: u16,
    /// Open, or what it prints would have nowhere to go.
    _stdout: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts one. It takes a free port of `::1` and then the same one of `127.0.0.1`, which somebody else may have: then it ends,
    /// and another one tries another port.
    fn start() -> Driver {
        let mut said = String::new();
        for _ in 0..TRIES {
            match Driver::try_to_start() {
                Ok(driver) => return driver,
                Err(last_words) => said = last_words,
            }
        }
        panic!("chromedriver ended {TRIES} times without saying where it listens, the last time with: {said}");
    }

    /// # Errors
    ///
    /// It ended: what it said.
    fn try_to_start() -> Result<Driver, String> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("chromedriver is installed");
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        match Driver::port(&mut stdout) {
            Ok(port) => Ok(Driver { child, port, _stdout: stdout }),
            Err(said) => {
                child.wait().unwrap();
                Err(said)
            }
        }
    }

    /// Reads where it listens.
    ///
    /// # Errors
    ///
    /// It ended: what it said.
    fn port(stdout: &mut impl BufRead) -> Result<u16, String> {
        let mut said = String::new();
        loop {
            let start = said.len();
            if stdout.read_line(&mut said).unwrap() == 0 {
                return Err(said);
            }
            if let Some((_, port)) = said[start..].trim().split_once("was started successfully on port ") {
                return Ok(port.trim_end_matches('.').parse().unwrap());
            }
        }
    }

    /// Asks it to end all its browsers and itself. A driver that is killed leaves its browsers behind.
    fn ask_to_end(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(DEADLINE))?;
        write!(stream, "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        // it answers, or ends at once
        let _ = stream.read_to_end(&mut Vec::new());
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let start = Instant::now();
        if self.ask_to_end().is_ok() {
            while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < DEADLINE {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks a server for the page, and waits for the end of the answer.
fn ask(server: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    write!(stream, "HEAD / HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A command of Chromium that WebDriver does not have.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// A running browser. It must be [closed](Browser::close), which is when it is looked at what it has noted.
pub(crate) struct Browser {
    pub(crate) client: Client,
    server: SocketAddr,
    scheme: &'static str,
    is_closed: bool,
    // dropped in this order
    _driver: Driver,
    _profile: TempDir,
    _permit: SemaphorePermit<'static>,
}

impl Browser {
    /// Opens one that speaks Portuguese, for this server.
    pub(crate) async fn open(server: SocketAddr) -> Browser {
        Browser::open_as(server, "http", "pt-BR").await
    }

    /// Opens one in this language.
    pub(crate) async fn open_as(server: SocketAddr, scheme: &'static str, language: &str) -> Browser {
        let permit = BROWSERS.acquire().await.unwrap();
        if scheme == "http" {
            // On a busy machine it may be long from a browser's first connection to its first request: then the server is
            // patient only if it knows that there are browsers.
            ask(server).unwrap();
        }
        let driver = Driver::start();
        let profile = tempfile::tempdir().unwrap();
        let capabilities = json!({
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": {
                "args": [
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--window-size=1280,800",
                    // whatever it would look up beyond this machine is not there
                    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                    format!("--lang={language}"),
                    format!("--user-data-dir={}", profile.path().display()),
                ],
                "prefs": { "intl.accept_languages": language },
            },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(Capabilities::from(capabilities))
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .expect("chromium is installed and starts");
        Browser { client, server, scheme, is_closed: false, _driver: driver, _profile: profile, _permit: permit }
    }

    /// The address of the page.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.server)
    }

    /// The page in the tab that there is from the start.
    pub(crate) async fn page(&self) -> Page<'_> {
        let tab = self.client.window().await.unwrap();
        self.load(Page { browser: self, tab }).await
    }

    /// The page in another tab.
    pub(crate) async fn another_page(&self) -> Page<'_> {
        let tab = self.client.new_window(true).await.unwrap().handle;
        self.load(Page { browser: self, tab }).await
    }

    async fn load<'b>(&self, page: Page<'b>) -> Page<'b> {
        page.goto(&self.url()).await;
        page
    }

    async fn extra(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Extra { path, body }).await.unwrap()
    }

    /// A command of Chromium's own protocol, for the tab that is driven now.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.extra("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// What has been noted since this was last asked.
    pub(crate) async fn log(&self, kind: &str) -> Vec<Value> {
        let Value::Array(entries) = self.extra("se/log", json!({ "type": kind })).await else { unreachable!() };
        entries
    }

    /// What has happened on the network since this was last asked: methods and parameters of Chromium's own protocol.
    pub(crate) async fn network(&self) -> Vec<(String, Value)> {
        let entries = self.log("performance").await;
        let events = entries.iter().map(|entry| {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let event = &event["message"];
            (event["method"].as_str().unwrap().to_owned(), event["params"].clone())
        });
        events.filter(|(method, _)| method.starts_with("Network.")).collect()
    }

    /// Closes it. There must have been no message in the console, and no request that failed or went elsewhere.
    pub(crate) async fn close(self) {
        self.close_after(&[]).await;
    }

    /// The same, but messages in the console that have one of these in them are no surprise.
    pub(crate) async fn close_after(mut self, expected: &[&str]) {
        self.is_closed = true;
        let mut surprises = Vec::new();
        for entry in self.log("browser").await {
            let message = entry["message"].as_str().unwrap();
            if !expected.iter().any(|expected| message.contains(expected)) {
                surprises.push(format!("console: {message}"));
            }
        }
        let mut requests = 0;
        for (method, parameters) in self.network().await {
            let url = match method.as_str() {
                "Network.requestWillBeSent" => parameters["request"]["url"].as_str(),
                "Network.webSocketCreated" => parameters["url"].as_str(),
                "Network.responseReceived" => {
                    if parameters["response"]["status"].as_u64().is_none_or(|status| status >= 400) {
                        surprises.push(format!("refused: {}", parameters["response"]["url"]));
                    }
                    None
                }
                _ => None,
            };
            // what an empty tab shows comes out of the browser itself
            let is_own = |url: &Value| url.as_str().is_some_and(|url| url.starts_with("chrome://"));
            let Some(url) = url.filter(|_| !is_own(&parameters["documentURL"])) else { continue };
            requests += 1;
            let rest = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
            if rest.split('/').next() != Some(&self.server.to_string()) {
                surprises.push(format!("a request elsewhere: {url}"));
            }
        }
        assert!(surprises.is_empty(), "{}", surprises.join("\n"));
        assert!(requests > 0, "the browser has noted no request");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        assert!(self.is_closed || std::thread::panicking(), "a test must close its browser");
    }
}
