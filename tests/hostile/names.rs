//! Names by which somebody wants to be taken for somebody else, or for the server; and names without end.

use std::time::Instant;

use papo::chat::language::Language;
use papo::config::Config;
use papo::room::ChatRoom;

use crate::common::{Client, DEADLINE, TestServer, config};
use crate::witness::Witness;

const BAD_CHARACTER: &str = "Erro: O nome só pode conter letras, números e '_', sem espaços.";
const TOO_LONG: &str = "Erro: O nome pode ter no máximo 32 caracteres e 64 bytes.";
const TOO_MANY_MARKS: &str = "Erro: O nome pode ter no máximo 2 acentos ou sinais em cada letra.";
const MIXED_SCRIPTS: &str = "Erro: O nome mistura alfabetos diferentes.";
const RESERVED: &str = "Erro: Esse nome é reservado. Escolha outro.";
const LOOKS_RESERVED: &str = "Erro: O nome é parecido demais com uma palavra reservada. Escolha outro.";

fn taken(name: &str) -> String {
    format!("Erro: O nome '{name}' já está em uso.")
}

fn too_similar(name: &str) -> String {
    format!("Erro: O nome '{name}' é parecido demais com um que já está em uso. Escolha outro.")
}

/// The next line that is for this person: not the prompt of whoever hesitates, not what the witness says to all.
fn line(client: &mut Client) -> String {
    let start = Instant::now();
    loop {
        let line = client.line();
        assert!(start.elapsed() < DEADLINE, "nothing but {line}");
        if line != "Informe seu nome para entrar no chat:" && !line.starts_with("Falante: linha ") {
            return line;
        }
    }
}

/// Sends a line, and must read this answer.
#[track_caller]
fn answered(client: &mut Client, sent: &str, answer: &str) {
    client.send(sent);
    assert_eq!(line(client), answer, "{sent}");
}

/// Nothing has been said to this person that was not read.
#[track_caller]
fn has_heard_nothing(client: &mut Client) {
    answered(client, "/ping", "Pong! O servidor está respondendo.");
}

/// Each of these names must be refused, with its sentence.
#[track_caller]
fn all_refused(server: &TestServer, names: &[(&str, &str)]) {
    for names in names.chunks(4) {
        let mut client = server.connect();
        for (name, sentence) in names {
            answered(&mut client, name, sentence);
        }
    }
}

#[test]
fn look_alikes_of_members_are_refused() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let _members = ["alice", "Ernesto", "Нина", "Ana0", "IOI", "сор"].map(|name| server.join(name));
    for look_alike in ["a1ice", "aIice", "A1ICE", "Emesto", "НИНA".replace('A', "А").as_str(), "anaO", "l0l", "cop"]
    {
        let sentence = if look_alike == "НИНА" { taken(look_alike) } else { too_similar(look_alike) };
        all_refused(&server, &[(look_alike, &sentence)]);
    }
    // of the witnesses, too
    all_refused(&server, &[("Testernunha", &too_similar("Testernunha")), ("Fa1ante", &too_similar("Fa1ante"))]);
    all_refused(&server, &[("testemunha", &taken("testemunha")), ("ｆａｌａｎｔｅ", &taken("falante"))]);
    witness.goes_on(1);
    let others = witness.stop();
    assert!(others.iter().all(|line| line.ends_with(" entrou no chat.")), "{others:?}");
    assert_eq!(others.len(), 6, "{others:?}");
}

#[test]
fn nobody_passes_for_the_server_or_for_a_command() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for name in ["servidor", "SISTEMA", "Todos", "erro", "ninguém", "ajuda", "SAIR", "r", "nick", "ａｄｍｉｎ"] {
        all_refused(&server, &[(name, RESERVED)]);
    }
    for name in ["SERVID0R", "servid0r", "a11", "AIl", "PAP0", "N0ME", "adrnin", "sisterna", "Һеӏр"] {
        all_refused(&server, &[(name, LOOKS_RESERVED)]);
    }
    all_refused(&server, &[("servidоr", MIXED_SCRIPTS), ("аdmin", MIXED_SCRIPTS)]);
    witness.goes_on(1);
    assert_eq!(witness.stop(), Vec::<String>::new());
}

#[test]
fn every_rule_refuses_with_its_own_sentence() {
    let server = TestServer::with(Config { max_before_name: 0, ..config() }, ChatRoom::default);
    let witness = Witness::start(&server);
    let zalgo = "Z\u{30d}\u{30e}\u{30f}\u{310}a\u{30d}\u{30e}\u{30f}lgo";
    let direction = "Erro: Um nome escrito da direita para a esquerda começa com uma letra, termina com uma letra ou um \
                     número e tem um só tipo de números.";
    all_refused(
        &server,
        &[
            (zalgo, TOO_MANY_MARKS),
            ("pаypal", MIXED_SCRIPTS),
            ("Ana💣", BAD_CHARACTER),
            ("ana\u{200b}", BAD_CHARACTER),
            ("ﬁsh", BAD_CHARACTER),
            ("\u{301}ana", BAD_CHARACTER),
            ("___", "Erro: O nome precisa ter pelo menos uma letra ou um número."),
            ("7محمد", direction),
            (&"a".repeat(33), TOO_LONG),
            (&"a".repeat(4000), TOO_LONG),
            (&"a\u{301}".repeat(1300), TOO_LONG),
            (&"ß".repeat(17), TOO_LONG),
        ],
    );
    witness.goes_on(1);
    assert_eq!(witness.stop(), Vec::<String>::new());
}

#[test]
fn good_names_are_in_at_once() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let names = [
        "Ali",
        "Иван",
        "李雷",
        "محمد",
        "مُحَمَّد_علي",
        "joao",
        "joão",
        "Ana_Maria",
        "ana2",
        "7",
        "Αλέξης",
        "กำพล",
        "आरती",
        "Լևոն",
        "田中さくら",
        "佐々木Ken",
        "민수Kim",
        "דוד",
        "Straße",
        "Nguyễn",
        "user1",
        "user10",
        "user11",
        "user101",
        "user110",
    ];
    let members: Vec<Client> = names.iter().map(|name| server.join(name)).collect();
    let crowd: Vec<Client> = (0..100).map(|i| server.join(&format!("p{i}"))).collect();
    witness.goes_on(1);
    drop((members, crowd));
    witness.stop();
}

#[test]
fn five_bad_names_and_out() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let _ana = server.join("Ana");
    let mut mallory = server.connect();
    // what is no attempt does not count
    mallory.send("");
    for _ in 0..5 {
        mallory.send("/ping");
        mallory.read_to("Pong! O servidor está respondendo.");
    }
    answered(&mut mallory, "a b", BAD_CHARACTER);
    answered(&mut mallory, "admin", RESERVED);
    answered(&mut mallory, "ANA", &taken("ANA"));
    answered(&mut mallory, "Fa1ante", &too_similar("Fa1ante"));
    answered(&mut mallory, "Аna", MIXED_SCRIPTS);
    mallory.expect(&["Você foi desconectado: muitos nomes recusados."]);
    mallory.expect_end();

    // the room refuses the last one, and what was sent behind it is not looked at
    let mut mallory = server.connect();
    mallory.send("/lang en");
    mallory.send_bytes("ana\nAna\naNa\nanA\nANA\nMallory\nspam\n".as_bytes());
    mallory.expect(&["The language is now English."]);
    for name in ["ana", "Ana", "aNa", "anA", "ANA"] {
        mallory.expect(&[&format!("Error: The name '{name}' is already in use.")]);
    }
    mallory.expect(&["You were disconnected: too many refused names."]);
    mallory.expect_end();
    witness.goes_on(1);
    assert_eq!(witness.stop(), ["Ana entrou no chat."]);
}

#[test]
fn a_letter_that_is_sent_to_the_port_is_gone_before_its_body_is_a_name() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let mut sender = server.connect();
    // no protocol's hello, but lines of a kind that many protocols have
    sender.send_bytes(
        b"From: a@evil.example\r\nTo: b@chat.local\r\nSubject: x\r\nContent-Type: text/plain\r\n\
          Content-Length: 13\r\n\r\nMallory\nspam\n",
    );
    sender.expect(&[BAD_CHARACTER; 5]);
    sender.expect(&["Você foi desconectado: muitos nomes recusados."]);
    sender.expect_end();
    witness.goes_on(1);
    assert_eq!(witness.stop(), Vec::<String>::new());
}

#[test]
fn the_number_of_bad_names_is_the_operators() {
    let server =
        TestServer::with(Config { max_bad_names: 2, language: Language::English, ..config() }, ChatRoom::default);
    let mut mallory = server.connect();
    mallory.send_bytes(b"a b\na b\nMallory\n");
    mallory.expect(&["Error: A name may only contain letters, digits and '_', no spaces."; 2]);
    mallory.expect(&["You were disconnected: too many refused names."]);
    mallory.expect_end();

    let server = TestServer::with(Config { max_bad_names: 0, ..config() }, ChatRoom::default);
    let mut ana = server.connect();
    for _ in 0..50 {
        answered(&mut ana, "a b", BAD_CHARACTER);
    }
    ana.send("Ana");
    ana.read_to("Bem-vindo ao chat, Ana! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos.");
}

#[test]
fn renaming_takes_no_look_alike_of_somebody_else_and_any_spelling_of_ones_own() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let (mut iara, mut beto) = (server.join("Iara"), server.join("Beto"));
    assert_eq!(line(&mut iara), "Beto entrou no chat.");
    // a member may slip as often as they like
    for _ in 0..3 {
        for (name, sentence) in [
            ("1ara", too_similar("1ara")),
            ("lara", too_similar("lara")),
            ("iARA", taken("iARA")),
            ("Testernunha", too_similar("Testernunha")),
            ("servid0r", LOOKS_RESERVED.to_owned()),
            ("Bеto", MIXED_SCRIPTS.to_owned()),
        ] {
            answered(&mut beto, &format!("/nome {name}"), &sentence);
        }
    }
    for (old, new) in [("Iara", "IARA"), ("IARA", "1ara"), ("1ara", "lara"), ("lara", "Iara"), ("Iara", "Lia")] {
        let renamed = format!("{old} agora é {new}.");
        answered(&mut iara, &format!("/nome {new}"), &renamed);
        assert_eq!(line(&mut beto), renamed);
    }
    // all keys of the old names are free
    answered(&mut beto, "/nome 1ara", "Beto agora é 1ara.");
    witness.goes_on(1);
    assert_eq!(witness.stop().len(), 2 + 6);
}

#[test]
fn a_whisper_to_a_look_alike_reaches_nobody() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let (mut iara, mut ali) = (server.join("Iara"), server.join("Ali"));
    assert_eq!(line(&mut iara), "Ali entrou no chat.");
    for typed in ["lara", "1ara", "Iаra", "A1i", "all", "servidor"] {
        answered(&mut ali, &format!("@{typed} segredo"), &format!("Usuário não encontrado: {typed}."));
    }
    has_heard_nothing(&mut iara);
    // but any spelling does, even one that nobody could take
    iara.send("@ALI oi");
    assert_eq!(line(&mut ali), "Iara (privado): oi");
    for typed in ["iARA", "ｉａｒａ"] {
        ali.send(&format!("@{typed} oi"));
        assert_eq!(line(&mut iara), "Ali (privado): oi");
    }
    answered(&mut iara, "/ignorar ALI", "Você não verá mais as mensagens de ALI. Para desfazer: /atender ALI");
    ali.send("oi");
    has_heard_nothing(&mut ali);
    has_heard_nothing(&mut iara);
    witness.goes_on(1);
    assert_eq!(witness.stop(), ["Iara entrou no chat.", "Ali entrou no chat.", "Ali: oi"]);
}

#[test]
fn a_freed_name_is_free_at_once_with_all_its_look_alikes() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let mut observer = server.join("Zeca");
    let mut held = "Iara0";
    let mut holder = server.join(held);
    assert_eq!(line(&mut observer), "Iara0 entrou no chat.");
    answered(&mut server.connect(), "iARA0", &taken("iARA0"));
    for (turn, name) in ["lara0", "Iarao", "1ara0", "laraO", "IARAO"].into_iter().enumerate() {
        let mut next = server.connect();
        answered(&mut next, name, &too_similar(name));
        let reason = if turn % 2 == 0 { "" } else { " (conexão perdida)" };
        match turn % 2 {
            0 => answered(&mut holder, "/sair", "Você saiu do chat."),
            _ => holder.reset(),
        }
        assert_eq!(line(&mut observer), format!("{held} saiu do chat{reason}."));
        let welcome = format!(
            "Bem-vindo ao chat, {name}! Na sala: Testemunha, Falante, Zeca. Digite /ajuda para ver os comandos."
        );
        answered(&mut next, name, &welcome);
        assert_eq!(line(&mut observer), format!("{name} entrou no chat."));
        (held, holder) = (name, next);
    }
    witness.goes_on(1);
    assert_eq!(witness.stop().len(), 2 + 2 * 5);
}
