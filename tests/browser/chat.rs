//! Who writes to whom.

use fantoccini::key::Key;
use serde_json::json;

use super::common::program::{Program, papo};
use super::driver::Browser;
use super::server;

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn two_tabs_and_a_terminal_are_in_one_room() {
    let server = server::start();
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    assert!(ana.lines().await[0].starts_with("Bem-vindo ao chat, Ana!"));
    ana.shows("alone", "só você por aqui").await;
    let beto = browser.another_page().await;
    beto.enter("Beto").await;
    ana.sees("Beto entrou no chat.").await;
    let mut caio = server.join("Caio");
    beto.sees("Caio entrou no chat.").await;
    for page in [&ana, &beto] {
        let people =
            "return [...document.querySelectorAll('#people [data-name]')].map((row) => row.dataset.name).sort()";
        let all = json!(["Ana", "Beto", "Caio"]);
        page.until("everybody is in the list", || page.run(people, &[]), |names| *names == all).await;
        page.shows("people-heading", "3 pessoas na sala").await;
        page.hides("alone").await;
    }

    ana.say("oi, aqui é a Ana").await;
    caio.expect(&["Ana: oi, aqui é a Ana"]);
    beto.sees("Ana: oi, aqui é a Ana").await;
    beto.say("e aqui o Beto").await;
    caio.expect(&["Beto: e aqui o Beto"]);
    caio.send("e eu num terminal \u{1f600}");
    ana.sees("Caio: e eu num terminal \u{1f600}").await;
    beto.sees("Caio: e eu num terminal \u{1f600}").await;
    ana.say("/eu acena").await;
    caio.expect(&["* Ana acena"]);
    beto.sees("* Ana acena").await;
    caio.send("/eu também");
    ana.sees("* Caio também").await;

    // all at once, and everybody reads one order
    for i in 0..5 {
        caio.send(&format!("terminal {i}"));
        ana.say(&format!("ana {i}")).await;
        beto.say(&format!("beto {i}")).await;
    }
    caio.send("fim");
    ana.sees("Caio: fim").await;
    beto.sees("Caio: fim").await;
    let by_name = |lines: Vec<String>, own: &str| -> Vec<String> {
        lines.into_iter().map(|line| line.replacen("você: ", &format!("{own}: "), 1)).collect()
    };
    let by_ana = by_name(ana.said().await, "Ana");
    assert_eq!(by_ana, by_name(beto.said().await, "Beto"));
    let mut by_caio = Vec::new();
    while by_caio.len() < 10 {
        by_caio.push(caio.line());
    }
    let late = by_ana.iter().filter(|line| line.starts_with("Ana: ana ") || line.starts_with("Beto: beto "));
    assert_eq!(late.cloned().collect::<Vec<_>>(), by_caio);

    beto.click("#options-open").await;
    beto.click("#leave").await;
    beto.shows("farewell", "Você saiu do chat.").await;
    caio.expect(&["Beto saiu do chat."]);
    ana.sees("Beto saiu do chat.").await;
    assert_eq!(beto.lines().await, [""; 0]);
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn what_was_said_is_found_and_who_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = papo(&["--listen", "127.0.0.1:0", "--data"]);
    command.arg(directory.path()).env_remove("PAPO_NO_JOURNAL");
    let server = Program::spawn(command);
    let mut beto = server.join("Beto");
    beto.send("a festa é na sexta <b>");
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    beto.expect(&["Ana entrou no chat."]);
    ana.say("/buscar FESTA").await;
    let is_found =
        |lines: &Vec<String>| lines.last().is_some_and(|line| line.ends_with("] Beto: a festa é na sexta <b>"));
    ana.until("it is found", || ana.lines(), is_found).await;
    ana.say("/buscar nada").await;
    ana.sees("Nada encontrado: ninguém disse isso, ou não está mais guardado.").await;
    ana.say("/visto Beto").await;
    ana.sees("Beto está na sala agora.").await;
    beto.send("/sair");
    ana.sees("Beto saiu do chat.").await;
    ana.say("/visto beto").await;
    let is_seen = |lines: &Vec<String>| {
        lines.last().is_some_and(|line| line.starts_with("Beto não está na sala. A última vez, "))
    };
    ana.until("when he was seen", || ana.lines(), is_seen).await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_whisper_to_a_name_that_was_clicked_reaches_nobody_else() {
    let server = server::start();
    let mut caio = server.join("Caio");
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    let beto = browser.another_page().await;
    beto.enter("Beto").await;
    caio.read_to("Beto entrou no chat.");
    caio.send("oi");
    ana.sees("Caio: oi").await;

    // the name over a message
    ana.shows("destination", "Para todos").await;
    ana.click("#messages .who[data-whisper=Caio]").await;
    ana.shows("destination", "Só para Caio (privado)").await;
    ana.say("psiu, Caio").await;
    caio.expect(&["Ana (privado): psiu, Caio"]);
    ana.sees("para Caio (privado): psiu, Caio").await;
    caio.send("/responder sim?");
    ana.sees("Caio (privado): sim?").await;
    // the name in the list; Beto's page is behind this one, and gets it all the same
    ana.click("#people [data-whisper=Beto]").await;
    ana.shows("destination", "Só para Beto (privado)").await;
    ana.say("psiu, Beto").await;
    beto.sees("Ana (privado): psiu, Beto").await;
    // while the box is private, nothing in it becomes public
    ana.say("/eu acena").await;
    ana.shows("hint", "Isso iria para todos").await;
    ana.fill("#box", "").await;
    ana.press(&char::from(Key::Escape).to_string()).await;
    ana.shows("destination", "Para todos").await;
    ana.say("@caio e por arroba").await;
    caio.expect(&["Ana (privado): e por arroba"]);
    ana.say("de novo para todos").await;
    caio.expect(&["Ana: de novo para todos"]);
    beto.sees("Ana: de novo para todos").await;
    assert_eq!(beto.said().await, ["Caio: oi", "Ana (privado): psiu, Beto", "Ana: de novo para todos"]);

    // who has gone gets nothing, and neither does anybody else
    ana.click("#people [data-whisper=Caio]").await;
    caio.send("/sair");
    ana.shows("hint", "Caio não está na sala").await;
    ana.say("para ninguém").await;
    ana.shows("hint", "Caio não está na sala").await;
    assert_eq!(ana.run("return document.getElementById('box').value", &[]).await, "para ninguém");
    assert!(!beto.lines().await.iter().any(|line| line.contains("ninguém")));
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn what_looks_like_html_is_text_and_runs_nothing() {
    let server = server::start();
    let mut mallory = server.join("Mallory");
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    mallory.expect(&["Ana entrou no chat."]);
    ana.run("window.hits = 0; window.hit = () => { window.hits += 1 }; window.alert = window.hit", &[]).await;
    let hostile = [
        "<script>hit()</script>",
        "<img src=x onerror=hit()>",
        "<svg/onload=hit()><b>negrito</b>",
        "\"><iframe src=javascript:parent.hit()></iframe>",
        "<a href=\"javascript:hit()\">aqui</a> javascript:hit()",
        "<style>body{display:none}</style><base href=//example.com>",
        "&lt;b&gt; &amp; &#60;script&#62; ${hit()} {{hit()}}",
        "http://127.0.0.1:1/\"onmouseover=\"hit() <http://127.0.0.1:1/x'onclick='hit()>",
        "__proto__ constructor toString",
        "\u{202e}<b>oãçamrifa</b>\u{202c} fim",
    ];
    for text in hostile {
        mallory.send(text);
    }
    for text in hostile {
        mallory.send(&format!("@ana {text}"));
        mallory.send(&format!("/eu {text}"));
        // one's own, as well
        ana.paste(text).await;
    }
    mallory.send("fim");
    let lines = ana.sees("Mallory: fim").await;
    for text in hostile.iter().filter(|text| !text.contains('\u{202e}')) {
        for head in ["Mallory: ", "Mallory (privado): ", "* Mallory ", "você: "] {
            assert!(lines.contains(&format!("{head}{text}")), "{head}{text} is not in {lines:#?}");
        }
    }
    // a name is text, too, where it is refused
    let beto = browser.another_page().await;
    beto.run("window.hits = 0; window.hit = () => { window.hits += 1 }", &[]).await;
    beto.knock("<img/src=x/onerror=hit()>").await;
    beto.shows("door-error", "Erro: ").await;
    for page in [&ana, &beto] {
        let elements = "return document.querySelectorAll('#messages :is(script, img, iframe, style, base, b:not(.hue)), \
                        #messages svg:not(.icon), #door-error *').length";
        assert_eq!(page.run(elements, &[]).await, 0);
        let links = "return [...document.querySelectorAll('#messages a')].every((a) => /^https?:$/.test(a.protocol) && \
                     a.getAttributeNames().every((name) => !name.startsWith('on')))";
        assert_eq!(page.run(links, &[]).await, true);
        assert_eq!(page.run("return window.hits", &[]).await, 0);
    }
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_keyboard_is_all_it_takes() {
    let server = server::start();
    let mut beto = server.join("Beto");
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    let (enter, escape, tab) = (char::from(Key::Enter), char::from(Key::Escape), char::from(Key::Tab));
    ana.press(&format!("Ana{enter}")).await;
    beto.expect(&["Ana entrou no chat."]);
    ana.shows("self", "Ana").await;
    ana.press(&format!("sem mouse{enter}")).await;
    beto.expect(&["Ana: sem mouse"]);
    // the key that completes a name, and then the whisper
    ana.press("@b").await;
    ana.shows("suggestions", "Beto").await;
    ana.press(&format!("{tab}psiu{enter}")).await;
    beto.expect(&["Ana (privado): psiu"]);
    // to a person of the list and back
    let to_beto = "return document.activeElement?.dataset.whisper === 'Beto'";
    let start = std::time::Instant::now();
    while ana.run(to_beto, &[]).await != true {
        assert!(start.elapsed() < super::common::DEADLINE, "the list is not reached by Tab");
        ana.press(&tab.to_string()).await;
    }
    ana.press(&enter.to_string()).await;
    ana.shows("destination", "Só para Beto (privado)").await;
    ana.press(&format!("segredo{enter}")).await;
    beto.expect(&["Ana (privado): segredo"]);
    ana.press(&format!("{escape}para todos{enter}")).await;
    beto.expect(&["Ana: para todos"]);
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn every_request_of_the_page_goes_to_the_server() {
    let server = server::start();
    let mut beto = server.join("Beto");
    let browser = Browser::open(server.address).await;
    let ana = browser.page().await;
    ana.enter("Ana").await;
    // an address that somebody names is not looked up
    beto.send("https://example.com/x.png e www.example.com");
    ana.sees("Beto: https://example.com/x.png e www.example.com").await;
    let names = "return performance.getEntriesByType('resource').map((entry) => entry.name)";
    let names: Vec<String> = serde_json::from_value(ana.run(names, &[]).await).unwrap();
    assert!(names.len() >= 3, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with(&browser.url())), "{names:?}");
    let sockets: Vec<String> = (browser.network().await.iter())
        .filter(|(method, _)| method == "Network.webSocketCreated")
        .map(|(_, parameters)| parameters["url"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sockets, [format!("ws://{}/ws", server.address)]);
    ana.reload().await;
    ana.shows("self", "Ana").await;
    browser.close().await;
}
