//! Whose connection it is, as far as an address tells.

use std::net::IpAddr;

/// What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 one, since whoever has one address of such
/// a network has all 2⁶⁴ of them (RFC 4291, 2.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Address {
    /// All of an IPv4 address, also of one that is written as IPv6 (`::ffff:10.0.0.1`).
    V4([u8; 4]),
    /// The network of an IPv6 address.
    V6([u8; 8]),
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Address {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Address::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Address::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn an_ipv4_address_counts_alone_however_it_is_written() {
        assert_ne!(address("10.0.0.1"), address("10.0.0.2"));
        assert_eq!(address("10.0.0.1"), address("::ffff:10.0.0.1"));
        assert_ne!(address("::ffff:10.0.0.1"), address("::ffff:10.0.0.2"));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("::1"), address("0.0.0.1"));
    }
}
