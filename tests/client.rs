//! The example client, run as a program.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Output};

use common::TestServer;
use common::program::{example_client as client, wait};
use common::tls::{Front, overhear};
use papo::transport::tls::Identity;
use tempfile::tempdir;

/// Runs the client over a script, to its end.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = client().args(arguments).spawn().unwrap();
    // a client that has ended already does not read
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    wait(&mut child);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A client that somebody sits at.
struct Seat {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: BufReader<ChildStdout>,
}

impl Seat {
    fn take(server: &TestServer, arguments: &[&str]) -> Seat {
        Seat::take_at(server.address, arguments)
    }

    fn take_at(address: SocketAddr, arguments: &[&str]) -> Seat {
        let mut child = client().arg(address.to_string()).args(arguments).spawn().unwrap();
        let keyboard = child.stdin.take();
        let screen = BufReader::new(child.stdout.take().unwrap());
        Seat { child, keyboard, screen }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keyboard.as_mut().unwrap(), "{line}").unwrap();
    }

    #[track_caller]
    fn sees(&mut self, expected: &str) {
        let mut line = String::new();
        self.screen.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end_matches('\n'), expected);
    }

    fn ends_with_code(mut self, code: i32) {
        wait(&mut self.child);
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn a_conversation() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = Seat::take(&server, &[]);
    ana.sees("Informe seu nome para entrar no chat:");
    ana.types("Ana");
    ana.sees("Bem-vindo ao chat, Ana! Na sala: Beto. Digite /ajuda para ver os comandos.");
    beto.expect(&["Ana entrou no chat."]);
    beto.send("oi");
    ana.sees("Beto: oi");
    ana.types("olá");
    beto.expect(&["Ana: olá"]);
    ana.types("/sair");
    ana.sees("Você saiu do chat.");
    ana.ends_with_code(0);
    beto.expect(&["Ana saiu do chat."]);
}

#[test]
fn ctrl_d_leaves_cleanly() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = Seat::take(&server, &["--name", "Ana", "--lang", "en"]);
    ana.sees("Welcome to the chat, Ana! In the room: Beto. Type /help for the commands.");
    drop(ana.keyboard.take());
    ana.ends_with_code(0);
    beto.expect(&["Ana entrou no chat.", "Ana saiu do chat."]);
}

#[test]
fn a_script_says_its_lines_and_gets_its_answers() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let output = run(&[&server.address.to_string(), "--name", "Ana"], "oi\n@zeca oi\n/quem");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        "Bem-vindo ao chat, Ana! Na sala: Beto. Digite /ajuda para ver os comandos.\n\
         Usuário não encontrado: zeca.\n\
         Na sala (2): Beto, Ana\n"
    );
    beto.expect(&["Ana entrou no chat.", "Ana: oi", "Ana saiu do chat."]);
}

#[test]
fn a_script_searches_and_reads_what_was_said() {
    let data = tempdir().unwrap();
    let mut command = common::program::papo(&["--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()]);
    command.env_remove("PAPO_NO_JOURNAL");
    let server = common::program::Program::spawn(command);
    let address = server.address.to_string();
    assert_eq!(run(&[&address, "--name", "Ana"], "festa na sexta\n").status.code(), Some(0));
    let asked = "/historico\n/buscar festa\n/visto Zeca\n/ping\n";
    let output = run(&[&address, "--name", "Beto", "--lang", "en"], asked);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let lines: Vec<&str> = text(&output.stdout).lines().skip(1).collect();
    let [begins, said, _, found, same, _, never, pong] = lines[..] else { panic!("{lines:?}") };
    assert_eq!(begins, "--- What was said before (1 message) ---");
    assert!(said.ends_with("] Ana: festa na sexta"), "{said}");
    assert_eq!(found, "--- Found (1 message) ---");
    assert_eq!(same, said);
    assert!(never.starts_with("Zeca is not in the room, and never was"), "{never}");
    assert!(pong.starts_with("Pong!"), "{pong}");
}

#[test]
fn mistakes_are_answered_and_never_published() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut child = client().args([&server.address.to_string(), "--name", "Ana"]).spawn().unwrap();
    let long = "x".repeat(5000);
    let input = [b"/mgs Beto oi\n@beto\n\xff\n" as &[u8], long.as_bytes(), b"\n/r oi\n\noi\n"].concat();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    wait(&mut child);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert_eq!(
        text(&output.stdout),
        "Bem-vindo ao chat, Ana! Na sala: Beto. Digite /ajuda para ver os comandos.\n\
         Comando desconhecido: /mgs. Você quis dizer /msg? Digite /ajuda.\n\
         Formato inválido. Use: @nome mensagem\n\
         Erro: O texto não é UTF-8 válido.\n\
         Erro: Linha longa demais (máximo 4096 bytes).\n\
         Você ainda não recebeu nenhuma mensagem privada.\n"
    );
    beto.expect(&["Ana entrou no chat.", "Ana: oi", "Ana saiu do chat."]);
}

#[test]
fn a_script_whose_name_is_refused_says_nothing_under_another_name() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    let bad_name = "Erro: O nome só pode conter letras, números e '_', sem espaços.\n";
    for (name, sentence) in [
        ("", bad_name),
        ("/ping", bad_name),
        ("Bia\noi", bad_name),
        ("ana", "Erro: O nome 'ana' já está em uso.\n"),
        ("a b", "Erro: O nome só pode conter letras, números e '_', sem espaços.\n"),
    ] {
        let output = run(&[&server.address.to_string(), "--name", name], "oi\n");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), sentence));
    }
    ana.expect_nothing();
}

#[test]
fn a_lost_server_is_waited_for_until_the_end_of_the_input() {
    for (language, sentence) in [
        ("pt", "client: O servidor está encerrando. Nova tentativa em 1 s."),
        ("en", "client: The server is shutting down. Trying again in 1 s."),
    ] {
        let server = TestServer::start();
        let mut seat = Seat::take(&server, &["--name", "Ana", "--lang", language]);
        let mut errors = BufReader::new(seat.child.stderr.take().unwrap());
        let mut line = String::new();
        seat.screen.read_line(&mut line).unwrap();
        drop(server);
        line.clear();
        errors.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), sentence);
        // nothing was said that did not arrive
        drop(seat.keyboard.take());
        seat.ends_with_code(0);
    }
}

#[test]
fn no_server_is_one_sentence_and_code_1() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(&[&free.to_string()], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), format!("client: a conexão com {free} foi recusada. O servidor está no ar?\n"));
    let output = run(&["nao.existe.invalid", "--lang", "en"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("client: the address 'nao.existe.invalid' was not found"));
}

#[test]
fn a_server_that_is_mute_is_one_sentence_and_code_1() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let mut clients: Vec<Child> = [&["--name", "Ana"] as &[&str], &[], &["--tls"]]
        .into_iter()
        .map(|arguments| client().arg(&address).args(arguments).spawn().unwrap())
        .collect();
    for (child, input) in clients.iter_mut().zip(["oi\n", "Ana\n/sair\n", ""]) {
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    }
    for mut child in clients {
        wait(&mut child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("não respondeu em 10 segundos"), "{}", text(&output.stderr));
    }
}

#[test]
fn an_address_that_is_none_is_one_sentence_and_code_1() {
    for address in ["localhost:porta", "127.0.0.1:99999", "[::1]x", "[::1]:", "[::1", "::1]", ""] {
        let output = run(&[address], "");
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("client: endereço inválido: '{address}'. Use HOST ou HOST:PORTA.\n");
        assert_eq!(text(&output.stderr), expected);
    }
}

#[test]
fn wrong_usage_is_one_sentence_and_code_2() {
    for arguments in [&["--foo"] as &[&str], &["a", "b"], &["--lang", "fr"], &["--fingerprint", "AB:CD"]] {
        let output = run(arguments, "");
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stderr).lines().count(), 1);
    }
}

#[test]
fn a_hostile_server_does_not_reach_the_terminal() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = std::thread::spawn({
        let listener = listener.try_clone().unwrap();
        move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"\x1b]0;x\x07\xff\n").unwrap();
        }
    });
    let output = run(&[&listener.local_addr().unwrap().to_string()], "");
    server.join().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    let stderr = text(&output.stderr);
    assert!(stderr.ends_with(" diz: ␛]0;x␇\u{fffd}\n"), "{stderr}");
}

#[test]
fn a_conversation_that_nobody_can_read_along() {
    let server = TestServer::start();
    let front = Front::start(server.address);
    let data = tempdir().unwrap();
    let mut beto = server.join("Beto");
    let mut ana = Seat::take_at(front.address, &["--tls", "--data", data.path().join("papo").to_str().unwrap()]);
    ana.sees("Informe seu nome para entrar no chat:");
    ana.types("Ana");
    ana.sees("Bem-vindo ao chat, Ana! Na sala: Beto. Digite /ajuda para ver os comandos.");
    beto.expect(&["Ana entrou no chat."]);
    for line in ["oi", &"longo ".repeat(500)] {
        beto.send(line);
        ana.sees(&format!("Beto: {line}"));
        ana.types(line);
        beto.expect(&[&format!("Ana: {line}")]);
    }
    // the end of what is typed is not that of what is read
    ana.types("/quem");
    drop(ana.keyboard.take());
    ana.sees("Na sala (2): Beto, Ana");
    ana.ends_with_code(0);
    beto.expect(&["Ana saiu do chat."]);
}

#[test]
fn a_lost_server_is_waited_for_with_tls_too_and_must_be_the_same_one() {
    let server = TestServer::start();
    let front = Front::start(server.address);
    let data = tempdir().unwrap();
    let arguments = ["--tls", "--name", "Ana", "--data", data.path().to_str().unwrap()];
    let mut seat = Seat::take_at(front.address, &arguments);
    seat.sees("Bem-vindo ao chat, Ana! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos.");
    let address = front.address;
    drop(front);
    let _other = Front::start_at(address, server.address);
    wait(&mut seat.child);
    let output = seat.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("client: A conexão foi perdida. Nova tentativa em 1 s.\n"), "{stderr}");
    assert!(stderr.contains("ATENÇÃO"), "{stderr}");
}

#[test]
fn a_certificate_is_remembered_and_another_one_is_refused() {
    let server = TestServer::start();
    let front = Front::start(server.address);
    let address = front.address.to_string();
    let data = tempdir().unwrap();
    let file = data.path().join("known_servers");
    let come = |name: &str, language: &str| {
        let data = data.path().to_str().unwrap();
        run(&[&address, "--tls", "--name", name, "--lang", language, "--data", data], "")
    };
    let first = front.fingerprint();
    let output = come("Ana", "en");
    assert_eq!(output.status.code(), Some(0));
    let expected = format!(
        "client: first encrypted connection to {address}. Is this the fingerprint that the server printed at start? {first}\n\
         client: it is kept in {}; another one will be refused.\n",
        file.display()
    );
    assert_eq!(text(&output.stderr), expected);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{address} {first}\n"));
    let output = come("Bia", "en");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));

    let mut witness = server.join("Beto");
    front.acceptor.reload(&Identity::passing().unwrap());
    let second = front.fingerprint();
    for (language, words) in [
        ("en", ["ATTENTION", "expected: ", "shown: ", "delete line 1 of "]),
        ("pt", ["ATENÇÃO", "esperada: ", "mostrada: ", "apague a linha 1 de "]),
    ] {
        let output = come("Caio", language);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
        let stderr = text(&output.stderr);
        let [loud, expected, shown, forget] = words;
        let parts =
            [loud, &format!("{expected}{first}"), &format!("{shown}{second}"), &format!("{forget}{}", file.display())];
        assert!(parts.iter().all(|part| stderr.contains(part)), "{stderr}");
        assert!(stderr.contains(&address) && stderr.lines().all(|line| line.starts_with("client: ")), "{stderr}");
    }
    witness.expect_nothing();
    // as it says
    fs::write(&file, "").unwrap();
    assert_eq!(come("Caio", "en").status.code(), Some(0));
    fs::write(&file, format!("{address} AB:CD\n")).unwrap();
    let output = come("Davi", "en");
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("client: line 1 of {} holds no fingerprint", file.display());
    assert!(text(&output.stderr).starts_with(&expected), "{}", text(&output.stderr));
}

#[test]
fn nothing_is_sent_to_whoever_shows_another_certificate() {
    let (address, found, hearing) = overhear();
    let wrong = Identity::passing().unwrap().fingerprint().to_string();
    let output = run(&[&address.to_string(), "--fingerprint", &wrong, "--name", "Ana", "--lang", "en"], "oi\n");
    assert_eq!(text(&hearing.join().unwrap()), "");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    let sentences = [format!("client: expected: {wrong}\n"), format!("client: shown: {found}\n")];
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("client: ATTENTION: ") && sentences.iter().all(|s| stderr.contains(s)), "{stderr}");
    assert_eq!(stderr.lines().count(), 3, "{stderr}");
}

#[test]
fn a_script_may_say_which_certificate_it_expects() {
    let server = TestServer::start();
    let front = Front::start(server.address);
    let data = tempdir().unwrap();
    let fingerprint = front.fingerprint().to_string().to_lowercase();
    let directory = data.path().to_str().unwrap();
    let arguments = [
        &front.address.to_string(),
        "--fingerprint",
        &fingerprint,
        "--name",
        "Ana",
        "--lang",
        "en",
        "--data",
        directory,
    ];
    let output = run(&arguments, "/quem\n");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(text(&output.stdout).ends_with("In the room (1): Ana\n"), "{}", text(&output.stdout));
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_read_is_said_and_nobody_believed() {
    let server = TestServer::start();
    let front = Front::start(server.address);
    let directory = tempdir().unwrap();
    let known = directory.path().join("known_servers");
    fs::create_dir(&known).unwrap();
    let run = |data: &std::path::Path| {
        let arguments = [&front.address.to_string(), "--tls", "--name", "Ana", "--data", data.to_str().unwrap()];
        run(&arguments, "")
    };
    // it cannot be read either, so nobody knows
    let output = run(directory.path());
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("client: não foi possível ler {}", known.display());
    assert!(text(&output.stderr).starts_with(&expected), "{}", text(&output.stderr));
}

#[test]
fn a_server_without_tls_is_one_sentence_and_code_1() {
    let server = TestServer::start();
    let output = run(&[&server.address.to_string(), "--tls", "--name", "Ana"], "oi\n");
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("client: nenhuma conexão cifrada com ") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn a_password_is_given_where_one_is_asked_for_and_nowhere_else() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("senha");
    fs::write(&file, "senha da sala\n").unwrap();
    let file = file.to_str().unwrap();
    let mut locked = common::program::Program::start(&["--password-file", file]);
    let address = locked.address.to_string();
    let output = run(&[&address, "--name", "Ana", "--password-file", file], "oi\n/sair\n");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(text(&output.stdout).starts_with("Bem-vindo ao chat, Ana!"), "{}", text(&output.stdout));
    // a wrong one
    let wrong = directory.path().join("errada");
    fs::write(&wrong, "errada\n").unwrap();
    let output = run(&[&address, "--name", "Ana", "--password-file", wrong.to_str().unwrap()], "oi\n");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), "Erro: Senha errada.\n"));
    // none, and nobody there to type it
    let output = run(&[&address, "--name", "Ana", "--lang", "en"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "Room password:\n");
    let sentence = "client: the room has a password. Give it with --password-file or PAPO_PASSWORD.\n";
    assert_eq!(text(&output.stderr), sentence);
    // none: whoever sits there types it
    let mut beto = Seat::take_at(locked.address, &[]);
    beto.sees("Senha da sala:");
    beto.types("senha da sala");
    beto.sees("Informe seu nome para entrar no chat:");
    beto.types("Beto");
    beto.sees("Bem-vindo ao chat, Beto! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos.");
    beto.types("/sair");
    beto.sees("Você saiu do chat.");
    beto.ends_with_code(0);
    locked.stdout = None;
    // an open room is not told it
    let open = TestServer::start();
    let output = run(&[&open.address.to_string(), "--name", "Ana", "--password-file", file], "/quem\n");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("Na sala (1): Ana"), "{}", text(&output.stdout));
}
