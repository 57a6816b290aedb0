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
      panel.addEventListener('focusout', (event) => this.#keepFocus(panel, event));
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
    const hadFocus = this.#open.contains(document.activeElement);
    this.#open.classList.remove('is-open');
    this.#shade.hidden = true;
    this.#opener.setAttribute('aria-expanded', 'false');
    this.#open = null;
    if (hadFocus) this.#opener.focus();
  }

  #show(panel, opener) {
    [this.#open, this.#opener] = [panel, opener];
    panel.classList.add('is-open');
    this.#shade.hidden = false;
    opener.setAttribute('aria-expanded', 'true');
    panel.querySelector('.close').focus();
  }

  // What is under the shade is not reached by Tab.
  #keepFocus(panel, { relatedTarget }) {
    if (this.#open !== panel || !relatedTarget || panel.contains(relatedTarget)) return;
    panel.querySelector('.close').focus();
  }
}
