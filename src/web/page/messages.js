// The list of messages: what was said, what happened, what the server answers, and one's own messages until they are
// confirmed. It stays put while somebody reads back and follows otherwise. Everything from outside becomes text nodes.

import { actLine, fullTime, ownBubble, privateBubble, saidBubble, setTime, shortTime } from './bubble.js';
import { button, element } from './dom.js';
import { duration, names, put } from './words.js';

// Messages kept on the page; twice as many while somebody reads back, lest what they read vanishes.
const MOST = 1_000;
// How far from the end still counts as the end, in pixels.
const NEAR = 48;
// Only what takes longer is said to be on its way, in milliseconds: mostly the answer is there at once.
const SLOW = 1_500;
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

  /** Somebody said something to everybody. Returns whether it calls for this person. */
  said(frame) {
    return this.#heard(saidBubble(frame, this.me), frame);
  }

  acted(frame) {
    return this.#heard(actLine(frame, this.me), frame);
  }

  whispered(frame) {
    this.#heard(privateBubble(frame), frame);
  }

  /** What was said before, and calls for nobody; then, if there was something, a word that it ends. */
  recalled(events, ending) {
    for (const event of events) {
      const kind = event.type === 'acted' ? 'act' : 'say';
      const own = () => setTime(ownBubble({ kind, shown: event.text }, this.me), event.at);
      const node = event.from === this.me ? own() : kind === 'act' ? actLine(event, '') : saidBubble(event, '');
      node.dataset.seq = event.seq;
      this.#add(node, false);
    }
    if (ending && events.length) this.quietWord(ending, {}, 'ending');
  }

  /** The same as lines of the server: what is older does not stand behind what is newer. `none`: a word if there is nothing. */
  recalledForAsker(events, none) {
    if (!events.length) return this.quietWord(none, {});
    const line = ({ type, from, text, at }) => `[${shortTime(at)}] ${type === 'acted' ? `* ${from}` : `${from}:`} ${text}`;
    return this.quiet(events.map(line), 'help');
  }

  /** One's own message, on its way, or waiting for the connection. Returns its node. */
  own(route, isWaiting) {
    const node = this.unanswered(route);
    node.classList.add('pending');
    this.#pending.add(node);
    if (isWaiting) this.waits(node);
    setTimeout(() => this.#pending.has(node) && !node.matches('.waiting') && put(node.querySelector('time'), 'sending'), SLOW);
    this.toEnd(false);
    return node;
  }

  /** It will be sent when there is a connection. */
  waits(node) {
    if (!this.#pending.has(node)) return;
    node.classList.add('waiting');
    put(node.querySelector('time'), 'waiting');
  }

  /** One's own message of which nothing more will be heard. Nobody who reads back is called away for it. */
  unanswered(route) {
    const node = ownBubble(route, this.me);
    this.#list.append(node);
    this.#group(node);
    this.#settle();
    return node;
  }

  /** The server has it: `seq` only if everybody got it. Returns the node, which may be another one. */
  confirm(node, route, { seq, at }) {
    const isPublic = seq !== undefined;
    const wasPublic = route.kind === 'say' || route.kind === 'act';
    let own = node;
    if (isPublic !== wasPublic) {
      // the server read the signs in another way than this page: what it did is what is shown
      own = ownBubble({ ...route, kind: isPublic ? 'say' : 'reply' }, this.me);
      node.replaceWith(own);
      this.#pending.delete(node);
    }
    const isOvertaken = this.#pending.has(own) && this.#firstPending() !== own;
    this.#pending.delete(own);
    own.classList.remove('pending', 'waiting');
    if (isPublic) own.dataset.seq = seq;
    setTime(own, at);
    if (isOvertaken) this.#list.insertBefore(own, this.#firstPending());
    this.#presence = null;
    this.#group(own);
    this.#group(own.nextElementSibling);
    return own;
  }

  /** It was not sent, or nobody knows. `actions`: pairs of a word and what it does. */
  fail(node, why, actions) {
    this.#pending.delete(node);
    node.classList.remove('pending', 'waiting');
    node.classList.add('failed');
    const trouble = element('p', 'trouble', why.key ? put(element('span'), why.key) : element('span', '', why.message));
    for (const [key, action] of actions) trouble.append(' ', put(button('small', action), key));
    node.querySelector('.body').append(trouble);
    this.#settle();
  }

  /** The server has lost what it had from this number on: what others said may come again. */
  undo(from) {
    for (const node of this.#list.querySelectorAll('[data-seq]')) {
      if (Number(node.dataset.seq) < from || node.matches('.failed')) continue;
      if (node.matches('.own')) this.fail(node, { key: 'undone' }, [['discard', () => this.remove(node)]]);
      else this.remove(node);
    }
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
  presence({ type, name, message, at, seq }) {
    const isMoving = type === 'joined' || type === 'left';
    if (isMoving && this.#presence && this.#presence.node.isConnected) {
      this.#move(type, name);
      const { node, came, went, passed } = this.#presence;
      node.replaceChildren(...[['came', came], ['went', went], ['came_and_went', passed]]
        .filter(([, who]) => who.size > 0)
        .flatMap(([key, who]) => [put(element('span'), key, () => ({ names: names([...who]) })), ' ']));
      this.#settle();
      return;
    }
    const node = element('li', 'notice', element('span', '', message));
    node.title = fullTime(at);
    node.dataset.seq = seq;
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

  /** Here messages are missing. */
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
    for (const time of this.#list.querySelectorAll('time:not([data-said])')) setTime(time.parentElement, time.dateTime);
  }

  #heard(node, { seq }) {
    if (seq !== undefined) node.dataset.seq = seq;
    this.#add(node, true);
    return node.classList.contains('mention');
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
