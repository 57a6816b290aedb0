//! The connection is lost, or the page is loaded again, and nothing else is: the same member comes back.

use std::process::Command;
use std::time::Duration;

use papo::config::Config;
use papo::room::ChatRoom;
use serde_json::json;

use super::common::program::{Program, papo};
use super::common::{Client, TestServer};
use super::driver::Browser;
use super::page::Page;
use super::relay::Relay;
use super::server::{self, config};

/// What a browser notes of a connection that breaks, or cannot be made.
const BROKEN: &str = "WebSocket connection to";

/// Nobody is told of a loss within the time of a test.
fn patient() -> TestServer {
    let config =
        Config { grace: Duration::from_secs(3600), resume_window: Duration::from_secs(7200), history: 50, ..config() };
    TestServer::with(config, ChatRoom::default)
}

/// Cuts the cable, and waits until the page says so.
async fn cut(relay: &Relay, page: &Page<'_>) {
    relay.cut();
    page.shows("state", "Nova tentativa em").await;
}

/// Mends it, and waits until the page is back.
async fn mend(relay: &Relay, page: &Page<'_>) {
    relay.mend();
    hurry(page).await;
}

/// Waits until the page is back, and not as long as it would wait by itself, should a try be under way that is in vain.
async fn hurry(page: &Page<'_>) {
    let hurry = || async {
        page.run("document.querySelector('#state[data-phase=waiting] button')?.click()", &[]).await;
        page.text("state").await
    };
    page.until("it is back", hurry, Option::is_none).await;
}

async fn people(page: &Page<'_>, expected: &[&str]) {
    let names = "return [...document.querySelectorAll('#people [data-name]')].map((row) => row.dataset.name).sort()";
    page.until("these people", || page.run(names, &[]), |names| *names == json!(expected)).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn whoever_is_lost_is_back_with_what_was_missed_and_nobody_hears_of_it() {
    let server = patient();
    let mut beto = server.join("Beto");
    let mut zeca = server.join("Zeca");
    beto.expect(&["Zeca entrou no chat."]);
    let relay = Relay::to(server.address);
    let browser = Browser::open(relay.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    beto.expect(&["Ana entrou no chat."]);
    ana.say("/ignorar zeca").await;
    ana.until("Zeca is hidden", || ana.lines(), |lines| lines.iter().any(|line| line.contains("Zeca"))).await;
    for round in 1..=2 {
        cut(&relay, &ana).await;
        beto.send(&format!("caiu {round}?"));
        beto.send(&format!("@ana psiu {round}"));
        zeca.send("spam");
        beto.expect(&["Zeca: spam"]);
        mend(&relay, &ana).await;
        ana.sees(&format!("Beto (privado): psiu {round}")).await;
        beto.send(&format!("voltou {round}"));
        ana.sees(&format!("Beto: voltou {round}")).await;
    }
    beto.expect_nothing();
    let lines = ana.lines().await;
    let expected = ["caiu 1?", "psiu 1", "voltou 1", "caiu 2?", "psiu 2", "voltou 2"];
    let heads = ["Beto: ", "Beto (privado): ", "Beto: "].into_iter().cycle();
    let expected: Vec<_> = heads.zip(expected).map(|(head, text)| format!("{head}{text}")).collect();
    assert_eq!(lines[lines.len() - 6..], expected, "{lines:?}");
    people(&ana, &["Ana", "Beto", "Zeca"]).await;
    browser.close_after(&[BROKEN]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn what_was_sent_as_the_connection_broke_and_afterwards_is_said_once_and_in_order() {
    let server = patient();
    let mut beto = server.join("Beto");
    let relay = Relay::to(server.address);
    let browser = Browser::open(relay.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    beto.expect(&["Ana entrou no chat."]);
    // it arrives, and its acknowledgement does not
    relay.lose_what_comes();
    ana.say("chegou").await;
    beto.expect(&["Ana: chegou"]);
    ana.say("@beto psiu").await;
    beto.expect(&["Ana (privado): psiu"]);
    ana.say("/eu acena").await;
    beto.expect(&["* Ana acena"]);
    beto.send("vi");
    // it does not arrive
    relay.lose_what_is_sent();
    ana.say("no caminho").await;
    ana.say("/privado beto só para você").await;
    cut(&relay, &ana).await;
    // there is nothing to send it by
    ana.say("depois").await;
    ana.sees("[pending] você: depois").await;
    ana.on_laptop().await;
    ana.picture("laptop-light-pt-waiting").await;
    // what is private stays in the box
    ana.say("@beto fica").await;
    ana.shows("hint", "fica aqui até poder ser enviado").await;
    assert!(ana.lines().await.iter().all(|line| !line.contains("fica")));
    mend(&relay, &ana).await;
    beto.expect(&["Ana: no caminho", "Ana (privado): só para você", "Ana: depois"]);
    ana.click("#send").await;
    beto.expect(&["Ana (privado): fica"]);
    ana.sees("para Beto (privado): fica").await;
    ana.until("all is acknowledged", || ana.lines(), |lines| lines.iter().all(|line| !line.starts_with('['))).await;
    beto.expect_nothing();
    let lines = ana.lines().await;
    let mut own: Vec<&str> = lines.iter().skip(1).map(String::as_str).collect();
    // a whisper has no place among what everybody reads
    own.retain(|line| !line.contains("(privado)"));
    assert_eq!(own, ["você: chegou", "* Ana acena", "Beto: vi", "você: no caminho", "você: depois"], "{lines:?}");
    let private = lines.iter().filter(|line| line.contains("(privado)")).count();
    assert_eq!(private, 3, "{lines:?}");
    assert_eq!(ana.run("return sessionStorage.getItem('papo.waiting')", &[]).await, json!(null));
    browser.close_after(&[BROKEN]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_whisper_is_not_sent_again_to_whoever_has_taken_the_name() {
    let server = patient();
    let mut beto = server.join("Beto");
    let mut caio = server.join("Caio");
    beto.expect(&["Caio entrou no chat."]);
    let relay = Relay::to(server.address);
    let browser = Browser::open(relay.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    beto.send("@ana oi");
    ana.sees("Beto (privado): oi").await;
    relay.lose_what_is_sent();
    ana.say("@beto segredo").await;
    ana.say("/responder outro").await;
    cut(&relay, &ana).await;
    beto.send("/sair");
    caio.read_to("Beto saiu do chat.");
    caio.send("/nome Beto");
    caio.send("@ana agora sou eu");
    mend(&relay, &ana).await;
    ana.sees("Beto (privado): agora sou eu").await;
    for failed in ["[failed] para Beto (privado): segredo", "[failed] resposta (privado): outro"] {
        ana.sees(failed).await;
    }
    ana.say("fim").await;
    caio.expect(&["Caio agora é Beto.", "Ana: fim"]);
    browser.close_after(&[BROKEN]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_tab_that_is_loaded_again_is_the_same_member() {
    let server = patient();
    let mut beto = server.join("Beto");
    beto.send("antes");
    let relay = Relay::to(server.address);
    let browser = Browser::open(relay.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    beto.expect(&["Ana entrou no chat."]);
    ana.sees("Beto: antes").await;
    ana.say("oi").await;
    beto.expect(&["Ana: oi"]);
    ana.sees("você: oi").await;
    // the browser has thrown the page away, and what was being said with it
    relay.lose_what_is_sent();
    ana.say("no caminho").await;
    ana.sees("[pending] você: no caminho").await;
    ana.goto("about:blank").await;
    // the server has not heard of that
    relay.cut();
    relay.mend();
    beto.send("sem você");
    beto.send("@ana psiu");
    ana.goto(&browser.url()).await;
    ana.shows("self", "Ana").await;
    beto.expect(&["Ana: no caminho"]);
    ana.sees("você: no caminho").await;
    ana.reload().await;
    ana.sees("você: no caminho").await;
    beto.send("fim");
    let lines = ana.sees("Beto: fim").await;
    beto.expect_nothing();
    assert_eq!(lines, ["Beto: antes", "você: oi", "Beto: sem você", "você: no caminho", "Beto: fim"]);
    people(&ana, &["Ana", "Beto"]).await;
    // another tab knows nothing of it
    let other = browser.another_page().await;
    other.shows("door", "Seu nome").await;
    // and whoever leaves leaves nothing
    ana.say("/sair").await;
    ana.shows("farewell", "Você saiu do chat.").await;
    assert_eq!(ana.run("return sessionStorage.length", &[]).await, 0);
    ana.reload().await;
    ana.shows("door", "Seu nome").await;
    browser.close_after(&[BROKEN]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn of_two_windows_the_last_one_goes_on_and_the_other_one_waits_for_a_person() {
    let server = patient();
    let mut beto = server.join("Beto");
    let relay = Relay::to(server.address);
    let browser = Browser::open(relay.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    beto.expect(&["Ana entrou no chat."]);
    // a window that a page opens begins with what its tab has kept, as a duplicated tab does
    let before = browser.client.windows().await.unwrap();
    ana.run("window.open(location.href)", &[]).await;
    let another = || async {
        let windows = browser.client.windows().await.unwrap();
        windows.into_iter().find(|window| !before.contains(window))
    };
    let tab = ana.until("another window", another, Option::is_some).await.unwrap();
    let copy = Page { browser: &browser, tab };
    copy.shows("self", "Ana").await;
    copy.hides("state").await;
    ana.shows("state", "A conversa continua em outra janela.").await;
    copy.say("aqui").await;
    beto.expect(&["Ana: aqui"]);
    // what would come back is back by now
    let connections = relay.accepted();
    ana.run("window.dispatchEvent(new Event('online')); window.dispatchEvent(new Event('pageshow'))", &[]).await;
    ana.shows("state", "A conversa continua em outra janela.").await;
    assert_eq!(relay.accepted(), connections);
    ana.on_laptop().await;
    ana.picture("laptop-light-pt-replaced").await;
    // a person decides, and then it is the other way round
    let button = ana.shows("state", "Continuar aqui").await;
    assert!(!button.contains("Nova tentativa"), "{button}");
    ana.click("#state button").await;
    ana.hides("state").await;
    copy.shows("state", "A conversa continua em outra janela.").await;
    ana.sees("você: aqui").await;
    ana.say("e aqui").await;
    beto.expect(&["Ana: e aqui"]);
    // loaded again, it does not take it back
    copy.reload().await;
    copy.shows("door", "Seu nome").await;
    ana.hides("state").await;
    beto.expect_nothing();
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn whoever_has_missed_too_much_is_told_so() {
    let server = patient();
    let mut beto = server.join("Beto");
    let relay = Relay::to(server.address);
    let browser = Browser::open(relay.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    cut(&relay, &ana).await;
    for i in 0..=1000 {
        beto.send(&format!("muito {i}"));
    }
    beto.expect(&["Ana entrou no chat."]);
    beto.expect_nothing();
    mend(&relay, &ana).await;
    let lines = ana.sees("Beto: muito 1000").await;
    let gap = lines.iter().position(|line| line.starts_with("você ficou fora ")).unwrap();
    assert_eq!(lines[gap + 1..].len(), 50, "{lines:?}");
    assert!(lines.iter().all(|line| !line.starts_with("Até aqui")), "{lines:?}");
    browser.close_after(&[BROKEN]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn after_a_restart_with_the_same_journal_everybody_is_back_without_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let start = |listen: &str| -> Command {
        let mut command = papo(&["--listen", listen, "--grace", "0", "--data"]);
        command.arg(directory.path()).env_remove("PAPO_NO_JOURNAL");
        command
    };
    let mut server = Program::spawn(start("127.0.0.1:0"));
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    let beto = browser.another_page().await;
    beto.enter("Beto").await;
    ana.say("antes").await;
    beto.sees("Ana: antes").await;
    ana.sees("você: antes").await;
    for signal in ["TERM", "KILL"] {
        let before = ana.lines().await.len();
        server.signal(signal);
        for page in [&ana, &beto] {
            page.shows("state", "Nova tentativa em").await;
        }
        ana.say(&format!("durante {signal}")).await;
        beto.say("/eu espera").await;
        super::common::program::wait(&mut server.child);
        server = Program::spawn_at(start(&server.address.to_string()), server.address);
        for page in [&ana, &beto] {
            hurry(page).await;
        }
        for page in [&ana, &beto] {
            people(page, &["Ana", "Beto"]).await;
        }
        beto.sees(&format!("Ana: durante {signal}")).await;
        let is_whole = |lines: &Vec<String>| {
            lines[before..].contains(&"* Beto espera".to_owned()) && lines.iter().all(|line| !line.starts_with('['))
        };
        ana.until("all is there and acknowledged", || ana.lines(), is_whole).await;
        let lines = ana.lines().await;
        let mut new: Vec<_> = lines[before..].to_vec();
        new.retain(|line| !line.starts_with("O servidor está encerrando"));
        new.sort();
        assert_eq!(new, ["* Beto espera".to_owned(), format!("você: durante {signal}")], "{lines:?}");
    }
    browser.close_after(&[BROKEN]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_name_that_is_kept_for_somebody_is_refused_like_one_that_is_taken() {
    // a loss is told at once
    let server = server::start();
    let mut beto = server.join("Beto");
    let (program, _) = Client::join_as_program(server.address, "Ana", None);
    program.reset();
    beto.read_to("Ana saiu do chat (conexão perdida).");
    let browser = Browser::open(server.address).await;
    let page = browser.page().await;
    page.knock("Ana").await;
    page.shows("door-error", "Erro: O nome 'Ana' está guardado").await;
    page.hides("room").await;
    page.enter("Bia").await;
    browser.close().await;
}
