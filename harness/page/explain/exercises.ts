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
    lead: 'step',
    press: 'Press Step, and unfold After the run: ten bars show the held-out loss, by noise level.',
    answer:
      'The lowest level: its loss is about 0.5, where the middle has 0.15 and the highest level 0.25. The network predicts the difference of noise and image. In a nearly clean image the noise cannot be seen; in nearly pure noise the image cannot.',
    scene: 2,
    text: 'recipe',
  },
  pixel: {
    question: 'Which pixel made the stroke?',
    search: '?task=inside',
    lead: 'inside-shaders',
    press: '',
    answer: '',
    scene: 2,
    text: 'tutorial',
  },
  calls: {
    question: 'What does one network call make?',
    search: '?recipe=digits&text=2026&noise=123&steps=1&method=euler&guidance=1&left=&right=&task=sample',
    lead: 'sample',
    press: 'Press Make.',
    answer:
      'Smears: of the pixels with ink, 88 % are grey, and with eight calls 39 %. From pure noise, the guess with the smallest error is the mean of all such digits. Each further call begins with less noise, and fewer digits remain possible.',
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
    press: 'Move Noise to 100 %, choose a class at Given class, then none.',
    answer:
      'With a class, the network sees the mean of its digits; with none, the mean of all digits, a smear that fits none of them. Training leaves out the class of one image in twenty, so that the network can do both; guidance needs both.',
    scene: 4,
    text: 'recipe',
  },
  kernel: {
    question: 'What does Check do with a broken kernel?',
    search: '?task=inside',
    lead: 'inside-list',
    press:
      'Unfold The dispatches of a training step, open the row adam, and press Edit. Delete “/ state.correction1” in main, and press Try it.',
    answer:
      'It is refused. The loss would still fall with such an update, which is Adam without one of its bias corrections; but every element is compared with the reference, and the worst is shown.',
    scene: 4,
    text: 'kernels',
  },
} satisfies Readonly<Record<string, Exercise>>;

/** An exercise as Markdown, for a page in docs/. */
export const asMarkdown = ({ question, search, press, answer }: Exercise) =>
  `**${question}** [Open the view](../${search}). ${press}\n\n<details><summary>Answer</summary>\n\n${answer}\n\n</details>\n`;
