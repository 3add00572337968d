// From compressed bytes to the records of a log: `TIME STREAM F|P TEXT`, the format of Kubernetes' CRI.

const STREAMS = new Set(["stdout", "stderr", "system"]);

/** What zlib has packed. */
export async function inflate(packed) {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  writer.write(packed);
  writer.close();
  return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}

/** Bytes that may be cut anywhere into records; what is torn is taken as text of `system`. */
export class RecordReader {
  #rest = new Uint8Array(0);
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #lastTime = "";
  #lastAt = 0;

  feed(bytes) {
    const data = joined(this.#rest, bytes);
    const end = data.lastIndexOf(10) + 1;
    this.#rest = data.slice(end);
    if (!end) return [];
    const raw = this.#decoder.decode(data.subarray(0, end - 1)).split("\n");
    return raw.map((line) => this.#record(line));
  }

  #record(raw) {
    const first = raw.indexOf(" ");
    const second = raw.indexOf(" ", first + 1);
    const stream = raw.slice(first + 1, second);
    const tag = raw[second + 1];
    if (!STREAMS.has(stream) || (tag !== "F" && tag !== "P")) return { at: 0, stream: "system", partial: false, text: raw };
    return { at: this.#moment(raw.slice(0, first)), stream, partial: tag === "P", text: raw.slice(second + 3) };
  }

  /** Lines come in batches that were seen at one time. */
  #moment(time) {
    if (time !== this.#lastTime) {
      this.#lastTime = time;
      this.#lastAt = Date.parse(time) || 0;
    }
    return this.#lastAt;
  }
}

function joined(before, after) {
  if (!before.length) return after;
  const all = new Uint8Array(before.length + after.length);
  all.set(before);
  all.set(after, before.length);
  return all;
}
