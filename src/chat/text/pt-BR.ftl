# Todas as frases que as pessoas leem, em português (https://projectfluent.org).
# As mesmas chaves, com os mesmos argumentos, estão em en.ftl.

## Entrada

prompt = Informe seu nome para entrar no chat:
password_prompt = Senha da sala:
password_wrong = Erro: Senha errada.
password_too_many_tries = Erro: Muitas senhas erradas vieram do seu endereço. Tente de novo em { $seconds ->
    [one] { $seconds } segundo
   *[other] { $seconds } segundos
}.
welcome = Bem-vindo ao chat, { $name }! Na sala: { $others }. Digite /ajuda para ver os comandos.
welcome_alone = Bem-vindo ao chat, { $name }! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos.
and_more = { $names } e mais { $more }
bad_name = Erro: O nome só pode conter letras, números e '_', sem espaços.
name_too_long = Erro: O nome pode ter no máximo { $characters } caracteres e { $bytes } bytes.
name_without_letter = Erro: O nome precisa ter pelo menos uma letra ou um número.
name_too_many_marks = Erro: O nome pode ter no máximo { $marks } acentos ou sinais em cada letra.
name_mixes_scripts = Erro: O nome mistura alfabetos diferentes.
name_direction = Erro: Um nome escrito da direita para a esquerda começa com uma letra, termina com uma letra ou um número e tem um só tipo de números.
name_reserved = Erro: Esse nome é reservado. Escolha outro.
name_looks_reserved = Erro: O nome é parecido demais com uma palavra reservada. Escolha outro.
name_taken = Erro: O nome '{ $name }' já está em uso.
name_probed = Talvez a conexão de { $name } tenha caído. Estou verificando: tente de novo em alguns segundos.
name_wanted = Alguém pediu o seu nome. Se você está lendo isto, ele continua seu.
name_held = Erro: O nome '{ $name }' está guardado para quem perdeu a conexão há poucos minutos. Escolha outro, ou tente de novo mais tarde.
name_too_similar = Erro: O nome '{ $name }' é parecido demais com um que já está em uso. Escolha outro.
name_unchanged = Você já se chama { $name }.
server_full = Erro: O servidor está cheio. Tente de novo mais tarde.
foreign_protocol = Isto é um bate-papo papo e não fala { $protocol }. Entre com nc ou telnet, no mesmo endereço e porta.
foreign_http = Isto é um bate-papo papo. Abra a página dele no navegador, ou entre por um terminal: nc ENDEREÇO PORTA
too_many_of_address = Erro: Há conexões demais do seu endereço. Feche uma e tente de novo.
too_many_new_of_address = Erro: Há conexões novas demais do seu endereço. Espere um minuto e tente de novo.
tls_required = Erro: Este servidor só aceita conexões cifradas (TLS).
web_wrong_host = Este servidor não tem esse nome. Abra a página pelo endereço dele, ou inicie-o com --host NOME.
web_wrong_origin = Este bate-papo só se abre pela própria página.
web_wrong_method = Aqui só se lê.
web_wrong_protocol = O WebSocket daqui fala { $protocol }.
web_not_found = Não há nada aqui. A página está em /
web_socket_only = Aqui só há um WebSocket. A página está em /

## O que acontece na sala

joined = { $name } entrou no chat.
left = { $name } saiu do chat.
left_because = { $name } saiu do chat ({ $reason }).
joined_many = { $names } entraram no chat.
left_many = { $names } saíram do chat.
renamed = { $old } agora é { $new }.
whispered = { $from } (privado): { $text }

reason_lost = conexão perdida
reason_timed_out = tempo esgotado
reason_flooded = mensagens demais
reason_long_lines = linhas longas demais
reason_too_slow = leitura lenta demais
reason_replaced = entrou de novo por outra conexão
reason_evicted = conexões demais sem nome
reason_shutdown = o servidor está encerrando
reason_foreign = outro protocolo
reason_bad_names = muitos nomes recusados
reason_bad_passwords = muitas senhas erradas

## Últimas palavras

goodbye = Você saiu do chat.
goodbye_shutdown = O servidor está encerrando.
goodbye_evicted = Você foi desconectado: há conexões demais à espera de um nome. Conecte-se de novo e informe o seu logo.
disconnected = Você foi desconectado: { $reason }.
no_name_in_time = Você foi desconectado: nenhum nome informado em { $seconds ->
    [one] { $seconds } segundo
   *[other] { $seconds } segundos
}.
no_name_in_bytes = Você foi desconectado: nenhum nome informado em { $max } bytes.

## Respostas

who = Na sala ({ $count }): { $names }
history_begins = --- O que foi dito antes, no horário do servidor ({ $count ->
    [one] { $count } mensagem
   *[other] { $count } mensagens
}) ---
history_ends = --- Fim do que foi dito antes ---
history_empty = Ainda não foi dito nada.
found_begins = --- Encontrado, no horário do servidor ({ $count ->
    [one] { $count } mensagem
   *[other] { $count } mensagens
}) ---
found_ends = --- Fim do que foi encontrado ---
found_nothing = Nada encontrado: ninguém disse isso, ou não está mais guardado.
seen_here = { $name } está na sala agora.
seen_joined = { $name } não está na sala. A última vez, no horário do servidor: { $at }, quando entrou.
seen_said = { $name } não está na sala. A última vez, no horário do servidor: { $at }, quando disse algo.
seen_renamed = { $name } não está na sala. A última vez, no horário do servidor: { $at }, em uma troca de nome.
seen_left = { $name } não está na sala. A última vez, no horário do servidor: { $at }, quando saiu.
seen_unknown = { $name } não está na sala, e nunca esteve, ou isso não está mais guardado.
seen_not_kept = { $name } não está na sala, e este servidor não guarda quem esteve.
archive_nothing_kept = Este servidor não guarda nada do que é dito: não há onde buscar.
archive_busy = Erro: Muita gente está buscando agora. Tente de novo em instantes.
archive_too_slow = Erro: A busca demorou demais. Tente de novo, com outras palavras.
archive_failed = Erro: Não foi possível ler o que está guardado. Tente de novo mais tarde.
not_found = Usuário não encontrado: { $name }.
whisper_format = Formato inválido. Use: @nome mensagem
empty_message = Erro: Mensagem vazia. Use: @nome mensagem
usage = Formato inválido. Use: { $usage }
unknown_command = Comando desconhecido: { $typed }. Digite /ajuda.
unknown_command_near = Comando desconhecido: { $typed }. Você quis dizer /{ $nearest }? Digite /ajuda.
nobody_to_reply_to = Você ainda não recebeu nenhuma mensagem privada.
pong = Pong! O servidor está respondendo.
language_changed = O idioma agora é português.
ignoring = Você não verá mais as mensagens de { $name }. Para desfazer: /atender { $name }
not_ignoring_any_more = Você voltará a ver as mensagens de { $name }.
not_ignored = Você não está ignorando { $name }.
too_many_ignored = Erro: Você já está ignorando { $max } pessoas, o máximo permitido.
bad_json = Erro: Isto não é um objeto JSON.
unknown_type = Erro: O tipo do objeto é desconhecido.
bad_field = Erro: O campo { $field } falta ou não serve.
would_be_public = Erro: Isso seria lido por todos, e por isso não foi enviado.
not_joined = Erro: Entre no chat primeiro.
already_joined = Erro: Você já está no chat.
line_too_long = Erro: Linha longa demais (máximo { $max } bytes).
not_utf8 = Erro: O texto não é UTF-8 válido.
throttled = Você está enviando rápido demais: as próximas linhas chegarão aos poucos.

## Ajuda

help_title = Tudo o que você digita vai para todos, menos estes comandos:
help_whisper = envia uma mensagem só a essa pessoa
help_msg = o mesmo que @nome mensagem
help_reply = responde à última mensagem privada
help_act = mostra a todos o que você faz: * Ana acena
help_who = mostra quem está na sala
help_history = mostra as últimas N mensagens (50, se não disser quantas)
help_search = mostra as últimas 20 mensagens com essas palavras
help_seen = mostra quando essa pessoa esteve aqui pela última vez
help_rename = troca o seu nome
help_ignore = esconde as mensagens dessa pessoa
help_unignore = volta a mostrar as mensagens dessa pessoa
help_language = troca o idioma
help_ping = mostra se o servidor está respondendo
help_help = mostra esta lista
help_quit = sai do chat
help_slash = envia uma mensagem que começa com /
argument_name = nome
argument_new_name = NOVO
argument_message = mensagem
argument_action = ação
argument_words = palavra…

## O servidor no terminal de quem o executa

serving = papo { $version } no ar. Em outro aparelho desta rede, digite:
serving_here = papo { $version } no ar, só para este computador. Digite:
serving_browser = ou abra no navegador:
serving_qr = Ou aponte a câmera do celular para cá para abrir { $url }
port_taken = papo: a porta { $port } já está em uso. Feche o programa que a usa ou escolha outra porta: papo --listen OUTRA_PORTA
address_missing = papo: este computador não tem o endereço { $address }.
no_permission = papo: sem permissão para usar a porta { $port }. Escolha outra, acima de 1023: papo --listen OUTRA_PORTA
cannot_listen = papo: não foi possível escutar em { $address }: { $error }
cannot_start = papo: não foi possível iniciar: { $error }
password_unreadable = papo: não foi possível ler a senha em { $place }: { $error }
password_not_utf8 = papo: a senha em { $place } não é UTF-8.
password_empty = papo: a senha em { $place } está vazia.
password_bad_character = papo: a senha em { $place } tem um caractere que nenhuma senha pode ter, como uma tabulação.
password_too_long = papo: a senha em { $place } é longa demais: no máximo { $max } bytes, para caber em uma linha.
password_means_something_else = papo: a senha em { $place } não pode ser digitada num terminal: ali ela é um comando ou o começo de outro protocolo. Escolha outra.
password_twice = papo: duas senhas: PAPO_PASSWORD e PAPO_PASSWORD_FILE estão definidas. Defina só uma delas, ou use --password-file.
password_file_open = outros neste computador podem ler ou mudar a senha da sala: o modo de { $path } é { $mode } (chmod 600)
too_few_descriptors = papo: descritores de menos: o sistema permite { $limit } a este processo, e ele precisa de pelo menos { $needed }. Aumente o limite: ulimit -n { $needed }
fewer_connections = no máximo { $max } conexões simultâneas, e não { $wanted }: o sistema permite { $limit } descritores a este processo (ulimit -n)
tls_fingerprint = Impressão digital do certificado TLS (SHA-256): { $fingerprint }
tls_reloaded = o certificado TLS foi lido de novo; as novas conexões o veem, impressão digital { $fingerprint }
tls_not_reloaded = o certificado TLS continua o mesmo. { $why }
tls_passing = o certificado TLS desaparece quando o servidor parar, e a impressão digital será outra no próximo início. { $why }
tls_no_directory = papo: ninguém diz onde guardar um certificado TLS. Escolha um diretório: papo --data DIR
tls_nothing_to_reload = papo: ele não está em nenhum arquivo.
tls_cannot_read = papo: não foi possível ler { $path }: { $error }
tls_no_certificate = papo: { $path } não contém um certificado TLS válido (no formato PEM).
tls_no_key = papo: { $path } não contém uma chave privada que se possa usar (no formato PEM, sem senha).
tls_mismatch = papo: a chave privada em { $key } não é a do certificado TLS em { $certificate }.
tls_key_missing = papo: falta { $key }, a chave privada do certificado TLS em { $certificate }. Traga-a de volta, ou apague o certificado, e o papo cria outros.
tls_not_kept = papo: não foi possível guardar um certificado TLS em { $directory }: { $error }
tls_unusable = papo: não foi possível usar um certificado TLS: { $error }
admin_serving = Para quem cuida do servidor: { $url }/metrics e { $url }/health
admin_port_taken = papo: a porta { $port }, dos contadores, já está em uso. Escolha outra: papo --admin 127.0.0.1:OUTRA_PORTA
admin_cannot_listen = papo: não foi possível mostrar os contadores em { $address }: { $error }
admin_not_found = Não há nada aqui. Veja /metrics e /health.
admin_wrong_host = Esta página é só para este computador, pelo endereço dele: http://{ $address }/
admin_stuck = O bate-papo não está funcionando: nenhuma mensagem atravessou a sala em { $seconds ->
    [one] { $seconds } segundo
   *[other] { $seconds } segundos
}.

## A linha de comando

usage_unknown = { $program }: argumento desconhecido: { $argument }. Veja { $program } --help.
usage_unknown_near = { $program }: argumento desconhecido: { $argument }. Você quis dizer { $nearest }? Veja { $program } --help.
usage_value = { $program }: valor inválido para { $argument }: '{ $value }'. Veja { $program } --help.
usage_no_value = { $program }: falta o valor de { $argument }. Veja { $program } --help.
usage_needs = { $program }: { $argument } precisa também de { $other }. Veja { $program } --help.
usage_other = { $program }: argumentos inválidos. Veja { $program } --help.
cli_about = Servidor de bate-papo para as pessoas de uma rede: um programa, uma porta, qualquer cliente.
cli_usage = Uso: papo [OPÇÕES], ou papo check [HOST[:PORTA]] para descobrir se um servidor pode ser alcançado, ou papo journal verify | export | prune
cli_options = Opções
cli_environment = Toda opção também pode vir do ambiente: --name-deadline é PAPO_NAME_DEADLINE. Um limite igual a 0 fica desligado, salvo indicação em contrário.
flag_listen = Onde escutar: PORTA, IPV4:PORTA ou [IPV6]:PORTA; pode ser repetida, ou várias separadas por vírgula [padrão: 9999, em todos os endereços]
flag_admin = Onde mostrar contadores (/metrics) e saúde (/health) por HTTP: IP:PORTA, de preferência 127.0.0.1:PORTA, pois quem o alcança pode lê-los [padrão: em lugar nenhum]
flag_tls = Se as conexões são cifradas: off (nunca), on (com e sem TLS, como o cliente quiser) ou required (ninguém sem TLS) [padrão: on]
flag_tls_cert = O certificado TLS, e os que respondem por ele, no formato PEM; precisa de --tls-key [padrão: o papo cria um]
flag_tls_key = A chave privada do certificado TLS, no formato PEM; precisa de --tls-cert
flag_data = Diretório do que se guarda de um início para o outro, como o diário e o certificado TLS que o papo cria [padrão: { $default }]
flag_no_journal = Não guardar nada do que acontece na sala quando o servidor para
flag_sync = Quando o disco deve ter o que é dito: always (antes da confirmação), interval (em até 100 ms) ou never (quando o sistema quiser); só faz diferença se faltar energia [padrão: interval]
flag_keep_days = Dias que tudo fica guardado, no máximo { $max }; 0 = para sempre [padrão: { $default }]
flag_keep_bytes = Máximo de bytes guardados; acima disso, o mais antigo sai. No mínimo { $min } [padrão: { $default }]
flag_lang = Idioma das frases até que a pessoa escolha o seu: pt-BR ou en [padrão: pt-BR]
flag_no_qr = Não mostra ao iniciar o código QR do endereço (só em um terminal)
flag_threads = Threads para as conexões, de 1 a { $max }; mais de uma ajuda com vários núcleos e muita carga [padrão: { $default }]
flag_max_connections = Máximo de conexões simultâneas; as excedentes são recusadas com um aviso [padrão: { $default }]
flag_max_per_address = Máximo de conexões simultâneas de um endereço (IPv4, ou os primeiros 64 bits de IPv6) [padrão: { $default }]
flag_max_new_per_address = Máximo de conexões novas de um endereço por minuto [padrão: { $default }]
flag_max_unnamed = Máximo de conexões sem nome; acima disso, a mais antiga do endereço que tem mais é encerrada [padrão: { $default }]
flag_max_unnamed_per_address = Máximo de conexões sem nome de um endereço; acima disso, a mais antiga dele é encerrada [padrão: { $default }]
flag_exempt = Endereços que muitas pessoas compartilham (uma sala de aula, uma VPN), sem os limites por endereço: 10.8.0.0/24, fd00::/8 ou 192.168.0.7; pode ser repetida, ou vários separados por vírgula
flag_host = Nomes deste computador pelos quais o navegador pode abrir a página, além dos endereços, de localhost e do próprio nome dele; pode ser repetida, ou vários separados por vírgula
flag_history = Quantas mensagens anteriores são mostradas a quem entra, no máximo 1000 [padrão: { $default }]
flag_grace = Segundos até os outros saberem que um programa perdeu a conexão; se ele voltar antes, ninguém fica sabendo. No máximo { $max } [padrão: { $default }]
flag_resume_window = Segundos durante os quais o nome de um programa que perdeu a conexão fica guardado para ele; 0 = nenhum pode voltar. No máximo { $max } [padrão: { $default }]
flag_max_lost_per_address = Máximo desses programas de um endereço ao mesmo tempo; acima disso, perder a conexão é sair, e o nome fica livre [padrão: { $default }]
flag_max_line = Máximo de bytes por linha, incluindo o fim de linha; uma linha maior é recusada. De { $min } a { $max } [padrão: { $default }]
flag_max_long_lines = Máximo de linhas longas demais de uma pessoa em { $seconds } segundos; com essa quantidade ela é desconectada [padrão: { $default }]
flag_max_unended = Máximo de bytes sem fim de linha; com essa quantidade a pessoa é desconectada. Pelo menos o máximo por linha [padrão: { $default }]
flag_name_deadline = Segundos para informar um nome, até { $max }; depois a conexão é encerrada [padrão: { $default }]
flag_max_before_name = Máximo de bytes antes de informar um nome; depois a conexão é encerrada [padrão: { $default }]
flag_rate = Linhas por segundo que cada pessoa pode enviar continuamente; acima disso, as linhas esperam e nenhuma se perde [padrão: { $default }]
flag_rate_burst = Linhas que cada pessoa pode enviar de uma vez; 0 vale 1 [padrão: { $default }]
flag_rate_bytes = Bytes por segundo que cada pessoa pode enviar continuamente [padrão: { $default }]
flag_rate_bytes_burst = Bytes que cada pessoa pode enviar de uma vez; 0 vale 1 [padrão: { $default }]
flag_flood = Segundos acima do ritmo, sem pausa, até a pessoa ser desconectada, até { $max } [padrão: { $default }]
flag_max_bad_names = Nomes recusados até a conexão ser encerrada [padrão: { $default }]
flag_password_file = Arquivo cuja primeira linha é a senha da sala, que todos precisam então informar; ou ponha a própria senha na variável PAPO_PASSWORD [padrão: nenhum, a sala é aberta]
flag_max_password_tries = Senhas erradas até a conexão ser encerrada [padrão: { $default }]
flag_max_password_tries_per_address = Máximo de senhas erradas de um endereço em { $seconds } segundos; as seguintes são recusadas com um aviso [padrão: { $default }]
flag_outbox = Máximo de bytes pendentes para quem lê devagar; acima disso a pessoa é desconectada. Pelo menos { $times } vezes o máximo por linha [padrão: { $default }]
flag_outbox_total = Máximo de bytes pendentes para todos juntos; acima disso, quem tem mais pendentes é desconectado [padrão: { $default }, no máximo um quarto da memória]
flag_outbox_soft = Bytes pendentes a partir dos quais nada mais é lido dessa pessoa; no máximo um quarto de --outbox, como com 0 [padrão: { $default }]
flag_outbox_time = Segundos que alguém pode ficar com tantos bytes pendentes até ser desconectado, até { $max } [padrão: { $default }]
flag_unsent = Bytes não enviados a partir dos quais o sistema não aceita mais de uma conexão (Linux e macOS) [padrão: { $default }]
flag_keepalive = Segundos de silêncio até o sistema verificar se o outro lado ainda existe (depois, 3 vezes a cada 10 s), até { $max } [padrão: { $default }]
flag_user_timeout = Segundos sem que o outro lado confirme o que recebeu, até a conexão ser dada por perdida; até { $max }, só no Linux [padrão: { $default }]
flag_probe_timeout = Segundos para responder quando outra pessoa pede o nome de alguém que está em silêncio; depois o nome fica livre. Até { $max }, só no Linux [padrão: { $default }]
flag_backlog = Conexões que o sistema guarda até serem aceitas; pelo menos 1 [padrão: { $default }]
flag_help = Mostra esta ajuda
flag_version = Mostra a versão

## papo check

check_about = Descobre se um papo pode ser alcançado e, se não, por quê.
check_usage = Uso: papo check [HOST[:PORTA]] [OPÇÕES]
check_flag_lang = Idioma da resposta: pt-BR ou en
check_found = { $address }: papo { $version }, responde em { $milliseconds } ms, { $tls }.
check_tls_none = sem TLS
check_tls_both = com e sem TLS (impressão digital { $fingerprint })
check_tls_only = só com TLS (impressão digital { $fingerprint })
check_refused_by_papo = { $address }: um papo, que no momento não deixa ninguém entrar: { $sentence }
check_unknown_host = { $host }: ninguém conhece este endereço ({ $error }). Está escrito certo?
check_lookup_timed_out = { $host }: ninguém disse em { $seconds } segundos onde isso fica. Este computador está em uma rede?
check_refused = { $address }: o computador existe, mas nada escuta nesta porta. O papo está no ar, e nesta porta?
check_timed_out = { $address }: nenhuma resposta em { $seconds } segundos. O computador está ligado, está nesta rede, e o firewall dele deixa esta porta entrar?
check_no_route = { $address }: esta rede não leva até lá. Os dois computadores estão na mesma rede?
check_cannot_connect = { $address }: não foi possível conectar: { $error }
check_silent = { $address }: algo escuta ali, mas não diz nada em { $seconds } segundos. Não é um papo.
check_closed = { $address }: algo escuta ali, mas fecha a conexão sem dizer nada. Não é um papo.
check_foreign = { $address }: não é um papo, e sim algo que fala { $protocol }.
check_stranger = { $address }: algo responde ali, mas não é um papo.
check_tls_broken = { $address }: um papo que só aceita TLS, mas o TLS não funciona com ele: { $error }

## O diário

cli_journal_about = Mostra se o diário de um servidor está em ordem, escreve-o por extenso ou tira algo dele.
cli_journal_usage = Uso: papo journal verify | export | prune [OPÇÕES]
flag_journal_action = verify: se está tudo em ordem; export: cada evento como uma linha de JSON; prune: tira o que --older-than ou --name dizem
flag_journal_data = Diretório do diário [padrão: { $default }]
flag_journal_whispers = Com export: também as mensagens privadas de e para esta pessoa
flag_journal_older_than = Com prune: tudo o que tem mais dias do que isso
flag_journal_name = Com prune: os textos de tudo o que alguém com este nome disse, e as mensagens privadas que enviou; fica que algo foi dito
journal_sound = O diário está em ordem: eventos: { $events }, mensagens privadas: { $whispers }, faltas conhecidas: { $missing }.
journal_damaged = papo: o diário está danificado: { $problem }
journal_damaged_more = papo: o diário está danificado: { $problem } (e mais { $more })
journal_pruned = Tirados do diário: { $events ->
    [0] { $events } eventos
    [one] { $events } evento
   *[other] { $events } eventos
}.
journal_erased = Tirados do diário: textos: { $texts }, mensagens privadas: { $whispers }.
journal_prune_what = papo journal: diga o que tirar: --older-than DIAS ou --name NOME.
journal_cannot_export = papo: não é possível escrever o diário: { $error }
journal_no_directory = papo: ninguém diz onde está o diário. Escolha um diretório: --data DIRETÓRIO
journal_cannot_use = papo: não é possível usar { $path } para o diário: { $error }
journal_in_use = papo: outro papo está escrevendo o diário em { $directory }. Pare-o ou escolha outro diretório: papo --data DIRETÓRIO
journal_missing = papo: não há diário em { $directory }.
journal_foreign = papo: { $path } é de outro programa.
journal_newer = papo: { $path } foi escrito por uma versão mais nova do papo. Use aquela ou escolha outro diretório: papo --data DIRETÓRIO
journal_older = papo: { $path } foi escrito por uma versão anterior do papo. Inicie o servidor uma vez, e ele pode ser usado.
journal_unreadable = papo: não se consegue ler nada do diário { $path }. Mova o arquivo para outro lugar, e o papo começa um novo; ou traga uma cópia de volta.
journal_error = papo: o diário não funciona: { $error }
journal_disk_full = o disco está cheio
journal_too_slow = o disco está lento demais
journal_read_only = o disco só permite leitura
journal_file_damaged = o arquivo está danificado
journal_other = o disco não aceita
journal_failed = O que é dito não está sendo guardado: { $why }. Nova tentativa em breve.
journal_recovered = O que é dito está sendo guardado de novo, e nada se perdeu.
journal_recovered_lost = O que é dito está sendo guardado de novo. Não guardados: eventos: { $events }, mensagens privadas: { $whispers }.
journal_repaired = o diário estava danificado; lidos: { $kept }, em falta: { $lost }. O arquivo danificado foi mantido: { $damaged }
journal_skipped = o servidor não parou em boa ordem da última vez: o que foi dito nos últimos instantes pode faltar no diário

## O cliente de exemplo

client_about = Cliente de terminal do papo.
client_usage = Uso: client [HOST[:PORTA]] [OPÇÕES]
client_flag_address = O servidor: HOST ou HOST:PORTA [padrão: localhost:9999]
client_flag_name = Entra com este nome
client_flag_tls = Cifra a conexão; na primeira vez, compare a impressão digital com a que o servidor mostrou ao iniciar
client_flag_fingerprint = Cifra a conexão e só aceita este certificado: a sua impressão digital (SHA-256)
client_flag_data = Diretório das impressões digitais dos servidores conhecidos
client_flag_password_file = Arquivo cuja primeira linha é a senha da sala, ou PAPO_PASSWORD; só é enviada se o servidor a pedir
client_flag_lang = Idioma das frases: pt-BR ou en
client_flag_plain = Linhas de texto e nada mais, como para scripts: sem edição, horários nem cores
client_flag_no_bell = Não toca quando alguém escreve o seu nome, ou só para você
client_bad_address = client: endereço inválido: '{ $address }'. Use HOST ou HOST:PORTA.
client_unknown_host = client: o endereço '{ $host }' não foi encontrado ({ $error }).
client_refused = client: a conexão com { $address } foi recusada. O servidor está no ar?
client_timed_out = client: { $address } não respondeu em { $seconds } segundos. O servidor está no ar, e esta rede chega até ele?
client_cannot_connect = client: não foi possível conectar a { $address }: { $error }
client_lost = client: a conexão com o servidor foi perdida.
client_answered = client: { $address } diz: { $line }
client_connection_lost = A conexão foi perdida.
client_unreachable = Não foi possível alcançar { $address }.
client_retry = { $why } Nova tentativa em { $seconds } s.
client_back = De volta ao chat; { $missed ->
    [0] nada foi dito enquanto isso.
    [one] { $missed } linha foi dita enquanto isso:
   *[other] { $missed } linhas foram ditas enquanto isso:
}
client_gap = De volta ao chat. Nem tudo o que foi dito enquanto isso ainda é conhecido.
client_undone = O servidor caiu. O que foi dito por último antes disso pode ter se perdido, e pode ser dito de novo.
client_waiting = Não há conexão: o que você digitar será enviado quando ela voltar.
client_full = Não enviado: já há { $max } linhas esperando.
client_unsent = client: não se sabe se chegaram: { $count ->
    [one] { $count } linha
   *[other] { $count } linhas
}.
client_password_wanted = client: a sala tem uma senha. Informe-a com --password-file ou PAPO_PASSWORD.
client_cannot_hide = client: este terminal não consegue esconder o que é digitado. Informe a senha com --password-file ou PAPO_PASSWORD.
client_everybody = todos
client_target = O que você digitar agora vai só para { $name }. Para todos de novo: @ sozinho.
client_target_everybody = O que você digitar agora vai para todos.
client_target_gone = Não enviado: { $name } não está mais aqui. Para todos: @ sozinho. Para quem tiver esse nome depois: @{ $name }
client_target_public = Não enviado: todos teriam lido. Para todos: @ sozinho.
client_help_target = @nome sozinho: o que você digitar vai para esta pessoa até você digitar @ sozinho; o começo da linha diz para quem vai.
client_help_keys = Tab completa nomes e comandos, a seta para cima traz de volta o que você digitou, Ctrl-C apaga a linha ou sai, Ctrl-D sai.
client_history_begins = --- O que foi dito antes ({ $count ->
    [one] { $count } mensagem
   *[other] { $count } mensagens
}) ---
client_found_begins = --- Encontrado ({ $count ->
    [one] { $count } mensagem
   *[other] { $count } mensagens
}) ---
client_tls_failed = client: nenhuma conexão cifrada com { $address }: { $error }. O servidor fala TLS? Sem ele: deixe --tls de fora.
client_tls_first = client: primeira conexão cifrada com { $address }. É esta a impressão digital que o servidor mostrou ao iniciar? { $fingerprint }
client_tls_kept = client: ela está guardada em { $path }; outra será recusada.
client_tls_not_kept = client: não foi possível guardá-la em { $path }; na próxima vez, qualquer outra também será aceita: { $error }
client_tls_nowhere = client: ela não está guardada em lugar nenhum; na próxima vez, qualquer outra também será aceita. Escolha um diretório: --data DIR
client_tls_changed = client: ATENÇÃO: { $address } mostra um certificado diferente do esperado! Alguém pode estar tentando ler a conversa. Nada foi enviado.
client_tls_expected = client: esperada: { $fingerprint }
client_tls_found = client: mostrada: { $fingerprint }
client_tls_forget = client: Se quem cuida do servidor diz que o certificado é novo, apague a linha { $line } de { $path } e conecte de novo.
client_tls_broken = client: a linha { $line } de { $path } não contém uma impressão digital, e não há como saber se é o mesmo servidor. Nada foi enviado. Corrija a linha, ou apague-a.
client_tls_unreadable = client: não foi possível ler { $path }, e não há como saber se é o mesmo servidor. Nada foi enviado. { $error }
