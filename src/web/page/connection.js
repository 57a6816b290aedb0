// The connection: opens it, comes in, notices when it is dead, comes back by itself. It knows the dialect `papo.v1.json`
// as far as coming and going is concerned, and nothing of the screen.
//
// phase: idle        no connection, and nobody needs one
//        connecting  under way, until the server's hello
//        open        the server has said hello; nobody has come in
//        joining     the name has been sent
//        in          in the room
//        waiting     the connection is gone; the next try is at `retryAt`
//        ended       the server has closed it for a reason; the person decides

import { fold } from './route.js';
import { Seat } from './seat.js';

const PROTOCOL = 'papo.v1.json';
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
// Whoever stays this long has really come back: the pauses begin anew.
const SETTLED = 10_000;
// From opening to the server's hello.
const GREETING = 10_000;
// Silence after which the server is asked whether it is there; shorter when an answer is due.
const QUIET = 45_000;
const QUIET_WHEN_OWED = 8_000;
// Time for its answer.
const PONG = 8_000;
const CHECK = 2_000;
// What is said of a connection that this page takes for dead: 1000 would be a departure, should the server ever read it.
const TAKEN_FOR_DEAD = 4000;
// Where nobody can prove who they are, one's own old connection may hold the name until the server has noticed that it is dead.
// A server closes whoever tries five refused names, so there are four tries in all.
const NAME_PAUSES = [2_000, 5_000, 10_000];

export class Connection {
  phase = 'idle';
  retryAt = 0;
  /** What the server said last about why not. */
  reason = '';
  maxLine = 4096;
  needsPassword = false;
  /** Whether one's own name is waited for. */
  isNameBusy = false;
  /** Whether the chat goes on in another window. */
  isReplaced = false;
  /** What outlives a connection. */
  seat = new Seat();

  #socket = null;
  #wanted = null;
  #last = null;
  #pauses = 0;
  // the next welcome is a return
  #hasBeenIn = false;
  // one's own name is still taken by one's own old connection, perhaps
  #isReturning = false;
  #nameTries = 0;
  #joinId = null;
  #pingId = null;
  #ids = 0;
  #prefix = random();
  #timers = {};
  #heardAt = 0;
  #pingedAt = 0;
  #hooks;

  /** Hooks: `changed()`, `frame(frame)`, `refused(message, code)`, `lost(since)`, `language()`, `isOwed()`. */
  constructor(hooks) {
    this.#hooks = hooks;
    addEventListener('online', () => this.#wake());
    addEventListener('pageshow', () => this.#wake());
    document.addEventListener('visibilitychange', () => document.hidden || this.#wake());
    setInterval(() => this.#check(), CHECK);
  }

  /** Connects, if that has not been done. */
  open() {
    if (this.#socket) return;
    clearTimeout(this.#timers.retry);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws`, PROTOCOL);
    this.#socket = socket;
    socket.onmessage = (message) => this.#read(message.data);
    socket.onclose = () => this.#closed();
    this.#timers.greeting = setTimeout(() => this.#closed(), GREETING);
    this.#heardAt = Date.now();
    this.#to('connecting');
  }

  /** Whether it is in, or will be without anybody doing anything. */
  get isWanted() {
    return Boolean(this.#wanted);
  }

  /** Comes in with this name, now or as soon as there is a connection; from then on by itself. */
  enter(who) {
    if (fold(who.name) !== fold(this.seat.name)) this.seat.stand();
    this.#wanted = this.#last = who;
    this.#isReturning = false;
    this.#nameTries = 0;
    this.reason = '';
    this.isReplaced = false;
    if (this.phase === 'open') this.#join();
    else this.open();
  }

  /** Comes in as the last time. */
  comeBack() {
    if (!this.#last) return;
    this.enter(this.#last);
    this.#isReturning = true;
  }

  /** Comes back as whoever was here before the page was loaded again. Whether there was somebody. */
  resume() {
    if (!this.seat.restore()) return false;
    this.#hasBeenIn = true;
    this.enter({ name: this.seat.name });
    this.#isReturning = true;
    return true;
  }

  /** Gives up coming in by itself. */
  giveUp() {
    this.#wanted = null;
    this.isNameBusy = false;
    clearTimeout(this.#timers.retry);
    clearTimeout(this.#timers.name);
    if (this.phase === 'joining') this.#to('open');
    else if (this.phase === 'waiting' || this.phase === 'ended') this.#to('idle');
  }

  /** Forgets who was here. */
  forget() {
    this.giveUp();
    this.#last = null;
    this.seat.clear();
    this.#hasBeenIn = false;
  }

  /** Tries again now. */
  retry() {
    if (this.phase === 'waiting') this.open();
    else if (this.phase === 'joining' && this.isNameBusy) this.#join();
  }

  /** An id that no object has had yet, of this page or of another one of the same member. */
  newId(letter) {
    this.#ids += 1;
    return `${letter}${this.#prefix}${this.#ids.toString(36)}`;
  }

  /** Sends, if there is somebody to send to. */
  send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #join() {
    clearTimeout(this.#timers.name);
    if (this.needsPassword && !this.#wanted.password) return this.#refuse('', 'password_missing');
    this.#joinId = this.newId('j');
    const { name, password } = this.#wanted;
    const frame = { type: 'join', id: this.#joinId, name, lang: this.#hooks.language() };
    if (this.needsPassword) frame.password = password;
    // what happened meanwhile follows the welcome then
    this.send({ ...frame, ...this.seat.join() });
    this.#to('joining');
  }

  #read(data) {
    this.#heardAt = Date.now();
    this.#pingedAt = 0;
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame && typeof frame === 'object') this.#take(frame);
  }

  #take(frame) {
    if (this.phase === 'in') this.seat.heard(frame);
    switch (frame.type) {
      case 'hello':
        return this.#greeted(frame);
      case 'welcome':
        return this.#welcomed(frame);
      case 'bye':
        return this.#dismissed(frame);
      case 'pong':
        if (frame.id && frame.id === this.#pingId) return;
        break;
      case 'error':
        if (this.#isAboutComingIn(frame)) return this.#turnedAway(frame);
    }
    this.#hooks.frame(frame);
  }

  #greeted(frame) {
    clearTimeout(this.#timers.greeting);
    this.needsPassword = Boolean(frame.password);
    this.maxLine = Number(frame.max_line) || this.maxLine;
    this.#to('open');
    if (this.#wanted) this.#join();
  }

  #welcomed(frame) {
    const isReturn = this.#hasBeenIn;
    this.#hasBeenIn = this.#isReturning = true;
    this.isNameBusy = false;
    this.reason = '';
    this.#nameTries = 0;
    this.#wanted = this.#last = { ...this.#wanted, name: frame.name };
    const { token, epoch, seq } = this.seat;
    const isSameRoom = epoch === frame.epoch;
    const isSameMember = Boolean(token) && token === frame.token;
    // of the order that it was told of before, this page knows so much
    const known = isSameRoom ? seq : 0;
    this.seat.take(frame, isSameMember);
    clearTimeout(this.#timers.settled);
    this.#timers.settled = setTimeout(() => { this.#pauses = 0; }, SETTLED);
    this.#to('in');
    this.#hooks.frame({ ...frame, isReturn, known, isSame: isSameRoom && isSameMember });
  }

  /** The name to come back with. */
  rename(name) {
    this.#wanted = this.#last = { ...this.#wanted, name };
    this.seat.rename(name);
  }

  #isAboutComingIn(frame) {
    if (this.phase === 'in') return false;
    return frame.id ? frame.id === this.#joinId : this.phase === 'connecting' || this.phase === 'joining';
  }

  #turnedAway({ id, code, message }) {
    this.reason = String(message || '');
    // no answer to the name, but about the connection, which will end
    if (!id) return this.#hooks.changed();
    if (this.#isReturning && code === 'name_taken' && this.#nameTries < NAME_PAUSES.length) {
      this.isNameBusy = true;
      this.#timers.name = setTimeout(() => this.#join(), NAME_PAUSES[this.#nameTries]);
      this.#nameTries += 1;
      return this.#hooks.changed();
    }
    this.#refuse(this.reason, code);
  }

  #refuse(message, code) {
    this.#wanted = null;
    this.isNameBusy = false;
    this.#to('open');
    this.#hooks.refused(message, code);
  }

  #dismissed(frame) {
    const wasIn = this.phase === 'in';
    const wasComingIn = Boolean(this.#wanted);
    this.reason = String(frame.message || '');
    if (frame.reason === 'shutdown') {
      if (wasIn) this.#hooks.frame(frame);
      return this.#closed();
    }
    this.#wanted = null;
    // two windows must not drive each other out for ever
    this.isReplaced = frame.reason === 'replaced';
    if (this.isReplaced) this.seat.cede();
    this.#drop();
    const isAsked = frame.reason === 'asked';
    // whoever only looks at the form for long is closed, too, and need not know
    this.#to(wasComingIn && !isAsked ? 'ended' : 'idle');
    if (wasIn) this.#hooks.lost(Date.now());
    if (wasComingIn || isAsked) this.#hooks.frame(frame);
  }

  // `since`: from when on nothing may have come through
  #closed(since = Date.now()) {
    const wasIn = this.phase === 'in';
    this.#drop();
    if (!this.#wanted) {
      this.#to(this.phase === 'ended' ? 'ended' : 'idle');
      return;
    }
    // half of it is chance, so that a whole room does not come back in the same moment
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#pauses);
    const wait = pause * (0.75 + Math.random() / 2);
    this.#pauses += 1;
    this.retryAt = Date.now() + wait;
    this.#timers.retry = setTimeout(() => this.open(), wait);
    this.#to('waiting');
    if (wasIn) this.#hooks.lost(since);
  }

  // A connection that is dead without knowing may take minutes to close: nobody waits for that.
  #drop() {
    for (const timer of ['greeting', 'settled', 'name', 'retry']) clearTimeout(this.#timers[timer]);
    this.isNameBusy = false;
    this.#pingedAt = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close(TAKEN_FOR_DEAD);
  }

  // The network or the person is back.
  #wake() {
    if (this.phase === 'waiting') this.open();
    else if (this.phase === 'in' && Date.now() - this.#heardAt > 1_000) this.#ping();
  }

  #check() {
    if (this.phase !== 'in') return;
    const now = Date.now();
    if (this.#pingedAt) {
      if (now - this.#pingedAt > PONG) this.#closed(this.#heardAt);
      return;
    }
    const quiet = this.#hooks.isOwed() ? QUIET_WHEN_OWED : QUIET;
    if (now - this.#heardAt > quiet) this.#ping();
  }

  #ping() {
    if (this.#pingedAt) return;
    this.#pingId = this.newId('p');
    this.#pingedAt = Date.now();
    this.send({ type: 'ping', id: this.#pingId });
  }

  #to(phase) {
    this.phase = phase;
    this.#hooks.changed();
  }
}

// Without the randomUUID of browsers, which only pages over TLS have.
function random() {
  return [...crypto.getRandomValues(new Uint32Array(2))].map((number) => number.toString(36)).join('');
}
