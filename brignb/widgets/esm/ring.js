// The lines of one log, bounded: the oldest go. Knows which lines stand in a folded `::group::` and so are not seen.

import { lookAfter, plain, PLAIN } from "./ansi.js";

export const LINES_MAX = 250_000;
export const TEXT_MAX = 64 * 1024 * 1024;
export const LINE_MAX = 1024 * 1024;
const GROUP = "::group::";
const END = "::endgroup::";

export class Ring {
  lines = []; // { n, at, stream, text, look, version, group: its header's line, head: { open, touched, count } of a header }
  total = 0;
  text = 0;
  #open = {}; // the line of each stream that has not ended
  #looks = {};
  #group = null;
  #seen = []; // indices of lines that are not folded away
  #stale = false;

  /** The number of the first line that is kept, less one: how many went. */
  get gone() {
    return this.total - this.lines.length;
  }

  add(record) {
    const open = this.#open[record.stream];
    const line = open ?? this.#begin(record);
    if (open) this.#extend(open, record.text);
    if (record.partial) {
      this.#open[record.stream] = line;
      return;
    }
    delete this.#open[record.stream];
    this.#looks[record.stream] = lookAfter(line.text, line.look);
    if (line.text.includes("::")) this.#fold(line);
  }

  /** Let the oldest go, a tenth at a time, so that it is seldom; answers how many of the seen lines went. */
  trim() {
    const over = this.lines.length - LINES_MAX;
    if (over <= 0 && this.text <= TEXT_MAX) return 0;
    const count = Math.min(this.lines.length, Math.max(LINES_MAX / 10, over));
    const seen = this.seen.findIndex((index) => index >= count);
    const went = seen < 0 ? this.seen.length : seen;
    for (const line of this.lines.splice(0, count)) this.text -= line.text.length;
    this.#stale = true;
    return went;
  }

  get seen() {
    if (this.#stale) {
      this.#seen = [];
      this.lines.forEach((line, index) => isSeen(line) && this.#seen.push(index));
      this.#stale = false;
    }
    return this.#seen;
  }

  /** A line by its place among those that are seen. */
  at(place) {
    return this.lines[this.seen[place]];
  }

  /** Open or fold a group's header, as somebody asked. */
  turn(line, open = !line.head.open) {
    Object.assign(line.head, { open, touched: true });
    line.version += 1;
    this.#stale = true;
  }

  /** The place of a line among those that are seen; its group is opened for it. */
  reveal(line) {
    if (!isSeen(line)) this.turn(line.group, true);
    const index = line.n - this.gone - 1;
    const seen = this.seen;
    let low = 0;
    let high = seen.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seen[middle] < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #begin(record) {
    this.total += 1;
    const look = this.#looks[record.stream] ?? PLAIN;
    const group = this.#group;
    const line = { n: this.total, at: record.at, stream: record.stream, text: "", look, version: 0, group };
    this.lines.push(line);
    if (group) group.head.count += 1;
    if (!this.#stale && isSeen(line)) this.#seen.push(this.lines.length - 1);
    this.#extend(line, record.text);
    return line;
  }

  /** What follows a carriage return replaces what stood before it. */
  #extend(line, text) {
    const all = line.text + text;
    const back = all.lastIndexOf("\r", all.length - 2);
    this.text -= line.text.length;
    line.text = (back < 0 ? all : all.slice(back + 1)).slice(0, LINE_MAX);
    line.version += 1;
    this.text += line.text.length;
  }

  #fold(line) {
    const text = plain(line.text);
    if (text.startsWith(GROUP)) {
      this.#end(line);
      line.head = { open: true, touched: false, count: 0 };
      line.text = text.slice(GROUP.length) || "group";
      this.#group = line;
    } else if (text.startsWith(END)) {
      this.#end(line);
      line.hidden = true;
      this.#stale = true;
    }
  }

  /** A group that has ended is folded, unless somebody has touched it; the line that ends it is not of it. */
  #end(line) {
    const group = this.#group;
    this.#group = null;
    if (!group) return;
    if (line.group === group) group.head.count -= 1;
    line.group = null;
    if (!group.head.touched) group.head.open = false;
    group.version += 1;
    this.#stale = true;
  }
}

function isSeen(line) {
  return !line.hidden && (!line.group || line.group.head.open);
}
