//! Connections that a browser opens in advance. The server takes whoever is silent for a person and asks for a name; what it
//! said there would be the answer to the browser's next request.

use papo::room::ChatRoom;
use papo::transport::tls::{Acceptor, Identity};

use super::common::{Client, TestServer, config};
use super::driver::Browser;
use super::relay::Relay;

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
        page.say("/sair").await;
        page.shows("farewell", "Você saiu").await;
        page.goto(&browser.url()).await;
        page.shows("enter", "Entrar").await;
        page.enter("Bia").await;
        browser.close().await;
    }
}
