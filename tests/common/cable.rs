//! A cable between a client and a server, which can be pulled.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// Carries every connection that is made to its address to the server behind it.
pub struct Cable {
    pub address: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    behind: SocketAddr,
    wires: Mutex<Vec<Arc<Wire>>>,
    /// Whoever connects is closed at once.
    is_out: AtomicBool,
}

/// A connection through the cable.
struct Wire {
    client: TcpStream,
    server: TcpStream,
    /// What the server says is lost on the way.
    is_mute: AtomicBool,
    is_cut: AtomicBool,
}

impl Cable {
    pub fn to(behind: SocketAddr) -> Cable {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside { behind, wires: Mutex::default(), is_out: AtomicBool::new(false) });
        thread::spawn({
            let inside = Arc::clone(&inside);
            move || listener.incoming().flatten().for_each(|client| carry(client, &inside))
        });
        Cable { address, inside }
    }

    /// Until the cable is pulled, the clients hear nothing, and the server hears them.
    pub fn mute(&self) {
        let wires = self.inside.wires.lock().unwrap();
        wires.iter().for_each(|wire| wire.is_mute.store(true, Ordering::SeqCst));
    }

    /// All connections break, with a reset on both sides. While it `stays_out`, there are no others.
    pub fn pull(&self, stays_out: bool) {
        self.inside.is_out.store(stays_out, Ordering::SeqCst);
        for wire in self.inside.wires.lock().unwrap().drain(..) {
            wire.is_cut.store(true, Ordering::SeqCst);
            for socket in [&wire.client, &wire.server] {
                SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
                // whoever reads from it lets it go, and then it is reset
                let _ = socket.shutdown(Shutdown::Read);
            }
        }
    }

    /// It is in again.
    pub fn plug_in(&self) {
        self.inside.is_out.store(false, Ordering::SeqCst);
    }
}

fn carry(client: TcpStream, inside: &Arc<Inside>) {
    if inside.is_out.load(Ordering::SeqCst) {
        return;
    }
    let Ok(server) = TcpStream::connect(inside.behind) else { return };
    let wire = Arc::new(Wire { client, server, is_mute: AtomicBool::new(false), is_cut: AtomicBool::new(false) });
    inside.wires.lock().unwrap().push(Arc::clone(&wire));
    let back = Arc::clone(&wire);
    thread::spawn(move || wire.copy(&wire.client, &wire.server, || false));
    thread::spawn(move || back.copy(&back.server, &back.client, || back.is_mute.load(Ordering::SeqCst)));
}

impl Wire {
    fn copy(&self, mut from: &TcpStream, mut to: &TcpStream, is_lost: impl Fn() -> bool) {
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut block) {
            if !is_lost() && to.write_all(&block[..count]).is_err() {
                break;
            }
        }
        if !self.is_cut.load(Ordering::SeqCst) {
            let _ = to.shutdown(Shutdown::Write);
        }
    }
}
