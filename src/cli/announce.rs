//! What the server says when it is up: the line that a person on another device types.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::chat::language::Language;
use crate::chat::text;
use crate::transport::tls::Fingerprint;
use log::warn;

/// Prints one `nc` line for each address of this machine that another device can use, VPN interfaces included; and last,
/// if there is one, where the operator's page is.
///
/// # Errors
/// Those of the output.
pub fn announce(
    listening: &[SocketAddr],
    admin: Option<SocketAddr>,
    language: Language,
    out: &mut impl Write,
) -> io::Result<()> {
    let machine = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        warn!("cannot list the addresses of this machine: {error}");
        Vec::new()
    });
    let machine: Vec<IpAddr> = machine.iter().map(if_addrs::Interface::ip).collect();
    let reachable = reachable(listening, &machine);
    let version = env!("CARGO_PKG_VERSION");
    if reachable.is_empty() {
        writeln!(out, "{}", text::serving_here(language, version))?;
    } else {
        writeln!(out, "{}", text::serving(language, version))?;
    }
    for address in if reachable.is_empty() { here(listening) } else { reachable } {
        writeln!(out, "nc {} {}", address.ip(), address.port())?;
    }
    for address in here(admin.as_slice()) {
        writeln!(out, "{}", text::admin_serving(language, format!("http://{address}")))?;
    }
    out.flush()
}

/// Prints what people compare who connect with TLS for the first time.
///
/// # Errors
/// Those of the output.
pub fn announce_fingerprint(fingerprint: Fingerprint, language: Language, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", text::tls_fingerprint(language, fingerprint.to_string()))?;
    out.flush()
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
fn reachable(listening: &[SocketAddr], machine: &[IpAddr]) -> BTreeSet<SocketAddr> {
    let mut found = BTreeSet::new();
    for address in listening {
        if address.ip().is_unspecified() {
            let family = machine.iter().filter(|ip| ip.is_ipv4() == address.is_ipv4());
            found.extend(family.map(|ip| SocketAddr::new(*ip, address.port())));
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

    fn shown(listening: &[&str], machine: &[&str]) -> Vec<String> {
        let listening: Vec<SocketAddr> = listening.iter().map(|address| address.parse().unwrap()).collect();
        let machine: Vec<IpAddr> = machine.iter().map(|ip| ip.parse().unwrap()).collect();
        reachable(&listening, &machine).iter().map(ToString::to_string).collect()
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
        let announced = |listening: &[&str]| {
            let listening: Vec<SocketAddr> = listening.iter().map(|address| address.parse().unwrap()).collect();
            here(&listening).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(announced(&["127.0.0.5:7000"]), ["127.0.0.5:7000"]);
        assert_eq!(announced(&["[::]:9999", "0.0.0.0:9999"]), ["127.0.0.1:9999", "[::1]:9999"]);
    }
}
