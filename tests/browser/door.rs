//! The form in which a person gives a name: names that are taken, the room's password, languages, encryption.

use std::sync::Arc;

use papo::password::{Gate, Password};
use papo::room::ChatRoom;
use papo::transport::tls::{Acceptor, Identity};
use serde_json::json;

use super::common::TestServer;
use super::driver::Browser;
use super::server::{self, config};

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn whoever_is_refused_a_name_reads_why_and_gives_another() {
    let server = server::start();
    let mut ana = server.join("Ana");
    let browser = Browser::open(server.address).await;
    let page = browser.page().await;
    for (name, sentence) in [
        ("Ana", "Erro: O nome 'Ana' já está em uso."),
        ("servidor", "Erro: "),
        ("duas palavras", "Erro: "),
        ("", "Escreva um nome para entrar."),
    ] {
        page.knock(name).await;
        page.shows("door-error", sentence).await;
        page.hides("room").await;
        // what is wrong has the focus, so that the next key replaces it
        let chosen = "const field = document.activeElement; \
                      return [field.id, field.ariaInvalid, field.value.slice(field.selectionStart, field.selectionEnd)]";
        assert_eq!(page.run(chosen, &[]).await, json!(["name", "true", name]));
    }
    page.enter("Beto").await;
    page.hides("door").await;
    // she may have been told that somebody asks for her name
    ana.read_to("Beto entrou no chat.");
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_room_with_a_password_asks_for_it_at_the_form() {
    let config = config();
    let password = Password::parse("senha só nossa", 100).unwrap();
    let gate = Arc::new(Gate::new(&password, &config).unwrap());
    let server = TestServer::change(config, ChatRoom::default, move |server| server.with_gate(gate));
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.shows("password-row", "Senha da sala").await;
    ana.knock("Ana").await;
    ana.shows("door-error", "Esta sala pede uma senha.").await;
    ana.fill("#password", "errada").await;
    ana.click("#enter").await;
    ana.shows("door-error", "Erro: Senha errada.").await;
    ana.picture("laptop-light-pt-password-wrong").await;
    ana.fill("#password", "senha só nossa").await;
    ana.enter("Ana").await;
    // nothing that the browser keeps tells it
    let kept = "return JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])";
    let kept = ana.run(kept, &[]).await.to_string();
    assert!(kept.contains("Ana") && !kept.contains("nossa"), "{kept}");
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn over_tls_with_a_certificate_of_nobody_it_is_the_same() {
    let acceptor = Acceptor::new(&Identity::passing().unwrap());
    let server = TestServer::change(config(), ChatRoom::default, move |server| server.with_tls(acceptor));
    let mut beto = server.join("Beto");
    let browser = Browser::open_as(server.address, "https", "pt-BR").await;
    let ana = browser.page().await;
    // there is no line for a terminal that would do
    ana.hides("terminal").await;
    ana.enter("Ana").await;
    beto.expect(&["Ana entrou no chat."]);
    ana.say("cifrado").await;
    beto.expect(&["Ana: cifrado"]);
    beto.send("@ana às claras");
    ana.sees("Beto (privado): às claras").await;
    let sockets: Vec<String> = (browser.network().await.iter())
        .filter(|(method, _)| method == "Network.webSocketCreated")
        .map(|(_, parameters)| parameters["url"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sockets, [format!("wss://{}/ws", server.address)]);
    ana.goto(&browser.url()).await;
    ana.shows("self", "Ana").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn it_speaks_the_language_of_the_browser_and_then_the_one_that_is_chosen() {
    let server = server::start();
    for (language, label, welcome) in [
        ("pt-BR", "Seu nome", "Bem-vindo ao chat, Ana!"),
        ("pt-PT", "Seu nome", "Bem-vindo ao chat, Ana!"),
        ("en-GB", "Your name", "Welcome to the chat, Ana!"),
        // neither of the two: that of the server
        ("de", "Seu nome", "Bem-vindo ao chat, Ana!"),
    ] {
        let browser = Browser::open_as(server.address, "http", language).await;
        let page = browser.page().await;
        page.shows("door", label).await;
        page.enter("Ana").await;
        let lines = page.lines().await;
        assert!(lines[0].starts_with(welcome), "{language}: {lines:?}");
        // what the server says, too
        page.click("#options-open").await;
        let (other, sentence) =
            if label == "Seu nome" { ("en", "joined the chat.") } else { ("pt-BR", "entrou no chat.") };
        page.click(&format!("#options-panel [data-lang={other}]")).await;
        page.until_true(&format!("return document.documentElement.lang === '{other}'")).await;
        page.press("\u{e00c}").await;
        // the switch has gone to the server before this is said
        page.say("/ping").await;
        let is_pong = |lines: &Vec<String>| lines.iter().any(|line| line.starts_with("Pong!"));
        page.until("the pong", || page.lines(), is_pong).await;
        let beto = server.join("Beto");
        page.sees(&format!("Beto {sentence}")).await;
        drop(beto);
        // and it is remembered
        page.goto(&browser.url()).await;
        page.until_true(&format!("return document.documentElement.lang === '{other}'")).await;
        browser.close().await;
    }
}
