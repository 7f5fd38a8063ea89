/** The runs in the table, the curve of one, and what the browser remembers of them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nothingMeasured } from '../../../harness/page/messages/measurements';
import { initialFor } from '../../../harness/page/messages/settings';
import { drawingsOfText, textOfDrawings } from '../../../harness/page/runs/kept_drawings';
import { LossHistory } from '../../../harness/page/runs/losses';
import {
  keepNotes,
  type RunNotes,
  readMeasurements,
  readNotes,
  writeNotes,
} from '../../../harness/page/runs/run_notes';
import { initialState } from '../../../harness/page/shell/state';
import {
  curveColumns,
  linearRange,
  logRange,
  readCurves,
  xEnd,
} from '../../../harness/page/train/curve_data';
import { keptRow, neededData, ownRow, pastRow, runCells } from '../../../harness/page/train/runs';
import type { StoredRun } from '../../../src/keeping/store';
import { presets } from '../../../src/unet/config';
import { standInStorage } from '../../lib/page/stand_ins';

const point = { step: 2, loss: 0.25, bins: [0.25, null], images: 4 };
const share = { step: 2, accepted: 0.5, samples: 100, real: 0.98 };
const measured = {
  ...nothingMeasured,
  heldOut: [point],
  quality: [share],
  clock: { run: 61, press: 61, heldOutShare: 0.01, qualityShare: 0.02 },
};
const now = new Date(2026, 10, 26, 18, 5).getTime();
const kept: StoredRun = {
  id: 'a',
  step: 2,
  loss: 0.5,
  losses: Float32Array.of(0.5, 0.5),
  savedAt: now,
  held: false,
  objective: 'flow',
  config: presets.digits,
  settings: { seed: 7, batchSize: 16, learningRate: 0.001, epochs: 3 },
  data: { count: 90, height: 28, width: 28, channels: 1, hash: 'h' } as unknown as StoredRun['data'],
};

describe('the table of runs', () => {
  test.each([
    [{ source: 'mnist' }, {}, 'the digits'],
    [{ source: 'letters' }, { name: 'Letters A to Z' }, 'Letters A to Z'],
    [{ source: 'flags30' }, { name: 'flags30' }, 'flags30'],
    [{ source: '/home/me/garden' }, {}, '/home/me/garden'],
    [{}, { name: 'x'.repeat(500) }, `${'x'.repeat(23)}…`],
    [{}, {}, 'your own images'],
  ])('names a kept run of %j on %j after its images: %s', (of, named, name) => {
    const run = { ...kept, settings: { ...kept.settings, ...of }, data: { ...kept.data, ...named } };
    expect(keptRow(run, undefined, now)).toMatchObject({ name, about: '18:05', sample: undefined });
  });

  test('says when a run was kept, that another tab has it, and which images it needs', () => {
    expect(keptRow(kept, undefined, now + 86_400_000).about).toBe('26 Nov 18:05');
    const held = { held: true, about: '18:05, open in another tab' };
    expect(keptRow({ ...kept, held: true }, undefined, now)).toMatchObject(held);
    const settings = { ...kept.settings, source: '/home/me/garden', limit: 90 };
    const config = { ...presets.digits, conditioning: { noiseLevel: true, classes: 2 } };
    const data = { ...kept.data, name: 'garden', classNames: ['poppy', 'x'.repeat(500)], labels: 'def' };
    const needed = neededData({ ...kept, settings, config, data });
    const asked = `the first 90 images of 28 × 28 from garden (poppy, ${'x'.repeat(23)}…), which`;
    for (const words of [asked, 'with their labels']) expect(needed).toContain(words);
    expect(neededData(kept)).toContain('on 90 images of 28 × 28 from your own images, which');
    const letters = (name: string) =>
      neededData({ ...kept, settings: { ...settings, source: 'letters' }, data: { ...data, name } });
    expect(letters('Letters A to Z')).toContain('They are gone, so it cannot go on.');
    expect(letters('letters')).toContain('from letters (poppy, ');
  });

  test('has a row for the run of the page as soon as it has a step, and one after it is reset', () => {
    const settings = { ...initialFor('digits'), batch: 16, lr: 0.001, seed: 7 };
    expect(ownRow(initialState, settings)).toBeUndefined();
    const state = {
      ...initialState,
      begin: 'pretrained',
      losses: LossHistory.of([0.5, 0.5]),
      measured,
    } as const;
    const row = ownRow(state, settings)!;
    expect(runCells(row)).toEqual(['digits', 'pretrained', '2', '0.5000', '0.2500', '50 %', '1 min 1 s']);
    const past = { key: 'x', where: 'past', name: 'your own images', about: 'reset 18:05' };
    expect(pastRow(row, 'x', now)).toMatchObject(past);
  });

  test('shows the notes of a kept run, and says what is unknown', () => {
    const notes: RunNotes = { heldOut: [point], quality: [share], rates: [], seconds: 61, begin: 'new' };
    const known = ['new weights', '2', '0.5000', '0.2500', '50 %', '1 min 1 s'];
    expect(runCells(keptRow(kept, notes, now)).slice(1)).toEqual(known);
    expect(runCells(keptRow(kept, undefined, now)).slice(1)).toEqual(['–', '2', '0.5000', '–', '–', '–']);
  });
});

describe('the loss curve', () => {
  const curves = {
    losses: [1, Number.NaN, 0.5],
    heldOut: [{ ...point, loss: 0.75 }],
    rates: [],
    batch: 64,
    stepsPerEpoch: 30,
    recipe: 'digits',
  } as const;

  test('has a column for each line, as long as what was measured last', () => {
    const late = { ...curves, heldOut: [...curves.heldOut, { ...point, step: 4 }] };
    const [steps, own, smoothed, held] = curveColumns(late);
    expect(steps).toEqual([1, 2, 3, 4]);
    expect(own).toEqual([1, null, 0.5, null]);
    expect(smoothed.slice(0, 2)).toEqual([1, 1]);
    expect(smoothed[3]).toBeNull();
    expect(held).toEqual([null, 0.75, null, 0.25]);
  });

  test.each([
    [0, { at: 'step 1', each: '1.0000', smoothed: '1.0000', held: '' }],
    [1, { at: 'step 2', each: '', smoothed: '1.0000', held: '0.7500' }],
    [
      2,
      {
        at: 'step 3, rate 0.001',
        each: '0.5000',
        smoothed: curveColumns(curves)[2][2]!.toFixed(4),
        held: '0.7500, step 2',
      },
    ],
    // Beyond the run's own losses, or nowhere.
    [3, { at: '', each: '', smoothed: '', held: '' }],
    [undefined, { at: '', each: '', smoothed: '', held: '' }],
  ])(
    'reads out the point %s: loss, smoothed loss, newest held-out loss, and the rate once that was changed',
    (at, reading) => {
      const changed = { ...curves, rates: [{ step: 2, lr: 0.001 }] };
      expect(readCurves(changed, curveColumns(curves), at)).toEqual(reading);
    },
  );

  test('has axes that show all of its lines', () => {
    const columns = curveColumns(curves);
    expect(linearRange(columns, curves)).toEqual([0, 1]);
    expect(logRange(columns)).toEqual([0.5, 1]);
    const low = { ...curves, losses: [0.1, 0.1] };
    expect(linearRange(curveColumns(low), low)).toEqual([0, 0.8]);
    // A high start that was long ago for steps of 256 images was not for steps of 64.
    for (const [batch, top] of [
      [256, 0.8],
      [64, 5],
    ]) {
      const losses = [5, ...Array(300).fill(0.2)];
      const long = { ...curves, losses, batch };
      expect(linearRange(curveColumns(long), long)[1]).toBeCloseTo(top, 1);
    }
    expect(xEnd(curves, 4)).toBe(20);
    expect(xEnd(curves, 40)).toBe(40);
  });
});

describe('the notes of a run', () => {
  let stored: Record<string, string>;
  beforeEach(() => {
    stored = standInStorage();
  });
  afterEach(() => vi.unstubAllGlobals());

  test('are there when the run is continued, and are deleted with it', () => {
    writeNotes('a', measured);
    writeNotes('b', nothingMeasured);
    expect(readMeasurements('a')).toEqual({
      ...nothingMeasured,
      heldOut: [point],
      quality: [share],
      secondsBefore: 61,
    });
    expect(readMeasurements('c')).toEqual(nothingMeasured);
    keepNotes(['b']);
    expect(Object.keys(readNotes())).toEqual(['b']);
  });

  test('keep what the run began with and its drawings, however often the run is measured', () => {
    const image = (first: number) => Uint8Array.from({ length: 784 }, (_, i) => (first + i) % 256);
    const drawings = [7, 0].map((digit) => ({ digit, image: image(digit) }));
    const texts = {
      drawings: textOfDrawings(drawings),
      pictures: 'size=16&fit=fit&ink=auto',
      sample: 'AA==',
    };
    const noted = { begin: 'pretrained', ...texts } as const;
    writeNotes('a', nothingMeasured, noted);
    writeNotes('a', measured);
    expect(readNotes().a).toMatchObject({ ...noted, heldOut: [point] });
    expect(drawingsOfText(noted.drawings)).toEqual(drawings);
    expect(Object.keys(readMeasurements('a')).sort()).toEqual(Object.keys(nothingMeasured).sort());
  });

  test.each([
    ['nothing', ''],
    ['no base64', '%'],
    ['a digit that is none', btoa('\xff'.repeat(785))],
  ])('have no drawings where their text is %s', (_, text) => {
    expect(drawingsOfText(text)).toBeUndefined();
  });

  test.each([
    ['no JSON', '{'],
    ['a list', '[1]'],
    [
      'points without bins',
      '{"a":{"heldOut":[{"step":1,"loss":1,"images":1}],"quality":[],"rates":[],"seconds":1}}',
    ],
    ['another beginning', '{"a":{"heldOut":[],"quality":[],"rates":[],"seconds":1,"begin":"x"}}'],
    ['pictures that are no text', '{"a":{"heldOut":[],"quality":[],"rates":[],"seconds":1,"pictures":16}}'],
  ])('are ignored where the storage holds %s', (_, text) => {
    stored['webgpu-diffusion-run-notes'] = text;
    expect(readNotes()).toEqual({});
    writeNotes('a', measured);
    expect(readNotes().a.heldOut).toEqual([point]);
  });

  test('are empty where the browser stores nothing', () => {
    vi.stubGlobal('localStorage', {
      getItem: () => {
        throw new Error('denied');
      },
    });
    writeNotes('a', measured);
    expect(readMeasurements('a')).toEqual(nothingMeasured);
  });
});
