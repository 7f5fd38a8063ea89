/** Shows one training step stage by stage, on the data of that step. */

import type { StepStage } from '../../run/step_list';
import { whole } from '../../text/units';
import type { InsideLayer, Looked, Stepped } from '../messages/inside_messages';
import { anyElement, button, isStill, make, onClick, setHidden, setText } from '../shell/dom';
import { kernelMaps, numberText } from './part_view';
import { largest, type MapGrid, meanMap, paintMaps, pictureMaps } from './shades';

const stages = ['corrupt', 'forward', 'loss', 'backward', 'update'] as const satisfies readonly StepStage[];

/** Time for which a stage is shown, and time in which a layer lights up. */
const STAGE_MS = 2600;
const LAYER_MS = 140;

interface SlowMotionOptions {
  /** Lights up parts of the drawing, which shows the stage from now on; `undefined`: it shows the picture again. */
  readonly show: (stage: StepStage | undefined, lit: ReadonlySet<string>) => void;
  readonly make: () => void;
}

export class SlowMotion {
  private readonly options: SlowMotionOptions;
  private step: Stepped | undefined;
  private looked: Looked | undefined;
  private stage: StepStage | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private playing = false;

  constructor(options: SlowMotionOptions) {
    this.options = options;
    for (const stage of stages) {
      onClick(`stage-${stage}`, () => {
        this.stop();
        this.enter(stage);
      });
    }
    onClick('slow-make', () => options.make());
    onClick('slow-play', () => (this.playing ? this.stop() : this.play()));
  }

  /** The step whose stages are available; undefined if there is none any more. */
  take(step: Stepped | undefined, looked: Looked | undefined): void {
    this.stop();
    this.step = step;
    this.looked = looked;
    this.enter(step ? 'corrupt' : undefined);
    if (step && !isStill()) this.play();
  }

  /** Shows the stage anew, in other colours. */
  draw(): void {
    const { step, looked, stage } = this;
    setHidden('stages', !step);
    for (const each of stages) button(`stage-${each}`).ariaCurrent = each === stage ? 'step' : null;
    setHidden('slow-play', !step);
    setText('slow-play', this.playing ? 'Stop' : 'Play');
    const scene = stage && step && looked ? sceneOf(stage, step, looked) : undefined;
    setHidden('stage', !scene);
    if (!scene) return;
    setText('stage-text', scene.text);
    anyElement('stage-pictures').replaceChildren(...scene.pictures.map(figure));
  }

  private play(): void {
    this.playing = true;
    const from = this.stage === 'update' || !this.stage ? 0 : stages.indexOf(this.stage);
    const next = (at: number) => {
      this.enter(stages[at]);
      if (at + 1 < stages.length) this.timer = setTimeout(() => next(at + 1), STAGE_MS);
      else this.stop();
    };
    next(from);
  }

  private stop(): void {
    this.playing = false;
    clearTimeout(this.timer);
    this.draw();
  }

  private enter(stage: StepStage | undefined): void {
    this.stage = stage;
    this.draw();
    const parts = stage && this.looked ? partsOf(stage, this.looked.layers) : [];
    // With reduced motion all layers light up at once, and a press shows each stage.
    if (isStill() || (stage !== 'forward' && stage !== 'backward')) {
      this.options.show(stage, new Set(parts));
      return;
    }
    const light = (count: number) => {
      if (this.stage !== stage) return;
      this.options.show(stage, new Set(parts.slice(0, count)));
      if (count < parts.length) setTimeout(() => light(count + 1), LAYER_MS);
    };
    light(1);
  }
}

/** The parts of the drawing that a stage is about, in its order. */
function partsOf(stage: StepStage, layers: readonly InsideLayer[]): string[] {
  const names = layers.filter(({ name }) => name !== 'conditioning.hidden').map(({ name }) => name);
  switch (stage) {
    case 'corrupt':
      return ['noisy'];
    case 'forward':
      return names;
    case 'loss':
      return ['prediction', names[names.length - 1]];
    case 'backward':
      return names.toReversed();
    case 'update':
      return names;
  }
}

interface StagePicture {
  readonly title: string;
  readonly maps: MapGrid;
  readonly most: number;
}

interface Scene {
  readonly text: string;
  readonly pictures: readonly StagePicture[];
}

function sceneOf(stage: StepStage, step: Stepped, looked: Looked): Scene {
  const { layers, objective, channels } = looked;
  const mean = channels > 1 ? ' Of the colours the mean is shown, as these numbers have signs.' : '';
  const first = layers.find(({ isConditioning }) => !isConditioning)!;
  const bytes = (title: string, data: Uint8Array) => ({
    title,
    maps: pictureMaps(data, looked),
    most: 1,
  });
  const floats = (title: string, values: Float32Array, most: number) => ({
    title,
    most,
    maps: meanMap(values, looked),
  });
  const kernels = (title: string, values: Float32Array, most: number) => ({
    title,
    most,
    maps: kernelMaps(values, first, 8),
  });
  switch (stage) {
    case 'corrupt': {
      const share = Math.round(100 * step.picture.level);
      const known = layers.some(({ isConditioning }) => isConditioning)
        ? '; the network also gets the noise level and the class of each'
        : '';
      return {
        text: `${whole(step.images)} images are mixed with noise, yours with ${share} %${known}.`,
        pictures: [bytes('yours', step.clean), bytes('with noise', step.noisy)],
      };
    }
    case 'forward': {
      const answer =
        objective === 'flow' ? 'the direction from the image to the noise' : 'the image behind the noise';
      return {
        text: `Layer by layer, the network turns each noisy image into its guess at ${answer}.${mean}`,
        pictures: [bytes('noisy image', step.noisy), floats('its answer', step.output, largest(step.target))],
      };
    }
    case 'loss': {
      const most = largest(step.target);
      const difference = step.output.map((v, i) => v - step.target[i]);
      return {
        text: `The loss says how far the answers are from what they should be: the mean of the squared differences, over all pixels of the ${whole(step.images)} images, is ${numberText(step.loss)}.${mean}`,
        pictures: [
          floats('answer', step.output, most),
          floats('should be', step.target, most),
          floats('difference', difference, most),
        ],
      };
    }
    case 'backward': {
      const { norm, clipNorm } = step;
      const clipped =
        clipNorm !== undefined && norm > clipNorm ? `, and is clipped to ${numberText(clipNorm)}` : '';
      return {
        text: `From the last layer to the first, each layer receives how the loss changes with its maps, and computes how the loss changes with its weights. All of these numbers together are the gradient; its norm is ${numberText(norm)}${clipped}.`,
        pictures: [],
      };
    }
    case 'update': {
      const { before, after } = step.kernels;
      const moved = after.map((v, i) => v - before[i]);
      const most = largest(before);
      const shares = Object.values(step.changes);
      const percent = (share: number) => `${numberText(100 * share)} %`;
      return {
        text: `Adam moves every weight a little against its gradient, at the learning rate ${numberText(step.learningRate)}: layers change by ${percent(Math.min(...shares))} to ${percent(Math.max(...shares))} of their size. The step was made on a copy: the network itself stays as it is.`,
        pictures: [
          kernels(`${first.name} before`, before, most),
          kernels('after', after, most),
          kernels(
            `change, enlarged ${whole(Math.round(most / largest(moved)))} times`,
            moved,
            largest(moved),
          ),
        ],
      };
    }
  }
}

function figure({ title, maps, most }: StagePicture): HTMLElement {
  const canvas = make('canvas', { role: 'img', ariaLabel: title });
  paintMaps(canvas, maps, most);
  return make('div', {}, canvas, make('p', { className: 'muted' }, title));
}
