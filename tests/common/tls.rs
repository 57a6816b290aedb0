//! TLS before a server that need not know of it.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use papo::transport::tls::{Acceptor, Fingerprint, Identity};
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{DEADLINE, wait_until};

/// Takes connections with TLS and makes plain ones of them. Gone when dropped.
pub struct Front {
    pub address: SocketAddr,
    pub acceptor: Acceptor,
    /// Dropped, it stops.
    _stop: oneshot::Sender<()>,
}

impl Front {
    pub fn start(behind: SocketAddr) -> Front {
        Front::start_at(([127, 0, 0, 1], 0).into(), behind)
    }

    /// There, where nobody may be listening any more.
    pub fn start_at(address: SocketAddr, behind: SocketAddr) -> Front {
        let acceptor = Acceptor::new(&Identity::passing().unwrap());
        let listener = RefCell::new(None);
        wait_until("the address is free", || {
            *listener.borrow_mut() = std::net::TcpListener::bind(address).ok();
            listener.borrow().is_some()
        });
        let listener = listener.into_inner().unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        thread::spawn({
            let acceptor = acceptor.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.spawn(serve(listener, acceptor, behind));
                let _ = runtime.block_on(stopped);
            }
        });
        Front { address, acceptor, _stop: stop }
    }

    pub fn fingerprint(&self) -> Fingerprint {
        self.acceptor.fingerprint()
    }
}

/// Takes one connection with TLS, says nothing, and returns everything that it hears.
pub fn overhear() -> (SocketAddr, Fingerprint, JoinHandle<Vec<u8>>) {
    let acceptor = Acceptor::new(&Identity::passing().unwrap());
    let fingerprint = acceptor.fingerprint();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let hearing = async move {
        let (stream, _) = TcpListener::from_std(listener).unwrap().accept().await.unwrap();
        let mut heard = Vec::new();
        // however it ends
        if let Ok(mut client) = acceptor.accept(stream).await {
            let _ = client.read_to_end(&mut heard).await;
        }
        heard
    };
    let thread = thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { timeout(DEADLINE, hearing).await.unwrap() })
    });
    (address, fingerprint, thread)
}

async fn serve(listener: std::net::TcpListener, acceptor: Acceptor, behind: SocketAddr) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // a client that goes away in the middle of it is no matter
            if let Ok(mut client) = acceptor.accept(stream).await
                && let Ok(mut server) = TcpStream::connect(behind).await
            {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
