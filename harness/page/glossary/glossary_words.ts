/** Technical words, each explained in a sentence or two. One list for the whole page. */

export const glossary = {
  batch:
    'The images that the network looks at in one training step. Their errors are averaged, so a larger batch gives a steadier direction and takes longer.',
  denoise: 'To take noise away: to guess, from a noisy image, the clean one behind it.',
  distil:
    'To teach a copy of a network to go from noise to an image in one or two calls, where the network itself needs many small steps.',
  epoch: 'One pass over all training images: as many steps as there are batches.',
  'gaussian noise': 'Random numbers around 0: most are small, few are beyond 2 or below −2 (the bell curve).',
  guidance:
    'How strongly a sampling step follows the class. The network is called twice, with the class and without, and the step goes this many times as far as the two differ. A higher value makes clearer digits, which are also more alike.',
  'learning rate':
    'How far a training step moves the parameters. If it is too high, learning falls apart; if it is too low, learning takes very long.',
  loss: 'One number for how wrong the network is: the mean of its squared errors, over all pixels and all images of a batch. Training makes it smaller.',
  'noise level': 'The share of noise in an image, called t: 0 is the clean image, 1 is nothing but noise.',
  'network call':
    'One run of the network on the images: nearly all of the work. A step of sampling takes one call, or two with guidance; a distilled network goes from noise to images in one or two.',
  parameter:
    'A number inside the network that training adjusts. The networks of this page have 310,000 to 370,000.',
  sample: 'An image that the network makes out of noise.',
  seed: 'The number from which all random numbers follow. The same seed gives the same noise, and so the same result.',
  'skip connection':
    'A way around the small middle of the network: what a layer sees on the way down is added on the way back up, so that fine detail survives.',
  step: 'In training: the network sees one batch, and all parameters move a little. In sampling: the network is called, and the image moves a little towards its prediction.',
} as const;

export type Word = keyof typeof glossary;

export const isWord = (text: string | undefined): text is Word =>
  text !== undefined && Object.hasOwn(glossary, text);
