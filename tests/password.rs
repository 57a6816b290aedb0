//! A room with a password: for people, programs and pages.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use common::{Client, TestServer, config};
use papo::config::Config;
use papo::password::{Gate, Password};
use papo::room::ChatRoom;
use serde_json::{Value, json};

const PASSWORD: &str = "senha só nossa";

fn locked(config: Config) -> TestServer {
    let password = Password::parse(PASSWORD, 100).unwrap();
    let gate = Arc::new(Gate::new(&password, &config).unwrap());
    TestServer::change(config, ChatRoom::default, move |server| server.with_gate(gate))
}

/// All tests come from one address.
fn unlimited() -> Config {
    Config { password_tries: 0, ..config() }
}

#[track_caller]
fn next(client: &mut Client) -> Value {
    serde_json::from_str(&client.line()).unwrap()
}

#[test]
fn the_password_comes_before_the_name() {
    let server = locked(unlimited());
    let mut ana = server.connect();
    ana.expect(&["Senha da sala:"]);
    ana.send("errada");
    ana.expect(&["Erro: Senha errada.", "Senha da sala:"]);
    ana.send(PASSWORD);
    ana.expect(&["Informe seu nome para entrar no chat:"]);
    ana.send("Ana");
    assert!(ana.line().starts_with("Bem-vindo ao chat, Ana!"));
    // and at once, as a script does it, with no prompts in between; a tilde may be typed by itself
    let mut beto = server.connect();
    beto.send("senha so\u{301} nossa\nBeto\noi");
    assert!(beto.line().starts_with("Bem-vindo ao chat, Beto!"));
    ana.expect(&["Beto entrou no chat.", "Beto: oi"]);
}

#[test]
fn before_it_nothing_is_told_of_the_room() {
    let server = locked(Config { max_password_tries: 0, ..unlimited() });
    let mut ana = server.connect();
    ana.send(&format!("{PASSWORD}\nAna"));
    assert!(ana.line().contains(", Ana!"));
    let mut stranger = server.connect();
    for line in ["Ana", "/quem", "@Ana oi", "servidor", "a b"] {
        stranger.send(line);
        stranger.expect(&["Erro: Senha errada."]);
    }
    for (line, answer) in
        [("/ping", "Pong! O servidor está respondendo."), ("/lang en", "The language is now English.")]
    {
        stranger.send(line);
        stranger.expect(&[answer]);
    }
    stranger.send("/quit");
    stranger.expect(&["You left the chat."]);
    stranger.expect_end();
    ana.expect_nothing();
}

#[test]
fn three_wrong_ones_end_the_connection() {
    let server = locked(unlimited());
    let mut stranger = server.connect();
    stranger.send("a\nb\nc\nd");
    stranger.expect(&["Erro: Senha errada."; 3]);
    stranger.expect(&["Você foi desconectado: muitas senhas erradas."]);
    stranger.expect_end();
}

#[test]
fn five_wrong_ones_of_an_address_are_all_that_is_looked_at() {
    let server = locked(Config { password_tries: 5, max_password_tries: 0, ..config() });
    let connect = |last| Client::connect_from([127, 0, 0, last], server.address);
    let mut stranger = connect(2);
    stranger.send("1\n2\n3\n4\n5");
    stranger.expect(&["Erro: Senha errada."; 5]);
    // not even the right one, and not over another connection
    let mut another = connect(2);
    for client in [&mut stranger, &mut another] {
        client.send(PASSWORD);
        let refused = client.line();
        assert!(refused.starts_with("Erro: ") && refused.contains("segundo"), "{refused}");
    }
    // somebody else does not notice
    let mut ana = connect(3);
    ana.send(&format!("{PASSWORD}\nAna"));
    assert!(ana.line().contains(", Ana!"));
}

#[test]
fn right_ones_do_not_count() {
    let server = locked(Config { password_tries: 2, ..config() });
    let class: Vec<Client> = (0..8)
        .map(|i| {
            let mut pupil = server.connect();
            pupil.send(&format!("{PASSWORD}\naluno{i}_"));
            pupil
        })
        .collect();
    for mut pupil in class {
        assert!(pupil.line().starts_with("Bem-vindo"));
    }
}

#[test]
fn programs_give_it_with_the_name() {
    let server = locked(unlimited());
    let mut ana = server.connect();
    let join = |password: Value| json!({ "type": "join", "id": "j", "name": "Ana", "password": password }).to_string();
    ana.send(&join(Value::Null));
    assert_eq!(next(&mut ana)["password"], true);
    let error = next(&mut ana);
    assert_eq!((&error["code"], &error["field"]), (&json!("bad_field"), &json!("password")));
    ana.send(&join(json!("errada")));
    assert_eq!(
        next(&mut ana),
        json!({ "type": "error", "id": "j", "code": "bad_password", "message": "Erro: Senha errada." })
    );
    ana.send(r#"{"type":"say","text":"oi"}"#);
    assert_eq!(next(&mut ana)["code"], "not_joined");
    ana.send(&join(json!(PASSWORD)));
    let welcome = next(&mut ana);
    assert_eq!((&welcome["type"], &welcome["id"]), (&json!("welcome"), &json!("j")));
    // once it was right, another name does not need it again
    let mut beto = server.connect();
    beto.send(&join(json!(PASSWORD)));
    assert_eq!(next(&mut beto)["type"], "hello");
    assert_eq!(next(&mut beto)["code"], "name_taken");
    beto.send(r#"{"type":"join","name":"Beto"}"#);
    assert_eq!(next(&mut beto)["type"], "welcome");
    for _ in 0..3 {
        let mut stranger = server.connect();
        for _ in 0..3 {
            stranger.send(&join(json!("x")));
        }
        let types: Vec<Value> = (0..5).map(|_| next(&mut stranger)["type"].clone()).collect();
        assert_eq!(types, ["hello", "error", "error", "error", "bye"]);
    }
}

#[test]
fn a_telnet_program_does_not_show_it() {
    use std::io::Read;
    let server = locked(unlimited());
    let mut telnet = server.connect();
    // it offers its window size
    telnet.send_bytes(&[255, 251, 31]);
    let mut seen = Vec::new();
    while !seen.ends_with(b":\n") {
        let mut byte = [0];
        telnet.stream().read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    assert_eq!(seen, [&[255, 251, 1][..], b"Senha da sala:\n"].concat());
    telnet.send_bytes(format!("{PASSWORD}\r\n").as_bytes());
    let mut shown = [0; 5];
    telnet.stream().read_exact(&mut shown).unwrap();
    assert_eq!(shown, *b"\xff\xfc\x01\r\n");
    telnet.send("Ana");
    let welcome = std::iter::repeat_with(|| telnet.line()).find(|line| line.contains("Bem-vindo")).unwrap();
    assert!(welcome.contains(", Ana!"));
}

#[test]
fn while_it_is_looked_at_others_chat_on() {
    let server = locked(Config { max_password_tries: 0, ..unlimited() });
    let join = |name: &str| {
        let mut client = server.connect();
        client.send(&format!("{PASSWORD}\n{name}"));
        assert!(client.line().contains("Bem-vindo"));
        client
    };
    let (mut ana, mut beto) = (join("Ana"), join("Beto"));
    ana.expect(&["Beto entrou no chat."]);
    let mut strangers: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    for stranger in &mut strangers {
        stranger.send("1\n2\n3\n4");
    }
    for i in 0..20 {
        ana.send(&i.to_string());
        beto.expect(&[&format!("Ana: {i}")]);
    }
    for stranger in &mut strangers {
        stranger.expect(&["Erro: Senha errada."; 4]);
    }
}
