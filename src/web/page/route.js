// Where what is typed will go: to everybody, to one person, or to the server alone. No DOM, no connection.
//
// It reads signs as the server does (white space and what cannot be seen before a sign do not hide it), so that the box can
// say beforehand whom a text will reach. The one rule above all: what was begun in private is never published.

// What a person does not know to have typed: white space, characters without a shape, control characters.
const UNSEEN =
  /^[\p{White_Space}\p{Cc}\p{Cf}\u2400-\u2424\u2800\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+/u;
const SLASH = /^[/／]/u;
const AT = /^[@＠﹫]/u;

const ACTS = ['eu', 'me'];
const WHISPERS = ['msg', 'privado'];
const REPLIES = ['responder', 'reply', 'r'];
const LANGUAGES = ['idioma', 'lang'];
const IGNORES = ['ignorar', 'ignore'];
const UNIGNORES = ['atender', 'unignore'];

/**
 * What becomes of a text, or `null` if there is nothing in it.
 *
 * `kind`: `say`, `act`, `whisper` (with `to`), `reply`, `command` (with `word`, `rest`), or `refused` (would be public
 * although the box is private). `frame`: what to send, without its id. `shown`: what to show as one's own message.
 * `ready`: whether there is something behind the name or the word yet.
 */
export function route(typed, privateTo) {
  const text = wellFormed(typed).replace(/[\r\n]+/g, ' ');
  const visible = text.replace(UNSEEN, '');
  if (!visible) return null;
  // what is shown here as meant for nobody or for one person, the server must not publish, should it read it differently
  const line = { type: 'line', text, private: true };
  if (SLASH.test(visible)) return slash(visible.slice(1), line, privateTo);
  if (AT.test(visible)) return whisper(visible.slice(1), line);
  if (privateTo) return direct(privateTo, text);
  return { kind: 'say', frame: toAll(line), shown: text, ready: true };
}

/** The size of a frame on the wire. */
export function bytes(frame) {
  return new TextEncoder().encode(JSON.stringify(frame)).length;
}

/** The name in `@name`, `name:`, `name,`. */
export function bare(name) {
  return name.replace(/^@+/, '').replace(/[:,]+$/, '');
}

/** The same for names that the server takes for the same person (near enough to recognise somebody in the list). */
export function fold(name) {
  return name.normalize('NFKC').toLowerCase();
}

function slash(rest, line, privateTo) {
  if (SLASH.test(rest)) {
    // `//x` says `/x`: to whom the box is open, and to nobody else
    return privateTo ? direct(privateTo, rest) : { kind: 'say', frame: toAll(line), shown: rest, ready: true };
  }
  const [word, after] = splitWord(rest);
  const command = accentless(word);
  const shown = after.trim();
  if (WHISPERS.includes(command)) return whisper(after.trimStart(), line);
  if (REPLIES.includes(command)) return { kind: 'reply', frame: line, shown, ready: Boolean(shown) };
  if (ACTS.includes(command)) {
    return { kind: privateTo ? 'refused' : 'act', frame: toAll(line), shown, ready: Boolean(shown) };
  }
  return { kind: 'command', frame: line, shown: line.text, word: command, rest: shown, ready: true };
}

function whisper(rest, line) {
  const [name, after] = splitWord(rest.trimStart());
  const shown = after.trim();
  return { kind: 'whisper', to: bare(name), frame: line, shown, ready: Boolean(shown) };
}

function toAll({ type, text }) {
  return { type, text };
}

function direct(to, text) {
  return { kind: 'whisper', to, frame: { type: 'whisper', to, text }, shown: text, ready: true };
}

/** The language that `/idioma` or `/lang` asks for. */
export function languageAsked({ kind, word, rest }) {
  if (kind !== 'command' || !LANGUAGES.includes(word)) return null;
  if (/^pt/i.test(rest)) return 'pt-BR';
  return /^en/i.test(rest) ? 'en' : null;
}

/** The name that a command hides (`ignored`), or shows again (`unignored`). */
export function ignoreAsked({ kind, word, rest }) {
  if (kind !== 'command') return {};
  const name = bare(splitWord(rest)[0]);
  return { ignored: IGNORES.includes(word) && name, unignored: UNIGNORES.includes(word) && name };
}

function splitWord(text) {
  const at = text.search(/\p{White_Space}/u);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function accentless(word) {
  return word.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

// Half a surrogate pair is no text: JSON would carry it, the server would refuse it.
function wellFormed(text) {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}
