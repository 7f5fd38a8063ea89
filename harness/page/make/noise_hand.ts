/** The field of the Make view: a handle that mouse, finger or arrow keys move between four noises, with the digit under it. */

import type { FieldPlace } from '../messages/noise_field';
import { anyElement } from '../shell/dom';
import { ImageView, type Tiles } from '../shell/images';

/** The step of a key, in percent: alone, and with Shift. */
const STEP = { key: 2, shift: 10 };

const tenth = (percent: number) => Math.round(10 * Math.min(Math.max(percent, 0), 100)) / 10;

/** The place to which a key moves the handle; undefined for other keys. Pure. */
export function movedBy({ across, down }: FieldPlace, key: string, shift: boolean): FieldPlace | undefined {
  const step = shift ? STEP.shift : STEP.key;
  const to: FieldPlace | undefined = {
    ArrowLeft: { across: across - step, down },
    ArrowRight: { across: across + step, down },
    ArrowUp: { across, down: down - step },
    ArrowDown: { across, down: down + step },
    PageUp: { across, down: down - STEP.shift },
    PageDown: { across, down: down + STEP.shift },
    Home: { across: 0, down },
    End: { across: 100, down },
  }[key];
  return to && { across: tenth(to.across), down: tenth(to.down) };
}

export class NoiseHand {
  private readonly field = anyElement('noise-field');
  private readonly handle = anyElement('noise-handle');
  private readonly digit = new ImageView('noise-digit');
  private readonly map = new ImageView('noise-map');
  private place: FieldPlace = { across: 0, down: 0 };
  private shownOf: Uint8Array | undefined;

  /** `moved` is called with each place to which the hand moves the handle. */
  constructor(moved: (place: FieldPlace) => void) {
    const { field, handle } = this;
    const go = (place: FieldPlace) => {
      this.at(place);
      moved(place);
    };
    const toPointer = ({ clientX, clientY }: PointerEvent) => {
      const { left, top, width, height } = field.getBoundingClientRect();
      const { offsetWidth: size } = handle;
      const across = tenth((100 * (clientX - left - size / 2)) / (width - size));
      const down = tenth((100 * (clientY - top - size / 2)) / (height - size));
      go({ across, down });
    };
    field.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      // Not what a press does to text and pictures.
      event.preventDefault();
      field.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      toPointer(event);
    });
    field.addEventListener('pointermove', (event) => {
      if (field.hasPointerCapture(event.pointerId)) toPointer(event);
    });
    handle.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const place = movedBy(this.place, event.key, event.shiftKey);
      if (!place) return;
      event.preventDefault();
      go(place);
    });
  }

  private at({ across, down }: FieldPlace): void {
    this.place = { across, down };
    const { handle } = this;
    handle.style.setProperty('--across', String(across / 100));
    handle.style.setProperty('--down', String(down / 100));
    handle.ariaValueNow = String(across);
    handle.ariaValueText = `${across} % to the right, ${down} % down`;
  }

  /** Shows the hand at a place, one of the images under it, and the map below it. */
  show(place: FieldPlace, { bytes, ...shape }: Tiles, image: number, map: Tiles | undefined): void {
    this.at(place);
    this.map.show(map);
    if (bytes === this.shownOf) return;
    this.shownOf = bytes;
    const size = shape.height * shape.width * shape.channels;
    // There may be fewer than are ordered now.
    const first = Math.min(image, bytes.length / size - 1) * size;
    this.digit.show({ ...shape, bytes: bytes.subarray(first, first + size), columns: 1 });
  }
}
