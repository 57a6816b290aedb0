//! Whether the other side of a TCP connection has stopped answering, as the kernel sees it. Linux only: nowhere else can a
//! program without special rights ask for it.
//!
//! The tables in `/proc/net` (proc(5), `tcp` and `tcp6`) say of each connection whether the kernel sends something again,
//! and how often it has done so in vain. A peer that is there and only does not read acknowledges all the same, so this
//! tells the two apart, which a short `TCP_USER_TIMEOUT` does not; nor does that one look again at what was sent before.

use tokio::net::TcpStream;

/// Whether what was sent to the peer has been sent again at least three times, and is still not acknowledged: with the usual
/// first pause of 200 ms, the peer has not answered for 1.4 s at least.
#[cfg(target_os = "linux")]
pub(super) fn is_unanswered(stream: &TcpStream) -> bool {
    linux::inode_of(stream).is_some_and(|inode| linux::unanswered().contains(&inode))
}

/// Nobody knows.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_unanswered(_: &TcpStream) -> bool {
    false
}

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::rc::Rc;
    use std::time::{Duration, Instant};

    use tokio::net::TcpStream;

    const MIN_RETRANSMITS: u32 = 3;

    /// The tables are read no more often than this: with ten thousand connections, that takes some milliseconds.
    const INTERVAL: Duration = Duration::from_secs(1);

    /// The number by which the tables call a socket.
    pub(super) fn inode_of(stream: &TcpStream) -> Option<u64> {
        let link = fs::read_link(format!("/proc/self/fd/{}", stream.as_raw_fd())).ok()?;
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    }

    /// The sockets whose peers do not answer, as of a moment ago.
    pub(super) fn unanswered() -> Rc<HashSet<u64>> {
        type Read = (Instant, Rc<HashSet<u64>>);
        thread_local! {
            static LAST: RefCell<Option<Read>> = const { RefCell::new(None) };
        }
        LAST.with_borrow_mut(|last| match last {
            Some((at, sockets)) if at.elapsed() < INTERVAL => Rc::clone(sockets),
            _ => {
                let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/thread-self/net/{name}")));
                let lines = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
                let sockets = Rc::new(lines.filter_map(unanswered_socket).collect());
                *last = Some((Instant::now(), Rc::clone(&sockets)));
                sockets
            }
        })
    }

    /// The socket of this line of a table, if its peer does not answer.
    fn unanswered_socket(line: &str) -> Option<u64> {
        let field = |number| line.split_ascii_whitespace().nth(number);
        // 01 is the timer of a retransmission, 04 that of a peer with a closed window
        let is_sent_again = field(5)?.starts_with("01:");
        let retransmits = u32::from_str_radix(field(6)?, 16).ok()?;
        (is_sent_again && retransmits >= MIN_RETRANSMITS).then(|| field(9)?.parse().ok())?
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::net::Ipv4Addr;
        use tokio::net::TcpListener;

        #[test]
        fn lines_of_the_table() {
            let line = |timer: &str, retransmits: &str| {
                let addresses = "0100007F:270F 0100007F:C350";
                format!(
                    "  12: {addresses} 01 00000040:00000000 {timer}:00000123 {retransmits}  0  0 4242 2 0 20 4 30 10 -1"
                )
            };
            assert_eq!(unanswered_socket(&line("01", "00000003")), Some(4242));
            assert_eq!(unanswered_socket(&line("01", "0000000A")), Some(4242));
            assert_eq!(unanswered_socket(&line("01", "00000002")), None);
            assert_eq!(unanswered_socket(&line("04", "00000009")), None);
            assert_eq!(unanswered_socket(&line("00", "00000000")), None);
            assert_eq!(unanswered_socket(""), None);
        }

        #[actix_rt::test]
        async fn a_connection_is_in_the_table_and_its_peer_answers() {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let inode = inode_of(&stream).unwrap().to_string();
            let table = fs::read_to_string("/proc/thread-self/net/tcp").unwrap();
            assert!(table.lines().any(|line| line.split_ascii_whitespace().nth(9) == Some(&inode)), "{table}");
            assert!(!super::super::is_unanswered(&stream));
        }
    }
}
