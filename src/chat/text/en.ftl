# Every sentence people read, in English (https://projectfluent.org).
# The same keys, with the same arguments, are in pt-BR.ftl.

## Coming in

prompt = Enter your name to join the chat:
password_prompt = Room password:
password_wrong = Error: Wrong password.
password_too_many_tries = Error: Too many wrong passwords from your address. Try again in { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}.
welcome = Welcome to the chat, { $name }! In the room: { $others }. Type /help for the commands.
welcome_alone = Welcome to the chat, { $name }! Nobody else is in the room yet. Type /help for the commands.
and_more = { $names } and { $more } more
bad_name = Error: A name may only contain letters, digits and '_', no spaces.
name_too_long = Error: A name may have at most { $characters } characters and { $bytes } bytes.
name_without_letter = Error: A name needs at least one letter or digit.
name_too_many_marks = Error: A name may have at most { $marks } accents or marks on each letter.
name_mixes_scripts = Error: The name mixes different alphabets.
name_direction = Error: A name written from right to left begins with a letter, ends with a letter or a digit, and has only one kind of digits.
name_reserved = Error: That name is reserved. Choose another one.
name_looks_reserved = Error: The name looks too much like a reserved word. Choose another one.
name_taken = Error: The name '{ $name }' is already in use.
name_probed = Perhaps { $name } lost the connection. I am finding out: try again in a few seconds.
name_wanted = Somebody asked for your name. If you can read this, it is still yours.
name_held = Error: The name '{ $name }' is kept for somebody who lost the connection a few minutes ago. Choose another one, or try again later.
name_too_similar = Error: The name '{ $name }' looks too much like one that is in use. Choose another one.
name_unchanged = You are already called { $name }.
server_full = Error: The server is full. Try again later.
foreign_protocol = This is a papo chat and does not speak { $protocol }. Join with nc or telnet, at the same address and port.
foreign_http = This is a papo chat. Open its page in a browser, or join from a terminal: nc ADDRESS PORT
too_many_of_address = Error: Too many connections from your address. Close one and try again.
too_many_new_of_address = Error: Too many new connections from your address. Wait a minute and try again.
tls_required = Error: This server only accepts encrypted connections (TLS).
web_wrong_host = This server does not have that name. Open the page by its address, or start it with --host NAME.
web_wrong_origin = This chat can only be opened by its own page.
web_wrong_method = There is only something to read here.
web_wrong_protocol = The WebSocket here speaks { $protocol }.
web_not_found = There is nothing here. The page is at /
web_socket_only = There is only a WebSocket here. The page is at /

## What happens in the room

joined = { $name } joined the chat.
left = { $name } left the chat.
left_because = { $name } left the chat ({ $reason }).
joined_many = { $names } joined the chat.
left_many = { $names } left the chat.
renamed = { $old } is now { $new }.
whispered = { $from } (private): { $text }

reason_lost = connection lost
reason_timed_out = timed out
reason_flooded = too many messages
reason_long_lines = lines too long
reason_too_slow = reading too slowly
reason_replaced = came back over another connection
reason_evicted = too many connections without a name
reason_shutdown = the server is shutting down
reason_foreign = another protocol
reason_bad_names = too many refused names
reason_bad_passwords = too many wrong passwords

## Last words

goodbye = You left the chat.
goodbye_shutdown = The server is shutting down.
goodbye_evicted = You were disconnected: too many connections are waiting for a name. Connect again and give yours soon.
disconnected = You were disconnected: { $reason }.
no_name_in_time = You were disconnected: no name given in { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}.
no_name_in_bytes = You were disconnected: no name given in { $max } bytes.

## Answers

who = In the room ({ $count }): { $names }
history_begins = --- What was said before, in the time of the server ({ $count ->
    [one] { $count } message
   *[other] { $count } messages
}) ---
history_ends = --- End of what was said before ---
history_empty = Nothing has been said yet.
found_begins = --- Found, in the time of the server ({ $count ->
    [one] { $count } message
   *[other] { $count } messages
}) ---
found_ends = --- End of what was found ---
found_nothing = Nothing found: nobody said that, or it is no longer kept.
seen_here = { $name } is in the room now.
seen_joined = { $name } is not in the room. The last time, in the time of the server: { $at }, coming in.
seen_said = { $name } is not in the room. The last time, in the time of the server: { $at }, saying something.
seen_renamed = { $name } is not in the room. The last time, in the time of the server: { $at }, in a change of names.
seen_left = { $name } is not in the room. The last time, in the time of the server: { $at }, leaving.
seen_unknown = { $name } is not in the room, and never was, or it is no longer kept.
seen_not_kept = { $name } is not in the room, and this server does not keep who was.
archive_nothing_kept = This server keeps nothing of what is said: there is nothing to search.
archive_busy = Error: Many people are searching now. Try again in a moment.
archive_too_slow = Error: The search took too long. Try again, with other words.
archive_failed = Error: What is kept cannot be read. Try again later.
not_found = User not found: { $name }.
whisper_format = Invalid format. Use: @name message
empty_message = Error: Empty message. Use: @name message
usage = Invalid format. Use: { $usage }
unknown_command = Unknown command: { $typed }. Type /help.
unknown_command_near = Unknown command: { $typed }. Did you mean /{ $nearest }? Type /help.
nobody_to_reply_to = You have not received a private message yet.
pong = Pong! The server is answering.
language_changed = The language is now English.
ignoring = You will not see messages from { $name } any more. To undo: /unignore { $name }
not_ignoring_any_more = You will see messages from { $name } again.
not_ignored = You are not ignoring { $name }.
too_many_ignored = Error: You are already ignoring { $max } people, the maximum.
bad_json = Error: This is no JSON object.
unknown_type = Error: The type of the object is unknown.
bad_field = Error: The field { $field } is missing or wrong.
would_be_public = Error: Everybody would have read that, so it was not sent.
not_joined = Error: Join the chat first.
already_joined = Error: You are in the chat already.
line_too_long = Error: Line too long (at most { $max } bytes).
not_utf8 = Error: The text is not valid UTF-8.
throttled = You are sending too fast: your next lines will arrive little by little.

## Help

help_title = Everything you type goes to everybody, except these commands:
help_whisper = sends a message to this person only
help_msg = the same as @name message
help_reply = replies to the last private message
help_act = shows everybody what you do: * Ana waves
help_who = shows who is in the room
help_history = shows the last N messages (50 if you do not say how many)
help_search = shows the last 20 messages with these words
help_seen = shows when this person was here last
help_rename = changes your name
help_ignore = hides what this person says
help_unignore = shows again what this person says
help_language = changes the language
help_ping = shows whether the server answers
help_help = shows this list
help_quit = leaves the chat
help_slash = sends a message that begins with /
argument_name = name
argument_new_name = NEW
argument_message = message
argument_action = action
argument_words = word…

## The server on the terminal of whoever runs it

serving = papo { $version } is up. On another device on this network, type:
serving_here = papo { $version } is up, for this computer only. Type:
serving_browser = or open in a browser:
serving_qr = Or point the camera of a phone here to open { $url }
port_taken = papo: port { $port } is in use. Close the program that uses it or choose another port: papo --listen OTHER_PORT
address_missing = papo: this computer does not have the address { $address }.
no_permission = papo: no permission to use port { $port }. Choose another one, above 1023: papo --listen OTHER_PORT
cannot_listen = papo: cannot listen on { $address }: { $error }
cannot_start = papo: cannot start: { $error }
password_unreadable = papo: cannot read the password from { $place }: { $error }
password_not_utf8 = papo: the password in { $place } is not UTF-8.
password_empty = papo: the password in { $place } is empty.
password_bad_character = papo: the password in { $place } has a character that no password may have, such as a tab.
password_too_long = papo: the password in { $place } is too long: at most { $max } bytes, so that it fits into a line.
password_means_something_else = papo: the password in { $place } cannot be typed at a terminal: there it is a command or the beginning of another protocol. Choose another one.
password_twice = papo: two passwords: PAPO_PASSWORD and PAPO_PASSWORD_FILE are both set. Set one of them, or use --password-file.
password_file_open = others on this computer can read or change the room's password: the mode of { $path } is { $mode } (chmod 600)
too_few_descriptors = papo: too few descriptors: the system allows this process { $limit }, and it needs at least { $needed }. Raise the limit: ulimit -n { $needed }
fewer_connections = at most { $max } connections at once, not { $wanted }: the system allows this process { $limit } descriptors (ulimit -n)
tls_fingerprint = Fingerprint of the TLS certificate (SHA-256): { $fingerprint }
tls_reloaded = the TLS certificate was read again; new connections see it, fingerprint { $fingerprint }
tls_not_reloaded = the TLS certificate stays as it is. { $why }
tls_passing = the TLS certificate is gone when the server stops, so its fingerprint will be another one at the next start. { $why }
tls_no_directory = papo: nobody says where to keep a TLS certificate. Choose a directory: papo --data DIR
tls_nothing_to_reload = papo: it is in no file.
tls_cannot_read = papo: cannot read { $path }: { $error }
tls_no_certificate = papo: { $path } holds no valid TLS certificate (in the PEM format).
tls_no_key = papo: { $path } holds no private key that can be used (in the PEM format, without a passphrase).
tls_mismatch = papo: the private key in { $key } is not that of the TLS certificate in { $certificate }.
tls_key_missing = papo: { $key } is missing, the private key of the TLS certificate in { $certificate }. Bring it back, or delete the certificate, and papo makes new ones.
tls_not_kept = papo: cannot keep a TLS certificate in { $directory }: { $error }
tls_unusable = papo: cannot use a TLS certificate: { $error }
admin_serving = For whoever runs the server: { $url }/metrics and { $url }/health
admin_port_taken = papo: port { $port }, for the counters, is in use. Choose another one: papo --admin 127.0.0.1:OTHER_PORT
admin_cannot_listen = papo: cannot show the counters on { $address }: { $error }
admin_not_found = There is nothing here. See /metrics and /health.
admin_wrong_host = This page is for this computer only, under its address: http://{ $address }/
admin_stuck = The chat is not working: no message got through the room within { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}.

## The command line

usage_unknown = { $program }: unknown argument: { $argument }. See { $program } --help.
usage_unknown_near = { $program }: unknown argument: { $argument }. Did you mean { $nearest }? See { $program } --help.
usage_value = { $program }: invalid value for { $argument }: '{ $value }'. See { $program } --help.
usage_no_value = { $program }: { $argument } needs a value. See { $program } --help.
usage_needs = { $program }: { $argument } needs { $other } too. See { $program } --help.
usage_other = { $program }: invalid arguments. See { $program } --help.
cli_about = A chat server for the people on one network: one program, one port, any client.
cli_usage = Usage: papo [OPTIONS], or papo check [HOST[:PORT]] to find out whether a server can be reached, or papo journal verify | export | prune
cli_options = Options
cli_environment = Every option may come from the environment too: --name-deadline is PAPO_NAME_DEADLINE. 0 switches a limit off, unless stated otherwise.
flag_listen = Where to listen: PORT, IPV4:PORT or [IPV6]:PORT; may be repeated, or several separated by commas [default: 9999, on every address]
flag_admin = Where to show counters (/metrics) and health (/health) over HTTP: IP:PORT, best 127.0.0.1:PORT, for whoever reaches it can read them [default: nowhere]
flag_tls = Whether connections are encrypted: off, on (with and without TLS, as the client likes) or required (nobody without TLS) [default: on]
flag_tls_cert = The TLS certificate, and those that vouch for it, in the PEM format; needs --tls-key [default: papo makes one]
flag_tls_key = The private key of the TLS certificate, in the PEM format; needs --tls-cert
flag_data = Directory for what is kept from one start to the next, such as the journal and the TLS certificate that papo makes [default: { $default }]
flag_no_journal = Keep nothing of what happens in the room when the server stops
flag_sync = When the disk must have what is said: always (before it is acknowledged), interval (within 100 ms) or never (when the system likes); only a power cut makes a difference [default: interval]
flag_keep_days = Days that everything is kept, at most { $max }; 0 = for ever [default: { $default }]
flag_keep_bytes = Most bytes that are kept; beyond it the oldest goes. At least { $min } [default: { $default }]
flag_lang = Language of the sentences until a person chooses: pt-BR or en [default: pt-BR]
flag_no_qr = Show no QR code of the address at start (on a terminal only)
flag_threads = Threads for the connections, from 1 to { $max }; more than one helps on several cores under much load [default: { $default }]
flag_max_connections = Most connections at once; further ones are refused with a sentence [default: { $default }]
flag_max_per_address = Most connections at once from one address (IPv4, or the first 64 bits of IPv6) [default: { $default }]
flag_max_new_per_address = Most new connections from one address in a minute [default: { $default }]
flag_max_unnamed = Most connections without a name; beyond it the oldest one of the address with most is closed [default: { $default }]
flag_max_unnamed_per_address = Most connections without a name from one address; beyond it its oldest one is closed [default: { $default }]
flag_exempt = Addresses that many people share (a classroom, a VPN), without the limits for one address: 10.8.0.0/24, fd00::/8 or 192.168.0.7; may be repeated, or several separated by commas
flag_host = Names of this machine under which a browser may open the page, beside its addresses, localhost and its own name; may be repeated, or several separated by commas
flag_history = How many earlier messages are shown to whoever comes in, at most 1000 [default: { $default }]
flag_grace = Seconds until the others are told that a program lost its connection; nobody hears of it if it is back by then. At most { $max } [default: { $default }]
flag_resume_window = Seconds for which the name of a program that lost its connection is kept for it; 0 = none can come back. At most { $max } [default: { $default }]
flag_max_lost_per_address = Most such programs of one address at once; beyond it a lost connection is a departure, and the name is free [default: { $default }]
flag_max_line = Most bytes in a line, its end included; a longer line is refused. From { $min } to { $max } [default: { $default }]
flag_max_long_lines = So many lines of one person that are too long, within { $seconds } seconds, and that person is disconnected [default: { $default }]
flag_max_unended = So many bytes without a line end, and the person is disconnected. At least the longest line [default: { $default }]
flag_name_deadline = Seconds to give a name, at most { $max }; then the connection is closed [default: { $default }]
flag_max_before_name = Most bytes before a name is given; then the connection is closed [default: { $default }]
flag_rate = Lines a second that each person may send for as long as they like; above that, lines wait and none is lost [default: { $default }]
flag_rate_burst = Lines that each person may send at once; 0 counts as 1 [default: { $default }]
flag_rate_bytes = Bytes a second that each person may send for as long as they like [default: { $default }]
flag_rate_bytes_burst = Bytes that each person may send at once; 0 counts as 1 [default: { $default }]
flag_flood = Seconds above the rate, without a rest, until that person is disconnected, up to { $max } [default: { $default }]
flag_max_bad_names = Refused names until the connection is closed [default: { $default }]
flag_password_file = File whose first line is the room's password, which everybody must give then; or put the password itself into the variable PAPO_PASSWORD [default: none, the room is open]
flag_max_password_tries = Wrong passwords until the connection is closed [default: { $default }]
flag_max_password_tries_per_address = Most wrong passwords from one address within { $seconds } seconds; further ones are refused with a sentence [default: { $default }]
flag_outbox = Most bytes waiting for a person who reads slowly; beyond it that person is disconnected. At least { $times } times the longest line [default: { $default }]
flag_outbox_total = Most bytes waiting for all together; beyond it whoever has most waiting is disconnected [default: { $default }, at most a quarter of the memory]
flag_outbox_soft = Bytes waiting for somebody from which on nothing more is read from them; at most a quarter of --outbox, as with 0 [default: { $default }]
flag_outbox_time = Seconds that so many bytes may wait for somebody until they are disconnected, up to { $max } [default: { $default }]
flag_unsent = Unsent bytes from which on the system takes no more for a connection (Linux and macOS) [default: { $default }]
flag_keepalive = Seconds of silence until the system checks that the other side is still there (then 3 times, 10 s apart), at most { $max } [default: { $default }]
flag_user_timeout = Seconds without the other side confirming what it got, until the connection counts as lost; at most { $max }, Linux only [default: { $default }]
flag_probe_timeout = Seconds to answer when another person asks for the name of somebody who is silent; then the name is free. Up to { $max }, Linux only [default: { $default }]
flag_backlog = Connections the system holds until they are accepted; at least 1 [default: { $default }]
flag_help = Show this help
flag_version = Show the version

## papo check

check_about = Finds out whether a papo can be reached, and if not, why.
check_usage = Usage: papo check [HOST[:PORT]] [OPTIONS]
check_flag_lang = Language of the answer: pt-BR or en
check_found = { $address }: papo { $version }, answers in { $milliseconds } ms, { $tls }.
check_tls_none = without TLS
check_tls_both = with and without TLS (fingerprint { $fingerprint })
check_tls_only = only with TLS (fingerprint { $fingerprint })
check_refused_by_papo = { $address }: a papo, which lets nobody in at the moment: { $sentence }
check_unknown_host = { $host }: nobody knows this address ({ $error }). Is it spelled correctly?
check_lookup_timed_out = { $host }: nobody said within { $seconds } seconds where that is. Does this computer have a network?
check_refused = { $address }: the computer is there, but nothing listens on this port. Is papo running, and on this port?
check_timed_out = { $address }: no answer within { $seconds } seconds. Is the computer on, is it in this network, and does its firewall let this port in?
check_no_route = { $address }: this network does not lead there. Are both computers in the same network?
check_cannot_connect = { $address }: cannot connect: { $error }
check_silent = { $address }: something listens there, but says nothing within { $seconds } seconds. That is no papo.
check_closed = { $address }: something listens there, but closes the connection without a word. That is no papo.
check_foreign = { $address }: that is no papo, but something that speaks { $protocol }.
check_stranger = { $address }: something answers there, but that is no papo.
check_tls_broken = { $address }: a papo that accepts only TLS, but TLS does not work with it: { $error }

## The journal

cli_journal_about = Shows whether the journal of a server is in order, writes it out, or takes something out of it.
cli_journal_usage = Usage: papo journal verify | export | prune [OPTIONS]
flag_journal_action = verify: whether everything is in order; export: every event as a line of JSON; prune: takes out what --older-than or --name says
flag_journal_data = Directory of the journal [default: { $default }]
flag_journal_whispers = With export: the private messages to and from this person, too
flag_journal_older_than = With prune: everything that is older than so many days
flag_journal_name = With prune: the texts of all that somebody by this name said, and the private messages they sent; that something was said stays
journal_sound = The journal is in order: events: { $events }, private messages: { $whispers }, known to be missing: { $missing }.
journal_damaged = papo: the journal is damaged: { $problem }
journal_damaged_more = papo: the journal is damaged: { $problem } (and { $more } more)
journal_pruned = Taken out of the journal: { $events ->
    [one] { $events } event
   *[other] { $events } events
}.
journal_erased = Taken out of the journal: texts: { $texts }, private messages: { $whispers }.
journal_prune_what = papo journal: say what to take out: --older-than DAYS or --name NAME.
journal_cannot_export = papo: cannot write the journal out: { $error }
journal_no_directory = papo: nobody says where the journal is. Choose a directory: --data DIR
journal_cannot_use = papo: cannot use { $path } for the journal: { $error }
journal_in_use = papo: another papo is writing the journal in { $directory }. Stop it, or choose another directory: papo --data DIR
journal_missing = papo: there is no journal in { $directory }.
journal_foreign = papo: { $path } belongs to another program.
journal_newer = papo: { $path } was written by a later version of papo. Use that one, or choose another directory: papo --data DIR
journal_older = papo: { $path } was written by an earlier version of papo. Start the server once, and it can be used.
journal_unreadable = papo: nothing can be read of the journal { $path }. Move the file away, and papo starts a new one; or bring a copy back.
journal_error = papo: the journal does not work: { $error }
journal_disk_full = the disk is full
journal_too_slow = the disk is too slow
journal_read_only = the disk is read-only
journal_file_damaged = the file is damaged
journal_other = the disk does not take it
journal_failed = What is said is not being kept: { $why }. It is tried again.
journal_recovered = What is said is being kept again, and nothing was lost.
journal_recovered_lost = What is said is being kept again. Not kept: events: { $events }, private messages: { $whispers }.
journal_repaired = the journal was damaged; read: { $kept }, missing: { $lost }. The damaged file is kept: { $damaged }
journal_skipped = the server did not stop in good order last time: what was said in the last moments before may be missing from the journal

## The example client

client_about = A terminal client for papo.
client_usage = Usage: client [HOST[:PORT]] [OPTIONS]
client_flag_address = The server: HOST or HOST:PORT [default: localhost:9999]
client_flag_name = Join under this name
client_flag_tls = Encrypt the connection; the first time, compare the fingerprint with what the server printed at start
client_flag_fingerprint = Encrypt the connection, and accept this certificate only: its fingerprint (SHA-256)
client_flag_data = Directory for the fingerprints of known servers
client_flag_password_file = File whose first line is the password of the room, or PAPO_PASSWORD; it is only sent if the server asks for it
client_flag_lang = Language of the sentences: pt-BR or en
client_flag_plain = Lines of text and nothing else, as for scripts: no editing, no times, no colours
client_flag_no_bell = Does not ring when somebody writes your name, or only to you
client_bad_address = client: invalid address: '{ $address }'. Use HOST or HOST:PORT.
client_unknown_host = client: the address '{ $host }' was not found ({ $error }).
client_refused = client: { $address } refused the connection. Is the server up?
client_timed_out = client: { $address } did not answer within { $seconds } seconds. Is the server up, and does this network reach it?
client_cannot_connect = client: cannot connect to { $address }: { $error }
client_lost = client: the connection to the server was lost.
client_answered = client: { $address } says: { $line }
client_connection_lost = The connection was lost.
client_unreachable = { $address } cannot be reached.
client_retry = { $why } Trying again in { $seconds } s.
client_back = Back in the chat; { $missed ->
    [0] nothing was missed.
    [one] { $missed } line was missed:
   *[other] { $missed } lines were missed:
}
client_gap = Back in the chat. Not everything that was said meanwhile is known any more.
client_undone = The server broke down. What was said last before that may be lost, and may be said again.
client_waiting = There is no connection: what you type is sent when it is back.
client_full = Not sent: { $max } lines are waiting already.
client_unsent = client: not known to have arrived: { $count ->
    [one] { $count } line
   *[other] { $count } lines
}.
client_password_wanted = client: the room has a password. Give it with --password-file or PAPO_PASSWORD.
client_cannot_hide = client: this terminal cannot hide what is typed. Give the password with --password-file or PAPO_PASSWORD.
client_everybody = everybody
client_target = What you type now goes to { $name } only. To everybody again: @ alone.
client_target_everybody = What you type now goes to everybody.
client_target_gone = Not sent: { $name } is not here any more. To everybody: @ alone. To whoever has that name next: @{ $name }
client_target_public = Not sent: everybody would have read that. To everybody: @ alone.
client_help_target = @name alone: what you type goes to this person until you type @ alone; the prompt says to whom it goes.
client_help_keys = Tab completes names and commands, the arrow up brings back what you typed, Ctrl-C clears the line or leaves, Ctrl-D leaves.
client_history_begins = --- What was said before ({ $count ->
    [one] { $count } message
   *[other] { $count } messages
}) ---
client_found_begins = --- Found ({ $count ->
    [one] { $count } message
   *[other] { $count } messages
}) ---
client_tls_failed = client: no encrypted connection to { $address }: { $error }. Does the server speak TLS? Without it: leave out --tls.
client_tls_first = client: first encrypted connection to { $address }. Is this the fingerprint that the server printed at start? { $fingerprint }
client_tls_kept = client: it is kept in { $path }; another one will be refused.
client_tls_not_kept = client: it cannot be kept in { $path }, so the next time any other one will be believed too: { $error }
client_tls_nowhere = client: it is kept nowhere, so the next time any other one will be believed too. Choose a directory: --data DIR
client_tls_changed = client: ATTENTION: { $address } shows another certificate than the one that was expected! Somebody may be trying to read along. Nothing was sent.
client_tls_expected = client: expected: { $fingerprint }
client_tls_found = client: shown: { $fingerprint }
client_tls_forget = client: If whoever runs the server says that its certificate is a new one, delete line { $line } of { $path } and connect again.
client_tls_broken = client: line { $line } of { $path } holds no fingerprint, so nobody can tell whether this is the same server. Nothing was sent. Correct the line, or delete it.
client_tls_unreadable = client: cannot read { $path }, so nobody can tell whether this is the same server. Nothing was sent. { $error }
