//! The example client on a terminal: what a person types arrives as it was typed, whatever arrives meanwhile.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::cable::Cable;
use common::program::{Program, example_client};
use common::pty::Pty;
use common::{TestServer, config, wait_until};
use papo::config::Config;
use papo::room::ChatRoom;
use tempfile::tempdir;

const LEFT: &str = "\u{1b}[D";
const UP: &str = "\u{1b}[A";
const HOME: &str = "\u{1}";
const END: &str = "\u{5}";
const BACKSPACE: &str = "\u{7f}";
const TAB: &str = "\t";
const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

fn sit_down(address: std::net::SocketAddr, arguments: &[&str]) -> Pty {
    let mut command = example_client();
    command.arg(address.to_string()).args(arguments);
    Pty::start(command)
}

fn ana_at(server: &TestServer) -> Pty {
    let ana = sit_down(server.address, &["--name", "Ana"]);
    ana.edits("Ana → todos>");
    ana
}

#[test]
fn what_is_sent_is_what_was_typed_while_fifty_lines_a_second_arrive() {
    let server = TestServer::start();
    let (mut beto, mut caio) = (server.join("Beto"), server.join("Caio"));
    let mut ana = ana_at(&server);
    caio.expect(&["Ana entrou no chat."]);
    let is_over = Arc::new(AtomicBool::new(false));
    let talking = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let mut said = 0;
            while !is_over.load(Ordering::Acquire) {
                beto.send(&format!("linha {said}."));
                said += 1;
                thread::sleep(Duration::from_millis(20));
            }
            said
        }
    });
    let pause = Duration::from_millis(25);
    let mut expected = Vec::new();
    for round in 0..3 {
        // typed, and edited in the middle: accents, and letters that take two columns
        let mut keys: Vec<&str> = ["o", "l", "á", " ", "m", "u", "n", "d", "o"].into();
        keys.extend([LEFT; 5]);
        keys.extend(["b", "e", "l", "o", " ", HOME, "¡", END, " ", "日", "本", "語", BACKSPACE, LEFT, "x", ENTER]);
        ana.press_slowly(&keys, pause);
        expected.push("Ana: ¡olá belo mundo 日x本".to_owned());
        // a name is completed
        ana.press_slowly(&["@", "c", "a", TAB, "o", "i", ",", " ", "s", "ó", ENTER], pause);
        expected.push("Ana (privado): oi, só".to_owned());
        // the same once more, with more behind it
        ana.press_slowly(&[UP, "!", LEFT, BACKSPACE, LEFT, "e\u{301}", ENTER], pause);
        expected.push("Ana (privado): oi, e\u{301}s!".to_owned());
        // faster than anybody types
        let line = format!("rodada {round}: {}", "palavras ".repeat(20));
        ana.press(&format!("{line}{LEFT}{BACKSPACE}z{ENTER}segunda {round}{ENTER}"));
        expected.push(format!("Ana: {}z ", line.strip_suffix("s ").unwrap()));
        expected.push(format!("Ana: segunda {round}"));
    }
    for expected in &expected {
        let next = loop {
            let line = caio.line();
            if !line.starts_with("Beto: ") {
                break line;
            }
        };
        assert_eq!(next, *expected);
    }
    is_over.store(true, Ordering::Release);
    let said: usize = talking.join().unwrap();
    assert!(said > 100, "{said}");
    // and every line that arrived was shown once and in order
    ana.shows(&format!("Beto: linha {}.", said - 1));
    let lines = ana.lines();
    let shown: Vec<&str> = lines.iter().filter_map(|line| line.split_once("Beto: ").map(|(_, text)| text)).collect();
    let all: Vec<String> = (0..said).map(|number| format!("linha {number}.")).collect();
    assert_eq!(shown, all);
    ana.press(CTRL_D);
    assert_eq!(ana.end(), (Some(0), true));
}

#[test]
fn the_line_stays_while_messages_arrive_above_it() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = ana_at(&server);
    beto.expect(&["Ana entrou no chat."]);
    ana.press("metade");
    ana.edits("Ana → todos> metade");
    beto.send("oi, ANA");
    ana.shows("Beto: oi, ANA");
    ana.edits("Ana → todos> metade");
    // it rings
    assert!(ana.written().contains('\u{7}'));
    ana.press(&format!(" e o resto{ENTER}"));
    beto.expect(&["Ana: metade e o resto"]);
    ana.edits("Ana → todos>");
    // what is pasted is one line
    ana.press(&format!("\u{1b}[200~uma\r\noutra\u{1b}[201~{ENTER}"));
    beto.expect(&["Ana: uma outra"]);
}

#[test]
fn a_line_for_one_person_never_reaches_others() {
    let server = TestServer::start();
    let (mut beto, mut caio) = (server.join("Beto"), server.join("Caio"));
    let mut ana = ana_at(&server);
    ana.press(&format!("@be{TAB}{ENTER}"));
    ana.edits("Ana → @Beto>");
    ana.press(&format!("um segredo{ENTER}"));
    beto.read_to("Ana (privado): um segredo");
    // it follows the person, not the name
    beto.send("/nome Bia");
    ana.shows("Beto agora é Bia.");
    ana.press(&format!("outro{ENTER}"));
    beto.read_to("Ana (privado): outro");
    ana.edits("Ana → @Bia>");
    ana.press(&format!("/eu acena{ENTER}"));
    ana.shows("Não enviado: todos teriam lido.");
    ana.edits("Ana → @Bia> /eu acena");
    ana.press(CTRL_C);
    ana.edits("Ana → @Bia>");
    beto.send("/sair");
    ana.shows("Bia saiu do chat.");
    let mut stranger = server.join("Bia");
    ana.shows("Bia entrou no chat.");
    ana.press(&format!("só para a outra{ENTER}"));
    ana.shows("Não enviado: Bia não está mais aqui.");
    // it is still there
    ana.edits("Ana → @Bia> só para a outra");
    ana.press(CTRL_C);
    ana.edits("Ana → @Bia>");
    ana.press(&format!("@bein oi{ENTER}/mgs Caio oi{ENTER}@{ENTER}"));
    ana.edits("Ana → todos>");
    ana.press(&format!("agora todos{ENTER}"));
    caio.read_to("Bia entrou no chat.");
    caio.expect(&["Ana: agora todos"]);
    stranger.expect(&["Ana: agora todos"]);
    ana.press(&format!("/ajuda{ENTER}"));
    ana.shows("@nome sozinho");
}

#[test]
fn ctrl_c_clears_the_line_and_then_leaves() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = ana_at(&server);
    ana.press("isto não");
    ana.edits("Ana → todos> isto não");
    ana.press(CTRL_C);
    ana.edits("Ana → todos>");
    ana.press(CTRL_C);
    assert_eq!(ana.end(), (Some(0), true));
    ana.shows("Você saiu do chat.");
    beto.expect(&["Ana entrou no chat.", "Ana saiu do chat."]);
}

#[test]
fn a_name_and_a_password_are_asked_for_until_they_are_right() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("senha");
    std::fs::write(&file, "abre-te sésamo\n").unwrap();
    let server = Program::start(&["--password-file", file.to_str().unwrap()]);
    let mut ana = sit_down(server.address, &["--lang", "en"]);
    ana.edits("Room password:");
    ana.press(&format!("fecha-te{ENTER}"));
    ana.edits("Enter your name to join the chat:");
    ana.press(&format!("a b{ENTER}"));
    ana.shows("Error: A name may only contain");
    ana.press(&format!("Ana{ENTER}"));
    ana.shows("Error: Wrong password.");
    ana.press(&format!("abre-te sésamo{ENTER}"));
    ana.edits("Ana → everybody>");
    // not even what was wrong was shown, and it is not brought back
    for secret in ["fecha", "abre", "sésamo"] {
        assert!(!ana.written().contains(secret), "{:?}", ana.written());
    }
    ana.press(&format!("{UP}x"));
    ana.edits("Ana → everybody> Anax");
    ana.press(CTRL_C);
    ana.edits("Ana → everybody>");
    ana.press(&format!("/quit{ENTER}"));
    assert_eq!(ana.end(), (Some(0), true));
    assert!(!ana.written().contains("abre"));
}

#[test]
fn a_password_is_never_shown_even_where_lines_cannot_be_edited() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("senha");
    std::fs::write(&file, "sésamo\n").unwrap();
    let server = Program::start(&["--password-file", file.to_str().unwrap()]);
    let plain = || {
        let mut command = example_client();
        command.args([&server.address.to_string(), "--plain", "--name", "Ana"]);
        command
    };
    let mut ana = Pty::start_with(plain(), ("NO_COLOR", "1"));
    ana.edits("Senha da sala:");
    ana.press(&format!("sésamo{ENTER}"));
    ana.shows("Bem-vindo ao chat, Ana!");
    assert!(!ana.written().contains("sésamo"), "{:?}", ana.written());
    let mut other = Pty::start_with(plain(), ("TERM", "dumb"));
    other.shows("client: este terminal não consegue esconder o que é digitado.");
    assert_eq!(other.end(), (Some(1), true));
}

#[test]
fn a_lost_connection_is_told_and_what_is_typed_waits() {
    let server = TestServer::with(Config { grace: Duration::from_secs(3600), ..config() }, ChatRoom::default);
    let cable = Cable::to(server.address);
    let mut beto = server.join("Beto");
    let mut ana = sit_down(cable.address, &["--name", "Ana"]);
    ana.edits("Ana → todos>");
    ana.press("no meio");
    ana.edits("Ana → todos> no meio");
    cable.pull(true);
    ana.shows("A conexão foi perdida. Nova tentativa em 1 s.");
    ana.edits("Ana → todos> no meio");
    ana.press(&format!(" de tudo{ENTER}"));
    ana.shows("Não há conexão: o que você digitar será enviado quando ela voltar.");
    beto.send("Ana?");
    cable.plug_in();
    // at once, rather than when it is time
    ana.press(ENTER);
    ana.shows("De volta ao chat; 1 linha foi dita enquanto isso:");
    ana.shows("Beto: Ana?");
    beto.expect(&["Ana entrou no chat.", "Ana: no meio de tudo"]);
    // typed once, and shown once
    assert_eq!(ana.lines().iter().filter(|line| line.contains("no meio de tudo")).count(), 1);
}

#[test]
fn whoever_is_sent_away_in_the_middle_of_a_line_gets_the_terminal_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut ana = sit_down(address, &["--name", "Ana"]);
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut writer = reader.get_ref().try_clone().unwrap();
    writer.write_all(b"{\"type\":\"hello\"}\n").unwrap();
    reader.read_line(&mut line).unwrap();
    writer
        .write_all(b"{\"type\":\"welcome\",\"epoch\":\"e\",\"seq\":1,\"name\":\"Ana\",\"message\":\"Oi, Ana\"}\n")
        .unwrap();
    ana.edits("Ana → todos>");
    ana.press("pela meta");
    ana.edits("Ana → todos> pela meta");
    writer.write_all(b"{\"type\":\"said\",\"seq\":3,\"from\":\"Beto\",\"text\":\"por fim\"}\n").unwrap();
    writer.write_all(b"{\"type\":\"bye\",\"reason\":\"replaced\",\"message\":\"Adeus, Ana\"}\n").unwrap();
    assert_eq!(ana.end(), (Some(1), true));
    ana.shows("Beto: por fim");
    ana.edits("Adeus, Ana");
    wait_until("it is not a place for pasted text any more", || ana.written().ends_with("Adeus, Ana\r\n"));
    assert!(ana.written().contains("\u{1b}[?2004l"));
}

#[test]
fn a_plain_terminal_gets_lines_and_nothing_else() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    for (arguments, variables) in
        [(&["--name", "Ana", "--plain"] as &[&str], ("X", "")), (&["--name", "Ana"], ("TERM", "dumb"))]
    {
        let mut command = example_client();
        command.arg(server.address.to_string()).args(arguments);
        let mut ana = Pty::start_with(command, variables);
        ana.shows("Bem-vindo ao chat, Ana!");
        beto.read_to("Ana entrou no chat.");
        beto.send("oi");
        ana.shows("Beto: oi");
        ana.press("olá\n");
        beto.expect(&["Ana: olá"]);
        assert!(!ana.written().contains('\u{1b}'), "{:?}", ana.written());
        ana.press(CTRL_D);
        assert_eq!(ana.end(), (Some(0), true));
        beto.read_to("Ana saiu do chat.");
    }
}
