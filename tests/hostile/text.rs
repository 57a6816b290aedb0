//! What a person types to do something to other people's screens. The pure rules are tested and fuzzed beside
//! `src/chat/hygiene.rs`; here they hold for every way by which one person's text reaches another one.

use crate::common::{Client, TestServer, config};
use crate::witness::Witness;
use papo::config::Config;
use papo::room::ChatRoom;

/// What is sent as one line, and what others read.
const LINES: &[(&str, &str)] = &[
    // titles, reports and fonts of terminals (CVE-2003-0063, CVE-2021-33477, CVE-2022-45063)
    ("\x1b]0;dono\x07", "␛]0;dono␇"),
    ("\x1bGQ", "␛GQ"),
    ("\x1b]50;?\x07", "␛]50;?␇"),
    ("\u{9b}2J", "␛[2J"),
    ("\u{9d}52;c;aGk=\u{9c}", "␛]52;c;aGk=␛\\"),
    // back over what was written, over the line, into a line of one's own (ergo #610)
    ("oi\x08\x08\x08Beto: tchau", "oi␈␈␈Beto: tchau"),
    ("oi\rBeto: tchau", "oi␍Beto: tchau"),
    ("oi\u{2028}Beto: tchau\u{2029}", "oi␤Beto: tchau␤"),
    ("oi\u{85}Beto: tchau", "oi␛EBeto: tchau"),
    ("a\0b\x7f", "a␀b␡"),
    // the other direction (CVE-2021-42574), and what nobody sees
    ("\u{202e}ortam\u{202c} oi", "ortam oi"),
    ("\u{2067}a\u{2069}\u{200f}b\u{61c}c", "abc"),
    ("a\u{fff9}b\u{fffa}c\u{fffb}", "abc"),
    ("a\u{e0041}\u{e0042}b", "ab"),
    // people write so: families, flags, Persian, a tab, marks
    ("👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم", "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم"),
    (
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    ),
    ("coluna\tcoluna", "coluna\tcoluna"),
    ("ti\u{1ebf}ng Việt", "ti\u{1ebf}ng Việt"),
];

fn three(server: &TestServer) -> (Client, Client, Witness) {
    let mut reader = server.join("Leitora");
    let mut writer = server.join("Autora");
    reader.expect(&["Autora entrou no chat."]);
    let witness = Witness::start(server);
    for person in [&mut reader, &mut writer] {
        person.read_to("Falante entrou no chat.");
    }
    (reader, writer, witness)
}

/// The next line that is not the witness's.
fn next(reader: &mut Client) -> String {
    loop {
        let line = reader.line();
        if !line.starts_with("Falante: ") {
            return line;
        }
    }
}

#[test]
fn whatever_way_a_text_takes_others_read_it_clean() {
    let server = TestServer::with(config(), ChatRoom::default);
    let (mut reader, mut writer, witness) = three(&server);
    for (typed, clean) in LINES {
        writer.send(typed);
        writer.send(&format!("@leitora {typed}"));
        writer.send(&format!("/eu {typed}"));
        assert_eq!(next(&mut reader), format!("Autora: {clean}"));
        assert_eq!(next(&mut reader), format!("Autora (privado): {clean}"));
        assert_eq!(next(&mut reader), format!("* Autora {clean}"));
    }
    witness.stop();
}

#[test]
fn marks_are_stacked_no_higher_than_eight() {
    let server = TestServer::with(config(), ChatRoom::default);
    let (mut reader, mut writer, witness) = three(&server);
    // GNU screen fell over them (CVE-2006-4573, CVE-2021-26937)
    writer.send(&format!("z{}a{}", "\u{301}".repeat(500), "\u{324}".repeat(8)));
    assert_eq!(next(&mut reader), format!("Autora: z{}a{}", "\u{301}".repeat(8), "\u{324}".repeat(8)));
    witness.stop();
}

#[test]
fn nobody_can_speak_as_the_server_or_as_somebody_else() {
    let server = TestServer::with(config(), ChatRoom::default);
    let (mut reader, mut writer, witness) = three(&server);
    for forged in
        ["Beto entrou no chat.", "Beto: oi", "Erro: Digite a sua senha:", "Beto (privado): oi", "* Beto acena"]
    {
        writer.send(forged);
        writer.send(&format!("/eu {forged}"));
        writer.send(&format!("@leitora {forged}"));
        assert_eq!(next(&mut reader), format!("Autora: {forged}"));
        assert_eq!(next(&mut reader), format!("* Autora {forged}"));
        assert_eq!(next(&mut reader), format!("Autora (privado): {forged}"));
    }
    witness.stop();
}

#[test]
fn the_answer_to_a_hostile_command_is_clean_too() {
    let server = TestServer::with(Config { max_bad_names: 0, ..config() }, ChatRoom::default);
    let (_reader, mut writer, witness) = three(&server);
    for (typed, _) in LINES {
        for command in ["/", "/ignorar ", "/atender ", "/msg ", "/idioma ", "@"] {
            writer.send(&format!("{command}{typed}"));
        }
    }
    writer.send("/sair");
    let answers = writer.read_to_end();
    let is_dangerous = |c: char| c != '\n' && c != '\t' && c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!answers.chars().any(is_dangerous), "{answers:?}");
    let others = witness.stop();
    let heard: Vec<_> = others.iter().filter(|line| line.starts_with("Autora")).collect();
    assert_eq!(heard, ["Autora saiu do chat."], "no mistake is published");
}

#[test]
fn what_is_not_utf_8_is_refused_and_nothing_else_is_lost() {
    let server = TestServer::with(config(), ChatRoom::default);
    let (mut reader, mut writer, witness) = three(&server);
    let wrong: [&[u8]; 6] = [b"ol\xe1", b"\xc0\x80", b"\xed\xa0\xbd", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"];
    for (i, line) in wrong.into_iter().enumerate() {
        writer.send_bytes(line);
        writer.send_bytes(format!("\nlinha {i}\n").as_bytes());
        assert_eq!(next(&mut writer), "Erro: O texto não é UTF-8 válido.");
        assert_eq!(next(&mut reader), format!("Autora: linha {i}"));
    }
    // a byte order mark belongs to no name
    let mut from_windows = server.connect();
    from_windows.send("\u{feff}Caio");
    assert!(from_windows.line().starts_with("Bem-vindo ao chat, Caio!"));
    witness.stop();
}
