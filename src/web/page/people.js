// Who is in the room, in alphabetical order, oneself first.

import { avatar, button, element } from './dom.js';
import { fold } from './route.js';
import { put } from './words.js';

const order = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

export class People {
  me = '';
  #list;
  #rows = new Map();
  #changed;
  #marked = null;

  /** `changed` is called after each change. */
  constructor(list, changed) {
    this.#list = list;
    this.#changed = changed;
  }

  get count() {
    return this.#rows.size;
  }

  has(name) {
    return this.#rows.has(name);
  }

  /** The others. */
  others() {
    return [...this.#rows.keys()].filter((name) => name !== this.me);
  }

  /** Somebody present by a name as typed. */
  named(typed) {
    const wanted = fold(typed);
    return this.others().find((name) => fold(name) === wanted) || null;
  }

  /** Those whose names begin like this. */
  beginningWith(typed) {
    const wanted = fold(typed);
    return this.others().filter((name) => fold(name).startsWith(wanted)).sort(order.compare);
  }

  set(names) {
    const wanted = new Set(names);
    for (const name of this.#rows.keys()) if (!wanted.has(name)) this.#drop(name);
    for (const name of wanted) this.#put(name);
    this.#changed();
  }

  add(name) {
    this.#put(name);
    this.#changed();
  }

  remove(name) {
    this.#drop(name);
    this.#changed();
  }

  rename(old, name) {
    if (old === this.me) this.me = name;
    this.#drop(old);
    this.#drop(name);
    this.#put(name);
    this.#changed();
  }

  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#changed();
  }

  /** Shows to whom the box is open. */
  mark(target) {
    this.#marked?.removeAttribute('aria-current');
    this.#marked = this.#rows.get(target)?.firstElementChild;
    this.#marked?.setAttribute('aria-current', 'true');
  }

  #put(name) {
    if (this.#rows.has(name)) return;
    const row = element('li', '', name === this.me ? this.#self(name) : this.#other(name));
    this.#list.insertBefore(row, this.#after(name));
    this.#rows.set(name, row);
    row.dataset.name = name;
  }

  #drop(name) {
    this.#rows.get(name)?.remove();
    this.#rows.delete(name);
  }

  #self(name) {
    const self = element('div', 'person self', avatar(name), this.#name(name));
    self.append(put(element('span', 'self-tag'), 'you'));
    return self;
  }

  #other(name) {
    const other = button('person');
    other.dataset.whisper = name;
    other.append(avatar(name), this.#name(name));
    put(other, 'whisper_to', { name }, 'aria-label');
    put(other, 'whisper_to', { name }, 'title');
    return other;
  }

  #name(name) {
    const made = element('span', 'person-name', name);
    made.dir = 'auto';
    return made;
  }

  // The row before which a name goes: found by halves, for a room may be large.
  #after(name) {
    const rows = this.#list.children;
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isBefore(rows[middle].dataset.name, name)) low = middle + 1;
      else high = middle;
    }
    return rows[low] || null;
  }

  #isBefore(one, other) {
    if (other === this.me) return false;
    return one === this.me || order.compare(one, other) <= 0;
  }
}
