/** Colours for terminals: none elsewhere, nor where NO_COLOR asks for none. */
import { styleText } from 'node:util';

export type Colour = Parameters<typeof styleText>[0];

/** Node knows which terminals have colours, NO_COLOR and FORCE_COLOR; what is not a terminal lacks the method. */
export const hasColours = (stream: NodeJS.WriteStream = process.stdout): boolean =>
  stream.hasColors?.() ?? false;

export const paint = (colour: Colour, text: string, stream?: NodeJS.WriteStream): string =>
  // Later versions of Node would ask again, and stdout only.
  hasColours(stream) ? styleText(colour, text, { validateStream: false }) : text;
