// What was sent, or waits to be sent, and is not answered yet. The server answers everything by its id, and knows a message that
// comes again by it: so what a connection took with it is sent once more, in order, and is not said twice. Where that is not
// sure, or the message might reach somebody else by now, it is shown as perhaps not sent, and a person decides.

import { keep, kept } from './memory.js';
import { fold } from './route.js';

// Messages that may wait for the connection.
const MOST_WAITING = 20;
// The server knows an id for ten minutes.
const KNOWN = 9 * 60_000;

export class Outgoing {
  #connection;
  #messages;
  #edit;
  // by id: `route`, `node`, when it was first `sentAt` (0: not yet), the number `seq` that it has, if what was missed told it,
  // and whether it `mayGoAstray`
  #waiting = new Map();
  // all that was missed is here: what waits may go
  #isSettled = false;
  // the numbers of one's own messages that are shown because they were among what was missed
  #told = new Set();

  /** `edit(typed, privateTo)` puts a text back into the box. */
  constructor(connection, messages, edit) {
    [this.#connection, this.#messages, this.#edit] = [connection, messages, edit];
  }

  /** Whether the server owes an answer. */
  get isOwed() {
    return this.#waiting.size > 0;
  }

  /** Whether a route may be sent though there is no connection. What is private may not: a name may be somebody else's then. */
  mayWait({ kind, ready }) {
    return (kind === 'say' || kind === 'act') && ready && this.#connection.isWanted && this.#waiting.size < MOST_WAITING;
  }

  /** Sends a route, at once or as soon as it can be. `false`: it cannot be, and nothing has been sent. */
  send(route) {
    const isIn = this.#connection.phase === 'in';
    // a command is not a message; it is shown only if it fails
    const isMessage = route.kind !== 'command' && route.ready;
    const mayGo = isIn && (this.#isSettled || !isMessage);
    if (!mayGo && !(isIn || this.mayWait(route))) return false;
    const id = this.#connection.newId('m');
    const sent = { id, route, node: null, sentAt: 0 };
    if (mayGo && !this.#transmit(sent)) return false;
    if (isMessage) sent.node = this.#messages.own(route, !isIn);
    // whoever asks wants to see the answer
    else this.#messages.toEnd(false);
    this.#waiting.set(id, sent);
    this.#keep();
    return true;
  }

  /** Takes up what waited when the page was left. */
  restore() {
    for (const { id, route, sentAt } of kept('waiting') || []) {
      if (typeof route?.shown !== 'string') continue;
      this.#waiting.set(id, { id, route, sentAt, node: this.#messages.own(route, true) });
    }
  }

  confirmed({ id, seq, at }) {
    const sent = this.#take(id);
    if (!sent) return;
    const { route } = sent;
    // it stands where it belongs
    if (sent.seq !== undefined && sent.seq === seq) return;
    if (this.#told.has(seq)) {
      if (sent.node && sent.seq === undefined) this.#messages.remove(sent.node);
    // the node has become that of another message with the same text
    } else if (sent.node && sent.seq === undefined) {
      this.#messages.confirm(sent.node, route, { seq, at });
    // what this page took for a command was published after all: then it is shown
    } else if (seq !== undefined) {
      this.#messages.confirm(this.#messages.own(route, false), route, { seq, at });
    }
  }

  /** Something else was the answer. Returns the route that it answers, if it is one of these. */
  answered(id) {
    return this.#take(id)?.route || null;
  }

  /** The server said no. Returns whether that has been shown. */
  refused({ id, message }) {
    const sent = this.#take(id);
    if (!sent) return false;
    this.#fail(sent, { message }, ['edit', 'discard']);
    return true;
  }

  /** The connection is gone, and what was on its way, nobody knows where. */
  lost() {
    this.#isSettled = false;
    this.#told.clear();
    for (const sent of this.#waiting.values()) {
      if (sent.node) this.#messages.waits(sent.node);
      // done twice, a command may do something else
      else this.#giveUp(sent);
    }
  }

  /**
   * This was said by oneself before the connection was lost. Returns whether that is to be seen already; if not, it will be.
   */
  arrived(kind, { seq, text, at }) {
    for (const sent of this.#waiting.values()) {
      const isIt = sent.sentAt && sent.seq === undefined && sent.route.kind === kind && sent.route.shown.trim() === text.trim();
      if (!isIt) continue;
      sent.seq = seq;
      this.#messages.confirm(sent.node, sent.route, { seq, at });
      return true;
    }
    this.#told.add(seq);
    return false;
  }

  /** This one has left the room, or is called otherwise: whoever has the name by now may be somebody else. */
  departed(name) {
    for (const sent of this.#waiting.values()) {
      if (sent.route.to && fold(sent.route.to) === fold(name)) sent.mayGoAstray = true;
    }
  }

  /** Somebody whispered: a reply would go there now. */
  whispered() {
    for (const sent of this.#waiting.values()) if (sent.route.kind === 'reply') sent.mayGoAstray = true;
  }

  /**
   * All that was missed has been told. `isKnown`: the server knows what this member has sent. `isAll`: nothing is missing of what
   * happened meanwhile.
   */
  settle(isKnown, isAll) {
    if (this.#isSettled) return;
    this.#isSettled = true;
    for (const sent of this.#waiting.values()) {
      const isPublic = sent.route.kind === 'say' || sent.route.kind === 'act';
      const isRisky = !isPublic && sent.sentAt && (sent.mayGoAstray || !isAll);
      const isNew = !sent.sentAt && !sent.mayGoAstray;
      if (isNew || (isKnown && !isRisky && Date.now() - sent.sentAt < KNOWN)) this.#transmit(sent);
      else if (sent.seq === undefined) this.#giveUp(sent);
      else this.#waiting.delete(sent.id);
    }
    this.#keep();
  }

  clear() {
    this.#waiting.clear();
    this.#told.clear();
    this.#isSettled = false;
    this.#keep();
  }

  #transmit(sent) {
    const { type, ...rest } = sent.route.frame;
    if (!this.#connection.send({ type, id: sent.id, ...rest })) return false;
    sent.sentAt ||= Date.now();
    return true;
  }

  #take(id) {
    const sent = this.#waiting.get(id);
    if (this.#waiting.delete(id)) this.#keep();
    return sent;
  }

  // In this tab alone, and only until the server has it.
  #keep() {
    const messages = [...this.#waiting.values()].filter(({ node }) => node);
    keep('waiting', messages.length ? messages.map(({ id, route, sentAt }) => ({ id, route, sentAt })) : null);
  }

  #giveUp(sent) {
    this.#take(sent.id);
    this.#fail(sent, { key: 'maybe_unsent' }, ['send_again', 'edit', 'discard']);
  }

  #fail({ route, node }, why, possible) {
    const shown = node || this.#messages.unanswered({ kind: 'command', shown: route.typed });
    const actions = {
      send_again: () => this.send(route) && this.#messages.remove(shown),
      edit: () => this.#edit(route.typed, route.privateTo) && this.#messages.remove(shown),
      discard: () => this.#messages.remove(shown),
    };
    this.#messages.fail(shown, why, possible.map((key) => [key, actions[key]]));
  }
}
