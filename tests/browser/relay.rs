//! A cable between a browser and a server: it counts connections and what they carry, can be cut, and can lose what is sent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

/// Hands connections on to a server.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    cable: Arc<Cable>,
}

#[derive(Default)]
struct Cable {
    is_cut: AtomicBool,
    /// Whether what goes to the server is lost, and what comes from it.
    loses: [AtomicBool; 2],
    /// All ends of all connections that have not been broken.
    ends: Mutex<Vec<TcpStream>>,
    /// What each connection has carried, see [`Relay::carried`].
    carried: Mutex<Vec<[usize; 2]>>,
}

impl Relay {
    pub(crate) fn to(server: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay { address: listener.local_addr().unwrap(), cable: Arc::default() };
        let cable = Arc::clone(&relay.cable);
        spawn(move || {
            for browser in listener.incoming() {
                let Ok(browser) = browser else { break };
                // whoever cuts it waits, and then breaks this one, too
                let mut ends = cable.ends.lock().unwrap();
                if cable.is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                // the server is not there (any more)
                let Ok(server) = TcpStream::connect(server) else { continue };
                ends.extend([&browser, &server].map(|end| end.try_clone().unwrap()));
                let connection = cable.count();
                drop(ends);
                let (back, forth) = (server.try_clone().unwrap(), browser.try_clone().unwrap());
                let pass = Arc::clone(&cable);
                spawn(move || pass.pass_on(browser, server, connection, 0));
                let pass = Arc::clone(&cable);
                spawn(move || pass.pass_on(back, forth, connection, 1));
            }
        });
        relay
    }

    /// How many connections there were.
    pub(crate) fn accepted(&self) -> usize {
        self.cable.carried.lock().unwrap().len()
    }

    /// How many bytes each connection has carried to the server, and from it, in the order in which they were accepted.
    pub(crate) fn carried(&self) -> Vec<[usize; 2]> {
        self.cable.carried.lock().unwrap().clone()
    }

    /// Breaks all connections: neither side has closed them. There will be no other one.
    pub(crate) fn cut(&self) {
        self.cable.is_cut.store(true, Ordering::SeqCst);
        for end in self.cable.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// What is sent to the server from now on is lost.
    pub(crate) fn lose_what_is_sent(&self) {
        self.cable.loses[0].store(true, Ordering::SeqCst);
    }

    /// What the server sends from now on is lost.
    pub(crate) fn lose_what_comes(&self) {
        self.cable.loses[1].store(true, Ordering::SeqCst);
    }

    /// All is as in the beginning.
    pub(crate) fn mend(&self) {
        for flag in self.cable.loses.iter().chain([&self.cable.is_cut]) {
            flag.store(false, Ordering::SeqCst);
        }
    }
}

impl Cable {
    /// There is one more connection. Returns how many there were.
    fn count(&self) -> usize {
        let mut carried = self.carried.lock().unwrap();
        carried.push([0, 0]);
        carried.len() - 1
    }

    /// Passes on what is said, and the end of it.
    fn pass_on(&self, mut from: TcpStream, mut to: TcpStream, connection: usize, direction: usize) {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if self.loses[direction].load(Ordering::SeqCst) {
                continue;
            }
            self.carried.lock().unwrap()[connection][direction] += length;
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }
}
