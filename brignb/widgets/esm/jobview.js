// One job: a line of facts, what happened to it, its outputs, its log. In a view of its own, or below a group.

import { button, make, say } from "./dom.js";
import { plain } from "./ansi.js";
import { badge, elapsed, ended, facts, span } from "./facts.js";
import { LogPanel } from "./logpanel.js";

export class JobView {
  #chosen = null; // a try that somebody chose to look at
  #told = {};

  /** `line` as in `LogPanel`, and `act(what, job)`; `heading`: whether it has buttons and a name of its own. */
  constructor(job, line) {
    this.line = line;
    this.status = make("span", { role: "status" });
    this.time = make("span", { className: "time" });
    this.more = make("span", { className: "facts" });
    this.tries = make("select", { "aria-label": "which try", onchange: () => this.#choose() });
    this.cancel = button("Cancel", "end the job now", () => line.act("cancel", this.job.id));
    this.rerun = button("Rerun", "run the job once more, as it is defined now", () => line.act("rerun", this.job.id));
    this.notice = make("div", { className: "notice", role: "status" });
    this.why = make("div", { className: "why" });
    this.events = make("details", { className: "events" });
    this.outputs = make("table", { className: "outputs" });
    this.panel = new LogPanel(job.name, line, (stream) => this.#events(stream.notices));
    const name = make("strong", { className: "name" }, job.name);
    const buttons = make("span", { className: "buttons" }, this.cancel, this.rerun);
    const head = make("header", {}, this.status, name, this.time, this.more, this.tries, buttons);
    const parts = [head, this.notice, this.why, this.events, this.outputs, this.panel.element];
    this.element = make("section", { className: "job", "aria-label": `job ${job.name}` }, ...parts);
    this.update(job);
  }

  get list() {
    return this.panel.list;
  }

  update(job) {
    const { now: _now, ...told } = job;
    this.job = job;
    if (JSON.stringify(told) !== this.#told) this.#redraw(job);
    this.#told = JSON.stringify(told);
    const id = this.#chosen ?? job.streams.at(-1).id;
    const size = job.streams.find((stream) => stream.id === id)?.size ?? 0;
    this.panel.show(id, { ended: ended(job.state), size });
    this.tick();
  }

  /** A second has gone by. */
  tick() {
    const running = !ended(this.job.state);
    say(this.time, span(elapsed(this.job, this.line.now()), running));
  }

  tell(text) {
    say(this.notice, text);
  }

  close() {
    this.panel.close();
  }

  #redraw(job) {
    this.element.dataset.state = job.state;
    this.status.replaceChildren(badge(job.state));
    say(this.more, facts(job).join(" · "));
    this.cancel.hidden = !job.can.includes("cancel");
    this.rerun.hidden = !job.can.includes("rerun");
    this.notice.textContent = "";
    say(this.why, job.message ?? "");
    this.why.hidden = !job.message;
    this.#tries(job);
    this.#outputs(job.outputs);
  }

  /** Tries and runs, when there is more than one; a new one is shown at once. */
  #tries(job) {
    const count = this.tries.length;
    this.tries.hidden = job.streams.length < 2;
    if (count === job.streams.length) return;
    this.#chosen = null;
    this.tries.replaceChildren(...job.streams.map(({ id, label }) => make("option", { value: id }, label)));
    this.tries.value = job.streams.at(-1).id;
  }

  #choose() {
    this.#chosen = this.tries.value;
    this.update(this.job);
  }

  /** What the executor and brignb had to say, to be unfolded: it stands among the log's lines, too, which may be many. */
  #events(events) {
    this.events.hidden = !events.length;
    if (!events.length || events.at(-1) === this.lastEvent) return;
    this.lastEvent = events.at(-1);
    const line = ({ at, text }) => [make("time", {}, new Date(at).toLocaleTimeString()), ` ${plain(text)}`];
    this.events.replaceChildren(
      make("summary", {}, `${events.length} event${events.length === 1 ? "" : "s"}`),
      make("ul", {}, ...events.map((event) => make("li", {}, ...line(event)))),
    );
  }

  #outputs(outputs) {
    this.outputs.hidden = !outputs.length;
    const cell = (tag, text) => make(tag, {}, make("code", {}, text));
    this.outputs.replaceChildren(
      make("caption", {}, "outputs"),
      ...outputs.map(([name, value]) => make("tr", {}, cell("th", name), cell("td", value))),
    );
  }
}
