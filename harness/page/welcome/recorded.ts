/** Plays the recorded runs of the welcome in a loop. With reduced motion it shows their ends until the user presses Play. */
import { once } from '../../../src/base/load';
import { isGzip } from '../../../src/data/gzip';
import { readSource } from '../../../src/data/source';
import { svg } from '../../text/svg';
import { whole } from '../../text/units';
import { smooth, smoothLoss } from '../runs/losses';
import { anyElement, button, drawSvg, isStill, onClick, setText } from '../shell/dom';
import { ImageView, type Tiles } from '../shell/images';
import { decodeRecording, type Recording } from './recording';
import recordingFile from './recording.gz?bytes';

/** Time of a tick, and the number of extra ticks that the last picture stays. */
const TICK_MS = 130;
const HOLD = 14;

/** The picture to show at a tick, of `count` that come over and over. */
export const pictureAt = (tick: number, count: number, ticksEach: number) =>
  Math.min(Math.floor((tick % (count * ticksEach + HOLD)) / ticksEach), count - 1);

export const loadRecording = once(async () => {
  const bytes = await readSource(await recordingFile(), 'recording.gz');
  if (!isGzip(bytes)) return decodeRecording(bytes); // some servers unpack it
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return decodeRecording(new Uint8Array(await new Response(unpacked).arrayBuffer()));
});

/** The losses as a line, and a mark at the step that is shown. */
function drawLosses(host: HTMLElement, { losses, batch }: Recording['learning']): (step: number) => void {
  const line = smooth(losses, batch);
  const top = Math.max(...line);
  const points = line.map((loss, i) => `${(100 * i) / (line.length - 1)},${40 - (38 * loss) / top}`);
  const stroke = { 'vector-effect': 'non-scaling-stroke' }; // as the drawing is stretched
  const drawing = drawSvg(
    svg(
      'svg',
      { viewBox: '0 0 100 40', preserveAspectRatio: 'none' },
      svg('polyline', { points: points.join(' '), ...stroke }),
      svg('line', { y1: 0, y2: 40, ...stroke }),
    ),
  );
  const mark = drawing.lastElementChild!;
  host.replaceChildren(drawing);
  return (step) => {
    const x = String((100 * step) / losses.length);
    mark.setAttribute('x1', x);
    mark.setAttribute('x2', x);
  };
}

/** Starts as soon as the recording is there. `visible` says whether the welcome is. */
export async function playRecording(visible: () => boolean): Promise<void> {
  const recording = await loadRecording();
  const { height, width, making, learning, x, samples } = recording;
  const tiles = (pictures: readonly Uint8Array[], columns: number): Tiles[] =>
    pictures.map((bytes) => ({ bytes, height, width, channels: 1, columns }));
  const digit = { view: new ImageView('recorded-making'), tiles: tiles(x, 5) };
  const learnt = {
    view: new ImageView('recorded-learning'),
    tiles: tiles(samples, 10),
  };
  const markLoss = drawLosses(anyElement('recorded-losses'), learning);
  setText(
    'recorded-note',
    `Recorded with this page’s own code: the pretrained network, and ${whole(learning.losses.length)} training steps of ${whole(learning.batch)} images.`,
  );

  const show = (step: number, at: number) => {
    digit.view.show(digit.tiles[step]);
    setText('recorded-making-at', step === 0 ? 'noise' : `step ${step} of ${making.steps}`);
    learnt.view.show(learnt.tiles[at]);
    const steps = learning.at[at];
    const loss =
      steps > 0 ? `, loss ${smoothLoss(learning.losses.slice(0, steps), learning.batch)!.toFixed(2)}` : '';
    setText('recorded-learning-at', `${whole(steps)} steps${loss}`);
    markLoss(steps);
  };
  const showAt = (tick: number) =>
    show(pictureAt(tick, digit.tiles.length, 1), pictureAt(tick, learnt.tiles.length, 2));

  let tick = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  const play = (playing: boolean) => {
    clearInterval(timer);
    timer = playing
      ? setInterval(() => {
          if (visible()) showAt(tick++);
        }, TICK_MS)
      : undefined;
    setText('recorded-play', playing ? 'Pause' : 'Play');
  };
  button('recorded-play').disabled = false;
  onClick('recorded-play', () => play(timer === undefined));
  const still = isStill();
  if (still) show(digit.tiles.length - 1, learnt.tiles.length - 1);
  else showAt(0);
  play(!still);
}
