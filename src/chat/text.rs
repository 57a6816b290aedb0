//! Every sentence people read, in both languages.
//!
//! The words are in the two catalogues beside this file, `text/pt-BR.ftl` and `text/en.ftl` (Project Fluent); here
//! each of them is a function, so that a sentence cannot be asked for by a wrong key or without its arguments.
//! Which sentence is said when, and what a peer's bytes look like in it, is not decided here.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_syntax::ast::{Expression, InlineExpression, Pattern, PatternElement};
use unic_langid::LanguageIdentifier;

use super::command::{Arguments, Entry};
use super::event::Reason;
use super::language::Language;

/// Makes of each sentence a function, named after its key in the catalogues.
macro_rules! sentences {
    ($( $key:ident ( $($argument:ident),* ); )*) => {
        $(
            #[doc = concat!("The sentence `", stringify!($key), "` of the catalogues.")]
            #[allow(clippy::extra_unused_lifetimes, reason = "not every sentence has arguments")]
            pub fn $key<'a>(language: Language $(, $argument: impl Into<FluentValue<'a>>)*) -> String {
                sentence(language, stringify!($key), [$((stringify!($argument), $argument.into())),*])
            }
        )*

        #[cfg(test)]
        const SENTENCES: &[(&str, &[&str])] = &[$((stringify!($key), &[$(stringify!($argument)),*])),*];
    };
}

sentences! {
    prompt();
    password_prompt();
    password_wrong();
    password_too_many_tries(seconds);
    welcome(name, others);
    welcome_alone(name);
    and_more(names, more);
    bad_name();
    name_too_long(characters, bytes);
    name_without_letter();
    name_too_many_marks(marks);
    name_mixes_scripts();
    name_direction();
    name_reserved();
    name_looks_reserved();
    name_taken(name);
    name_probed(name);
    name_wanted();
    name_too_similar(name);
    name_held(name);
    name_unchanged(name);
    server_full();
    foreign_protocol(protocol);
    foreign_http();
    too_many_of_address();
    too_many_new_of_address();
    tls_required();
    web_wrong_host();
    web_wrong_origin();
    web_wrong_method();
    web_wrong_protocol(protocol);
    web_not_found();
    web_socket_only();

    joined(name);
    left(name);
    left_because(name, reason);
    joined_many(names);
    left_many(names);
    renamed(old, new);
    whispered(from, text);

    reason_lost();
    reason_timed_out();
    reason_flooded();
    reason_long_lines();
    reason_too_slow();
    reason_replaced();
    reason_evicted();
    reason_shutdown();
    reason_foreign();
    reason_bad_names();
    reason_bad_passwords();

    goodbye();
    goodbye_shutdown();
    goodbye_evicted();
    disconnected(reason);
    no_name_in_time(seconds);
    no_name_in_bytes(max);

    who(count, names);
    history_begins(count);
    history_ends();
    history_empty();
    found_begins(count);
    found_ends();
    found_nothing();
    seen_here(name);
    seen_joined(name, at);
    seen_said(name, at);
    seen_renamed(name, at);
    seen_left(name, at);
    seen_unknown(name);
    seen_not_kept(name);
    archive_nothing_kept();
    archive_busy();
    archive_too_slow();
    archive_failed();
    not_found(name);
    whisper_format();
    empty_message();
    usage(usage);
    unknown_command(typed);
    unknown_command_near(typed, nearest);
    nobody_to_reply_to();
    pong();
    language_changed();
    ignoring(name);
    not_ignoring_any_more(name);
    not_ignored(name);
    too_many_ignored(max);
    bad_json();
    unknown_type();
    bad_field(field);
    would_be_public();
    not_joined();
    already_joined();
    line_too_long(max);
    not_utf8();
    throttled();

    help_title();
    help_whisper();
    help_msg();
    help_reply();
    help_act();
    help_who();
    help_history();
    help_search();
    help_seen();
    help_rename();
    help_ignore();
    help_unignore();
    help_language();
    help_ping();
    help_help();
    help_quit();
    help_slash();
    argument_name();
    argument_new_name();
    argument_message();
    argument_action();
    argument_words();

    serving(version);
    serving_here(version);
    serving_browser();
    serving_qr(url);
    port_taken(port);
    address_missing(address);
    no_permission(port);
    cannot_listen(address, error);
    cannot_start(error);
    password_unreadable(place, error);
    password_not_utf8(place);
    password_empty(place);
    password_bad_character(place);
    password_too_long(place, max);
    password_means_something_else(place);
    password_twice();
    password_file_open(path, mode);
    too_few_descriptors(limit, needed);
    fewer_connections(max, wanted, limit);
    tls_fingerprint(fingerprint);
    tls_reloaded(fingerprint);
    tls_not_reloaded(why);
    tls_passing(why);
    tls_no_directory();
    tls_nothing_to_reload();
    tls_cannot_read(path, error);
    tls_no_certificate(path);
    tls_no_key(path);
    tls_mismatch(certificate, key);
    tls_key_missing(certificate, key);
    tls_not_kept(directory, error);
    tls_unusable(error);
    admin_serving(url);
    admin_port_taken(port);
    admin_cannot_listen(address, error);
    admin_not_found();
    admin_wrong_host(address);
    admin_stuck(seconds);

    usage_unknown(program, argument);
    usage_unknown_near(program, argument, nearest);
    usage_value(program, argument, value);
    usage_no_value(program, argument);
    usage_needs(program, argument, other);
    usage_other(program);
    cli_about();
    cli_usage();
    cli_options();
    cli_environment();
    flag_listen();
    flag_admin();
    flag_tls();
    flag_tls_cert();
    flag_tls_key();
    flag_data(default);
    flag_no_journal();
    flag_sync();
    flag_keep_days(max, default);
    flag_keep_bytes(min, default);
    flag_lang();
    flag_no_qr();
    flag_threads(max, default);
    flag_max_connections(default);
    flag_max_per_address(default);
    flag_max_new_per_address(default);
    flag_max_unnamed(default);
    flag_max_unnamed_per_address(default);
    flag_exempt();
    flag_host();
    flag_history(default);
    flag_grace(max, default);
    flag_resume_window(max, default);
    flag_max_lost_per_address(default);
    flag_max_line(min, max, default);
    flag_max_long_lines(default, seconds);
    flag_max_unended(default);
    flag_name_deadline(max, default);
    flag_max_before_name(default);
    flag_rate(default);
    flag_rate_burst(default);
    flag_rate_bytes(default);
    flag_rate_bytes_burst(default);
    flag_flood(max, default);
    flag_max_bad_names(default);
    flag_password_file();
    flag_max_password_tries(default);
    flag_max_password_tries_per_address(default, seconds);
    flag_outbox(times, default);
    flag_outbox_total(default);
    flag_outbox_soft(default);
    flag_outbox_time(max, default);
    flag_unsent(default);
    flag_keepalive(max, default);
    flag_user_timeout(max, default);
    flag_probe_timeout(max, default);
    flag_backlog(default);
    flag_help();
    flag_version();

    check_about();
    check_usage();
    check_flag_lang();
    check_found(address, version, milliseconds, tls);
    check_tls_none();
    check_tls_both(fingerprint);
    check_tls_only(fingerprint);
    check_refused_by_papo(address, sentence);
    check_unknown_host(host, error);
    check_lookup_timed_out(host, seconds);
    check_refused(address);
    check_timed_out(address, seconds);
    check_no_route(address);
    check_cannot_connect(address, error);
    check_silent(address, seconds);
    check_closed(address);
    check_foreign(address, protocol);
    check_stranger(address);
    check_tls_broken(address, error);

    cli_journal_about();
    cli_journal_usage();
    flag_journal_action();
    flag_journal_data(default);
    flag_journal_whispers();
    flag_journal_older_than();
    flag_journal_name();
    journal_sound(events, whispers, missing);
    journal_damaged(problem);
    journal_damaged_more(problem, more);
    journal_pruned(events);
    journal_erased(texts, whispers);
    journal_prune_what();
    journal_cannot_export(error);
    journal_no_directory();
    journal_cannot_use(path, error);
    journal_in_use(directory);
    journal_missing(directory);
    journal_foreign(path);
    journal_newer(path);
    journal_older(path);
    journal_unreadable(path);
    journal_error(error);
    journal_disk_full();
    journal_too_slow();
    journal_read_only();
    journal_file_damaged();
    journal_other();
    journal_failed(why);
    journal_recovered();
    journal_recovered_lost(events, whispers);
    journal_repaired(kept, lost, damaged);
    journal_skipped();

    client_about();
    client_usage();
    client_flag_address();
    client_flag_name();
    client_flag_tls();
    client_flag_fingerprint();
    client_flag_data();
    client_flag_password_file();
    client_flag_lang();
    client_flag_plain();
    client_flag_no_bell();
    client_bad_address(address);
    client_unknown_host(host, error);
    client_refused(address);
    client_timed_out(address, seconds);
    client_cannot_connect(address, error);
    client_lost();
    client_answered(address, line);
    client_connection_lost();
    client_unreachable(address);
    client_retry(why, seconds);
    client_back(missed);
    client_gap();
    client_undone();
    client_waiting();
    client_full(max);
    client_unsent(count);
    client_password_wanted();
    client_cannot_hide();
    client_everybody();
    client_target(name);
    client_target_everybody();
    client_target_gone(name);
    client_target_public();
    client_help_target();
    client_help_keys();
    client_history_begins(count);
    client_found_begins(count);
    client_tls_failed(address, error);
    client_tls_first(address, fingerprint);
    client_tls_kept(path);
    client_tls_not_kept(path, error);
    client_tls_nowhere();
    client_tls_changed(address);
    client_tls_expected(fingerprint);
    client_tls_found(fingerprint);
    client_tls_forget(line, path);
    client_tls_broken(line, path);
    client_tls_unreadable(path, error);
}

/// Why somebody left, as it stands between the parentheses of a departure notice and behind "you were
/// disconnected"; `None` for those who left of their own accord, which needs no explanation.
pub fn reason(language: Language, reason: Reason) -> Option<String> {
    match reason {
        Reason::Asked | Reason::Closed | Reason::Away => None,
        Reason::Lost => Some(reason_lost(language)),
        Reason::TimedOut => Some(reason_timed_out(language)),
        Reason::Flooded => Some(reason_flooded(language)),
        Reason::LongLines => Some(reason_long_lines(language)),
        Reason::TooSlow => Some(reason_too_slow(language)),
        Reason::Replaced => Some(reason_replaced(language)),
        Reason::Evicted => Some(reason_evicted(language)),
        Reason::Shutdown => Some(reason_shutdown(language)),
        Reason::Foreign => Some(reason_foreign(language)),
        Reason::BadNames => Some(reason_bad_names(language)),
        Reason::BadPasswords => Some(reason_bad_passwords(language)),
    }
}

/// How a command is typed: `/nome NOVO`.
pub fn usage_of(language: Language, entry: &Entry) -> String {
    let word = entry.word(language);
    match arguments(language, entry.arguments) {
        Some(arguments) => format!("/{word} {arguments}"),
        None => format!("/{word}"),
    }
}

fn arguments(language: Language, arguments: Arguments) -> Option<String> {
    match arguments {
        Arguments::None => None,
        Arguments::NewName => Some(argument_new_name(language)),
        Arguments::Name => Some(argument_name(language)),
        Arguments::NameAndMessage => Some(format!("{} {}", argument_name(language), argument_message(language))),
        Arguments::Message => Some(argument_message(language)),
        Arguments::Action => Some(argument_action(language)),
        Arguments::Language => Some("pt|en".to_owned()),
        Arguments::Count => Some("[N]".to_owned()),
        Arguments::Words => Some(argument_words(language)),
    }
}

/// The lines of `/ajuda`: how everything is typed, and what it does.
pub fn help(language: Language, commands: &[Entry]) -> Vec<String> {
    let (name, message) = (argument_name(language), argument_message(language));
    let mut rows = vec![(format!("@{name} {message}"), help_whisper(language))];
    rows.extend(commands.iter().map(|entry| (usage_of(language, entry), (entry.help)(language))));
    rows.push((format!("//{message}"), help_slash(language)));
    let width = rows.iter().map(|(usage, _)| usage.chars().count()).max().unwrap_or_default();
    let mut lines = vec![help_title(language)];
    lines.extend(rows.into_iter().map(|(usage, what)| format!("  {usage:width$}  {what}")));
    lines
}

/// Looks a sentence up and fills it in. A key without a sentence, which the tests rule out, shows as the key.
fn sentence<const N: usize>(language: Language, key: &str, arguments: [(&'static str, FluentValue<'_>); N]) -> String {
    let bundle = &bundles()[language.index()];
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    fill_plainly(pattern, &arguments).unwrap_or_else(|| {
        let arguments = FluentArgs::from_iter(arguments);
        bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
    })
}

/// A sentence into which texts are put as they are: nearly all are of this kind, and most of what a whisper costs to write would
/// be what Fluent takes for it. `None` if it is of another one.
fn fill_plainly(pattern: &Pattern<&str>, arguments: &[(&str, FluentValue<'_>)]) -> Option<String> {
    let parts = || {
        pattern.elements.iter().map(|element| match element {
            PatternElement::TextElement { value } => Some(*value),
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::VariableReference { id }),
            } => match arguments.iter().find(|(name, _)| *name == id.name) {
                Some((_, FluentValue::String(text))) => Some(&**text),
                _ => None,
            },
            PatternElement::Placeable { .. } => None,
        })
    };
    let length: usize = parts().map(|part| part.map(str::len)).sum::<Option<usize>>()?;
    // the end of the line fits in, too
    let mut filled = String::with_capacity(length + 1);
    parts().flatten().for_each(|part| filled.push_str(part));
    Some(filled)
}

/// The catalogues, in the order of [`Language::ALL`].
fn bundles() -> &'static [FluentBundle<FluentResource>; 2] {
    static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> = LazyLock::new(|| {
        Language::ALL.map(|language| match language {
            Language::Portuguese => bundle(language, include_str!("text/pt-BR.ftl")),
            Language::English => bundle(language, include_str!("text/en.ftl")),
        })
    });
    &BUNDLES
}

fn bundle(language: Language, catalogue: &str) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // or every argument is wrapped in invisible direction marks
    bundle.set_use_isolating(false);
    let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(catalogue.to_owned());
    bundle.add_resource_overriding(resource);
    bundle
}

#[cfg(test)]
mod tests {
    use super::super::command::COMMANDS;
    use super::super::name::Name;
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Key → arguments of a catalogue, read from its text.
    fn catalogue(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        assert!(FluentResource::try_new(text.to_owned()).is_ok());
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" = "))
            .map(|(key, sentence)| {
                let arguments = sentence.split("{ $").skip(1).filter_map(|rest| rest.split(' ').next());
                (key, arguments.collect())
            })
            .collect()
    }

    #[test]
    fn both_catalogues_hold_exactly_the_sentences_with_their_arguments() {
        let declared: BTreeMap<&str, BTreeSet<&str>> =
            SENTENCES.iter().map(|(key, arguments)| (*key, arguments.iter().copied().collect())).collect();
        assert_eq!(declared.len(), SENTENCES.len());
        assert_eq!(catalogue(include_str!("text/pt-BR.ftl")), declared);
        assert_eq!(catalogue(include_str!("text/en.ftl")), declared);
    }

    #[test]
    fn every_sentence_is_filled_in_and_differs_between_the_languages() {
        for (key, arguments) in SENTENCES {
            let [portuguese, english] = Language::ALL.map(|language| {
                let values: [_; 4] = std::array::from_fn(|i| {
                    arguments.get(i).map_or(("unused", FluentValue::None), |name| (*name, FluentValue::from("VALUE")))
                });
                sentence(language, key, values)
            });
            for text in [&portuguese, &english] {
                assert!(text.matches("VALUE").count() >= arguments.len(), "{key}: {text}");
                assert!(!text.contains(['{', '\u{2068}', '\n']) && !text.is_empty(), "{key}: {text}");
            }
            assert_ne!(portuguese, english, "{key}");
        }
    }

    #[test]
    fn a_sentence_that_is_filled_in_plainly_is_what_fluent_makes_of_it() {
        let mut plain = 0;
        for (key, arguments) in SENTENCES {
            for language in Language::ALL {
                let texts = ["Ana", "{ $x } \\u0041", "1"];
                let values: Vec<_> = arguments.iter().copied().zip(texts.map(FluentValue::from)).collect();
                let bundle = &bundles()[language.index()];
                let pattern = bundle.get_message(key).unwrap().value().unwrap();
                if let Some(filled) = fill_plainly(pattern, &values) {
                    let arguments = FluentArgs::from_iter(values);
                    assert_eq!(filled, bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()), "{key}");
                    plain += 1;
                }
            }
        }
        assert!(plain > SENTENCES.len(), "{plain}");
    }

    #[test]
    fn no_sentence_looks_like_a_persons_line() {
        // those of the chat; the others are for whoever runs a program
        let is_of_the_chat =
            |key: &str| !["cli_", "flag_", "check_", "client_", "tls_"].iter().any(|prefix| key.starts_with(prefix));
        for (key, arguments) in SENTENCES.iter().filter(|(key, _)| is_of_the_chat(key)) {
            for language in Language::ALL {
                let values: [_; 4] = std::array::from_fn(|i| (*arguments.get(i).unwrap_or(&"unused"), "x y".into()));
                let line = sentence(language, key, values);
                if let Some((first, _)) = line.split_once(": ") {
                    // nobody can have such a name
                    assert!(Name::parse(first).is_err(), "{key}: {line}");
                }
            }
        }
    }

    #[test]
    fn arguments_are_put_in_plainly() {
        assert_eq!(joined(Language::Portuguese, "Ana"), "Ana entrou no chat.");
        assert_eq!(line_too_long(Language::English, 4096), "Error: Line too long (at most 4096 bytes).");
        assert_eq!(left_because(Language::English, "Ana", "x"), "Ana left the chat (x).");
    }

    #[test]
    fn help_has_one_line_a_command() {
        for language in Language::ALL {
            let lines = help(language, COMMANDS);
            assert_eq!(lines.len(), COMMANDS.len() + 3);
            for entry in COMMANDS {
                assert!(lines.iter().any(|line| line.contains(&format!("/{}", entry.word(language)))), "{entry:?}");
            }
        }
        assert_eq!(usage_of(Language::Portuguese, &COMMANDS[7]), "/nome NOVO");
    }
}
