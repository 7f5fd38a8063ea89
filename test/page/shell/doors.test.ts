/** The doors and the leads: which view a link opens, with which settings, and where the focus goes. No browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  initialSettings,
  parseQuery,
  type Settings,
  type Task,
  withSetting,
} from '../../../harness/page/messages/settings';
import { connectDoors, connectLeads, type View } from '../../../harness/page/shell/doors';
import { markup } from '../../lib/page/markup';
import { StandIn, standIns } from '../../lib/page/stand_ins';

class Fake extends StandIn {
  readonly id: string;
  override dataset: Record<string, string> = {};
  scrollIntoView = vi.fn();
  hasAttribute = (name: string) => this.attributes.has(name);
  constructor(id: string) {
    super();
    this.id = id;
  }
  override contains(other?: Fake) {
    return this.id === 'doors' && /^(tab|door)-/.test(other!.id);
  }
  override closest() {
    return this;
  }
  focus() {
    focused = this;
  }
  /** Returns whether the browser does not follow the link. */
  override click(keys: object = {}) {
    const event = { target: this, preventDefault: vi.fn(), ...keys };
    this.fire('click', event);
    for (const listen of onDocument) listen(event);
    return event.preventDefault.mock.calls.length > 0;
  }
}

let focused: Fake;
let onDocument: ((event: unknown) => void)[];
let elements: Map<string, Fake>;
const element = (id: string) => {
  const made = elements.get(id) ?? new Fake(id);
  elements.set(id, made);
  return made;
};

beforeEach(() => {
  focused = new Fake('body');
  onDocument = [];
  elements = new Map();
  standIns('');
  for (const name of ['Element', 'HTMLElement', 'HTMLAnchorElement']) vi.stubGlobal(name, Fake);
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => draw());
  vi.stubGlobal('document', {
    getElementById: (id: string) => (markup.includes(` id="${id}"`) ? element(id) : null),
    addEventListener: (_: string, listener: (event: unknown) => void) => onDocument.push(listener),
    get activeElement() {
      return focused;
    },
  });
});
afterEach(() => vi.unstubAllGlobals());

/** The attributes of the page's links that lead on, by their ids. */
const leads = new Map(
  [...markup.matchAll(/<a\s[^>]*data-lead="[^>]*>/g)].map(([tag]) => {
    const of = (name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
    return [of('id'), { search: of('href').replaceAll('&amp;', '&'), to: of('data-lead') }] as const;
  }),
);

test.each([
  // The first digits lead to the scene that says how they come about.
  ['make-why', { task: 'explain', scene: 3 }, ''],
  ['train-play', { task: 'sample', model: 'run' }, 'text'],
  ['train-explain', { task: 'explain', scene: 3, model: 'run' }, ''],
  ['train-nearest', { task: 'train' }, 'find-nearest'],
  ['train-write', { task: 'sample', model: 'run' }, 'text'],
  ['train-teach', { task: 'draw' }, 'teach-title'],
  ['teach-hand', { task: 'draw' }, 'teach-title'],
  ['train-own', { task: 'train' }, 'data-about'],
  ['train-compare', { task: 'sample', left: 'pretrained', right: 'run' }, 'compare'],
] as const)('the link %s leads to %j', (id, expected, to) => {
  const { search, to: named } = leads.get(id)!;
  expect(named).toBe(to);
  expect(parseQuery(search)).toMatchObject({ settings: expected, notices: [] });
  let settings: Settings = initialSettings;
  const views: Task[] = [];
  connectLeads((key, text) => {
    settings = withSetting(settings, key, text).settings!;
    if (key === 'task') views.push(settings.task);
    // Settings come before the view that they are for.
    else expect(views).toEqual([]);
  });
  const link = Object.assign(element(id), { search, dataset: { lead: named } });
  for (const key of ['ctrlKey', 'metaKey', 'shiftKey', 'altKey'])
    expect(link.click({ [key]: true }), key).toBe(false);
  expect(views).toEqual([]);
  expect(link.click()).toBe(true);
  expect(settings).toMatchObject(expected);
  expect(views).toEqual([expected.task]);
  expect(focused.id).toBe(to || 'body');
});

/** The doors, with the view that is open, and the views that were chosen. */
function opened() {
  const chosen: Task[] = [];
  const doors = connectDoors((task) => chosen.push(task));
  const show = (view: View | undefined) => doors.show(view, (other) => `?task=${other}`);
  return { chosen, show };
}
const current = () =>
  [...elements.values()]
    .filter(({ attributes }) => attributes.has('aria-current'))
    .map(({ id, attributes }) => `${id} ${attributes.get('aria-current')}`)
    .toSorted();

test('a door opens the view that was last open behind it, and marks the open view', () => {
  const { chosen, show } = opened();
  show(undefined);
  expect(current()).toEqual([]);
  expect(element('door-learn').href).toBe('?task=explain');
  show('inside');
  expect(current()).toEqual(['door-learn true', 'tab-inside page']);
  expect(element('panel-inside').hidden).toBe(false);
  expect(element('panel-explain').hidden).toBe(true);
  expect([element('views-learn').hidden, element('views-play').hidden]).toEqual([false, true]);
  show('train');
  expect(current()).toEqual(['tab-train page']);
  expect(element('door-learn').href).toBe('?task=inside');
  element('door-learn').click();
  element('tab-gpu').click();
  element('tab-draw').click();
  element('tab-train').click({ shiftKey: true });
  expect(chosen).toEqual(['inside', 'gpu', 'draw']);
});

test('the focus follows a view that changes, and stays where the user moves it meanwhile', () => {
  const { show } = opened();
  show('sample');
  element('tab-sample').focus();
  show('draw');
  expect(focused.id).toBe('tab-draw');
  element('door-learn').focus();
  show('draw');
  expect(focused.id).toBe('door-learn');
  show('explain');
  expect(focused.id).toBe('door-learn');
  // Elsewhere on the page it is not touched.
  element('text').focus();
  show('sample');
  expect(focused.id).toBe('text');
});
