//! Every limit of the server, in one place: its unit, its default, and what happens beyond it.
//!
//! What an operator may want to change has a flag and an environment variable of the same name (`src/cli/args.rs`);
//! the rest is part of how papo works, and only tests change it. Where a field says so, 0 (or [`Duration::ZERO`])
//! switches the limit off.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use secrecy::SecretString;

use crate::chat::language::Language;
use crate::chat::throttle::Rate;

/// The port of the seed, and of papo.
pub const DEFAULT_PORT: u16 = 9999;

/// What [`Config::max_line`] may be, in bytes. A line must be shorter than what one read brings.
pub const MAX_LINE: RangeInclusive<usize> = 64..=8000;

/// An outbox holds at least so many lines of the greatest length. With less, whoever does not take a long line at once
/// would be disconnected by the next word.
pub const MIN_OUTBOX_LINES: usize = 2;

/// The most [`Config::threads`].
pub const MAX_THREADS: usize = 256;

/// Descriptors that are kept free of connections: for the listeners, for what the runtime needs, and for refused connections
/// that are given time to read why ([`MAX_LINGERING`](crate::server::MAX_LINGERING)).
pub const RESERVED_DESCRIPTORS: usize = 64;

/// Descriptors that [`Config::admin`] needs: its connections
/// ([`MAX_CONNECTIONS`](crate::admin::MAX_CONNECTIONS) and one that is about to end), its listener and its runtime.
pub const ADMIN_DESCRIPTORS: usize = 24;

/// Descriptors that each thread beyond the first one needs for its runtime.
pub const DESCRIPTORS_PER_THREAD: usize = 4;

/// With fewer connections than this there is no chat worth starting.
pub const MIN_CONNECTIONS: usize = 8;

/// The longest [`Config::name_deadline`], [`Config::user_timeout`] and [`Config::resume_window`]: a day.
pub const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The least [`Config::keep_bytes`]: below it, what is written until the file is looked at again would be much of it.
pub const MIN_KEEP_BYTES: u64 = 16 * 1024 * 1024; // 16 MiB

/// The longest [`Config::keep`]: a hundred years.
pub const MAX_KEEP: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

/// The longest [`Keepalive::idle`], that of Linux.
pub const MAX_KEEPALIVE: Duration = Duration::from_secs(32_767);

/// How a server is run. [`Config::default`] is what a plain `papo` does.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Default: port 9999 of every address, IPv6 and IPv4.
    pub listen: Vec<Listen>,
    /// Where the operator reads counters and health ([`crate::admin`]). Whoever reaches it can read them, so it is meant for
    /// the loopback. Default: nowhere.
    pub admin: Option<SocketAddr>,
    /// Names of this machine under which browsers may open the page, beside its addresses, `localhost` and its host name.
    /// Default: none.
    pub hosts: Vec<HostName>,
    /// Whether connections may be, or must be, encrypted. Default: [`Tls::On`].
    pub tls: Tls,
    /// The certificate to show, and its key. Default: none, and papo makes one for itself.
    pub certificate: Option<CertificateFiles>,
    /// The directory for what is kept from one start to the next: the certificate that papo makes for itself. Default: none, and
    /// nothing is kept. The program takes the one that the system wants it to take: [`crate::data::default_directory`].
    pub data: Option<PathBuf>,
    /// Whether what happens in the room is kept in the directory of [`Config::data`] ([`crate::journal`]). Default: yes, where there
    /// is such a directory.
    pub journal: bool,
    /// When the disk must have what the journal writes. Default: within 100 ms.
    pub sync: Sync,
    /// How long the journal keeps things; what is older is pruned. Default: 30 days. 0 = off.
    pub keep: Duration,
    /// Bytes of the journal's file; beyond them the oldest is pruned, within [`MIN_KEEP_BYTES`] or so. Default: 1 GiB; at
    /// least [`MIN_KEEP_BYTES`]. 0 = off.
    pub keep_bytes: u64,
    /// Where the room's password comes from. The program takes it out at start and keeps only a hash
    /// ([`Gate`](crate::password::Gate)). Default: nowhere, the room is open.
    pub password: Option<PasswordSource>,
    /// The language of a session until its person chooses one. Default: Portuguese.
    pub language: Language,
    /// Whether the program shows the server's address as a QR code at start, if stderr is a terminal. Default: yes.
    pub qr: bool,
    /// Threads for the sessions, the one that accepts included. Default: 1, which costs least while it keeps up; one for each
    /// core that papo may have is the most that helps. At least 1.
    pub threads: usize,
    /// Connections at once; more get one sentence and are closed. Default: 10,000. 0 = off. The program lowers it to what the
    /// process may have: see [`Config::connections_within`].
    pub max_connections: usize,
    /// Connections at once from one address: an IPv4 address, or the first 64 bits of an IPv6 one. More get one sentence
    /// and are closed. Default: 64, since a classroom often sits behind one address. 0 = off.
    pub max_per_address: usize,
    /// New connections from one address in a minute; more get one sentence and are closed. Default: 128. 0 = off.
    pub max_new_per_address: usize,
    /// Connections without a name; beyond it the oldest one of the address with most of them gets one sentence and is
    /// closed. Default: 4,096. 0 = off.
    pub max_unnamed: usize,
    /// Connections without a name from one address; beyond it the oldest of them gets one sentence and is closed.
    /// Default: 16. 0 = off.
    pub max_unnamed_per_address: usize,
    /// Networks where many people share an address: a VPN gateway, a classroom. The limits for one address do not apply to
    /// them, those for all do. Default: none.
    pub exempt: Vec<Net>,
    /// Connections the kernel holds until they are accepted; more have to try again. Default: 4,096 (the kernel
    /// caps it at its own limit, `somaxconn`).
    pub backlog: u32,
    /// Bytes in a line, line end included; a longer line is refused with an answer and skipped to its end.
    /// Default: 4,096; see [`MAX_LINE`]. Cannot be off: a line is held in memory until it ends.
    pub max_line: usize,
    /// Lines of one person that are too long, within [`Config::long_lines_within`]: with so many that person is
    /// disconnected with a reason. Default: 3. 0 = off.
    pub max_long_lines: usize,
    /// How long a line that was too long counts for [`Config::max_long_lines`]. Default: 60 s.
    pub long_lines_within: Duration,
    /// Bytes of one line, or of one message of a client that sends no line ends: with so many that person is disconnected
    /// with a reason. Default: 64 KiB; at least [`Config::max_line`]. 0 = off: a line may be skipped for ever.
    pub max_unended: usize,
    /// Bytes from somebody without a name, those of telnet's own included: with so many and no name, the connection is
    /// closed with a sentence. Default: 4,096. 0 = off.
    pub max_before_name: usize,
    /// Lines a second that a session may send for as long as it likes. Above that it is not read from, so that its lines arrive
    /// later, and none is lost. A line that is answered with an error counts as two. Default: 2. 0 = off.
    pub rate: u32,
    /// Lines that a session may send at once, when it has been silent for a while. Default: 10. 0 counts as 1.
    pub rate_burst: u32,
    /// Bytes a second that a session may send, like [`Config::rate`]. Default: 16 KiB. 0 = off.
    pub rate_bytes: u32,
    /// Bytes that a session may send at once. Default: 64 KiB. 0 counts as 1.
    pub rate_bytes_burst: u32,
    /// How long a session may send faster than it may without a moment's rest, then it is disconnected with a reason.
    /// Default: 300 s. 0 = off.
    pub flood: Duration,
    /// Time from connecting to having a name, then the connection is closed with a sentence. Default: 60 s (the
    /// seed's client connects first and asks its person for a name afterwards). 0 = off.
    pub name_deadline: Duration,
    /// Names that one session may be refused (broken rules, reserved, taken, too similar) before it has one; with the last of
    /// them the connection is closed with a sentence. What speaks another protocol is gone after so many lines. Default: 5.
    /// 0 = off.
    pub max_bad_names: u32,
    /// Passwords that one session may give that are wrong, if the room has one; with the last of them the connection is closed
    /// with a sentence. Default: 3. 0 = off.
    pub max_password_tries: u32,
    /// Passwords from one address that may be wrong within [`Config::password_tries_within`]; more are refused with an answer,
    /// right ones too, and cost nothing. Default: 5. 0 = off.
    pub password_tries: u32,
    /// How long a wrong password counts for [`Config::password_tries`]. Default: 30 s.
    pub password_tries_within: Duration,
    /// Silence after which somebody without a name is asked for one, and after which bytes without a line end are taken
    /// for a message of a client that sends none. Default: 300 ms.
    pub silence: Duration,
    /// The same, for bytes that may be the beginning of another protocol: long enough for the rest to come over a bad
    /// link, as long as a person waits whose client sends no line ends and who is called `GET`. So long, too, somebody is not asked for a
    /// name who may be a browser's connection for its next request. Default: 3 s.
    pub hello_silence: Duration,
    /// Bytes owed to one session, each entry counted as [`ENTRY_COST`](crate::outbox::ENTRY_COST) bytes more;
    /// beyond it that session is disconnected with a reason, and nobody else is slowed. A single entry may be longer: a
    /// turn of the room, or a list that was asked for. Default: 1 MiB; at least [`MIN_OUTBOX_LINES`] lines. 0 = off.
    pub outbox: usize,
    /// Bytes owed to all sessions together, counted in the same way; beyond it whoever is owed most is disconnected with a
    /// reason, if the process really has more memory than that: readers share most of what they are owed (Linux;
    /// elsewhere it is not looked at). Default: 256 MiB, and at most a quarter of the memory that the process may have. 0 = off.
    pub outbox_total: usize,
    /// Bytes owed to one session from which on nothing more is read from it, and which it may owe for
    /// [`Config::outbox_time`]; at most a quarter of [`Config::outbox`]. Default: 256 KiB. 0 = that quarter.
    pub outbox_soft: usize,
    /// How long a session may owe more than [`Config::outbox_soft`] without a pause, then it is disconnected with a reason.
    /// Default: 30 s. 0 = off.
    pub outbox_time: Duration,
    /// Bytes not yet sent from which on the kernel takes no more of a connection (`TCP_NOTSENT_LOWAT`, Linux and macOS).
    /// Without it the kernel hides 4 MB for each reader who does not read. Default: 16 KiB. 0 = off.
    pub unsent: u32,
    /// How many of the messages that were said before a newcomer is shown, at most
    /// [`MAX_MESSAGES`](crate::chat::history::MAX_MESSAGES). Default: 50. 0 = none.
    pub history: usize,
    /// How long nobody is told that a member left whose connection was lost, if a program can prove that it is the member when it
    /// comes back. Default: 5 s. 0 = everybody is told at once.
    pub grace: Duration,
    /// How long such a member may come back, and its name is kept for it. Default: 10 min. 0 = off: no program can prove who it
    /// is, so every loss is a departure.
    pub resume_window: Duration,
    /// Such members of one address at once; for more, the loss is a departure, told at once, and their names are free. Default: 64,
    /// as many as can lose their connections at once. 0 = off. In all there are 4,096 at most; beyond it, the address that has most
    /// of them loses the one that is away longest.
    pub max_lost_per_address: usize,
    /// The most names that one session keeps to ignore; one more is refused with an answer. Default: 100.
    pub max_ignored: usize,
    /// The time between two questions of one session to the archive, searches and `/visto`; a second one waits. Default: 1 s.
    /// 0 = off.
    pub question_interval: Duration,
    /// The most questions to the archive that wait; one more is refused with an answer. Default: 256.
    pub max_questions: usize,
    /// How long a session that ends may take to accept its last words. By then its name is free and it costs a
    /// descriptor and little more. Default: 60 s, after which the system gives a peer up that reads nothing
    /// ([`Config::user_timeout`]); a person who comes back to a stopped client within that time reads why it was cut.
    pub last_words: Duration,
    /// How long and how much is still read after the last words, so that they are not lost to a reset: a socket
    /// closed with unread input takes back what it sent.
    pub drain: Drain,
    /// How a connection whose other side fell silent is found out.
    pub keepalive: Keepalive,
    /// Time until sent data must be acknowledged (`TCP_USER_TIMEOUT`, Linux only), else the connection counts as
    /// lost. Default: 60 s, the sum of the keepalive times; shorter would cut slow links. 0 = off.
    pub user_timeout: Duration,
    /// How long a TLS handshake may take; then the connection is closed. Default: 5 s.
    pub handshake: Duration,
    /// How long a WebSocket may be silent until it is asked for a sign of life. Default: 60 s. 0 = it is not asked.
    pub ping_after: Duration,
    /// How long the answer may take; then the session ends with a reason. Default: 30 s.
    pub ping_timeout: Duration,
    /// How long a member must have been silent to be probed when somebody else asks for its name. Default: 10 s.
    pub probe_silence: Duration,
    /// When it is looked whether a probe has been acknowledged; if not, the connection counts as lost, and the name is free.
    /// Default: 5 s. Linux only, like [`Config::user_timeout`]. 0 = no probes.
    pub probe_timeout: Duration,
    /// How long a member is not probed again. Default: 60 s.
    pub probe_interval: Duration,
    /// How long stopping may take until the last connections are dropped. Default: 9 s, so that the process is
    /// gone within the 10 s that service managers grant.
    pub shutdown: Duration,
}

/// Whether connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// Never: whoever speaks TLS is told that this server does not.
    Off,
    /// As the client likes: one port takes both kinds.
    #[default]
    On,
    /// Always: whoever speaks without it gets one sentence and is closed.
    Required,
}

impl std::fmt::Display for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Tls::Off => "off",
            Tls::On => "on",
            Tls::Required => "required",
        })
    }
}

/// When the disk must have what the journal has written. What was written survives the end of the process in any case, by
/// `kill -9` too; this is about the end of the machine: a power cut, a crash of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Before it is acknowledged: nothing acknowledged is lost, and each group of events waits for the disk.
    Always,
    /// Within so much time after it is written: what was acknowledged in the last moment may be lost.
    Interval(Duration),
    /// When the system likes, and before SQLite moves what it logged into the file (each 4 MiB or so): what was
    /// acknowledged in the last minute may be lost, but never the order.
    Never,
}

impl Default for Sync {
    fn default() -> Sync {
        Sync::Interval(Duration::from_millis(100))
    }
}

/// A text that names none of the kinds of [`Sync`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("always | interval | never")]
pub struct UnknownSync;

impl std::str::FromStr for Sync {
    type Err = UnknownSync;

    fn from_str(text: &str) -> Result<Sync, UnknownSync> {
        match text {
            "always" => Ok(Sync::Always),
            "interval" => Ok(Sync::default()),
            "never" => Ok(Sync::Never),
            _ => Err(UnknownSync),
        }
    }
}

/// A text that names none of the kinds of [`Tls`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("off | on | required")]
pub struct UnknownTls;

impl std::str::FromStr for Tls {
    type Err = UnknownTls;

    fn from_str(text: &str) -> Result<Tls, UnknownTls> {
        [Tls::Off, Tls::On, Tls::Required].into_iter().find(|tls| tls.to_string() == text).ok_or(UnknownTls)
    }
}

/// A certificate with its key, both in the PEM format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and those that vouch for it, if there are any.
    pub certificate: PathBuf,
    /// The key, without a passphrase.
    pub key: PathBuf,
}

/// What is still read of a connection after the last words, and thrown away: whichever comes first ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Default: 1 s.
    pub time: Duration,
    /// Default: 64 KiB.
    pub bytes: usize,
}

/// The keepalive of a TCP connection: after `idle` of silence the kernel probes every `interval`, and after
/// `count` probes without an answer the connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Default: 30 s. 0 = no keepalive.
    pub idle: Duration,
    /// Default: 10 s.
    pub interval: Duration,
    /// Default: 3.
    pub count: u32,
}

/// Where the room's password comes from. Nothing of it is shown by `Debug`.
#[derive(Debug, Clone)]
pub enum PasswordSource {
    /// The first line of this file.
    File(PathBuf),
    /// Given as such, by an environment variable.
    Given(SecretString),
}

/// A place to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// This port of every address, IPv6 and IPv4 (of those families that the machine has).
    Port(u16),
    /// This address only; `[::]` is every IPv6 address and no IPv4 one.
    Address(SocketAddr),
}

/// A network: all addresses that begin with the same bits. One address is a network, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net(IpNet);

/// A name of a machine, as it stands in a URL between the scheme and the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

/// A text that is no [`HostName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no host name")]
pub struct NoHostName;

impl std::str::FromStr for HostName {
    type Err = NoHostName;

    /// Reads `sala` or `chat.example.com`: letters, digits, `-`, `_` and dots (a name in another script is written as
    /// browsers send it, `xn--…`).
    fn from_str(text: &str) -> Result<HostName, NoHostName> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if text.is_empty() || !text.bytes().all(is_good) {
            return Err(NoHostName);
        }
        Ok(HostName(text.to_owned()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![Listen::Port(DEFAULT_PORT)],
            admin: None,
            hosts: Vec::new(),
            tls: Tls::default(),
            certificate: None,
            data: None,
            journal: true,
            sync: Sync::default(),
            keep: Duration::from_secs(30 * 24 * 60 * 60),
            keep_bytes: 1024 * 1024 * 1024, // 1 GiB
            password: None,
            language: Language::default(),
            qr: true,
            threads: 1,
            max_connections: 10_000,
            max_per_address: 64,
            max_new_per_address: 128,
            max_unnamed: 4096,
            max_unnamed_per_address: 16,
            exempt: Vec::new(),
            backlog: 4096,
            max_line: 4096,
            max_long_lines: 3,
            long_lines_within: Duration::from_secs(60),
            max_unended: 64 * 1024, // 64 KiB
            max_before_name: 4096,
            rate: 2,
            rate_burst: 10,
            rate_bytes: 16 * 1024,       // 16 KiB
            rate_bytes_burst: 64 * 1024, // 64 KiB
            flood: Duration::from_secs(300),
            name_deadline: Duration::from_secs(60),
            max_bad_names: 5,
            max_password_tries: 3,
            password_tries: 5,
            password_tries_within: Duration::from_secs(30),
            silence: Duration::from_millis(300),
            hello_silence: Duration::from_secs(3),
            outbox: 1024 * 1024,             // 1 MiB
            outbox_total: 256 * 1024 * 1024, // 256 MiB
            outbox_soft: 256 * 1024,         // 256 KiB
            outbox_time: Duration::from_secs(30),
            unsent: 16 * 1024, // 16 KiB
            history: 50,
            grace: Duration::from_secs(5),
            resume_window: Duration::from_secs(600),
            max_lost_per_address: 64,
            max_ignored: 100,
            question_interval: Duration::from_secs(1),
            max_questions: 256,
            last_words: Duration::from_secs(60),
            drain: Drain { time: Duration::from_secs(1), bytes: 64 * 1024 }, // 64 KiB
            keepalive: Keepalive { idle: Duration::from_secs(30), interval: Duration::from_secs(10), count: 3 },
            user_timeout: Duration::from_secs(60),
            handshake: Duration::from_secs(5),
            ping_after: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(30),
            probe_silence: Duration::from_secs(10),
            probe_timeout: Duration::from_secs(5),
            probe_interval: Duration::from_secs(60),
            shutdown: Duration::from_secs(9),
        }
    }
}

impl Config {
    /// How many lines a session may send; `None` = any number.
    pub(crate) fn line_rate(&self) -> Option<Rate> {
        Rate::per_second(self.rate, self.rate_burst)
    }

    /// How many bytes a session may send; `None` = any number.
    pub(crate) fn byte_rate(&self) -> Option<Rate> {
        Rate::per_second(self.rate_bytes, self.rate_bytes_burst)
    }

    /// The most bytes of a password that somebody can type: those of a line without its end.
    pub fn max_password(&self) -> usize {
        self.max_line.saturating_sub("\r\n".len())
    }

    /// What all sessions together may be owed by a process that may have so many bytes of memory: [`Config::outbox_total`], or
    /// a quarter of the memory if that is less. 0 bytes of memory means that nobody knows.
    pub fn outbox_total_within(&self, memory: u64) -> usize {
        match (self.outbox_total, usize::try_from(memory / 4).unwrap_or(usize::MAX)) {
            (total, 0) | (total @ 0, _) => total,
            (total, quarter) => total.min(quarter),
        }
    }

    /// The most connections that a process can hold which may have so many descriptors open: all but
    /// [`RESERVED_DESCRIPTORS`] and what the other threads and the operator's page need, so that there is always one left to say no with.
    /// `None` if that is less than [`MIN_CONNECTIONS`].
    pub fn connections_within(&self, descriptors: usize) -> Option<usize> {
        let connections = descriptors.saturating_sub(self.descriptors_beside_connections());
        (connections >= MIN_CONNECTIONS).then_some(connections)
    }

    /// The fewest descriptors that a process can work with.
    pub fn min_descriptors(&self) -> usize {
        self.descriptors_beside_connections() + MIN_CONNECTIONS
    }

    fn descriptors_beside_connections(&self) -> usize {
        let admin = if self.admin.is_some() { ADMIN_DESCRIPTORS } else { 0 };
        RESERVED_DESCRIPTORS + DESCRIPTORS_PER_THREAD * self.threads.saturating_sub(1) + admin
    }
}

impl Listen {
    /// The addresses to bind.
    pub(crate) fn addresses(self) -> Vec<SocketAddr> {
        match self {
            Listen::Address(address) => vec![address],
            Listen::Port(port) => vec![(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()],
        }
    }
}

impl std::str::FromStr for Listen {
    type Err = std::net::AddrParseError;

    /// Reads `9999`, `192.168.0.7:9999` or `[::1]:9999`.
    fn from_str(text: &str) -> Result<Listen, Self::Err> {
        match text.parse() {
            Ok(port) => Ok(Listen::Port(port)),
            Err(_) => text.parse().map(Listen::Address),
        }
    }
}

impl Net {
    /// Whether this address is one of the network's.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip.to_canonical())
    }
}

impl std::str::FromStr for Net {
    type Err = ipnet::AddrParseError;

    /// Reads `10.8.0.0/24`, `fd00::/8`, or an address alone. Bits beyond the prefix do not matter.
    fn from_str(text: &str) -> Result<Net, Self::Err> {
        let net = match text.parse::<IpAddr>() {
            Ok(ip) => IpNet::from(ip),
            Err(_) => text.parse()?,
        };
        // IPv4 addresses that are written as IPv6, like those that they are compared with
        Ok(Net(match (net.addr(), net.prefix_len()) {
            (IpAddr::V6(ip), prefix @ 96..) => match ip.to_ipv4_mapped() {
                Some(ip) => Ipv4Net::new(ip, prefix - 96).map_or(net, IpNet::V4),
                None => net,
            },
            _ => net,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_are_documented() {
        let config = Config::default();
        assert_eq!(config.listen, [Listen::Port(9999)]);
        assert_eq!((config.admin, config.qr), (None, true));
        assert_eq!((config.tls, config.certificate.is_none(), config.data.is_none()), (Tls::On, true, true));
        assert_eq!((config.journal, config.sync), (true, Sync::Interval(Duration::from_millis(100))));
        assert_eq!((config.keep, config.keep_bytes), (Duration::from_secs(2_592_000), 1 << 30));
        assert!(config.password.is_none());
        assert_eq!(config.max_password(), 4094);
        assert_eq!((config.max_connections, config.backlog, config.max_line), (10_000, 4096, 4096));
        assert_eq!((config.max_long_lines, config.long_lines_within), (3, Duration::from_secs(60)));
        assert_eq!((config.max_unended, config.max_before_name), (65_536, 4096));
        assert_eq!((config.max_per_address, config.max_new_per_address), (64, 128));
        assert_eq!((config.max_unnamed, config.max_unnamed_per_address, config.exempt), (4096, 16, Vec::new()));
        assert_eq!((config.outbox, config.max_ignored, config.threads), (1_048_576, 100, 1));
        assert_eq!((config.question_interval, config.max_questions), (Duration::from_secs(1), 256));
        assert_eq!((config.max_bad_names, config.max_password_tries, config.password_tries), (5, 3, 5));
        assert_eq!(config.password_tries_within, Duration::from_secs(30));
        let seconds =
            [config.name_deadline, config.last_words, config.user_timeout, config.shutdown, config.keepalive.idle];
        assert_eq!(seconds.map(|time| time.as_secs()), [60, 60, 60, 9, 30]);
        assert_eq!((config.keepalive.interval.as_secs(), config.keepalive.count), (10, 3));
        assert_eq!((config.silence, config.hello_silence), (Duration::from_millis(300), Duration::from_secs(3)));
        assert_eq!((config.rate, config.rate_burst, config.flood.as_secs()), (2, 10, 300));
        assert_eq!((config.rate_bytes, config.rate_bytes_burst), (16_384, 65_536));
        assert_eq!(config.outbox_total, 268_435_456);
        assert_eq!((config.outbox_soft, config.outbox_time.as_secs(), config.unsent), (262_144, 30, 16_384));
        let probe = [config.probe_silence, config.probe_timeout, config.probe_interval];
        assert_eq!(probe.map(|time| time.as_secs()), [10, 5, 60]);
        let others = [config.handshake, config.ping_after, config.ping_timeout];
        assert_eq!(others.map(|time| time.as_secs()), [5, 60, 30]);
        assert_eq!(config.drain, Drain { time: Duration::from_secs(1), bytes: 65_536 });
    }

    #[test]
    fn connections_leave_64_descriptors_and_those_of_the_other_threads() {
        let config = Config::default();
        assert_eq!(config.connections_within(128), Some(64));
        assert_eq!(config.connections_within(72), Some(8));
        assert_eq!(config.min_descriptors(), 72);
        for few in [0, 50, 64, 70, 71] {
            assert_eq!(config.connections_within(few), None);
        }
        let config = Config { threads: 3, ..config };
        assert_eq!(config.connections_within(128), Some(56));
        assert_eq!(config.connections_within(config.min_descriptors()), Some(8));
        assert_eq!(config.connections_within(config.min_descriptors() - 1), None);
        let with_admin = Config { admin: Some(([127, 0, 0, 1], 9100).into()), ..config.clone() };
        assert_eq!(with_admin.min_descriptors(), config.min_descriptors() + 24);
    }

    #[test]
    fn a_password_is_not_shown() {
        let password = Some(PasswordSource::Given("sésamo".into()));
        let shown = format!("{:#?}", Config { password, ..Config::default() }.clone());
        assert!(shown.contains("Given") && !shown.contains("samo"), "{shown}");
    }

    #[test]
    fn networks_as_people_write_them() {
        let contains = |net: &str, ip: &str| net.parse::<Net>().unwrap().contains(ip.parse().unwrap());
        for (net, inside, outside) in [
            ("10.8.0.0/24", "10.8.0.255", "10.8.1.0"),
            ("10.8.0.77/24", "10.8.0.1", "10.9.0.77"),
            ("192.168.0.7", "192.168.0.7", "192.168.0.8"),
            ("fd00::/8", "fdff::1", "fe80::1"),
            ("::1", "::1", "::2"),
            ("10.8.0.0/24", "::ffff:10.8.0.1", "::ffff:10.8.1.1"),
            ("::ffff:10.8.0.0/120", "10.8.0.1", "10.8.1.1"),
            ("::ffff:10.8.0.1", "10.8.0.1", "10.8.0.2"),
        ] {
            assert!(contains(net, inside) && !contains(net, outside), "{net}");
        }
        assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "::1"));
        for text in
            ["", "/8", "10.8.0.0/33", "fd00::/129", "10.8.0/24", "sala", "10.8.0.0/-1", "10.8.0.0/", "1.2.3.4:9"]
        {
            assert!(text.parse::<Net>().is_err(), "{text}");
        }
    }

    #[test]
    fn all_outboxes_together_take_a_quarter_of_the_memory_at_most() {
        let within = |outbox_total, memory| Config { outbox_total, ..Config::default() }.outbox_total_within(memory);
        assert_eq!(within(1000, 8000), 1000);
        assert_eq!(within(1000, 2000), 500);
        assert_eq!(within(1000, 0), 1000);
        assert_eq!(within(0, 2000), 0);
    }

    #[test]
    fn the_user_timeout_is_the_sum_of_the_keepalive_times() {
        let Keepalive { idle, interval, count } = Config::default().keepalive;
        assert_eq!(Config::default().user_timeout, idle + interval * count);
    }

    #[test]
    fn who_speaks_another_protocol_is_gone_within_five_seconds() {
        let Config { hello_silence, drain, .. } = Config::default();
        assert!(hello_silence + drain.time < Duration::from_secs(5));
    }

    #[test]
    fn a_line_fits_into_a_read_and_into_an_outbox() {
        assert!(*MAX_LINE.end() < crate::dialect::text::codec::READ_SIZE);
        assert!(MAX_LINE.contains(&Config::default().max_line));
        // with the default, even if every character of the line is shown as a picture of three bytes
        let shown = 3 * Config::default().max_line + crate::chat::name::MAX_BYTES + crate::outbox::ENTRY_COST;
        assert!(shown < Config::default().outbox);
        assert!(MIN_OUTBOX_LINES * Config::default().max_line <= Config::default().outbox);
    }

    #[test]
    fn kinds_of_tls_as_people_write_them() {
        for tls in [Tls::Off, Tls::On, Tls::Required] {
            assert_eq!(tls.to_string().parse(), Ok(tls));
        }
        for text in ["", "ON", "yes", "1", "require"] {
            assert_eq!(text.parse::<Tls>(), Err(UnknownTls), "{text}");
        }
    }

    #[test]
    fn places_to_listen_as_people_write_them() {
        assert_eq!("9999".parse(), Ok(Listen::Port(9999)));
        assert_eq!("127.0.0.1:0".parse(), Ok(Listen::Address(([127, 0, 0, 1], 0).into())));
        assert_eq!("[::1]:9999".parse(), Ok(Listen::Address((Ipv6Addr::LOCALHOST, 9999).into())));
        for text in ["", "70000", "localhost", "1.2.3.4", "999.1.1.1:9999", ":9999", "-1"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }
}
