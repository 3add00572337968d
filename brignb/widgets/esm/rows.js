// One line of a log as an element.

import { dress, plain, runs } from "./ansi.js";
import { make } from "./dom.js";

export const SHOWN_MAX = 20_000; // characters of a line that are drawn; the file has the rest
const STREAM_MARKS = { stdout: "", stderr: "err", system: "note" };
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e][\udc00-\udfff]/g;

/** The element of a line; `find` marks what is searched for, `current` says that this is the one that was jumped to. */
export function row(line, { find = "", current = false, turn }) {
  const text = make("span", { className: "text" });
  if (line.head) text.append(header(line, turn));
  else fill(text, line, find);
  const mark = STREAM_MARKS[line.stream];
  const made = make(
    "div",
    { className: `row ${line.stream}${line.group ? " inner" : ""}${current ? " current" : ""}` },
    make("span", { className: "no", "aria-hidden": "true" }, String(line.n)),
    make("time", {}, line.at ? clock(line.at) : ""),
    make("span", { className: "mark", title: mark && (mark === "err" ? "written to stderr" : "said by brignb") }, mark),
    text,
  );
  if (line.at) made.title = new Date(line.at).toISOString();
  return made;
}

/** How many rows a line takes when it is wrapped after `columns` characters. */
export function height(line, columns) {
  if (line.text.length * 2 <= columns) return 1;
  const text = shown(line);
  const wide = text.match(WIDE)?.length ?? 0;
  return Math.max(1, Math.ceil((text.length + wide) / columns));
}

/** What a line says, without colours; what search and copy take. */
export function shown(line) {
  const text = line.text.length > SHOWN_MAX ? line.text.slice(0, SHOWN_MAX) : line.text;
  return plain(text);
}

function header(line, turn) {
  const { open, count } = line.head;
  const made = make("button", { type: "button", className: "fold", onclick: () => turn(line) }, plain(line.text));
  made.setAttribute("aria-expanded", String(open));
  made.append(make("span", { className: "count" }, open ? "" : ` ${count} line${count === 1 ? "" : "s"}`));
  return made;
}

function fill(text, line, find) {
  const rest = line.text.length - SHOWN_MAX;
  for (const piece of runs(rest > 0 ? line.text.slice(0, SHOWN_MAX) : line.text, line.look).runs) {
    const span = make("span");
    dress(span, piece.look);
    span.append(...marked(piece.text, find));
    text.append(span);
  }
  if (rest > 0) text.append(make("em", {}, ` [brignb: cut, ${rest} characters, rest in the download]`));
}

/** The text, with what is searched for in `mark`s. */
function* marked(text, find) {
  if (!find) return yield text;
  const lower = text.toLowerCase();
  let at = 0;
  for (let hit = lower.indexOf(find); hit >= 0; hit = lower.indexOf(find, at)) {
    yield text.slice(at, hit);
    yield make("mark", {}, text.slice(hit, hit + find.length));
    at = hit + find.length;
  }
  yield text.slice(at);
}

function clock(ms) {
  const at = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
