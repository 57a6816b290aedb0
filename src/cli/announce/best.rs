//! Which of the server's addresses a phone on the same network reaches, as far as addresses and names of interfaces tell.
//! It asks nobody: what the machine has is given to it.

use std::net::{IpAddr, SocketAddr};

/// One address of this machine, and the interface that has it.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub(super) ip: IpAddr,
    /// As the system names it: `eth0`, `Wi-Fi`.
    pub(super) name: String,
    /// Whether it has a connection.
    pub(super) is_up: bool,
    /// Whether there is one other side only, as with a tunnel.
    pub(super) is_tunnel: bool,
}

/// Interfaces of VPNs begin so: of tun/tap, WireGuard, ZeroTier, macOS, dial-up, Tailscale, Hamachi.
const VPN_PREFIXES: &[&str] = &["tun", "tap", "wg", "zt", "utun", "ppp", "ipsec", "tailscale", "ham"];
/// Or, on Windows, hold one of these words.
const VPN_WORDS: &[&str] = &["vpn", "radmin", "hamachi", "zerotier", "wireguard", "tailscale", "openvpn"];
/// Interfaces between a machine and what it runs inside of itself begin so: containers and virtual machines.
const INNER_PREFIXES: &[&str] =
    &["docker", "veth", "br-", "virbr", "lxc", "lxd", "cni", "podman", "vmnet", "vboxnet", "vethernet"];
/// Or, on Windows, hold one of these words.
const INNER_WORDS: &[&str] = &["virtualbox", "vmware", "hyper-v", "wsl"];

/// What is behind an interface, the likeliest way to a phone first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Behind {
    /// A cable or Wi-Fi, as far as one can tell.
    Network,
    /// A VPN, in which the phone may be, too.
    Vpn,
    /// Nothing but this machine.
    Machine,
    /// Nobody: no cable is plugged in.
    Nobody,
}

/// What an address is, the one that people have at home and in a classroom first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// 192.168.0.0/16: most routers.
    Home,
    /// 10.0.0.0/8: most networks larger than that.
    Office,
    /// 172.16.0.0/12: some, and most containers.
    Other,
    /// IPv4 that is not private.
    Public,
    /// IPv6.
    V6,
    /// 169.254.0.0/16: what a machine calls itself when no router gives it an address.
    SelfAssigned,
}

/// The address that is most likely good for a phone; `None` if there are none.
pub(super) fn best(addresses: impl IntoIterator<Item = SocketAddr>, machine: &[Interface]) -> Option<SocketAddr> {
    addresses.into_iter().min_by_key(|address| (behind(address.ip(), machine), kind(address.ip()), *address))
}

fn behind(ip: IpAddr, machine: &[Interface]) -> Behind {
    let interface = machine.iter().find(|interface| interface.ip == ip);
    let name = interface.map(|interface| interface.name.to_lowercase()).unwrap_or_default();
    let is_one_of = |prefixes: &[&str], words: &[&str]| {
        prefixes.iter().any(|prefix| name.starts_with(prefix)) || words.iter().any(|word| name.contains(word))
    };
    if interface.is_some_and(|interface| !interface.is_up) {
        Behind::Nobody
    } else if is_one_of(INNER_PREFIXES, INNER_WORDS) {
        Behind::Machine
    } else if is_of_a_vpn(ip) || interface.is_some_and(|interface| interface.is_tunnel) || {
        is_one_of(VPN_PREFIXES, VPN_WORDS)
    } {
        Behind::Vpn
    } else {
        Behind::Network
    }
}

/// Addresses that VPNs give to their members: 26.0.0.0/8 is Radmin's, 25.0.0.0/8 Hamachi's, and 100.64.0.0/10 (RFC 6598)
/// Tailscale's.
fn is_of_a_vpn(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(ip.octets(), [25 | 26, ..] | [100, 64..=127, ..]),
        IpAddr::V6(_) => false,
    }
}

fn kind(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V6(_) => Kind::V6,
        IpAddr::V4(ip) => match ip.octets() {
            [192, 168, ..] => Kind::Home,
            [10, ..] => Kind::Office,
            [172, 16..=31, ..] => Kind::Other,
            [169, 254, ..] => Kind::SelfAssigned,
            _ => Kind::Public,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best of the addresses of these interfaces, written `name address`.
    #[track_caller]
    fn is_best(expected: &str, interfaces: &[&str]) {
        let machine: Vec<Interface> = interfaces.iter().map(|interface| parse(interface)).collect();
        let addresses: Vec<SocketAddr> = machine.iter().map(|one| SocketAddr::new(one.ip, 9999)).collect();
        for addresses in [addresses.clone(), addresses.into_iter().rev().collect()] {
            let best = best(addresses, &machine).unwrap();
            assert_eq!(best.ip(), expected.parse::<IpAddr>().unwrap(), "{interfaces:?}");
        }
    }

    /// `name address`, and `down` or `tunnel` behind it.
    fn parse(interface: &str) -> Interface {
        let (name, rest) = interface.split_once(' ').unwrap();
        let (ip, state) = rest.split_once(' ').unwrap_or((rest, ""));
        Interface {
            ip: ip.parse().unwrap(),
            name: name.replace('_', " "),
            is_up: state != "down",
            is_tunnel: state == "tunnel",
        }
    }

    #[test]
    fn the_network_at_home_comes_before_vpns_and_these_before_containers() {
        is_best("192.168.0.7", &["eth0 192.168.0.7", "wg0 10.8.0.2", "docker0 172.17.0.1"]);
        is_best("172.20.0.7", &["eth0 172.20.0.7", "wg0 192.168.77.2", "br-1f2e 192.168.16.1", "veth9 10.0.0.1"]);
        is_best("10.8.0.2", &["tun0 10.8.0.2", "virbr0 192.168.122.1"]);
        is_best("10.1.2.3", &["wlan0 10.1.2.3", "zt5u4 192.168.191.5", "utun3 192.168.99.1", "tap0 192.168.98.1"]);
        is_best("10.1.2.3", &["en0 10.1.2.3", "ppp0 192.168.1.1", "x0 192.168.2.1 tunnel"]);
    }

    #[test]
    fn vpns_are_known_by_their_addresses_too() {
        is_best("10.0.0.9", &["Ethernet 10.0.0.9", "Ethernet_2 26.14.3.9", "Ethernet_3 100.101.102.103"]);
        is_best("203.0.113.9", &["eth0 203.0.113.9", "eth1 26.14.3.9", "eth2 25.1.1.1", "eth3 100.64.0.1"]);
        is_best("100.63.0.1", &["eth0 100.63.0.1", "eth1 100.64.0.1"]);
        is_best("26.14.3.9", &["Radmin_VPN 26.14.3.9", "vEthernet_(WSL) 172.29.16.1"]);
    }

    #[test]
    fn names_of_windows() {
        is_best("10.0.0.9", &["Wi-Fi 10.0.0.9", "Radmin_VPN 192.168.3.1", "VirtualBox_Host-Only_Network 192.168.56.1"]);
        is_best("10.0.0.9", &["Conexão_Local 10.0.0.9", "VMware_Network_Adapter_VMnet8 192.168.8.1"]);
    }

    #[test]
    fn private_ipv4_then_other_ipv4_then_ipv6() {
        is_best("192.168.0.7", &["eth0 10.0.0.7", "eth1 172.16.0.7", "eth2 192.168.0.7", "eth3 8.8.4.4"]);
        is_best("10.0.0.7", &["eth0 172.16.0.7", "eth1 10.0.0.7"]);
        is_best("172.31.0.7", &["eth0 172.32.0.7", "eth1 172.31.0.7"]);
        is_best("192.0.2.2", &["eth0 fd00::2", "eth0 192.0.2.2"]);
        is_best("2001:db8::7", &["eth0 2001:db8::7", "docker0 172.17.0.1", "eth1 169.254.3.4"]);
        is_best("169.254.3.4", &["eth1 169.254.3.4", "docker0 172.17.0.1"]);
    }

    #[test]
    fn without_a_cable_an_address_is_the_last_choice() {
        is_best("10.0.0.7", &["eth0 192.168.0.7 down", "wlan0 10.0.0.7"]);
        is_best("192.168.0.7", &["eth0 192.168.0.7 down"]);
    }

    #[test]
    fn an_address_of_no_known_interface_is_as_good_as_any_and_none_is_none() {
        let addresses: [SocketAddr; 2] = ["10.0.0.7:1".parse().unwrap(), "192.168.0.7:2".parse().unwrap()];
        assert_eq!(best(addresses, &[]), Some(addresses[1]));
        assert_eq!(best([], &[parse("eth0 192.168.0.7")]), None);
        // of two ports the lower one, whichever comes first
        let ports: [SocketAddr; 2] = ["10.0.0.7:9999".parse().unwrap(), "10.0.0.7:80".parse().unwrap()];
        assert_eq!(best(ports, &[]), Some(ports[1]));
    }
}
