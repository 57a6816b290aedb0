//! Connections that a browser opens in advance. The server takes whoever is silent for a person and asks for a name; what it
//! said there would be the answer to the browser's next request.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::spawn;

use papo::room::ChatRoom;
use papo::transport::tls::{Acceptor, Identity};

use super::common::{Client, TestServer, config};
use super::driver::Browser;

/// Hands connections on to a server, and counts them.
struct Relay {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Relay {
    fn to(server: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay { address: listener.local_addr().unwrap(), accepted: Arc::default() };
        let accepted = Arc::clone(&relay.accepted);
        spawn(move || {
            for browser in listener.incoming() {
                // the server has gone: the test is over
                let (Ok(browser), Ok(server)) = (browser, TcpStream::connect(server)) else { break };
                accepted.fetch_add(1, Ordering::SeqCst);
                let (back, forth) = (server.try_clone().unwrap(), browser.try_clone().unwrap());
                spawn(move || pass_on(back, forth));
                spawn(move || pass_on(browser, server));
            }
        });
        relay
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Passes on what is said, and the end of it.
fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_page_opens_over_a_connection_that_was_opened_in_advance() {
    for scheme in ["http", "https"] {
        let acceptor = Acceptor::new(&Identity::passing().unwrap());
        let server = TestServer::change(config(), ChatRoom::default, move |server| server.with_tls(acceptor));
        let relay = Relay::to(server.address);
        let browser = Browser::open_as(relay.address, scheme, "pt-BR").await;
        let page = browser.page().await;
        // then the page has all its connections
        page.enter("Ana").await;
        // as long as a connection is left from before, there is no need of another one
        let accepted = relay.accepted();
        let link = "const link = document.createElement('link'); link.rel = 'preconnect'; \
                    link.href = `${location.origin}/?${Math.random()}`; document.head.append(link)";
        let connect = || async {
            page.run(link, &[]).await;
            relay.accepted()
        };
        page.until("a connection in advance", connect, |&now| now > accepted).await;
        // so long that everybody who is silent has been asked by now
        let mut person = Client::connect_from([127, 0, 0, 2], server.address);
        person.expect(&["Informe seu nome para entrar no chat:"]);
        page.goto(&browser.url()).await;
        page.shows("enter", "Entrar").await;
        page.enter("Bia").await;
        browser.close().await;
    }
}
