// The page: binds the connection to what is seen. Each part is in a file of its own and knows nothing of the others:
// connection (coming and going), route (where a text goes), box (writing), messages, people, alerts, words.

import { Alerts, summons } from './alerts.js';
import { Box } from './box.js';
import { Connection } from './connection.js';
import { Door } from './door.js';
import { find } from './dom.js';
import { recall, remember } from './memory.js';
import { Messages } from './messages.js';
import { Outgoing } from './outgoing.js';
import { Panels } from './panels.js';
import { People } from './people.js';
import { ignoreAsked, languageAsked } from './route.js';
import { StateBar } from './state.js';
import { adopt, language, preferredLanguage, put, setLanguage } from './words.js';

// Whoever was here before the connection was lost, and is back this soon after oneself, was lost with it.
const TOGETHER = 30_000;

let lostAt = 0;
let returnedAt = 0;
// events up to this number have been shown before
let known = 0;
// who was here when the connection was lost
let companions = new Set();
// one's own name before it was lost, as long as what was missed may be by that name
let formerMe = '';
// what the last welcome said of coming back
let isReturn = false;
let isSame = false;
let resumed = false;
// the question whose answer comes behind all that was missed
let question = '';

adopt(document);
setLanguage(recall('lang') || preferredLanguage());

const connection = new Connection({
  changed: () => phaseChanged(),
  frame: (frame) => FRAMES[frame.type]?.(frame),
  refused: (message, code) => refused(message, code),
  lost: (since) => lost(since),
  language,
  isOwed: () => outgoing.isOwed,
});
const alerts = new Alerts({ sound: find('sound'), notify: find('notify'), notifyHint: find('notify-hint') });
const messages = new Messages(find('log'), find('messages'), find('jump'));
const people = new People(find('people'), () => peopleChanged());
const panels = new Panels({ people: find('people-panel'), options: find('options-panel') }, find('shade'));
const outgoing = new Outgoing(connection, messages, (typed, privateTo) => box.edit(typed, privateTo));
const box = new Box(
  {
    form: find('composer'),
    input: find('box'),
    send: find('send'),
    destination: find('destination'),
    destinationIcon: find('destination-icon'),
    back: find('back'),
    hint: find('hint'),
    suggestions: find('suggestions'),
  },
  people,
  {
    send: (route) => outgoing.send(route),
    mayWait: (route) => outgoing.mayWait(route),
    opened: () => people.mark(box.privateTo),
  },
);
const door = new Door(connection, (name, password) => enter(name, password));
const state = new StateBar(find('state'), connection, () => changeName());

// What the server says, by type.
const FRAMES = {
  // a type of the name of something that every object has is unknown, too
  __proto__: null,
  welcome: welcomed,
  said: (frame) => isOwn(frame, 'say') || heard(messages.said(frame), frame),
  acted: (frame) => isOwn(frame, 'act') || heard(messages.acted(frame), frame),
  history: told,
  found(frame) {
    outgoing.answered(frame.id);
    messages.recalledForAsker(frame.events, 'found_nothing');
  },
  seen: answered,
  whispered(frame) {
    outgoing.whispered();
    messages.whispered(frame);
    alerts.heard(summons(true, frame.from));
  },
  joined(frame) {
    // that of one's own earlier connection
    if (frame.name === people.me) return;
    const isBack = companions.delete(frame.name) && Date.now() - returnedAt < TOGETHER;
    if (!isBack) messages.presence(frame);
    people.add(frame.name);
  },
  left(frame) {
    if (frame.name === people.me) return;
    companions.delete(frame.name);
    if (frame.name === formerMe) formerMe = '';
    outgoing.departed(frame.name);
    messages.presence(frame);
    people.remove(frame.name);
  },
  renamed,
  people: gotPeople,
  ack: (frame) => outgoing.confirmed(frame),
  error(frame) {
    if (!outgoing.refused(frame)) messages.quiet(frame.message, 'error');
  },
  info: informed,
  pong: answered,
  help(frame) {
    outgoing.answered(frame.id);
    messages.quiet(frame.lines || frame.message, 'help');
  },
  bye: dismissed,
};

function enter(name, password) {
  remember('name', name);
  connection.enter({ name, password });
}

// A page that is loaded again goes on where it was.
function resume() {
  if (!connection.resume()) {
    outgoing.clear();
    return false;
  }
  const { name, at } = connection.seat;
  lostAt = at;
  people.me = messages.me = name;
  outgoing.restore();
  showRoom();
  return true;
}

function welcomed({ name, message, others, more, undone, ...frame }) {
  ({ known, isReturn, isSame, resumed } = frame);
  returnedAt = Date.now();
  formerMe = people.me === name ? '' : people.me;
  if (people.me !== name) people.clear();
  people.me = messages.me = name;
  remember('name', name);
  showRoom();
  if (undone) messages.undo(undone);
  if (!isReturn) messages.quiet(message, 'welcome');
  else if (!resumed) messages.gap(Date.now() - lostAt);
  box.maxLine = connection.maxLine;
  people.set([name, ...others]);
  // the welcome names only some: whether the one to whom the box is open is there, is not known before all are
  if (!more) box.setOnline(true);
  // whoever comes in has missed nothing
  if (!isReturn) outgoing.settle(false, true);
  question = connection.newId('w');
  connection.send({ type: 'who', id: question });
}

// What oneself said on an earlier connection comes back with what was missed: then it has arrived.
function isOwn(frame, kind) {
  if (frame.from !== people.me && frame.from !== formerMe) return false;
  if (!outgoing.arrived(kind, frame)) messages.recalled([frame]);
  return true;
}

// What was said before: to newcomers, and to whoever asks.
function told({ id, events }) {
  if (outgoing.answered(id)) messages.recalledForAsker(events, 'history_empty');
  else messages.recalled(events.filter(({ seq }) => seq > known), isReturn ? '' : 'history_ends');
}

function heard(isMention, { from }) {
  alerts.heard(isMention ? summons(false, from) : '');
}

function renamed(frame) {
  messages.presence(frame);
  if (frame.old === formerMe) formerMe = '';
  outgoing.departed(frame.old);
  if (companions.delete(frame.old)) companions.add(frame.new);
  // the box first: it must not take the new name for a departure
  box.renamed(frame.old, frame.new);
  people.rename(frame.old, frame.new);
  if (frame.old === messages.me) {
    messages.me = frame.new;
    connection.rename(frame.new);
    remember('name', frame.new);
    showSelf();
  }
}

function gotPeople(frame) {
  people.set(frame.names);
  box.setOnline(true);
  if (frame.id === question) {
    formerMe = '';
    outgoing.settle(isSame, Boolean(resumed));
  }
  // this page asks too, and quietly
  if (outgoing.answered(frame.id)) {
    messages.quietWord('in_the_room', { count: frame.names.length, names: frame.names.join(', ') });
  }
}

function informed(frame) {
  const asked = outgoing.answered(frame.id);
  if (frame.code === 'lang') {
    const wanted = asked && languageAsked(asked);
    if (wanted) speak(wanted);
    // the switch of the page shows by itself what it did
    if (!asked) return;
  }
  const { ignored, unignored } = (asked && ignoreAsked(asked)) || {};
  if (frame.code === 'ignoring' && ignored) connection.seat.ignore(ignored);
  if (frame.code === 'unignored' && unignored) connection.seat.unignore(unignored);
  if (connection.phase === 'in') messages.quiet(frame.message);
  else door.tell(frame.message);
}

function answered(frame) {
  outgoing.answered(frame.id);
  messages.quiet(frame.message);
}

function refused(message, code) {
  if (!find('room').hidden) showDoor();
  door.refuse(message, code);
}

function lost(since) {
  lostAt = since;
  // in the same moment as everybody else, some are lost again
  companions = new Set([...(since - returnedAt < TOGETHER ? companions : []), ...people.others()]);
  outgoing.lost();
  box.setOnline(false);
}

function dismissed({ reason, message }) {
  if (reason === 'asked') {
    forget();
    showDoor();
    door.tell(message);
  } else if (reason === 'replaced') {
    // the bar says it in words of its own
  } else if (!find('room').hidden) {
    messages.quiet(message, 'error');
  } else {
    door.refuse(message, reason);
  }
}

// Who leaves may give the device to somebody else.
function forget() {
  connection.forget();
  messages.clear();
  people.clear();
  box.clear();
  alerts.clear();
  outgoing.clear();
}

function phaseChanged() {
  state.show();
  door.show();
  box.show();
}

function peopleChanged() {
  const { count } = people;
  find('people-count').textContent = count || '';
  put(find('people-open'), 'people_count', { count }, 'aria-label');
  put(find('people-heading'), 'people_count', { count });
  find('alone').hidden = count > 1;
  box.peopleChanged();
  people.mark(box.privateTo);
}

function showRoom() {
  showSelf();
  if (!find('room').hidden) return;
  find('door').hidden = true;
  find('room').hidden = false;
  messages.toEnd(false);
  // on a phone the keyboard would hide half of the room
  if (matchMedia('(pointer: coarse)').matches) find('log').focus();
  else box.focus();
}

function showDoor() {
  panels.close();
  find('room').hidden = true;
  find('door').hidden = false;
  door.focus();
}

function showSelf() {
  find('self').textContent = messages.me;
}

function changeName() {
  connection.giveUp();
  showDoor();
}

function speak(wanted) {
  setLanguage(wanted);
  remember('lang', language());
  messages.translate();
  showLanguage();
}

function showLanguage() {
  for (const choice of document.querySelectorAll('[data-lang]')) {
    choice.setAttribute('aria-pressed', String(choice.dataset.lang === language()));
  }
}

function typeCommand(text) {
  panels.close();
  box.edit(text, '');
}

function showInvitation() {
  const isLocal = /^(localhost|127\..*|\[::1\])$/.test(location.hostname);
  put(find('invite'), isLocal ? 'invite_local' : 'invite');
  find('address').textContent = isLocal ? '' : location.origin;
  find('terminal').hidden = location.protocol !== 'http:';
  find('terminal-line').textContent = `nc ${location.hostname.replace(/^\[|\]$/g, '')} ${location.port || 80}`;
}

// Safari lays its keyboard over the page; where the style sheet's `dvh` knows of it, this changes nothing.
function fitToKeyboard() {
  const view = window.visualViewport;
  if (!view) return;
  const fit = () => {
    if (view.scale > 1.01) return;
    document.documentElement.style.setProperty('--height', `${view.height}px`);
    if (view.offsetTop) scrollTo(0, 0);
  };
  view.addEventListener('resize', fit);
  view.addEventListener('scroll', fit);
  fit();
}

document.addEventListener('click', (event) => {
  const target = event.target.closest('[data-whisper], [data-lang], [data-panel]');
  if (!target) return;
  const { whisper, lang, panel } = target.dataset;
  if (panel) return panels.toggle(panel, target);
  if (lang) {
    speak(lang);
    return connection.send({ type: 'lang', lang, id: connection.newId('l') });
  }
  if (whisper === messages.me) return;
  panels.close();
  box.openTo(whisper);
});
document.addEventListener('keydown', (event) => {
  // a panel that was open has taken it
  if (event.key === 'Escape' && !event.defaultPrevented && !event.isComposing && box.privateTo) box.openTo('');
});
find('rename').addEventListener('click', () => typeCommand('/nome '));
find('help').addEventListener('click', () => {
  panels.close();
  connection.send({ type: 'help', id: connection.newId('h') });
});
find('leave').addEventListener('click', () => {
  panels.close();
  if (connection.send({ type: 'leave' })) return;
  forget();
  showDoor();
});

showLanguage();
showInvitation();
fitToKeyboard();
phaseChanged();
if (!resume()) {
  connection.open();
  door.focus();
}
