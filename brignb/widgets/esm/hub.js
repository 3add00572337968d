// The only widget of a kernel: finds the placeholders of its views in the page and brings them to life, and back to rest when the
// kernel goes. The kernel says what there is and how it is (`views`), and sends slices of logs; this side says what is looked at.

import { Line } from "./line.js";
import { idOf, Mount, PLACE } from "./mount.js";
import { inflate } from "./records.js";

const SILENCE = 20_000; // ms without a word from a kernel whose jobs run, which says something every five seconds
const ANSWER = 8_000; // ms until an action must have been answered
const HEARD = 5_000; // ms between two words that this page is there
const LEAVE = 2_000; // ms that a view is out of sight before its log is let go
const GONE = new Set(["restarting", "autorestarting", "terminating", "dead"]);

class Hub {
  views = new Map();
  mounts = new Set();
  #asked = new Set();
  #lately = 0;
  #heard = 0;
  #work = Promise.resolve();
  #waiting = new Map();

  constructor(model) {
    this.model = model;
    this.page = Math.random().toString(36).slice(2);
    this.sheet = new CSSStyleSheet();
    this.sheet.replaceSync(CSS);
    this.line = new Line((message) => this.#send(message));
    this.line.opened = () => this.#follow();
  }

  begin() {
    this.model.on("msg:custom", (message, buffers) => {
      this.#work = this.#work.then(() => this.#take(message, buffers)).catch((error) => console.error("[brignb]", error));
    });
    this.model.on("comm_live_update", () => this.rest());
    const kernel = this.model.widget_manager?.kernel;
    kernel?.statusChanged?.connect((_kernel, status) => GONE.has(status) && this.rest());
    this.observer = new MutationObserver(() => this.#look());
    const wanted = { childList: true, subtree: true, attributes: true, attributeFilter: ["data-jp-theme-light"] };
    this.observer.observe(document.body, wanted);
    this.clock = setInterval(() => this.#tick(), 500);
    addEventListener("keydown", this.#keys, true);
    this.#look();
  }

  end() {
    this.observer.disconnect();
    clearInterval(this.clock);
    removeEventListener("keydown", this.#keys, true);
    this.rest();
  }

  /** The kernel has gone: what is static is seen again. */
  rest() {
    for (const mount of this.mounts) mount.leave();
    this.mounts.clear();
    this.views.clear();
    this.#asked.clear();
    this.line.forget();
  }

  async #take(message, buffers) {
    this.#lately = Date.now();
    this.line.kernelNow = message.now;
    for (const id of message.gone ?? []) this.#asked.delete(id);
    for (const view of message.views ?? []) this.#show(view);
    for (const { view, text } of message.told ?? []) this.#tell(view, text);
    for (const [index, [id, at, size]] of (message.slices ?? []).entries()) {
      this.line.take(id, at, await inflate(buffers[index]), size);
    }
    if (this.#lately - this.#heard > HEARD) {
      this.#heard = this.#lately;
      this.#send({ do: "hear" });
    }
  }

  #show(view) {
    const known = this.views.has(view.view);
    this.views.set(view.view, view);
    this.#tell(view.view, "");
    for (const mount of this.mounts) if (mount.id === view.view) mount.update(view);
    if (!known) this.#look();
  }

  #tell(id, text) {
    clearTimeout(this.#waiting.get(id));
    if (text) for (const mount of this.mounts) if (mount.id === id) mount.ui.tell(text);
  }

  /** Look for placeholders that are new, or were taken out and put back. */
  #look() {
    const unknown = [];
    for (const place of document.getElementsByClassName(PLACE)) {
      const id = idOf(place);
      const mount = [...this.mounts].find((each) => each.place === place);
      if (mount) {
        if (!mount.wasThere) mount.back();
      } else if (this.views.has(id)) this.#mount(id, place);
      else if (id && !this.#asked.has(id)) unknown.push(id);
    }
    for (const mount of this.mounts) {
      mount.wasThere = mount.there;
      mount.dress();
    }
    for (const id of unknown) this.#asked.add(id);
    if (unknown.length) this.#send({ do: "look", views: unknown });
  }

  /** A view whose place was drawn anew moves there; else it is one more view of the same. */
  #mount(id, place) {
    const view = this.views.get(id);
    let mount = [...this.mounts].find((each) => each.id === id && !each.there);
    if (!mount) {
      const line = this.line.of(id, (text) => mount.ui.tell(text));
      mount = new Mount(view, line, this.sheet, () => this.#follow());
      this.mounts.add(mount);
    }
    mount.enter(place);
  }

  #follow() {
    const sighted = [...this.mounts].filter((mount) => mount.there && mount.inSight !== false).map((mount) => mount.id);
    const all = new Set(sighted);
    this.line.follow(new Set([...all, ...(this.sighted ?? [])]));
    this.sighted = all;
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.line.follow(this.sighted), LEAVE);
  }

  #tick() {
    for (const mount of this.mounts) if (mount.there && mount.inSight !== false) mount.ui.tick();
    const open = [...this.views.values()].some((view) => view.running);
    if (open && this.#lately && Date.now() - this.#lately > SILENCE) this.rest();
  }

  #send(message) {
    try {
      this.model.send({ ...message, page: this.page });
    } catch (error) {
      console.debug("[brignb] not sent:", String(error)); // the kernel has just gone, and `rest` is being told
    }
    if (message.do !== "cancel" && message.do !== "rerun") return;
    clearTimeout(this.#waiting.get(message.view));
    const late = "the kernel does not answer: it is busy, or gone";
    this.#waiting.set(message.view, setTimeout(() => this.#tell(message.view, late), ANSWER));
  }

  /** JupyterLab's shortcuts act on keys that are meant for a view, `d d` deletes a cell: they are told to leave those alone. */
  #keys = (event) => {
    const place = event.composedPath().find((each) => each.classList?.contains(PLACE));
    if (!place?.shadowRoot) return;
    const theirs = (event.ctrlKey || event.metaKey) && event.key !== "f";
    place.toggleAttribute("data-lm-suppress-shortcuts", !theirs);
    if (!theirs) place.setAttribute("data-lm-suppress-shortcuts", "true");
  };
}

export default {
  initialize({ model }) {
    const hub = new Hub(model);
    hub.begin();
    return () => hub.end();
  },
};
