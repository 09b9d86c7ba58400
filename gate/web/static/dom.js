// Putting text in place. Everything is set as text, never as markup: names on
// this page come from other people's data.

export const byId = (id) => document.getElementById(id);

export const part = (root, name) =>
  root.matches(`[data-part="${name}"]`) ? root : root.querySelector(`[data-part="${name}"]`);

// fresh makes the one element of a <template>.
export const fresh = (id) => byId(id).content.firstElementChild.cloneNode(true);

// say changes an element's text only when it differs, so that screen readers
// and selections are left alone, and hides an element without text.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

export function shape(root, outcome) {
  part(root, "shape").setAttribute("href", `#shape-${outcome}`);
}

// once returns a function that calls draw only when its argument changed.
export function once(draw) {
  let last;
  return (value) => {
    const now = JSON.stringify(value);
    if (now === last) return;
    last = now;
    draw(value);
  };
}
