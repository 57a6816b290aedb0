//! The `papo` program itself: what it prints, its flags and variables, its exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::io::{BufRead, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::program::{DATA, Program, papo, run};
use common::{Client, wait_until};
use papo::transport::tls::{Identity, KEPT_CERTIFICATE, KEPT_KEY};
use tempfile::tempdir;

#[test]
fn it_says_where_it_listens_and_serves() {
    let server = Program::start(&[]);
    let mut ana = Client::connect(server.address);
    ana.send("Ana");
    assert!(ana.line().starts_with("Bem-vindo ao chat, Ana!"));
}

#[test]
fn each_address_has_a_line_for_terminals_and_one_for_browsers() {
    for (language, sentence) in [("pt", "ou abra no navegador:"), ("en", "or open in a browser:")] {
        let mut server = Program::start(&["--admin", "127.0.0.1:0", "--lang", language, "--tls", "off"]);
        let lines = server.lines_until("/metrics");
        assert_eq!(lines[..lines.len() - 1], [sentence.to_owned(), format!("http://{}", server.address)]);
    }
}

/// A server on every address, so that there is one for phones if this machine is on a network.
fn on_every_address(arguments: &[&str]) -> (Command, std::net::SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = papo(&["--listen", &free.port().to_string(), "--admin", "127.0.0.1:0"]);
    command.args(arguments);
    (command, free)
}

const DRAWN: [char; 3] = ['█', '▀', '▄'];

#[cfg(unix)]
#[test]
fn no_qr_code_is_drawn_where_nobody_sees_it() {
    let (command, address) = on_every_address(&[]);
    let mut server = Program::spawn_at(command, address);
    let lines = server.lines_until("/metrics").concat();
    let log = server.log();
    assert!(!lines.contains(DRAWN) && !log.contains(DRAWN) && !log.contains('\x1b'), "{lines}{log}");
}

/// A server whose stderr is a terminal, and what that is shown, as far as it has come.
#[cfg(target_os = "linux")]
fn on_a_terminal(mut command: Command, address: std::net::SocketAddr) -> (Program, std::sync::mpsc::Receiver<Vec<u8>>) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::fs::File;

    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let terminal = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
    command.stderr(File::options().write(true).open(terminal).unwrap());
    let server = Program::spawn_at(command, address);
    let (show, shown) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut screen, mut block) = (File::from(screen), [0; 4096]);
        // it is an error to read what nobody has open any more
        while let Ok(count @ 1..) = screen.read(&mut block) {
            let _ = show.send(block[..count].to_vec());
        }
    });
    (server, shown)
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_shown_a_qr_code_unless_it_is_not_wanted() {
    for (variable, value, is_drawn, is_coloured) in [
        ("PAPO_NO_QR", "", true, true),
        ("NO_COLOR", "1", true, false),
        ("PAPO_NO_QR", "0", true, true),
        ("PAPO_NO_QR", "1", false, false),
    ] {
        let (mut command, address) = on_every_address(&["--lang", "en"]);
        command.env_remove("NO_COLOR").env(variable, value);
        let (mut server, screen) = on_a_terminal(command, address);
        let lines = server.lines_until("/metrics");
        let is_on_a_network = !lines[0].contains("for this computer only");
        let mut shown = Vec::new();
        let text = |shown: &[u8]| String::from_utf8_lossy(shown).into_owned();
        while is_drawn && is_on_a_network && !text(&shown).contains(DRAWN) {
            shown.extend(screen.recv_timeout(common::DEADLINE).unwrap());
        }
        server.signal("TERM");
        while let Ok(more) = screen.recv_timeout(common::DEADLINE) {
            shown.extend(more);
        }
        assert_eq!(server.exit_code(), 0);
        let shown = text(&shown);
        assert_eq!(shown.contains(DRAWN), is_drawn && is_on_a_network, "{shown}");
        if !shown.contains(DRAWN) {
            continue;
        }
        // the sentence has one of the URLs that stdout has; the code below it is not cut, and nothing is between
        let rows: Vec<&str> = shown.lines().skip_while(|line| !line.contains("point the camera")).collect();
        let url = rows[0].rsplit(' ').next().unwrap();
        assert!(lines.iter().any(|line| line == url), "{url} {lines:?}");
        let light = if is_coloured { "\x1b[30;107m  " } else { "██" };
        let rows: Vec<&str> = rows[1..].iter().copied().take_while(|row| row.starts_with(light)).collect();
        assert!(rows.len() >= 15, "{shown}");
        assert!(rows.iter().all(|row| row.ends_with("\x1b[0m") == is_coloured), "{shown}");
    }
}

#[test]
fn flags_beat_variables_and_variables_beat_defaults() {
    let mut command = papo(&["--lang", "en"]);
    command.env("PAPO_LISTEN", "127.0.0.1:0").env("PAPO_LANG", "pt-BR").env("PAPO_MAX_CONNECTIONS", "1");
    let server = Program::spawn(command);
    let mut ana = Client::connect(server.address);
    ana.send("Ana");
    assert!(ana.line().starts_with("Welcome to the chat, Ana!"));
    let mut beto = Client::connect(server.address);
    beto.expect(&["Error: The server is full. Try again later."]);
}

#[test]
fn listen_may_be_repeated_and_a_bare_port_is_every_address() {
    let first = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Program::start(&["--listen", &first.to_string()]);
    for address in [server.address, first] {
        let mut client = Client::connect(address);
        client.send("/ping");
        client.expect(&["Pong! O servidor está respondendo."]);
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Program::spawn_at(papo(&["--listen", &free.to_string()]), ([127, 0, 0, 1], free).into());
    let mut client = Client::connect(server.address);
    client.send("/ping");
    client.expect(&["Pong! O servidor está respondendo."]);
    // where this machine has IPv6 at all
    if TcpListener::bind("[::1]:0").is_ok() {
        let mut client = Client::connect(format!("[::1]:{free}").parse().unwrap());
        client.send("/ping");
        client.expect(&["Pong! O servidor está respondendo."]);
    }
}

#[test]
fn a_port_in_use_is_one_clear_sentence_and_code_1() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    for (language, sentence) in [
        ("pt", format!("papo: a porta {} já está em uso.", address.port())),
        ("en", format!("papo: port {} is in use.", address.port())),
    ] {
        let output = run(papo(&["--listen", &address.to_string(), "--lang", language]));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr.starts_with(&sentence), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn a_place_that_is_given_twice_is_one_clear_sentence_and_code_1() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(papo(&["--listen", &free.to_string(), "--listen", &free.to_string(), "--lang", "en"]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with(&format!("papo: port {} is in use.", free.port())), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn the_operators_page_is_announced_and_answers() {
    let mut server = Program::start(&["--admin", "127.0.0.1:0"]);
    let lines = server.lines_until("Para quem cuida");
    let url = lines.last().unwrap().strip_prefix("Para quem cuida do servidor: http://").unwrap();
    let (address, _) = url.split_once("/metrics e http://").unwrap();
    let mut page = std::net::TcpStream::connect(address).unwrap();
    page.write_all(b"GET /health HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    page.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
}

#[test]
fn a_place_that_the_operators_page_cannot_have_is_one_clear_sentence_and_code_1() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    for (address, sentence) in [
        (address.to_string(), format!("papo: port {}, for the counters, is in use.", address.port())),
        ("203.0.113.1:9100".to_owned(), "papo: cannot show the counters on 203.0.113.1:9100: ".to_owned()),
    ] {
        let output = run(papo(&["--listen", "127.0.0.1:0", "--admin", &address, "--lang", "en"]));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr.starts_with(&sentence) && stderr.lines().count() == 1, "{stderr}");
        assert_eq!(output.stdout, b"");
    }
}

#[cfg(unix)]
#[test]
fn a_page_that_others_can_reach_is_warned_of() {
    let log = Program::start(&["--admin", "0.0.0.0:0"]).log();
    assert_eq!(log.matches("can read the counters").count(), 1, "{log}");
    let log = Program::start(&["--admin", "127.0.0.1:0"]).log();
    assert!(!log.contains("can read the counters"), "{log}");
}

/// What a server prints behind the addresses.
fn printed(server: &mut Program) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        server.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        if !line.starts_with("nc ") && !line.starts_with("http") && !line.starts_with("ou ") {
            return line;
        }
    }
}

/// What a server prints of a certificate.
fn announced(identity: &Identity) -> String {
    format!("Impressão digital do certificado TLS (SHA-256): {}\n", identity.fingerprint())
}

/// The flags that give the two files of a directory.
fn files(directory: &Path) -> [String; 4] {
    let path = |name| directory.join(name).to_str().unwrap().to_owned();
    ["--tls-cert".to_owned(), path(KEPT_CERTIFICATE), "--tls-key".to_owned(), path(KEPT_KEY)]
}

#[test]
fn the_certificate_is_made_once_and_its_fingerprint_is_printed() {
    let directory = tempdir().unwrap();
    let data = directory.path().join("papo");
    for _ in 0..2 {
        let mut server = Program::start(&["--data", data.to_str().unwrap()]);
        assert_eq!(printed(&mut server), announced(&Identity::kept_in(&data).unwrap()));
        assert_eq!(fs::read_dir(&data).unwrap().count(), 2);
    }
    // two that are given come before
    let given = tempdir().unwrap();
    let identity = Identity::kept_in(given.path()).unwrap();
    let flags = files(given.path());
    let mut command = papo(&["--listen", "127.0.0.1:0", "--tls", "required"]);
    command.args(&flags).env("PAPO_DATA", &data);
    assert_eq!(printed(&mut Program::spawn(command)), announced(&identity));
}

#[cfg(unix)]
#[test]
fn without_tls_there_is_no_certificate() {
    let directory = tempdir().unwrap();
    let data = directory.path().join("papo");
    let mut server = Program::start(&["--tls", "off", "--data", data.to_str().unwrap()]);
    server.signal("TERM");
    assert_eq!(printed(&mut server), "");
    assert!(!data.exists());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_kept_is_warned_of_and_the_chat_goes_on() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let mut server = Program::start(&["--data", file.to_str().unwrap()]);
    assert!(printed(&mut server).starts_with("Impressão digital"));
    drop(server.join("Ana"));
    let log = server.log();
    let sentence = format!("papo: não foi possível guardar um certificado TLS em {}: ", file.display());
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
    assert!(log.contains(&sentence) && log.contains("a impressão digital será outra"), "{log}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_one_clear_sentence_and_code_1() {
    let [one, other, broken] = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
    for directory in [&one, &other] {
        Identity::kept_in(directory.path()).unwrap();
    }
    fs::write(broken.path().join(KEPT_CERTIFICATE), "oi\n").unwrap();
    fs::write(broken.path().join(KEPT_KEY), "oi\n").unwrap();
    let [one_files, other_files, broken_files] = [&one, &other, &broken].map(|directory| files(directory.path()));
    let missing = one.path().join("missing").to_str().unwrap().to_owned();
    let (certificate, key) = (&one_files[1], &one_files[3]);
    for (given, [portuguese, english]) in [
        (
            [&missing, key],
            [format!("papo: não foi possível ler {missing}: "), format!("papo: cannot read {missing}: ")],
        ),
        (
            [certificate, &missing],
            [format!("papo: não foi possível ler {missing}: "), format!("papo: cannot read {missing}: ")],
        ),
        (
            [&broken_files[1], key],
            [
                format!("papo: {} não contém um certificado", broken_files[1]),
                "holds no valid TLS certificate".to_owned(),
            ],
        ),
        (
            [certificate, &broken_files[3]],
            [format!("papo: {} não contém uma chave", broken_files[3]), "holds no private key".to_owned()],
        ),
        (
            [certificate, &other_files[3]],
            [
                format!("papo: a chave privada em {} não é a do certificado TLS em {certificate}.", other_files[3]),
                "is not that of the TLS certificate in".to_owned(),
            ],
        ),
    ] {
        for (language, sentence) in [("pt", portuguese), ("en", english)] {
            let flags = ["--listen", "127.0.0.1:0", "--lang", language, "--tls-cert", given[0], "--tls-key", given[1]];
            is_one_sentence_and_code_1(papo(&flags), &sentence);
        }
    }
    // in the data directory, too
    let data = broken.path().to_str().unwrap();
    is_one_sentence_and_code_1(papo(&["--listen", "127.0.0.1:0", "--data", data]), "não contém um certificado TLS");
    fs::remove_file(broken.path().join(KEPT_KEY)).unwrap();
    is_one_sentence_and_code_1(papo(&["--listen", "127.0.0.1:0", "--data", data]), "Traga-a de volta, ou apague");
}

#[track_caller]
fn is_one_sentence_and_code_1(command: Command, sentence: &str) {
    let output = run(command);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("papo: ") && stderr.contains(sentence) && stderr.lines().count() == 1, "{stderr}");
    assert_eq!(output.stdout, b"");
}

#[cfg(unix)]
#[test]
fn sighup_reads_the_certificate_again_and_nobody_leaves() {
    let [directory, other] = [tempdir().unwrap(), tempdir().unwrap()];
    for directory in [&directory, &other] {
        Identity::kept_in(directory.path()).unwrap();
    }
    let mut command = papo(&["--listen", "127.0.0.1:0", "--lang", "en"]);
    command.args(files(directory.path()));
    let mut server = Program::spawn(command);
    let mut log = std::io::BufReader::new(server.child.stderr.take().unwrap());
    let mut next = |what: &str| loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "in vain: {what}");
        if line.contains("certificate") {
            break line;
        }
    };
    let mut ana = server.join("Ana");
    for name in [KEPT_CERTIFICATE, KEPT_KEY] {
        fs::copy(other.path().join(name), directory.path().join(name)).unwrap();
    }
    server.signal("HUP");
    let reloaded = next("read again");
    let fingerprint = Identity::kept_in(other.path()).unwrap().fingerprint();
    assert!(reloaded.contains("INFO") && reloaded.contains(&format!("fingerprint {fingerprint}")), "{reloaded}");
    fs::write(directory.path().join(KEPT_KEY), "oi").unwrap();
    server.signal("HUP");
    let kept = next("not read");
    assert!(kept.contains("WARN") && kept.contains("stays as it is. papo: "), "{kept}");
    ana.send("/ping");
    ana.expect(&["Pong! The server is answering."]);
    server.signal("TERM");
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn an_address_of_another_machine_is_one_clear_sentence_and_code_1() {
    // TEST-NET-3 (RFC 5737) belongs to nobody
    let output = run(papo(&["--listen", "203.0.113.1:9999"]));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stderr, "papo: este computador não tem o endereço 203.0.113.1.\n".as_bytes());
}

#[test]
fn a_wrong_flag_is_one_clear_sentence_and_code_2() {
    for arguments in [
        &["--foo"] as &[&str],
        &["--listen", "sala"],
        &["--listen="],
        &["--outbox", "x"],
        &["--outbox", "x\ny"],
        &["--exempt", "10.0.0.0/40"],
        &["--max-per-address", "-1"],
        &["--max-connections"],
        &["--threads", "1000"],
        &["--threads", "0"],
        &["--backlog", "0"],
        &["--max-line", "9000"],
        &["--max-line", "8000", "--outbox", "10000"],
        &["--keepalive", "40000"],
        &["--user-timeout", "18446744073709551616"],
        &["--rate", "4294967296"],
        &["--rate-bytes", "1.5"],
        &["--listen", "9999,"],
        &["--listen", "224.0.0.1:9999"],
        &["--listen", "127.0.0.1:0", "--listen", "255.255.255.255:9999"],
        &["--tls", "yes"],
        &["--tls-cert", "a.pem"],
        &["--tls-key", "a.pem"],
        &["--tls-cert=", "--tls-key=a.pem"],
        &["--data="],
        &["--password-file"],
        &["--password-file="],
        &["--password", "segredo"],
        &["--max-password-tries", "x"],
        &["--max-password-tries-per-address", "-1"],
        &["--lang", "fr"],
        &["--lang="],
        &["-x"],
        &["sala"],
    ] {
        is_one_sentence_and_code_2(papo(arguments));
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_even_text_is_one_clear_sentence_and_code_2() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let garbage = OsStr::from_bytes(b"\xff\xfe");
    let mut command = papo(&["--outbox"]);
    command.arg(garbage);
    is_one_sentence_and_code_2(command);
    let mut command = papo(&[]);
    command.arg(garbage);
    is_one_sentence_and_code_2(command);
    let mut command = papo(&[]);
    command.env("PAPO_MAX_LINE", garbage);
    is_one_sentence_and_code_2(command);
}

#[track_caller]
fn is_one_sentence_and_code_2(command: Command) {
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("papo: ") && stderr.lines().count() == 1, "{stderr}");
    assert_eq!(output.stdout, b"");
}

/// A file with the room's password; removed when dropped.
struct PasswordFile(std::path::PathBuf);

impl PasswordFile {
    fn new(name: &str, bytes: &[u8]) -> PasswordFile {
        let path = std::env::temp_dir().join(format!("papo-program-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        PasswordFile(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_password_file_that_is_none_is_one_clear_sentence_and_code_1() {
    let empty = PasswordFile::new("empty", b"\nsegredo\n");
    let latin = PasswordFile::new("latin", b"segredo \xe9\n");
    let long = PasswordFile::new("long", &[b'x'; 5000]);
    let missing = std::env::temp_dir().join("papo-program-missing");
    for (path, portuguese, english) in [
        (empty.path(), "papo: a senha em FILE está vazia.", "papo: the password in FILE is empty."),
        (latin.path(), "papo: a senha em FILE não é UTF-8.", "papo: the password in FILE is not UTF-8."),
        (
            long.path(),
            "papo: a senha em FILE é longa demais: no máximo 4094 bytes",
            "papo: the password in FILE is too long: at most 4094 bytes",
        ),
        (
            missing.to_str().unwrap(),
            "papo: não foi possível ler a senha em FILE: ",
            "papo: cannot read the password from FILE: ",
        ),
    ] {
        for (language, sentence) in [("pt", portuguese), ("en", english)] {
            let by_flag = papo(&["--listen", "127.0.0.1:0", "--lang", language, "--password-file", path]);
            let mut by_variable = papo(&["--listen", "127.0.0.1:0", "--lang", language]);
            by_variable.env("PAPO_PASSWORD_FILE", path);
            for command in [by_flag, by_variable] {
                let output = run(command);
                let stderr = String::from_utf8(output.stderr).unwrap();
                assert_eq!(output.status.code(), Some(1), "{stderr}");
                assert!(stderr.starts_with(&sentence.replace("FILE", path)), "{stderr}");
                assert!(stderr.lines().count() == 1 && !stderr.contains("segredo"), "{stderr}");
                assert_eq!(output.stdout, b"");
            }
        }
    }
}

#[test]
fn a_password_variable_that_is_none_is_one_clear_sentence_and_code_2() {
    for (password, sentence) in [
        ("", "papo: the password in PAPO_PASSWORD is empty.\n"),
        (
            "segredo\t",
            "papo: the password in PAPO_PASSWORD has a character that no password may have, such as a tab.\n",
        ),
    ] {
        let mut command = papo(&["--lang", "en"]);
        command.env("PAPO_PASSWORD", password);
        let output = run(command);
        assert_eq!((String::from_utf8(output.stderr).unwrap().as_str(), output.status.code()), (sentence, Some(2)));
    }
    let mut command = papo(&[]);
    command.env("PAPO_PASSWORD", "segredo").env("PAPO_PASSWORD_FILE", "f");
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    let sentence = "papo: duas senhas: PAPO_PASSWORD e PAPO_PASSWORD_FILE estão definidas.";
    assert!(String::from_utf8(output.stderr).unwrap().starts_with(sentence));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;

        let mut command = papo(&["--lang", "en"]);
        command.env("PAPO_PASSWORD", std::ffi::OsStr::from_bytes(b"segredo\xff"));
        let output = run(command);
        assert_eq!(output.stderr, b"papo: the password in PAPO_PASSWORD is not UTF-8.\n");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[cfg(unix)]
#[test]
fn a_password_file_that_others_can_read_is_warned_of_and_no_password_is_ever_said() {
    use std::os::unix::fs::PermissionsExt;

    let file = PasswordFile::new("mode", b"segredo\n");
    let mut by_variable = papo(&["--listen", "127.0.0.1:0"]);
    by_variable.env("PAPO_PASSWORD", "segredo").env("RUST_LOG", "trace");
    let log = Program::spawn(by_variable).log();
    assert!(!log.contains("segredo") && !log.contains("WARN"), "{log}");
    for (mode, is_warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o622, true)] {
        std::fs::set_permissions(&file.0, std::fs::Permissions::from_mode(mode)).unwrap();
        // the flag beats the variable
        let mut command = papo(&["--listen", "127.0.0.1:0", "--lang", "en", "--password-file", file.path()]);
        command.env("PAPO_PASSWORD", "").env("RUST_LOG", "trace");
        let log = Program::spawn(command).log();
        assert_eq!(log.contains(&format!("the mode of {} is {mode:03o}", file.path())), is_warned, "{log}");
        assert_eq!(log.contains("WARN"), is_warned, "{log}");
        assert!(!log.contains("segredo"), "{log}");
    }
}

#[test]
fn every_variable_is_looked_at() {
    let help = String::from_utf8(run(papo(&["--help"])).stdout).unwrap();
    // not what is named in a help, which is further to the right
    let flags: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("      --")?.split(' ').next()).collect();
    assert!(flags.contains(&"listen") && flags.len() > 20, "{help}");
    // any text is a path; what becomes of these is tried elsewhere
    for flag in flags.into_iter().filter(|flag| !["tls-cert", "tls-key", "data", "password-file"].contains(flag)) {
        let variable = flag.to_uppercase().replace('-', "_");
        let mut command = papo(&[]);
        command.env(format!("PAPO_{variable}"), "x@");
        let output = run(command);
        let sentence = format!("papo: valor inválido para PAPO_{variable}: 'x@'. Veja papo --help.\n");
        assert_eq!((String::from_utf8(output.stderr).unwrap(), output.status.code()), (sentence, Some(2)));
    }
}

#[test]
fn a_wrong_variable_is_named_and_an_empty_one_is_none() {
    let mut command = papo(&[]);
    command.env("PAPO_OUTBOX", "muito");
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "papo: valor inválido para PAPO_OUTBOX: 'muito'. Veja papo --help.\n");
    // a number, but none that a server could work with
    let mut command = papo(&["--outbox", "100000"]);
    command.env("PAPO_MAX_LINE", "10").env("PAPO_OUTBOX", "x");
    let stderr = String::from_utf8(run(command).stderr).unwrap();
    assert_eq!(stderr, "papo: valor inválido para PAPO_MAX_LINE: '10'. Veja papo --help.\n");
    let mut command = papo(&["--listen", "127.0.0.1:0"]);
    for variable in ["PAPO_LISTEN", "PAPO_LANG", "PAPO_OUTBOX", "PAPO_MAX_LINE"] {
        command.env(variable, "");
    }
    Program::spawn(command);
}

#[test]
fn help_and_version_go_to_stdout() {
    let output = run(papo(&["--help"]));
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("--listen"));
    let output = run(papo(&["--version"]));
    assert_eq!(output.stdout, format!("papo {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}

#[cfg(unix)]
#[test]
fn sigterm_and_sigint_end_it_in_good_order_with_code_0() {
    for signal in ["TERM", "INT"] {
        let server = Program::start(&[]);
        let mut ana = Client::connect(server.address);
        ana.send("Ana");
        ana.line();
        server.signal(signal);
        ana.expect(&["O servidor está encerrando."]);
        ana.expect_end();
        drop(ana);
        assert_eq!(server.exit_code(), 0);
    }
}

#[cfg(unix)]
#[test]
fn no_thread_ends_unasked_when_the_server_stops() {
    // nobody is there, so the end comes as fast as it can
    let log = Program::start(&["--threads", "16"]).log();
    assert!(log.contains("stopping") && !log.contains("ERROR"), "{log}");
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_it_at_once() {
    let server = Program::start(&[]);
    let mut ana = Client::connect(server.address);
    ana.send("Ana");
    ana.line();
    server.signal("TERM");
    ana.expect(&["O servidor está encerrando."]);
    // she does not close her side, so the server would drain for a second
    let start = Instant::now();
    server.signal("TERM");
    assert_eq!(server.exit_code(), 0);
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
}

#[cfg(unix)]
#[test]
fn the_log_tells_who_comes_and_goes_and_nothing_of_what_is_said() {
    let server = Program::start(&[]);
    let mut ana = Client::connect(server.address);
    let mut beto = Client::connect(server.address);
    ana.send("Ana");
    ana.line();
    beto.send("Beto");
    ana.expect(&["Beto entrou no chat."]);
    beto.line();
    ana.send("segredo público");
    ana.send("@beto segredo privado");
    beto.expect(&["Ana: segredo público", "Ana (privado): segredo privado"]);
    ana.send("/segredo");
    ana.line();
    beto.reset();
    ana.expect(&["Beto saiu do chat (conexão perdida)."]);
    ana.send("/nome Zoe");
    ana.line();
    ana.send("/sair");
    ana.line();
    let log = server.log();
    for expected in
        ["session=1 peer=127.0.0.1:", "name=Ana joined", "name=Beto left reason=lost", "name=Zoe left reason=asked"]
    {
        assert!(log.contains(expected), "{log}");
    }
    assert!(!log.contains("segredo"), "{log}");
}

/// A log longer than any pipe.
#[cfg(unix)]
#[test]
fn it_serves_on_when_nobody_reads_its_log() {
    let mut command = papo(&["--listen", "127.0.0.1:0", "--max-per-address", "0", "--max-new-per-address", "0"]);
    command.env("RUST_LOG", "debug");
    let server = Program::spawn(command);
    for i in 0..1500 {
        let mut client = Client::connect(server.address);
        client.send(&format!("pessoa_{i}"));
        assert!(client.line().starts_with("Bem-vindo"));
    }
    server.signal("TERM");
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn it_serves_on_when_nobody_can_read_what_it_prints() {
    let mut server = Program::start(&[]);
    drop(server.child.stderr.take());
    drop(server.stdout.take());
    for _ in 0..2 {
        let mut ana = Client::connect(server.address);
        ana.send("Ana");
        assert!(ana.line().starts_with("Bem-vindo"));
        ana.send("/sair");
        ana.expect(&["Você saiu do chat."]);
        ana.expect_end();
    }
}

/// A server that may have so many descriptors and no more. Its connections all come from one address.
#[cfg(unix)]
fn with_descriptors(limit: usize, arguments: &str) -> Command {
    let off = "--max-per-address 0 --max-new-per-address 0 --max-unnamed-per-address 0";
    let papo = env!("CARGO_BIN_EXE_papo");
    let script = format!("ulimit -n {limit}; exec {papo} --listen 127.0.0.1:0 {off} {arguments}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).env_remove("RUST_LOG").env("LANG", "C.UTF-8").env_remove("LC_ALL");
    command.env("PAPO_DATA", DATA).env("PAPO_NO_JOURNAL", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[cfg(unix)]
#[test]
fn more_connections_than_descriptors_is_said_at_start() {
    for (arguments, sentence) in [
        ("", "no máximo 136 conexões simultâneas, e não 10000: o sistema permite 200 descritores a este processo"),
        (
            "--lang en --max-connections 137",
            "at most 136 connections at once, not 137: the system allows this process 200",
        ),
        ("--lang en --threads 3", "at most 128 connections at once, not 10000"),
    ] {
        let log = Program::spawn(with_descriptors(200, arguments)).log();
        assert_eq!(log.matches(sentence).count(), 1, "{log}");
        assert!(log.contains("WARN"), "{log}");
    }
    for fits in ["--max-connections 136", "--max-connections 0"] {
        let log = Program::spawn(with_descriptors(200, fits)).log();
        assert!(!log.contains("WARN"), "{log}");
    }
}

#[cfg(unix)]
#[test]
fn too_few_descriptors_are_one_clear_sentence_and_code_1() {
    for limit in [20, 64, 70] {
        for (language, sentence) in [
            ("pt", format!("papo: descritores de menos: o sistema permite {limit} a este processo")),
            ("en", format!("papo: too few descriptors: the system allows this process {limit}")),
        ] {
            let output = run(with_descriptors(limit, &format!("--lang {language}")));
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert!(stderr.starts_with(&sentence) && stderr.lines().count() == 1, "{stderr}");
            assert_eq!(output.stdout, b"");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_flood_of_connections_is_refused_before_the_last_descriptor() {
    const FULL: &str = "Erro: O servidor está cheio. Tente de novo mais tarde.";
    let mut command = with_descriptors(128, "");
    command.env("RUST_LOG", "papo=debug");
    let server = Program::spawn(command);
    let mut ana = Client::connect(server.address);
    ana.send("Ana");
    ana.line();
    let mut crowd: Vec<Client> = (0..200).map(|_| Client::connect(server.address)).collect();
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    // 64 connections are in, with hers; all others have read why they are not
    let said: Vec<String> = crowd.iter_mut().map(Client::line).collect();
    let refused = said.iter().filter(|line| *line == FULL).count();
    let asked = said.iter().filter(|line| *line == "Informe seu nome para entrar no chat:").count();
    assert_eq!((asked, refused), (63, 137), "{said:?}");
    drop(crowd);
    wait_until("there is room again", || {
        let mut beto = Client::connect(server.address);
        beto.send("Beto");
        beto.line().starts_with("Bem-vindo")
    });
    ana.expect(&["Beto entrou no chat."]);
    let log = server.log();
    assert!(!log.contains("cannot accept"), "{log}");
    // a refusal costs no session
    assert!(log.matches("refused reason=server-full").count() >= 137, "{log}");
    let sessions = log.lines().filter(|line| line.ends_with(" connected")).count();
    assert_eq!(sessions, 1 + 63 + 1, "{log}");
}

/// The table of descriptors can be full for other reasons than connections; here somebody lowers the limit meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn it_outlives_a_full_table_of_descriptors() {
    const TIME: Duration = Duration::from_secs(2);
    let mut command = with_descriptors(1000, "");
    command.env("RUST_LOG", "papo=debug");
    let server = Program::spawn(command);
    let mut ana = Client::connect(server.address);
    ana.send("Ana");
    ana.line();
    let id = server.child.id().try_into().unwrap();
    let limit = |limit| rlimit::prlimit(id, rlimit::Resource::NOFILE, Some((limit, 1000)), None).unwrap();
    let open = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    limit(open as u64);
    // they are connected, as far as they can tell, and wait for a place
    let start = Instant::now();
    let mut crowd: Vec<Client> = (0..5).map(|_| Client::connect(server.address)).collect();
    // whoever is in goes on chatting
    while start.elapsed() < TIME {
        ana.send("/ping");
        ana.expect(&["Pong! O servidor está respondendo."]);
        std::thread::sleep(Duration::from_millis(600));
    }
    let time = start.elapsed();
    limit(1000);
    for (i, client) in crowd.iter_mut().enumerate() {
        client.send(&format!("espera_{i}"));
        while !client.line().starts_with(&format!("Bem-vindo ao chat, espera_{i}!")) {}
    }
    let log = server.log();
    // said once; tried again after 10, 20, 40 … 640 ms, then once a second
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    let tries = log.matches("cannot accept connections: Too many open files").count();
    assert!(tries >= 2 && tries <= 8 + time.as_secs() as usize + 1, "{tries} in {time:?}");
}
