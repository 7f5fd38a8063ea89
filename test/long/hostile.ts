/** Drivers that treat kernels badly, shader by shader. */
import { requestDevice } from '../../src/gpu/request_device';
import { nodeGpu } from '../../src/node/dawn';
import { digits, digits3x3, tutorial } from '../lib/checked_networks';
import { each, healthyVisit, onCard, onSoftware, type Row as Planted, tryRows } from '../lib/hostile/rows';
import { all, type Row } from './row';

const places = Object.entries({ tutorial, digits, 'digits, 3x3 kernels': digits3x3 }).flatMap(
  ([name, network]) =>
    [
      [`${name}, software`, onSoftware(network)],
      [`${name}, GPU`, onCard(network)],
    ] as const,
);

/** A row for each place: what comes of a fault in each shader, with checks remembered and not, after a visit without faults. */
const everywhere = (name: string, fault: Planted['fault']): readonly Row[] =>
  places.map(([where, place]) => ({
    name: `hostile: ${name}, ${where}`,
    async run() {
      const { device } = await requestDevice(await nodeGpu());
      const healthy = await healthyVisit(device, place);
      const rows = [false, true].flatMap((remembered) => each(healthy.asked, [fault], remembered));
      const { complaints, trained, ended } = await tryRows(device, place, healthy, rows);
      device.destroy();
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
      const what = `: ${trained} trained with other forms, ${ended} ended in an error`;
      return all(rows.length, rows.length, what);
    },
  }));

/** Groups of rows, each of 6 to 28 minutes. */
export const hostile: Readonly<Record<string, readonly Row[]>> = {
  'hostile refused': everywhere('each shader is refused', 'refused'),
  'hostile late': everywhere('each shader is late', 'late'),
  'hostile never': everywhere('each shader never comes', 'never'),
};
