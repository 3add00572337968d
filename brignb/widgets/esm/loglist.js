// A log of any length in a box: only the rows in sight are elements.
//
// Without wrapping all rows are of one height. With it the height of each is reckoned from its characters, since the type is
// monospaced; a wrong guess shifts a few pixels and harms nothing, as rows stand in the flow below the first one in sight.

import { make } from "./dom.js";
import { height, row } from "./rows.js";

const SPARE = 12; // rows above and below what is in sight
const OPEN = 8; // lines at the end that may not have ended

export class LogList {
  following = true;
  find = "";
  current = null;
  #tops = [0]; // of each seen line, in rows, when wrapped
  #wrap = true;
  #drawn = new Map();
  #queued = false;
  #top = 0;

  /** `moved(following)` hears when scrolling began or ended following; `label` names the log. */
  constructor(label, moved) {
    this.moved = moved;
    this.rows = make("div", { className: "rows" });
    this.space = make("div", { className: "space" }, this.rows);
    this.element = make("div", { className: "log", role: "log", tabIndex: 0, "aria-label": label, "aria-live": "off" }, this.space);
    this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.sizes = new ResizeObserver(() => this.#measure());
    this.sizes.observe(this.element);
    this.#classes();
  }

  show(ring) {
    this.ring = ring;
    this.#tops = [0];
    this.#drawn.clear();
    this.following = true;
    this.draw();
  }

  set wrap(on) {
    this.#keeping(() => {
      this.#wrap = on;
      this.#tops = [0];
    });
    this.#classes();
  }

  /** Lines came, or went from the beginning: `gone` of those that were seen. */
  changed(gone = 0) {
    if (gone && !this.following) this.element.scrollTop -= this.#topOf(gone) * this.line;
    this.#tops.length = gone ? 1 : Math.max(1, this.#tops.length - OPEN); // the last lines may have grown
    this.draw();
  }

  /** Draw in the next frame. */
  draw() {
    if (this.#queued) return;
    this.#queued = true;
    requestAnimationFrame(() => {
      this.#queued = false;
      if (this.element.isConnected && this.ring) this.#render();
    });
  }

  /** Everything about rows has changed: what is searched for, what is folded. */
  redraw() {
    this.#tops = [0];
    this.#drawn.clear();
    this.draw();
  }

  follow(on) {
    this.following = on;
    if (on) this.draw();
  }

  /** Scroll so that a line stands in the middle. */
  jump(line) {
    this.follow(false);
    this.current = line;
    const place = this.ring.reveal(line);
    this.redraw();
    this.#size();
    this.element.scrollTop = this.#topOf(place) * this.line - this.element.clientHeight / 2;
    this.#render();
  }

  /** After it was taken out of the page and put back, which forgets where it was scrolled to. */
  restore() {
    this.element.scrollTop = this.#top;
    this.#measure();
  }

  #classes() {
    this.element.classList.toggle("wrap", this.#wrap);
  }

  #keeping(change) {
    const place = this.ring && this.line ? this.#placeAt(this.element.scrollTop / this.line) : 0;
    change();
    this.redraw();
    if (!this.ring || this.following) return;
    this.#size();
    this.element.scrollTop = this.#topOf(place) * this.line;
  }

  #measure() {
    const probe = make("span", { className: "probe" }, "0".repeat(100));
    this.element.append(probe);
    const box = probe.getBoundingClientRect();
    const gutter = this.rows.firstChild?.lastChild.offsetLeft ?? 0;
    probe.remove();
    if (!box.height) return;
    const columns = Math.max(10, Math.floor((this.element.clientWidth - gutter - 8) / (box.width / 100)));
    if (columns !== this.columns || box.height !== this.line) this.#tops = [0];
    this.line = box.height;
    this.columns = columns;
    this.draw();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    if (!clientHeight) return;
    const up = scrollTop < this.#top;
    this.#top = scrollTop;
    const atEnd = scrollHeight - scrollTop - clientHeight < (this.line ?? 16);
    if (atEnd !== this.following && (atEnd || up)) {
      this.following = atEnd;
      this.moved(atEnd);
    }
    this.draw();
  }

  #render() {
    if (!this.line) this.#measure();
    if (!this.line) return;
    this.#size();
    if (this.following) this.element.scrollTop = this.#top = this.element.scrollHeight;
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, this.#placeAt(scrollTop / this.line) - SPARE);
    const last = Math.min(this.ring.seen.length, this.#placeAt((scrollTop + clientHeight) / this.line) + SPARE + 1);
    this.rows.style.transform = `translateY(${this.#topOf(first) * this.line}px)`;
    this.#fill(first, last);
  }

  #fill(first, last) {
    const drawn = new Map();
    const elements = [];
    for (let place = first; place < last; place += 1) {
      const line = this.ring.at(place);
      const known = this.#drawn.get(line.n);
      const element = known?.version === line.version ? known.element : this.#row(line);
      drawn.set(line.n, { version: line.version, element });
      elements.push(element);
    }
    this.#drawn = drawn;
    const now = this.rows.children;
    if (now.length !== elements.length || elements.some((element, index) => now[index] !== element)) {
      this.rows.replaceChildren(...elements);
    }
  }

  #row(line) {
    return row(line, { find: this.find, current: line === this.current, turn: (head) => this.#turn(head) });
  }

  #turn(head) {
    this.#keeping(() => this.ring.turn(head));
    this.follow(false);
    this.moved(false);
    requestAnimationFrame(() => this.#drawn.get(head.n)?.element.querySelector(".fold")?.focus({ preventScroll: true }));
  }

  #size() {
    const count = this.ring.seen.length;
    this.space.style.height = `${this.#topOf(count) * this.line}px`;
  }

  /** Where a line's place begins, in rows. */
  #topOf(place) {
    if (!this.#wrap) return place;
    const tops = this.#tops;
    const count = this.ring.seen.length;
    for (let at = tops.length - 1; at < count; at += 1) tops[at + 1] = tops[at] + height(this.ring.at(at), this.columns ?? 80);
    return tops[Math.min(place, count)];
  }

  /** The place of the line that stands at a row. */
  #placeAt(rows) {
    const count = this.ring.seen.length;
    if (!this.#wrap) return Math.min(count, Math.floor(rows));
    this.#topOf(count);
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= rows) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
