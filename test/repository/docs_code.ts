/** The programs in README.md, CONTRIBUTING.md and the pages of docs/. */
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const read = (document: string) => readFileSync(new URL(document, root), 'utf8');

/** The documents, by paths from the root of the repository. */
export const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(new URL('docs', root))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

export interface Block {
  readonly document: string;
  /** Where it begins. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** `<!-- path -->`, or a line that ends with a link to a file and a colon, stands before it: these are lines of that file. */
  readonly file?: string;
  /** `<!-- new file path -->` stands before it: that file as a whole, which test/repository/package/guides.ts adds to the project. */
  readonly newFile?: string;
  /** `<!-- not run: reason -->` stands before it: it is only compiled. */
  readonly notRun?: string;
  /** `<!-- run by path -->` stands before it: that test runs it, with what it needs around it. */
  readonly runBy?: string;
}

/** The blocks of code of a document, in order. */
export function blocksOf(document: string, text = read(document)): Block[] {
  const pattern = /^(?:<!-- (.+) -->\n|.*\[`(.+)`\]\(\.\.\/\2\):\n)?```(\w+)\n([\s\S]*?)^```/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const [_, comment, link, language, code] = match;
    const marker = comment ?? link;
    const notRun = (/^not run: (.+)/.exec(marker ?? '') ?? [])[1];
    const runBy = (/^run by (.+)/.exec(marker ?? '') ?? [])[1];
    const newFile = (/^new file (.+)/.exec(marker ?? '') ?? [])[1];
    const file = notRun || runBy || newFile ? undefined : marker;
    const line = text.slice(0, match.index).split('\n').length + Number(marker !== undefined);
    return { document, line, language, code, file, newFile, notRun, runBy };
  });
}

/** The texts between ```language and ```, of a page of docs/, in order. */
export const codeOf = (page: string, language: string): string[] =>
  blocksOf(`docs/${page}`)
    .filter((block) => block.language === language)
    .map(({ code }) => code);

/** The commands that a document says to run, in order, as words. */
export const commandsOf = (document: string): string[][] =>
  blocksOf(document)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.trim().split('\n'))
    .map((line) => line.replace(/ +#.*/, '').split(' '));
