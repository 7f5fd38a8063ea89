/** Drivers that treat kernels badly, shader by shader. */
import { requestDevice } from '../../src/gpu/request_device';
import { nodeGpu } from '../../src/node/dawn';
import { digits, tutorial } from '../lib/checked_networks';
import { delayEach } from '../lib/hostile/late';
import {
  healthyVisit,
  onCard,
  onSoftware,
  type Place,
  type Result,
  refuseEach,
  updateEach,
} from '../lib/hostile/rows';
import { all, type Row } from './row';

const threes = { ...digits, config: { ...digits.config, kernelSize: 3 } };

const places: Readonly<Record<string, Place>> = {
  ...{ 'tutorial, software': onSoftware(tutorial), 'tutorial, GPU': onCard(tutorial) },
  ...{ 'digits, software': onSoftware(digits), 'digits, GPU': onCard(digits) },
  ...{ 'digits-3x3, software': onSoftware(threes), 'digits-3x3, GPU': onCard(threes) },
};

type Healthy = Awaited<ReturnType<typeof healthyVisit>>;

/** A row for each place: what comes of all `rowsOf` it, after a visit without faults. */
const everywhere = <R>(
  name: string,
  rowsOf: (healthy: Healthy) => readonly R[],
  each: (device: GPUDevice, place: Place, healthy: Healthy, rows: readonly R[]) => Promise<Result>,
): readonly Row[] =>
  Object.entries(places).map(([where, place]) => ({
    name: `hostile: ${name}, ${where}`,
    async run() {
      const { device } = await requestDevice(await nodeGpu());
      const healthy = await healthyVisit(device, place);
      const rows = rowsOf(healthy);
      const { complaints, trained, ended } = await each(device, place, healthy, rows);
      device.destroy();
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
      return all(
        rows.length,
        rows.length,
        `: ${trained} trained with other forms, ${ended} ended in an error`,
      );
    },
  }));

const late = (name: string, never: boolean) =>
  everywhere(
    name,
    ({ asked }) =>
      asked.flatMap((shader) => [false, true].map((remembered) => ({ shader, remembered, never }))),
    delayEach,
  );

/** Groups of rows, each of 6 to 28 minutes. */
export const hostile: Readonly<Record<string, readonly Row[]>> = {
  'hostile refused': everywhere(
    'each shader is refused',
    ({ asked }) => asked.flatMap((shader) => [false, true].map((remembered) => ({ shader, remembered }))),
    refuseEach,
  ),
  'hostile late': late('each shader is late', false),
  'hostile never': late('each shader never comes', true),
  'hostile updated': everywhere(
    'each shader is wrong after an update',
    ({ used }) => used.flatMap((shader) => [true, false].map((told) => ({ shader, told }))),
    updateEach,
  ),
};
