// Terminal text: colours are kept as classes, everything else that a terminal would obey goes.

const ESCAPE =
  /\x1b(?:\[([0-?]*)([ -/]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
export const PLAIN = Object.freeze({});
const FLAGS = { 1: "bold", 2: "dim", 3: "italic", 4: "under", 7: "swap", 9: "strike" };
const ENDS = { 22: ["bold", "dim"], 23: ["italic"], 24: ["under"], 27: ["swap"], 29: ["strike"], 39: ["fg"], 49: ["bg"] };
export const RUNS_MAX = 500; // changes of colour in one line

/** The text without anything that a terminal would obey. */
export function plain(text) {
  return text.replace(ESCAPE, "");
}

/** Pieces of one look each, and the look at the end. */
export function runs(text, look = PLAIN) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(ESCAPE)) {
    if (match.index > at) add(found, look, text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[3] === "m" && !match[2] && found.length < RUNS_MAX) look = changed(look, match[1]);
  }
  if (at < text.length) add(found, look, text.slice(at));
  return { runs: found, look };
}

/** The look at the end of a line, which the next one begins with. */
export function lookAfter(text, look = PLAIN) {
  return text.includes("\x1b[") ? runs(text, look).look : look;
}

/** A look as an element's classes and colours; the first sixteen are the theme's. */
export function dress(element, look) {
  for (const [name, value] of Object.entries(look)) {
    if (name !== "fg" && name !== "bg") element.classList.add(name);
    else element.style[name === "fg" ? "color" : "backgroundColor"] = typeof value === "number" ? `var(--c${value})` : value;
  }
}

function add(found, look, text) {
  const last = found.at(-1);
  if (last && last.look === look) last.text += text;
  else found.push({ look, text });
}

function changed(look, parameters) {
  const codes = parameters.slice(0, 64).split(/[;:]/).map(Number);
  const now = { ...look };
  while (codes.length) apply(now, codes);
  return Object.keys(now).length ? now : PLAIN;
}

function apply(look, codes) {
  const code = codes.shift();
  if (!code) for (const name of Object.keys(look)) delete look[name];
  else if (FLAGS[code]) look[FLAGS[code]] = true;
  else if (ENDS[code]) for (const name of ENDS[code]) delete look[name];
  else if (code === 38 || code === 48) extended(look, code === 38 ? "fg" : "bg", codes);
  else if (code >= 30 && code < 38) look.fg = code - 30;
  else if (code >= 90 && code < 98) look.fg = code - 82;
  else if (code >= 40 && code < 48) look.bg = code - 40;
  else if (code >= 100 && code < 108) look.bg = code - 92;
}

function extended(look, name, codes) {
  const kind = codes.shift();
  if (kind === 5) look[name] = of256(codes.shift() & 255);
  else if (kind === 2) look[name] = `rgb(${codes.splice(0, 3).map((part) => part & 255).join(" ")})`;
}

/** xterm's palette: 16 named ones, a cube of 6×6×6, 24 greys. */
function of256(number) {
  if (number < 16) return number;
  if (number >= 232) return `rgb(${Array(3).fill(8 + (number - 232) * 10).join(" ")})`;
  const level = (part) => (part ? 55 + 40 * part : 0);
  const cube = number - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}
