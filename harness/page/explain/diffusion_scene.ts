/** The scene before the others: what diffusion is, with one picture. It needs no network, and so no GPU. */
import { make } from '../shell/dom';
import { Figure, prose } from './parts';
import type { Scene, SceneStage } from './scene';

/** Pictures of the strip, and the digit that they show. */
const STRIP = 7;
const DIGIT = 3;

export class DiffusionScene implements Scene {
  readonly title = 'What is diffusion?';
  readonly element = make('div', { className: 'scene' });
  readonly questions = [];
  readonly reading = [
    ['docs/tutorial.md', 'the tutorial, block by block'],
    ['docs/recipe.md', 'from blots to digits'],
  ] as const;

  constructor({ recording: { x, height, width } }: SceneStage) {
    const strip = new Figure('The same picture with more and more noise', 'wide');
    const size = height * width;
    const bytes = new Uint8Array(STRIP * size);
    for (let i = 0; i < STRIP; i++) {
      const step = Math.round(((STRIP - 1 - i) * (x.length - 1)) / (STRIP - 1));
      bytes.set(x[step].subarray(DIGIT * size, (DIGIT + 1) * size), i * size);
    }
    strip.show({ bytes, height, width, columns: STRIP }, `A ${DIGIT} that noise covers, from left to right`);
    this.element.classList.add('diffusion');
    this.element.append(
      prose(
        'Add noise to a picture again and again until only noise is left. That is easy. Diffusion is the way back: a network learns to {take noise away|denoise}, a {step} at a time, and makes new pictures from noise alone.',
      ),
      strip.element,
    );
  }

  render(): void {}
}
