//! The server goes, and comes back.

use super::common::program::{Program, papo};
use super::driver::Browser;

/// What a browser notes of an attempt to connect to a server that is not there.
const NOT_THERE: &str = "net::ERR_CONNECTION_REFUSED";

/// Thirty messages.
const FLOOD: &str = r"
    const box = document.getElementById('box');
    for (let i = 0; i < 30; i += 1) {
        box.value = `linha ${i}`;
        box.dispatchEvent(new InputEvent('input', { bubbles: true }));
        document.getElementById('send').click();
    }
";

/// A server that listens where another one has listened.
fn again(old: &Program) -> Program {
    Program::spawn_at(papo(&["--listen", &old.address.to_string()]), old.address)
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn after_a_restart_it_is_back_by_itself_and_nothing_that_was_written_is_lost() {
    let mut server = Program::start(&[]);
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    ana.say("antes").await;
    ana.sees("você: antes").await;
    // stopped in good order, and killed
    for (signal, sentence) in [("TERM", "O servidor está encerrando."), ("KILL", "Conexão perdida.")] {
        server.signal(signal);
        ana.shows("state", sentence).await;
        ana.shows("state", "Nova tentativa em").await;
        ana.shows("hint", "Sem conexão").await;
        // what is written meanwhile waits, but for what is private, which stays in the box
        ana.say(&format!("durante {signal}")).await;
        ana.sees(&format!("[pending] você: durante {signal}")).await;
        ana.say("/eu").await;
        ana.shows("hint", "fica aqui").await;
        if signal == "KILL" {
            ana.on_laptop().await;
            ana.picture("laptop-light-pt-reconnecting").await;
            ana.on_phone(390, 844).await;
            ana.in_colours("dark").await;
            ana.picture("phone-dark-pt-reconnecting").await;
        }
        server = again(&server);
        ana.comes_back().await;
        assert_eq!(ana.text("self").await.as_deref(), Some("Ana"));
        // the other server knows nothing of before
        let lines = ana.sees(&format!("você: durante {signal}")).await;
        assert!(lines[lines.len() - 2].starts_with("você ficou fora "), "{lines:?}");
        let mut beto = server.join("Beto");
        ana.sees("Beto entrou no chat.").await;
        ana.fill("#box", "").await;
        ana.say(&format!("depois de {signal}")).await;
        beto.expect(&[&format!("Ana: depois de {signal}")]);
        beto.send("/quem");
        assert!(beto.line().contains("Ana"));
        beto.send("/sair");
        ana.until(
            "Beto has gone",
            || ana.text("people-heading"),
            |text| text.as_ref().is_none_or(|text| text.contains("1 pessoa")),
        )
        .await;
    }
    let said = ["antes", "durante TERM", "depois de TERM", "durante KILL", "depois de KILL"];
    assert_eq!(ana.said().await, said.map(|text| format!("você: {text}")));
    browser.close_after(&[NOT_THERE]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn whoever_has_taken_the_name_meanwhile_keeps_it_and_the_page_says_so() {
    let server = Program::start(&[]);
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    server.signal("KILL");
    ana.shows("state", "Nova tentativa em").await;
    // the page must not be first
    ana.run("window.WebSocket = class extends WebSocket { constructor(...all) { if (!window.may) throw 0; super(...all) } }", &[])
        .await;
    let server = again(&server);
    let mut other = server.join("Ana");
    ana.run("window.may = true", &[]).await;
    ana.shows("state", "ainda ocupa o seu nome").await;
    other.send("/nome Outra");
    // she may have been told that somebody asks for her name
    other.read_to("Ana agora é Outra.");
    ana.click("#state button").await;
    ana.hides("state").await;
    other.expect(&["Ana entrou no chat."]);
    browser.close_after(&[NOT_THERE]).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn whoever_is_cut_for_a_reason_decides_about_coming_back() {
    let server = Program::start(&["--rate", "1", "--rate-burst", "1", "--flood", "1"]);
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    // at once: on a busy machine, what a person writes may be slow enough
    ana.run(FLOOD, &[]).await;
    ana.shows("state", "Você foi desconectado").await;
    let button = ana.shows("state", "Voltar").await;
    assert!(!button.contains("Nova tentativa"), "{button}");
    ana.on_laptop().await;
    ana.picture("laptop-light-pt-cut").await;
    ana.click("#state button").await;
    ana.hides("state").await;
    browser.close().await;
}
