/** A device that its owner destroys while the engine works on it: one error, and nothing told to the owner. */
import { expect, test } from 'vitest';
import { mainlyIn, testGpu } from '../lib/gpu';
import { createWorld, subjects } from '../lib/subjects';

await testGpu();

const codeOf = (work: Promise<unknown>) => work.catch(({ code }) => code);

test.each([
  ['createEngine', ['onSubmittedWorkDone']],
  ['engine.createUNet', ['createBuffer', 'writeBuffer']],
  ['engine.createTrainer', ['createBuffer', 'createBindGroup', 'createComputePipelineAsync']],
  ['trainer.step', ['submit', 'setBindGroup', 'mapAsync', 'beginComputePass']],
  ['sampler.sample', ['submit']],
])('a lost device is one typed error in %s', mainlyIn('node', 'firefox'), async (name, calls) => {
  // The first call of each kind, and one in the middle of many.
  for (const call of calls)
    for (const nth of /BindGroup|Pipeline/.test(call) ? [0, 3] : [0]) {
      const world = await createWorld();
      const made = await subjects[name].make(world);
      const { failing } = world;
      failing.watch({ name: call, nth, failure: 'lost' });
      const error = await codeOf(made.use());
      // What is made may be there before the browser says that its device is lost.
      if (!name.startsWith('engine.create')) expect(error, `${call} ${nth}`).toBe('device-lost');
      await failing.device.lost;
      expect({
        unwatch: failing.unwatch(),
        openScopes: failing.openScopes,
        uncaught: failing.uncaught,
      }).toEqual({ unwatch: true, openScopes: 0, uncaught: [] });
      expect(await codeOf(made.use())).toBe('device-lost');
    }
});
