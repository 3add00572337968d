// Making elements: text goes in as text, never as HTML.

/** An element with properties, attributes (`aria-…`, `role`, `data-…`), listeners (`onclick`) and children. */
export function make(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A button that says what it does. */
export function button(text, title, press) {
  return make("button", { type: "button", title, onclick: press }, text);
}

/** A button that is on or off; `change` hears of it. */
export function toggle(text, title, on, change) {
  const made = button(text, title, () => {
    made.on = !made.on;
    change(made.on);
  });
  Object.defineProperty(made, "on", {
    get: () => made.getAttribute("aria-pressed") === "true",
    set: (value) => made.setAttribute("aria-pressed", String(value)),
  });
  made.on = on;
  return made;
}

/** Set an element's text, only when it differs: a live region speaks at each change. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
