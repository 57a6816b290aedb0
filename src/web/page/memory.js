// What the browser remembers between visits: the name, the language, the switches. Never a password, never a message.
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
