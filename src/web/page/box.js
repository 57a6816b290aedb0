// The box to write in. It always says to whom the text will go, keeps a text apart for each person, and never lets go of
// what was typed before the connection has taken it.

import { button, icon } from './dom.js';
import { bytes, fold, route } from './route.js';
import { put } from './words.js';

const MOST_SUGGESTIONS = 6;
// What an empty box would send to everybody.
const EMPTY = { kind: 'say', ready: true };
// The longest id that a frame gets.
const ID = 'm'.padEnd(24, '0');

export class Box {
  /** To whom it is open; '' is everybody. */
  privateTo = '';
  maxLine = 4096;
  #parts;
  #people;
  #hooks;
  #isOnline = false;
  // '', 'left', 'back' or 'asked': a name may be somebody else's when it comes back, so the first try only asks
  #target = '';
  #drafts = new Map();
  // a text that came along from the box to everybody, and goes back there if it is not touched
  #carried = '';
  #note = '';
  #suggesting = 0;

  /** Parts: form, input, send, destination, destinationIcon, back, hint, suggestions. Hooks: `send(route)`, `mayWait(route)`, `opened()`. */
  constructor(parts, people, hooks) {
    [this.#parts, this.#people, this.#hooks] = [parts, people, hooks];
    const { form, input, back } = parts;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    input.addEventListener('beforeinput', (event) => this.#beforeInput(event));
    input.addEventListener('input', (event) => this.#typed(event));
    input.addEventListener('keydown', (event) => this.#key(event));
    back.addEventListener('click', () => this.openTo(''));
    addEventListener('resize', () => this.#grow());
    this.show();
  }

  /** Opens it to one person, or to everybody. */
  openTo(name) {
    if (name !== this.privateTo) {
      this.#changeDraft(name);
      this.privateTo = name;
      this.#target = '';
      this.#hooks.opened();
    }
    this.peopleChanged();
    this.#grow();
    this.focus();
  }

  /** Puts a text back, open to whom it was. Says no if there is another text. */
  edit(text, privateTo) {
    if (this.#parts.input.value.trim()) {
      this.#say('empty_first');
      this.focus();
      return false;
    }
    if (privateTo !== this.privateTo) this.openTo(privateTo);
    if (this.#parts.input.value.trim()) {
      this.#say('empty_first');
      return false;
    }
    this.#fill(text);
    this.focus();
    return true;
  }

  get isEmpty() {
    return !this.#parts.input.value.trim();
  }

  setOnline(isOnline) {
    this.#isOnline = isOnline;
    this.peopleChanged();
  }

  /** The list of people has changed. */
  peopleChanged() {
    if (this.privateTo && this.#isOnline) {
      const isHere = this.#people.has(this.privateTo);
      if (!isHere) this.#target = 'left';
      else if (this.#target === 'left') this.#target = 'back';
    }
    this.show();
  }

  renamed(old, name) {
    if (this.#drafts.has(old)) this.#drafts.set(name, this.#drafts.get(old));
    this.#drafts.delete(old);
    if (this.privateTo === old) this.privateTo = name;
    this.#hooks.opened();
  }

  focus() {
    this.#parts.input.focus();
  }

  /** Forgets everything, for whoever comes next. */
  clear() {
    this.#drafts.clear();
    this.privateTo = '';
    this.#target = '';
    this.#carried = '';
    this.#fill('');
  }

  show() {
    const { form, input, back, send } = this.#parts;
    const now = route(input.value, this.privateTo);
    const isPrivate = Boolean(this.privateTo) || ['whisper', 'reply'].includes(now?.kind);
    form.classList.toggle('is-private', isPrivate);
    form.classList.toggle('is-command', now?.kind === 'command');
    back.hidden = !this.privateTo;
    this.#showDestination(now, isPrivate);
    this.#showHint(now);
    // once for all who come and go in one moment
    this.#suggesting ||= requestAnimationFrame(() => {
      this.#suggesting = 0;
      this.#showSuggestions();
    });
    send.setAttribute('aria-disabled', String(!this.#maySend(now)));
  }

  #showDestination(now, isPrivate) {
    const { destination, destinationIcon } = this.#parts;
    const [key, args] = this.#destination(now);
    const use = destinationIcon.firstElementChild;
    use.setAttribute('href', isPrivate ? '#icon-lock' : now?.kind === 'command' ? '#icon-command' : '#icon-people');
    // said again only when it changes: it is read aloud
    if (destination.dataset.now === JSON.stringify([key, args])) return;
    destination.dataset.now = JSON.stringify([key, args]);
    put(destination, key, args);
  }

  #destination(now) {
    switch (now?.kind) {
      case 'command':
        return ['command', {}];
      case 'reply':
        return ['reply_only', {}];
      case 'act':
        return ['act_to_all', {}];
      case 'whisper':
        return this.#whisperDestination(now.to);
      default:
        return this.privateTo ? ['only_to', { name: this.privateTo }] : ['to_all', {}];
    }
  }

  #whisperDestination(to) {
    if (to === this.privateTo) return ['only_to', { name: to }];
    const name = this.#people.named(to);
    if (name) return ['only_to', { name }];
    return this.#nameBegun() !== null || !to ? ['only_to_somebody', {}] : ['only_to_absent', { name: to }];
  }

  #showHint(now) {
    const [key, args] = this.#hint(now);
    const { hint, form } = this.#parts;
    form.classList.toggle('has-trouble', Boolean(key));
    hint.hidden = !key;
    if (key && hint.dataset.now !== key + JSON.stringify(args)) put(hint, key, args);
    hint.dataset.now = key + JSON.stringify(args);
  }

  #hint(now) {
    const count = this.#excess(now);
    if (count > 0) return ['too_long', { count }];
    if (now?.kind === 'refused') return ['would_be_public', {}];
    if (!this.#isOnline) return [this.#hooks.mayWait(now || EMPTY) ? 'offline_waits' : 'offline', {}];
    if (this.#target === 'left') return ['target_left', { name: this.privateTo }];
    if (this.#target === 'back') return ['target_back', { name: this.privateTo }];
    if (this.#target === 'asked') return ['target_asked', { name: this.privateTo }];
    return [this.#note, {}];
  }

  #say(note) {
    this.#note = note;
    this.show();
  }

  #excess(now) {
    return now?.frame ? bytes({ ...now.frame, id: ID }) - this.maxLine + 1 : 0;
  }

  #maySend(now) {
    if (!now || now.kind === 'refused' || this.#excess(now) > 0) return false;
    if (!this.#isOnline) return this.#hooks.mayWait(now);
    return !(this.#target === 'left' && this.#isToTarget(now));
  }

  #isToTarget({ kind, to }) {
    return kind === 'whisper' && to === this.privateTo;
  }

  #submit() {
    const { input } = this.#parts;
    const now = route(input.value, this.privateTo);
    if (!this.#maySend(now)) return this.#draw();
    if (this.#target === 'back' && this.#isToTarget(now)) {
      this.#target = 'asked';
      return this.#draw();
    }
    const to = now.to && (this.#people.named(now.to) || now.to);
    if (!this.#hooks.send({ ...now, to, typed: input.value, privateTo: this.privateTo })) return this.#draw();
    this.#target = '';
    this.#carried = '';
    this.#note = '';
    this.#fill('');
    this.focus();
  }

  // The hint is there already; this draws the eye to it.
  #draw() {
    const { hint } = this.#parts;
    this.show();
    hint.classList.remove('drawn');
    void hint.offsetWidth;
    hint.classList.add('drawn');
    this.focus();
  }

  #fill(text) {
    this.#parts.input.value = text;
    this.show();
    this.#grow();
  }

  // What was meant for one person must not stand in the box to everybody: each keeps a text of its own. The other way
  // round a text may come along, since many write first and then think of whom it is for.
  #changeDraft(name) {
    const { input } = this.#parts;
    const text = input.value;
    const goesBack = !name && this.#carried && text === this.#carried;
    const comesAlong = name && !this.privateTo && text.trim() && !this.#drafts.get(name);
    this.#drafts.set(this.privateTo, comesAlong || goesBack ? '' : text);
    if (comesAlong) this.#carried = text;
    else if (goesBack) this.#drafts.set('', this.#drafts.get('') || text);
    if (!comesAlong) {
      input.value = this.#drafts.get(name) || '';
      this.#carried = '';
    }
  }

  // Enter sends, on every keyboard: that of a phone says only here what was pressed.
  #beforeInput(event) {
    if (!isEnter(event)) return;
    event.preventDefault();
    this.#submit();
  }

  #typed(event) {
    const { input } = this.#parts;
    // in the midst of a word some keyboards do not let themselves be stopped
    if (isEnter(event)) {
      this.#fill(input.value.replace(/[\r\n]/g, ''));
      return this.#submit();
    }
    // a message is one line: what was pasted shows so before it is sent
    if (/[\r\n]/.test(input.value)) {
      const at = input.selectionEnd;
      input.value = input.value.replace(/\r\n|[\r\n]/g, ' ');
      input.setSelectionRange(at, at);
    }
    this.#note = '';
    this.show();
    this.#grow();
  }

  #key(event) {
    if (event.isComposing || event.key !== 'Tab' || event.shiftKey) return;
    if (this.#complete()) event.preventDefault();
  }

  // Grows with the text, up to what the style sheet allows.
  #grow() {
    const { input } = this.#parts;
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight + 2}px`;
  }

  // What has been typed of a name, with the caret right behind it; null if it is no name or a whole one.
  #nameBegun() {
    const { input } = this.#parts;
    const before = input.value.slice(0, input.selectionEnd);
    const found = /(?:^|\s)[@＠]([\p{L}\p{M}\p{N}_]*)$/u.exec(before);
    return found ? found[1] : null;
  }

  #suggestions() {
    const begun = this.#nameBegun();
    if (begun === null) return [];
    return this.#people.beginningWith(begun).slice(0, MOST_SUGGESTIONS);
  }

  #showSuggestions() {
    const { suggestions } = this.#parts;
    const names = this.#suggestions();
    const isWhole = names.length === 1 && fold(names[0]) === fold(this.#nameBegun());
    suggestions.hidden = !names.length || isWhole;
    if (suggestions.hidden || suggestions.dataset.now === names.join()) return;
    suggestions.dataset.now = names.join();
    suggestions.replaceChildren(...names.map((name) => {
      const made = button('suggestion', () => this.#complete(name));
      made.tabIndex = -1;
      made.append(icon('person'), name);
      return made;
    }));
  }

  #complete(chosen = '') {
    const name = chosen || this.#suggestions()[0];
    const begun = this.#nameBegun();
    if (!name || begun === null) return false;
    const { input } = this.#parts;
    const end = input.selectionEnd;
    const after = input.value.slice(end).replace(/^ /, '');
    const before = `${input.value.slice(0, end - begun.length)}${name} `;
    input.value = before + after;
    input.setSelectionRange(before.length, before.length);
    this.focus();
    this.show();
    this.#grow();
    return true;
  }
}

function isEnter({ inputType }) {
  return inputType === 'insertLineBreak' || inputType === 'insertParagraph';
}
