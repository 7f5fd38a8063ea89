/** A sequence of pictures as an animated GIF. */
import { applyPalette, GIFEncoder, quantize } from 'gifenc';
import { type BytePicture, rgba } from './pictures';

/** The palette for pictures of one channel, which it shows exactly. */
const greys = Array.from({ length: 256 }, (_, i) => [i, i, i] as const);

/** All `frames` have the same size; each is shown for `milliseconds`, the last one for longer. */
export function encodeGif(frames: readonly BytePicture[], milliseconds: number): Uint8Array<ArrayBuffer> {
  const gif = GIFEncoder();
  frames.forEach((frame, i) => {
    const { data, width, height, channels } = frame;
    const delay = i === frames.length - 1 ? 6 * milliseconds : milliseconds;
    if (channels === 1) gif.writeFrame(data, width, height, { palette: greys, delay });
    else {
      const colours = rgba(frame);
      const palette = quantize(colours, 256);
      gif.writeFrame(applyPalette(colours, palette), width, height, { palette, delay });
    }
  });
  gif.finish();
  return gif.bytes();
}
