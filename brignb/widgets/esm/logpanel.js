// A log with its tools: follow, wrap, times, numbers, search, copy, download.

import { button, make, say, toggle } from "./dom.js";
import { LogList } from "./loglist.js";
import { shown } from "./rows.js";
import { Search } from "./search.js";

export class LogPanel {
  #unwatch = () => {};
  #seen = 0; // lines that there were when following ended

  /** `line` is the hub's: `open(id)`, `collect(id, done)`, `tell(text)`; `grown(stream)` hears of the log that is shown. */
  constructor(name, line, grown) {
    this.name = name;
    this.grown = grown;
    this.line = line;
    this.list = new LogList(`log of ${name}`, (following) => this.#moved(following));
    this.search = new Search(this.list, () => this.list.element.focus());
    this.followed = toggle("Follow", "follow the end of the log; off: it stays where it is (F)", true, (on) => this.#follow(on));
    this.newer = button("", "go on following", () => this.#follow(true));
    this.newer.className = "newer";
    this.newer.hidden = true;
    this.empty = make("div", { className: "empty" });
    const wrap = toggle("Wrap", "wrap long lines", true, (on) => (this.list.wrap = on));
    const times = toggle("Times", "show when each line was written", false, (on) => this.#column("times", on));
    const numbers = toggle("Numbers", "show line numbers", true, (on) => this.#column("numbers", on));
    const copy = button("Copy", "copy the log, or what is selected of it", () => this.#copy());
    const download = button("Download", "download the whole log", () => this.#download());
    this.tools = make("div", { className: "tools", role: "toolbar", "aria-label": "log" });
    this.tools.append(this.followed, wrap, times, numbers, this.search.element, copy, download);
    this.element = make("div", { className: "panel numbers" }, this.tools, this.empty, this.list.element, this.newer);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show the log of one try. */
  show(id, state) {
    this.state = state;
    if (id !== this.stream?.id) {
      this.#unwatch();
      this.stream = this.line.open(id);
      this.#unwatch = this.stream.watch((gone) => this.#changed(gone));
      this.list.show(this.stream.ring);
      this.search.restart();
    }
    this.#changed(0);
  }

  close() {
    this.#unwatch();
    this.stream = null;
  }

  #changed(gone) {
    const ring = this.stream.ring;
    const waiting = !ring.total;
    this.empty.hidden = !waiting;
    this.list.element.hidden = this.tools.hidden = waiting;
    const ended = this.state.ended ? "no output" : "no output yet";
    if (waiting) say(this.empty, this.state.size > this.stream.cursor ? "loading the log…" : ended);
    this.list.changed(gone);
    this.search.changed();
    this.#tellNewer();
    this.grown(this.stream);
  }

  #moved(following) {
    this.followed.on = following;
    this.#seen = this.stream?.ring.total ?? 0;
    this.#tellNewer();
  }

  #follow(on) {
    this.list.follow(on);
    this.#moved(on);
  }

  #tellNewer() {
    const count = (this.stream?.ring.total ?? 0) - this.#seen;
    this.newer.hidden = this.list.following || count <= 0;
    say(this.newer, `↓ ${count} new line${count === 1 ? "" : "s"}`);
  }

  #column(name, on) {
    this.element.classList.toggle(name, on);
    this.list.restore();
  }

  #key(event) {
    const typing = event.composedPath()[0] === this.search.field;
    if ((event.ctrlKey || event.metaKey) && event.key === "f") this.search.field.focus();
    else if (event.key === "/" && !typing) this.search.field.focus();
    else if (event.key === "f" && !typing && !event.ctrlKey && !event.metaKey) this.#follow(!this.list.following);
    else if (event.key === "End" && !typing) this.#follow(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async #copy() {
    const root = this.element.getRootNode();
    const selected = String((root.getSelection ? root.getSelection() : document.getSelection()) ?? "");
    const text = selected.trim() ? selected : this.stream.ring.lines.map((line) => `${shown(line)}\n`).join("");
    try {
      await navigator.clipboard.writeText(text);
      this.line.tell(`copied ${text.split("\n").length - 1 || 1} lines`);
    } catch {
      this.line.tell("the browser does not let a page copy here: select the text and press Ctrl+C");
    }
  }

  #download() {
    this.line.tell("fetching the log…");
    this.line.collect(this.stream.id, (blob) => {
      const link = make("a", { href: URL.createObjectURL(blob), download: `${this.stream.id}.log` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      this.line.tell("downloaded");
    });
  }
}
