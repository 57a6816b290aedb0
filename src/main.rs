//! The `papo` program: arguments, logging, signals, exit code. Everything else is the library's.
//!
//! Exit codes: 0 asked to stop, 1 could not start, 2 wrong usage, 70 internal error (the room stopped unasked). Those of
//! `papo check`: 0 there is a papo, 1 there is none, 2 wrong usage. `papo journal`: 0 done and in order, 1 not, 2 wrong usage.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;

use actix_rt::{Runtime, System};
use log::{info, warn};
use papo::chat::hygiene::CleanText;
use papo::chat::language::Language;
use papo::chat::text;
use papo::cli;
use papo::cli::announce::{Announcement, Scheme};
use papo::cli::archive::{self, Reports};
use papo::cli::identity;
use papo::config::{Config, PasswordSource, Tls};
use papo::memory;
use papo::password::Gate;
use papo::room::EXIT_INTERNAL;
use papo::server::{BindError, Running, Server};
use papo::transport::tls::Acceptor;

/// What a server takes from the system it should give back. The C library's allocator keeps three quarters of it after five
/// thousand people have left (`benches/load`), because a few late bytes hold on to all those before them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const COULD_NOT_START: u8 = 1;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let language = cli::operator_language(&arguments, |key| std::env::var(key).ok());
    if cli::check::is_asked(&arguments) {
        let exit = cli::check::run(&arguments, language);
        return say(&exit.message, exit.code);
    }
    if cli::journal::is_asked(&arguments) {
        let exit = cli::journal::run(&arguments, language, &mut io::BufWriter::new(io::stdout().lock()));
        return say(&exit.message, exit.code);
    }
    let config = match cli::args::read(&arguments, language) {
        Ok(config) => config,
        Err(exit) => return say(&exit.message, exit.code),
    };
    let log = cli::logging::start();
    let result = serve(config, language);
    log.flush();
    match result {
        // Not by returning: the end of a process needs no destructors, and those of ten thousand sessions take time.
        Ok(code) => process::exit(code),
        Err(sentence) => say(&format!("{sentence}\n"), COULD_NOT_START),
    }
}

/// Prints what there is to say instead of serving; nobody is told if nobody listens.
fn say(message: &str, code: u8) -> ExitCode {
    let _ =
        if code == 0 { io::stdout().write_all(message.as_bytes()) } else { io::stderr().write_all(message.as_bytes()) };
    ExitCode::from(code)
}

/// Serves until told to stop, and returns the exit code.
///
/// # Errors
/// The sentence that says why the server cannot start.
fn serve(mut config: Config, language: Language) -> Result<i32, String> {
    fit(&mut config, descriptors(), language)?;
    let gate = gate(&mut config, language)?;
    config.outbox_total = config.outbox_total_within(memory::limit());
    let qr = config.qr;
    let scheme = if config.tls == Tls::Required { Scheme::Https } else { Scheme::Http };
    let identity = identity::open(&config, language)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| text::cannot_start(language, error.to_string()))?;
    let system = System::with_tokio_rt(|| Runtime::from(runtime));
    let stopped = system.stop_future();
    system.block_on(async move {
        let signals = Signals::listen().map_err(|error| text::cannot_start(language, error.to_string()))?;
        let journal = config.clone();
        let mut server = Server::bind(config).map_err(|error| why_not(&error, language))?;
        let fingerprint = identity.as_ref().map(|(identity, _)| identity.fingerprint());
        let mut reload = None;
        if let Some((identity, source)) = identity {
            let acceptor = Acceptor::new(&identity);
            server = server.with_tls(acceptor.clone());
            reload = Some(Reload { acceptor, source, language });
        }
        if let Some(gate) = gate {
            server = server.with_gate(gate);
        }
        let reports = Reports::default();
        let room = archive::open(&journal, &reports, language)?;
        let (addresses, admin) = (server.addresses(), server.admin_address());
        // a thread of its own: whoever does not read what it prints holds up nobody
        thread::spawn(move || announce(&Announcement::new(&addresses, admin, scheme, fingerprint, language), qr));
        let running = server.start(room);
        reports.send_to(running.room().clone().recipient());
        actix_rt::spawn(stop_on_signal(running, signals, reload));
        // what is waited for here is looked at whenever anything happens on this thread, and a task only when it is woken
        let stopped = actix_rt::spawn(stopped).await;
        Ok(stopped.ok().and_then(Result::ok).unwrap_or(EXIT_INTERNAL))
    })
}

/// Prints where the server is: lines to stdout, and a QR code to stderr if that is a terminal.
fn announce(announcement: &Announcement, qr: bool) {
    let mut printed = announcement.print(&mut io::stdout());
    if qr && io::stderr().is_terminal() {
        printed = printed.and(announcement.print_qr(cli::has_colours(), &mut io::stderr()));
    }
    if let Err(error) = printed {
        warn!("cannot print the addresses: {error}");
    }
}

/// What stands in front of the room, if it has a password. That is taken out of the configuration, and gone afterwards.
///
/// # Errors
/// The sentence that says why there is no password, or no hash of it.
fn gate(config: &mut Config, language: Language) -> Result<Option<Arc<Gate>>, String> {
    let Some(source) = config.password.take() else {
        return Ok(None);
    };
    let password = cli::password::read(&source, config.max_password()).map_err(|error| error.sentence(language))?;
    if let PasswordSource::File(path) = &source
        && let Some(mode) = cli::password::open_mode(path)
    {
        let path = CleanText::new(path.display().to_string()).as_str().to_owned();
        warn!("{}", text::password_file_open(language, path, format!("{mode:03o}")));
    }
    let gate = Gate::new(&password, config).map_err(|error| text::cannot_start(language, error.to_string()))?;
    Ok(Some(Arc::new(gate)))
}

/// How many descriptors this process may have, after asking for more.
fn descriptors() -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX);
    #[cfg(unix)]
    let limit = limit.or_else(|error| {
        warn!("cannot raise the limit of open connections: {error}");
        rlimit::getrlimit(rlimit::Resource::NOFILE).map(|(soft, _)| soft)
    });
    limit.ok().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Lowers the number of connections to what the process can hold, and says so if a number was wanted.
///
/// # Errors
/// The sentence that says that it can hold next to none.
fn fit(config: &mut Config, descriptors: usize, language: Language) -> Result<(), String> {
    let Some(max) = config.connections_within(descriptors) else {
        return Err(text::too_few_descriptors(language, descriptors, config.min_descriptors()));
    };
    let wanted = config.max_connections;
    if wanted > max {
        warn!("{}", text::fewer_connections(language, max, wanted, descriptors));
    }
    config.max_connections = if wanted == 0 { max } else { wanted.min(max) };
    Ok(())
}

fn why_not(BindError { address, source, is_admin }: &BindError, language: Language) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse if *is_admin => text::admin_port_taken(language, address.port().to_string()),
        _ if *is_admin => text::admin_cannot_listen(language, address.to_string(), source.to_string()),
        io::ErrorKind::AddrInUse => text::port_taken(language, address.port().to_string()),
        io::ErrorKind::AddrNotAvailable => text::address_missing(language, address.ip().to_string()),
        io::ErrorKind::PermissionDenied => text::no_permission(language, address.port().to_string()),
        _ => text::cannot_listen(language, address.to_string(), source.to_string()),
    }
}

/// The first signal stops the server in good order, the second one at once. The one that asks for it has the certificate read
/// again.
async fn stop_on_signal(running: Running, mut signals: Signals, reload: Option<Reload>) {
    while let Signal::Reload = signals.next().await {
        if let Some(reload) = &reload {
            reload.now();
        }
    }
    info!("stopping; a second signal stops at once");
    actix_rt::spawn(async move {
        while let Signal::Reload = signals.next().await {}
        process::exit(0);
    });
    running.shutdown().await;
    System::current().stop();
}

/// How the certificate is read again while the server runs.
struct Reload {
    acceptor: Acceptor,
    source: identity::Source,
    language: Language,
}

impl Reload {
    /// New connections see what is in the files now. If that cannot be used, the log says why, and nothing changes.
    fn now(&self) {
        match identity::reopen(&self.source, self.language) {
            Ok(identity) => {
                self.acceptor.reload(&identity);
                info!("{}", text::tls_reloaded(self.language, identity.fingerprint().to_string()));
            }
            Err(why) => warn!("{}", text::tls_not_reloaded(self.language, why)),
        }
    }
}

/// What a signal asks for.
#[derive(Clone, Copy)]
enum Signal {
    Stop,
    /// Only where there is SIGHUP.
    #[cfg_attr(not(unix), expect(dead_code, reason = "no other signal means it"))]
    Reload,
}

/// The signals that ask something of a process: to stop (SIGINT and SIGTERM, or what the system has in their place), or to read
/// its certificate again (SIGHUP).
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    /// Whether the program was started on a terminal.
    on_terminal: bool,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            on_terminal: is_on_terminal(),
        })
    }

    async fn next(&mut self) -> Signal {
        use std::task::Poll;
        std::future::poll_fn(|cx| {
            if self.interrupt.poll_recv(cx).is_ready() || self.terminate.poll_recv(cx).is_ready() {
                Poll::Ready(Signal::Stop)
            } else if self.hangup.poll_recv(cx).is_ready() {
                // it also means what its name says: the window was closed, and the server belongs to it
                let is_gone = self.on_terminal && !is_on_terminal();
                Poll::Ready(if is_gone { Signal::Stop } else { Signal::Reload })
            } else {
                Poll::Pending
            }
        })
        .await
    }
}

#[cfg(unix)]
fn is_on_terminal() -> bool {
    use std::io::IsTerminal;
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Signals> {
        Ok(Signals)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
        Signal::Stop
    }
}
