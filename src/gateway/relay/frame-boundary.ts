/** Follows what a WebSocket server sends, to know where another frame may be put in between. */
export interface FrameBoundary {
  push(bytes: Uint8Array): void;
  /** Whether the last frame so far is complete. */
  readonly isBetweenFrames: boolean;
}

const MASKED = 0x80;
const MASK_BYTES = 4;
/** Lengths up to here stand in the second byte; these two say in how many bytes behind it the length stands. */
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;

/** Reads the heads of frames (RFC 6455, 5.2) and skips what they carry. */
export function createFrameBoundary(): FrameBoundary {
  let head: number[] = [];
  let left = 0;
  return {
    push(bytes) {
      let at = 0;
      while (at < bytes.length) {
        const skipped = Math.min(left, bytes.length - at);
        left -= skipped;
        at += skipped;
        if (left > 0 || at >= bytes.length) return;
        head.push(bytes[at] ?? 0);
        at += 1;
        const length = lengthBehind(head);
        if (length === undefined) continue;
        left = length;
        head = [];
      }
    },
    get isBetweenFrames() {
      return left === 0 && head.length === 0;
    },
  };
}

/** How many bytes follow a head; undefined while it is not complete. */
function lengthBehind([_first, second, ...more]: readonly number[]): number | undefined {
  if (second === undefined) return undefined;
  const short = second & ~MASKED;
  const lengthBytes = short === LENGTH_IN_8_BYTES ? 8 : short === LENGTH_IN_2_BYTES ? 2 : 0;
  if (more.length < lengthBytes) return undefined;
  const length = lengthBytes === 0 ? short : more.reduce((sum, byte) => sum * 256 + byte, 0);
  return length + ((second & MASKED) === 0 ? 0 : MASK_BYTES);
}

const FINAL_CLOSE = 0x88;

/** A close frame as a server sends it (RFC 6455, 5.5.1): not masked, with a code and up to 123 bytes of reason. */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = FINAL_CLOSE;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}
