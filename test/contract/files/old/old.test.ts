/**
 * Files, addresses and kept runs of the version before names were changed (commit 878f17a): they open and mean the same. The page's kept run is
 * continued by page/driven/survival.test.ts. Do not make these files anew.
 */
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { parseResult } from '../../../../harness/bench/read';
import { listEntries } from '../../../../harness/bench/rows';
import { parseQuery, type Settings, toQuery } from '../../../../harness/page/messages/settings';
import { fnv1a } from '../../../../src/base/hash';
import { loadModel } from '../../../../src/index';
import { RunStore } from '../../../../src/keeping/store';
import { loadCheckpoint } from '../../../../src/weights/checkpoint';
import { FakeLocks, FakeStorage } from '../../../lib/fake_storage';
import addresses from './addresses.json';
import files from './files.json';
import pageRun from './page_run.json';

const read = (file: string) => readFileSync(new URL(file, import.meta.url));
const hashOf = (values: Float32Array) =>
  fnv1a(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));

test.each(Object.entries(files))('an earlier file loads with the same content: %s', (file, before) => {
  const open = file.includes('checkpoint') ? loadCheckpoint : loadModel;
  const { parameters, ...model } = open(read(file), file);
  const hashes = Object.fromEntries([...parameters].map(([name, values]) => [name, hashOf(values)]));
  // As JSON has it: typed arrays as arrays, and what is undefined left out.
  const said = JSON.parse(
    JSON.stringify({ ...model, state: undefined }, (_, value) =>
      ArrayBuffer.isView(value) ? [...(value as Float32Array)] : value,
    ),
  );
  expect({ ...said, parameters: hashes }).toEqual(before);
});

test.each(addresses)('an earlier address means the same: $address', ({ address, settings, query }) => {
  const parsed = parseQuery(address);
  expect(parsed.notices).toEqual([]);
  // There may be more settings today, Explain begins one scene earlier, a run with what suits its images, and Make takes 8 calls.
  const { scene, begin, calls, ...others } = settings;
  const given = Object.entries({ scene, begin, calls }).filter(([key]) => address.includes(`${key}=`));
  const meant = { ...others, ...Object.fromEntries(given) };
  expect(parsed.settings).toMatchObject(meant);
  expect(toQuery({ ...parsed.settings, ...(meant as Partial<Settings>) })).toBe(
    query.replace('&calls=8', ''),
  );
});

test('a result of an earlier bench is read', () => {
  const { result } = parseResult('bench.json', read('bench.json').toString());
  expect(result.rows.length).toBeGreaterThan(0);
});

test('a result of an earlier bench is read with the kernel names of today', () => {
  const old = JSON.parse(read('bench.json').toString());
  const [row] = old.rows;
  const rowOf = (kernel: string) => ({ ...row, kernel, layer: 'input', shaders: [kernel] });
  const rows = ['corrupt', 'corrupt_flow', 'uniform_noise', 'gaussian_noise'].map(rowOf);
  const inUse = { 'corrupt_flow/batch': 'plain', 'conv2d/down.1': 'direct' };
  const skipped = [{ kernel: 'gaussian_noise', variant: 'plain', layer: '', reason: 'corrupt_flow' }];
  const { result } = parseResult('old.json', JSON.stringify({ ...old, rows, inUse, skipped }));
  expect(result.rows.map(({ kernel, layer, shaders }) => [kernel, layer, shaders])).toEqual([
    ['corrupt', 'input', ['corrupt']],
    ['corrupt', 'flow', ['corrupt.flow']],
    ['noise', 'uniform', ['noise']],
    ['noise', 'gaussian', ['noise.gaussian']],
  ]);
  // The names that the bench gives them now, with which it compares.
  const now = listEntries(4).map(({ name, layer }) => `${name} ${layer}`);
  for (const { kernel, layer } of result.rows) expect(now).toContain(`${kernel} ${layer}`);
  expect(result.inUse).toEqual({ 'corrupt/batch': 'plain', 'conv2d/down.1': 'direct' });
  expect(result.skipped).toEqual([{ ...skipped[0], kernel: 'noise' }]);
});

test('a run that a page kept in an earlier version is listed, with its notes', async () => {
  const storage = new FakeStorage();
  const runs = await storage.root.getDirectoryHandle('webgpu-diffusion-runs', { create: true });
  const folder = await runs.getDirectoryHandle(pageRun.id, { create: true });
  const file = await folder.getFileHandle(pageRun.file, { create: true });
  const access = await file.createSyncAccessHandle();
  access.write(Uint8Array.from(read('page_run.safetensors')), { at: 0 });
  access.close();
  const [run] = await (await RunStore.open(storage.root, new FakeLocks())).list();
  expect(run).toMatchObject({ id: pageRun.id, step: pageRun.kept, objective: 'tutorial', held: false });
  expect([...run.losses]).toEqual(pageRun.losses.slice(0, pageRun.kept));
  vi.stubGlobal('localStorage', {
    getItem: (key: string) =>
      key === 'webgpu-diffusion-run-notes' ? JSON.stringify({ [pageRun.id]: pageRun.notes }) : null,
  });
  const { readNotes } = await import('../../../../harness/page/runs/run_notes');
  expect(readNotes()).toEqual({ [pageRun.id]: pageRun.notes });
  vi.unstubAllGlobals();
});
