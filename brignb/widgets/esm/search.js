// Searching a log: a field, how many lines match, next and previous.

import { button, make, say } from "./dom.js";
import { shown } from "./rows.js";

const SLICE = 20_000; // lines that are looked at before the page may do something else

export class Search {
  #hits = [];
  #at = -1;
  #run = 0;
  #seenTo = 0;

  /** `list` is the `LogList`, `left` is called when Escape leaves it. */
  constructor(list, left) {
    this.list = list;
    this.field = make("input", { type: "search", placeholder: "Search", "aria-label": "search the log", spellcheck: false });
    this.field.addEventListener("input", () => this.#begin());
    this.field.addEventListener("keydown", (event) => this.#key(event, left));
    this.count = make("output", { className: "hits", "aria-live": "polite" });
    this.element = make(
      "span",
      { className: "search", role: "search" },
      this.field,
      button("↑", "previous match (Shift+Enter)", () => this.#step(-1)),
      button("↓", "next match (Enter)", () => this.#step(1)),
      this.count,
    );
  }

  /** Lines came, or another log is shown. */
  changed() {
    if (this.#text) this.#more(this.#run);
  }

  restart() {
    this.#begin();
  }

  get #text() {
    return this.field.value.toLowerCase();
  }

  #key(event, left) {
    if (event.key === "Enter") this.#step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") {
      this.field.value = "";
      this.#begin();
      left();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #begin() {
    this.#hits = [];
    this.#at = -1;
    this.#seenTo = 0;
    this.#run += 1;
    this.list.find = this.#text;
    this.list.current = null;
    this.list.redraw();
    this.#tell();
    if (this.#text) this.#more(this.#run);
  }

  /** Look at lines that were not looked at, some at a time; a newer search ends an older one. */
  #more(run) {
    const ring = this.list.ring;
    if (run !== this.#run || !ring) return;
    const from = Math.max(this.#seenTo - ring.gone, 0);
    const to = Math.min(from + SLICE, ring.lines.length);
    for (let index = from; index < to; index += 1) {
      const line = ring.lines[index];
      if (!line.hidden && shown(line).toLowerCase().includes(this.#text)) this.#hits.push(line);
    }
    this.#seenTo = ring.gone + to;
    this.#tell();
    if (to < ring.lines.length) setTimeout(() => this.#more(run));
  }

  /** Go to the next match, the first of them in sight when there was none before. */
  #step(by) {
    const gone = this.list.ring?.gone ?? 0;
    const hits = (this.#hits = this.#hits.filter((line) => line.n > gone));
    if (!hits.length) return;
    this.#at = this.#at < 0 && by < 0 ? hits.length - 1 : (this.#at + by + hits.length) % hits.length;
    this.list.jump(hits[this.#at]);
    this.#tell();
  }

  #tell() {
    const place = this.#at < 0 ? "" : `${this.#at + 1} of `;
    say(this.count, this.#text ? `${place}${this.#hits.length} line${this.#hits.length === 1 ? "" : "s"}` : "");
  }
}
