// The form in which a person gives a name.

import { find } from './dom.js';
import { recall } from './memory.js';
import { put, word } from './words.js';

export class Door {
  #connection;
  #enter;
  #isKnocking = false;

  /** `enter(name, password)` is called with what was given. */
  constructor(connection, enter) {
    [this.#connection, this.#enter] = [connection, enter];
    find('name').value = recall('name');
    find('door-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#knock();
    });
    for (const id of ['name', 'password']) find(id).addEventListener('input', () => this.#clear());
  }

  focus() {
    const name = find('name');
    name.focus();
    name.select();
  }

  /** Something to know that is no refusal. */
  tell(message) {
    this.#isKnocking = false;
    this.show();
    find('farewell').textContent = message;
    find('farewell').hidden = !message;
  }

  /** Why not. Without a message of the server, `code` is one of this page's own. */
  refuse(message, code) {
    this.#isKnocking = false;
    this.show();
    const isPassword = code === 'bad_password' || code === 'password_missing';
    if (message) this.#error(message, isPassword);
    else if (code === 'password_missing') this.#error(word(code), true);
  }

  /** Shows how the connection is. */
  show() {
    const { phase, needsPassword, reason } = this.#connection;
    if (phase === 'in' || phase === 'ended') this.#isKnocking = false;
    find('password-row').hidden = !needsPassword;
    const isBusy = this.#isKnocking && phase !== 'open';
    put(find('enter'), isBusy ? 'entering' : 'enter');
    find('door-form').setAttribute('aria-busy', String(isBusy));
    const waits = isBusy && phase === 'waiting';
    const line = find('door-state');
    line.hidden = !waits;
    if (!waits) return;
    if (reason) line.textContent = reason;
    else put(line, 'no_answer');
  }

  #knock() {
    const [name, password] = [find('name').value.trim(), find('password').value];
    if (!name) return this.#error(word('name_missing'), false);
    if (this.#connection.needsPassword && !password) return this.#error(word('password_missing'), true);
    this.#clear();
    this.tell('');
    this.#isKnocking = true;
    this.#enter(name, password);
    this.show();
  }

  #error(message, isPassword) {
    const [field, other] = isPassword ? ['password', 'name'] : ['name', 'password'];
    find('door-error').textContent = message;
    find('door-error').hidden = false;
    find(field).setAttribute('aria-invalid', 'true');
    find(other).removeAttribute('aria-invalid');
    find(field).focus();
    find(field).select();
  }

  #clear() {
    find('door-error').hidden = true;
    find('farewell').hidden = true;
    for (const id of ['name', 'password']) find(id).removeAttribute('aria-invalid');
  }
}
