// The bar that says how the connection is. While all is well there is none.

import { button, element } from './dom.js';
import { duration, put } from './words.js';

export class StateBar {
  #bar;
  #connection;
  #countdown = element('span', 'countdown');
  #text = element('span', 'state-text');
  #actions = element('span', 'state-actions');

  /** `rename` leads to the form for another name. */
  constructor(bar, connection, rename) {
    [this.#bar, this.#connection] = [bar, connection];
    // counted down for the eye only: aloud it would never end
    this.#countdown.setAttribute('aria-hidden', 'true');
    bar.append(element('span', 'state-words', this.#text, this.#countdown), this.#actions);
    this.retry = put(button('small', () => connection.retry()), 'retry_now');
    this.comeBack = put(button('small', () => connection.comeBack()), 'come_back');
    this.goOnHere = put(button('small', () => connection.comeBack()), 'go_on_here');
    this.rename = put(button('small', rename), 'another_name');
    setInterval(() => this.#count(), 500);
  }

  show() {
    const { phase, isNameBusy, isReplaced } = this.#connection;
    this.#bar.hidden = phase === 'in' || phase === 'idle';
    this.#bar.dataset.phase = phase;
    if (this.#bar.hidden) return;
    this.#say();
    const actions = {
      waiting: [this.retry],
      ended: [isReplaced ? this.goOnHere : this.comeBack],
      joining: isNameBusy ? [this.retry, this.rename] : [],
    }[phase] || [];
    const wasFocused = this.#actions.contains(document.activeElement);
    this.#actions.replaceChildren(...actions);
    if (wasFocused) (actions[0] || document.getElementById('box')).focus();
    this.#count();
  }

  #say() {
    const { phase, reason, isNameBusy, isReplaced } = this.#connection;
    const key = {
      connecting: 'connecting',
      open: 'connecting',
      joining: isNameBusy ? 'name_busy' : 'rejoining',
      waiting: 'reconnecting',
      ended: isReplaced ? 'replaced' : 'ended',
    }[phase];
    // the server's own words, if it had any
    const isOwn = (phase === 'waiting' || phase === 'ended') && reason && !isReplaced;
    if (isOwn) {
      this.#text.removeAttribute('data-said');
      this.#text.textContent = reason;
    } else {
      put(this.#text, key);
    }
  }

  #count() {
    const { phase, retryAt } = this.#connection;
    this.#countdown.hidden = phase !== 'waiting';
    if (phase === 'waiting') put(this.#countdown, 'retry_in', { time: duration(retryAt - Date.now()) });
  }
}
