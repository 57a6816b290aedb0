//! What the server says when it is up: what a person on another device types or opens.
//!
//! It asks the system for the addresses of this machine, and knows nothing of the server but where it listens.

mod best;
mod qr;

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::chat::language::Language;
use crate::chat::text;
use crate::transport::tls::Fingerprint;
use best::Interface;
use log::warn;

/// How a browser comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })
    }
}

/// A server that is up, and the ways to it.
#[derive(Debug)]
pub struct Announcement {
    /// What other devices can use, VPN interfaces included. Empty if the server listens for this machine alone.
    reachable: BTreeSet<SocketAddr>,
    /// Of these the one that is most likely good for a phone.
    best: Option<SocketAddr>,
    /// What this machine itself can use.
    here: BTreeSet<SocketAddr>,
    /// Where the operator's page is.
    admin: Option<SocketAddr>,
    scheme: Scheme,
    /// What people compare who connect with TLS for the first time.
    fingerprint: Option<Fingerprint>,
    language: Language,
}

impl Announcement {
    /// Finds the ways to a server that listens at these addresses, and has the operator's page at `admin`. Its URLs have
    /// this scheme, its words are in this language.
    pub fn new(
        listening: &[SocketAddr],
        admin: Option<SocketAddr>,
        scheme: Scheme,
        fingerprint: Option<Fingerprint>,
        language: Language,
    ) -> Announcement {
        let machine = machine();
        let reachable = reachable(listening, &machine);
        let best = best::best(reachable.iter().copied(), &machine);
        Announcement { reachable, best, here: here(listening), admin, scheme, fingerprint, language }
    }

    /// Prints an `nc` line for each address that another device can use, or this machine if no other one can; then a URL for
    /// each; and last, if there are any, the fingerprint of the certificate and where the operator's page is. Each stands
    /// alone on its line, to be copied.
    ///
    /// # Errors
    /// Those of the output.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (language, version) = (self.language, env!("CARGO_PKG_VERSION"));
        let (sentence, addresses) = if self.reachable.is_empty() {
            (text::serving_here(language, version), &self.here)
        } else {
            (text::serving(language, version), &self.reachable)
        };
        writeln!(out, "{sentence}")?;
        for address in addresses {
            writeln!(out, "nc {} {}", address.ip(), address.port())?;
        }
        writeln!(out, "{}", text::serving_browser(language))?;
        for address in addresses {
            writeln!(out, "{}", self.url(address))?;
        }
        if let Some(fingerprint) = self.fingerprint {
            writeln!(out, "{}", text::tls_fingerprint(language, fingerprint.to_string()))?;
        }
        for address in here(self.admin.as_slice()) {
            writeln!(out, "{}", text::admin_serving(language, format!("http://{address}")))?;
        }
        out.flush()
    }

    /// Shows a terminal the one URL that is most likely good for a phone, as a QR code; nothing if no other device can use the
    /// server. Without `in_colours` it can be read on dark terminals only. All of it is one write, so that no log entry
    /// comes between.
    ///
    /// # Errors
    /// Those of the output.
    pub fn print_qr(&self, in_colours: bool, out: &mut impl Write) -> io::Result<()> {
        let Some(url) = self.best.as_ref().map(|best| self.url(best)) else {
            return Ok(());
        };
        let Some(code) = qr::draw(&url, in_colours) else {
            return Ok(());
        };
        out.write_all(format!("{}\n{code}", text::serving_qr(self.language, url)).as_bytes())?;
        out.flush()
    }

    /// What a browser opens. An IPv6 address stands in brackets.
    fn url(&self, address: &SocketAddr) -> String {
        format!("{}://{address}", self.scheme)
    }
}

/// The addresses of this machine.
fn machine() -> Vec<Interface> {
    let machine = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        warn!("cannot list the addresses of this machine: {error}");
        Vec::new()
    });
    let interface = |one: if_addrs::Interface| Interface {
        ip: one.ip(),
        is_up: one.is_oper_up(),
        is_tunnel: one.is_p2p(),
        name: one.name,
    };
    machine.into_iter().map(interface).collect()
}

/// The addresses at which this machine itself finds the server.
fn here(listening: &[SocketAddr]) -> BTreeSet<SocketAddr> {
    let loopback = |address: &SocketAddr| match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    listening.iter().map(|address| SocketAddr::new(loopback(address), address.port())).collect()
}

/// The addresses at which other devices find the server: IPv4 first, each once.
fn reachable(listening: &[SocketAddr], machine: &[Interface]) -> BTreeSet<SocketAddr> {
    let mut found = BTreeSet::new();
    for address in listening {
        if address.ip().is_unspecified() {
            let family = machine.iter().map(|one| one.ip).filter(|ip| ip.is_ipv4() == address.is_ipv4());
            found.extend(family.map(|ip| SocketAddr::new(ip, address.port())));
        } else {
            found.insert(*address);
        }
    }
    found.into_iter().filter(|address| is_usable_elsewhere(address.ip())).collect()
}

/// Not the loopback, and not an IPv6 address that only means something together with an interface.
fn is_usable_elsewhere(ip: IpAddr) -> bool {
    let is_link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    !ip.is_loopback() && !is_link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn shown(listening: &[&str], machine: &[&str]) -> Vec<String> {
        let interface =
            |ip: &&str| Interface { ip: ip.parse().unwrap(), name: "eth0".into(), is_up: true, is_tunnel: false };
        let machine: Vec<Interface> = machine.iter().map(interface).collect();
        reachable(&addresses(listening), &machine).iter().map(ToString::to_string).collect()
    }

    fn announcement(reachable: &[&str], scheme: Scheme) -> Announcement {
        let reachable: BTreeSet<SocketAddr> = addresses(reachable).into_iter().collect();
        Announcement {
            best: best::best(reachable.iter().copied(), &[]),
            reachable,
            here: addresses(&["127.0.0.1:9999", "[::1]:9999"]).into_iter().collect(),
            admin: None,
            scheme,
            fingerprint: None,
            language: Language::English,
        }
    }

    fn printed(print: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_way_in_has_a_line_for_a_terminal_and_one_for_a_browser() {
        let announcement = announcement(&["192.168.0.7:9999", "[fd00::7]:9999"], Scheme::Http);
        let printed = printed(|out| announcement.print(out));
        let (first, rest) = printed.split_once('\n').unwrap();
        assert!(first.ends_with(" is up. On another device on this network, type:"), "{first}");
        assert_eq!(
            rest,
            "nc 192.168.0.7 9999\nnc fd00::7 9999\nor open in a browser:\nhttp://192.168.0.7:9999\nhttp://[fd00::7]:9999\n"
        );
    }

    #[test]
    fn a_server_for_this_machine_alone_says_so_and_has_nothing_for_phones() {
        let announcement =
            Announcement { admin: addresses(&["127.0.0.1:9100"]).pop(), ..announcement(&[], Scheme::Https) };
        let lines = printed(|out| announcement.print(out));
        let lines: Vec<&str> = lines.lines().collect();
        assert!(lines[0].ends_with("for this computer only. Type:"), "{lines:?}");
        assert_eq!(lines[1..4], ["nc 127.0.0.1 9999", "nc ::1 9999", "or open in a browser:"]);
        assert_eq!(lines[4..6], ["https://127.0.0.1:9999", "https://[::1]:9999"]);
        assert!(lines[6].contains("http://127.0.0.1:9100/metrics") && lines.len() == 7, "{lines:?}");
        assert_eq!(printed(|out| announcement.print_qr(true, out)), "");
    }

    #[test]
    fn a_phone_is_shown_the_best_url() {
        let announcement = announcement(&["26.14.3.9:9999", "192.168.0.7:9999", "[fd00::7]:9999"], Scheme::Https);
        for in_colours in [true, false] {
            let printed = printed(|out| announcement.print_qr(in_colours, out));
            let (sentence, code) = printed.split_once('\n').unwrap();
            assert_eq!(sentence, text::serving_qr(Language::English, "https://192.168.0.7:9999"));
            // any IPv4 address fits into a line, in either language
            let longest = Language::ALL.map(|language| text::serving_qr(language, "https://192.168.100.200:65535"));
            assert!(longest.iter().all(|sentence| sentence.chars().count() <= 80), "{longest:?}");
            assert_eq!(code, qr::draw("https://192.168.0.7:9999", in_colours).unwrap());
        }
    }

    #[test]
    fn every_address_of_the_machine_that_others_can_use() {
        let machine = ["127.0.0.1", "::1", "192.168.0.7", "26.1.2.3", "fe80::1", "fd00::7"];
        assert_eq!(
            shown(&["0.0.0.0:9999", "[::]:9999"], &machine),
            ["26.1.2.3:9999", "192.168.0.7:9999", "[fd00::7]:9999"]
        );
        assert_eq!(shown(&["0.0.0.0:9999"], &machine), ["26.1.2.3:9999", "192.168.0.7:9999"]);
    }

    #[test]
    fn a_chosen_address_stands_for_itself() {
        assert_eq!(shown(&["192.168.0.7:80", "127.0.0.1:80"], &["26.1.2.3"]), ["192.168.0.7:80"]);
        assert_eq!(shown(&["127.0.0.1:9999", "[::1]:9999"], &["26.1.2.3"]), [""; 0]);
    }

    #[test]
    fn a_server_that_nobody_else_can_reach_says_how_this_machine_does() {
        let announced =
            |listening: &[&str]| here(&addresses(listening)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(announced(&["127.0.0.5:7000"]), ["127.0.0.5:7000"]);
        assert_eq!(announced(&["[::]:9999", "0.0.0.0:9999"]), ["127.0.0.1:9999", "[::1]:9999"]);
    }
}
