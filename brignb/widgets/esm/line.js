// What a view has to do with the kernel: its clock, logs that are opened, actions.

import { Collector, Stream } from "./stream.js";

export class Line {
  #streams = new Map(); // by id
  #homes = new Map(); // the view that a log belongs to
  #collectors = new Set();
  #skew = 0;

  constructor(send) {
    this.send = send;
  }

  /** Milliseconds since 1970 by the kernel's clock. */
  now() {
    return Date.now() + this.#skew;
  }

  set kernelNow(ms) {
    this.#skew = ms - Date.now();
  }

  /** What one view sees of it. */
  of(view, tell) {
    return {
      now: () => this.now(),
      tell,
      open: (id) => this.#open(view, id),
      collect: (id, done) => this.#collect(view, id, done),
      act: (what, job) => this.send({ do: what, view, job }),
    };
  }

  /** Bytes of a log; asks for those that are missing before them. */
  take(id, at, bytes, size) {
    const stream = this.#streams.get(id);
    if (stream && !stream.take(at, bytes, size)) this.#ask(stream, stream.cursor);
    for (const collector of this.#collectors) {
      if (collector.id === id) collector.take(at, bytes, size);
    }
  }

  /** Ask for the logs that are looked at, let go of the others; `sighted` are the views in sight. */
  follow(sighted) {
    for (const stream of this.#streams.values()) {
      const wanted = stream.watched && sighted.has(this.#homes.get(stream.id));
      if (wanted && !stream.followed) this.#ask(stream, stream.cursor);
      else if (!wanted && stream.followed) this.send({ do: "leave", stream: stream.id });
      stream.followed = wanted;
    }
  }

  /** The kernel is another one now, or this page was away: it knows nothing of what is followed. */
  forget() {
    for (const stream of this.#streams.values()) stream.followed = false;
  }

  #open(view, id) {
    if (!this.#streams.has(id)) {
      this.#streams.set(id, new Stream(id));
      this.#homes.set(id, view);
    }
    const stream = this.#streams.get(id);
    queueMicrotask(() => this.opened?.());
    return stream;
  }

  #ask(stream, from) {
    stream.followed = true;
    this.send({ do: "follow", view: this.#homes.get(stream.id), stream: stream.id, from });
  }

  #collect(view, id, done) {
    const size = Math.max(this.#streams.get(id)?.size ?? 0, this.#streams.get(id)?.cursor ?? 0);
    const collector = new Collector(id, size, (blob) => {
      this.#collectors.delete(collector);
      done(blob);
    });
    this.#collectors.add(collector);
    this.send({ do: "follow", view, stream: id, from: 0 });
  }
}
