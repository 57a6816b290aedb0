//! Where somebody comes from, and whether limits for one address apply there.

use std::net::IpAddr;

use super::Address;
use crate::config::Net;

/// Where a connection comes from, and whether the limits for one address apply there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    pub(crate) address: Address,
    pub(crate) is_exempt: bool,
}

impl Origin {
    /// That of a connection from this address, if the limits for one address do not apply to these networks.
    pub fn of(ip: IpAddr, exempt: &[Net]) -> Origin {
        Origin { address: Address::from(ip), is_exempt: exempt.iter().any(|net| net.contains(ip)) }
    }
}
