// The panels that open over the room: people (on a narrow screen) and options. One at a time; Escape, the shade or a choice
// closes it, and the focus goes back to where it was.

export class Panels {
  #panels;
  #shade;
  #open = null;
  #opener = null;

  constructor(panels, shade) {
    [this.#panels, this.#shade] = [panels, shade];
    shade.addEventListener('click', () => this.close());
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#open) return;
      event.preventDefault();
      this.close();
    });
    for (const panel of Object.values(panels)) {
      panel.querySelector('.close').addEventListener('click', () => this.close());
    }
  }

  toggle(name, opener) {
    const panel = this.#panels[name];
    const wasOpen = this.#open === panel;
    this.close();
    if (!wasOpen) this.#show(panel, opener);
  }

  close() {
    if (!this.#open) return;
    const { activeElement, body } = document;
    const hadFocus = this.#open.contains(activeElement) || activeElement === body;
    this.#shut(this.#open, false);
    this.#open.classList.remove('is-open');
    this.#shade.hidden = true;
    this.#opener.setAttribute('aria-expanded', 'false');
    this.#open = null;
    if (hadFocus) this.#opener.focus();
  }

  #show(panel, opener) {
    [this.#open, this.#opener] = [panel, opener];
    panel.classList.add('is-open');
    this.#shut(panel, true);
    this.#shade.hidden = false;
    opener.setAttribute('aria-expanded', 'true');
    panel.querySelector('.close').focus();
  }

  // What is under the shade is reached neither by Tab nor by a screen reader.
  #shut(panel, isShut) {
    for (const other of panel.parentElement.children) {
      if (other !== panel && other !== this.#shade) other.inert = isShut;
    }
  }
}
