// Small makers of elements. Text goes in as text nodes, never as HTML.

const SVG = 'http://www.w3.org/2000/svg';

export const find = (id) => document.getElementById(id);

/** An element with a class and children, which are elements or texts. */
export function element(tag, className = '', ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className.trim();
  made.append(...children);
  return made;
}

export function button(className, action) {
  const made = element('button', className);
  made.type = 'button';
  if (action) made.addEventListener('click', action);
  return made;
}

/** One of the symbols of index.html. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A disc with the first letter of a name, in its colour. */
export function avatar(name) {
  const face = element('span', 'avatar hue', initial(name));
  face.setAttribute('aria-hidden', 'true');
  hue(face, name);
  return face;
}

/** Gives an element the colour of a name: the style sheet keeps the contrast, the name decides only the hue. */
export function hue(target, name) {
  target.style.setProperty('--hue', String(hueOf(name)));
}

// FNV-1a, in steps of 15 degrees: neighbours on a finer wheel look the same.
function hueOf(name) {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  return ((hash >>> 8) % 24) * 15;
}

function initial(name) {
  const [first] = [...name.replace(/^_+/, '')];
  return (first || '_').toUpperCase();
}
