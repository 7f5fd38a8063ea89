/** Every call of a device fails once, in every way there is. */
import { requestDevice } from '../../src/gpu/request_device';
import { nodeGpu } from '../../src/node/dawn';
import {
  callsOf,
  callsOfMaking,
  deeds,
  failEach,
  failMaking,
  firstCheckpoint,
  hurry,
  loseEach,
  type Result,
  setUp,
  type World,
} from '../lib/call_failures';
import { FailingDevice, failuresOf, lossesOf } from '../lib/failing_device';
import { all, type Row } from './row';

const request = async () => (await requestDevice(await nodeGpu())).device;

function figure({ failures, faults }: Result): string {
  if (faults.length > 0) throw new Error(`${faults.length} faults:\n${faults.join('\n')}`);
  return all(failures, failures, ' typed, then the same bits');
}

interface Prepared {
  readonly failing: FailingDevice;
  readonly world: World;
  readonly checkpoint: Uint8Array;
}

/** Does `work` with a device of its own, which ends with it. */
async function prepared<T>(work: (given: Prepared) => Promise<T>): Promise<T> {
  const failing = new FailingDevice(await request());
  try {
    const world = await setUp(failing.device);
    return await work({ failing, world, checkpoint: await firstCheckpoint(world) });
  } finally {
    failing.device.destroy();
  }
}

async function inHurry(work: (given: Prepared) => Promise<string>): Promise<string> {
  const undo = hurry();
  try {
    return await prepared(work);
  } finally {
    undo();
  }
}

const doing = Object.keys(deeds).map(
  (deed): Row => ({
    name: `calls that fail: ${deed}`,
    run: () =>
      inHurry(async ({ failing, world, checkpoint }) =>
        figure(await failEach(failing, world, deed, checkpoint)),
      ),
  }),
);

const making = ['', ', with the self-check'].map(
  (how): Row => ({
    name: `calls that fail: engine, network, data set, trainer, sampler${how}`,
    run: () =>
      // An engine that stays keeps the device's pipelines, which are then made quickly.
      inHurry(async ({ failing }) => {
        const checks = how !== '';
        return figure(await failMaking(failing, failuresOf(await callsOfMaking(failing, checks)), checks));
      }),
  }),
);

const losses = ['a training step', 'a run of sampling'].map(
  (deed): Row => ({
    name: `calls during which the device is lost: ${deed}`,
    run: () =>
      prepared(async ({ failing, world, checkpoint }) => {
        const planned = lossesOf(await callsOf(failing, world, deed, checkpoint));
        const { failures, faults } = await loseEach(request, planned, deed);
        if (faults.length > 0) throw new Error(faults.join('\n'));
        return all(failures, failures, ' typed');
      }),
  }),
);

export const calls: readonly Row[] = [...doing, ...making, ...losses];
