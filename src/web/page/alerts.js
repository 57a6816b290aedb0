// What reaches somebody who is looking elsewhere: the count in the title, a tone, a notification. The last two are off
// until switched on.

import { put, word } from './words.js';
import { recall, remember } from './memory.js';

// At most one tone in this time.
const TONE_PAUSE = 1_500;

export class Alerts {
  #unread = 0;
  #audio = null;
  #lastTone = 0;
  #sound = recall('sound') === 'on';
  #notify = recall('notify') === 'on';
  #soundSwitch;
  #notifySwitch;
  #notifyHint;

  constructor({ sound, notify, notifyHint }) {
    [this.#soundSwitch, this.#notifySwitch, this.#notifyHint] = [sound, notify, notifyHint];
    sound.checked = this.#sound;
    sound.addEventListener('change', () => this.#switchSound(sound.checked));
    notify.addEventListener('change', () => this.#switchNotify(notify.checked));
    this.#showNotify();
    addEventListener('focus', () => this.#seen());
    document.addEventListener('visibilitychange', () => document.hidden || this.#seen());
    // a page may make sounds only after somebody has touched it
    for (const touch of ['pointerdown', 'keydown']) addEventListener(touch, () => this.#sound && this.#wakeAudio(), { once: true });
  }

  /** Something was said. `summons`: a sentence if it was said to this person. */
  heard(summons = '') {
    if (!isAway()) return;
    this.#unread += 1;
    this.#showTitle();
    this.#tone(summons ? [660, 880] : [660]);
    if (summons) this.#show(summons);
  }

  clear() {
    this.#seen();
  }

  #seen() {
    this.#unread = 0;
    this.#showTitle();
  }

  #showTitle() {
    document.title = this.#unread ? `(${this.#unread}) papo` : 'papo';
  }

  #switchSound(isOn) {
    this.#sound = isOn;
    remember('sound', isOn ? 'on' : 'off');
    if (!isOn) return;
    this.#wakeAudio();
    this.#tone([660, 880]);
  }

  #wakeAudio() {
    try {
      this.#audio ||= new AudioContext();
      this.#audio.resume();
    } catch {
      this.#sound = false;
      this.#soundSwitch.checked = false;
    }
  }

  #tone(pitches) {
    const now = Date.now();
    if (!this.#sound || !this.#audio || now - this.#lastTone < TONE_PAUSE) return;
    this.#lastTone = now;
    pitches.forEach((pitch, index) => this.#beep(pitch, this.#audio.currentTime + index * 0.13));
  }

  #beep(pitch, start) {
    const [source, volume] = [this.#audio.createOscillator(), this.#audio.createGain()];
    source.frequency.value = pitch;
    // swells and fades: a tone that is cut clicks
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.12, start + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.22);
    source.connect(volume).connect(this.#audio.destination);
    source.start(start);
    source.stop(start + 0.25);
  }

  async #switchNotify(isOn) {
    this.#notify = isOn && (await isAllowed());
    remember('notify', this.#notify ? 'on' : 'off');
    this.#showNotify();
  }

  #showNotify() {
    const obstacle = notifyObstacle();
    this.#notify &&= !obstacle && Notification.permission === 'granted';
    this.#notifySwitch.checked = this.#notify;
    this.#notifySwitch.disabled = Boolean(obstacle);
    put(this.#notifyHint, obstacle || 'notifications_hint');
  }

  // Never with the text: a screen is seen by others, too.
  #show(summons) {
    if (!this.#notify) return;
    try {
      const shown = new Notification('papo', { body: summons, tag: 'papo', icon: '/icon.svg' });
      shown.onclick = () => {
        window.focus();
        shown.close();
      };
    } catch {
      // Android shows notifications only of pages with a service worker
      this.#notify = false;
      this.#notifySwitch.checked = false;
      this.#notifySwitch.disabled = true;
      put(this.#notifyHint, 'notifications_unsupported');
    }
  }
}

/** The sentence of a notification. */
export function summons(isPrivate, name) {
  return word(isPrivate ? 'notify_private' : 'notify_said', { name });
}

function isAway() {
  return document.hidden || !document.hasFocus();
}

function notifyObstacle() {
  if (!window.isSecureContext) return 'notifications_insecure';
  if (!('Notification' in window)) return 'notifications_unsupported';
  return Notification.permission === 'denied' ? 'notifications_denied' : '';
}

async function isAllowed() {
  try {
    return (await Notification.requestPermission()) === 'granted';
  } catch {
    return false;
  }
}
