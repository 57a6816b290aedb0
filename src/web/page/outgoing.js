// What was sent and not answered yet. The server answers everything by its id; what the connection took with it is shown
// as perhaps not sent, to be sent again by hand: by itself it might be said twice.

export class Outgoing {
  #connection;
  #messages;
  #box;
  #waiting = new Map();
  // what the last connection took with it
  #doubtful = [];

  constructor(connection, messages, box) {
    [this.#connection, this.#messages, this.#box] = [connection, messages, box];
  }

  /** Whether the server owes an answer. */
  get isOwed() {
    return this.#waiting.size > 0;
  }

  /** Sends a route. `false`: there is no connection, and nothing has been sent. */
  send(route) {
    const id = this.#connection.newId('m');
    if (this.#connection.phase !== 'in') return false;
    const { type, ...rest } = route.frame;
    if (!this.#connection.send({ type, id, ...rest })) return false;
    // a command is not a message; it is shown only if it fails
    const isMessage = route.kind !== 'command' && route.ready;
    this.#waiting.set(id, { route, node: isMessage ? this.#messages.own(route) : null });
    // whoever asks wants to see the answer
    if (!isMessage) this.#messages.toEnd(false);
    return true;
  }

  confirmed({ id, seq, at }) {
    const sent = this.#take(id);
    if (!sent) return;
    const { route } = sent;
    if (sent.node) this.#messages.confirm(sent.node, route, { seq, at });
    // what this page took for a command was published after all: then it is shown
    else if (seq !== undefined) this.#messages.confirm(this.#messages.own(route), route, { seq, at });
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
    this.#doubtful = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of this.#doubtful) this.#fail(one, { key: 'maybe_unsent' }, ['send_again', 'edit', 'discard']);
  }

  /** Everybody got this text. Returns whether it is one that the last connection took with it, and is shown. */
  arrived(kind, { text, at }) {
    const place = this.#doubtful.findIndex(({ node, route }) =>
      node?.isConnected && route.kind === kind && route.shown.trim() === text.trim());
    if (place < 0) return false;
    const [{ node }] = this.#doubtful.splice(place, 1);
    this.#messages.arrived(node, at);
    return true;
  }

  clear() {
    this.#waiting.clear();
    this.#doubtful = [];
  }

  #take(id) {
    const sent = this.#waiting.get(id);
    this.#waiting.delete(id);
    return sent;
  }

  #fail({ route, node }, why, possible) {
    const shown = node || this.#messages.unanswered({ kind: 'command', shown: route.typed });
    const actions = {
      send_again: () => this.send(route) && this.#messages.remove(shown),
      edit: () => this.#box.edit(route.typed, route.privateTo) && this.#messages.remove(shown),
      discard: () => this.#messages.remove(shown),
    };
    this.#messages.fail(shown, why, possible.map((key) => [key, actions[key]]));
  }
}
