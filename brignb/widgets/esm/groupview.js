// A group: a live tree with a time line; the log of the job that is chosen stands below it.

import { button, make, say } from "./dom.js";
import { badge, elapsed, ended, span } from "./facts.js";
import { JobView } from "./jobview.js";

export class GroupView {
  #items = [];
  #chosen = null;
  #focus = 0;
  #told = "";

  constructor(group, line) {
    this.line = line;
    this.status = make("span", { role: "status" });
    this.time = make("span", { className: "time" });
    this.about = make("span", { className: "facts" });
    this.cancel = button("Cancel", "end what runs, skip the rest", () => line.act("cancel", ""));
    this.rerun = button("Rerun", "run the group once more, as it is now", () => line.act("rerun", ""));
    this.notice = make("div", { className: "notice", role: "status" });
    this.critical = make("div", { className: "critical" });
    this.scale = make("div", { className: "scale", "aria-hidden": "true" });
    this.tree = make("div", { className: "tree", role: "tree", "aria-label": "jobs of the group" });
    this.tree.addEventListener("keydown", (event) => this.#key(event));
    this.detail = make("div", { className: "detail" });
    const buttons = make("span", { className: "buttons" }, this.cancel, this.rerun);
    const name = make("strong", { className: "name" }, "group");
    const head = make("header", {}, this.status, name, this.time, this.about, buttons);
    const parts = [head, this.notice, this.scale, this.tree, this.critical, this.detail];
    this.element = make("section", { className: "group", "aria-label": "group of jobs" }, ...parts);
    this.update(group);
  }

  get list() {
    return this.opened?.list;
  }

  update(group) {
    this.group = group;
    const told = JSON.stringify(group);
    if (told !== this.#told) this.#redraw(group);
    this.#told = told;
    this.tick();
  }

  /** A moment has gone by: bars grow. */
  tick() {
    const now = this.line.now();
    const begin = this.group.started_at ?? now;
    const whole = Math.max(1, (this.group.finished_at ?? now) - begin);
    say(this.time, span(elapsed(this.group, now), !ended(this.group.state)));
    this.#marks(whole / 1000);
    for (const { row, bar, took } of this.#items) {
      if (!row.started_at) continue;
      bar.style.left = `${(100 * (row.started_at - begin)) / whole}%`;
      bar.style.width = `${(100 * ((row.finished_at ?? now) - row.started_at)) / whole}%`;
      say(took, span(elapsed(row, now), !ended(row.state)));
    }
    this.opened?.tick();
  }

  tell(text) {
    say(this.notice, text);
  }

  close() {
    this.opened?.close();
  }

  #redraw(group) {
    this.element.dataset.state = group.state;
    this.status.replaceChildren(badge(group.state));
    say(this.about, group.order);
    this.cancel.hidden = !group.can.includes("cancel");
    this.rerun.hidden = !group.can.includes("rerun");
    say(this.critical, group.critical ? `◆ critical path: ${group.critical}` : "");
    this.notice.textContent = "";
    const had = this.tree.contains(this.tree.getRootNode().activeElement);
    this.#items = group.rows.map((row, index) => this.#item(row, index));
    this.tree.replaceChildren(...this.#items.map(({ element }) => element));
    if (had) this.#items[this.#focus]?.element.focus();
    if (this.opened && !group.rows.some((row) => row.id === this.#chosen)) {
      this.#chosen = null; // it was run again: that job is of the run before
      this.#shut();
    }
    const chosen = group.rows.find((row) => row.id && row.id === this.#chosen) ?? this.#failed(group);
    if (chosen) this.#open(chosen);
  }

  /** Who looks at a failed group wants to see why. */
  #failed(group) {
    return this.#chosen ? null : group.rows.find((row) => ["failed", "timed_out", "lost"].includes(row.state));
  }

  #item(row, index) {
    const bar = make("span", { className: `bar ${row.state ?? ""}` });
    const took = make("span", { className: "took" });
    const mark = make("span", { className: "diamond", title: "on the critical path" }, row.critical ? "◆" : "");
    const name = make("span", { className: "name" }, row.label, " ", mark);
    name.style.paddingInlineStart = `${row.depth * 1.4}em`;
    const lane = make("span", { className: "lane", "aria-hidden": "true" }, row.group || !row.job ? "" : bar);
    const element = make("div", { className: "item", role: "treeitem", tabIndex: index === this.#focus ? 0 : -1 });
    element.setAttribute("aria-level", row.depth + 1);
    element.classList.toggle("on-path", Boolean(row.critical));
    element.append(name, make("span", {}, row.state ? badge(row.state) : ""), lane, took);
    if (row.group) element.classList.add("inner");
    if (row.job) {
      element.setAttribute("aria-selected", String(row.id === this.#chosen));
      element.title = "show its log";
      element.addEventListener("click", () => this.#choose(index));
    }
    return { row, element, bar, took };
  }

  #choose(index) {
    const { row } = this.#items[index];
    this.#move(index);
    if (!row.job) return;
    const same = row.id === this.#chosen;
    this.#chosen = same ? "none" : row.id;
    if (same) this.#shut();
    else this.#open(row);
    for (const { row: each, element } of this.#items) {
      if (each.job) element.setAttribute("aria-selected", String(each.id === this.#chosen));
    }
  }

  #open(row) {
    this.#chosen = row.id;
    if (this.opened?.of === row.id) this.opened.update(row.job);
    else {
      this.#shut();
      this.opened = new JobView(row.job, this.line);
      this.opened.of = row.id;
      this.detail.append(this.opened.element);
    }
    const item = this.#items.find((each) => each.row.id === row.id);
    item?.element.setAttribute("aria-selected", "true");
  }

  #shut() {
    this.opened?.close();
    this.opened?.element.remove();
    this.opened = null;
  }

  #key(event) {
    const last = this.#items.length - 1;
    if (event.key === "ArrowDown") this.#move(Math.min(this.#focus + 1, last));
    else if (event.key === "ArrowUp") this.#move(Math.max(this.#focus - 1, 0));
    else if (event.key === "Home") this.#move(0);
    else if (event.key === "End") this.#move(last);
    else if (event.key === "Enter" || event.key === " ") this.#choose(this.#focus);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #move(index) {
    this.#items[this.#focus]?.element.setAttribute("tabindex", "-1");
    this.#focus = index;
    const { element } = this.#items[index];
    element.tabIndex = 0;
    element.focus();
  }

  /** `0 s … 12 s`: a few round times above the lanes. */
  #marks(seconds) {
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((each) => seconds / each <= 5) ?? 7200;
    const times = [];
    for (let at = 0; at <= seconds; at += step) times.push(at);
    const marks = times.map((at) => (step < 1 && at ? `${at.toFixed(1)} s` : span(at, true)));
    if (this.scale.dataset.marks !== marks.join()) {
      this.scale.dataset.marks = marks.join();
      this.scale.replaceChildren(make("span", { className: "ruler" }, ...marks.map((mark) => make("i", {}, mark))));
    }
    [...this.scale.firstChild.children].forEach((mark, index) => (mark.style.left = `${(100 * times[index]) / seconds}%`));
  }
}
