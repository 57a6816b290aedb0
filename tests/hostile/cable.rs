//! A cable that is pulled, and no word of it to anybody: two network namespaces, the server in one and its peer in the other,
//! joined by a pair of virtual interfaces. A false neighbour entry at both ends sends every frame to nobody, and takes
//! neither a firewall nor a traffic shaper.
//!
//! They need root and `ip netns`, so they run only when asked for:
//!
//! ```text
//! cargo test --test hostile -- --ignored cable::
//! ```

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use papo::config::{Config, Keepalive, Listen};
use papo::room::ChatRoom;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::common::{Client, TestServer, config};
use crate::witness::Witness;

/// Frames to here reach nobody.
const NOBODY: &str = "02:00:00:00:00:01";

/// Runs `ip`.
#[track_caller]
fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("iproute2");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A test process that was killed could not remove its namespaces.
fn remove_what_the_dead_left() {
    for namespace in std::fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = namespace.file_name().into_string().unwrap_or_default();
        let process = name.strip_prefix("papo-").and_then(|rest| rest.split_once('-'));
        if let Some((process, _)) = process
            && process.parse::<u32>().is_ok()
            && !Path::new("/proc").join(process).exists()
        {
            // another test may be about it, too
            let _ = Command::new("ip").args(["netns", "del", &name]).output();
        }
    }
}

/// Two namespaces and the cable between them. Gone when dropped.
struct Cable {
    ends: [String; 2],
}

impl Cable {
    const SERVER: usize = 0;
    const PEER: usize = 1;

    fn plug() -> Cable {
        remove_what_the_dead_left();
        static CABLES: AtomicU8 = AtomicU8::new(0);
        let (process, number) = (std::process::id(), CABLES.fetch_add(1, Ordering::Relaxed));
        let ends = ["s", "p"].map(|end| format!("papo-{process}-{number}{end}"));
        let cable = Cable { ends };
        let [server, peer] = &cable.ends;
        for end in [server, peer] {
            ip(&format!("netns add {end}"));
            ip(&format!("-n {end} link set lo up"));
        }
        ip(&format!("-n {server} link add papo0 type veth peer name papo0 netns {peer}"));
        for (place, end) in cable.ends.iter().enumerate() {
            ip(&format!("-n {end} addr add {}/24 dev papo0", Cable::address(place)));
            ip(&format!("-n {end} link set papo0 up"));
        }
        cable
    }

    /// One of TEST-NET-2 (RFC 5737), which no network of this machine has.
    fn address(place: usize) -> IpAddr {
        [198, 51, 100, 1 + place as u8].into()
    }

    fn pull(&self) {
        for (place, end) in self.ends.iter().enumerate() {
            let other = Cable::address(1 - place);
            ip(&format!("-n {end} neigh replace {other} lladdr {NOBODY} nud permanent dev papo0"));
        }
    }

    fn put_back(&self) {
        for (place, end) in self.ends.iter().enumerate() {
            ip(&format!("-n {end} neigh del {} dev papo0", Cable::address(1 - place)));
        }
    }

    /// Does something at one end: what it opens there stays there.
    fn at<T: Send>(&self, place: usize, deed: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.ends[place])).unwrap();
        std::thread::scope(|scope| {
            let there = scope.spawn(move || {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                deed()
            });
            there.join().unwrap()
        })
    }

    /// A server at its end, for all addresses.
    fn serve(&self, config: Config) -> TestServer {
        let listen = vec![Listen::Address(([0, 0, 0, 0], 0).into())];
        self.at(Cable::SERVER, || TestServer::with(Config { listen, ..config }, ChatRoom::default))
    }

    /// A member beside the server, whom no cable concerns.
    fn neighbour(&self, server: &TestServer, name: &str) -> Client {
        let address = SocketAddr::from(([127, 0, 0, 1], server.address.port()));
        self.at(Cable::SERVER, || Client::join(address, name))
    }

    /// A member at the other end.
    fn member(&self, server: &TestServer, name: &str) -> Client {
        let address = SocketAddr::new(Cable::address(Cable::SERVER), server.address.port());
        self.at(Cable::PEER, || Client::join(address, name))
    }

    /// The witnesses are beside the server.
    fn witness(&self, server: &TestServer) -> Witness {
        let address = SocketAddr::from(([127, 0, 0, 1], server.address.port()));
        self.at(Cable::SERVER, || Witness::at(address))
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for end in &self.ends {
            // the interfaces go with it; an end that was never made cannot
            let _ = Command::new("ip").args(["netns", "del", end]).output();
        }
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const OFF: Duration = Duration::ZERO;

#[test]
#[ignore = "needs root and ip netns"]
fn a_silent_member_behind_a_pulled_cable_is_gone_in_the_time_of_the_keepalive() {
    let cable = Cable::plug();
    let keepalive = Keepalive { idle: seconds(2), interval: seconds(1), count: 3 };
    // as in the defaults, the sum of the times; nobody says anything, so that nothing waits for an acknowledgement
    let server = cable.serve(Config { keepalive, user_timeout: seconds(5), ..config() });
    let mut ana = cable.neighbour(&server, "Ana");
    let beto = cable.member(&server, "Beto");
    ana.expect(&["Beto entrou no chat."]);
    // whoever answers the probes stays, however silent
    std::thread::sleep(seconds(7));
    ana.expect_nothing();
    let start = Instant::now();
    cable.pull();
    ana.expect(&["Beto saiu do chat (conexão perdida)."]);
    assert!(start.elapsed() > seconds(2), "{:?}", start.elapsed());
    // the name is free
    let mut beto_again = cable.neighbour(&server, "Beto");
    ana.expect(&["Beto entrou no chat."]);
    beto_again.send("oi");
    ana.expect(&["Beto: oi"]);
    drop(beto);
}

#[test]
#[ignore = "needs root and ip netns"]
fn a_member_behind_a_pulled_cable_to_whom_lines_are_on_their_way_is_gone_in_the_user_timeout() {
    let cable = Cable::plug();
    // with data on its way the system does not probe, so that the keepalive finds out nothing
    let keepalive = Keepalive { idle: OFF, ..Config::default().keepalive };
    let server = cable.serve(Config { keepalive, user_timeout: seconds(4), ..config() });
    let witness = cable.witness(&server);
    let mut ana = cable.neighbour(&server, "Ana");
    let beto = cable.member(&server, "Beto");
    let start = Instant::now();
    cable.pull();
    ana.read_to("Beto saiu do chat (conexão perdida).");
    assert!(start.elapsed() > seconds(3), "{:?}", start.elapsed());
    witness.goes_on(2);
    let others = witness.stop();
    assert_eq!(others.iter().filter(|line| line.contains("saiu")).count(), 1, "{others:?}");
    drop(beto);
}

#[test]
#[ignore = "needs root and ip netns"]
fn a_cable_that_is_put_back_in_time_cuts_nobody_and_loses_nothing() {
    // no more than the systems at both ends hold
    const LINES: usize = 100;
    let cable = Cable::plug();
    let keepalive = Keepalive { idle: seconds(1), interval: seconds(1), count: 3 };
    let server = cable.serve(Config { keepalive, user_timeout: seconds(30), ..config() });
    let witness = cable.witness(&server);
    let mut ana = cable.neighbour(&server, "Ana");
    let mut beto = cable.member(&server, "Beto");
    let silent = cable.member(&server, "Calada");
    cable.pull();
    let numbered = |i| format!("{i} {}", "x".repeat(200));
    for i in 0..LINES {
        ana.send(&numbered(i));
        beto.send(&numbered(i));
    }
    std::thread::sleep(seconds(3));
    witness.goes_on(1);
    cable.put_back();
    for (client, from) in [(&mut ana, "Beto"), (&mut beto, "Ana")] {
        for i in 0..LINES {
            client.read_to(&format!("{from}: {}", numbered(i)));
        }
    }
    witness.goes_on(2);
    let others = witness.stop();
    assert!(!others.iter().any(|line| line.contains("saiu")), "{}", others.len());
    for from in ["Ana", "Beto"] {
        let said: Vec<&String> = others.iter().filter(|line| line.starts_with(&format!("{from}: "))).collect();
        assert_eq!(said.len(), LINES);
    }
    drop(silent);
}

#[test]
#[ignore = "needs root and ip netns"]
fn whoever_comes_back_after_the_cable_was_pulled_has_the_old_name_within_seconds() {
    let cable = Cable::plug();
    let probes = Config { probe_silence: seconds(1), probe_timeout: seconds(2), max_bad_names: 0, ..config() };
    let server = cable.serve(Config { user_timeout: seconds(60), ..probes });
    let witness = cable.witness(&server);
    let ghost = cable.member(&server, "Beto");
    cable.pull();
    std::thread::sleep(seconds(1));
    let start = Instant::now();
    let address = SocketAddr::from(([127, 0, 0, 1], server.address.port()));
    let mut beto = cable.at(Cable::SERVER, || Client::connect(address));
    beto.send("Beto");
    loop {
        let answer = beto.line();
        if answer.starts_with("Bem-vindo ao chat, Beto!") {
            break;
        }
        if answer.contains("já está em uso") {
            assert!(start.elapsed() < seconds(15), "the name is never free");
            std::thread::sleep(Duration::from_millis(200));
            beto.send("Beto");
        }
    }
    witness.goes_on(1);
    witness.stop();
    drop(ghost);
}
