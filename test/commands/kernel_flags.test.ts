/** --tune, --no-tune, --variants. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { kernelChoice } from '../../harness/cli/kernel_flags';
import { temporaryFolder } from '../lib/system';

const folder = temporaryFolder(afterAll);

/** The path of a file with this content. */
async function file(content: unknown, name = 'variants.json'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const variants = { 'conv2d/down.1': 'winograd7', 'conv2d/up.2': 'one_output' };
type Flags = Parameters<typeof kernelChoice>[0];

test.each<[string, Flags, object]>([
  ['nothing', {}, {}],
  ['--no-tune', { 'no-tune': true }, { tune: false }],
  ['a list', { variants: 'conv2d/down.1=winograd7, conv2d/up.2=one_output' }, { variants }],
  ['a JSON file', { variants: await file(variants) }, { variants }],
  ['a run', { variants: await file({ settings: { seed: 1, variants } }, 'run.json') }, { variants }],
])('kernels are chosen by %s', async (_, flags, choice) => {
  expect(await kernelChoice(flags)).toEqual(choice);
});

const nothing = ['', 'null', '{"settings": {"variants": []}}'];
test.each<[Flags, string]>([
  [{ tune: true, variants: 'a/b=c' }, '--tune and --variants'],
  [{ variants: 'conv2d/down.1=' }, '"conv2d/down.1="; it must be KERNEL/LAYER=VARIANT'],
  [{ variants: 'a/b=c,d' }, '"d"'],
  [{ variants: 'a/b=c,a/b=d' }, 'twice'],
  [{ variants: join(folder, 'none') }, 'no such file'],
  ...(await Promise.all(
    nothing.map(
      async (content, i): Promise<[Flags, string]> => [
        { variants: await file(content, `nothing${i}`) },
        'holds no variants',
      ],
    ),
  )),
])(
  'kernel flags that contradict each other or cannot be read are refused in one line: %j',
  async (flags, why) => {
    const { message } = await kernelChoice(flags).then(
      () => new Error('none'),
      (error) => error,
    );
    expect(message).toContain(why);
    expect(message.split('\n')).toHaveLength(1);
  },
);
