//! By which name a request calls this machine, and whether that can be its name.
//!
//! A web page can have its own name resolved to an address of this machine (DNS rebinding), and then talk to it as if it
//! came from here. An address or a name that is known cannot be such a name.

use std::net::IpAddr;

use hyper::Request;
use hyper::header::{self, HeaderMap};
use hyper::http::uri::Authority;

use crate::config::HostName;

/// The names of this machine, beside its addresses and `localhost`.
#[derive(Debug, Default)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// Those names, and that of the machine itself, with and without `.local` (RFC 6762).
    pub fn new(names: &[HostName]) -> Hosts {
        let own = sysinfo::System::host_name().into_iter().flat_map(|name| [format!("{name}.local"), name]);
        Hosts(names.iter().map(ToString::to_string).chain(own).collect())
    }

    /// Whether a request calls this machine by a name that it has, and by no other; one that calls it by none does not come
    /// from a page.
    pub fn are_called_by<B>(&self, request: &Request<B>) -> bool {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        hosts.all(|host| host.to_str().is_ok_and(|host| self.contain(host)))
            && request.uri().authority().is_none_or(|host| self.contain(host.as_str()))
    }

    /// Whether `HOST[:PORT]` is an address, `localhost`, or one of these.
    fn contain(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let host = authority.host();
        let is_name = |name: &str| host.eq_ignore_ascii_case(name);
        is_name("localhost")
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
            || self.0.iter().any(|name| is_name(name))
    }
}

/// Whether a request comes from a page of this server, or from no page at all: a browser says from which one.
pub fn is_of_own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let text = |value: &header::HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let origin = text(origin);
    let page = ["http://", "https://"].into_iter().find_map(|scheme| origin.strip_prefix(scheme));
    let host = headers.get(header::HOST).map(text);
    page.is_some_and(|page| !page.is_empty()) && page == host.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_known_names_are_this_machine_and_other_names_are_not() {
        let hosts = Hosts(vec!["sala".to_owned(), "chat.example.com".to_owned()]);
        for host in [
            "127.0.0.1",
            "127.0.0.1:9100",
            "localhost",
            "LOCALHOST:1",
            "[::1]:9100",
            "[::1]",
            "192.168.0.7:80",
            "Sala:9999",
            "chat.example.com",
        ] {
            assert!(hosts.contain(host), "{host}");
        }
        for host in [
            "example.com",
            "example.com:9100",
            "127.0.0.1.example.com",
            "localhost.example.com",
            "sala.example.com",
            "",
            ":80",
            "a b",
        ] {
            assert!(!hosts.contain(host), "{host}");
        }
    }

    #[test]
    fn a_page_of_another_server_is_told_by_its_origin() {
        let headers = |origin: &'static str, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, header::HeaderValue::from_static(origin));
            headers.insert(header::HOST, header::HeaderValue::from_static(host));
            headers
        };
        assert!(is_of_own_page(&HeaderMap::new()));
        for (origin, host) in [
            ("http://192.168.0.7:9999", "192.168.0.7:9999"),
            ("https://192.168.0.7:9999", "192.168.0.7:9999"),
            ("http://Sala:9999", "sala:9999"),
            ("http://[fd00::7]:9999", "[fd00::7]:9999"),
        ] {
            assert!(is_of_own_page(&headers(origin, host)), "{origin}");
        }
        for (origin, host) in [
            ("http://example.com", "192.168.0.7:9999"),
            ("http://192.168.0.7", "192.168.0.7:9999"),
            ("http://192.168.0.7:8080", "192.168.0.7:9999"),
            ("null", "192.168.0.7:9999"),
            ("", ""),
            ("http://", ""),
            ("192.168.0.7:9999", "192.168.0.7:9999"),
            ("http://192.168.0.7:9999.example.com", "192.168.0.7:9999"),
            ("http://evil@192.168.0.7:9999", "192.168.0.7:9999"),
        ] {
            assert!(!is_of_own_page(&headers(origin, host)), "{origin}");
        }
        let mut alone = headers("http://", "x");
        alone.remove(header::HOST);
        assert!(!is_of_own_page(&alone));
    }
}
