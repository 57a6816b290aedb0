// Every sentence of the page, in both languages, and what keeps them on the screen in the language of the moment.
// Sentences that the server writes are not here: it sends them in the language that it was told.

const WORDS = {
  'pt-BR': {
    tagline: 'O bate-papo desta rede',
    your_name: 'Seu nome',
    name_hint: 'Letras, números e _ sem espaços. Não precisa de cadastro.',
    password: 'Senha da sala',
    enter: 'Entrar',
    entering: 'Entrando…',
    language: 'Idioma',
    name_missing: 'Escreva um nome para entrar.',
    password_missing: 'Esta sala pede uma senha.',
    no_answer: 'O servidor não está respondendo. Vou continuar tentando.',
    terminal: 'Prefere um terminal?',

    people: 'Pessoas',
    people_count: ({ count }) => (count === 1 ? '1 pessoa na sala' : `${count} pessoas na sala`),
    close: 'Fechar',
    you: 'você',
    whisper_to: ({ name }) => `Falar só com ${name}`,
    whisper_tip: 'Escolha um nome para falar só com essa pessoa.',
    options: 'Opções',
    sound: 'Som',
    sound_hint: 'Um toque curto quando chega uma mensagem e você está em outra janela',
    notifications: 'Notificações',
    notifications_hint: 'Quando alguém fala com você e você está em outra janela',
    notifications_insecure: 'O navegador só permite notificações em páginas https ou em localhost',
    notifications_unsupported: 'Este navegador não mostra notificações desta página',
    notifications_denied: 'O navegador não permitiu as notificações desta página',
    rename: 'Trocar de nome',
    help: 'Ver os comandos',
    leave: 'Sair do chat',

    log: 'Mensagens',
    new_messages: ({ count }) => (count === 1 ? '1 mensagem nova' : `${count} mensagens novas`),
    to_the_end: 'Ir para o fim',
    private: 'privado',
    private_from: ({ name }) => `${name} (privado)`,
    private_to: ({ name }) => `para ${name} (privado)`,
    private_reply: 'resposta (privado)',
    sending: 'enviando…',
    waiting: 'espera a conexão…',
    undone: 'O servidor parou antes de guardar esta mensagem: quem entrar agora não a verá.',
    maybe_unsent: 'A conexão caiu antes da confirmação: talvez não tenha sido enviada.',
    send_again: 'Enviar de novo',
    edit: 'Editar',
    discard: 'Descartar',
    came: ({ names }) => `Entraram: ${names}.`,
    went: ({ names }) => `Saíram: ${names}.`,
    came_and_went: ({ names }) => `Passaram por aqui: ${names}.`,
    and_more: ({ names, more }) => `${names} e mais ${more}`,
    in_the_room: ({ count, names }) => `Na sala (${count}): ${names}`,
    history_ends: 'Até aqui, o que foi dito antes de você entrar.',
    history_empty: 'Ainda não foi dito nada.',
    found_nothing: 'Nada encontrado: ninguém disse isso, ou não está mais guardado.',
    gap: ({ time }) => `você ficou fora ${time}; pode faltar aqui parte do que foi dito nesse tempo`,
    alone: 'Por enquanto, só você por aqui.',
    invite: 'Para chamar alguém, peça que abra este endereço em outro aparelho desta rede:',
    invite_local: 'Para chamar alguém, passe o endereço que o servidor mostrou ao iniciar.',

    message: 'Mensagem',
    send: 'Enviar',
    to_all: 'Para todos',
    act_to_all: 'Para todos, como ação',
    only_to: ({ name }) => `Só para ${name} (privado)`,
    only_to_absent: ({ name }) => `Só para ${name} (privado), que não está na sala`,
    only_to_somebody: 'Privado: só para a pessoa que você indicar',
    reply_only: 'Só para quem falou com você em particular por último (privado)',
    command: 'Comando: só o servidor lê',
    back_to_all: 'Voltar a todos',
    would_be_public: 'Isso iria para todos. Volte a todos antes de enviar.',
    target_left: ({ name }) => `${name} não está na sala. A caixa continua privada: nada do que está nela vai para os outros.`,
    target_back: ({ name }) => `Alguém entrou agora com o nome ${name}. Confira se é a mesma pessoa.`,
    target_asked: ({ name }) => `Ainda não enviada: se ${name} é a mesma pessoa, envie outra vez.`,
    offline: 'Sem conexão: o que você escrever fica aqui até poder ser enviado.',
    offline_waits: 'Sem conexão: o que você enviar para todos segue assim que ela voltar.',
    too_long: ({ count }) => `Longa demais: ${count} ${count === 1 ? 'byte' : 'bytes'} acima do limite. Nada foi cortado; divida em duas.`,
    empty_first: 'A caixa já tem um texto. Envie ou apague antes de editar outro.',

    reconnecting: 'Conexão perdida.',
    connecting: 'Conectando…',
    rejoining: 'Voltando para a sala…',
    name_busy: 'Sua conexão antiga ainda ocupa o seu nome. Tentando de novo…',
    retry_in: ({ time }) => `Nova tentativa em ${time}.`,
    retry_now: 'Tentar agora',
    come_back: 'Voltar',
    another_name: 'Entrar com outro nome',
    ended: 'Você foi desconectado.',
    replaced: 'A conversa continua em outra janela.',
    go_on_here: 'Continuar aqui',

    notify_private: ({ name }) => `${name} falou com você em particular`,
    notify_said: ({ name }) => `${name} mencionou você`,
  },

  en: {
    tagline: 'The chat of this network',
    your_name: 'Your name',
    name_hint: 'Letters, digits and _ without spaces. No account needed.',
    password: 'Password of the room',
    enter: 'Join',
    entering: 'Joining…',
    language: 'Language',
    name_missing: 'Write a name to come in.',
    password_missing: 'This room asks for a password.',
    no_answer: 'The server is not answering. I will keep trying.',
    terminal: 'Rather use a terminal?',

    people: 'People',
    people_count: ({ count }) => (count === 1 ? '1 person in the room' : `${count} people in the room`),
    close: 'Close',
    you: 'you',
    whisper_to: ({ name }) => `Talk to ${name} only`,
    whisper_tip: 'Choose a name to talk to that person only.',
    options: 'Options',
    sound: 'Sound',
    sound_hint: 'A short tone when a message comes while you are in another window',
    notifications: 'Notifications',
    notifications_hint: 'When somebody talks to you while you are in another window',
    notifications_insecure: 'The browser allows notifications only on https pages or on localhost',
    notifications_unsupported: 'This browser shows no notifications of this page',
    notifications_denied: 'The browser did not allow notifications of this page',
    rename: 'Change your name',
    help: 'See the commands',
    leave: 'Leave the chat',

    log: 'Messages',
    new_messages: ({ count }) => (count === 1 ? '1 new message' : `${count} new messages`),
    to_the_end: 'Go to the end',
    private: 'private',
    private_from: ({ name }) => `${name} (private)`,
    private_to: ({ name }) => `to ${name} (private)`,
    private_reply: 'reply (private)',
    sending: 'sending…',
    waiting: 'waits for the connection…',
    undone: 'The server stopped before it kept this message: whoever joins now will not see it.',
    maybe_unsent: 'The connection broke before this was confirmed: it may not have been sent.',
    send_again: 'Send again',
    edit: 'Edit',
    discard: 'Discard',
    came: ({ names }) => `Joined: ${names}.`,
    went: ({ names }) => `Left: ${names}.`,
    came_and_went: ({ names }) => `Came by: ${names}.`,
    and_more: ({ names, more }) => `${names} and ${more} more`,
    in_the_room: ({ count, names }) => `In the room (${count}): ${names}`,
    history_ends: 'Up to here, what was said before you came in.',
    history_empty: 'Nothing has been said yet.',
    found_nothing: 'Nothing found: nobody said that, or it is no longer kept.',
    gap: ({ time }) => `you were away for ${time}; some of what was said in that time may be missing here`,
    alone: 'Only you here so far.',
    invite: 'To invite somebody, ask them to open this address on another device of this network:',
    invite_local: 'To invite somebody, pass on the address that the server showed when it started.',

    message: 'Message',
    send: 'Send',
    to_all: 'To everybody',
    act_to_all: 'To everybody, as an action',
    only_to: ({ name }) => `To ${name} only (private)`,
    only_to_absent: ({ name }) => `To ${name} only (private), who is not in the room`,
    only_to_somebody: 'Private: only to the person you name',
    reply_only: 'Only to whoever last wrote to you in private (private)',
    command: 'Command: only the server reads it',
    back_to_all: 'Back to everybody',
    would_be_public: 'This would go to everybody. Go back to everybody before sending it.',
    target_left: ({ name }) => `${name} is not in the room. The box stays private: nothing in it goes to the others.`,
    target_back: ({ name }) => `Somebody has just joined with the name ${name}. Make sure it is the same person.`,
    target_asked: ({ name }) => `Not sent yet: if ${name} is the same person, send it once more.`,
    offline: 'No connection: what you write stays here until it can be sent.',
    offline_waits: 'No connection: what you send to everybody goes out as soon as it is back.',
    too_long: ({ count }) => `Too long: ${count} ${count === 1 ? 'byte' : 'bytes'} above the limit. Nothing was cut; make two of it.`,
    empty_first: 'There is a text in the box already. Send or delete it before editing another one.',

    reconnecting: 'Connection lost.',
    connecting: 'Connecting…',
    rejoining: 'Coming back into the room…',
    name_busy: 'Your old connection still holds your name. Trying again…',
    retry_in: ({ time }) => `Trying again in ${time}.`,
    retry_now: 'Try now',
    come_back: 'Come back',
    another_name: 'Join with another name',
    ended: 'You were disconnected.',
    replaced: 'The chat goes on in another window.',
    go_on_here: 'Go on here',

    notify_private: ({ name }) => `${name} talked to you in private`,
    notify_said: ({ name }) => `${name} mentioned you`,
  },
};

let current = 'pt-BR';

// What each element says, so that it can be said again in another language.
const said = new WeakMap();

export function language() {
  return current;
}

/** The first language of the browser that the page speaks. */
export function preferredLanguage() {
  for (const wanted of navigator.languages || [navigator.language || '']) {
    if (/^pt\b/i.test(wanted)) return 'pt-BR';
    if (/^en\b/i.test(wanted)) return 'en';
  }
  return 'pt-BR';
}

export function word(key, args = {}) {
  const entry = WORDS[current][key];
  return typeof entry === 'function' ? entry(args) : entry;
}

/** Lets an element say a sentence, now and after the language has changed. `place`: its text, or an attribute. */
export function put(element, key, args = {}, place = 'text') {
  const places = said.get(element) || new Map();
  places.set(place, { key, args });
  said.set(element, places);
  element.toggleAttribute('data-said', true);
  show(element, place, word(key, typeof args === 'function' ? args() : args));
  return element;
}

export function setLanguage(wanted) {
  current = wanted === 'en' ? 'en' : 'pt-BR';
  document.documentElement.lang = current;
  for (const element of document.querySelectorAll('[data-said]')) {
    for (const [place, { key, args }] of said.get(element) || []) put(element, key, args, place);
  }
}

/** Takes over what index.html marks with `data-word` (its text) and `data-word-ATTRIBUTE`. */
export function adopt(root) {
  const places = { word: 'text', wordLabel: 'aria-label', wordTitle: 'title', wordPlaceholder: 'placeholder' };
  for (const element of root.querySelectorAll('*')) {
    for (const [mark, place] of Object.entries(places)) {
      if (element.dataset[mark]) put(element, element.dataset[mark], {}, place);
    }
  }
}

/** `12 s`, `3 min`, `2 h 5 min`: the same in both languages. */
export function duration(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ''}`;
}

/** Names in a sentence, not too many of them. */
export function names(list, most = 8) {
  const shown = list.slice(0, most).join(', ');
  return list.length > most ? word('and_more', { names: shown, more: list.length - most }) : shown;
}

function show(element, place, text) {
  if (place === 'text') element.textContent = text;
  else element.setAttribute(place, text);
}
