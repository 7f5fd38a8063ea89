import { dataError, EngineError } from '../base/errors';

/** Whether `bytes` begin like gzip. Names and content types are less reliable: some servers unpack `.gz` files on the way. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Deflate packs at most 258 bytes into 2 bits, so no valid file unpacks to more than this many times its size. */
const maxRatio = 1032;

/**
 * Unpacks gzip whose content states its length in its first bytes, and stops as soon as more arrives: a few kilobytes can unpack to
 * gigabytes. The result may be shorter than promised; the caller must check that.
 *
 * @param packed the gzip bytes
 * @param name their name in errors
 * @param headSize the number of bytes that `promisedSize` needs; it gets fewer only if there are no more
 * @param promisedSize returns the length in bytes that the content states for itself; may throw
 * @throws EngineError `data` if the gzip is damaged, or contains or promises more than is possible; the signal's reason if aborted
 */
export async function gunzip(
  packed: Uint8Array,
  name: string,
  headSize: number,
  promisedSize: (head: Uint8Array) => number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = inSlices(packed).pipeThrough(new DecompressionStream('gzip')).getReader();
  const content = new Content(packed.length, name, headSize, promisedSize);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) return content.finish();
      content.add(value);
    }
  } catch (cause) {
    // The stream may already have failed; cancelling then repeats its error.
    reader.cancel().catch(() => {});
    if (cause instanceof EngineError || signal?.aborted) throw cause;
    const { message = '' } = Object(cause) as Partial<Error>;
    const why = message && ` (${message.replace(/\.$/, '')})`;
    throw dataError(`${name} is gzip, but does not unpack${why}. Download it again.`, {
      cause,
    });
  }
}

/** The content unpacked so far. Its memory grows with the bytes that arrived, not with the promised length, which may be far larger. */
class Content {
  private readonly packedSize: number;
  private readonly name: string;
  private readonly headSize: number;
  private readonly promisedSize: (head: Uint8Array) => number;
  /** Known once the head has arrived. */
  private promised: number | undefined;
  private memory = new Uint8Array(0);
  private filled = 0;

  constructor(
    packedSize: number,
    name: string,
    headSize: number,
    promisedSize: (head: Uint8Array) => number,
  ) {
    this.packedSize = packedSize;
    this.name = name;
    this.headSize = headSize;
    this.promisedSize = promisedSize;
  }

  add(chunk: Uint8Array): void {
    const needed = this.filled + chunk.length;
    if (needed > this.memory.length) {
      // Never more than twice the bytes that arrived.
      const twice = Math.min(2 * this.memory.length, this.promised ?? needed);
      const larger = new Uint8Array(Math.max(needed, twice));
      larger.set(this.memory);
      this.memory = larger;
    }
    this.memory.set(chunk, this.filled);
    this.filled = needed;
    if (needed >= this.headSize) this.checkPromise();
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.checkPromise();
    return this.memory.subarray(0, this.filled);
  }

  private checkPromise(): void {
    const { name, packedSize, filled } = this;
    this.promised ??= this.promisedSize(this.memory.subarray(0, filled));
    const most = packedSize * maxRatio;
    if (this.promised > most) {
      throw dataError(
        `${name} promises ${this.promised} bytes, but ${packedSize} bytes of gzip cannot hold more than ${most}. ` +
          'It is damaged or cut short; download it again.',
      );
    }
    if (filled > this.promised) {
      throw dataError(
        `${name} unpacks to more than the ${this.promised} bytes that its header promises. ` +
          'It is damaged or not what it says it is; download it again.',
      );
    }
  }
}

/** Cuts the input into slices, so that one turn of the decompressor produces at most 17 MB before its length is checked. */
function inSlices(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  const step = 1 << 14;
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + step));
      at += step;
    },
  });
}
