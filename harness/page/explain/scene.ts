/** What a scene has to do with, and what the tab wants of it. */
import type { App } from '../shell/app';
import type { Recording } from '../shell/recording';
import type { Question } from './question';

export interface Stage {
  /** Undefined where there is no GPU: then scenes show what was recorded. */
  readonly app: App | undefined;
  readonly recording: Recording;
  /** Whether things move by themselves. */
  readonly still: boolean;
  /** Draws the scene anew. */
  readonly changed: () => void;
}

export interface Scene {
  readonly title: string;
  readonly element: HTMLElement;
  /** Files of the project to go on reading, each with what it has. */
  readonly reading: readonly (readonly [path: string, what: string])[];
  /** What it has asked the worker. */
  readonly questions: readonly Question[];
  /** Called while it is shown, whenever something has changed. */
  render(): void;
}

/** The noise that all scenes begin with. */
export const SEED = 20;

/** What stands under recorded pictures: `live` where the reader's own network is about to answer. */
export const recordedWords = (live: boolean) =>
  live
    ? 'Recorded, until the network answers.'
    : 'Recorded, as there is no GPU here: the pretrained network on its way from noise to a digit.';
