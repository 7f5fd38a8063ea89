/** The trained networks that come along: the right ones, and small. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hashOfNumbers } from '../../../src/base/hash';
import { loadPretrained, type PretrainedName, pretrainedNames } from '../../../src/pretrained/pretrained';
import { recipes } from '../../../src/recipes';
import { checkConfig, listParameters } from '../../../src/unet/config';

test.each(pretrainedNames)(
  'loadPretrained %s: the network of its recipe, in a file of at most 0.78 MB',
  async (name) => {
    const { network, trainer } = recipes[name === 'digits-instant' ? 'digits' : name];
    const model = await loadPretrained(name);
    expect(model.config).toEqual(checkConfig(network));
    expect(model.objective).toBe(trainer.objective);
    // A file of today's format has a checksum, and so no note.
    expect(model.note).toBeUndefined();
    expect([...model.parameters.keys()]).toEqual(listParameters(model.config).parameters.map((p) => p.name));
    const url = new URL(`../../../src/pretrained/${name}.safetensors`, import.meta.url);
    expect(readFileSync(url).length).toBeLessThan(780_000);
  },
);

test('the enlarger is a network like pictures, of 64 pixels, and none to sample from', async () => {
  const { config, objective, parameters } = await loadPretrained('enlarger');
  expect(config).toEqual(checkConfig({ ...recipes.pictures.network, height: 64, width: 64 }));
  expect(objective).toBe('flow');
  expect([...parameters.keys()]).toEqual(listParameters(config).parameters.map((p) => p.name));
  expect(pretrainedNames).not.toContain('enlarger');
});

test('loadPretrained refuses an unknown name, and lists the known ones', async () => {
  await expect(loadPretrained('letters' as PretrainedName)).rejects.toThrow(
    'there are tutorial, digits, digits-instant, pictures',
  );
});

test('digits-instant is distilled from digits, to two calls', async () => {
  const { parameters } = await loadPretrained('digits');
  expect(await loadPretrained('digits-instant')).toMatchObject({
    sampling: { method: 'euler', steps: 2, guidance: 1, calls: 2 },
    teacher: hashOfNumbers(...parameters.values()),
  });
});

test('loadPretrained stops when it is aborted', async () => {
  await expect(loadPretrained('digits', { signal: AbortSignal.abort('stop') })).rejects.toBe('stop');
});
