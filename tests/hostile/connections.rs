//! Too many connections: at once, in a minute, and without a name; of one address, of many, and of an exempt one. The
//! witnesses are at 127.0.0.1, those who go too far at other addresses of the loopback.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use papo::chat::language::Language;
use papo::config::{Config, Listen};
use papo::room::ChatRoom;

use crate::common::{Client, TestServer, strict_config, wait_until};
use crate::witness::Witness;

const TOO_MANY: &str = "Erro: Há conexões demais do seu endereço. Feche uma e tente de novo.";
const TOO_MANY_NEW: &str = "Erro: Há conexões novas demais do seu endereço. Espere um minuto e tente de novo.";
const FULL: &str = "Erro: O servidor está cheio. Tente de novo mais tarde.";
const EVICTED: &str =
    "Você foi desconectado: há conexões demais à espera de um nome. Conecte-se de novo e informe o seu logo.";
const PROMPT: &str = "Informe seu nome para entrar no chat:";

fn start(config: Config) -> TestServer {
    TestServer::with(config, ChatRoom::default)
}

/// The address of one who is not a witness.
fn address(number: u8) -> IpAddr {
    [127, 0, 1, number].into()
}

fn connect(server: &TestServer, number: u8) -> Client {
    Client::connect_from(address(number), server.address)
}

fn join(server: &TestServer, number: u8, name: &str) -> Client {
    let mut client = connect(server, number);
    client.send(name);
    let welcome = client.line();
    assert!(welcome.contains(&format!(", {name}! ")), "{welcome}");
    client
}

/// It reads this one line, and then the end.
#[track_caller]
fn is_refused(mut client: Client, sentence: &str) {
    client.expect(&[sentence]);
    assert_eq!(client.read_to_end(), "");
}

/// It is there, and silent: it is asked for a name.
fn is_asked(client: &mut Client) {
    client.expect(&[PROMPT]);
}

#[test]
fn the_65th_connection_of_an_address_is_refused_and_others_get_in() {
    let server = start(strict_config());
    let witness = Witness::start(&server);
    let mut crowd: Vec<Client> = (0..64).map(|i| join(&server, 1, &format!("um_{i}"))).collect();
    for _ in 0..3 {
        is_refused(connect(&server, 1), TOO_MANY);
    }
    let _other = join(&server, 2, "dois");
    // a connection given back counts again
    let mut leaving = crowd.remove(30);
    leaving.send("/sair");
    leaving.read_to("Você saiu do chat.");
    drop(leaving);
    wait_until("there is a place again", || {
        let mut client = connect(&server, 1);
        client.send("de_novo");
        client.line() != TOO_MANY
    });
    witness.goes_on(2);
    witness.stop();
}

#[test]
fn the_129th_new_connection_of_an_address_in_a_minute_is_refused() {
    let server = start(Config { max_per_address: 0, ..strict_config() });
    let witness = Witness::start(&server);
    for _ in 0..128 {
        let mut client = connect(&server, 1);
        client.send("/sair");
        client.expect(&["Você saiu do chat."]);
        assert_eq!(client.read_to_end(), "");
    }
    for _ in 0..3 {
        is_refused(connect(&server, 1), TOO_MANY_NEW);
    }
    let _other = join(&server, 2, "dois");
    witness.goes_on(1);
    witness.stop();
}

#[test]
fn an_exempt_network_is_free_of_the_limits_for_one_address() {
    let server = start(Config {
        max_per_address: 2,
        max_new_per_address: 3,
        max_unnamed_per_address: 1,
        max_connections: 20,
        exempt: vec!["127.0.1.8/29".parse().unwrap()],
        ..strict_config()
    });
    let _classroom: Vec<Client> = (0..6).map(|i| join(&server, 9, &format!("aluno_{i}"))).collect();
    let mut silent: Vec<Client> = (0..6).map(|_| connect(&server, 15)).collect();
    silent.iter_mut().for_each(is_asked);
    let _home = [join(&server, 16, "casa_1"), join(&server, 16, "casa_2")];
    is_refused(connect(&server, 16), TOO_MANY);
    // the limit for all is theirs, too
    let _others: Vec<Client> = (20..26).map(|number| join(&server, number, &format!("p{number}"))).collect();
    is_refused(connect(&server, 9), FULL);
}

#[test]
fn silent_connections_of_one_address_evict_each_other_and_nobody_else() {
    let server = start(strict_config());
    let witness = Witness::start(&server);
    let mut person = connect(&server, 2);
    is_asked(&mut person);
    let mut silent: Vec<Client> = (0..40).map(|_| connect(&server, 1)).collect();
    let staying = silent.split_off(24);
    for mut client in silent {
        client.read_to(EVICTED);
        assert_eq!(client.read_to_end(), "");
    }
    // the youngest 16 may still give a name, and so may somebody else who has waited for longer
    for (i, mut client) in staying.into_iter().enumerate() {
        client.send(&format!("calado_{i}"));
        while !client.line().starts_with(&format!("Bem-vindo ao chat, calado_{i}!")) {}
    }
    person.send("Pessoa");
    assert!(person.line().starts_with("Bem-vindo ao chat, Pessoa!"));
    witness.goes_on(1);
    let others = witness.stop();
    assert!(others.iter().all(|line| !line.contains("conexões")), "{others:?}");
}

#[test]
fn when_the_pool_of_those_without_a_name_is_full_the_address_with_most_makes_room() {
    let server = start(Config { max_unnamed: 20, max_unnamed_per_address: 0, ..strict_config() });
    let witness = Witness::start(&server);
    let mut person = connect(&server, 3);
    is_asked(&mut person);
    let mut many: Vec<Client> = (0..13).map(|_| connect(&server, 1)).collect();
    let mut few: Vec<Client> = (0..6).map(|_| connect(&server, 2)).collect();
    // a crowd of people, one after the other, who all get in
    let mut newcomers: Vec<Client> = (10..15).map(|number| connect(&server, number)).collect();
    for mut client in many.drain(..5) {
        client.read_to(EVICTED);
        assert_eq!(client.read_to_end(), "");
    }
    for client in many.iter_mut().chain(&mut few).chain(&mut newcomers) {
        is_asked(client);
    }
    for (i, client) in newcomers.iter_mut().enumerate() {
        client.send(&format!("novo_{i}"));
        assert!(client.line().starts_with("Bem-vindo"));
    }
    // five have a name now, so that five more make nobody go
    let mut more: Vec<Client> = (20..25).map(|number| connect(&server, number)).collect();
    more.iter_mut().for_each(is_asked);
    person.send("Pessoa");
    assert!(person.line().starts_with("Bem-vindo"));
    for client in many.iter_mut().chain(&mut few) {
        client.expect_nothing();
    }
    witness.goes_on(1);
    witness.stop();
}

#[test]
fn sessions_on_other_threads_make_room_too() {
    let server = start(Config { threads: 3, max_unnamed_per_address: 2, ..strict_config() });
    let mut silent: Vec<Client> = (0..12).map(|_| connect(&server, 1)).collect();
    for mut client in silent.drain(..10) {
        client.read_to(EVICTED);
        assert_eq!(client.read_to_end(), "");
    }
    silent.iter_mut().for_each(is_asked);
    let _person = join(&server, 2, "Pessoa");
}

#[test]
fn refusals_and_evictions_are_said_in_the_language_of_the_server() {
    for (language, sentences) in [
        (Language::Portuguese, [FULL, TOO_MANY, TOO_MANY_NEW, EVICTED]),
        (
            Language::English,
            [
                "Error: The server is full. Try again later.",
                "Error: Too many connections from your address. Close one and try again.",
                "Error: Too many new connections from your address. Wait a minute and try again.",
                "You were disconnected: too many connections are waiting for a name. Connect again and give yours soon.",
            ],
        ),
    ] {
        let limited = Config { language, ..strict_config() };
        for (config, sentence) in [
            (Config { max_connections: 1, ..limited.clone() }, sentences[0]),
            (Config { max_per_address: 1, ..limited.clone() }, sentences[1]),
            (Config { max_new_per_address: 1, ..limited.clone() }, sentences[2]),
        ] {
            let server = start(config);
            let _first = connect(&server, 1);
            // a client that has said something by then reads the sentence, too
            let mut second = connect(&server, 1);
            second.send("Ana");
            is_refused(second, sentence);
        }
        let server = start(Config { max_unnamed: 1, ..limited });
        let mut first = connect(&server, 1);
        let _second = connect(&server, 2);
        first.read_to(sentences[3]);
        first.expect_end();
    }
}

#[test]
fn the_limits_hold_over_ipv6() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return; // this machine has none
    }
    let listen = vec![Listen::Address(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 0))];
    let server = start(Config { listen, max_per_address: 2, ..Config::default() });
    let _two = [server.join("Ana"), server.join("Beto")];
    is_refused(server.connect(), TOO_MANY);
}
