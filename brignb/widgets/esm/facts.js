// What is said of a job or a group in words: its state, how long, how it ended.

import { make } from "./dom.js";

const STATE_MARKS = { pending: "…", running: "●", succeeded: "✓", failed: "✗", canceled: "⊘", timed_out: "✗", lost: "?", waits: "·", skipped: "–" };

export const ended = (state) => !["pending", "running", "waits"].includes(state);

/** A state as a mark, a word and a colour. */
export function badge(state) {
  const mark = make("span", { className: "mark", "aria-hidden": "true" }, STATE_MARKS[state] ?? "?");
  return make("span", { className: `state ${state}` }, mark, ` ${state.replace("_", " ")}`);
}

/** Seconds since it began, or that it took; null when it has not begun. */
export function elapsed(about, now) {
  if (!about.started_at) return null;
  return Math.max(0, ((about.finished_at ?? now) - about.started_at) / 1000);
}

/** `40 ms`, `3.2 s`, `2 min 5 s`, `1 h 3 min`; one that runs is told in whole seconds. */
export function span(seconds, running = false) {
  if (seconds === null) return "";
  if (running && seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What else is known of a job, piece by piece. */
export function facts(job) {
  const found = [];
  if (job.stage && !ended(job.state)) found.push(job.stage);
  if (job.remembered) found.push("remembered");
  if (job.exit_code !== null) found.push(`exit code ${job.exit_code}`);
  else if (job.reason) found.push(job.reason);
  if (job.image) found.push(job.image);
  return found;
}
