/** Faces of the device, as fonts and browsers draw them: which are taken, and what is said where there are too few. */
import { expect, test, vi } from 'vitest';
import { drawFaces } from '../../../harness/page/worker/faces';

type Colour = readonly [red: number, green: number, blue: number];
/** The colour in which a font draws the whole of a character; undefined: nothing. */
type Font = (code: number) => Colour | undefined;

const WHITE: Colour = [255, 255, 255];
const TOFU: Colour = [200, 0, 0];
const MISSING = 0x10fffd;
const colourful: Font = (code) => (code === MISSING ? TOFU : [code % 251, code % 241, 7]);

/** A canvas with this font, whose blank paper is read as `paper`. */
function canvasWith(font: Font, paper = WHITE) {
  let drawn: Colour = paper;
  const context = {
    font: '',
    fillStyle: '',
    measureText: () => ({
      actualBoundingBoxLeft: 0,
      actualBoundingBoxRight: 50,
      actualBoundingBoxAscent: 40,
      actualBoundingBoxDescent: 10,
    }),
    fillRect: () => {
      drawn = paper;
    },
    fillText: (text: string) => {
      drawn = (text && font(text.codePointAt(0)!)) || paper;
    },
    getImageData: (_x: number, _y: number, width: number, height: number) => {
      const data = Uint8Array.from({ length: 4 * width * height }, (_, at) => [...drawn, 255][at % 4]);
      return { width, height, data };
    },
  };
  return class {
    getContext() {
      return context;
    }
  };
}

const drawnWith = (canvas: unknown) => {
  vi.stubGlobal('OffscreenCanvas', canvas);
  return drawFaces();
};

test('faces are of 32 x 32 pixels in colour, each once; those that the font has not, in no colour or not, are left out', async () => {
  const font: Font = (code) => {
    if (code === 0x1f600) return undefined;
    if (code === 0x1f601) return [90, 90, 91];
    if (code === 0x1f602) return TOFU;
    return colourful(code === 0x1f603 ? 0x1f604 : code);
  };
  const { images, shrunk } = await drawnWith(canvasWith(font));
  const { count, height, width, channels, name } = images;
  // Of 105: one is blank, one grey, one missing, and two are equal.
  expect({ count, height, width, channels, name, shrunk }).toEqual({
    count: 105 - 4,
    height: 32,
    width: 32,
    channels: 3,
    name: 'Faces of this device',
    shrunk: true,
  });
  expect(images.images.length).toBe(count * 32 * 32 * 3);
});

test.each([
  [
    'few faces',
    canvasWith((code) => (code < 0x1f62a ? colourful(code) : TOFU)),
    'has 42 coloured faces; 60 are needed',
  ],
  ['a font without colours', canvasWith(() => [3, 3, 3]), 'has 0 coloured faces; 60 are needed'],
  [
    'a canvas that is read as noise',
    canvasWith(colourful, [255, 9, 80]),
    'keeps pages from reading what they draw',
  ],
  [
    'no canvas',
    class {
      getContext = () => null;
    },
    'draws no text for this page',
  ],
])('%s: the browser’s page says so', async (_, canvas, message) => {
  const count = drawnWith(canvas).then(({ images }) => images.count);
  await expect(count).rejects.toThrow(message);
});
