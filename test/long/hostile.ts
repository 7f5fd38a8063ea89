/** Drivers that treat kernels badly, shader by shader. */
import { requestDevice } from '../../src/gpu/request_device';
import { nodeGpu } from '../../src/node/dawn';
import { digits, tutorial } from '../checked_networks';
import { healthyVisit, onCard, onSoftware, refuseEach } from '../hostile/refused';
import { all, type Row } from './row';

const threes = { ...digits, config: { ...digits.config, kernelSize: 3 } };

export const hostile: readonly Row[] = Object.entries({
  ...{ 'tutorial, software': onSoftware(tutorial), 'tutorial, GPU': onCard(tutorial) },
  ...{ 'digits, software': onSoftware(digits), 'digits, GPU': onCard(digits) },
  ...{ 'digits-3x3, software': onSoftware(threes), 'digits-3x3, GPU': onCard(threes) },
}).map(([name, place]) => ({
  name: `hostile: each shader is refused, ${name}`,
  async run() {
    const { device } = await requestDevice(await nodeGpu());
    const healthy = await healthyVisit(device, place);
    const rows = healthy.asked.flatMap((shader) =>
      [false, true].map((remembered) => ({ shader, remembered })),
    );
    const { complaints, trained, ended } = await refuseEach(device, place, healthy, rows);
    device.destroy();
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
    return all(rows.length, rows.length, `: ${trained} trained with other forms, ${ended} ended in an error`);
  },
}));
