// How one message looks: what somebody says, what somebody does, what one has written oneself.

import { avatar, button, element, hue, icon } from './dom.js';
import { mentions, richText } from './rich.js';
import { language, put } from './words.js';

/** Somebody else's message to everybody. `me` is one's own name, to be marked. */
export function saidBubble({ from, text, at }, me) {
  const node = bubble({ from, text, at, me, head: [speaker(from, from)] });
  node.prepend(face(from));
  node.classList.toggle('mention', mentions(text, me));
  return node;
}

/** Somebody else's message to oneself alone. */
export function privateBubble({ from, text, at }) {
  const who = put(speaker(from, ''), 'private_from', { name: from });
  const node = bubble({ from, text, at, head: [icon('lock'), who] });
  node.prepend(face(from));
  node.classList.add('private');
  return node;
}

/** `* Ana acena` */
export function actLine({ from, text, at }, me) {
  const who = element('b', 'hue', from);
  hue(who, from);
  const line = element('p', 'text', '* ', who, ' ', richText(text, me));
  line.dir = 'auto';
  const node = element('li', 'act', element('div', 'body', line, element('time')));
  node.classList.toggle('mention', mentions(text, me));
  setTime(node, at);
  return node;
}

/** One's own message, by where it went (see route.js). */
export function ownBubble({ kind, to, shown: text }, from) {
  const at = new Date().toISOString();
  const node = kind === 'act' ? actLine({ from, text, at }, '') : bubble({ text, at, head: ownHead(kind, to) });
  node.classList.add('own');
  node.classList.toggle('private', kind === 'whisper' || kind === 'reply');
  node.classList.toggle('typed-command', kind === 'command');
  return node;
}

/** Shows when it was: hours and minutes, the rest on asking. Returns the node. */
export function setTime(node, at) {
  const time = node.querySelector('time');
  const when = date(at);
  time.removeAttribute('data-said');
  time.dateTime = when.toISOString();
  time.textContent = when.toLocaleTimeString(language(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  time.title = fullTime(at);
  return node;
}

export function shortTime(at) {
  return date(at).toLocaleString(language(), { dateStyle: 'short', timeStyle: 'short' });
}

export function fullTime(at) {
  return date(at).toLocaleString(language(), { dateStyle: 'full', timeStyle: 'medium' });
}

function bubble({ from = '', text, at, me = '', head }) {
  const line = element('p', 'text', richText(text, me));
  line.dir = 'auto';
  const node = element('li', 'message', element('div', 'body', element('p', 'head', ...head), line, element('time')));
  node.dataset.from = from;
  setTime(node, at);
  return node;
}

function ownHead(kind, to) {
  if (kind === 'whisper') return [icon('lock'), put(element('span'), 'private_to', { name: to })];
  if (kind === 'reply') return [icon('lock'), put(element('span'), 'private_reply')];
  return [put(element('span', 'quietly'), 'you')];
}

// The mouse and the finger reach a person here, the keyboard in the list of people: else Tab would stop at each message.
function speaker(name, shown) {
  const who = button('who hue');
  who.tabIndex = -1;
  who.dataset.whisper = name;
  who.append(shown);
  hue(who, name);
  return who;
}

function face(name) {
  const made = avatar(name);
  made.dataset.whisper = name;
  return made;
}

// What the server does not date is of now.
function date(at) {
  const parsed = new Date(at);
  return at && !Number.isNaN(parsed.getTime()) ? parsed : new Date();
}
