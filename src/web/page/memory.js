// What the browser remembers. Between visits: the name, the language, the switches. As long as this tab is there, and for no
// other one: the seat in the room, and the messages that the server does not have yet. Never a password.
// A browser may refuse to remember anything; then nothing is remembered.

const PREFIX = 'papo.';

export function recall(key) {
  try {
    return localStorage.getItem(PREFIX + key) || '';
  } catch {
    return '';
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // a page that forgets works, too
  }
}

/** What this tab has kept, or `null`. */
export function kept(key) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + key));
  } catch {
    return null;
  }
}

/** Keeps a value for this tab, or with `null` nothing any more. */
export function keep(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // then a page that is loaded again begins anew
  }
}
