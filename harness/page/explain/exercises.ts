/** Six exercises: questions that a reader answers with the page. They stand at the ends of scenes and of texts (harness/tools/build/texts_pages.ts). */
import type { TextName } from '../sources/texts';

export interface Exercise {
  readonly question: string;
  /** The address of the view that answers it, and the element there that gets the focus and unfolds. */
  readonly search: string;
  readonly lead: string;
  /** What to press there. */
  readonly press: string;
  readonly answer: string;
  /** The scene and the text at whose ends it stands. */
  readonly scene: number;
  readonly text: TextName;
}

export const exercises = {
  level: {
    question: 'Which noise level is hardest?',
    search: '?recipe=digits&begin=pretrained&task=train',
    lead: 'train',
    press: 'Press Train, and unfold After the run: ten bars show the held-out loss, by noise level.',
    answer:
      'The lowest level: its loss is 0.5 or more, where the middle has less than 0.2. The network predicts the difference of noise and image, and in a nearly clean image the noise cannot be seen. At 0.8 the loss is higher again: there the image cannot be seen. (The error of the guessed image, which Explain draws, only rises with the noise.)',
    scene: 2,
    text: 'recipe',
  },
  pixel: {
    question: 'Which pixel makes the stroke in a map?',
    search: '?task=inside',
    lead: 'inside-level',
    press: 'Move Noise to 0 %. Choose map 32 of down.0, and press its darkest pixel, in row 14 and column 8.',
    answer:
      'The pixel below the middle of the window: 0.99 of ink times 0.478 is 0.474, the largest of 25 products. Together they are 2.87, and paper counts, too: at the left, −1 meets negative weights. So this map is dark where a stroke begins right of paper.',
    scene: 2,
    text: 'tutorial',
  },
  calls: {
    question: 'What does one network call make?',
    search: '?recipe=digits&text=2026&noise=123&steps=1&method=euler&guidance=1&left=&right=&task=sample',
    lead: 'sample',
    press: 'Press Make.',
    answer:
      'Smears: of the pixels with more than a fifth of the ink, 92 % are grey, and with eight calls 46 %. From pure noise, the guess with the smallest error is the mean of all such digits. Each further call begins with less noise, and fewer digits remain possible.',
    scene: 3,
    text: 'recipe',
  },
  guidance: {
    question: 'Why is guidance 4 bolder than guidance 1?',
    search: '?recipe=digits&text=2026&noise=123&left=guidance-1&right=guidance-4&task=sample',
    lead: 'sample',
    press: 'Press Make.',
    answer:
      'The right column has 1.6 times the ink. Guidance takes the prediction for the digit, and goes on in the direction away from the prediction without it: four times as far at 4. What makes a digit that digit is its strokes, so these grow.',
    scene: 3,
    text: 'recipe',
  },
  without: {
    question: 'What happens without the class?',
    search: '?task=inside',
    lead: 'inside-label',
    press: 'Move Noise to 100 %. Choose one class after the other at Given class, then none.',
    answer:
      'With a class, the network sees the mean of its digits; with none, the mean of all digits, a smear that fits none of them. Training leaves out the class of one image in twenty, so that the network can do both; guidance needs both.',
    scene: 4,
    text: 'recipe',
  },
  kernel: {
    question: 'What does Check do with a broken kernel?',
    search: '?task=inside',
    lead: 'inside-shaders',
    press:
      'In the dispatches of a training step, open the row adam, and press Edit. Delete “/ state.correction1” in main, and press Try it.',
    answer:
      'It is refused. The loss would still fall with such an update, which is Adam without one of its bias corrections; but every element is compared with the reference, and the worst is shown.',
    scene: 4,
    text: 'kernels',
  },
} satisfies Readonly<Record<string, Exercise>>;

/** An exercise as Markdown, for a page in docs/. */
export const asMarkdown = ({ question, search, press, answer }: Exercise) =>
  `**${question}** [Open the view](../${search}). ${press}\n\n<details><summary>Answer</summary>\n\n${answer}\n\n</details>\n`;
