import { describe, expect, test } from 'vitest';
import {
  initialFor,
  initialSettings,
  type Key,
  keys,
  pageRecipes,
  parseQuery,
  settings,
  settingsFromRun,
  settingText,
  textOfPictures,
  toQuery,
  withPictures,
  withRecipe,
  withSetting,
} from '../../../harness/page/messages/settings';
import { doorFor } from '../../../harness/page/shell/doors';
import { checkConfig, presets, type UNetConfig } from '../../../src/unet/config';

describe('the address', () => {
  test('no query gives the settings of the digits, which make no query', () => {
    expect(parseQuery('')).toEqual({ settings: initialSettings, notices: [] });
    expect(toQuery(initialSettings)).toBe('');
  });

  test.each([
    ['', 'train', 'train', { recipe: 'digits', batch: 64, lr: 0.003, epochs: 6 }],
    [
      '?recipe=tutorial&lr=0.01&seed=7&widths=8,8',
      'train',
      'train',
      { batch: 256, lr: 0.01, widths: [8, 8] },
    ],
    ['?recipe=pictures', 'train', 'train', { recipe: 'pictures', batch: 64, epochs: 12, guidance: 1.5 }],
    [
      '?begin=pretrained&minutes=3&holdout=50',
      'train',
      'train',
      { begin: 'pretrained', minutes: 3, holdout: 50 },
    ],
    ['?task=sample&text=2026&calls=2&noise=9&across=37.5', 'sample', 'play', { text: '2026', across: 37.5 }],
    ['?task=draw&ask=fill&drawnClass=3&level=45', 'draw', 'play', { ask: 'fill', drawnClass: 3, level: 45 }],
    ['?task=inside', 'inside', 'learn', {}],
    ['?task=explain&scene=3', 'explain', 'learn', { scene: 3 }],
    ['?task=check&kernel=conv2d', 'check', 'gpu', { kernel: 'conv2d' }],
    [
      '?task=bench&benchBatch=64,256&benchSize=28&kernel=conv2d*',
      'bench',
      'gpu',
      { benchBatch: [64, 256], benchSize: [28] },
    ],
    ['?task=gpu', 'gpu', 'gpu', {}],
  ] as const)('%j opens the view %s, behind the door %s', (query, task, door, expected) => {
    const { settings: read, notices } = parseQuery(query);
    expect(notices).toEqual([]);
    expect(read).toMatchObject({ task, ...expected });
    expect(doorFor(read.task)).toBe(door);
    expect(parseQuery(toQuery(read)).settings).toEqual(read);
  });

  test('the recipe may stand anywhere among the settings', () => {
    const first = parseQuery('?recipe=tutorial&lr=0.003&batch=16').settings;
    expect(first).toMatchObject({ recipe: 'tutorial', lr: 0.003, batch: 16, samples: 64 });
    expect(parseQuery('?lr=0.003&batch=16&recipe=tutorial').settings).toEqual(first);
    // Which is where the other recipe begins, and so must be said.
    expect(toQuery(first)).toBe('?recipe=tutorial&batch=16&lr=0.003');
  });

  test('another recipe brings its own settings, and keeps the ones that the user set', () => {
    const chosen = withSetting({ ...initialSettings, batch: 16, seed: 7 }, 'recipe', 'tutorial').settings!;
    const its = { recipe: 'tutorial', lr: 0.001, samples: 64, epochs: 5 };
    expect(chosen).toMatchObject({ ...its, batch: 16, seed: 7 });
    expect(withRecipe(chosen, 'digits')).toEqual({ ...initialSettings, batch: 16, seed: 7 });
    expect(withRecipe({ ...initialSettings, lr: 0.01 }, 'tutorial').lr).toBe(0.01);
  });

  test('every setting is written and read back at its initial value', () => {
    for (const initial of pageRecipes.map(initialFor)) {
      for (const key of keys) {
        const text = settingText(key, initial);
        expect(settings[key].parse(text), key).toEqual(initial[key]);
      }
    }
  });

  test('unknown settings are left out, with a notice', () => {
    const { settings: read, notices } = parseQuery('?batchsize=3&__proto__=1&constructor=1');
    expect(read).toEqual(initialSettings);
    expect(notices).toHaveLength(3);
    expect(notices[0]).toContain('no setting batchsize');
  });

  test('a value that is not legal is left out, and the notice says what is legal and what is used', () => {
    const { settings: read, notices } = parseQuery('?batch=0&epochs=7');
    expect(read.batch).toBe(64);
    expect(read.epochs).toBe(7);
    expect(notices).toEqual(['batch is 0; it must be a whole number from 1 to 8,192. The page uses 64.']);
    // What the page had once.
    const { settings: usual, notices: went } = parseQuery('?recipe=digits-3x3&data=letters');
    expect(usual).toEqual(initialSettings);
    expect(went).toEqual([
      'recipe is digits-3x3; it must be one of digits, pictures, tutorial. The page uses digits.',
      expect.stringContaining('no setting data'),
    ]);
  });

  test('a setting that comes twice counts once, and notices stay short, whatever the address', () => {
    const long = 'x'.repeat(10_000);
    const { settings: read, notices } = parseQuery(`?batch=8&batch=16&${long}=1&lr=${long}`);
    expect({ batch: read.batch, noticesCount: notices.length }).toEqual({ batch: 8, noticesCount: 3 });
    for (const notice of notices) expect(notice.length).toBeLessThan(200);
  });

  test('a checkpoint brings its own settings, if the page can show them', () => {
    const given = { seed: 1, batchSize: 4, learningRate: 0.01, epochs: 3, limit: 16 };
    const config = checkConfig({ widths: [8, 16] });
    const saved = { settings: given, config, objective: 'tutorial', data: { count: 16 } } as const;
    expect(settingsFromRun(saved, 'c')).toEqual({
      recipe: 'tutorial',
      seed: 1,
      batch: 4,
      lr: 0.01,
      epochs: 3,
      limit: 16,
      widths: [8, 16],
      holdout: 'auto',
      enlarge: 'auto',
    });
    const smooth = { ...saved, settings: { ...given, enlarge: 'smooth' } } as const;
    expect(settingsFromRun(smooth, 'c')).toMatchObject({ enlarge: 'smooth' });
    const recipe = (own: UNetConfig) =>
      settingsFromRun({ ...saved, objective: 'flow', config: checkConfig(own) }, 'c').recipe;
    expect(recipe(config)).toBe('digits');
    expect(recipe({ ...presets.pictures, channels: 1 })).toBe('pictures');
    // Of a network that is no recipe's, the objective says which is nearest. The second one made the recipe digits-3x3 once.
    expect(recipe({ ...presets.digits, kernelSize: 7 })).toBe('digits');
    const threes = { kernelSize: 3, convolutionsPerLevel: [1, 2, 3], residual: true };
    expect(recipe({ ...presets.digits, ...threes })).toBe('digits');
    // The last images of those that it was limited to were held out: as many as usual, or not.
    const heldOut = (objective: 'tutorial' | 'flow', count: number, held?: number) =>
      settingsFromRun(
        { ...saved, objective, settings: { ...given, limit: undefined, holdout: held }, data: { count } },
        'c',
      );
    expect(heldOut('tutorial', 12, 4)).toMatchObject({ limit: 0, holdout: 4 });
    expect(heldOut('flow', 9000, 1000)).toMatchObject({ limit: 0, holdout: 'auto' });
    expect(heldOut('flow', 10_000)).toMatchObject({ limit: 0, holdout: 0 });
    expect(heldOut('flow', 60)).toMatchObject({ limit: 0, holdout: 'auto' });
    const large = { ...given, batchSize: 65_536 };
    expect(() => settingsFromRun({ ...saved, settings: large }, 'c.safetensors')).toThrow(
      'c.safetensors cannot go on here: batch is 65536; it must be a whole number from 1 to 8,192. The command line takes it',
    );
  });

  test.each<[Key, string]>([
    ['batch', '|-1|1.5|1e3|NaN|Infinity| |8193|0x10|<b>|١٦'],
    ['benchBatch', '0|8193|abc|1,|1,2,3,4,5,6,7,8,9'],
    ['benchSize', '0|1025'],
    ['recipe', '|Digits|flow|constructor'],
    ['model', '|file|constructor'],
    ['count', '0|257|abc'],
    ['digit', '|-1|255|1.5|All|constructor'],
    ['drawnClass', '|255|any'],
    ['text', 'a'.repeat(501)],
    ['guidance', '|0.75|4.25|2.1|NaN|Infinity'],
    ['method', '|mix|Euler'],
    ['lr', '|0|-0.1|1.1|NaN|Infinity|1e-9|0,1|1e999'],
    ['seed', '-1|4294967296|1.0'],
    ['widths', '|,|32,|32,,64|0|32 64|1,2,3,4,5,6,7,8,9|2000|3.5'],
    ['calls', '|3|6|02|auto'],
    ['left', '2|calls-3|guidance|Run'],
    ['across', '|-1|100.5|half'],
    ['steps', '0|1001'],
    ['task', '|Train|constructor'],
    ['size', '|own|12|30|36|48|64'],
    ['enlarge', '|64|Smooth|constructor'],
    ['tune', '|1|On|constructor'],
    ['autorun', 'true|yes|2'],
    ['kernel', `<img>|${'a'.repeat(61)}|a/b`],
  ])('the setting %s refuses each of %s', (key, texts) => {
    for (const text of texts.split('|'))
      expect(withSetting(initialSettings, key, text).problem, text).toContain('must be');
  });

  test.each<[Key, string, unknown]>([
    ['batch', ' 16 ', 16],
    ['lr', '1e-3', 0.001],
    ['widths', '32, 64', [32, 64]],
    ['limit', '0', 0],
    ['steps', '', 0],
    ['down', '.5', 0.5],
    ['size', '32', 32],
    ['size', 'auto', 0],
    ['digit', ' 7 ', 7],
    ['digit', 'all', 'all'],
    ['text', ' make 20 26 ', '2026'],
    ['text', ' cat, dog', 'cat, dog'],
    ['guidance', '3.50', 3.5],
  ])('the setting %s takes %j as %j', (key, text, value) => {
    expect(withSetting(initialSettings, key, text).settings?.[key]).toEqual(value);
  });
});

test('the picture settings of a kept run are the noted ones, read back from their text', () => {
  const chosen = { ...initialSettings, size: 24, fit: 'fit', ink: 'dark' } as const;
  expect(withPictures(initialSettings, textOfPictures(chosen))).toEqual(chosen);
  expect(withPictures(chosen, textOfPictures(initialSettings))).toEqual(initialSettings);
  // Sizes that the page has no more.
  for (const noted of ['size=64&fit=fit', 'size=own&fit=fit'])
    expect(withPictures(initialSettings, noted)).toEqual({ ...initialSettings, fit: 'fit' });
});
