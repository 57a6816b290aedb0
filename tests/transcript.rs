//! What people read, byte for byte: every row of the design's table in both languages, and every command.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::TestServer;
use papo::chat::language::Language;

#[test]
fn somebody_who_is_silent_is_asked_for_a_name() {
    for (language, prompt) in [
        (Language::Portuguese, "Informe seu nome para entrar no chat:"),
        (Language::English, "Enter your name to join the chat:"),
    ] {
        let server = TestServer::in_language(language);
        let mut ana = server.connect();
        ana.expect(&[prompt]);
    }
}

#[test]
fn in_portuguese() {
    let server = TestServer::start();
    let mut beto = server.connect();
    beto.send("Beto");
    beto.expect(&["Bem-vindo ao chat, Beto! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos."]);
    let mut caio = server.connect();
    caio.send("Caio");
    caio.expect(&["Bem-vindo ao chat, Caio! Na sala: Beto. Digite /ajuda para ver os comandos."]);
    beto.expect(&["Caio entrou no chat."]);
    let mut ana = server.connect();
    ana.send("Ana");
    ana.expect(&["Bem-vindo ao chat, Ana! Na sala: Beto, Caio. Digite /ajuda para ver os comandos."]);
    beto.expect(&["Ana entrou no chat."]);
    caio.expect(&["Ana entrou no chat."]);

    ana.send("oi");
    beto.expect(&["Ana: oi"]);
    caio.expect(&["Ana: oi"]);
    ana.send("@beto oi");
    beto.expect(&["Ana (privado): oi"]);
    beto.send("/responder oi você");
    ana.expect(&["Beto (privado): oi você"]);
    ana.send("/eu acena");
    beto.expect(&["* Ana acena"]);
    caio.expect(&["* Ana acena"]);
    ana.send("//sair");
    beto.expect(&["Ana: /sair"]);
    caio.expect(&["Ana: /sair"]);

    ana.send("@Beto");
    ana.expect(&["Formato inválido. Use: @nome mensagem"]);
    ana.send("@Beto   ");
    ana.expect(&["Erro: Mensagem vazia. Use: @nome mensagem"]);
    ana.send("@Zeca oi");
    ana.expect(&["Usuário não encontrado: Zeca."]);
    ana.send("/x");
    ana.expect(&["Comando desconhecido: /x. Digite /ajuda."]);
    ana.send("/sari");
    ana.expect(&["Comando desconhecido: /sari. Você quis dizer /sair? Digite /ajuda."]);
    ana.send(&"x".repeat(5000));
    ana.expect(&["Erro: Linha longa demais (máximo 4096 bytes)."]);
    ana.send_bytes(b"ol\xe1\n");
    ana.expect(&["Erro: O texto não é UTF-8 válido."]);
    ana.send("/nome");
    ana.expect(&["Formato inválido. Use: /nome NOVO"]);
    ana.send("/r oi");
    ana.expect_nothing();
    beto.expect(&["Ana (privado): oi"]);
    caio.send("/r oi");
    caio.expect(&["Você ainda não recebeu nenhuma mensagem privada."]);
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    ana.send("/quem");
    ana.expect(&["Na sala (3): Beto, Caio, Ana"]);

    ana.send("/nome beto");
    ana.expect(&["Erro: O nome 'beto' já está em uso."]);
    ana.send("/nome a b");
    ana.expect(&["Erro: O nome só pode conter letras, números e '_', sem espaços."]);
    ana.send("/nome Ana");
    ana.expect(&["Você já se chama Ana."]);
    ana.send("/nome Bia");
    for client in [&mut ana, &mut beto, &mut caio] {
        client.expect(&["Ana agora é Bia."]);
    }
    ana.send("ainda aqui");
    beto.expect(&["Bia: ainda aqui"]);
    caio.expect(&["Bia: ainda aqui"]);

    beto.send("/ignorar bia");
    beto.expect(&["Você não verá mais as mensagens de bia. Para desfazer: /atender bia"]);
    ana.send("um");
    ana.send("@beto dois");
    ana.send("/eu três");
    caio.expect(&["Bia: um", "* Bia três"]);
    beto.expect_nothing();
    beto.send("/atender BIA");
    beto.expect(&["Você voltará a ver as mensagens de BIA."]);
    beto.send("/atender BIA");
    beto.expect(&["Você não está ignorando BIA."]);
    ana.send("quatro");
    beto.expect(&["Bia: quatro"]);
    caio.expect(&["Bia: quatro"]);

    ana.send("/idioma en");
    ana.expect(&["The language is now English."]);
    ana.send("/idioma fr");
    ana.expect(&["Invalid format. Use: /lang pt|en"]);
    ana.send("/sair");
    ana.expect(&["You left the chat."]);
    ana.expect_end();
    beto.expect(&["Bia saiu do chat."]);
    caio.send("/sair");
    caio.expect(&["Bia saiu do chat.", "Você saiu do chat."]);
    caio.expect_end();
    beto.expect(&["Caio saiu do chat."]);
    beto.expect_nothing();
}

#[test]
fn in_english() {
    let server = TestServer::in_language(Language::English);
    let mut beto = server.connect();
    beto.send("Beto");
    beto.expect(&["Welcome to the chat, Beto! Nobody else is in the room yet. Type /help for the commands."]);
    let mut ana = server.connect();
    ana.send("Ana");
    ana.expect(&["Welcome to the chat, Ana! In the room: Beto. Type /help for the commands."]);
    beto.expect(&["Ana joined the chat."]);

    ana.send("oi");
    beto.expect(&["Ana: oi"]);
    ana.send("@BETO oi");
    beto.expect(&["Ana (private): oi"]);
    ana.send("@Beto");
    ana.expect(&["Invalid format. Use: @name message"]);
    ana.send("@Beto   ");
    ana.expect(&["Error: Empty message. Use: @name message"]);
    ana.send("@Zeca oi");
    ana.expect(&["User not found: Zeca."]);
    ana.send("/x");
    ana.expect(&["Unknown command: /x. Type /help."]);
    ana.send("/hlep");
    ana.expect(&["Unknown command: /hlep. Did you mean /help? Type /help."]);
    ana.send(&"x".repeat(5000));
    ana.expect(&["Error: Line too long (at most 4096 bytes)."]);
    ana.send_bytes(b"ol\xe1\n");
    ana.expect(&["Error: The text is not valid UTF-8."]);
    ana.send("/who");
    ana.expect(&["In the room (2): Beto, Ana"]);
    ana.send("/nick Bia");
    ana.expect(&["Ana is now Bia."]);
    beto.expect(&["Ana is now Bia."]);

    ana.send("/nick beto");
    ana.expect(&["Error: The name 'beto' is already in use."]);
    ana.send("/nick a b");
    ana.expect(&["Error: A name may only contain letters, digits and '_', no spaces."]);

    ana.send("/quit");
    ana.expect(&["You left the chat."]);
    beto.expect(&["Bia left the chat."]);
    let caio = server.join("Caio");
    beto.expect(&["Caio joined the chat."]);
    caio.reset();
    beto.expect(&["Caio left the chat (connection lost)."]);
}

#[test]
fn a_reply_reaches_the_person_and_never_somebody_else_of_the_same_name() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);
    beto.send("@ana psiu");
    ana.expect(&["Beto (privado): psiu"]);
    beto.send("/nome Bob");
    ana.expect(&["Beto agora é Bob."]);
    beto.expect(&["Beto agora é Bob."]);
    ana.send("/r sim");
    beto.expect(&["Ana (privado): sim"]);
    beto.send("/sair");
    ana.expect(&["Bob saiu do chat."]);
    let mut impostor = server.join("Bob");
    ana.expect(&["Bob entrou no chat."]);
    ana.send("/r segredo");
    ana.expect(&["Usuário não encontrado: Bob."]);
    impostor.expect_nothing();
}

#[test]
fn whoever_is_ignored_stays_so_under_another_name() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);
    ana.send("/ignore BETO");
    ana.expect(&["Você não verá mais as mensagens de BETO. Para desfazer: /atender BETO"]);
    beto.send("/nome Bob");
    ana.expect(&["Beto agora é Bob."]);
    beto.send("ainda eu");
    beto.send("@ana ainda eu");
    beto.expect(&["Beto agora é Bob."]);
    beto.expect_nothing();
    ana.expect_nothing();
    ana.send("/atender Bob");
    ana.expect(&["Você voltará a ver as mensagens de Bob."]);
    beto.send("oi");
    ana.expect(&["Bob: oi"]);
}

#[test]
fn a_bad_name_is_refused_and_asked_for_again() {
    let server = TestServer::start();
    let _ana = server.join("Ana");
    let refusals = [
        ("Beto Silva", "Erro: O nome só pode conter letras, números e '_', sem espaços."),
        ("beto!", "Erro: O nome só pode conter letras, números e '_', sem espaços."),
        ("   ", "Erro: O nome só pode conter letras, números e '_', sem espaços."),
        ("ana", "Erro: O nome 'ana' já está em uso."),
        ("servidor", "Erro: Esse nome é reservado. Escolha outro."),
        ("___", "Erro: O nome precisa ter pelo menos uma letra ou um número."),
        (&"b".repeat(33), "Erro: O nome pode ter no máximo 32 caracteres e 64 bytes."),
    ];
    // a fifth one in a row would end it
    for refusals in refusals.chunks(4) {
        let mut beto = server.connect();
        for (name, refusal) in refusals {
            beto.send(name);
            beto.expect(&[refusal, "Informe seu nome para entrar no chat:"]);
        }
    }
    let mut beto = server.connect();
    // an answer in time needs no question
    beto.send("ana");
    beto.send("Beto");
    beto.expect(&[
        "Erro: O nome 'ana' já está em uso.",
        "Bem-vindo ao chat, Beto! Na sala: Ana. Digite /ajuda para ver os comandos.",
    ]);
}

#[test]
fn the_few_commands_that_make_sense_before_a_name() {
    let server = TestServer::start();
    let mut ana = server.connect();
    ana.send("/lang en");
    ana.expect(&["The language is now English."]);
    ana.send("/help");
    ana.expect(&["Everything you type goes to everybody, except these commands:"]);
    ana.read_to("Enter your name to join the chat:");
    ana.send("/who");
    ana.expect(&["Error: A name may only contain letters, digits and '_', no spaces."]);
    ana.send("/quit");
    ana.read_to("You left the chat.");
    ana.expect_end();
}

#[test]
fn help_lists_every_command_in_the_readers_language() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    ana.send("/ajuda");
    ana.expect(&[
        "Tudo o que você digita vai para todos, menos estes comandos:",
        "  @nome mensagem       envia uma mensagem só a essa pessoa",
        "  /msg nome mensagem   o mesmo que @nome mensagem",
        "  /responder mensagem  responde à última mensagem privada",
        "  /eu ação             mostra a todos o que você faz: * Ana acena",
        "  /quem                mostra quem está na sala",
        "  /historico [N]       mostra as últimas N mensagens (50, se não disser quantas)",
        "  /buscar palavra…     mostra as últimas 20 mensagens com essas palavras",
        "  /visto nome          mostra quando essa pessoa esteve aqui pela última vez",
        "  /nome NOVO           troca o seu nome",
        "  /ignorar nome        esconde as mensagens dessa pessoa",
        "  /atender nome        volta a mostrar as mensagens dessa pessoa",
        "  /idioma pt|en        troca o idioma",
        "  /ping                mostra se o servidor está respondendo",
        "  /ajuda               mostra esta lista",
        "  /sair                sai do chat",
        "  //mensagem           envia uma mensagem que começa com /",
    ]);
}

#[test]
fn answers_come_in_the_order_of_the_questions() {
    let server = TestServer::start();
    let mut ana = server.connect();
    ana.send_bytes(b"Ana\n@zeca oi\n/x\n/quem\n@\n/nome Bia\n/ping\n/nome bia\n/sair\n");
    ana.expect(&[
        "Bem-vindo ao chat, Ana! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos.",
        "Usuário não encontrado: zeca.",
        "Comando desconhecido: /x. Digite /ajuda.",
        "Na sala (1): Ana",
        "Formato inválido. Use: @nome mensagem",
        "Ana agora é Bia.",
        "Pong! O servidor está respondendo.",
        "Bia agora é bia.",
        "Você saiu do chat.",
    ]);
    ana.expect_end();
}

#[test]
fn what_is_unknown_is_never_published() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = server.join("Ana");
    beto.expect(&["Ana entrou no chat."]);
    for line in [
        "/x segredo",
        "@zeca segredo",
        " @zeca segredo",
        "\x1b[D@zeca segredo",
        "\u{200b}/msg zeca segredo",
        "＠zeca segredo",
        "@",
        "@beto",
        "@!! segredo",
        "/",
        "/ segredo",
        "\t/msg zeca segredo",
    ] {
        ana.send(line);
        ana.line();
    }
    ana.send("fim");
    beto.expect(&["Ana: fim"]);
}

#[test]
fn each_person_reads_in_their_own_language() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    ana.send("/lang en");
    ana.expect(&["The language is now English."]);
    let mut beto = server.join("Beto");
    ana.expect(&["Beto joined the chat."]);
    ana.send("@beto oi");
    beto.expect(&["Ana (privado): oi"]);
    let caio = server.join("Caio");
    drop(caio);
    ana.expect(&["Caio joined the chat.", "Caio left the chat."]);
    beto.expect(&["Caio entrou no chat.", "Caio saiu do chat."]);
}

#[test]
fn whoever_is_ignored_is_so_under_every_name_and_nobody_after_them() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    let mut mal = server.join("Mal");
    ana.expect(&["Mal entrou no chat."]);
    ana.send("/ignorar Mal");
    ana.expect(&["Você não verá mais as mensagens de Mal. Para desfazer: /atender Mal"]);
    mal.send("/nome Beto");
    mal.send("oi");
    mal.send("/sair");
    ana.expect(&["Mal agora é Beto.", "Beto saiu do chat."]);
    // somebody else has the name now; and Mal is Mal again
    let mut beto = server.join("Beto");
    beto.send("olá");
    ana.expect(&["Beto entrou no chat.", "Beto: olá"]);
    let mut mal = server.join("Mal");
    mal.send("oi");
    beto.expect(&["Mal entrou no chat.", "Mal: oi"]);
    beto.send("fim");
    ana.expect(&["Mal entrou no chat.", "Beto: fim"]);
}
