/** Colours for terminals: none for other outputs, nor where NO_COLOR is set. */
import { styleText } from 'node:util';

export type Colour = Parameters<typeof styleText>[0];

/** Node knows which terminals have colours, and NO_COLOR and FORCE_COLOR; a stream that is no terminal lacks the method. */
const hasColours = (stream: NodeJS.WriteStream = process.stdout): boolean => stream.hasColors?.() ?? false;

export const inColour = (colour: Colour, text: string, stream?: NodeJS.WriteStream): string =>
  // Later versions of Node would check again, and only stdout.
  hasColours(stream) ? styleText(colour, text, { validateStream: false }) : text;
