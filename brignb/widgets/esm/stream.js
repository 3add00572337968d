// One log as it comes from the kernel: however many views show it, it comes once.

import { RecordReader } from "./records.js";
import { Ring } from "./ring.js";

const NOTICES_MAX = 100;

export class Stream {
  ring = new Ring();
  notices = []; // what the executor had to say
  cursor = 0; // bytes that have been read
  size = 0; // bytes that the kernel had when it sent the last of them
  #reader = new RecordReader();
  #watchers = new Set();

  constructor(id) {
    this.id = id;
  }

  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get watched() {
    return this.#watchers.size > 0;
  }

  /** Bytes from `at` on. False: some before them are missing, and have to be asked for. */
  take(at, bytes, size) {
    this.size = size;
    const fresh = at + bytes.length - this.cursor;
    if (at > this.cursor) return false;
    if (fresh <= 0) return true; // another page asked for what is here already
    this.cursor += fresh;
    this.read(bytes.subarray(bytes.length - fresh));
    return true;
  }

  read(bytes) {
    for (const record of this.#reader.feed(bytes)) {
      this.ring.add(record);
      if (record.stream === "system") this.notices.push(record);
    }
    this.notices.splice(0, this.notices.length - NOTICES_MAX);
    const gone = this.ring.trim();
    for (const watcher of this.#watchers) watcher(gone);
  }
}

/** The whole log, for a file: what a ring has let go has to come once more. */
export class Collector extends Stream {
  #parts = [];

  constructor(id, size, done) {
    super(id);
    this.wanted = size;
    this.done = done;
  }

  read(bytes) {
    this.#parts.push(bytes);
    if (this.cursor >= this.wanted) this.done(text(this.#parts));
  }
}

/** Records as the job wrote them, without times. */
function text(parts) {
  const reader = new RecordReader();
  const pieces = [];
  for (const part of parts) {
    for (const record of reader.feed(part)) pieces.push(record.text, record.partial ? "" : "\n");
  }
  return new Blob(pieces, { type: "text/plain" });
}
