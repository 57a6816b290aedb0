//! How it looks: nothing sticks out of a small screen; and pictures of everything, for people to look at.

use serde_json::{Value, json};

use super::common::{Client, TestServer};
use super::driver::Browser;
use super::page::Page;
use super::server;

/// Whatever can be seen and is cut off by the left or the right border of the screen, or has text that does not fit; and
/// whether the page can be scrolled sideways.
const STICKS_OUT: &str = r"
    const width = Number(arguments[0]);
    const found = [];
    const describe = (element) => `${element.tagName}#${element.id}.${element.className?.baseVal ?? element.className}`;
    for (const element of document.body.querySelectorAll('*')) {
        if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const { left, right, width: own } = element.getBoundingClientRect();
        if (own > 0 && (left < -0.5 || right > width + 0.5)) found.push(`${describe(element)} ${left}..${right}`);
    }
    const root = document.documentElement;
    if (root.scrollWidth > width || innerWidth !== width) found.push(`page: ${root.scrollWidth} in ${innerWidth}`);
    return found;
";

/// Where the box to write in is, whether all of it is on the screen, and whether a finger that touches it finds it.
const BOX: &str = r"
    const box = document.getElementById('box');
    const { left, right, top, bottom } = box.getBoundingClientRect();
    const fits = left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight;
    return fits && document.elementFromPoint((left + right) / 2, (top + bottom) / 2) === box;
";

async fn fits(page: &Page<'_>, width: u32, what: &str) {
    page.rests().await;
    // a screen of another size takes a moment
    let width = width.to_string();
    let fits = |found: &Value| *found == json!([]);
    page.until(&format!("{what} fits, {width} pixels wide"), || async { page.run(STICKS_OUT, &[&width]).await }, fits)
        .await;
}

async fn has_box(page: &Page<'_>) {
    page.until_true(BOX).await;
}

/// A room with people and messages of every kind, in the language of the page. Returns who must stay in it.
async fn fill(server: &TestServer, page: &Page<'_>, own: &str, texts: &[&str; 6]) -> Vec<Client> {
    let names = ["Beatriz", "caio", "Дмитрий", "Érica_Nogueira", "李明", "um_nome_de_trinta_e_dois_sinais_"];
    let mut people: Vec<Client> = names.iter().map(|name| server.join(name)).collect();
    let [hello, answer, mention, act, whisper, question] = *texts;
    people[0].send(hello);
    people[0]
        .send("https://192.168.0.7:9999/um/endereço/muito/comprido/que/não/cabe/numa/linha?de=telefone&nem=deitado");
    people[5].send("oi");
    page.sees("um_nome_de_trinta_e_dois_sinais_: oi").await;
    page.say(answer).await;
    page.sees(&format!("{}: {answer}", if own == "Ana" { "você" } else { "you" })).await;
    people[1].send(&format!("{own}, {mention}"));
    people[2].send(&format!("/eu {act}"));
    people[3].send(&format!("@{own} {whisper}"));
    people[4].send("你好！ \u{1f600}\u{1f469}\u{200d}\u{1f680}");
    people[4].send(&"x".repeat(300));
    page.sees(&format!("李明: {}", "x".repeat(300))).await;
    page.say(&format!("@caio {question}")).await;
    page.sees(&format!("{}: {question}", if own == "Ana" { "para caio (privado)" } else { "to caio (private)" })).await;
    people
}

const PORTUGUESE: [&str; 6] = [
    "bom dia! Alguém já conseguiu abrir a página no celular?",
    "consegui, sem instalar nada",
    "você pode mandar o endereço de novo?",
    "liga o projetor",
    "a prova é na sexta ou na segunda?",
    "posso contar para eles?",
];

const ENGLISH: [&str; 6] = [
    "good morning! Has anybody opened the page on a phone?",
    "I have, without installing anything",
    "could you send the address again?",
    "switches the projector on",
    "is the exam on Friday or on Monday?",
    "may I tell them?",
];

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn on_a_small_screen_nothing_sticks_out_and_the_box_is_there() {
    let server = server::start();
    let browser = Browser::open(server.address).await;
    let page = browser.page().await;
    page.shows("door", "Seu nome").await;
    // a phone, a small one, one that lies down
    let screens = [(390, 844), (320, 568), (844, 390)];
    for (width, height) in screens {
        page.on_phone(width, height).await;
        fits(&page, width, "the form").await;
    }
    page.knock(&"W".repeat(60)).await;
    page.shows("door-error", "Erro: ").await;
    for (width, height) in screens {
        page.on_phone(width, height).await;
        fits(&page, width, "a refused name").await;
    }
    page.enter("Ana").await;
    for (width, height) in screens {
        page.on_phone(width, height).await;
        fits(&page, width, "an empty room").await;
        has_box(&page).await;
    }
    let mut people = fill(&server, &page, "Ana", &PORTUGUESE).await;
    people[5].send(&"\u{fdfd}".repeat(40));
    people[5].send(&format!("/eu {}", "W".repeat(500)));
    people[5].send("fim");
    page.sees("um_nome_de_trinta_e_dois_sinais_: fim").await;
    for (width, height) in screens {
        page.on_phone(width, height).await;
        fits(&page, width, "a busy room").await;
        has_box(&page).await;
        page.tap("#options-open").await;
        fits(&page, width, "the options").await;
        page.tap("#options-panel .close").await;
        // a name in the list, with a finger
        page.tap("#people-open").await;
        fits(&page, width, "the list of people").await;
        page.tap("#people [data-whisper=um_nome_de_trinta_e_dois_sinais_]").await;
        page.shows("destination", "Só para um_nome_de_trinta_e_dois_sinais_ (privado)").await;
        fits(&page, width, "a whisper").await;
        has_box(&page).await;
        page.tap("#back").await;
        page.shows("destination", "Para todos").await;
        // a text that is longer than the screen
        page.fill("#box", &"palavra ".repeat(80)).await;
        fits(&page, width, "a long text").await;
        has_box(&page).await;
        page.fill("#box", "").await;
    }
    page.tap("#people-open").await;
    page.tap("#people [data-whisper=Beatriz]").await;
    page.say("só para a Beatriz").await;
    people[0].read_to("Ana (privado): só para a Beatriz");
    browser.close().await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn pictures() {
    for (language, own, texts) in [("pt-BR", "Ana", &PORTUGUESE), ("en-US", "Anna", &ENGLISH)] {
        let server = server::start();
        let browser = Browser::open_as(server.address, "http", language).await;
        let page = browser.page().await;
        page.shows("enter", if own == "Ana" { "Entrar" } else { "Join" }).await;
        all_four(&page, language, "door").await;
        page.enter(own).await;
        all_four(&page, language, "room-empty").await;
        let people = fill(&server, &page, own, texts).await;
        all_four(&page, language, "room").await;
        page.click(".who[data-whisper=Beatriz]").await;
        all_four(&page, language, "whisper").await;
        page.press("\u{e00c}").await;
        page.click("#options-open").await;
        all_four(&page, language, "options").await;
        page.press("\u{e00c}").await;
        page.on_phone(390, 844).await;
        page.tap("#people-open").await;
        page.picture(&format!("phone-light-{}-people", &language[..2])).await;
        drop(people);
        browser.close().await;
    }
}

/// A picture on a laptop and on a phone, in light and in dark colours.
async fn all_four(page: &Page<'_>, language: &str, what: &str) {
    for colours in ["light", "dark"] {
        page.in_colours(colours).await;
        page.on_laptop().await;
        page.picture(&format!("laptop-{colours}-{}-{what}", &language[..2])).await;
        page.on_phone(390, 844).await;
        page.picture(&format!("phone-{colours}-{}-{what}", &language[..2])).await;
    }
    page.on_laptop().await;
    page.in_colours("light").await;
}
