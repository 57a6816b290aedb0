//! A real server on a free port, and a client that sees what a screen would show.
#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of this")]

pub mod cable;
pub mod program;
#[cfg(target_os = "linux")]
pub mod pty;
pub mod tls;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix::Addr;
use actix_rt::System;
use papo::chat::language::Language;
use papo::config::{Config, Listen};
use papo::room::ChatRoom;
use papo::server::Server;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tokio::sync::oneshot;

/// How long anything may take before a test fails. Nothing waits this long when all is well.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A configuration on a free port of the loopback. All clients of a test share its address and send as fast as they like, so
/// it has no limits for that.
pub fn config() -> Config {
    Config {
        rate: 0,
        rate_bytes: 0,
        max_per_address: 0,
        max_new_per_address: 0,
        max_unnamed_per_address: 0,
        max_lost_per_address: 0,
        // what a test says comes once
        history: 0,
        // who is lost is gone
        grace: Duration::ZERO,
        ..strict_config()
    }
}

/// What a plain `papo` does, on a free port of the loopback.
pub fn strict_config() -> Config {
    Config { listen: vec![Listen::Address(([127, 0, 0, 1], 0).into())], ..Config::default() }
}

/// A server in a thread of its own. Stops in good order when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    /// Where the operator's page is, if there is one.
    pub admin: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<i32>>,
}

impl TestServer {
    pub fn start() -> TestServer {
        TestServer::with(config(), ChatRoom::default)
    }

    pub fn in_language(language: Language) -> TestServer {
        TestServer::with(Config { language, ..config() }, ChatRoom::default)
    }

    pub fn with(config: Config, room: impl FnOnce() -> ChatRoom + Send + 'static) -> TestServer {
        TestServer::change(config, room, |server| server)
    }

    /// A server to which something is done before it starts.
    pub fn change(
        config: Config,
        room: impl FnOnce() -> ChatRoom + Send + 'static,
        change: impl FnOnce(Server) -> Server + Send + 'static,
    ) -> TestServer {
        TestServer::watch(config, room, change, |_| ())
    }

    /// The same, and somebody is told of its room as soon as it runs.
    pub fn watch(
        config: Config,
        room: impl FnOnce() -> ChatRoom + Send + 'static,
        change: impl FnOnce(Server) -> Server + Send + 'static,
        watch: impl FnOnce(&Addr<ChatRoom>) + Send + 'static,
    ) -> TestServer {
        let (tell_address, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let system = System::new();
            let ended = system.stop_future();
            system.block_on(async move {
                let server = change(Server::bind(config).unwrap());
                tell_address.send((server.addresses()[0], server.admin_address())).unwrap();
                let running = server.start(room());
                watch(running.room());
                actix_rt::spawn(async move {
                    if stopped.await.is_ok() {
                        running.shutdown().await;
                        System::current().stop();
                    }
                });
                ended.await.unwrap()
            })
        });
        let (address, admin) = address.recv_timeout(DEADLINE).unwrap();
        TestServer { address, admin, stop: Some(stop), thread: Some(thread) }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// A client in the room, its welcome read.
    pub fn join(&self, name: &str) -> Client {
        Client::join(self.address, name)
    }

    /// Asks the server to stop, without waiting for it.
    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until the server has ended, and returns its exit code.
    pub fn exit_code(mut self) -> i32 {
        let thread = self.thread.take().unwrap();
        wait_until("the server ends", || thread.is_finished());
        thread.join().unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

/// One end of a connection, speaking the text dialect.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect(address).unwrap())
    }

    /// A client with this address of its own: all of 127.0.0.0/8 can be had.
    pub fn connect_from(source: impl Into<IpAddr>, address: SocketAddr) -> Client {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source.into(), 0).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        Client::over(socket.into())
    }

    /// A client in the room, its welcome read.
    pub fn join(address: SocketAddr, name: &str) -> Client {
        let mut client = Client::connect(address);
        client.send(name);
        let welcome = client.line();
        assert!(welcome.contains(&format!(", {name}! ")), "{welcome}");
        client
    }

    /// A program in the room, which comes back to this place (`epoch` and `seq`) if it was there before; and its welcome.
    pub fn join_as_program(address: SocketAddr, name: &str, place: Option<&Value>) -> (Client, Value) {
        let mut client = Client::connect(address);
        let mut join = json!({ "type": "join", "name": name });
        if let Some(place) = place {
            join["epoch"] = place["epoch"].clone();
            join["seq"] = place["seq"].clone();
        }
        client.send(&join.to_string());
        assert_eq!(client.object()["type"], "hello");
        let welcome = client.object();
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        assert_eq!(welcome["epoch"].as_str().unwrap().len(), 32);
        (client, welcome)
    }

    fn over(stream: TcpStream) -> Client {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Client { reader: BufReader::new(stream) }
    }

    pub fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream().write_all(bytes).unwrap();
    }

    /// The next line, which must end with `\n` alone.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line in time");
        assert!(line.ends_with('\n'), "the connection ended inside {line:?}");
        line.pop();
        assert!(!line.ends_with('\r'), "{line:?}");
        line
    }

    /// The next line, which is an object.
    #[track_caller]
    pub fn object(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// The next lines must be these.
    #[track_caller]
    pub fn expect(&mut self, lines: &[&str]) {
        for expected in lines {
            assert_eq!(self.line(), *expected);
        }
    }

    /// Reads until a line is this one, under the [`DEADLINE`]; those before it do not matter.
    pub fn read_to(&mut self, expected: &str) {
        let start = Instant::now();
        while self.line() != expected {
            assert!(start.elapsed() < DEADLINE, "in vain: {expected}");
        }
    }

    /// Nothing has been sent to this client that it has not read: the answer to what it asks now comes next.
    #[track_caller]
    pub fn expect_nothing(&mut self) {
        self.send("/idioma en");
        assert_eq!(self.line(), "The language is now English.");
        self.send("/idioma pt");
        assert_eq!(self.line(), "O idioma agora é português.");
    }

    /// The server closes the connection next.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => assert_eq!(String::from_utf8_lossy(&rest), ""),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }

    /// The connection ends, in good order or not, after whatever was on its way.
    pub fn expect_break(&mut self) {
        self.read_to_break();
    }

    /// Everything until the connection ends, in good order or not.
    pub fn read_to_break(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = self.reader.read_to_end(&mut rest) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Everything until the server closes.
    pub fn read_to_end(mut self) -> String {
        let mut rest = String::new();
        self.reader.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Sends no more; can still read.
    pub fn half_close(&self) {
        self.stream().shutdown(Shutdown::Write).unwrap();
    }

    /// Breaks the connection as a crash or a pulled cable would show: with a reset.
    pub fn reset(self) {
        socket2::SockRef::from(self.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// Waits for a condition, under the [`DEADLINE`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
