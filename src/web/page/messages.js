// The list of messages: what was said, what happened, what the server answers, and one's own messages until they are
// confirmed. It stays put while somebody reads back and follows otherwise. Everything from outside becomes text nodes.

import { mentions, richText } from './rich.js';
import { duration, language, names, put } from './words.js';
import { avatar, button, element, hue, icon } from './dom.js';

// Messages kept on the page; twice as many while somebody reads back, lest what they read vanishes.
const MOST = 1_000;
// How far from the end still counts as the end, in pixels.
const NEAR = 48;
// Messages of one person within this time share one name.
const TOGETHER = 5 * 60_000;

export class Messages {
  me = '';
  #scroller;
  #list;
  #jump;
  #follows = true;
  #lastTop = 0;
  #lastSize = '';
  #unseen = 0;
  #pending = new Set();
  #presence = null;
  #frame = 0;

  /** `scroller` holds `list`; `jump` is the button that leads to the end. */
  constructor(scroller, list, jump) {
    this.#scroller = scroller;
    this.#list = list;
    this.#jump = jump;
    scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    jump.addEventListener('click', () => this.toEnd(true));
    // the keyboard of a phone makes the list lower
    new ResizeObserver(() => this.#settle()).observe(scroller);
    new ResizeObserver(() => this.#settle()).observe(list);
    document.addEventListener('visibilitychange', () => this.#settle());
  }

  /** Somebody said something to everybody. */
  said({ from, text, at }) {
    const node = this.#message({ from, text, at: date(at) });
    this.#add(node, true);
    return node.classList.contains('mention');
  }

  acted({ from, text, at }) {
    const node = this.#act({ from, text, at: date(at) });
    this.#add(node, true);
    return node.classList.contains('mention');
  }

  whispered({ from, text, at }) {
    this.#add(this.#message({ from, text, at: date(at), isPrivate: true, tag: ['private_from', { name: from }] }), true);
  }

  /** One's own message, on its way. Returns its node. */
  own(route) {
    const node = this.#ownNode(route);
    node.classList.add('pending');
    this.#pending.add(node);
    this.#list.append(node);
    this.#group(node);
    this.toEnd(false);
    return node;
  }

  /** The server has it: `seq` only if everybody got it. Returns the node, which may be another one. */
  confirm(node, route, { seq, at }) {
    const isPublic = seq !== undefined;
    const wasPublic = route.kind === 'say' || route.kind === 'act';
    let own = node;
    if (isPublic !== wasPublic) {
      // the server read the signs in another way than this page: what it did is what is shown
      own = this.#ownNode({ ...route, kind: isPublic ? 'say' : 'reply' });
      node.replaceWith(own);
      this.#pending.delete(node);
    }
    const isOvertaken = this.#pending.has(own) && this.#firstPending() !== own;
    this.#pending.delete(own);
    own.classList.remove('pending');
    this.#time(own, date(at));
    if (isOvertaken) this.#list.insertBefore(own, this.#firstPending());
    this.#presence = null;
    this.#group(own);
    this.#group(own.nextElementSibling);
    return own;
  }

  /** It was not sent, or nobody knows. `actions`: pairs of a word and what it does. */
  fail(node, why, actions) {
    this.#pending.delete(node);
    node.classList.remove('pending');
    node.classList.add('failed');
    const trouble = element('p', 'trouble', why.key ? put(element('span'), why.key) : element('span', '', why.message));
    for (const [key, action] of actions) trouble.append(' ', put(button('small', action), key));
    node.querySelector('.body').append(trouble);
    this.toEnd(false);
  }

  remove(node) {
    this.#pending.delete(node);
    const next = node.nextElementSibling;
    node.remove();
    this.#group(next);
  }

  /** A line of the server for this person alone. `kind` adds a class. */
  quiet(text, kind = '') {
    const node = element('li', `quiet ${kind}`, ...[].concat(text).map((line) => element('p', '', line)));
    for (const line of node.children) line.dir = 'auto';
    this.#add(node, false);
  }

  /** The same, in words of this page. */
  quietWord(key, args, kind = '') {
    const node = element('li', `quiet ${kind}`);
    node.append(put(element('p'), key, args));
    this.#add(node, false);
  }

  /** Somebody came, went, or changed the name. Who comes and goes shares one line as long as nothing is said. */
  presence({ type, name, message, at }) {
    const isMoving = type === 'joined' || type === 'left';
    if (isMoving && this.#presence && this.#presence.node.isConnected) {
      this.#move(type, name);
      const { node, came, went, passed } = this.#presence;
      node.replaceChildren(...[['came', came], ['went', went], ['came_and_went', passed]]
        .filter(([, who]) => who.size > 0)
        .map(([key, who]) => put(element('span'), key, () => ({ names: names([...who]) }))));
      this.#settle();
      return;
    }
    const node = element('li', 'notice', element('span', '', message));
    node.title = fullTime(date(at));
    this.#add(node, false);
    if (!isMoving) return;
    this.#presence = { node, came: new Set(), went: new Set(), passed: new Set() };
    this.#move(type, name);
  }

  #move(type, name) {
    const { came, went, passed } = this.#presence;
    if (type === 'joined') {
      went.delete(name);
      passed.delete(name);
      came.add(name);
    } else if (came.delete(name)) {
      passed.add(name);
    } else {
      went.add(name);
    }
  }

  /** Here messages may be missing. */
  gap(milliseconds) {
    const node = element('li', 'gap');
    node.append(put(element('span'), 'gap', { time: duration(milliseconds) }));
    this.#add(node, false);
  }

  /** Nobody who sits down here next reads what was said. */
  clear() {
    this.#list.replaceChildren();
    this.#pending.clear();
    this.#presence = null;
    this.#unseen = 0;
    this.#follows = true;
    this.#showJump();
  }

  toEnd(isSmooth) {
    this.#follows = true;
    this.#unseen = 0;
    this.#showJump();
    if (isSmooth && !matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior: 'smooth' });
    } else {
      this.#settle();
    }
  }

  /** Times are written as the language writes them. */
  translate() {
    for (const time of this.#list.querySelectorAll('time')) this.#setTime(time, new Date(time.dateTime));
  }

  #add(node, counts) {
    this.#presence = null;
    this.#list.insertBefore(node, this.#firstPending());
    this.#group(node);
    this.#group(node.nextElementSibling);
    if (counts && !this.#follows) this.#unseen += 1;
    this.#trim();
    this.#showJump();
    this.#settle();
  }

  #firstPending() {
    return this.#pending.values().next().value || null;
  }

  #message({ from, text, at, isPrivate = false, isOwn = false, tag = null }) {
    const isMention = !isOwn && !isPrivate && mentions(text, this.me);
    const node = element('li', 'message');
    node.classList.toggle('own', isOwn);
    node.classList.toggle('private', isPrivate);
    node.classList.toggle('mention', isMention);
    node.dataset.from = isOwn ? '' : from;
    const body = element('div', 'body', this.#head({ from, isOwn, isPrivate, tag }));
    const line = element('p', 'text');
    line.dir = 'auto';
    line.append(richText(text, isOwn || isPrivate ? '' : this.me));
    body.append(line, element('time'));
    node.append(isOwn ? '' : this.#face(from), body);
    this.#time(node, at);
    return node;
  }

  #head({ from, isOwn, isPrivate, tag }) {
    const head = element('p', 'head');
    if (isPrivate) head.append(icon('lock'));
    if (isOwn) {
      head.append(tag ? put(element('span', 'tag'), ...tag) : put(element('span', 'quietly'), 'you'));
      return head;
    }
    // the mouse and the finger reach a person here, the keyboard in the list of people
    const who = button('who hue');
    who.tabIndex = -1;
    who.dataset.whisper = from;
    hue(who, from);
    if (tag) put(who, ...tag);
    else who.textContent = from;
    head.append(who);
    return head;
  }

  #face(name) {
    const face = avatar(name);
    face.dataset.whisper = name;
    return face;
  }

  #act({ from, text, at, isOwn = false }) {
    const node = element('li', 'act');
    node.classList.toggle('own', isOwn);
    node.classList.toggle('mention', !isOwn && mentions(text, this.me));
    const line = element('p', 'text', '* ');
    line.dir = 'auto';
    const who = element('b', 'hue', from);
    hue(who, from);
    line.append(who, ' ', richText(text, isOwn ? '' : this.me));
    node.append(element('div', 'body', line, element('time')));
    this.#time(node, at);
    return node;
  }

  #ownNode({ kind, to, shown }) {
    const from = this.me;
    if (kind === 'act') return this.#act({ from, text: shown, isOwn: true });
    if (kind === 'say') return this.#message({ from, text: shown, isOwn: true });
    const tag = kind === 'whisper' ? ['private_to', { name: to }] : kind === 'reply' ? ['private_reply', {}] : null;
    const node = this.#message({ from, text: shown, isOwn: true, isPrivate: Boolean(tag), tag });
    node.classList.toggle('typed-command', !tag);
    return node;
  }

  #time(node, at) {
    const time = node.querySelector('time');
    if (at) this.#setTime(time, at);
    else put(time, 'sending');
  }

  #setTime(time, at) {
    if (Number.isNaN(at.getTime())) return;
    time.removeAttribute('data-said');
    time.dateTime = at.toISOString();
    time.textContent = at.toLocaleTimeString(language(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    time.title = fullTime(at);
  }

  // A name is shown once for what one person says in a row. What is private always says so.
  #group(node) {
    if (!node) return;
    const before = node.previousElementSibling;
    node.classList.toggle('follows', Boolean(before) && isSameVoice(before, node));
  }

  #trim() {
    const most = this.#follows ? MOST : 2 * MOST;
    if (this.#list.childElementCount <= most) return;
    const before = this.#scroller.scrollHeight;
    const top = this.#scroller.scrollTop;
    let oldest = this.#list.firstElementChild;
    while (oldest && this.#list.childElementCount > most) {
      const next = oldest.nextElementSibling;
      // what was not sent is only here
      if (!oldest.matches('.pending, .failed')) oldest.remove();
      oldest = next;
    }
    this.#group(this.#list.firstElementChild);
    if (!this.#follows) this.#scroller.scrollTop = top - (before - this.#scroller.scrollHeight);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight, clientWidth } = this.#scroller;
    const size = `${clientWidth} ${clientHeight}`;
    if (scrollHeight - scrollTop - clientHeight < NEAR) {
      this.#follows = true;
      this.#unseen = 0;
    } else if (scrollTop < this.#lastTop && size === this.#lastSize) {
      // only a person scrolls upwards, or a telephone that is turned round; what is added never does
      this.#follows = false;
    }
    [this.#lastTop, this.#lastSize] = [scrollTop, size];
    this.#showJump();
  }

  // Once for everything that comes before the next picture.
  #settle() {
    if (!this.#follows || this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    });
  }

  #showJump() {
    this.#jump.hidden = this.#follows;
    if (this.#follows) return;
    const label = this.#jump.querySelector('span');
    if (this.#unseen > 0) put(label, 'new_messages', { count: this.#unseen });
    else put(label, 'to_the_end');
    this.#jump.classList.toggle('has-new', this.#unseen > 0);
  }
}

function isSameVoice(before, node) {
  const isPlain = ({ classList }) => classList.contains('message') && !classList.contains('private') && !classList.contains('failed');
  if (!isPlain(before) || !isPlain(node)) return false;
  if (before.dataset.from !== node.dataset.from) return false;
  const [earlier, later] = [before, node].map((one) => Date.parse(one.querySelector('time').dateTime));
  return Number.isNaN(earlier) || Number.isNaN(later) || later - earlier < TOGETHER;
}

function date(at) {
  const parsed = new Date(at);
  return at && !Number.isNaN(parsed.getTime()) ? parsed : new Date();
}

function fullTime(at) {
  return at.toLocaleString(language(), { dateStyle: 'full', timeStyle: 'medium' });
}

