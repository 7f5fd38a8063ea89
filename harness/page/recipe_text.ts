/** The recipes in plain words. */
import type { PageRecipe } from './settings';

export const recipeLines: Readonly<Record<PageRecipe, { readonly name: string; readonly about: string }>> = {
  digits: {
    name: 'Digits to order:',
    about:
      'the network is told how much noise an image has and which digit it shows, and learns the way from noise to it.',
  },
  tutorial: {
    name: 'The tutorial’s recipe:',
    about: 'the network is told nothing beside the image, and learns what is behind the noise.',
  },
};

/** Training steps, of 256 images each, of the pretrained networks. */
export const PRETRAINED_STEPS = 1370;
