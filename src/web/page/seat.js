// The seat in the room: what proves that this page is the member that it was, and how far it knows what happened. It outlives
// the connection, and in this tab also the page: phones throw pages away that nobody looks at. No DOM, no connection.

import { keep, kept } from './memory.js';
import { fold } from './route.js';

// Whoever comes back to the tab later than this is asked for the name.
const LONGEST = 12 * 3_600_000;
// A page that is loaded again is empty, so it asks for so many events more than those that it does not know. The server has no
// more than the 1,000 newest ones.
const CONTEXT = 100;
// Not every event is worth a write.
const PAUSE = 250;
// The server takes no more names.
const MOST_IGNORED = 100;

export class Seat {
  name = '';
  token = '';
  /** The order of events that this page knows, and the number of the last one; no `epoch`: none. */
  epoch = '';
  seq = 0;
  /** The number of the last whisper. */
  whispers = 0;
  /** Until when this was so, after {@link restore}. */
  at = 0;
  // before the first event that is shown
  #first = 0;
  // what the person has had before their eyes; the rest comes again if the page is thrown away
  #seen = { seq: 0, whispers: 0 };
  #ignored = new Map();
  #timer = 0;
  // not if another window has it
  #isOurs = false;

  constructor() {
    // until it was hidden, and as soon as it is not any more, all of it has been seen
    document.addEventListener('visibilitychange', () => this.#save(true));
    addEventListener('pagehide', () => this.#save(!document.hidden));
  }

  /** Takes up what this tab has kept. Whether there was something. */
  restore() {
    const old = kept('seat');
    const isNumber = (number) => Number.isSafeInteger(number) && number >= 0;
    const isWhole = /^[0-9a-f]{64}$/.test(old?.token) && typeof old.name === 'string' && typeof old.epoch === 'string' &&
      [old.seq, old.first, old.whispers].every(isNumber) && Array.isArray(old.ignored);
    if (!isWhole || !(Date.now() - old.at < LONGEST)) return false;
    [this.name, this.token, this.epoch, this.whispers, this.at] = [old.name, old.token, old.epoch, old.whispers, old.at];
    this.seq = Math.max(old.first, old.seq - CONTEXT);
    this.#first = this.seq;
    for (const name of old.ignored) this.ignore(String(name));
    return true;
  }

  /** What a join says of it. */
  join() {
    const known = this.epoch ? { epoch: this.epoch, seq: this.seq } : {};
    if (this.token) Object.assign(known, { token: this.token, whispers: this.whispers });
    if (this.#ignored.size) known.ignore = [...this.#ignored.values()];
    return known;
  }

  /** The server has given it. `isSame`: to the member who had it. */
  take({ name, token = '', epoch, seq, whispers = 0, resumed, undone }, isSame) {
    if (!resumed) {
      // one's own arrival has the next number, and is not told; who was only lost for a moment does not arrive
      this.seq = this.#first = isSame ? seq : seq + 1;
      this.#seen.seq = this.seq;
    } else if (undone) {
      this.seq = Math.min(this.seq, undone - 1);
    }
    this.whispers = Math.min(this.whispers, whispers);
    [this.name, this.token, this.epoch] = [name, token, epoch];
    this.#isOurs = Boolean(token);
    if (token) this.#save(!document.hidden);
    else keep('seat', null);
  }

  /** Notes how far things are known by this frame. */
  heard({ type, seq, number, events, id }) {
    if (seq > this.seq) this.seq = seq;
    if (type === 'whispered' && number) this.whispers = number;
    if (type === 'history' && !id && events.length) this.#first = Math.min(this.#first, events[0].seq - 1);
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      if (!document.hidden) this.#save(true);
    }, PAUSE);
  }

  rename(name) {
    this.name = name;
    this.#save(!document.hidden);
  }

  ignore(name) {
    if (this.#ignored.size < MOST_IGNORED) this.#ignored.set(fold(name), name);
  }

  unignore(name) {
    this.#ignored.delete(fold(name));
  }

  /** From now on this page is somebody else, who knows what it knows. */
  stand() {
    this.token = '';
    this.whispers = 0;
  }

  /** Another window has it. Whoever loads this page again does not take it back. */
  cede() {
    this.#isOurs = false;
    keep('seat', null);
  }

  /** Nobody who sits down here next takes it. */
  clear() {
    this.cede();
    this.stand();
    this.name = this.epoch = '';
    this.seq = this.#first = 0;
    this.#ignored.clear();
  }

  #save(isSeen) {
    if (!this.#isOurs) return;
    const { name, token, epoch, seq, whispers } = this;
    if (isSeen) this.#seen = { seq, whispers };
    const ignored = [...this.#ignored.values()];
    keep('seat', { name, token, epoch, first: this.#first, ...this.#seen, ignored, at: Date.now() });
  }
}
