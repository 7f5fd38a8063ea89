/** A device that its owner destroys while the engine works on it: one error, and nothing told to the owner. */
import { expect, test } from 'vitest';
import { requestDevice } from '../../src/gpu/request_device';
import { loseEach } from '../lib/call_failures';
import type { Planned } from '../lib/failing_device';
import { mainlyIn, testGpu } from '../lib/gpu';

await testGpu();

const request = async () => (await requestDevice()).device;

/** The first call of each kind, and one in the middle of many. */
const moments = (names: readonly string[]): Planned[] =>
  names.flatMap((name) => {
    const isOften = /^create|^writeBuffer|^setBindGroup/.test(name);
    return (isOften ? [0, 9] : [0]).map((nth) => ({ name, nth, failure: 'lost' as const }));
  });

test.each([
  [
    'engine, network, data set, trainer and sampler are made',
    ['createBuffer', 'writeBuffer', 'createBindGroup', 'createComputePipelineAsync', 'onSubmittedWorkDone'],
    undefined,
  ],
  ['a trainer trains', ['submit', 'setBindGroup', 'mapAsync', 'beginComputePass'], 'a training step'],
  ['a sampler samples', ['submit'], 'a run of sampling'],
])('a lost device is one typed error while %s', mainlyIn('node', 'firefox'), async (_, names, deed) => {
  const planned = moments(names);
  expect(await loseEach(request, planned, deed)).toEqual({ failures: planned.length, faults: [] });
});
