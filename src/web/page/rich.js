// What a message looks like: plain text in which links can be followed and one's own name stands out. Nothing else.

import { element } from './dom.js';

const LINK = /\bhttps?:\/\/[^\s<>"'`\\^{}|]+/giu;
// What ends a sentence, not an address.
const TAIL = /[.,;:!?…»”’)\]*_~]+$/u;

/** The text as nodes; `me` is the name to mark, or ''. */
export function richText(text, me) {
  const nodes = document.createDocumentFragment();
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    const typed = withoutTail(found[0]);
    const target = safeTarget(typed);
    if (!target) continue;
    nodes.append(marked(text.slice(end, found.index), me), link(typed, target));
    end = found.index + typed.length;
  }
  nodes.append(marked(text.slice(end), me));
  return nodes;
}

/** Whether a text calls somebody by the name: `@ana`, or the bare word, unless the name is so short that it is one. */
export function mentions(text, name) {
  return Boolean(name) && mentionOf(name).test(text);
}

/** Finds the name in a text: group 1 is what is before it, group 2 the name. */
function mentionOf(name) {
  const plain = name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  const sign = [...name].length < 3 ? '@' : '@?';
  // no lookbehind: older Safari does not know it
  return new RegExp(`(^|[^\\p{L}\\p{M}\\p{N}_@])(${sign}${plain})(?![\\p{L}\\p{M}\\p{N}_])`, 'iu');
}

function link(typed, target) {
  const made = element('a', '', typed);
  made.href = target;
  made.rel = 'noopener noreferrer nofollow';
  made.target = '_blank';
  // shows where it leads if the letters of the host only look familiar
  made.title = target;
  return made;
}

function marked(text, me) {
  const nodes = document.createDocumentFragment();
  let rest = text;
  const mention = me && mentionOf(me);
  for (let found; mention && (found = mention.exec(rest)); ) {
    const start = found.index + found[1].length;
    nodes.append(rest.slice(0, start), element('mark', '', found[2]));
    rest = rest.slice(start + found[2].length);
  }
  nodes.append(rest);
  return nodes;
}

// `(see http://a.example/x_(y))`: a bracket that was opened in the address belongs to it.
function withoutTail(typed) {
  const short = typed.replace(TAIL, '');
  const tail = typed.slice(short.length);
  return tail.startsWith(')') && count(short, '(') > count(short, ')') ? `${short})` : short;
}

function count(text, sign) {
  return text.split(sign).length - 1;
}

// Only what is without doubt an address: `http://bank.example@evil.example` is none, nor is one with invisible signs.
function safeTarget(typed) {
  if (/\p{C}/u.test(typed)) return null;
  try {
    const url = new URL(typed);
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    return isWeb && url.hostname && !url.username && !url.password && !/^[^/]*\/\/[^/?#]*@/.test(typed) ? url.href : null;
  } catch {
    return null;
  }
}
