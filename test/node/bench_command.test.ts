/** The bench command as a person runs it, and stops it. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseResult } from '../../harness/bench/read';
import { temporaryFolder } from '../harness/system';
import { testGpu } from '../lanes/gpu';

await testGpu();

test('Ctrl-C ends the command bench, and its files have what was measured until then', async () => {
  const out = temporaryFolder();
  const files = ['json', 'csv', 'markdown', 'svg'].flatMap((name) => [`--${name}`, join(out, name)]);
  const some = '--kernel swish.,swish_,max_pool,mse,copy --batch 4 --budget 20'.split(' ');
  const args = ['harness/run.mjs', 'bench', ...some, ...files];
  const child = spawn(process.execPath, args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      const first = !output.includes('down.');
      output += text;
      if (first && output.includes('down.')) child.kill('SIGINT');
    });
  }
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code, output).toBe(130);
  expect(output).not.toContain('artificially reduced');
  expect(readdirSync(out).sort()).toEqual(['csv', 'json', 'markdown', 'svg']);
  const read = (name: string) => readFileSync(join(out, name), 'utf8');
  const { result } = parseResult('json', read('json'));
  expect(result.end).toBe('stopped');
  expect(result.rows.length).toBeGreaterThan(0);
  expect(result.rows.length).toBeLessThan(20);
  expect(read('csv').split('\r\n')).toHaveLength(result.rows.length + result.skipped.length + 2);
  for (const text of [output, read('markdown')]) expect(text).toContain('Stopped before its end');
  expect(read('svg')).toContain('<svg');
});
