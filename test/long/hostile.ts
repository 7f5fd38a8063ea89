/** Drivers that treat kernels badly, shader by shader. */
import { requestDevice } from '../../src/gpu/request_device';
import { nodeGpu } from '../../src/node/dawn';
import { digits, tutorial } from '../checked_networks';
import { delayEach } from '../hostile/late';
import { healthyVisit, onCard, onSoftware, type Place, type Result, refuseEach } from '../hostile/refused';
import { all, type Row } from './row';

const threes = { ...digits, config: { ...digits.config, kernelSize: 3 } };

const places: Readonly<Record<string, Place>> = {
  ...{ 'tutorial, software': onSoftware(tutorial), 'tutorial, GPU': onCard(tutorial) },
  ...{ 'digits, software': onSoftware(digits), 'digits, GPU': onCard(digits) },
  ...{ 'digits-3x3, software': onSoftware(threes), 'digits-3x3, GPU': onCard(threes) },
};

type Healthy = Awaited<ReturnType<typeof healthyVisit>>;
type Visit = { readonly shader: string; readonly remembered: boolean };

/** What may become of each shader, at a first visit and at a later one. */
const FAULTS: Readonly<
  Record<
    string,
    (device: GPUDevice, place: Place, healthy: Healthy, rows: readonly Visit[]) => Promise<Result>
  >
> = {
  'is refused': refuseEach,
  'is late': (device, place, healthy, rows) =>
    delayEach(
      device,
      place,
      healthy,
      rows.map((row) => ({ ...row, never: false })),
    ),
  'never comes': (device, place, healthy, rows) =>
    delayEach(
      device,
      place,
      healthy,
      rows.map((row) => ({ ...row, never: true })),
    ),
};

export const hostile: readonly Row[] = Object.entries(FAULTS).flatMap(([fault, tryEach]) =>
  Object.entries(places).map(([name, place]) => ({
    name: `hostile: each shader ${fault}, ${name}`,
    async run() {
      const { device } = await requestDevice(await nodeGpu());
      const healthy = await healthyVisit(device, place);
      const rows = healthy.asked.flatMap((shader) =>
        [false, true].map((remembered) => ({ shader, remembered })),
      );
      const { complaints, trained, ended } = await tryEach(device, place, healthy, rows);
      device.destroy();
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
      return all(rows.length, rows.length, `: ${trained} trained, ${ended} ended in an error`);
    },
  })),
);
