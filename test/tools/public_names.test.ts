/** What `webgpu-diffusion` exports, as test/package/api.txt has it, without a build; `npm run test:package` compares signatures and other entries. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as library from '../../src/index';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the main entry exports the names in api.txt, and no others', () => {
  const [, entry] = read('../package/api.txt').split(/^# .+\n/m);
  const exported = [...entry.matchAll(/^export (?:declare )?(\w+) (?:\{ )?(\w+)/gm)];
  const values = exported.flatMap(([, kind, name]) => (/^(const|function|class)$/.test(kind) ? name : []));
  expect(Object.keys(library).sort()).toEqual(values.sort());

  const lists = [...read('../../src/index.ts').matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(
    ([, list]) => list.split(','),
  );
  const names = lists.map((name) => name.trim().replace(/^type /, '')).filter(Boolean);
  expect(names.sort()).toEqual(exported.map(([, , name]) => name).sort());
});
