/** The names of classes, and the text that orders them. Shared by the page and the command line. Pure. */
import { printable, show } from '../../src/base/errors';
import type { ImageSet } from '../../src/data/idx';

/** The classes that a network is conditioned on, or that a data set has. */
export interface Classes {
  /** Number of classes; 0 for none. */
  readonly classes: number;
  /** Names by label. A class without a name is called by its label. */
  readonly classNames?: readonly string[] | undefined;
}

/** Number of classes of labelled images, which are counted from 0. */
export const countClasses = ({ labels, classNames }: Pick<ImageSet, 'labels' | 'classNames'>) =>
  labels && (classNames?.length ?? labels.reduce((most, label) => Math.max(most, label), 0) + 1);

/** The most characters of a name that is shown. */
const LONGEST = 24;
/** The most images that a text orders. */
const MOST = 60;
/** The most names that a message lists. */
const LISTED = 10;

/** Browsers without WebGPU, which play the recording, may lack it. */
const segmenter =
  'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : undefined;
/** What a reader takes for one character may have several code points. */
const charactersOf = (text: string): string[] =>
  segmenter ? Array.from(segmenter.segment(text), ({ segment }) => segment) : [...text];

const wholeName = (label: number, classNames: Classes['classNames']) =>
  classNames?.[label]?.trim() || String(label);

/** A user-given name, shortened for display: on one line, cut after 24 characters. */
export function shownName(given: string): string {
  const name = printable(given.replace(/\s+/g, ' '), 1000);
  const characters = charactersOf(name);
  return characters.length <= LONGEST ? name : `${characters.slice(0, LONGEST - 1).join('')}…`;
}

/** The name of a class as it is shown. */
export const labelName = (label: number, classNames: Classes['classNames']): string =>
  shownName(wholeName(label, classNames));

/** All names as they are shown, by label. */
export const shownNames = ({ classes, classNames }: Classes): string[] =>
  Array.from({ length: classes }, (_, label) => labelName(label, classNames));

/** Whether the classes are numbers, called by their labels. */
export const areNumbers = ({ classes, classNames }: Classes): boolean =>
  Array.from({ length: classes }, (_, label) => label).every(
    (label) => wholeName(label, classNames) === String(label),
  );

/** Whether all names have one character, so that classes make a word: HELLO, 2026. Others are listed with commas between. */
export const isSpelled = (of: Classes): boolean =>
  shownNames(of).every((name) => charactersOf(name).length === 1);

/** An example of a text that orders classes. */
export function exampleText(of: Classes): string {
  if (areNumbers(of) && of.classes === 10) return '2026';
  const names = shownNames(of);
  return isSpelled(of) ? names.slice(0, 5).join('') : names.slice(0, 2).join(', ');
}

/** The classes in words: `0 to 9`, `A to Z`, `cat, dog`, or the first ten and how many more there are. */
export function listClasses(of: Classes): string {
  if (areNumbers(of)) return of.classes > 1 ? `0 to ${of.classes - 1}` : '0 alone';
  const names = shownNames(of);
  const follows = (name: string, i: number) =>
    name.length === 1 && name.charCodeAt(0) === names[0].charCodeAt(0) + i;
  if (names.length > 2 && names.every(follows)) return `${names[0]} to ${names.at(-1)}`;
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${names.slice(0, LISTED).join(', ')}${more}`;
}

/** The classes that a text orders, by label, one for each image; or the problem with it, as a sentence. Capitals matter only where names differ by them alone. */
export function labelsIn(
  text: string,
  of: Classes,
): { labels: number[]; problem?: undefined } | { labels?: undefined; problem: string } {
  const names = Array.from({ length: of.classes }, (_, label) => wholeName(label, of.classNames));
  const exact = new Map(names.map((name, label) => [inParts(name), label] as const).toReversed());
  const any = new Map(names.map((name, label) => [inParts(name).toLowerCase(), label] as const).toReversed());
  const labelOf = (part: string) => exact.get(part) ?? any.get(part.toLowerCase());
  const spelled = isSpelled(of);
  const parts = spelled
    ? charactersOf(text).filter((part) => labelOf(part) !== undefined || !/^[\s,]*$/.test(part))
    : inParts(text)
        .split(',')
        .filter((part) => part !== '');
  const labels: number[] = [];
  for (let at = 0; at < parts.length; ) {
    // A name may have commas: the longest one counts.
    let end = spelled ? at + 1 : parts.length;
    while (end > at + 1 && labelOf(parts.slice(at, end).join(',')) === undefined) end--;
    const label = labelOf(parts.slice(at, end).join(','));
    if (label === undefined) {
      const commas = spelled ? '' : ', with commas between';
      return {
        problem: `There is no class ${show(parts[at])}; this network makes ${listClasses(of)}${commas}.`,
      };
    }
    labels.push(label);
    at = end;
  }
  if (labels.length <= MOST) return { labels };
  return { problem: `The text orders ${labels.length} images; at most ${MOST} are made at once.` };
}

/** A name or a list of names without spaces around its commas. */
const inParts = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim().replace(/\s+/g, ' '))
    .join(',');
