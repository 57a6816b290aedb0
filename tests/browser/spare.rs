//! Connections that a browser opens in advance. The server takes whoever is silent for a person and asks for a name; what it
//! said there would be the answer to the browser's next request.
//!
//! A page can ask for such a connection (`rel=preconnect`). Chromium opens one only while it has no other one to this server
//! that a request could take: one that a request has left behind counts, and so does one that Chromium has opened for a request
//! for which another one was free sooner, as it happens on a busy machine. It keeps the latter for a minute.

use papo::room::ChatRoom;
use papo::transport::tls::{Acceptor, Identity};

use super::common::{Client, TestServer};
use super::driver::Browser;
use super::page::Page;
use super::relay::Relay;
use super::server::config;

/// How often it is tried. On a busy machine it may be so long until the next request that the server has closed an encrypted
/// connection, and the browser opens another one.
const TRIES: usize = 5;

/// What the server sends at least if it sends the page.
const PAGE: &[u8] = include_bytes!("../../src/web/page/index.html");

/// Asks the browser for a connection in advance.
const PRECONNECT: &str = r"
    const link = document.createElement('link');
    link.rel = 'preconnect';
    link.href = `${location.origin}/?${Math.random()}`;
    document.head.append(link);
";

/// What a connection that was opened in advance has carried, to the server and from it, before the page was asked for and since.
#[derive(Debug)]
struct Spare {
    before: [usize; 2],
    after: [usize; 2],
}

impl Spare {
    /// Whether it was silent, but for a handshake, and then brought the page.
    fn has_brought_page(&self, scheme: &str) -> bool {
        let was_silent = self.before == [0, 0] || scheme == "https";
        was_silent && self.after[1] >= self.before[1] + PAGE.len()
    }
}

/// Has the browser open a connection in advance, and waits so long that everybody who is silent has been asked by now.
/// Returns how many there were before it.
async fn connect_in_advance(page: &Page<'_>, relay: &Relay, server: &TestServer) -> usize {
    page.enter("Ana").await;
    page.say("/sair").await;
    page.shows("farewell", "Você saiu").await;
    // the page needs no connection any more, and the browser has none left that would do in place of a new one
    relay.cut();
    let spare = relay.accepted();
    relay.mend();
    let connect = || async {
        page.run(PRECONNECT, &[]).await;
        relay.accepted()
    };
    page.until("a connection in advance", connect, |&accepted| accepted > spare).await;
    let mut person = Client::connect_from([127, 0, 0, 2], server.address);
    person.expect(&["Informe seu nome para entrar no chat:"]);
    spare
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
        let mut tries: Vec<Vec<Spare>> = Vec::new();
        while !tries.iter().flatten().any(|spare| spare.has_brought_page(scheme)) {
            assert!(tries.len() < TRIES, "never over a connection that was opened in advance: {tries:?}");
            let first = connect_in_advance(&page, &relay, &server).await;
            let before = relay.carried();
            page.goto(&browser.url()).await;
            page.shows("enter", "Entrar").await;
            let after = relay.carried();
            let spares = (first..before.len()).map(|spare| Spare { before: before[spare], after: after[spare] });
            tries.push(spares.collect());
        }
        page.enter("Bia").await;
        browser.close().await;
    }
}
