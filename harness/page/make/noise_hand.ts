/** The field of the Make view: a handle that mouse, finger or arrow keys move between four noises, with the digit under it. */

import type { FieldPlace } from '../messages/noise_field';
import { anyElement, setHidden } from '../shell/dom';
import { ImageView, type Tiles } from '../shell/images';
import { handIndex } from './hand';
import type { SampleOrders } from './orders';

/** How far keys move the handle, in percent: across and down. */
const MOVES: Readonly<Record<string, readonly [number, number] | undefined>> = {
  ArrowLeft: [-2, 0],
  ArrowRight: [2, 0],
  ArrowUp: [0, -2],
  ArrowDown: [0, 2],
  PageUp: [0, -10],
  PageDown: [0, 10],
  Home: [-100, 0],
  End: [100, 0],
};
/** The factor by which Shift lengthens the moves of arrows. */
const SHIFT = 5;

const tenth = (percent: number) => Math.round(10 * Math.min(Math.max(percent, 0), 100)) / 10;

/** The place to which a key moves the handle; undefined for other keys. Pure. */
export function movedBy({ across, down }: FieldPlace, key: string, shift: boolean): FieldPlace | undefined {
  const move = MOVES[key];
  const times = shift && key.startsWith('Arrow') ? SHIFT : 1;
  return move && { across: tenth(across + times * move[0]), down: tenth(down + times * move[1]) };
}

/** Returns what shows the hand at its place, the image of `shown` under it, and the map below it. */
export function connectField(orders: SampleOrders): (shown: Tiles) => void {
  const field = anyElement('noise-field');
  const handle = anyElement('noise-handle');
  const digit = new ImageView('noise-digit');
  const map = new ImageView('noise-map');
  let shownOf: Uint8Array | undefined;

  const put = () => {
    const { across, down } = orders.place;
    handle.style.setProperty('--across', String(across / 100));
    handle.style.setProperty('--down', String(down / 100));
    handle.ariaValueNow = String(across);
    handle.ariaValueText = `${across} % to the right, ${down} % down`;
  };
  const go = (place: FieldPlace) => {
    orders.place = place;
    put();
    orders.follow();
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
    const place = movedBy(orders.place, event.key, event.shiftKey);
    if (!place) return;
    event.preventDefault();
    go(place);
  });

  return ({ bytes, ...shape }) => {
    setHidden('field-view', !orders.isFlow);
    if (!orders.isFlow) return;
    put();
    map.show(orders.stage.map);
    if (bytes === shownOf) return;
    shownOf = bytes;
    const size = shape.height * shape.width * shape.channels;
    // There may be fewer than are ordered now.
    const first = Math.min(handIndex(orders.wanted), bytes.length / size - 1) * size;
    digit.show({ ...shape, bytes: bytes.subarray(first, first + size), columns: 1 });
  };
}
