import { describe, expect, it } from 'vitest';
import { closeFrame, createFrameBoundary } from '../../src/gateway/relay/frame-boundary.ts';

/** A frame as a server sends it, with its length in one, two or eight bytes. */
function frame(length: number, { masked = false } = {}): Buffer {
  const mask = masked ? 0x80 : 0;
  const extended = length < 126 ? Buffer.alloc(0) : Buffer.alloc(length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = length < 126 ? length : extended.length === 2 ? 126 : 127;
  // What it carries looks like the head of another frame.
  return Buffer.concat([
    Buffer.from([0x82, short | mask]),
    extended,
    Buffer.alloc(masked ? 4 : 0, 0xff),
    Buffer.alloc(length, 0x81),
  ]);
}

describe('The boundary of frames', () => {
  const FRAMES = [
    frame(0),
    frame(5),
    frame(125),
    frame(126),
    frame(65_535),
    frame(65_536),
    frame(70_000, { masked: true }),
    frame(1),
  ];

  it.each([1, 2, 3, 7, 1024, 1_000_000])('is found in pieces of %i bytes', (size) => {
    const boundary = createFrameBoundary();
    const ends = new Set<number>();
    let end = 0;
    for (const each of FRAMES) {
      end += each.length;
      ends.add(end);
    }
    const all = Buffer.concat(FRAMES);
    for (let at = 0; at < all.length; at += size) {
      boundary.push(all.subarray(at, at + size));
      const position = Math.min(at + size, all.length);
      expect(boundary.isBetweenFrames, String(position)).toBe(ends.has(position));
    }
  });
});

describe('A close frame', () => {
  it('has the code and the reason', () => {
    expect(closeFrame(4401, 'cutoff').toString('latin1')).toBe('\x88\x08\x11\x31cutoff');
  });
});
