/**
 * From the recipe `tutorial` to the recipe `digits`, a change at a time: the numbers of docs/recipe.md, 1,000 samples each (a test compares).
 * The picture, docs/images/recipe-steps.png, has a row for each of the first seven changes.
 */
interface RecipeStep {
  /** The step's name in docs/recipe.md. */
  readonly name: string;
  /** The change and its reason. Words in braces explain themselves. */
  readonly about: string;
  /** Percent of the samples that a classifier is sure of. */
  readonly accepted: number;
  /** Training steps of 256 images. */
  readonly after: number;
}

export const recipeSteps: readonly RecipeStep[] = [
  {
    name: 'the tutorial',
    about:
      'The network sees a mix of image and noise and guesses the image. It does not get the noise level, so it must guess that, too.',
    accepted: 10.6,
    after: 200,
  },
  {
    name: 'greys, no last activation',
    about:
      'Images keep their greys, and the last layer can give any number. This brings nothing by itself, but the rest needs it.',
    accepted: 15.5,
    after: 200,
  },
  {
    name: 'given the noise level',
    about: 'The {noise level} goes in, as a small bias for each channel. By itself that helps little, too.',
    accepted: 11.0,
    after: 200,
  },
  {
    name: 'Gaussian noise, velocity',
    about:
      'The network predicts noise − image, the {velocity}. Sampling goes against it, from noise to image, and no longer ends in blots.',
    accepted: 15.7,
    after: 200,
  },
  {
    name: 'three times the rate, clipped',
    about:
      'A {learning rate} three times as high, made safe: gradients that are too long are shortened, and the first steps are small.',
    accepted: 27.1,
    after: 200,
  },
  {
    name: 'given the class',
    about:
      'The network also gets the digit that the image shows. It no longer has to guess it, and you can ask for a digit.',
    accepted: 55.5,
    after: 200,
  },
  {
    name: 'guidance 2',
    about:
      'The same network, called twice in each step: with the digit, and without. {Guidance|guidance} goes twice as far as the difference.',
    accepted: 86.5,
    after: 200,
  },
  {
    name: 'averaged weights, after 400 steps',
    about:
      'After twice as many steps, 92.2 % are accepted; 93.9 % with the mean of the weights over the last steps, which varies less than the weights.',
    accepted: 93.9,
    after: 400,
  },
];
